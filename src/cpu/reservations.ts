import { PAGE_FLAG } from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { CacheGroup } from "./cache-group.ts";
import { type Hart, NO_RESERVATION } from "./hart.ts";

/** A reservation covers the doubleword that it was made in. */
const SET_BYTES = 8n;

/**
 * Reservations of load-reserved (unprivileged manual, section 13.2). The hart that has its turn breaks those of the
 * others by storing to them; what it stores itself breaks none of its own. While a hart is parked with a reservation,
 * the page has a flag that leads every store to it here.
 */
export class Reservations {
  readonly #memory: PhysicalMemory;
  readonly #group: CacheGroup;
  readonly #harts: readonly Hart[];

  constructor(memory: PhysicalMemory, group: CacheGroup, harts: readonly Hart[]) {
    this.#memory = memory;
    this.#group = group;
    this.#harts = harts;
  }

  /** Another hart has its turn, or states were replaced: pages where harts other than `current` hold a reservation. */
  turnOf(current: Hart): void {
    for (const page of this.#flagged) this.#memory.flags[page] &= ~PAGE_FLAG.reserved;
    this.#flagged.length = 0;
    for (const hart of this.#harts) {
      if (hart === current || hart.reservation === NO_RESERVATION) continue;
      const offset = this.#memory.ramOffset(hart.reservation, 1);
      if (offset < 0) continue;
      const page = offset >>> 12;
      this.#memory.flags[page] |= PAGE_FLAG.reserved;
      this.#flagged.push(page);
    }
    // Stores to these pages must take the slow path from now on.
    if (this.#flagged.length > 0) this.#group.flushWrites();
  }

  /** The current hart stores to RAM, on a page with the flag. */
  stored(current: Hart, offset: number, size: number): void {
    this.#break(offset, size, current);
  }

  /** Somebody who is no hart's instruction writes RAM: a device, the walk of a page table, the user. */
  written(offset: number, size: number): void {
    this.#break(offset, size, undefined);
  }

  readonly #flagged: number[] = [];

  #break(offset: number, size: number, except: Hart | undefined): void {
    const first = BigInt(this.#memory.layout.ramBase + offset);
    for (const hart of this.#harts) {
      if (hart === except || hart.reservation === NO_RESERVATION) continue;
      const set = hart.reservation & ~(SET_BYTES - 1n);
      if (set < first + BigInt(size) && set + SET_BYTES > first) hart.reservation = NO_RESERVATION;
    }
  }
}
