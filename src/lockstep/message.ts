import { ByteReader, ByteWriter, MalformedBytes } from "../base/byte-cursor.ts";
import { LATENT_WORK } from "../machine/latent-work.ts";
import type { OutputDivergence } from "./divergence.ts";
import type { LogEntry, Rest } from "./entry.ts";
import type { Counts, InputEvent, OutputRun } from "./replica.ts";

/** Raised with every change of what is said here. */
export const PROTOCOL_VERSION = 3;

/** What the members say to each other; docs/lockstep.md has their order and their bytes. */
export type Message =
  | {
      readonly kind: "hello";
      readonly member: string;
      readonly role: "primary" | "secondary" | "joiner";
      readonly pageCount: number;
      readonly devices: number;
    }
  | { readonly kind: "log"; readonly entries: readonly LogEntry[] }
  /** Sequence numbers up to which the secondary has the log, and has been through it; how far it is, in the primary's instants. */
  | {
      readonly kind: "acknowledge";
      readonly snapshot: number;
      readonly received: number;
      readonly consumed: number;
      readonly at: number;
      readonly matched: Counts;
    }
  | { readonly kind: "divergence"; readonly snapshot: number; readonly divergence: OutputDivergence }
  /** The state behind the entry `sequence`. "copy": the log does not go on from it. */
  | {
      readonly kind: "snapshot";
      readonly id: number;
      readonly purpose: "copy" | "resynchronise";
      readonly sequence: number;
      readonly instant: number;
      readonly counts: Counts;
      /** Number of the next input. */
      readonly inputs: number;
      readonly digest: string;
      readonly state: Uint8Array;
    }
  /** Hashes of consecutive pages; `present` is 0 for one that is zero, or as in the image. */
  | {
      readonly kind: "page-hashes";
      readonly id: number;
      readonly first: number;
      readonly present: Uint8Array;
      readonly hashes: BigUint64Array;
    }
  | { readonly kind: "want"; readonly id: number; readonly pages: readonly number[] }
  | {
      readonly kind: "pages";
      readonly id: number;
      readonly pages: readonly { readonly page: number; readonly bytes: Uint8Array | undefined }[];
    }
  /** The secondary has the whole of a snapshot. */
  | { readonly kind: "complete"; readonly id: number }
  | { readonly kind: "released"; readonly counts: Counts }
  /** The arbiter says so. */
  | { readonly kind: "paired"; readonly term: number }
  | { readonly kind: "alone"; readonly term: number; readonly holder: string };

const KINDS = [
  ...(["hello", "log", "acknowledge", "divergence", "snapshot", "page-hashes", "want", "pages"] as const),
  ...(["complete", "released", "paired", "alone"] as const),
] satisfies readonly Message["kind"][];
const ROLES = ["primary", "secondary", "joiner"] as const;
const ENTRIES = ["input", "output", "digest", "progress"] as const;
const EVENTS = [
  ...(["console-input", "network-input", "idle-jump", "page-not-ready", "page-ready"] as const),
] satisfies readonly InputEvent["kind"][];
const RESTS = ["running", "held", "idle", "waiting", "ended"] as const satisfies readonly Rest[];
const DIVERGENCES = ["data", "missing", "extra", "no-progress", "state"] as const;
const PURPOSES = ["copy", "resynchronise"] as const;

/** Bounds on what a peer may ask us to believe. */
const MOST_DEVICES = 64;
const MOST_PAGES = 2 ** 30;
const DIGEST_DIGITS = /^[0-9a-f]{32}$/;

