import { assert } from "../base/assert.ts";
import type {
  FloatOperation,
  FloatRelation,
  FloatSemantics,
  FloatSize,
  IntegerFormat,
  SignRule,
} from "../isa/float-semantics.ts";
import { DYNAMIC_ROUNDING } from "../isa/instruction.ts";
import * as layout from "../memory/layout.ts";
import type { Code } from "../wasm/code.ts";
import { call, type Expression, i32, i64, load32, push, select } from "../wasm/expression.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import * as fast from "./float-fast-code.ts";
import { BOX, FLAG, FORMATS, LAST_ROUNDING_MODE } from "./float-format.ts";
import { emitMarkDirty, signMask } from "./float-rounding-code.ts";
import type { InterpreterFrame, WasmValue } from "./interpreter-reading.ts";

const FS = Number(layout.MSTATUS_FS_DIRTY);

/** Floating point in the interpreter's reading. What is an illegal instruction the oracle repeats, and raises it. */
export class InterpreterFloat implements FloatSemantics<WasmValue> {
  readonly #frame: InterpreterFrame;
  readonly #code: Code;
  readonly #path: fast.FastPath;

  constructor(frame: InterpreterFrame) {
    this.#frame = frame;
    this.#code = frame.code;
    this.#path = { code: frame.code, take: (type) => frame.scratch.take(type) };
  }

  require(): void {
    push(this.#code, i32.eqz(i32.and(load32(layout.MSTATUS), FS)));
    this.#code.branchIf(this.#frame.repeat);
  }

  get mode(): WasmValue {
    const { code, scratch, record, repeat } = this.#frame;
    const [mode, silent] = [scratch.take(I32), scratch.take(I32)];
    code.i32(0).set(mode);
    push(code, load32(layout.FCSR));
    code.get(record).memory(OP.i32_load8_u, layout.RECORD.roundingMask);
    code.op(OP.i32_and).i32(FLAG.inexact).op(OP.i32_eq).tee(silent).op(OP.i32_eqz);
    code.if();
    code.get(record).memory(OP.i32_load8_u, layout.RECORD.rm).tee(mode).i32(DYNAMIC_ROUNDING).op(OP.i32_eq);
    code.if();
    push(code, i32.shiftRight(load32(layout.FCSR), 5));
    code.tee(mode).i32(LAST_ROUNDING_MODE).op(OP.i32_gt_u).branchIf(repeat);
    code.end();
    code.end();
    return { local: mode, silent };
  }

  rs1(size: FloatSize): WasmValue {
    return this.#operand(layout.RECORD.rs1, size);
  }
  rs2(size: FloatSize): WasmValue {
    return this.#operand(layout.RECORD.rs2, size);
  }
  rs3(size: FloatSize): WasmValue {
    return this.#operand(layout.RECORD.rs3, size);
  }

  writeRd(size: FloatSize, value: WasmValue): void {
    this.#code.get(this.#frame.record).memory(OP.i32_load16_u, layout.RECORD.rd);
    push(this.#code, size === "single" ? i64.or(value.local, BOX) : value.local);
    this.#code.memory(OP.i64_store, 0);
    emitMarkDirty(this.#code);
  }

  arithmetic(operation: FloatOperation, size: FloatSize, a: WasmValue, b: WasmValue, mode: WasmValue): WasmValue {
    const exact = call(this.#frame.float.arithmetic[size][operation], a.local, b.local, mode.local);
    fast.emitArithmetic(this.#path, operation, size, [a.local, b.local], modeOf(mode), exact);
    return this.#fresh();
  }
  squareRoot(size: FloatSize, a: WasmValue, mode: WasmValue): WasmValue {
    const exact = call(this.#frame.float.squareRoot[size], a.local, mode.local);
    fast.emitSquareRoot(this.#path, size, a.local, modeOf(mode), exact);
    return this.#fresh();
  }
  multiplyAdd(size: FloatSize, a: WasmValue, b: WasmValue, c: WasmValue, mode: WasmValue): WasmValue {
    return this.#value(call(this.#frame.float.multiplyAdd[size], a.local, b.local, c.local, mode.local));
  }
  choose(choice: "minimum" | "maximum", size: FloatSize, a: WasmValue, b: WasmValue): WasmValue {
    const exact = call(this.#frame.float.choose[size][choice], a.local, b.local);
    fast.emitChoose(this.#path, choice, size, [a.local, b.local], exact);
    return this.#fresh();
  }
  compare(relation: FloatRelation, size: FloatSize, a: WasmValue, b: WasmValue): WasmValue {
    const exact = call(this.#frame.float.compare[size][relation], a.local, b.local);
    fast.emitCompare(this.#path, relation, size, [a.local, b.local], exact);
    const local = this.#frame.scratch.take(I32);
    this.#code.set(local);
    return { local };
  }
  classify(size: FloatSize, a: WasmValue): WasmValue {
    return this.#value(call(this.#frame.float.classify[size], a.local));
  }
  toInteger(size: FloatSize, format: IntegerFormat, a: WasmValue, mode: WasmValue): WasmValue {
    const { toInteger, raise } = this.#frame.float;
    const exact = call(toInteger[size][format], a.local, mode.local);
    fast.emitToInteger(this.#path, size, format, a.local, modeOf(mode), raise, exact);
    return this.#fresh();
  }
  fromInteger(size: FloatSize, format: IntegerFormat, a: WasmValue, mode: WasmValue): WasmValue {
    const exact = call(this.#frame.float.fromInteger[size][format], a.local, mode.local);
    fast.emitFromInteger(this.#path, size, format, a.local, modeOf(mode), exact);
    return this.#fresh();
  }
  resize(from: FloatSize, to: FloatSize, a: WasmValue, mode: WasmValue): WasmValue {
    if (from === to) return a;
    const { narrow, widen } = this.#frame.float;
    if (to === "single") fast.emitNarrow(this.#path, a.local, modeOf(mode), call(narrow, a.local, mode.local));
    else fast.emitWiden(this.#path, a.local, call(widen, a.local));
    return this.#fresh();
  }

  injectSign(sign: SignRule, size: FloatSize, a: WasmValue, b: WasmValue): WasmValue {
    const mask = signMask(FORMATS[size]);
    const signOfB = i64.and(b.local, mask);
    if (sign === "product") return this.#value(i64.xor(a.local, signOfB));
    const wanted = sign === "same" ? signOfB : i64.xor(signOfB, mask);
    return this.#value(i64.or(i64.and(a.local, ~mask), wanted));
  }

  /** A single in a register is boxed in ones, or no single. */
  #operand(field: number, size: FloatSize): WasmValue {
    this.#code.get(this.#frame.record).memory(OP.i32_load8_u, field).memory(OP.i64_load, layout.FLOAT_REGISTERS);
    const bits = this.#fresh();
    if (size === "double") return bits;
    const isBoxed = i64.notLessUnsigned(bits.local, BOX);
    const single = i64.and(bits.local, 0xffff_ffffn);
    return this.#value(select(isBoxed, single, FORMATS.single.canonicalNaN));
  }

  #value(expression: Expression): WasmValue {
    push(this.#code, expression);
    return this.#fresh();
  }

  #fresh(): WasmValue {
    const local = this.#frame.scratch.take(I64);
    this.#code.set(local);
    return { local };
  }
}

function modeOf(value: WasmValue): fast.ModeLocals {
  const { local, silent } = value;
  assert(silent !== undefined, "a rounding mode knows whether it is silent");
  return { local, silent };
}
