/**
 * What Hindcast's debug adapter says beyond the Debug Adapter Protocol: types only, so that the extension
 * and any other client may import them. Instants, offsets and counts are safe integers; addresses are strings
 * (`0x80001000`), because JSON numbers end at 2^53. Requests go through DAP's `request` messages under these names;
 * a request that moves the machine is answered at once and followed by `stopped`, as DAP's own motions are.
 */

import type { BranchBody, BranchesBody, BranchRequests } from "./custom-branches.ts";
import type { LockstepArguments, LockstepEvents, LockstepRequests } from "./custom-lockstep.ts";
import type {
  CsrsBody,
  HartArguments,
  MachineBody,
  PageTableArguments,
  PageTableBody,
  TranslateArguments,
  TranslationBody,
} from "./custom-machine.ts";
import type { OriginArguments, OriginBody } from "./custom-origin.ts";

export type * from "./custom-branches.ts";
export type * from "./custom-lockstep.ts";
export type * from "./custom-machine.ts";
export type * from "./custom-origin.ts";

/** Arguments of a launch request, beside DAP's `noDebug`. The names are the command line's. */
export interface LaunchArguments {
  /** An ELF, a raw image or a `.s`/`.S` source. Exactly one of `program`, `kernel` and `recording`. */
  program?: string;
  /** A kernel (ELF, Image, gzip'ed Image), started in supervisor mode by firmware. */
  kernel?: string;
  /** What the kernel finds in memory as its initial RAM disk. */
  initrd?: string;
  /** The kernel's command line. */
  append?: string;
  /** `none`, `sbi` (built in; the default for a kernel), or a firmware file such as OpenSBI's. */
  bios?: string;
  /** A device tree blob instead of the generated one. */
  dtb?: string;
  /** A recording to travel through. */
  recording?: string;
  /** Where to record to; default: a new file beside the other recordings. */
  recordTo?: string;
  /** Directory that relative paths start from; default: the adapter's working directory. */
  cwd?: string;
  /** RAM: bytes, or a string with K, M or G: `"128M"`. */
  memory?: number | string;
  /** How much of it the machine keeps: other pages go to a compressed store, then to a file. */
  residentMemory?: number | string;
  asyncPages?: boolean;
  /** Milliseconds. */
  pageInLatency?: number;
  harts?: number;
  /** `rv64imac`, … */
  isa?: string;
  /** Privilege modes of the harts: `m`, `mu`, `msu`. */
  modes?: "m" | "mu" | "msu";
  engine?: "auto" | "translator" | "interpreter" | "oracle";
  /** Whether cached translations outlive changes of the address space and fences; default `on`. */
  cacheGroup?: "on" | "off";
  clock?: "virtual" | "paced";
  seed?: number;
  /** virtio disks: `FILE`, `FILE,readonly`, `FILE,external`, `blank:64M`; one or a list. */
  disk?: string | string[];
  /** What the guest's clock shows at the start: seconds since 1970 or a date; default: now. */
  startTime?: number | string;
  virtio?: "modern" | "legacy";
  /** Which of the guest's consoles gets the input. */
  guestConsole?: "uart" | "virtio";
  /** A file whose bytes are typed into the guest's console at the start. */
  input?: string;
  /** `none` or `user`, with `,hostfwd=…` and `,restrict=on`, as `hindcast run --net` has it. */
  net?: string;
  /** Stop before the first instruction; default false. */
  stopOnEntry?: boolean;
  /** When the guest ends, stay for travel (default true), or end the session (false). */
  stopOnEnd?: boolean;
  /** Symbols and lines of other programs: `FILE` or `FILE@OFFSET`, or a path with a number that is added to its addresses. */
  symbolFiles?: (string | { path: string; offset?: number | string })[];
  /**
   * Where the guest's console goes: `internalConsole` (default) sends DAP `output` events; `integratedTerminal` sends
   * `hindcast/console` events with exact bytes, for a client that has a terminal of its own for them.
   */
  console?: "internalConsole" | "integratedTerminal";
  /** Two machines in lockstep. */
  lockstep?: boolean | LockstepArguments;
}

