import { type Csr, type CsrField, fieldMask, findCsr } from "../isa/csrs.ts";
import { findRegister } from "../isa/registers.ts";
import type { Condition, FloatTerm, IntegerOperator, IntegerTerm } from "../machine/stop.ts";
import { ADDRESS_REGISTERS, type Scope } from "./expression.ts";
import { resultType, widened } from "./expression-arithmetic.ts";
import type { BinaryOperator, Node } from "./expression-parser.ts";
import {
  ADDRESS,
  F64,
  type FloatType,
  I64,
  isPhysical,
  isSigned,
  PHYSICAL,
  pointee,
  sizeOf,
  U64,
  type ValueType,
} from "./expression-types.ts";
import { findFloatRegister } from "./float-registers.ts";

/** An expression whose type is known before it is evaluated. */
type Typed =
  | { readonly type: Exclude<ValueType, FloatType>; readonly integer: IntegerTerm; readonly float?: undefined }
  /** The type of what a register seems to hold shows only then; what it is as a double serves for all. */
  | { readonly type: FloatType; readonly float: FloatTerm; readonly integer?: undefined };

const SATP = 0x180;
const ASID: CsrField = { name: "ASID", high: 59, low: 44, access: "read-write", description: "" };

/** What the machine can be asked; undefined where an expression needs more than that. */
type Lowered = Typed | undefined;

/**
 * An expression as a condition that the machine evaluates by itself, with the meaning that it has in expression.ts; undefined
 * when it asks for something that the machine cannot answer alone. It has been compiled before: names are known.
 */
export function conditionOf(root: Node, scope: Scope): Condition | undefined {
  const lowered = new Lowering(scope).lower(root);
  return lowered && truthOf(lowered);
}

class Lowering {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  lower(node: Node): Lowered {
    switch (node.kind) {
      case "number":
        return constant(node.value, node.value < 1n << 63n ? I64 : U64);
      case "float":
        return { type: F64, float: { kind: "float-constant", value: node.value } };
      case "name":
        return this.#name(node.text);
      case "unary":
        return this.#unary(node.operator, node.operand);
      case "binary":
        return this.#binary(node.operator, node.left, node.right);
      case "conditional":
        return this.#conditional(node.condition, node.ifTrue, node.ifFalse);
      case "cast":
        return this.#cast(node.operand, node.type);
      case "call":
        return this.#call(node);
      case "load": {
        const address = this.#integer(node.address);
        return address && load(address.integer, node.type ?? pointee(address.type), isPhysical(address.type));
      }
      case "guest-call":
        return undefined;
      default:
        return this.#index(node.base, node.index);
    }
  }

