import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import { lowerBound, NumberColumn } from "./number-column.ts";

/** Default bound of the frames' bytes in memory. */
const FRAME_LOG_BYTES = 64 * 1024 * 1024;

/**
 * Every frame that the guest sent, with its instant. Beyond the bound the oldest lose their contents, which can be had
 * by travelling there; eight bytes of each remain.
 */
export class FrameLog {
  #instants = new NumberColumn();
  readonly #mostBytes: number;
  /** From `#firstHeld` on, so that what is dropped leaves nothing behind. */
  #frames: Uint8Array[] = [];
  #firstHeld = 0;
  #heldBytes = 0;

  constructor(mostBytes = FRAME_LOG_BYTES) {
    this.#mostBytes = mostBytes;
  }

  /** Frames since reset. */
  get length(): number {
    return this.#instants.length;
  }

  /** The first frame whose contents are still in memory. */
  get firstHeld(): number {
    return this.#firstHeld;
  }

  /** A log of its own that begins with the first `length` frames of this one. */
  upTo(length: number): FrameLog {
    const log = new FrameLog(this.#mostBytes);
    log.#instants = this.#instants.upTo(length);
    log.#firstHeld = Math.min(this.#firstHeld, length);
    log.#frames = this.#frames.slice(0, length - log.#firstHeld);
    log.#heldBytes = log.#frames.reduce((sum, frame) => sum + frame.length, 0);
    return log;
  }

  push(instant: Instant, frame: Uint8Array): void {
    const last = this.length - 1;
    assert(last < 0 || instant >= this.#instants.at(last), `a frame at ${instant} after a later one`);
    this.#instants.push(instant);
    this.#frames.push(frame);
    this.#heldBytes += frame.length;
    if (this.#heldBytes <= this.#mostBytes) return;
    // A quarter at once: taking them off one by one would move the rest each time.
    let dropped = 0;
    while (this.#heldBytes > this.#mostBytes * 0.75) this.#heldBytes -= this.#frames[dropped++].length;
    this.#frames = this.#frames.slice(dropped);
    this.#firstHeld += dropped;
  }

  /** The contents of a frame; undefined when there is none or it is no longer held. */
  at(index: number): Uint8Array | undefined {
    return this.#frames[index - this.#firstHeld];
  }

  instantOf(index: number): Instant {
    return this.#instants.at(index) as Instant;
  }

  /** How many frames were sent by steps before `instant`. */
  countBefore(instant: number): number {
    return lowerBound(this.length, (index) => this.#instants.at(index) >= instant);
  }
}
