import type { Instant } from "../base/brand.ts";
import { NO_STOPS } from "../machine/stop.ts";
import { COST, type Finder, type FinderTask, placeOf } from "./search-finder.ts";

/**
 * Lines of console output. They are known without going anywhere; who printed those that are listed is looked up. Undefined:
 * nobody need be looked up.
 */
export function outputFinder({ parts, question, task, tally }: FinderTask<"outputs">): Finder | undefined {
  const { history, machine } = parts;
  const { text: wanted = "" } = question;
  const listed: { readonly instant: number; readonly text: string }[] = [];
  for (const { instant, bytes } of history?.lines?.(task.from as Instant, task.to as Instant) ?? []) {
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

const UTF8 = new TextDecoder();
