import { ByteReader, ByteWriter, MalformedBytes } from "../base/byte-cursor.ts";
import { runsOf } from "../base/runs.ts";
import type { OutputDivergence } from "./divergence.ts";
import type { LogEntry } from "./entry.ts";
import { decodeEntries, encodeEntries } from "./entry-codec.ts";
import type { Counts } from "./replica.ts";
import { blob, counts, list, oneOf, readBlob, readCounts, readDigest, readText, text } from "./wire.ts";

/** Raised with every change of what is said here. */
export const PROTOCOL_VERSION = 5;

/** What the members say to each other; docs/lockstep.md has their order and their bytes. */
export type Message =
  | {
      readonly kind: "hello";
      readonly member: string;
      readonly role: "primary" | "secondary" | "joiner";
      readonly pageCount: number;
      readonly devices: number;
      /** It does what its partner does: what is told to one guest may be told to both. */
      readonly isTold: boolean;
    }
  | { readonly kind: "log"; readonly entries: readonly LogEntry[] }
  /**
   * Sequence numbers up to which the secondary has the log, and has been through it; how far it is, in the primary's instants; and
   * how many steps fit into one of its turns, 0: it does not say.
   */
  | {
      readonly kind: "acknowledge";
      readonly snapshot: number;
      readonly received: number;
      readonly consumed: number;
      readonly at: number;
      readonly matched: Counts;
      readonly turnSteps: number;
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
  /** The secondary goes on from the snapshot without the pages with a mark, 1, which it will want by and by. */
  | { readonly kind: "lacking"; readonly id: number; readonly marks: Uint8Array }
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
  ...(["complete", "released", "paired", "alone", "lacking"] as const),
] satisfies readonly Message["kind"][];
const ROLES = ["primary", "secondary", "joiner"] as const;
const DIVERGENCES = ["data", "missing", "extra", "no-progress", "state"] as const;
const PURPOSES = ["copy", "resynchronise"] as const;

/** Bounds on what a peer may ask us to believe. */
const MOST_PAGES = 2 ** 30;

export function encodeMessage(message: Message): Uint8Array {
  const isLong = message.kind === "pages";
  const writer = isLong ? new ByteWriter(message.pages.length * PAGE_ROOM_BYTES) : WRITER;
  writer.clear();
  writer.u8(KINDS.indexOf(message.kind));
  switch (message.kind) {
    case "hello":
      writer.varint(PROTOCOL_VERSION);
      text(writer, message.member);
      writer.u8(ROLES.indexOf(message.role));
      writer.varint(message.pageCount);
      writer.varint(message.devices);
      writer.u8(message.isTold ? 1 : 0);
      break;
    case "log":
      encodeEntries(writer, message.entries);
      break;
    case "acknowledge":
      for (const value of [message.snapshot, message.received, message.consumed, message.at]) writer.varint(value);
      counts(writer, message.matched);
      writer.varint(message.turnSteps);
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
    case "lacking":
      writer.varint(message.id);
      writer.varint(message.marks.length);
      writer.bytes(bitsOf(message.marks));
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
  return isLong ? writer.view() : writer.take();
}

/** Of messages that are short; each is copied out of it. */
const WRITER = new ByteWriter();
const NOTHING = new Uint8Array(0);
const HASH_BYTES = 8;
/** A page, with its number and length: of a quarter of a thousand of them no buffer need grow. */
const PAGE_ROOM_BYTES = 4096 + 16;

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
    case "lacking":
      if (message.marks.length !== shape.pageCount) throw new MalformedBytes(`it has ${message.marks.length} pages`);
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
      const [pageCount, devices] = [reader.varint(), reader.varint()];
      return { kind, member, role, pageCount, devices, isTold: reader.u8() === 1 };
    }
    case "log":
      return { kind, entries: decodeEntries(reader) };
    case "acknowledge": {
      const [snapshot, received, consumed, at] = [reader.varint(), reader.varint(), reader.varint(), reader.varint()];
      return { kind, snapshot, received, consumed, at, matched: readCounts(reader), turnSteps: reader.varint() };
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
    case "lacking": {
      const [id, length] = [reader.varint(), readPage(reader)];
      return { kind, id, marks: marksOf(reader.bytes(Math.ceil(length / 8)), length) };
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

/** A bit for each mark, the first in the lowest. */
function bitsOf(marks: Uint8Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(marks.length / 8));
  for (const [from, to] of runsOf(marks)) for (let at = from; at < to; at++) bits[at >> 3] |= 1 << (at & 7);
  return bits;
}

function marksOf(bits: Uint8Array, length: number): Uint8Array {
  const marks = new Uint8Array(length);
  for (let at = 0; at < length; at++) marks[at] = (bits[at >> 3] >> (at & 7)) & 1;
  return marks;
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

function readPage(reader: ByteReader): number {
  const page = reader.varint();
  if (page >= MOST_PAGES) throw new MalformedBytes(`there is no page ${page}`);
  return page;
}
