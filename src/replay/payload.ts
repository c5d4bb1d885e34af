import { type Instant, physicalAddress } from "../base/brand.ts";
import { ByteReader, ByteWriter, MalformedBytes } from "../base/byte-cursor.ts";
import type { Edit, MachineEvent } from "../machine/inlet.ts";
import { LATENT_WORK } from "../machine/latent-work.ts";
import type { Digest } from "../machine/machine-interface.ts";

/** The payload of every message, byte by byte as docs/recording-format.md has them. */

const EVENT = {
  consoleInput: 1,
  editRegister: 2,
  editPc: 3,
  editCsr: 4,
  editMemory: 5,
  idleJump: 6,
  networkInput: 7,
  editFloat: 8,
  pageNotReady: 9,
  pageReady: 10,
} as const;
const DECODER = new TextDecoder("utf-8", { fatal: true });

export function encodeEvent(event: MachineEvent): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(64);
  switch (event.kind) {
    case "console-input":
      writer.u8(EVENT.consoleInput);
      writer.bytes(event.bytes);
      break;
    case "edit":
      encodeEdit(writer, event.edit);
      break;
    case "network-input":
      writer.u8(EVENT.networkInput);
      writer.bytes(event.frame);
      break;
    case "idle-jump":
      writer.u8(EVENT.idleJump);
      writer.varint(event.ticks);
      break;
    case "page-not-ready":
      writer.u8(EVENT.pageNotReady);
      writer.varint(event.hart);
      writer.big64(event.address);
      writer.varint(event.token);
      writer.varint(event.page);
      writer.u8(LATENT_WORK.indexOf(event.work));
      break;
    case "page-ready":
      writer.u8(EVENT.pageReady);
      writer.varint(event.token);
      break;
  }
  return writer.take();
}

function encodeEdit(writer: ByteWriter, edit: Edit): void {
  switch (edit.target) {
    case "register":
      writer.u8(EVENT.editRegister);
      writer.varint(edit.hart);
      writer.varint(edit.register);
      writer.big64(edit.value);
      break;
    case "pc":
      writer.u8(EVENT.editPc);
      writer.varint(edit.hart);
      writer.big64(edit.value);
      break;
    case "csr":
      writer.u8(EVENT.editCsr);
      writer.varint(edit.hart);
      writer.varint(edit.csr);
      writer.big64(edit.value);
      break;
    case "float-register":
      writer.u8(EVENT.editFloat);
      writer.varint(edit.hart);
      writer.varint(edit.register);
      writer.big64(edit.value);
      break;
    case "memory":
      writer.u8(EVENT.editMemory);
      writer.big64(BigInt(edit.address));
      writer.bytes(edit.bytes);
      break;
  }
}

/** Copies what it keeps: `payload` may be part of a larger buffer. Throws `MalformedBytes`. */
export function decodeEvent(instant: Instant, payload: Uint8Array): MachineEvent {
  const reader = new ByteReader(payload);
  const kind = reader.u8();
  if (kind === EVENT.consoleInput) return { kind: "console-input", instant, bytes: reader.rest().slice() };
  if (kind === EVENT.networkInput) return { kind: "network-input", instant, frame: reader.rest().slice() };
  if (kind === EVENT.idleJump) {
    const ticks = reader.varint();
    reader.end();
    return { kind: "idle-jump", instant, ticks };
  }
  if (kind === EVENT.pageNotReady || kind === EVENT.pageReady) {
    const event = kind === EVENT.pageReady ? { kind: "page-ready" as const, token: reader.varint() } : notReady(reader);
    reader.end();
    return { ...event, instant };
  }
  const edit = decodeEdit(kind, reader);
  reader.end();
  return { kind: "edit", instant, edit };
}

function notReady(reader: ByteReader) {
  const [hart, address, token, page] = [reader.varint(), reader.big64(), reader.varint(), reader.varint()];
  const work = LATENT_WORK[reader.u8()];
  if (work === undefined) throw new MalformedBytes("unknown work of a page that is not ready");
  return { kind: "page-not-ready" as const, hart, address, token, page, work };
}

function decodeEdit(kind: number, reader: ByteReader): Edit {
  switch (kind) {
    case EVENT.editRegister:
      return { target: "register", hart: reader.varint(), register: reader.varint(), value: reader.big64() };
    case EVENT.editPc:
      return { target: "pc", hart: reader.varint(), value: reader.big64() };
    case EVENT.editCsr:
      return { target: "csr", hart: reader.varint(), csr: reader.varint(), value: reader.big64() };
    case EVENT.editFloat:
      return { target: "float-register", hart: reader.varint(), register: reader.varint(), value: reader.big64() };
    case EVENT.editMemory: {
      const address = reader.big64();
      if (address > BigInt(Number.MAX_SAFE_INTEGER)) throw new MalformedBytes(`no physical address: ${address}`);
      return { target: "memory", address: physicalAddress(Number(address)), bytes: reader.rest().slice() };
    }
    default:
      throw new MalformedBytes(`unknown kind of event: ${kind}`);
  }
}

