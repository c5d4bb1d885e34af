import { BOX, type FloatFormat, FORMATS } from "../../../src/cpu/float-format.ts";
import * as exact from "../../../src/cpu/float-oracle.ts";
import type { FloatResult } from "../../../src/cpu/float-rounding.ts";
import type { IntegerFormat } from "../../../src/isa/float-semantics.ts";

/** An instruction with its rounding mode, and what the exact arithmetic says of it. */
export interface Group {
  /** With operands: sources a0, fa0, fa1, fa2, and the destination fa3 or a3. */
  readonly text: string;
  /** Which table of operands it reads. */
  readonly table: "single" | "double" | "integer";
  readonly result: "float" | "integer";
  /** Rounding mode of the instruction; 7 takes it from frm. */
  readonly mode: number;
  /** The register that the instruction writes, and its flags, for register contents and a rounding mode. */
  expect(a: bigint, b: bigint, c: bigint, mode: number): FloatResult;
}

const MODES = ["rne", "rtz", "rdn", "rup", "rmm", undefined, undefined, "dyn"];
const ALL_MODES = [0, 1, 2, 3, 4, 7];
const INTEGERS: readonly IntegerFormat[] = ["w", "wu", "l", "lu"];

type Expect = Group["expect"];

export const GROUPS: readonly Group[] = [...groupsOf("single"), ...groupsOf("double")];

function groupsOf(size: "single" | "double"): Group[] {
  const format = FORMATS[size];
  const letter = size === "single" ? "s" : "d";
  const operand = (bits: bigint): bigint => unboxed(format, bits);
  const negated = (bits: bigint): bigint => exact.injectSign("opposite", format, bits, bits);
  const boxed = (result: FloatResult): FloatResult =>
    size === "single" ? { ...result, bits: result.bits | BOX } : result;
  const silent = (bits: bigint): FloatResult => boxed({ bits, flags: 0 });

  /** A number of the format out of numbers of the format. */
  const plain = (name: string, sources: string, expect: Expect): Omit<Group, "mode"> => ({
    text: `${name}.${letter} fa3, ${sources}`,
    table: size,
    result: "float",
    expect: (a, b, c, mode) => boxed(expect(operand(a), operand(b), operand(c), mode)),
  });
  /** An integer out of numbers of the format. */
  const measured = (text: string, expect: Expect): Omit<Group, "mode"> => ({
    text,
    table: size,
    result: "integer",
    expect: (a, b, c, mode) => expect(operand(a), operand(b), operand(c), mode),
  });

  const rounding = [
    plain("fadd", "fa0, fa1", (a, b, _c, mode) => exact.arithmetic("add", format, a, b, mode)),
    plain("fsub", "fa0, fa1", (a, b, _c, mode) => exact.arithmetic("subtract", format, a, b, mode)),
    plain("fmul", "fa0, fa1", (a, b, _c, mode) => exact.arithmetic("multiply", format, a, b, mode)),
    plain("fdiv", "fa0, fa1", (a, b, _c, mode) => exact.arithmetic("divide", format, a, b, mode)),
    plain("fsqrt", "fa0", (a, _b, _c, mode) => exact.squareRoot(format, a, mode)),
    plain("fmadd", "fa0, fa1, fa2", (a, b, c, mode) => exact.multiplyAdd(format, a, b, c, mode)),
    plain("fmsub", "fa0, fa1, fa2", (a, b, c, mode) => exact.multiplyAdd(format, a, b, negated(c), mode)),
    plain("fnmsub", "fa0, fa1, fa2", (a, b, c, mode) => exact.multiplyAdd(format, negated(a), b, c, mode)),
    plain("fnmadd", "fa0, fa1, fa2", (a, b, c, mode) => exact.multiplyAdd(format, negated(a), b, negated(c), mode)),
    ...INTEGERS.map((integer) =>
      measured(`fcvt.${integer}.${letter} a3, fa0`, (a, _b, _c, mode) => exact.toInteger(format, integer, a, mode)),
    ),
    ...INTEGERS.map(
      (integer): Omit<Group, "mode"> => ({
        text: `fcvt.${letter}.${integer} fa3, a0`,
        table: "integer",
        result: "float",
        expect: (a, _b, _c, mode) => boxed(exact.fromInteger(format, integer, a, mode)),
      }),
    ),
    conversionTo(size),
  ];
  const others = [
    plain("fsgnj", "fa0, fa1", (a, b) => silent(exact.injectSign("same", format, a, b))),
    plain("fsgnjn", "fa0, fa1", (a, b) => silent(exact.injectSign("opposite", format, a, b))),
    plain("fsgnjx", "fa0, fa1", (a, b) => silent(exact.injectSign("product", format, a, b))),
    plain("fmin", "fa0, fa1", (a, b) => exact.choose("minimum", format, a, b)),
    plain("fmax", "fa0, fa1", (a, b) => exact.choose("maximum", format, a, b)),
    measured(`feq.${letter} a3, fa0, fa1`, (a, b) => exact.compare("equal", format, a, b)),
    measured(`flt.${letter} a3, fa0, fa1`, (a, b) => exact.compare("less", format, a, b)),
    measured(`fle.${letter} a3, fa0, fa1`, (a, b) => exact.compare("lessOrEqual", format, a, b)),
    measured(`fclass.${letter} a3, fa0`, (a) => ({ bits: exact.classify(format, a), flags: 0 })),
  ];
  return [
    ...rounding.flatMap((group) =>
      ALL_MODES.map((mode) => ({ ...group, text: `${group.text}, ${MODES[mode]}`, mode })),
    ),
    ...others.map((group) => ({ ...group, mode: 0 })),
  ];
}

/** fcvt.s.d and fcvt.d.s. */
function conversionTo(size: "single" | "double"): Omit<Group, "mode"> {
  const { single, double } = FORMATS;
  if (size === "double") {
    return {
      text: "fcvt.d.s fa3, fa0",
      table: "single",
      result: "float",
      expect: (a, _b, _c, mode) => exact.resize(single, double, unboxed(single, a), mode),
    };
  }
  return {
    text: "fcvt.s.d fa3, fa0",
    table: "double",
    result: "float",
    expect: (a, _b, _c, mode) => {
      const { bits, flags } = exact.resize(double, single, a, mode);
      return { bits: bits | BOX, flags };
    },
  };
}

function unboxed(format: FloatFormat, register: bigint): bigint {
  if (format.bits === 64) return register;
  return (register & BOX) === BOX ? register ^ BOX : format.canonicalNaN;
}
