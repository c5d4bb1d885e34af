import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { type ObjectStore, Objm } from "@nats-io/obj";
import { UserError } from "../base/errors.ts";
import { type Nats, natsError } from "./nats-connection.ts";

/** What a pair is called, as a part of the names of streams and subjects. */
const PAIR_NAME = /^[A-Za-z0-9_-]{1,40}$/;

const MIB = 2 ** 20;
const SECOND_NS = 1e9;
/** The log holds a window (4 MiB) and what has not been purged yet; a member that is away for longer is no member any more. */
const MOST_LOG_BYTES = 64 * MIB;
const LOG_KEPT_NS = 600 * SECOND_NS;
/** Somebody types, or a network sends, faster than the guest reads: the server refuses more than that. */
const MOST_INPUT_BYTES = 16 * MIB;
/** What was said is there for whoever reads it, a day after the run was over: as long as it goes on, the newest tells how much there was. */
const MOST_OUTPUT_BYTES = 128 * MIB;
const OUTPUT_KEPT_NS = 86_400 * SECOND_NS;
/** Pages are asked for a mebibyte at a time, and purged when they have arrived. */
const MOST_PAGES_BYTES = 128 * MIB;
const PAGES_KEPT_NS = 600 * SECOND_NS;
/** An arbiter that has not answered by then is asked anew. */
export const ANSWER_MS = 500;

/** Streams, buckets and subjects of one pair at a NATS server. */
export interface PairPlace {
  readonly pair: string;
  readonly bucket: string;
  readonly pages: string;
  /** The stream behind the object store. */
  readonly pagesStream: string;
  readonly log: string;
  readonly inputs: string;
  readonly outputs: string;
  /** Who runs what, and who may join. */
  readonly ask: string;
  readonly inputSubject: string;
  outputSubject(run: string): string;
  logSubject(session: string): string;
  /** Frames that are not kept: signs of life, acknowledgements, references to pages. */
  liveSubject(session: string, to: "primary" | "secondary"): string;
}

export function pairPlace(pair: string): PairPlace {
  if (!PAIR_NAME.test(pair)) {
    throw new UserError("pair-name", `"${pair}" is no name of a pair: letters, digits, - and _, at most 40.`, 2);
  }
  const [name, subject] = [`HINDCAST_PAIR_${pair}`, `hindcast.pair.${pair}`];
  return {
    pair,
    bucket: name,
    pages: `${name}_PAGES`,
    pagesStream: `OBJ_${name}_PAGES`,
    log: `${name}_LOG`,
    inputs: `${name}_IN`,
    outputs: `${name}_OUT`,
    ask: `${subject}.ask`,
    inputSubject: `${subject}.in`,
    outputSubject: (run) => `${subject}.out.${run}`,
    logSubject: (session) => `${subject}.log.${session}`,
    liveSubject: (session, to) => `${subject}.live.${session}.${to}`,
  };
}

/** Where the arbiter's record is. Made unless it is there. */
export async function openBucket(nats: Nats, place: PairPlace): Promise<KV> {
  try {
    return await new Kvm(nats.stream).create(place.bucket, {
      storage: StorageType.File,
      history: 1,
      timeout: ANSWER_MS,
    });
  } catch (error) {
    throw natsError(error, nats.server);
  }
}

export function openPages(nats: Nats, place: PairPlace): Promise<ObjectStore> {
  return new Objm(nats.stream).open(place.pages);
}

/** Streams of a run that begins, empty: what an earlier run has left is taken away. */
export async function makeStreams(nats: Nats, place: PairPlace): Promise<void> {
  const common = {
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
  } satisfies Partial<StreamConfig>;
  const { streams } = nats.manager;
  try {
    await removeStreams(nats, place);
    await removeStream(nats, place.outputs);
    await streams.add({
      ...{ ...common, name: place.log, subjects: [place.logSubject("*")] },
      ...{ max_bytes: MOST_LOG_BYTES, max_age: LOG_KEPT_NS },
    });
    await streams.add({
      ...{ ...common, name: place.inputs, subjects: [place.inputSubject] },
      // Input that finds no room must be heard of by whoever sends it, and not push out what nobody has read yet.
      ...{ discard: DiscardPolicy.New, max_bytes: MOST_INPUT_BYTES },
    });
    await streams.add({
      ...{ ...common, name: place.outputs, subjects: [place.outputSubject("*")] },
      // Nobody asks whether a message was taken already: who has no answer looks what is there.
      ...{ max_bytes: MOST_OUTPUT_BYTES, duplicate_window: SECOND_NS },
    });
    await new Objm(nats.stream).create(place.pages, {
      ...{ storage: StorageType.File, ttl: PAGES_KEPT_NS, max_bytes: MOST_PAGES_BYTES },
    });
  } catch (error) {
    throw natsError(error, nats.server);
  }
}

/** At the end of a run: all but what was said. */
export async function removeStreams(nats: Nats, place: PairPlace): Promise<void> {
  for (const stream of [place.log, place.inputs, place.pagesStream]) await removeStream(nats, stream);
}

/** The run is over: what was said is not for ever. */
export async function expireOutputs({ manager }: Nats, place: PairPlace): Promise<void> {
  await manager.streams.update(place.outputs, { max_age: OUTPUT_KEPT_NS });
}

export async function removeBucket(nats: Nats, place: PairPlace): Promise<void> {
  await removeStream(nats, `KV_${place.bucket}`);
}

async function removeStream({ manager }: Nats, stream: string): Promise<void> {
  try {
    await manager.streams.delete(stream);
  } catch (error) {
    if (!isApiError(error, JetStreamApiCodes.StreamNotFound)) throw error;
  }
}

export function isApiError(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}
