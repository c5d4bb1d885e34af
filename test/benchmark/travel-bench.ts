/**
 * `npm run bench:travel`: how fast one travels in recordings of ten thousand million steps: guests of several kinds, and a boot of
 * Debian; what conditions and replay-only checks cost; and the same ways by gdb in a replay of QEMU's. Prints tables.
 *
 *     --only places,conditions,checks,qemu    sections
 *     --guests integer,spaces,boot            those guests of guest/bench, and the boot
 *     --steps N                               how long their runs are, about (1e10)
 *     --places N                              random places to go to in each session (350: a thousand steps back)
 *     --qemu-steps N                          the run of QEMU's (1e9)
 *     --quick                                 a hundredth of all
 *     --seed N                                other places
 *     --json FILE                             the figures
 *
 * A recording takes up to a gigabyte of the folder for temporary files, and is removed before the next.
 */
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { debianFiles } from "../../scripts/debian.ts";
import { provide } from "../../scripts/debian-packages.ts";
import { buildCli, runContender } from "./contenders.ts";
import { BENCH_GUESTS, buildBenchGuest } from "./guests.ts";
import { checkNames } from "./names.ts";
import { travelTable } from "./report.ts";
import { spreadText, table } from "./statistics.ts";
import { buildTravelGuest, measureTravel, type TravelFigures } from "./travel.ts";
import { type CheckFigures, type ConditionFigures, measureChecks, measureConditions } from "./travel-conditions.ts";
import { measureRun, type PlacesFigures, type RunFigures } from "./travel-places.ts";
import { measureQemuTravel, QEMU_PROGRAMS, type QemuTravel } from "./travel-qemu.ts";

const SECTIONS = ["places", "conditions", "checks", "qemu"];
const BOOT = "boot";
/** One of each kind: integer code, memory, calls, kernels with pages and with address spaces, four harts. */
const GUESTS = ["integer", "memory", "calls", "paging", "spaces", "harts", BOOT];
const MIB = 2 ** 20;

const { values } = parseArgs({
  options: {
    only: { type: "string", default: SECTIONS.join(",") },
    guests: { type: "string", default: GUESTS.join(",") },
    steps: { type: "string" },
    places: { type: "string" },
    "qemu-steps": { type: "string" },
    quick: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    json: { type: "string" },
  },
});
const { quick } = values;
const steps = Number(values.steps ?? (quick ? 1e8 : 1e10));
const places = Number(values.places ?? (quick ? 5 : 350));
const qemuSteps = Number(values["qemu-steps"] ?? (quick ? 1e7 : 1e9));
const repeats = quick ? 2 : 5;
const sections = values.only.split(",");
const guests = values.guests.split(",");
checkNames("--only", sections, SECTIONS);
checkNames("--guests", guests, [...BENCH_GUESTS.map(({ name }) => name), BOOT]);
if (provide([{ program: "riscv64-unknown-elf-gcc", debianPackage: "gcc-riscv64-unknown-elf" }]).length > 0) {
  console.error("The benchmark needs gcc-riscv64-unknown-elf: apt-get install it.");
  process.exit(3);
}
buildCli();
const load = loadavg()[0];
console.log(
  `${cpus()[0].model.trim()}, ${cpus().length} cores, Node ${process.versions.node}, load ${load.toFixed(2)}\n`,
);

const runs: RunFigures[] = [];
const conditions: [string, ConditionFigures][] = [];
const checks: CheckFigures[] = [];
let travel: TravelFigures | undefined;
let qemu: QemuTravel | undefined;