export function encodeMessage(message: Message): Uint8Array {
  const writer = new ByteWriter(128);
  writer.u8(KINDS.indexOf(message.kind));
  switch (message.kind) {
    case "hello":
      writer.varint(PROTOCOL_VERSION);
      text(writer, message.member);
      writer.u8(ROLES.indexOf(message.role));
      writer.varint(message.pageCount);
      writer.varint(message.devices);
      break;
    case "log":
      writer.varint(message.entries.length);
      for (const entry of message.entries) encodeEntry(writer, entry);
      break;
    case "acknowledge":
      for (const value of [message.snapshot, message.received, message.consumed, message.at]) writer.varint(value);
      counts(writer, message.matched);
      break;
    case "divergence":
      writer.varint(message.snapshot);
      encodeDivergence(writer, message.divergence);
      break;
    case "snapshot":
      writer.varint(message.id);
      writer.u8(PURPOSES.indexOf(message.purpose));
      writer.varint(message.sequence);
      writer.varint(message.instant);
      counts(writer, message.counts);
      writer.varint(message.inputs);
      text(writer, message.digest);
      blob(writer, message.state);
      break;
    case "page-hashes":
      writer.varint(message.id);
      writer.varint(message.first);
      blob(writer, message.present);
      for (const [from, to] of runsOf(message.present))
        writer.bytes(new Uint8Array(message.hashes.slice(from, to).buffer));
      break;
    case "want":
      writer.varint(message.id);
      writer.varint(message.pages.length);
      for (const page of message.pages) writer.varint(page);
      break;
    case "pages":
      writer.varint(message.id);
      writer.varint(message.pages.length);
      for (const { page, bytes } of message.pages) {
        writer.varint(page);
        blob(writer, bytes ?? NOTHING);
      }
      break;
    case "complete":
      writer.varint(message.id);
      break;
    case "released":
      counts(writer, message.counts);
      break;
    case "paired":
      writer.varint(message.term);
      break;
    case "alone":
      writer.varint(message.term);
      text(writer, message.holder);
      break;
  }
  return writer.view();
}

const NOTHING = new Uint8Array(0);
const HASH_BYTES = 8;

/** From where to where pages that are present follow each other. */
function* runsOf(present: Uint8Array): Iterable<readonly [from: number, to: number]> {
  for (let from = present.indexOf(1); from >= 0; ) {
    const end = present.indexOf(0, from);
    yield [from, end < 0 ? present.length : end];
    from = end < 0 ? -1 : present.indexOf(1, end);
  }
}

/** What kind of message these bytes begin as. */
export function kindOf(bytes: Uint8Array): Message["kind"] | undefined {
  return KINDS[bytes[0]];
}

/** Throws `MalformedBytes` unless the bytes are exactly one message. What it gives may lie in `bytes`. */
export function decodeMessage(bytes: Uint8Array): Message {
  const reader = new ByteReader(bytes);
  const message = decodeKind(reader, oneOf(reader, KINDS, "message"));
  reader.end();
  return message;
}

/** What both members are made of: what is said must fit it. */
export interface Shape {
  readonly devices: number;
  readonly pageCount: number;
}

/** Throws `MalformedBytes` when a message speaks of devices or pages that there are not. */
export function checkShape(message: Message, shape: Shape): void {
  const hasCounts = (values: Counts) => {
    if (values.length !== shape.devices) throw new MalformedBytes(`it counts ${values.length} devices`);
  };
  const hasDevice = (device: number) => {
    if (device >= shape.devices) throw new MalformedBytes(`there is no device ${device}`);
  };
  const hasPage = (page: number) => {
    if (page >= shape.pageCount) throw new MalformedBytes(`there is no page ${page}`);
  };
  switch (message.kind) {
    case "hello":
      if (message.devices !== shape.devices || message.pageCount !== shape.pageCount) {
        throw new MalformedBytes("its machine is another board");
      }
      break;
    case "log":
      for (const entry of message.entries) {
        if (entry.kind === "output") hasDevice(entry.run.device);
        else if (entry.kind !== "progress") hasCounts(entry.place);
      }
      break;
    case "acknowledge":
      hasCounts(message.matched);
      break;
    case "divergence":
      hasDevice(message.divergence.device);
      break;
    case "snapshot":
    case "released":
      hasCounts(message.counts);
      break;
    case "page-hashes":
      if (message.present.length > 0) hasPage(message.first + message.present.length - 1);
      break;
    case "want":
      for (const page of message.pages) hasPage(page);
      break;
    case "pages":
      for (const { page } of message.pages) hasPage(page);
      break;
    default:
  }
}