/** Moves and questions that DAP has no request for. */
export interface CustomRequests extends BranchRequests, LockstepRequests {
  "hindcast/reverseStepIn": { arguments: ReverseStepArguments; body: undefined };
  "hindcast/reverseStepOut": { arguments: ReverseStepArguments; body: undefined };
  "hindcast/seek": { arguments: SeekArguments; body: undefined };
  "hindcast/timeline": { arguments: TimelineArguments; body: TimelineBody };
  "hindcast/bookmark": { arguments: BookmarkArguments; body: undefined };
  "hindcast/removeBookmark": { arguments: RemoveBookmarkArguments; body: undefined };
  "hindcast/renameBookmark": { arguments: RenameBookmarkArguments; body: undefined };
  "hindcast/instantOfOutput": { arguments: InstantOfOutputArguments; body: InstantOfOutputBody };
  "hindcast/lastWrite": { arguments: LastWriteArguments; body: LastWriteBody };
  "hindcast/firstRead": { arguments: FirstArguments; body: FirstBody };
  "hindcast/firstDifference": { arguments: FirstArguments; body: FirstBody };
  "hindcast/lastRead": { arguments: LastWriteArguments; body: LastReadBody };
  "hindcast/origin": { arguments: OriginArguments; body: OriginBody };
  "hindcast/input": { arguments: InputArguments; body: undefined };
  "hindcast/machine": { arguments: Record<string, never>; body: MachineBody };
  "hindcast/csrs": { arguments: HartArguments; body: CsrsBody };
  "hindcast/translate": { arguments: TranslateArguments; body: TranslationBody };
  "hindcast/pageTable": { arguments: PageTableArguments; body: PageTableBody };
  "hindcast/bindingCondition": { arguments: BindingConditionArguments; body: BindingConditionBody };
  "hindcast/search": { arguments: SearchArguments; body: SearchBody };
  "hindcast/breakpoints": { arguments: Record<string, never>; body: { breakpoints: BreakpointBody[] } };
  "hindcast/searches": { arguments: Record<string, never>; body: { searches: SearchBody[] } };
  "hindcast/searchRows": { arguments: SearchRowsArguments; body: { rows: RowBody[] } };
  "hindcast/seriesBuckets": { arguments: SeriesBucketsArguments; body: { buckets: SeriesBucketBody[] } };
  "hindcast/rowInstants": { arguments: RowInstantsArguments; body: { instants: number[] } };
  "hindcast/countRows": { arguments: CountRowsArguments; body: { rows: number } };
  "hindcast/rowsAround": { arguments: RowsAroundArguments; body: RowsAroundBody };
  "hindcast/extendSearch": { arguments: ExtendSearchArguments; body: SearchBody };
  "hindcast/cancelSearch": { arguments: SearchIdArguments; body: undefined };
  "hindcast/closeSearch": { arguments: SearchIdArguments; body: undefined };
}

/** What the adapter says by itself. */
export interface CustomEvents extends LockstepEvents {
  /** Where the machine is and how it goes: at most ten a second. */
  "hindcast/status": StatusBody;
  /** Bytes of the guest's console, when `console` is `integratedTerminal`. */
  "hindcast/console": ConsoleBody;
  /** A branch was started (an edit in the past starts one), left, named or discarded. */
  "hindcast/branch": BranchesBody;
  /** Marks came or went: ask `hindcast/timeline` again when it is shown. At most twice a second. */
  "hindcast/timelineChanged": Record<string, never>;
  /** How far a search is: at most ten a second each, and when it is done. */
  "hindcast/search": SearchBody;
}

export interface ReverseStepArguments {
  threadId: number;
  /** Default "statement". */
  granularity?: "statement" | "line" | "instruction";
}

export interface SeekArguments {
  /** One that the recording holds; another is refused with a sentence that names them. */
  instant: number;
}

export interface TimelineArguments {
  /** Only marks in [from, to]. */
  from?: number;
  to?: number;
  /** At most this many marks, thinned evenly; default 1000. */
  most?: number;
}

export interface TimelineBody {
  /** First instant that can be reached, the current one and the last. */
  first: number;
  now: number;
  end: number;
  /** The recording still grows when the machine runs past `end`. */
  live: boolean;
  /** The branch that is looked at: from its origin on it is another run than the recording. */
  branch?: BranchBody;
  marks: TimelineMark[];
  /** How many marks there are in the range; more than `marks` holds when they were thinned. */
  total: number;
}

export interface TimelineMark {
  kind: "event" | "output" | "checkpoint" | "bookmark" | "hit" | "trap" | "wait";
  instant: number;
  /** Of a wait: the instant at which the guest was told that the page is there; absent: it was not, as far as the run goes. */
  until?: number;
  label: string;
  detail?: string;
}

