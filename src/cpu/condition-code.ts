import type { MemoryLayout } from "../memory/layout.ts";
import * as layout from "../memory/layout.ts";
import { LOAD_OPCODES } from "../memory/translation-code.ts";
import { Code, type Label, type Local } from "../wasm/code.ts";
import { type FunctionType, ModuleBuilder } from "../wasm/module.ts";
import { F64, I32, I64, OP, type Opcode } from "../wasm/opcodes.ts";
import type { Comparison, Condition, FloatTerm, IntegerOperator, IntegerTerm } from "./condition.ts";
import { type ConditionMemory, defineConditionMemory } from "./condition-memory.ts";

/**
 * (pc, steps left after the one that is about to be taken) -> 0 when the hart need not stop there. Registers are those in
 * the hart window. It changes nothing but the words of hit counters.
 */
export const FILTER_FUNCTION: FunctionType = { parameters: [I64, I32], results: [I32] };
export const FILTER_EXPORT = "filter";

/** A filter as the engine knows it. */
export interface FilterPart {
  readonly condition: Condition | undefined;
  /** Its number in HIT_COUNTERS. */
  readonly counter: number | undefined;
}

export interface FilterModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Registers that are looked at: bit n for x[n], bit 32 + n for f[n]. */
  readonly reads: bigint;
}

/** What conditions need to know of the machine. */
export interface ConditionHost {
  readonly where: MemoryLayout;
  /** Where the word of a CSR lies whose value is just that; undefined: it is computed, or the harts lack it. */
  readonly csrAddress: (csr: number) => number | undefined;
  readonly hasFloat: boolean;
  readonly stepsPerTick: number;
}

/** The module with one function for all breakpoints at an address; undefined when something in it cannot be compiled. */
export function filterModule(
  host: ConditionHost,
  address: bigint,
  parts: readonly FilterPart[],
): FilterModule | undefined {
  const module = new ModuleBuilder({ name: "memory", minimumPages: host.where.wasmPages });
  const memory = defineConditionMemory(module, host.where);
  const writer = new FilterWriter(host, memory, address);
  const code = writer.write(parts);
  if (code === undefined) return undefined;
  module.defineFunction(FILTER_FUNCTION, code, FILTER_EXPORT);
  return { bytes: module.finish(), reads: writer.reads };
}

/** The hart has not what the condition asks for: thrown and caught in this file. */
class NotCompilable extends Error {}

class FilterWriter {
  readonly #host: ConditionHost;
  readonly #memory: ConditionMemory;
  readonly #address: bigint;
  readonly #code = new Code(FILTER_FUNCTION.parameters);
  readonly #result: Local;
  readonly #instant: Local;
  #unanswered!: Label;
  reads = 0n;

  constructor(host: ConditionHost, memory: ConditionMemory, address: bigint) {
    this.#host = host;
    this.#memory = memory;
    this.#address = address;
    this.#result = this.#code.local(I32);
    this.#instant = this.#code.local(I64);
  }

