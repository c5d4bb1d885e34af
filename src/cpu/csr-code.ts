import { assert } from "../base/assert.ts";
import { SYSTEM_OPERATIONS } from "../isa/semantics.ts";
import * as layout from "../memory/layout.ts";
import { Code, type Label, type Local } from "../wasm/code.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import { csrAddress } from "./csr-file.ts";
import { CSR_FLAG } from "./csr-words.ts";
import { emitInFull, isTrapped, loadCsr, STATUS, SYSTEM_FUNCTION, type SystemParts } from "./system-frame.ts";

/** csrrw, csrrs, csrrc, and the same with an immediate, follow one another. */
const FIRST = SYSTEM_OPERATIONS.indexOf("csrrw");
const FIRST_IMMEDIATE = SYSTEM_OPERATIONS.indexOf("csrrwi");
const [REPLACE, SET] = [0, 1];
assert(FIRST_IMMEDIATE === FIRST + 3, "the order of CSR instructions");

const STIP_BIT = 5n;
const STIP = 1n << STIP_BIT;
const FS = layout.MSTATUS_FS_DIRTY;

interface AccessLocals {
  readonly record: Local;
  readonly word: Local;
  readonly flags: Local;
  readonly privilege: Local;
  /** 0 to 2: replace, set, clear. */
  readonly action: Local;
  readonly isWrite: Local;
  readonly old: Local;
  readonly stored: Local;
  readonly written: Local;
  /** Bits that the write has changed. */
  readonly changed: Local;
}

/**
 * What executeCsr does, for CSRs that are described by words (csr-words.ts): what they hold is stored, and what a write
 * calls for can be done here.
 */
export function defineCsrAccess(parts: SystemParts): number {
  const code = new Code(SYSTEM_FUNCTION.parameters);
  const [record, operation] = [code.parameter(0), code.parameter(1)];
  const number = code.local(I32);
  const locals: AccessLocals = {
    ...{ record, word: code.local(I32), flags: code.local(I32), privilege: code.local(I32) },
    ...{ action: code.local(I32), isWrite: code.local(I32) },
    ...{ old: code.local(I64), stored: code.local(I64), written: code.local(I64), changed: code.local(I64) },
  };
  const { word, flags, privilege, action, isWrite, old, stored } = locals;
  const otherwise = code.block();
  code.get(record).memory(OP.i32_load, layout.RECORD.immediate).tee(number);
  code.memory(OP.i32_load8_u, layout.CSR_NUMBERS).tee(word).op(OP.i32_eqz).branchIf(otherwise);
  code.get(word).i32(layout.CSR_WORD_BYTES).op(OP.i32_mul).set(word);
  code.get(number).i32(8).op(OP.i32_shr_u).i32(3).op(OP.i32_and);
  code.i32(0).memory(OP.i32_load, layout.PRIVILEGE).tee(privilege).op(OP.i32_gt_u).branchIf(otherwise);
  code
    .get(word)
    .memory(OP.i32_load, layout.CSR_WORDS + layout.CSR_WORD.flags)
    .set(flags);
  code.get(operation).i32(FIRST).op(OP.i32_sub).i32(3).op(OP.i32_rem_u).tee(action).i32(REPLACE).op(OP.i32_eq);
  code.get(record).memory(OP.i32_load8_u, layout.RECORD.rs1).op(OP.i32_eqz, OP.i32_eqz, OP.i32_or).tee(isWrite);
  code.get(flags).i32(CSR_FLAG.writable).op(OP.i32_and, OP.i32_eqz, OP.i32_and).branchIf(otherwise);
  code.get(word).memory(OP.i32_load, layout.CSR_WORDS + layout.CSR_WORD.address);
  code.memory(OP.i64_load, 0).tee(stored).set(old);
  code.get(flags).i32(~CSR_FLAG.writable).op(OP.i32_and);
  code.if();
  emitRead(code, parts, locals, otherwise);
  code.end();
  code.get(isWrite);
  code.if();
  emitWrite(code, parts, { ...locals, operation }, otherwise);
  code.end();
  emitDestination(code, locals);
  code.i32(layout.STATUS_DONE).op(OP.return);
  code.end();
  emitInFull(code, parts);
  return parts.module.defineFunction(SYSTEM_FUNCTION, code);
}

