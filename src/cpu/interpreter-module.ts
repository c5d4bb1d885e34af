import { assert } from "../base/assert.ts";
import { INSTRUCTIONS } from "../isa/table.ts";
import type { MemoryLayout } from "../memory/layout.ts";
import * as layout from "../memory/layout.ts";
import { defineMaintenance, type Summation } from "../memory/maintenance-code.ts";
import { defineSlowPath, entryAddress } from "../memory/translation-code.ts";
import { Code, type Label } from "../wasm/code.ts";
import { type FunctionType, ModuleBuilder } from "../wasm/module.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import { type ArithmeticFunctions, defineArithmetic } from "./arithmetic-code.ts";
import { FILTER_FUNCTION } from "./condition-code.ts";
import { defineFloat, type FloatFunctions } from "./float-code.ts";
import { emitHandler, emitPc, type InterpreterFrame } from "./interpreter-reading.ts";
import { ANSWER, REGION_FUNCTION, REGION_TABLE } from "./region-function.ts";
import { defineSystem, type SystemFunctions } from "./system-code.ts";
import { SYSTEM_FUNCTION, type SystemChoices } from "./system-frame.ts";
import { ScratchLocals } from "./wasm-reading.ts";
import { noteTrap, type Tracing } from "./write-notes-code.ts";

/**
 * Operation numbers of records that are no instruction. Instructions of the table follow from FIRST_INSTRUCTION on, at
 * their index.
 */
export const OPERATION = {
  /** Never executed since the record was cleared. Zero, so that cleared memory means it. */
  undecoded: 0,
  /** Behind the last record of a page. */
  pageEnd: 1,
  breakpoint: 2,
  illegal: 3,
  /** The instruction reaches into the next page. */
  straddling: 4,
} as const;
export const FIRST_INSTRUCTION = 5;

/** Why `run` came back. The pc and BUDGET in memory say where. */
export const EXIT = {
  /** The budget is used up (or was taken away by a yield: see CARRY). */
  budget: 0,
  /** The page of pc has no execute tag. */
  fetch: 1,
  /** The instruction at pc met an exception; it has not been executed. */
  trap: 3,
  /** A breakpoint stands at pc; it has not been executed. */
  breakpoint: 4,
  /** The instruction at pc, which has not been executed, needs the oracle. */
  repeat: 5,
  /** A system instruction was executed and the engine's caller must look. */
  yield: 6,
  /** Jumps have arrived at pc so often that it is worth a translation. */
  hot: 7,
  /** The translation in the slot WANTS_TRANSLATION should be made anew. */
  known: 8,
} as const;

export interface InterpreterImports extends Record<string, WebAssembly.ImportValue> {
  readonly memory: WebAssembly.Memory;
  /** A load that is not plain RAM: (va, size) -> value, zero-extended; sets STATUS. */
  load(va: bigint, size: number): bigint;
  /** A store that is not plain RAM: -> status. */
  store(va: bigint, size: number, value: bigint): number;
  /** Where the page of an address is in RAM: see SlowPathImports. */
  translate(low: number, high: number, write: number): number;
  /** A system instruction: (record, operation) -> status; sets PC. */
  system(record: number, operation: number): number;
  /** Puts the context in force that follows from the hart's state. */
  selectContext(): void;
  /** Makes the record of the instruction at an offset of RAM, on a page that has records. */
  decode(offset: number): void;
}

export interface InterpreterExports extends Summation {
  /**
   * Runs until something of EXIT. A breakpoint does not count at the instruction that leaves `skipAt` steps of the
   * budget: the first one when that is the budget less one, none when it is -1.
   */
  run(skipAt: number): number;
  flushWriteTags(table: number): void;
  flushTags(table: number): void;
  hash(host: number, length: number): bigint;
  findBits(host: number, end: number, mask: bigint): number;
}

/** Functions of the interpreter's module that translations call, by index. Plain data. */
export interface InterpreterFunctions {
  readonly arithmetic: ArithmeticFunctions;
  readonly float: FloatFunctions;
  readonly system: SystemFunctions;
  readonly exported: ReadonlyMap<number, ExportedFunction>;
}

export interface ExportedFunction {
  readonly name: string;
  readonly type: FunctionType;
}

export interface InterpreterModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly functions: InterpreterFunctions;
}

export interface ModuleChoices {
  readonly instructionAlignment: 2 | 4;
  /**
   * It counts where jumps arrive, asks for a translation at that many, and goes on in translations; undefined: there are
   * none.
   */
  readonly hotArrivals: number | undefined;
  readonly system: SystemChoices;
  /** It notes which step wrote each register last, which takes time. */
  readonly traced?: Tracing;
}

