/**
 * Two machines in lockstep as their debuggers see them: plain data. Each machine is a debuggee of its own; this is what there
 * is to know of both.
 */

import type { Stopped } from "./protocol.ts";

/** The two seats of a pair, each with a debugger: machine A's is the left one, machine B's the right one, and who joins has that of the machine that is gone. */
export type PairSide = "left" | "right";

/** A part of what a machine did: it begins another one whenever it takes over the other's state. */
export interface StretchName {
  readonly member: string;
  readonly stretch: number;
}

export interface PairPosition extends StretchName {
  readonly instant: number;
}

/** What a pair is to be like; the names are those of `hindcast lockstep`. */
export interface LockstepChoice {
  /** Another program for machine B; absolute path. */
  readonly second?: string;
  readonly diverge?: readonly ("harts" | "time" | "entropy" | "memory")[];
  readonly divergeSeed?: number;
  /** `KIND@INSTANT` or `KIND:primary@INSTANT` */
  readonly faults?: readonly string[];
  readonly faultSeed?: number;
}

export interface PairStretch {
  readonly number: number;
  readonly path: string;
  readonly first: number;
  readonly last: number;
  /** Where the state at `first` came from; absent: reset. */
  readonly start?: PairPosition;
  /** How much had been said before `first`, by device. */
  readonly said: readonly number[];
}

export interface PairMember {
  readonly name: string;
  readonly side: PairSide;
  readonly role: "primary" | "secondary" | "gone";
  readonly stretches: readonly PairStretch[];
}

/** They differ in what they say: the states before the steps that say it, or as far as a silent one had come. */
export interface PairDivergence {
  readonly what: "data" | "missing" | "extra" | "no-progress" | "state";
  /** 0: console. 1: network card. 2: how the guest ended. */
  readonly device: number;
  readonly number: number;
  readonly left: PairPosition;
  readonly right: PairPosition;
  /** What the left and what the right one said. */
  readonly leftText: string;
  readonly rightText: string;
  readonly lastAgreement: number;
}

export interface PairSituation {
  readonly id: string;
  readonly live: boolean;
  /** In the order in which they came. */
  readonly members: readonly PairMember[];
  readonly missing: readonly string[];
  readonly inner?: {
    readonly noticedAt: number;
    readonly lastAgreement: number;
    readonly how: "digest" | "timing" | "place";
  };
  readonly counts: {
    readonly entries: number;
    readonly outputsMatched: number;
    readonly outputsReleased: number;
    readonly innerDivergences: number;
    readonly digestsEqual: number;
    readonly digestsDifferent: number;
    readonly resynchronisations: number;
    readonly takeOvers: number;
    readonly joined: number;
    readonly held: number;
  };
  readonly latencyMs: { readonly median?: number; readonly p99?: number };
  readonly lagStepsMax: number;
  /** Oldest first. */
  readonly divergences: readonly PairDivergence[];
}

/** How a live pair is to run on from where both end. */
export interface PairRun {
  readonly stopsAtDivergence: boolean;
  /** Nothing else of the user's stops it, and it ends after so many steps of machine A: to have some history ahead. */
  readonly ahead?: number;
}

/** Why both machines of a live pair stand still. */
export interface PairStop {
  readonly left: Stopped;
  readonly right: Stopped;
  /** Whose stop it is; absent: they were paused, or are over, or have gone so many steps. */
  readonly by?: PairSide;
  readonly divergence?: PairDivergence;
  /** The stretches that the machines are in. */
  readonly stretches: Readonly<Record<PairSide, StretchName>>;
}

/** What both saw of the protocol, as one row. */
export interface PairLogRow {
  readonly kind: string;
  /** Of the log; absent for what only one of them knows of. */
  readonly sequence?: number;
  readonly primaryInstant?: number;
  readonly secondaryInstant?: number;
  /** Who saw it, in which stretch, and where it stood then; of what it said or was told, the state before. */
  readonly member?: string;
  readonly stretch?: number;
  readonly at?: number;
  /** Host time since the pair's beginning, for display alone. */
  readonly timeMs: number;
  readonly device?: number;
  readonly number?: number;
  readonly bytes?: Uint8Array;
  readonly state?: string;
  readonly latencyMs?: number;
  readonly lagSteps?: number;
  readonly text?: string;
}

export interface PairLogFilter {
  readonly kinds?: readonly string[];
  readonly states?: readonly string[];
  readonly member?: string;
  /** The primary's instants, from the first to before the second. */
  readonly instants?: { readonly from: number; readonly to: number };
  /** In what was said or in the entry's text; case does not count. */
  readonly text?: string;
}
