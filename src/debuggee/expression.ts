import { unreachable } from "../base/assert.ts";
import { type Csr, type CsrField, fieldValue, findCsr } from "../isa/csrs.ts";
import { abiName, findRegister } from "../isa/registers.ts";
import { errors } from "./errors.ts";
import { type BinaryOperator, type Format, type Node, parseExpression } from "./expression-parser.ts";
import {
  ADDRESS,
  I64,
  isSigned,
  normalize,
  numberOf,
  pointee,
  sizeOf,
  U64,
  type ValueType,
} from "./expression-types.ts";

/** Where a value stands, when it can be written or watched. */
export type Place =
  | { readonly kind: "register"; readonly register: number }
  | { readonly kind: "pc" }
  | { readonly kind: "csr"; readonly csr: Csr; readonly field: CsrField | undefined }
  | { readonly kind: "memory"; readonly address: bigint; readonly size: number };

export interface Value {
  /** Extended to 64 bits as the type says, unsigned. */
  readonly bits: bigint;
  readonly type: ValueType;
  readonly place?: Place;
}

/** What an expression looks at: a hart in a frame, with the memory and clock of its machine. */
export interface Surroundings {
  /** Undefined in a caller's frame for registers that are lost. */
  register(index: number): bigint | undefined;
  readonly pc: bigint;
  csr(number: number): bigint | undefined;
  /** A little-endian unsigned value; undefined where there is no memory. */
  read(address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined;
  readonly instant: number;
  readonly time: bigint;
  readonly hart: number;
  readonly privilege: number;
}

/** Names that are resolved when an expression is compiled. */
export interface Scope {
  /** Address and size (0: unknown) of a symbol. */
  symbol(name: string): { readonly address: bigint; readonly size: number; readonly constant: boolean } | undefined;
}

type Evaluate = (at: Surroundings) => Value;

export interface CompiledExpression {
  readonly text: string;
  readonly format: Format;
  evaluate(at: Surroundings): Value;
  /** The value to be assigned, of `place = value`. */
  readonly assigned: ((at: Surroundings) => Value) | undefined;
}

/** Registers that hold addresses by convention; the others are signed, as gdb has them. */
const ADDRESS_REGISTERS = new Set([1, 2, 3, 4]);

/** Names beside registers, CSRs and symbols. */
const SPECIAL: Readonly<Record<string, Evaluate>> = {
  pc: (at) => ({ bits: at.pc, type: ADDRESS, place: { kind: "pc" } }),
  instant: (at) => ({ bits: BigInt(at.instant), type: U64 }),
  mtime: (at) => ({ bits: at.time, type: U64 }),
  hart: (at) => ({ bits: BigInt(at.hart), type: U64 }),
  privilege: (at) => ({ bits: BigInt(at.privilege), type: U64 }),
};

export const SPECIAL_NAMES: readonly string[] = Object.keys(SPECIAL);

/** Compiles once what may be evaluated at many hits. Throws a UserError that names the column. */
export function compileExpression(text: string, scope: Scope): CompiledExpression {
  const parsed = parseExpression(text);
  const compiler = new Compiler(text, scope);
  return {
    text,
    format: parsed.format,
    evaluate: compiler.compile(parsed.root),
    assigned: parsed.assigned && compiler.compile(parsed.assigned),
  };
}

export function isTrue(value: Value): boolean {
  return value.bits !== 0n;
}

class Compiler {
  readonly #text: string;
  readonly #scope: Scope;

  constructor(text: string, scope: Scope) {
    this.#text = text;
    this.#scope = scope;
  }

