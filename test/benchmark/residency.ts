/**
 * `npm run bench:residency`: what a slow store of pages costs, with the interface of docs/async-pages.md and without: docs/residency.md says
 * what is measured. `--rounds N`, `--computing C`, `--walking W`, `--work ROUNDS`, `--ms MS`, `--latency MS`, `--html FILE`, `--json FILE`.
 */
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { figuresOf, ratiosOf, type Way } from "./residency-figures.ts";
import { residencyPage } from "./residency-page.ts";
import { type Keeping, type Load, type Outcome, runMix } from "./residency-run.ts";
import { spreadText, table } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    computing: { type: "string", default: "2" },
    walking: { type: "string", default: "3" },
    work: { type: "string", default: "3000" },
    ms: { type: "string", default: "24000" },
    latency: { type: "string", default: "2" },
    memory: { type: "string", default: "9M" },
    resident: { type: "string", default: "2304K" },
    html: { type: "string" },
    json: { type: "string" },
  },
});

/** In which everything is loaded, and memory is filled. */
const BEGINNING_MS = 1000;
/** A guest that waits is two hundred times slower, and gets less time. */
const WAITING_SHARE = 1 / 80;
const WAITING_BEGINNING = 1 / 20;

const load: Load = {
  computing: Number(values.computing),
  walking: Number(values.walking),
  milliseconds: Number(values.ms),
  work: Number(values.work),
};
const latencyMs = Number(values.latency);
const { memory, resident } = values;
const WAYS: Readonly<Record<Way, readonly [Load, Keeping]>> = {
  alone: [{ ...load, walking: 0 }, { memory }],
  resident: [load, { memory }],
  told: [load, { memory, resident, latencyMs }],
  waits: [
    { ...load, milliseconds: Math.ceil(load.milliseconds * WAITING_SHARE) },
    { memory, resident, latencyMs, told: false },
  ],
};
const outcomes: Record<Way, Outcome[]> = { alone: [], resident: [], told: [], waits: [] };
const machine = `${cpus()[0].model.trim()}, ${cpus().length} cores, Node ${process.versions.node}, load ${loadavg()[0].toFixed(1)}`;
console.log(
  `${machine}\nmix ${load.computing} ${load.walking}, work ${load.work}; ${resident} of ${memory}, ${latencyMs} ms\n`,
);
for (let round = 0; round < Number(values.rounds); round++) {
  for (const way of Object.keys(WAYS) as Way[]) {
    const outcome = await runMix(...WAYS[way], Math.ceil(BEGINNING_MS * (way === "waits" ? WAITING_BEGINNING : 1)));
    outcomes[way].push(outcome);
    console.error(`round ${round + 1}, ${way}: ${outcome.seconds.toFixed(2)} s`);
  }
}

const figures = figuresOf(outcomes, load);
const ratios = ratiosOf(outcomes, load);
const NAMES: Readonly<Record<Way, string>> = {
  alone: "computing alone",
  resident: "all resident",
  told: "with the interface",
  waits: "without",
};
console.log(
  table(
    ["way", "seconds", "computing /s", "walking /s", "throughput /s"],
    (Object.keys(WAYS) as Way[]).map((way) => [
      NAMES[way],
      ...[figures[way].seconds, figures[way].computing, figures[way].walking, figures[way].throughput].map(
        (spread, at) => spreadText(spread, at === 0 ? 2 : 0),
      ),
    ]),
  ),
);
console.log(
  `\nComputing with the interface / alone: ${spreadText(ratios.fullSpeed, 3)} (goal 0.9)\n` +
    `Throughput with / without: ${spreadText(ratios.throughputToWaits, 1)} (goal 3)\n` +
    `Throughput with / all resident: ${spreadText(ratios.throughputToResident, 3)}\n` +
    `Walking with / without: ${spreadText(ratios.walkingToWaits, 2)}`,
);
if (values.html !== undefined) {
  writeFileSync(
    values.html,
    residencyPage({ machine, load, keeping: { memory, resident, latencyMs }, figures, ratios }),
  );
}
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ machine, load, latencyMs, outcomes, ratios }, undefined, 2)}\n`);
}
