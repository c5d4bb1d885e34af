import { assert } from "../base/assert.ts";
import { CsrFile, type HartEnvironment } from "../cpu/csr-file.ts";
import { Hart, type Turn } from "../cpu/hart.ts";
import type { InstructionSet } from "../isa/instruction-set.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { HartView } from "./machine-interface.ts";

/**
 * Steps of a hart's turn when there are several. Long enough that a change of turns costs little, short enough that a
 * hart which waits for another's answer does not wait long; one that says so (pause, wfi) ends its turn.
 */
export const TURN_STEPS = 10_000;

/** What the harts need to know of the machine around them. */
export interface HartSurroundings {
  /** mtime, in ticks. */
  time(): bigint;
  /** Interrupts that devices raise for a hart, as bits of mip. */
  interruptLines(hart: number): number;
  /** Steps of the slice that is under way. */
  stepsOfSlice(): number;
  /** The window belongs to another hart, or its state is another. */
  turnChanged(): void;
}

/**
 * The harts and whose turn it is. They run one after the other on one thread, a fixed number of steps each: so what they
 * do to each other is a function of the machine's state, and replays.
 */
export class Harts {
  readonly all: readonly Turn[];
  /** The hart whose turn it is; the engines look at it. */
  readonly turn: { hart: Hart; csrs: CsrFile };
  readonly #surroundings: HartSurroundings;
  readonly #turnSteps: number;
  /** Steps left of the turn; does not run down while there is one hart. */
  #left: number;

  constructor(
    count: number,
    memory: PhysicalMemory,
    isa: InstructionSet,
    surroundings: HartSurroundings,
    turnSteps = TURN_STEPS,
  ) {
    assert(Number.isInteger(turnSteps) && turnSteps > 0, `a turn of ${turnSteps} steps`);
    this.#surroundings = surroundings;
    this.#turnSteps = turnSteps;
    this.#left = turnSteps;
    this.all = Array.from({ length: count }, (_, id) => {
      const hart = new Hart(id, memory);
      return { hart, csrs: new CsrFile(hart, this.#environment(hart), isa) };
    });
    this.turn = { ...this.all[0] };
  }

  /** Steps left of the turn; any number of them when nobody else wants it. */
  get left(): number {
    return this.all.length === 1 ? Number.POSITIVE_INFINITY : this.#left;
  }

  /** Of the machine's state. */
  get turnState(): { readonly turn: number; readonly turnLeft: number } {
    return { turn: this.turn.hart.id, turnLeft: this.#left };
  }

  reset(): void {
    for (const { hart, csrs } of this.all) {
      hart.clear();
      csrs.reset();
    }
    this.#give(0, this.#turnSteps);
  }

  restore(windows: readonly Uint8Array[], turn: number, turnLeft: number): void {
    this.turn.hart.park();
    this.all.forEach(({ hart, csrs }, index) => {
      hart.restore(windows[index]);
      csrs.stateReplaced();
    });
    this.#give(turn, turnLeft);
  }

  /** Steps were taken by the hart that has its turn. */
  taken(steps: number): void {
    this.turn.hart.stepCount += BigInt(steps);
    // A hart that ends its turn early has taken what was left of it away.
    if (this.all.length > 1) this.#left = Math.max(0, this.#left - steps);
  }

  /** The instruction that is being executed is the last of its turn. */
  endTurn(): void {
    if (this.all.length > 1) this.#left = 0;
  }

  /**
   * When the turn is over, or the hart waits for an interrupt that is not there, the next hart that has something to do
   * gets its turn. When none has, it stays where it is.
   */
  passTurn(): void {
    const count = this.all.length;
    if (count === 1) return;
    const { hart } = this.turn;
    if (this.#left > 0 && !waitsInVain(this.turn)) return;
    for (let distance = 1; distance <= count; distance++) {
      const next = (hart.id + distance) % count;
      if (waitsInVain(this.all[next])) continue;
      this.#left = this.#turnSteps;
      if (next === hart.id) return;
      hart.park();
      this.#give(next, this.#turnSteps);
      return;
    }
  }

  /** mtime of the first timer interrupt of supervisor mode that is still to come; undefined for none. */
  nextSupervisorDeadline(): bigint | undefined {
    const now = this.#surroundings.time();
    return earliest(this.all.map(({ csrs }) => csrs.supervisorDeadline()).filter((time) => isAfter(time, now)));
  }

  views(): readonly HartView[] {
    return this.all.map(viewOf);
  }

  /** The window is free. */
  #give(index: number, turnLeft: number): void {
    const { hart, csrs } = this.all[index];
    hart.enter();
    this.turn.hart = hart;
    this.turn.csrs = csrs;
    this.#left = turnLeft;
    this.#surroundings.turnChanged();
  }

  #environment(hart: Hart): HartEnvironment {
    const { time, interruptLines, stepsOfSlice } = this.#surroundings;
    return {
      steps: () => hart.stepCount + BigInt(this.turn.hart === hart ? stepsOfSlice() : 0),
      time,
      interruptLines: () => interruptLines(hart.id),
    };
  }
}

function waitsInVain({ hart, csrs }: Turn): boolean {
  return hart.waiting && csrs.pendingInterrupts() === 0;
}

/** Whether a comparator is set to a time that is still to come. */
export function isAfter(time: bigint | undefined, now: bigint): time is bigint {
  return time !== undefined && time > now && time !== NEVER;
}

export function earliest(times: readonly bigint[]): bigint | undefined {
  return times.length === 0 ? undefined : times.reduce((first, time) => (time < first ? time : first));
}

/** What software writes to a comparator to have no timer. */
const NEVER = 0xffff_ffff_ffff_ffffn;

function viewOf({ hart, csrs }: Turn): HartView {
  return {
    id: hart.id,
    get pc() {
      return hart.pc;
    },
    register: (index) => hart.register(index),
    floatRegister: (index) => hart.floatRegister(index),
    csr: (number) => csrs.read(number),
    get privilege() {
      return hart.privilege;
    },
    get waiting() {
      return hart.waiting;
    },
    get steps() {
      return hart.stepCount;
    },
  };
}
