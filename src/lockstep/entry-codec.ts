import { type ByteReader, type ByteWriter, MalformedBytes } from "../base/byte-cursor.ts";
import { LATENT_WORK } from "../machine/latent-work.ts";
import type { LogEntry, Rest } from "./entry.ts";
import type { Counts, InputEvent, OutputRun } from "./replica.ts";
import { counts, list, MOST_DEVICES, oneOf, readBlob, readCounts } from "./wire.ts";

const ENTRIES = ["input", "output", "digest", "progress"] as const satisfies readonly LogEntry["kind"][];
const EVENTS = [
  ...(["console-input", "network-input", "idle-jump", "page-not-ready", "page-ready"] as const),
] satisfies readonly InputEvent["kind"][];
const RESTS = ["running", "held", "idle", "waiting", "ended"] as const satisfies readonly Rest[];

/** What an entry begins with: its kind, and what of it does not follow from the entries of the message before it. */
const KIND_BITS = 0x03;
const HAS_SEQUENCE = 0x04;
/** Of an output: its number follows neither of the next two rules. Of an input or digest: its place is written out. */
const IS_EXPLICIT = 0x08;
/** Of an output: its number is the one after that of its device's last. Otherwise it is behind the bytes of that. */
const IS_NEXT = 0x10;
const LASTS = 0x20;
/** The payload is written as what it does not share with the one before it. */
const IS_LIKE = 0x40;
/** The instant is before that of the entry before it. */
const IS_BEFORE = 0x80;

/** Bytes that a payload has to share with the one before it. */
const LEAST_SHARED_BYTES = 4;
/** What a message may make of itself: far more than what a machine says in one turn. */
const MOST_PAYLOAD_BYTES = 64 * 2 ** 20;
const DIGEST_BYTES = 16;
const NOTHING = new Uint8Array(0);

/** The entries of a message of the log, each as what it has that those before it have not. */
export function encodeEntries(writer: ByteWriter, entries: readonly LogEntry[]): void {
  writer.varint(entries.length);
  const each = new EntryWriter(writer);
  for (const entry of entries) each.write(entry);
}

export function decodeEntries(reader: ByteReader): LogEntry[] {
  const each = new EntryReader(reader);
  return list(reader, () => each.read());
}

/** What writer and reader know of the entries before. */
class Before {
  sequence = -1;
  instant = 0;
  /** The last outputs, by device. */
  readonly runs: (Pick<OutputRun, "number" | "bytes"> | undefined)[] = [];
  place: readonly number[] | undefined;
  /** The last payload of an input, by its kind. */
  readonly inputs = new Map<InputEvent["kind"], Uint8Array>();

  /** A count that a place of now does not lie below. */
  leastCount(device: number): number {
    return Math.max(this.place?.[device] ?? 0, this.runs[device]?.number ?? 0);
  }
}

class EntryWriter {
  readonly #writer: ByteWriter;
  readonly #before = new Before();

  constructor(writer: ByteWriter) {
    this.#writer = writer;
  }

  write(entry: LogEntry): void {
    const before = this.#before;
    const instant = entry.kind === "output" ? entry.run.instant : entry.instant;
    let flags = ENTRIES.indexOf(entry.kind);
    if (entry.sequence !== before.sequence + 1) flags |= HAS_SEQUENCE;
    if (instant < before.instant) flags |= IS_BEFORE;
    if (entry.kind === "output") this.#output(entry, flags);
    else if (entry.kind === "input") this.#input(entry, flags);
    else if (entry.kind === "digest") {
      this.#head(entry, this.#placed(entry.place, flags));
      this.#place(entry.place);
      for (let at = 0; at < DIGEST_BYTES; at++)
        this.#writer.u8(Number.parseInt(entry.digest.slice(2 * at, 2 * at + 2), 16));
    } else {
      this.#head(entry, flags);
      this.#writer.u8(RESTS.indexOf(entry.rest));
    }
    before.sequence = entry.sequence;
    before.instant = instant;
  }

