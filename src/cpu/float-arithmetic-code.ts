import { Code, type Local } from "../wasm/code.ts";
import { both, call, either, f64, i32, i64, type Operand, Statements, select } from "../wasm/expression.ts";
import type { ModuleBuilder } from "../wasm/module.ts";
import { F64, I32, I64 } from "../wasm/opcodes.ts";
import { FLAG, type FloatFormat, ROUND } from "./float-format.ts";
import {
  emitUnpack,
  infinityBits,
  magnitudeMask,
  type RoundingFunctions,
  signMask,
  signOf,
  withSign,
} from "./float-rounding-code.ts";

const BINARY = { parameters: [I64, I64, I32], results: [I64] } as const;

/** What every operation of one format needs. */
export interface FloatParts {
  readonly module: ModuleBuilder;
  readonly format: FloatFormat;
  readonly rounding: RoundingFunctions;
  /** (a i64, b i64) -> the canonical NaN; raises NV when one of them is signalling. */
  readonly propagate: number;
  /** (i64, i64) -> the upper half of the product, unsigned. */
  readonly multiplyHigh: number;
}

/** Whether bits without their sign are a NaN. */
export function isNaNMagnitude(format: FloatFormat, magnitude: Operand): (code: Code) => void {
  return i64.greaterUnsigned(magnitude, infinityBits(format));
}

export function isSignalling(format: FloatFormat, magnitude: Operand): (code: Code) => void {
  return both(isNaNMagnitude(format, magnitude), i64.lessUnsigned(magnitude, format.canonicalNaN));
}

export function definePropagate(module: ModuleBuilder, format: FloatFormat, raise: number): number {
  const code = new Code([I64, I64]);
  const body = new Statements(code);
  const [a, b] = [0, 1].map((index) => body.let(I64, i64.and(code.parameter(index), magnitudeMask(format))));
  body.if(either(isSignalling(format, a), isSignalling(format, b)), () => body.call(raise, FLAG.invalid));
  code.i64(format.canonicalNaN);
  return module.defineFunction({ parameters: [I64, I64], results: [I64] }, code);
}

/** A function (a, b, mode) that has dealt with NaNs; magnitudes are bits without the sign. */
function beginBinary({ format, propagate }: FloatParts) {
  const code = new Code([I64, I64, I32]);
  const body = new Statements(code);
  const [a, b, mode] = [code.parameter(0), code.parameter(1), code.parameter(2)];
  const magnitudeA = body.let(I64, i64.and(a, magnitudeMask(format)));
  const magnitudeB = body.let(I64, i64.and(b, magnitudeMask(format)));
  body.if(either(isNaNMagnitude(format, magnitudeA), isNaNMagnitude(format, magnitudeB)), () => {
    body.return(call(propagate, a, b));
  });
  return { code, body, a, b, mode, magnitudeA, magnitudeB };
}

export function emitInvalid(body: Statements, { format, rounding }: FloatParts): void {
  body.call(rounding.raise, FLAG.invalid);
  body.return(format.canonicalNaN);
}

/** The zero of a sum that cancels: +0, but -0 when rounding down. */
export function cancelledZero(format: FloatFormat, mode: Operand): (code: Code) => void {
  return select(i32.eq(mode, ROUND.down), signMask(format), 0n);
}

