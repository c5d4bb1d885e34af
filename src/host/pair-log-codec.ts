import { ByteReader, ByteWriter, MalformedBytes } from "../base/byte-cursor.ts";
import type { InnerDivergence, OutputDivergence } from "../lockstep/divergence.ts";
import type { LogEntry } from "../lockstep/entry.ts";
import type { Sight } from "../lockstep/tap.ts";

/** Messages of a recording's `lockstep` channel, byte by byte as docs/recording-format.md has them. */

const KIND = {
  input: 1,
  output: 2,
  digest: 3,
  acknowledge: 4,
  release: 5,
  held: 6,
  resynchronise: 7,
  resynchronised: 8,
  paired: 9,
  taken: 10,
  innerDivergence: 11,
  agreeAgain: 12,
  divergence: 13,
  takeOver: 14,
  fenced: 15,
  fault: 16,
  compared: 17,
} as const;

const PURPOSES = ["copy", "resynchronise"] as const;
const HOWS = ["digest", "timing", "place"] as const satisfies readonly InnerDivergence["how"][];
const INPUTS = ["console-input", "network-input", "idle-jump", "page-not-ready", "page-ready"] as const;
const DIGEST_BYTES = 16;
/** Host time is told in steps of a tenth of a millisecond, latency in microseconds. */
const TICKS_PER_MS = 10;
const US_PER_MS = 1000;
const DECODER = new TextDecoder();

/** A sight as it is read back, with what is in it as plain numbers. */
export type StoredSight = { readonly timeMs: number; readonly instant: number } & (
  | {
      readonly kind: "input";
      readonly sequence: number;
      readonly at: number;
      readonly event: (typeof INPUTS)[number];
      readonly number: number | undefined;
      readonly size: number;
    }
  | {
      readonly kind: "output";
      readonly sequence: number;
      readonly device: number;
      readonly number: number;
      /** Bytes. */
      readonly size: number;
      readonly at: number;
      readonly lastAt: number;
    }
  | { readonly kind: "digest"; readonly sequence: number; readonly at: number; readonly digest: string }
  | {
      readonly kind: "acknowledge";
      readonly through: number;
      readonly lagSteps: number;
      readonly matched: readonly number[];
    }
  | {
      readonly kind: "release";
      readonly device: number;
      readonly number: number;
      readonly units: number;
      readonly latencyMs: number;
    }
  | { readonly kind: "taken"; readonly sequence: number }
  | { readonly kind: "compared"; readonly sequence: number; readonly equal: boolean }
  | { readonly kind: "held"; readonly held: boolean }
  | { readonly kind: "resynchronise"; readonly purpose: "copy" | "resynchronise" }
  | { readonly kind: "resynchronised" | "paired" }
  | { readonly kind: "inner-divergence"; readonly through: number; readonly inner: InnerDivergence }
  | { readonly kind: "divergence"; readonly through: number; readonly divergence: OutputDivergence }
  | { readonly kind: "agree-again" | "take-over" | "fenced"; readonly through: number }
  | { readonly kind: "fault"; readonly text: string }
);

/** Gathers what a member sees; `take` gives it as one message, which can be read without those before it. */
export class PairLogWriter {
  readonly #writer = new ByteWriter(4096);
  #ticks = 0;
  #instant = 0;
  #sequence = 0;

  get length(): number {
    return this.#writer.length;
  }

