import { assert } from "../base/assert.ts";
import type { FrameOffset } from "../base/brand.ts";
import type { InstructionSet } from "../isa/instruction-set.ts";
import { type AccessSize, SYSTEM_OPERATIONS } from "../isa/semantics.ts";
import * as layout from "../memory/layout.ts";
import { IMPORT_MODULE } from "../wasm/module.ts";
import { systemChoices } from "./csr-file.ts";
import { writeCsrWords } from "./csr-words.ts";
import { announceFault } from "./data-access.ts";
import type { Breakpoints, Engine, EngineParts, EngineStop } from "./engine.ts";
import type { Exception } from "./hart.ts";
import { interpreterCode } from "./interpreter-code.ts";
import {
  EXIT,
  type InterpreterExports,
  type InterpreterFunctions,
  type InterpreterImports,
  type ModuleChoices,
} from "./interpreter-module.ts";
import type { Oracle } from "./oracle.ts";
import type { MakeCompiler } from "./region-compiler.ts";
import { REGION_TABLE } from "./region-function.ts";
import { executeSystem } from "./system.ts";
import { Translator } from "./translator.ts";
import type { Tracing } from "./write-notes-code.ts";
import type { WriteTrace } from "./write-trace.ts";

/** A budget that no instruction leaves. */
const NO_STEP = -1;

/**
 * The WebAssembly interpreter and the TypeScript around it: fills in what the generated code finds missing (execute
 * tags, decoded records) and hands rare instructions to the oracle.
 */
export class Interpreter implements Engine {
  readonly #parts: EngineParts;
  readonly #oracle: Oracle;
  readonly #exports: InterpreterExports;

  readonly #breakpoints: () => Breakpoints;
  readonly #translator: Translator | undefined;
  /** Of the traced interpreter. */
  readonly #trace: WriteTrace | undefined;

  constructor(
    parts: EngineParts,
    oracle: Oracle,
    { exports, translator }: GeneratedCode,
    breakpoints: () => Breakpoints,
    trace?: WriteTrace,
  ) {
    this.#trace = trace;
    this.#parts = parts;
    this.#translator = translator;
    this.#oracle = oracle;
    this.#breakpoints = breakpoints;
    this.#exports = exports;
  }

