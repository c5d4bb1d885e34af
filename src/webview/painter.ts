import { LANES, type Lane } from "./marks.ts";
import type { Mark, Position } from "./messages.ts";
import { compact, type Range, ticks, xOf } from "./scale.ts";

/** Height of the strip with the ticks above the lanes, in CSS pixels; timeline.css has the same number. */
export const AXIS_HEIGHT = 24;
const TICK_SPACING = 90;
/** The triangle that holds the present's line, half its width. */
const HANDLE = 6;
/** Of the ground behind a branch's origin: marks stay readable on it. */
const BRANCH_OPACITY = 0.14;
const SPAN_OPACITY = 0.6;

export interface Picture {
  readonly range: Range;
  readonly position: Position;
  /** Ascending. */
  readonly marks: readonly Mark[];
  readonly lanes: readonly Lane[];
  readonly dimmed: (mark: Mark) => boolean;
  readonly selected: Mark | undefined;
  /** Where the pointer is, if it is over the canvas. */
  readonly hovered: number | undefined;
}

export interface Palette {
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly stripe: string;
  readonly future: string;
  /** How much of the ground the future's colour covers: high contrast leaves black black. */
  readonly futureOpacity: number;
  readonly present: string;
  readonly branch: string;
  readonly focus: string;
  readonly lanes: ReadonlyMap<Lane["kind"], string>;
  readonly font: string;
}

/** Reads the theme's colours. Called anew whenever the theme changes. */
export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const variable = (name: string, fallback: string) => style.getPropertyValue(name).trim() || fallback;
  return {
    text: variable("--vscode-foreground", "#888888"),
    muted: variable("--vscode-descriptionForeground", "#888888"),
    line: variable("--vscode-panel-border", variable("--vscode-contrastBorder", "#80808059")),
    stripe: variable("--vscode-list-hoverBackground", "#8080801a"),
    future: variable("--vscode-editor-inactiveSelectionBackground", "#80808026"),
    futureOpacity: element.matches(".vscode-high-contrast, .vscode-high-contrast-light") ? 0.12 : 0.5,
    present: variable("--vscode-debugIcon-breakpointCurrentStackframeForeground", "#ffcc00"),
    branch: variable("--vscode-charts-purple", "#b180d7"),
    focus: variable("--vscode-focusBorder", "#007fd4"),
    lanes: new Map(LANES.map((lane) => [lane.kind, variable(...lane.colour)])),
    font: `11px ${variable("--vscode-font-family", "sans-serif")}`,
  };
}

export function laneHeight(height: number, lanes: readonly Lane[]): number {
  return (height - AXIS_HEIGHT) / lanes.length;
}

/** Draws everything anew; `width` and `height` in CSS pixels, the context already scaled to device pixels. */
export function paint(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  picture: Picture,
  palette: Palette,
): void {
  context.clearRect(0, 0, width, height);
  paintLanes(context, width, height, picture, palette);
  paintFuture(context, width, height, picture, palette);
  paintBranch(context, width, height, picture, palette);
  paintTicks(context, width, height, picture.range, palette);
  paintMarks(context, width, height, picture, palette);
  if (picture.hovered !== undefined) {
    context.fillStyle = palette.muted;
    context.fillRect(Math.round(xOf(picture.hovered, picture.range, width)), 0, 1, height);
  }
  paintPresent(context, width, height, picture, palette);
}

function paintLanes(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  { lanes }: Picture,
  palette: Palette,
): void {
  const each = laneHeight(height, lanes);
  context.fillStyle = palette.stripe;
  for (let lane = 0; lane < lanes.length; lane += 2) {
    context.fillRect(0, Math.round(AXIS_HEIGHT + lane * each), width, Math.round(each));
  }
}

/** What lies after the present, or beyond the end of history, has another ground. */
export function paintFuture(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  { range, position }: Pick<Picture, "range" | "position">,
  palette: Palette,
): void {
  const present = Math.max(0, xOf(position.now, range, width));
  if (present >= width) return;
  context.save();
  context.globalAlpha = palette.futureOpacity;
  context.fillStyle = palette.future;
  context.fillRect(present, AXIS_HEIGHT, width - present, height - AXIS_HEIGHT);
  context.restore();
}

/** A branch is another run from its origin on: a line at the origin, and another ground behind it. */
function paintBranch(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  { range, position }: Pick<Picture, "range" | "position">,
  palette: Palette,
): void {
  const { branch } = position;
  if (branch === undefined) return;
  const origin = xOf(branch.origin, range, width);
  const from = Math.max(0, origin);
  const to = Math.min(width, Math.max(xOf(position.end, range, width), from));
  context.save();
  context.fillStyle = palette.branch;
  context.globalAlpha = BRANCH_OPACITY;
  context.fillRect(from, AXIS_HEIGHT, to - from, height - AXIS_HEIGHT);
  context.globalAlpha = 1;
  context.fillRect(from, AXIS_HEIGHT - 3, to - from, 3);
  // Half a line would be cut off at the very ends.
  const line = Math.min(Math.max(Math.round(origin), 0), width - 2);
  if (origin >= 0 && origin <= width) context.fillRect(line, AXIS_HEIGHT - 3, 2, height - AXIS_HEIGHT + 3);
  context.restore();
}

