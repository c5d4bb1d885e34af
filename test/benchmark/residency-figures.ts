import type { Load, Outcome } from "./residency-run.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** Of a round of computing: `mix` of guest/kernel. */
const MULTIPLICATIONS = 20_000;

/** Computing processes alone; all resident; with the interface; without. */
export type Way = "alone" | "resident" | "told" | "waits";

/** Per second of the host. */
export interface Figures {
  readonly seconds: Spread;
  /** Rounds. */
  readonly computing: Spread;
  /** Touches. */
  readonly walking: Spread;
  /** Both as rounds. */
  readonly throughput: Spread;
  readonly outcomes: readonly Outcome[];
}

export type Ratios = ReturnType<typeof ratiosOf>;

type Outcomes = Readonly<Record<Way, readonly Outcome[]>>;
type Rate = (outcome: Outcome) => number;

const computing: Rate = ({ rounds, seconds }) => rounds / seconds;
const walking: Rate = ({ touches, seconds }) => touches / seconds;

function throughputOf({ work }: Load): Rate {
  return ({ rounds, touches, seconds }) => (rounds + (touches * work) / MULTIPLICATIONS) / seconds;
}

export function figuresOf(outcomes: Outcomes, load: Load): Record<Way, Figures> {
  const of = (way: Way): Figures => {
    const all = outcomes[way];
    const spread = (rate: Rate) => spreadOf(all.map(rate));
    return {
      seconds: spread(({ seconds }) => seconds),
      computing: spread(computing),
      walking: spread(walking),
      throughput: spread(throughputOf(load)),
      outcomes: all,
    };
  };
  return { alone: of("alone"), resident: of("resident"), told: of("told"), waits: of("waits") };
}

/** Within a round: the noise of a shared machine hits all ways alike. */
export function ratiosOf(outcomes: Outcomes, load: Load) {
  const within = (rate: Rate, way: Way, against: Way) =>
    spreadOf(outcomes[way].map((outcome, round) => rate(outcome) / rate(outcomes[against][round])));
  const throughput = throughputOf(load);
  return {
    fullSpeed: within(computing, "told", "alone"),
    computingToResident: within(computing, "told", "resident"),
    computingToWaits: within(computing, "told", "waits"),
    walkingToWaits: within(walking, "told", "waits"),
    throughputToWaits: within(throughput, "told", "waits"),
    throughputToResident: within(throughput, "told", "resident"),
  };
}