/**
 * The interpreter as a WebAssembly module, generated from the instruction table.
 */
export function interpreterModule(
  where: MemoryLayout,
  { instructionAlignment, hotArrivals, system: systemChoices, traced }: ModuleChoices,
): InterpreterModule {
  assert(INSTRUCTIONS.length + FIRST_INSTRUCTION <= 256, "operation numbers are one byte");
  const module = new ModuleBuilder({ name: "memory", minimumPages: where.wasmPages });
  module.importTable(REGION_TABLE);
  const load = module.importFunction("load", { parameters: [I64, I32], results: [I64] });
  const store = module.importFunction("store", { parameters: [I64, I32, I64], results: [I32] });
  const translate = module.importFunction("translate", { parameters: [I32, I32, I32], results: [I32] });
  const inFull = module.importFunction("system", SYSTEM_FUNCTION);
  const selectContext = module.importFunction("selectContext", { parameters: [], results: [] });
  const decode = module.importFunction("decode", { parameters: [I32], results: [] });
  const slowPath = defineSlowPath(module, where, { load, store, translate });
  const arithmetic = defineArithmetic(module);
  const float = defineFloat(module, arithmetic.multiplyHigh.unsigned);
  const system = defineSystem(module, where, { system: inFull, selectContext }, systemChoices);
  defineMaintenance(module);
  const code = new Code([I32]);
  const regions = hotArrivals === undefined ? undefined : { type: module.typeOf(REGION_FUNCTION), hotArrivals };
  const filterType = module.typeOf(FILTER_FUNCTION);
  const callees = { where, slowPath, system, decode, instructionAlignment, float, arithmetic, traced };
  emitRun(code, callees, filterType, regions);
  module.defineFunction({ parameters: [I32], results: [I32] }, code, "run");
  const exported = new Map<number, ExportedFunction>();
  const { raise, operations } = system;
  const defined = Object.values(operations).filter((index) => index !== inFull);
  forEachIndex({ arithmetic, float, raise, defined }, (index) => {
    exported.set(index, { name: module.exportByIndex(index), type: module.signature(index) });
  });
  return { bytes: module.finish(), functions: { arithmetic, float, system, exported } };
}

function forEachIndex(functions: object, visit: (index: number) => void): void {
  for (const value of Object.values(functions)) {
    if (typeof value === "number") visit(value);
    else forEachIndex(value as object, visit);
  }
}

type Callees = Pick<
  InterpreterFrame,
  "where" | "slowPath" | "system" | "instructionAlignment" | "float" | "arithmetic" | "traced"
> & { readonly decode: number };

/** How translations are called, and when one is wanted. */
interface RegionCalls {
  readonly type: number;
  readonly hotArrivals: number;
}

/**
 * `run`: a loop around a `br_table` over the operation of the current record. Straight-line code only moves the record
 * pointer; the end of a page is a record like any other, so nothing is checked between two instructions but the budget.
 */
