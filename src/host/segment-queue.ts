import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { AckPolicy, DiscardPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import packageDescription from "../../package.json" with { type: "json" };
import type { SegmentResult, SegmentTask } from "../debuggee/search-protocol.ts";
import type { Nats } from "./nats-connection.ts";
import { fromPlainJson, toPlainJson } from "./plain-json.ts";
import type { RpcError } from "./rpc.ts";
import type { SearchSubject } from "./search-protocol.ts";
import { decompressUpTo, ZSTD } from "./zstd.ts";

/**
 * What a query and its workers say to each other over NATS. Segments wait in a work queue of JetStream until somebody says
 * that they are done; results in a stream of their own, until the query has them.
 */

/** Raised when what is said here changes. */
const PROTOCOL = 2;
export const VERSION = packageDescription.version;
/** Only the very same Hindcast gives the very same rows: others have a queue of their own. A token of a subject. */
const KIND = `${VERSION.replaceAll(/[^\w-]/g, "_")}-${PROTOCOL}`;

const SEGMENTS = "HINDCAST_SEGMENTS";
const RESULTS = "HINDCAST_RESULTS";
const WORKERS = `workers-${KIND}`;
export const RECORDINGS = "HINDCAST_RECORDINGS";

const NANOSECONDS_PER_MS = 1e6;
/** What a query that was killed leaves behind is gone after so long. */
const MOST_AGE_MS = 6 * 3_600_000;
/** The same segment done twice is told apart for so long by the server, and for ever by the query. */
const DUPLICATES_MS = 10 * 60_000;
/** A query that is not heard of for so long has no more use for its results. */
const QUERY_AWAY_MS = 10 * 60_000;
/** Of results that came when nobody wanted them any more. */
const MOST_LEFT = 1000;
const LEFT_WAIT_MS = 1000;
const LEFT_PAUSE_MS = 20;
const LEFT_TIMES = 50;
/** Of one result beyond compression: a segment's rows and marks are bounded far below. */
const MOST_MESSAGE_BYTES = 64 * 1024 * 1024;

export interface QueueTimes {
  /** A worker that has not been heard of for so long has lost its segment to the next. */
  readonly ackWaitMs: number;
  /** A segment that was begun so often is given up. */
  readonly mostDeliveries: number;
}

export const QUEUE_TIMES: QueueTimes = { ackWaitMs: 10_000, mostDeliveries: 10 };

/** A segment as it lies in the queue. */
export interface SegmentOrder {
  readonly query: string;
  readonly index: number;
  /** How often the query has put it there. */
  readonly times: number;
  readonly task: SegmentTask;
  readonly recording: RecordingKey & Omit<SearchSubject, "path">;
}

/** A recording by its content. */
export interface RecordingKey {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Where the query has it: a worker that finds the same there need not fetch it. */
  readonly path: string;
}

export interface SegmentAnswer {
  readonly index: number;
  /** Who says so, for people. */
  readonly worker: string;
  readonly result?: SegmentResult;
  readonly error?: RpcError;
}

/** What a worker says of itself when it is asked. */
export interface WorkerPresence {
  readonly worker: string;
  readonly version: string;
  readonly threads: number;
}

export const SUBJECTS = {
  segments: (query: string) => `hindcast.segments.${KIND}.${query}`,
  results: (query: string) => `hindcast.results.${query}`,
  /** Workers answer this one; of all versions. */
  present: "hindcast.present",
  /** The query answers, as long as it wants its segments. */
  query: (query: string) => `hindcast.query.${query}`,
  /** Said once: nobody wants the rest. */
  over: (query: string) => `hindcast.over.${query}`,
  /** How far segments are, and what a worker could not do. Nothing depends on them. */
  news: (query: string) => `hindcast.news.${query}`,
};

export type News =
  | { readonly kind: "progress"; readonly index: number; readonly fraction: number }
  | { readonly kind: "trouble"; readonly worker: string; readonly sentence: string };

/** This process, for people. */
export const PROCESS_NAME = `${hostname()}:${process.pid}`;

export function encodeMessage(message: unknown): Uint8Array {
  return ZSTD.compress(new TextEncoder().encode(toPlainJson(message)));
}

/** Throws for what nobody of us has sent. */
export function decodeMessage<T>(bytes: Uint8Array): T {
  return fromPlainJson(new TextDecoder().decode(decompressUpTo(bytes, MOST_MESSAGE_BYTES))) as T;
}

/** Makes the two streams and the workers' place in the queue, unless they are there. */
export async function openQueue({ manager }: Nats, { ackWaitMs }: QueueTimes): Promise<void> {
  const common = {
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: MOST_AGE_MS * NANOSECONDS_PER_MS,
    duplicate_window: DUPLICATES_MS * NANOSECONDS_PER_MS,
  };
  await manager.streams.add({
    ...common,
    name: SEGMENTS,
    subjects: ["hindcast.segments.>"],
    retention: RetentionPolicy.Workqueue,
  });
  await manager.streams.add({
    ...common,
    name: RESULTS,
    subjects: ["hindcast.results.>"],
    retention: RetentionPolicy.Workqueue,
  });
  await manager.consumers.add(SEGMENTS, {
    durable_name: WORKERS,
    filter_subject: `hindcast.segments.${KIND}.>`,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ackWaitMs * NANOSECONDS_PER_MS,
    // Workers count for themselves, so that somebody says that a segment was given up.
    max_deliver: -1,
  });
}

export function segmentConsumer({ stream }: Nats) {
  return stream.consumers.get(SEGMENTS, WORKERS);
}

/** A query's own place in the results: kept by the server while the query is away for a while. */
export async function resultConsumer({ manager, stream }: Nats, query: string) {
  await manager.consumers.add(RESULTS, {
    durable_name: query,
    filter_subject: SUBJECTS.results(query),
    ack_policy: AckPolicy.Explicit,
    inactive_threshold: QUERY_AWAY_MS * NANOSECONDS_PER_MS,
  });
  return stream.consumers.get(RESULTS, query);
}

/**
 * Takes away what a query has left in the streams: its segments by number (a worker that ended may have given one back whose result was
 * there), its results by taking them. A purge by subject makes a server of version 2.9 pass over what other queries have in
 * the same stream.
 */
export async function clearQuery(nats: Nats, query: string, sequences: readonly number[]): Promise<void> {
  const { manager, stream } = nats;
  // Most are done, and not there any more.
  await Promise.all(sequences.map((sequence) => manager.streams.deleteMessage(SEGMENTS, sequence).catch(() => {})));
  const consumer = await stream.consumers.get(RESULTS, query);
  // What was taken is gone when the server has heard of it; what goes with its consumer would stay.
  for (let times = 0; times < LEFT_TIMES; times++) {
    const { num_pending: waiting, num_ack_pending: taken } = await consumer.info();
    if (waiting + taken === 0) break;
    if (waiting > 0) {
      const rest = await consumer.fetch({ max_messages: Math.min(waiting, MOST_LEFT), expires: LEFT_WAIT_MS });
      for await (const message of rest) message.ack();
    } else {
      await sleep(LEFT_PAUSE_MS);
    }
  }
  await manager.consumers.delete(RESULTS, query);
}

/**
 * Whether a segment still waits in the queue, or for somebody to say that it is done. By its own number too: a server that
 * was killed may have lost the last messages, and have given their places to others. And one that the workers' place in the
 * queue has passed, as may be after that, is waited for in vain.
 */
export async function isQueued({ manager }: Nats, sequence: number, messageId: string): Promise<boolean> {
  const message = await manager.streams.getMessage(SEGMENTS, { seq: sequence });
  if (message?.header.get("Nats-Msg-Id") !== messageId) return false;
  const { num_pending: pending, num_ack_pending: begun } = await manager.consumers.info(SEGMENTS, WORKERS);
  return pending + begun > 0;
}
