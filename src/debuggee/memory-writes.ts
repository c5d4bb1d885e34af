import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import type { MachineLike, OutsideWrite } from "../machine/machine-interface.ts";
import { NO_STOPS, type WatchHit } from "../machine/stop.ts";
import type { Motion, TimelineLike } from "../replay/timeline-interface.ts";
import type { Ranges } from "./origin-cells.ts";

/** Who wrote memory last: a step of a hart, or what is no instruction's. */
export type MemoryWriter =
  | { readonly kind: "step"; readonly instant: number; readonly hit: WatchHit }
  | { readonly kind: "outside"; readonly instant: number; readonly write: OutsideWrite };

/**
 * The last write to some bytes in the state at `before`: by a step before it, by an event or an edit on arrival at it, or by a
 * walk that set A or D. `look` is called at steps that wrote, with the machine behind them; the last call is about the one found.
 */
export function* lastMemoryWrite(
  timeline: TimelineLike,
  ranges: Ranges,
  before: number,
  look: (hit: WatchHit, machine: MachineLike) => void = () => {},
): Motion<MemoryWriter | undefined> {
  const { outsideWrites } = timeline.machine;
  outsideWrites?.begin(ranges);
  try {
    const hit = yield* lastAccess(timeline, ranges, "write", before, look);
    const outside = outsideWrites?.last;
    if (outside !== undefined && outside.instant > (hit?.instant ?? -1) && isBefore(outside, before)) {
      return { kind: "outside", instant: outside.instant, write: outside };
    }
    return hit && { kind: "step", instant: hit.instant, hit };
  } finally {
    outsideWrites?.end();
  }
}

function isBefore({ by, instant }: OutsideWrite, before: number): boolean {
  return by === "walk" ? instant < before : instant <= before;
}

/** The last step before an instant that read, or wrote, any of these bytes. */
export function* lastAccess(
  timeline: TimelineLike,
  ranges: Ranges,
  access: "read" | "write",
  before: number,
  look: (hit: WatchHit, machine: MachineLike) => void,
): Motion<WatchHit | undefined> {
  let found: WatchHit | undefined;
  const watches = ranges.map((range) => ({ ...range, access }));
  const hit = yield* timeline.findLast(
    {
      stops: { ...NO_STOPS, watches },
      accept: ({ stop }, machine) => {
        const last = stop.kind === "watch" ? stop.hits.findLast((each) => each.access === access) : undefined;
        if (last === undefined) return false;
        found = last;
        look(last, machine);
        return true;
      },
    },
    before as Instant,
  );
  assert(hit === undefined || hit.instant === found?.instant, "an access was found that nobody accepted last");
  return hit && found;
}