export function defineAdd(parts: FloatParts): number {
  const { module, format, rounding } = parts;
  const { code, body, a, b, mode, magnitudeA, magnitudeB } = beginBinary(parts);
  const infinity = infinityBits(format);
  // From here on a is the greater one, so that a difference has its sign.
  body.if(i64.lessUnsigned(magnitudeA, magnitudeB), () => {
    body.swap(a, b);
    body.swap(magnitudeA, magnitudeB);
  });
  const negative = body.let(I32, signOf(format, a));
  const differs = body.let(I32, i32.ne(negative, signOf(format, b)));
  body.if(i64.eq(magnitudeA, infinity), () => {
    body.if(both(i64.eq(magnitudeB, infinity), differs), () => emitInvalid(body, parts));
    body.return(a);
  });
  body.if(i64.eqz(magnitudeB), () => {
    body.if(both(i64.eqz(magnitudeA), differs), () => body.return(cancelledZero(format, mode)));
    body.return(a);
  });
  const [left, right] = [emitUnpack(body, format, a), emitUnpack(body, format, b)];
  // One bit of room for the carry; significands of up to 53 bits lose nothing by it.
  const aligned = call(
    rounding.shiftRightJam,
    i64.shiftRight(right.significand, 1n),
    i32.subtract(left.exponent, right.exponent),
  );
  const sum = body.let(I64, i64.shiftRight(left.significand, 1n));
  body.set(right.significand, aligned);
  body.if(
    differs,
    () => body.set(sum, i64.subtract(sum, right.significand)),
    () => body.set(sum, i64.add(sum, right.significand)),
  );
  body.if(i64.eqz(sum), () => body.return(cancelledZero(format, mode)));
  const zeros = body.let(I64, i64.leadingZeros(sum));
  const exponent = i32.subtract(i32.add(left.exponent, 1), i32.low(zeros));
  call(rounding.round[format.size], negative, exponent, i64.shiftLeft(sum, zeros), mode)(code);
  return module.defineFunction(BINARY, code);
}

/** A NaN stays one when its sign changes, and nobody looks at the sign. */
export function defineSubtract({ module, format }: FloatParts, add: number): number {
  const code = new Code([I64, I64, I32]);
  const [a, b, mode] = [code.parameter(0), code.parameter(1), code.parameter(2)];
  call(add, a, i64.xor(b, signMask(format)), mode)(code);
  return module.defineFunction(BINARY, code);
}

export function defineMultiply(parts: FloatParts): number {
  const { module, format, rounding, multiplyHigh } = parts;
  const { code, body, a, b, mode, magnitudeA, magnitudeB } = beginBinary(parts);
  const infinity = infinityBits(format);
  const negative = body.let(I32, i32.xor(signOf(format, a), signOf(format, b)));
  const someZero = body.let(I32, either(i64.eqz(magnitudeA), i64.eqz(magnitudeB)));
  body.if(either(i64.eq(magnitudeA, infinity), i64.eq(magnitudeB, infinity)), () => {
    body.if(someZero, () => emitInvalid(body, parts));
    body.return(withSign(format, negative, infinity));
  });
  body.if(someZero, () => body.return(withSign(format, negative, 0n)));
  const [left, right] = [emitUnpack(body, format, a), emitUnpack(body, format, b)];
  const low = i64.multiply(left.significand, right.significand);
  const high = call(multiplyHigh, left.significand, right.significand);
  const product = body.let(I64, i64.or(high, i64.extend(i64.nonzero(low))));
  const exponent = body.let(I32, i32.add(i32.add(left.exponent, right.exponent), 1));
  body.if(i64.greater(product, -1n), () => {
    body.set(product, i64.shiftLeft(product, 1n));
    body.set(exponent, i32.subtract(exponent, 1));
  });
  call(rounding.round[format.size], negative, exponent, product, mode)(code);
  return module.defineFunction(BINARY, code);
}

/** The significand of a positive double as an integer of 53 bits. */
function significandOf(double: Local): (code: Code) => void {
  return i64.or(i64.and(f64.toBits(double), (1n << 52n) - 1n), 1n << 52n);
}

/** 1, 0 or -1: on which side of an estimate the exact value lies, by the sign of what remains. */
function sideOf(remainder: Operand): (code: Code) => void {
  return i64.subtract(i64.extend(i64.greater(remainder, 0n)), i64.extend(i64.less(remainder, 0n)));
}

/**
 * The quotient of the significands as the processor rounds it to 53 bits, and then the exact remainder, of which the low
 * 64 bits are all: its sign says whether the true quotient is above or below, which is what rounding needs.
 */
