import { assert } from "../base/assert.ts";
import type { RunAsker, RunProbe } from "../debuggee/run-probe.ts";
import type { Motion } from "../replay/timeline-interface.ts";

const QUESTIONS = [
  ...(["about", "events", "eventsWithin", "printed", "printedBefore", "frames", "codeNames"] as const),
  ...(["look", "trace", "state", "pages", "place", "hop", "reads", "values"] as const),
] satisfies (keyof RunAsker)[];

/** Asks a run that is somewhere else, by what carries a question there. */
export function askerOf(ask: (question: string, args: readonly unknown[]) => Promise<unknown>): RunAsker {
  const entries = QUESTIONS.map((question) => [question, (...args: unknown[]) => ask(question, args)]);
  return Object.fromEntries(entries) as RunAsker;
}

/** Answers a question; `finish` takes long motions to their end. */
export function answer(
  probe: RunProbe,
  question: string,
  args: readonly unknown[],
  finish: (motion: Motion<unknown>) => unknown,
): unknown {
  assert((QUESTIONS as readonly string[]).includes(question), `no question ${question}`);
  const asked = (probe as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[question](...args);
  const isMotion = typeof asked === "object" && asked !== null && "next" in asked;
  return isMotion ? finish(asked as Motion<unknown>) : asked;
}
