import { assert } from "./assert.ts";

const ENCODER = new TextEncoder();
/** Longest variable-length integer: 53 bits in groups of seven. */
const LONGEST_VARINT_BYTES = 8;

/** What `ByteReader` throws when the bytes end early or say something impossible: the data's fault, never ours. */
export class MalformedBytes extends Error {
  override readonly name = "MalformedBytes";
}

/**
 * A growing buffer of little-endian numbers. Variable-length integers are LEB128, unsigned, up to 2^53 - 1.
 */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  /** Made for who needs one: many write bytes and variable-length numbers alone. */
  #madeView: DataView | undefined;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** An integer in [0, 2^53). */
  u64(value: number): void {
    this.big64(BigInt(value));
  }

  big64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, BigInt.asUintN(64, value), true);
    this.#length += 8;
  }

  varint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `not a varint: ${value}`);
    this.#reserve(LONGEST_VARINT_BYTES);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  bytes(values: Uint8Array): void {
    this.#reserve(values.length);
    this.#bytes.set(values, this.#length);
    this.#length += values.length;
  }

  /** UTF-8, without its length. */
  text(value: string): void {
    this.bytes(ENCODER.encode(value));
  }

  /** What was written, in a buffer of its own, which may be transferred. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** What was written so far, valid until the next call. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#madeView = undefined;
  }

  get #view(): DataView {
    this.#madeView ??= new DataView(this.#bytes.buffer);
    return this.#madeView;
  }
}

/** Reads what `ByteWriter` wrote. Every read checks its bounds and throws `MalformedBytes`. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #madeView: DataView | undefined;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#bytes[this.#advance(1)];
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  u64(): number {
    const value = this.big64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new MalformedBytes(`number too large: ${value}`);
    return Number(value);
  }

  big64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < LONGEST_VARINT_BYTES; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if ((byte & 0x80) === 0) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
      scale *= 0x80;
    }
    throw new MalformedBytes("variable-length number too large");
  }

  /** A view of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** Throws unless all was read. */
  end(): void {
    if (this.remaining !== 0) throw new MalformedBytes(`${this.remaining} bytes too many`);
  }

  get #view(): DataView {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    this.#madeView ??= new DataView(buffer, byteOffset, byteLength);
    return this.#madeView;
  }

  #advance(length: number): number {
    const start = this.#offset;
    if (length > this.#bytes.length - start) throw new MalformedBytes(`ends ${length} bytes early`);
    this.#offset = start + length;
    return start;
  }
}
