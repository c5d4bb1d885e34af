import type { WatchHit } from "../machine/stop.ts";
import { accessRow, COST, type Finder, type FinderTask, watchesOf, watching } from "./search-finder.ts";
import type { Row } from "./search-protocol.ts";

const ACCESS = { writes: "write", reads: "read", accesses: "readWrite" } as const;

/** Steps that wrote, read or accessed memory. */
export function accessFinder({ parts, question, task, tally }: FinderTask<"writes" | "reads" | "accesses">): Finder {
  const watches = watchesOf(task.settled, ACCESS[question.kind]);
  const row = (instant: number, hits: readonly WatchHit[]): Row => {
    const { access, ...found } = accessRow(parts, instant, hits, watches);
    return { ...found, number: Number(access.value), bits: access.value, access };
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
