import * as layout from "../memory/layout.ts";
import { Code, type Local } from "../wasm/code.ts";
import { call, either, i32, i64, load32, type Operand, Statements, select } from "../wasm/expression.ts";
import type { ModuleBuilder } from "../wasm/module.ts";
import { I32, I64 } from "../wasm/opcodes.ts";
import { FLAG, type FloatFormat, minExponent, ROUND } from "./float-format.ts";

/**
 * Functions that exact floating point in WebAssembly is built from. A finite number that is not zero is a sign, an
 * exponent and a 64-bit significand with its leading one at bit 63: significand / 2^63 * 2^exponent. What does not fit
 * below is jammed: the lowest bit says that something is there, which is all that rounding needs to know.
 */
export interface RoundingFunctions {
  /** (flags i32): accrues them. */
  readonly raise: number;
  /** (value i64, amount i32 >= 0) -> i64. */
  readonly shiftRightJam: number;
  /** (negative i32, exponent i32, significand i64, mode i32) -> bits i64: rounds and raises flags. */
  readonly round: Readonly<Record<"single" | "double", number>>;
}

export function defineRounding(
  module: ModuleBuilder,
  formats: Readonly<Record<"single" | "double", FloatFormat>>,
): RoundingFunctions {
  const raise = defineRaise(module);
  const shiftRightJam = defineShiftRightJam(module);
  return {
    raise,
    shiftRightJam,
    round: {
      single: defineRound(module, formats.single, raise, shiftRightJam),
      double: defineRound(module, formats.double, raise, shiftRightJam),
    },
  };
}

/** State that stays as it is does not become dirty. */
function defineRaise(module: ModuleBuilder): number {
  const code = new Code([I32]);
  const body = new Statements(code);
  const old = body.let(I32, load32(layout.FCSR));
  const accrued = body.let(I32, i32.or(old, code.parameter(0)));
  body.if(i32.ne(old, accrued), () => {
    body.store32(layout.FCSR, accrued);
    emitMarkDirty(code);
  });
  return module.defineFunction({ parameters: [I32], results: [] }, code);
}

/** mstatus.FS: floating-point state has changed. */
export function emitMarkDirty(code: Code): void {
  const body = new Statements(code);
  body.store32(layout.MSTATUS, i32.or(load32(layout.MSTATUS), Number(layout.MSTATUS_FS_DIRTY)));
}

function defineShiftRightJam(module: ModuleBuilder): number {
  const code = new Code([I64, I32]);
  const [value, amount] = [code.parameter(0), code.parameter(1)];
  const body = new Statements(code);
  body.if(i32.eqz(amount), () => body.return(value));
  body.if(i32.greaterUnsigned(amount, 63), () => body.return(i64.extend(i64.nonzero(value))));
  const wide = body.let(I64, i64.extend(amount));
  // Shift amounts count modulo 64: a shift to the left by -amount keeps exactly what a shift to the right drops.
  const dropped = i64.shiftLeft(value, i64.subtract(0n, wide));
  const jam = i64.extend(i64.nonzero(dropped));
  i64.or(i64.shiftRight(value, wide), jam)(code);
  return module.defineFunction({ parameters: [I64, I32], results: [I64] }, code);
}

