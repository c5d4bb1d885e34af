import { AxisCanvas } from "./axis.ts";
import type { PairPlace, PairState } from "./lockstep-messages.ts";
import { AXIS_HEIGHT, paintTicks } from "./painter.ts";
import { exact, xOf } from "./scale.ts";

type Member = PairState["members"][number];

/** Room of the machine's name above its bar, of the bar where there is enough, and between two lanes. */
const NAME_HEIGHT = 15;
const BAR_HEIGHT = 12;
const GAP = 3;
/** Half the width of the sign of a divergence. */
const SIGN = 5;
/** How near to a divergence, in CSS pixels, the pointer counts as being on it. */
const REACH = 7;

export interface LanesListener {
  travel(instant: number): void;
  go(place: PairPlace): void;
  /** What is under the pointer, as a sentence, and where that is. */
  pointed(at: { readonly x: number; readonly y: number; readonly text: string } | undefined): void;
}

/** The machines of a pair below each other on one axis: how far each came, where it took over a state, where they differed. */
export class LockstepLanes extends AxisCanvas {
  private readonly listener: LanesListener;
  private state: PairState | undefined;

  constructor(canvas: HTMLCanvasElement, listener: LanesListener) {
    // A click on a divergence has gone there already.
    super(canvas, { travel: (instant) => instant !== this.position.now && listener.travel(instant), viewed: () => {} });
    this.listener = listener;
  }

  show(state: PairState): void {
    this.state = state;
    const stretches = state.members.flatMap((member) => member.stretches);
    const own = state.members.find(({ name }) => name === state.member);
    const first = Math.min(...stretches.map((stretch) => stretch.first), Number.MAX_SAFE_INTEGER);
    const end = Math.max(0, ...stretches.map(({ last }) => last));
    this.setPosition({
      first: Math.min(first, end),
      now: own?.instant ?? end,
      end,
      live: state.live,
      running: own?.instant === undefined,
    });
  }

  protected override clicked(x: number): number {
    const divergence = this.divergenceAt(x);
    if (divergence !== undefined) this.listener.go(divergence.place);
    return divergence === undefined ? this.instantAt(x) : this.position.now;
  }

  protected override pointed(at: { readonly x: number; readonly y: number } | undefined): number | undefined {
    const divergence = at && this.divergenceAt(at.x);
    const member = at && this.memberAt(at.y);
    this.canvas.classList.toggle("on-divergence", divergence !== undefined);
    const instant = at && this.instantAt(at.x);
    const text = divergence?.text ?? `${member === undefined ? "" : `${member.title}: `}instant ${exact(instant ?? 0)}`;
    this.listener.pointed(at && { ...at, text });
    return instant;
  }

  protected override keys(): Readonly<Record<string, () => unknown>> {
    const beside = (direction: 1 | -1) => {
      const { now } = this.position;
      const instants = (this.state?.divergences ?? []).filter(({ place }) => {
        const instant = this.own(place);
        return direction > 0 ? instant > now : instant < now;
      });
      const next = direction > 0 ? instants[0] : instants.at(-1);
      if (next !== undefined) this.listener.go(next.place);
    };
    return { ArrowLeft: () => beside(-1), ArrowRight: () => beside(1) };
  }

  protected override paint(context: CanvasRenderingContext2D, width: number, height: number): void {
    const { state, palette, range } = this;
    context.clearRect(0, 0, width, height);
    paintTicks(context, width, height, range, palette);
    if (state === undefined) return;
    const each = this.laneHeight(height);
    for (const [index, member] of state.members.entries()) {
      this.paintMember(context, width, AXIS_HEIGHT + index * each, each, member, index);
    }
    for (const { place } of state.divergences) this.paintDivergence(context, width, each, place);
    for (const [index, member] of state.members.entries()) {
      this.paintPlace(context, width, AXIS_HEIGHT + index * each, each, member);
    }
    if (this.hover === undefined) return;
    context.fillStyle = palette.muted;
    context.fillRect(Math.round(xOf(this.hover, range, width)), 0, 1, height);
  }

