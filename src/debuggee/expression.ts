import { unreachable } from "../base/assert.ts";
import { type Csr, type CsrField, fieldValue, findCsr } from "../isa/csrs.ts";
import { abiName, findRegister, floatAbiName } from "../isa/registers.ts";
import type { Translation } from "../machine/machine-interface.ts";
import { errors } from "./errors.ts";
import { arithmetic, combine, truth } from "./expression-arithmetic.ts";
import { bitsOf, convert, floatOf, isBoxedSingle } from "./expression-floats.ts";
import {
  type BinaryOperator,
  type Format,
  type FunctionName,
  type Node,
  parseExpression,
} from "./expression-parser.ts";
import {
  ADDRESS,
  F32,
  F64,
  I64,
  isPhysical,
  normalize,
  PHYSICAL,
  pointee,
  sizeOf,
  U64,
  type ValueType,
} from "./expression-types.ts";
import { type FloatView, findFloatRegister } from "./float-registers.ts";

/** Where a value stands, when it can be written or watched. */
export type Place =
  | { readonly kind: "register"; readonly register: number }
  | { readonly kind: "pc" }
  | { readonly kind: "csr"; readonly csr: Csr; readonly field: CsrField | undefined }
  | { readonly kind: "float-register"; readonly register: number; readonly view: FloatView }
  | { readonly kind: "memory"; readonly address: bigint; readonly size: number; readonly physical?: boolean };

export interface Value {
  /** Extended to 64 bits as the type says, unsigned. */
  readonly bits: bigint;
  readonly type: ValueType;
  readonly place?: Place;
  /** The translation that the value tells of, of `translate` and `pagetable`. */
  readonly walk?: { readonly address: bigint; readonly translation: Translation; readonly whole: boolean };
}

/** What an expression looks at: a hart in a frame, with the memory and clock of its machine. */
export interface Surroundings {
  /** Undefined in a caller's frame for registers that are lost. */
  register(index: number): bigint | undefined;
  readonly pc: bigint;
  csr(number: number): bigint | undefined;
  /** 64 bits; undefined where the hart has no floating point. */
  floatRegister(index: number): bigint | undefined;
  /** A little-endian unsigned value; undefined where there is no memory. */
  read(address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined;
  /** The same by physical address. */
  readPhysical(address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined;
  /** How the hart's address space translates an address now. */
  translate(address: bigint): Translation;
  readonly instant: number;
  readonly time: bigint;
  readonly hart: number;
  readonly privilege: number;
  /** Calls a function of the guest, in a machine that is put back; a0. Undefined where that cannot be. */
  call?(address: bigint, values: readonly CallArgument[]): bigint;
}

/** An argument as its register has it. */
export interface CallArgument {
  readonly bits: bigint;
  readonly isFloat: boolean;
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
  /** Functions of the guest are called. */
  readonly calls: boolean;
  evaluate(at: Surroundings): Value;
  /** The value to be assigned, of `place = value`. */
  readonly assigned: ((at: Surroundings) => Value) | undefined;
}

/** Registers that hold addresses by convention; the others are signed, as gdb has them. */
export const ADDRESS_REGISTERS = new Set([1, 2, 3, 4]);

const SATP = 0x180;

/** Names beside registers, CSRs and symbols. */
const SPECIAL: Readonly<Record<string, Evaluate>> = {
  pc: (at) => ({ bits: at.pc, type: ADDRESS, place: { kind: "pc" } }),
  instant: (at) => ({ bits: BigInt(at.instant), type: U64 }),
  mtime: (at) => ({ bits: at.time, type: U64 }),
  hart: (at) => ({ bits: BigInt(at.hart), type: U64 }),
  privilege: (at) => ({ bits: BigInt(at.privilege), type: U64 }),
  priv: (at) => ({ bits: BigInt(at.privilege), type: U64 }),
  asid: (at) => ({ bits: BigInt.asUintN(16, (at.csr(SATP) ?? 0n) >> 44n), type: U64 }),
  // What `priv` is compared with.
  U: () => ({ bits: 0n, type: I64 }),
  S: () => ({ bits: 1n, type: I64 }),
  M: () => ({ bits: 3n, type: I64 }),
};

export const SPECIAL_NAMES: readonly string[] = Object.keys(SPECIAL);

/** Compiles once what may be evaluated at many hits. Throws a UserError that names the column. */
export function compileExpression(text: string, scope: Scope): CompiledExpression {
  const parsed = parseExpression(text);
  const compiler = new Compiler(text, scope);
  return {
    text,
    format: parsed.format,
    calls: parsed.calls,
    evaluate: compiler.compile(parsed.root),
    assigned: parsed.assigned && compiler.compile(parsed.assigned),
  };
}

export function isTrue(value: Value): boolean {
  return value.type.kind === "float" ? floatOf(value.type, value.bits) !== 0 : value.bits !== 0n;
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
      case "float": {
        const result: Value = { bits: bitsOf(F64, node.value), type: F64 };
        return () => result;
      }
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
        return (at) => {
          const value = operand(at);
          // A pointer made from a physical address stays one.
          const to = type.kind === "pointer" && isPhysical(value.type) ? { ...type, physical: true } : type;
          return { bits: convert(to, value.type, value.bits), type: to };
        };
      }
      case "call":
        return call(node.callee, this.compile(node.argument));
      case "guest-call":
        return this.#guestCall(node);
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
    const float = findFloatRegister(name);
    if (float !== undefined) return floatReader(float.register, float.view);
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

  #guestCall({ callee, values, column }: Node & { readonly kind: "guest-call" }): Evaluate {
    const symbol = this.#scope.symbol(callee.replace(/^&/, ""));
    if (symbol === undefined) throw errors.expression(this.#text, column, `There is no function "${callee}"`);
    const compiled = values.map((value) => this.compile(value));
    return (at) => {
      if (at.call === undefined) throw errors.noCall(callee);
      const given = compiled.map((value) => argumentOf(value(at)));
      return { bits: at.call(symbol.address, given), type: I64 };
    };
  }

  #load(address: Evaluate, type: ValueType | undefined): Evaluate {
    return (at) => {
      const pointer = address(at);
      return loadAt(at, pointer, pointer.bits, type ?? pointee(pointer.type));
    };
  }

