/**
 * What the debug adapter says of two machines in lockstep: types only, shared with the extension and its views. A pair is
 * debugged in two sessions of one client, machine A's and machine B's; each may be asked, and each hears the event.
 */

/** `A`, `B`, …: in the order in which they joined the pair. */
export type PairMemberName = string;

/** `lockstep` of a launch configuration. The names are those of `hindcast lockstep`. */
export interface LockstepArguments {
  /** Another program for machine B: the pair is then a comparison, which ends at the first difference. */
  second?: string;
  /** What machine B may differ in. */
  diverge?: ("harts" | "time" | "entropy" | "memory")[];
  divergeSeed?: number;
  /** `KIND@INSTANT` or `KIND:primary@INSTANT`. */
  fault?: string[];
  faultSeed?: number;
}

export interface LockstepRequests {
  "hindcast/lockstep/state": { arguments: Record<string, never>; body: PairStateBody };
  "hindcast/lockstep/log": { arguments: PairLogArguments; body: PairLogBody };
  /** Shown with progress, ended by `cancel`. */
  "hindcast/lockstep/findDivergence": { arguments: FindDivergenceArguments; body: DivergenceFindingBody };
  "hindcast/lockstep/compare": { arguments: CompareMachinesArguments; body: MachineComparisonBody };
  /** This session's machine goes to where it corresponds to the other one, as that stands now; `stopped` follows. */
  "hindcast/lockstep/correspond": { arguments: CorrespondArguments; body: CorrespondenceBody };
  /** Both machines go to their instants of something; one that has none goes to where it corresponds. `stopped` follows in both sessions. */
  "hindcast/lockstep/go": { arguments: Partial<PairPlaceBody>; body: undefined };
}

export interface LockstepEvents {
  /** The pair's state has changed: at most five a second. */
  "hindcast/lockstep": PairStateBody;
}

/** A pair in a debug session, live or recorded. */
export interface PairStateBody {
  /** The pair's, in every recording of it. */
  id: string;
  /** The machines still run, or can. */
  live: boolean;
  /** Whose session was asked, or hears the event. */
  member: PairMemberName;
  /** By name; those of a session each (A, B) and those that came and went. */
  members: PairMemberBody[];
  /** Recordings of the pair that are not beside the others, as file names. */
  missing: string[];
  /** Absent: they are alike, or nothing is known of a difference. */
  inner?: InnerDivergenceBody;
  counts: PairCountsBody;
  latencyMs: { median?: number; p99?: number };
  /** Steps that the secondary was behind, at the most. */
  lagStepsMax: number;
  /** Differences in what they said, oldest first. */
  divergences: OutputDivergenceBody[];
}

export interface PairMemberBody {
  name: PairMemberName;
  /** What it is, or at the end of the recording was. "gone": it died, or was replaced. */
  role: "primary" | "secondary" | "gone";
  /** "Machine A (primary)" */
  title: string;
  /** A debug session shows it, standing there; absent: the machine moves, or nobody looks at it. */
  instant?: number;
  /** The stretch that the session looks at. */
  stretch?: number;
  /** Its recordings: a machine that takes over the other's state begins another. */
  stretches: PairStretchBody[];
}

export interface PairStretchBody {
  number: number;
  path: string;
  first: number;
  last: number;
  /** The state at `first` was taken over from there; absent: reset. */
  start?: { member: PairMemberName; stretch: number; instant: number };
}

export interface InnerDivergenceBody {
  /** The primary's instant at which it was noticed. */
  noticedAt: number;
  /** Of the newest digest in which both agreed. */
  lastAgreement: number;
  how: "digest" | "timing" | "place";
}

export interface PairCountsBody {
  /** Entries of the log, of all kinds. */
  entries: number;
  outputsMatched: number;
  outputsReleased: number;
  innerDivergences: number;
  digestsEqual: number;
  digestsDifferent: number;
  resynchronisations: number;
  takeOvers: number;
  joined: number;
  /** Times that the primary waited for the secondary. */
  held: number;
}

/** The two differ in what they say. Seeking to the instants stops before the steps that say it. */
export interface OutputDivergenceBody {
  what: "data" | "missing" | "extra" | "no-progress" | "state";
  /** "console", "network", "end" */
  device: string;
  /** The output's number on its device. */
  number: number;
  place: PairPlaceBody;
  /** What the primary said and what the secondary said, as text. */
  expected: string;
  got: string;
  lastAgreement: number;
  /** A sentence. */
  text: string;
}

/** An instant of either machine. */
export interface PairPlaceBody {
  left: { member: PairMemberName; stretch: number; instant: number };
  right: { member: PairMemberName; stretch: number; instant: number };
}

export interface PairLogArguments {
  /** Rows counted from the oldest that the filter lets pass, 0. */
  from: number;
  /** At most 1000. */
  count: number;
  filter?: PairLogFilterBody;
}

export interface PairLogFilterBody {
  kinds?: PairLogKind[];
  states?: PairOutputState[];
  member?: PairMemberName;
  /** Primary's instants, from the first to before the second. */
  instants?: { from: number; to: number };
  /** In what was said or in the entry's text; case does not count. */
  text?: string;
}

export interface PairLogBody {
  rows: PairLogRowBody[];
  /** How many there are that the filter lets pass. */
  total: number;
}

export type PairLogKind =
  | ("input" | "output" | "digest" | "acknowledge" | "release" | "divergence" | "inner-divergence" | "agree-again")
  | ("resynchronise" | "resynchronised" | "take-over" | "join" | "paired" | "fault" | "held" | "end");

