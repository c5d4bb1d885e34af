import { LANES, nearest } from "./marks.ts";
import type { Mark, Position } from "./messages.ts";
import { AXIS_HEIGHT, laneHeight, type Palette, paint, readPalette } from "./painter.ts";
import { instantAt, instantsPerPixel, pan, pointAt, type Range, showing, wholeRange, within, zoom } from "./scale.ts";

/** How near to a mark, in CSS pixels, the pointer counts as being on it. */
const REACH = 7;
/** A press that moves less than this is a click. */
const CLICK_SLOP = 4;
/** Zoom factor of a key press, and of a notch of a mouse wheel (100 units of deltaY). */
const KEY_ZOOM = 1.6;
const WHEEL_ZOOM = 1.25;
/** Share of the view that a key press pans by. */
const KEY_PAN = 0.5;

export interface ChartListener {
  travel(instant: number): void;
  /** The stretch in view changed. */
  viewed(range: Range): void;
  selected(mark: Mark | undefined): void;
  /** The pointer is over a mark or over an instant, at (x, y) of the canvas; undefined when it left. */
  hovered(
    over: { readonly instant: number; readonly mark?: Mark; readonly x: number; readonly y: number } | undefined,
  ): void;
}

/** The canvas with the axis: what it shows, and what pointer, wheel and keys do on it. Draws at most once a frame. */
export class Chart {
  private readonly canvas: HTMLCanvasElement;
  private readonly listener: ChartListener;
  private palette: Palette;
  private position: Position = { first: 0, now: 0, end: 0, live: false, running: false };
  private range: Range = wholeRange(0, 0);
  private marks: readonly Mark[] = [];
  private wanted: (mark: Mark) => boolean = () => true;
  private selection: Mark | undefined;
  private hover: number | undefined;
  private press: { x: number; range: Range; moved: boolean } | undefined;
  private frame = 0;

