import { assert } from "../base/assert.ts";
import type { FrameOffset } from "../base/brand.ts";
import * as layout from "./layout.ts";
import { layoutFor, type MemoryLayout, PAGE_BYTES } from "./layout.ts";
import { WATCH_ACCESS } from "./translation-code.ts";

/** A watched range as the slow path knows it; addresses unsigned, `last` included. */
export interface WatchedRange {
  readonly first: bigint;
  readonly last: bigint;
  readonly access: "read" | "write" | "readWrite";
}

/** Brings in the contents of pages that are absent. */
export interface PageBringer {
  /** In the midst of a step: no page is put away for it. False: they cannot be had now. */
  bringInStep(page: number): boolean;
  /** The contents of a page in no frame, for who looks on: it stays in none. Undefined: they are not to be had. */
  look(page: number): Uint8Array | undefined;
}

/**
 * The machine's one WebAssembly memory with RAM in it, and the flags of its frames. Nothing here translates virtual addresses
 * or knows devices.
 *
 * Two kinds of numbers: an address, an offset in RAM and a page are what the guest and the user mean; a FrameOffset and a frame
 * are where that is in this memory now. Without residency they are equal.
 */
export class PhysicalMemory {
  readonly layout: MemoryLayout;
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** The frames alone. */
  readonly frames: Uint8Array<ArrayBuffer>;
  /** Not 0 for frames to which some table has had a write tag. */
  readonly writeTagged: Uint8Array;
  readonly flags: Uint8Array<ArrayBuffer>;
  /** Not 0 for groups of frames of which one may be dirty. */
  readonly dirtyGroups: Uint8Array<ArrayBuffer>;
  readonly decodedPointers: Int32Array<ArrayBuffer>;
  readonly codeGranules: BigUint64Array<ArrayBuffer>;
  readonly tableEntries: Uint8Array<ArrayBuffer>;
  /** Of memory whose pages have no frames of their own, else empty: see MemoryLayout. */
  readonly #frameOf: Int32Array<ArrayBuffer>;
  readonly #pageOf: Int32Array<ArrayBuffer>;
  readonly touched: Uint8Array<ArrayBuffer>;
  #absentCount = 0;
  #watches: readonly WatchedRange[] = [];
  bringer: PageBringer | undefined;

  constructor(ramBase: number, ramBytes: number, frames?: number) {
    this.layout = layoutFor(ramBase, ramBytes, frames);
    const { layout: where } = this;
    this.memory = new WebAssembly.Memory({ initial: where.wasmPages });
    const buffer = this.memory.buffer as ArrayBuffer;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.frames = new Uint8Array(buffer, where.ram, where.frameBytes);
    this.flags = new Uint8Array(buffer, where.pageFlags, where.frames);
    this.dirtyGroups = new Uint8Array(buffer, where.dirtyGroups, Math.ceil(where.frames / layout.DIRTY_GROUP_PAGES));
    this.writeTagged = new Uint8Array(buffer, where.writeTagged, where.frames);
    this.decodedPointers = new Int32Array(buffer, where.decodedPointers, where.frames);
    this.codeGranules = new BigUint64Array(buffer, where.codeGranules, where.frames);
    this.tableEntries = new Uint8Array(buffer, where.tableEntries, where.frames * layout.TABLE_ENTRY_BYTES);
    this.#frameOf = new Int32Array(buffer, where.frameOf, where.isMapped ? where.ramPages : 0).fill(-1);
    this.#pageOf = new Int32Array(buffer, where.pageOf, where.isMapped ? where.frames : 0).fill(-1);
    this.touched = new Uint8Array(buffer, where.touched, where.isMapped ? where.frames : 0);
    if (where.isMapped) this.#absentCount = where.ramPages;
    this.#guard();
    this.setTrapStops([]);
  }

  /** Pages that are not here. */
  get absentCount(): number {
    return this.#absentCount;
  }

