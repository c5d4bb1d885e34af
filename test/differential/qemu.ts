import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { temporaryPath } from "./cross-compiler.ts";

/** How a program ended on a machine, whichever it was. */
export interface Ending {
  readonly console: Buffer;
  readonly exitCode: number;
}

/**
 * QEMU's virt board with a hart like ours: no modes below machine mode, no floating point, and the
 * identification registers at zero.
 */
const QEMU_CPU = [
  "rv64",
  ...["f", "d", "h", "s", "u", "mmu", "Zihintpause", "sstc"].map((name) => `${name}=off`),
  ...["zba", "zbb", "zbc", "zbs"].map((name) => `${name}=on`),
  "marchid=0",
  "mimpid=0",
].join(",");

/** A machine that talks on stdout and ends with the guest. */
export const QEMU_ARGUMENTS = [
  ...["-machine", "virt", "-cpu", QEMU_CPU, "-m", "128M", "-bios", "none"],
  ...["-display", "none", "-monitor", "none", "-serial", "stdio", "-net", "none", "-no-reboot"],
];

/** A guest of these tests ends within a second; a hundred times that means that it never will. */
const TIMEOUT_MS = 100_000;

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

let runs = 0;

/**
 * Runs until the guest writes the finisher. Fails when it does not, or when QEMU itself complains. `more` may name another
 * hart: the last -cpu counts.
 */
export function runQemu(more: readonly string[]): Promise<Ending> {
  return runMachine([...QEMU_ARGUMENTS, ...more]);
}

/** The same with any machine whose console is stdout; `typed` into it. */
export async function runMachine(argv: readonly string[], timeoutMs = TIMEOUT_MS, typed?: string): Promise<Ending> {
  // A file, not a pipe: what a pipe cannot take at once makes QEMU's transmitter busy, or lose a byte.
  const path = temporaryPath(`console-${runs++}`);
  const file = openSync(path, "w");
  const child = spawn("qemu-system-riscv64", argv, { stdio: [typed === undefined ? "ignore" : "pipe", file, "pipe"] });
  closeSync(file);
  child.stdin?.on("error", () => {}).end(typed);
  running.add(child);
  let complaint = "";
  child.stderr!.on("data", (bytes: Buffer) => {
    complaint += bytes.toString();
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  clearTimeout(timer);
  running.delete(child);
  // Installed without the packages of its windows, QEMU says so at every start.
  complaint = complaint.replace(/^qemu: module ui-.*$/gm, "").trim();
  const console = readFileSync(path);
  rmSync(path);
  if (code !== null && complaint === "") return { console, exitCode: code };
  const tail = console.toString("latin1").slice(-500);
  throw new Error(`QEMU ended with ${signal ?? code} ${complaint}; console ended with:\n${tail}`);
}
