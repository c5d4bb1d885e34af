import { readSync, writeSync } from "node:fs";
import * as zlib from "node:zlib";
import { assert } from "../base/assert.ts";
import { PAGE_BYTES } from "../memory/layout.ts";
import { systemReason } from "./system-errors.ts";

/** What the store of pages has done by its thread: each is answered, in order unless it is to be slow. */
export type SwapOrder = { readonly id: number } & (
  | { readonly kind: "pack"; readonly slab: SharedArrayBuffer; readonly count: number }
  /** A page, packed or as it is. */
  | { readonly kind: "unpack"; readonly bytes: Uint8Array }
  | { readonly kind: "fetch"; readonly file: number; readonly position: number; readonly length: number }
  /** A stretch of the file as it is. */
  | { readonly kind: "load"; readonly file: number; readonly position: number; readonly length: number }
  | { readonly kind: "write"; readonly file: number; readonly position: number; readonly bytes: Uint8Array }
);

export type SwapAnswer = { readonly id: number } & (
  | { readonly kind: "packed"; readonly bytes: Uint8Array<ArrayBuffer>; readonly lengths: readonly number[] }
  | { readonly kind: "page"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "loaded"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "written" }
  | { readonly kind: "failed"; readonly reason: string }
  /** The thread has ended before it gave the page. */
  | { readonly kind: "lost" }
);

/** Fast rather than small, as in recordings. Of Node's codecs for single pages it is the one that packs fastest (docs/residency.md). */
const PACKING = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } };
/** Twice a page: with just a page zlib comes back for a second piece, which takes as long again. */
const UNPACKING = { chunkSize: 2 * PAGE_BYTES };

/** Does what was ordered, on whichever thread. */
export function performSwap(order: SwapOrder): SwapAnswer {
  const { id } = order;
  try {
    switch (order.kind) {
      case "pack":
        return { id, kind: "packed", ...pack(new Uint8Array(order.slab), order.count) };
      case "unpack":
        return { id, kind: "page", bytes: unpack(order.bytes) };
      case "fetch":
        return { id, kind: "page", bytes: unpack(readStretch(order)) };
      case "load":
        return { id, kind: "loaded", bytes: readStretch(order) };
      case "write":
        writeStretch(order);
        return { id, kind: "written" };
    }
  } catch (error) {
    return { id, kind: "failed", reason: systemReason(error) };
  }
}

/** The page itself when it is as long as one: what does not get smaller is kept as it is. */
export function unpack(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.length === PAGE_BYTES) return bytes.slice();
  const page = zlib.zstdDecompressSync(bytes, UNPACKING);
  assert(page.length === PAGE_BYTES, "a packed page that is none");
  // Its buffer is twice as large.
  return new Uint8Array(page);
}

export function readStretch({ file, position, length }: { file: number; position: number; length: number }) {
  const bytes = new Uint8Array(length);
  let read = 0;
  while (read < length) {
    const now = readSync(file, bytes, read, length - read, position + read);
    if (now === 0) throw new Error("the file of pages is shorter than what was written to it");
    read += now;
  }
  return bytes;
}

function writeStretch({ file, position, bytes }: { file: number; position: number; bytes: Uint8Array }): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(file, bytes, written, bytes.length - written, position + written);
  }
}

function pack(slab: Uint8Array, count: number): { bytes: Uint8Array<ArrayBuffer>; lengths: number[] } {
  const pieces: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const page = slab.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
    const packed = zlib.zstdCompressSync(page, PACKING);
    pieces.push(packed.length < PAGE_BYTES ? packed : page);
  }
  const lengths = pieces.map(({ length }) => length);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return { bytes, lengths };
}
