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
  #marks = { every: 1, instants: [] as number[], starts: [] as number[], passed: [] as number[] };
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
    return this.#marks;
  }

  /** Everything that was to be listed has been counted. */
  get isOver(): boolean {
    return this.#rows >= this.#end;
  }

  /** Counts a row. `start`: where a search begins that is to find it. True when it is to be listed: then `listed` wants it. */
  count(instant: number, start = instant): boolean {
    if (start !== this.#lastStart) this.#since = 0;
    this.#lastStart = start;
    if (this.#rows % this.#marks.every === 0 && this.#mostMarks > 0) {
      if (this.#marks.instants.length === this.#mostMarks) this.#marks = thinned(this.#marks);
      const { every, instants, starts, passed } = this.#marks;
      if (this.#rows % every === 0) {
        instants.push(instant);
        starts.push(start);
        passed.push(this.#since);
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
}

/** Every second one of them. */
export function thinned({ every, instants, starts, passed }: Marks) {
  const half = (numbers: readonly number[]) => numbers.filter((_, index) => index % 2 === 0);
  return { every: every * 2, instants: half(instants), starts: half(starts), passed: half(passed) };
}
