import type { FrameOffset } from "../base/brand.ts";
import type { AccessSize } from "../isa/semantics.ts";
import * as layout from "../memory/layout.ts";
import { PAGE_BYTES } from "../memory/layout.ts";
import type { PhysicalMemory, WatchedRange } from "../memory/physical-memory.ts";
import type { AddressTranslation } from "./address-translation.ts";
import type { Dependents } from "./dependents.ts";
import type { Exception, Turn } from "./hart.ts";
import type { DataPort } from "./oracle-reading.ts";

/** What lies outside RAM, by physical address. Undefined or false: nothing answers at that address with that size. */
export interface DeviceBus {
  load(address: number, size: AccessSize): bigint | undefined;
  /** An exception: a page that a device needs is absent, and nothing has happened. */
  store(address: number, size: AccessSize, value: bigint): boolean | Exception;
  /** Whether a store would be answered; has no effect. */
  accepts(address: number, size: AccessSize): boolean;
}

/** An access that overlapped a watched range. */
export interface WatchedAccess {
  readonly watch: number;
  readonly access: "read" | "write";
  /** As the instruction gave it: virtual. */
  readonly address: bigint;
  readonly size: number;
  readonly pc: bigint;
}

const LOAD_ACCESS_FAULT = 5;
const STORE_ACCESS_FAULT = 7;

/** What DataAccess works on. */
export interface DataAccessParts {
  readonly turn: Turn;
  readonly memory: PhysicalMemory;
  readonly translation: AddressTranslation;
  readonly dependents: Dependents;
  readonly bus: DeviceBus;
}

/** One page's share of an access: where its bytes are, or why they cannot be had. */
interface Part {
  readonly physical: number;
  readonly size: number;
}

/**
 * Loads and stores in full: translated, RAM of any alignment, devices, watched ranges, code and page tables that are
 * overwritten. The oracle's only way to memory, and the end of the fast engines' slow path.
 */
export class DataAccess implements DataPort {
  readonly #parts: DataAccessParts;
  /** Of physical addresses. */
  #watches: readonly WatchedRange[] = [];
  /** Watched accesses of the step being executed; the machine takes them away. */
  watched: WatchedAccess[] = [];

  constructor(parts: DataAccessParts) {
    this.#parts = parts;
  }

  setWatches(watches: readonly WatchedRange[]): void {
    this.#watches = watches;
    this.#parts.memory.setWatchedRanges(watches);
  }

  read(address: bigint, size: AccessSize): bigint | Exception {
    const { memory } = this.#parts;
    const parts = this.#locate(address, size, "read");
    if (!Array.isArray(parts)) return parts;
    const [first, second] = parts;
    const place = placeOf(memory, first);
    let value: bigint | undefined;
    if (second === undefined) {
      value = place !== undefined ? memory.read(place, size) : this.#readOutside(first.physical, size);
      if (value === undefined) return { cause: LOAD_ACCESS_FAULT, tval: address };
    } else {
      // The lower part's bytes are the lower ones.
      value = readBytes(memory, first) | (readBytes(memory, second) << BigInt(first.size * 8));
    }
    this.#noteWatched(address, parts, "read");
    return value;
  }

  write(address: bigint, size: AccessSize, value: bigint): Exception | undefined {
    const { memory, bus, turn, dependents } = this.#parts;
    const parts = this.#locate(address, size, "write");
    if (!Array.isArray(parts)) return parts;
    const [first, second] = parts;
    const place = placeOf(memory, first);
    if (second !== undefined) {
      let shift = 0n;
      for (const part of parts) {
        this.#writeBytes(part, value >> shift);
        shift += BigInt(part.size * 8);
      }
    } else if (place !== undefined) {
      memory.write(place, size, value);
      dependents.stored(turn.hart, place, size);
    } else {
      const done = isAligned(first.physical, size) && bus.store(first.physical, size, value);
      if (done !== true) return done || { cause: STORE_ACCESS_FAULT, tval: address };
    }
    this.#noteWatched(address, parts, "write");
    return undefined;
  }

  zero(address: bigint, size: number): Exception | undefined {
    const { memory, turn, translation, dependents } = this.#parts;
    const physical = translation.locate(address, size, "write");
    if (typeof physical !== "number") return physical;
    const part = { physical, size };
    const place = placeOf(memory, part);
    if (place === undefined) return { cause: STORE_ACCESS_FAULT, tval: address };
    memory.frames.fill(0, place, place + size);
    memory.markDirty(place, size);
    dependents.stored(turn.hart, place, size);
    this.#noteWatched(address, [part], "write");
    return undefined;
  }

  probeRead(address: bigint, size: AccessSize): Exception | undefined {
    return this.#probe(address, size, "read");
  }

  probeWrite(address: bigint, size: AccessSize): Exception | undefined {
    return this.#probe(address, size, "write");
  }

