/**
 * Questions over a stretch of the past. One shape for all of them: a question gives rows in order of instant; a segment of the
 * recording can be searched by itself, on any machine that holds the recording; results of segments are put together
 * (docs/searches.md). Plain data both ways, as in protocol.ts.
 */
import type { LatentWork } from "../machine/latent-work.ts";
import type { AddressUse, BreakpointRequest, SourcePosition } from "./protocol.ts";

export type Question =
  /** Accesses to memory. Where the address lies physically is settled when the search starts (`use`: as in data breakpoints). */
  | {
      readonly kind: "writes" | "reads" | "accesses";
      readonly address: bigint;
      readonly length: number;
      readonly use?: AddressUse;
    }
  /** Breakpoints, conditions and log points after the fact; `logMessage` gives each row its text. Both may call functions of the guest. */
  | {
      readonly kind: "hits";
      readonly at: BreakpointRequest;
      readonly condition?: string;
      /** Numbers are those of history: hits before the stretch count. */
      readonly hitCondition?: string;
      readonly logMessage?: string;
    }
  /**
   * Each value that an expression had: the first row is the value at the beginning, every other one a change. `at`: looked at
   * at each hit of that place, where the row's instant has the value. Else, where the expression reads memory only: whenever
   * memory that it reads was written, also through pointers; the row's instant is the state before the step that wrote.
   * Addresses are those of the address space that `hart` is in when the search starts. An expression that reads registers and
   * has no `at` is looked at every `everySteps` steps, and the search says that it is "sampled".
   */
  | {
      readonly kind: "series";
      readonly expression: string;
      readonly hart?: number;
      readonly at?: BreakpointRequest;
      readonly everySteps?: number;
    }
  /** All calls of a function: a row is an arrival at its first instruction. */
  | { readonly kind: "calls"; readonly function: string }
  /** Synchronous exceptions (absent: with every cause) and interrupts (absent: when no causes are given) that were taken. */
  | { readonly kind: "traps"; readonly causes?: readonly number[]; readonly interrupts?: boolean }
  /** Processes that slept on a page that the machine did not have (docs/async-pages.md): who, for what, how long, and who ran meanwhile. */
  | { readonly kind: "waits" }
  /** Lines of console output, by the step that printed their first byte; those that contain `text`. */
  | { readonly kind: "outputs"; readonly text?: string };

/** What is compared with what it was: bytes, or the value of an expression, which must read memory only. */
export type DifferencePlace =
  | { readonly address: bigint; readonly length: number; readonly use?: AddressUse }
  | { readonly expression: string; readonly hart?: number };

export interface Row {
  /** The state before the step in question; of an interrupt, the first state in its handler. */
  readonly instant: number;
  readonly hart: number;
  readonly pc: bigint;
  readonly symbol: string;
  readonly source?: SourcePosition;
  /** What a list shows: the rendered log message, the store, the value, the call with its arguments and result, the line. */
  readonly text: string;
  /** For plots: the value as a number, where it is one. */
  readonly number?: number;
  readonly bits?: bigint;
  readonly access?: AccessFound;
  readonly call?: CallFound;
  readonly wait?: WaitFound;
  /** Why something could not be evaluated here. */
  readonly problem?: string;
}

export interface AccessFound {
  readonly address: bigint;
  readonly size: number;
  /** What is in memory behind the step. */
  readonly value: bigint;
  readonly kind: "read" | "write";
}

export interface WaitFound {
  /** As the guest OS names the process, else by its address space. */
  readonly who: string;
  /** The instant at which the guest OS was told that the page is there; absent: it was not, as far as the run goes. */
  readonly to?: number;
  readonly hart: number;
  /** The virtual address that was accessed. */
  readonly address: bigint;
  readonly work: LatentWork;
  /** Who took how many steps until then, the most first. */
  readonly meanwhile: readonly RunMeanwhile[];
}

export interface RunMeanwhile {
  readonly who: string;
  readonly steps: number;
}

export interface CallFound {
  readonly arguments: readonly { readonly name: string; readonly value: bigint }[];
  /** The address behind the call instruction. */
  readonly returnAddress: bigint;
  /** Absent: it did not return as far as was looked. `instant` is the first state behind the return. */
  readonly returned?: { readonly instant: number; readonly value: bigint; readonly floatValue?: bigint };
}

/** How far a search is. It goes newest segment first, so `rows` are known from the newest on without a gap. */
export interface SearchState {
  readonly id: number;
  readonly question: Question;
  readonly from: number;
  readonly to: number;
  /** Rows known, counted from the newest; exact when done. */
  readonly rows: number;
  /** Everything from here to `to` has been searched. */
  readonly searchedFrom: number;
  /** 0..1 of the steps, also what was done out of order. */
  readonly fraction: number;
  readonly done: boolean;
  readonly cancelled?: true;
  /** A series that was looked at now and then only: changes in between are not seen. */
  readonly sampled?: true;
  /** A sentence: why it ended early, or what could not be evaluated. */
  readonly problem?: string;
  /** The proof: functions of the guest that were called in saved states, all restored with equal digests. */
  readonly restored?: number;
}

