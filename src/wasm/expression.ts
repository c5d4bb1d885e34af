import type { Code, Local } from "./code.ts";
import { OP, type Opcode, type ValueType } from "./opcodes.ts";

/** Leaves one value on the stack. */
export type Expression = (code: Code) => void;

/** An expression, a local, or a constant: a bigint is an i64, a number an i32. */
export type Operand = Expression | Local | bigint | number;

export function push(code: Code, operand: Operand): void {
  if (typeof operand === "function") operand(code);
  else if (typeof operand === "bigint") code.i64(BigInt.asIntN(64, operand));
  else if (typeof operand === "number") code.i32(operand);
  else code.get(operand);
}

function unary(...opcodes: Opcode[]): (a: Operand) => Expression {
  return (a) => (code) => {
    push(code, a);
    code.op(...opcodes);
  };
}

function binary(opcode: Opcode): (a: Operand, b: Operand) => Expression {
  return (a, b) => (code) => {
    push(code, a);
    push(code, b);
    code.op(opcode);
  };
}

export const i32 = {
  eqz: unary(OP.i32_eqz),
  eq: binary(OP.i32_eq),
  ne: binary(OP.i32_ne),
  less: binary(OP.i32_lt_s),
  greater: binary(OP.i32_gt_s),
  greaterUnsigned: binary(OP.i32_gt_u),
  add: binary(OP.i32_add),
  subtract: binary(OP.i32_sub),
  and: binary(OP.i32_and),
  or: binary(OP.i32_or),
  xor: binary(OP.i32_xor),
  shiftLeft: binary(OP.i32_shl),
  shiftRight: binary(OP.i32_shr_u),
  shiftRightSigned: binary(OP.i32_shr_s),
  /** The low half of an i64. */
  low: unary(OP.i32_wrap_i64),
} as const;

export const i64 = {
  eqz: unary(OP.i64_eqz),
  nonzero: unary(OP.i64_eqz, OP.i32_eqz),
  eq: binary(OP.i64_eq),
  ne: binary(OP.i64_ne),
  less: binary(OP.i64_lt_s),
  greater: binary(OP.i64_gt_s),
  lessUnsigned: binary(OP.i64_lt_u),
  greaterUnsigned: binary(OP.i64_gt_u),
  notLessUnsigned: binary(OP.i64_ge_u),
  add: binary(OP.i64_add),
  subtract: binary(OP.i64_sub),
  multiply: binary(OP.i64_mul),
  and: binary(OP.i64_and),
  or: binary(OP.i64_or),
  xor: binary(OP.i64_xor),
  shiftLeft: binary(OP.i64_shl),
  shiftRight: binary(OP.i64_shr_u),
  shiftRightSigned: binary(OP.i64_shr_s),
  leadingZeros: unary(OP.i64_clz),
  /** From an i32. */
  extend: unary(OP.i64_extend_i32_u),
  extendSigned: unary(OP.i64_extend_i32_s),
  signExtend32: unary(OP.i64_extend32_s),
} as const;

export const f64 = {
  divide: binary(OP.f64_div),
  squareRoot: unary(OP.f64_sqrt),
  fromUnsigned: unary(OP.f64_convert_i64_u),
  fromBits: unary(OP.f64_reinterpret_i64),
  toBits: unary(OP.i64_reinterpret_f64),
} as const;

/** One of two values, both computed. */
export function select(condition: Operand, ifTrue: Operand, ifFalse: Operand): Expression {
  return (code) => {
    push(code, ifTrue);
    push(code, ifFalse);
    push(code, condition);
    code.op(OP.select);
  };
}

export function call(functionIndex: number, ...parameters: readonly Operand[]): Expression {
  return (code) => {
    for (const parameter of parameters) push(code, parameter);
    code.call(functionIndex);
  };
}

export function load32(address: number): Expression {
  return (code) => {
    code.i32(0).memory(OP.i32_load, address);
  };
}

/** Statements over expressions: for functions that compute much, and would be unreadable in stack order. */
export class Statements {
  readonly code: Code;

  constructor(code: Code) {
    this.code = code;
  }

  /** A new local with a value. */
  let(type: ValueType, value: Operand): Local {
    const local = this.code.local(type);
    this.set(local, value);
    return local;
  }

  set(local: Local, value: Operand): void {
    push(this.code, value);
    this.code.set(local);
  }

  if(condition: Operand, then: () => void, otherwise?: () => void): void {
    push(this.code, condition);
    this.code.if();
    then();
    if (otherwise !== undefined) {
      this.code.else();
      otherwise();
    }
    this.code.end();
  }

  return(value: Operand): void {
    push(this.code, value);
    this.code.op(OP.return);
  }

  /** A function that gives nothing. */
  call(functionIndex: number, ...parameters: readonly Operand[]): void {
    push(this.code, call(functionIndex, ...parameters));
  }

  store32(address: number, value: Operand): void {
    this.code.i32(0);
    push(this.code, value);
    this.code.memory(OP.i32_store, address);
  }

  /** Exchanges two locals of one type. */
  swap(a: Local, b: Local): void {
    this.code.get(a).get(b).set(a).set(b);
  }
}

/** A condition, as an i32, on both of two. */
export function both(a: Operand, b: Operand): Expression {
  return i32.and(a, b);
}

export function either(a: Operand, b: Operand): Expression {
  return i32.or(a, b);
}
