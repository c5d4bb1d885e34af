import type {
  DebuggeeApi,
  DebuggeeEvent,
  DivergenceFinding,
  LaunchOptions,
  LaunchResult,
  PairLogFilter,
  PairLogRow,
  PairPosition,
  PairRun,
  PairSide,
  PairSituation,
  PairStop,
  SideBySide,
  StretchName,
} from "../debuggee/protocol.ts";
import type { Pairs } from "./pairs.ts";
import type { Transport } from "./transport.ts";

/** A debuggee behind its worker. `dispose` ends the worker at once; call `close` first to end the recording well. */
export type Debuggee = DebuggeeApi & { dispose(): Promise<void> };

export interface LaunchedDebuggee {
  readonly debuggee: Debuggee;
  readonly result: LaunchResult;
}

/** What a pair says by itself: its situation is another. */
export interface PairEvent {
  readonly type: "changed";
}

/** Two machines in lockstep, or their recordings. */
export interface DebuggeePair {
  /** The machine of one side, in one of the stretches there, launched; a live one has one only. */
  open(side: PairSide, stretch: StretchName, onEvent: (event: DebuggeeEvent) => void): Promise<LaunchedDebuggee>;
  situation(): Promise<PairSituation>;
  /** A live one: both machines run on from their newest instants, which they have to stand at. */
  run?(how: PairRun): Promise<PairStop>;
  pauseRun?(): Promise<void>;
  log(from: number, count: number, filter: PairLogFilter): Promise<{ rows: readonly PairLogRow[]; total: number }>;
  /** Of two stretches; rejects with a UserError when it is cancelled. */
  findDivergence(
    left: PairPosition,
    right: PairPosition,
    onProgress: (what: string, fraction: number | undefined) => void,
  ): { readonly finding: Promise<DivergenceFinding>; cancel(): void };
  /** In what the states at two instants differ. */
  differences(left: PairPosition, right: PairPosition): Promise<SideBySide>;
  close(): Promise<void>;
}

/**
 * What the adapter needs from the outside; the host supplies it, the tests fake it. With it the session itself touches
 * no file, no process and no socket, and can run in a browser worker as well.
 */
export interface AdapterEnvironment {
  createDebuggee(onEvent: (event: DebuggeeEvent) => void): Promise<Debuggee>;
  /** The pair that a launch asks for, by `lockstep` or by a recording of one; undefined: it is one machine. */
  openPair?(options: LaunchOptions, onEvent: (event: PairEvent) => void): Promise<DebuggeePair | undefined>;
  /** Pairs that are debugged by sessions of this process. */
  readonly pairs: Pairs;
  /** Where a client, or an adapter of its, connects for a further session of this process; absent: where it did before. */
  partnerAddress?(): Promise<string>;
  /** Connects to such an address of another process. */
  connect?(address: string): Promise<Transport>;
  /** The bytes of a file; undefined when there is none or it cannot be read. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /** Joins `path` to `base` unless it is absolute, and normalises. */
  resolvePath(base: string, path: string): string;
  /** Directory that relative paths start from when the client names none. */
  readonly workingDirectory: string;
}
