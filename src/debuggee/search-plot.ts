import { joined, only } from "./search-columns.ts";
import type { SeriesBucket } from "./search-protocol.ts";

/** What a part says of a plot: columns that are narrow enough. */
export interface PlotPart {
  readonly columns: readonly SeriesBucket[];
  /** Rows at the beginning that are none. */
  readonly uncounted: number;
  /** The value that it begins with, where that is not the one that the part before ends with. */
  readonly start: number | undefined;
}

/** Columns of one width over [from, to), out of the narrower ones of parts that follow each other. `before`: the value ahead of them. */
export function plot(
  parts: readonly PlotPart[],
  before: number | undefined,
  { from, to, width }: { readonly from: number; readonly to: number; readonly width: number },
): SeriesBucket[] {
  const columns = parts.flatMap(({ columns: found, uncounted }) =>
    found.map((column, index) => (index === 0 ? { ...column, changes: column.changes - uncounted } : column)),
  );
  const plotted: SeriesBucket[] = [];
  let value = parts[0]?.start ?? before;
  let next = 0;
  for (let start = from; start < to; start += width) {
    const end = Math.min(start + width, to);
    let bucket: SeriesBucket = { from: start, to: end, ...only(value), changes: 0 };
    for (; next < columns.length && columns[next].from < end; next++) {
      bucket = { ...joined(bucket, columns[next]), from: start, to: end };
      value = columns[next].last;
    }
    plotted.push(bucket);
  }
  return plotted;
}