  #index(base: Evaluate, index: Evaluate): Evaluate {
    return (at) => {
      const pointer = base(at);
      const element = pointee(pointer.type);
      const offset = index(at).bits * BigInt(sizeOf(element));
      return loadAt(at, pointer, BigInt.asUintN(64, pointer.bits + offset), element);
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
          if (type.kind === "float") return { bits: bitsOf(type, -floatOf(type, bits)), type };
          return arithmetic(type, -bits);
        };
      case "~":
        return (at) => {
          const { bits, type } = operand(at);
          if (type.kind === "float") throw errors.floatOperator("~");
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
      if (place?.kind !== "memory") return { bits: 0n, type: { kind: "pointer", to: type } };
      return { bits: place.address, type: { kind: "pointer", to: type, ...(place.physical && { physical: true }) } };
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

/** What a register seems to hold: a single where one is boxed, else a double. */
function floatReader(register: number, view: FloatView): Evaluate {
  const place: Place = { kind: "float-register", register, view };
  return (at) => {
    const bits = at.floatRegister(register);
    if (bits === undefined) throw errors.noRegister(`${floatAbiName(register)} on this hart`);
    if (view === "bits") return { bits, type: U64, place };
    const single = view === "single" || (view === "natural" && isBoxedSingle(bits));
    const type = single ? F32 : F64;
    return { bits: normalize(type, bits), type, place };
  };
}

function call(callee: FunctionName, argument: Evaluate): Evaluate {
  if (callee === "phys") {
    return (at) => {
      const { bits, type } = argument(at);
      return { bits, type: type.kind === "pointer" ? { ...type, physical: true } : PHYSICAL };
    };
  }
  return (at) => {
    const { bits: address } = argument(at);
    const translation = at.translate(address);
    const { physicalAddress, problem } = translation;
    const walk = { address, translation, whole: callee === "pagetable" };
    // The way to where an address is not mapped is worth seeing; where it leads is nowhere.
    if (physicalAddress === undefined && callee === "translate") throw errors.notMapped(address, problem ?? "");
    return { bits: BigInt(physicalAddress ?? 0), type: PHYSICAL, walk };
  };
}

/** A single is boxed in ones. */
function argumentOf({ bits, type }: Value): CallArgument {
  if (type.kind !== "float") return { bits, isFloat: false };
  return { bits: type.size === 4 ? bits | (0xffff_ffffn << 32n) : bits, isFloat: true };
}

function loadAt(at: Surroundings, pointer: Value, address: bigint, type: ValueType): Value {
  const size = sizeOf(type);
  const physical = isPhysical(pointer.type);
  const bits = physical ? at.readPhysical(address, size) : at.read(address, size);
  if (bits === undefined) throw errors.unreadable(address, size, physical ? undefined : at.translate(address).problem);
  return { bits: normalize(type, bits), type, place: { kind: "memory", address, size, ...(physical && { physical }) } };
}
