import { ByteReader, ByteWriter, MalformedBytes } from "../base/byte-cursor.ts";
import type { Channel } from "./channel.ts";
import { checkShape, decodeMessage, encodeMessage, kindOf, type Message, type Shape } from "./message.ts";
import type { LockstepOptions } from "./options.ts";

/** First bytes of every frame: who speaks something else is found out at once. */
const MAGIC = 0x484c;
/** Frames that came too early and are kept; more are dropped, and come again. */
const MOST_EARLY = 1024;
/** A message that is put together out of frames has at most so many bytes: far more than the longest that there is. */
const MOST_MESSAGE_BYTES = 64 * 2 ** 20;
/** Behind the numbers of a frame that carries something: whether it goes on with a message, and whether that goes on behind it. */
const GOES_ON = 1;
const CONTINUES = 2;
/** Frames that are sent again at a time: the rest follows when these are acknowledged. */
const MOST_RESENT = 32;
/** A thread or process on a busy host takes seconds to begin. One that is gone closes its channel. */
const BEGINNERS_PATIENCE = 10;
/** The least round trip is that of the last window, or of this one: what was once near may have moved away. */
const ROUND_TRIP_WINDOW_MS = 1_000;
/** So much of the time after which a frame is sent again its acknowledgement waits for something to go along with. */
const ACKNOWLEDGE_WITHIN = 0.25;

interface Sent {
  readonly sequence: number;
  readonly part: Uint8Array;
  readonly cut: number;
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
  /** Of a message whose end has not come. */
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #nextSequence = 1;
  /** Frames received without a gap. */
  #received = 0;
  /** When a frame came that has not been acknowledged. */
  #owedSinceMs: number | undefined;
  #lastSentMs: number;
  #lastHeardMs: number;
  #isHeard = false;
  #refusal: string | undefined;
  #roundTrips = { sinceMs: 0, before: Number.POSITIVE_INFINITY, now: Number.POSITIVE_INFINITY };
  readonly #frame = new ByteWriter();
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

  /** Nothing was heard for so long that the other end counts as dead. Who was never heard may still have to begin. */
  isSilent(nowMs: number, mostMs = this.#options.silenceMs): boolean {
    const most = this.#isHeard ? mostMs : this.#options.silenceMs * BEGINNERS_PATIENCE;
    return this.#refusal !== undefined || this.silenceMs(nowMs) >= most;
  }

  /** A channel that is closed will say nothing any more: its silence has no end. */
  silenceMs(nowMs: number): number {
    return this.#channel.closed === true ? Number.POSITIVE_INFINITY : nowMs - this.#lastHeardMs;
  }

  /** Everything that was sent has arrived. */
  get isIdle(): boolean {
    return this.#unacknowledged.length === 0;
  }

  /** Number of the last frame that was sent, and of the last up to which all have arrived. */
  get sent(): number {
    return this.#nextSequence - 1;
  }

