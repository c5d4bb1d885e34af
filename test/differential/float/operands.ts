import type { Prng } from "../../../src/base/prng.ts";
import { BOX, type FloatFormat, FORMATS } from "../../../src/cpu/float-format.ts";
import { arithmetic } from "../../../src/cpu/float-oracle.ts";

/**
 * Operands as TestFloat chooses them: exponents and significands at the ends of their ranges and near powers of two, more
 * often than chance would have it; and beyond it operands that depend on each other, so that sums cancel and products lie
 * near ties.
 */
export interface Triple {
  readonly a: bigint;
  readonly b: bigint;
  readonly c: bigint;
}

/** Register contents for one instruction. */
export function floatTriple(prng: Prng, format: FloatFormat): Triple {
  const a = floatValue(prng, format);
  let b = floatValue(prng, format);
  let c = floatValue(prng, format);
  // Neighbours, and opposite neighbours: differences that cancel.
  if (prng.below(4) === 0) b = near(prng, format, a) ^ (prng.below(2) === 0 ? signOf(format) : 0n);
  // A sum whose product nearly cancels against what is added, or lies half a unit beside it.
  if (prng.below(3) === 0)
    c = near(prng, format, arithmetic("multiply", format, a, b, prng.below(5)).bits) ^ signOf(format);
  return { a: inRegister(prng, format, a), b: inRegister(prng, format, b), c: inRegister(prng, format, c) };
}

/** A single in its box, and sometimes with a damaged one. */
function inRegister(prng: Prng, format: FloatFormat, bits: bigint): bigint {
  if (format.bits === 64) return bits;
  return prng.below(40) === 0 ? bits | (BOX & prng.next64()) : bits | BOX;
}

function signOf(format: FloatFormat): bigint {
  return 1n << BigInt(format.bits - 1);
}

/** A few units in the last place away; across all boundaries, so that infinity may become a NaN. */
function near(prng: Prng, format: FloatFormat, bits: bigint): bigint {
  const distance = BigInt(prng.pick([0, 0, 1, -1, 2, -2, prng.below(64) - 32]));
  return BigInt.asUintN(format.bits, bits + distance);
}

function floatValue(prng: Prng, format: FloatFormat): bigint {
  if (prng.below(8) === 0) return nearInteger(prng, format);
  if (format.bits === 64 && prng.below(5) === 0) return nearSingle(prng);
  const sign = prng.below(2) === 0 ? 0n : signOf(format);
  return (
    sign | (BigInt(exponentField(prng, format)) << BigInt(format.precision - 1)) | fraction(prng, format.precision - 1)
  );
}

function exponentField(prng: Prng, { maxExponent, precision }: FloatFormat): number {
  const top = 2 * maxExponent + 1;
  switch (prng.below(6)) {
    case 0:
      return prng.pick([0, 0, 1, 2, top, top, top - 1, top - 2]);
    case 1:
      return maxExponent + prng.below(7) - 3;
    case 2:
      // Products at the edge of underflow and overflow.
      return prng.pick([maxExponent >> 1, maxExponent + (maxExponent >> 1)]) + prng.below(9) - 4;
    case 3:
      return maxExponent + prng.below(2 * precision + 8) - precision - 4;
    case 4:
      return prng.below(precision + 4);
    default:
      return prng.below(top + 1);
  }
}

/** Patterns of a number of bits: few ones, few zeros, runs of either, and anything. */
function fraction(prng: Prng, bits: number): bigint {
  const all = (1n << BigInt(bits)) - 1n;
  const bit = (): bigint => 1n << BigInt(prng.below(bits));
  switch (prng.below(8)) {
    case 0:
      return prng.pick([0n, 0n, 1n, all, all - 1n, all >> 1n, (all >> 1n) + 1n]);
    case 1:
      return bit() | (prng.below(2) === 0 ? bit() : 0n);
    case 2:
      return all ^ bit();
    case 3:
      return bit() - 1n;
    case 4:
      return all ^ (bit() - 1n);
    default:
      return prng.next64() & all;
  }
}

/** Numbers around integers, halves and the ends of integer types. */
function nearInteger(prng: Prng, format: FloatFormat): bigint {
  const { maxExponent, precision } = format;
  const exponent = prng.pick([-2, -1, 0, 1, 2, 22, 23, 24, 30, 31, 32, 51, 52, 53, 62, 63, 64, prng.below(66)]);
  const sign = prng.below(2) === 0 ? 0n : signOf(format);
  const field = BigInt(maxExponent + exponent) << BigInt(precision - 1);
  const places = BigInt(Math.max(0, precision - 1 - Math.max(0, exponent)));
  const whole = (fraction(prng, precision - 1) >> places) << places;
  const half = places > 0n ? 1n << (places - 1n) : 0n;
  return near(prng, format, sign | field | (prng.below(2) === 0 ? whole : whole | half));
}

/** Doubles at singles, at the middle between two, and right beside either; subnormal and too great singles among them. */
function nearSingle(prng: Prng): bigint {
  const { single, double } = FORMATS;
  const exponent = prng.pick([prng.below(256) - 128, -126 - prng.below(28), 127 + prng.below(2), -127]);
  const dropped = double.precision - single.precision + Math.max(0, -126 - exponent);
  const kept = fraction(prng, double.precision - 1) & (-1n << BigInt(Math.min(dropped, 52)));
  const middle = dropped <= 52 ? 1n << BigInt(dropped - 1) : 0n;
  const sign = prng.below(2) === 0 ? 0n : signOf(double);
  const field = BigInt(double.maxExponent + exponent) << 52n;
  return near(prng, double, sign | field | kept | (prng.below(2) === 0 ? middle : 0n));
}

/** Integers of all widths, near powers of two, and those between two numbers of a format. */
export function integerValue(prng: Prng): bigint {
  const width = 1 + prng.below(64);
  const power = 1n << BigInt(width - 1);
  const precision = prng.pick([24, 53]);
  const tie = BigInt(Math.max(0, width - precision - 1));
  const value = prng.pick([
    power,
    power - 1n,
    power + BigInt(prng.below(5)),
    prng.next64() >> BigInt(64 - width),
    (prng.next64() >> BigInt(64 - width)) & (-1n << tie),
    (((prng.next64() >> BigInt(64 - width)) >> tie) << tie) + BigInt(prng.below(3) - 1),
    fraction(prng, width),
  ]);
  return BigInt.asUintN(64, prng.below(2) === 0 ? value : -value);
}
