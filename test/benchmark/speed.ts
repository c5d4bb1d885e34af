import { type Contender, canRun, type Launch, runContender } from "./contenders.ts";
import { type BenchGuest, buildBenchGuest, TEACHING_KERNEL } from "./guests.ts";
import { type Spread, spreadOf } from "./statistics.ts";

export interface SpeedOptions {
  readonly sessions: number;
  readonly contenders: readonly Contender[];
  /** Time by the clock, or that of processors: the latter says more where other work runs, and counts all threads. */
  readonly by: "wall" | "cpu";
  /** Further options of our machine. */
  readonly machine: readonly string[];
}

export interface SpeedFigures {
  readonly guest: string;
  readonly group: BenchGuest["group"];
  /** Ours; other machines may take more or fewer where harts wait for each other. */
  readonly steps: number;
  /** What each contender took, start-up left out. */
  readonly seconds: Readonly<Partial<Record<Contender, Spread>>>;
  /** In thousand million steps of ours a second: how fast the same work was done. */
  readonly speed: Readonly<Partial<Record<Contender, Spread>>>;
  readonly recordedToPlainTime: Spread;
  readonly plainToQemu: Spread;
  readonly recordedToQemu: Spread;
  readonly recordedToQemuRecord: Spread | undefined;
  readonly plainToInterpreter: Spread | undefined;
  readonly plainToGroupOff: Spread | undefined;
  readonly recordingBytes: number;
}

type Times = ReadonlyMap<Contender, number>;

/**
 * Measures one guest. In a session every contender runs it once and, for what its start takes, once with a single round;
 * they take turns, and who begins changes from session to session. Ratios are formed within a session.
 */
export function measureSpeed(guest: BenchGuest, options: SpeedOptions): SpeedFigures {
  const harts = guest.harts ?? 1;
  const launch = (rounds: number): Launch =>
    guest.typed === undefined
      ? { path: buildBenchGuest(guest, rounds).path }
      : { path: TEACHING_KERNEL, typed: guest.typed(rounds) };
  const one = launch(1);
  const many = launch(guest.rounds);
  const contenders = options.contenders.filter((contender) => canRun(contender, harts));
  const results = new Set<string>();
  let steps = 0;
  let recordingBytes = 0;
  const sessions: Times[] = [];
  for (let session = 0; session < options.sessions; session++) {
    const times = new Map<Contender, number>();
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(session + turn) % contenders.length];
      const start = runContender(contender, one, harts, options.machine);
      const whole = runContender(contender, many, harts, options.machine);
      results.add(whole.result);
      if (contender === "plain") steps = whole.steps! - start.steps!;
      if (contender === "recorded") recordingBytes = whole.recordingBytes!;
      const seconds = secondsOf(whole, options.by) - secondsOf(start, options.by);
      times.set(contender, seconds);
    }
    // Where other work made a start take longer than a whole run, nothing can be said.
    if ([...times.values()].every((seconds) => seconds > 0)) sessions.push(times);
  }
  if (sessions.length === 0) throw new Error(`${guest.name}: the noise is longer than the runs; give them more rounds`);
  // A machine that computes something else may well be faster.
  if (results.size !== 1) throw new Error(`${guest.name} had several results: ${[...results].join(" | ")}`);

  const has = (contender: Contender) => contenders.includes(contender);
  const ratio = (over: Contender, under: Contender) =>
    spreadOf(sessions.map((times) => times.get(over)! / times.get(under)!));
  const perContender = (figure: (times: Times, contender: Contender) => number) =>
    Object.fromEntries(
      contenders.map((contender) => [contender, spreadOf(sessions.map((times) => figure(times, contender)))]),
    );
  return {
    ...{ guest: guest.name, group: guest.group, steps, recordingBytes },
    seconds: perContender((times, contender) => times.get(contender)!),
    speed: perContender((times, contender) => steps / times.get(contender)! / 1e9),
    recordedToPlainTime: ratio("recorded", "plain"),
    plainToQemu: ratio("QEMU", "plain"),
    recordedToQemu: ratio("QEMU", "recorded"),
    recordedToQemuRecord: has("QEMU rr=record") ? ratio("QEMU rr=record", "recorded") : undefined,
    plainToInterpreter: has("interpreter") ? ratio("interpreter", "plain") : undefined,
    plainToGroupOff: has("group off") ? ratio("group off", "plain") : undefined,
  };
}

function secondsOf(
  { wallSeconds, cpuSeconds }: { wallSeconds: number; cpuSeconds: number },
  by: "wall" | "cpu",
): number {
  return by === "wall" ? wallSeconds : cpuSeconds;
}