  get arrived(): number {
    return (this.#unacknowledged[0]?.sequence ?? this.#nextSequence) - 1;
  }

  /** The least time, lately, from a frame to its acknowledgement: the way there and back, and what the other end had to do. Undefined: none came. */
  get roundTripMs(): number | undefined {
    const least = Math.min(this.#roundTrips.before, this.#roundTrips.now);
    return Number.isFinite(least) ? least : undefined;
  }

  /** With what this machine is made of: the other end holds it against its own. */
  sayHello(member: string, role: Extract<Message, { kind: "hello" }>["role"], nowMs: number): void {
    this.send({ kind: "hello", member, role, ...this.#shape, isTold: this.#options.fetches === "told" }, nowMs);
  }

  send(message: Message, nowMs: number): void {
    const bytes = encodeMessage(message);
    const { frameBytes } = this.#options;
    for (let from = 0; from < bytes.length; from += frameBytes) {
      const part = bytes.subarray(from, from + frameBytes);
      const cut = (from + frameBytes < bytes.length ? GOES_ON : 0) | (from > 0 ? CONTINUES : 0);
      const sent = { sequence: this.#nextSequence++, part, cut, sentMs: nowMs };
      this.#unacknowledged.push(sent);
      this.#transmit(sent, nowMs);
    }
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

  /** Nothing said meanwhile, it has something to say by itself then; undefined: it has not. */
  get dueMs(): number | undefined {
    return this.#owedSinceMs === undefined ? undefined : this.#owedSinceMs + this.#options.retryMs * ACKNOWLEDGE_WITHIN;
  }

  /**
   * Acknowledges, sends again, shows that somebody lives here. `isLast`: nothing will follow that an acknowledgement could wait
   * for.
   */
  flush(nowMs: number, isLast = false): void {
    const oldest = this.#unacknowledged[0];
    if (oldest !== undefined && nowMs - oldest.sentMs >= this.#options.retryMs) {
      for (const sent of this.#unacknowledged.slice(0, MOST_RESENT)) {
        sent.sentMs = nowMs;
        this.#transmit(sent, nowMs);
      }
    }
    const isQuiet = nowMs - this.#lastSentMs >= this.#options.heartbeatMs;
    const isDue = this.#owedSinceMs !== undefined && (isLast || nowMs >= this.dueMs!);
    if (isDue || isQuiet) this.#transmit(NO_MESSAGE, nowMs);
  }

  /** Sequence 0 has no message: it acknowledges, and shows that its sender lives. */
  #transmit({ sequence, part, cut }: Omit<Sent, "sentMs">, nowMs: number): void {
    const writer = this.#frame;
    writer.clear();
    writer.u8(MAGIC & 0xff);
    writer.u8(MAGIC >> 8);
    writer.varint(sequence);
    writer.varint(this.#received);
    if (sequence !== 0) writer.u8(cut);
    writer.bytes(part);
    const frame = writer.take();
    this.bytesSent += frame.length;
    this.#owedSinceMs = undefined;
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
    this.#isHeard = true;
    let newest: Sent | undefined;
    while (this.#unacknowledged.length > 0 && this.#unacknowledged[0].sequence <= acknowledged) {
      newest = this.#unacknowledged.shift();
    }
    if (newest !== undefined) this.#measure(nowMs, nowMs - newest.sentMs);
    if (sequence === 0) {
      reader.end();
      return;
    }
    this.#owedSinceMs ??= nowMs;
    if (sequence <= this.#received) return;
    if (sequence > this.#received + 1) {
      if (this.#early.size < MOST_EARLY) this.#early.set(sequence, reader.rest());
      return;
    }
    let next: Uint8Array | undefined = reader.rest();
    while (next !== undefined) {
      this.#received++;
      const whole = this.#assemble(next);
      if (whole !== undefined) {
        const message = decodeMessage(whole);
        checkShape(message, this.#shape);
        messages.push(message);
      }
      next = this.#early.get(this.#received + 1);
      this.#early.delete(this.#received + 1);
    }
  }

  #measure(nowMs: number, tookMs: number): void {
    const { sinceMs, now } = this.#roundTrips;
    if (nowMs - sinceMs >= ROUND_TRIP_WINDOW_MS) this.#roundTrips = { sinceMs: nowMs, before: now, now: tookMs };
    else if (tookMs < now) this.#roundTrips.now = tookMs;
  }

  /** The message that ends with this frame; undefined: it goes on. */
  #assemble(frame: Uint8Array): Uint8Array | undefined {
    const reader = new ByteReader(frame);
    const cut = reader.u8();
    const part = reader.rest();
    const isContinuation = (cut & CONTINUES) !== 0;
    if (cut > (GOES_ON | CONTINUES) || isContinuation !== this.#parts.length > 0) {
      throw new MalformedBytes("a message that was cut otherwise");
    }
    if (cut === 0) return part;
    this.#partBytes += part.length;
    if (this.#partBytes > MOST_MESSAGE_BYTES) throw new MalformedBytes("a message without an end");
    this.#parts.push(part.slice());
    if ((cut & GOES_ON) !== 0) return undefined;
    const whole = new Uint8Array(this.#partBytes);
    let at = 0;
    for (const each of this.#parts) {
      whole.set(each, at);
      at += each.length;
    }
    this.#parts = [];
    this.#partBytes = 0;
    return whole;
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
    const begins = reader.remaining > 0 && (reader.u8() & CONTINUES) === 0;
    return { sequence, acknowledged, kind: begins ? kindOf(reader.rest()) : undefined };
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}

const NO_MESSAGE = { sequence: 0, part: new Uint8Array(0), cut: 0 };
