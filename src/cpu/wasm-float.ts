import { assert } from "../base/assert.ts";
import type {
  FloatOperation,
  FloatRelation,
  FloatSemantics,
  FloatSize,
  IntegerFormat,
  SignRule,
} from "../isa/float-semantics.ts";
import type { Code } from "../wasm/code.ts";
import { call, type Expression, i64, push, select } from "../wasm/expression.ts";
import { hostFuses } from "../wasm/fused-multiply-add.ts";
import { I32, I64 } from "../wasm/opcodes.ts";
import type { FloatFunctions } from "./float-code.ts";
import * as fast from "./float-fast-code.ts";
import { BOX, FORMATS } from "./float-format.ts";
import { signMask } from "./float-rounding-code.ts";
import type { ScratchLocals, WasmValue } from "./wasm-reading.ts";

export type FloatSource = "rs1" | "rs2" | "rs3";

export interface FloatFrame {
  readonly code: Code;
  readonly scratch: ScratchLocals;
  readonly float: FloatFunctions;
}

/** Floating point in the readings that write WebAssembly: all but where operands, rounding modes and results are. */
export abstract class WasmFloat implements FloatSemantics<WasmValue> {
  readonly #code: Code;
  readonly #scratch: ScratchLocals;
  readonly #functions: FloatFunctions;
  readonly #path: fast.FastPath;

  constructor({ code, scratch, float }: FloatFrame) {
    this.#code = code;
    this.#scratch = scratch;
    this.#functions = float;
    this.#path = { code, take: (type) => scratch.take(type) };
  }

  abstract require(): void;
  abstract get mode(): WasmValue;
  abstract writeRd(size: FloatSize, value: WasmValue): void;
  /** Leaves the 64 bits of a source register on the stack. */
  protected abstract pushSource(source: FloatSource): void;
  /** Whether a source register is known to hold a single. */
  protected abstract isBoxed(source: FloatSource): boolean;

  rs1(size: FloatSize): WasmValue {
    return this.#operand("rs1", size);
  }
  rs2(size: FloatSize): WasmValue {
    return this.#operand("rs2", size);
  }
  rs3(size: FloatSize): WasmValue {
    return this.#operand("rs3", size);
  }

  arithmetic(operation: FloatOperation, size: FloatSize, a: WasmValue, b: WasmValue, mode: WasmValue): WasmValue {
    const exact = call(this.#functions.arithmetic[size][operation], a.local, b.local, mode.local);
    fast.emitArithmetic(this.#path, operation, size, [a.local, b.local], modeOf(mode), exact);
    return this.#fresh();
  }
  squareRoot(size: FloatSize, a: WasmValue, mode: WasmValue): WasmValue {
    const exact = call(this.#functions.squareRoot[size], a.local, mode.local);
    fast.emitSquareRoot(this.#path, size, a.local, modeOf(mode), exact);
    return this.#fresh();
  }
  multiplyAdd(size: FloatSize, a: WasmValue, b: WasmValue, c: WasmValue, mode: WasmValue): WasmValue {
    const exact = call(this.#functions.multiplyAdd[size], a.local, b.local, c.local, mode.local);
    if (!hostFuses()) return this.#value(exact);
    fast.emitMultiplyAdd(this.#path, size, [a.local, b.local, c.local], modeOf(mode), exact);
    return this.#fresh();
  }
  choose(choice: "minimum" | "maximum", size: FloatSize, a: WasmValue, b: WasmValue): WasmValue {
    const exact = call(this.#functions.choose[size][choice], a.local, b.local);
    fast.emitChoose(this.#path, choice, size, [a.local, b.local], exact);
    return this.#fresh();
  }
  compare(relation: FloatRelation, size: FloatSize, a: WasmValue, b: WasmValue): WasmValue {
    const exact = call(this.#functions.compare[size][relation], a.local, b.local);
    fast.emitCompare(this.#path, relation, size, [a.local, b.local], exact);
    const local = this.#scratch.take(I32);
    this.#code.set(local);
    return { local };
  }
  classify(size: FloatSize, a: WasmValue): WasmValue {
    return this.#value(call(this.#functions.classify[size], a.local));
  }
  toInteger(size: FloatSize, format: IntegerFormat, a: WasmValue, mode: WasmValue): WasmValue {
    const { toInteger, raise } = this.#functions;
    const exact = call(toInteger[size][format], a.local, mode.local);
    fast.emitToInteger(this.#path, size, format, a.local, modeOf(mode), raise, exact);
    return this.#fresh();
  }
  fromInteger(size: FloatSize, format: IntegerFormat, a: WasmValue, mode: WasmValue): WasmValue {
    const exact = call(this.#functions.fromInteger[size][format], a.local, mode.local);
    fast.emitFromInteger(this.#path, size, format, a.local, modeOf(mode), exact);
    return this.#fresh();
  }
  resize(from: FloatSize, to: FloatSize, a: WasmValue, mode: WasmValue): WasmValue {
    if (from === to) return a;
    const { narrow, widen } = this.#functions;
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
  #operand(source: FloatSource, size: FloatSize): WasmValue {
    this.pushSource(source);
    const bits = this.#fresh();
    if (size === "double") return bits;
    if (this.isBoxed(source)) return this.#value(i64.and(bits.local, 0xffff_ffffn));
    const isBoxed = i64.notLessUnsigned(bits.local, BOX);
    const single = i64.and(bits.local, 0xffff_ffffn);
    return this.#value(select(isBoxed, single, FORMATS.single.canonicalNaN));
  }

  #value(expression: Expression): WasmValue {
    push(this.#code, expression);
    return this.#fresh();
  }

  #fresh(): WasmValue {
    const local = this.#scratch.take(I64);
    this.#code.set(local);
    return { local };
  }
}

/** What is stored in a register for a result: a single boxed in ones. */
export function boxed(size: FloatSize, value: WasmValue): Expression {
  return (code) => push(code, size === "single" ? i64.or(value.local, BOX) : value.local);
}

function modeOf(value: WasmValue): fast.ModeLocals {
  const { local, silent } = value;
  assert(silent !== undefined, "a rounding mode knows whether it is silent");
  return { local, silent };
}
