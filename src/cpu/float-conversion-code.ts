import type { IntegerFormat } from "../isa/float-semantics.ts";
import { Code, type Local } from "../wasm/code.ts";
import { both, call, either, f64, i32, i64, type Operand, push, Statements, select } from "../wasm/expression.ts";
import type { ModuleBuilder } from "../wasm/module.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import { type FloatParts, isNaNMagnitude } from "./float-arithmetic-code.ts";
import { FLAG, type FloatFormat, FORMATS, ROUND } from "./float-format.ts";
import { emitUnpack, infinityBits, magnitudeMask, signOf, withSign } from "./float-rounding-code.ts";

const CONVERSION = { parameters: [I64, I32], results: [I64] } as const;
const HALF = 1n << 63n;

interface IntegerShape {
  readonly bits: 32 | 64;
  readonly signed: boolean;
}

export const INTEGER_SHAPES: Readonly<Record<IntegerFormat, IntegerShape>> = {
  w: { bits: 32, signed: true },
  wu: { bits: 32, signed: false },
  l: { bits: 64, signed: true },
  lu: { bits: 64, signed: false },
};

/** (double i64, mode i32) -> i64. Out of range, the nearest end; a NaN counts as too great. */
export function defineToInteger({ module, format, rounding }: FloatParts, { bits, signed }: IntegerShape): number {
  const code = new Code([I64, I32]);
  const body = new Statements(code);
  const [a, mode] = [code.parameter(0), code.parameter(1)];
  const noNumber = body.let(I32, isNaNMagnitude(format, i64.and(a, magnitudeMask(format))));
  const negative = body.let(I32, i32.and(signOf(format, a), i32.eqz(noNumber)));
  const { exponent, significand } = emitUnpack(body, format, a);
  const { whole, fraction } = emitSplit(body, significand, i32.subtract(63, exponent));
  body.set(whole, i64.add(whole, i64.extend(roundsUp(whole, fraction, mode, negative))));

  // The greatest magnitude of this sign; infinity and NaN have exponents far above.
  const greatest = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  const limit = body.let(I64, select(negative, signed ? greatest + 1n : 0n, greatest));
  body.if(
    either(i32.greater(exponent, 63), i64.greaterUnsigned(whole, limit)),
    () => {
      body.call(rounding.raise, FLAG.invalid);
      body.set(whole, limit);
    },
    () => body.if(i64.nonzero(fraction), () => body.call(rounding.raise, FLAG.inexact)),
  );
  const value = select(negative, i64.subtract(0n, whole), whole);
  push(code, bits === 32 ? i64.signExtend32(value) : value);
  return module.defineFunction(CONVERSION, code);
}

/** significand / 2^shift as an integer and a fraction that counts units of 2^-64, jammed where those are too coarse. */
function emitSplit(body: Statements, significand: Local, shift: Operand): { whole: Local; fraction: Local } {
  const distance = body.let(I32, shift);
  const whole = body.let(I64, 0n);
  const fraction = body.let(I64, 0n);
  body.if(
    i32.less(distance, 1),
    () => body.set(whole, significand),
    () =>
      body.if(
        i32.less(distance, 64),
        () => {
          const wide = body.let(I64, i64.extend(distance));
          body.set(whole, i64.shiftRight(significand, wide));
          // Shift amounts count modulo 64.
          body.set(fraction, i64.shiftLeft(significand, i64.subtract(0n, wide)));
        },
        () => {
          const isHalf = i32.eq(distance, 64);
          body.set(fraction, select(isHalf, significand, i64.extend(i64.nonzero(significand))));
        },
      ),
  );
  return { whole, fraction };
}

/** 1 when the magnitude between two integers becomes the upper one. */
function roundsUp(whole: Local, fraction: Local, mode: Local, negative: Local): (code: Code) => void {
  const tieToOdd = both(i64.eq(fraction, HALF), i32.low(whole));
  const nearestEven = either(i64.greaterUnsigned(fraction, HALF), i32.and(tieToOdd, 1));
  const nearestAway = i64.notLessUnsigned(fraction, HALF);
  const isDirected = both(i64.nonzero(fraction), i32.ne(mode, ROUND.towardZero));
  const directed = both(isDirected, i32.eq(i32.eq(mode, ROUND.down), negative));
  const nearest = select(i32.eq(mode, ROUND.nearestEven), nearestEven, nearestAway);
  return select(i32.and(mode, 3), directed, nearest);
}

