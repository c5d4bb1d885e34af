import type { Abouts, Askers } from "./divergence-outputs.ts";
import type { SidePair } from "./divergence-protocol.ts";
import { lookAtBoth } from "./divergence-states.ts";
import type { RunAsker, RunTrace } from "./run-probe.ts";

/** Steps that are traced at once, and in all before it is given up: some seconds of work. */
const TRACED_STEPS = 4096;
const MOST_TRACED = 1_000_000;
/** Where two runs are still together after so many steps, the next stretch is longer. */
const STRIDE_GROWTH = 4;
const LONGEST_STRIDE = 1 << 26;

/** Where the ways part: the last instruction that both executed, before it. */
export interface Parting extends SidePair<number> {
  /** What the instruction read decided it; else other instructions follow. */
  readonly isDecided: boolean;
}

interface Stretch {
  readonly from: SidePair<number>;
  readonly to: SidePair<number>;
  readonly hart: SidePair<number>;
}

/**
 * The first instruction after which two runs of a hart go different ways, between a pair of instants where they are at the same place and
 * a pair where they are not. Interrupts that one of them took elsewhere are passed over. Undefined: they do not part, as far as it was looked.
 * Two builds are compared by lines; where those are the same throughout, the first instruction of a line that differs is the answer.
 */
export async function firstParting(
  askers: Askers,
  abouts: Abouts,
  { from, to, hart }: Stretch,
  tell: (fraction: number) => void,
): Promise<Parting | undefined> {
  const sameProgram = abouts.left.programs === abouts.right.programs;
  const names = sameProgram ? undefined : { left: new Names(askers.left), right: new Names(askers.right) };
  const extent = Math.max(1, to.left - from.left);
  let [left, right] = [from.left, from.right];
  let stride = TRACED_STEPS;
  let otherCode: Parting | undefined;
  for (let traced = 0; traced < MOST_TRACED && left < to.left && right < to.right; ) {
    tell((left - from.left) / extent);
    const length = Math.min(stride, to.left - left, to.right - right);
    if (sameProgram && length > TRACED_STEPS) {
      const [one, other] = await lookAtBoth(askers, { left: left + length, right: right + length });
      if (one.hart === other.hart && one.hart === hart.left && one.pc === other.pc) {
        [left, right] = [left + length, right + length];
        stride = Math.min(stride * STRIDE_GROWTH, LONGEST_STRIDE);
      } else {
        stride = Math.max(TRACED_STEPS, Math.floor(length / STRIDE_GROWTH));
      }
      continue;
    }
    const walk = new Walk(
      askers,
      new Walker(askers.left, left, to.left, hart.left, names?.left),
      new Walker(askers.right, right, to.right, hart.right, names?.right),
    );
    const parting = await walk.together(length);
    otherCode ??= walk.otherCode;
    if (parting !== undefined) return parting;
    traced += walk.steps;
    [left, right] = [walk.left.instant, walk.right.instant];
    stride *= STRIDE_GROWTH;
  }
  return otherCode;
}

class Walk {
  readonly #askers: Askers;
  readonly left: Walker;
  readonly right: Walker;
  steps = 0;
  /** Of two builds: where they executed other instructions first, and came together again. */
  otherCode: Parting | undefined;

  constructor(askers: Askers, left: Walker, right: Walker) {
    this.#askers = askers;
    this.left = left;
    this.right = right;
  }

