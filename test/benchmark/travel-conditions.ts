import { compileGuest, temporaryPath } from "../differential/cross-compiler.ts";
import { timed, withDebuggee } from "./machine-thread.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { buildTravelGuest, hotLine, TRAVEL_SOURCE } from "./travel.ts";

/** Of the hot line. */
const HITS_PER_ROUND = 256 * 1024;

export interface ConditionFigures {
  readonly hits: number;
  /** Rejected hits in a second. */
  readonly forward: Spread;
  readonly backward: Spread;
}

/** How fast a condition that is never true is evaluated, on a line that is hit `hits` times. */
export async function measureConditions(condition: string, hits: number, repeats: number): Promise<ConditionFigures> {
  const rounds = Math.ceil(hits / HITS_PER_ROUND);
  const { path } = buildTravelGuest(rounds);
  const line = hotLine();
  const total = rounds * HITS_PER_ROUND;
  const [forward, backward]: number[][] = [[], []];
  await withDebuggee(async (debuggee) => {
    await debuggee.launch({ program: path, recordTo: temporaryPath("conditions.hindcast"), stopOnEntry: true });
    const { instant: end } = await debuggee.resume();
    const [state] = await debuggee.setBreakpoints({ kind: "source", path: TRAVEL_SOURCE }, [
      { id: 1, at: { kind: "source", path: TRAVEL_SOURCE, line }, condition },
    ]);
    if (!state.verified) throw new Error(`no breakpoint on line ${line}: ${state.message}`);
    for (let repeat = 0; repeat < repeats; repeat++) {
      const [back, atStart] = await timed(() => debuggee.reverseContinue());
      if (atStart.reason !== "start") throw new Error(`backwards to ${atStart.reason}: ${atStart.description}`);
      backward.push((total / back) * 1000);
      const [on, atEnd] = await timed(() => debuggee.resume());
      if (atEnd.instant !== end) throw new Error(`forwards to ${atEnd.reason} at ${atEnd.instant}, not to ${end}`);
      forward.push((total / on) * 1000);
    }
    await debuggee.close();
  });
  return { hits: total, forward: spreadOf(forward), backward: spreadOf(backward) };
}

export interface CheckFigures {
  readonly memoryBytes: number;
  readonly harts: number;
  /** Microseconds a check. */
  readonly cost: Spread;
}

/** What a check that is compiled into the guest costs: a recording gone through with checks, less the same without. */
export async function measureChecks(
  machine: { readonly memoryBytes: number; readonly harts: number },
  checks: number,
  repeats: number,
): Promise<CheckFigures> {
  const { path } = compileGuest("checks", "O2", { folder: "bench", defines: { ROUNDS: checks } });
  const costs: number[] = [];
  await withDebuggee(async (debuggee) => {
    const recordTo = temporaryPath("checks.hindcast");
    await debuggee.launch({ program: path, ...machine, recordTo, stopOnEntry: true });
    const { instant: end } = await debuggee.resume();
    const through = async (withChecks: boolean) => {
      await debuggee.setExceptionStops([], withChecks);
      await debuggee.seek(0);
      const [ms, stopped] = await timed(() => debuggee.resume());
      if (stopped.instant !== end) throw new Error(`stopped at ${stopped.instant} for ${stopped.description}`);
      return ms;
    };
    for (let repeat = 0; repeat < repeats; repeat++) {
      const without = await through(false);
      costs.push((((await through(true)) - without) / checks) * 1000);
    }
    await debuggee.close();
  });
  return { ...machine, cost: spreadOf(costs) };
}
