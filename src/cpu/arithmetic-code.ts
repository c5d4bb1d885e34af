import type { ProductPart, Signedness } from "../isa/semantics.ts";
import { Code, type Local } from "../wasm/code.ts";
import type { ModuleBuilder } from "../wasm/module.ts";
import { I64, OP } from "../wasm/opcodes.ts";
import { emitDivide, emitMultiplyHigh, emitRemainder } from "./inline-arithmetic.ts";

const UNARY = { parameters: [I64], results: [I64] } as const;
const BINARY = { parameters: [I64, I64], results: [I64] } as const;

/** Functions for what WebAssembly does differently from RISC-V, or not at all. */
export interface ArithmeticFunctions {
  readonly multiplyHigh: Readonly<Record<"signed" | "unsigned" | "mixed", number>>;
  readonly carryLessMultiply: Readonly<Record<ProductPart, number>>;
  readonly reverseBytes: number;
  readonly orCombineBytes: number;
  readonly divide: Readonly<Record<Signedness, number>>;
  readonly remainder: Readonly<Record<Signedness, number>>;
}

export function defineArithmetic(module: ModuleBuilder): ArithmeticFunctions {
  const binary = (emit: (code: Code, a: Local, b: Local) => void): number => {
    const code = new Code([I64, I64]);
    emit(code, code.parameter(0), code.parameter(1));
    return module.defineFunction(BINARY, code);
  };
  const high = (signedness: "signed" | "unsigned" | "mixed") =>
    binary((code, a, b) => emitMultiplyHigh(code, [a, b], signedness, () => code.local(I64)));
  const divide = (signedness: Signedness) => binary((code, a, b) => emitDivide(code, a, b, signedness));
  const remainder = (signedness: Signedness) => binary((code, a, b) => emitRemainder(code, a, b, signedness));
  return {
    multiplyHigh: { unsigned: high("unsigned"), signed: high("signed"), mixed: high("mixed") },
    ...defineBitFunctions(module),
    divide: { signed: divide("signed"), unsigned: divide("unsigned") },
    remainder: { signed: remainder("signed"), unsigned: remainder("unsigned") },
  };
}

function defineBitFunctions(
  module: ModuleBuilder,
): Pick<ArithmeticFunctions, "carryLessMultiply" | "reverseBytes" | "orCombineBytes"> {
  const [low, reversed] = [defineCarryLessLow(module), defineCarryLessReversed(module)];
  return {
    carryLessMultiply: { low, reversed, high: defineCarryLessHigh(module, reversed) },
    reverseBytes: defineReverseBytes(module),
    orCombineBytes: defineOrCombineBytes(module),
  };
}

/** For each 1 of b, from the lowest up: `sum ^= a << its number`. */
function defineCarryLessLow(module: ModuleBuilder): number {
  return defineCarryLess(module, (code, a, b) => code.get(a).get(b).op(OP.i64_ctz, OP.i64_shl));
}

/** Bit 63 of the product is bit 0 here, so a 1 at number n of b brings a >> (63 - n), and 63 - n is what clz counts. */
function defineCarryLessReversed(module: ModuleBuilder): number {
  return defineCarryLess(module, (code, a, b) => {
    // The loop takes the lowest 1 of b: alone, it has as many zeros above it as a must move to the right.
    code.get(a).get(b).i64(0n).get(b).op(OP.i64_sub, OP.i64_and, OP.i64_clz, OP.i64_shr_u);
  });
}

function defineCarryLess(module: ModuleBuilder, term: (code: Code, a: Local, b: Local) => void): number {
  const code = new Code([I64, I64]);
  const [a, b] = [code.parameter(0), code.parameter(1)];
  const sum = code.local(I64);
  const done = code.block();
  const next = code.loop();
  code.get(b).op(OP.i64_eqz).branchIf(done);
  code.get(sum);
  term(code, a, b);
  code.op(OP.i64_xor).set(sum);
  // b & (b - 1) drops the lowest 1.
  code.get(b).get(b).i64(1n).op(OP.i64_sub, OP.i64_and).set(b).branch(next);
  code.end();
  code.end();
  code.get(sum);
  return module.defineFunction(BINARY, code);
}

/** Bits 127:64 are bits 126:63 moved down by one; bit 127 of a product is always 0. */
function defineCarryLessHigh(module: ModuleBuilder, reversed: number): number {
  const code = new Code([I64, I64]);
  code.get(code.parameter(0)).get(code.parameter(1)).call(reversed).i64(1n).op(OP.i64_shr_u);
  return module.defineFunction(BINARY, code);
}

/** Swaps neighbouring bytes, then neighbouring halfwords, then the words. */
function defineReverseBytes(module: ModuleBuilder): number {
  const code = new Code([I64]);
  const a = code.parameter(0);
  for (const [mask, distance] of [
    [0x00ff_00ff_00ff_00ffn, 8n],
    [0x0000_ffff_0000_ffffn, 16n],
  ]) {
    code.get(a).i64(mask).op(OP.i64_and).i64(distance).op(OP.i64_shl);
    code.get(a).i64(distance).op(OP.i64_shr_u).i64(mask).op(OP.i64_and, OP.i64_or).set(a);
  }
  code.get(a).i64(32n).op(OP.i64_rotl);
  return module.defineFunction(UNARY, code);
}

/** Adding 0x7f to the low seven bits of a byte reaches its top bit unless they are zero; no byte reaches the next. */
function defineOrCombineBytes(module: ModuleBuilder): number {
  const lowBits = 0x7f7f_7f7f_7f7f_7f7fn;
  const code = new Code([I64]);
  const a = code.parameter(0);
  code.get(a).i64(lowBits).op(OP.i64_and).i64(lowBits).op(OP.i64_add).get(a).op(OP.i64_or);
  code.i64(7n).op(OP.i64_shr_u).i64(0x0101_0101_0101_0101n).op(OP.i64_and);
  // Each byte is 0 or 1 now.
  code.i64(255n).op(OP.i64_mul);
  return module.defineFunction(UNARY, code);
}
