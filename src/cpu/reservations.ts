import type { FrameOffset } from "../base/brand.ts";
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
 *
 * A flag stays until a store meets it in vain: harts keep the reservation of a comparison that failed for long, and to
 * take the flag away and put it back at each turn would cost all pages their write tags each time.
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
    const { flags } = this.#memory;
    let isNew = false;
    for (const hart of this.#harts) {
      if (hart === current || !hart.hasReservation) continue;
      const frame = this.#frameOf(hart);
      if (frame < 0 || (flags[frame] & PAGE_FLAG.reserved) !== 0) continue;
      flags[frame] |= PAGE_FLAG.reserved;
      isNew = true;
    }
    // Stores to these pages must take the slow path from now on.
    if (isNew) this.#group.flushWrites();
  }

  /** The current hart stores to RAM. */
  stored(current: Hart, place: FrameOffset, size: number): void {
    const { flags } = this.#memory;
    const last = (place + size - 1) >>> 12;
    for (let frame = place >>> 12; frame <= last; frame++) {
      if ((flags[frame] & PAGE_FLAG.reserved) === 0) continue;
      this.#break(this.#memory.addressOf(place), size, current);
      const isReserved = this.#harts.some((hart) => hart !== current && this.#frameOf(hart) === frame);
      if (!isReserved) flags[frame] &= ~PAGE_FLAG.reserved;
    }
  }

  /** Somebody who is no hart's instruction writes RAM: a device, the walk of a page table, the user. */
  written(address: number, size: number): void {
    this.#break(address, size, undefined);
  }

  /** A page has come into a frame, to which no tag has been given. */
  arrived(frame: number, current: Hart): void {
    const isReserved = this.#harts.some((hart) => hart !== current && this.#frameOf(hart) === frame);
    if (isReserved) this.#memory.flags[frame] |= PAGE_FLAG.reserved;
  }

  /** The frame of the page on which a hart holds a reservation, or -1: a page that is in none gets the flag when it comes. */
  #frameOf(hart: Hart): number {
    const offset = hart.hasReservation ? this.#memory.ramOffset(hart.reservation, 1) : -1;
    return offset < 0 ? -1 : this.#memory.frameOf(offset >>> 12);
  }

  #break(address: number, size: number, except: Hart | undefined): void {
    for (const hart of this.#harts) {
      if (hart === except || !hart.hasReservation) continue;
      const first = BigInt(address);
      const set = hart.reservation & ~(SET_BYTES - 1n);
      if (set < first + BigInt(size) && set + SET_BYTES > first) hart.reservation = NO_RESERVATION;
    }
  }
}
