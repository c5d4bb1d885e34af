import type { AccessSize } from "../isa/semantics.ts";
import * as layout from "../memory/layout.ts";
import type { PhysicalMemory, WatchedRange } from "../memory/physical-memory.ts";
import type { DecodedPages } from "./decoded-pages.ts";
import type { Exception, Hart } from "./hart.ts";
import type { DataPort } from "./oracle-reading.ts";

/** What lies outside RAM. Undefined or false: nothing answers at that address with that size. */
export interface DeviceBus {
  load(address: bigint, size: AccessSize): bigint | undefined;
  store(address: bigint, size: AccessSize, value: bigint): boolean;
  /** Whether a store would be answered; has no effect. */
  accepts(address: bigint, size: AccessSize): boolean;
}

/** An access that overlapped a watched range. */
export interface WatchedAccess {
  readonly watch: number;
  readonly access: "read" | "write";
  readonly address: bigint;
  readonly size: number;
  readonly pc: bigint;
}

export const LOAD_ACCESS_FAULT = 5;
export const STORE_ACCESS_FAULT = 7;

/**
 * Loads and stores in full: RAM of any alignment, devices, watched ranges, code that is overwritten. The oracle's only
 * way to memory, and the end of the fast engines' slow path.
 */
export class DataAccess implements DataPort {
  readonly #hart: Hart;
  readonly #memory: PhysicalMemory;
  readonly #decoded: DecodedPages;
  readonly #bus: DeviceBus;
  #watches: readonly WatchedRange[] = [];
  /** Watched accesses of the step being executed; the machine takes them away. */
  watched: WatchedAccess[] = [];

  constructor(hart: Hart, memory: PhysicalMemory, decoded: DecodedPages, bus: DeviceBus) {
    this.#hart = hart;
    this.#memory = memory;
    this.#decoded = decoded;
    this.#bus = bus;
  }

  setWatches(watches: readonly WatchedRange[]): void {
    this.#watches = watches;
    this.#memory.setWatchedRanges(watches);
  }

  read(address: bigint, size: AccessSize): bigint | Exception {
    const offset = this.#memory.ramOffset(address, size);
    const value = offset >= 0 ? this.#memory.read(offset, size) : this.#readOutside(address, size);
    if (value === undefined) return { cause: LOAD_ACCESS_FAULT, tval: address };
    this.#noteWatched(address, size, "read");
    return value;
  }

  write(address: bigint, size: AccessSize, value: bigint): Exception | undefined {
    const offset = this.#memory.ramOffset(address, size);
    if (offset >= 0) {
      this.#memory.write(offset, size, value);
      this.#decoded.overwritten(offset, size);
    } else if (!this.#aligned(address, size) || !this.#bus.store(address, size, value)) {
      return { cause: STORE_ACCESS_FAULT, tval: address };
    }
    this.#noteWatched(address, size, "write");
    return undefined;
  }

  probeWrite(address: bigint, size: AccessSize): Exception | undefined {
    if (this.#memory.ramOffset(address, size) >= 0 || this.#bus.accepts(address, size)) return undefined;
    return { cause: STORE_ACCESS_FAULT, tval: address };
  }

  /** Devices take aligned accesses only: the manual lets a misaligned one outside main memory be an access fault. */
  #readOutside(address: bigint, size: AccessSize): bigint | undefined {
    return this.#aligned(address, size) ? this.#bus.load(address, size) : undefined;
  }

  #aligned(address: bigint, size: number): boolean {
    return (address & BigInt(size - 1)) === 0n;
  }

  #noteWatched(address: bigint, size: number, access: "read" | "write"): void {
    const last = address + BigInt(size - 1);
    this.#watches.forEach((watch, index) => {
      if (watch.first > last || watch.last < address) return;
      if (watch.access !== access && watch.access !== "readWrite") return;
      this.watched.push({ watch: index, access, address, size, pc: this.#hart.pc });
    });
  }
}

/** Puts the outcome of an access where generated code looks for it. */
export function announceFault(memory: PhysicalMemory, exception: Exception): void {
  memory.view.setInt32(layout.STATUS, layout.STATUS_FAULT, true);
  memory.view.setInt32(layout.TRAP_CAUSE, exception.cause, true);
  memory.view.setBigUint64(layout.TRAP_VALUE, exception.tval, true);
}
