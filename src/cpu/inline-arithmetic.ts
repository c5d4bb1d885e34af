import type { Signedness } from "../isa/semantics.ts";
import type { Code, Local } from "../wasm/code.ts";
import { I64, OP } from "../wasm/opcodes.ts";

/**
 * Multiplication and division where RISC-V differs from WebAssembly, as functions (ArithmeticFunctions) and in place. A region's function that calls another keeps fewer registers of
 * the host: whatever lives across the call lies in memory, even on the ways that do not pass it.
 */

/** Leaves the quotient as RISC-V has it. */
export function emitDivide(code: Code, a: Local, b: Local, signedness: Signedness): void {
  if (signedness === "unsigned") {
    code.get(b).op(OP.i64_eqz);
    code.if(I64);
    code.i64(-1n);
    code.else();
    code.get(a).get(b).op(OP.i64_div_u);
    code.end();
    return;
  }
  isZeroOrMinusOne(code, b);
  code.if(I64);
  // Division by -1 is negation, which also gives the manual's result for the one quotient that overflows.
  code.i64(-1n).i64(0n).get(a).op(OP.i64_sub).get(b).op(OP.i64_eqz, OP.select);
  code.else();
  code.get(a).get(b).op(OP.i64_div_s);
  code.end();
}

/** Leaves the remainder as RISC-V has it. */
export function emitRemainder(code: Code, a: Local, b: Local, signedness: Signedness): void {
  if (signedness === "unsigned") {
    code.get(b).op(OP.i64_eqz);
    code.if(I64);
    code.get(a);
    code.else();
    code.get(a).get(b).op(OP.i64_rem_u);
    code.end();
    return;
  }
  isZeroOrMinusOne(code, b);
  code.if(I64);
  code.get(a).i64(0n).get(b).op(OP.i64_eqz, OP.select);
  code.else();
  code.get(a).get(b).op(OP.i64_rem_s);
  code.end();
}

function isZeroOrMinusOne(code: Code, b: Local): void {
  code.get(b).i64(1n).op(OP.i64_add).i64(1n).op(OP.i64_le_u);
}

/** Leaves the upper half of the product: schoolbook multiplication on 32-bit halves, then what negative factors take away. */
export function emitMultiplyHigh(
  code: Code,
  [a, b]: readonly [Local, Local],
  signedness: "signed" | "unsigned" | "mixed",
  take: () => Local,
): void {
  const [cross, middle] = [take(), take()];
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
  if (signedness === "unsigned") return;
  code.get(a).i64(63n).op(OP.i64_shr_s).get(b).op(OP.i64_and, OP.i64_sub);
  if (signedness === "signed") code.get(b).i64(63n).op(OP.i64_shr_s).get(a).op(OP.i64_and, OP.i64_sub);
}