  #integer(node: Node): (Typed & { readonly integer: IntegerTerm }) | undefined {
    const lowered = this.lower(node);
    return lowered?.integer === undefined ? undefined : lowered;
  }

  /** The same order as for values: `$` is a register, `&` a symbol, registers go before symbols. */
  #name(written: string): Lowered {
    const machineOnly = written.startsWith("$");
    const symbolOnly = written.startsWith("&");
    const name = machineOnly || symbolOnly ? written.slice(1) : written;
    const found = symbolOnly ? undefined : machineName(name);
    if (found !== undefined) return found;
    return machineOnly ? undefined : this.#symbol(name);
  }

  #symbol(name: string): Lowered {
    const symbol = this.#scope.symbol(name);
    return symbol && constant(symbol.address, symbol.constant ? U64 : { kind: "address", size: symbol.size });
  }

  #unary(operator: "-" | "+" | "~" | "!" | "&", node: Node): Lowered {
    if (operator === "&") return this.#addressOf(node);
    const operand = this.lower(node);
    if (operand === undefined) return undefined;
    if (operator === "!") {
      return { type: I64, integer: choose(truthOf(operand), zero, one) };
    }
    if (operand.float !== undefined) {
      if (operator === "~") return undefined;
      return operator === "+" ? operand : { type: operand.type, float: { kind: "negate", operand: operand.float } };
    }
    const { type, integer } = operand;
    const wide = type.kind === "integer" ? integerType(widened(type)) : type;
    if (operator === "+") return { type: wide, integer };
    const negated = binary("subtract", zero, integer);
    return { type: wide, integer: operator === "-" ? negated : binary("subtract", negated, one) };
  }

  /** As for values, the symbol goes before the register of its name; else the place of a load. */
  #addressOf(node: Node): Lowered {
    if (node.kind === "name" && !node.text.startsWith("$")) {
      const symbol = this.#symbol(node.text.replace(/^&/, ""));
      if (symbol !== undefined) return symbol;
    }
    const loaded = node.kind === "load" || node.kind === "index" ? this.lower(node) : undefined;
    const term = loaded?.integer ?? loaded?.float;
    if (loaded === undefined || (term?.kind !== "load" && term?.kind !== "float-load")) return undefined;
    // Evaluating it reads what stands there, which may not be there.
    const type: ValueType = { kind: "pointer", to: loaded.type, ...(term.physical && { physical: true }) };
    const read: IntegerTerm = { ...term, kind: "load", signed: false };
    return { type, integer: choose(read, term.address, term.address) };
  }

  #binary(operator: BinaryOperator, left: Node, right: Node): Lowered {
    const a = this.lower(left);
    const b = this.lower(right);
    if (a === undefined || b === undefined) return undefined;
    if (operator === "&&") return { type: I64, integer: choose(truthOf(a), truthOf(b), zero) };
    if (operator === "||") return { type: I64, integer: choose(truthOf(a), one, truthOf(b)) };
    if (a.float !== undefined || b.float !== undefined) return combineFloats(operator, a, b);
    return combine(operator, a, b);
  }

  #conditional(condition: Node, ifTrue: Node, ifFalse: Node): Lowered {
    const asked = this.lower(condition);
    const [a, b] = [this.lower(ifTrue), this.lower(ifFalse)];
    if (asked === undefined || a === undefined || b === undefined) return undefined;
    const test = truthOf(asked);
    if (a.float !== undefined && b.float !== undefined) {
      return { type: F64, float: { kind: "choose-float", condition: test, ifTrue: a.float, ifFalse: b.float } };
    }
    if (a.integer === undefined || b.integer === undefined) return undefined;
    // What is done with the value may depend on which of the two it is.
    if (JSON.stringify(a.type) !== JSON.stringify(b.type)) return undefined;
    return { type: a.type, integer: choose(test, a.integer, b.integer) };
  }

  #cast(operand: Node, type: ValueType): Lowered {
    const from = this.lower(operand);
    if (from === undefined) return undefined;
    if (type.kind === "float") {
      const float = floatOf(from);
      return { type, float: type.size === 4 ? { kind: "round-to-single", operand: float } : float };
    }
    const to = type.kind === "pointer" && isPhysical(from.type) ? { ...type, physical: true } : type;
    const integer: IntegerTerm =
      from.float === undefined ? from.integer : { kind: "truncate", signed: isSigned(to), operand: from.float };
    return { type: to, integer: normalize(to, integer) };
  }

  #call({ callee, argument }: Node & { readonly kind: "call" }): Lowered {
    const value = callee === "phys" ? this.#integer(argument) : undefined;
    if (value === undefined) return undefined;
    const { type, integer } = value;
    return { type: type.kind === "pointer" ? { ...type, physical: true } : PHYSICAL, integer } as Typed;
  }

  #index(base: Node, index: Node): Lowered {
    const pointer = this.#integer(base);
    const offset = this.#integer(index);
    if (pointer === undefined || offset === undefined) return undefined;
    const element = pointee(pointer.type);
    const address = binary("add", pointer.integer, scaled(offset.integer, element));
    return load(address, element, isPhysical(pointer.type));
  }
}

const zero: IntegerTerm = { kind: "constant", value: 0n };
const one: IntegerTerm = { kind: "constant", value: 1n };

function constant(value: bigint, type: Exclude<ValueType, FloatType>): Typed {
  return { type, integer: { kind: "constant", value } };
}

function binary(operator: IntegerOperator, left: IntegerTerm, right: IntegerTerm): IntegerTerm {
  return { kind: "binary", operator, left, right };
}

function choose(condition: IntegerTerm, ifTrue: IntegerTerm, ifFalse: IntegerTerm): IntegerTerm {
  return { kind: "choose", condition, ifTrue, ifFalse };
}

/** Not 0 when the value is true; 1 or 0, so that it is C's truth as well. */
function truthOf(value: Typed): IntegerTerm {
  if (value.float !== undefined) {
    const none: FloatTerm = { kind: "float-constant", value: 0 };
    return { kind: "compare-floats", operator: "!=", left: value.float, right: none };
  }
  return { kind: "compare", operator: "!=", signed: false, left: value.integer, right: zero };
}

function integerType(type: ValueType): Exclude<ValueType, FloatType> {
  return type.kind === "float" ? I64 : type;
}

function normalize(type: ValueType, operand: IntegerTerm): IntegerTerm {
  if (type.kind !== "integer" || type.size === 8) return operand;
  return { kind: "extend", size: type.size, signed: type.signed, operand };
}

function floatOf(value: Typed): FloatTerm {
  if (value.float !== undefined) return value.float;
  return { kind: "convert", signed: isSigned(value.type), operand: value.integer };
}

function load(address: IntegerTerm, type: ValueType, physical: boolean): Typed {
  if (type.kind === "float") return { type, float: { kind: "float-load", address, size: type.size, physical } };
  return { type, integer: { kind: "load", address, size: sizeOf(type), signed: isSigned(type), physical } };
}

function scaled(count: IntegerTerm, element: ValueType): IntegerTerm {
  return binary("multiply", count, { kind: "constant", value: BigInt(sizeOf(element)) });
}

function isComparison(operator: BinaryOperator): operator is "==" | "!=" | "<" | "<=" | ">" | ">=" {
  return ["==", "!=", "<", "<=", ">", ">="].includes(operator);
}

const FLOAT_OPERATORS = { "+": "add", "-": "subtract", "*": "multiply", "/": "divide" } as const;

