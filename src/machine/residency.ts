import type { LatentWork } from "./latent-work.ts";
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

/** What waiting for one kind of work came to. */
export interface WorkReport {
  readonly work: LatentWork;
  /** Pages of which the guest was told; work beside which it went on without; and what a hart stood still for. */
  readonly told: number;
  readonly beside: number;
  readonly waited: number;
  /** Of the first two: until it was done; of pages without the time in which nobody else ran. */
  readonly hiddenMs: number;
  /** In which the machine stood still. */
  readonly waitedMs: number;
  /** The longest time until it was done. */
  readonly mostMs: number;
}

/** Where the pages of a live run are, and what it cost that they are not all in the machine. */
export interface ResidencyReport extends ResidencyCounters {
  /** The guest is told of pages that are not ready, where it can be. */
  readonly asyncPages: boolean;
  readonly pageInLatencyMs: number;
  /** Bytes of pages that are put away: as they are, packed in memory, packed in the file. */
  readonly stored: { readonly raw: number; readonly compressed: number; readonly file: number };
  /** In which all of the guest waited for pages that it was told of. */
  readonly idleMs: number;
  /** Those that have happened. */
  readonly works: readonly WorkReport[];
  /** A sentence when pages have nowhere to go but memory. */
  readonly warning?: string;
}
