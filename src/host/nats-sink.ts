import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { JetStreamApiCodes } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import type { OutputSink } from "../lockstep/outside.ts";
import { type Counts, type DeviceKind, type OutputRun, unitsOf } from "../lockstep/replica.ts";
import type { Nats } from "./nats-connection.ts";
import { isApiError, type PairPlace } from "./pair-streams.ts";

/** What the pair said, one message of the stream: the bytes as they are, and beside them whose and where they stand. */
const DEVICE = "Hindcast-Device";
const NUMBER = "Hindcast-Number";
/** How much has been said behind this message, by device: the sink's count. */
const COUNTS = "Hindcast-Counts";
const MOST_MESSAGE_BYTES = 256 * 1024;
const PUBLISH_MS = 2_000;
const RETRY_MS = 100;
/** Messages that are on their way at a time: none waits for the answer to the one before. */
const MOST_IN_FLIGHT = 16;
/** Codes of a server that has another last message than was expected. */
const NOT_LAST = [JetStreamApiCodes.StreamWrongLastSequence, 10_070];

export interface SinkEnd {
  readonly nats: Nats;
  readonly place: PairPlace;
  readonly run: string;
  readonly devices: readonly DeviceKind[];
  /** Output that the stream has: in order, what this sink was offered, also when it had it already. */
  readonly show: (run: OutputRun) => void;
  /** There is more that has been taken. */
  readonly onTaken: () => void;
  /** It can take nothing more: a sentence. */
  readonly onFailure: (sentence: string) => void;
}

interface InFlight {
  readonly runs: readonly OutputRun[];
  /** What has been said when it is taken. */
  readonly taken: number[];
  /** Its number in the stream. */
  readonly answer: Promise<number>;
}

/**
 * What the pair says, in a stream. A message is taken only if it directly follows the one that its sender believes to be the last, so that
 * two senders who do not know of each other can neither double nor lose anything; what the last message counts tells
 * what there is. While one is on its way, so that its number is not known, the next names it by its identity: a number that was only
 * guessed could be that of somebody else's message.
 */
export class NatsSink implements OutputSink {
  readonly #end: SinkEnd;
  readonly #subject: string;
  readonly #identity = randomUUID();
  #messages = 0;
  #queue: OutputRun[] = [];
  /** The first runs of the queue, which are on their way. */
  #inFlight: InFlight[] = [];
  #taken: number[];
  #takenMs = 0;
  /** The last message; undefined: to be asked. */
  #last: { readonly sequence: number } | { readonly identity: string } | undefined;
  #isWorking = false;
  #isClosed = false;

  constructor(end: SinkEnd) {
    this.#end = end;
    this.#subject = end.place.outputSubject(end.run);
    this.#taken = end.devices.map(() => 0);
  }

  get taken(): Counts {
    return this.#taken;
  }

  get takenAgoMs(): number {
    return performance.now() - this.#takenMs;
  }

  /** What it was offered and has not taken. */
  get waiting(): number {
    return this.#queue.length;
  }

