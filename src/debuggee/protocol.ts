import type {
  CsrReport,
  MachineOverview,
  PageTableQuestion,
  PageTableReport,
  TranslationReport,
} from "./machine-protocol.ts";

/**
 * What one debugs, as seen from outside its worker: plain data both ways, so that it crosses a message port. The debug
 * adapter, the command line and the gdb server are clients of this; none of it knows their protocols.
 *
 * Addresses travel as bigint, instants as number, register values as bigint.
 */

import type { BootChoice } from "../base/boot-choice.ts";
import type { DiskChoice } from "../base/disk-choice.ts";
import type { BranchApi, BranchSummary } from "./branch-protocol.ts";
import type { LockstepChoice, PairDivergence } from "./lockstep-protocol.ts";
import type { Origin, OriginOptions } from "./origin-protocol.ts";
import type { DifferencePlace, Row, SearchApi, SearchState } from "./search-protocol.ts";

export type * from "./branch-protocol.ts";
export type {
  DivergenceFinding,
  DivergenceLink,
  Divergent,
  DivergentPlace,
  SideBySide,
  ValueInBoth,
} from "./divergence-protocol.ts";
export type * from "./lockstep-protocol.ts";
export type * from "./origin-protocol.ts";
export type { DifferencePlace, Question, Row, SearchApi, SearchState, SeriesBucket } from "./search-protocol.ts";

export interface LaunchOptions extends BootChoice {
  /** An ELF, a raw image or a `.s`/`.S` source; absolute path. Exactly one of program, kernel and recording. */
  readonly program?: string;
  /** A recording to open for travel. */
  readonly recording?: string;
  /** Where to record to; undefined: a file chosen by the host beside other recordings. */
  readonly recordTo?: string;
  readonly memoryBytes?: number;
  readonly harts?: number;
  readonly isa?: string;
  readonly modes?: "m" | "mu" | "msu";
  readonly seed?: number;
  readonly clock?: "virtual" | "paced";
  readonly engine?: "auto" | "translator" | "interpreter" | "oracle";
  readonly cacheGroup?: "on" | "off";
  /** The network, as `hindcast run --net` has it; undefined: none. */
  readonly net?: string;
  /** virtio disks, in the order of their slots; absolute paths. */
  readonly disks?: readonly DiskChoice[];
  /** Seconds since 1970 that the guest's clock shows at the start; undefined: now. */
  readonly startTime?: number;
  readonly virtio?: "modern" | "legacy";
  readonly guestConsole?: "uart" | "virtio";
  /** Bytes of RAM that the machine keeps; undefined: all. */
  readonly residentBytes?: number;
  /** Whether a guest that knows how is told of pages that are not ready; undefined: yes. */
  readonly asyncPages?: boolean;
  /** Pages take at least so many milliseconds to come. */
  readonly pageInLatencyMs?: number;
  /**
   * Two machines instead of one, which is the business of whoever makes debuggees. False: one machine, though it be the
   * recording of a pair.
   */
  readonly lockstep?: LockstepChoice | false;
  /** Stop before the first instruction. */
  readonly stopOnEntry: boolean;
}

export interface LaunchResult {
  readonly harts: number;
  readonly recording: string;
  readonly live: boolean;
  readonly end: number;
  readonly hasLines: boolean;
  readonly warnings: readonly string[];
  /** Where the debuggee stands now: reason "entry". */
  readonly entered: Stopped;
}

/** Why and where the debuggee stands still. `description` is a sentence for the user. */
export interface Stopped {
  readonly reason:
    | "entry"
    | "step"
    | "breakpoint"
    | "function breakpoint"
    | "instruction breakpoint"
    | "data breakpoint"
    | "exception"
    | "pause"
    | "goto"
    | "end"
    | "start"
    | "finished"
    | "waiting";
  readonly instant: number;
  readonly hart: number;
  readonly description: string;
  /** Ids of the breakpoints that were hit. */
  readonly breakpoints: readonly number[];
  /** No frame of the hart has a source: a kernel, perhaps, of which only symbols are known. */
  readonly sourceless?: true;
  readonly exception?: ExceptionDetails;
  /** Reason "exception": replay-only checks that failed here, a sentence each without its full stop. */
  readonly failedChecks?: readonly string[];
  /** Reason "exception": what the two machines of a pair said here. */
  readonly divergence?: PairDivergence;
  /** The machine moved because the other one of its pair did. */
  readonly along?: true;
  /** Set when the guest ended by itself. */
  readonly exitCode?: number;
}