  private paintMember(
    context: CanvasRenderingContext2D,
    width: number,
    top: number,
    height: number,
    member: Member,
    index: number,
  ): void {
    const { palette, range } = this;
    context.fillStyle = palette.stripe;
    if (index % 2 === 0) context.fillRect(0, Math.round(top), width, Math.round(height));
    const barTop = top + NAME_HEIGHT;
    context.save();
    context.fillStyle = this.colourOf(index);
    for (const [at, { first, last, start }] of member.stretches.entries()) {
      const [from, to] = [Math.max(0, xOf(first, range, width)), Math.min(width, xOf(last, range, width))];
      // Stretches lie over each other where the state that was taken over was behind: the later one is what counts.
      context.globalAlpha = at === member.stretches.length - 1 ? 0.75 : 0.35;
      if (to > from) context.fillRect(from, barTop, Math.max(1, to - from), barOf(height));
      const giver = start && this.state?.members.findIndex(({ name }) => name === start.member);
      if (giver === undefined || giver < 0) continue;
      context.globalAlpha = 1;
      const [other, own] = [middleOf(giver, height), middleOf(index, height)];
      context.fillRect(from - 1, Math.min(other, own), 2, Math.abs(other - own));
    }
    context.restore();
    context.font = palette.font;
    context.textBaseline = "top";
    context.fillStyle = palette.muted;
    context.fillText(member.title, 8, top + 1);
  }

  /** A triangle in each of the two lanes, and a line between them: they need not be at the same instant. */
  private paintDivergence(context: CanvasRenderingContext2D, width: number, each: number, place: PairPlace): void {
    const points = [place.left, place.right].map(({ member, instant }) => ({
      x: xOf(instant, this.range, width),
      y: middleOf(this.laneOf(member), each),
    }));
    context.save();
    context.fillStyle = context.strokeStyle = this.colour("--vscode-errorForeground", "#f14c4c");
    context.lineWidth = 1.5;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(points[0].x, points[0].y);
    context.lineTo(points[1].x, points[1].y);
    context.stroke();
    for (const { x, y } of points) {
      context.beginPath();
      context.moveTo(x, y - SIGN);
      context.lineTo(x + SIGN, y + SIGN);
      context.lineTo(x - SIGN, y + SIGN);
      context.fill();
    }
    context.restore();
  }

  /** Where a session shows the machine standing. */
  private paintPlace(context: CanvasRenderingContext2D, width: number, top: number, height: number, member: Member) {
    if (member.instant === undefined) return;
    context.fillStyle = this.palette.present;
    const x = Math.min(Math.max(Math.round(xOf(member.instant, this.range, width)), 1), width - 2);
    context.fillRect(x - 1, top, 2, height);
  }

  private laneHeight(height: number): number {
    return (height - AXIS_HEIGHT) / Math.max(1, this.state?.members.length ?? 1);
  }

  private laneOf(member: string): number {
    return this.state?.members.findIndex(({ name }) => name === member) ?? 0;
  }

  private memberAt(y: number): Member | undefined {
    return this.state?.members[Math.floor((y - AXIS_HEIGHT) / this.laneHeight(this.canvas.clientHeight))];
  }

  private own({ left, right }: PairPlace): number {
    return left.member === this.state?.member ? left.instant : right.instant;
  }

  private divergenceAt(x: number): PairState["divergences"][number] | undefined {
    return this.state?.divergences.find(({ place }) =>
      [place.left, place.right].some(({ instant }) => Math.abs(xOf(instant, this.range, this.width) - x) <= REACH),
    );
  }

  private colourOf(index: number): string {
    const [name, fallback] = COLOURS[index % COLOURS.length];
    return this.colour(name, fallback);
  }

  private colour(name: string, fallback: string): string {
    return getComputedStyle(document.body).getPropertyValue(name).trim() || fallback;
  }
}

function barOf(lane: number): number {
  return Math.max(2, Math.min(BAR_HEIGHT, lane - NAME_HEIGHT - GAP));
}

/** Of a machine's bar. */
function middleOf(lane: number, height: number): number {
  return AXIS_HEIGHT + lane * height + NAME_HEIGHT + barOf(height) / 2;
}

const COLOURS = [
  ["--vscode-charts-blue", "#3794ff"],
  ["--vscode-charts-green", "#89d185"],
  ["--vscode-charts-purple", "#b180d7"],
  ["--vscode-charts-orange", "#d18616"],
] as const;
