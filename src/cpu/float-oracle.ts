import type { FloatOperation, FloatRelation, IntegerFormat, SignRule } from "../isa/float-semantics.ts";
import { FLAG, type FloatFormat, ROUND } from "./float-format.ts";
import {
  bitLength,
  type Finite,
  type FloatResult,
  infinity,
  round,
  roundToMultiple,
  type Unpacked,
  unpack,
  zero,
} from "./float-rounding.ts";

/**
 * IEEE 754 as it is written down: the exact result as a big integer times a power of two, rounded once. The judge of the
 * fast engines, and slow.
 */

export function arithmetic(
  operation: FloatOperation,
  format: FloatFormat,
  a: bigint,
  b: bigint,
  mode: number,
): FloatResult {
  switch (operation) {
    case "add":
      return add(format, unpack(format, a), unpack(format, b), mode);
    case "subtract":
      return add(format, unpack(format, a), unpack(format, b ^ signMask(format)), mode);
    case "multiply":
      return multiply(format, unpack(format, a), unpack(format, b), mode);
    case "divide":
      return divide(format, unpack(format, a), unpack(format, b), mode);
  }
}

function add(format: FloatFormat, a: Unpacked, b: Unpacked, mode: number): FloatResult {
  if (a.kind === "nan" || b.kind === "nan") return propagate(format, a, b);
  if (a.kind === "infinity" || b.kind === "infinity") {
    if (a.kind === b.kind && a.negative !== b.negative) return invalid(format);
    return exactly(infinity(format, a.kind === "infinity" ? a.negative : b.negative));
  }
  return roundSum(format, a, b, mode);
}

function roundSum(format: FloatFormat, a: Finite, b: Finite, mode: number): FloatResult {
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = signedAt(a, exponent) + signedAt(b, exponent);
  if (sum !== 0n) return round(format, { negative: sum < 0n, magnitude: sum < 0n ? -sum : sum, exponent }, mode);
  // Zeros of one sign keep it; what cancels is +0, and -0 when rounding down.
  return exactly(zero(format, a.negative === b.negative ? a.negative : mode === ROUND.down));
}

/** The value in units of 2^exponent, which is not above the value's own. */
function signedAt(value: Finite, exponent: number): bigint {
  const magnitude = value.magnitude << BigInt(value.exponent - exponent);
  return value.negative ? -magnitude : magnitude;
}

function multiply(format: FloatFormat, a: Unpacked, b: Unpacked, mode: number): FloatResult {
  if (a.kind === "nan" || b.kind === "nan") return propagate(format, a, b);
  const negative = a.negative !== b.negative;
  if (a.kind === "infinity" || b.kind === "infinity") {
    return isZero(a) || isZero(b) ? invalid(format) : exactly(infinity(format, negative));
  }
  const product = productOf(a, b);
  return product.magnitude === 0n ? exactly(zero(format, negative)) : round(format, product, mode);
}

function productOf(a: Finite, b: Finite): Finite {
  return {
    kind: "finite",
    negative: a.negative !== b.negative,
    magnitude: a.magnitude * b.magnitude,
    exponent: a.exponent + b.exponent,
  };
}

function divide(format: FloatFormat, a: Unpacked, b: Unpacked, mode: number): FloatResult {
  if (a.kind === "nan" || b.kind === "nan") return propagate(format, a, b);
  const negative = a.negative !== b.negative;
  if (a.kind === "infinity") return b.kind === "infinity" ? invalid(format) : exactly(infinity(format, negative));
  if (b.kind === "infinity") return exactly(zero(format, negative));
  if (b.magnitude === 0n) {
    if (a.magnitude === 0n) return invalid(format);
    return { bits: infinity(format, negative), flags: FLAG.divideByZero };
  }
  if (a.magnitude === 0n) return exactly(zero(format, negative));
  // Enough bits that the quotient has two more than the format: the rest of the division is sticky.
  const shift = Math.max(0, format.precision + 3 + bitLength(b.magnitude) - bitLength(a.magnitude));
  const dividend = a.magnitude << BigInt(shift);
  const value = { negative, magnitude: dividend / b.magnitude, exponent: a.exponent - b.exponent - shift };
  return round(format, value, mode, dividend % b.magnitude !== 0n);
}

