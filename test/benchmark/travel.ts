import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { startDebuggee } from "../../src/host/node-debuggee.ts";
import { compileGuest, type Executable, temporaryPath } from "../differential/cross-compiler.ts";
import { timed } from "./machine-thread.ts";
import { type Spread, spreadOf } from "./statistics.ts";

export const TRAVEL_SOURCE = resolve(import.meta.dirname, "../../guest/bench/travel.c");
/** Of a round of it. */
export const STEPS_PER_ROUND = 2_098_188;

export interface TravelFigures {
  readonly steps: number;
  readonly rounds: number;
  readonly recordingSeconds: number;
  readonly recordingBytes: number;
  readonly openSeconds: number;
  /** Milliseconds, each measured by the client of a debuggee in its own thread, as the debug adapter is one. */
  readonly stepBack: Spread;
  readonly stepBackLine: Spread;
  /** To a breakpoint that was passed two million steps before. */
  readonly reverseContinue: Spread;
  /** To the write of a watched word two million steps before. */
  readonly reverseToWrite: Spread;
  readonly seekRandom: Spread;
  /** From the places that were sought. */
  readonly stepBackRandom: Spread;
  /** From the end to a breakpoint in the first thousand steps: the search of the whole run. */
  readonly reverseToStart: Spread;
  /** From the end to the only write of a word, in the first thousand steps. */
  readonly reverseToFirstWrite: Spread;
}

export interface TravelOptions {
  readonly steps: number;
  readonly repeats: number;
  /** The long searches are repeated less often. */
  readonly longRepeats: number;
}

export function buildTravelGuest(rounds: number): Executable {
  return compileGuest("travel", "O2", { folder: "bench", defines: { ROUNDS: rounds } });
}

/** The line of its innermost loop. */
export function hotLine(): number {
  const lines = readFileSync(TRAVEL_SOURCE, "utf8").split("\n");
  return lines.findIndex((text) => /^ *table\[n\] \^= /.test(text)) + 1;
}

/** Records a long run, closes it, opens the recording and travels back from its end. */
export async function measureTravel({ steps, repeats, longRepeats }: TravelOptions): Promise<TravelFigures> {
  const rounds = Math.round(steps / STEPS_PER_ROUND);
  const { path } = buildTravelGuest(rounds);
  const recording = temporaryPath("travel.hindcast");

  const live = await startDebuggee(() => {});
  await live.launch({ program: path, recordTo: recording, stopOnEntry: true });
  const [recordingMs, ended] = await timed(() => live.resume());
  await live.close();
  await live.dispose();

  const debuggee = await startDebuggee(() => {});
  const [openMs] = await timed(() => debuggee.launch({ recording, stopOnEntry: true }));
  const end = ended.instant;
  const symbol = async (name: string) => {
    const { bits } = await debuggee.evaluate(`&${name}`, 0, 0);
    if (bits === undefined) throw new Error(`no address of ${name}`);
    return bits;
  };
  const repeated = async (count: number, action: () => Promise<unknown>, before = async () => {}) => {
    const times: number[] = [];
    for (let n = 0; n < count; n++) {
      await before();
      times.push((await timed(action))[0]);
    }
    return spreadOf(times);
  };
  const toEnd = async () => void (await debuggee.seek(end));
  const reverse = (expected: string) => async () => {
    const { reason } = await debuggee.reverseContinue();
    if (reason !== expected) throw new Error(`reverse continue stopped for ${reason}, not for ${expected}`);
  };
  const breakAt = async (name: string | undefined) => {
    const specs = name === undefined ? [] : [{ id: 1, at: { kind: "function" as const, name } }];
    await debuggee.setBreakpoints({ kind: "function" }, specs);
  };
  const watch = async (name: string | undefined) => {
    const at = name === undefined ? undefined : { kind: "data" as const, address: await symbol(name), length: 8 };
    const specs = at === undefined ? [] : [{ id: 2, at: { ...at, access: "write" as const } }];
    await debuggee.setBreakpoints({ kind: "data" }, specs);
  };

  await toEnd();
  const stepBack = await repeated(repeats, () => debuggee.step("into", "backward", "instruction", 0));
  await toEnd();
  const stepBackLine = await repeated(repeats, () => debuggee.step("over", "backward", "line", 0));
  // Hits lie a round apart, so that each of these searches begins where the one before has ended.
  await toEnd();
  await breakAt("mark");
  const reverseContinue = await repeated(Math.min(repeats, rounds - 1), reverse("function breakpoint"));
  await breakAt(undefined);
  await toEnd();
  await watch("marked");
  const reverseToWrite = await repeated(Math.min(repeats, rounds - 1), reverse("data breakpoint"));
  await watch(undefined);
  let state = 1;
  const [seeks, stepsBack]: number[][] = [[], []];
  for (let n = 0; n < repeats; n++) {
    state = (state * 48271) % 0x7fff_ffff;
    const place = Math.floor((state / 0x7fff_ffff) * end);
    seeks.push((await timed(() => debuggee.seek(place)))[0]);
    stepsBack.push((await timed(() => debuggee.step("into", "backward", "instruction", 0)))[0]);
  }
  const [seekRandom, stepBackRandom] = [spreadOf(seeks), spreadOf(stepsBack)];
  await breakAt("main");
  const reverseToStart = await repeated(longRepeats, reverse("function breakpoint"), toEnd);
  await breakAt(undefined);
  await watch("rare");
  const reverseToFirstWrite = await repeated(longRepeats, reverse("data breakpoint"), toEnd);
  await debuggee.close();
  await debuggee.dispose();

  return {
    steps: end,
    rounds,
    recordingSeconds: recordingMs / 1000,
    recordingBytes: statSync(recording).size,
    openSeconds: openMs / 1000,
    ...{ stepBack, stepBackLine, reverseContinue, reverseToWrite, seekRandom, stepBackRandom },
    ...{ reverseToStart, reverseToFirstWrite },
  };
}
