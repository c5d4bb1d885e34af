import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import { ByteReader, ByteWriter } from "../base/byte-cursor.ts";
import { lowerBound } from "./number-column.ts";

/** Bytes in a block: what is decoded at most to find the instant of one. */
const BLOCK_BYTES = 64 * 1024;
/** Default bound of what the log keeps in memory, bytes and instants together. */
export const OUTPUT_LOG_BYTES = 64 * 1024 * 1024;

interface Block {
  /** Number of the first byte since reset. */
  readonly offset: number;
  readonly firstInstant: number;
  lastInstant: number;
  length: number;
  /** Line feeds in it. */
  lines: number;
  /** The bytes, and for each but the first the steps since the one before; undefined once dropped. */
  bytes: Uint8Array | undefined;
  deltas: ByteWriter | Uint8Array | undefined;
}

/** One byte of console output. */
export interface OutputByte {
  readonly offset: number;
  readonly instant: Instant;
  readonly byte: number;
}

/**
 * Everything that the guest printed, with the instant of each byte, at two to four bytes each. Beyond its bound the
 * oldest blocks lose their contents: their bytes can be had by travelling there.
 */
export class OutputLog {
  readonly #blocks: Block[] = [];
  readonly #mostBytes: number;
  #length = 0;
  #lines = 0;
  /** Bytes held by blocks that are full, and the first block that still has its contents. */
  #heldBytes = 0;
  #firstHeld = 0;
  /** Of a log that began as part of another: what that one no longer held of the block that goes on here. */
  #unheld = { bytes: 0, before: 0 };

  constructor(mostBytes = OUTPUT_LOG_BYTES) {
    this.#mostBytes = mostBytes;
  }

  /** Bytes since reset. */
  get length(): number {
    return this.#length;
  }

  /** Line feeds since reset. */
  get lines(): number {
    return this.#lines;
  }