/** Sets `old` where it is not just what is stored. */
function emitRead(code: Code, { choices }: SystemParts, locals: AccessLocals, otherwise: Label): void {
  const { word, flags, privilege, isWrite, old, stored } = locals;
  const has = (flag: number): Code => code.get(flags).i32(flag).op(OP.i32_and);
  has(CSR_FLAG.status);
  code.if();
  code.get(old).i64(~STATUS.sd).op(OP.i64_and);
  code.i64(BigInt.asIntN(64, STATUS.sd)).i64(0n).get(old).i64(FS).op(OP.i64_and).i64(FS);
  code.op(OP.i64_eq, OP.select, OP.i64_or);
  code
    .get(word)
    .memory(OP.i64_load, layout.CSR_WORDS + layout.CSR_WORD.readable)
    .op(OP.i64_and)
    .set(old);
  code.end();
  const time = (): void => {
    code.i32(0).memory(OP.i64_load, layout.INSTANT_AT_END).i32(0).memory(OP.i64_load32_u, layout.BUDGET);
    code.op(OP.i64_sub).i64(BigInt(choices.stepsPerTick)).op(OP.i64_div_u);
    code.i32(0).memory(OP.i64_load, layout.TICK_OFFSET).op(OP.i64_add);
  };
  has(CSR_FLAG.pending);
  code.if();
  code.i32(0).memory(OP.i32_load, layout.PENDING_IS_OLD).branchIf(otherwise);
  // STCE is the highest bit: the timer's bit is what the time says now.
  loadCsr(code, "menvcfg").i64(0n).op(OP.i64_lt_s);
  code.if();
  code.get(old).i64(~STIP).op(OP.i64_and);
  time();
  loadCsr(code, "stimecmp").op(OP.i64_ge_u, OP.i64_extend_i32_u).i64(STIP_BIT).op(OP.i64_shl, OP.i64_or).set(old);
  code.end();
  code.end();
  has(CSR_FLAG.masked);
  code.if();
  code.get(old);
  emitMask(code, word);
  code.op(OP.i64_and).set(old);
  code.end();
  has(CSR_FLAG.satp);
  code.if();
  isTrapped(code, privilege, STATUS.tvm);
  code.branchIf(otherwise);
  code.get(isWrite).i32(0).memory(OP.i32_load, layout.FENCES_FLUSH).op(OP.i32_and).branchIf(otherwise);
  code.end();
  has(CSR_FLAG.counter);
  code.if();
  emitCounterLeave(code, locals, otherwise);
  const steps = (): void => {
    code.i32(0).memory(OP.i64_load, layout.STEPS_AT_END).i32(0).memory(OP.i64_load32_u, layout.BUDGET).op(OP.i64_sub);
  };
  has(CSR_FLAG.time);
  code.if();
  time();
  code.set(old);
  code.else();
  steps();
  code.get(stored).op(OP.i64_add).set(old);
  has(CSR_FLAG.retired);
  code.if();
  code.get(old).i32(0).memory(OP.i64_load, layout.EXCEPTION_COUNT).op(OP.i64_sub).set(old);
  code.end();
  code.end();
  code.end();
}

/** Pushes the word that masks the CSR. */
function emitMask(code: Code, word: Local): void {
  code
    .get(word)
    .memory(OP.i32_load, layout.CSR_WORDS + layout.CSR_WORD.maskAddress)
    .memory(OP.i64_load, 0);
}

function emitCounterLeave(code: Code, { word, privilege }: AccessLocals, otherwise: Label): void {
  const isRefused = (name: "mcounteren" | "scounteren"): void => {
    loadCsr(code, name).op(OP.i32_wrap_i64);
    code
      .get(word)
      .memory(OP.i32_load, layout.CSR_WORDS + layout.CSR_WORD.counterBit)
      .op(OP.i32_and, OP.i32_eqz);
  };
  code.get(privilege).i32(3).op(OP.i32_ne);
  isRefused("mcounteren");
  code.op(OP.i32_and).branchIf(otherwise);
  code.get(privilege).op(OP.i32_eqz);
  isRefused("scounteren");
  code.op(OP.i32_and).branchIf(otherwise);
}