export type PairOutputState = "pending" | "matched" | "released" | "mismatched" | "resynchronised" | "lost";

export interface PairLogRowBody {
  /** Its place among the rows that the filter lets pass. */
  row: number;
  kind: PairLogKind;
  /** Of the log; absent for what only one of them knows of. */
  sequence?: number;
  primaryInstant?: number;
  secondaryInstant?: number;
  /** Whom it concerns or who saw it. */
  member?: PairMemberName;
  stretch?: number;
  /** Since the pair's start, in the host's time: for display. */
  timeMs: number;
  device?: string;
  number?: number;
  /** What was said or came in: printable, and in hexadecimal; long ones are cut, `bytes` counts all. */
  bytes?: { text: string; hex: string; bytes: number };
  state?: PairOutputState;
  latencyMs?: number;
  lagSteps?: number;
  text?: string;
  /** Where it can be looked at, of who saw it. */
  place?: Partial<PairPlaceBody>;
}

export interface FindDivergenceArguments {
  /** Which of the state's divergences is to be explained, counted from 0; default: the one that the session stands at, else the first. */
  divergence?: number;
  /** Both machines go to the divergent instruction as well. Default true. */
  seek?: boolean;
}

export interface DivergenceFindingBody {
  kind: "none" | "difference";
  /** "output": what they say differs. "inside": it does not, but their states do. */
  level?: "inside" | "output";
  lastAgreement: PairPlaceBody;
  /** What the difference that matters comes from: the states before the instruction. */
  divergent?: DivergentBody;
  /** The first instruction after which the states differ, harmless shifts aside; absent when it is `divergent`. */
  inside?: DivergentBody;
  /** The first output that differs. */
  output?: { place: PairPlaceBody; device: string; number: number; left: string; right: string };
  /** From the output back to `divergent`, newest first. */
  chain: DivergenceLinkBody[];
  /** What was passed over, and what there is to know beside: sentences. */
  notes: string[];
  /** The finding in a few sentences, of which the first says most. */
  lines: FindingLineBody[];
}

export interface FindingLineBody {
  text: string;
  /** Where the line leads. */
  place?: PairPlaceBody;
}

export interface DivergentBody {
  place: PairPlaceBody;
  left: DivergentInstructionBody;
  right: DivergentInstructionBody;
  /** `device`, `entropy`, `time`, `input`, `edit`, `uninitialised`, `program`, `order`, … */
  cause: string;
  /** A sentence: why the two part here. */
  why: string;
  differences: DifferenceBody[];
  /** How many more there are. */
  more: number;
}

export interface DivergentInstructionBody {
  hart: number;
  pc: string;
  symbol: string;
  text: string;
  source?: { path: string; line: number; column: number };
}

export interface DifferenceBody {
  what: string;
  /** `a0`, `mcause`, `counter+0x8`, … */
  name: string;
  hart?: number;
  /** Of memory, physical: `0x…`. */
  address?: string;
  left?: string;
  right?: string;
}

export interface DivergenceLinkBody {
  /** "data": the value came through these instructions. "flow": they went different ways here. */
  kind: "data" | "flow";
  sentence: string;
  place?: PairPlaceBody;
  left?: DivergentInstructionBody;
  right?: DivergentInstructionBody;
  value?: DifferenceBody;
}

/** The two machines where the sessions stand. */
export interface CompareMachinesArguments {
  /** Default: the hart that stopped last. */
  hart?: number;
  /** Memory to show beside what differs: a number or an expression that `evaluate` knows. */
  address?: string;
  /** Bytes; default 64. */
  length?: number;
}

/** The two machines as they stand: what a side-by-side view shows. */
export interface MachineComparisonBody {
  place: PairPlaceBody;
  left: ComparedMachineBody;
  right: ComparedMachineBody;
  /** Of the hart: pc, x1 to x31, f0 to f31 where there are any; all of them, in order. */
  registers: ComparedValueBody[];
  csrs: ComparedValueBody[];
  /** Words of RAM in which they differ, the first of them; in so many pages there are some. */
  memory: ComparedWordBody[];
  differingPages: number;
  /** What was asked for, by words of 8 bytes. */
  asked?: ComparedWordBody[];
  devices: ComparedValueBody[];
}

export interface ComparedMachineBody {
  name: PairMemberName;
  title: string;
  instant: number;
  hart: number;
  pc: string;
  symbol: string;
  source?: { path: string; line: number; column: number };
  /** Instructions around pc; `current` is the one that comes next. */
  code: { address: string; text: string; symbol?: string; current: boolean }[];
}

export interface ComparedValueBody {
  name: string;
  left: string;
  right: string;
  differs: boolean;
}

export interface ComparedWordBody {
  /** Physical; of what was asked for machine A's, as it was asked. */
  address: string;
  /** `queue+0x8` */
  symbol?: string;
  left: string;
  right: string;
  differs: boolean;
}

export interface CorrespondArguments {
  /** An instant of the other machine's; default: where it stands. */
  instant?: number;
  /** False: only say where. Default: go. */
  seek?: boolean;
}

export interface CorrespondenceBody {
  place: PairPlaceBody;
  /** "aligned": nothing differs in when they say things here. "outputs": between the same outputs. "end": the other has not come so far. */
  how: "aligned" | "outputs" | "end";
  /** A sentence. */
  text: string;
}
