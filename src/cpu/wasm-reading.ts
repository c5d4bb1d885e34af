import type { ProductPart, Signedness } from "../isa/semantics.ts";
import type { Code, Local } from "../wasm/code.ts";
import { I32, I64, OP, type Opcode, type ValueType } from "../wasm/opcodes.ts";
import type { ArithmeticFunctions } from "./arithmetic-code.ts";

/**
 * A value of a reading that writes WebAssembly: a local that is written once. Conditions stay i32 until somebody computes
 * with them.
 */
export interface WasmValue {
  readonly local: Local;
  /** For a rounding mode: 1 when it is to nearest even and NX is set, so that rounding leaves no trace but the result. */
  readonly silent?: Local;
}

/**
 * Locals that live no longer than one instruction. All share them, or the function would have thousands, each of which V8
 * would carry around.
 */
export class ScratchLocals {
  readonly #code: Code;
  readonly #pools = new Map<ValueType, Local[]>();
  readonly #used = new Map<ValueType, number>();

  constructor(code: Code) {
    this.#code = code;
  }

  take(type: ValueType): Local {
    const pool = this.#pools.get(type) ?? [];
    this.#pools.set(type, pool);
    const used = this.#used.get(type) ?? 0;
    if (used === pool.length) pool.push(this.#code.local(type));
    this.#used.set(type, used + 1);
    return pool[used];
  }

  releaseAll(): void {
    this.#used.clear();
  }
}

/** Where values are computed, and the functions for what WebAssembly has no instruction for. */
export interface WasmFrame {
  readonly arithmetic: ArithmeticFunctions;
  readonly code: Code;
  readonly scratch: ScratchLocals;
}

/** What the readings of the instruction table that write WebAssembly share: everything that is only computing. */
export abstract class WasmReading {
  readonly #frame: WasmFrame;
  readonly #code: Code;

  constructor(frame: WasmFrame) {
    this.#frame = frame;
    this.#code = frame.code;
  }

  constant(value: bigint): WasmValue {
    this.#code.i64(BigInt.asIntN(64, value));
    return this.fresh(I64);
  }

  add(a: WasmValue, b: WasmValue): WasmValue {
    return this.#binary(OP.i64_add, a, b);
  }
  subtract(a: WasmValue, b: WasmValue): WasmValue {
    return this.#binary(OP.i64_sub, a, b);
  }
  and(a: WasmValue, b: WasmValue): WasmValue {
    return this.#binary(OP.i64_and, a, b);
  }
  or(a: WasmValue, b: WasmValue): WasmValue {
    return this.#binary(OP.i64_or, a, b);
  }
  xor(a: WasmValue, b: WasmValue): WasmValue {
    return this.#binary(OP.i64_xor, a, b);
  }
  // WebAssembly takes shift amounts modulo 64, as RISC-V does.
  shiftLeft(a: WasmValue, amount: WasmValue): WasmValue {
    return this.#binary(OP.i64_shl, a, amount);
  }
  shiftRightLogical(a: WasmValue, amount: WasmValue): WasmValue {
    return this.#binary(OP.i64_shr_u, a, amount);
  }
  shiftRightArithmetic(a: WasmValue, amount: WasmValue): WasmValue {
    return this.#binary(OP.i64_shr_s, a, amount);
  }
  rotateLeft(a: WasmValue, amount: WasmValue): WasmValue {
    return this.#binary(OP.i64_rotl, a, amount);
  }
  rotateRight(a: WasmValue, amount: WasmValue): WasmValue {
    return this.#binary(OP.i64_rotr, a, amount);
  }
  countLeadingZeros(a: WasmValue): WasmValue {
    return this.#unary(OP.i64_clz, a);
  }
  countTrailingZeros(a: WasmValue): WasmValue {
    return this.#unary(OP.i64_ctz, a);
  }
  populationCount(a: WasmValue): WasmValue {
    return this.#unary(OP.i64_popcnt, a);
  }
  reverseBytes(a: WasmValue): WasmValue {
    return this.#call(this.#frame.arithmetic.reverseBytes, a);
  }
  orCombineBytes(a: WasmValue): WasmValue {
    return this.#call(this.#frame.arithmetic.orCombineBytes, a);
  }
  carryLessMultiply(a: WasmValue, b: WasmValue, part: ProductPart): WasmValue {
    return this.#call(this.#frame.arithmetic.carryLessMultiply[part], a, b);
  }
  multiply(a: WasmValue, b: WasmValue): WasmValue {
    return this.#binary(OP.i64_mul, a, b);
  }
  multiplyHigh(a: WasmValue, b: WasmValue, signedness: "signed" | "unsigned" | "mixed"): WasmValue {
    return this.#call(this.#frame.arithmetic.multiplyHigh[signedness], a, b);
  }
  divide(a: WasmValue, b: WasmValue, signedness: Signedness): WasmValue {
    return this.#call(this.#frame.arithmetic.divide[signedness], a, b);
  }
  remainder(a: WasmValue, b: WasmValue, signedness: Signedness): WasmValue {
    return this.#call(this.#frame.arithmetic.remainder[signedness], a, b);
  }
  equal(a: WasmValue, b: WasmValue): WasmValue {
    return this.#binary(OP.i64_eq, a, b, I32);
  }
  lessThan(a: WasmValue, b: WasmValue, signedness: Signedness): WasmValue {
    return this.#binary(signedness === "signed" ? OP.i64_lt_s : OP.i64_lt_u, a, b, I32);
  }
  not(condition: WasmValue): WasmValue {
    this.pushCondition(condition);
    this.#code.op(OP.i32_eqz);
    return this.fresh(I32);
  }

  signExtend(value: WasmValue, bits: 8 | 16 | 32): WasmValue {
    this.push(value);
    this.#code.op(bits === 8 ? OP.i64_extend8_s : bits === 16 ? OP.i64_extend16_s : OP.i64_extend32_s);
    return this.fresh(I64);
  }

  zeroExtend(value: WasmValue, bits: 8 | 16 | 32): WasmValue {
    this.push(value);
    this.#code.i64((1n << BigInt(bits)) - 1n).op(OP.i64_and);
    return this.fresh(I64);
  }

  select(condition: WasmValue, ifTrue: WasmValue, ifFalse: WasmValue): WasmValue {
    this.push(ifTrue);
    this.push(ifFalse);
    this.pushCondition(condition);
    this.#code.op(OP.select);
    return this.fresh(I64);
  }

  #binary(opcode: Opcode, a: WasmValue, b: WasmValue, result: ValueType = I64): WasmValue {
    this.push(a);
    this.push(b);
    this.#code.op(opcode);
    return this.fresh(result);
  }

  #unary(opcode: Opcode, a: WasmValue): WasmValue {
    this.push(a);
    this.#code.op(opcode);
    return this.fresh(I64);
  }

  #call(index: number, ...operands: readonly WasmValue[]): WasmValue {
    for (const operand of operands) this.push(operand);
    this.#code.call(index);
    return this.fresh(I64);
  }

  /** Stores what is on the stack in a local of its own, so that a value is never computed twice. */
  protected fresh(type: ValueType): WasmValue {
    const local = this.#frame.scratch.take(type);
    this.#code.set(local);
    return { local };
  }

  protected push(value: WasmValue): void {
    this.#code.get(value.local);
    if (value.local.type === I32) this.#code.op(OP.i64_extend_i32_u);
  }

  protected pushCondition(value: WasmValue): void {
    this.#code.get(value.local);
    if (value.local.type === I64) this.#code.op(OP.i64_eqz, OP.i32_eqz);
  }
}
