import { Prng } from "../base/prng.ts";
import type { MachineConfiguration } from "../machine/configuration.ts";
import type { MachineSkew } from "./machine-replica.ts";

/** What the two machines of a pair may be left to differ in, because real systems find it too dear to record. */
export const DIVERGENCE_SOURCES = ["harts", "time", "entropy", "memory"] as const;
export type DivergenceSource = (typeof DIVERGENCE_SOURCES)[number];

/** The machine of a secondary that differs. */
export interface DifferingMachine {
  readonly configuration: MachineConfiguration;
  readonly skew: MachineSkew;
}

/** Turns of another length interleave the harts otherwise; far from the partner's, and not too short to be quick. */
const LEAST_TURN_STEPS = 3_000;
const MOST_TURN_STEPS = 9_000;
/** The low bits of mtime. */
const MOST_SKEW_TICKS = 63;

export function differ(
  configuration: MachineConfiguration,
  sources: readonly DivergenceSource[],
  seed: number,
): DifferingMachine {
  const random = new Prng(seed);
  const turnSteps = LEAST_TURN_STEPS + random.below(MOST_TURN_STEPS - LEAST_TURN_STEPS);
  const entropyMask = random.next32() | 1;
  const ticks = 1 + random.below(MOST_SKEW_TICKS);
  const memorySeed = random.next32();
  const variation = {
    ...(sources.includes("harts") ? { turnSteps } : {}),
    ...(sources.includes("entropy") ? { entropyMask } : {}),
    ...(sources.includes("memory") ? { memorySeed } : {}),
  };
  return {
    configuration: Object.keys(variation).length === 0 ? configuration : { ...configuration, variation },
    skew: { ticks: sources.includes("time") ? ticks : 0 },
  };
}