  write(parts: readonly FilterPart[]): Code | undefined {
    const code = this.#code;
    try {
      // The record serves all addresses at which its page is executed.
      code.get(code.parameter(0)).i64(BigInt.asIntN(64, this.#address)).op(OP.i64_ne);
      code.if();
      code.i32(0).op(OP.return);
      code.end();
      code.i32(0).memory(OP.i64_load, layout.INSTANT_AT_END);
      code.get(code.parameter(1)).i32(1).op(OP.i32_add, OP.i64_extend_i32_s, OP.i64_sub).set(this.#instant);
      for (const part of parts) this.#part(part);
      code.get(this.#result);
      return code;
    } catch (error) {
      if (error instanceof NotCompilable) return undefined;
      throw error;
    }
  }

  #part({ condition, counter }: FilterPart): void {
    const code = this.#code;
    const done = code.block();
    this.#unanswered = code.block();
    if (condition !== undefined) {
      this.#integer(condition);
      code.op(OP.i64_eqz).branchIf(done);
    }
    if (counter !== undefined) {
      this.#count(layout.HIT_COUNTERS + counter * layout.HIT_COUNTER_BYTES, counter, done);
    }
    code.end();
    code.i32(1).set(this.#result);
    code.end();
  }

  /** Goes to `done` when the hit is skipped. It counts once, however often one looks at it. */
  #count(at: number, counter: number, done: Label): void {
    const code = this.#code;
    const { left, instant } = layout.HIT_COUNTER;
    const logged = code.local(I32);
    code
      .i32(0)
      .memory(OP.i64_load, at + instant)
      .get(this.#instant)
      .op(OP.i64_ne);
    code.if();
    code
      .i32(0)
      .get(this.#instant)
      .memory(OP.i64_store, at + instant);
    code
      .i32(0)
      .i32(0)
      .memory(OP.i32_load, at + left)
      .i32(1)
      .op(OP.i32_sub)
      .memory(OP.i32_store, at + left);
    code.i32(0).memory(OP.i32_load, layout.HIT_LOG_LENGTH).tee(logged).i32(layout.HIT_LOG_ENTRIES).op(OP.i32_ge_u);
    code.if();
    // No room to remember it: then it is shown.
    code
      .i32(0)
      .i32(-1)
      .memory(OP.i32_store, at + left);
    code.end();
    code
      .i32(0)
      .memory(OP.i32_load, at + left)
      .i32(0)
      .op(OP.i32_ge_s);
    code.if();
    code.get(logged).i32(4).op(OP.i32_shl);
    code.get(this.#instant).op(OP.f64_convert_i64_s).memory(OP.f64_store, layout.HIT_LOG);
    code
      .get(logged)
      .i32(4)
      .op(OP.i32_shl)
      .i32(counter)
      .memory(OP.i32_store, layout.HIT_LOG + 8);
    code.i32(0).get(logged).i32(1).op(OP.i32_add).memory(OP.i32_store, layout.HIT_LOG_LENGTH);
    code.end();
    code.end();
    code
      .i32(0)
      .memory(OP.i32_load, at + left)
      .i32(0)
      .op(OP.i32_ge_s)
      .branchIf(done);
  }

  #integer(term: IntegerTerm): void {
    const code = this.#code;
    switch (term.kind) {
      case "constant":
        code.i64(BigInt.asIntN(64, term.value));
        return;
      case "register":
        this.reads |= 1n << BigInt(term.register);
        code.i32(0).memory(OP.i64_load, layout.REGISTERS + 8 * term.register);
        return;
      case "float-bits":
        this.#floatBits(term.register);
        return;
      case "csr": {
        const address = this.#host.csrAddress(term.number);
        if (address === undefined) throw new NotCompilable();
        code.i32(0).memory(OP.i64_load, address);
        return;
      }
      case "pc":
        code.i64(BigInt.asIntN(64, this.#address));
        return;
      case "instant":
        code.get(this.#instant);
        return;
      case "time":
        code.get(this.#instant).i64(BigInt(this.#host.stepsPerTick)).op(OP.i64_div_u);
        code.i32(0).memory(OP.i64_load, layout.TICK_OFFSET).op(OP.i64_add);
        return;
      case "hart":
        code.i32(0).memory(OP.i64_load32_u, layout.HART_NUMBER);
        return;
      case "privilege":
        code.i32(0).memory(OP.i64_load32_u, layout.PRIVILEGE);
        return;
      case "load":
        this.#host32(term);
        code.memory(LOAD_OPCODES[term.signed ? "signed" : "unsigned"][term.size], 0);
        return;
      case "binary":
        this.#binary(term.operator, term.left, term.right);
        return;
      case "compare":
        this.#integer(term.left);
        this.#integer(term.right);
        code.op(COMPARE[term.operator][term.signed ? 0 : 1], OP.i64_extend_i32_u);
        return;
      case "compare-floats":
        this.#float(term.left);
        this.#float(term.right);
        code.op(COMPARE[term.operator][2], OP.i64_extend_i32_u);
        return;
      case "extend":
        this.#integer(term.operand);
        if (term.signed) code.op(EXTEND[term.size]);
        else code.i64((1n << BigInt(8 * term.size)) - 1n).op(OP.i64_and);
        return;
      case "truncate":
        this.#float(term.operand);
        code.truncateSaturating(term.signed);
        return;
      default:
        this.#integer(term.condition);
        code.op(OP.i64_eqz);
        code.if(I64);
        this.#integer(term.ifFalse);
        code.else();
        this.#integer(term.ifTrue);
        code.end();
    }
  }

  #binary(operator: IntegerOperator, left: IntegerTerm, right: IntegerTerm): void {
    const code = this.#code;
    this.#integer(left);
    this.#integer(right);
    if (Object.hasOwn(PLAIN, operator)) {
      code.op(PLAIN[operator as keyof typeof PLAIN]);
      return;
    }
    const [a, b] = [code.local(I64), code.local(I64)];
    code.set(b).set(a);
    switch (operator) {
      case "shift-left":
      case "shift-right-unsigned":
        code
          .get(a)
          .get(b)
          .op(operator === "shift-left" ? OP.i64_shl : OP.i64_shr_u);
        code.i64(0n).get(b).i64(64n).op(OP.i64_lt_u, OP.select);
        return;
      case "shift-right-signed":
        code.get(a).get(b).i64(63n).get(b).i64(64n).op(OP.i64_lt_u, OP.select, OP.i64_shr_s);
        return;
      case "divide-signed":
        code.get(b).op(OP.i64_eqz).branchIf(this.#unanswered);
        // The least number by -1 wraps; WebAssembly would trap.
        code.get(b).i64(-1n).op(OP.i64_eq);
        code.if(I64);
        code.i64(0n).get(a).op(OP.i64_sub);
        code.else();
        code.get(a).get(b).op(OP.i64_div_s);
        code.end();
        return;
      default:
        code.get(b).op(OP.i64_eqz).branchIf(this.#unanswered);
        code
          .get(a)
          .get(b)
          .op(DIVIDE[operator as keyof typeof DIVIDE]);
    }
  }

  /** Leaves the host address of what a load reads. */
  #host32({
    address,
    size,
    physical,
  }: {
    readonly address: IntegerTerm;
    readonly size: number;
    readonly physical: boolean;
  }): void {
    const code = this.#code;
    const host = code.local(I32);
    this.#integer(address);
    code.i32(size).call(physical ? this.#memory.physical : this.#memory.virtual);
    code.tee(host).op(OP.i32_eqz).branchIf(this.#unanswered);
    code.get(host);
  }

  #floatBits(register: number): void {
    if (!this.#host.hasFloat) throw new NotCompilable();
    this.reads |= 1n << BigInt(32 + register);
    this.#code.i32(0).memory(OP.i64_load, layout.FLOAT_REGISTERS + 8 * register);
  }

  #float(term: FloatTerm): void {
    const code = this.#code;
    switch (term.kind) {
      case "float-constant":
        code.f64(term.value);
        return;
      case "float-register":
        this.#floatRegister(term.register, term.view);
        return;
      case "float-load":
        this.#host32(term);
        if (term.size === 8) code.memory(OP.f64_load, 0);
        else code.memory(OP.f32_load, 0).op(OP.f64_promote_f32);
        return;
      case "convert":
        this.#integer(term.operand);
        code.op(term.signed ? OP.f64_convert_i64_s : OP.f64_convert_i64_u);
        return;
      case "round-to-single":
        this.#float(term.operand);
        code.op(OP.f32_demote_f64, OP.f64_promote_f32);
        return;
      case "negate":
        this.#float(term.operand);
        code.op(OP.f64_neg);
        return;
      case "float-binary":
        this.#float(term.left);
        this.#float(term.right);
        code.op(FLOAT_BINARY[term.operator]);
        return;
      default:
        this.#integer(term.condition);
        code.op(OP.i64_eqz);
        code.if(F64);
        this.#float(term.ifFalse);
        code.else();
        this.#float(term.ifTrue);
        code.end();
    }
  }

  #floatRegister(register: number, view: "natural" | "single" | "double"): void {
    const code = this.#code;
    const bits = code.local(I64);
    this.#floatBits(register);
    code.set(bits);
    if (view === "double") {
      code.get(bits).op(OP.f64_reinterpret_i64);
      return;
    }
    code.get(bits).op(OP.i32_wrap_i64, OP.f32_reinterpret_i32, OP.f64_promote_f32);
    if (view === "single") return;
    // A single is boxed: its upper half is all ones.
    code.get(bits).op(OP.f64_reinterpret_i64);
    code.get(bits).i64(32n).op(OP.i64_shr_u).i64(0xffff_ffffn).op(OP.i64_eq, OP.select);
  }
}

const PLAIN = {
  add: OP.i64_add,
  subtract: OP.i64_sub,
  multiply: OP.i64_mul,
  and: OP.i64_and,
  or: OP.i64_or,
  xor: OP.i64_xor,
} as const;

const DIVIDE = {
  "divide-unsigned": OP.i64_div_u,
  "remainder-signed": OP.i64_rem_s,
  "remainder-unsigned": OP.i64_rem_u,
} as const;

const EXTEND: Readonly<Record<1 | 2 | 4, Opcode>> = {
  1: OP.i64_extend8_s,
  2: OP.i64_extend16_s,
  4: OP.i64_extend32_s,
};

const FLOAT_BINARY = { add: OP.f64_add, subtract: OP.f64_sub, multiply: OP.f64_mul, divide: OP.f64_div } as const;

/** For signed and unsigned integers, and for floating-point numbers. */
const COMPARE: Readonly<Record<Comparison, readonly [Opcode, Opcode, Opcode]>> = {
  "==": [OP.i64_eq, OP.i64_eq, OP.f64_eq],
  "!=": [OP.i64_ne, OP.i64_ne, OP.f64_ne],
  "<": [OP.i64_lt_s, OP.i64_lt_u, OP.f64_lt],
  "<=": [OP.i64_le_s, OP.i64_le_u, OP.f64_le],
  ">": [OP.i64_gt_s, OP.i64_gt_u, OP.f64_gt],
  ">=": [OP.i64_ge_s, OP.i64_ge_u, OP.f64_ge],
};
