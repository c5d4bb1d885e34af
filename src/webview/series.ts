/** Series of values as pictures: which columns there are, what lies between them, how a scale is written. No document in here. */
import type { SeriesColumn } from "./watch-messages.ts";

export interface ValueRange {
  readonly min: number;
  readonly max: number;
}

/** What the values of columns span; undefined when none is a number. */
export function valueRange(columns: readonly SeriesColumn[]): ValueRange | undefined {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const column of columns) {
    if (column.min === undefined || column.max === undefined) continue;
    min = Math.min(min, column.min);
    max = Math.max(max, column.max);
  }
  return min > max ? undefined : { min, max };
}

/** Whether numbers are what there is to see; else the series is drawn as bands. */
export function isNumeric(columns: readonly SeriesColumn[]): boolean {
  return columns.some(({ min }) => min !== undefined);
}

/**
 * Columns without gaps from `from` to `to`: where nothing changed the value is what it was. A stretch before the first
 * column has the value with which that begins.
 */
export function withoutGaps(columns: readonly SeriesColumn[], from: number, to: number): SeriesColumn[] {
  const filled: SeriesColumn[] = [];
  let at = from;
  let held = columns[0]?.first;
  for (const column of columns) {
    if (column.from > at) filled.push(still(at, column.from, held));
    filled.push(column);
    at = column.to;
    held = column.last;
  }
  if (at < to) filled.push(still(at, to, held));
  return filled;
}

/** A column in which nothing changes. */
function still(from: number, to: number, value: number | undefined): SeriesColumn {
  if (value === undefined) return { from, to, changes: 0 };
  return { from, to, changes: 0, min: value, max: value, first: value, last: value };
}

/** The column that an instant lies in. `columns` ascend. */
export function columnAt(columns: readonly SeriesColumn[], instant: number): SeriesColumn | undefined {
  let low = 0;
  let high = columns.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (columns[middle].to <= instant) low = middle + 1;
    else high = middle;
  }
  const found = columns[low];
  return found !== undefined && found.from <= instant ? found : undefined;
}

/** Numbers as the series writes them: in hexadecimal where its values are. */
export type NumberStyle = "decimal" | "hexadecimal";

const LONG = 1e9;

export function numberText(value: number, style: NumberStyle): string {
  // Beyond 2^53 not all digits are known.
  if (style === "hexadecimal" && Number.isSafeInteger(value) && value >= 0) return `0x${value.toString(16)}`;
  if (!Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  return Math.abs(value) >= LONG ? value.toExponential(3) : value.toLocaleString("en-US");
}

/** What an interval of values is called: `42`, `0 … 63`. */
export function rangeText({ min, max }: ValueRange, style: NumberStyle): string {
  return min === max ? numberText(min, style) : `${numberText(min, style)} … ${numberText(max, style)}`;
}

/** `1 change`, `≥ 12 changes`, `1,204 changes`. */
export function changesText(changes: number, exact: boolean): string {
  const count = changes.toLocaleString("en-US");
  if (!exact) return `≥ ${count} ${changes === 1 ? "change" : "changes"}`;
  if (changes === 0) return "never changes";
  return `${count} ${changes === 1 ? "change" : "changes"}`;
}

/** Of a value that is written twice, `0x603 (1539)`, what counts: where there is no room for both. */
export function shortText(value: string): string {
  return /^0x[0-9a-f]+ \((-?\d+)\)$/i.exec(value)?.[1] ?? value;
}
