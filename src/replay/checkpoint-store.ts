import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import type { Checkpoint } from "../machine/machine-interface.ts";
import { lowerBound } from "./number-column.ts";
import { PAGE_BYTES } from "./recording-writer.ts";

/** A checkpoint, and how far the logs had come. */
export interface SavedState {
  readonly checkpoint: Checkpoint;
  /** Events that the machine had taken: some at the same instant may have come later. */
  readonly events: number;
  readonly outputBytes: number;
  readonly framesSent: number;
}

export interface CheckpointBounds {
  /** Most checkpoints in memory. */
  readonly count: number;
  /**
   * Most bytes of pages and state that they may hold alive together, beyond the first one's and those of the one that adds
   * the most: they are there anyway, in the file's image and where the machine stands. A large guest must not drive out the
   * small differences near where somebody steps.
   */
  readonly bytes: number;
}

/**
 * Enough for a gap of an eighth of the distance over ten decades of distance, around two places of interest. A guest that
 * writes all over its memory has fewer; the file has more of them.
 */
export const CHECKPOINT_BOUNDS: CheckpointBounds = { count: 160, bytes: 64 * 1024 * 1024 };

/**
 * A checkpoint goes when, without it, the gap would still be less than this part of its distance from where somebody
 * is likely to travel next. So their number grows with the logarithm of the run.
 */
const GAP_SHARE = 1 / 8;

interface Entry {
  readonly saved: SavedState;
  /** What the checkpoint adds to the one before it. */
  bytes: number;
}

/** Checkpoints in memory, ascending by instant, thinned within bounds. The first of all is kept for ever. */
export class CheckpointStore {
  readonly #bounds: CheckpointBounds;
  readonly #nearSteps: number;
  #entries: Entry[];
  #bytes = 0;

  /** Within `nearSteps`, distances are all alike: replaying that takes less than a person notices. */
  constructor(initial: SavedState, nearSteps: number, bounds: CheckpointBounds = CHECKPOINT_BOUNDS) {
    this.#bounds = bounds;
    this.#nearSteps = nearSteps;
    this.#entries = [{ saved: initial, bytes: 0 }];
    this.#measure(0);
  }

  /** A store of its own with the states up to one, that of so many events at `instant`. Pages are shared. */
  upTo(instant: Instant, events: number): CheckpointStore {
    const store = new CheckpointStore(this.initial, this.#nearSteps, this.#bounds);
    for (const { saved, bytes } of this.#entries.slice(1)) {
      if (saved.checkpoint.instant > instant || saved.events > events) break;
      store.#entries.push({ saved, bytes });
      store.#bytes += bytes;
    }
    return store;
  }

  get initial(): SavedState {
    return this.#entries[0].saved;
  }

  get count(): number {
    return this.#entries.length;
  }

  /** Bytes that the checkpoints hold alive, about: pages that two of them share count once. */
  get bytes(): number {
    return this.#bytes;
  }

  get instants(): Instant[] {
    return this.#entries.map(({ saved }) => saved.checkpoint.instant);
  }

  get states(): SavedState[] {
    return this.#entries.map(({ saved }) => saved);
  }

  /** What a kept state adds to the one before it, in bytes; of the kept state nearest before it when it is not kept itself. */
  bytesOf(saved: SavedState): number {
    return this.#entries[this.#firstAfter(saved.checkpoint.instant) - 1]?.bytes ?? 0;
  }

  /** The latest one at `instant` or earlier. */
  atOrBefore(instant: number): SavedState {
    return this.#entries[Math.max(0, this.#firstAfter(instant) - 1)].saved;
  }

  /** Adds a state; one of the same instant and events takes the place of the old. `focuses`: see `thin`. */
  add(saved: SavedState, focuses: readonly number[]): void {
    const { instant } = saved.checkpoint;
    const index = this.#firstAfter(instant);
    const previous = this.#entries[index - 1];
    if (previous.saved.checkpoint.instant === instant) {
      // Only the newest of several states at one instant (before and after an edit) is of use to a traveller.
      if (index === 1 || previous.saved.events >= saved.events) return;
      this.#remove(index - 1);
      this.add(saved, focuses);
      return;
    }
    this.#entries.splice(index, 0, { saved, bytes: 0 });
    this.#measure(index);
    if (index + 1 < this.#entries.length) this.#measure(index + 1);
    this.thin(focuses);
  }

  /** Forgets what was saved after `instant`. */
  dropAfter(instant: number): void {
    for (let index = this.#firstAfter(instant); index < this.#entries.length; ) this.#remove(this.#entries.length - 1);
  }

  /** Lets checkpoints go that are close together for their distance from all of `focuses`, and any beyond bounds. */
  thin(focuses: readonly number[]): void {
    for (;;) {
      let loosest = 0;
      let smallest = Number.POSITIVE_INFINITY;
      for (let index = 1; index < this.#entries.length - 1; index++) {
        const share = this.#gapShare(index, focuses);
        if (share >= smallest) continue;
        smallest = share;
        loosest = index;
      }
      const tooMany = this.#entries.length > this.#bounds.count || this.#bytesBeside > this.#bounds.bytes;
      if (loosest === 0 || (smallest >= GAP_SHARE && !tooMany)) return;
      this.#remove(loosest);
    }
  }

  /** What counts for the bound. */
  get #bytesBeside(): number {
    let most = 0;
    for (let index = 1; index < this.#entries.length; index++) most = Math.max(most, this.#entries[index].bytes);
    return this.#bytes - this.#entries[0].bytes - most;
  }

  /** The gap that would be there without the entry, as a share of its distance from the nearest focus. */
  #gapShare(index: number, focuses: readonly number[]): number {
    const at = (neighbour: number) => this.#entries[neighbour].saved.checkpoint.instant;
    let distance = Number.POSITIVE_INFINITY;
    for (const focus of focuses) distance = Math.min(distance, Math.abs(focus - at(index)));
    return (at(index + 1) - at(index - 1)) / Math.max(distance, this.#nearSteps);
  }

  #remove(index: number): void {
    assert(index > 0, "the initial checkpoint was to go");
    const [removed] = this.#entries.splice(index, 1);
    this.#bytes -= removed.bytes;
    if (index < this.#entries.length) this.#measure(index);
  }

  #measure(index: number): void {
    const entry = this.#entries[index];
    const { state, pages } = entry.saved.checkpoint;
    const before = this.#entries[index - 1]?.saved.checkpoint.pages;
    const bytes = state.length + pages.heldSince(before) * PAGE_BYTES;
    this.#bytes += bytes - entry.bytes;
    entry.bytes = bytes;
  }

  /** Index of the first entry after `instant`. */
  #firstAfter(instant: number): number {
    return lowerBound(this.#entries.length, (index) => this.#entries[index].saved.checkpoint.instant > instant);
  }
}
