/** Rows that are asked for in one go. */
const PAGE_ROWS = 100;
/** 40,000 rows: what was seen longest ago is asked for again when it is looked at. */
const MOST_PAGES = 400;
/** Pages that are on their way: those that were scrolled past meanwhile are not asked for at all. */
const MOST_ASKED = 2;

/** Rows of which there may be millions: asked for by the page as they come into view, and forgotten again. */
export class PagedRows<Row> {
  readonly #ask: (first: number, count: number) => void;
  /** Those that were looked at last come last. */
  readonly #pages = new Map<number, readonly Row[]>();
  readonly #asked = new Set<number>();

  /** `ask` is answered by `put` or by `refused`, with the same `first`. */
  constructor(ask: (first: number, count: number) => void) {
    this.#ask = ask;
  }

  at(index: number): Row | undefined {
    const page = Math.floor(index / PAGE_ROWS);
    return this.#pages.get(page)?.[index - page * PAGE_ROWS];
  }

  /** Asks for what is not known in [first, last), of `count` rows that there are. */
  want(first: number, last: number, count: number): void {
    const end = Math.min(last, count);
    for (let page = Math.floor(first / PAGE_ROWS); page * PAGE_ROWS < end; page++) {
      const start = page * PAGE_ROWS;
      const known = this.#pages.get(page);
      if (known !== undefined) {
        this.#pages.delete(page);
        this.#pages.set(page, known);
      }
      // A page that was the last one when it was asked for may have been filled since.
      const isShort = known === undefined || known.length < Math.min(PAGE_ROWS, count - start);
      if (!isShort || this.#asked.has(page) || this.#asked.size >= MOST_ASKED) continue;
      this.#asked.add(page);
      this.#ask(start, PAGE_ROWS);
    }
  }

  put(first: number, rows: readonly Row[]): void {
    const page = first / PAGE_ROWS;
    this.#asked.delete(page);
    this.#pages.delete(page);
    this.#pages.set(page, rows);
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > MOST_PAGES) this.#pages.delete(oldest);
  }

  refused(first: number): void {
    this.#asked.delete(first / PAGE_ROWS);
  }

  clear(): void {
    this.#pages.clear();
    this.#asked.clear();
  }
}
