import { AxisCanvas, type AxisListener } from "./axis.ts";
import { type Lane, lanesFor, lasting, nearest } from "./marks.ts";
import type { Mark } from "./messages.ts";
import { AXIS_HEIGHT, laneHeight, paint } from "./painter.ts";
import { instantsPerPixel, pointAt } from "./scale.ts";

/** How near to a mark, in CSS pixels, the pointer counts as being on it. */
const REACH = 7;

export interface ChartListener extends AxisListener {
  selected(mark: Mark | undefined): void;
  /** The pointer is over a mark or over an instant, at (x, y) of the canvas; undefined when it left. */
  hovered(
    over: { readonly instant: number; readonly mark?: Mark; readonly x: number; readonly y: number } | undefined,
  ): void;
}

/** The Timeline's canvas: marks in lanes over the axis, of which one may be selected. */
export class Chart extends AxisCanvas {
  private readonly listener: ChartListener;
  private marks: readonly Mark[] = [];
  private wanted: (mark: Mark) => boolean = () => true;
  private selection: Mark | undefined;
  private lanes: readonly Lane[] = lanesFor(false);

  constructor(canvas: HTMLCanvasElement, listener: ChartListener) {
    super(canvas, listener);
    this.listener = listener;
  }

  get selected(): Mark | undefined {
    return this.selection;
  }

  setMarks(marks: readonly Mark[], lanes: readonly Lane[], wanted: (mark: Mark) => boolean): void {
    this.marks = marks;
    this.lanes = lanes;
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
    if (mark !== undefined) this.reveal(mark.instant);
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

  protected override clicked(x: number, y: number): number {
    const mark = this.markAt(x, y);
    if (mark !== undefined) this.select(mark);
    return mark?.instant ?? this.instantAt(x);
  }

  protected override pointed(at: { readonly x: number; readonly y: number } | undefined): number | undefined {
    if (at === undefined) {
      this.listener.hovered(undefined);
      return undefined;
    }
    const mark = this.markAt(at.x, at.y);
    const instant = mark?.instant ?? this.instantAt(at.x);
    this.canvas.classList.toggle("on-mark", mark !== undefined);
    this.listener.hovered({ instant, mark, ...at });
    return instant;
  }

  protected override keys(): Readonly<Record<string, () => unknown>> {
    return {
      ArrowLeft: () => this.selectNext(-1),
      ArrowRight: () => this.selectNext(1),
      Enter: () => this.selection && this.listener.travel(this.selection.instant),
      Escape: () => this.select(undefined),
    };
  }

  protected override paint(context: CanvasRenderingContext2D, width: number, height: number): void {
    const dimmed = (mark: Mark) => !this.wanted(mark);
    const { range, position, marks, lanes, selection: selected, hover: hovered } = this;
    paint(context, width, height, { range, position, marks, lanes, dimmed, selected, hovered }, this.palette);
  }

  /** The nearest mark of the lane under the pointer; on the axis itself, none. */
  private markAt(x: number, y: number): Mark | undefined {
    const { lanes } = this;
    const lane = lanes[Math.floor((y - AXIS_HEIGHT) / laneHeight(this.canvas.clientHeight, lanes))];
    if (y < AXIS_HEIGHT || lane === undefined) return undefined;
    const instant = pointAt(x, this.range, this.width);
    const reach = REACH * instantsPerPixel(this.range, this.width);
    const wanted = (mark: Mark) => mark.kind === lane.kind && this.wanted(mark);
    return (
      nearest(this.marks, instant, reach, wanted) ??
      (lane.shape === "span" ? lasting(this.marks, instant, wanted) : undefined)
    );
  }
}