export interface BookmarkArguments {
  name: string;
  /** Default: the current one. */
  instant?: number;
}

export interface RemoveBookmarkArguments {
  instant: number;
  name: string;
}

export interface RenameBookmarkArguments extends RemoveBookmarkArguments {
  newName: string;
}

export interface InstantOfOutputArguments {
  /** Position of a byte in the guest's console output since reset, from 0 (`ConsoleBody.offset` counts the same). */
  offset: number;
  /** Go there as well. */
  seek?: boolean;
}

export interface InstantOfOutputBody {
  /** Absent when nothing was printed there. */
  instant?: number;
}

export interface LastWriteArguments {
  /** A number or an expression that `evaluate` knows. */
  address: string;
  /** Bytes; default: the size of what the expression names, else 1. */
  length?: number;
  /** Only writes before this instant; default: the current one. */
  before?: number;
  /** Go there as well. */
  seek?: boolean;
}

export interface LastWriteBody {
  /** Absent when nothing was written there since the recording began. */
  write?: AccessBody;
}

export interface LastReadBody {
  /** Absent when nothing was read there since the recording began. */
  read?: AccessBody;
}

/** The first read of a place from an instant on; or the first step behind which its bytes are others than at that instant. */
export interface FirstArguments {
  /** A number or an expression that `evaluate` knows. */
  address: string;
  /** Bytes; default: the size of what the expression names, else 1. */
  length?: number;
  /** Default: the current instant. */
  from?: number;
  /** Go there as well. */
  seek?: boolean;
}

export interface FirstBody {
  /** Absent when there is none. */
  row?: RowBody;
}

export interface AccessBody {
  /** The state before the access: seeking there stops at the instruction that wrote, or read. */
  instant: number;
  pc: string;
  /** `heap_split+0x1c`, or the bare address. */
  symbol: string;
  source?: { path: string; line: number; column: number };
  /** No instruction's: a device, the user or a page-table walk wrote on arrival at the instant. */
  by?: "device" | "edit" | "walk";
}

export interface InputArguments {
  /** Bytes for the guest's console: text (sent as UTF-8), or base64. Exactly one. */
  text?: string;
  base64?: string;
}

/** What a breakpoint's condition says to count in one place only. */
export interface BindingConditionArguments extends HartArguments {
  /** "privilege": the privilege mode that the hart is in; "space": its address space as well. */
  to: "privilege" | "space";
  /** The breakpoint's condition until now. */
  condition?: string;
}

export interface BindingConditionBody {
  condition: string;
}

/**
 * A question over a stretch of the past; its answer is rows in order of instant. `address` is a number or an expression
 * that `evaluate` knows; what it means, and its size, is settled when the search starts.
 */
export type QuestionBody =
  | { kind: "writes" | "reads" | "accesses"; address: string; length?: number }
  | { kind: "hits"; at: PlaceBody; condition?: string; hitCondition?: string; logMessage?: string }
  /**
   * Each value that an expression had, at each hit of `at`, which is there in the row's instant; else whenever what it
   * reads has been written, by the row's step. The first row is the value at the beginning.
   */
  | { kind: "series"; expression: string; hart?: number; at?: PlaceBody; everySteps?: number }
  | { kind: "calls"; function: string }
  /** Exceptions, all or those of `causes` (of mcause); `interrupts` as well when true. */
  | { kind: "traps"; causes?: number[]; interrupts?: boolean }
  /** Processes that slept because the machine did not have a page. */
  | { kind: "waits" }
  | { kind: "outputs"; text?: string };

/**
 * As people write it: `queue.s:42` (the whole path, or an end of it that names one file), a function, an address. Or as
 * breakpoints have it, lines and columns from 1.
 */
export type PlaceBody =
  | string
  | { kind: "source"; path: string; line: number; column?: number }
  | { kind: "function"; name: string }
  | { kind: "instruction"; address: string }
  | { kind: "data"; dataId: string; access: "read" | "write" | "readWrite" };

/** A breakpoint of the session, of whatever kind, and the question that it is when it is asked of the whole recording. */
export interface BreakpointBody {
  /** `queue.s:42`, `function main`, `writes of 8 bytes at 0x80001000`. */
  title: string;
  question: Extract<QuestionBody, { kind: "hits" }>;
  /** As in DAP's breakpoint modes; absent: one like any other. */
  mode?: string;
}

