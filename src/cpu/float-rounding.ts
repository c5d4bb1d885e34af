import { assert } from "../base/assert.ts";
import { FLAG, type FloatFormat, minExponent, ROUND } from "./float-format.ts";

/** What a computation gives: bits of the format, and the flags that it raises. */
export interface FloatResult {
  readonly bits: bigint;
  readonly flags: number;
}

/** A number taken apart. A finite one is (-1)^negative * magnitude * 2^exponent; zero has magnitude 0. */
export type Unpacked =
  | { readonly kind: "nan"; readonly signalling: boolean }
  | { readonly kind: "infinity"; readonly negative: boolean }
  | Finite;

export interface Finite {
  readonly kind: "finite";
  readonly negative: boolean;
  readonly magnitude: bigint;
  readonly exponent: number;
}

export function unpack(format: FloatFormat, bits: bigint): Unpacked {
  const fractionBits = BigInt(format.precision - 1);
  const negative = bits >> BigInt(format.bits - 1) === 1n;
  const fraction = bits & ((1n << fractionBits) - 1n);
  const field = Number((bits >> fractionBits) & BigInt(2 * format.maxExponent + 1));
  if (field === 2 * format.maxExponent + 1) {
    if (fraction === 0n) return { kind: "infinity", negative };
    return { kind: "nan", signalling: fraction >> (fractionBits - 1n) === 0n };
  }
  const hidden = field === 0 ? 0n : 1n << fractionBits;
  // The subnormal numbers have the exponent of the smallest normal ones.
  const exponent = Math.max(field, 1) - format.maxExponent - (format.precision - 1);
  return { kind: "finite", negative, magnitude: hidden | fraction, exponent };
}

export function infinity(format: FloatFormat, negative: boolean): bigint {
  return signBit(format, negative) | (BigInt(2 * format.maxExponent + 1) << BigInt(format.precision - 1));
}

export function zero(format: FloatFormat, negative: boolean): bigint {
  return signBit(format, negative);
}

function signBit(format: FloatFormat, negative: boolean): bigint {
  return negative ? 1n << BigInt(format.bits - 1) : 0n;
}

/** Number of bits of a magnitude; 0 for 0. */
export function bitLength(magnitude: bigint): number {
  return magnitude === 0n ? 0 : magnitude.toString(2).length;
}

/** magnitude * 2^exponent as a multiple of 2^quantum, rounded. */
export function roundToMultiple(
  { negative, magnitude, exponent }: Omit<Finite, "kind">,
  quantum: number,
  mode: number,
): { multiple: bigint; inexact: boolean } {
  if (exponent >= quantum) return { multiple: magnitude << BigInt(exponent - quantum), inexact: false };
  const shift = BigInt(quantum - exponent);
  const below = magnitude >> shift;
  const rest = magnitude - (below << shift);
  const half = 1n << (shift - 1n);
  const up = rest !== 0n && awayFromZero(mode, negative, below, rest, half);
  return { multiple: up ? below + 1n : below, inexact: rest !== 0n };
}

/** Whether a magnitude between two multiples, `rest` above the lower one, becomes the upper one. */
function awayFromZero(mode: number, negative: boolean, below: bigint, rest: bigint, half: bigint): boolean {
  switch (mode) {
    case ROUND.nearestEven:
      return rest > half || (rest === half && (below & 1n) === 1n);
    case ROUND.towardZero:
      return false;
    case ROUND.down:
      return negative;
    case ROUND.up:
      return !negative;
    case ROUND.nearestAway:
      return rest >= half;
    default:
      assert(false, `rounding mode ${mode}`);
  }
}

/**
 * The number of the format for an exact value, with the flags of overflow, underflow and inexactness. `sticky` says that
 * the exact value is greater than `magnitude` by less than one unit of it; the magnitude has more bits than the format
 * then, so that it is only the direction of rounding that this decides.
 */
export function round(format: FloatFormat, value: Omit<Finite, "kind">, mode: number, sticky = false): FloatResult {
  const { negative } = value;
  assert(value.magnitude !== 0n, "zero has no exponent to round to");
  const exact = sticky
    ? { negative, magnitude: (value.magnitude << 1n) | 1n, exponent: value.exponent - 1 }
    : { negative, magnitude: value.magnitude, exponent: value.exponent };
  const smallest = minExponent(format);
  const quantum = exact.exponent + bitLength(exact.magnitude) - format.precision;
  assert(!sticky || quantum > exact.exponent + 1, "enough bits for a sticky one");
  // Tiny: what rounding with an unbounded exponent gives lies below the smallest normal number.
  const unbounded = roundToMultiple(exact, quantum, mode).multiple;
  const tiny = quantum + bitLength(unbounded) - 1 < smallest;
  const bounded = Math.max(quantum, smallest - (format.precision - 1));
  const { multiple, inexact } = roundToMultiple(exact, bounded, mode);
  if (bounded + bitLength(multiple) - 1 > format.maxExponent) return overflow(format, negative, mode);
  const flags = inexact ? FLAG.inexact | (tiny ? FLAG.underflow : 0) : 0;
  return { bits: signBit(format, negative) | pack(format, multiple, bounded), flags };
}

/** A multiple that carried into one more bit is twice the half of it: the fields say the same by themselves. */
function pack(format: FloatFormat, multiple: bigint, exponent: number): bigint {
  const hidden = 1n << BigInt(format.precision - 1);
  if (multiple < hidden) return multiple;
  const field = BigInt(exponent + format.precision - 1 + format.maxExponent);
  return (field << BigInt(format.precision - 1)) + (multiple - hidden);
}

function overflow(format: FloatFormat, negative: boolean, mode: number): FloatResult {
  const nearest = mode === ROUND.nearestEven || mode === ROUND.nearestAway;
  const away = nearest || mode === (negative ? ROUND.down : ROUND.up);
  // The largest finite number stands right below infinity.
  const bits = infinity(format, negative) - (away ? 0n : 1n);
  return { bits, flags: FLAG.overflow | FLAG.inexact };
}
