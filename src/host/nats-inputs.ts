import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { InputSource } from "../lockstep/outside.ts";
import type { InputEvent } from "../lockstep/replica.ts";
import type { Nats } from "./nats-connection.ts";
import { isApiError, type PairPlace } from "./pair-streams.ts";
import { StreamTail } from "./stream-tail.ts";

const PUBLISH_MS = 2_000;
const RETRY_MS = 100;
const PURGE_MS = 1_000;

/** Sends input of this host to the stream of the pair's inputs, whichever machine speaks and whichever is this host's. In order, and each once. */
export class InputSender {
  readonly #nats: Nats;
  readonly #place: PairPlace;
  readonly #onLost: (sentence: string) => void;
  #sending: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(nats: Nats, place: PairPlace, onLost: (sentence: string) => void) {
    this.#nats = nats;
    this.#place = place;
    this.#onLost = onLost;
  }

  push(event: InputEvent): void {
    const [bytes, msgID] = [encodeInput(event), randomUUID()];
    this.#sending = this.#sending.then(() => this.#send(bytes, msgID));
  }

  /** What has not been sent never will be. */
  close(): void {
    this.#isClosed = true;
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
}

/** Reads the stream of inputs for a machine that speaks: their numbers are those of its messages; they stay until both machines have been through them. */
export class NatsInputs implements InputSource {
  readonly #nats: Nats;
  readonly #place: PairPlace;
  readonly #onInput: () => void;
  readonly #events = new Map<number, InputEvent>();
  #tail: StreamTail | undefined;
  #forgotten = 0;
  #purged = 0;
  #purging: NodeJS.Timeout | undefined;

  constructor(nats: Nats, place: PairPlace, onInput: () => void) {
    this.#nats = nats;
    this.#place = place;
    this.#onInput = onInput;
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
