import type { SegmentTask, SeriesBucket } from "./search-protocol.ts";

/** The columns of a plot, filled row by row. Those without rows are left out: there the value stays what it was. */
export class Columns {
  readonly width: number;
  readonly #from: number;
  readonly #to: number;
  readonly #found: SeriesBucket[] = [];
  /** The value before the next row. */
  #value: number | undefined;
  #start: number | undefined;
  #isFirst = true;

  constructor({ to, columns }: SegmentTask) {
    this.#from = columns?.from ?? to;
    this.#to = to;
    this.width = columns === undefined ? 0 : Math.max(1, Math.ceil((to - columns.from) / columns.count));
  }

  get found(): readonly SeriesBucket[] {
    return this.#found;
  }

  /** The value where the columns begin. */
  get start(): number | undefined {
    return this.#start;
  }

  /** The value is another from an instant on. */
  add(instant: number, value: number | undefined): void {
    const before = this.#value;
    this.#value = value;
    // The first one is the value with which the search begins.
    if (instant < this.#from || (this.#isFirst && instant === this.#from)) this.#start = value;
    this.#isFirst = false;
    if (instant < this.#from || this.width === 0) return;
    const from = this.#from + Math.floor((instant - this.#from) / this.width) * this.width;
    const last = this.#found.at(-1);
    if (last?.from === from) {
      this.#found[this.#found.length - 1] = joined(last, { from, to: last.to, ...only(value), changes: 1 });
      return;
    }
    const to = Math.min(from + this.width, this.#to);
    this.#found.push(joined({ from, to, ...only(before), changes: 0 }, { from, to, ...only(value), changes: 1 }));
  }
}

/** A column that has one value. */
export function only(value: number | undefined): Pick<SeriesBucket, "first" | "last" | "min" | "max"> {
  return value === undefined ? {} : { first: value, last: value, min: value, max: value };
}

/** Two columns as one, the older one first. */
export function joined(a: SeriesBucket, b: SeriesBucket): SeriesBucket {
  const first = a.first ?? (a.changes === 0 ? b.first : undefined);
  const min = least(a.min, b.min, Math.min);
  const max = least(a.max, b.max, Math.max);
  return {
    from: a.from,
    to: b.to,
    ...(first !== undefined && { first }),
    ...(b.last !== undefined && { last: b.last }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    changes: a.changes + b.changes,
  };
}

function least(
  a: number | undefined,
  b: number | undefined,
  choose: (a: number, b: number) => number,
): number | undefined {
  return a === undefined ? b : b === undefined ? a : choose(a, b);
}