  offer(runs: readonly OutputRun[]): void {
    this.#queue.push(...runs);
    if (!this.#isWorking) void this.#work();
    else if (this.#last !== undefined) this.#fill();
  }

  close(): void {
    this.#isClosed = true;
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    while (this.#queue.length > 0 && !this.#isClosed) {
      try {
        if (this.#last === undefined) await this.#look();
        await this.#publish();
      } catch (error) {
        // Also when the answer was lost: what is there says whether it was taken.
        this.#last = undefined;
        await Promise.allSettled(this.#inFlight.map(({ answer }) => answer));
        this.#inFlight = [];
        if (error instanceof OutputGap) {
          this.#end.onFailure(error.message);
          break;
        }
        if (!NOT_LAST.some((code) => isApiError(error, code))) await sleep(RETRY_MS);
      }
    }
    this.#isWorking = false;
  }

  async #look(): Promise<void> {
    const { nats, place, devices } = this.#end;
    const last = await nats.manager.streams.getMessage(place.outputs, { last_by_subj: this.#subject });
    this.#last = { sequence: last?.seq ?? 0 };
    if (last === null) return;
    const counts = (last.header.get(COUNTS) ?? "").split(",").map(Number);
    if (counts.length !== devices.length || !counts.every(Number.isSafeInteger)) {
      throw new OutputGap(`The stream ${place.outputs} holds what no member of the pair has said.`);
    }
    this.#took(counts);
    this.#end.onTaken();
  }

  #took(counts: number[]): void {
    this.#taken = counts;
    this.#takenMs = performance.now();
  }

  #dropTaken(): void {
    const kept: OutputRun[] = [];
    for (const run of this.#queue) {
      const kind = this.#end.devices[run.device];
      const next = this.#taken[run.device];
      if (run.number + unitsOf(run, kind) <= next) this.#end.show(run);
      else if (kind === "stream" && run.number < next) {
        const known = next - run.number;
        this.#end.show({ ...run, bytes: run.bytes.subarray(0, known) });
        kept.push({ ...run, number: next, bytes: run.bytes.subarray(known) });
      } else kept.push(run);
    }
    this.#queue = kept;
  }

  /** Until everything has been answered. */
  async #publish(): Promise<void> {
    const { place, show, onTaken } = this.#end;
    this.#fill();
    if (this.#queue.length === 0) return;
    if (this.#inFlight.length === 0) {
      const [{ device, number }] = this.#queue;
      throw new OutputGap(
        `The stream ${place.outputs} has lost output of the pair: it has ${this.#taken[device]}, and ${number} comes.`,
      );
    }
    while (this.#inFlight.length > 0 && !this.#isClosed) {
      const [{ runs, taken, answer }] = this.#inFlight;
      const sequence = await answer;
      this.#inFlight.shift();
      if (this.#inFlight.length === 0) this.#last = { sequence };
      this.#took(taken);
      this.#queue = this.#queue.slice(runs.length);
      for (const run of runs) show(run);
      onTaken();
      this.#fill();
    }
  }

  #fill(): void {
    // Somebody else has said what this one is only offered now.
    if (this.#inFlight.length === 0) this.#dropTaken();
    let sent = this.#inFlight.reduce((sum, { runs }) => sum + runs.length, 0);
    while (sent < this.#queue.length && this.#inFlight.length < MOST_IN_FLIGHT) {
      const runs = this.#nextOf(sent);
      const [{ device, number }] = runs;
      const taken = [...(this.#inFlight.at(-1)?.taken ?? this.#taken)];
      if (number !== taken[device]) return;
      for (const run of runs) taken[device] = run.number + unitsOf(run, this.#end.devices[device]);
      this.#inFlight.push({ runs, taken, answer: this.#send(runs, taken) });
      sent += runs.length;
    }
  }

  /** As much of one device as follows each other goes in one message. */
  #nextOf(sent: number): readonly OutputRun[] {
    const { devices } = this.#end;
    const first = this.#queue[sent];
    const runs = [first];
    let bytes = first.bytes.length;
    while (devices[first.device] === "stream" && sent + runs.length < this.#queue.length) {
      const next = this.#queue[sent + runs.length];
      if (next.device !== first.device || bytes + next.bytes.length > this.#mostBytes) break;
      runs.push(next);
      bytes += next.bytes.length;
    }
    return runs;
  }

  #send(runs: readonly OutputRun[], taken: readonly number[]): Promise<number> {
    const [{ device, number, bytes }] = runs;
    const header = headers();
    header.set(DEVICE, String(device));
    header.set(NUMBER, String(number));
    header.set(COUNTS, taken.join(","));
    const payload = runs.length === 1 ? bytes : Buffer.concat(runs.map((run) => run.bytes));
    const last = this.#last!;
    const expect = "sequence" in last ? { lastSubjectSequence: last.sequence } : { lastMsgID: last.identity };
    const msgID = `${this.#identity}.${this.#messages++}`;
    this.#last = { identity: msgID };
    const options = { headers: header, expect, msgID, timeout: PUBLISH_MS };
    const answer = this.#end.nats.stream.publish(this.#subject, payload, options).then(({ seq }) => seq);
    // Whoever waits for those before it hears of it.
    answer.catch(() => {});
    return answer;
  }

  get #mostBytes(): number {
    return Math.min(MOST_MESSAGE_BYTES, (this.#end.nats.connection.info?.max_payload ?? MOST_MESSAGE_BYTES) / 2);
  }
}

class OutputGap extends Error {}
