import { NumberColumn } from "../replay/number-column.ts";

/** Indices within a message and kinds share a number. */
const KINDS = 32;

/** Where the rows of a pair's log are: 24 bytes each. */
export class RowColumns {
  readonly #stretch: number;
  readonly #stretches = new NumberColumn();
  readonly #messages = new NumberColumn();
  readonly #places = new NumberColumn();
  /** Host time; of one recording's rows only. */
  #times = new NumberColumn();

  /** Of one recording. */
  constructor(stretch = 0) {
    this.#stretch = stretch;
  }

  get length(): number {
    return this.#places.length;
  }

  /** `timeMs` does not descend. */
  push(message: number, index: number, kind: number, timeMs: number): void {
    this.#messages.push(message);
    this.#places.push(index * KINDS + kind);
    this.#times.push(timeMs);
  }

  kindAt(row: number): number {
    return this.#places.at(row) % KINDS;
  }

  at(row: number): { stretch: number; message: number; index: number } {
    const index = Math.floor(this.#places.at(row) / KINDS);
    return { stretch: this.#stretches.at(row), message: this.#messages.at(row), index };
  }

  /** The rows of all recordings, by time. */
  static merge(parts: readonly RowColumns[]): RowColumns {
    const all = new RowColumns();
    const next = parts.map(() => 0);
    for (;;) {
      let first = -1;
      let firstMs = Number.POSITIVE_INFINITY;
      parts.forEach((part, index) => {
        const timeMs = next[index] < part.length ? part.#times.at(next[index]) : Number.POSITIVE_INFINITY;
        if (timeMs >= firstMs) return;
        first = index;
        firstMs = timeMs;
      });
      if (first < 0) return all;
      const part = parts[first];
      const row = next[first]++;
      all.#stretches.push(part.#stretch);
      all.#messages.push(part.#messages.at(row));
      all.#places.push(part.#places.at(row));
    }
  }
}
