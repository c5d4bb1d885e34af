import { ByteReader, ByteWriter, MalformedBytes } from "../base/byte-cursor.ts";
import { UserError } from "../base/errors.ts";
import type { DiskImage } from "../machine/disks.ts";
import type { ChunkCodec } from "./recording-message.ts";

/** What is compressed, and read, at once. */
export const PIECE_BYTES = 64 * 1024;
/** Pieces that are kept unpacked: 16 MiB, what a guest that starts a program looks at again and again. */
const MOST_UNPACKED = 256;

/**
 * A disk's image as a recording holds it (docs/recording-format.md, "Disk image"): pieces, each compressed by itself, so
 * that any place can be read without the rest; those that are all zero take a byte.
 */
export class DiskPacker {
  readonly #codec: ChunkCodec;
  readonly #lengths = new ByteWriter();
  readonly #pieces: Uint8Array[] = [];
  #count = 0;
  packedBytes = 0;

  constructor(codec: ChunkCodec) {
    this.#codec = codec;
  }

  /** The next piece: PIECE_BYTES, or what is left at the end of the disk. */
  add(piece: Uint8Array): void {
    const packed = piece.every((byte) => byte === 0) ? new Uint8Array(0) : this.#codec.compress(piece);
    this.#lengths.varint(packed.length);
    this.#count++;
    this.packedBytes += packed.length;
    if (packed.length > 0) this.#pieces.push(packed);
  }

  finish(): Uint8Array<ArrayBuffer> {
    const head = new ByteWriter();
    head.varint(this.#count);
    head.bytes(this.#lengths.view());
    const bytes = new Uint8Array(head.length + this.packedBytes);
    bytes.set(head.view());
    let at = head.length;
    for (const piece of this.#pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }
}

/** What `DiskPacker` made, as the image of a machine's disk. */
export class PackedDisk implements DiskImage {
  readonly sizeBytes: number;
  readonly #codec: ChunkCodec;
  readonly #bytes: Uint8Array;
  /** Where each piece begins, and where the last one ends. */
  readonly #offsets: number[];
  readonly #unpacked = new Map<number, Uint8Array>();

  /** Throws a UserError when the bytes are not a packed disk of this size. */
  constructor(bytes: Uint8Array, sizeBytes: number, codec: ChunkCodec) {
    this.sizeBytes = sizeBytes;
    this.#codec = codec;
    this.#bytes = bytes;
    this.#offsets = readOffsets(bytes, Math.ceil(sizeBytes / PIECE_BYTES));
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.sizeBytes - offset)));
    for (let done = 0; done < bytes.length; ) {
      const index = Math.floor((offset + done) / PIECE_BYTES);
      const from = (offset + done) % PIECE_BYTES;
      const size = Math.min(PIECE_BYTES - from, bytes.length - done);
      const piece = this.#piece(index);
      if (piece !== undefined) bytes.set(piece.subarray(from, from + size), done);
      done += size;
    }
    return bytes;
  }

  /** Undefined: all zero. */
  #piece(index: number): Uint8Array | undefined {
    const [start, end] = [this.#offsets[index], this.#offsets[index + 1]];
    if (start === end) return undefined;
    const kept = this.#unpacked.get(index);
    if (kept !== undefined) {
      // Last in the order of the map is what was used last.
      this.#unpacked.delete(index);
      this.#unpacked.set(index, kept);
      return kept;
    }
    const sizeBytes = Math.min(PIECE_BYTES, this.sizeBytes - index * PIECE_BYTES);
    const piece = this.#unpack(this.#bytes.subarray(start, end), sizeBytes);
    if (this.#unpacked.size >= MOST_UNPACKED) this.#unpacked.delete(this.#unpacked.keys().next().value!);
    this.#unpacked.set(index, piece);
    return piece;
  }

  #unpack(packed: Uint8Array, sizeBytes: number): Uint8Array {
    try {
      const piece = this.#codec.decompress(packed, sizeBytes);
      if (piece.length === sizeBytes) return piece;
    } catch {
      // Said below.
    }
    throw damaged("a piece of it does not unpack");
  }
}

function readOffsets(bytes: Uint8Array, count: number): number[] {
  try {
    const reader = new ByteReader(bytes);
    const stated = reader.varint();
    if (stated !== count) throw new MalformedBytes(`${stated} pieces instead of ${count}`);
    const lengths: number[] = [];
    for (let index = 0; index < count; index++) lengths.push(reader.varint());
    const offsets = [reader.offset];
    for (const length of lengths) offsets.push(offsets[offsets.length - 1] + length);
    if (offsets[count] !== bytes.length) throw new MalformedBytes("its pieces do not fill it");
    return offsets;
  } catch (error) {
    if (error instanceof MalformedBytes) throw damaged(error.message);
    throw error;
  }
}

function damaged(what: string): UserError {
  return new UserError("recording-disk", `A disk in the recording cannot be read: ${what}.`);
}
