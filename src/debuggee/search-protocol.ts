/**
 * CONTRACT between the helpers of issue 5 (goes to src/debuggee/search-protocol.ts with the first merge of helper "search"; adapt there,
 * tell the others by writing to /work/CONTRACT-NOTES.md). Plain data both ways, as in protocol.ts.
 *
 * One shape for everything that is asked over a stretch of the past: a QUESTION gives ROWS in order of instant; a SEGMENT of the
 * recording can be searched by itself, on any machine that holds the recording; results of segments are put together.
 */
import type { AddressUse, BreakpointRequest, SourcePosition } from "./protocol.ts";

export type Question =
  /** Accesses to memory; where the address lies physically is settled when the search starts (`use`: as in data breakpoints). */
  | {
      readonly kind: "writes" | "reads" | "accesses";
      readonly address: bigint;
      readonly length: number;
      readonly use?: AddressUse;
    }
  /** Breakpoints, conditions and log points after the fact; `logMessage` gives each row its text; calls of guest functions are allowed. */
  | {
      readonly kind: "hits";
      readonly at: BreakpointRequest;
      readonly condition?: string;
      readonly hitCondition?: string;
      readonly logMessage?: string;
    }
  /**
   * Each value that an expression had. `at`: evaluated at each hit of that place. Without: whenever memory that it reads has been written
   * (exact, also through pointers: what it reads is found anew after each change); an expression that reads registers needs `at`, else it is
   * looked at every `everySteps` steps and the series says that it is "sampled". A row is a CHANGE: the value differs from that of the row before.
   */
  | {
      readonly kind: "series";
      readonly expression: string;
      readonly hart?: number;
      readonly at?: BreakpointRequest;
      readonly everySteps?: number;
    }
  /** All calls of a function: arguments, result, and where it returned; rows at the call's first instruction. */
  | { readonly kind: "calls"; readonly function: string }
  /** Synchronous exceptions and interrupts that were taken. */
  | { readonly kind: "traps"; readonly causes?: readonly number[]; readonly interrupts?: boolean }
  /** Lines of console output, by the step that printed their first byte. */
  | { readonly kind: "outputs"; readonly text?: string };

export interface Row {
  /** The state before the step in question. */
  readonly instant: number;
  readonly hart: number;
  readonly pc: bigint;
  readonly symbol: string;
  readonly source?: SourcePosition;
  /** What a list shows: the rendered log message, `work_queue = 0x80001000 (8 bytes)`, the value, the call with its arguments and result, the line. */
  readonly text: string;
  /** For plots: the value as a number, where it is one. */
  readonly number?: number;
  readonly bits?: bigint;
  readonly access?: {
    readonly address: bigint;
    readonly size: number;
    readonly value: bigint;
    readonly kind: "read" | "write";
  };
  readonly problem?: string;
}

/** How far a search is. Searches go newest segment first, so `rows` are known from the newest on without a gap, whatever order workers finish in. */
export interface SearchState {
  readonly id: number;
  readonly question: Question;
  readonly from: number;
  readonly to: number;
  /** Rows known, counted from the newest; exact when done. */
  readonly rows: number;
  /** Everything from here to `to` has been searched. */
  readonly searchedFrom: number;
  /** 0..1 of the steps, also what workers have done out of order. */
  readonly fraction: number;
  readonly done: boolean;
  readonly cancelled?: true;
  /** A series that was looked at now and then only: changes in between are not seen. */
  readonly sampled?: true;
  /** A sentence: why it ended early, or what could not be evaluated. */
  readonly problem?: string;
  /** The proof: checks and conditions that ran in saved states, all restored with equal digests. */
  readonly restored?: number;
}

/** One column of a plot: what the value was in [from, to). */
export interface SeriesBucket {
  readonly from: number;
  readonly to: number;
  readonly min?: number;
  readonly max?: number;
  readonly first?: number;
  readonly last?: number;
  /** Changes within. */
  readonly changes: number;
}

/**
 * To be added to DebuggeeApi. Searches run in the background: on a finished part of the recording in threads with machines of their own, so the
 * debuggee can be moved meanwhile; where threads are not to be had, as a motion of the debuggee's own. All of these AT ANY TIME.
 * Bound on memory: a search keeps 8 bytes for every Nth row (N grows) and renders a page by going through that part again.
 */
export interface SearchApi {
  startSearch(question: Question, stretch?: { readonly from?: number; readonly to?: number }): Promise<SearchState>;
  searches(): Promise<SearchState[]>;
  /** Rows `first`, `first + 1`, … counted from the NEWEST (0), at most `count` (<= 1000), newest first. */
  searchRows(id: number, first: number, count: number): Promise<Row[]>;
  /** Of a series: columns for a plot of [from, to). */
  seriesBuckets(id: number, from: number, to: number, most: number): Promise<SeriesBucket[]>;
  /** The last row before an instant and the first behind it (previous and next change / hit), as far as known. */
  rowsAround(id: number, instant: number): Promise<{ readonly before?: Row; readonly at?: Row; readonly after?: Row }>;
  cancelSearch(id: number): Promise<void>;
  /** Forgets it. */
  closeSearch(id: number): Promise<void>;
}

/** DebuggeeEvent gets: `{ type: "search", state: SearchState }`, at most ten a second each, and when done. */

/**
 * DAP (custom-protocol.ts): requests hindcast/search (question as JSON: addresses as strings or expressions), hindcast/searches,
 * hindcast/searchRows, hindcast/seriesBuckets, hindcast/rowsAround, hindcast/cancelSearch, hindcast/closeSearch; event hindcast/search (state).
 */

/** What one segment [from, to) says, for the layer that puts segments together (plain data: crosses threads and NATS). */
export interface SegmentResult {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** Instants of every Nth row, in order, the first included. */
  readonly marks: { readonly every: number; readonly instants: readonly number[] };
  /** For the answer that wants all rows (command line): those rows, up to a bound that the asker gives; `more` when there are others. */
  readonly listed: readonly Row[];
  /** Series: value at the beginning and at the end of the segment, columns in between. */
  readonly series?: { readonly first?: Row; readonly last?: Row; readonly buckets: readonly SeriesBucket[] };
  /** Calls that have not returned in this segment, returns whose call was before it: joined by who puts together. */
  readonly open?: unknown;
  readonly restored: number;
  readonly problem?: string;
}