export function encodeOutput(bytes: Uint8Array, deltas: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(bytes.length + deltas.length + 8);
  writer.varint(bytes.length);
  writer.bytes(bytes);
  writer.bytes(deltas);
  return writer.take();
}

/** Views of `payload`: the bytes, and the deltas still as varints. */
export function decodeOutput(payload: Uint8Array): { bytes: Uint8Array; deltas: Uint8Array } {
  const reader = new ByteReader(payload);
  const count = reader.varint();
  if (count === 0) throw new MalformedBytes("output without bytes");
  const bytes = reader.bytes(count);
  const start = reader.offset;
  for (let index = 1; index < count; index++) reader.varint();
  reader.end();
  return { bytes, deltas: payload.subarray(start) };
}

/** Where a stored checkpoint's pages are: whole chunks of the file. */
export interface PageChunk {
  /** Of the Chunk record, in bytes from the beginning of the file. */
  readonly offset: number;
  /** Numbers of the pages in it, ascending, in the order of its messages. */
  readonly pages: Uint32Array;
}

/** A checkpoint as the file has it. Plain data. */
export interface StoredCheckpoint {
  readonly instant: Instant;
  readonly state: Uint8Array;
  readonly events: number;
  readonly outputBytes: number;
  readonly framesSent: number;
  readonly zeroPages: Uint32Array;
  /** Written, and the same as before; undefined: any page may have been written. */
  readonly rewrittenPages: Uint32Array | undefined;
  readonly chunks: readonly PageChunk[];
}

export function encodeCheckpoint(checkpoint: StoredCheckpoint): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(checkpoint.state.length + 256);
  writer.varint(checkpoint.events);
  writer.varint(checkpoint.outputBytes);
  writer.varint(checkpoint.framesSent);
  writer.varint(checkpoint.state.length);
  writer.bytes(checkpoint.state);
  encodePages(writer, checkpoint.zeroPages);
  writer.varint(checkpoint.chunks.length);
  for (const chunk of checkpoint.chunks) {
    writer.varint(chunk.offset);
    encodePages(writer, chunk.pages);
  }
  writer.u8(checkpoint.rewrittenPages === undefined ? 0 : 1);
  if (checkpoint.rewrittenPages !== undefined) encodePages(writer, checkpoint.rewrittenPages);
  return writer.take();
}

export function decodeCheckpoint(instant: Instant, payload: Uint8Array): StoredCheckpoint {
  const reader = new ByteReader(payload);
  const events = reader.varint();
  const outputBytes = reader.varint();
  const framesSent = reader.varint();
  const state = reader.bytes(reader.varint()).slice();
  const zeroPages = decodePages(reader);
  const chunks: PageChunk[] = [];
  for (let count = reader.varint(); count > 0; count--) {
    const offset = reader.varint();
    chunks.push({ offset, pages: decodePages(reader) });
  }
  const rewrittenPages = reader.u8() === 0 ? undefined : decodePages(reader);
  reader.end();
  return { instant, state, events, outputBytes, framesSent, zeroPages, chunks, rewrittenPages };
}

/** A count, then the first number, then the distances, each less one: neighbours cost a zero byte. */
function encodePages(writer: ByteWriter, pages: Uint32Array): void {
  writer.varint(pages.length);
  let expected = 0;
  for (const page of pages) {
    writer.varint(page - expected);
    expected = page + 1;
  }
}

function decodePages(reader: ByteReader): Uint32Array {
  const count = reader.varint();
  // Each number takes a byte at least: a count that exceeds the bytes is refused before anything is allocated.
  if (count > reader.remaining) throw new MalformedBytes(`${count} pages in ${reader.remaining} bytes`);
  const pages = new Uint32Array(count);
  let expected = 0;
  for (let index = 0; index < count; index++) {
    const page = expected + reader.varint();
    if (page > 0xffff_fffe) throw new MalformedBytes(`page number ${page}`);
    pages[index] = page;
    expected = page + 1;
  }
  return pages;
}

export function encodePage(page: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(bytes.length + 8);
  writer.varint(page);
  writer.bytes(bytes);
  return writer.take();
}

export function decodePage(payload: Uint8Array): { page: number; bytes: Uint8Array } {
  const reader = new ByteReader(payload);
  return { page: reader.varint(), bytes: reader.rest() };
}

export function encodeDigest(digest: Digest, events: number): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(32);
  writer.varint(events);
  writer.big64(BigInt(`0x${digest.slice(0, 16)}`));
  writer.big64(BigInt(`0x${digest.slice(16)}`));
  return writer.take();
}

export function decodeDigest(payload: Uint8Array): { digest: Digest; events: number } {
  const reader = new ByteReader(payload);
  const events = reader.varint();
  const digest = hex64(reader.big64()) + hex64(reader.big64());
  reader.end();
  return { digest, events };
}

function hex64(value: bigint): string {
  return value.toString(16).padStart(16, "0");
}

export function encodeBookmark(name: string): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(64);
  writer.text(name);
  return writer.take();
}

export function decodeBookmark(payload: Uint8Array): string {
  try {
    return DECODER.decode(payload);
  } catch {
    throw new MalformedBytes("a bookmark that is not UTF-8");
  }
}