  #probe(address: bigint, size: AccessSize, access: "read" | "write"): Exception | undefined {
    const parts = this.#locate(address, size, access);
    if (!Array.isArray(parts)) return parts;
    const [first] = parts;
    if (isRam(this.#parts.memory, first)) return undefined;
    if (this.#parts.bus.accepts(first.physical, size)) return undefined;
    return { cause: access === "read" ? LOAD_ACCESS_FAULT : STORE_ACCESS_FAULT, tval: address };
  }

  reservable(address: bigint, size: AccessSize, access: "read" | "write"): bigint | Exception {
    const physical = this.#parts.translation.locate(address, size, access);
    return typeof physical === "number" ? BigInt(physical) : physical;
  }

  /** A device has written RAM in the course of the step. */
  deviceWrote(physical: number, size: number): void {
    this.#noteWatched(BigInt(physical), [{ physical, size }], "write");
  }

  /**
   * Where the bytes of an access are. One that reaches into the next page is taken apart when the two need not be
   * neighbours in memory; both parts must then be RAM, and the lower address faults first. Of physical addresses it is one access,
   * even where it takes two frames.
   */
  #locate(address: bigint, size: number, access: "read" | "write"): Part[] | Exception {
    const { translation, memory } = this.#parts;
    const inFirst = Math.min(size, PAGE_BYTES - Number(address & 0xfffn));
    if (inFirst === size || !translation.splitsPages) {
      const physical = translation.locate(address, size, access);
      if (typeof physical !== "number") return physical;
      const part = { physical, size };
      if (inFirst === size || !memory.layout.isMapped || !isRam(memory, part)) return [part];
      return [
        { physical, size: inFirst },
        { physical: physical + inFirst, size: size - inFirst },
      ];
    }
    const parts: Part[] = [];
    const cause = access === "read" ? LOAD_ACCESS_FAULT : STORE_ACCESS_FAULT;
    for (const [at, bytes] of [
      [address, inFirst],
      [BigInt.asUintN(64, address + BigInt(inFirst)), size - inFirst],
    ] as const) {
      const physical = translation.locate(at, bytes, access);
      if (typeof physical !== "number") return physical;
      const part = { physical, size: bytes };
      if (!isRam(memory, part)) return { cause, tval: at };
      parts.push(part);
    }
    return parts;
  }

  #writeBytes({ physical, size }: Part, value: bigint): void {
    const { memory, dependents, turn } = this.#parts;
    const place = memory.place(physical - memory.layout.ramBase);
    for (let index = 0; index < size; index++) {
      memory.write((place + index) as FrameOffset, 1, value >> BigInt(index * 8));
    }
    dependents.stored(turn.hart, place, size);
  }

  /** Devices take aligned accesses only: the manual lets a misaligned one outside main memory be an access fault. */
  #readOutside(address: number, size: AccessSize): bigint | undefined {
    return isAligned(address, size) ? this.#parts.bus.load(address, size) : undefined;
  }

  #noteWatched(address: bigint, parts: readonly Part[], access: "read" | "write"): void {
    if (this.#watches.length === 0) return;
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    this.#watches.forEach((watch, index) => {
      if (watch.access !== access && watch.access !== "readWrite") return;
      const meets = ({ physical, size: bytes }: Part) =>
        watch.first <= BigInt(physical + bytes - 1) && watch.last >= BigInt(physical);
      if (parts.some(meets)) this.watched.push({ watch: index, access, address, size, pc: this.#parts.turn.hart.pc });
    });
  }
}

function isRam(memory: PhysicalMemory, { physical, size }: Part): boolean {
  const offset = physical - memory.layout.ramBase;
  return offset >= 0 && offset <= memory.layout.ramBytes - size;
}

/** Undefined: no RAM. What is RAM is here, because it was located. */
function placeOf(memory: PhysicalMemory, part: Part): FrameOffset | undefined {
  return isRam(memory, part) ? memory.place(part.physical - memory.layout.ramBase) : undefined;
}

function readBytes(memory: PhysicalMemory, { physical, size }: Part): bigint {
  const place = memory.place(physical - memory.layout.ramBase);
  let value = 0n;
  for (let index = size - 1; index >= 0; index--) {
    value = (value << 8n) | memory.read((place + index) as FrameOffset, 1);
  }
  return value;
}

function isAligned(address: number, size: number): boolean {
  return address % size === 0;
}

/** Puts the outcome of an access where generated code looks for it. */
export function announceFault(memory: PhysicalMemory, exception: Exception): void {
  memory.view.setInt32(layout.STATUS, layout.STATUS_FAULT, true);
  memory.view.setInt32(layout.TRAP_CAUSE, exception.cause, true);
  memory.view.setBigUint64(layout.TRAP_VALUE, exception.tval, true);
}