function defineRound(module: ModuleBuilder, format: FloatFormat, raise: number, shiftRightJam: number): number {
  const code = new Code([I32, I32, I64, I32]);
  const [negative, exponent, significand, mode] = [0, 1, 2, 3].map((index) => code.parameter(index));
  const body = new Statements(code);
  const drop = BigInt(64 - format.precision);
  const half = 1n << (drop - 1n);
  const all = (1n << drop) - 1n;
  const infinity = infinityBits(format);
  const maxField = 2 * format.maxExponent;

  // What is added before the dropped bits are cut off. Modes 0 and 4 are the two to nearest.
  const increment = body.let(I64, half);
  body.if(i32.and(mode, 3), () => {
    const isAway = i32.eq(i32.eq(mode, ROUND.down), negative);
    const directed = select(isAway, all, 0n);
    body.set(increment, select(i32.eq(mode, ROUND.towardZero), 0n, directed));
  });
  const field = body.let(I32, i32.add(exponent, format.maxExponent));
  const tiny = body.let(I32, 0);
  body.if(i32.less(field, 1), () => {
    // With an unbounded exponent, only a carry out of all bits could reach the smallest normal number.
    const stays = i64.notLessUnsigned(i64.add(significand, increment), significand);
    body.set(tiny, either(i32.less(field, 0), stays));
    body.set(significand, call(shiftRightJam, significand, i32.subtract(1, field)));
    body.set(field, 1);
  });
  const rest = body.let(I64, i64.and(significand, all));
  const carry = i64.shiftRight(i64.add(rest, increment), drop);
  const magnitude = body.let(I64, i64.add(i64.shiftRight(significand, drop), carry));
  body.if(i32.and(i32.eq(mode, ROUND.nearestEven), i64.eq(rest, half)), () => {
    body.set(magnitude, i64.and(magnitude, -2n));
  });
  // The hidden one adds 1 to the field; a carry into one more bit adds another, and leaves a fraction of zero.
  const place = BigInt(format.precision - 1);
  const fieldBits = i64.shiftLeft(i64.extendSigned(i32.subtract(field, 1)), place);
  body.set(magnitude, i64.add(magnitude, fieldBits));
  const tooBig = either(i32.greater(field, maxField), i64.notLessUnsigned(magnitude, infinity));
  body.if(
    tooBig,
    () => {
      body.call(raise, FLAG.overflow | FLAG.inexact);
      // The largest finite number stands right below infinity.
      body.set(magnitude, i64.subtract(infinity, i64.extend(i64.eqz(increment))));
    },
    () => {
      body.if(i64.nonzero(rest), () => {
        body.call(raise, select(tiny, FLAG.inexact | FLAG.underflow, FLAG.inexact));
      });
    },
  );
  withSign(format, negative, magnitude)(code);
  return module.defineFunction({ parameters: [I32, I32, I64, I32], results: [I64] }, code);
}

/** Bits of +infinity. */
export function infinityBits(format: FloatFormat): bigint {
  return BigInt(2 * format.maxExponent + 1) << BigInt(format.precision - 1);
}

export function signMask(format: FloatFormat): bigint {
  return 1n << BigInt(format.bits - 1);
}

export function magnitudeMask(format: FloatFormat): bigint {
  return signMask(format) - 1n;
}

/** Bits with a sign, given as 1 or 0. */
export function withSign(format: FloatFormat, negative: Operand, magnitude: Operand): (code: Code) => void {
  return i64.or(magnitude, i64.shiftLeft(i64.extend(negative), BigInt(format.bits - 1)));
}

/** 1 for a negative number. */
export function signOf(format: FloatFormat, bits: Operand): (code: Code) => void {
  return i32.low(i64.shiftRight(bits, BigInt(format.bits - 1)));
}

/** Locals of a finite number that has been taken apart; the significand of zero is 0. */
export interface UnpackedLocals {
  readonly exponent: Local;
  readonly significand: Local;
}

/** Takes a finite number apart. */
export function emitUnpack(body: Statements, format: FloatFormat, bits: Operand): UnpackedLocals {
  const fieldMask = BigInt(2 * format.maxExponent + 1);
  const fractionBits = BigInt(format.precision - 1);
  const field = body.let(I32, i32.low(i64.and(i64.shiftRight(bits, fractionBits), fieldMask)));
  // The fraction at the top; its bit 63 is the half of the hidden one.
  const significand = body.let(I64, i64.shiftLeft(bits, 64n - fractionBits));
  const exponent = body.let(I32, i32.subtract(field, format.maxExponent));
  body.if(
    field,
    () => body.set(significand, i64.or(i64.shiftRight(significand, 1n), 1n << 63n)),
    () => {
      const zeros = body.let(I64, i64.leadingZeros(significand));
      body.set(exponent, i32.subtract(minExponent(format) - 1, i32.low(zeros)));
      body.set(significand, i64.shiftLeft(significand, zeros));
    },
  );
  return { exponent, significand };
}
