import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLI, cpuTime, TIMED } from "./contenders.ts";
import { COMPARED } from "./lockstep-guests.ts";
import { type Spread, spreadOf, spreadText } from "./statistics.ts";

/** What is compared: one recorded machine; two that know nothing of each other, at the same time; and a pair. */
const KINDS = ["one", "two", "pair"] as const;
type Kind = (typeof KINDS)[number];

/** Seconds of a process from its beginning to its end; `cpu`: of all its threads. */
interface Times {
  readonly wall: number;
  readonly cpu: number;
}

interface Sample {
  /** Of a guest that does next to nothing, and what the rest took beyond it. */
  readonly start: Times;
  readonly work: Times;
}

interface PairAnswer {
  readonly latencyMs: { readonly median?: number; readonly p99?: number };
  readonly bytesSent: number;
}

export interface LockstepCost {
  readonly guest: string;
  /** What a run's work takes, its start left out, and what the start takes. */
  readonly work: Readonly<Record<Kind, { readonly wall: Spread; readonly cpu: Spread }>>;
  readonly start: Readonly<Record<Kind, { readonly wall: Spread; readonly cpu: Spread }>>;
  /** The pair's processor time beyond twice that of one machine, and beyond that of two at the same time; in percent. */
  readonly beyondTwice: Spread;
  readonly beyondTwo: Spread;
  /** How much longer the pair takes than one machine, and than two at the same time; in percent. */
  readonly longerThanOne: Spread;
  readonly longerThanTwo: Spread;
  /** The same of whole processes: processor time beyond twice that of one, time beyond one; in percent. */
  readonly wholeBeyondTwice: Spread;
  readonly wholeLonger: Spread;
  readonly medianMs: Spread;
  readonly p99Ms: Spread;
  readonly logMbits: Spread;
}

const MACHINE = ["--memory", "16M", "--clock", "virtual", "--start-time", "0", "--quiet"];

/**
 * What pairs cost, the command line as users have it. In a round each kind of run is measured once with a guest that works and once
 * with one that hardly does; kinds take turns, and ratios are formed within a round.
 */
export async function* measureLockstepCosts(
  folder: string,
  rounds: number,
  only: (guest: string) => boolean = () => true,
): AsyncGenerator<LockstepCost> {
  for (const { name, source, machine } of COMPARED) {
    if (!only(name)) continue;
    const [short, long] = [join(folder, `${name}-short.s`), join(folder, `${name}-long.s`)];
    writeFileSync(short, source(0));
    writeFileSync(long, source(1));
    const answers: PairAnswer[] = [];
    const walls: number[] = [];
    const samples: Record<Kind, Sample>[] = [];
    for (let round = 0; round < rounds; round++) {
      const sample = {} as Record<Kind, Sample>;
      for (let turn = 0; turn < KINDS.length; turn++) {
        const kind = KINDS[(round + turn) % KINDS.length];
        const start = await run(kind, short, machine, folder);
        const whole = await run(kind, long, machine, folder);
        const work = { wall: whole.wall - start.wall, cpu: whole.cpu - start.cpu };
        sample[kind] = { start, work };
        if (whole.answer === undefined) continue;
        answers.push(whole.answer);
        walls.push(work.wall);
      }
      samples.push(sample);
    }
    const spread = (figure: (sample: Record<Kind, Sample>) => number) => spreadOf(samples.map(figure));
    const perKind = (part: "start" | "work") =>
      Object.fromEntries(
        KINDS.map((kind) => [
          kind,
          { wall: spread((each) => each[kind][part].wall), cpu: spread((each) => each[kind][part].cpu) },
        ]),
      ) as LockstepCost["work"];
    const percent = (part: number, whole: number) => 100 * (part / whole - 1);
    const whole = ({ start, work }: Sample, of: keyof Times) => start[of] + work[of];
    yield {
      ...{ guest: name, work: perKind("work"), start: perKind("start") },
      beyondTwice: spread(({ one, pair }) => percent(pair.work.cpu, 2 * one.work.cpu)),
      beyondTwo: spread(({ two, pair }) => percent(pair.work.cpu, two.work.cpu)),
      longerThanOne: spread(({ one, pair }) => percent(pair.work.wall, one.work.wall)),
      longerThanTwo: spread(({ two, pair }) => percent(pair.work.wall, two.work.wall)),
      wholeBeyondTwice: spread(({ one, pair }) => percent(whole(pair, "cpu"), 2 * whole(one, "cpu"))),
      wholeLonger: spread(({ one, pair }) => percent(whole(pair, "wall"), whole(one, "wall"))),
      medianMs: spreadOf(answers.map(({ latencyMs }) => latencyMs.median ?? 0)),
      p99Ms: spreadOf(answers.map(({ latencyMs }) => latencyMs.p99 ?? 0)),
      logMbits: spreadOf(answers.map(({ bytesSent }, at) => (bytesSent * 8) / walls[at] / 1e6)),
    };
  }
}

