import type { NamedInstant } from "./instants.ts";
import type { RunnerFlags } from "./segment-runner.ts";

export interface QueryOptions extends RunnerFlags {
  readonly before?: NamedInstant;
  readonly after?: NamedInstant;
  readonly length?: number;
  readonly most?: number;
  /** Of an origin an instant, of a series a place. */
  readonly at?: string;
  readonly hart?: number;
  readonly tree?: number;
  readonly if?: string;
  readonly log?: string;
  readonly hitCondition?: string;
  readonly every?: number;
  readonly count?: boolean;
  readonly csv?: boolean;
  readonly text?: string;
}

/** Where segments are searched by others. */
const RUNNER = [
  ...(["threads", "nats", "natsCreds", "natsNkey", "natsCa", "natsCert", "natsKey", "natsInsecure"] as const),
] as const;
const STRETCH = ["after", "before", "most", "count", ...RUNNER] as const;
/** What each question uses. What would not change the answer is a misunderstanding. */
export const QUERY_USES: Readonly<Record<string, readonly (keyof QueryOptions)[]>> = {
  "last-write": ["before", "length"],
  "last-read": ["before", "length"],
  "first-read": ["after", "length"],
  "first-difference": ["after", "length", "hart"],
  writes: [...STRETCH, "length"],
  reads: [...STRETCH, "length"],
  accesses: [...STRETCH, "length"],
  hits: [...STRETCH, "if", "log", "hitCondition"],
  series: ["after", "before", "most", "at", "every", "hart", "csv", ...RUNNER],
  calls: STRETCH,
  traps: STRETCH,
  waits: STRETCH,
  outputs: [...STRETCH, "text"],
  origin: ["at", "hart", "length", "tree", "most"],
};
export const QUERY_QUESTIONS: readonly string[] = Object.keys(QUERY_USES);
export const ALL_OPTIONS = [...new Set(Object.values(QUERY_USES).flat())];
export const WITHOUT_PLACE: readonly string[] = ["outputs", "traps", "waits"];
