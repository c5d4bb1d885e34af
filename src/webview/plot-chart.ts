import { AxisCanvas, type AxisListener } from "./axis.ts";
import { AXIS_HEIGHT, paintFuture, paintPresent, paintTicks } from "./painter.ts";
import { instantsPerPixel, pointAt, xOf } from "./scale.ts";
import { columnAt, type NumberStyle, numberText, type ValueRange, valueRange, withoutGaps } from "./series.ts";
import { paintColumns, paintUnknown, yOf } from "./series-painter.ts";
import type { Change, SeriesColumn, Stretch } from "./watch-messages.ts";

/** Less room than this shows no values. */
export const LEAST_TRACK_HEIGHT = 56;
/** Room of a track above and below its line: the numbers of its scale stand there. */
const INSET = 18;
/** How near to a change, in CSS pixels, the pointer counts as being on it. */
const REACH = 6;
/** Shades of bands: different values beside each other look different. */
const SHADES = [0.22, 0.5, 0.34, 0.64];

/** One expression on the axis. */
export interface Track {
  readonly key: number;
  readonly colour: string;
  readonly style: NumberStyle;
  readonly selected: boolean;
  /** Everything from here on has been searched. */
  readonly searchedFrom: number;
  /** The last one that was answered; it may be of another stretch than that in view. */
  readonly shown?: { readonly from: number; readonly to: number; readonly stretch: Stretch };
}

/** What is under the pointer. */
export interface Pointed {
  readonly x: number;
  readonly y: number;
  readonly instant: number;
  readonly track?: Track;
  /** One change, or a column of several. */
  readonly change?: { readonly change: Change; readonly before?: Change; readonly on: boolean };
  readonly column?: SeriesColumn;
}

export interface PlotListener extends AxisListener {
  pointed(at: Pointed | undefined): void;
  select(track: Track): void;
  /** A key asks for the change before or behind the selected one. */
  beside(direction: "previous" | "next"): void;
  /** A key travels to the selected change. */
  enter(): void;
  escape(): void;
}

/** The plot's canvas: a track for each expression over one axis. */
export class PlotChart extends AxisCanvas {
  private readonly listener: PlotListener;
  private tracks: readonly Track[] = [];
  private marked: number | undefined;

  constructor(canvas: HTMLCanvasElement, listener: PlotListener) {
    super(canvas, listener);
    this.listener = listener;
  }

  show(tracks: readonly Track[]): void {
    this.tracks = tracks;
    this.draw();
  }

  /** The change that the list has chosen. */
  mark(instant: number | undefined): void {
    this.marked = instant;
    if (instant !== undefined) this.reveal(instant);
    this.draw();
  }

  protected override clicked(x: number, y: number): number {
    const { track, change, instant } = this.at(x, y);
    if (track !== undefined) this.listener.select(track);
    return change?.on === true ? change.change.instant : instant;
  }

  protected override pointed(at: { readonly x: number; readonly y: number } | undefined): number | undefined {
    const pointed = at && this.at(at.x, at.y);
    this.canvas.classList.toggle("on-change", pointed?.change?.on === true);
    this.listener.pointed(pointed);
    return pointed?.change?.on === true ? pointed.change.change.instant : pointed?.instant;
  }

  protected override keys(): Readonly<Record<string, () => unknown>> {
    return {
      ArrowLeft: () => this.listener.beside("previous"),
      ArrowRight: () => this.listener.beside("next"),
      Enter: () => this.listener.enter(),
      Escape: () => this.listener.escape(),
    };
  }

  protected override paint(context: CanvasRenderingContext2D, width: number, height: number): void {
    const { range, position, palette } = this;
    context.clearRect(0, 0, width, height);
    const each = this.trackHeight(height);
    for (const [index, track] of this.tracks.entries()) {
      const top = AXIS_HEIGHT + index * each;
      context.fillStyle = palette.stripe;
      if (track.selected && this.tracks.length > 1) context.fillRect(0, top, width, each);
      context.fillStyle = palette.line;
      if (index > 0) context.fillRect(0, Math.round(top), width, 1);
    }
    paintFuture(context, width, height, { range, position }, palette);
    paintTicks(context, width, height, range, palette);
    for (const [index, track] of this.tracks.entries()) {
      this.paintTrack(context, width, AXIS_HEIGHT + index * each, each, track);
    }
    if (this.marked !== undefined) {
      context.fillStyle = palette.focus;
      context.fillRect(Math.round(xOf(this.marked, range, width)), AXIS_HEIGHT, 1, height - AXIS_HEIGHT);
    }
    if (this.hover !== undefined) {
      context.fillStyle = palette.muted;
      context.fillRect(Math.round(xOf(this.hover, range, width)), 0, 1, height);
    }
    paintPresent(context, width, height, { range, position }, palette);
  }