function decodeKind(reader: ByteReader, kind: Message["kind"]): Message {
  switch (kind) {
    case "hello": {
      const version = reader.varint();
      if (version !== PROTOCOL_VERSION) {
        throw new MalformedBytes(`speaks version ${version} of the protocol, and not ${PROTOCOL_VERSION}`);
      }
      const [member, role] = [readText(reader), oneOf(reader, ROLES, "role")];
      return { kind, member, role, pageCount: reader.varint(), devices: reader.varint() };
    }
    case "log":
      return { kind, entries: list(reader, () => decodeEntry(reader)) };
    case "acknowledge": {
      const [snapshot, received, consumed, at] = [reader.varint(), reader.varint(), reader.varint(), reader.varint()];
      return { kind, snapshot, received, consumed, at, matched: readCounts(reader) };
    }
    case "divergence":
      return { kind, snapshot: reader.varint(), divergence: decodeDivergence(reader) };
    case "snapshot": {
      const [id, purpose] = [reader.varint(), oneOf(reader, PURPOSES, "purpose")];
      const [sequence, instant] = [reader.varint(), reader.varint()];
      const [places, inputs, digest] = [readCounts(reader), reader.varint(), readDigest(reader)];
      return { kind, id, purpose, sequence, instant, counts: places, inputs, digest, state: readBlob(reader) };
    }
    case "page-hashes": {
      const [id, first] = [reader.varint(), readPage(reader)];
      const present = readBlob(reader).slice();
      const hashes = new BigUint64Array(present.length);
      const bytes = new Uint8Array(hashes.buffer);
      for (const [from, to] of runsOf(present)) bytes.set(reader.bytes((to - from) * HASH_BYTES), from * HASH_BYTES);
      return { kind, id, first, present, hashes };
    }
    case "want":
      return { kind, id: reader.varint(), pages: list(reader, () => readPage(reader)) };
    case "pages": {
      const id = reader.varint();
      const pages = list(reader, () => {
        const [page, bytes] = [readPage(reader), readBlob(reader)];
        return { page, bytes: bytes.length === 0 ? undefined : bytes };
      });
      return { kind, id, pages };
    }
    case "complete":
      return { kind, id: reader.varint() };
    case "released":
      return { kind, counts: readCounts(reader) };
    case "paired":
      return { kind, term: reader.varint() };
    case "alone":
      return { kind, term: reader.varint(), holder: readText(reader) };
  }
}

function encodeEntry(writer: ByteWriter, entry: LogEntry): void {
  writer.u8(ENTRIES.indexOf(entry.kind));
  writer.varint(entry.sequence);
  switch (entry.kind) {
    case "input":
      writer.varint(entry.instant);
      counts(writer, entry.place);
      writer.varint(entry.input.number === undefined ? 0 : entry.input.number + 1);
      encodeEvent(writer, entry.input.event);
      break;
    case "output":
      encodeRun(writer, entry.run);
      break;
    case "digest":
      writer.varint(entry.instant);
      counts(writer, entry.place);
      text(writer, entry.digest);
      break;
    case "progress":
      writer.varint(entry.instant);
      writer.u8(RESTS.indexOf(entry.rest));
      break;
  }
}

function decodeEntry(reader: ByteReader): LogEntry {
  const kind = oneOf(reader, ENTRIES, "entry");
  const sequence = reader.varint();
  switch (kind) {
    case "input": {
      const [instant, place, number] = [reader.varint(), readCounts(reader), reader.varint()];
      const input = { number: number === 0 ? undefined : number - 1, event: decodeEvent(reader) };
      return { kind, sequence, instant, place, input };
    }
    case "output":
      return { kind, sequence, run: decodeRun(reader) };
    case "digest":
      return { kind, sequence, instant: reader.varint(), place: readCounts(reader), digest: readDigest(reader) };
    case "progress":
      return { kind, sequence, instant: reader.varint(), rest: oneOf(reader, RESTS, "rest") };
  }
}