export function squareRoot(format: FloatFormat, bits: bigint, mode: number): FloatResult {
  const a = unpack(format, bits);
  if (a.kind === "nan") return propagate(format, a, a);
  if (isZero(a)) return exactly(bits);
  if (a.negative) return invalid(format);
  if (a.kind === "infinity") return exactly(bits);
  // An even exponent, and a radicand with twice the bits that the root needs.
  const wanted = 2 * (format.precision + 3) - bitLength(a.magnitude);
  const shift = wanted + ((a.exponent - wanted) & 1);
  const radicand = a.magnitude << BigInt(shift);
  const magnitude = integerRoot(radicand);
  const value = { negative: false, magnitude, exponent: (a.exponent - shift) / 2 };
  return round(format, value, mode, magnitude * magnitude !== radicand);
}

/** The largest integer whose square is not above the value: Newton's iteration from above. */
function integerRoot(value: bigint): bigint {
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

export function multiplyAdd(format: FloatFormat, x: bigint, y: bigint, z: bigint, mode: number): FloatResult {
  const [a, b, c] = [unpack(format, x), unpack(format, y), unpack(format, z)];
  const undefinedProduct = (a.kind === "infinity" && isZero(b)) || (isZero(a) && b.kind === "infinity");
  // RISC-V raises NV for infinity times zero also where a quiet NaN is added.
  if (undefinedProduct) return invalid(format);
  if (a.kind === "nan" || b.kind === "nan" || c.kind === "nan") return propagate(format, a, b, c);
  const negative = a.negative !== b.negative;
  if (a.kind === "infinity" || b.kind === "infinity") {
    if (c.kind === "infinity" && c.negative !== negative) return invalid(format);
    return exactly(infinity(format, negative));
  }
  if (c.kind === "infinity") return exactly(z);
  return roundSum(format, productOf(a, b), c, mode);
}

export function choose(choice: "minimum" | "maximum", format: FloatFormat, a: bigint, b: bigint): FloatResult {
  const [left, right] = [unpack(format, a), unpack(format, b)];
  const flags = isSignalling(left) || isSignalling(right) ? FLAG.invalid : 0;
  if (left.kind === "nan") return { bits: right.kind === "nan" ? format.canonicalNaN : b, flags };
  if (right.kind === "nan") return { bits: a, flags };
  // Zeros are equal as numbers, and -0 is the smaller one here.
  const less = order(format, a) < order(format, b);
  return { bits: less === (choice === "minimum") ? a : b, flags };
}

/** A number that is ordered as numbers are, -0 before +0. */
function order(format: FloatFormat, bits: bigint): bigint {
  const magnitude = bits & ~signMask(format);
  return magnitude === bits ? magnitude : -magnitude - 1n;
}

/** The result is 1 or 0. */
export function compare(relation: FloatRelation, format: FloatFormat, a: bigint, b: bigint): FloatResult {
  const [left, right] = [unpack(format, a), unpack(format, b)];
  if (left.kind === "nan" || right.kind === "nan") {
    const raises = relation !== "equal" || isSignalling(left) || isSignalling(right);
    return { bits: 0n, flags: raises ? FLAG.invalid : 0 };
  }
  const equal = a === b || (isZero(left) && isZero(right));
  const less = !equal && order(format, a) < order(format, b);
  const holds = { equal, less, lessOrEqual: equal || less }[relation];
  return exactly(holds ? 1n : 0n);
}

export function classify(format: FloatFormat, bits: bigint): bigint {
  const a = unpack(format, bits);
  if (a.kind === "nan") return a.signalling ? 1n << 8n : 1n << 9n;
  const distance = magnitudeClass(format, a);
  // From -infinity at bit 0 to -0 at bit 3, and from +0 at bit 4 to +infinity at bit 7.
  return 1n << BigInt(a.negative ? 3 - distance : 4 + distance);
}

/** 0 zero, 1 subnormal, 2 normal, 3 infinite. */
function magnitudeClass(format: FloatFormat, a: Exclude<Unpacked, { kind: "nan" }>): number {
  if (a.kind === "infinity") return 3;
  if (a.magnitude === 0n) return 0;
  return bitLength(a.magnitude) < format.precision ? 1 : 2;
}

const INTEGER_RANGES: Readonly<Record<IntegerFormat, { bits: number; min: bigint; max: bigint }>> = {
  w: { bits: 32, min: -(1n << 31n), max: (1n << 31n) - 1n },
  wu: { bits: 32, min: 0n, max: (1n << 32n) - 1n },
  l: { bits: 64, min: -(1n << 63n), max: (1n << 63n) - 1n },
  lu: { bits: 64, min: 0n, max: (1n << 64n) - 1n },
};

export function toInteger(format: FloatFormat, integer: IntegerFormat, bits: bigint, mode: number): FloatResult {
  const { bits: width, min, max } = INTEGER_RANGES[integer];
  const register = (value: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(width, value));
  const a = unpack(format, bits);
  if (a.kind === "nan") return { bits: register(max), flags: FLAG.invalid };
  if (a.kind === "infinity") return { bits: register(a.negative ? min : max), flags: FLAG.invalid };
  const { multiple, inexact } = roundToMultiple(a, 0, mode);
  const value = a.negative ? -multiple : multiple;
  if (value < min || value > max) return { bits: register(value < min ? min : max), flags: FLAG.invalid };
  return { bits: register(value), flags: inexact ? FLAG.inexact : 0 };
}

export function fromInteger(format: FloatFormat, integer: IntegerFormat, bits: bigint, mode: number): FloatResult {
  const { bits: width, min } = INTEGER_RANGES[integer];
  const value = min === 0n ? BigInt.asUintN(width, bits) : BigInt.asIntN(width, bits);
  if (value === 0n) return exactly(zero(format, false));
  const negative = value < 0n;
  return round(format, { negative, magnitude: negative ? -value : value, exponent: 0 }, mode);
}

export function resize(from: FloatFormat, to: FloatFormat, bits: bigint, mode: number): FloatResult {
  const a = unpack(from, bits);
  if (a.kind === "nan") return propagate(to, a, a);
  if (a.kind === "infinity") return exactly(infinity(to, a.negative));
  return a.magnitude === 0n ? exactly(zero(to, a.negative)) : round(to, a, mode);
}

export function injectSign(rule: SignRule, format: FloatFormat, a: bigint, b: bigint): bigint {
  const mask = signMask(format);
  const sign = { same: b, opposite: ~b, product: a ^ b }[rule] & mask;
  return (a & ~mask) | sign;
}

function signMask(format: FloatFormat): bigint {
  return 1n << BigInt(format.bits - 1);
}

function isZero(value: Unpacked): boolean {
  return value.kind === "finite" && value.magnitude === 0n;
}

function isSignalling(value: Unpacked): boolean {
  return value.kind === "nan" && value.signalling;
}

function exactly(bits: bigint): FloatResult {
  return { bits, flags: 0 };
}

function invalid(format: FloatFormat): FloatResult {
  return { bits: format.canonicalNaN, flags: FLAG.invalid };
}

/** A NaN among the operands makes the result one, which is the canonical one. */
function propagate(format: FloatFormat, ...operands: readonly Unpacked[]): FloatResult {
  return { bits: format.canonicalNaN, flags: operands.some(isSignalling) ? FLAG.invalid : 0 };
}
