import { effectsOf } from "../isa/effects.ts";
import type { Decoded } from "../isa/instruction.ts";
import { SYSTEM_OPERATIONS, type SystemOperation } from "../isa/semantics.ts";
import * as layout from "../memory/layout.ts";
import type { Code } from "../wasm/code.ts";
import { I32, OP } from "../wasm/opcodes.ts";
import { LAST_FLOAT_CSR } from "./float-csrs.ts";
import type { RegionLocals } from "./region-locals.ts";
import type { SystemFunctions } from "./system-code.ts";
import type { ScratchLocals } from "./wasm-reading.ts";

const ANY_CSR: ReadonlySet<SystemOperation> = new Set(["csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci"]);
const OTHERS: ReadonlySet<SystemOperation> = new Set(["sfence.vma", "fence.i", "pause"]);
const MSTATUS = 0x300;

/**
 * Whether a system instruction may stand within a region: it mostly goes on behind itself, and changes nothing then that the
 * region takes for granted. That would be rounding mode and flags, and the state of floating point.
 */
export function staysInRegion({ instruction, imm }: Decoded): boolean {
  const { system } = effectsOf(instruction);
  if (system === undefined) return false;
  return OTHERS.has(system) || (ANY_CSR.has(system) && imm > LAST_FLOAT_CSR && imm !== MSTATUS);
}

/** What is around a system instruction in a region. */
export interface SystemFrame {
  readonly code: Code;
  readonly scratch: ScratchLocals;
  readonly locals: RegionLocals;
  readonly functions: SystemFunctions;
  /** Address of the instruction. */
  readonly pc: bigint;
  /** Leaving before the instruction spends so many steps. */
  readonly stepsBefore: number;
  /** Leaves before the instruction, which the interpreter repeats. */
  readonly leave: () => void;
  /** Leaves behind it, for the address in PC; what is on the stack says whether the engine's caller must look first. */
  readonly leaveBehind: () => void;
}

/** Calls the function of the operation, with a record made up for it: that of the interpreter may be cleared. */
export function emitSystem(frame: SystemFrame, decoded: Decoded, operation: SystemOperation): void {
  const { code, scratch, locals, functions, pc, stepsBefore } = frame;
  const { rd, rs1 } = decoded;
  const isCsr = ANY_CSR.has(operation);
  const status = scratch.take(I32);
  code.i32(0).i64(BigInt.asIntN(64, pc)).memory(OP.i64_store, layout.PC);
  code.i32(0).get(locals.budget).i32(stepsBefore).op(OP.i32_sub).memory(OP.i32_store, layout.BUDGET);
  recordWords(decoded).forEach((word, index) => {
    code
      .i32(0)
      .i64(word)
      .memory(OP.i64_store, layout.SYSTEM_RECORD + index * 8);
  });
  if (isCsr && !operation.endsWith("i") && rs1 !== 0) {
    code
      .i32(0)
      .get(locals.read(rs1))
      .memory(OP.i64_store, layout.REGISTERS + rs1 * 8);
  }
  code.i32(layout.SYSTEM_RECORD).i32(SYSTEM_OPERATIONS.indexOf(operation)).call(functions.operations[operation]);
  code.tee(status);
  code.if();
  code.get(status).i32(layout.STATUS_FAULT).op(OP.i32_eq);
  code.if();
  frame.leave();
  code.end();
  if (isCsr) takeResult(frame, rd);
  code.get(status).i32(layout.STATUS_YIELD).op(OP.i32_eq);
  frame.leaveBehind();
  code.end();
  if (isCsr) takeResult(frame, rd);
}

function takeResult({ code, locals }: SystemFrame, rd: number): void {
  if (rd === 0) return;
  code
    .i32(0)
    .memory(OP.i64_load, layout.REGISTERS + rd * 8)
    .set(locals.written(rd));
}

/** A record (layout.RECORD) as two words. */
function recordWords({ rd, rs1, rs2, imm, length }: Decoded): bigint[] {
  const view = new DataView(new ArrayBuffer(layout.RECORD_BYTES));
  view.setUint8(layout.RECORD.advance, length * 8);
  view.setUint8(layout.RECORD.rs1, rs1 * 8);
  view.setUint8(layout.RECORD.rs2, rs2 * 8);
  view.setUint16(layout.RECORD.rd, rd === 0 ? layout.REGISTER_SINK : rd * 8, true);
  view.setInt32(layout.RECORD.immediate, imm, true);
  return [view.getBigInt64(0, true), view.getBigInt64(8, true)];
}
