import { type FloatType, isSigned, normalize, type ValueType } from "./expression-types.ts";

/** Numbers of IEEE 754 in expressions: reading and writing their bits, text, and C's conversions. */

const VIEW = new DataView(new ArrayBuffer(8));
/** A single in a 64-bit register is boxed: its upper half is all ones (unprivileged manual, "NaN Boxing"). */
const BOX = 0xffff_ffffn << 32n;
/** Digits with which every single can be told from every other. */
const SINGLE_DIGITS = 9;

export function floatOf({ size }: FloatType, bits: bigint): number {
  VIEW.setBigUint64(0, BigInt.asUintN(64, bits), true);
  return size === 4 ? VIEW.getFloat32(0, true) : VIEW.getFloat64(0, true);
}

/** Not-a-number is the canonical one, whatever this computer's would be (unprivileged manual, "NaN Generation"). */
export function bitsOf({ size }: FloatType, value: number): bigint {
  if (Number.isNaN(value)) return size === 8 ? 0x7ff8_0000_0000_0000n : 0x7fc0_0000n;
  if (size === 8) VIEW.setFloat64(0, value, true);
  else VIEW.setFloat32(0, value, true);
  return size === 8 ? VIEW.getBigUint64(0, true) : BigInt(VIEW.getUint32(0, true));
}

export function isBoxedSingle(bits: bigint): boolean {
  return (bits & BOX) === BOX;
}

export function boxSingle(bits: bigint): bigint {
  return BOX | BigInt.asUintN(32, bits);
}

/** `1.5`, `-0.0`, `1e+300`, `inf`, `NaN`: as few digits as tell the number from its neighbours. */
export function floatText(type: FloatType, bits: bigint): string {
  const value = floatOf(type, bits);
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  let shortest = value;
  if (type.size === 4) {
    for (let digits = 1; digits <= SINGLE_DIGITS; digits++) {
      shortest = Number(value.toPrecision(digits));
      if (Math.fround(shortest) === value) break;
    }
  }
  const text = String(shortest);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** The number that a value stands for, as C converts it to a floating-point type. */
export function toFloat(type: ValueType, bits: bigint): number {
  if (type.kind === "float") return floatOf(type, bits);
  return Number(isSigned(type) ? BigInt.asIntN(64, bits) : BigInt.asUintN(64, bits));
}

/** Converts the bits of a value to another type, as C's casts do; a number beyond an integer's range saturates. */
export function convert(to: ValueType, from: ValueType, bits: bigint): bigint {
  if (to.kind === "float") return bitsOf(to, toFloat(from, bits));
  if (from.kind !== "float") return normalize(to, bits);
  const value = floatOf(from, bits);
  if (Number.isNaN(value)) return 0n;
  const [least, most] = isSigned(to) ? [-(2 ** 63), 2 ** 63] : [0, 2 ** 64];
  if (value >= most) return normalize(to, isSigned(to) ? 2n ** 63n - 1n : 2n ** 64n - 1n);
  return normalize(to, value <= least ? BigInt(least) : BigInt(Math.trunc(value)));
}