export function paintTicks(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  range: Range,
  palette: Palette,
): void {
  const instants = ticks(range, width, TICK_SPACING);
  const step = instants.length > 1 ? instants[1] - instants[0] : 1;
  context.font = palette.font;
  context.textBaseline = "middle";
  for (const instant of instants) {
    const x = Math.round(xOf(instant, range, width));
    context.fillStyle = palette.line;
    context.fillRect(x, AXIS_HEIGHT - 6, 1, height - AXIS_HEIGHT + 6);
    const label = compact(instant, step);
    const half = context.measureText(label).width / 2;
    context.fillStyle = palette.muted;
    context.fillText(label, Math.min(Math.max(x - half, 2), width - 2 * half - 2), 10);
  }
  context.fillStyle = palette.line;
  context.fillRect(0, AXIS_HEIGHT - 1, width, 1);
}

function paintMarks(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  picture: Picture,
  palette: Palette,
): void {
  const { lanes } = picture;
  const each = laneHeight(height, lanes);
  // Thousands of marks share a pixel column when much is in view: one of them is enough.
  const lastX = new Map<Lane, number>();
  for (const mark of picture.marks) {
    const x = xOf(mark.instant, picture.range, width);
    const index = lanes.findIndex((lane) => lane.kind === mark.kind);
    const lane = lanes[index];
    if (lane === undefined || picture.dimmed(mark)) continue;
    const selected = mark === picture.selected;
    const y = AXIS_HEIGHT + (index + 0.5) * each;
    if (lane.shape === "span") {
      paintSpan(context, { mark, y, each, selected, width }, picture, palette);
      continue;
    }
    if (x < -HANDLE || x > width + HANDLE) continue;
    if (!selected && Math.round(x) === lastX.get(lane)) continue;
    lastX.set(lane, Math.round(x));
    context.fillStyle = palette.lanes.get(lane.kind)!;
    drawShape(context, lane.shape, x, y, Math.min(each, 20));
    if (selected) {
      context.strokeStyle = palette.focus;
      context.lineWidth = 1.5;
      context.strokeRect(x - 8, y - each / 2 + 1, 16, each - 2);
    }
  }
}

/** What lasts is a bar as long as it lasts; where several do at once the lane is darker. */
function paintSpan(
  context: CanvasRenderingContext2D,
  at: {
    readonly mark: Mark;
    readonly y: number;
    readonly each: number;
    readonly selected: boolean;
    readonly width: number;
  },
  { range, position }: Picture,
  palette: Palette,
): void {
  const { mark, y, each, selected, width } = at;
  const left = Math.max(-2, xOf(mark.instant, range, width));
  const right = Math.min(width + 2, xOf(mark.until ?? position.end, range, width));
  if (right < 0 || left > width) return;
  const height = Math.min(each, 20) * 0.5;
  const length = Math.max(2, right - left);
  context.save();
  context.globalAlpha = selected ? 1 : SPAN_OPACITY;
  context.fillStyle = palette.lanes.get(mark.kind)!;
  context.fillRect(left, y - height / 2, length, height);
  context.restore();
  if (!selected) return;
  context.strokeStyle = palette.focus;
  context.lineWidth = 1.5;
  context.strokeRect(left - 2, y - each / 2 + 1, length + 4, each - 2);
}

/** `size` is the height of the lane, at most: shapes leave some of it free. */
function drawShape(context: CanvasRenderingContext2D, shape: Lane["shape"], x: number, y: number, size: number): void {
  const radius = size * 0.28;
  context.beginPath();
  switch (shape) {
    case "disc":
      context.arc(x, y, radius, 0, 2 * Math.PI);
      break;
    case "triangle":
      context.moveTo(x, y - radius);
      context.lineTo(x + radius * 1.1, y + radius);
      context.lineTo(x - radius * 1.1, y + radius);
      break;
    case "diamond":
      context.moveTo(x, y - radius * 1.15);
      context.lineTo(x + radius * 1.15, y);
      context.lineTo(x, y + radius * 1.15);
      context.lineTo(x - radius * 1.15, y);
      break;
    case "bar":
      context.rect(x - 1, y - size * 0.35, 2, size * 0.7);
      break;
    case "flag":
      context.rect(x - 0.5, y - size * 0.38, 1.5, size * 0.76);
      context.rect(x, y - size * 0.38, radius * 1.6, radius * 1.3);
      break;
    case "square":
      context.rect(x - radius * 0.75, y - radius * 0.75, radius * 1.5, radius * 1.5);
      break;
    case "span":
    case "tick":
      context.rect(x - 0.5, y - size * 0.28, 1.5, size * 0.56);
      break;
  }
  context.fill();
}

export function paintPresent(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  { range, position }: Pick<Picture, "range" | "position">,
  palette: Palette,
): void {
  const x = Math.round(xOf(position.now, range, width));
  if (x < -HANDLE || x > width + HANDLE) return;
  // At the very ends half the line would be cut off.
  const visible = Math.min(Math.max(x, 1), width - 1);
  context.fillStyle = palette.present;
  context.fillRect(visible - 1, AXIS_HEIGHT - 4, 2, height - AXIS_HEIGHT + 4);
  context.beginPath();
  context.moveTo(visible - HANDLE, AXIS_HEIGHT - 11);
  context.lineTo(visible + HANDLE, AXIS_HEIGHT - 11);
  context.lineTo(visible, AXIS_HEIGHT - 2);
  context.fill();
}
