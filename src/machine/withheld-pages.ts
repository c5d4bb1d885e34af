import { runsOf } from "../base/runs.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";

/**
 * Pages that count as absent although they are here. Nobody touches RAM under the flag, so that they are given back by taking it away; and
 * their versions are never out of date, since what is withheld is not written.
 */
export class WithheldPages {
  readonly #memory: PhysicalMemory;
  /** By page, 1. */
  #marks: Uint8Array | undefined;

  constructor(memory: PhysicalMemory) {
    this.#memory = memory;
  }

  get any(): boolean {
    return this.#marks !== undefined;
  }

  has(page: number): boolean {
    return this.#marks?.[page] === 1;
  }

  /** Withholds those of RAM with a mark that are here. True: some are. */
  take(marks: Uint8Array): boolean {
    const { ramPages } = this.#memory.layout;
    const taken = marks.slice(0, ramPages);
    // What is absent for another reason stays so, and is not here to be given back.
    if (this.#memory.absentCount > 0) {
      for (let page = 0; page < taken.length; page++) if (!this.#memory.isHere(page)) taken[page] = 0;
    }
    this.#marks = taken;
    return this.#memory.setManyAbsent(0, taken.length, taken, 1);
  }

  giveBack(page: number): void {
    if (!this.has(page)) return;
    this.#marks![page] = 0;
    this.#memory.setAbsent(page, false);
  }

  giveBackAll(): void {
    const marks = this.#marks;
    this.#marks = undefined;
    if (marks === undefined) return;
    for (const [from, to] of runsOf(marks))
      for (let page = from; page < to; page++) this.#memory.setAbsent(page, false);
  }
}
