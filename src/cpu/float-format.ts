import type { FloatSize } from "../isa/float-semantics.ts";

/** The numbers that make a binary interchange format of IEEE 754. */
export interface FloatFormat {
  readonly size: FloatSize;
  readonly bits: 32 | 64;
  /** Bits of a significand, the hidden one included. */
  readonly precision: 24 | 53;
  /** Exponent of the largest finite numbers, and the bias. */
  readonly maxExponent: 127 | 1023;
  /** The quiet NaN that RISC-V computes: sign 0, payload 0. */
  readonly canonicalNaN: bigint;
}

export const FORMATS: Readonly<Record<FloatSize, FloatFormat>> = {
  single: { size: "single", bits: 32, precision: 24, maxExponent: 127, canonicalNaN: 0x7fc0_0000n },
  double: { size: "double", bits: 64, precision: 53, maxExponent: 1023, canonicalNaN: 0x7ff8_0000_0000_0000n },
};

/** Exponent of the smallest normal numbers. */
export function minExponent(format: FloatFormat): number {
  return 1 - format.maxExponent;
}

/** Bits of fflags. */
export const FLAG = { inexact: 1, underflow: 2, overflow: 4, divideByZero: 8, invalid: 16 } as const;

/** Rounding modes, as in frm. */
export const ROUND = { nearestEven: 0, towardZero: 1, down: 2, up: 3, nearestAway: 4 } as const;

/** Numbers above are reserved in frm. */
export const LAST_ROUNDING_MODE = ROUND.nearestAway;

/** The upper half of a register that holds a single. */
export const BOX = 0xffff_ffff_0000_0000n;