  compile(node: Node): Evaluate {
    switch (node.kind) {
      case "number":
        return this.#number(node.value, node);
      case "name":
        return this.#name(node.text, node);
      case "unary":
        return this.#unary(node.operator, node.operand);
      case "binary":
        return this.#binary(node.operator, node);
      case "conditional": {
        const condition = this.compile(node.condition);
        const ifTrue = this.compile(node.ifTrue);
        const ifFalse = this.compile(node.ifFalse);
        return (at) => (isTrue(condition(at)) ? ifTrue(at) : ifFalse(at));
      }
      case "cast": {
        const operand = this.compile(node.operand);
        const { type } = node;
        return (at) => ({ bits: normalize(type, operand(at).bits), type });
      }
      case "load":
        return this.#load(this.compile(node.address), node.type);
      case "index":
        return this.#index(this.compile(node.base), this.compile(node.index));
      default:
        return unreachable(node, "expression");
    }
  }

  #number(value: bigint, node: Node): Evaluate {
    if (value >= 1n << 64n) throw errors.expression(this.#text, node.column, "This number does not fit 64 bits");
    // As in C, a number that a signed type cannot hold is unsigned.
    const result: Value = { bits: value, type: value < 1n << 63n ? I64 : U64 };
    return () => result;
  }

  #name(written: string, node: Node): Evaluate {
    const machineOnly = written.startsWith("$");
    const symbolOnly = written.startsWith("&");
    const name = machineOnly || symbolOnly ? written.slice(1) : written;
    const found = (symbolOnly ? undefined : this.#machineName(name)) ?? (machineOnly ? undefined : this.#symbol(name));
    if (found !== undefined) return found;
    const what = machineOnly ? "register" : symbolOnly ? "symbol" : "register, CSR or symbol";
    throw errors.expression(this.#text, node.column, `There is no ${what} "${name}"`);
  }

  #machineName(name: string): Evaluate | undefined {
    const register = findRegister(name);
    if (register !== undefined) return registerReader(register.number);
    if (Object.hasOwn(SPECIAL, name)) return SPECIAL[name];
    const [csrText, fieldText, ...more] = name.split(".");
    const csr = findCsr(csrText);
    if (csr === undefined || more.length > 0) return undefined;
    if (fieldText === undefined) return csrReader(csr, undefined);
    const field = csr.fields.find((candidate) => candidate.name.toLowerCase() === fieldText.toLowerCase());
    return field && csrReader(csr, field);
  }

  #symbol(name: string): Evaluate | undefined {
    const symbol = this.#scope.symbol(name);
    if (symbol === undefined) return undefined;
    const type: ValueType = symbol.constant ? U64 : { kind: "address", size: symbol.size };
    const value: Value = { bits: symbol.address, type };
    return () => value;
  }

  #load(address: Evaluate, type: ValueType | undefined): Evaluate {
    return (at) => {
      const pointer = address(at);
      return loadAt(at, pointer.bits, type ?? pointee(pointer.type));
    };
  }

  #index(base: Evaluate, index: Evaluate): Evaluate {
    return (at) => {
      const pointer = base(at);
      const element = pointee(pointer.type);
      const offset = index(at).bits * BigInt(sizeOf(element));
      return loadAt(at, BigInt.asUintN(64, pointer.bits + offset), element);
    };
  }

  #unary(operator: "-" | "+" | "~" | "!" | "&", node: Node): Evaluate {
    if (operator === "&") return this.#addressOf(node);
    const operand = this.compile(node);
    switch (operator) {
      case "!":
        return (at) => truth(!isTrue(operand(at)));
      case "+":
        return (at) => arithmetic(operand(at).type, operand(at).bits);
      case "-":
        return (at) => {
          const { bits, type } = operand(at);
          return arithmetic(type, -bits);
        };
      case "~":
        return (at) => {
          const { bits, type } = operand(at);
          return arithmetic(type, ~bits);
        };
    }
  }

  /** `&symbol` is the symbol even when a register has its name; `&*p` is p. */
  #addressOf(node: Node): Evaluate {
    if (node.kind === "name" && !node.text.startsWith("$")) {
      const symbol = this.#symbol(node.text.replace(/^&/, ""));
      if (symbol !== undefined) return symbol;
    }
    const operand = this.compile(node);
    if (node.kind !== "load" && node.kind !== "index") {
      throw errors.expression(this.#text, node.column, "Only symbols and memory have an address");
    }
    return (at) => {
      const { place, type } = operand(at);
      // A load always knows its place.
      return { bits: place?.kind === "memory" ? place.address : 0n, type: { kind: "pointer", to: type } };
    };
  }

  #binary(operator: BinaryOperator, node: Node & { readonly kind: "binary" }): Evaluate {
    const left = this.compile(node.left);
    const right = this.compile(node.right);
    if (operator === "&&") return (at) => truth(isTrue(left(at)) && isTrue(right(at)));
    if (operator === "||") return (at) => truth(isTrue(left(at)) || isTrue(right(at)));
    return (at) => combine(operator, left(at), right(at));
  }
}