  /** What the log tells nothing of is passed over. `timeMs` since the pair's beginning; `instant` of the member, neither descends. */
  add(sight: Sight, instant: number, timeMs: number): void {
    if (sight.kind === "entry" && sight.entry.kind === "progress") return;
    const writer = this.#writer;
    if (writer.length === 0) {
      this.#ticks = 0;
      this.#instant = 0;
      this.#sequence = 0;
    }
    writer.u8(kindOf(sight));
    const ticks = Math.max(this.#ticks, Math.round(timeMs * TICKS_PER_MS));
    writer.varint(ticks - this.#ticks);
    this.#ticks = ticks;
    const at = Math.max(this.#instant, instant);
    writer.varint(at - this.#instant);
    this.#instant = at;
    this.#encode(sight);
  }

  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#writer.take();
    this.#writer.clear();
    return bytes;
  }

  #encode(sight: Sight): void {
    const writer = this.#writer;
    switch (sight.kind) {
      case "entry":
        this.#encodeEntry(sight.entry);
        break;
      case "acknowledge":
        this.#number(sight.through);
        writer.varint(Math.max(0, this.#instant - sight.at));
        writer.varint(sight.matched.length);
        for (const count of sight.matched) writer.varint(count);
        break;
      case "release":
        writer.varint(sight.device);
        writer.varint(sight.number);
        writer.varint(sight.units);
        writer.varint(Math.max(0, Math.round(sight.latencyMs * US_PER_MS)));
        break;
      case "held":
        writer.u8(sight.held ? 1 : 0);
        break;
      case "resynchronise":
        writer.u8(PURPOSES.indexOf(sight.purpose));
        break;
      case "input":
        this.#number(sight.sequence);
        break;
      case "compared":
        this.#number(sight.sequence);
        writer.u8(sight.equal ? 1 : 0);
        break;
      case "inner-divergence":
        this.#number(sight.through);
        writer.varint(sight.inner.noticedAt);
        writer.varint(sight.inner.lastAgreement);
        writer.u8(HOWS.indexOf(sight.inner.how));
        break;
      case "divergence":
        this.#number(sight.through);
        this.#text(JSON.stringify(sight.divergence));
        break;
      case "fault":
        this.#text(sight.text);
        break;
      case "agree-again":
      case "take-over":
      case "fenced":
        this.#number(sight.through);
        break;
      case "resynchronised":
      case "paired":
        break;
    }
  }

  #encodeEntry(entry: LogEntry): void {
    const writer = this.#writer;
    this.#number(entry.sequence);
    if (entry.kind === "input") {
      const { event, number } = entry.input;
      this.#back(entry.instant);
      writer.u8(INPUTS.indexOf(event.kind));
      writer.varint(number === undefined ? 0 : number + 1);
      writer.varint(sizeOf(event));
    } else if (entry.kind === "output") {
      const { device, number, instant, lastInstant, bytes } = entry.run;
      writer.varint(device);
      writer.varint(number);
      writer.varint(bytes.length);
      this.#back(instant);
      this.#back(lastInstant);
    } else if (entry.kind === "digest") {
      this.#back(entry.instant);
      writer.big64(BigInt(`0x${entry.digest.slice(0, DIGEST_BYTES)}`));
      writer.big64(BigInt(`0x${entry.digest.slice(DIGEST_BYTES)}`));
    }
  }

  /** Sequence numbers seldom go far, and may go back. */
  #number(sequence: number): void {
    const step = sequence - this.#sequence;
    this.#writer.varint(step >= 0 ? step * 2 : -step * 2 - 1);
    this.#sequence = sequence;
  }

  #back(instant: number): void {
    this.#writer.varint(Math.max(0, this.#instant - instant));
  }

  #text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.#writer.varint(bytes.length);
    this.#writer.bytes(bytes);
  }
}

/** Reads one message of the channel. */
export class PairLogReader {
  readonly #reader: ByteReader;
  #ticks = 0;
  #instant = 0;
  #sequence = 0;

  constructor(bytes: Uint8Array) {
    this.#reader = new ByteReader(bytes);
  }

