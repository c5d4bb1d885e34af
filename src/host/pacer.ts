import { TICKS_PER_SECOND } from "../machine/memory-map.ts";
import type { Progress } from "../replay/timeline-interface.ts";
import type { Bell } from "./motion-driver.ts";

/** A guest that has fallen behind by more than this does not hurry to catch up: its clock goes on from where it is. */
const MAX_LAG_MS = 100;
/** Timers are no finer than this. */
const SHORTEST_SLEEP_MS = 1;

/** What the pacer needs of the machine and its host at a yield. */
export interface PacedMachine {
  /** mtime now. */
  readonly ticks: bigint;
  /** Input ends a sleep. */
  readonly bell: Bell;
  /** Lets ticks of mtime pass. */
  idle(ticks: number): void;
}

/**
 * Keeps a paced machine's clock near the host's: says how long to sleep until a moment of the guest's time is due.
 * Nothing here is seen by the guest but the idle jumps, which are recorded.
 */
export class Pacer {
  readonly #nowMs: () => number;
  #hostMs: number;
  #guestMs: number;

  /** `nowMs` is a steady clock; `guestTicks` is mtime now. */
  constructor(nowMs: () => number, guestTicks: bigint) {
    this.#nowMs = nowMs;
    this.#hostMs = nowMs();
    this.#guestMs = toMs(guestTicks);
  }

  /**
   * Milliseconds until mtime `due` is due, for a guest at mtime `ticks`; 0 when it is already. A guest that was held up
   * (by a breakpoint, or by a slow host) begins anew where it is.
   */
  sleepMs(ticks: bigint, due: bigint = ticks): number {
    const now = this.#nowMs();
    const lagMs = now - this.#hostMs - (toMs(ticks) - this.#guestMs);
    if (lagMs > MAX_LAG_MS) {
      this.#hostMs = now;
      this.#guestMs = toMs(ticks);
    }
    return Math.max(0, toMs(due) - this.#guestMs - (now - this.#hostMs));
  }

  /** Sleeps as long as the guest is ahead of its clock, or waits for its timer; then lets that much time pass for it. */
  async keep({ waiting, waitingTicks }: Progress, { ticks, bell, idle }: PacedMachine): Promise<void> {
    if (waiting !== true) {
      const ms = this.sleepMs(ticks);
      if (ms >= SHORTEST_SLEEP_MS) await bell.rest(ms);
    } else if (waitingTicks !== undefined) {
      await bell.rest(this.sleepMs(ticks, ticks + BigInt(waitingTicks)));
      idle(this.elapsedTicks(ticks, waitingTicks));
    }
  }

  /**
   * Ticks that an idle jump makes when a guest at mtime `ticks` has waited until now for a timer that is `limit` ticks
   * off: at least one, so that time moves, and never past the timer.
   */
  elapsedTicks(ticks: bigint, limit: number): number {
    const elapsedMs = this.#nowMs() - this.#hostMs - (toMs(ticks) - this.#guestMs);
    const elapsed = Math.round((elapsedMs / 1000) * TICKS_PER_SECOND);
    return Math.min(Math.max(1, elapsed), limit);
  }
}

function toMs(ticks: bigint): number {
  return (Number(ticks) / TICKS_PER_SECOND) * 1000;
}