if (sections.includes("places")) {
  for (const guest of guests) {
    process.stderr.write(`${guest}\n`);
    const machine = guest === BOOT ? boot() : program(guest);
    runs.push(await measureRun(guest, machine, { places, longRepeats: repeats, seed: Number(values.seed) }));
  }
  console.log(placesTables());
}
if (sections.includes("conditions")) {
  for (const condition of ["a0 == -1", "marked == -1"]) {
    conditions.push([condition, await measureConditions(condition, quick ? 1e6 : 1e7, repeats)]);
  }
  const rate = ({ median, least, most }: ConditionFigures["forward"]) =>
    spreadText({ median: median / 1e6, least: least / 1e6, most: most / 1e6 }, 0);
  const rows = conditions.map(([condition, { hits, forward, backward }]) => [
    ...[`\`${condition}\``, (hits / 1e6).toFixed(1), rate(forward), rate(backward)],
  ]);
  console.log(`Rejected hits, millions a second (goal: 20)\n`);
  console.log(`${table(["condition", "million hits", "forwards", "backwards"], rows)}\n`);
}
if (sections.includes("checks")) {
  for (const memoryBytes of [128 * MIB, 1024 * MIB]) {
    for (const harts of [1, 4]) checks.push(await measureChecks({ memoryBytes, harts }, quick ? 500 : 20_000, repeats));
  }
  const rows = checks.map(({ memoryBytes, harts, cost }) => [
    ...[String(memoryBytes / MIB), String(harts), spreadText(cost, 0)],
  ]);
  console.log(`Microseconds that a compiled-in check costs (goal: 100)\n`);
  console.log(`${table(["MiB", "harts", "a check"], rows)}\n`);
}
if (sections.includes("qemu")) {
  travel = await measureTravel({ steps: qemuSteps, repeats: quick ? 4 : 100, longRepeats: repeats });
  console.log(travelTable(travel));
  const missing = provide(QEMU_PROGRAMS);
  if (missing.length > 0) console.log(`Not beside QEMU: ${missing.map((it) => it.program).join(", ")} missing\n`);
  else console.log(await besideQemu(travel));
}
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ load, runs, conditions, checks, travel, qemu }, undefined, 2)}\n`);
}

/** A guest with as many rounds as take the steps wanted: what one takes is told by a short run. */
function program(name: string) {
  const guest = BENCH_GUESTS.find((one) => one.name === name)!;
  const { harts = 1 } = guest;
  const stepsOf = (rounds: number) => runContender("plain", buildBenchGuest(guest, rounds), harts).steps!;
  const few = Math.ceil(guest.rounds / 50);
  const first = stepsOf(1);
  const perRound = (stepsOf(few + 1) - first) / few;
  return { program: buildBenchGuest(guest, Math.max(1, Math.round((steps - first) / perRound))).path, harts };
}

function boot() {
  const { kernel, initrd } = debianFiles();
  return { kernel, initrd, append: "console=ttyS0 hindcast=poweroff" };
}

function placesTables(): string {
  const ms = (value: number) => value.toFixed(1);
  const cells = ({ median, p99, most }: PlacesFigures["seek"]) => [ms(median), ms(p99), ms(most)];
  const head = ["median", "p99", "worst"];
  const rows = runs.flatMap(({ guest, live, opened }) =>
    Object.entries({ live, opened }).map(([session, { seek, firstStepBack, stepBack }]) => [
      ...[guest, session, ...cells(seek), ...cells(firstStepBack), ...cells(stepBack)],
    ]),
  );
  const about = runs.map((run) => [
    run.guest,
    (run.steps / 1e6).toFixed(0),
    run.recordingSeconds.toFixed(1),
    (run.recordingBytes / 1e6).toFixed(2),
    spreadText(run.open, 0),
    spreadText(run.firstSeek, 0),
    run.lastWrite === undefined ? "" : spreadText(run.lastWrite, 0),
  ]);
  return (
    `Milliseconds at ${places} random places: a seek, the first step back there, and two more\n\n` +
    `${table(["guest", "session", ...head.map((it) => `seek, ${it}`), ...head.map((it) => `first step, ${it}`), ...head.map((it) => `step, ${it}`)], rows)}\n\n` +
    `The recordings; milliseconds: to open one, its first seek, and back to a word's last write 1e9 steps before\n\n` +
    `${table(["guest", "million steps", "recorded in, s", "MB", "open", "first seek", "last write"], about)}\n`
  );
}

async function besideQemu(ours: TravelFigures): Promise<string> {
  const rounds = ours.rounds;
  qemu = await measureQemuTravel(buildTravelGuest(rounds).path, ours.steps, quick ? 2 : 10);
  const pairs: readonly (readonly [string, keyof TravelFigures, keyof QemuTravel])[] = [
    ["seek to a random instant", "seekRandom", "seek"],
    ["step back, instruction", "stepBackRandom", "stepBack"],
    ["reverse to a breakpoint 2.1 million steps back", "reverseContinue", "reverseContinue"],
    ["reverse to a write 2.1 million steps back", "reverseToWrite", "reverseToWrite"],
    ["reverse to a breakpoint at the start", "reverseToStart", "reverseToStart"],
    ["reverse to the only write of a word, at the start", "reverseToFirstWrite", "reverseToFirstWrite"],
  ];
  const rows = pairs.map(([title, mine, theirs]) => {
    const [own, other] = [ours[mine] as TravelFigures["stepBack"], qemu![theirs]];
    return [title, spreadText(own, 1), spreadText(other, 0), (other.median / own.median).toFixed(0)];
  });
  return `The same run beside QEMU with gdb, milliseconds\n\n${table(["motion", "Hindcast", "QEMU", "ratio"], rows)}\n`;
}
