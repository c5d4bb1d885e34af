/**
 * `npm run bench`: how fast guests run (plain, recorded, beside QEMU plain and QEMU recording), what a machine costs (time to
 * its first instruction, memory), how fast one travels in a long run, and how long Linux takes to boot. Prints tables.
 *
 *     --only speed,travel       sections (speed, start, footprint, travel, linux) and guests by name
 *     --group integer,memory    these groups of guests (guests.ts)
 *     --sessions N              how often everything is measured (7)
 *     --quick                   a tenth of the work, two sessions
 *     --by cpu                  time of processors instead of the clock's, where other work cannot be kept away
 *     --engine interpreter      another column: ours without the translator
 *     --cache-group on|off      for all runs of ours. Without it, guests with address spaces have a column with the group off,
 *                               as soon as the command line knows the option
 *     --json FILE               the figures
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { provide } from "../../scripts/debian-packages.ts";
import { buildCli, CONTENDERS, type Contender, knowsOption } from "./contenders.ts";
import { BENCH_GUESTS, type BenchGuest, KERNEL_GUESTS } from "./guests.ts";
import { type Footprint, measureFootprint, measureStart } from "./machine-costs.ts";
import { checkNames } from "./names.ts";
import { footprintTable, goalTable, speedTables, travelTable } from "./report.ts";
import { measureSpeed, type SpeedFigures } from "./speed.ts";
import { type Spread, spreadText } from "./statistics.ts";
import { measureTravel, type TravelFigures } from "./travel.ts";

/** Other work on the machine makes figures worth little: it is said with them. */
const QUIET_LOAD = 0.5;
const GUESTS = [...BENCH_GUESTS, ...KERNEL_GUESTS];
const SECTIONS = ["speed", "start", "footprint", "travel", "linux"];
/** After runs of these, memory is looked at: what is translated most, maps most, records most. */
const FOOTPRINT_GUESTS = ["interpreter", "memory", "paging", "spaces", "codegen"];

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    group: { type: "string" },
    sessions: { type: "string" },
    quick: { type: "boolean", default: false },
    by: { type: "string", default: "wall" },
    engine: { type: "string" },
    "cache-group": { type: "string" },
    json: { type: "string" },
  },
});
const missing = provide([
  { program: "qemu-system-riscv64", debianPackage: "qemu-system-misc" },
  { program: "riscv64-unknown-elf-gcc", debianPackage: "gcc-riscv64-unknown-elf" },
]);
if (missing.length > 0) {
  console.error(
    `The benchmark needs ${missing.map(({ debianPackage }) => debianPackage).join(" and ")}: apt-get install them.`,
  );
  process.exit(3);
}

const { quick } = values;
const by = values.by === "cpu" ? "cpu" : "wall";
const only = values.only?.split(",");
const sessions = Number(values.sessions ?? (quick ? 2 : 7));
const group = values.group?.split(",");
checkNames("--only", only ?? [], [...SECTIONS, ...GUESTS.map(({ name }) => name)]);
checkNames("--group", group ?? [], [...new Set(GUESTS.map((guest) => guest.group))]);

buildCli();
const hasGroup = knowsOption("--cache-group");
const load = loadavg()[0];
const host = `${cpus()[0].model.trim()}, ${cpus().length} cores, Node ${process.versions.node}, load ${load.toFixed(2)}`;
console.log(`${host}${load > QUIET_LOAD ? ": NOT QUIET, something else runs on this machine" : ""}`);
console.log(`${sessions} sessions, in which all take turns${quick ? "; a tenth of the work" : ""}\n`);

const speed: SpeedFigures[] = [];
const footprint: Footprint[] = [];
let start: Spread | undefined;
let travel: TravelFigures | undefined;

for (const guest of chosenGuests()) {
  process.stderr.write(`${guest.name}\n`);
  speed.push(measureSpeed(guest, { sessions, by, ...chosenContenders(guest) }));
}
if (speed.length > 0) console.log(speedTables(speed, by));
if (wants("start")) {
  start = measureStart(BENCH_GUESTS[0], quick ? 5 : 20);
  console.log(`First instruction of a fresh machine, thread and recording included: ${spreadText(start, 0)} ms\n`);
}
if (wants("footprint")) {
  const guests = BENCH_GUESTS.filter(({ name }) => FOOTPRINT_GUESTS.includes(name)).map(scaled);
  footprint.push(...guests.map(measureFootprint));
  console.log(`Memory after a recorded run\n\n${footprintTable(footprint)}\n`);
}
if (wants("travel")) {
  travel = await measureTravel({ steps: quick ? 1e8 : 1e9, repeats: quick ? 20 : 100, longRepeats: quick ? 2 : 5 });
  console.log(travelTable(travel));
}
if (wants("linux")) {
  const script = resolve(import.meta.dirname, "linux-boot.ts");
  const rounds = String(Math.min(sessions, quick ? 1 : 3));
  execFileSync(process.execPath, [script, "--rounds", rounds, "--harts", "1"], { stdio: "inherit" });
  console.log("");
}
console.log(goalTable({ speed, start, footprint }));
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ host, load, by, speed, start, footprint, travel }, undefined, 2)}\n`);

/** Without a choice, everything. */
function wants(section: string): boolean {
  return (only === undefined && group === undefined) || (only?.includes(section) ?? false);
}

function chosenGuests(): readonly BenchGuest[] {
  const all = wants("speed");
  return GUESTS.filter((guest) => all || only?.includes(guest.name) || group?.includes(guest.group)).map(scaled);
}

function scaled(guest: BenchGuest): BenchGuest {
  return quick ? { ...guest, rounds: Math.ceil(guest.rounds / 10) } : guest;
}

function chosenContenders(guest: BenchGuest): { contenders: readonly Contender[]; machine: readonly string[] } {
  const cacheGroup = values["cache-group"];
  const isLeftOut: Partial<Record<Contender, boolean>> = {
    interpreter: values.engine !== "interpreter",
    "group off": !hasGroup || cacheGroup !== undefined || !guest.kernel,
  };
  const machine = hasGroup && cacheGroup !== undefined ? ["--cache-group", cacheGroup] : [];
  return { contenders: CONTENDERS.filter((contender) => !isLeftOut[contender]), machine };
}