/** (integer i64, mode i32) -> bits i64. */
export function defineFromInteger({ module, format, rounding }: FloatParts, { bits, signed }: IntegerShape): number {
  const code = new Code([I64, I32]);
  const body = new Statements(code);
  const [a, mode] = [code.parameter(0), code.parameter(1)];
  if (bits === 32) body.set(a, signed ? i64.signExtend32(a) : i64.and(a, 0xffff_ffffn));
  const negative = body.let(I32, signed ? i64.less(a, 0n) : 0);
  body.if(i64.eqz(a), () => body.return(0n));
  body.if(negative, () => body.set(a, i64.subtract(0n, a)));
  const zeros = body.let(I64, i64.leadingZeros(a));
  const exponent = i32.subtract(63, i32.low(zeros));
  push(code, call(rounding.round[format.size], negative, exponent, i64.shiftLeft(a, zeros), mode));
  return module.defineFunction(CONVERSION, code);
}

/** (double i64, mode i32) -> single i64. */
export function defineNarrow({ module, format, rounding, propagate }: FloatParts): number {
  const code = new Code([I64, I32]);
  const body = new Statements(code);
  const [a, mode] = [code.parameter(0), code.parameter(1)];
  const { single } = FORMATS;
  const magnitude = body.let(I64, i64.and(a, magnitudeMask(format)));
  const negative = body.let(I32, signOf(format, a));
  body.if(isNaNMagnitude(format, magnitude), () => {
    push(code, call(propagate, a, a));
    code.op(OP.drop);
    body.return(single.canonicalNaN);
  });
  body.if(i64.eq(magnitude, infinityBits(format)), () => body.return(withSign(single, negative, infinityBits(single))));
  body.if(i64.eqz(magnitude), () => body.return(withSign(single, negative, 0n)));
  const { exponent, significand } = emitUnpack(body, format, a);
  push(code, call(rounding.round.single, negative, exponent, significand, mode));
  return module.defineFunction(CONVERSION, code);
}

/** (single i64) -> double i64: exact but for NaNs. */
export function defineWiden({ module, format, propagate }: FloatParts): number {
  const code = new Code([I64]);
  const body = new Statements(code);
  const a = code.parameter(0);
  body.if(isNaNMagnitude(format, i64.and(a, magnitudeMask(format))), () => {
    push(code, call(propagate, a, a));
    code.op(OP.drop);
    body.return(FORMATS.double.canonicalNaN);
  });
  push(code, f64.toBits(promoted(a)));
  return module.defineFunction({ parameters: [I64], results: [I64] }, code);
}

/** A single, given by its bits as an i64, as an f64. What becomes of a NaN is WebAssembly's choice. */
function promoted(bits: Operand): (code: Code) => void {
  return (code) => {
    push(code, i32.low(bits));
    code.op(OP.f32_reinterpret_i32, OP.f64_promote_f32);
  };
}

/** (single i64, mode i32) -> i64, by way of the double with the same value; a NaN stays one, and is no operand here. */
export function defineSingleToInteger(module: ModuleBuilder, doubleToInteger: number): number {
  const code = new Code([I64, I32]);
  push(code, call(doubleToInteger, f64.toBits(promoted(code.parameter(0))), code.parameter(1)));
  return module.defineFunction(CONVERSION, code);
}

/** (bits i64) -> one of ten bits. */
export function defineClassify(module: ModuleBuilder, format: FloatFormat): number {
  const code = new Code([I64]);
  const body = new Statements(code);
  const magnitude = body.let(I64, i64.and(code.parameter(0), magnitudeMask(format)));
  const smallestNormal = 1n << BigInt(format.precision - 1);
  const infinity = infinityBits(format);
  body.if(isNaNMagnitude(format, magnitude), () => {
    body.return(select(i64.lessUnsigned(magnitude, format.canonicalNaN), 1n << 8n, 1n << 9n));
  });
  // 0 zero, 1 subnormal, 2 normal, 3 infinite: from -infinity at bit 0 over -0 and +0 to +infinity at bit 7.
  const steps = i32.add(i64.nonzero(magnitude), i64.notLessUnsigned(magnitude, smallestNormal));
  const distance = body.let(I32, i32.add(steps, i64.eq(magnitude, infinity)));
  const bit = select(signOf(format, code.parameter(0)), i32.subtract(3, distance), i32.add(4, distance));
  push(code, i64.shiftLeft(1n, i64.extend(bit)));
  return module.defineFunction({ parameters: [I64], results: [I64] }, code);
}
