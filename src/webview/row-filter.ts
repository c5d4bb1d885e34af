/** Rows that are gone through with one question. */
const BATCH_ROWS = 1000;
/** More than anybody looks through; who wants less makes the filter narrower. */
const MOST_FOUND = 10_000;

export interface FilterState<Row> {
  /** Those that pass, the newest first. */
  readonly found: readonly { readonly row: Row; readonly index: number }[];
  /** So many of the newest rows were gone through. */
  readonly looked: number;
  /** There is no more to go through, or enough was found. */
  readonly done: boolean;
  /** Nobody looks for more than so many. */
  readonly full: boolean;
}

/** Goes through the rows of a search, the newest first, for those that a filter lets pass. One at a time: `stop` ends it. */
export class RowFilter<Row> {
  readonly #rows: (first: number, count: number) => Promise<readonly Row[]>;
  readonly #passes: (row: Row) => boolean;
  readonly #changed: () => void;
  readonly #found: { row: Row; index: number }[] = [];
  #looked = 0;
  #count = 0;
  #looking = false;
  #stopped = false;

  constructor(
    rows: (first: number, count: number) => Promise<readonly Row[]>,
    passes: (row: Row) => boolean,
    changed: () => void,
  ) {
    this.#rows = rows;
    this.#passes = passes;
    this.#changed = changed;
  }

  get state(): FilterState<Row> {
    const full = this.#found.length >= MOST_FOUND;
    return { found: this.#found, looked: this.#looked, done: full || this.#looked >= this.#count, full };
  }

  /** There are so many rows now. */
  async upTo(count: number): Promise<void> {
    this.#count = count;
    if (this.#looking) return;
    this.#looking = true;
    try {
      while (!this.#stopped && !this.state.done) {
        const first = this.#looked;
        const rows = await this.#rows(first, Math.min(BATCH_ROWS, this.#count - first));
        if (this.#stopped || rows.length === 0) return;
        rows.forEach((row, index) => {
          if (this.#found.length < MOST_FOUND && this.#passes(row)) this.#found.push({ row, index: first + index });
        });
        this.#looked = first + rows.length;
        this.#changed();
      }
    } catch {
      // The search was closed, or the session is over.
    } finally {
      this.#looking = false;
    }
  }

  stop(): void {
    this.#stopped = true;
  }
}
