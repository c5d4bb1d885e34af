import { ByteReader, ByteWriter, MalformedBytes } from "../base/byte-cursor.ts";
import type { Channel } from "./channel.ts";
import { checkShape, decodeMessage, encodeMessage, kindOf, type Message, type Shape } from "./message.ts";
import type { LockstepOptions } from "./options.ts";

/** First bytes of every frame: who speaks something else is found out at once. */
const MAGIC = 0x484c;
/** Frames that came too early and are kept; more are dropped, and come again. */
const MOST_EARLY = 1024;
/** Frames that are sent again at a time: the rest follows when these are acknowledged. */
const MOST_RESENT = 32;

interface Sent {
  readonly sequence: number;
  readonly message: Uint8Array;
  sentMs: number;
}

/**
 * Messages over a channel, in order and each once, whatever the channel loses, doubles or reorders: frames have numbers, are
 * acknowledged and sent again. What the other end says is checked before anybody believes it.
 */
export class Link {
  readonly #channel: Channel;
  readonly #shape: Shape;
  readonly #options: LockstepOptions;
  readonly #unacknowledged: Sent[] = [];
  readonly #early = new Map<number, Uint8Array>();
  #nextSequence = 1;
  /** Frames received without a gap. */
  #received = 0;
  #acknowledgementDue = false;
  #lastSentMs: number;
  #lastHeardMs: number;
  #refusal: string | undefined;
  bytesSent = 0;

  constructor(channel: Channel, shape: Shape, options: LockstepOptions, nowMs: number) {
    this.#channel = channel;
    this.#shape = shape;
    this.#options = options;
    this.#lastSentMs = nowMs;
    this.#lastHeardMs = nowMs;
  }

  /** Why the other end is not believed any more: a sentence. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  silenceMs(nowMs: number): number {
    return nowMs - this.#lastHeardMs;
  }

  /** With what this machine is made of: the other end holds it against its own. */
  sayHello(member: string, role: Extract<Message, { kind: "hello" }>["role"], nowMs: number): void {
    this.send({ kind: "hello", member, role, ...this.#shape }, nowMs);
  }

  send(message: Message, nowMs: number): void {
    const sent = { sequence: this.#nextSequence++, message: encodeMessage(message).slice(), sentMs: nowMs };
    this.#unacknowledged.push(sent);
    this.#transmit(sent.sequence, sent.message, nowMs);
  }

  /** What has arrived, in order. `refuse` may be called on it. */
  receive(nowMs: number): Message[] {
    const messages: Message[] = [];
    if (this.#channel.isAway === true) this.#lastHeardMs = nowMs;
    for (;;) {
      const frame = this.#refusal === undefined ? this.#channel.receive() : undefined;
      if (frame === undefined) return messages;
      try {
        this.#take(frame, nowMs, messages);
      } catch (error) {
        if (!(error instanceof MalformedBytes)) throw error;
        this.refuse(error.message);
      }
    }
  }

  /** What the other end said makes no sense: nothing of it is heard any more. */
  refuse(reason: string): void {
    this.#refusal ??= `The other member does not keep the protocol: ${reason}.`;
  }

  /** Acknowledges, sends again, shows that somebody lives here. */
  flush(nowMs: number): void {
    const oldest = this.#unacknowledged[0];
    if (oldest !== undefined && nowMs - oldest.sentMs >= this.#options.retryMs) {
      for (const sent of this.#unacknowledged.slice(0, MOST_RESENT)) {
        sent.sentMs = nowMs;
        this.#transmit(sent.sequence, sent.message, nowMs);
      }
    }
    const isQuiet = nowMs - this.#lastSentMs >= this.#options.heartbeatMs;
    if (this.#acknowledgementDue || isQuiet) this.#transmit(0, NO_MESSAGE, nowMs);
  }

  /** Sequence 0 has no message: it acknowledges, and shows that its sender lives. */
  #transmit(sequence: number, message: Uint8Array, nowMs: number): void {
    const writer = new ByteWriter(message.length + HEADER_BYTES);
    writer.u8(MAGIC & 0xff);
    writer.u8(MAGIC >> 8);
    writer.varint(sequence);
    writer.varint(this.#received);
    writer.bytes(message);
    const frame = writer.view();
    this.bytesSent += frame.length;
    this.#acknowledgementDue = false;
    this.#lastSentMs = nowMs;
    this.#channel.send(frame);
  }

  #take(frame: Uint8Array, nowMs: number, messages: Message[]): void {
    const reader = new ByteReader(frame);
    if (reader.u8() !== (MAGIC & 0xff) || reader.u8() !== MAGIC >> 8)
      throw new MalformedBytes("a frame of something else");
    const [sequence, acknowledged] = [reader.varint(), reader.varint()];
    if (acknowledged >= this.#nextSequence) throw new MalformedBytes("it acknowledges what was never sent");
    this.#lastHeardMs = nowMs;
    while (this.#unacknowledged.length > 0 && this.#unacknowledged[0].sequence <= acknowledged) {
      this.#unacknowledged.shift();
    }
    if (sequence === 0) {
      reader.end();
      return;
    }
    this.#acknowledgementDue = true;
    if (sequence <= this.#received) return;
    if (sequence > this.#received + 1) {
      if (this.#early.size < MOST_EARLY) this.#early.set(sequence, reader.rest());
      return;
    }
    let next: Uint8Array | undefined = reader.rest();
    while (next !== undefined) {
      this.#received++;
      const message = decodeMessage(next);
      checkShape(message, this.#shape);
      messages.push(message);
      next = this.#early.get(this.#received + 1);
      this.#early.delete(this.#received + 1);
    }
  }
}

/** What a frame says of itself, for a channel that carries some otherwise than others; undefined: it is none. */
export function frameHeader(
  frame: Uint8Array,
):
  | { readonly sequence: number; readonly acknowledged: number; readonly kind: Message["kind"] | undefined }
  | undefined {
  try {
    const reader = new ByteReader(frame);
    if (reader.u8() !== (MAGIC & 0xff) || reader.u8() !== MAGIC >> 8) return undefined;
    const [sequence, acknowledged] = [reader.varint(), reader.varint()];
    return { sequence, acknowledged, kind: reader.remaining === 0 ? undefined : kindOf(reader.rest()) };
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}

const HEADER_BYTES = 24;
const NO_MESSAGE = new Uint8Array(0);
