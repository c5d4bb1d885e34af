import type { TurnLength } from "../replay/live-end.ts";

/** How long the machine runs between two looks at the world. */
const TURN_MS = 10;
/** First guess of what fits into a turn, and the least: an oracle does a million steps a second, the rest more. */
const FIRST_TURN_STEPS = 100_000;
const MIN_TURN_STEPS = 1_000;
/** A turn that took so many times as long as it should was interrupted, or the guest has become slower. */
const SUSPICIOUS = 2;

/** As many steps as fit into some ten milliseconds: the speed of a guest changes with what it does. */
export class AdaptiveTurns implements TurnLength {
  readonly #nowMs: () => number;
  readonly #turnMs: number;
  readonly #busyMs: () => number;
  #startMs = 0;
  #busyStartMs = 0;
  readonly #doubts: boolean;
  #wasSlow = false;
  steps = FIRST_TURN_STEPS;
  elapsed = 0;

  /**
   * `busyMs`: time that the machine itself has had. What others take of a processor makes turns shorter, but not more of them.
   * `doubts`: where they shall not become shorter either. One slow turn is believed when the next is slow as well.
   */
  constructor(nowMs: () => number, turnMs = TURN_MS, busyMs = nowMs, doubts = false) {
    this.#doubts = doubts;
    this.#nowMs = nowMs;
    this.#turnMs = turnMs;
    this.#busyMs = busyMs;
  }

  begin(): void {
    this.#startMs = this.#nowMs();
    this.#busyStartMs = this.#busyMs();
  }

  end(taken: number): void {
    const tookMs = this.#nowMs() - this.#startMs;
    this.elapsed += (this.#busyMs() - this.#busyStartMs) / TURN_MS;
    const isWhole = taken >= this.steps;
    // Follows the speed at most fourfold a turn. One that was cut short tells only that its steps take too long.
    if (!isWhole && tookMs < this.#turnMs) return;
    const isSlow = tookMs > SUSPICIOUS * this.#turnMs;
    const isDoubtful = this.#doubts && isSlow && !this.#wasSlow;
    this.#wasSlow = isSlow;
    if (isDoubtful) return;
    const factor = Math.min(4, Math.max(0.25, this.#turnMs / Math.max(tookMs, 0.1)));
    this.steps = Math.max(MIN_TURN_STEPS, Math.round(Math.max(taken, 1) * factor));
  }
}
