import type { LineRow, Program } from "../assembler/program.ts";
import { instructionLength } from "../isa/decode.ts";
import { CallFrames } from "../symbols/call-frames.ts";
import type { UnwindSection } from "../symbols/elf.ts";
import { LineTable } from "../symbols/line-table.ts";
import { SymbolTable } from "../symbols/symbol-table.ts";
import { codeWord, flowOf } from "./code.ts";
import type { SourcePosition } from "./protocol.ts";
import { findTrapReturns } from "./trap-returns.ts";

/** The extent of a function, or of what is most likely one. */
export interface FunctionExtent {
  readonly name: string;
  readonly start: bigint;
  readonly end: bigint;
  /** The program itself says so (a function symbol, call-frame information), rather than our reading of its labels. */
  readonly declared: boolean;
}

/** Code that is searched for calls at most, in bytes: assembly programs without function symbols are small. */
const MOST_SCANNED_BYTES = 4 * 1024 * 1024;
/** Code that is searched for the ends of handlers: more than any kernel. */
const MOST_SEARCHED_BYTES = 64 * 1024 * 1024;
/** A trap handler has one or two ways out; a kernel a handful. */
const MOST_TRAP_RETURNS = 64;

/** Where a program is one segment for everything, its labels tell code from data by their section. */
const DATA_SECTION = /^\.(s?data|s?bss|rodata|srodata)/;

/** What the programs say about addresses, once for all: names, lines, functions, frames. */
export class ProgramMap {
  readonly programs: readonly Program[];
  readonly symbols: SymbolTable;
  readonly lines: LineTable;
  readonly callFrames: CallFrames;
  #callTargets: ReadonlySet<bigint> | undefined;
  #trapReturns: readonly bigint[] | undefined;
  /** Beginnings of undeclared functions, ascending. */
  #starts: readonly bigint[] | undefined;

  /** Where programs lie over each other, as user programs do, the first that says anything there is believed. */
  constructor(programs: readonly Program[]) {
    this.programs = programs;
    const believed = withoutOverlaps(programs);
    this.symbols = new SymbolTable(believed, programs);
    this.callFrames = new CallFrames(believed.flatMap(unwindOf));
    this.lines = new LineTable(believed, (address) => this.functionAt(address)?.start);
  }

  /** `main+0x12`, or the bare address. */
  describe(address: bigint): string {
    const extent = this.functionAt(address);
    if (extent === undefined) return this.symbols.describe(address) ?? `0x${address.toString(16)}`;
    const offset = address - extent.start;
    return offset === 0n ? extent.name : `${extent.name}+0x${offset.toString(16)}`;
  }

  /** A name for a value that may be an address of the program; undefined for every other number. */
  symbolize(address: bigint): string | undefined {
    if (this.symbols.segmentOf(address) === undefined) return undefined;
    return this.symbols.isExecutable(address) && this.functionAt(address) !== undefined
      ? this.describe(address)
      : this.symbols.describe(address);
  }

  position(address: bigint): SourcePosition | undefined {
    const span = this.lines.at(address);
    return span && { path: span.path, line: span.line, column: Math.max(1, span.column) };
  }

  /** Where code is, for people. */
  place(pc: bigint): { readonly pc: bigint; readonly symbol: string; readonly source?: SourcePosition } {
    const source = this.position(pc);
    return { pc, symbol: this.describe(pc), ...(source !== undefined && { source }) };
  }

  functionAt(address: bigint): FunctionExtent | undefined {
    if (!this.symbols.isExecutable(address)) return undefined;
    const nearest = this.symbols.nearest(address);
    const symbol = nearest?.symbol;
    if (symbol !== undefined && symbol.kind === "function" && symbol.size > 0) {
      const end = symbol.address + BigInt(symbol.size);
      return { name: symbol.name, start: symbol.address, end, declared: true };
    }
    const described = this.callFrames.extentAt(address);
    if (described !== undefined) {
      const name = this.symbols.at(described.start)[0]?.name ?? `0x${described.start.toString(16)}`;
      return { name, start: described.start, end: described.end, declared: true };
    }
    return this.#undeclaredFunction(address);
  }

