import { errors } from "./errors.ts";
import type { Value } from "./expression.ts";
import { bitsOf, toFloat } from "./expression-floats.ts";
import type { BinaryOperator } from "./expression-parser.ts";
import {
  ADDRESS,
  F64,
  I64,
  isPhysical,
  isSigned,
  numberOf,
  PHYSICAL,
  sizeOf,
  U64,
  type ValueType,
} from "./expression-types.ts";

/** C's operators on values. */

export function truth(condition: boolean): Value {
  return { bits: condition ? 1n : 0n, type: I64 };
}

/** Results of arithmetic are 64 bits wide; narrow operands have been extended, as C promotes them. */
export function arithmetic(type: ValueType, bits: bigint): Value {
  const wide: ValueType = type.kind === "integer" ? widened(type) : type;
  return { bits: BigInt.asUintN(64, bits), type: wide };
}

/** Narrow unsigned types fit a signed 64-bit one, as in C's promotions; u64 stays unsigned. */
export function widened(type: ValueType): ValueType {
  return type.kind === "integer" && type.size === 8 && !type.signed ? U64 : I64;
}

export function combine(operator: BinaryOperator, a: Value, b: Value): Value {
  const scaled = pointerArithmetic(operator, a, b);
  if (scaled !== undefined) return scaled;
  if (a.type.kind === "float" || b.type.kind === "float") return combineFloats(operator, a, b);
  // C's usual conversions: signed only when both are.
  const signed = isSigned(widened(a.type)) && isSigned(widened(b.type));
  const x = signed ? BigInt.asIntN(64, a.bits) : a.bits;
  const y = signed ? BigInt.asIntN(64, b.bits) : b.bits;
  const relation = compare(operator, x, y);
  if (relation !== undefined) return relation;
  const type = resultType(operator, a.type, b.type, signed);
  const result = (bits: bigint): Value => ({ bits: BigInt.asUintN(64, bits), type });
  switch (operator) {
    case "+":
      return result(x + y);
    case "-":
      return result(x - y);
    case "*":
      return result(x * y);
    case "/":
      if (y === 0n) throw errors.divisionByZero();
      return result(x / y);
    case "%":
      if (y === 0n) throw errors.divisionByZero();
      return result(x % y);
    case "&":
      return result(x & y);
    case "|":
      return result(x | y);
    case "^":
      return result(x ^ y);
    case "<<":
      return arithmetic(a.type, b.bits >= 64n ? 0n : a.bits << b.bits);
    case ">>": {
      const value = numberOf(widened(a.type), a.bits);
      return arithmetic(a.type, (value >> (b.bits > 63n ? 63n : b.bits)) >> (b.bits > 63n ? 1n : 0n));
    }
    default:
      // && and || have been compiled apart, because they may leave their right side out.
      throw new TypeError(`unexpected operator ${operator}`);
  }
}

/** Undefined: the operator is no comparison. */
function compare<Operand extends bigint | number>(operator: BinaryOperator, x: Operand, y: Operand): Value | undefined {
  switch (operator) {
    case "==":
      return truth(x === y);
    case "!=":
      return truth(x !== y);
    case "<":
      return truth(x < y);
    case "<=":
      return truth(x <= y);
    case ">":
      return truth(x > y);
    case ">=":
      return truth(x >= y);
    default:
      return undefined;
  }
}

/** As C has it: both operands become double. Bits of floating-point numbers are had with `,x` or `fa0.x`. */
function combineFloats(operator: BinaryOperator, a: Value, b: Value): Value {
  const x = toFloat(a.type, a.bits);
  const y = toFloat(b.type, b.bits);
  const relation = compare(operator, x, y);
  if (relation !== undefined) return relation;
  const result = (value: number): Value => ({ bits: bitsOf(F64, value), type: F64 });
  switch (operator) {
    case "+":
      return result(x + y);
    case "-":
      return result(x - y);
    case "*":
      return result(x * y);
    case "/":
      return result(x / y);
    default:
      throw errors.floatOperator(operator);
  }
}

/** An address stays one when a number is added or subtracted; the difference of two is a number. */
export function resultType(operator: BinaryOperator, a: ValueType, b: ValueType, signed: boolean): ValueType {
  const number = signed ? I64 : U64;
  if (operator === "-" && a.kind !== "integer" && b.kind !== "integer") return I64;
  if (operator === "+" || operator === "-") {
    if (a.kind === "address" && b.kind === "integer") return isPhysical(a) ? PHYSICAL : ADDRESS;
    if (b.kind === "address" && a.kind === "integer" && operator === "+") return isPhysical(b) ? PHYSICAL : ADDRESS;
  }
  return number;
}

/** Pointers with a type count in elements, as in C. */
function pointerArithmetic(operator: BinaryOperator, a: Value, b: Value): Value | undefined {
  if (operator !== "+" && operator !== "-") return undefined;
  if (a.type.kind === "pointer" && b.type.kind === "integer") {
    const bytes = b.bits * BigInt(sizeOf(a.type.to));
    return { bits: BigInt.asUintN(64, operator === "+" ? a.bits + bytes : a.bits - bytes), type: a.type };
  }
  if (b.type.kind === "pointer" && a.type.kind === "integer" && operator === "+") {
    return { bits: BigInt.asUintN(64, b.bits + a.bits * BigInt(sizeOf(b.type.to))), type: b.type };
  }
  if (a.type.kind === "pointer" && b.type.kind === "pointer" && operator === "-") {
    const size = BigInt(sizeOf(a.type.to));
    return { bits: BigInt.asUintN(64, BigInt.asIntN(64, a.bits - b.bits) / size), type: I64 };
  }
  return undefined;
}
