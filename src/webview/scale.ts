/** The arithmetic of the timeline's axis: ranges of instants, and where they lie on so many pixels. */

/** A stretch of history, both ends included. Fractions are allowed: a range is what is in view, not what can be reached. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Fewer instants than this across the view tell nothing more: steps are whole. */
export const MINIMUM_SPAN = 8;

/** Room at both ends, in pixels, so that what lies at the start or at the end of history is not cut in half. */
const INSET = 8;

export function xOf(instant: number, range: Range, width: number): number {
  return INSET + (instant - range.from) / instantsPerPixel(range, width);
}

/** The inverse of `xOf`: a point in history, not necessarily a whole instant or one that exists. */
export function pointAt(x: number, range: Range, width: number): number {
  return range.from + (x - INSET) * instantsPerPixel(range, width);
}

export function instantsPerPixel(range: Range, width: number): number {
  return (range.to - range.from) / Math.max(1, width - 2 * INSET);
}

/** The instant under a pixel, whole and within `bounds`. */
export function instantAt(x: number, range: Range, width: number, bounds: Range): number {
  const instant = Math.round(pointAt(x, range, width));
  return Math.min(Math.max(instant, bounds.from), bounds.to);
}

/** All of history; never empty, so that a machine that has not yet made a step has an axis as well. */
export function wholeRange(first: number, end: number): Range {
  return { from: first, to: Math.max(end, first + MINIMUM_SPAN) };
}

/** Zooms by `factor` (2: twice as much is in view) such that `around` stays under the same pixel. */
export function zoom(range: Range, factor: number, around: number, bounds: Range): Range {
  const span = range.to - range.from;
  const wanted = Math.min(Math.max(span * factor, MINIMUM_SPAN), bounds.to - bounds.from);
  const share = (around - range.from) / span;
  return within({ from: around - share * wanted, to: around + (1 - share) * wanted }, bounds);
}

export function pan(range: Range, instants: number, bounds: Range): Range {
  return within({ from: range.from + instants, to: range.to + instants }, bounds);
}

/** Moves the range as little as possible such that `instant` is in it, at least a tenth of the span from its ends. */
export function showing(range: Range, instant: number, bounds: Range): Range {
  const margin = (range.to - range.from) / 10;
  if (instant >= range.from && instant <= range.to) return range;
  const shift = instant < range.from ? instant - margin - range.from : instant + margin - range.to;
  return pan(range, shift, bounds);
}

/** Shifts a range that sticks out of `bounds` back into them; cuts it when it is longer than they are. */
export function within(range: Range, bounds: Range): Range {
  const span = Math.min(range.to - range.from, bounds.to - bounds.from);
  const from = Math.min(Math.max(range.from, bounds.from), bounds.to - span);
  return { from, to: from + span };
}

/** Round instants (1, 2 or 5 times a power of ten apart) that lie at least `spacing` pixels from each other. */
export function ticks(range: Range, width: number, spacing: number): number[] {
  const least = Math.max(instantsPerPixel(range, width) * spacing, 1);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= least * (1 - 1e-9))!;
  const found: number[] = [];
  for (let tick = Math.ceil(range.from / step) * step; tick <= range.to; tick += step) found.push(tick);
  return found;
}

const UNITS = [
  { size: 1e12, name: "T" },
  { size: 1e9, name: "G" },
  { size: 1e6, name: "M" },
  { size: 1e3, name: "k" },
];

/** `1,234,567`. */
export function exact(instant: number): string {
  return instant.toLocaleString("en-US");
}

/** `12.5M`, with as many digits as tell ticks `step` apart from each other; in full where that would be no shorter. */
export function compact(instant: number, step: number): string {
  const unit = UNITS.find(({ size }) => instant >= size);
  if (unit === undefined) return exact(instant);
  const digits = Math.max(0, Math.ceil(Math.log10(unit.size / step) - 1e-9));
  return digits > 3 ? exact(instant) : `${(instant / unit.size).toFixed(digits)}${unit.name}`;
}
