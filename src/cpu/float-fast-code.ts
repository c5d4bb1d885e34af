import type { FloatOperation, FloatRelation, FloatSize, IntegerFormat } from "../isa/float-semantics.ts";
import type { Code, Local } from "../wasm/code.ts";
import { type Expression, i32, i64, type Operand, push } from "../wasm/expression.ts";
import { emitFusedMultiplyAdd } from "../wasm/fused-multiply-add.ts";
import { F32, F64, I32, I64, OP, type Opcode, type ValueType } from "../wasm/opcodes.ts";
import { asBits, asNumber, CHOICE_OPCODES, RELATION_OPCODES } from "./float-comparison-code.ts";
import { INTEGER_SHAPES } from "./float-conversion-code.ts";
import { FLAG, FORMATS, ROUND } from "./float-format.ts";

/**
 * Floating point by single instructions of WebAssembly, each guarded by a test that proves its result and its flags right;
 * else the function of float-code.ts is called. WebAssembly rounds to nearest even and knows no flags, so:
 *
 * - where rounding is to nearest even and NX is set already ("silent"), a finite result that is no candidate for underflow
 *   is right, and raises nothing new;
 * - a result that is exact for its operands' ranges raises nothing at all;
 * - a NaN of WebAssembly's making is never kept: its bits are not defined.
 *
 * Everything leaves one value on the stack, bits in an i64 (comparisons: an i32).
 */
export interface FastPath {
  readonly code: Code;
  /** Gives a local that lives as long as the operation. */
  take(type: ValueType): Local;
}

/** The mode of an operation: its number, and whether it is "silent". */
export interface ModeLocals {
  readonly local: Local;
  readonly silent: Local;
}

const TYPES = { single: F32, double: F64 } as const;
const GREATER = { single: OP.f32_gt, double: OP.f64_gt } as const;
const SQUARE_ROOT = { single: OP.f32_sqrt, double: OP.f64_sqrt } as const;
const ARITHMETIC = {
  single: { add: OP.f32_add, subtract: OP.f32_sub, multiply: OP.f32_mul, divide: OP.f32_div },
  double: { add: OP.f64_add, subtract: OP.f64_sub, multiply: OP.f64_mul, divide: OP.f64_div },
} as const;

export function emitArithmetic(
  path: FastPath,
  operation: FloatOperation,
  size: FloatSize,
  [a, b]: readonly [Local, Local],
  mode: ModeLocals,
  otherwise: Expression,
): void {
  const result = numbers(size, ARITHMETIC[size][operation], a, b);
  // A sum that is subnormal is exact, and so raises nothing.
  const mayUnderflow = operation === "multiply" || operation === "divide";
  emitGuarded(path, size, mode, result, mayUnderflow ? isNormal : isFiniteNumber, otherwise);
}

/** Only where the host fuses (wasm/fused-multiply-add.ts). A result that is zero may have come from less than zero is. */
export function emitMultiplyAdd(
  path: FastPath,
  size: FloatSize,
  operands: readonly Local[],
  mode: ModeLocals,
  otherwise: Expression,
): void {
  const result = (code: Code): void =>
    emitFusedMultiplyAdd(
      code,
      size,
      operands.map((operand) => (into: Code) => push(into, asNumber(size, operand))),
    );
  emitGuarded(path, size, mode, result, isNormal, otherwise);
}

export function emitSquareRoot(
  path: FastPath,
  size: FloatSize,
  a: Local,
  mode: ModeLocals,
  otherwise: Expression,
): void {
  const result = (code: Code): void => {
    push(code, asNumber(size, a));
    code.op(SQUARE_ROOT[size]);
  };
  emitGuarded(path, size, mode, result, isNormal, otherwise);
}

export function emitNarrow(path: FastPath, a: Local, mode: ModeLocals, otherwise: Expression): void {
  const result = (code: Code): void => {
    push(code, asNumber("double", a));
    code.op(OP.f32_demote_f64);
  };
  emitGuarded(path, "single", mode, result, isNormal, otherwise);
}

/** Every single is a double; only NaNs are another matter. */
export function emitWiden({ code, take }: FastPath, a: Local, otherwise: Expression): void {
  const wide = take(F64);
  push(code, asNumber("single", a));
  code.op(OP.f64_promote_f32).tee(wide).get(wide).op(OP.f64_eq);
  code.if(I64);
  push(code, asBits("double", wide));
  code.else();
  push(code, otherwise);
  code.end();
}

export function emitChoose(
  path: FastPath,
  choice: "minimum" | "maximum",
  size: FloatSize,
  [a, b]: readonly [Local, Local],
  otherwise: Expression,
): void {
  const { code } = path;
  emitIsOrdered(code, size, a, b);
  code.if(I64);
  push(code, asBits(size, numbers(size, CHOICE_OPCODES[size][choice], a, b)));
  code.else();
  push(code, otherwise);
  code.end();
}

export function emitCompare(
  path: FastPath,
  relation: FloatRelation,
  size: FloatSize,
  [a, b]: readonly [Local, Local],
  otherwise: Expression,
): void {
  const { code } = path;
  emitIsOrdered(code, size, a, b);
  code.if(I32);
  push(code, numbers(size, RELATION_OPCODES[size][relation], a, b));
  code.else();
  push(code, otherwise);
  code.end();
}

/** Leaves whether neither is a NaN. */
function emitIsOrdered(code: Code, size: FloatSize, a: Local, b: Local): void {
  push(code, numbers(size, RELATION_OPCODES[size].lessOrEqual, a, b));
  push(code, numbers(size, GREATER[size], a, b));
  code.op(OP.i32_or);
}

