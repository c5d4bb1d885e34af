import { assert } from "../base/assert.ts";
import { SYSTEM_OPERATIONS, type SystemOperation } from "../isa/semantics.ts";
import type { MemoryLayout } from "../memory/layout.ts";
import * as layout from "../memory/layout.ts";
import { Code, type Label, type Local } from "../wasm/code.ts";
import type { ModuleBuilder } from "../wasm/module.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import { defineContextCode } from "./context-code.ts";
import { defineCsrAccess } from "./csr-code.ts";
import { csrAddress, type Stored } from "./csr-file.ts";
import {
  emitInFull,
  isTrapped,
  loadCsr,
  STATUS,
  SYSTEM_FUNCTION,
  type SystemChoices,
  type SystemImports,
  type SystemParts,
  storeCsr,
} from "./system-frame.ts";
import { defineRaise } from "./trap-code.ts";

/** Indices of the functions that system instructions and exceptions call. */
export interface SystemFunctions {
  /** (record i32, operation i32) -> status i32, for each operation: SYSTEM_FUNCTION. */
  readonly operations: Readonly<Record<SystemOperation, number>>;
  /**
   * () -> 1 when the exception in TRAP_CAUSE and TRAP_VALUE, of the instruction at PC, has been taken: PC holds the handler.
   * 0: nothing has happened, it is for TypeScript.
   */
  readonly raise: number;
}

/**
 * What kernels do all the time, without leaving WebAssembly. What each instruction does is said by executeSystem and
 * trap.ts; here is the usual case of it, and everything else is handed to them. That both agree is tested
 * (test/cpu/system-code.test.ts and the storms).
 */
export function defineSystem(
  module: ModuleBuilder,
  where: MemoryLayout,
  imports: SystemImports,
  choices: SystemChoices,
): SystemFunctions {
  const context = defineContextCode(module, imports.selectContext);
  const due = defineDue(module);
  const parts: SystemParts = { module, where, imports, choices, context, due };
  const access = defineCsrAccess(parts);
  const fence = defineFence(parts);
  const nothing = defineNothing(module);
  const usual: Partial<Record<SystemOperation, number>> = {
    // Decoded instructions follow every store at once.
    "fence.i": nothing,
    pause: choices.isAlone ? nothing : defineInFull(parts),
    ...(choices.isAlone ? { "wrs.nto": nothing, "wrs.sto": nothing } : {}),
    ...{ csrrw: access, csrrs: access, csrrc: access, csrrwi: access, csrrsi: access, csrrci: access },
    ...{ "sfence.vma": fence, "sinval.vma": fence },
    ...{ sret: defineSupervisorReturn(parts), mret: defineMachineReturn(parts), ecall: defineCall(module) },
  };
  const operations = Object.fromEntries(
    SYSTEM_OPERATIONS.map((operation) => [operation, usual[operation] ?? imports.system]),
  ) as Record<SystemOperation, number>;
  return { operations, raise: defineRaise(parts) };
}

/** CsrFile.dueInterrupts, of what was pending when generated code was entered. */
function defineDue(module: ModuleBuilder): number {
  const code = new Code([]);
  const [status, enabled, delegated, privilege, taken] = Array.from({ length: 5 }, () => code.local(I32));
  const low = (name: Stored, local: Local): void => {
    code.i32(0).memory(OP.i32_load, csrAddress(name)).set(local);
  };
  low("mstatus", status);
  low("mie", enabled);
  low("mideleg", delegated);
  code.i32(0).memory(OP.i32_load, layout.PRIVILEGE).set(privilege);
  code.get(privilege).i32(3).op(OP.i32_lt_u);
  code.get(status).i32(Number(STATUS.mie)).op(OP.i32_and, OP.i32_or);
  code.if();
  code.get(enabled).get(delegated).i32(-1).op(OP.i32_xor, OP.i32_and).set(taken);
  code.end();
  code.get(privilege).op(OP.i32_eqz);
  code.get(privilege).i32(1).op(OP.i32_eq);
  code.get(status).i32(Number(STATUS.sie)).op(OP.i32_and, OP.i32_eqz, OP.i32_eqz, OP.i32_and, OP.i32_or);
  code.if();
  code.get(taken).get(enabled).get(delegated).op(OP.i32_and, OP.i32_or).set(taken);
  code.end();
  code.get(taken).i32(0).memory(OP.i32_load, layout.PENDING_INTERRUPTS).op(OP.i32_and);
  return module.defineFunction({ parameters: [], results: [I32] }, code);
}

/** For translations, which call what is defined. */
function defineInFull(parts: SystemParts): number {
  const code = new Code(SYSTEM_FUNCTION.parameters);
  emitInFull(code, parts);
  return parts.module.defineFunction(SYSTEM_FUNCTION, code);
}

/** What has nothing to do, and is allowed everywhere. */
function defineNothing(module: ModuleBuilder): number {
  const code = new Code(SYSTEM_FUNCTION.parameters);
  code.i32(layout.STATUS_DONE);
  return module.defineFunction(SYSTEM_FUNCTION, code);
}

