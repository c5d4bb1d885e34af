import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { JetStreamApiCodes } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import type { InputSource, OutputSink } from "../lockstep/outside.ts";
import { type Counts, type DeviceKind, type InputEvent, type OutputRun, unitsOf } from "../lockstep/replica.ts";
import type { Nats } from "./nats-connection.ts";
import { isApiError, type PairPlace } from "./pair-streams.ts";
import { StreamTail } from "./stream-tail.ts";

/** What the pair said, one message of the stream: the bytes as they are, and beside them whose and where they stand. */
const DEVICE = "Hindcast-Device";
const NUMBER = "Hindcast-Number";
/** How much has been said behind this message, by device: the sink's count. */
const COUNTS = "Hindcast-Counts";
const MOST_MESSAGE_BYTES = 256 * 1024;
const PUBLISH_MS = 2_000;
const RETRY_MS = 100;
const PURGE_MS = 1_000;

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

/**
 * What the pair says, in a stream. A message is taken only if it directly follows the one that its sender believes to be the last, so that
 * two senders who do not know of each other can neither double nor lose anything; what the last message counts tells
 * what there is.
 */
export class NatsSink implements OutputSink {
  readonly #end: SinkEnd;
  readonly #subject: string;
  #queue: OutputRun[] = [];
  #taken: number[];
  /** Number of the last message; undefined: to be asked. */
  #last: number | undefined;
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

  /** What it was offered and has not taken. */
  get waiting(): number {
    return this.#queue.length;
  }

