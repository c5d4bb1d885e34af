import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { temporaryPath } from "../differential/cross-compiler.ts";

/** Ours as users have it: the bundle, which `buildCli` makes anew. */
export const CLI = resolve(import.meta.dirname, "../../dist/cli.js");

/** Of the present sources. */
export function buildCli(): void {
  execFileSync(process.execPath, [resolve(import.meta.dirname, "../../scripts/build.ts")], { stdio: "ignore" });
}

export const CONTENDERS = ["plain", "recorded", "QEMU", "QEMU rr=record", "interpreter", "group off"] as const;
export type Contender = (typeof CONTENDERS)[number];

/** QEMU records one hart only. */
export function canRun(contender: Contender, harts: number): boolean {
  return contender !== "QEMU rr=record" || harts === 1;
}

/** Whether the command line knows an option; those of features that are not there yet are left out. */
export function knowsOption(option: string): boolean {
  return spawnSync(process.execPath, [CLI, "run", "--help"], { encoding: "utf8" }).stdout.includes(option);
}

export interface Run {
  /** From the start of the process to its end. */
  readonly wallSeconds: number;
  /** Of all its threads, user and system. */
  readonly cpuSeconds: number;
  /** What the guest said of its work: the console's first line. */
  readonly result: string;
  /** Ours only. */
  readonly steps?: number;
  readonly recordingBytes?: number;
}

/** A guest, or with what is typed into it a kernel. */
export interface Launch {
  readonly path: string;
  readonly typed?: string;
}

/** The shell's `times`: its own, then those of what it has started. */
export const TIMED = '"$@"; code=$?; times >&2; exit $code';

/** Runs a guest to its end. `machine` are further options of ours. */
export function runContender(
  contender: Contender,
  launch: Launch,
  harts: number,
  machine: readonly string[] = [],
): Run {
  const { path, typed } = launch;
  const keys = temporaryPath("bench.typed");
  if (typed !== undefined) writeFileSync(keys, typed);
  const recording = temporaryPath("bench.hindcast");
  rmSync(recording, { force: true });
  const command = commandOf(contender, {
    path,
    harts,
    machine,
    recording,
    keys: typed === undefined ? undefined : keys,
  });
  // A file, not a pipe: QEMU that records takes a second for a console of a few kilobytes when it is a pipe.
  const console = temporaryPath("bench.console");
  const file = openSync(console, "w");
  const started = performance.now();
  const input = typed === undefined ? undefined : openSync(keys, "r");
  const { status, stderr } = spawnSync("sh", ["-c", TIMED, "sh", ...command], {
    encoding: "latin1",
    stdio: [input ?? "ignore", file, "pipe"],
  });
  const wallSeconds = (performance.now() - started) / 1000;
  closeSync(file);
  if (input !== undefined) closeSync(input);
  const stdout = readFileSync(console, "latin1");
  if (status !== 0)
    throw new Error(`${contender} ended with ${status}: ${stderr.slice(-500)}\n${stdout.slice(0, 500)}`);
  // Above what a program of a kernel says there is what the kernel says.
  const result = typed === undefined ? stdout.slice(0, stdout.indexOf("\n")) : /\S+: .*\bsum \d+/.exec(stdout)?.[0];
  if (result === undefined) throw new Error(`${contender} said no sum: ${stdout.slice(-500)}`);
  const cpuSeconds = cpuTime(stderr);
  if (contender.startsWith("QEMU")) return { wallSeconds, cpuSeconds, result };
  const answer = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as { readonly instant: number };
  const recordingBytes = existsSync(recording) ? statSync(recording).size : undefined;
  return { wallSeconds, cpuSeconds, result, steps: answer.instant, recordingBytes };
}

interface Surroundings {
  readonly path: string;
  readonly harts: number;
  readonly machine: readonly string[];
  readonly recording: string;
  /** Of a kernel: the file with what is typed. */
  readonly keys: string | undefined;
}

function commandOf(contender: Contender, { path, harts, machine, recording, keys }: Surroundings): readonly string[] {
  const guest = keys === undefined ? [path] : ["--kernel", path, "--memory", "128M", "--input", keys];
  const ours = (command: string, ...more: readonly string[]) => [
    ...[process.execPath, CLI, command, ...guest, "--harts", String(harts), "--json", "--quiet", ...machine, ...more],
  ];
  const qemu = (...more: readonly string[]) => [
    ...["qemu-system-riscv64", "-machine", "virt", "-cpu", "rv64", "-m", "128M", "-smp", String(harts)],
    ...(keys === undefined ? ["-bios", "none"] : []),
    ...["-display", "none", "-monitor", "none", "-serial", "stdio", "-net", "none", "-no-reboot"],
    ...[...more, "-kernel", path],
  ];
  switch (contender) {
    case "plain":
      return ours("run");
    case "recorded":
      return ours("record", "-o", recording);
    case "interpreter":
      return ours("run", "--engine", "interpreter");
    case "group off":
      return ours("run", "--cache-group", "off");
    case "QEMU":
      return qemu();
    case "QEMU rr=record":
      return qemu("-icount", `shift=auto,rr=record,rrfile=${temporaryPath("qemu.rr")}`);
  }
}

export function cpuTime(stderr: string): number {
  const times = [
    ...stderr
      .trimEnd()
      .split("\n")
      .at(-1)!
      .matchAll(/(\d+)m([\d.]+)s/g),
  ];
  if (times.length !== 2) throw new Error(`no times in ${stderr.slice(-200)}`);
  return times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}
