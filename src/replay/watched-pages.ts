import type { MachineLike } from "../machine/machine-interface.ts";
import type { StopConditions } from "../machine/stop.ts";

/** The pages of which one is written wherever one of the stops is hit; undefined: there are no such pages. */
export function watchedPages(stops: StopConditions, { writtenPages }: MachineLike): readonly number[] | undefined {
  const { breakpoints, filters: _, watches, exceptions, replayHints, interrupts, ...others } = stops;
  // A kind of stop that is not known here may be hit anywhere; filters only take hits away.
  if (writtenPages === undefined || Object.keys(others).length > 0) return undefined;
  if (breakpoints.length + exceptions.length > 0 || replayHints === true || interrupts === true) return undefined;
  if (watches.length === 0) return undefined;
  const pages = new Set<number>();
  for (const { address, length, access } of watches) {
    const own = access === "write" ? writtenPages.pagesOf(address, length) : undefined;
    if (own === undefined) return undefined;
    for (const page of own) pages.add(page);
  }
  return [...pages].sort((a, b) => a - b);
}