  offer(runs: readonly OutputRun[]): void {
    this.#queue.push(...runs);
    if (!this.#isWorking) void this.#work();
  }

  close(): void {
    this.#isClosed = true;
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    while (this.#queue.length > 0 && !this.#isClosed) {
      try {
        if (this.#last === undefined) await this.#look();
        this.#dropTaken();
        if (this.#queue.length > 0) await this.#publish();
      } catch (error) {
        // Also when the answer was lost: what is there says whether it was taken.
        this.#last = undefined;
        if (error instanceof OutputGap) {
          this.#end.onFailure(error.message);
          break;
        }
        if (!isApiError(error, JetStreamApiCodes.StreamWrongLastSequence)) await sleep(RETRY_MS);
      }
    }
    this.#isWorking = false;
  }

  async #look(): Promise<void> {
    const { nats, place, devices } = this.#end;
    const last = await nats.manager.streams.getMessage(place.outputs, { last_by_subj: this.#subject });
    this.#last = last?.seq ?? 0;
    if (last === null) return;
    const counts = (last.header.get(COUNTS) ?? "").split(",").map(Number);
    if (counts.length !== devices.length || !counts.every(Number.isSafeInteger)) {
      throw new OutputGap(`The stream ${place.outputs} holds what no member of the pair has said.`);
    }
    this.#taken = counts;
    this.#end.onTaken();
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

  /** As much of one device as follows each other goes in one message. */
  async #publish(): Promise<void> {
    const { nats, place, devices, show, onTaken } = this.#end;
    const [first] = this.#queue;
    const { device, number } = first;
    if (number > this.#taken[device]) {
      throw new OutputGap(
        `The stream ${place.outputs} has lost output of the pair: it has ${this.#taken[device]}, and ${number} comes.`,
      );
    }
    const runs = [first];
    let bytes = first.bytes.length;
    while (devices[device] === "stream" && runs.length < this.#queue.length) {
      const next = this.#queue[runs.length];
      if (next.device !== device || bytes + next.bytes.length > this.#mostBytes) break;
      runs.push(next);
      bytes += next.bytes.length;
    }
    const taken = [...this.#taken];
    for (const run of runs) taken[device] = run.number + unitsOf(run, devices[device]);
    const header = headers();
    header.set(DEVICE, String(device));
    header.set(NUMBER, String(number));
    header.set(COUNTS, taken.join(","));
    const payload = runs.length === 1 ? first.bytes : Buffer.concat(runs.map((run) => run.bytes));
    const expect = { lastSubjectSequence: this.#last! };
    const { seq } = await nats.stream.publish(this.#subject, payload, { headers: header, expect, timeout: PUBLISH_MS });
    this.#last = seq;
    this.#taken = taken;
    this.#queue = this.#queue.slice(runs.length);
    for (const run of runs) show(run);
    onTaken();
  }

  get #mostBytes(): number {
    return Math.min(MOST_MESSAGE_BYTES, (this.#end.nats.connection.info?.max_payload ?? MOST_MESSAGE_BYTES) / 2);
  }
}

class OutputGap extends Error {}

/**
 * Inputs in a stream, from whoever has some: their numbers are those of its messages. Who speaks reads them; they stay
 * until both machines have been through them.
 */
export class NatsInputs implements InputSource {
  readonly #nats: Nats;
  readonly #place: PairPlace;
  readonly #onInput: () => void;
  readonly #onLost: (sentence: string) => void;
  readonly #events = new Map<number, InputEvent>();
  #tail: StreamTail | undefined;
  #sending: Promise<void> = Promise.resolve();
  #forgotten = 0;
  #purged = 0;
  #purging: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(nats: Nats, place: PairPlace, onInput: () => void, onLost: (sentence: string) => void) {
    this.#nats = nats;
    this.#place = place;
    this.#onInput = onInput;
    this.#onLost = onLost;
  }

  /** Input from here, for whichever machine speaks. In order, and each once. */
  push(event: InputEvent): void {
    const [bytes, msgID] = [encodeInput(event), randomUUID()];
    this.#sending = this.#sending.then(() => this.#send(bytes, msgID));
  }

  at(number: number): InputEvent | undefined {
    if (this.#tail === undefined) this.#listen(number);
    return this.#events.get(number);
  }

  forget(below: number): void {
    for (; this.#forgotten < below; this.#forgotten++) this.#events.delete(this.#forgotten);
  }

  /** The connection is there again. */
  resume(): void {
    void this.#tail?.resume();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#purging);
    this.#tail?.close();
  }

  #listen(number: number): void {
    this.#forgotten = number;
    this.#purged = number;
    const { inputs, inputSubject } = this.#place;
    this.#tail = new StreamTail(this.#nats, inputs, inputSubject, number + 1, ({ seq, data }) => {
      const event = decodeInput(data);
      if (seq - 1 >= this.#forgotten) this.#events.set(seq - 1, event);
      this.#onInput();
    });
    void this.#tail.resume();
    this.#purging = setInterval(() => void this.#purge(), PURGE_MS).unref();
  }

  async #send(bytes: Uint8Array, msgID: string): Promise<void> {
    while (!this.#isClosed) {
      try {
        // The same again, should the answer have been lost, is not taken twice.
        await this.#nats.stream.publish(this.#place.inputSubject, bytes, { msgID, timeout: PUBLISH_MS });
        return;
      } catch (error) {
        if (isApiError(error, STREAM_FULL)) {
          this.#onLost("Input is lost: the guest does not read it, and the server keeps no more.");
          return;
        }
        await sleep(RETRY_MS);
      }
    }
  }

  async #purge(): Promise<void> {
    const below = this.#forgotten;
    if (below <= this.#purged) return;
    try {
      await this.#nats.manager.streams.purge(this.#place.inputs, { seq: below + 1 });
      this.#purged = below;
    } catch {
      // The next time.
    }
  }
}

const STREAM_FULL = 10077;
const KINDS = ["console-input", "network-input"] as const;

function encodeInput(event: InputEvent): Uint8Array {
  if (event.kind !== "console-input" && event.kind !== "network-input") {
    throw new TypeError("idle time, and what is told of pages, comes from who speaks");
  }
  const bytes = event.kind === "console-input" ? event.bytes : event.frame;
  const message = new Uint8Array(bytes.length + 1);
  message[0] = KINDS.indexOf(event.kind);
  message.set(bytes, 1);
  return message;
}

/** What none of us has sent is no input, and has its number nevertheless. */
function decodeInput(message: Uint8Array): InputEvent {
  const bytes = message.slice(1);
  if (KINDS[message[0]] === "network-input") return { kind: "network-input", frame: bytes };
  return { kind: "console-input", bytes: KINDS[message[0]] === undefined ? bytes.subarray(0, 0) : bytes };
}