function combineFloats(operator: BinaryOperator, a: Typed, b: Typed): Lowered {
  const [left, right] = [floatOf(a), floatOf(b)];
  if (isComparison(operator)) return { type: I64, integer: { kind: "compare-floats", operator, left, right } };
  if (!Object.hasOwn(FLOAT_OPERATORS, operator)) return undefined;
  const named = FLOAT_OPERATORS[operator as keyof typeof FLOAT_OPERATORS];
  return { type: F64, float: { kind: "float-binary", operator: named, left, right } };
}

type TypedInteger = Extract<Typed, { readonly integer: IntegerTerm }>;

/** See combine in expression-arithmetic.ts: the same cases in the same order. */
function combine(operator: BinaryOperator, a: TypedInteger, b: TypedInteger): Lowered {
  const pointers = pointerArithmetic(operator, a, b);
  if (pointers !== undefined) return pointers;
  const signed = isSigned(widened(a.type)) && isSigned(widened(b.type));
  const [left, right] = [a.integer, b.integer];
  if (isComparison(operator)) return { type: I64, integer: { kind: "compare", operator, signed, left, right } };
  const type = integerType(resultType(operator, a.type, b.type, signed));
  const result = (named: IntegerOperator): Typed => ({ type, integer: binary(named, left, right) });
  const shifted = (named: IntegerOperator): Typed => ({
    type: a.type.kind === "integer" ? integerType(widened(a.type)) : a.type,
    integer: binary(named, left, right),
  });
  switch (operator) {
    case "+":
      return result("add");
    case "-":
      return result("subtract");
    case "*":
      return result("multiply");
    case "/":
      return result(signed ? "divide-signed" : "divide-unsigned");
    case "%":
      return result(signed ? "remainder-signed" : "remainder-unsigned");
    case "&":
      return result("and");
    case "|":
      return result("or");
    case "^":
      return result("xor");
    case "<<":
      return shifted("shift-left");
    case ">>":
      return shifted(isSigned(widened(a.type)) ? "shift-right-signed" : "shift-right-unsigned");
    default:
      return undefined;
  }
}

function pointerArithmetic(operator: BinaryOperator, a: TypedInteger, b: TypedInteger): Lowered {
  if (operator !== "+" && operator !== "-") return undefined;
  const named = operator === "+" ? "add" : "subtract";
  if (a.type.kind === "pointer" && b.type.kind === "integer") {
    return { type: a.type, integer: binary(named, a.integer, scaled(b.integer, a.type.to)) };
  }
  if (b.type.kind === "pointer" && a.type.kind === "integer" && operator === "+") {
    return { type: b.type, integer: binary("add", b.integer, scaled(a.integer, b.type.to)) };
  }
  if (a.type.kind === "pointer" && b.type.kind === "pointer" && operator === "-") {
    const size: IntegerTerm = { kind: "constant", value: BigInt(sizeOf(a.type.to)) };
    return { type: I64, integer: binary("divide-signed", binary("subtract", a.integer, b.integer), size) };
  }
  return undefined;
}

const FIXED: Readonly<Record<string, Typed>> = {
  pc: { type: ADDRESS, integer: { kind: "pc" } },
  instant: { type: U64, integer: { kind: "instant" } },
  mtime: { type: U64, integer: { kind: "time" } },
  hart: { type: U64, integer: { kind: "hart" } },
  privilege: { type: U64, integer: { kind: "privilege" } },
  priv: { type: U64, integer: { kind: "privilege" } },
  asid: { type: U64, integer: csrField({ number: SATP }, ASID) },
  U: constant(0n, I64),
  S: constant(1n, I64),
  M: constant(3n, I64),
};

/** Undefined: the machine has no such name. */
function machineName(name: string): Typed | undefined {
  const register = findRegister(name)?.number;
  if (register !== undefined) {
    return { type: ADDRESS_REGISTERS.has(register) ? ADDRESS : I64, integer: { kind: "register", register } };
  }
  const float = findFloatRegister(name);
  if (float !== undefined) {
    const { view } = float;
    if (view === "bits") return { type: U64, integer: { kind: "float-bits", register: float.register } };
    return { type: F64, float: { kind: "float-register", register: float.register, view } };
  }
  if (Object.hasOwn(FIXED, name)) return FIXED[name];
  const [csrText, fieldText, ...more] = name.split(".");
  const csr = findCsr(csrText);
  if (csr === undefined || more.length > 0) return undefined;
  if (fieldText === undefined) return { type: U64, integer: { kind: "csr", number: csr.number } };
  const field = csr.fields.find((candidate) => candidate.name.toLowerCase() === fieldText.toLowerCase());
  return field && { type: U64, integer: csrField(csr, field) };
}

function csrField({ number }: Pick<Csr, "number">, field: CsrField): IntegerTerm {
  const masked = binary("and", { kind: "csr", number }, { kind: "constant", value: fieldMask(field) });
  return binary("shift-right-unsigned", masked, { kind: "constant", value: BigInt(field.low) });
}
