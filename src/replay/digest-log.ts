import type { Instant } from "../base/brand.ts";
import type { Digest } from "../machine/machine-interface.ts";
import { lowerBound } from "./number-column.ts";

export interface DigestEntry {
  readonly instant: Instant;
  /** Events that the machine had taken: an edit changes the state at an instant that already has a digest. */
  readonly events: number;
  readonly digest: Digest;
}

/** Most digests that are kept in memory, about 100 bytes each. Beyond it every second one goes; the file has all. */
const MOST_DIGESTS = 65_536;

/** Digests of a run, ascending by instant, then by events. */
export class DigestLog {
  #entries: DigestEntry[] = [];

  get entries(): readonly DigestEntry[] {
    return this.#entries;
  }

  push(entry: DigestEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > MOST_DIGESTS) this.#entries = this.#entries.filter((_, index) => index % 2 === 0);
  }

  /** A log of its own with the digests up to a state, that of so many events at `instant`. */
  upTo(instant: Instant, events: number): DigestLog {
    const log = new DigestLog();
    log.#entries = this.#entries.filter((entry) => entry.instant <= instant && entry.events <= events);
    return log;
  }

  /** The digest of exactly this state, when there is one. */
  find(instant: Instant, events: number): Digest | undefined {
    for (let index = this.#firstAt(instant); this.#entries[index]?.instant === instant; index++) {
      if (this.#entries[index].events === events) return this.#entries[index].digest;
    }
    return undefined;
  }

  /** The next instant with a digest after `instant`; Infinity when there is none. */
  nextAfter(instant: number): number {
    return this.#entries[this.#firstAt(instant + 1)]?.instant ?? Number.POSITIVE_INFINITY;
  }

  /** Index of the first entry at `instant` or later. */
  #firstAt(instant: number): number {
    return lowerBound(this.#entries.length, (index) => this.#entries[index].instant >= instant);
  }
}