  run(steps: number, skipBreakpoint: boolean): EngineStop {
    const { memory, turn } = this.#parts;
    const { view } = memory;
    let left = steps;
    let skip = skipBreakpoint;
    this.#translator?.collect();
    view.setBigUint64(layout.STEPS_AT_END, BigInt.asUintN(64, turn.hart.stepCount + BigInt(steps)), true);
    // Pending is what is so now: time follows from the budget, and mtime may wrap within the slice.
    view.setInt32(layout.BUDGET, steps, true);
    notePending(this.#parts);
    for (;;) {
      // A jump to a page without a tag leaves before the budget is looked at: its fault belongs to the next slice.
      if (left === 0) return { kind: "paused", executed: steps };
      view.setInt32(layout.BUDGET, left, true);
      const exit = this.#exports.run(skip ? left - 1 : NO_STEP);
      const before = left;
      left = view.getInt32(layout.BUDGET, true) + view.getInt32(layout.CARRY, true);
      // Only the very first instruction may pass its breakpoint, however many times the engine is entered for it.
      if (left < before) skip = false;
      const executed = steps - left;
      let single = false;
      switch (exit) {
        case EXIT.budget:
        case EXIT.yield:
          return { kind: "paused", executed };
        case EXIT.breakpoint:
          // Its page may be mapped elsewhere too, where nobody has set one.
          if (this.#breakpoints().stopAt(turn.hart.pc, left)) return { kind: "breakpoint", executed };
          single = true;
          break;
        case EXIT.trap:
          return { kind: "exception", executed, exception: this.#announcedException() };
        case EXIT.fetch:
          // Where the page has no execute tag for good, its instructions are fetched one by one.
          if (left !== 0) single = !this.#fill(this.#parts.turn.hart.pc);
          break;
        case EXIT.repeat:
          single = true;
          break;
        case EXIT.hot:
          this.#translator?.translate(this.#parts.turn.hart.pc);
          break;
        case EXIT.known:
          this.#translator?.renew(view.getInt32(layout.WANTS_TRANSLATION, true));
          break;
        default:
          assert(false, `the interpreter left with ${exit}`);
      }
      if (!single) continue;
      const breakpoint = exit === EXIT.fetch && !skip && this.#breakpoints().stopAt(turn.hart.pc, left);
      if (breakpoint) return { kind: "breakpoint", executed };
      view.setInt32(layout.BUDGET, left, true);
      const outcome = this.#single(left);
      notePending(this.#parts);
      if (typeof outcome === "object") return { kind: "exception", executed, exception: outcome };
      left--;
      skip = false;
      if (this.#parts.takeAttention() || outcome === "yield") return { kind: "paused", executed: executed + 1 };
    }
  }

  /** One step by the oracle; `left`: steps of the slice before it. */
  #single(left: number): "done" | "yield" | Exception {
    const { pc } = this.#parts.turn.hart;
    const traced = this.#trace && this.#oracle.fetch(pc);
    const outcome = this.#oracle.step();
    if (traced !== undefined && "word" in traced && traced.decoded !== undefined && typeof outcome !== "object") {
      this.#trace?.step(traced.decoded, left - 1);
    }
    // An instruction across two pages that are neighbours in RAM too is executed here once both have execute tags.
    if ((pc & 0xfffn) === 0xffen && typeof outcome !== "object") this.#fill(BigInt.asUintN(64, pc + 2n));
    return outcome;
  }

  #announcedException(): Exception {
    const { view } = this.#parts.memory;
    return {
      cause: view.getInt32(layout.TRAP_CAUSE, true),
      tval: view.getBigUint64(layout.TRAP_VALUE, true),
    };
  }

  /** Gives the page of an address an execute tag; false when it cannot have one. */
  #fill(address: bigint): boolean {
    const { translation, decoded } = this.#parts;
    return translation.fillExecute(address, (frame, virtualPage) => decoded.page(frame, virtualPage));
  }
}

/** The generated module over the machine's memory, and the translator that adds to it. */
export interface GeneratedCode {
  readonly exports: InterpreterExports;
  /** Undefined: hot code is not translated. */
  readonly translator: Translator | undefined;
}

/** When code is worth a translation. */
export interface Heat {
  /** Jumps that have arrived somewhere: it gets a small region. */
  readonly arrivals: number;
  /** Entries into a small region: a large one takes its place. */
  readonly entries: number;
}

export interface InterpreterChoices {
  readonly isa: InstructionSet;
  /** When code is translated; undefined: never. */
  readonly heat: Heat | undefined;
  /** Makes regions elsewhere. */
  readonly compiler: MakeCompiler | undefined;
  readonly stepsPerTick: number;
  readonly harts: number;
}

/** Compiles and instantiates the generated module. */
export function instantiateInterpreter(
  parts: () => EngineParts,
  oracle: () => Oracle,
  memory: EngineParts["memory"],
  table: WebAssembly.Table,
  { isa, heat, compiler, stepsPerTick, harts }: InterpreterChoices,
): GeneratedCode {
  const { instructionAlignment } = isa;
  writeCsrWords(memory, isa);
  const system = { ...systemChoices(isa), stepsPerTick, isAlone: harts === 1 };
  const choices = { instructionAlignment, hotArrivals: heat?.arrivals, system };
  const { exports, functions } = instantiate(parts, oracle, memory, table, choices);
  if (heat === undefined) return { exports, translator: undefined };
  const { decoded, translation } = parts();
  const setup = { where: memory.layout, instructionAlignment, functions };
  const translator = new Translator({
    ...{ memory, decoded, translation, table, setup },
    compiler: compiler?.(setup),
    ...{ hotArrivals: heat.arrivals, hotEntries: heat.entries },
    exports: exports as unknown as WebAssembly.Exports,
  });
  return { exports, translator };
}

/** The same once more, made to note which step wrote each register last. It works on the same memory and records. */
export function instantiateTraced(
  parts: () => EngineParts,
  oracle: () => Oracle,
  memory: EngineParts["memory"],
  table: WebAssembly.Table,
  { isa, stepsPerTick, harts }: Pick<InterpreterChoices, "isa" | "stepsPerTick" | "harts">,
  traced: Tracing,
): GeneratedCode {
  const system = { ...systemChoices(isa), stepsPerTick, isAlone: harts === 1 };
  const choices = { instructionAlignment: isa.instructionAlignment, hotArrivals: undefined, system, traced };
  return { exports: instantiate(parts, oracle, memory, table, choices).exports, translator: undefined };
}

function instantiate(
  parts: () => EngineParts,
  oracle: () => Oracle,
  memory: EngineParts["memory"],
  table: WebAssembly.Table,
  choices: ModuleChoices,
): { exports: InterpreterExports; functions: InterpreterFunctions } {
  const imports: InterpreterImports = {
    memory: memory.memory,
    load: (va, size) => {
      const { data, takeAttention } = parts();
      const value = data.read(BigInt.asUintN(64, va), size as AccessSize);
      memory.view.setInt32(layout.PENDING_IS_OLD, 1, true);
      if (typeof value === "bigint") {
        memory.view.setInt32(layout.STATUS, takeAttention() ? layout.STATUS_YIELD : layout.STATUS_DONE, true);
        return value;
      }
      announceFault(memory, value);
      return 0n;
    },
    store: (va, size, value) => {
      const { data, takeAttention } = parts();
      const bits = BigInt.asUintN(size * 8, value);
      const exception = data.write(BigInt.asUintN(64, va), size as AccessSize, bits);
      memory.view.setInt32(layout.PENDING_IS_OLD, 1, true);
      if (exception === undefined) return takeAttention() ? layout.STATUS_YIELD : layout.STATUS_DONE;
      announceFault(memory, exception);
      return layout.STATUS_FAULT;
    },
    translate: (low, high, write) => parts().translation.placeForCode(low, high, write),
    system: (record, operation) => systemFromRecord(parts(), oracle(), record, operation),
    selectContext: () => parts().contextChanged(),
    decode: (place) => parts().decoded.decodeAt((place >>> 0) as FrameOffset),
  };
  const { module, functions } = interpreterCode(memory.layout, choices);
  const linked = { ...imports, [REGION_TABLE]: table };
  const instance = new WebAssembly.Instance(module, { [IMPORT_MODULE]: linked });
  return { exports: instance.exports as unknown as InterpreterExports, functions };
}

/** The table through which generated code calls filters of breakpoints and, behind them, translations. */
export function functionTable(): WebAssembly.Table {
  return new WebAssembly.Table({ element: "anyfunc", initial: layout.BREAKPOINT_SLOTS + FIRST_TABLE_SLOTS });
}

const FENCES: ReadonlySet<number> = new Set(
  (["sfence.vma", "sinval.vma"] as const).map((operation) => SYSTEM_OPERATIONS.indexOf(operation)),
);

/** Slots for translations to begin with. */
const FIRST_TABLE_SLOTS = 64;

/** What generated code must know of interrupts: lines change in its back only when it is left at once. */
function notePending({ memory, turn }: EngineParts): void {
  memory.view.setInt32(layout.PENDING_INTERRUPTS, turn.csrs.allPendingInterrupts(), true);
  memory.view.setInt32(layout.PENDING_IS_OLD, 0, true);
}

function systemFromRecord(parts: EngineParts, oracle: Oracle, record: number, operation: number): number {
  const { turn, memory, data, contextChanged, timersChanged, endTurn } = parts;
  const { hart, csrs } = turn;
  const destination = memory.view.getUint16(record + layout.RECORD.rd, true);
  const { pc } = hart;
  const before = takenForGranted(memory);
  const length = memory.bytes[record + layout.RECORD.advance] / 8;
  const outcome = executeSystem(
    { hart, csrs, data, contextChanged, timersChanged, endTurn },
    {
      operation: SYSTEM_OPERATIONS[operation],
      length,
      rd: destination === layout.REGISTER_SINK ? 0 : destination / 8,
      rs1: memory.bytes[record + layout.RECORD.rs1] / 8,
      rs2: memory.bytes[record + layout.RECORD.rs2] / 8,
      imm: memory.view.getInt32(record + layout.RECORD.immediate, true),
      word: () => {
        const fetched = oracle.fetch(pc);
        return "word" in fetched ? fetched.word : 0;
      },
    },
  );
  notePending(parts);
  if (outcome === "done") {
    // cbo.zero stores, and so can hit a watch.
    if (parts.takeAttention()) return layout.STATUS_YIELD;
    const isSame = takenForGranted(memory).every((word, index) => word === before[index]);
    // Fences may have flushed the page that is being executed.
    const goesOn = isSame && hart.pc === BigInt.asUintN(64, pc + BigInt(length)) && !FENCES.has(operation);
    return goesOn ? layout.STATUS_DONE : layout.STATUS_MOVED;
  }
  if (outcome === "yield") return layout.STATUS_YIELD;
  announceFault(memory, outcome);
  return layout.STATUS_FAULT;
}

/**
 * What generated code takes for granted from one instruction to the next: the context in force, which another one may
 * follow in the same table, and the state of floating point.
 */
function takenForGranted({ view }: EngineParts["memory"]): readonly number[] {
  const floatState = view.getInt32(layout.MSTATUS, true) & Number(layout.MSTATUS_FS_DIRTY);
  return [view.getInt32(layout.TRANSLATION_BASE, true), view.getInt32(layout.SELECTION_EPOCH, true), floatState];
}
