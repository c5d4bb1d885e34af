import assert from "node:assert/strict";
import type { Prng } from "../../src/base/prng.ts";
import type { PageSource } from "../../src/machine/machine-interface.ts";
import type { PageStore } from "../../src/machine/residency.ts";

/** A store answers at once, only what has been asked for, or now this way, now that. */
export type Readiness = "at once" | "later" | "sometimes";

/** A store of pages in memory that a test can trust: what it is given it gives back, and nobody writes to it. */
export class PlainStore implements PageStore {
  readonly #prng: Prng;
  readonly #readiness: Readiness;
  puts = 0;
  /** Asked for, and not given yet. */
  requests = 0;

  constructor(prng: Prng, readiness: Readiness) {
    this.#prng = prng;
    this.#readiness = readiness;
  }

  put(bytes: Uint8Array): PageSource {
    assert.equal(bytes.length, 4096);
    this.puts++;
    const kept = bytes.slice();
    let isAtHand = this.#readiness === "at once";
    return {
      read: () => {
        if (this.#readiness === "sometimes") isAtHand = this.#prng.below(3) > 0;
        if (!isAtHand) return undefined;
        // It has been given: who wants it again must ask again, now and then.
        if (this.#readiness === "later") isAtHand = this.#prng.below(4) === 0;
        return kept.slice();
      },
      request: () => {
        this.requests++;
        isAtHand = true;
      },
      work: "decompression",
      readNow: () => kept.slice(),
    };
  }
}
