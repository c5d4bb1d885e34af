import type { PageSource } from "./machine-interface.ts";

/** Keeps pages of RAM that the machine has put away. */
export interface PageStore {
  /**
   * Takes the contents of a page, which are valid during the call; what it answers gives them back, whichever page it is asked
   * for. It keeps them for as long as somebody refers to the answer: checkpoints do.
   */
  put(bytes: Uint8Array, hash: bigint): PageSource;
}

/**
 * A machine that keeps fewer pages of RAM than its guest has. It is no property of the guest's machine: nothing that the guest sees,
 * no digest and no recording depends on it.
 */
export interface Residency {
  /** Pages that are kept, each in a frame of the machine's memory. */
  readonly frames: number;
  readonly store: PageStore;
}

/** What residency has done since the machine was made. */
export interface ResidencyCounters {
  readonly frames: number;
  readonly pages: number;
  /** Pages that are in frames now. */
  readonly resident: number;
  readonly putAway: number;
  /** Pages that came out of the store. */
  readonly broughtIn: number;
}
