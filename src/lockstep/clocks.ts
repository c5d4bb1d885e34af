/**
 * How far the clocks of two machines have come that once were in the same state, in ticks since then: a clock goes on with
 * steps, and with idle time. What they were ahead of each other from the beginning stays.
 */
export class Clocks {
  readonly #stepsPerTick: number;
  #from: number;
  readonly #idle = { own: 0, partner: 0, heard: 0 };

  constructor(stepsPerTick: number, instant: number) {
    this.#stepsPerTick = stepsPerTick;
    this.#from = instant;
  }

  /** Idle time of one of them; "heard": of the partner's, what is known of and has its turn later. */
  passed(whose: "own" | "partner" | "heard", ticks: number): void {
    this.#idle[whose] += ticks;
  }

  ownAt(instant: number): number {
    return (instant - this.#from) / this.#stepsPerTick + this.#idle.own;
  }

  partnerAt(instant: number): number {
    return (instant - this.#from) / this.#stepsPerTick + this.#idle.partner;
  }

  /** What the partner's clock says, with all that is known of it. */
  heardAt(instant: number): number {
    return (instant - this.#from) / this.#stepsPerTick + this.#idle.heard;
  }

  /** They are in the same state again. */
  agree(instant: number): void {
    this.#from = instant;
    this.#idle.heard -= this.#idle.partner;
    this.#idle.own = 0;
    this.#idle.partner = 0;
  }
}
