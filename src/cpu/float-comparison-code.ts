import type { FloatRelation, FloatSize } from "../isa/float-semantics.ts";
import { Code } from "../wasm/code.ts";
import { type Expression, either, i32, i64, type Operand, push, Statements } from "../wasm/expression.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import { type FloatParts, isNaNMagnitude, isSignalling } from "./float-arithmetic-code.ts";
import { FLAG } from "./float-format.ts";
import { magnitudeMask } from "./float-rounding-code.ts";

export const RELATION_OPCODES = {
  single: { equal: OP.f32_eq, less: OP.f32_lt, lessOrEqual: OP.f32_le },
  double: { equal: OP.f64_eq, less: OP.f64_lt, lessOrEqual: OP.f64_le },
} as const;

export const CHOICE_OPCODES = {
  single: { minimum: OP.f32_min, maximum: OP.f32_max },
  double: { minimum: OP.f64_min, maximum: OP.f64_max },
} as const;

/** Bits in an i64 as a number that WebAssembly computes with. */
export function asNumber(size: FloatSize, bits: Operand): Expression {
  return (code) => {
    push(code, bits);
    if (size === "single") code.op(OP.i32_wrap_i64, OP.f32_reinterpret_i32);
    else code.op(OP.f64_reinterpret_i64);
  };
}

/** A number as bits in an i64. */
export function asBits(size: FloatSize, number: Operand): Expression {
  return (code) => {
    push(code, number);
    if (size === "single") code.op(OP.i32_reinterpret_f32, OP.i64_extend_i32_u);
    else code.op(OP.i64_reinterpret_f64);
  };
}

/** (a i64, b i64) -> bits i64. Without NaNs it is what WebAssembly has, zeros included. */
export function defineChoose(parts: FloatParts, choice: "minimum" | "maximum"): number {
  const { module, format } = parts;
  const { code, body, a, b, isNaNA, isNaNB } = beginNaNs(parts, isSignalling);
  body.if(isNaNA, () => {
    body.if(isNaNB, () => body.return(format.canonicalNaN));
    body.return(b);
  });
  body.if(isNaNB, () => body.return(a));
  const chosen = (into: Code): void => {
    push(into, asNumber(format.size, a));
    push(into, asNumber(format.size, b));
    into.op(CHOICE_OPCODES[format.size][choice]);
  };
  push(code, asBits(format.size, chosen));
  return module.defineFunction({ parameters: [I64, I64], results: [I64] }, code);
}

/** (a i64, b i64) -> 1 or 0, i32. */
export function defineCompare(parts: FloatParts, relation: FloatRelation): number {
  const { module, format } = parts;
  const { code, a, b } = beginNaNs(parts, relation === "equal" ? isSignalling : isNaNMagnitude);
  // What is compared with a NaN gives 0 in WebAssembly, too.
  push(code, asNumber(format.size, a));
  push(code, asNumber(format.size, b));
  code.op(RELATION_OPCODES[format.size][relation]);
  return module.defineFunction({ parameters: [I64, I64], results: [I32] }, code);
}

/** A function (a, b) that raises NV for one of the NaNs that `raises` finds. */
function beginNaNs({ format, rounding }: FloatParts, raises: typeof isSignalling) {
  const code = new Code([I64, I64]);
  const body = new Statements(code);
  const [a, b] = [code.parameter(0), code.parameter(1)];
  const magnitudes = [a, b].map((bits) => body.let(I64, i64.and(bits, magnitudeMask(format))));
  const [isNaNA, isNaNB] = magnitudes.map((magnitude) => body.let(I32, isNaNMagnitude(format, magnitude)));
  body.if(i32.or(isNaNA, isNaNB), () => {
    body.if(either(raises(format, magnitudes[0]), raises(format, magnitudes[1])), () =>
      body.call(rounding.raise, FLAG.invalid),
    );
  });
  return { code, body, a, b, isNaNA, isNaNB };
}