/** sfence.vma: cached translations are always right. */
function defineFence(parts: SystemParts): number {
  const code = new Code(SYSTEM_FUNCTION.parameters);
  const privilege = code.local(I32);
  const otherwise = code.block();
  code.i32(0).memory(OP.i32_load, layout.FENCES_FLUSH).branchIf(otherwise);
  code.i32(0).memory(OP.i32_load, layout.PRIVILEGE).tee(privilege).op(OP.i32_eqz).branchIf(otherwise);
  isTrapped(code, privilege, STATUS.tvm);
  code.branchIf(otherwise);
  code.i32(0).i32(0).memory(OP.i64_load, layout.FENCES).i64(1n).op(OP.i64_add).memory(OP.i64_store, layout.FENCES);
  code.i32(layout.STATUS_DONE).op(OP.return);
  code.end();
  emitInFull(code, parts);
  return parts.module.defineFunction(SYSTEM_FUNCTION, code);
}

const ECALL_FROM_USER = 8;

function defineCall(module: ModuleBuilder): number {
  const code = new Code(SYSTEM_FUNCTION.parameters);
  code.i32(0).i32(0).memory(OP.i32_load, layout.PRIVILEGE).i32(ECALL_FROM_USER).op(OP.i32_add);
  code.memory(OP.i32_store, layout.TRAP_CAUSE);
  code.i32(0).i64(0n).memory(OP.i64_store, layout.TRAP_VALUE);
  code.i32(layout.STATUS_FAULT);
  return module.defineFunction(SYSTEM_FUNCTION, code);
}

function defineSupervisorReturn(parts: SystemParts): number {
  const code = new Code(SYSTEM_FUNCTION.parameters);
  const [privilege, status] = [code.local(I32), code.local(I64)];
  const otherwise = code.block();
  code.i32(0).memory(OP.i32_load, layout.PRIVILEGE).tee(privilege).op(OP.i32_eqz).branchIf(otherwise);
  isTrapped(code, privilege, STATUS.tsr);
  code.branchIf(otherwise);
  loadCsr(code, "mstatus").set(status);
  code.i32(0).get(status).i64(STATUS.spp).op(OP.i64_and, OP.i64_eqz, OP.i32_eqz);
  code.memory(OP.i32_store, layout.PRIVILEGE);
  storeCsr(code, "mstatus", () => {
    code
      .get(status)
      .i64(~(STATUS.sie | STATUS.spp | STATUS.mprv))
      .op(OP.i64_and);
    movedBit(code, status, STATUS.spie, STATUS.sie);
    code.i64(STATUS.spie).op(OP.i64_or);
  });
  emitReturn(code, parts, "sepc", otherwise);
  return parts.module.defineFunction(SYSTEM_FUNCTION, code);
}

function defineMachineReturn(parts: SystemParts): number {
  const code = new Code(SYSTEM_FUNCTION.parameters);
  const [privilege, status] = [code.local(I32), code.local(I64)];
  const otherwise = code.block();
  code.i32(0).memory(OP.i32_load, layout.PRIVILEGE).i32(3).op(OP.i32_ne).branchIf(otherwise);
  loadCsr(code, "mstatus").set(status);
  code.get(status).i64(11n).op(OP.i64_shr_u, OP.i32_wrap_i64).i32(3).op(OP.i32_and).set(privilege);
  code.i32(0).get(privilege).memory(OP.i32_store, layout.PRIVILEGE);
  storeCsr(code, "mstatus", () => {
    code
      .get(status)
      .i64(~(STATUS.mie | STATUS.mpp))
      .op(OP.i64_and);
    code.i64(-1n).i64(~STATUS.mprv).get(privilege).i32(3).op(OP.i32_eq, OP.select, OP.i64_and);
    movedBit(code, status, STATUS.mpie, STATUS.mie);
    code.i64(STATUS.mpie | parts.choices.leastPrivilege).op(OP.i64_or);
  });
  emitReturn(code, parts, "mepc", otherwise);
  return parts.module.defineFunction(SYSTEM_FUNCTION, code);
}

/** Ors to what is on the stack the bit `to` when `status` has the bit `from`, which is higher. */
function movedBit(code: Code, status: Local, from: bigint, to: bigint): void {
  assert(from > to, "the bit moves down");
  const distance = BigInt((from / to).toString(2).length - 1);
  code.get(status).i64(distance).op(OP.i64_shr_u).i64(to).op(OP.i64_and, OP.i64_or);
}

/** The end of a return from a trap, and of the block for what is not usual. */
function emitReturn(code: Code, parts: SystemParts, pc: "sepc" | "mepc", otherwise: Label): void {
  assert(otherwise.depth === 1, "nothing but the block is open");
  code.i32(0).i64(-1n).memory(OP.i64_store, layout.RESERVATION);
  code.i32(0);
  loadCsr(code, pc).memory(OP.i64_store, layout.PC);
  code.call(parts.context.select);
  code.i32(layout.STATUS_YIELD).i32(layout.STATUS_MOVED).call(parts.due).op(OP.select, OP.return);
  code.end();
  emitInFull(code, parts);
}