export interface ExceptionDetails {
  readonly cause: number;
  /** "Load access fault", as the manual names it. */
  readonly name: string;
  readonly tval: bigint;
  readonly handled: boolean;
  readonly description: string;
}

export type StepKind = "over" | "into" | "out";

export type BreakpointRequest =
  | { readonly kind: "source"; readonly path: string; readonly line: number; readonly column?: number }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "instruction"; readonly address: bigint }
  | {
      readonly kind: "data";
      readonly address: bigint;
      readonly length: number;
      readonly access: "read" | "write" | "readWrite";
      /** Absent: in the address space of the hart that stopped last, as it is when the breakpoint is set. */
      readonly use?: AddressUse;
    };

export interface BreakpointSpec {
  readonly id: number;
  readonly at: BreakpointRequest;
  readonly condition?: string;
  /** DAP's hitCondition: `5`, `>= 3`, `% 10`. */
  readonly hitCondition?: string;
  /** `{expression}` parts are evaluated. A log point does not stop. */
  readonly logMessage?: string;
  /**
   * Acts in the recorded past only, where it may call functions of the guest. "check": stops as a failed check where the
   * condition is true; "log": logs. Absent: a breakpoint or log point like any other.
   */
  readonly mode?: "check" | "log";
}

export interface BreakpointState {
  readonly id: number;
  readonly verified: boolean;
  readonly message?: string;
  readonly path?: string;
  readonly line?: number;
  readonly address?: bigint;
}

