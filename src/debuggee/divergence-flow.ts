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
export interface Parting {
  readonly left: number;
  readonly right: number;
}

/**
 * The first instruction after which two runs of a hart go different ways, between a pair of instants where they are at the same place and
 * a pair where they are not. Interrupts that one of them took elsewhere are passed over. Undefined: they do not part, as far as it was looked.
 */
export async function firstParting(
  askers: Askers,
  abouts: Abouts,
  {
    from,
    to,
    hart,
  }: { readonly from: SidePair<number>; readonly to: SidePair<number>; readonly hart: SidePair<number> },
  tell: (fraction: number) => void,
): Promise<Parting | undefined> {
  const sameProgram = abouts.left.programs === abouts.right.programs;
  const extent = Math.max(1, to.left - from.left);
  let [left, right] = [from.left, from.right];
  let stride = TRACED_STEPS;
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
    const names = sameProgram ? undefined : new CodeNames(askers);
    const walk = new Walk(
      new Walker(askers.left, left, to.left, hart.left, names?.left),
      new Walker(askers.right, right, to.right, hart.right, names?.right),
    );
    const parting = await walk.together(length);
    if (parting !== undefined) return parting;
    traced += walk.steps;
    [left, right] = [walk.left.instant, walk.right.instant];
    stride *= STRIDE_GROWTH;
  }
  return undefined;
}

class Walk {
  readonly left: Walker;
  readonly right: Walker;
  steps = 0;

  constructor(left: Walker, right: Walker) {
    this.left = left;
    this.right = right;
  }

  /** Some steps on together; the parting when they do not stay so. */
  async together(steps: number): Promise<Parting | undefined> {
    const { left, right } = this;
    if (!(await left.enter()) || !(await right.enter())) return undefined;
    let last = { left: left.instant, right: right.instant };
    while (this.steps <= steps) {
      if (left.key === right.key) {
        last = { left: left.instant, right: right.instant };
        this.steps++;
        if (!(await left.next()) || !(await right.next())) return undefined;
        last = { left: Math.max(last.left, left.lastOfKey), right: Math.max(last.right, right.lastOfKey) };
        continue;
      }
      // One of them is in a handler that has interrupted it where the other one is.
      const interrupted = left.interrupted === right.key ? left : right.interrupted === left.key ? right : undefined;
      if (interrupted === undefined) return last;
      if (!(await interrupted.leaveHandler())) return undefined;
    }
    return undefined;
  }
}

/** Goes through the steps of one hart, a stretch at a time. */
class Walker {
  readonly #asker: RunAsker;
  readonly #to: number;
  readonly #hart: number;
  readonly #names: Names | undefined;
  #trace: RunTrace | undefined;
  #at: number;
  key: bigint | string = "";
  interrupted: bigint | string = "";
  /** The last instant at the place before this one. */
  lastOfKey = -1;

  constructor(asker: RunAsker, from: number, to: number, hart: number, names: Names | undefined) {
    this.#asker = asker;
    this.#to = to;
    this.#hart = hart;
    this.#names = names;
    this.#at = from;
  }

  get instant(): number {
    return this.#at;
  }

  /** To the first state in which the hart has its turn. False: there is none. */
  async enter(): Promise<boolean> {
    for (; ; this.#at++) {
      if (this.#at > this.#to) return false;
      const trace = await this.#traceHere();
      const index = this.#at - trace.from;
      if (trace.harts[index] !== this.#hart) continue;
      this.key = this.#names?.of(trace.pcs[index]) ?? trace.pcs[index];
      this.interrupted = this.#names?.of(trace.interrupted[index]) ?? trace.interrupted[index];
      return true;
    }
  }

  /** To the next step, or where places have names, to the next place. */
  async next(): Promise<boolean> {
    const { key } = this;
    do {
      this.lastOfKey = this.#at++;
      if (!(await this.enter())) return false;
    } while (this.#names !== undefined && this.key === key);
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

class CodeNames {
  readonly left: Names;
  readonly right: Names;

  constructor(askers: Askers) {
    this.left = new Names(askers.left);
    this.right = new Names(askers.right);
  }
}
