import type { AddressTranslation } from "./address-translation.ts";
import type { DecodedPages } from "./decoded-pages.ts";
import type { Hart } from "./hart.ts";
import type { Reservations } from "./reservations.ts";

/**
 * What was made from the contents of RAM and must follow them: decoded instructions, cached translations, reservations.
 * Whoever writes RAM by another way than the fast path tells this.
 */
export class Dependents {
  readonly #decoded: DecodedPages;
  readonly #translation: AddressTranslation;
  readonly #reservations: Reservations;

  constructor(decoded: DecodedPages, translation: AddressTranslation, reservations: Reservations) {
    this.#decoded = decoded;
    this.#translation = translation;
    this.#reservations = reservations;
  }

  /** An instruction of a hart has stored. */
  stored(hart: Hart, offset: number, size: number): void {
    this.overwritten(offset, size);
    this.#reservations.stored(hart, offset, size);
  }

  /** Anybody else has written: a device, the user, the walk of a page table. */
  written(offset: number, size: number): void {
    this.overwritten(offset, size);
    this.#reservations.written(offset, size);
  }

  /** The contents are others now, and the harts with them: a checkpoint was restored. */
  overwritten(offset: number, size: number): void {
    this.#decoded.overwritten(offset, size);
    this.#translation.overwritten(offset, size);
  }
}
