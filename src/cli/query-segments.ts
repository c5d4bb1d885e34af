import { setTimeout as sleep } from "node:timers/promises";
import type { Row, SegmentRunner, SegmentTask } from "../debuggee/search-protocol.ts";
import { type Context, OK } from "./context.ts";
import { Interruption } from "./interruption.ts";
import type { Searched } from "./search-driver.ts";

/** How often it is looked whether what others do is done, and a progress line is redrawn. */
const LOOK_INTERVAL_MS = 10;

/** Waits for what threads or workers do; no value when it was interrupted. */
export async function waitFor<Result>(
  context: Context,
  promise: Promise<Result>,
  doing: string,
  fraction: () => number | undefined,
): Promise<Searched<Result>> {
  const asked = Promise.withResolvers<undefined>();
  const interruption = new Interruption(() => asked.resolve(undefined));
  const interval = setInterval(() => context.voice.progress(doing, fraction()), LOOK_INTERVAL_MS);
  try {
    const outcome = await Promise.race([promise.then((value) => ({ value })), asked.promise]);
    if (outcome !== undefined) return { value: outcome.value, exitCode: OK };
    // Nobody hears what becomes of it.
    promise.catch(() => {});
    return { value: undefined, exitCode: interruption.exitCode ?? OK };
  } finally {
    clearInterval(interval);
    context.voice.clearProgress();
    interruption.release();
  }
}

/** Resolves once `look` finds something. */
export async function found<Result>(look: () => Promise<Result | undefined>): Promise<Result> {
  for (;;) {
    const result = await look();
    if (result !== undefined) return result;
    await sleep(LOOK_INTERVAL_MS);
  }
}

export interface Listed {
  readonly rows: readonly Row[];
  readonly restored: number;
  readonly problem?: string;
}

/** A list that is on its way. */
export interface Listing {
  readonly listed: Promise<Listed>;
  fraction(): number;
  cancel(): void;
}

/**
 * The first rows of a stretch, oldest first: its segments are searched the oldest first, several at a time, until those whose
 * rows are known without a gap have as many as are wanted. The same rows as of the whole stretch in one go.
 */
export function listRows(runner: SegmentRunner, whole: SegmentTask, most: number): Listing {
  const ends = [whole.from, ...runner.cuts(whole.from, whole.to), whole.to];
  // With a mark they are told apart from pages, which have a thread more.
  const ofEach = { ...whole, mostMarks: 1, list: { first: 0, count: most } };
  const tasks = ends.slice(1).map((to, index): SegmentTask => ({ ...ofEach, from: ends[index], to }));
  const rows: Row[] = [];
  const parts = tasks.map((): Listed | undefined => undefined);
  const done = tasks.map(() => 0);
  const outcome = Promise.withResolvers<Listed>();
  let next = 0;
  let restored = 0;
  let problem: string | undefined;
  const end = () => outcome.resolve({ rows: rows.slice(0, most), restored, ...(problem !== undefined && { problem }) });
  const run = runner.run(tasks, {
    result: (index, { listed, restored: count, problem: sentence }) => {
      done[index] = 1;
      parts[index] = { rows: listed, restored: count, ...(sentence !== undefined && { problem: sentence }) };
      for (let part = parts[next]; part !== undefined && rows.length < most; part = parts[++next]) {
        rows.push(...part.rows);
        restored += part.restored;
        problem ??= part.problem;
      }
      if (rows.length >= most) run.cancel();
      if (rows.length >= most || next === tasks.length) end();
    },
    progress: (index, fraction) => {
      done[index] = Math.max(done[index], fraction);
    },
    failed: outcome.reject,
  });
  if (whole.from >= whole.to) end();
  const steps = Math.max(1, whole.to - whole.from);
  return {
    listed: outcome.promise,
    fraction: () => tasks.reduce((sum, { from, to }, index) => sum + done[index] * (to - from), 0) / steps,
    cancel: () => run.cancel(),
  };
}
