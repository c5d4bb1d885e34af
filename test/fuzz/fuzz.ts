import { parseArgs } from "node:util";
import { fuzzDevice } from "./fuzz-device.ts";
import { TARGETS } from "./subjects.ts";

/** `npm run fuzz -- [--seed N] [--count M] [--target NAME]`: the long form of devices.test.ts. */
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "0" },
    count: { type: "string" },
    target: { type: "string" },
  },
});
const first = Number(values.seed);
// One seed alone is one that failed.
const count = Number(values.count ?? (process.argv.includes("--seed") ? 1 : 1000));
const targets = TARGETS.filter(({ name }) => values.target === undefined || name.startsWith(values.target));
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || targets.length === 0) {
  console.error(`Seeds are whole numbers; targets: ${TARGETS.map(({ name }) => name).join("; ")}`);
  process.exit(2);
}
let failures = 0;
for (const target of targets) {
  const start = performance.now();
  let failed = 0;
  for (let seed = first; seed < first + count; seed++) {
    try {
      fuzzDevice(target, seed);
    } catch (error) {
      if (failed++ < 3) console.error(`${(error as Error).message}\n`);
    }
  }
  failures += failed;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${target.name}: seeds ${first} to ${first + count - 1}, ${failed} failed, ${seconds} s`);
}
if (failures > 0) console.log("repeat one with: npm run fuzz -- --target NAME --seed N");
process.exit(failures === 0 ? 0 : 1);
