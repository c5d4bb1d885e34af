import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";

/** The first point where a replay did not do what was recorded. */
export interface Divergence {
  /** "stop": the guest ended or waited where the recording goes on. */
  readonly what: "digest" | "output" | "stop";
  readonly instant: Instant;
  readonly expected: string;
  readonly got: string;
  /** The newest instant at which both are known to be the same. */
  readonly lastAgreement: Instant;
}

/** A replay that left its recording: the engine has changed, or the recording was made on another machine. */
export class DivergenceError extends UserError {
  readonly divergence: Divergence;

  constructor(divergence: Divergence) {
    super("diverged", describeDivergence(divergence));
    this.divergence = divergence;
  }
}

export function describeDivergence({ what, instant, expected, got, lastAgreement }: Divergence): string {
  const number = (value: number) => value.toLocaleString("en-US");
  return (
    `The replay diverged at instant ${number(instant)}: ${what} recorded ${expected}, replayed ${got}; ` +
    `last agreement at ${number(lastAgreement)}.`
  );
}
