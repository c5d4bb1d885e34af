import type { FloatOperation, FloatRelation, FloatSize, IntegerFormat } from "../isa/float-semantics.ts";
import type { ModuleBuilder } from "../wasm/module.ts";
import {
  defineAdd,
  defineDivide,
  defineMultiply,
  definePropagate,
  defineSquareRoot,
  defineSubtract,
  type FloatParts,
} from "./float-arithmetic-code.ts";
import { defineChoose, defineCompare } from "./float-comparison-code.ts";
import {
  defineClassify,
  defineFromInteger,
  defineNarrow,
  defineSingleToInteger,
  defineToInteger,
  defineWiden,
  INTEGER_SHAPES,
} from "./float-conversion-code.ts";
import { FORMATS } from "./float-format.ts";
import { defineMultiplyAdd } from "./float-multiply-add-code.ts";
import { defineRounding } from "./float-rounding-code.ts";

/**
 * The functions of exact floating point in WebAssembly, for all operands, rounding modes and flags. Values are bits in an
 * i64, a single in the low half with zeros above; the mode, 0 to 4, comes last where there is one. Flags go into fcsr.
 * What is usual can be done by an instruction of WebAssembly itself (float-fast-code.ts).
 */
export interface FloatFunctions {
  /** (flags i32). */
  readonly raise: number;
  /** (a, b, mode) -> bits. */
  readonly arithmetic: Readonly<Record<FloatSize, Readonly<Record<FloatOperation, number>>>>;
  /** (a, mode) -> bits. */
  readonly squareRoot: Readonly<Record<FloatSize, number>>;
  /** (a, b, c, mode) -> bits. */
  readonly multiplyAdd: Readonly<Record<FloatSize, number>>;
  /** (a, b) -> bits. */
  readonly choose: Readonly<Record<FloatSize, Readonly<Record<"minimum" | "maximum", number>>>>;
  /** (a, b) -> i32. */
  readonly compare: Readonly<Record<FloatSize, Readonly<Record<FloatRelation, number>>>>;
  /** (a) -> i64. */
  readonly classify: Readonly<Record<FloatSize, number>>;
  /** (a, mode) -> i64. */
  readonly toInteger: Readonly<Record<FloatSize, Readonly<Record<IntegerFormat, number>>>>;
  /** (integer, mode) -> bits. */
  readonly fromInteger: Readonly<Record<FloatSize, Readonly<Record<IntegerFormat, number>>>>;
  /** (double, mode) -> single. */
  readonly narrow: number;
  /** (single) -> double. */
  readonly widen: number;
}

export function defineFloat(module: ModuleBuilder, multiplyHigh: number): FloatFunctions {
  const rounding = defineRounding(module, FORMATS);
  const parts = bySize((size): FloatParts => {
    const format = FORMATS[size];
    return { module, format, rounding, multiplyHigh, propagate: definePropagate(module, format, rounding.raise) };
  });
  const doubleToInteger = byInteger((integer) => defineToInteger(parts.double, INTEGER_SHAPES[integer]));
  return {
    raise: rounding.raise,
    arithmetic: bySize((size) => {
      const add = defineAdd(parts[size]);
      return {
        add,
        subtract: defineSubtract(parts[size], add),
        multiply: defineMultiply(parts[size]),
        divide: defineDivide(parts[size]),
      };
    }),
    squareRoot: bySize((size) => defineSquareRoot(parts[size])),
    multiplyAdd: bySize((size) => defineMultiplyAdd(parts[size])),
    choose: bySize((size) => ({
      minimum: defineChoose(parts[size], "minimum"),
      maximum: defineChoose(parts[size], "maximum"),
    })),
    compare: bySize((size) => ({
      equal: defineCompare(parts[size], "equal"),
      less: defineCompare(parts[size], "less"),
      lessOrEqual: defineCompare(parts[size], "lessOrEqual"),
    })),
    classify: bySize((size) => defineClassify(module, FORMATS[size])),
    toInteger: {
      double: doubleToInteger,
      single: byInteger((integer) => defineSingleToInteger(module, doubleToInteger[integer])),
    },
    fromInteger: bySize((size) => byInteger((integer) => defineFromInteger(parts[size], INTEGER_SHAPES[integer]))),
    narrow: defineNarrow(parts.double),
    widen: defineWiden(parts.single),
  };
}

function bySize<T>(make: (size: FloatSize) => T): Record<FloatSize, T> {
  return { single: make("single"), double: make("double") };
}

function byInteger<T>(make: (format: IntegerFormat) => T): Record<IntegerFormat, T> {
  return { w: make("w"), wu: make("wu"), l: make("l"), lu: make("lu") };
}
