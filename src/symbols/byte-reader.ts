/** The data ended, or a length in it points outside: caught by the readers of this folder, never seen by a user. */
export class OutOfData extends Error {
  override readonly name = "OutOfData";
  readonly offset: number;

  constructor(offset: number) {
    super(`no data at offset ${offset}`);
    this.offset = offset;
  }
}

/**
 * Reads little-endian values one after the other from a range of bytes. Every read checks the range, so that damaged
 * files end in `OutOfData` and nothing worse.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  offset: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    if (!(offset >= 0 && offset <= end && end <= bytes.length)) throw new OutOfData(offset);
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  /** A reader of the next `length` bytes; this one continues behind them. */
  take(length: number): ByteReader {
    const at = this.#advance(length);
    return new ByteReader(this.bytes, at, at + length);
  }

  skip(length: number): void {
    this.#advance(length);
  }

  seek(offset: number): void {
    if (!(offset >= 0 && offset <= this.end)) throw new OutOfData(offset);
    this.offset = offset;
  }

  u8(): number {
    return this.bytes[this.#advance(1)];
  }

  i8(): number {
    return this.#view.getInt8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u24(): number {
    const at = this.#advance(3);
    return this.#view.getUint16(at, true) | (this.bytes[at + 2] << 16);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  /** A 64-bit offset or size as a number. What exceeds 2^53 - 1 cannot lie in any file and becomes Infinity. */
  size64(): number {
    const value = this.u64();
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Number.POSITIVE_INFINITY;
  }

  /** Unsigned LEB128, cut to 64 bits. */
  uleb(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      // A hostile file may pad a number for megabytes; what lies above bit 63 is dropped anyway.
      if (shift < 64n) value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
  }

  /** Signed LEB128, cut to 64 bits. */
  sleb(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      if (shift < 64n) value |= BigInt(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      return shift < 57n ? BigInt.asIntN(Number(shift) + 7, value) : BigInt.asIntN(64, value);
    }
  }

  /** Unsigned LEB128 as a number; Infinity beyond 2^53 - 1. */
  ulebNumber(): number {
    const value = this.uleb();
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Number.POSITIVE_INFINITY;
  }

  /** Signed LEB128 as a number, rounded where it exceeds 53 bits. */
  slebNumber(): number {
    return Number(this.sleb());
  }

  /** Text up to a zero byte, as UTF-8; what is not UTF-8 is replaced. */
  text(): string {
    const at = this.offset;
    const zero = this.bytes.indexOf(0, at);
    if (zero < 0 || zero >= this.end) throw new OutOfData(this.end);
    this.offset = zero + 1;
    return UTF8.decode(this.bytes.subarray(at, zero));
  }

  #advance(length: number): number {
    const at = this.offset;
    // Written so that NaN and Infinity are refused as well.
    if (!(length >= 0 && length <= this.end - at)) throw new OutOfData(at);
    this.offset = at + length;
    return at;
  }
}

const UTF8 = new TextDecoder();
