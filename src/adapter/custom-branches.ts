/** What-if branches, as the adapter says them: part of custom-protocol.ts, whose conventions hold. */

export interface BranchRequests {
  "hindcast/startBranch": { arguments: StartBranchArguments; body: BranchBody };
  "hindcast/branches": { arguments: Record<string, never>; body: BranchesBody };
  "hindcast/switchBranch": { arguments: { id: number }; body: undefined };
  "hindcast/discardBranch": { arguments: { id?: number }; body: undefined };
  "hindcast/keepBranch": { arguments: KeepBranchArguments; body: BranchBody };
  "hindcast/compareBranch": { arguments: CompareBranchArguments; body: CompareBranchBody };
  "hindcast/saveBranch": { arguments: SaveBranchArguments; body: undefined };
  "hindcast/forceReturn": { arguments: ForceReturnArguments; body: undefined };
}

export interface StartBranchArguments {
  /** What came from outside later on in the run that is left is given to the branch as well; default true. */
  inputs?: boolean;
}

/** A what-if run that left the recording, or another branch, at an instant. */
export interface BranchBody {
  /** 1, 2, …; 0 stands for the recording. */
  id: number;
  /** Of a branch that is kept. */
  name?: string;
  /** The run that it left; 0: the recording. */
  parent: number;
  origin: number;
  now: number;
  end: number;
  inputs: boolean;
  /** Changes made in it. */
  edits: number;
  /** `Branch 1 of instant 8,364,830` */
  label: string;
}

export interface BranchesBody {
  /** The branch that is looked at; 0: the recording. */
  current: number;
  branches: BranchBody[];
}

export interface KeepBranchArguments {
  name: string;
  /** Default: the branch that is looked at. */
  id?: number;
}

export interface CompareBranchArguments {
  /** Default: the branch that is looked at. */
  id?: number;
  /** Where to list what differs; default: the last instant that both runs have. */
  at?: number;
  /** Another branch to hold it against; default 0, the recording. */
  against?: number;
}

/** All at equal instants of both runs; values are `0x…`. */
export interface CompareBranchBody {
  branch: BranchBody;
  against: number;
  comparedTo: number;
  /** The outputs differ, or the states at `comparedTo`. */
  differs: boolean;
  /** The first event that is not in both. */
  parted?: { instant: number; recording?: string; branch?: string };
  outputs: {
    equalBytes: number;
    difference?: { offset: number; recording?: PrintedBody; branch?: PrintedBody };
    moved?: { offset: number; recording: number; branch: number };
  };
  pathsPart?: { instant: number; recording: BranchPlaceBody; branch: BranchPlaceBody; exact: boolean };
  firstEffect?: { instant: number; hart: number; register: string; recording: string; branch: string };
  steppedTo: number;
  rejoined?: number;
  at: {
    instant: number;
    equal: boolean;
    registers: { hart: number; name: string; recording: string; branch: string }[];
    /** Words of eight bytes at physical addresses: the first of `differingWords`. */
    words: { address: string; symbol?: string; recording: string; branch: string }[];
    differingWords: number;
    blocks: { disk: number; offset: number }[];
    devices: { device: string; name: string; recording: string; branch: string }[];
  };
  /** All of it in sentences. */
  lines: string[];
}

export interface PrintedBody {
  instant: number;
  hart: number;
  line: string;
}

export interface BranchPlaceBody {
  hart: number;
  pc: string;
  symbol: string;
  source?: { path: string; line: number; column: number };
}

export interface SaveBranchArguments {
  /** Of the new recording; relative to the launch's `cwd`. */
  path: string;
  /** Default: the branch that is looked at. */
  id?: number;
}

export interface ForceReturnArguments {
  threadId: number;
  /** An expression for a0; absent: it stays. */
  value?: string;
}
