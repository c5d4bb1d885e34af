import type { Instant } from "../base/brand.ts";
import { NO_STOPS } from "../machine/stop.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { COST, type Finder, type FinderTask, placeOf } from "./search-finder.ts";
import type { SegmentResult } from "./search-protocol.ts";

/** What there is still to look up, and what the result says of a line without an end. */
type OutputsFound = Pick<SegmentResult, "open"> & { readonly finder?: Finder };

/** A sentence when a part of the output is not at hand. */
export function outputProblem({ parts, task }: FinderTask<"outputs">): string | undefined {
  const { history } = parts;
  const first = history?.firstOutputHeld ?? 0;
  const instant = first > 0 ? history?.instantOfOutput(first) : undefined;
  if (instant === undefined || instant <= task.from) return undefined;
  return `What was printed before instant ${instant.toLocaleString("en-US")} is no longer held, and was not looked at.`;
}

/**
 * Lines of console output. They are known without going anywhere; who printed those that are listed is looked up. Without a
 * finder: nobody need be looked up.
 */
export function* outputFinder({ parts, question, task, tally }: FinderTask<"outputs">): Motion<OutputsFound> {
  const { history, machine } = parts;
  const steps = Math.max(1, task.to - task.from);
  let seen = 0;
  let before = { from: task.from, rows: 0 };
  let isOpen = false;
  const { text: wanted = "" } = question;
  const listed: { readonly instant: number; readonly text: string }[] = [];
  for (const { instant, bytes, open } of history?.lines?.(task.from as Instant, task.to as Instant) ?? []) {
    if (++seen % LINES_PER_TURN === 0) yield { instant: machine.instant, fraction: (instant - task.from) / steps };
    // A step may print many lines.
    if (instant !== before.from) before = { from: instant, rows: tally.rows };
    isOpen = open === true;
    const text = UTF8.decode(Uint8Array.from(bytes)).replace(/\r$/, "");
    if (!text.includes(wanted)) continue;
    if (tally.count(instant)) listed.push({ instant, text });
    if (tally.isOver) break;
  }
  const found = isOpen ? { open: before } : {};
  if (listed.length === 0) return found;
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
  const finder: Finder = {
    stops: NO_STOPS,
    begin: look,
    visit: () => COST.hit,
    nextLook: () => listed[next]?.instant ?? Number.POSITIVE_INFINITY,
    look,
  };
  return { ...found, finder };
}

/** About a millisecond's. */
const LINES_PER_TURN = 1000;
const UTF8 = new TextDecoder();
