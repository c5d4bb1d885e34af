import type { Program } from "../assembler/program.ts";
import type { HistoryLike, Motion, TimelineLike } from "../replay/timeline-interface.ts";
import type {
  BreakpointRequest,
  BreakpointSpec,
  BreakpointState,
  DebuggeeEvent,
  DisassembledLine,
  Evaluation,
  ExpressionName,
  Frame,
  SourceFile,
  SourcePosition,
  StepKind,
  Stopped,
  TimelineSummary,
  VariableNode,
} from "./protocol.ts";

export interface DebuggeeParts {
  readonly timeline: TimelineLike;
  /** What views draw; without it `timeline` shows instants only. */
  readonly history?: HistoryLike;
  /** Images with their symbols and lines; the first is the one that was launched. */
  readonly programs: readonly Program[];
  /** Text of sources that came with the program, by the paths of `Program.files`. */
  readonly sourceTexts?: ReadonlyMap<string, string>;
  /** Log points, notices, changed breakpoints, invalidated memory. Called synchronously, in order of what happens. */
  readonly emit: (event: DebuggeeEvent) => void;
}

/**
 * A timeline together with its programs: everything that `DebuggeeApi` promises, but synchronous, and long motions as
 * generators that the host drives (`Motion`). One motion at a time; while one is under way only breakpoints may be set.
 * To pause: abandon the motion (`return()`), then run `interrupted()` to its end, which says where the machine stands.
 */
export class Debuggee {
  constructor(_parts: DebuggeeParts) {
    throw new Error("under construction");
  }

  /** Where the debuggee stands before anything was asked of it: reason "entry". */
  entered(): Stopped {
    throw new Error("under construction");
  }
  *resume(): Motion<Stopped> {
    throw new Error("under construction");
  }
  *reverseContinue(): Motion<Stopped> {
    throw new Error("under construction");
  }
  *step(
    _kind: StepKind,
    _direction: "forward" | "backward",
    _granularity: "line" | "instruction",
    _hart: number,
  ): Motion<Stopped> {
    throw new Error("under construction");
  }
  *seek(_instant: number): Motion<Stopped> {
    throw new Error("under construction");
  }
  /** After a motion was abandoned: settles the timeline (a backward one is put back where it began); reason "pause". */
  *interrupted(): Motion<Stopped> {
    throw new Error("under construction");
  }
  setBreakpoints(
    _scope: { kind: BreakpointRequest["kind"]; path?: string },
    _specs: readonly BreakpointSpec[],
  ): BreakpointState[] {
    throw new Error("under construction");
  }
  setExceptionStops(_causes: readonly number[]): void {
    throw new Error("under construction");
  }
  frames(_hart: number): Frame[] {
    throw new Error("under construction");
  }
  scopes(_hart: number, _level: number): { name: string; reference: number; expensive: boolean }[] {
    throw new Error("under construction");
  }
  variables(_reference: number): VariableNode[] {
    throw new Error("under construction");
  }
  setVariable(_reference: number, _name: string, _value: string): Evaluation {
    throw new Error("under construction");
  }
  evaluate(_expression: string, _hart: number, _level: number): Evaluation {
    throw new Error("under construction");
  }
  setExpression(_expression: string, _value: string, _hart: number): Evaluation {
    throw new Error("under construction");
  }
  disassemble(_address: bigint, _instructionOffset: number, _count: number): DisassembledLine[] {
    throw new Error("under construction");
  }
  readMemory(_address: bigint, _length: number): Uint8Array {
    throw new Error("under construction");
  }
  writeMemory(_address: bigint, _bytes: Uint8Array): number {
    throw new Error("under construction");
  }
  breakpointLocations(_path: string, _line: number, _endLine: number): SourcePosition[] {
    throw new Error("under construction");
  }
  sources(): SourceFile[] {
    throw new Error("under construction");
  }
  sourceText(_path: string): string | undefined {
    throw new Error("under construction");
  }
  names(_prefix: string, _most: number): ExpressionName[] {
    throw new Error("under construction");
  }
  input(_bytes: Uint8Array): void {
    throw new Error("under construction");
  }
  timeline(_options: { from?: number; to?: number; most: number }): TimelineSummary {
    throw new Error("under construction");
  }
  addBookmark(_name: string): void {
    throw new Error("under construction");
  }
  instantOfOutput(_offset: number): number | undefined {
    throw new Error("under construction");
  }
  *lastWrite(_address: bigint, _length: number, _before?: number): Motion<WriteFound | undefined> {
    throw new Error("under construction");
  }
  /** Where the value of a register came from: follows moves back to a load, a constant or a call's result. */
  *origin(_register: string, _hart: number): Motion<Origin> {
    throw new Error("under construction");
  }
  /** The story behind a trap: pointer, where it was loaded from, who wrote that word last. */
  *trapStory(_hart: number): Motion<TrapStory> {
    throw new Error("under construction");
  }
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
}

export interface OriginStep {
  /** State before the instruction. */
  readonly instant: number;
  readonly pc: bigint;
  readonly symbol: string;
  readonly source?: SourcePosition;
  /** `ld a5, 8(s1)` */
  readonly text: string;
  /** What the register held afterwards. */
  readonly value: bigint;
}

export interface Origin {
  /** The register that was asked for, by its ABI name. */
  readonly register: string;
  readonly value: bigint;
  /** Newest first: moves and additions on the way, and last the instruction where the value begins. */
  readonly steps: readonly OriginStep[];
  /**
   * "load": the value came from memory at `address`. "constant": from the program text. "computed": from more than one
   * register. "limit": not found within the bound; "start": older than the recording.
   */
  readonly kind: "load" | "constant" | "computed" | "limit" | "start";
  readonly address?: bigint;
  readonly size?: number;
}

export interface TrapStory {
  readonly stopped: Stopped;
  readonly frames: readonly Frame[];
  /** The faulting instruction: `ld a5, 0(a4)`. */
  readonly instruction: string;
  /** The pointer that was used, when the instruction uses one. */
  readonly pointer?: { readonly register: string; readonly value: bigint; readonly effectiveAddress: bigint };
  readonly origin?: Origin;
  /** Who wrote the word that the pointer was loaded from. */
  readonly culprit?: WriteFound & { readonly frames: readonly Frame[]; readonly registers: readonly bigint[] };
}