  /** The first byte whose value and instant are still in memory. */
  get firstHeld(): number {
    return Math.max(this.#blocks[this.#firstHeld]?.offset ?? 0, this.#unheld.bytes);
  }

  /** A log of its own that begins with the first `length` bytes of this one, which were printed before `instant`. */
  upTo(length: number, instant: number): OutputLog {
    assert(length <= this.#length, `${length} of ${this.#length} bytes`);
    const log = new OutputLog(this.#mostBytes);
    const count = Math.ceil(length / BLOCK_BYTES);
    for (const block of this.#blocks.slice(0, count)) {
      // What is behind another is not written any more, and is shared.
      const isWhole = block.offset + BLOCK_BYTES < length;
      log.#blocks.push(
        isWhole ? { ...block, deltas: settled(block.deltas) } : beginningOf(block, length - block.offset),
      );
    }
    log.#length = length;
    log.#firstHeld = Math.min(this.#firstHeld, Math.max(0, count - 1));
    if (length < this.firstHeld) log.#unheld = { bytes: length, before: instant };
    for (const block of log.#blocks) {
      log.#lines += block.lines;
      if (block.deltas instanceof Uint8Array) log.#heldBytes += BLOCK_BYTES + block.deltas.length;
    }
    return log;
  }

  append(instant: number, byte: number): void {
    let block = this.#blocks[this.#blocks.length - 1];
    if (block === undefined || block.length === BLOCK_BYTES) block = this.#newBlock(instant);
    else (block.deltas as ByteWriter).varint(instant - block.lastInstant);
    block.bytes![block.length++] = byte;
    block.lastInstant = instant;
    this.#length++;
    if (byte === 0x0a) {
      block.lines++;
      this.#lines++;
    }
  }

  /** The instant that printed the byte at `offset`; undefined when there is none or it is no longer held. */
  instantOf(offset: number): Instant | undefined {
    if (offset < this.firstHeld || offset >= this.#length) return undefined;
    return this.from(offset).next()?.instant;
  }

  /** Up to `length` bytes from `offset`, fewer where they are not held. */
  bytes(offset: number, length: number): Uint8Array {
    const start = Math.max(offset, this.firstHeld);
    const end = Math.min(offset + length, this.#length);
    const result = new Uint8Array(Math.max(0, end - start));
    for (let index = this.#blockOf(start); index < this.#blocks.length; index++) {
      const block = this.#blocks[index];
      if (block.offset >= end) break;
      const from = Math.max(0, start - block.offset);
      const to = Math.min(block.length, end - block.offset);
      result.set(block.bytes!.subarray(from, to), block.offset + from - start);
    }
    return result;
  }

  /** How many bytes were printed by steps before `instant`; undefined when that is no longer known exactly. */
  countBefore(instant: number): number | undefined {
    const next = lowerBound(this.#blocks.length, (index) => this.#blocks[index].lastInstant >= instant);
    const block = this.#blocks[next];
    if (block === undefined) return this.#length;
    if (block.firstInstant >= instant) return block.offset;
    if (block.bytes === undefined || (block.offset < this.#unheld.bytes && instant < this.#unheld.before))
      return undefined;
    let count = block.length;
    this.#eachInstant(block, (index, at) => {
      if (at < instant) return true;
      count = index;
      return false;
    });
    return block.offset + count;
  }

  /** A cursor before the byte at `offset`, or before the first held one after it. */
  from(offset: number): OutputCursor {
    return new OutputCursor(this, Math.max(offset, this.firstHeld));
  }

  /** For the cursor: the block that holds the byte at `offset`. */
  blockWith(offset: number): { offset: number; instant: number; bytes: Uint8Array; deltas: Uint8Array } | undefined {
    if (offset >= this.#length) return undefined;
    const block = this.#blocks[this.#blockOf(offset)];
    if (block.bytes === undefined) return undefined;
    const deltas = block.deltas instanceof ByteWriter ? block.deltas.view() : block.deltas!;
    return { offset: block.offset, instant: block.firstInstant, bytes: block.bytes.subarray(0, block.length), deltas };
  }

  /**
   * Lines whose first byte was printed in [from, to) and is still held: about `most` of them, spread over that time.
   * `total` says how many there are; where they are too many to go through, about how many.
   */
  lineStarts(from: number, to: number, most: number): { starts: OutputByte[]; total: number } {
    const first = lowerBound(this.#blocks.length, (index) => this.#blocks[index].lastInstant >= from);
    const last = lowerBound(this.#blocks.length, (index) => this.#blocks[index].firstInstant >= to);
    const blocks = this.#blocks.slice(Math.max(first, this.#firstHeld), last);
    // Where there are more blocks than lines wanted, a line of some of them has to do.
    const chosen = evenly(blocks, most);
    const perBlock = Math.ceil(most / Math.max(1, chosen.length));
    const isWhole = chosen.length === blocks.length;
    const starts: OutputByte[] = [];
    let total = 0;
    for (const block of chosen) {
      const found = this.#lineStartsOf(block, from, to, isWhole ? BLOCK_BYTES : 1);
      starts.push(...evenly(found, perBlock));
      total += found.length;
    }
    if (!isWhole) for (let index = first; index < last; index++) total += this.#blocks[index].lines;
    return { starts, total };
  }

  /** The first `most` line starts of a block that were printed in [from, to). */
  #lineStartsOf(block: Block, from: number, to: number, most: number): OutputByte[] {
    const bytes = block.bytes!;
    const starts: OutputByte[] = [];
    let atStart = block.offset === 0 || this.bytes(block.offset - 1, 1)[0] === 0x0a;
    this.#eachInstant(block, (index, instant) => {
      if (atStart && instant >= from && instant < to) {
        starts.push({ offset: block.offset + index, instant: instant as Instant, byte: bytes[index] });
      }
      atStart = bytes[index] === 0x0a;
      return instant < to && starts.length < most;
    });
    return starts;
  }

  /** Visits the instants of a block's bytes in order, while `visit` says to go on. */
  #eachInstant(block: Block, visit: (index: number, instant: number) => boolean): void {
    const deltas = new ByteReader(block.deltas instanceof ByteWriter ? block.deltas.view() : block.deltas!);
    let instant = block.firstInstant;
    for (let index = 0; index < block.length; index++) {
      if (index > 0) instant += deltas.varint();
      if (!visit(index, instant)) return;
    }
  }

  #newBlock(instant: number): Block {
    const full = this.#blocks[this.#blocks.length - 1];
    if (full !== undefined) {
      const deltas = (full.deltas as ByteWriter).take();
      full.deltas = deltas;
      this.#heldBytes += BLOCK_BYTES + deltas.length;
    }
    while (this.#heldBytes > this.#mostBytes) {
      const oldest = this.#blocks[this.#firstHeld++];
      this.#heldBytes -= BLOCK_BYTES + (oldest.deltas as Uint8Array).length;
      oldest.bytes = undefined;
      oldest.deltas = undefined;
    }
    const block: Block = {
      offset: this.#length,
      firstInstant: instant,
      lastInstant: instant,
      length: 0,
      lines: 0,
      bytes: new Uint8Array(BLOCK_BYTES),
      deltas: new ByteWriter(BLOCK_BYTES),
    };
    this.#blocks.push(block);
    return block;
  }

  #blockOf(offset: number): number {
    return Math.floor(offset / BLOCK_BYTES);
  }
}

function settled(deltas: Block["deltas"]): Uint8Array | undefined {
  return deltas instanceof ByteWriter ? deltas.view().slice() : deltas;
}

/** A block of its own with the first `length` bytes of another, which goes on growing. */
function beginningOf(block: Block, length: number): Block {
  const { offset, firstInstant } = block;
  const bytes = new Uint8Array(BLOCK_BYTES);
  if (block.bytes !== undefined) bytes.set(block.bytes.subarray(0, length));
  const deltas = new ByteWriter(BLOCK_BYTES);
  // Where contents are no longer held, the instants that follow are counted from the block's first one.
  const reader = block.deltas && new ByteReader(settled(block.deltas)!);
  let lastInstant = firstInstant;
  for (let index = 1; index < length; index++) {
    const delta = reader?.varint() ?? 0;
    deltas.varint(delta);
    lastInstant += delta;
  }
  const lines = bytes.subarray(0, length).reduce((sum, byte) => sum + (byte === 0x0a ? 1 : 0), 0);
  return { offset, firstInstant, lastInstant, length, lines, bytes, deltas };
}

/** At most `most` of the items, evenly. */
export function evenly<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, index) => items[Math.floor((index * items.length) / most)]);
}

