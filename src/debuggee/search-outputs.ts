import type { Instant } from "../base/brand.ts";
import { NO_STOPS } from "../machine/stop.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { COST, type Finder, type FinderTask, placeOf } from "./search-finder.ts";

/** A sentence when a part of the output is not at hand. */
export function outputProblem({ parts, task }: FinderTask<"outputs">): string | undefined {
  const { history } = parts;
  const first = history?.firstOutputHeld ?? 0;
  const instant = first > 0 ? history?.instantOfOutput(first) : undefined;
  if (instant === undefined || instant <= task.from) return undefined;
  return `What was printed before instant ${instant.toLocaleString("en-US")} is no longer held, and was not looked at.`;
}

/**
 * Lines of console output. They are known without going anywhere; who printed those that are listed is looked up. Undefined:
 * nobody need be looked up.
 */
export function* outputFinder({ parts, question, task, tally }: FinderTask<"outputs">): Motion<Finder | undefined> {
  const { history, machine } = parts;
  const steps = Math.max(1, task.to - task.from);
  let seen = 0;
  const { text: wanted = "" } = question;
  const listed: { readonly instant: number; readonly text: string }[] = [];
  for (const { instant, bytes } of history?.lines?.(task.from as Instant, task.to as Instant) ?? []) {
    if (++seen % LINES_PER_TURN === 0) yield { instant: machine.instant, fraction: (instant - task.from) / steps };
    const text = UTF8.decode(Uint8Array.from(bytes)).replace(/\r$/, "");
    if (!text.includes(wanted)) continue;
    if (tally.count(instant)) listed.push({ instant, text });
    if (tally.isOver) break;
  }
  if (listed.length === 0) return undefined;
  let next = 0;
  const look = () => {
    const { id, pc } = machine.harts[machine.currentHart];
    // A step prints one byte at most, or a device prints many for it.
    for (; next < listed.length && listed[next].instant === machine.instant; next++) {
      const { instant, text } = listed[next];
      tally.listed.push({ ...placeOf(parts, instant, id, pc), text });
    }
    return next === listed.length ? ("end" as const) : COST.row;
  };
  return {
    stops: NO_STOPS,
    begin: look,
    visit: () => COST.hit,
    nextLook: () => listed[next]?.instant ?? Number.POSITIVE_INFINITY,
    look,
  };
}

/** About a millisecond's. */
const LINES_PER_TURN = 1000;
const UTF8 = new TextDecoder();
