/** IEEE 754 binary32 and binary64. */
export type FloatSize = "single" | "double";
export type FloatOperation = "add" | "subtract" | "multiply" | "divide";
export type FloatRelation = "equal" | "less" | "lessOrEqual";
/** Integers as the conversions name them: 32 bits signed and unsigned, 64 bits signed and unsigned. */
export type IntegerFormat = "w" | "wu" | "l" | "lu";
export type SignRule = "same" | "opposite" | "product";

/**
 * What Semantics has for floating point (semantics.ts): unprivileged manual chapters 21 and 22. A value is the bits of a
 * number, a single the low 32 of 64 with zeros above.
 *
 * What computes does so exactly, rounds once, and raises the flags of IEEE 754 in fflags; tininess is detected after
 * rounding. A NaN that is computed is the canonical one, whatever went in. `mode` is a rounding mode by its number.
 * mstatus.FS becomes dirty when a register is written or fflags changes.
 */
export interface FloatSemantics<V> {
  /** First in every floating-point instruction: an illegal instruction when mstatus.FS is off. */
  require(): void;
  /**
   * The rounding mode, 0 to 4: what the instruction says or, where it says "dynamic", frm. An illegal instruction when
   * frm holds a reserved number.
   */
  readonly mode: V;
  /**
   * Floating-point source registers as operands of a size. A single that is not boxed in ones reads as the canonical
   * NaN; "double" gives all 64 bits as they are, which is also what stores and moves of singles take.
   */
  rs1(size: FloatSize): V;
  rs2(size: FloatSize): V;
  rs3(size: FloatSize): V;
  /** Writes the floating-point destination register, a single boxed in ones. */
  writeRd(size: FloatSize, value: V): void;

  arithmetic(operation: FloatOperation, size: FloatSize, a: V, b: V, mode: V): V;
  squareRoot(size: FloatSize, a: V, mode: V): V;
  /** a * b + c, rounded once. */
  multiplyAdd(size: FloatSize, a: V, b: V, c: V, mode: V): V;
  /** IEEE 754-2019 minimumNumber and maximumNumber: a NaN loses against a number, and -0 is less than 0. */
  choose(choice: "minimum" | "maximum", size: FloatSize, a: V, b: V): V;
  /** 1 or 0. "equal" raises NV for signalling NaNs only, the others for every NaN. */
  compare(relation: FloatRelation, size: FloatSize, a: V, b: V): V;
  /** One bit of ten, as fclass sets it. Raises nothing. */
  classify(size: FloatSize, a: V): V;
  /**
   * 64 bits, a 32-bit result sign-extended. What is out of range after rounding raises NV only and gives the nearest end
   * of the range; a NaN gives the upper one.
   */
  toInteger(size: FloatSize, format: IntegerFormat, a: V, mode: V): V;
  fromInteger(size: FloatSize, format: IntegerFormat, a: V, mode: V): V;
  resize(from: FloatSize, to: FloatSize, a: V, mode: V): V;
  /** `a` with the sign of `b`, its opposite, or the product of both signs. Raises nothing and keeps NaNs. */
  injectSign(sign: SignRule, size: FloatSize, a: V, b: V): V;
}
