import { assert } from "../base/assert.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";

/** Frames that become free at once: flushing tags for each would cost more than to fill them anew. */
const MOST_AT_ONCE = 64;
const SHARE_AT_ONCE = 1 / 16;
/** Whoever runs the machine may bring in any number of pages between two steps. */
const MOST_RECENT = 3 / 4;
/** A page that is spared goes when the hand has come by so many times more, and was not used meanwhile; so many of the frames may have such. */
const SPARED_ROUNDS = 16;
const MOST_SPARED = 1 / 4;

/**
 * With fewer, one instruction might need more pages than there are frames: itself and its data on two pages each, the handler of its
 * exception, and five levels of page tables for each of these.
 */
export const LEAST_FRAMES = 32;

/**
 * Which frames are free, and which shall become so: a hand goes round the frames, passes those whose pages were used since it came by
 * last, and takes the others (Corbato's clock). A page is in use when a tag leads to it: whoever gives one touches the frame.
 */
export class SecondChance {
  readonly #memory: PhysicalMemory;
  readonly #isKept: (page: number) => boolean;
  readonly #free: number[];
  #hand = 0;
  /** Frames whose pages came last, at an instant: a step that needs several must find them all some time. */
  readonly #recent = new Set<number>();
  #recentAt = -1;
  /** Rounds that pages have left, in the order in which they came. */
  readonly #spared = new Map<number, number>();

  /** `isKept`: pages that are never put away. */
  constructor(memory: PhysicalMemory, isKept: (page: number) => boolean) {
    const { frames } = memory.layout;
    this.#memory = memory;
    this.#isKept = isKept;
    this.#free = Array.from({ length: frames }, (_, index) => frames - 1 - index);
  }

  get hasFree(): boolean {
    return this.#free.length > 0;
  }

  get used(): number {
    return this.#memory.layout.frames - this.#free.length;
  }

  take(): number {
    const frame = this.#free.pop();
    assert(frame !== undefined, "a frame is free");
    this.#recent.add(frame);
    const [oldest] = this.#recent;
    if (this.#recent.size > this.#memory.layout.frames * MOST_RECENT) this.#recent.delete(oldest);
    return frame;
  }

  freed(frame: number): void {
    this.#free.push(frame);
    this.#recent.delete(frame);
  }

  /** It is put away later than others, because it costs more to have it brought again. */
  spare(page: number): void {
    this.#spared.delete(page);
    this.#spared.set(page, SPARED_ROUNDS);
    const [oldest] = this.#spared.keys();
    if (this.#spared.size > this.#memory.layout.frames * MOST_SPARED) this.#spared.delete(oldest);
  }

  /** The hand comes by: a page that is spared has a round less. */
  #passes(page: number): boolean {
    const rounds = this.#spared.get(page) ?? 0;
    if (rounds > 0) this.#spared.set(page, rounds - 1);
    return rounds > 0;
  }

  /** Frames to be freed, and whether tags must be flushed before: frames have lost their mark of being in use. */
  victims(instant: number): { readonly frames: readonly number[]; readonly cleared: boolean } {
    if (instant !== this.#recentAt) this.#recent.clear();
    this.#recentAt = instant;
    const { touched, layout } = this.#memory;
    const most = Math.min(MOST_AT_ONCE, Math.max(1, Math.floor(layout.frames * SHARE_AT_ONCE)));
    const frames: number[] = [];
    let cleared = false;
    // In the first round all may have been in use, and in the second all others be spared.
    for (let looked = 0; frames.length < most; looked++) {
      if (looked >= (frames.length > 0 ? 2 : 3) * layout.frames) break;
      const frame = this.#hand;
      this.#hand = (frame + 1) % layout.frames;
      const page = this.#memory.pageOf(frame);
      if (page < 0 || this.#recent.has(frame) || this.#isKept(page)) continue;
      if (touched[frame] !== 0) {
        touched[frame] = 0;
        cleared = true;
        if (this.#spared.has(page)) this.#spared.set(page, SPARED_ROUNDS);
        continue;
      }
      if (frames.includes(frame) || (looked < 2 * layout.frames && this.#passes(page))) continue;
      frames.push(frame);
      this.#spared.delete(page);
    }
    assert(frames.length > 0, "one step needs more pages than there are frames");
    return { frames, cleared };
  }
}