export function defineDivide(parts: FloatParts): number {
  const { module, format, rounding } = parts;
  const { code, body, a, b, mode, magnitudeA, magnitudeB } = beginBinary(parts);
  const infinity = infinityBits(format);
  const negative = body.let(I32, i32.xor(signOf(format, a), signOf(format, b)));
  body.if(i64.eq(magnitudeA, infinity), () => {
    body.if(i64.eq(magnitudeB, infinity), () => emitInvalid(body, parts));
    body.return(withSign(format, negative, infinity));
  });
  body.if(i64.eq(magnitudeB, infinity), () => body.return(withSign(format, negative, 0n)));
  body.if(i64.eqz(magnitudeB), () => {
    body.if(i64.eqz(magnitudeA), () => emitInvalid(body, parts));
    body.call(rounding.raise, FLAG.divideByZero);
    body.return(withSign(format, negative, infinity));
  });
  body.if(i64.eqz(magnitudeA), () => body.return(withSign(format, negative, 0n)));
  const [left, right] = [emitUnpack(body, format, a), emitUnpack(body, format, b)];
  const dividend = body.let(I64, i64.shiftRight(left.significand, 11n));
  const divisor = body.let(I64, i64.shiftRight(right.significand, 11n));
  const quotient = body.let(F64, f64.divide(f64.fromUnsigned(dividend), f64.fromUnsigned(divisor)));
  const estimate = body.let(I64, significandOf(quotient));
  // A quotient below one is at least a half: its integer of 53 bits counts units half as large.
  const below = body.let(I32, i64.lessUnsigned(dividend, divisor));
  const scaled = i64.shiftLeft(dividend, i64.add(52n, i64.extend(below)));
  const remainder = body.let(I64, i64.subtract(scaled, i64.multiply(estimate, divisor)));
  const significand = i64.add(i64.shiftLeft(estimate, 11n), sideOf(remainder));
  const exponent = i32.subtract(i32.subtract(left.exponent, right.exponent), below);
  call(rounding.round[format.size], negative, exponent, significand, mode)(code);
  return module.defineFunction(BINARY, code);
}

/** Likewise: the processor's root of the significand, and the sign of radicand - root^2. */
export function defineSquareRoot(parts: FloatParts): number {
  const { module, format, rounding, propagate } = parts;
  const code = new Code([I64, I32]);
  const body = new Statements(code);
  const [a, mode] = [code.parameter(0), code.parameter(1)];
  const magnitude = body.let(I64, i64.and(a, magnitudeMask(format)));
  body.if(isNaNMagnitude(format, magnitude), () => body.return(call(propagate, a, a)));
  body.if(i64.eqz(magnitude), () => body.return(a));
  body.if(signOf(format, a), () => emitInvalid(body, parts));
  body.if(i64.eq(magnitude, infinityBits(format)), () => body.return(a));
  const { exponent, significand } = emitUnpack(body, format, a);
  // Between 2^52 and 2^54 with an even exponent, so that the root is one between 2^26 and 2^27.
  const odd = body.let(I32, i32.and(exponent, 1));
  const radicand = body.let(I64, i64.shiftLeft(i64.shiftRight(significand, 11n), i64.extend(odd)));
  const root = body.let(F64, f64.squareRoot(f64.fromUnsigned(radicand)));
  const estimate = body.let(I64, significandOf(root));
  const square = i64.multiply(estimate, estimate);
  const remainder = body.let(I64, i64.subtract(i64.shiftLeft(radicand, 52n), square));
  const exact = i64.add(i64.shiftLeft(estimate, 11n), sideOf(remainder));
  const half = i32.shiftRightSigned(i32.subtract(exponent, odd), 1);
  call(rounding.round[format.size], 0, half, exact, mode)(code);
  return module.defineFunction({ parameters: [I64, I32], results: [I64] }, code);
}
