import type { FrameOffset } from "../base/brand.ts";
import type { Dependents } from "../cpu/dependents.ts";
import type { Hart } from "../cpu/hart.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";

interface Update {
  /** The page-table entry, and its low half before. */
  readonly entry: FrameOffset;
  readonly before: number;
  /** Of all harts: what is written breaks them. */
  readonly reservations: readonly bigint[];
}

/**
 * A and D bits that walks have set for the step that is being executed. A step that meets an absent page behind such a walk has
 * not been taken: they are cleared again, so that the state is the one before it.
 */
export class WalkJournal {
  readonly #memory: PhysicalMemory;
  readonly #harts: readonly Hart[];
  readonly #dependents: Dependents;
  #instant = -1;
  #updates: Update[] = [];

  constructor(memory: PhysicalMemory, harts: readonly Hart[], dependents: Dependents) {
    this.#memory = memory;
    this.#harts = harts;
    this.#dependents = dependents;
  }

  /** Before anybody else hears of it. */
  note(instant: number, entry: FrameOffset, before: number): void {
    if (this.#memory.absentCount === 0) return;
    if (instant !== this.#instant) this.#updates = [];
    this.#instant = instant;
    this.#updates.push({ entry, before, reservations: this.#harts.map(({ reservation }) => reservation) });
  }

  /** The step of this instant is not taken. */
  undo(instant: number): void {
    const updates = instant === this.#instant ? this.#updates : [];
    this.#updates = [];
    for (const { entry, before, reservations } of updates.reverse()) {
      this.#memory.view.setUint32(this.#memory.layout.ram + entry, before, true);
      this.#dependents.overwritten(entry, 8);
      for (const hart of this.#harts) hart.reservation = reservations[hart.id];
    }
  }
}
