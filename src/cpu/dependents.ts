import type { FrameOffset } from "../base/brand.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { AddressTranslation } from "./address-translation.ts";
import type { DecodedPages } from "./decoded-pages.ts";
import type { Hart } from "./hart.ts";
import type { Reservations } from "./reservations.ts";

/**
 * What was made from the contents of RAM and must follow them: decoded instructions, cached translations, reservations.
 * Whoever writes RAM by another way than the fast path tells this.
 */
export class Dependents {
  readonly #memory: PhysicalMemory;
  readonly #decoded: DecodedPages;
  readonly #translation: AddressTranslation;
  readonly #reservations: Reservations;

  constructor(
    memory: PhysicalMemory,
    decoded: DecodedPages,
    translation: AddressTranslation,
    reservations: Reservations,
  ) {
    this.#memory = memory;
    this.#decoded = decoded;
    this.#translation = translation;
    this.#reservations = reservations;
  }

  /** An instruction of a hart has stored. */
  stored(hart: Hart, place: FrameOffset, size: number): void {
    this.overwritten(place, size);
    this.#reservations.stored(hart, place, size);
  }

  /** Anybody else has written: a device, the user, the walk of a page table. */
  written(place: FrameOffset, size: number): void {
    this.overwritten(place, size);
    this.#reservations.written(this.#memory.addressOf(place), size);
  }

  /** Likewise of a page in no frame, by its physical address: of it nothing is cached. */
  writtenAway(address: number, size: number): void {
    this.#reservations.written(address, size);
  }

  /** The contents are others now, and the harts with them: a checkpoint was restored. */
  overwritten(place: FrameOffset, size: number): void {
    this.#decoded.overwritten(place, size);
    this.#translation.overwritten(place, size);
  }
}
