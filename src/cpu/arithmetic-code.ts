import type { Signedness } from "../isa/semantics.ts";
import { Code, type Local } from "../wasm/code.ts";
import type { ModuleBuilder } from "../wasm/module.ts";
import { I64, OP } from "../wasm/opcodes.ts";

const BINARY = { parameters: [I64, I64], results: [I64] } as const;

/** Functions for what WebAssembly does differently from RISC-V, or not at all. */
export interface ArithmeticFunctions {
  readonly multiplyHigh: Readonly<Record<"signed" | "unsigned" | "mixed", number>>;
  readonly divide: Readonly<Record<Signedness, number>>;
  readonly remainder: Readonly<Record<Signedness, number>>;
}

export function defineArithmetic(module: ModuleBuilder): ArithmeticFunctions {
  const unsigned = defineMultiplyHighUnsigned(module);
  return {
    multiplyHigh: {
      unsigned,
      signed: defineMultiplyHighCorrected(module, unsigned, true),
      mixed: defineMultiplyHighCorrected(module, unsigned, false),
    },
    divide: { signed: defineDivideSigned(module), unsigned: defineDivideUnsigned(module) },
    remainder: { signed: defineRemainderSigned(module), unsigned: defineRemainderUnsigned(module) },
  };
}

/** Schoolbook multiplication on 32-bit halves; no partial sum exceeds 64 bits. */
function defineMultiplyHighUnsigned(module: ModuleBuilder): number {
  const code = new Code([I64, I64]);
  const [a, b] = [code.parameter(0), code.parameter(1)];
  const cross = code.local(I64);
  const middle = code.local(I64);
  const low = (value: Local): Code => code.get(value).i64(0xffff_ffffn).op(OP.i64_and);
  const high = (value: Local): Code => code.get(value).i64(32n).op(OP.i64_shr_u);
  // cross = aHigh * bLow + (aLow * bLow >> 32)
  high(a);
  low(b).op(OP.i64_mul);
  low(a);
  low(b).op(OP.i64_mul).i64(32n).op(OP.i64_shr_u, OP.i64_add).set(cross);
  // middle = aLow * bHigh + low(cross)
  low(a);
  high(b).op(OP.i64_mul);
  low(cross).op(OP.i64_add).set(middle);
  // aHigh * bHigh + high(cross) + high(middle)
  high(a);
  high(b).op(OP.i64_mul);
  high(cross).op(OP.i64_add);
  high(middle).op(OP.i64_add);
  return module.defineFunction(BINARY, code);
}

/** A negative factor was taken as 2^64 too much: subtract the other factor from the upper half. */
function defineMultiplyHighCorrected(module: ModuleBuilder, unsigned: number, bothSigned: boolean): number {
  const code = new Code([I64, I64]);
  const [a, b] = [code.parameter(0), code.parameter(1)];
  code.get(a).get(b).call(unsigned);
  code.get(a).i64(63n).op(OP.i64_shr_s).get(b).op(OP.i64_and, OP.i64_sub);
  if (bothSigned) code.get(b).i64(63n).op(OP.i64_shr_s).get(a).op(OP.i64_and, OP.i64_sub);
  return module.defineFunction(BINARY, code);
}

function defineDivideUnsigned(module: ModuleBuilder): number {
  return defineGuarded(module, [], (code) => code.i64(-1n), OP.i64_div_u);
}

function defineRemainderUnsigned(module: ModuleBuilder): number {
  return defineGuarded(module, [], (code, a) => code.get(a), OP.i64_rem_u);
}

function defineDivideSigned(module: ModuleBuilder): number {
  // Division by -1 is negation, which also gives the manual's result for the one quotient that overflows.
  const byMinusOne = (code: Code, a: Local): Code => code.i64(0n).get(a).op(OP.i64_sub);
  return defineGuarded(module, [byMinusOne], (code) => code.i64(-1n), OP.i64_div_s);
}

function defineRemainderSigned(module: ModuleBuilder): number {
  return defineGuarded(module, [(code) => code.i64(0n)], (code, a) => code.get(a), OP.i64_rem_s);
}

function defineGuarded(
  module: ModuleBuilder,
  byMinusOne: readonly ((code: Code, a: Local) => Code)[],
  byZero: (code: Code, a: Local) => Code,
  opcode: typeof OP.i64_div_s | typeof OP.i64_div_u | typeof OP.i64_rem_s | typeof OP.i64_rem_u,
): number {
  const code = new Code([I64, I64]);
  const [a, b] = [code.parameter(0), code.parameter(1)];
  code.get(b).op(OP.i64_eqz);
  code.if();
  byZero(code, a).op(OP.return);
  code.end();
  for (const special of byMinusOne) {
    code.get(b).i64(-1n).op(OP.i64_eq);
    code.if();
    special(code, a).op(OP.return);
    code.end();
  }
  code.get(a).get(b).op(opcode);
  return module.defineFunction(BINARY, code);
}
