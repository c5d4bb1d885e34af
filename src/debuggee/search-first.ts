import type { Instant, PhysicalAddress } from "../base/brand.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { currentHart } from "./hart-turns.ts";
import { accessRow, COST, nextEvents, placeOf, type SearchParts, watchesOf, watching } from "./search-finder.ts";
import type { DifferencePlace, Question, Row, SegmentTask, Settled } from "./search-protocol.ts";
import type { SegmentSearch } from "./segment-search.ts";

/** The first row of a question from an instant on, and no further. */
export function* firstRow(
  search: SegmentSearch,
  question: Question,
  from: number,
  to: number,
): Motion<Row | undefined> {
  // A series begins with the value that it has.
  const first = question.kind === "series" && question.at === undefined ? 1 : 0;
  const settled = search.settle(question);
  const task: SegmentTask = { question, settled, from, to, mostMarks: 0, list: { first, count: 1 } };
  const { listed } = yield* search.search(task);
  return listed[0];
}

/** The first step behind which memory is not what it is at an instant; an event may have changed it as well. */
function* firstDifferentBytes(parts: SearchParts, settled: Settled, from: number, to: number): Motion<Row | undefined> {
  const { machine, timeline } = parts;
  const watches = watchesOf(settled, "write");
  const bytes = () =>
    watches.flatMap(({ address, length }) => machine.peekPhysical(address as PhysicalAddress, length)).join();
  let before = "";
  let found: Row | undefined;
  yield* timeline.scan(
    {
      stops: watching(watches),
      begin: () => {
        before = bytes();
        return COST.hit;
      },
      visit: ({ instant, stop }) => {
        if (stop.kind !== "watch" || bytes() === before) return COST.hit;
        found = accessRow(parts, instant, stop.hits, watches);
        return "end";
      },
      looksAtWatched: true,
      nextLook: nextEvents(parts),
      look: () => {
        if (bytes() === before) return COST.hit;
        const hart = currentHart(machine);
        found ??= { ...placeOf(parts, machine.instant - 1, hart, machine.harts[hart].pc), text: "changed by an event" };
        return "end";
      },
    },
    from as Instant,
    to as Instant,
  );
  return found;
}

/** The first instant at which a place is not what it is at another one. */
export function* firstDifference(
  search: SegmentSearch,
  place: DifferencePlace,
  from: number,
  to: number,
): Motion<Row | undefined> {
  if ("expression" in place) return yield* firstRow(search, { kind: "series", ...place }, from, to);
  const settled = search.settle({ kind: "writes", ...place });
  return yield* firstDifferentBytes(search.parts, settled, from, to);
}
