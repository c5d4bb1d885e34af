import type { SegmentTask, SeriesBucket } from "./search-protocol.ts";

/** The columns of a plot, filled row by row. Those without rows are left out: there the value stays what it was. */
export class Columns {
  readonly width: number;
  readonly #from: number;
  readonly #to: number;
  readonly #found: SeriesBucket[] = [];
  /** The column that is being filled: where it ends, and what it has so far. There may be millions of rows in it. */
  #end = 0;
  #first: number | undefined;
  #min: number | undefined;
  #max: number | undefined;
  #changes = 0;
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
    this.#close();
    return this.#found;
  }

  /** The value where the columns begin. */
  get start(): number | undefined {
    return this.#start;
  }

  /** The value is another from an instant on. */
  add(instant: number, value: number | undefined): void {
    // The first one is the value with which the search begins.
    if (instant < this.#from || (this.#isFirst && instant === this.#from)) this.#start = value;
    this.#isFirst = false;
    if (instant >= this.#from && this.width > 0) {
      if (instant >= this.#end) this.#open(instant);
      this.#changes++;
      this.#include(value);
      this.#first ??= value;
    }
    this.#value = value;
  }

  #open(instant: number): void {
    this.#close();
    this.#end = this.#from + (Math.floor((instant - this.#from) / this.width) + 1) * this.width;
    this.#first = this.#value;
    this.#min = undefined;
    this.#max = undefined;
    this.#include(this.#value);
  }

  #include(value: number | undefined): void {
    if (value === undefined) return;
    if (this.#min === undefined || value < this.#min) this.#min = value;
    if (this.#max === undefined || value > this.#max) this.#max = value;
  }

  #close(): void {
    if (this.#changes === 0) return;
    this.#found.push({
      from: this.#end - this.width,
      to: Math.min(this.#end, this.#to),
      ...(this.#first !== undefined && { first: this.#first }),
      ...(this.#value !== undefined && { last: this.#value }),
      ...(this.#min !== undefined && { min: this.#min }),
      ...(this.#max !== undefined && { max: this.#max }),
      changes: this.#changes,
    });
    this.#changes = 0;
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