async function run(
  kind: Kind,
  path: string,
  machine: readonly string[],
  folder: string,
): Promise<Times & { readonly answer?: PairAnswer }> {
  if (kind === "pair") {
    const { stdout, ...times } = await command(join(folder, "pair.console"), "lockstep", path, ...machine, "--json");
    const json = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as { readonly lockstep: PairAnswer };
    return { ...times, answer: json.lockstep };
  }
  const started = performance.now();
  const names = kind === "one" ? ["one"] : ["left", "right"];
  const runs = await Promise.all(
    names.map(async (name) => {
      const recording = join(folder, `${name}.hindcast`);
      rmSync(recording, { force: true });
      return await command(join(folder, `${name}.console`), "record", path, ...machine, "-o", recording);
    }),
  );
  return { wall: (performance.now() - started) / 1000, cpu: runs.reduce((sum, { cpu }) => sum + cpu, 0) };
}

async function command(console: string, ...args: readonly string[]): Promise<Times & { readonly stdout: string }> {
  const file = openSync(console, "w");
  const started = performance.now();
  const child = spawn("sh", ["-c", TIMED, "sh", process.execPath, CLI, ...args, ...MACHINE], {
    stdio: ["ignore", file, "pipe"],
  });
  let stderr = "";
  child.stderr!.setEncoding("latin1").on("data", (text) => {
    stderr += text;
  });
  const status = await new Promise((resolve) => child.on("close", resolve));
  const wall = (performance.now() - started) / 1000;
  closeSync(file);
  const stdout = readFileSync(console, "latin1");
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr.slice(-500)}`);
  return { wall, cpu: cpuTime(stderr), stdout };
}

export function costText(cost: LockstepCost): string {
  const text = (spread: Spread, digits = 2) => spreadText(spread, digits);
  const percent = (spread: Spread) => `${spreadText(spread, 1)} %`;
  const names = { one: "one recorded machine", two: "two at the same time", pair: "a pair" };
  const lines = KINDS.map((kind) => {
    const [work, start] = [cost.work[kind], cost.start[kind]];
    return (
      `  ${names[kind]}: ${text(work.wall)} s, ${text(work.cpu)} s of processors; ` +
      `starts in ${text(start.wall)} s, ${text(start.cpu)} s of processors`
    );
  });
  return [
    `${cost.guest}:`,
    ...lines,
    `  the pair's processor time beyond twice that of one: ${percent(cost.beyondTwice)}; beyond two at the same time: ${percent(cost.beyondTwo)}`,
    `  it takes longer than one: ${percent(cost.longerThanOne)}; than two at the same time: ${percent(cost.longerThanTwo)}`,
    `  with the starts: processor time beyond twice ${percent(cost.wholeBeyondTwice)}, longer than one ${percent(cost.wholeLonger)}`,
    `  output waits ${text(cost.medianMs)} ms (median), p99 ${text(cost.p99Ms)} ms; log ${text(cost.logMbits)} Mbit/s`,
  ].join("\n");
}
