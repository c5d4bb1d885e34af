import * as layout from "../memory/layout.ts";
import { Code, type Local } from "../wasm/code.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import { loadCsr, STATUS, type SystemParts, storeCsr } from "./system-frame.ts";

/** What a trap to a privilege reads and writes. */
const TARGET = {
  supervisor: {
    vector: "stvec",
    pc: "sepc",
    cause: "scause",
    value: "stval",
    privilege: 1,
    enable: STATUS.sie,
    previousEnable: STATUS.spie,
    previousPrivilege: STATUS.spp,
    privilegeShift: 8n,
  },
  machine: {
    vector: "mtvec",
    pc: "mepc",
    cause: "mcause",
    value: "mtval",
    privilege: 3,
    enable: STATUS.mie,
    previousEnable: STATUS.mpie,
    previousPrivilege: STATUS.mpp,
    privilegeShift: 11n,
  },
} as const;

interface TrapLocals {
  readonly cause: Local;
  readonly privilege: Local;
  readonly status: Local;
  readonly vector: Local;
}

/**
 * takeException, when nobody wants to see the exception first and its handler can certainly be fetched: supervisor mode's
 * if its page has an execute tag in the context where it will run, machine mode's if it lies in RAM. No interrupt can
 * become due by it: a trap enables none.
 */
export function defineRaise(parts: SystemParts): number {
  const code = new Code([]);
  const locals: TrapLocals = {
    ...{ cause: code.local(I32), privilege: code.local(I32), status: code.local(I64), vector: code.local(I64) },
  };
  const { cause, privilege, status } = locals;
  const otherwise = code.block();
  code.i32(0).memory(OP.i64_load, layout.TRAP_STOPS);
  code.i32(0).memory(OP.i32_load, layout.TRAP_CAUSE).tee(cause).op(OP.i64_extend_i32_u, OP.i64_shr_u, OP.i32_wrap_i64);
  code.i32(1).op(OP.i32_and).branchIf(otherwise);
  loadCsr(code, "mstatus").set(status);
  loadCsr(code, "medeleg").get(cause).op(OP.i64_extend_i32_u, OP.i64_shr_u, OP.i32_wrap_i64);
  code.i32(0).memory(OP.i32_load, layout.PRIVILEGE).tee(privilege).i32(1).op(OP.i32_le_u, OP.i32_and);
  code.if();
  emitToSupervisor(code, parts, locals, otherwise);
  code.else();
  emitToMachine(code, parts, locals, otherwise);
  code.end();
  code.i32(0).i32(0).memory(OP.i64_load, layout.EXCEPTION_COUNT).i64(1n).op(OP.i64_add);
  code.memory(OP.i64_store, layout.EXCEPTION_COUNT);
  code.i32(1).op(OP.return);
  code.end();
  code.i32(0);
  return parts.module.defineFunction({ parameters: [], results: [I32] }, code);
}

function emitToSupervisor(code: Code, parts: SystemParts, locals: TrapLocals, otherwise: { depth: number }): void {
  const { status, vector } = locals;
  const { find, enter } = parts.context;
  const table = code.local(I32);
  code.get(status).i64(STATUS.mprv).op(OP.i64_and, OP.i64_eqz, OP.i32_eqz).branchIf(otherwise);
  loadCsr(code, "satp");
  code
    .get(status)
    .op(OP.i32_wrap_i64)
    .i32(Number(STATUS.sum | STATUS.mxr))
    .op(OP.i32_and)
    .i32(1)
    .op(OP.i32_or);
  code.call(find).tee(table).op(OP.i32_eqz).branchIf(otherwise);
  emitVector(code, "supervisor", vector);
  const indexMask = (layout.TRANSLATION_ENTRIES - 1) * layout.TRANSLATION_ENTRY_BYTES;
  code.get(vector).op(OP.i32_wrap_i64).i32(7).op(OP.i32_shr_u).i32(indexMask).op(OP.i32_and).get(table).op(OP.i32_add);
  code.memory(OP.i64_load, layout.ENTRY.executeTag).get(vector).i64(-4096n).op(OP.i64_and, OP.i64_ne);
  code.branchIf(otherwise);
  emitEntry(code, "supervisor", locals);
  code.get(table).call(enter);
}

function emitToMachine(code: Code, parts: SystemParts, locals: TrapLocals, otherwise: { depth: number }): void {
  const { ramBase, ramBytes } = parts.where;
  const { vector } = locals;
  emitVector(code, "machine", vector);
  code
    .get(vector)
    .i64(BigInt(ramBase))
    .op(OP.i64_sub)
    .i64(BigInt(ramBytes - 2))
    .op(OP.i64_gt_u)
    .branchIf(otherwise);
  emitEntry(code, "machine", locals);
  code.call(parts.context.select);
}

function emitVector(code: Code, target: keyof typeof TARGET, vector: Local): void {
  loadCsr(code, TARGET[target].vector).i64(~3n).op(OP.i64_and).set(vector);
}

function emitEntry(code: Code, target: keyof typeof TARGET, locals: TrapLocals): void {
  const { cause, vector, status, privilege: from } = locals;
  const { pc, cause: causeName, value, privilege } = TARGET[target];
  const { enable, previousEnable, previousPrivilege, privilegeShift } = TARGET[target];
  code.i32(0).i64(-1n).memory(OP.i64_store, layout.RESERVATION);
  storeCsr(code, "mstatus", () => {
    code
      .get(status)
      .i64(~(enable | previousEnable | previousPrivilege))
      .op(OP.i64_and);
    // The bit of the interrupts before lies four bits higher than theirs now, in both modes.
    code.get(status).i64(enable).op(OP.i64_and).i64(4n).op(OP.i64_shl, OP.i64_or);
    code.get(from).op(OP.i64_extend_i32_u).i64(privilegeShift).op(OP.i64_shl, OP.i64_or);
  });
  storeCsr(code, pc, () => code.i32(0).memory(OP.i64_load, layout.PC));
  storeCsr(code, causeName, () => code.get(cause).op(OP.i64_extend_i32_u));
  storeCsr(code, value, () => code.i32(0).memory(OP.i64_load, layout.TRAP_VALUE));
  code.i32(0).i32(privilege).memory(OP.i32_store, layout.PRIVILEGE);
  code.i32(0).get(vector).memory(OP.i64_store, layout.PC);
}
