import { Code, type Local } from "../wasm/code.ts";
import { both, call, either, i32, i64, type Operand, Statements, select } from "../wasm/expression.ts";
import { I32, I64 } from "../wasm/opcodes.ts";
import { cancelledZero, emitInvalid, type FloatParts, isNaNMagnitude } from "./float-arithmetic-code.ts";
import { emitUnpack, infinityBits, magnitudeMask, signOf, withSign } from "./float-rounding-code.ts";

/** A significand of 128 bits: the leading one at bit 126, so that a sum has room. */
interface Wide {
  readonly high: Local;
  readonly low: Local;
}

/**
 * a * b + c, exactly: the product has 106 bits at most, and the sum is formed in 128, in which only the smaller of the two
 * summands loses bits, to a jammed one, and only where they are too far apart to cancel.
 */
export function defineMultiplyAdd(parts: FloatParts): number {
  const { module, format, rounding, multiplyHigh } = parts;
  const code = new Code([I64, I64, I64, I32]);
  const body = new Statements(code);
  const [a, b, c, mode] = [0, 1, 2, 3].map((index) => code.parameter(index));
  const negative = body.let(I32, i32.xor(signOf(format, a), signOf(format, b)));
  const negativeC = body.let(I32, signOf(format, c));
  const someZero = emitSpecialOperands(parts, body, [a, b, c], negative, negativeC);
  const addsZero = i64.eqz(i64.and(c, magnitudeMask(format)));
  body.if(someZero, () => {
    body.if(both(addsZero, i32.ne(negative, negativeC)), () => body.return(cancelledZero(format, mode)));
    body.return(c);
  });

  const [left, right, added] = [a, b, c].map((bits) => emitUnpack(body, format, bits));
  const product: Wide = {
    high: body.let(I64, call(multiplyHigh, left.significand, right.significand)),
    low: body.let(I64, i64.multiply(left.significand, right.significand)),
  };
  const exponent = body.let(I32, i32.add(left.exponent, right.exponent));
  // Of a leading one at bit 127 or 126 makes bit 126; the lowest bits of the product are zeros.
  body.if(i64.less(product.high, 0n), () => {
    emitShiftRightJam(body, product, 1);
    body.set(exponent, i32.add(exponent, 1));
  });
  const addend: Wide = { high: body.let(I64, i64.shiftRight(added.significand, 1n)), low: body.let(I64, 0n) };
  body.if(i64.nonzero(added.significand), () => {
    emitAlign(body, product, addend, exponent, added.exponent);
    body.if(
      i32.eq(negative, negativeC),
      () => emitAdd(body, product, addend),
      () => emitDifference(body, product, addend, negative),
    );
  });
  body.if(i64.eqz(i64.or(product.high, product.low)), () => body.return(cancelledZero(format, mode)));
  emitNormalise(body, product, exponent);
  const significand = i64.or(product.high, i64.extend(i64.nonzero(product.low)));
  call(rounding.round[format.size], negative, exponent, significand, mode)(code);
  return module.defineFunction({ parameters: [I64, I64, I64, I32], results: [I64] }, code);
}

/** Leaves the function for NaNs and infinities; gives whether the product is zero. */
function emitSpecialOperands(
  parts: FloatParts,
  body: Statements,
  [a, b, c]: readonly Local[],
  negative: Local,
  negativeC: Local,
): Local {
  const { format, propagate } = parts;
  const infinity = infinityBits(format);
  const [magnitudeA, magnitudeB, magnitudeC] = [a, b, c].map((bits) =>
    body.let(I64, i64.and(bits, magnitudeMask(format))),
  );
  const someZero = body.let(I32, either(i64.eqz(magnitudeA), i64.eqz(magnitudeB)));
  const someInfinity = body.let(I32, either(i64.eq(magnitudeA, infinity), i64.eq(magnitudeB, infinity)));
  const noNumber = (magnitude: Operand) => isNaNMagnitude(format, magnitude);
  body.if(either(either(noNumber(magnitudeA), noNumber(magnitudeB)), noNumber(magnitudeC)), () => {
    // RISC-V raises NV for infinity times zero also where a quiet NaN is added.
    const productIsNumber = i32.eqz(either(noNumber(magnitudeA), noNumber(magnitudeB)));
    body.if(both(both(someInfinity, someZero), productIsNumber), () => emitInvalid(body, parts));
    body.set(a, call(propagate, a, b));
    body.return(call(propagate, a, c));
  });
  const cIsInfinite = i64.eq(magnitudeC, infinity);
  body.if(someInfinity, () => {
    const opposite = both(cIsInfinite, i32.ne(negative, negativeC));
    body.if(either(someZero, opposite), () => emitInvalid(body, parts));
    body.return(withSign(format, negative, infinity));
  });
  body.if(cIsInfinite, () => body.return(c));
  return someZero;
}

