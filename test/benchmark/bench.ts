/**
 * `npm run bench`: how fast guests run (plain, recorded, beside QEMU) and how fast one travels in a long run. Prints tables;
 * `--json FILE` writes the figures, `--quick` takes a tenth of the time, `--only speed` or `--only travel` takes one half.
 */
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { provide } from "../../scripts/debian-packages.ts";
import { measureSpeed, SPEED_GUESTS, type SpeedFigures } from "./speed.ts";
import { spreadText, table } from "./statistics.ts";
import { measureTravel, type TravelFigures } from "./travel.ts";

/** Other work on the machine makes figures worth little: it is said with them. */
const QUIET_LOAD = 0.5;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    sessions: { type: "string" },
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

const quick = values.quick;
const sessions = Number(values.sessions ?? (quick ? 2 : 7));
const load = loadavg()[0];
const host = `${cpus()[0].model.trim()}, ${cpus().length} cores, Node ${process.versions.node}, load ${load.toFixed(2)}`;
console.log(`${host}${load > QUIET_LOAD ? ": NOT QUIET, something else runs on this machine" : ""}\n`);

const speed: SpeedFigures[] = [];
let travel: TravelFigures | undefined;
if (values.only !== "travel") {
  for (const guest of SPEED_GUESTS)
    speed.push(measureSpeed({ ...guest, rounds: quick ? guest.rounds / 10 : guest.rounds }, sessions));
  printSpeed(speed);
}
if (values.only !== "speed") {
  travel = await measureTravel({ steps: quick ? 1e8 : 1e9, repeats: quick ? 20 : 100, longRepeats: quick ? 2 : 5 });
  printTravel(travel);
}
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ host, load, speed, travel }, undefined, 2)}\n`);

function printSpeed(figures: readonly SpeedFigures[]): void {
  console.log(`Million steps a second; median (least-most) of ${sessions} sessions, in which all take turns\n`);
  const speeds = figures.map(({ guest, steps, plain, recorded, qemu, qemuIcount }) => [
    guest,
    (steps / 1e6).toFixed(0),
    ...[plain, recorded, qemu, qemuIcount].map((spread) => spreadText(spread, 0)),
  ]);
  console.log(table(["guest", "million steps", "plain", "recorded", "QEMU", "QEMU -icount"], speeds));
  const ratios = figures.map((figure) => [
    figure.guest,
    spreadText(figure.recordedToPlainSeconds, 3),
    spreadText(figure.plainToQemuSpeed, 3),
    spreadText(figure.plainToIcountSpeed, 3),
    spreadText(figure.bytesPerMillionSteps, 0),
  ]);
  const head = [
    "guest",
    "recorded / plain, time",
    "plain / QEMU, speed",
    "plain / -icount, speed",
    "bytes per million steps",
  ];
  console.log(`\nRatios within a session, and the size of recordings\n\n${table(head, ratios)}\n`);
}

function printTravel(figures: TravelFigures): void {
  const million = (count: number) => (count / 1e6).toFixed(1);
  console.log(
    `A run of ${million(figures.steps)} million steps, recorded in ${figures.recordingSeconds.toFixed(1)} s into ` +
      `${million(figures.recordingBytes)} MB, opened in ${figures.openSeconds.toFixed(2)} s; then from its end, in milliseconds\n`,
  );
  const rows: readonly (readonly [string, keyof TravelFigures])[] = [
    ["step back, instruction", "stepBack"],
    ["step back, line", "stepBackLine"],
    ["reverse to a breakpoint 2.1 million steps back", "reverseContinue"],
    ["reverse to a write 2.1 million steps back", "reverseToWrite"],
    ["seek to a random instant", "seekRandom"],
    ["reverse to a breakpoint at the start", "reverseToStart"],
    ["reverse to the only write of a word, at the start", "reverseToFirstWrite"],
  ];
  const cells = rows.map(([title, key]) => {
    const { median, most, count } = figures[key] as TravelFigures["stepBack"];
    return [title, median.toFixed(1), most.toFixed(1), String(count)];
  });
  console.log(table(["motion", "median", "worst", "of"], cells));
}
