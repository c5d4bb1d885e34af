/**
 * `npm run bench:linux`: how long stock Debian takes from reset to power-off, here and on QEMU, on 1, 2 and 4 harts. All take
 * turns in every round, and what is told is ratios within a round: the noise of a shared machine hits all alike.
 * `--rounds N`, `--harts 1,2`, `--asked disk,poweroff`, `--json FILE`.
 */
import { execFileSync } from "node:child_process";
import { closeSync, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { debianFiles } from "../../scripts/debian.ts";
import { provide } from "../../scripts/debian-packages.ts";
import { measureCheckpoints } from "./boot-checkpoints.ts";
import { spreadOf, spreadText, table } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    harts: { type: "string", default: "1,2,4" },
    asked: { type: "string", default: "poweroff" },
    json: { type: "string" },
  },
});
const missing = provide([
  { program: "qemu-system-riscv64", debianPackage: "qemu-system-misc" },
  { program: "mke2fs", debianPackage: "e2fsprogs" },
]);
if (missing.length > 0) {
  console.error(`The benchmark needs ${missing.map(({ debianPackage }) => debianPackage).join(" and ")}.`);
  process.exit(3);
}

const MAIN = resolve(import.meta.dirname, "../../src/cli/main.ts");
/** What a run of QEMU that replays can be made from wants one thread of harts, and time that follows from instructions. */
const WAYS = ["run", "record", "replay", "QEMU", "QEMU icount", "QEMU rr=record"] as const;
type Way = (typeof WAYS)[number];

interface Run {
  readonly way: Way;
  readonly harts: number;
  readonly round: number;
  readonly seconds: number;
  /** Ours: exactly. QEMU with icount: what its clock, a nanosecond an instruction, shows at power-off. */
  readonly steps?: number;
  readonly recordingBytes?: number;
}

const debian = debianFiles();
const folder = mkdtempSync(join(tmpdir(), "hindcast-bench-"));
const commandLine = `console=ttyS0 hindcast=${values.asked}`;
const runs: Run[] = [];
const rounds = Number(values.rounds);
console.log(
  `${cpus()[0].model.trim()}, ${cpus().length} cores, Node ${process.versions.node}, load ${loadavg()[0].toFixed(1)}; ` +
    `kernel ${debian.kernelVersion}, ${commandLine}\n`,
);
for (let round = 0; round < rounds; round++) {
  for (const harts of values.harts.split(",").map(Number)) {
    for (const way of WAYS) {
      // With several harts and time from instructions QEMU 7.2 did not reach power-off in minutes.
      if (harts > 1 && way.startsWith("QEMU ")) continue;
      const run = { way, harts, round, ...measure(way, harts) };
      runs.push(run);
      console.error(`round ${round + 1}, ${harts} harts, ${way}: ${run.seconds.toFixed(1)} s`);
    }
  }
}
rmSync(folder, { recursive: true });
report();
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ load: loadavg(), runs }, undefined, 2)}\n`);

function measure(way: Way, harts: number): Omit<Run, "way" | "harts" | "round"> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  if (way.startsWith("QEMU")) {
    const console = qemu(way, harts);
    if (!console.includes("Power down")) throw new Error(`${way} did not power off:\n${console.slice(-2000)}`);
    const time = /\[ *(\d+\.\d+)\] reboot: Power down/.exec(console)?.[1];
    return { seconds: seconds(), ...(way === "QEMU" ? {} : { steps: Number(time) * 1e9 }) };
  }
  const recording = join(folder, "boot.hindcast");
  const disk = values.asked.includes("disk") ? ["--disk", debian.disk] : [];
  const machine = ["--kernel", debian.kernel, "--initrd", debian.initrd, "--append", commandLine, ...disk];
  const options = ["--harts", String(harts), "--json"];
  const args = {
    run: ["run", ...machine, ...options],
    record: ["record", ...machine, ...options, "-o", recording],
    replay: ["replay", recording, "--json"],
  }[way as "run" | "record" | "replay"];
  const output = execFileSync(process.execPath, [MAIN, ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const answer = JSON.parse(output.trimEnd().split("\n").pop()!) as { instant: number };
  const bytes = way === "record" ? { recordingBytes: statSync(recording).size } : {};
  return { seconds: seconds(), steps: answer.instant, ...bytes };
}

function qemu(way: Way, harts: number): string {
  const disk = join(folder, "disk.img");
  copyFileSync(debian.disk, disk);
  const icount = {
    QEMU: [],
    "QEMU icount": ["-icount", "shift=0,sleep=off"],
    "QEMU rr=record": ["-icount", `shift=0,sleep=off,rr=record,rrfile=${join(folder, "rr.bin")}`],
  }[way as "QEMU"];
  const drive = way === "QEMU rr=record" ? "file=replay" : "file=image";
  const image = ["-drive", `file=${disk},format=raw,if=none,id=image`];
  // Recorded disks want a filter of their own.
  const recorded = ["-drive", "driver=blkreplay,if=none,image=image,id=replay"];
  const withDisk = values.asked.includes("disk")
    ? [
        ...image,
        ...(way === "QEMU rr=record" ? recorded : []),
        ...["-device", `virtio-blk-device,drive=${drive.slice("file=".length)}`],
      ]
    : [];
  // A file, not a pipe: what a pipe cannot take at once makes QEMU wait, while it records for ever.
  const path = join(folder, "console");
  const file = openSync(path, "w");
  execFileSync(
    "qemu-system-riscv64",
    [
      ...["-machine", "virt", "-m", "256M", "-smp", String(harts), ...icount],
      ...["-kernel", debian.kernel, "-initrd", debian.initrd, "-append", commandLine, ...withDisk],
      ...["-net", "none", "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"],
    ],
    { stdio: ["ignore", file, "ignore"] },
  );
  closeSync(file);
  return readFileSync(path, "latin1");
}

function report(): void {
  const of = (way: Way, harts: number) => runs.filter((run) => run.way === way && run.harts === harts);
  const rows: string[][] = [];
  for (const harts of new Set(runs.map((run) => run.harts))) {
    const plain = of("QEMU", harts);
    for (const way of WAYS) {
      const mine = of(way, harts);
      if (mine.length === 0) continue;
      const ratios = mine.map(({ seconds }, round) => seconds / plain[round].seconds);
      const { steps, recordingBytes } = mine[0];
      rows.push([
        String(harts),
        way,
        spreadText(spreadOf(mine.map(({ seconds }) => seconds)), 1),
        spreadText(spreadOf(ratios), 2),
        steps === undefined ? "" : (steps / 1e6).toFixed(0),
        recordingBytes === undefined ? "" : (recordingBytes / 1e6).toFixed(1),
      ]);
    }
  }
  console.log(table(["harts", "way", "seconds", "times QEMU plain", "million steps", "MB"], rows));

  const cost = measureCheckpoints(debian, commandLine, 1);
  console.log(
    `A checkpoint every 20 million steps of a boot, one hart: ${spreadText(cost.takeMs, 1)} ms to take, ${spreadText(cost.restoreMs, 1)} ms ` +
      `to go back to, ${spreadText(cost.pages, 0)} pages, ${spreadText(cost.stateBytes, 0)} bytes of harts and devices.`,
  );
}