  /** Of memory in which each page has its frame. Whether it was otherwise before. */
  setAbsent(page: number, isAbsent: boolean): boolean {
    const wasAbsent = (this.flags[page] & layout.PAGE_FLAG.absent) !== 0;
    if (wasAbsent === isAbsent) return false;
    this.flags[page] ^= layout.PAGE_FLAG.absent;
    this.#absentCount += isAbsent ? 1 : -1;
    if (this.#absentCount <= 1) this.#guard();
    return true;
  }

  /** Pages from `first` up to `end` become absent where `numbers` has at least `least` for them. Whether one was not. */
  setManyAbsent(first: number, end: number, numbers: Uint32Array | Uint8Array, least: number): boolean {
    const { flags } = this;
    let count = 0;
    for (let page = first; page < end; page++) {
      const flag = flags[page];
      if (numbers[page] < least || (flag & layout.PAGE_FLAG.absent) !== 0) continue;
      flags[page] = flag | layout.PAGE_FLAG.absent;
      count++;
    }
    if (count === 0) return false;
    this.#absentCount += count;
    this.#guard();
    return true;
  }

  /** The frame that a page has, or -1. */
  frameOf(page: number): number {
    return this.layout.isMapped ? this.#frameOf[page] : page;
  }

  /** The contents of a page are in its frame. */
  isHere(page: number): boolean {
    if (this.layout.isMapped) return this.#frameOf[page] >= 0;
    return (this.flags[page] & layout.PAGE_FLAG.absent) === 0;
  }

  /** The page that a frame holds, or -1. */
  pageOf(frame: number): number {
    return this.layout.isMapped ? this.#pageOf[frame] : frame;
  }

  /** A frame that holds no page gets one. What was decoded of its contents is still there, and nothing else. */
  map(page: number, frame: number): void {
    assert(this.#pageOf[frame] === -1 && this.#frameOf[page] === -1, `page ${page} in frame ${frame}`);
    this.#frameOf[page] = frame;
    this.#pageOf[frame] = page;
    this.touched[frame] = 1;
    this.flags[frame] = (this.flags[frame] & layout.PAGE_FLAG.code) | this.#watchedFlags(page);
    this.#absentCount--;
  }

  /** The caller has seen to it that nothing leads to the frame any more. */
  unmap(frame: number): void {
    const page = this.#pageOf[frame];
    assert(page >= 0, `nothing in frame ${frame}`);
    this.#frameOf[page] = -1;
    this.#pageOf[frame] = -1;
    this.flags[frame] &= layout.PAGE_FLAG.code;
    this.#absentCount++;
  }

  #guard(): void {
    const always = this.layout.isMapped ? 1 : 0;
    this.view.setInt32(layout.RAM_IS_GUARDED, this.#absentCount + this.#watches.length + always, true);
  }

  /** Offset into RAM when all `size` bytes at the physical address are RAM, else -1. */
  ramOffset(address: bigint, size: number): number {
    const offset = address - BigInt(this.layout.ramBase);
    return offset >= 0n && offset <= BigInt(this.layout.ramBytes - size) ? Number(offset) : -1;
  }

  /** Where the byte at an offset in RAM is. Its page is here. */
  place(offset: number): FrameOffset {
    if (!this.layout.isMapped) return offset as FrameOffset;
    const frame = this.#frameOf[Math.floor(offset / PAGE_BYTES)];
    assert(frame >= 0, "the page is in a frame");
    this.touched[frame] = 1;
    return (frame * PAGE_BYTES + (offset % PAGE_BYTES)) as FrameOffset;
  }

  /** The physical address of what is in a frame that holds a page. */
  addressOf(place: FrameOffset): number {
    const { isMapped, ramBase } = this.layout;
    if (!isMapped) return ramBase + place;
    return ramBase + this.#pageOf[Math.floor(place / PAGE_BYTES)] * PAGE_BYTES + (place % PAGE_BYTES);
  }

  /** Unsigned little-endian value of 1, 2, 4 or 8 bytes, of any alignment. */
  read(place: FrameOffset, size: number): bigint {
    const host = this.layout.ram + place;
    switch (size) {
      case 1:
        return BigInt(this.bytes[host]);
      case 2:
        return BigInt(this.view.getUint16(host, true));
      case 4:
        return BigInt(this.view.getUint32(host, true));
      default:
        assert(size === 8, `access of ${size} bytes`);
        return this.view.getBigUint64(host, true);
    }
  }

  /** Likewise of an offset in RAM, for who looks on; undefined: it is not to be had. */
  look(offset: number, size: number): bigint | undefined {
    const last = Math.floor((offset + size - 1) / PAGE_BYTES);
    const page = Math.floor(offset / PAGE_BYTES);
    if (!this.layout.isMapped || (page === last && this.isHere(page))) {
      return this.lacking(offset, size) < 0 ? this.read(this.place(offset), size) : undefined;
    }
    let value = 0n;
    for (let at = size - 1; at >= 0; at--) {
      const byte = this.#lookAt(offset + at);
      if (byte === undefined) return undefined;
      value = (value << 8n) | BigInt(byte);
    }
    return value;
  }

  #lookAt(offset: number): number | undefined {
    const page = Math.floor(offset / PAGE_BYTES);
    if (this.isHere(page)) return this.frames[this.place(offset)];
    return this.bringer?.look(page)?.[offset % PAGE_BYTES];
  }

  /** Writes the low `size` bytes of `value` and marks the pages dirty. Decoded code is the caller's business. */
  write(place: FrameOffset, size: number, value: bigint): void {
    const host = this.layout.ram + place;
    if (size === 8) this.view.setBigUint64(host, BigInt.asUintN(64, value), true);
    else if (size === 4) this.view.setUint32(host, Number(BigInt.asUintN(32, value)), true);
    else if (size === 2) this.view.setUint16(host, Number(BigInt.asUintN(16, value)), true);
    else this.bytes[host] = Number(BigInt.asUintN(8, value));
    this.markDirty(place, size);
  }

  markDirty(place: FrameOffset, size: number): void {
    const last = (place + size - 1) >>> 12;
    for (let frame = place >>> 12; frame <= last; frame++) {
      this.flags[frame] |= layout.PAGE_FLAG.dirty;
      this.dirtyGroups[Math.floor(frame / layout.DIRTY_GROUP_PAGES)] = 1;
    }
  }

  /** The first page of these bytes of RAM that is absent and cannot be brought in now, or -1. */
  lacking(offset: number, size: number): number {
    if (this.#absentCount === 0) return -1;
    const last = Math.floor((offset + size - 1) / PAGE_BYTES);
    for (let page = Math.floor(offset / PAGE_BYTES); page <= last; page++) {
      if (!this.isHere(page) && this.bringer?.bringInStep(page) !== true) return page;
    }
    return -1;
  }

  /** The pages that some memory lies in, ascending; undefined where not all of it is RAM. */
  pagesOf(address: bigint, length: number): readonly number[] | undefined {
    const offset = this.ramOffset(address, length);
    if (offset < 0 || length < 1) return undefined;
    const first = Math.floor(offset / PAGE_BYTES);
    return Array.from({ length: Math.floor((offset + length - 1) / PAGE_BYTES) - first + 1 }, (_, at) => first + at);
  }

  /** The contents of a frame. */
  frame(index: number): Uint8Array<ArrayBuffer> {
    return this.frames.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
  }

  /** Exceptions with these causes are not taken by generated code, because somebody wants to see them first. */
  setTrapStops(causes: readonly number[]): void {
    const bits = [...causes, layout.ABSENT_PAGE_CAUSE].reduce((all, cause) => all | (1n << BigInt(cause)), 0n);
    this.view.setBigUint64(layout.TRAP_STOPS, BigInt.asUintN(64, bits), true);
  }

  /** Tells the slow path what to look out for. The caller flushes the tags of pages that become watched. */
  setWatchedRanges(ranges: readonly WatchedRange[]): void {
    assert(ranges.length <= layout.MAX_WATCHES, "too many watches");
    for (let frame = 0; frame < this.flags.length; frame++) this.flags[frame] &= ~ALL_WATCHED;
    this.view.setInt32(layout.WATCH_TABLE, ranges.length, true);
    this.#watches = ranges;
    this.#guard();
    ranges.forEach((range, index) => {
      const entry = layout.WATCH_TABLE + 16 + index * layout.WATCH_ENTRY_BYTES;
      this.view.setBigUint64(entry, range.first, true);
      this.view.setBigUint64(entry + 8, range.last, true);
      this.view.setInt32(entry + 16, WATCH_ACCESS[range.access], true);
      this.#flagWatched(range);
    });
  }

  #flagWatched(range: WatchedRange): void {
    const flag = watchedFlag(range);
    const [first, last] = this.#pagesWatched(range);
    for (let page = first; page <= last; page++) {
      const frame = this.layout.isMapped ? this.#frameOf[page] : page;
      if (frame >= 0) this.flags[frame] |= flag;
    }
  }

  /** The first and last page of RAM that a range has bytes of; the last before the first where it has none. */
  #pagesWatched(range: WatchedRange): readonly [first: number, last: number] {
    const base = BigInt(this.layout.ramBase);
    const first = range.first < base ? base : range.first;
    const end = base + BigInt(this.layout.ramBytes);
    const last = range.last >= end ? end - 1n : range.last;
    if (first > last) return [0, -1];
    return [Number(first - base) >>> 12, Number(last - base) >>> 12];
  }

  #watchedFlags(page: number): number {
    let flags = 0;
    for (const range of this.#watches) {
      const [first, last] = this.#pagesWatched(range);
      if (page >= first && page <= last) flags |= watchedFlag(range);
    }
    return flags;
  }
}

const ALL_WATCHED = layout.PAGE_FLAG.watchedRead | layout.PAGE_FLAG.watchedWrite;

function watchedFlag({ access }: WatchedRange): number {
  const bits = WATCH_ACCESS[access];
  return (
    (bits & WATCH_ACCESS.read ? layout.PAGE_FLAG.watchedRead : 0) |
    (bits & WATCH_ACCESS.write ? layout.PAGE_FLAG.watchedWrite : 0)
  );
}
