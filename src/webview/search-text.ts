import { exact } from "./scale.ts";
import type { SearchFacts } from "./search-messages.ts";

/** Sentences about searches: what was searched, how far it is, and that there is nothing. */

const SINGULAR = {
  writes: "write",
  reads: "read",
  accesses: "access",
  hits: "hit",
  series: "value",
  calls: "call",
  traps: "trap",
  waits: "wait",
  outputs: "line",
} as const;

export function counted(count: number, kind: SearchFacts["kind"]): string {
  const one = SINGULAR[kind];
  return `${exact(count)} ${count === 1 ? one : one === "access" ? "accesses" : `${one}s`}`;
}

export function stretch({ from, to }: { readonly from: number; readonly to: number }): string {
  return `${exact(from)} – ${exact(to)}`;
}

/** One line for the list: `1,234 writes`, `12 so far, 40 %`, `Cancelled at 3 hits`. */
export function progress(search: SearchFacts): string {
  const { rows, kind, done, cancelled, fraction } = search;
  if (cancelled) return `${counted(rows, kind)}, cancelled`;
  if (!done) return `${counted(rows, kind)} so far, ${Math.floor(fraction * 100)} %`;
  return rows === 0 ? `no ${SINGULAR[kind]}` : counted(rows, kind);
}

/** What stands where rows would be, when there are none. */
export function nothing(search: SearchFacts): string {
  const { title, from, to, searchedFrom, done, cancelled, problem } = search;
  if (problem !== undefined) return problem;
  const what = `${title}: none`;
  if (cancelled) {
    return searchedFrom < to
      ? `${what} from instant ${exact(searchedFrom)} to ${exact(to)}; the search was cancelled before it came to what is older.`
      : "The search was cancelled before it had gone through anything.";
  }
  if (!done) {
    return searchedFrom < to
      ? `${what} yet; searched from instant ${exact(searchedFrom)} to ${exact(to)} so far.`
      : "Searching…";
  }
  return `${what} between instants ${exact(from)} and ${exact(to)}, which is all that was searched.`;
}

/** Below the rows: the proof of what ran in saved states, and what could not be evaluated. */
export function proof({ restored }: SearchFacts): string {
  if (restored === undefined || restored === 0) return "";
  return `${exact(restored)} ${restored === 1 ? "check" : "checks"}: state restored, digest equal.`;
}
