/**
 * Random programs against QEMU, by seed: `npm run simulate -- --seed 123` runs and lists one case, `--seed 123 --count
 * 5000` compares that many from there on. `--privileged`: those of all modes, with page tables, instead of machine mode's;
 * `--harts`: several harts.
 */
import { parseArgs } from "node:util";
import { HARTS_SUITE } from "../harts/batch.ts";
import { PRIVILEGED_SUITE } from "../privileged/batch.ts";
import { MACHINE_SUITE } from "./batch.ts";
import { compareBatch, explainCase } from "./compare.ts";
import type { Suite } from "./suite.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "0" },
    count: { type: "string" },
    privileged: { type: "boolean", default: false },
    harts: { type: "boolean", default: false },
  },
});
let suite: Suite = MACHINE_SUITE;
if (values.privileged) suite = PRIVILEGED_SUITE;
if (values.harts) suite = HARTS_SUITE;
const first = Number(values.seed);

if (values.count === undefined) console.log(await explainCase(suite, first, true));
else {
  const last = first + Number(values.count);
  let failed = 0;
  for (let seed = first; seed < last; ) {
    // A batch ends where the slots do.
    const end = Math.min(last, seed - (seed % suite.casesPerBatch) + suite.casesPerBatch);
    const problems = await compareBatch(
      suite,
      Array.from({ length: end - seed }, (_, index) => seed + index),
    );
    for (const problem of problems) console.log(problem);
    failed += problems.length;
    seed = end;
  }
  console.log(`${last - first} cases from seed ${first}: ${failed} differences`);
  process.exitCode = failed > 0 ? 1 : 0;
}
