/**
 * Lockstep pairs out of seeds, under faults: `npm run simulate:lockstep -- --seeds 20000`. `--seed 123` runs one and prints
 * what happened in it; with `--shrink` the same failure with as few faults as will do.
 * `--planted release-on-receipt` runs with a mistake in the protocol, which must be found.
 */
import { parseArgs } from "node:util";
import type { PlantedMistake } from "../../src/lockstep/options.ts";
import { shrink, simulate } from "./simulation.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "0" },
    planted: { type: "string" },
    shrink: { type: "boolean", default: false },
  },
});
const planted = values.planted as PlantedMistake | undefined;

if (values.seed !== undefined) {
  const seed = Number(values.seed);
  const outcome = values.shrink ? shrink(seed, planted).outcome : simulate(seed, planted);
  console.log(outcome.trace.join("\n"));
  process.exitCode = outcome.failure === undefined ? 0 : 1;
} else {
  const first = Number(values.from);
  const last = first + Number(values.seeds);
  const totals: Record<string, number> = {};
  const failed: number[] = [];
  for (let seed = first; seed < last; seed++) {
    const { failure, counters } = simulate(seed, planted);
    for (const [name, count] of Object.entries(counters)) totals[name] = (totals[name] ?? 0) + count;
    if (failure === undefined) continue;
    failed.push(seed);
    if (failed.length <= 10) console.log(`seed ${seed}: ${failure}`);
  }
  for (const name of Object.keys(totals).sort()) console.log(`${String(totals[name]).padStart(9)}  ${name}`);
  console.log(`${last - first} pairs from seed ${first}: ${failed.length} failed`);
  if (failed.length > 0) console.log(`Repeat one: npm run simulate:lockstep -- --seed ${failed[0]} --shrink`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}
