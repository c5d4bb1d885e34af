import { assert } from "../base/assert.ts";

const BLOCK = 4096;

/** A growing row of numbers at eight bytes each: logs of a long run hold millions, which objects would make heavy. */
export class NumberColumn {
  readonly #blocks: Float64Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#blocks.length * BLOCK) this.#blocks.push(new Float64Array(BLOCK));
    this.#blocks[this.#blocks.length - 1][this.#length % BLOCK] = value;
    this.#length++;
  }

  at(index: number): number {
    assert(index >= 0 && index < this.#length, `index ${index} of ${this.#length}`);
    return this.#blocks[Math.floor(index / BLOCK)][index % BLOCK];
  }

  /** A column of its own that begins with the first `length` numbers of this one. */
  upTo(length: number): NumberColumn {
    assert(length <= this.#length, `${length} of ${this.#length} numbers`);
    const column = new NumberColumn();
    // Full blocks do not change any more, and are shared.
    const full = Math.floor(length / BLOCK);
    column.#blocks.push(...this.#blocks.slice(0, full));
    if (length % BLOCK > 0) column.#blocks.push(this.#blocks[full].slice());
    column.#length = length;
    return column;
  }

  /** Index of the first element that is at least `value`, in a column that ascends. */
  lowerBound(value: number): number {
    return lowerBound(this.#length, (index) => this.at(index) >= value);
  }
}

/** The first of `count` indices for which `reached` holds, given that it then holds for all that follow. */
export function lowerBound(count: number, reached: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (reached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
