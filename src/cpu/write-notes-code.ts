import type { SystemOperation } from "../isa/semantics.ts";
import * as layout from "../memory/layout.ts";
import type { Code, Local } from "../wasm/code.ts";
import { OP } from "../wasm/opcodes.ts";

/**
 * What the traced interpreter emits beside its handlers: which step of the slice wrote each register last (layout.WRITE_NOTES,
 * write-trace.ts).
 */
export interface NotingFrame {
  readonly code: Code;
  readonly record: Local;
  /** Steps left after the current one. */
  readonly budget: Local;
  readonly status: Local;
  /** What is noted, if anything: every write, or those that pass UNNOTED_RECORD and NOTED_STACK. */
  readonly traced: Tracing;
}

export type Tracing = "all" | "filtered" | undefined;

const { WRITE_NOTES, WRITE_NOTE } = layout;
const STACK_POINTER = layout.REGISTERS + 2 * 8;

/** The current step has written the integer register of its record, or the sink. */
export function noteIntegerWrite(frame: NotingFrame): void {
  noteWrite(frame, WRITE_NOTES + WRITE_NOTE.integer * 4);
}

export function noteFloatWrite(frame: NotingFrame): void {
  noteWrite(frame, WRITE_NOTES + WRITE_NOTE.float * 4 - layout.FLOAT_REGISTERS / 2);
}

/** A register's note is half as wide as the register. */
function noteWrite(frame: NotingFrame, notes: number): void {
  const { code, record, traced } = frame;
  if (traced === "filtered") {
    code.get(record).i32(0).memory(OP.i32_load, layout.UNNOTED_RECORD).op(OP.i32_ne);
    code.i32(0).memory(OP.i64_load, STACK_POINTER).i32(0).memory(OP.i64_load, layout.NOTED_STACK);
    code.op(OP.i64_ge_u, OP.i32_and);
    code.if();
  }
  code.get(record).memory(OP.i32_load16_u, layout.RECORD.rd).i32(1).op(OP.i32_shr_u);
  pushStepsLeft(frame);
  code.memory(OP.i32_store, notes);
  if (traced === "filtered") code.end();
}

/** Unless it has faulted (`status`), the CSR instruction has written rd, and perhaps the CSR that is noted. */
export function noteCsrAccess(frame: NotingFrame, operation: SystemOperation): void {
  const { code, record, status } = frame;
  code.get(status).i32(layout.STATUS_FAULT).op(OP.i32_ne);
  code.if();
  noteIntegerWrite(frame);
  code.get(record).memory(OP.i32_load, layout.RECORD.immediate);
  code.i32(0).memory(OP.i32_load, layout.NOTED_CSR).op(OP.i32_eq);
  if (!operation.startsWith("csrrw")) {
    code.get(record).memory(OP.i32_load8_u, layout.RECORD.rs1).i32(0).op(OP.i32_ne, OP.i32_and);
  }
  code.if();
  code.i32(0);
  pushStepsLeft(frame);
  code.memory(OP.i32_store, WRITE_NOTES + WRITE_NOTE.csr * 4);
  code.end();
  code.end();
}

/** The exception of the current step has been taken: the privilege is that of its handler. */
export function noteTrap(frame: Pick<NotingFrame, "code" | "budget">): void {
  const { code } = frame;
  code.i32(0).memory(OP.i32_load, layout.PRIVILEGE).i32(2).op(OP.i32_shl);
  pushStepsLeft(frame);
  code.memory(OP.i32_store, WRITE_NOTES + WRITE_NOTE.trap * 4);
}

/** What a yield took out of the budget still belongs to the steps that are left. */
function pushStepsLeft({ code, budget }: Pick<NotingFrame, "code" | "budget">): void {
  code.get(budget).i32(0).memory(OP.i32_load, layout.CARRY).op(OP.i32_add);
}