  /** Undefined: there is no more. Throws `MalformedBytes`. */
  next(): StoredSight | undefined {
    const reader = this.#reader;
    if (reader.remaining === 0) return undefined;
    const kind = reader.u8();
    this.#ticks += reader.varint();
    this.#instant += reader.varint();
    const when = { timeMs: this.#ticks / TICKS_PER_MS, instant: this.#instant };
    switch (kind) {
      case KIND.input: {
        const [sequence, at, event, number, size] = [
          ...[this.#number(), this.#back(), reader.u8(), reader.varint(), reader.varint()],
        ];
        const known = choose(INPUTS, event);
        return {
          ...when,
          kind: "input",
          sequence,
          at,
          event: known,
          number: number === 0 ? undefined : number - 1,
          size,
        };
      }
      case KIND.output: {
        const [sequence, device, number, size] = [this.#number(), reader.varint(), reader.varint(), reader.varint()];
        return { ...when, kind: "output", sequence, device, number, size, at: this.#back(), lastAt: this.#back() };
      }
      case KIND.digest: {
        const [sequence, at] = [this.#number(), this.#back()];
        const half = () => reader.big64().toString(16).padStart(DIGEST_BYTES, "0");
        return { ...when, kind: "digest", sequence, at, digest: `${half()}${half()}` };
      }
      case KIND.acknowledge: {
        const [through, lagSteps, devices] = [this.#number(), reader.varint(), reader.varint()];
        if (devices > MOST_DEVICES) throw new MalformedBytes(`${devices} devices`);
        return {
          ...when,
          kind: "acknowledge",
          through,
          lagSteps,
          matched: Array.from({ length: devices }, () => reader.varint()),
        };
      }
      case KIND.release: {
        const [device, number, units, us] = [reader.varint(), reader.varint(), reader.varint(), reader.varint()];
        return { ...when, kind: "release", device, number, units, latencyMs: us / US_PER_MS };
      }
      case KIND.held:
        return { ...when, kind: "held", held: reader.u8() !== 0 };
      case KIND.resynchronise:
        return { ...when, kind: "resynchronise", purpose: choose(PURPOSES, reader.u8()) };
      case KIND.resynchronised:
        return { ...when, kind: "resynchronised" };
      case KIND.paired:
        return { ...when, kind: "paired" };
      case KIND.taken:
        return { ...when, kind: "taken", sequence: this.#number() };
      case KIND.compared:
        return { ...when, kind: "compared", sequence: this.#number(), equal: reader.u8() !== 0 };
      case KIND.innerDivergence: {
        const [through, noticedAt, lastAgreement] = [this.#number(), reader.varint(), reader.varint()];
        return {
          ...when,
          kind: "inner-divergence",
          through,
          inner: { noticedAt, lastAgreement, how: choose(HOWS, reader.u8()) },
        };
      }
      case KIND.agreeAgain:
        return { ...when, kind: "agree-again", through: this.#number() };
      case KIND.divergence:
        return { ...when, kind: "divergence", through: this.#number(), divergence: parseDivergence(this.#text()) };
      case KIND.takeOver:
        return { ...when, kind: "take-over", through: this.#number() };
      case KIND.fenced:
        return { ...when, kind: "fenced", through: this.#number() };
      case KIND.fault:
        return { ...when, kind: "fault", text: this.#text() };
      default:
        throw new MalformedBytes(`unknown kind of lockstep entry: ${kind}`);
    }
  }

  #number(): number {
    const coded = this.#reader.varint();
    this.#sequence += coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2;
    return this.#sequence;
  }

  #back(): number {
    return this.#instant - this.#reader.varint();
  }

  #text(): string {
    return DECODER.decode(this.#reader.bytes(this.#reader.varint()));
  }
}

const MOST_DEVICES = 64;

function kindOf(sight: Sight): number {
  switch (sight.kind) {
    case "entry":
      return sight.entry.kind === "progress" ? 0 : KIND[sight.entry.kind];
    case "input":
      return KIND.taken;
    case "inner-divergence":
      return KIND.innerDivergence;
    case "agree-again":
      return KIND.agreeAgain;
    case "take-over":
      return KIND.takeOver;
    default:
      return KIND[sight.kind];
  }
}

function sizeOf(event: Extract<LogEntry, { kind: "input" }>["input"]["event"]): number {
  if (event.kind === "console-input") return event.bytes.length;
  if (event.kind === "network-input") return event.frame.length;
  return event.kind === "idle-jump" ? event.ticks : event.token;
}

function choose<Value>(values: readonly Value[], index: number): Value {
  const value = values[index];
  if (value === undefined) throw new MalformedBytes(`no such kind: ${index}`);
  return value;
}

function parseDivergence(text: string): OutputDivergence {
  try {
    const value = JSON.parse(text) as OutputDivergence;
    if (typeof value?.what === "string" && Number.isSafeInteger(value.device)) return value;
  } catch {
    // Said below.
  }
  throw new MalformedBytes("a divergence that is not one");
}
