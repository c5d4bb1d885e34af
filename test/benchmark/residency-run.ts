import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { ResidencyReport } from "../../src/machine/residency.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const MAIN = join(ROOT, "dist/cli.js");
const KERNEL = join(ROOT, "guest/kernel/prebuilt/kernel.elf");
/** What the kernel's shell says when it listens. */
const PROMPT = "$ ";
const END = "mix: done";

/** `mix` of guest/kernel: processes that compute, others that walk through cold memory, for so many milliseconds of the guest's. */
export interface Load {
  readonly computing: number;
  readonly walking: number;
  readonly milliseconds: number;
  /** Rounds of computing between two touches. */
  readonly work: number;
}

export interface Keeping {
  readonly memory: string;
  /** Absent: everything is resident. */
  readonly resident?: string;
  readonly latencyMs?: number;
  readonly told?: boolean;
}

/** What a run came to, between the command and its end. */
export interface Outcome {
  readonly seconds: number;
  /** Rounds that the computing processes did, and touches of the walking ones. */
  readonly rounds: number;
  readonly touches: number;
  readonly residency?: ResidencyReport;
}

/** Runs the shipped command, and looks at the clock when the guest speaks. */
export async function runMix(load: Load, keeping: Keeping): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "hindcast-residency-"));
  try {
    const input = join(folder, "input");
    writeFileSync(input, `mix ${load.computing} ${load.walking} ${load.milliseconds} ${load.work}\nexit\n`);
    return await timed(["run", "--kernel", KERNEL, "--input", input, ...options(keeping), "--json"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function options({ memory, resident, latencyMs, told = true }: Keeping): string[] {
  if (resident === undefined) return ["--memory", memory];
  const latency = latencyMs === undefined ? [] : ["--page-in-latency", String(latencyMs)];
  return ["--memory", memory, "--resident", resident, ...latency, "--async-pages", told ? "on" : "off"];
}

async function timed(args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  let said = "";
  let begun: number | undefined;
  let ended: number | undefined;
  child.stdout.on("data", (piece: Buffer) => {
    text += piece.toString("latin1");
    if (begun === undefined && text.includes(PROMPT)) begun = performance.now();
    if (ended === undefined && text.includes(END)) ended = performance.now();
  });
  child.stderr.on("data", (piece: Buffer) => {
    said += piece.toString("latin1");
  });
  const code = await new Promise<number | null>((done) => child.on("close", done));
  if (code !== 0 || begun === undefined || ended === undefined) {
    throw new Error(`hindcast ${args.join(" ")} ended with ${code}:\n${text.slice(-2000)}${said.slice(-2000)}`);
  }
  const sum = (what: RegExp) => [...text.matchAll(what)].reduce((all, [, count]) => all + Number(count), 0);
  const { residency } = JSON.parse(text.trimEnd().split("\n").pop()!) as { residency?: ResidencyReport };
  return {
    seconds: (ended - begun) / 1000,
    rounds: sum(/mix: computed (\d+)/g),
    touches: sum(/mix: touched (\d+)/g),
    ...(residency && { residency }),
  };
}
