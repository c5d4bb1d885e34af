/**
 * Random programs against QEMU, by seed: `npm run simulate -- --seed 123` runs and lists one case, `--seed 123 --count
 * 5000` compares that many from there on.
 */
import { parseArgs } from "node:util";
import { CASES_PER_BATCH } from "./batch.ts";
import { compareBatch, explainCase } from "./compare.ts";

const { values } = parseArgs({ options: { seed: { type: "string", default: "0" }, count: { type: "string" } } });
const first = Number(values.seed);

if (values.count === undefined) console.log(await explainCase(first, true));
else {
  const last = first + Number(values.count);
  let failed = 0;
  for (let seed = first; seed < last; ) {
    // A batch ends where the slots do.
    const end = Math.min(last, seed - (seed % CASES_PER_BATCH) + CASES_PER_BATCH);
    const problems = await compareBatch(Array.from({ length: end - seed }, (_, index) => seed + index));
    for (const problem of problems) console.log(problem);
    failed += problems.length;
    seed = end;
  }
  console.log(`${last - first} cases from seed ${first}: ${failed} differences`);
  process.exitCode = failed > 0 ? 1 : 0;
}
