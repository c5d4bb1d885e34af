import { assert } from "../base/assert.ts";
import type { Instruction } from "../isa/instruction.ts";
import {
  type AccessSize,
  type Semantics,
  type Signedness,
  SYSTEM_OPERATIONS,
  type SystemOperation,
} from "../isa/semantics.ts";
import * as layout from "../memory/layout.ts";
import { fastPathCheck, hostAddress, LOAD_OPCODES, type SlowPath, STORE_OPCODES } from "../memory/translation-code.ts";
import type { Code, Label, Local } from "../wasm/code.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import type { FloatFunctions } from "./float-code.ts";
import { emitZeroBlock } from "./interpreter-cache-block.ts";
import { InterpreterFloat } from "./interpreter-float.ts";
import type { SystemFunctions } from "./system-code.ts";
import { type Aligned, type WasmMemoryFrame, WasmMemoryReading } from "./wasm-memory-reading.ts";
import type { WasmValue } from "./wasm-reading.ts";
import { noteCsrAccess, noteIntegerWrite, type Tracing } from "./write-notes-code.ts";

/** What the handlers of all instructions share in the interpreter's one big function. */
export interface InterpreterFrame extends WasmMemoryFrame {
  /** Address of the current record. */
  readonly record: Local;
  /** Address of the current decoded page, and the virtual address that its first record stands for. */
  readonly decodedPage: Local;
  readonly pageAddress: Local;
  /** Steps left after the current one. */
  readonly budget: Local;
  /** Target of a jump; continue at `jumped` with it. */
  readonly target: Local;
  readonly jumped: Label;
  /** Dispatches the next record in line. */
  readonly next: Label;
  /** The current instruction met an exception: TRAP_CAUSE and TRAP_VALUE are set. */
  readonly trapped: Label;
  /** The current instruction must be repeated by the oracle. */
  readonly repeat: Label;
  /** A system instruction has not just been done: its status is in `status`. */
  readonly afterSystem: Label;
  readonly status: Local;
  readonly slowPath: SlowPath;
  /** Bytes. */
  readonly instructionAlignment: 2 | 4;
  readonly float: FloatFunctions;
  readonly system: SystemFunctions;
  /** Notes which step wrote each register last (cpu/write-trace.ts). */
  readonly traced: Tracing;
}

/** Emits the handler of one instruction; operand fields are read from the record at run time. */
export function emitHandler(frame: InterpreterFrame, instruction: Instruction): void {
  frame.scratch.releaseAll();
  const reading = new InterpreterReading(frame);
  instruction.semantics(reading);
  reading.finish();
}

class InterpreterReading extends WasmMemoryReading implements Semantics<WasmValue> {
  readonly #frame: InterpreterFrame;
  readonly #code: Code;
  readonly float: InterpreterFloat;
  #jump: WasmValue | undefined;
  #branch: { condition: WasmValue; target: WasmValue } | undefined;

  constructor(frame: InterpreterFrame) {
    super(frame);
    this.#frame = frame;
    this.#code = frame.code;
    this.float = new InterpreterFloat(frame);
  }

