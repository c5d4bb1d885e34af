import type { WatchHit } from "../machine/stop.ts";
import {
  accessFound,
  accessText,
  COST,
  type Finder,
  type FinderTask,
  placeOf,
  watchesOf,
  watching,
} from "./search-finder.ts";
import type { Row } from "./search-protocol.ts";

const ACCESS = { writes: "write", reads: "read", accesses: "readWrite" } as const;

/** Steps that wrote, read or accessed memory. One step is one row, whatever else it accessed. */
export function accessFinder({ parts, question, task, tally }: FinderTask<"writes" | "reads" | "accesses">): Finder {
  const watches = watchesOf(task.settled, ACCESS[question.kind]);
  const row = (instant: number, hits: readonly WatchHit[]): Row => {
    // An atomic operation both reads and writes: what it wrote is what is in memory now.
    const hit = hits.find(({ access }) => access === "write") ?? hits[0];
    const access = accessFound(parts.machine, hit, watches);
    return {
      ...placeOf(parts, instant, hit.hart, hit.pc),
      text: accessText(parts, access),
      number: Number(access.value),
      bits: access.value,
      access,
    };
  };
  return {
    stops: watching(watches),
    visit: ({ instant, stop }) => {
      if (stop.kind !== "watch") return COST.hit;
      const isListed = tally.count(instant);
      if (isListed) tally.listed.push(row(instant, stop.hits));
      return tally.isOver ? "end" : isListed ? COST.row : COST.hit;
    },
  };
}
