import { exact } from "./scale.ts";
import { columnAt, type NumberStyle, rangeText, valueRange, withoutGaps } from "./series.ts";
import { paintColumns, paintPresentLine, paintUnknown } from "./series-painter.ts";
import type { SeriesColumn, WatchPosition, WatchRow } from "./watch-messages.ts";

const HEIGHT = 30;
/** Room above and below, so that the line is not cut in half. */
const INSET = 4;

/** A row's values over the whole recording, with the present marked. A click travels. */
export class Sparkline {
  readonly canvas = document.createElement("canvas");
  private row: WatchRow | undefined;
  private position: WatchPosition | undefined;
  private columns: readonly SeriesColumn[] = [];
  private hover: number | undefined;
  private frame = 0;
  private readonly hovered: (text: string | undefined) => void;

  /** @param hovered hears what is under the pointer. */
  constructor(travel: (instant: number) => void, hovered: (text: string | undefined) => void) {
    this.hovered = hovered;
    this.canvas.className = "line";
    this.canvas.ariaHidden = "true";
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    this.canvas.addEventListener("pointermove", (event) => this.hoverAt(event.offsetX));
    this.canvas.addEventListener("pointerleave", () => this.hoverAt(undefined));
    this.canvas.addEventListener("click", (event) => {
      const instant = this.instantAt(event.offsetX);
      if (instant !== undefined) travel(instant);
    });
  }

  show(row: WatchRow, position: WatchPosition): void {
    this.row = row;
    this.position = position;
    const { line } = row;
    this.columns = line === undefined ? [] : withoutGaps(line.columns, line.searchedFrom, line.to);
    this.draw();
  }

  /** Colours changed. */
  draw(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  private paint(): void {
    const { canvas, row, position } = this;
    const width = canvas.clientWidth;
    if (width === 0 || row === undefined || position === undefined) return;
    const ratio = window.devicePixelRatio;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(HEIGHT * ratio);
    const context = canvas.getContext("2d")!;
    context.scale(ratio, ratio);
    const colours = colouring(canvas);
    const x = (instant: number) => this.xOf(instant);
    const known = row.line?.searchedFrom ?? position.end;
    paintUnknown(context, 0, x(known), INSET, HEIGHT - INSET, colours.muted);
    paintColumns(context, this.columns, valueRange(this.columns), {
      x,
      top: INSET,
      bottom: HEIGHT - INSET,
      colour: colours.line,
    });
    if (this.hover !== undefined) {
      context.fillStyle = colours.muted;
      context.fillRect(Math.round(this.hover), 0, 1, HEIGHT);
    }
    paintPresentLine(context, Math.min(Math.max(x(position.now), 1), width - 1), HEIGHT, colours.present);
  }

  private hoverAt(x: number | undefined): void {
    this.hover = x;
    const instant = x === undefined ? undefined : this.instantAt(x);
    this.hovered(instant === undefined ? undefined : this.textAt(instant));
    this.draw();
  }

  private textAt(instant: number): string {
    const column = columnAt(this.columns, instant);
    const where = `instant ${exact(instant)}`;
    if (column === undefined) return `${where}: not searched yet`;
    const changes =
      column.changes === 0 ? "" : `, ${exact(column.changes)} ${column.changes === 1 ? "change" : "changes"}`;
    const { min, max } = column;
    if (min === undefined || max === undefined) return `${where}${changes}`;
    return `${where}: ${rangeText({ min, max }, styleOf(this.row))}${changes}`;
  }

  private get bounds(): { readonly from: number; readonly to: number } {
    const { first = 0, end = 1 } = this.position ?? {};
    return { from: first, to: Math.max(end, first + 1) };
  }

  private xOf(instant: number): number {
    const { from, to } = this.bounds;
    return ((instant - from) / (to - from)) * this.canvas.clientWidth;
  }

  private instantAt(x: number): number | undefined {
    if (this.position === undefined) return undefined;
    const { from, to } = this.bounds;
    const instant = Math.round(from + (x / this.canvas.clientWidth) * (to - from));
    return Math.min(Math.max(instant, from), this.position.end);
  }
}

/** As the row's value is written, so are the numbers of its line: `0x30 (48)` is a number, `0x80001000` an address. */
export function styleOf(row: { readonly value?: string } | undefined): NumberStyle {
  const value = row?.value ?? "";
  return /^0x/.test(value) && !/\(-?\d+\)/.test(value) ? "hexadecimal" : "decimal";
}

function colouring(element: Element): { line: string; muted: string; present: string } {
  const style = getComputedStyle(element);
  const variable = (name: string, fallback: string) => style.getPropertyValue(name).trim() || fallback;
  return {
    line: variable("--series", "#3794ff"),
    muted: variable("--vscode-descriptionForeground", "#888888"),
    present: variable("--vscode-debugIcon-breakpointCurrentStackframeForeground", "#ffcc00"),
  };
}
