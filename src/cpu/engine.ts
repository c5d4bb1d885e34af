import type { InstructionSet } from "../isa/instruction-set.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { AddressTranslation, ContextChange } from "./address-translation.ts";
import type { DataAccess } from "./data-access.ts";
import type { DecodedPages } from "./decoded-pages.ts";
import type { Exception, Turn } from "./hart.ts";

/** Everything that an engine works on. */
export interface EngineParts {
  readonly turn: Turn;
  readonly memory: PhysicalMemory;
  readonly decoded: DecodedPages;
  readonly translation: AddressTranslation;
  readonly data: DataAccess;
  readonly isa: InstructionSet;
  /** A device or a watch wants the machine to look before the next step. Reading clears it. */
  readonly takeAttention: () => boolean;
  /** What the translation of addresses follows from has changed. */
  readonly contextChanged: (how?: ContextChange) => void;
  /** A timer of the hart is set to another time. */
  readonly timersChanged: () => void;
  /** The hart would rather have another one run. */
  readonly endTurn: () => void;
}

/**
 * Why an engine came back. It stands exactly behind the last step counted in `executed`; the step that an exception or
 * a breakpoint belongs to is not among them.
 */
export type EngineStop =
  /** All steps were taken, or attention is wanted. */
  | { readonly kind: "paused"; readonly executed: number }
  | { readonly kind: "breakpoint"; readonly executed: number }
  | { readonly kind: "exception"; readonly executed: number; readonly exception: Exception };

/**
 * The most steps of one slice. V8 replaces a function by a faster one only where it is entered anew: guest code that never
 * leaves a loop must do so now and then.
 */
export const MAX_SLICE_STEPS = 1 << 20;

/** Where engines stop before an instruction is executed. */
export interface Breakpoints {
  /** `left`: steps of the slice, counted before the one that the hart is about to take at pc. */
  stopAt(pc: bigint, left: number): boolean;
}

/** Executes instructions. All engines give the same state after the same steps. */
export interface Engine {
  /**
   * Takes at most `steps` steps, at most MAX_SLICE_STEPS. While it runs, BUDGET in memory says how many are left,
   * counted before the step being executed. `skipBreakpoint`: one at the present pc does not count.
   */
  run(steps: number, skipBreakpoint: boolean): EngineStop;
}