/** Shifts the one with the smaller exponent until both have the greater one, which `exponent` gets. */
function emitAlign(body: Statements, product: Wide, addend: Wide, exponent: Local, addendExponent: Local): void {
  const distance = body.let(I32, i32.subtract(exponent, addendExponent));
  body.if(
    i32.less(distance, 0),
    () => {
      emitShiftRightJam(body, product, i32.subtract(0, distance));
      body.set(exponent, addendExponent);
    },
    () => emitShiftRightJam(body, addend, distance),
  );
}

/** By 0 or more, all bits and beyond; what falls out below is jammed. */
function emitShiftRightJam(body: Statements, { high, low }: Wide, amount: Operand): void {
  const count = body.let(I32, amount);
  const lost = body.let(I64, 0n);
  body.if(i32.greater(count, 127), () => {
    body.set(lost, i64.or(high, low));
    body.set(high, 0n);
    body.set(low, 0n);
    body.set(count, 0);
  });
  body.if(i32.greater(count, 63), () => {
    body.set(lost, low);
    body.set(low, high);
    body.set(high, 0n);
    body.set(count, i32.subtract(count, 64));
  });
  body.if(count, () => {
    const wide = body.let(I64, i64.extend(count));
    // Shift amounts count modulo 64.
    const back = body.let(I64, i64.subtract(0n, wide));
    body.set(lost, i64.or(lost, i64.shiftLeft(low, back)));
    body.set(low, i64.or(i64.shiftRight(low, wide), i64.shiftLeft(high, back)));
    body.set(high, i64.shiftRight(high, wide));
  });
  body.set(low, i64.or(low, i64.extend(i64.nonzero(lost))));
}

function emitAdd(body: Statements, sum: Wide, other: Wide): void {
  body.set(sum.low, i64.add(sum.low, other.low));
  const carry = i64.extend(i64.lessUnsigned(sum.low, other.low));
  body.set(sum.high, i64.add(i64.add(sum.high, other.high), carry));
}

/** The greater less the smaller; the sign turns when the addend was the greater one. */
function emitDifference(body: Statements, product: Wide, addend: Wide, negative: Local): void {
  const higher = i64.lessUnsigned(product.high, addend.high);
  const equalHigher = i64.eq(product.high, addend.high);
  body.if(either(higher, both(equalHigher, i64.lessUnsigned(product.low, addend.low))), () => {
    body.swap(product.high, addend.high);
    body.swap(product.low, addend.low);
    body.set(negative, i32.eqz(negative));
  });
  const borrow = body.let(I64, i64.extend(i64.lessUnsigned(product.low, addend.low)));
  body.set(product.low, i64.subtract(product.low, addend.low));
  body.set(product.high, i64.subtract(i64.subtract(product.high, addend.high), borrow));
}

/** Brings the leading one to bit 127, from where the exponent counts then. */
function emitNormalise(body: Statements, { high, low }: Wide, exponent: Local): void {
  body.set(exponent, i32.add(exponent, 1));
  body.if(i64.eqz(high), () => {
    body.set(high, low);
    body.set(low, 0n);
    body.set(exponent, i32.subtract(exponent, 64));
  });
  const zeros = body.let(I64, i64.leadingZeros(high));
  const moved = i64.shiftRight(low, i64.subtract(0n, zeros));
  // A shift by 64 would be one by 0: with no zeros nothing moves.
  body.set(high, i64.or(i64.shiftLeft(high, zeros), select(i64.nonzero(zeros), moved, 0n)));
  body.set(low, i64.shiftLeft(low, zeros));
  body.set(exponent, i32.subtract(exponent, i32.low(zeros)));
}
