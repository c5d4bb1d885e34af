import { resolve } from "node:path";
import { loadBoot } from "../../src/host/boot-files.ts";
import { configurationOf } from "../../src/host/live-session.ts";
import { LockstepPair } from "../../src/host/lockstep-pair.ts";
import { Bell } from "../../src/host/motion-driver.ts";
import type { PairReport } from "../../src/host/pair-report.ts";
import type { LockstepOptions } from "../../src/lockstep/options.ts";
import { type Spread, spreadOf, spreadText } from "./statistics.ts";

const KERNEL = resolve(import.meta.dirname, "../../guest/kernel/prebuilt/kernel.elf");
/** Processes that compute, and that walk through two mebibytes each, of which they need another page after some hundred steps. */
const TYPED = "mix 2 20 4000 200\nexit\n";
const DIES_AT = 1_500_000_000;
const WAYS = ["told", "ahead", "waited"] as const;
const OPTIONS = { memoryBytes: 128 * 2 ** 20, clock: "virtual", startTime: 0 } as const;

/** What it comes to that one joins who has nothing, by how it gets what it comes to need. */
export interface FetchCost {
  readonly way: LockstepOptions["fetches"];
  readonly told: Spread;
  readonly ahead: Spread;
  /** Pages that the secondary waited for, and for how long; and how long the primary waited for the secondary, in the whole run. */
  readonly waited: Spread;
  readonly waitedMs: Spread;
  readonly primaryMs: Spread;
}

/** Each way in each round, in turns. */
export async function measureFetches(rounds: number): Promise<readonly FetchCost[]> {
  const reports = WAYS.map((): PairReport[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, way] of WAYS.entries()) reports[index].push(await join(way));
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

async function join(fetches: LockstepOptions["fetches"]): Promise<PairReport> {
  const bell = new Bell();
  const configuration = configurationOf(OPTIONS, []);
  const machine = { configuration, image: loadBoot({ kernel: KERNEL }, configuration).image, disks: [] };
  const pair = new LockstepPair({
    ...{ primary: machine, secondary: machine, joiner: machine, options: { fetches } },
    faults: [{ kind: "kill", role: "secondary", instant: DIES_AT }],
    ...{ onConsole: () => {}, onFrame: () => {}, onChange: () => bell.ring() },
  });
  pair.input({ kind: "console-input", bytes: new TextEncoder().encode(TYPED) });
  while (pair.end === undefined) {
    if (pair.failure !== undefined) throw new Error(pair.failure);
    await bell.rest();
  }
  await pair.close();
  const report = await pair.report();
  if (report.joined !== 1 || report.innerDivergences > 0) throw new Error(JSON.stringify(report));
  return report;
}

export function fetchText({ way, told, ahead, waited, waitedMs, primaryMs }: FetchCost): string {
  const pages = `${spreadText(told, 0)} pages told, ${spreadText(ahead, 0)} sent ahead`;
  const waits = `the secondary waited for ${spreadText(waited, 0)} pages, ${spreadText(waitedMs, 0)} ms`;
  return `a join, ${way}: ${pages}; ${waits}; the primary waited for it ${spreadText(primaryMs, 0)} ms in all`;
}
