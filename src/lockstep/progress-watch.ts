import type { LockstepOptions } from "./options.ts";

/** Heartbeats that may be missing before a member counts as one that is not heard just now. */
const HEARD_WITHIN_HEARTBEATS = 4;
/** Resynchronisations of a secondary that came no farther between them, before it is given up. */
const MOST_VAIN = 3;

/**
 * Whether a secondary comes on. Only the time counts in which it was heard: of one whose host gives it no time, or whose messages
 * are on their way, nothing is known.
 */
export class ProgressWatch {
  readonly #options: LockstepOptions;
  #progressMs = 0;
  #unheardMs = 0;
  #lookedMs = 0;
  #vain = 0;

  constructor(options: LockstepOptions) {
    this.#options = options;
  }

  /** Begins anew, with another secondary. */
  begin(nowMs: number): void {
    this.#vain = 0;
    this.progressed(nowMs);
  }

  progressed(nowMs: number): void {
    this.#progressMs = nowMs;
    this.#unheardMs = 0;
  }

  /** To be told at every turn how long it has been silent. */
  hear(silenceMs: number, nowMs: number): void {
    const isHeard = silenceMs < this.#options.heartbeatMs * HEARD_WITHIN_HEARTBEATS;
    if (!isHeard) this.#unheardMs += nowMs - this.#lookedMs;
    this.#lookedMs = nowMs;
  }

  /** It gets a state, and has taken nothing of it for long. */
  isVainCopy(nowMs: number): boolean {
    return this.#stuckMs(nowMs) >= this.#options.progressMs * (MOST_VAIN + 1);
  }

  /** Whether it has come on since the last look, or has nothing that it must do. "stuck": for so long not, once for each time; "given up": too often. */
  look(cameOn: boolean, mayRest: boolean, nowMs: number): "fine" | "stuck" | "given up" {
    if (cameOn || mayRest) {
      if (!mayRest) this.#vain = 0;
      this.progressed(nowMs);
      return "fine";
    }
    if (this.#stuckMs(nowMs) < this.#options.progressMs) return "fine";
    this.progressed(nowMs);
    return ++this.#vain > MOST_VAIN ? "given up" : "stuck";
  }

  #stuckMs(nowMs: number): number {
    return nowMs - this.#progressMs - this.#unheardMs;
  }
}
