import { isNumeric, type ValueRange } from "./series.ts";
import type { SeriesColumn } from "./watch-messages.ts";

/** Where a series is drawn, in CSS pixels. */
export interface SeriesPlace {
  readonly x: (instant: number) => number;
  readonly top: number;
  readonly bottom: number;
  readonly colour: string;
}

/** So thick is what stays the same. */
const LINE = 2;
const SEAM = 0.5;
/** Share of the height that bands take. */
const BAND = 0.5;

/** Where a value lies; one that never changes lies in the middle. */
export function yOf(
  value: number,
  { min, max }: ValueRange,
  { top, bottom }: Pick<SeriesPlace, "top" | "bottom">,
): number {
  if (min === max) return (top + bottom) / 2;
  return bottom - ((value - min) / (max - min)) * (bottom - top);
}

/** Columns of numbers as a line that is as thick as what it passes over; columns of anything else as bands with a tick for each change. */
export function paintColumns(
  context: CanvasRenderingContext2D,
  columns: readonly SeriesColumn[],
  range: ValueRange | undefined,
  place: SeriesPlace,
): void {
  context.fillStyle = place.colour;
  if (range === undefined || !isNumeric(columns)) paintBands(context, columns, place);
  else paintNumbers(context, columns, range, place);
}

function paintNumbers(
  context: CanvasRenderingContext2D,
  columns: readonly SeriesColumn[],
  range: ValueRange,
  place: SeriesPlace,
): void {
  let before: number | undefined;
  for (const { from, to, min, max, first, last } of columns) {
    if (min === undefined || max === undefined) {
      before = undefined;
      continue;
    }
    const x = place.x(from);
    // Overlaps its neighbour, lest a seam show where they meet within a pixel.
    const width = Math.max(place.x(to) - x, 1) + SEAM;
    const upper = yOf(max, range, place);
    const lower = yOf(min, range, place);
    context.fillRect(x, upper - LINE / 2, width, lower - upper + LINE);
    if (before !== undefined && first !== undefined && before !== first) {
      const one = yOf(before, range, place);
      const other = yOf(first, range, place);
      context.fillRect(x - LINE / 2, Math.min(one, other) - LINE / 2, LINE, Math.abs(one - other) + LINE);
    }
    before = last;
  }
}

function paintBands(context: CanvasRenderingContext2D, columns: readonly SeriesColumn[], place: SeriesPlace): void {
  const height = (place.bottom - place.top) * BAND;
  const top = (place.top + place.bottom - height) / 2;
  for (const { from, to, changes } of columns) {
    const x = place.x(from);
    const width = Math.max(place.x(to) - x, 1);
    context.globalAlpha = 0.25;
    context.fillRect(x, top, width, height);
    context.globalAlpha = 1;
    if (changes > 0) context.fillRect(x, top, Math.max(Math.min(width, LINE), 1), height);
  }
}

/** The instant where the machine stands, and its small handle. */
export function paintPresentLine(context: CanvasRenderingContext2D, x: number, height: number, colour: string): void {
  context.fillStyle = colour;
  context.fillRect(Math.round(x) - 1, 0, 2, height);
}

/** What has not been searched yet is hatched. */
export function paintUnknown(
  context: CanvasRenderingContext2D,
  from: number,
  to: number,
  top: number,
  bottom: number,
  colour: string,
): void {
  if (to - from < 1) return;
  context.save();
  context.beginPath();
  context.rect(from, top, to - from, bottom - top);
  context.clip();
  context.strokeStyle = colour;
  context.globalAlpha = 0.45;
  context.lineWidth = 1;
  context.beginPath();
  const height = bottom - top;
  for (let x = from - height; x < to; x += 7) {
    context.moveTo(x, bottom);
    context.lineTo(x + height, top);
  }
  context.stroke();
  context.restore();
}
