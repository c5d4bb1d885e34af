import { rmSync, statSync } from "node:fs";
import { Prng } from "../../src/base/prng.ts";
import type { LaunchOptions, Stopped } from "../../src/debuggee/protocol.ts";
import type { RemoteDebuggee } from "../../src/host/debuggee-client.ts";
import { temporaryPath } from "../differential/cross-compiler.ts";
import { timed, withDebuggee } from "./machine-thread.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** Steps between a write and the place from which it is sought. */
const WRITE_DISTANCE = 1e9;
const SP = 2;

export interface PlacesOptions {
  readonly places: number;
  /** The long searches, and openings of the file, are repeated less often. */
  readonly longRepeats: number;
  readonly seed: number;
}

/** Milliseconds, each measured by the client of a debuggee in its own thread, as the debug adapter is one. */
export interface PlacesFigures {
  readonly seek: Spread;
  /** From a place that was just sought: nothing has been prepared there but by the seek. */
  readonly firstStepBack: Spread;
  /** Two more from there. */
  readonly stepBack: Spread;
}

export interface RunFigures {
  readonly guest: string;
  readonly steps: number;
  readonly recordingSeconds: number;
  readonly recordingBytes: number;
  readonly open: Spread;
  /** The first seek of a session, when nothing has been translated yet. */
  readonly firstSeek: Spread;
  /** In the session that has just recorded it. */
  readonly live: PlacesFigures;
  /** In the file, opened freshly. */
  readonly opened: PlacesFigures;
  /** To a word's last write, a thousand million steps back. Absent where the run is shorter, or no such word is known. */
  readonly lastWrite?: Spread;
}

/** Records a run to its end, and travels in it: in the session that has recorded it, and in the file, opened freshly. */
export async function measureRun(
  guest: string,
  machine: Omit<LaunchOptions, "stopOnEntry" | "recordTo">,
  options: PlacesOptions,
): Promise<RunFigures> {
  const recording = temporaryPath(`${guest}.hindcast`);
  rmSync(recording, { force: true });
  const recorded = await withDebuggee(async (debuggee) => {
    await debuggee.launch({ ...machine, recordTo: recording, stopOnEntry: true });
    const [ms, { instant }] = await timed(() => debuggee.resume());
    const live = await measurePlaces(debuggee, instant, options);
    await debuggee.close();
    return { recordingSeconds: ms / 1000, steps: instant, live };
  });
  const { steps } = recorded;
  const opened = await withDebuggee(async (debuggee) => {
    await debuggee.launch({ recording, stopOnEntry: true });
    const places = await measurePlaces(debuggee, steps, options);
    await debuggee.close();
    return places;
  });
  const [open, firstSeek]: number[][] = [[], []];
  const random = new Prng(options.seed + 1);
  for (let repeat = 0; repeat < options.longRepeats; repeat++) {
    await withDebuggee(async (debuggee) => {
      open.push((await timed(() => debuggee.launch({ recording, stopOnEntry: true })))[0]);
      firstSeek.push((await timed(() => debuggee.seek(random.below(steps))))[0]);
      await debuggee.close();
    });
  }
  const lastWrite = await withDebuggee(async (debuggee) => {
    await debuggee.launch({ recording, stopOnEntry: true });
    return measureLastWrite(debuggee, steps, options.longRepeats);
  });
  const recordingBytes = statSync(recording).size;
  rmSync(recording);
  return {
    guest,
    ...recorded,
    recordingBytes,
    open: spreadOf(open),
    firstSeek: spreadOf(firstSeek),
    opened,
    lastWrite,
  };
}

async function measurePlaces(debuggee: RemoteDebuggee, end: number, options: PlacesOptions): Promise<PlacesFigures> {
  const random = new Prng(options.seed);
  const [seek, firstStepBack, stepBack]: number[][] = [[], [], []];
  for (let place = 0; place < options.places; place++) {
    const instant = 8 + random.below(end - 8);
    let [ms, stopped] = await timed(() => debuggee.seek(instant));
    expectAt(stopped, instant);
    seek.push(ms);
    for (let back = 1; back <= 3; back++) {
      // Of several harts the one is stepped whose turn it was: the others stand still for thousands of steps.
      const { hart } = stopped;
      [ms, stopped] = await timed(() => debuggee.step("into", "backward", "instruction", hart));
      if (stopped.instant >= instant) throw new Error(`stepped back from ${instant} to ${stopped.instant}`);
      (back === 1 ? firstStepBack : stepBack).push(ms);
    }
  }
  return { seek: spreadOf(seek), firstStepBack: spreadOf(firstStepBack), stepBack: spreadOf(stepBack) };
}

/**
 * `main` saves where it returns to in the word below the stack pointer that it was given, and nothing writes there again
 * before it returns: a store that lies as far back as one likes.
 */
async function measureLastWrite(debuggee: RemoteDebuggee, end: number, repeats: number): Promise<Spread | undefined> {
  if (end < WRITE_DISTANCE * 1.1) return undefined;
  const [{ verified }] = await debuggee.setBreakpoints({ kind: "function" }, [
    { id: 1, at: { kind: "function", name: "main" } },
  ]);
  if (!verified) return undefined;
  await debuggee.resume();
  const { integers } = await debuggee.registers(0);
  await debuggee.setBreakpoints({ kind: "function" }, []);
  const at = { kind: "data" as const, address: BigInt.asUintN(64, integers[SP] - 8n), length: 8 };
  await debuggee.setBreakpoints({ kind: "data" }, [{ id: 2, at: { ...at, access: "write" } }]);
  const { reason, instant } = await debuggee.resume();
  if (reason !== "data breakpoint") return undefined;
  const times: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    await debuggee.seek(instant + WRITE_DISTANCE);
    const [ms, stopped] = await timed(() => debuggee.reverseContinue());
    if (stopped.reason !== "data breakpoint" || stopped.instant > instant) {
      throw new Error(`went back to ${stopped.instant} for ${stopped.reason}, not to the write at ${instant}`);
    }
    times.push(ms);
  }
  return spreadOf(times);
}

function expectAt(stopped: Stopped, instant: number): void {
  if (stopped.instant !== instant) throw new Error(`went to ${stopped.instant} (${stopped.reason}), not to ${instant}`);
}
