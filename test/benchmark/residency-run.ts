import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
  /** That the machine's thread had a processor, where the system tells: on a computer that others use, it is what counts. */
  readonly processorSeconds: number;
  /** Rounds that the computing processes did, and touches of the walking ones. */
  readonly rounds: number;
  readonly touches: number;
  readonly residency?: ResidencyReport;
}

/** A run without its beginning: what a long one has more than a short one. */
export async function runMix(load: Load, keeping: Keeping, beginningMs: number): Promise<Outcome> {
  const beginning = await wholeMix({ ...load, milliseconds: beginningMs }, keeping);
  const whole = await wholeMix(load, keeping);
  if (whole.seconds <= beginning.seconds)
    throw new Error("The beginning took longer than the whole: others use this computer.");
  return {
    seconds: whole.seconds - beginning.seconds,
    processorSeconds: whole.processorSeconds - beginning.processorSeconds,
    rounds: whole.rounds - beginning.rounds,
    touches: whole.touches - beginning.touches,
    ...(whole.residency && { residency: rest(whole.residency, beginning.residency!) }),
  };
}

function rest(whole: ResidencyReport, beginning: ResidencyReport): ResidencyReport {
  const works = whole.works.map((all) => {
    const before = beginning.works.find(({ work }) => work === all.work);
    if (before === undefined) return all;
    return {
      ...all,
      told: all.told - before.told,
      beside: all.beside - before.beside,
      waited: all.waited - before.waited,
      hiddenMs: all.hiddenMs - before.hiddenMs,
      waitedMs: all.waitedMs - before.waitedMs,
    };
  });
  return { ...whole, works, idleMs: whole.idleMs - beginning.idleMs };
}

/** Runs the shipped command, and looks at the clock when the guest speaks. */
async function wholeMix(load: Load, keeping: Keeping): Promise<Outcome> {
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
  let begun: Moment | undefined;
  let ended: Moment | undefined;
  child.stdout.on("data", (piece: Buffer) => {
    text += piece.toString("latin1");
    if (begun === undefined && text.includes(PROMPT)) begun = momentOf(child.pid!);
    if (ended === undefined && text.includes(END)) ended = momentOf(child.pid!);
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
    seconds: ended.seconds - begun.seconds,
    processorSeconds: ended.processorSeconds - begun.processorSeconds,
    rounds: sum(/mix: computed (\d+)/g),
    touches: sum(/mix: touched (\d+)/g),
    ...(residency && { residency }),
  };
}

interface Moment {
  readonly seconds: number;
  readonly processorSeconds: number;
}

/** Linux counts a thread's time on processors in hundredths of a second. */
const TICKS_PER_SECOND = 100;

function momentOf(pid: number): Moment {
  return { seconds: performance.now() / 1000, processorSeconds: processorSeconds(pid) };
}

/** Of a process's first thread. */
function processorSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/task/${pid}/stat`, "latin1")
      .replace(/^.*\) /, "")
      .split(" ");
    // Of the manual's fields, 14 and 15: in the program, and in the system.
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return Number.NaN;
  }
}