export interface SourcePosition {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

export interface Frame {
  /** 0 is the current frame. */
  readonly level: number;
  readonly pc: bigint;
  /** `main+0x12`, or the bare address. */
  readonly name: string;
  readonly source?: SourcePosition;
  /** "certain": the current pc or call-frame information. "guess": found by frame pointer or a scan of the stack. */
  readonly confidence: "certain" | "guess";
  /** The frame did not call: this trap interrupted it. "Supervisor timer interrupt". */
  readonly trap?: string;
  readonly sp: bigint;
}

export interface VariableNode {
  readonly name: string;
  readonly value: string;
  readonly type?: string;
  /** Handle for `variables`, 0 when it has no children. Valid until the debuggee moves. */
  readonly reference: number;
  /** Expression that `evaluate` understands; undefined when there is none. */
  readonly evaluateName?: string;
  readonly memoryAddress?: bigint;
  /** Bytes at `memoryAddress` that the value occupies: what a data breakpoint on it watches. */
  readonly size?: number;
  /** `memoryAddress` is physical. */
  readonly physical?: boolean;
  readonly settable: boolean;
}

export interface DisassembledLine {
  readonly address: bigint;
  readonly bytes: string;
  readonly text: string;
  readonly symbol?: string;
  readonly source?: SourcePosition;
  readonly valid: boolean;
}

export interface Evaluation {
  readonly value: string;
  readonly bits?: bigint;
  readonly type?: string;
  readonly reference: number;
  readonly memoryAddress?: bigint;
  /** Bytes at `memoryAddress`, when the expression names a place in memory. */
  readonly size?: number;
  /** `memoryAddress` is physical. */
  readonly physical?: boolean;
}

/** A source file of the program. */
export interface SourceFile {
  /** As in `SourcePosition.path`. */
  readonly path: string;
  /** Its text is known without the file on disk (a recording holds it): `sourceText` gives it. */
  readonly embedded: boolean;
}

/** A name that `evaluate` understands. */
export interface ExpressionName {
  readonly name: string;
  readonly kind: "register" | "csr" | "function" | "object" | "label" | "variable";
}

/** A program as an ELF, with what it has of symbols and lines. */
export interface ExecutableFile {
  /** An absolute path: where it was, when it was loaded. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What a hart's registers hold. */
export interface RegisterValues {
  readonly pc: bigint;
  /** x0 to x31, unsigned. */
  readonly integers: readonly bigint[];
  /** f0 to f31 as their 64 bits; absent where harts have no floating point. */
  readonly floats?: readonly bigint[];
  /** 3 machine, 1 supervisor, 0 user. */
  readonly privilege: 0 | 1 | 3;
}

/** How an address is meant: in the address space of a hart as it is now, or on the bus. */
export type AddressUse = { readonly hart: number } | "physical";

/** One mark on the timeline's axis. */
export interface TimelineMark {
  readonly kind: "event" | "output" | "checkpoint" | "bookmark" | "hit" | "trap" | "wait";
  readonly instant: number;
  /** Of what lasts: its end; absent: it goes on. */
  readonly until?: number;
  readonly label: string;
  readonly detail?: string;
}

export interface TimelineSummary {
  readonly first: number;
  readonly now: number;
  readonly end: number;
  readonly live: boolean;
  readonly marks: readonly TimelineMark[];
  /** The branch that is looked at: from its origin on it is another run than the recording. */
  readonly branch?: BranchSummary;
  /** Marks were thinned: this many in all. */
  readonly total: number;
}

/** The instruction that wrote, at the state before it. */
export interface WriteFound {
  readonly instant: number;
  readonly hart: number;
  readonly pc: bigint;
  /** `heap_split+0x1c`, or the bare address. */
  readonly symbol: string;
  readonly source?: SourcePosition;
  /** The store itself, which may be wider than what was asked for. */
  readonly address: bigint;
  readonly size: number;
  /** What it wrote, `size` bytes little-endian. */
  readonly value: bigint;
  /** It was no instruction: a device, the user, or a page-table walk wrote on arrival at the instant; `address` is then physical. */
  readonly by?: "device" | "edit" | "walk";
}

/**
 * Requests. Motions resolve when the debuggee stands still again; `pause` ends whatever motion goes on, within 100 ms,
 * and does nothing when none does. A search that `pause` ended (`lastWrite`, `lastRead`, `firstRead`, `firstDifference`, `origin`) rejects with a UserError of code
 * "cancelled". `setBreakpoints`, `setExceptionStops`, `input`, `timeline`, `instantOfOutput`, `addBookmark`,
 * `removeBookmark`, `renameBookmark`, `outputLengthAt`, `instantOfFrame`, `frameCountAt`, `sources` and `close` may be called while a motion goes on; everything else then rejects with a UserError of code "running".
 */
export interface DebuggeeApi extends BranchApi, SearchApi {
  launch(options: LaunchOptions): Promise<LaunchResult>;
  /** `until`: at the latest to this instant, as if it had been gone to. */
  resume(until?: number): Promise<Stopped>;
  reverseContinue(until?: number): Promise<Stopped>;
  step(
    kind: StepKind,
    direction: "forward" | "backward",
    granularity: "line" | "instruction",
    hart: number,
  ): Promise<Stopped>;
  /** Forward until pc has left [start, end), for clients with line tables of their own: into calls, over those without lines. */
  stepRange(hart: number, start: bigint, end: bigint): Promise<Stopped>;
  seek(instant: number): Promise<Stopped>;
  pause(): Promise<void>;
  /** Replaces all breakpoints of one kind (for "source": of one path). */
  setBreakpoints(
    scope: { kind: BreakpointRequest["kind"]; path?: string },
    specs: readonly BreakpointSpec[],
  ): Promise<BreakpointState[]>;
  /**
   * mcause values of synchronous exceptions to stop at; "unhandled" always stops. `checks`: whether the guest's replay-only
   * blocks run when the recorded past is gone through, and stop where they fail (default: yes).
   */
  setExceptionStops(causes: readonly number[], checks?: boolean): Promise<void>;
  frames(hart: number): Promise<Frame[]>;
  scopes(hart: number, level: number): Promise<{ name: string; reference: number; expensive: boolean }[]>;
  variables(reference: number): Promise<VariableNode[]>;
  setVariable(reference: number, name: string, value: string): Promise<Evaluation>;
  /** `use` "look" refuses an assignment (default: "change"): a watch or a hover must not change the machine whenever it is shown. */
  evaluate(expression: string, hart: number, level: number, use?: "look" | "change"): Promise<Evaluation>;
  setExpression(expression: string, value: string, hart: number): Promise<Evaluation>;
  /** Addresses are those of `hart`, and of the hart that stopped last where none is named. */
  disassemble(address: bigint, instructionOffset: number, count: number, hart?: number): Promise<DisassembledLine[]>;
  /** Bytes from `address`; shorter when memory ends. */
  readMemory(address: bigint, length: number, use?: AddressUse): Promise<Uint8Array>;
  writeMemory(address: bigint, bytes: Uint8Array, use?: AddressUse): Promise<number>;
  /** Lines of a file on which a breakpoint can stand. */
  breakpointLocations(path: string, line: number, endLine: number): Promise<SourcePosition[]>;
  /** Source files of the program, those with lines first. */
  sources(): Promise<SourceFile[]>;
  /** The text of a source as it was when the program was built or recorded; undefined when only the disk has it. */
  sourceText(path: string): Promise<string | undefined>;
  /** The program for other debuggers; undefined when nothing is known of it but its memory. */
  executable(): Promise<ExecutableFile | undefined>;
  /** Names that begin with `prefix` (case as written), registers first, at most `most`: for completion. */
  names(prefix: string, most: number): Promise<ExpressionName[]>;
  input(bytes: Uint8Array): Promise<void>;
  timeline(options: { from?: number; to?: number; most: number }): Promise<TimelineSummary>;
  /** Names an instant, the current one by default. */
  addBookmark(name: string, instant?: number): Promise<void>;
  /** Throw a UserError when there is no such bookmark, or the new name may not be used. */
  removeBookmark(instant: number, name: string): Promise<void>;
  renameBookmark(instant: number, name: string, newName: string): Promise<void>;
  /** The instant that printed the byte at `offset` of the console's output so far. */
  instantOfOutput(offset: number): Promise<number | undefined>;
  /** How many bytes the console has printed before an instant; undefined when that is not held any more. */
  outputLengthAt(instant: number): Promise<number | undefined>;
  /** The instant that sent the frame of this number, and how many the network card had sent before an instant. */
  instantOfFrame(number: number): Promise<number | undefined>;
  frameCountAt(instant: number): Promise<number | undefined>;
  /** What the guest printed from one instant up to another, as far as it is still held. */
  outputBetween(from: number, to: number): Promise<Uint8Array>;
  lastWrite(address: bigint, length: number, before?: number, use?: AddressUse): Promise<WriteFound | undefined>;
  /** The first read from an instant on (default: where the debuggee stands). */
  firstRead(address: bigint, length: number, from?: number, use?: AddressUse): Promise<Row | undefined>;
  /** The first step from an instant on behind which a place is not what it is there: the state before it. */
  firstDifference(place: DifferencePlace, from?: number): Promise<Row | undefined>;
  lastRead(address: bigint, length: number, before?: number, use?: AddressUse): Promise<WriteFound | undefined>;
  /**
   * Follows a value back to where it came from: what the expression `place` names (a register, a CSR, memory), or memory at its value.
   * The debuggee stays where it is.
   */
  origin(place: string, hart: number, options?: OriginOptions): Promise<Origin>;
  /** Harts, address spaces, devices and the map of memory. */
  machine(): Promise<MachineOverview>;
  registers(hart: number): Promise<RegisterValues>;
  csrs(hart: number): Promise<CsrReport>;
  /** How a hart's address space translates the value of an expression now. */
  translate(address: string, hart: number): Promise<TranslationReport>;
  pageTable(question: PageTableQuestion): Promise<PageTableReport>;
  /** Ends the recording in good order. */
  close(): Promise<void>;
}

/** What the debuggee says by itself. */
export type DebuggeeEvent =
  | {
      readonly type: "output";
      readonly category: "guest" | "log" | "notice";
      readonly bytes: Uint8Array;
      readonly instant: number;
      /** Of a log point: where it stands. */
      readonly source?: SourcePosition;
      /** The branch whose guest printed it: it went to nobody. */
      readonly branch?: number;
      /** Of a replay-only check or log. */
      readonly replayOnly?: true;
    }
  | {
      readonly type: "status";
      readonly instant: number;
      readonly end: number;
      readonly stepsPerSecond: number;
      readonly recordingBytes: number;
      readonly running: boolean;
      /** The branch that is looked at. */
      readonly branch?: BranchSummary;
      /** Checks and calls of guest functions that ran in this session, each with the state restored and its digest equal. */
      readonly checks: number;
    }
  | {
      readonly type: "progress";
      readonly title: string;
      readonly instant: number;
      readonly fraction?: number;
      readonly done: boolean;
    }
  /** State was changed by an edit: what clients have cached is void. */
  | { readonly type: "invalidated"; readonly memory?: { readonly address: bigint; readonly length: number } }
  | { readonly type: "breakpointChanged"; readonly breakpoint: BreakpointState }
  | { readonly type: "timelineChanged" }
  /** A branch was started, left, named or discarded; `current` 0: the recording is looked at. */
  | { readonly type: "branch"; readonly current: number; readonly branches: readonly BranchSummary[] }
  /** How far a search is: at most ten times a second, and when it is done. */
  | { readonly type: "search"; readonly state: SearchState }
  /** A fault of Hindcast itself or a recording that could not be written; a sentence. */
  | { readonly type: "failure"; readonly message: string; readonly fatal: boolean };
