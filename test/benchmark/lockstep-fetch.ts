import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { PairReport } from "../../src/host/pair-report.ts";
import { CLI } from "./contenders.ts";
import { type Spread, spreadOf, spreadText } from "./statistics.ts";

const KERNEL = resolve(import.meta.dirname, "../../guest/kernel/prebuilt/kernel.elf");
/** Processes that compute, and that walk through two mebibytes each, of which they need another page after some hundred steps. */
const TYPED = "mix 2 20 4000 200\nexit\n";
const MACHINE = ["--memory", "128M", "--clock", "virtual", "--start-time", "0", "--quiet", "--json"];
const DIES_AT = 1_500_000_000;
const WAYS = ["on", "off"] as const;

/** What a join of one that has nothing comes to; "on": the guest is told of pages that it lacks, and they go ahead. */
export interface FetchCost {
  readonly way: (typeof WAYS)[number];
  readonly told: Spread;
  readonly ahead: Spread;
  /** Pages that the secondary waited for, and for how long; and how long the primary waited for the secondary, in the whole run. */
  readonly waited: Spread;
  readonly waitedMs: Spread;
  readonly primaryMs: Spread;
}

/** The command line as users have it, both ways in each round. */
export function measureFetches(folder: string, rounds: number): readonly FetchCost[] {
  const input = join(folder, "typed");
  writeFileSync(input, TYPED);
  const reports = WAYS.map((): PairReport[] => []);
  for (let round = 0; round < rounds; round++) {
    WAYS.forEach((way, index) => {
      const args = ["lockstep", "--kernel", KERNEL, "--input", input, ...MACHINE, "--async-pages", way];
      const said = execFileSync(process.execPath, [CLI, ...args, "--fault", `kill@${DIES_AT}`], { encoding: "latin1" });
      const { lockstep } = JSON.parse(said.trimEnd().split("\n").pop()!) as { lockstep: PairReport };
      if (lockstep.joined !== 1 || lockstep.innerDivergences > 0) throw new Error(JSON.stringify(lockstep));
      reports[index].push(lockstep);
    });
  }
  return WAYS.map((way, index) => {
    const spread = (value: (report: PairReport) => number | undefined) =>
      spreadOf(reports[index].map((report) => value(report) ?? 0));
    return {
      way,
      told: spread(({ works }) => works[0]?.told),
      ahead: spread(({ works }) => works[0]?.beside),
      waited: spread(({ works }) => works[0]?.waited),
      waitedMs: spread(({ works }) => works[0]?.waitedMs),
      primaryMs: spread(({ waitedMs }) => waitedMs),
    };
  });
}

export function fetchText({ way, told, ahead, waited, waitedMs, primaryMs }: FetchCost): string {
  const pages = `${spreadText(told, 0)} pages told, ${spreadText(ahead, 0)} sent ahead`;
  const waits = `the secondary waited for ${spreadText(waited, 0)} pages, ${spreadText(waitedMs, 0)} ms`;
  return `a join, --async-pages ${way}: ${pages}; ${waits}; the primary waited for it ${spreadText(primaryMs, 0)} ms in all`;
}
