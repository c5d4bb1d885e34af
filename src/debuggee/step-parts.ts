import type { MachineLike } from "../machine/machine-interface.ts";
import type { TimelineLike } from "../replay/timeline-interface.ts";
import type { FrameFinder } from "./frames.ts";
import type { ProgramMap } from "./program-map.ts";
import type { Arrival, Traveller } from "./travel.ts";

/** What stepping works with. */
export interface StepParts {
  readonly timeline: TimelineLike;
  readonly machine: MachineLike;
  readonly map: ProgramMap;
  readonly frames: FrameFinder;
  readonly traveller: Traveller;
}

/** How a step ended: where it was to go, or at something that the user wants to see before that. */
export type StepEnd = { readonly kind: "stepped" } | Exclude<Arrival, { readonly kind: "own" | "limit" }>;

export const STEPPED: StepEnd = { kind: "stepped" };

export const RA = 1;
export const SP = 2;

/** A callee may leave the stack pointer this far from where it was: helpers that push or pop for their caller. */
export const MOST_STACK_SHIFT = 2048n;

/** The distance between two stack pointers. */
export function distance(a: bigint, b: bigint): bigint {
  return a > b ? a - b : b - a;
}

/**
 * A call on its way: tells its own return from those of deeper activations that come back to the same place. The stack
 * pointer is as before the call; where a callee has changed it on purpose, it is the first return, unless the call
 * itself was executed again meanwhile.
 */
export class PendingCall {
  readonly site: bigint;
  readonly returnAddress: bigint;
  readonly #sp: bigint;
  #entered = 0;

  constructor(site: bigint, returnAddress: bigint, sp: bigint) {
    this.site = site;
    this.returnAddress = returnAddress;
    this.#sp = sp;
  }

  /** True when the state at `pc` is the one behind this call. To be asked at every arrival at both of its addresses. */
  isOver(pc: bigint, sp: bigint): boolean {
    if (pc === this.site) {
      this.#entered++;
      return false;
    }
    if (pc !== this.returnAddress) return false;
    return sp === this.#sp || (this.#entered === 0 && distance(sp, this.#sp) <= MOST_STACK_SHIFT);
  }
}