/** Least number, and the first that is too great, of what the fast conversion takes. */
const TRUNCATED_RANGES: Readonly<Record<IntegerFormat, readonly [number, number]>> = {
  w: [-(2 ** 31), 2 ** 31],
  wu: [0, 2 ** 32],
  l: [-(2 ** 63), 2 ** 63],
  lu: [0, 2 ** 63],
};

/** Toward zero, as casts of C do, WebAssembly truncates; what has a fraction raises NX. */
export function emitToInteger(
  { code, take }: FastPath,
  size: FloatSize,
  format: IntegerFormat,
  a: Local,
  mode: ModeLocals,
  raise: number,
  otherwise: Expression,
): void {
  const number = take(F64);
  const whole = take(I64);
  const [least, beyond] = TRUNCATED_RANGES[format];
  push(code, asNumber(size, a));
  if (size === "single") code.op(OP.f64_promote_f32);
  code.tee(number).f64(least).op(OP.f64_ge);
  code.get(number).f64(beyond).op(OP.f64_lt, OP.i32_and);
  code.get(mode.local).i32(ROUND.towardZero).op(OP.i32_eq, OP.i32_and);
  code.if(I64);
  code.get(number).op(OP.i64_trunc_f64_s).tee(whole).op(OP.f64_convert_i64_s).get(number).op(OP.f64_ne);
  code.if();
  code.i32(FLAG.inexact).call(raise);
  code.end();
  code.get(whole);
  if (INTEGER_SHAPES[format].bits === 32) code.op(OP.i64_extend32_s);
  code.else();
  push(code, otherwise);
  code.end();
}

/** Integers below 2^precision are numbers of the format, others must be rounded silently. */
export function emitFromInteger(
  { code, take }: FastPath,
  size: FloatSize,
  format: IntegerFormat,
  a: Local,
  mode: ModeLocals,
  otherwise: Expression,
): void {
  const { bits, signed } = INTEGER_SHAPES[format];
  const { precision } = FORMATS[size];
  const integer = take(I64);
  if (bits === 64) push(code, a);
  else push(code, signed ? i64.signExtend32(a) : i64.and(a, 0xffff_ffffn));
  code.set(integer);
  const convert = (): void => {
    code.get(integer);
    if (size === "single") code.op(signed ? OP.f32_convert_i64_s : OP.f32_convert_i64_u, OP.i32_reinterpret_f32);
    else code.op(signed ? OP.f64_convert_i64_s : OP.f64_convert_i64_u, OP.i64_reinterpret_f64);
    if (size === "single") code.op(OP.i64_extend_i32_u);
  };
  if (bits < precision) return convert();
  const limit = 1n << BigInt(precision);
  const isExact = signed ? i64.lessUnsigned(i64.add(integer, limit), 2n * limit) : i64.lessUnsigned(integer, limit);
  push(code, i32.or(isExact, mode.silent));
  code.if(I64);
  convert();
  code.else();
  push(code, otherwise);
  code.end();
}

/**
 * The result, if rounding is silent and the test holds for its magnitude; else what `otherwise` gives. Both ways meet as
 * numbers, so that a result which is computed with at once stays in the host's floating-point registers.
 */
function emitGuarded(
  { code, take }: FastPath,
  size: FloatSize,
  mode: ModeLocals,
  result: Expression,
  test: (code: Code, size: FloatSize, number: Local) => void,
  otherwise: Expression,
): void {
  const number = take(TYPES[size]);
  const done = code.block();
  code.get(mode.silent);
  code.if();
  push(code, result);
  code.set(number);
  test(code, size, number);
  code.branchIf(done);
  code.end();
  push(code, asNumber(size, otherwise));
  code.set(number);
  code.end();
  push(code, asBits(size, number));
}

/** The bits without their sign, doubled: with them, one unsigned comparison tells what a number is. */
const DOUBLED = {
  single: { least: 0x0100_0000n, infinity: 0xff00_0000n },
  double: { least: 0x0020_0000_0000_0000n, infinity: 0xffe0_0000_0000_0000n },
} as const;

function isFiniteNumber(code: Code, size: FloatSize, number: Local): void {
  isDoubledBelow(code, size, number, 0n, DOUBLED[size].infinity);
}

/**
 * Finite and above the smallest normal number. That one itself may be a smaller number rounded up, which is tiny; and
 * zero may be one rounded down.
 */
function isNormal(code: Code, size: FloatSize, number: Local): void {
  const { least, infinity } = DOUBLED[size];
  isDoubledBelow(code, size, number, least + 1n, infinity);
}

/** Whether the doubled bits are at least `first` and less than `end`. */
function isDoubledBelow(code: Code, size: FloatSize, number: Local, first: bigint, end: bigint): void {
  if (size === "double") {
    code.get(number).op(OP.i64_reinterpret_f64).i64(1n).op(OP.i64_shl);
    if (first !== 0n) code.i64(first).op(OP.i64_sub);
    code.i64(BigInt.asIntN(64, end - first)).op(OP.i64_lt_u);
    return;
  }
  code.get(number).op(OP.i32_reinterpret_f32).i32(1).op(OP.i32_shl);
  if (first !== 0n) code.i32(Number(first)).op(OP.i32_sub);
  code.i32(Number(BigInt.asIntN(32, end - first))).op(OP.i32_lt_u);
}

function numbers(size: FloatSize, opcode: Opcode, a: Operand, b: Operand): Expression {
  return (code) => {
    push(code, asNumber(size, a));
    push(code, asNumber(size, b));
    code.op(opcode);
  };
}