function emitRun(code: Code, callees: Callees, filterType: number, regions: RegionCalls | undefined): void {
  const skipAt = code.parameter(0);
  const [record, decodedPage, budget, status, operation, reason, entry] = Array.from({ length: 7 }, () =>
    code.local(I32),
  );
  const [pageAddress, target] = [code.local(I64), code.local(I64)];
  code.i32(0).memory(OP.i32_load, layout.BUDGET).set(budget);
  code.i32(0).i32(0).memory(OP.i32_store, layout.CARRY);
  code.i32(0).memory(OP.i64_load, layout.PC).set(target);

  const leaveAtTarget = code.block(); // `target` is the pc.
  const leave = code.block(); // The record gives the pc.
  const leaveUndone = code.block(); // Likewise, and the current instruction has not been executed.
  const refetch = code.loop();
  emitFetch();
  const dispatch = code.loop();
  code.get(budget).op(OP.i32_eqz);
  code.if();
  code.i32(EXIT.budget).set(reason).branch(leave);
  code.end();
  code.get(budget).i32(1).op(OP.i32_sub).set(budget);
  code.get(record).memory(OP.i32_load8_u, layout.RECORD.operation).set(operation);
  const again = code.loop();

  const jumped = code.block();
  const trapped = code.block();
  const repeat = code.block();
  const afterSystem = code.block();
  const special = openHandlers(code, Object.keys(OPERATION).length);
  const handlers = openHandlers(code, INSTRUCTIONS.length);
  code.get(operation).branchTable([...special, ...handlers], special[OPERATION.illegal]);

  const frame: InterpreterFrame = {
    ...callees,
    ...{ code, record, decodedPage, pageAddress, budget, target, status },
    ...{ jumped, trapped, repeat, afterSystem, next: dispatch, scratch: new ScratchLocals(code) },
  };
  // Blocks close innermost first: openHandlers made the first handler the innermost.
  for (const instruction of INSTRUCTIONS) {
    code.end();
    emitHandler(frame, instruction);
  }
  emitSpecialRecords();

  code.end(); // afterSystem
  code.get(status).i32(layout.STATUS_FAULT).op(OP.i32_eq).branchIf(trapped);
  code.i32(0).memory(OP.i64_load, layout.PC).set(target);
  code.get(status).i32(layout.STATUS_YIELD).op(OP.i32_eq);
  code.if();
  code.i32(EXIT.yield).set(reason).branch(leaveAtTarget);
  code.end();
  emitMoved();
  code.end(); // repeat
  code.i32(EXIT.repeat).set(reason).branch(leaveUndone);
  code.end(); // trapped
  code.i32(0);
  emitPc({ code, record, decodedPage, pageAddress });
  code.memory(OP.i64_store, layout.PC).call(callees.system.raise);
  code.if();
  if (callees.traced) noteTrap({ code, budget });
  code.i32(0).memory(OP.i64_load, layout.PC).set(target);
  emitMoved();
  code.end();
  code.i32(EXIT.trap).set(reason).branch(leaveUndone);
  code.end(); // jumped
  // A target in the same page needs no look at the translation entry.
  code.get(target).get(pageAddress).op(OP.i64_xor).i64(4096n).op(OP.i64_lt_u);
  code.if();
  emitRecord();
  code.else();
  emitFetch();
  code.end();
  if (regions !== undefined) emitArrival(regions);
  code.branch(dispatch);

  code.end(); // again
  code.end(); // dispatch
  code.end(); // refetch
  code.op(OP.unreachable);
  code.end(); // leaveUndone
  code.get(budget).i32(1).op(OP.i32_add).set(budget);
  code.end(); // leave
  emitPc({ code, record, decodedPage, pageAddress });
  code.set(target);
  code.end(); // leaveAtTarget
  code.i32(0).get(target).memory(OP.i64_store, layout.PC);
  code.i32(0).get(budget).memory(OP.i32_store, layout.BUDGET);
  code.get(reason);

  /** On at `target`; addresses may mean something else there, so that the page is looked up even when it is the same. */
  function emitMoved(): void {
    code.get(target).i64(4096n).op(OP.i64_xor).set(pageAddress).branch(jumped);
  }

  /** From the address in `target` to the record; leaves when the page has no execute tag. */
  function emitFetch(): void {
    entryAddress(code, target);
    code.tee(entry).memory(OP.i64_load, layout.ENTRY.executeTag).tee(pageAddress);
    code.get(target).op(OP.i64_xor).i64(4096n).op(OP.i64_ge_u);
    code.if();
    code.i32(EXIT.fetch).set(reason).branch(leaveAtTarget);
    code.end();
    code.get(entry).memory(OP.i32_load, layout.ENTRY.decoded).set(decodedPage);
    emitRecord();
  }

  /** The record of the address in `target`, which is in the current page. */
  function emitRecord(): void {
    code.get(decodedPage);
    code.get(target).op(OP.i32_wrap_i64).i32(4095).op(OP.i32_and).i32(3).op(OP.i32_shl, OP.i32_add).set(record);
  }

  /**
   * A jump has arrived at `target`: on in the translation that is there, or one arrival more is counted. A translation
   * comes back where the interpreter has to go on, which may be another such place.
   */
  function emitArrival({ type, hotArrivals }: RegionCalls): void {
    const { count, slot } = layout.ARRIVAL;
    const arrival = code.loop();
    code.get(decodedPage);
    code.get(target).op(OP.i32_wrap_i64).i32(4095).op(OP.i32_and).i32(2).op(OP.i32_shl, OP.i32_add).set(entry);
    code
      .get(entry)
      .memory(OP.i32_load, layout.ARRIVALS + slot)
      .tee(operation);
    code.if();
    code.i32(0).get(target).memory(OP.i64_store, layout.PC);
    code.i32(0).get(budget).memory(OP.i32_store, layout.BUDGET);
    code.get(operation).callIndirect(type).set(status);
    code.i32(0).memory(OP.i32_load, layout.BUDGET).set(budget);
    code.i32(0).memory(OP.i64_load, layout.PC).set(target);
    code.get(status).i32(ANSWER.yield).op(OP.i32_eq);
    code.if();
    code.i32(EXIT.yield).set(reason).branch(leaveAtTarget);
    code.end();
    emitFetch();
    code.get(status).op(OP.i32_eqz).branchIf(arrival);
    code.get(status).i32(ANSWER.known).op(OP.i32_eq);
    code.if();
    code.i32(EXIT.known).set(reason).branch(leaveAtTarget);
    code.end();
    code.else();
    code
      .get(entry)
      .get(entry)
      .memory(OP.i32_load, layout.ARRIVALS + count)
      .i32(1)
      .op(OP.i32_add)
      .tee(operation);
    code.memory(OP.i32_store, layout.ARRIVALS + count);
    code.get(operation).i32(hotArrivals).op(OP.i32_eq);
    code.if();
    code.i32(EXIT.hot).set(reason).branch(leaveAtTarget);
    code.end();
    code.end();
    code.end();
  }

  /** Here when the next virtual page is in the next frame, else by the oracle. */
  function emitStraddling(): void {
    const apart = code.block();
    code.get(pageAddress).i64(4096n).op(OP.i64_add).set(target);
    entryAddress(code, target);
    code.tee(entry).memory(OP.i64_load, layout.ENTRY.executeTag).get(target).op(OP.i64_ne).branchIf(apart);
    const frame = END_RECORD + layout.RECORD.immediate;
    code.get(entry).memory(OP.i32_load, layout.ENTRY.decoded).memory(OP.i32_load, frame);
    code.get(decodedPage).memory(OP.i32_load, frame).i32(1).op(OP.i32_add, OP.i32_ne).branchIf(apart);
    code.get(record).memory(OP.i32_load8_u, layout.RECORD.straddling).set(operation).branch(again);
    code.end();
    code.i32(EXIT.repeat).set(reason).branch(leaveUndone);
  }

  /** Goes on with the instruction under a breakpoint when that is to be passed, or its filter says that it is no hit. */
  function emitBreakpoint(): void {
    const stands = code.block();
    const passed = code.block();
    code.get(skipAt).get(budget).op(OP.i32_eq).branchIf(passed);
    code.get(record).memory(OP.i32_load8_u, layout.RECORD.breakpoint).tee(entry).op(OP.i32_eqz).branchIf(stands);
    code.get(entry).i32(2).op(OP.i32_shl).memory(OP.i32_load, layout.BREAKPOINT_WORDS);
    code.i32(layout.BREAKPOINT.filter).op(OP.i32_ne).branchIf(stands);
    emitPc({ code, record, decodedPage, pageAddress });
    code.get(budget).get(entry).callIndirect(filterType).branchIf(stands);
    code.end();
    code.get(record).memory(OP.i32_load8_u, layout.RECORD.replaced).set(operation).branch(again);
    code.end();
  }

  function emitSpecialRecords(): void {
    code.end(); // undecoded
    code
      .get(decodedPage)
      .memory(OP.i32_load, END_RECORD + layout.RECORD.immediate)
      .i32(12)
      .op(OP.i32_shl);
    code.get(record).get(decodedPage).op(OP.i32_sub).i32(3).op(OP.i32_shr_u, OP.i32_add).call(callees.decode);
    code.get(record).memory(OP.i32_load8_u, layout.RECORD.operation).set(operation).branch(again);
    code.end(); // pageEnd
    emitPc({ code, record, decodedPage, pageAddress });
    code.set(target);
    code.get(budget).i32(1).op(OP.i32_add).set(budget).branch(refetch);
    code.end(); // breakpoint
    emitBreakpoint();
    code.i32(EXIT.breakpoint).set(reason).branch(leaveUndone);
    code.end(); // illegal
    code.i32(EXIT.repeat).set(reason).branch(leaveUndone);
    code.end(); // straddling
    emitStraddling();
  }
}

/** Offset in a decoded page of the first record behind those of the page. */
export const END_RECORD = (layout.PAGE_BYTES / 2) * layout.RECORD_BYTES;

/** Opens `count` nested blocks; the first label is the innermost block. */
function openHandlers(code: Code, count: number): Label[] {
  const labels: Label[] = [];
  for (let index = 0; index < count; index++) labels.unshift(code.block());
  return labels;
}
