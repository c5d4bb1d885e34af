/**
 * `npm run bench:lockstep [-- --rounds N]`: what a pair costs beside one recorded machine, each machine on a thread of its own and
 * the two kinds of run in turns; how long output waits, what the log needs, busy and idle; how long a take-over takes, in threads
 * and processes; and how long the primary stands still for a resynchronisation of 256 MiB of which 1 % differs. On a machine with
 * two cores that does nothing else.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { assemble } from "../../src/assembler/assemble.ts";
import type { Instant } from "../../src/base/brand.ts";
import type { DiskChoice } from "../../src/base/disk-choice.ts";
import { makeCompileThread } from "../../src/host/compile-thread.ts";
import { openDisks } from "../../src/host/disk-files.ts";
import { openNetwork } from "../../src/host/host-network.ts";
import { configurationOf, openLive } from "../../src/host/live-session.ts";
import { LockstepPair, type PairParts } from "../../src/host/lockstep-pair.ts";
import { Bell, drive } from "../../src/host/motion-driver.ts";
import type { PairReport } from "../../src/host/pair-report.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { LocalPair } from "../lockstep/local-pair.ts";
import { CONSOLE, DISK, INTEGER, LARGE, NETWORK, TICKING, WAITING } from "./lockstep-guests.ts";
import { timeResyncs } from "./lockstep-resync.ts";
import { spreadOf, spreadText } from "./statistics.ts";

const MIB = 2 ** 20;
const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
const ROUNDS = Number(values.rounds);
/** How long an idle pair is looked at. */
const IDLE_MS = 3_000;
const folder = mkdtempSync(join(tmpdir(), "hindcast-bench-"));

interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
}

interface PairCost extends Cost {
  readonly report: PairReport;
  /** The longest time without output, and how long the pair's threads took to begin. */
  readonly pauseMs: number;
  readonly beginMs: number;
}

interface Board {
  readonly net?: string;
  readonly disks: readonly DiskChoice[];
}

const BARE: Board = { disks: [] };
const WITH_DISK: Board = { disks: [{ blankBytes: 4 * MIB, readOnly: false }] };
const WITH_NETWORK: Board = { disks: [], net: "user" };
const OPTIONS = { memoryBytes: 16 * MIB, clock: "virtual", startTime: 0 } as const;
const GUESTS = [
  { name: "integer", source: INTEGER, board: BARE },
  { name: "console", source: CONSOLE, board: BARE },
  { name: "disk", source: DISK, board: WITH_DISK },
  { name: "network", source: NETWORK, board: WITH_NETWORK },
];

function cpuMs(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

/** One machine, recorded. */
async function alone(path: string, board: Board): Promise<Cost> {
  const bell = new Bell();
  const network = await openNetwork(board.net, bell);
  const recordTo = join(folder, "one.hindcast");
  const live = openLive({ ...OPTIONS, ...board, program: path, recordTo }, () => bell.ring(), network);
  const [started, before] = [performance.now(), process.cpuUsage()];
  const limit = Number.MAX_SAFE_INTEGER as Instant;
  await drive(live.timeline.forward({ stops: NO_STOPS, limit }), { bell, stop: () => false });
  const cost = { ms: performance.now() - started, cpuMs: cpuMs(before) };
  live.timeline.close();
  await live.recording.close();
  network?.close();
  rmSync(recordTo, { force: true });
  return cost;
}

async function pair(
  source: string,
  board: Board,
  parts: Partial<PairParts> = {},
  look?: (pair: LockstepPair) => Promise<void>,
): Promise<PairCost> {
  const bell = new Bell();
  const network = await openNetwork(board.net, bell);
  const disks = openDisks(board.disks, false);
  const configuration = configurationOf({ ...OPTIONS, ...board }, disks.configurations);
  const image = assemble(source, { file: "guest.s" }).program!;
  const machine = { configuration, image, disks: board.disks };
  let [saidMs, pauseMs] = [0, 0];
  const created = performance.now();
  const made = new LockstepPair({
    ...{ primary: machine, secondary: machine, joiner: machine },
    onConsole: () => {
      const now = performance.now();
      if (saidMs > 0) pauseMs = Math.max(pauseMs, now - saidMs);
      saidMs = now;
    },
    onFrame: (frame) => network?.fromGuest(frame),
    onChange: () => bell.ring(),
    ...parts,
  });
  while (made.speaker === undefined) await bell.rest();
  const [started, before] = [performance.now(), process.cpuUsage()];
  await look?.(made);
  while (look === undefined && made.end === undefined) {
    if (made.failure !== undefined) throw new Error(made.failure);
    await bell.rest();
  }
  const cost = { ms: performance.now() - started, cpuMs: cpuMs(before) };
  await made.close();
  network?.close();
  return { ...cost, report: await made.report(), pauseMs, beginMs: started - created };
}

const shown = (value: number | undefined) => (value === undefined ? "-" : value.toFixed(value < 10 ? 2 : 0));
const spread = (values: readonly number[], digits = 2) => spreadText(spreadOf(values), digits);

for (const { name, source, board } of GUESTS) {
  const path = join(folder, `${name}.s`);
  writeFileSync(path, source);
  const [ones, pairs]: [Cost[], PairCost[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    ones.push(await alone(path, board));
    pairs.push(await pair(source, board));
  }
  const { latencyMs, digests } = pairs[ROUNDS >> 1].report;
  console.log(
    `${name}: one recorded machine ${spread(ones.map(({ ms }) => ms / 1000))} s, a pair ` +
      `${spread(pairs.map(({ ms }) => ms / 1000))} s: ${spread(pairs.map(({ ms }, at) => ms / ones[at].ms))} times as long, ` +
      `${spread(pairs.map(({ cpuMs: ms }, at) => ms / ones[at].cpuMs))} times the processor's time\n` +
      `  output waits ${shown(latencyMs.median)} ms (median), p99 ${shown(latencyMs.p99)} ms; log ` +
      `${spread(pairs.map(({ report, ms }) => (report.bytesSent * 8) / ms / 1000))} Mbit/s; ${digests.equal} digests equal, ` +
      `${digests.different} different; begins after ${spread(
        pairs.map(({ beginMs }) => beginMs),
        0,
      )} ms`,
  );
}

for (const hosting of ["threads", "processes"] as const) {
  const idle: { kbits: number; cpu: number }[] = [];
  await pair(WAITING, BARE, { hosting }, async (made) => {
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
    const runs: PairCost[] = [];
    const faults = [{ kind, role: "primary", instant: 500_000_000 }] as const;
    for (let round = 0; round < ROUNDS; round++) runs.push(await pair(TICKING, BARE, { hosting, faults }));
    const calm = await pair(TICKING, BARE, { hosting });
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