function emitWrite(
  code: Code,
  parts: SystemParts,
  locals: AccessLocals & { readonly operation: Local },
  otherwise: Label,
): void {
  const { record, word, flags, action, old, stored, written, changed, operation } = locals;
  const has = (flag: number): Code => code.get(flags).i32(flag).op(OP.i32_and);
  const rs1 = layout.RECORD.rs1;
  code.get(operation).i32(FIRST_IMMEDIATE).op(OP.i32_ge_u);
  code.if(I64);
  code.get(record).memory(OP.i64_load8_u, rs1).i64(3n).op(OP.i64_shr_u);
  code.else();
  code.get(record).memory(OP.i32_load8_u, rs1).memory(OP.i64_load, layout.REGISTERS);
  code.end();
  code.set(written);
  code.get(action);
  code.if();
  code.get(old).get(written).op(OP.i64_or);
  code.get(old).get(written).i64(-1n).op(OP.i64_xor, OP.i64_and);
  code.get(action).i32(SET).op(OP.i32_eq, OP.select).set(written);
  code.end();
  code.get(stored).get(written).op(OP.i64_xor);
  code
    .get(word)
    .memory(OP.i64_load, layout.CSR_WORDS + layout.CSR_WORD.writable)
    .op(OP.i64_and);
  has(CSR_FLAG.masked);
  code.if(I64);
  emitMask(code, word);
  code.else();
  code.i64(-1n);
  code.end();
  code.op(OP.i64_and).set(changed);
  has(CSR_FLAG.satp);
  code.if();
  emitSatp(code, parts, locals);
  code.end();
  const store = (): void => {
    code.get(word).memory(OP.i32_load, layout.CSR_WORDS + layout.CSR_WORD.address);
    code.get(stored).get(changed).op(OP.i64_xor).memory(OP.i64_store, 0);
  };
  has(CSR_FLAG.status);
  code.if();
  code.get(stored).i64(STATUS.mprv).op(OP.i64_and, OP.i64_eqz, OP.i32_eqz).branchIf(otherwise);
  code.end();
  store();
  has(CSR_FLAG.interrupts);
  code.if();
  emitDestination(code, locals);
  // No interrupt has these numbers: this is sstatus.
  code
    .get(changed)
    .i64(STATUS.sum | STATUS.mxr)
    .op(OP.i64_and, OP.i64_eqz, OP.i32_eqz);
  code.if();
  code.call(parts.context.select);
  code.end();
  code.call(parts.due);
  code.if();
  emitNextPc(code, record);
  code.i32(layout.STATUS_YIELD).op(OP.return);
  code.end();
  // Translated code takes for granted that the state of floating point stays what it is.
  code
    .get(changed)
    .i64(STATUS.sum | STATUS.mxr | FS)
    .op(OP.i64_and, OP.i64_eqz, OP.i32_eqz);
  code.if();
  emitNextPc(code, record);
  code.i32(layout.STATUS_MOVED).op(OP.return);
  code.end();
  code.i32(layout.STATUS_DONE).op(OP.return);
  code.end();
}

/** A scheme that the hart does not have leaves satp as it is. */
function emitSatp(code: Code, { choices, context }: SystemParts, locals: AccessLocals): void {
  const { record, written } = locals;
  code.i32(choices.schemes).get(written).i64(60n).op(OP.i64_shr_u, OP.i32_wrap_i64, OP.i32_shr_u);
  code.i32(1).op(OP.i32_and);
  code.if();
  code.i32(0).get(written).memory(OP.i64_store, csrAddress("satp"));
  code.end();
  emitDestination(code, locals);
  code.call(context.select);
  emitNextPc(code, record);
  code.i32(layout.STATUS_MOVED).op(OP.return);
}

function emitDestination(code: Code, { record, old }: AccessLocals): void {
  code.get(record).memory(OP.i32_load16_u, layout.RECORD.rd).get(old).memory(OP.i64_store, layout.REGISTERS);
}

function emitNextPc(code: Code, record: Local): void {
  code.i32(0).i32(0).memory(OP.i64_load, layout.PC);
  code.get(record).memory(OP.i64_load8_u, layout.RECORD.advance).i64(3n).op(OP.i64_shr_u, OP.i64_add);
  code.memory(OP.i64_store, layout.PC);
}