  #head(entry: LogEntry, flags: number): void {
    const instant = entry.kind === "output" ? entry.run.instant : entry.instant;
    this.#writer.u8(flags);
    if ((flags & HAS_SEQUENCE) !== 0) this.#writer.varint(entry.sequence);
    this.#writer.varint(Math.abs(instant - this.#before.instant));
  }

  #output(entry: Extract<LogEntry, { kind: "output" }>, given: number): void {
    const { device, number, instant, lastInstant, bytes } = entry.run;
    const { runs } = this.#before;
    const last = runs[device];
    let flags = given;
    if (number === (last?.number ?? -1) + 1) flags |= IS_NEXT;
    else if (last === undefined || number !== last.number + last.bytes.length) flags |= IS_EXPLICIT;
    if (lastInstant > instant) flags |= LASTS;
    const shared = sharedBytes(last?.bytes ?? NOTHING, bytes);
    if (shared !== undefined) flags |= IS_LIKE;
    this.#head(entry, flags);
    this.#writer.varint(device);
    if ((flags & IS_EXPLICIT) !== 0) this.#writer.varint(number);
    if ((flags & LASTS) !== 0) this.#writer.varint(lastInstant - instant);
    this.#payload(bytes, shared);
    runs[device] = { number, bytes };
  }

  #input(entry: Extract<LogEntry, { kind: "input" }>, given: number): void {
    const { place, input } = entry;
    const { event } = input;
    const payload = payloadOf(event);
    const { inputs } = this.#before;
    const shared = payload === undefined ? undefined : sharedBytes(inputs.get(event.kind) ?? NOTHING, payload);
    this.#head(entry, this.#placed(place, given) | (shared === undefined ? 0 : IS_LIKE));
    this.#place(place);
    const writer = this.#writer;
    writer.varint(input.number === undefined ? 0 : input.number + 1);
    writer.u8(EVENTS.indexOf(event.kind));
    if (payload !== undefined) {
      this.#payload(payload, shared);
      inputs.set(event.kind, payload);
    } else encodeEvent(writer, event);
  }

  #isRelative(place: Counts): boolean {
    const { place: last } = this.#before;
    return place.length === last?.length && place.every((count, device) => count >= this.#before.leastCount(device));
  }

  #placed(place: Counts, flags: number): number {
    return this.#isRelative(place) ? flags : flags | IS_EXPLICIT;
  }

  #place(place: Counts): void {
    if (!this.#isRelative(place)) counts(this.#writer, place);
    else for (const [device, count] of place.entries()) this.#writer.varint(count - this.#before.leastCount(device));
    this.#before.place = place;
  }

  #payload(bytes: Uint8Array, shared: Shared | undefined): void {
    const { front, back } = shared ?? { front: 0, back: 0 };
    if (shared !== undefined) for (const value of [front, back]) this.#writer.varint(value);
    this.#writer.varint(bytes.length - front - back);
    this.#writer.bytes(bytes.subarray(front, bytes.length - back));
  }
}

