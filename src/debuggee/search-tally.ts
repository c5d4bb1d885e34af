import { assert } from "../base/assert.ts";
import type { HitCounter } from "../machine/stop.ts";
import type { Marks, Row, SegmentTask } from "./search-protocol.ts";

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
  #starts: number[] = [];
  #passed: number[] = [];
  #lastStart = -1;
  /** Rows that a search from `#lastStart` on finds before the next. */
  #since = 0;

  constructor({ mostMarks, list }: Pick<SegmentTask, "mostMarks" | "list">) {
    this.#mostMarks = mostMarks;
    this.#first = list?.first ?? Number.POSITIVE_INFINITY;
    this.#end = list === undefined ? Number.POSITIVE_INFINITY : list.first + list.count;
  }

  get rows(): number {
    return this.#rows;
  }

  get marks(): Marks {
    return { every: this.#every, instants: this.#instants, starts: this.#starts, passed: this.#passed };
  }

  /** Everything that was to be listed has been counted. */
  get isOver(): boolean {
    return this.#rows >= this.#end;
  }

  /** Counts a row. `start`: where a search begins that is to find it. True when it is to be listed: then `listed` wants it. */
  count(instant: number, start = instant): boolean {
    if (start !== this.#lastStart) this.#since = 0;
    this.#lastStart = start;
    if (this.#rows % this.#every === 0 && this.#mostMarks > 0) {
      if (this.#instants.length === this.#mostMarks) this.#thin();
      if (this.#rows % this.#every === 0) {
        this.#instants.push(instant);
        this.#starts.push(start);
        this.#passed.push(this.#since);
      }
    }
    this.#since++;
    this.#rows++;
    return this.#rows > this.#first && this.#rows <= this.#end;
  }

  /** For a machine that counts rows of which none is to be listed by itself. */
  readonly counter: HitCounter = {
    // One may be seen at the very instant where this is asked.
    toSkip: () => Math.max(0, this.#first - this.#rows - 1),
    skipped: (instants) => {
      for (const instant of instants) {
        const isListed = this.count(instant);
        assert(!isListed, "a row of the list was passed over");
      }
    },
  };

  #thin(): void {
    this.#every *= 2;
    const isKept = (_: number, index: number) => index % 2 === 0;
    this.#instants = this.#instants.filter(isKept);
    this.#starts = this.#starts.filter(isKept);
    this.#passed = this.#passed.filter(isKept);
  }
}
