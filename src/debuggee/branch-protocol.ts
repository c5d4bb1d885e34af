import type { SourcePosition, Stopped } from "./protocol.ts";

/** What-if branches, as clients see them: plain data both ways, as in protocol.ts. */

export interface BranchSummary {
  /** 1, 2, …; 0 stands for the recording. */
  readonly id: number;
  /** Of a branch that is kept: it stays until it is discarded. */
  readonly name?: string;
  /** The run that it left; 0: the recording. */
  readonly parent: number;
  /** Where it left it. */
  readonly origin: number;
  readonly now: number;
  readonly end: number;
  /** It is given what came from outside in the run that it left. */
  readonly inputs: boolean;
  /** Changes made in it. */
  readonly edits: number;
}

export interface BranchList {
  /** The branch that is looked at; 0: the recording. */
  readonly current: number;
  readonly branches: readonly BranchSummary[];
}

/** Where one of the runs stands. */
export interface BranchPlace {
  readonly hart: number;
  readonly pc: bigint;
  /** `main+0x12`, or the bare address. */
  readonly symbol: string;
  readonly source?: SourcePosition;
}

/** What printed a byte of the console. */
export interface PrintedLine {
  readonly instant: number;
  readonly hart: number;
  /** The line that the byte belongs to. */
  readonly line: string;
}

/** A branch held against the recording, at equal instants of both. */
export interface BranchComparison {
  readonly branch: BranchSummary;
  /** What it is held against: 0, the recording, or another branch. */
  readonly against: number;
  /** Up to here both runs have come, and are compared. */
  readonly comparedTo: number;
  /** The outputs differ, or the states at `comparedTo`. */
  readonly differs: boolean;
  /** The first event that is not in both, in words; absent: none, and the runs are the same. */
  readonly parted?: { readonly instant: number; readonly recording?: string; readonly branch?: string };
  readonly outputs: {
    /** Bytes that both have printed alike since they parted. */
    readonly equalBytes: number;
    /** The first byte that differs, or that only one of them has printed. */
    readonly difference?: { readonly offset: number; readonly recording?: PrintedLine; readonly branch?: PrintedLine };
    /** The first byte that both have printed, but at other instants. */
    readonly moved?: { readonly offset: number; readonly recording: number; readonly branch: number };
  };
  /** The first instant at which the next step is not of the same hart at the same pc. */
  readonly pathsPart?: {
    readonly instant: number;
    readonly recording: BranchPlace;
    readonly branch: BranchPlace;
    /** Every step before it was compared; else samples, and the steps back to the last sample. */
    readonly exact: boolean;
  };
  /** The first step that gave a register another value, other than those that were changed at the beginning. */
  readonly firstEffect?: {
    readonly instant: number;
    readonly hart: number;
    readonly register: string;
    readonly recording: bigint;
    readonly branch: bigint;
  };
  /** Steps were compared one by one up to here. */
  readonly steppedTo: number;
  /** From here on the states are the same again. */
  readonly rejoined?: number;
  /** What differs at one instant. */
  readonly at: BranchStateDifference;
  /** All of it in sentences, for people. */
  readonly lines: readonly string[];
}

export interface BranchStateDifference {
  readonly instant: number;
  readonly equal: boolean;
  readonly registers: readonly {
    readonly hart: number;
    readonly name: string;
    readonly recording: bigint;
    readonly branch: bigint;
  }[];
  /** Words of eight bytes, at physical addresses: the first of `differingWords`. */
  readonly words: readonly {
    readonly address: bigint;
    readonly symbol?: string;
    readonly recording: bigint;
    readonly branch: bigint;
  }[];
  readonly differingWords: number;
  /** Blocks of disks, of 4096 bytes. */
  readonly blocks: readonly { readonly disk: number; readonly offset: number }[];
  readonly devices: readonly {
    readonly device: string;
    readonly name: string;
    readonly recording: string;
    readonly branch: string;
  }[];
}

/** Part of `DebuggeeApi`. An edit in the past starts a branch by itself. */
export interface BranchApi {
  /** Leaves the run that is looked at where it stands. `inputs` (default true): what came from outside later on is given to the branch too. */
  startBranch(inputs?: boolean): Promise<BranchSummary>;
  branches(): Promise<BranchList>;
  /** To a branch, or to the recording (0), where it was left. */
  switchBranch(id: number): Promise<Stopped>;
  /** Drops a branch (default: the one that is looked at, whose place takes the run that it left). */
  discardBranch(id?: number): Promise<Stopped>;
  /** Gives a branch a name (default: the one that is looked at). */
  keepBranch(name: string, id?: number): Promise<BranchSummary>;
  /** A search: nobody moves. `at`: the instant for the list of what differs (default: the last that both have). */
  compareBranch(options?: { id?: number; at?: number; against?: number }): Promise<BranchComparison>;
  /** Writes a branch as a recording of its own. */
  saveBranch(path: string, id?: number): Promise<void>;
  /** Returns from the hart's current function at once, with a value for a0 (an expression): an edit. */
  forceReturn(hart: number, value?: string): Promise<Stopped>;
}