  private paintTrack(
    context: CanvasRenderingContext2D,
    width: number,
    trackTop: number,
    height: number,
    track: Track,
  ): void {
    const top = trackTop + INSET;
    const bottom = trackTop + height - INSET;
    const x = (instant: number) => xOf(instant, this.range, width);
    context.save();
    context.beginPath();
    context.rect(0, trackTop, width, height);
    context.clip();
    paintUnknown(
      context,
      x(this.position.first),
      Math.min(x(track.searchedFrom), width),
      top,
      bottom,
      this.palette.muted,
    );
    const columns = columnsOf(track);
    const values = valueRange(columns.filter(({ from, to }) => to >= this.range.from && from <= this.range.to));
    const place = { x, top, bottom, colour: track.colour };
    if (values === undefined && track.shown?.stretch.kind === "changes") {
      this.paintStates(context, width, track.shown, place);
    } else {
      paintColumns(context, columns, values, place);
      if (values !== undefined) this.paintScale(context, values, place, track.style);
    }
    context.restore();
  }

  /** The values at the upper and the lower edge. */
  private paintScale(
    context: CanvasRenderingContext2D,
    values: ValueRange,
    place: { readonly top: number; readonly bottom: number },
    style: NumberStyle,
  ): void {
    context.font = this.palette.font;
    context.fillStyle = this.palette.muted;
    context.textBaseline = "middle";
    if (values.min === values.max) {
      context.fillText(numberText(values.min, style), 6, yOf(values.min, values, place) - 9);
      return;
    }
    context.fillText(numberText(values.max, style), 6, place.top - 9);
    context.fillText(numberText(values.min, style), 6, place.bottom + 9);
  }

  /** What is no number: each value is a band as long as it lasted, with its text where there is room. */
  private paintStates(
    context: CanvasRenderingContext2D,
    width: number,
    shown: NonNullable<Track["shown"]>,
    { x, top, bottom, colour }: { x: (instant: number) => number; top: number; bottom: number; colour: string },
  ): void {
    if (shown.stretch.kind !== "changes") return;
    const { changes } = shown.stretch;
    const height = Math.min(bottom - top, 26);
    const upper = (top + bottom - height) / 2;
    const shades = new Map<string, number>();
    context.font = this.palette.font;
    context.textBaseline = "middle";
    for (const [index, change] of changes.entries()) {
      const text = change.problem ?? change.text;
      if (!shades.has(text)) shades.set(text, SHADES[shades.size % SHADES.length]);
      const left = Math.max(x(change.instant), -2);
      const right = Math.min(x(changes[index + 1]?.instant ?? shown.to), width + 2);
      if (right <= left) continue;
      context.globalAlpha = shades.get(text)!;
      context.fillStyle = colour;
      context.fillRect(left, upper, right - left, height);
      context.globalAlpha = 1;
      context.fillRect(left, upper, Math.min(1.5, right - left), height);
      if (right - left > 24) {
        context.save();
        context.beginPath();
        context.rect(left, upper, right - left - 4, height);
        context.clip();
        context.fillStyle = this.palette.text;
        context.fillText(text, Math.max(left, 0) + 6, (top + bottom) / 2 + 0.5);
        context.restore();
      }
    }
  }

  private trackHeight(height: number): number {
    return (height - AXIS_HEIGHT) / Math.max(1, this.tracks.length);
  }

  private at(x: number, y: number): Pointed {
    const instant = this.instantAt(x);
    const index = Math.floor((y - AXIS_HEIGHT) / this.trackHeight(this.canvas.clientHeight));
    const track = y < AXIS_HEIGHT ? undefined : this.tracks[index];
    const base = { x, y, instant, ...(track === undefined ? {} : { track }) };
    const stretch = track?.shown?.stretch;
    if (stretch?.kind === "changes") {
      const change = this.changeAt(stretch.changes, x);
      return change === undefined ? base : { ...base, change };
    }
    const column = track && columnAt(columnsOf(track), instant);
    return column === undefined ? base : { ...base, column };
  }

  /** The change near a pixel, else the one that its value comes from. */
  private changeAt(changes: readonly Change[], x: number): Pointed["change"] {
    const point = pointAt(x, this.range, this.width);
    const reach = REACH * instantsPerPixel(this.range, this.width);
    let nearest = -1;
    for (const [index, { instant }] of changes.entries()) {
      const distance = Math.abs(instant - point);
      if (distance <= reach && (nearest < 0 || distance < Math.abs(changes[nearest].instant - point))) nearest = index;
    }
    if (nearest >= 0) {
      const before = changes[nearest - 1];
      return { change: changes[nearest], on: true, ...(before === undefined ? {} : { before }) };
    }
    const holding = changes.findLast(({ instant }) => instant <= point);
    return holding && { change: holding, on: false };
  }
}

/** What a track draws: the columns that were answered, or one for each value that lasted. */
function columnsOf({ shown }: Track): readonly SeriesColumn[] {
  if (shown === undefined) return [];
  const { from, to, stretch } = shown;
  if (stretch.kind === "columns") return withoutGaps(stretch.columns, from, to);
  return stretch.changes.map(({ instant, number }, index) => {
    const end = stretch.changes[index + 1]?.instant ?? Math.max(to, instant);
    const value = number === undefined ? {} : { min: number, max: number, first: number, last: number };
    return { from: instant, to: end, changes: index === 0 ? 0 : 1, ...value };
  });
}
