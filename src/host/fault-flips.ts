import { Prng } from "../base/prng.ts";
import { type Fault, flipOf } from "../lockstep/fault.ts";
import type { MachineFault } from "../lockstep/machine-replica.ts";

/** Bits that flip are the machine's to suffer. `seed`: which ones. */
export function flipsOf(faults: readonly Fault[], seed: number): MachineFault[] {
  const random = new Prng(seed);
  return faults.flatMap(({ kind, instant }): MachineFault[] =>
    kind === "flip-register" || kind === "flip-memory" ? [{ instant, edit: flipOf(kind, random) }] : [],
  );
}