  /** Some steps on together; the parting when they do not stay so. */
  async together(steps: number): Promise<Parting | undefined> {
    const { left, right } = this;
    if (!(await left.enter()) || !(await right.enter())) return undefined;
    let last: SidePair<number> = { left: left.instant, right: right.instant };
    let [lastLine, mnemonic] = [left.line, left.mnemonic];
    while (this.steps <= steps) {
      if (left.key === right.key) {
        last = { left: left.instant, right: right.instant };
        [lastLine, mnemonic] = [left.line, left.mnemonic];
        this.steps++;
        if (!(await left.next()) || !(await right.next())) return undefined;
        continue;
      }
      // One of them is in a handler that has interrupted it where the other one is.
      const interrupted = left.interrupted === right.key ? left : right.interrupted === left.key ? right : undefined;
      if (interrupted !== undefined) {
        if (!(await interrupted.leaveHandler())) return undefined;
        continue;
      }
      const isDecided = !left.hasNames || (DECISIONS.test(mnemonic) && (await this.#readsDiffer(last)));
      const parting = { ...last, isDecided };
      if (isDecided) return parting;
      this.otherCode ??= parting;
      if (!(await left.leaveLine(lastLine)) || !(await right.leaveLine(lastLine))) return undefined;
      if (left.line !== right.line) return parting;
      // Behind a line, its other instructions are passed over.
      if (left.key !== right.key) {
        lastLine = left.line;
        if (!(await left.leaveLine(lastLine)) || !(await right.leaveLine(lastLine))) return undefined;
      }
    }
    return undefined;
  }

  async #readsDiffer(at: SidePair<number>): Promise<boolean> {
    const [left, right] = await Promise.all([
      this.#askers.left.reads(at.left, this.left.hart),
      this.#askers.right.reads(at.right, this.right.hart),
    ]);
    return left.operands.some(({ value }, index) => right.operands[index]?.value !== value);
  }
}

const DECISIONS = /^(b(eq|ne|lt|ge)u?|jalr)$/;

/** Goes through the steps of one hart, a stretch at a time. */
class Walker {
  readonly hart: number;
  readonly #asker: RunAsker;
  readonly #to: number;
  readonly #names: Names | undefined;
  #trace: RunTrace | undefined;
  #at: number;
  /** Where it is: the pc, or what is the same in another build. */
  key: bigint | string = "";
  /** Where it was before the last interrupt. */
  interrupted: bigint | string = "";

  constructor(asker: RunAsker, from: number, to: number, hart: number, names: Names | undefined) {
    this.#asker = asker;
    this.#to = to;
    this.hart = hart;
    this.#names = names;
    this.#at = from;
  }

  get instant(): number {
    return this.#at;
  }

  get hasNames(): boolean {
    return this.#names !== undefined;
  }

  get line(): string {
    return `${this.key}`.split("\t", 1)[0];
  }

  get mnemonic(): string {
    return `${this.key}`.split("\t")[1] ?? "";
  }

  /** To the first state in which the hart has its turn. False: there is none. */
  async enter(): Promise<boolean> {
    for (; ; this.#at++) {
      if (this.#at > this.#to) return false;
      const trace = await this.#traceHere();
      const index = this.#at - trace.from;
      if (trace.harts[index] !== this.hart) continue;
      this.key = this.#names?.of(trace.pcs[index]) ?? trace.pcs[index];
      this.interrupted = this.#names?.of(trace.interrupted[index]) ?? trace.interrupted[index];
      return true;
    }
  }

  next(): Promise<boolean> {
    this.#at++;
    return this.enter();
  }

  async leaveLine(line: string): Promise<boolean> {
    while (this.line === line) if (!(await this.next())) return false;
    return true;
  }

  /** Until it stands again where it was interrupted. */
  async leaveHandler(): Promise<boolean> {
    const { interrupted } = this;
    const { privileges, from } = await this.#traceHere();
    const inside = privileges[this.#at - from];
    // In machine mode alone, a handler has the privilege of what it interrupted.
    for (let isInside = true; isInside; ) {
      if (!(await this.next())) return false;
      const trace = await this.#traceHere();
      isInside = trace.privileges[this.#at - trace.from] >= inside && this.key !== interrupted;
    }
    return this.key === interrupted;
  }

  async #traceHere(): Promise<RunTrace> {
    const trace = this.#trace;
    if (trace !== undefined && this.#at - trace.from < trace.pcs.length) return trace;
    const made = await this.#asker.trace(this.#at, Math.min(this.#at + TRACED_STEPS, Math.max(this.#to, this.#at)));
    await this.#names?.learn(new Set([...made.pcs, ...made.interrupted]));
    this.#trace = made;
    return made;
  }
}

class Names {
  readonly #asker: RunAsker;
  readonly #names = new Map<bigint, string>();

  constructor(asker: RunAsker) {
    this.#asker = asker;
  }

  of(pc: bigint): string {
    return this.#names.get(pc) ?? `${pc}`;
  }

  async learn(pcs: ReadonlySet<bigint>): Promise<void> {
    const unknown = [...pcs].filter((pc) => !this.#names.has(pc));
    const names = await this.#asker.codeNames(unknown);
    for (const [index, pc] of unknown.entries()) this.#names.set(pc, names[index]);
  }
}
