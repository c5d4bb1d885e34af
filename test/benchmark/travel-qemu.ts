import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Prng } from "../../src/base/prng.ts";
import { temporaryPath } from "../differential/cross-compiler.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** What QEMU needs to be compared with; where one of them is missing, it is left out. */
export const QEMU_PROGRAMS = [
  { program: "qemu-system-riscv64", debianPackage: "qemu-system-misc" },
  { program: "qemu-img", debianPackage: "qemu-utils" },
  { program: "gdb-multiarch", debianPackage: "gdb-multiarch" },
];
const SCRIPT = resolve(import.meta.dirname, "travel-qemu.py");
/** Time for QEMU to open its socket. */
const START_MS = 20;

/** Milliseconds of each way, as gdb measures them. `seek`: from reset, by a plain replay: QEMU has one snapshot. */
export type QemuTravel = Readonly<
  Record<"seek" | "stepBack" | "reverseContinue" | "reverseToWrite" | "reverseToStart" | "reverseToFirstWrite", Spread>
>;

/** QEMU records the guest of `measureTravel`, and gdb goes back in it: at random places, and from its end. */
export async function measureQemuTravel(path: string, steps: number, places: number): Promise<QemuTravel> {
  const log = temporaryPath("travel.rr");
  const snapshots = temporaryPath("travel.qcow2");
  const socket = temporaryPath("travel.sock");
  for (const file of [log, snapshots, socket]) rmSync(file, { force: true });
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", snapshots, "1M"]);
  const start = (mode: "record" | "replay", ...more: readonly string[]) => {
    const machine = ["-machine", "virt", "-cpu", "rv64", "-m", "128M", "-bios", "none", "-kernel", path];
    const silence = ["-display", "none", "-monitor", "none", "-serial", "null", "-net", "none", "-no-reboot"];
    const icount = `shift=auto,rr=${mode},rrfile=${log},rrsnapshot=init`;
    const drive = `file=${snapshots},if=none,id=rr`;
    const args = [...machine, ...silence, "-icount", icount, "-drive", drive, ...more];
    return spawn("qemu-system-riscv64", args, { stdio: "ignore" });
  };
  await ended(start("record"));
  const replay = start("replay", "-S", "-gdb", `unix:${socket},server=on,wait=off`);
  try {
    while (!existsSync(socket)) await sleep(START_MS);
    const random = new Prng(7);
    const instants = Array.from({ length: places }, () => 1000 + random.below(steps - 1000)).sort((a, b) => a - b);
    const env = { HINDCAST_PROGRAM: path, HINDCAST_SOCKET: socket, HINDCAST_PLACES: JSON.stringify(instants) };
    const output = execFileSync("gdb-multiarch", ["-nx", "-batch", "-x", SCRIPT], {
      encoding: "utf8",
      env: { ...process.env, ...env },
    });
    const line = output.split("\n").find((text) => text.startsWith("TIMES "));
    if (line === undefined) throw new Error(`gdb did not come to its end:\n${output.slice(-2000)}`);
    const times = JSON.parse(line.slice("TIMES ".length)) as Record<keyof QemuTravel, number[]>;
    return Object.fromEntries(Object.entries(times).map(([way, ms]) => [way, spreadOf(ms)])) as QemuTravel;
  } finally {
    replay.kill("SIGKILL");
    await ended(replay);
    for (const file of [log, snapshots, socket]) rmSync(file, { force: true });
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}