  /** Goes on to the next instruction, wherever that is. */
  finish(): void {
    const { code, next, jumped, target, record } = this.#frame;
    if (this.#jump !== undefined) {
      this.push(this.#jump);
      code.set(target).branch(jumped);
      return;
    }
    if (this.#branch !== undefined) {
      this.pushCondition(this.#branch.condition);
      code.if();
      this.push(this.#branch.target);
      code.set(target).branch(jumped);
      code.end();
    }
    code.get(record).get(record).memory(OP.i32_load8_u, layout.RECORD.advance).op(OP.i32_add).set(record);
    code.branch(next);
  }

  get rs1(): WasmValue {
    return this.#register(layout.RECORD.rs1);
  }

  get rs2(): WasmValue {
    return this.#register(layout.RECORD.rs2);
  }

  get imm(): WasmValue {
    this.#code.get(this.#frame.record).memory(OP.i64_load32_s, layout.RECORD.immediate);
    return this.fresh(I64);
  }

  get pc(): WasmValue {
    emitPc(this.#frame);
    return this.fresh(I64);
  }

  get nextPc(): WasmValue {
    emitPc(this.#frame);
    const { record } = this.#frame;
    this.#code.get(record).memory(OP.i64_load8_u, layout.RECORD.advance).i64(3n).op(OP.i64_shr_u, OP.i64_add);
    return this.fresh(I64);
  }

  writeRd(value: WasmValue): void {
    this.#code.get(this.#frame.record).memory(OP.i32_load16_u, layout.RECORD.rd);
    this.push(value);
    this.#code.memory(OP.i64_store, layout.REGISTERS);
    if (this.#frame.traced) noteIntegerWrite(this.#frame);
  }

  load(size: AccessSize, extension: Signedness, address: WasmValue): WasmValue {
    const { code, scratch, slowPath } = this.#frame;
    const entry = scratch.take(I32);
    fastPathCheck(code, address.local, entry, layout.ENTRY.readTag, size);
    code.if(I64);
    hostAddress(code, address.local, entry);
    code.memory(LOAD_OPCODES[extension][size], 0);
    code.else();
    this.#announce();
    code.get(address.local).i32(size).call(slowPath.load);
    if (size < 8 && extension === "signed") {
      code.op(size === 1 ? OP.i64_extend8_s : size === 2 ? OP.i64_extend16_s : OP.i64_extend32_s);
    }
    const value = scratch.take(I64);
    code.set(value);
    code.i32(0).memory(OP.i32_load, layout.STATUS);
    this.#obeyStatus();
    code.get(value);
    code.end();
    return this.fresh(I64);
  }

  store(size: AccessSize, address: WasmValue, value: WasmValue): void {
    const { code, scratch, slowPath } = this.#frame;
    const entry = scratch.take(I32);
    fastPathCheck(code, address.local, entry, layout.ENTRY.writeTag, size);
    code.if();
    hostAddress(code, address.local, entry);
    this.push(value);
    code.memory(STORE_OPCODES[size], 0);
    code.else();
    this.#announce();
    code.get(address.local).i32(size);
    this.push(value);
    code.call(slowPath.store);
    this.#obeyStatus();
    code.end();
  }

  jump(target: WasmValue): void {
    assert(this.#jump === undefined && this.#branch === undefined, "an instruction jumps once");
    this.#requireTarget(target);
    this.#jump = target;
  }

  branch(condition: WasmValue, target: WasmValue): void {
    assert(this.#jump === undefined && this.#branch === undefined, "an instruction jumps once");
    if (this.#frame.instructionAlignment > 2) {
      this.pushCondition(condition);
      this.#code.if();
      this.#requireTarget(target);
      this.#code.end();
    }
    this.#branch = { condition, target };
  }

  system(operation: SystemOperation): void {
    const { code, record, system, status, afterSystem } = this.#frame;
    if (operation === "cbo.zero") emitZeroBlock(this.#frame);
    this.#announce();
    code.get(record).i32(SYSTEM_OPERATIONS.indexOf(operation)).call(system.operations[operation]).tee(status);
    if (this.#frame.traced && operation.startsWith("csr")) noteCsrAccess(this.#frame, operation);
    code.branchIf(afterSystem);
  }

  #register(field: number): WasmValue {
    this.#code.get(this.#frame.record).memory(OP.i32_load8_u, field).memory(OP.i64_load, layout.REGISTERS);
    return this.fresh(I64);
  }

  /** Anything but plain RAM is repeated by the oracle. */
  protected plainHost(size: 4 | 8, address: WasmValue, access: "read" | "write"): void {
    const { code, scratch, slowPath, repeat } = this.#frame;
    const { tag, find } =
      access === "read"
        ? { tag: layout.ENTRY.readTag, find: slowPath.readable }
        : { tag: layout.ENTRY.writeTag, find: slowPath.writable };
    const entry = scratch.take(I32);
    const host = scratch.take(I32);
    fastPathCheck(code, address.local, entry, tag, size);
    code.if(I32);
    hostAddress(code, address.local, entry);
    code.else();
    code.get(address.local).i32(size).call(find).tee(host).op(OP.i32_eqz).branchIf(repeat);
    code.get(host);
    code.end();
  }

  /** Every even address is good for a hart with compressed instructions, and jumps clear the lowest bit. */
  #requireTarget(target: WasmValue): void {
    if (this.#frame.instructionAlignment > 2) this.requireAligned(4, target, "jump");
  }

  protected requireAligned(size: 4 | 8, address: WasmValue, use: Aligned): void {
    const { code, trapped } = this.#frame;
    code
      .get(address.local)
      .i64(BigInt(size - 1))
      .op(OP.i64_and, OP.i64_eqz, OP.i32_eqz);
    code.if();
    code.i32(0).i32(MISALIGNED[use]).memory(OP.i32_store, layout.TRAP_CAUSE);
    code.i32(0).get(address.local).memory(OP.i64_store, layout.TRAP_VALUE);
    code.branch(trapped);
    code.end();
  }

  /** Tells TypeScript which step is being executed, before it is called. */
  #announce(): void {
    const { code, budget } = this.#frame;
    code.i32(0);
    emitPc(this.#frame);
    code.memory(OP.i64_store, layout.PC);
    code.i32(0).get(budget).i32(1).op(OP.i32_add).memory(OP.i32_store, layout.BUDGET);
  }

  /** Takes a status from the stack: a fault leaves, a yield ends the slice behind this instruction. */
  #obeyStatus(): void {
    const { code, status, trapped, budget } = this.#frame;
    code.tee(status);
    code.if();
    code.get(status).i32(layout.STATUS_FAULT).op(OP.i32_eq).branchIf(trapped);
    code.i32(0).get(budget).memory(OP.i32_store, layout.CARRY);
    code.i32(0).set(budget);
    code.end();
  }
}

/** mcause values that alignment rules raise. */
const MISALIGNED: Readonly<Record<Aligned, number>> = { jump: 0, load: 4, store: 6 };

/** Leaves the pc of the current record on the stack. */
export function emitPc(frame: Pick<InterpreterFrame, "code" | "record" | "decodedPage" | "pageAddress">): void {
  const { code, record, decodedPage, pageAddress } = frame;
  code.get(pageAddress);
  code.get(record).get(decodedPage).op(OP.i32_sub).i32(3).op(OP.i32_shr_u, OP.i64_extend_i32_u, OP.i64_add);
}
