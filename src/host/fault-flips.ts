import { Prng } from "../base/prng.ts";
import { type Fault, flipOf } from "../lockstep/fault.ts";
import type { MachineFault } from "../lockstep/machine-replica.ts";
import type { Tap } from "../lockstep/tap.ts";
import type { MachineLike } from "../machine/machine-interface.ts";

/** Bits that flip are the machine's to suffer. `seed`: which ones; `tap` hears of each. */
export function flipsOf(faults: readonly Fault[], seed: number, tap?: Tap): MachineFault[] {
  const random = new Prng(seed);
  return faults.flatMap(({ kind, instant }): MachineFault[] => {
    if (kind !== "flip-register" && kind !== "flip-memory") return [];
    const flip = flipOf(kind, random);
    const edit = (machine: MachineLike) => {
      tap?.({ kind: "fault", text: kind });
      return flip(machine);
    };
    return [{ instant, edit }];
  });
}