function registerReader(register: number): Evaluate {
  const type: ValueType = ADDRESS_REGISTERS.has(register) ? ADDRESS : I64;
  const place: Place = { kind: "register", register };
  return (at) => {
    const bits = at.register(register);
    if (bits === undefined) throw errors.unknownRegister(abiName(register));
    return { bits, type, place };
  };
}

function csrReader(csr: Csr, field: CsrField | undefined): Evaluate {
  const place: Place = { kind: "csr", csr, field };
  return (at) => {
    const bits = at.csr(csr.number);
    if (bits === undefined) throw errors.noRegister(`${csr.name} on this hart`);
    return { bits: field === undefined ? bits : fieldValue(field, bits), type: U64, place };
  };
}

function loadAt(at: Surroundings, address: bigint, type: ValueType): Value {
  const size = sizeOf(type);
  const bits = at.read(address, size);
  if (bits === undefined) throw errors.unreadable(address, size);
  return { bits: normalize(type, bits), type, place: { kind: "memory", address, size } };
}

function truth(condition: boolean): Value {
  return { bits: condition ? 1n : 0n, type: I64 };
}

/** Results of arithmetic are 64 bits wide; narrow operands have been extended, as C promotes them. */
function arithmetic(type: ValueType, bits: bigint): Value {
  const wide: ValueType = type.kind === "integer" ? widened(type) : type;
  return { bits: BigInt.asUintN(64, bits), type: wide };
}

/** Narrow unsigned types fit a signed 64-bit one, as in C's promotions; u64 stays unsigned. */
function widened(type: ValueType): ValueType {
  return type.kind === "integer" && type.size === 8 && !type.signed ? U64 : I64;
}

function combine(operator: BinaryOperator, a: Value, b: Value): Value {
  const scaled = pointerArithmetic(operator, a, b);
  if (scaled !== undefined) return scaled;
  // C's usual conversions: signed only when both are.
  const signed = isSigned(widened(a.type)) && isSigned(widened(b.type));
  const x = signed ? BigInt.asIntN(64, a.bits) : a.bits;
  const y = signed ? BigInt.asIntN(64, b.bits) : b.bits;
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
    case "==":
      return truth(a.bits === b.bits);
    case "!=":
      return truth(a.bits !== b.bits);
    case "<":
      return truth(x < y);
    case "<=":
      return truth(x <= y);
    case ">":
      return truth(x > y);
    case ">=":
      return truth(x >= y);
    default:
      // && and || have been compiled apart, because they may leave their right side out.
      throw new TypeError(`unexpected operator ${operator}`);
  }
}

/** An address stays one when a number is added or subtracted; the difference of two is a number. */
function resultType(operator: BinaryOperator, a: ValueType, b: ValueType, signed: boolean): ValueType {
  const number = signed ? I64 : U64;
  if (operator === "-" && a.kind !== "integer" && b.kind !== "integer") return I64;
  if (operator === "+" || operator === "-") {
    if (a.kind === "address" && b.kind === "integer") return ADDRESS;
    if (b.kind === "address" && a.kind === "integer" && operator === "+") return ADDRESS;
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
