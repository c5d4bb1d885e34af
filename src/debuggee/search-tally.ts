import { assert } from "../base/assert.ts";
import type { Row, SegmentTask } from "./search-protocol.ts";

/** Counts the rows of a segment, keeps the instants of some, and knows which are to be listed. */
export class Tally {
  readonly listed: Row[] = [];
  readonly #mostMarks: number;
  readonly #first: number;
  /** The row behind the list. */
  readonly #end: number;
  #rows = 0;
  #every = 1;
  #instants: number[] = [];

  constructor({ mostMarks, list }: Pick<SegmentTask, "mostMarks" | "list">) {
    this.#mostMarks = mostMarks;
    this.#first = list?.first ?? Number.POSITIVE_INFINITY;
    this.#end = list === undefined ? Number.POSITIVE_INFINITY : list.first + list.count;
  }

  get rows(): number {
    return this.#rows;
  }

  get marks(): { readonly every: number; readonly instants: readonly number[] } {
    return { every: this.#every, instants: this.#instants };
  }

  /** So many rows are surely not listed. */
  get toSkip(): number {
    // One may be seen at the very instant where this is asked.
    return Math.max(0, this.#first - this.#rows - 1);
  }

  /** Everything that was to be listed has been counted. */
  get isOver(): boolean {
    return this.#rows >= this.#end;
  }

  /** Counts a row. True when it is to be listed: then `listed` wants it. */
  count(instant: number): boolean {
    if (this.#rows % this.#every === 0 && this.#mostMarks > 0) {
      if (this.#instants.length === this.#mostMarks) this.#thin();
      if (this.#rows % this.#every === 0) this.#instants.push(instant);
    }
    this.#rows++;
    return this.#rows > this.#first && this.#rows <= this.#end;
  }

  /** Counts rows of which none is to be listed. */
  countAll(instants: Float64Array): void {
    for (const instant of instants) {
      const isListed = this.count(instant);
      assert(!isListed, "a row of the list was passed over");
    }
  }

  #thin(): void {
    this.#every *= 2;
    this.#instants = this.#instants.filter((_, index) => index % 2 === 0);
  }
}
