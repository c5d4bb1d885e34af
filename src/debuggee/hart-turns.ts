import type { HartView, MachineLike } from "../machine/machine-interface.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import type { StepParts } from "./step-parts.ts";
import { allTrapEntries } from "./trap-context.ts";
import type { Arrival } from "./travel.ts";

/** Counts a hart's own steps. */
const MCYCLE = 0xb00;
/** Other harts' steps that are looked back over at first; doubled until the hart's own last step is found. */
const FIRST_SPAN = 64;

/** The hart whose step is next. */
export function currentHart(machine: MachineLike): number {
  return machine.currentHart;
}

/** Single steps of one hart: what the others do in between is passed over. */
export class HartTurns {
  readonly #parts: StepParts;
  readonly #hart: HartView;

  constructor(parts: StepParts, hart: number) {
    this.#parts = parts;
    this.#hart = parts.machine.harts[hart];
  }

  get #alone(): boolean {
    return this.#parts.machine.harts.length === 1;
  }

  /**
   * To the state behind the hart's next step. Where it is interrupted before it has its turn, to the state in which it
   * stands in the handler.
   */
  *forward(): Motion<Arrival> {
    const { traveller, timeline, machine } = this.#parts;
    const { id, pc } = this.#hart;
    if (!this.#alone && (currentHart(machine) !== id || this.#hart.waiting)) {
      // The hart stands still until its turn comes; then it is at its pc, or where an interrupt has sent it.
      const turn = yield* traveller.forward({ hart: id, breakpoints: [pc, ...allTrapEntries(this.#hart)] });
      if (turn.kind !== "own") return turn;
      if (this.#hart.pc !== pc) return { kind: "limit" };
    }
    return yield* traveller.forward({ limit: timeline.now + 1 });
  }

  /** Silently to the state before the hart's last step. False, and nothing has moved, when it has not taken any. */
  *back(): Motion<boolean> {
    const { traveller, timeline, machine } = this.#parts;
    const { first, now: here } = timeline;
    if (here === first) return false;
    const steps = this.#hart.csr(MCYCLE);
    yield* traveller.seek(here - 1);
    if (this.#alone || steps === undefined) return true;
    if (currentHart(machine) === this.#hart.id && this.#hart.csr(MCYCLE) !== steps) return true;
    // Others had their turn since. The hart's count of steps tells how far back that goes.
    let after: number = timeline.now;
    for (let span = FIRST_SPAN; this.#hart.csr(MCYCLE) === steps; span *= 2) {
      after = timeline.now;
      if (after === first) {
        yield* traveller.seek(here);
        return false;
      }
      yield* traveller.seek(Math.max(first, here - span));
    }
    let before: number = timeline.now;
    while (after - before > 1) {
      const middle = before + Math.floor((after - before) / 2);
      yield* traveller.seek(middle);
      if (this.#hart.csr(MCYCLE) === steps) after = middle;
      else before = middle;
    }
    yield* traveller.seek(before);
    return true;
  }
}