class EntryReader {
  readonly #reader: ByteReader;
  readonly #before = new Before();
  /** What the payloads take up that do not stand in the message as they are. */
  #madeBytes = 0;

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  read(): LogEntry {
    const [reader, before] = [this.#reader, this.#before];
    const flags = reader.u8();
    const kind = ENTRIES[flags & KIND_BITS];
    const sequence = (flags & HAS_SEQUENCE) === 0 ? before.sequence + 1 : reader.varint();
    const apart = reader.varint();
    const instant = sane((flags & IS_BEFORE) === 0 ? before.instant + apart : before.instant - apart);
    before.sequence = sequence;
    before.instant = instant;
    switch (kind) {
      case "output":
        return { kind, sequence, run: this.#run(instant, flags) };
      case "input": {
        const [place, number, event] = [this.#place(flags), reader.varint(), oneOf(reader, EVENTS, "event")];
        return {
          ...{ kind, sequence, instant, place },
          input: { number: number === 0 ? undefined : number - 1, event: this.#event(event, flags) },
        };
      }
      case "digest":
        return { kind, sequence, instant, place: this.#place(flags), digest: hex(reader.bytes(DIGEST_BYTES)) };
      case "progress":
        return { kind, sequence, instant, rest: oneOf(reader, RESTS, "rest") };
    }
  }

  #run(instant: number, flags: number): OutputRun {
    const [reader, { runs }] = [this.#reader, this.#before];
    const device = reader.varint();
    if (device >= MOST_DEVICES) throw new MalformedBytes(`there is no device ${device}`);
    const last = runs[device];
    let number = (last?.number ?? -1) + 1;
    if ((flags & IS_EXPLICIT) !== 0) number = reader.varint();
    else if ((flags & IS_NEXT) === 0) number = (last?.number ?? 0) + (last?.bytes.length ?? 0);
    const lastInstant = instant + ((flags & LASTS) === 0 ? 0 : reader.varint());
    const bytes = this.#payload(flags, last?.bytes);
    runs[device] = { number, bytes };
    return { device, number: sane(number), instant, lastInstant: sane(lastInstant), bytes };
  }

  #place(flags: number): Counts {
    const [reader, before] = [this.#reader, this.#before];
    if ((flags & IS_EXPLICIT) !== 0) before.place = readCounts(reader);
    else {
      if (before.place === undefined) throw new MalformedBytes("a place that begins nowhere");
      before.place = before.place.map((_, device) => sane(before.leastCount(device) + reader.varint()));
    }
    return before.place;
  }

  #event(kind: InputEvent["kind"], flags: number): InputEvent {
    if (kind !== "console-input" && kind !== "network-input") return decodeEvent(this.#reader, kind);
    const { inputs } = this.#before;
    const bytes = this.#payload(flags, inputs.get(kind));
    inputs.set(kind, bytes);
    return kind === "console-input" ? { kind, bytes } : { kind, frame: bytes };
  }

  #payload(flags: number, last: Uint8Array = NOTHING): Uint8Array {
    const reader = this.#reader;
    if ((flags & IS_LIKE) === 0) return readBlob(reader);
    const [front, back] = [reader.varint(), reader.varint()];
    if (front + back > last.length) throw new MalformedBytes("it shares more than there was");
    const own = readBlob(reader);
    // A few bytes must not become an allocation without an end.
    this.#madeBytes += front + own.length + back;
    if (this.#madeBytes > MOST_PAYLOAD_BYTES) throw new MalformedBytes("a message that says more than a machine can");
    const bytes = new Uint8Array(front + own.length + back);
    bytes.set(last.subarray(0, front));
    bytes.set(own, front);
    bytes.set(last.subarray(last.length - back), front + own.length);
    return bytes;
  }
}

interface Shared {
  readonly front: number;
  readonly back: number;
}

/** How many bytes at its beginning and end a payload shares with the one before it, as frames of one connection do; undefined: few. */
function sharedBytes(last: Uint8Array, bytes: Uint8Array): Shared | undefined {
  const most = Math.min(last.length, bytes.length);
  let front = 0;
  while (front < most && last[front] === bytes[front]) front++;
  let back = 0;
  while (front + back < most && last[last.length - 1 - back] === bytes[bytes.length - 1 - back]) back++;
  return front + back < LEAST_SHARED_BYTES ? undefined : { front, back };
}

function payloadOf(event: InputEvent): Uint8Array | undefined {
  if (event.kind === "console-input") return event.bytes;
  return event.kind === "network-input" ? event.frame : undefined;
}

function encodeEvent(writer: ByteWriter, event: InputEvent): void {
  switch (event.kind) {
    case "idle-jump":
      return writer.varint(event.ticks);
    case "page-ready":
      return writer.varint(event.token);
    case "page-not-ready":
      writer.big64(event.address);
      for (const value of [event.hart, event.token, event.page]) writer.varint(value);
      return writer.u8(LATENT_WORK.indexOf(event.work));
  }
}

type Plain = Exclude<InputEvent["kind"], "console-input" | "network-input">;

function decodeEvent(reader: ByteReader, kind: Plain): InputEvent {
  switch (kind) {
    case "idle-jump":
      return { kind, ticks: reader.varint() };
    case "page-ready":
      return { kind, token: reader.varint() };
    case "page-not-ready": {
      const [address, hart, token, page] = [reader.big64(), reader.varint(), reader.varint(), reader.varint()];
      return { kind, address, hart, token, page, work: oneOf(reader, LATENT_WORK, "work") };
    }
  }
}

function sane(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new MalformedBytes(`there is no number ${value} in a log`);
  return value;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
