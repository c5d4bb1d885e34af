import { assert } from "../base/assert.ts";
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
  /** False: they cannot be had now. */
  bring(page: number): boolean;
}

/**
 * The machine's one WebAssembly memory with RAM in it, and the flags of its pages. Nothing here translates addresses
 * or knows devices.
 */
export class PhysicalMemory {
  readonly layout: MemoryLayout;
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** RAM alone. */
  readonly ram: Uint8Array<ArrayBuffer>;
  /** Not 0 for pages of RAM to which some table has had a write tag. */
  readonly writeTagged: Uint8Array;
  readonly flags: Uint8Array<ArrayBuffer>;
  /** Not 0 for groups of pages of which one may be dirty. */
  readonly dirtyGroups: Uint8Array<ArrayBuffer>;
  readonly decodedPointers: Int32Array<ArrayBuffer>;
  readonly codeGranules: BigUint64Array<ArrayBuffer>;
  readonly tableEntries: Uint8Array<ArrayBuffer>;
  #absentCount = 0;
  #watchCount = 0;
  bringer: PageBringer | undefined;

  constructor(ramBase: number, ramBytes: number) {
    this.layout = layoutFor(ramBase, ramBytes);
    const { layout: where } = this;
    this.memory = new WebAssembly.Memory({ initial: where.wasmPages });
    const buffer = this.memory.buffer as ArrayBuffer;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.ram = new Uint8Array(buffer, where.ram, where.ramBytes);
    this.flags = new Uint8Array(buffer, where.pageFlags, where.ramPages);
    this.dirtyGroups = new Uint8Array(buffer, where.dirtyGroups, Math.ceil(where.ramPages / layout.DIRTY_GROUP_PAGES));
    this.writeTagged = new Uint8Array(buffer, where.writeTagged, where.ramPages);
    this.decodedPointers = new Int32Array(buffer, where.decodedPointers, where.ramPages);
    this.codeGranules = new BigUint64Array(buffer, where.codeGranules, where.ramPages);
    this.tableEntries = new Uint8Array(buffer, where.tableEntries, where.ramPages * layout.TABLE_ENTRY_BYTES);
    this.setTrapStops([]);
  }

  /** Pages with the flag `absent`. */
  get absentCount(): number {
    return this.#absentCount;
  }

  /** Whether it was otherwise before. */
  setAbsent(page: number, isAbsent: boolean): boolean {
    const wasAbsent = (this.flags[page] & layout.PAGE_FLAG.absent) !== 0;
    if (wasAbsent === isAbsent) return false;
    this.flags[page] ^= layout.PAGE_FLAG.absent;
    this.#absentCount += isAbsent ? 1 : -1;
    if (this.#absentCount <= 1) this.#guard();
    return true;
  }

  /** Pages from `first` up to `end` become absent where `numbers` has at least `least` for them. Whether one was not. */
  setManyAbsent(first: number, end: number, numbers: Uint32Array, least: number): boolean {
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

  #guard(): void {
    this.view.setInt32(layout.RAM_IS_GUARDED, this.#absentCount + this.#watchCount, true);
  }

  /** Offset into RAM when all `size` bytes at the physical address are RAM, else -1. */
  ramOffset(address: bigint, size: number): number {
    const offset = address - BigInt(this.layout.ramBase);
    return offset >= 0n && offset <= BigInt(this.layout.ramBytes - size) ? Number(offset) : -1;
  }

  /** Unsigned little-endian value of 1, 2, 4 or 8 bytes at an offset of RAM, of any alignment. */
  read(offset: number, size: number): bigint {
    const host = this.layout.ram + offset;
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

  /** Writes the low `size` bytes of `value` and marks the pages dirty. Decoded code is the caller's business. */
  write(offset: number, size: number, value: bigint): void {
    const host = this.layout.ram + offset;
    if (size === 8) this.view.setBigUint64(host, BigInt.asUintN(64, value), true);
    else if (size === 4) this.view.setUint32(host, Number(BigInt.asUintN(32, value)), true);
    else if (size === 2) this.view.setUint16(host, Number(BigInt.asUintN(16, value)), true);
    else this.bytes[host] = Number(BigInt.asUintN(8, value));
    this.markDirty(offset, size);
  }

  markDirty(offset: number, size: number): void {
    const last = (offset + size - 1) >>> 12;
    for (let page = offset >>> 12; page <= last; page++) {
      this.flags[page] |= layout.PAGE_FLAG.dirty;
      this.dirtyGroups[Math.floor(page / layout.DIRTY_GROUP_PAGES)] = 1;
    }
  }

  /** The first page of these bytes of RAM that is absent and cannot be brought in now, or -1. */
  lacking(offset: number, size: number): number {
    if (this.#absentCount === 0) return -1;
    const last = Math.floor((offset + size - 1) / PAGE_BYTES);
    for (let page = Math.floor(offset / PAGE_BYTES); page <= last; page++) {
      if ((this.flags[page] & layout.PAGE_FLAG.absent) !== 0 && this.bringer?.bring(page) !== true) return page;
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

  page(index: number): Uint8Array<ArrayBuffer> {
    return this.ram.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
  }

  /** Exceptions with these causes are not taken by generated code, because somebody wants to see them first. */
  setTrapStops(causes: readonly number[]): void {
    const bits = [...causes, layout.ABSENT_PAGE_CAUSE].reduce((all, cause) => all | (1n << BigInt(cause)), 0n);
    this.view.setBigUint64(layout.TRAP_STOPS, BigInt.asUintN(64, bits), true);
  }

  /** Tells the slow path what to look out for. The caller flushes the tags of pages that become watched. */
  setWatchedRanges(ranges: readonly WatchedRange[]): void {
    assert(ranges.length <= layout.MAX_WATCHES, "too many watches");
    for (let page = 0; page < this.flags.length; page++) {
      this.flags[page] &= ~(layout.PAGE_FLAG.watchedRead | layout.PAGE_FLAG.watchedWrite);
    }
    this.view.setInt32(layout.WATCH_TABLE, ranges.length, true);
    this.#watchCount = ranges.length;
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
    const access = WATCH_ACCESS[range.access];
    const flag =
      (access & WATCH_ACCESS.read ? layout.PAGE_FLAG.watchedRead : 0) |
      (access & WATCH_ACCESS.write ? layout.PAGE_FLAG.watchedWrite : 0);
    const base = BigInt(this.layout.ramBase);
    const first = range.first < base ? base : range.first;
    const end = base + BigInt(this.layout.ramBytes);
    const last = range.last >= end ? end - 1n : range.last;
    if (first > last) return;
    for (let page = Number(first - base) >>> 12; page <= Number(last - base) >>> 12; page++) this.flags[page] |= flag;
  }
}