/** Reads the log byte by byte, with instants. Follows a log that grows. */
export class OutputCursor {
  readonly #log: OutputLog;
  #offset: number;
  /** The one that was passed last. */
  byte = 0;
  #instant = 0;
  #block: ReturnType<OutputLog["blockWith"]>;
  #deltas: ByteReader | undefined;

  constructor(log: OutputLog, offset: number) {
    this.#log = log;
    this.#offset = offset;
  }

  /** Of the byte that `next` gives. */
  get offset(): number {
    return this.#offset;
  }

  /** The next byte; undefined at the end of the log, or where it is no longer held. */
  next(): OutputByte | undefined {
    if (!this.advance()) return undefined;
    return { offset: this.#offset - 1, instant: this.#instant as Instant, byte: this.byte };
  }

  /** Moves to the next byte, whose value and instant are then at hand. False where `next` gives undefined. */
  advance(): boolean {
    const index = this.#enter();
    if (this.#block === undefined) return false;
    if (index > 0) this.#instant += this.#deltas!.varint();
    this.byte = this.#block.bytes[index];
    this.#offset++;
    return true;
  }

  /** Of the byte that was passed last. */
  get instant(): number {
    return this.#instant;
  }

  /** Makes `#block` hold the byte at `#offset`, and returns its index in it. */
  #enter(): number {
    const block = this.#block;
    if (block !== undefined && this.#offset < block.offset + block.bytes.length) return this.#offset - block.offset;
    this.#block = this.#log.blockWith(this.#offset);
    if (this.#block === undefined) return 0;
    const index = this.#offset - this.#block.offset;
    // The block was entered anew, or it has grown since: decode up to the byte before.
    this.#deltas = new ByteReader(this.#block.deltas);
    this.#instant = this.#block.instant;
    for (let passed = 1; passed < index; passed++) this.#instant += this.#deltas.varint();
    assert(index < this.#block.bytes.length, "an output byte outside of its block");
    return index;
  }
}