  constructor(canvas: HTMLCanvasElement, listener: ChartListener) {
    this.canvas = canvas;
    this.listener = listener;
    this.palette = readPalette(document.body);
    new ResizeObserver(() => this.draw()).observe(canvas);
    // VS Code marks the theme on the body.
    new MutationObserver(() => this.themeChanged()).observe(document.body, { attributes: true });
    new MutationObserver(() => this.themeChanged()).observe(document.documentElement, { attributes: true });
    canvas.addEventListener("pointerdown", (event) => this.pointerDown(event));
    canvas.addEventListener("pointermove", (event) => this.pointerMove(event));
    canvas.addEventListener("pointerup", (event) => this.pointerUp(event));
    canvas.addEventListener("pointerleave", () => this.hoverAt(undefined));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  get viewedRange(): Range {
    return this.range;
  }

  get selected(): Mark | undefined {
    return this.selection;
  }

  get width(): number {
    return this.canvas.clientWidth;
  }

  /** Follows the end of history while all of it is in view, and keeps the present in view when it moves. */
  setPosition(position: Position): void {
    const before = this.position;
    const whole = this.showsWhole();
    this.position = position;
    if (whole) this.setRange(this.bounds);
    else if (position.now !== before.now) this.setRange(showing(this.range, position.now, this.bounds));
    else this.setRange(within(this.range, this.bounds));
    this.draw();
  }

  setMarks(marks: readonly Mark[], wanted: (mark: Mark) => boolean): void {
    this.marks = marks;
    this.wanted = wanted;
    const old = this.selection;
    // The same mark comes as another object after every question.
    if (old !== undefined) {
      this.selection = marks.find((mark) => mark.instant === old.instant && mark.kind === old.kind && wanted(mark));
    }
    this.draw();
  }

  select(mark: Mark | undefined): void {
    this.selection = mark;
    if (mark !== undefined) this.setRange(showing(this.range, mark.instant, this.bounds));
    this.listener.selected(mark);
    this.draw();
  }

  /** Selects the mark before or after the selected one, or, with none, before or after the present. */
  selectNext(direction: 1 | -1): void {
    const candidates = this.marks.filter(this.wanted);
    if (this.selection !== undefined) {
      const next = candidates[candidates.indexOf(this.selection) + direction];
      if (next !== undefined) this.select(next);
      return;
    }
    const { now } = this.position;
    this.select(
      direction > 0 ? candidates.find((mark) => mark.instant > now) : candidates.findLast((mark) => mark.instant < now),
    );
  }

  zoomBy(factor: number, around = this.centre()): void {
    this.setRange(zoom(this.range, factor, around, this.bounds));
  }

  fit(): void {
    this.setRange(this.bounds);
  }

  private get bounds(): Range {
    return wholeRange(this.position.first, this.position.end);
  }

  private showsWhole(): boolean {
    const { from, to } = this.bounds;
    return this.range.from <= from && this.range.to >= to;
  }

  /** Zooming without a pointer aims at the present while it is in view. */
  private centre(): number {
    const { now } = this.position;
    const inView = now >= this.range.from && now <= this.range.to;
    return inView ? now : (this.range.from + this.range.to) / 2;
  }

  private setRange(range: Range): void {
    if (range.from === this.range.from && range.to === this.range.to) return;
    this.range = range;
    this.listener.viewed(range);
    this.draw();
  }

  private pointerDown(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.press = { x: event.offsetX, range: this.range, moved: false };
  }

  private pointerMove(event: PointerEvent): void {
    const { press } = this;
    if (press === undefined) {
      this.hoverAt(event);
      return;
    }
    const distance = event.offsetX - press.x;
    if (Math.abs(distance) > CLICK_SLOP) press.moved = true;
    if (!press.moved) return;
    this.hoverAt(undefined);
    this.setRange(pan(press.range, -distance * instantsPerPixel(press.range, this.width), this.bounds));
  }

  private pointerUp(event: PointerEvent): void {
    const { press } = this;
    this.press = undefined;
    if (press === undefined || press.moved) return;
    const mark = this.markAt(event.offsetX, event.offsetY);
    if (mark !== undefined) this.select(mark);
    this.listener.travel(mark?.instant ?? this.instantAt(event.offsetX));
  }

  private hoverAt(event: PointerEvent | undefined): void {
    if (event === undefined) {
      this.hover = undefined;
      this.listener.hovered(undefined);
    } else {
      const mark = this.markAt(event.offsetX, event.offsetY);
      this.hover = mark?.instant ?? this.instantAt(event.offsetX);
      this.canvas.classList.toggle("on-mark", mark !== undefined);
      this.listener.hovered({ instant: this.hover, mark, x: event.offsetX, y: event.offsetY });
    }
    this.draw();
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.setRange(pan(this.range, sideways * instantsPerPixel(this.range, this.width), this.bounds));
    } else {
      const around = pointAt(event.offsetX, this.range, this.width);
      this.setRange(zoom(this.range, WHEEL_ZOOM ** (event.deltaY / 100), around, this.bounds));
    }
    this.hoverAt(undefined);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const span = this.range.to - this.range.from;
    const actions: Record<string, () => void> = {
      "+": () => this.zoomBy(1 / KEY_ZOOM),
      "=": () => this.zoomBy(1 / KEY_ZOOM),
      "-": () => this.zoomBy(KEY_ZOOM),
      "0": () => this.fit(),
      ArrowUp: () => this.zoomBy(1 / KEY_ZOOM),
      ArrowDown: () => this.zoomBy(KEY_ZOOM),
      ArrowLeft: () => this.selectNext(-1),
      ArrowRight: () => this.selectNext(1),
      PageUp: () => this.setRange(pan(this.range, -span * KEY_PAN, this.bounds)),
      PageDown: () => this.setRange(pan(this.range, span * KEY_PAN, this.bounds)),
      Home: () => this.listener.travel(this.position.first),
      End: () => this.listener.travel(this.position.end),
      Enter: () => this.selection && this.listener.travel(this.selection.instant),
      Escape: () => this.select(undefined),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }

  private instantAt(x: number): number {
    return instantAt(x, this.range, this.width, { from: this.position.first, to: this.position.end });
  }

  /** The nearest mark of the lane under the pointer; on the axis itself, none. */
  private markAt(x: number, y: number): Mark | undefined {
    const lane = LANES[Math.floor((y - AXIS_HEIGHT) / laneHeight(this.canvas.clientHeight))];
    if (y < AXIS_HEIGHT || lane === undefined) return undefined;
    const instant = pointAt(x, this.range, this.width);
    const reach = REACH * instantsPerPixel(this.range, this.width);
    return nearest(this.marks, instant, reach, (mark) => mark.kind === lane.kind && this.wanted(mark));
  }

  private themeChanged(): void {
    this.palette = readPalette(document.body);
    this.draw();
  }

  private draw(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.drawNow();
    });
  }

  private drawNow(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0 || height === 0) return;
    const ratio = window.devicePixelRatio;
    const [deviceWidth, deviceHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== deviceWidth || this.canvas.height !== deviceHeight) {
      this.canvas.width = deviceWidth;
      this.canvas.height = deviceHeight;
    }
    const context = this.canvas.getContext("2d")!;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const dimmed = (mark: Mark) => !this.wanted(mark);
    const { range, position, marks, selection: selected, hover: hovered } = this;
    paint(context, width, height, { range, position, marks, dimmed, selected, hovered }, this.palette);
  }
}
