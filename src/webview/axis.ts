import type { Position } from "./messages.ts";
import { type Palette, readPalette } from "./painter.ts";
import { instantAt, instantsPerPixel, pan, pointAt, type Range, showing, wholeRange, within, zoom } from "./scale.ts";

/** A press that moves less than this is a click. */
const CLICK_SLOP = 4;
/** Zoom factor of a key press, and of a notch of a mouse wheel (100 units of deltaY). */
const KEY_ZOOM = 1.6;
const WHEEL_ZOOM = 1.25;
/** Share of the view that a key press pans by. */
const KEY_PAN = 0.5;

export interface AxisListener {
  travel(instant: number): void;
  /** The stretch in view changed. */
  viewed(range: Range): void;
}

/**
 * A canvas over an axis of instants: which stretch is in view, and what pointer, wheel and keys do about it. What is drawn,
 * and what is under the pointer, is for those who extend it. Draws at most once a frame.
 */
export abstract class AxisCanvas {
  protected readonly canvas: HTMLCanvasElement;
  protected palette: Palette;
  protected position: Position = { first: 0, now: 0, end: 0, live: false, running: false };
  protected range: Range = wholeRange(0, 0);
  /** The instant that the pointer means. */
  protected hover: number | undefined;
  private readonly axisListener: AxisListener;
  private press: { x: number; range: Range; moved: boolean } | undefined;
  private frame = 0;

  constructor(canvas: HTMLCanvasElement, listener: AxisListener) {
    this.canvas = canvas;
    this.axisListener = listener;
    this.palette = readPalette(document.body);
    new ResizeObserver(() => this.resized()).observe(canvas);
    // VS Code marks the theme on the body.
    new MutationObserver(() => this.themeChanged()).observe(document.body, { attributes: true });
    new MutationObserver(() => this.themeChanged()).observe(document.documentElement, { attributes: true });
    canvas.addEventListener("pointerdown", (event) => this.pointerDown(event));
    canvas.addEventListener("pointermove", (event) => this.pointerMove(event));
    canvas.addEventListener("pointerup", (event) => this.pointerUp(event));
    canvas.addEventListener("pointerleave", () => this.pointAt(undefined));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  get viewedRange(): Range {
    return this.range;
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

  zoomBy(factor: number, around = this.centre()): void {
    this.setRange(zoom(this.range, factor, around, this.bounds));
  }

  fit(): void {
    this.setRange(this.bounds);
  }

  /** Draws everything anew; in CSS pixels. */
  protected abstract paint(context: CanvasRenderingContext2D, width: number, height: number): void;
  /** What is at a point of the canvas: the instant that a click there travels to. */
  protected abstract clicked(x: number, y: number): number;
  /** The pointer is at a point, or left; the instant that it means there. */
  protected abstract pointed(at: { readonly x: number; readonly y: number } | undefined): number | undefined;
  /** Keys beside those that zoom, pan and go to the ends. */
  protected abstract keys(): Readonly<Record<string, () => unknown>>;

  /** There is room for more, or less. */
  protected resized(): void {
    this.draw();
  }

  protected get bounds(): Range {
    return wholeRange(this.position.first, this.position.end);
  }

  /** Moves the view as little as it takes to have an instant in it. */
  protected reveal(instant: number): void {
    this.setRange(showing(this.range, instant, this.bounds));
  }

  protected instantAt(x: number): number {
    return instantAt(x, this.range, this.width, { from: this.position.first, to: this.position.end });
  }

  protected draw(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.drawNow();
    });
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
    this.axisListener.viewed(range);
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
      this.pointAt(event);
      return;
    }
    const distance = event.offsetX - press.x;
    if (Math.abs(distance) > CLICK_SLOP) press.moved = true;
    if (!press.moved) return;
    this.pointAt(undefined);
    this.setRange(pan(press.range, -distance * instantsPerPixel(press.range, this.width), this.bounds));
  }

  private pointerUp(event: PointerEvent): void {
    const { press } = this;
    this.press = undefined;
    if (press === undefined || press.moved) return;
    this.axisListener.travel(this.clicked(event.offsetX, event.offsetY));
  }

  private pointAt(event: PointerEvent | undefined): void {
    this.hover = this.pointed(event && { x: event.offsetX, y: event.offsetY });
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
    this.pointAt(undefined);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const span = this.range.to - this.range.from;
    const { travel } = this.axisListener;
    const actions: Record<string, () => unknown> = {
      "+": () => this.zoomBy(1 / KEY_ZOOM),
      "=": () => this.zoomBy(1 / KEY_ZOOM),
      "-": () => this.zoomBy(KEY_ZOOM),
      "0": () => this.fit(),
      ArrowUp: () => this.zoomBy(1 / KEY_ZOOM),
      ArrowDown: () => this.zoomBy(KEY_ZOOM),
      PageUp: () => this.setRange(pan(this.range, -span * KEY_PAN, this.bounds)),
      PageDown: () => this.setRange(pan(this.range, span * KEY_PAN, this.bounds)),
      Home: () => travel(this.position.first),
      End: () => travel(this.position.end),
      ...this.keys(),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }

  private themeChanged(): void {
    this.palette = readPalette(document.body);
    this.draw();
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
    this.paint(context, width, height);
  }
}