function encodeEvent(writer: ByteWriter, event: InputEvent): void {
  writer.u8(EVENTS.indexOf(event.kind));
  switch (event.kind) {
    case "console-input":
      return blob(writer, event.bytes);
    case "network-input":
      return blob(writer, event.frame);
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

function decodeEvent(reader: ByteReader): InputEvent {
  const kind = oneOf(reader, EVENTS, "event");
  if (kind === "idle-jump") return { kind, ticks: reader.varint() };
  if (kind === "page-ready") return { kind, token: reader.varint() };
  if (kind === "page-not-ready") {
    const [address, hart, token, page] = [reader.big64(), reader.varint(), reader.varint(), reader.varint()];
    return { kind, address, hart, token, page, work: oneOf(reader, LATENT_WORK, "work") };
  }
  return kind === "console-input" ? { kind, bytes: readBlob(reader) } : { kind, frame: readBlob(reader) };
}

function encodeRun(writer: ByteWriter, run: OutputRun): void {
  const lasts = Math.max(0, run.lastInstant - run.instant);
  for (const value of [run.device, run.number, run.instant, lasts]) writer.varint(value);
  blob(writer, run.bytes);
}

function decodeRun(reader: ByteReader): OutputRun {
  const [device, number, instant] = [reader.varint(), reader.varint(), reader.varint()];
  const lastInstant = instant + reader.varint();
  return { device, number, instant, lastInstant, bytes: readBlob(reader) };
}

function encodeDivergence(writer: ByteWriter, divergence: OutputDivergence): void {
  writer.u8(DIVERGENCES.indexOf(divergence.what));
  const { device, number, primaryInstant, secondaryInstant, lastAgreement } = divergence;
  for (const value of [device, number, primaryInstant, secondaryInstant, lastAgreement]) writer.varint(value);
  text(writer, divergence.expected);
  text(writer, divergence.got);
}

function decodeDivergence(reader: ByteReader): OutputDivergence {
  const what = oneOf(reader, DIVERGENCES, "divergence");
  const [device, number] = [reader.varint(), reader.varint()];
  const [primaryInstant, secondaryInstant, lastAgreement] = [reader.varint(), reader.varint(), reader.varint()];
  const [expected, got] = [readText(reader), readText(reader)];
  return { what, device, number, primaryInstant, secondaryInstant, expected, got, lastAgreement };
}

function oneOf<T>(reader: ByteReader, choices: readonly T[], what: string): T {
  const index = reader.u8();
  if (index >= choices.length) throw new MalformedBytes(`there is no ${what} ${index}`);
  return choices[index];
}

function list<T>(reader: ByteReader, read: () => T): T[] {
  const count = reader.varint();
  // Every element has at least a byte: a count that cannot be true must not become an allocation.
  if (count > reader.remaining) throw new MalformedBytes(`a list of ${count} in ${reader.remaining} bytes`);
  return Array.from({ length: count }, read);
}

function text(writer: ByteWriter, value: string): void {
  blob(writer, new TextEncoder().encode(value));
}

function readText(reader: ByteReader): string {
  return new TextDecoder().decode(readBlob(reader));
}

function blob(writer: ByteWriter, bytes: Uint8Array): void {
  writer.varint(bytes.length);
  writer.bytes(bytes);
}

function readBlob(reader: ByteReader): Uint8Array {
  return reader.bytes(reader.varint());
}

function counts(writer: ByteWriter, values: Counts): void {
  writer.varint(values.length);
  for (const value of values) writer.varint(value);
}

function readCounts(reader: ByteReader): Counts {
  const values = list(reader, () => reader.varint());
  if (values.length > MOST_DEVICES) throw new MalformedBytes(`${values.length} devices`);
  return values;
}

function readPage(reader: ByteReader): number {
  const page = reader.varint();
  if (page >= MOST_PAGES) throw new MalformedBytes(`there is no page ${page}`);
  return page;
}

function readDigest(reader: ByteReader): string {
  const digest = readText(reader);
  if (!DIGEST_DIGITS.test(digest)) throw new MalformedBytes("that is no digest");
  return digest;
}