  /** In assembly without `.type` and `.size`: from one likely beginning to the next. */
  #undeclaredFunction(address: bigint): FunctionExtent | undefined {
    const segment = this.symbols.segmentOf(address);
    this.#starts ??= this.#findStarts();
    const starts = this.#starts;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle] <= address) low = middle + 1;
      else high = middle;
    }
    const start = starts[low - 1];
    if (segment === undefined || start === undefined || start < segment.start) return undefined;
    const next = starts[low];
    const symbol = this.symbols.at(start)[0];
    // Behind the end of a function that has one, and before anything else begins.
    if (symbol !== undefined && symbol.size > 0 && address >= start + BigInt(symbol.size)) return undefined;
    return {
      name: symbol?.name ?? `0x${start.toString(16)}`,
      start,
      end: next !== undefined && next < segment.end ? next : segment.end,
      declared: symbol?.kind === "function",
    };
  }

  /** Function symbols, global labels, entry points, labels that some instruction calls or that follow a function. */
  #findStarts(): bigint[] {
    this.#callTargets ??= findCallTargets(this.programs);
    const callTargets = this.#callTargets;
    const starts = new Set<bigint>();
    let coveredTo: bigint | undefined;
    for (const { address, size, kind, binding, section } of this.symbols.all) {
      if (kind === "object" || DATA_SECTION.test(section) || !this.symbols.isExecutable(address)) continue;
      const follows = coveredTo !== undefined && address >= coveredTo;
      if (kind === "function" || binding !== "local" || callTargets.has(address) || follows) {
        starts.add(address);
        coveredTo = undefined;
      }
      if (size > 0) coveredTo = address + BigInt(size);
    }
    for (const { entry } of this.programs) if (this.symbols.isExecutable(entry)) starts.add(entry);
    return [...starts].sort((a, b) => (a < b ? -1 : 1));
  }

  /** Addresses of mret and sret, as the programs were loaded: where handlers end. */
  get trapReturns(): readonly bigint[] {
    this.#trapReturns ??= trapReturnsIn(this.programs);
    return this.#trapReturns;
  }
}

/** Programs without what they say about addresses that one before them speaks of. All names stay known. */
function withoutOverlaps(programs: readonly Program[]): Program[] {
  const taken: { readonly start: bigint; readonly end: bigint }[] = [];
  return programs.map((program) => {
    const ranges = program.segments.map(({ virtualAddress: start, memoryBytes }) => ({
      start,
      end: start + BigInt(memoryBytes),
    }));
    const overlaps = ranges.some((range) => taken.some(({ start, end }) => range.start < end && start < range.end));
    const before = [...taken];
    // A bare image knows nothing of its addresses that a file with symbols could contradict.
    if (program.symbols.length > 0 || program.lines.length > 0) taken.push(...ranges);
    return overlaps ? outside(program, before) : program;
  });
}

function outside(program: Program, taken: readonly { readonly start: bigint; readonly end: bigint }[]): Program {
  const isTaken = (address: bigint) => taken.some(({ start, end }) => address >= start && address < end);
  const lines: LineRow[] = [];
  let sequence: LineRow[] = [];
  for (const row of program.lines) {
    sequence.push(row);
    if (!row.endSequence) continue;
    if (!isTaken(sequence[0].address)) lines.push(...sequence);
    sequence = [];
  }
  return {
    ...program,
    symbols: program.symbols.filter(({ kind, address }) => kind === "absolute" || !isTaken(address)),
    segments: program.segments.filter(({ virtualAddress }) => !isTaken(virtualAddress)),
    lines,
  };
}

function unwindOf(program: Program): readonly UnwindSection[] {
  return "unwind" in program ? (program.unwind as readonly UnwindSection[]) : [];
}

/** Whoever starts a program waits for this: only what can be a direct call is decoded, a jal (no form of 16 bits links). */
function findCallTargets(programs: readonly Program[]): ReadonlySet<bigint> {
  const callTargets = new Set<bigint>();
  let left = MOST_SCANNED_BYTES;
  for (const { executable, bytes, virtualAddress } of programs.flatMap((program) => program.segments)) {
    if (!executable) continue;
    const end = Math.min(bytes.length, left);
    left -= end;
    for (let at = 0; at + 2 <= end; at += instructionLength(bytes[at])) {
      if ((bytes[at] & OPCODE) !== JAL || at + 4 > bytes.length) continue;
      const code = codeWord(virtualAddress + BigInt(at), [...bytes.subarray(at, at + 4)]);
      const flow = code && flowOf(code);
      if (flow?.kind === "call" && flow.target !== undefined) callTargets.add(flow.target);
    }
  }
  return callTargets;
}

const OPCODE = 0x7f;
const JAL = 0x6f;

function trapReturnsIn(programs: readonly Program[]): readonly bigint[] {
  const found: bigint[] = [];
  let left = MOST_SEARCHED_BYTES;
  for (const { executable, bytes, virtualAddress } of programs.flatMap((program) => program.segments)) {
    if (!executable) continue;
    const searched = bytes.subarray(0, left);
    left -= searched.length;
    found.push(...findTrapReturns(searched, virtualAddress, MOST_TRAP_RETURNS - found.length));
  }
  return found;
}
