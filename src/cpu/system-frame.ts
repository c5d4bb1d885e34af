import type { MemoryLayout } from "../memory/layout.ts";
import type { Code, Local } from "../wasm/code.ts";
import type { FunctionType, ModuleBuilder } from "../wasm/module.ts";
import { I32, OP } from "../wasm/opcodes.ts";
import { csrAddress, type Stored } from "./csr-file.ts";

/** What all of them call when it is not as usual. */
export interface SystemImports {
  /** (record i32, operation i32) -> status i32: any system instruction, in full. */
  readonly system: number;
  /** Puts the context in force that follows from the hart's state. */
  readonly selectContext: number;
}

/** What they depend on of the hart and of the board. */
export interface SystemChoices {
  /** Bit n: satp.MODE may be n. */
  readonly schemes: number;
  /** What MPP holds after mret: a value of mstatus. */
  readonly leastPrivilege: bigint;
  readonly stepsPerTick: number;
  /** There is no other hart that could have its turn while this one waits. */
  readonly isAlone: boolean;
}

/**
 * With the address of the instruction's record; PC and BUDGET are those before it. The status is one of STATUS_*: with
 * STATUS_DONE the next instruction follows, with STATUS_YIELD and STATUS_MOVED PC says where to go on.
 */
export const SYSTEM_FUNCTION: FunctionType = { parameters: [I32, I32], results: [I32] };

/** Of mstatus. */
export const STATUS = {
  sie: 1n << 1n,
  mie: 1n << 3n,
  spie: 1n << 5n,
  mpie: 1n << 7n,
  spp: 1n << 8n,
  mpp: 3n << 11n,
  mprv: 1n << 17n,
  sum: 1n << 18n,
  mxr: 1n << 19n,
  tvm: 1n << 20n,
  tsr: 1n << 22n,
  sd: 1n << 63n,
} as const;

/** What the functions are made from. */
export interface SystemParts {
  readonly module: ModuleBuilder;
  readonly where: MemoryLayout;
  readonly imports: SystemImports;
  readonly choices: SystemChoices;
  readonly context: ContextFunctions;
  /** () -> interrupts that would be taken now, as bits of mip. */
  readonly due: number;
}

export interface ContextFunctions {
  /** () -> (): puts the context in force that follows from the hart's state. */
  readonly select: number;
  /** (satp i64, control i32) -> table i32, or 0: see layout.SELECTION. */
  readonly find: number;
  /** (table i32) -> (): puts it in force. */
  readonly enter: number;
}

/** Pushes the word of a CSR. */
export function loadCsr(code: Code, name: Stored): Code {
  return code.i32(0).memory(OP.i64_load, csrAddress(name));
}

/** Stores what `value` pushes. */
export function storeCsr(code: Code, name: Stored, value: () => void): void {
  code.i32(0);
  value();
  code.memory(OP.i64_store, csrAddress(name));
}

/** Pushes 1 when supervisor mode runs into a bit of mstatus by which machine mode keeps the instruction for itself. */
export function isTrapped(code: Code, privilege: Local, bit: bigint): void {
  code.get(privilege).i32(1).op(OP.i32_eq);
  loadCsr(code, "mstatus").i64(bit).op(OP.i64_and, OP.i64_eqz, OP.i32_eqz, OP.i32_and);
}

/** Hands the instruction to executeSystem: what stands behind the end of the block `otherwise`. */
export function emitInFull(code: Code, { imports }: SystemParts): void {
  code.get(code.parameter(0)).get(code.parameter(1)).call(imports.system);
}