/** One column of a plot. Numbers are absent where the value was none. */
export interface SeriesBucket {
  readonly from: number;
  readonly to: number;
  readonly min?: number;
  readonly max?: number;
  /** The value that it begins with. */
  readonly first?: number;
  /** The value that it ends with. */
  readonly last?: number;
  /** Rows with an instant in it. */
  readonly changes: number;
}

/**
 * Part of `DebuggeeApi`. Searches run in the background: in threads with machines of their own where the host has them, else
 * while the debuggee stands still. All of these at any time; what needs a machine is answered when one is free.
 * Bound on memory: a search keeps the instants of every Nth row (N grows), and renders a page by going through that part again.
 */
export interface SearchApi {
  startSearch(question: Question, stretch?: { readonly from?: number; readonly to?: number }): Promise<SearchState>;
  searches(): Promise<SearchState[]>;
  /** Rows `first`, `first + 1`, … counted from the newest (0), at most `count` (<= 1000), newest first. */
  searchRows(id: number, first: number, count: number): Promise<Row[]>;
  /** Of a series: columns for a plot of [from, to), at most `most`. */
  seriesBuckets(id: number, from: number, to: number, most: number): Promise<SeriesBucket[]>;
  /** Rows that are known in [from, to), exactly. */
  countRows(id: number, from: number, to: number): Promise<number>;
  /** Instants of known rows in [from, to), spread over it, at most `most`: every Nth row's, from what is kept. */
  rowInstants(id: number, from: number, to: number, most: number): Promise<number[]>;
  /** The last row before an instant, the one at it (of several, the newest), and the first behind it, as far as known. */
  rowsAround(id: number, instant: number): Promise<{ readonly before?: Row; readonly at?: Row; readonly after?: Row }>;
  /** A run that has grown: the search goes on up to `to` (absent: the newest instant); one for outputs when it is done so far. */
  extendSearch(id: number, to?: number): Promise<SearchState>;
  cancelSearch(id: number): Promise<void>;
  /** Forgets it. */
  closeSearch(id: number): Promise<void>;
}

/** What a question depends on besides the recording: settled when it is asked, where the debuggee then stands. */
export interface Settled {
  /** Where the bytes in question lie. */
  readonly ranges?: readonly { readonly address: number; readonly length: number }[];
  /** The address space that a series looks into. */
  readonly space?: AddressSpace;
  /** Whose registers a series reads. */
  readonly hart?: number;
}

/** How addresses are translated, whatever a hart does later. */
export interface AddressSpace {
  readonly hart: number;
  /** The hart's satp; undefined: addresses are physical. */
  readonly satp: bigint | undefined;
}

/** One piece of a search: everything that its result depends on, besides the recording. */
export interface SegmentTask {
  readonly question: Question;
  readonly settled: Settled;
  readonly from: number;
  readonly to: number;
  /** Marks that are kept at most: the instants of every Nth row. */
  readonly mostMarks: number;
  /** Rows to list, counted from the first of the segment. The search ends behind them. */
  readonly list?: { readonly first: number; readonly count: number };
  /** Of a series: so many columns, evenly over what of the segment lies behind `from`. */
  readonly columns?: { readonly from: number; readonly count: number };
  /** Steps that are looked ahead for the return of a call in the list. */
  readonly mostStepsToReturn?: number;
}

/** Of rows 0, every, 2 * every, … of a segment. */
export interface Marks {
  readonly every: number;
  readonly instants: readonly number[];
  /** Where a search that is to find the row begins, and how many rows it finds before it there. */
  readonly starts: readonly number[];
  readonly passed: readonly number[];
}

/** What a segment says. Crosses threads and networks. */
export interface SegmentResult {
  readonly from: number;
  /** Less than the task's where the search was interrupted, or ended behind its list. */
  readonly to: number;
  readonly rows: number;
  readonly marks: Marks;
  readonly listed: readonly Row[];
  readonly series?: SeriesResult;
  /** Of output, a line that had no end yet: where it began, and how many rows lie before that instant. */
  readonly open?: { readonly from: number; readonly rows: number };
  readonly restored: number;
  readonly problem?: string;
}

export interface SeriesResult {
  /** The values that it has first and last, whatever they are; absent: it was not looked at. */
  readonly first?: string;
  readonly last?: string;
  /** The last one as a number. */
  readonly lastNumber?: number;
  /** The number that it had where the columns begin. */
  readonly startNumber?: number;
  /** Steps of a column, and the columns in which there are rows. */
  readonly width: number;
  readonly columns: readonly SeriesBucket[];
}

/** Who searches segments: given by the host. Absent: the debuggee itself, while it stands still. */
export interface SegmentRunner {
  /** Whether it is to do a stretch; false: the debuggee itself does. Absent: always. */
  takes?(from: number, to: number): boolean;
  /** Instants at which [from, to) is best cut, ascending, without its ends. */
  cuts(from: number, to: number): readonly number[];
  /**
   * Does tasks, the first given first, several at a time. `result` hears each task's result in any order; one may be told in
   * parts that follow each other. `failed` ends the run: a UserError, or a fault of Hindcast. Nothing is heard after `cancel`.
   */
  run(
    tasks: readonly SegmentTask[],
    hear: {
      result(index: number, result: SegmentResult): void;
      /** Of the task's steps, 0..1. */
      progress?(index: number, fraction: number): void;
      failed(error: unknown): void;
    },
  ): { cancel(): void };
}