export interface SearchArguments {
  question: QuestionBody;
  /** The stretch, default: all of the recording up to now. */
  from?: number;
  to?: number;
}

export interface SearchBody {
  id: number;
  question: QuestionBody;
  /** What is asked, for a heading: `Writes to work_queue (8 bytes at 0x80001000)`. */
  title: string;
  from: number;
  to: number;
  /** Rows known, counted from the newest; exact when done. */
  rows: number;
  /** Everything from here to `to` has been searched. */
  searchedFrom: number;
  /** 0 to 1. */
  fraction: number;
  done: boolean;
  cancelled?: boolean;
  /** A series that was looked at now and then only: changes in between are not seen. */
  sampled?: boolean;
  /** A sentence: why it ended early, or what could not be evaluated. */
  problem?: string;
  /** Functions of the guest that were called in saved states, all of which were restored with equal digests. */
  restored?: number;
}

export interface SearchIdArguments {
  id: number;
}

export interface SearchRowsArguments extends SearchIdArguments {
  /** Counted from the newest row, 0. */
  first: number;
  /** At most 1000. */
  count: number;
}

export interface RowBody {
  /** The state before the step in question. */
  instant: number;
  hart: number;
  pc: string;
  symbol: string;
  source?: { path: string; line: number; column: number };
  /** What a list shows. */
  text: string;
  /** The value as a number, where it is one. */
  number?: number;
  bits?: string;
  /** `value` is what is in memory behind the step. */
  access?: { address: string; size: number; value: string; kind: "read" | "write" };
  call?: CallBody;
  wait?: WaitBody;
  /** Why something could not be evaluated here. */
  problem?: string;
}

/** A process that slept because the machine did not have a page. */
export interface WaitBody {
  /** As the guest OS names it, else by its address space. */
  who: string;
  /** The instant at which the guest was told that the page is there; absent: it was not, as far as the run goes. */
  to?: number;
  hart: number;
  address: string;
  work: string;
  /** Who took how many steps until then, the most first. */
  meanwhile: { who: string; steps: number }[];
}

export interface CallBody {
  arguments: { name: string; value: string }[];
  /** The address behind the call instruction. */
  returnAddress: string;
  /** Absent: it did not return as far as was looked. `instant` is the first state behind the return. */
  returned?: { instant: number; value: string; floatValue?: string };
}

export interface SeriesBucketsArguments extends SearchIdArguments {
  /** Columns for [from, to). */
  from: number;
  to: number;
  /** At most this many, 20,000 at the most. */
  most: number;
}

/** One column of a plot. The numbers are absent where the value was none. */
export interface SeriesBucketBody {
  from: number;
  to: number;
  min?: number;
  max?: number;
  /** The value that it begins and ends with. */
  first?: number;
  last?: number;
  /** Rows with an instant in it. */
  changes: number;
}

/** Rows that are known in [from, to): the index of a row, from the newest, is how many there are behind its instant. */
export interface CountRowsArguments extends SearchIdArguments {
  from: number;
  to: number;
}

/** Instants of rows that are known in [from, to), in order; of very many about as many as `most`, spread evenly. */
export interface RowInstantsArguments extends SearchIdArguments {
  from: number;
  to: number;
  most: number;
}

/** A run that has grown: the search goes on. */
export interface ExtendSearchArguments extends SearchIdArguments {
  /** Default: the newest instant. */
  to?: number;
}

export interface RowsAroundArguments extends SearchIdArguments {
  instant: number;
}

/** The last row before an instant, the one at it, and the first behind it, as far as known. */
export interface RowsAroundBody {
  before?: RowBody;
  at?: RowBody;
  after?: RowBody;
}

export interface StatusBody {
  instant: number;
  end: number;
  stepsPerSecond: number;
  recordingBytes: number;
  running: boolean;
  /** The branch that is looked at. */
  branch?: BranchBody;
  /**
   * Replay-only checks and calls of guest functions that ran in this session: after each the state was restored and its
   * digest equal to the one before.
   */
  checks: number;
}

export interface ConsoleBody {
  base64: string;
  /** Position of the first byte in the console's output since reset. */
  offset: number;
  /** Bytes left out before this event because the client was slower than the guest; they are in the recording. */
  skipped?: number;
  /** The instant of the last byte. */
  instant: number;
}
