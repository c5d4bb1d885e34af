import { AbsentVersion } from "./absent-version.ts";
import type { AbsentPlaces, PageVersion } from "./machine-interface.ts";

/** What `AbsentPlaces.numbers` says of a page, where it is not the number of a source. */
export const PLACE = {
  /** It is as in the table that this one is a successor of. */
  unchanged: 0,
  /** It has no version: zero, or as in the disk's image. */
  none: 1,
  /** It is as in the initial table. */
  initial: 2,
  /** The first source's number. */
  sources: 3,
} as const;

/**
 * Some neighbouring pages that are absent, or have no version, and of which nobody has wanted to see one yet: until then there
 * is no object for each of them. A gibibyte is a quarter of a million.
 */
export class AbsentLeaf {
  readonly places: AbsentPlaces;
  /** Index of its first page in the places. */
  readonly first: number;
  readonly #hashOf: (bytes: Uint8Array) => bigint;
  readonly #length: number;
  #pages: readonly (PageVersion | undefined)[] | undefined;

  constructor(places: AbsentPlaces, first: number, length: number, hashOf: (bytes: Uint8Array) => bigint) {
    this.places = places;
    this.first = first;
    this.#length = length;
    this.#hashOf = hashOf;
  }

  /** Somebody has asked for its pages: they may have come since. */
  get isOpen(): boolean {
    return this.#pages !== undefined;
  }

  /** Whether one of its pages has a version. */
  has(page: number): boolean {
    return this.places.numbers[page] >= PLACE.sources;
  }

  open(): readonly (PageVersion | undefined)[] {
    if (this.#pages !== undefined) return this.#pages;
    const { numbers, sources, hashes } = this.places;
    const pages = new Array<PageVersion | undefined>(this.#length).fill(undefined);
    for (let index = 0; index < this.#length; index++) {
      const page = this.first + index;
      const source = numbers[page] - PLACE.sources;
      if (source >= 0) pages[index] = new AbsentVersion(page, hashes?.[page] ?? this.#hashOf, sources[source]);
    }
    this.#pages = pages;
    return pages;
  }
}
