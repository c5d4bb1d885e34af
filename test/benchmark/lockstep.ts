/**
 * `npm run bench:lockstep [-- --rounds N] [--only cost,fetch,rest]`: what a pair costs beside one recorded machine, and beside two that know
 * nothing of each other, in turns; how long output waits, what the log needs, busy and idle; how long a take-over takes, in threads
 * and processes; how long the primary stands still for a resynchronisation of 256 MiB of which 1 % differs; and what is waited for when
 * somebody joins, by how it gets the pages that it comes to need. On a machine with two cores that does nothing else.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { assemble } from "../../src/assembler/assemble.ts";
import { makeCompileThread } from "../../src/host/compile-thread.ts";
import { configurationOf } from "../../src/host/live-session.ts";
import { LockstepPair, type PairParts } from "../../src/host/lockstep-pair.ts";
import { Bell } from "../../src/host/motion-driver.ts";
import type { PairReport } from "../../src/host/pair-report.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { LocalPair } from "../lockstep/local-pair.ts";
import { buildCli } from "./contenders.ts";
import { costText, measureLockstepCosts } from "./lockstep-cost.ts";
import { fetchText, measureFetches } from "./lockstep-fetch.ts";
import { LARGE, TICKING, WAITING } from "./lockstep-guests.ts";
import { timeResyncs } from "./lockstep-resync.ts";
import { checkNames } from "./names.ts";
import { spreadOf, spreadText } from "./statistics.ts";

const MIB = 2 ** 20;
const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" }, only: { type: "string" } } });
const ROUNDS = Number(values.rounds);
const SECTIONS = ["cost", "fetch", "rest"];
/** How long an idle pair is looked at. */
const IDLE_MS = 3_000;
const folder = mkdtempSync(join(tmpdir(), "hindcast-bench-"));

interface PairRun {
  readonly report: PairReport;
  /** The longest time without output. */
  readonly pauseMs: number;
}

const OPTIONS = { memoryBytes: 16 * MIB, clock: "virtual", startTime: 0 } as const;

function cpuMs(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

async function pair(
  source: string,
  parts: Partial<PairParts> = {},
  look?: (pair: LockstepPair) => Promise<void>,
): Promise<PairRun> {
  const bell = new Bell();
  const configuration = configurationOf(OPTIONS, []);
  const image = assemble(source, { file: "guest.s" }).program!;
  const machine = { configuration, image, disks: [] };
  let [saidMs, pauseMs] = [0, 0];
  const made = new LockstepPair({
    ...{ primary: machine, secondary: machine, joiner: machine },
    onConsole: () => {
      const now = performance.now();
      if (saidMs > 0) pauseMs = Math.max(pauseMs, now - saidMs);
      saidMs = now;
    },
    onFrame: () => {},
    onChange: () => bell.ring(),
    ...parts,
  });
  while (made.speaker === undefined) await bell.rest();
  await look?.(made);
  while (look === undefined && made.end === undefined) {
    if (made.failure !== undefined) throw new Error(made.failure);
    await bell.rest();
  }
  await made.close();
  return { report: await made.report(), pauseMs };
}

const shown = (value: number | undefined) => (value === undefined ? "-" : value.toFixed(value < 10 ? 2 : 0));
const spread = (values: readonly number[], digits = 2) => spreadText(spreadOf(values), digits);

const sections = values.only?.split(",") ?? SECTIONS;
checkNames("--only", sections, SECTIONS);
if (sections.includes("cost")) {
  buildCli();
  for await (const cost of measureLockstepCosts(folder, ROUNDS)) console.log(costText(cost));
}
if (sections.includes("fetch")) for (const cost of await measureFetches(ROUNDS)) console.log(fetchText(cost));
if (!sections.includes("rest")) {
  rmSync(folder, { recursive: true, force: true });
  process.exit();
}

for (const hosting of ["threads", "processes"] as const) {
  const idle: { kbits: number; cpu: number }[] = [];
  await pair(WAITING, { hosting }, async (made) => {
    while (made.waiting === undefined) await sleep(20);
    for (let round = 0; round < ROUNDS; round++) {
      const [before, usage] = [(await made.report()).bytesSent, process.cpuUsage()];
      await sleep(IDLE_MS);
      const sent = (await made.report()).bytesSent - before;
      idle.push({ kbits: (sent * 8) / IDLE_MS, cpu: (100 * cpuMs(usage)) / IDLE_MS });
    }
  });
  console.log(
    `idle, in ${hosting}: ${spread(idle.map(({ kbits }) => kbits))} kbit/s, ` +
      `${spread(idle.map(({ cpu }) => cpu))} % of a processor${hosting === "processes" ? " (the pair's own process)" : ""}`,
  );
  for (const kind of ["kill", "freeze"] as const) {
    const runs: PairRun[] = [];
    const faults = [{ kind, role: "primary", instant: 500_000_000 }] as const;
    for (let round = 0; round < ROUNDS; round++) runs.push(await pair(TICKING, { hosting, faults }));
    const calm = await pair(TICKING, { hosting });
    console.log(
      `${kind} of the primary, in ${hosting}: nothing is heard for ${spread(
        runs.map(({ pauseMs }) => pauseMs),
        0,
      )} ms ` +
        `(without it for ${shown(calm.pauseMs)} ms); take-overs ${runs.map(({ report }) => report.takeOvers).join(", ")}; ` +
        `without it output waits ${shown(calm.report.latencyMs.median)} ms, p99 ${shown(calm.report.latencyMs.p99)} ms`,
    );
  }
}

/** Both machines in one thread: what is measured are the parts of a resynchronisation. */
function large(): PairReport {
  const machine = () => {
    const made = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 256 * MIB }, "auto", [], "on", makeCompileThread);
    made.load(assemble(LARGE, { file: "guest.s" }).program!);
    return made;
  };
  const made = new LocalPair({
    primary: { machine: machine() },
    secondary: { machine: machine(), skew: { ticks: 3 } },
    onConsole: () => {},
    onFrame: () => {},
    nowMs: () => performance.now(),
  });
  const motion = made.forward(Number.MAX_SAFE_INTEGER);
  while (!motion.next().done);
  return made.report();
}

let report: PairReport | undefined;
const times = timeResyncs(() => {
  report = large();
});
console.log(
  `256 MiB, 1 % differing: ${report!.resynchronisations} resynchronisations, ` +
    `${shown(report!.pagesSent / report!.resynchronisations)} pages each; the primary stands still ` +
    `${spread(times.pauses.slice(1))} ms; the secondary runs after ${spread(times.untilRun)} ms and is whole after ` +
    `${spread(times.untilWhole)} ms`,
);
rmSync(folder, { recursive: true, force: true });
