import { csrName } from "./csrs.ts";
import type { Decoded, Instruction } from "./instruction.ts";
import { abiName } from "./registers.ts";
import type { AccessSize, Semantics, Signedness, SystemOperation } from "./semantics.ts";

/**
 * The meaning of an instruction as text, a line for each effect: `rd <- sext(mem32[rs1 + imm])`. Comparisons and
 * divisions carry `u` where they are unsigned; `>>` fills with the sign bit, `>>u` with zeros.
 */
export function describe(instruction: Instruction): string[] {
  return read(instruction, {
    rd: "rd",
    rs1: atom("rs1"),
    rs2: atom("rs2"),
    imm: atom(instruction.encoding.includes("shamt") ? "shamt" : "imm"),
    pc: atom("pc"),
    nextPc: sum(atom("pc"), atom("4")),
    csr: "csr",
    uimm: "uimm",
  });
}

/** The same with the operands of one decoded instruction: `a0 <- sext(mem32[sp + 8])`. With `pc` targets are numbers. */
export function describeDecoded(decoded: Decoded, pc?: bigint): string[] {
  const register = (number: number) => atom(number === 0 ? "0" : abiName(number));
  const address = pc === undefined ? undefined : (distance: number) => hexadecimal(pc + BigInt(distance));
  return read(decoded.instruction, {
    rd: decoded.rd === 0 ? undefined : abiName(decoded.rd),
    rs1: register(decoded.rs1),
    rs2: register(decoded.rs2),
    imm: { text: String(decoded.imm), binding: ATOM, distance: decoded.imm },
    pc: { text: address?.(0) ?? "pc", binding: ATOM, address },
    nextPc: address === undefined ? sum(atom("pc"), atom(String(decoded.length))) : atom(address(decoded.length)),
    csr: csrName(decoded.imm & 0xfff),
    uimm: String(decoded.rs1),
  });
}

function hexadecimal(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

/** A text and how tightly it holds together, so that parentheses stand only where they are needed. */
interface Expression {
  readonly text: string;
  readonly binding: number;
  /** Set for a known immediate: its value. */
  readonly distance?: number;
  /** Set for a known pc: the text of an address so far away. */
  readonly address?: (distance: number) => string;
  /** The opposite condition, where it has a form of its own. */
  readonly negation?: string;
}

// From loose to tight. Mixed operators get parentheses more often than C would ask for: nobody remembers C's rules.
const CHOICE = 0;
const COMPARISON = 1;
const BITWISE = 2;
const SUM = 3;
const ATOM = 5;

interface Names {
  /** Undefined when the destination is x0, and the write is dropped. */
  readonly rd: string | undefined;
  readonly rs1: Expression;
  readonly rs2: Expression;
  readonly imm: Expression;
  readonly pc: Expression;
  readonly nextPc: Expression;
  readonly csr: string;
  readonly uimm: string;
}

function read(instruction: Instruction, names: Names): string[] {
  const reading = new TextReading(names);
  instruction.semantics(reading);
  return reading.lines.length > 0 ? reading.lines : ["nothing"];
}

function atom(text: string): Expression {
  return { text, binding: ATOM };
}

function group(expression: Expression, looserThan: number): string {
  return expression.binding < looserThan ? `(${expression.text})` : expression.text;
}

function binary(a: Expression, operator: string, b: Expression, binding: number): Expression {
  const looserThan = binding === BITWISE ? ATOM : binding + 1;
  return { text: `${group(a, looserThan)} ${operator} ${group(b, looserThan)}`, binding };
}

/** A sum, with what is known already computed: `sp - 16`, and nothing for + 0. */
function sum(a: Expression, b: Expression): Expression {
  if (a.address !== undefined && b.distance !== undefined) return atom(a.address(b.distance));
  if (b.text === "0") return a;
  if (a.text === "0") return b;
  if (b.text.startsWith("-")) return { text: `${group(a, SUM)} - ${b.text.slice(1)}`, binding: SUM };
  return { text: `${group(a, SUM)} + ${group(b, SUM + 1)}`, binding: SUM };
}

class TextReading implements Semantics<Expression> {
  readonly lines: string[] = [];
  readonly #names: Names;

  constructor(names: Names) {
    this.#names = names;
  }

  get rs1(): Expression {
    return this.#names.rs1;
  }
  get rs2(): Expression {
    return this.#names.rs2;
  }
  get imm(): Expression {
    return this.#names.imm;
  }
  get pc(): Expression {
    return this.#names.pc;
  }
  get nextPc(): Expression {
    return this.#names.nextPc;
  }

  writeRd(value: Expression): void {
    if (this.#names.rd !== undefined) this.lines.push(`${this.#names.rd} <- ${value.text}`);
  }
  constant(value: bigint): Expression {
    return atom(String(value));
  }

  add = sum;
  subtract(a: Expression, b: Expression): Expression {
    if (a.text === "0") return atom(`-${group(b, ATOM)}`);
    return { text: `${group(a, SUM)} - ${group(b, SUM + 1)}`, binding: SUM };
  }
  and(a: Expression, b: Expression): Expression {
    // Only jalr masks with -2, and "~1" says better that it clears the lowest bit.
    return binary(a, "&", b.text === "-2" ? atom("~1") : b, BITWISE);
  }
  or(a: Expression, b: Expression): Expression {
    return binary(a, "|", b, BITWISE);
  }
  xor(a: Expression, b: Expression): Expression {
    return b.text === "-1" ? atom(`~${group(a, ATOM)}`) : binary(a, "^", b, BITWISE);
  }
  shiftLeft(a: Expression, amount: Expression): Expression {
    return binary(a, "<<", amount, BITWISE);
  }
  shiftRightLogical(a: Expression, amount: Expression): Expression {
    return binary(a, ">>u", amount, BITWISE);
  }
  shiftRightArithmetic(a: Expression, amount: Expression): Expression {
    return binary(a, ">>", amount, BITWISE);
  }
  multiply(a: Expression, b: Expression): Expression {
    return binary(a, "*", b, SUM);
  }
  multiplyHigh(a: Expression, b: Expression, signedness: "signed" | "unsigned" | "mixed"): Expression {
    const operator = { signed: "*", unsigned: "*u", mixed: "*su" }[signedness];
    return atom(`high64(${binary(a, operator, b, SUM).text})`);
  }
  divide(a: Expression, b: Expression, signedness: Signedness): Expression {
    return binary(a, signedness === "signed" ? "/" : "/u", b, SUM);
  }
  remainder(a: Expression, b: Expression, signedness: Signedness): Expression {
    return binary(a, signedness === "signed" ? "%" : "%u", b, SUM);
  }
  equal(a: Expression, b: Expression): Expression {
    return { ...binary(a, "==", b, COMPARISON), negation: binary(a, "!=", b, COMPARISON).text };
  }
  lessThan(a: Expression, b: Expression, signedness: Signedness): Expression {
    const suffix = signedness === "signed" ? "" : "u";
    return {
      ...binary(a, `<${suffix}`, b, COMPARISON),
      negation: binary(a, `>=${suffix}`, b, COMPARISON).text,
    };
  }
  not(condition: Expression): Expression {
    return { text: condition.negation ?? `!${group(condition, ATOM)}`, binding: COMPARISON };
  }
  signExtend(value: Expression, bits: 8 | 16 | 32): Expression {
    return atom(`sext${bits}(${value.text})`);
  }
  zeroExtend(value: Expression, bits: 8 | 16 | 32): Expression {
    return atom(`zext${bits}(${value.text})`);
  }
  select(condition: Expression, ifTrue: Expression, ifFalse: Expression): Expression {
    return { text: `${condition.text} ? ${ifTrue.text} : ${ifFalse.text}`, binding: CHOICE };
  }

  load(size: AccessSize, extension: Signedness, address: Expression): Expression {
    const place = memory(size, address);
    if (size === 8) return atom(place);
    return atom(`${extension === "signed" ? "sext" : "zext"}(${place})`);
  }
  store(size: AccessSize, address: Expression, value: Expression): void {
    this.lines.push(`${memory(size, address)} <- ${value.text}`);
  }
  loadReserved(size: 4 | 8, address: Expression): Expression {
    this.lines.push(`reserve ${memory(size, address)}`);
    return this.load(size, "signed", address);
  }
  storeConditional(size: 4 | 8, address: Expression, value: Expression): Expression {
    this.lines.push(`if reserved: ${memory(size, address)} <- ${value.text}`);
    return { text: "reserved ? 0 : 1", binding: CHOICE };
  }
  atomic(size: 4 | 8, address: Expression, update: (old: Expression) => Expression): Expression {
    const old = atom("old");
    this.lines.push(`old <- ${this.load(size, "signed", address).text}`);
    this.store(size, address, update(old));
    return old;
  }

  jump(target: Expression): void {
    this.lines.push(`jump to ${target.text}`);
  }
  branch(condition: Expression, target: Expression): void {
    this.lines.push(`if ${condition.text}: jump to ${target.text}`);
  }
  fence(): void {
    this.lines.push("order memory accesses");
  }
  system(operation: SystemOperation): void {
    this.lines.push(...this.#systemLines(operation));
  }

  #systemLines(operation: SystemOperation): string[] {
    const { rd, csr, rs1, uimm } = this.#names;
    switch (operation) {
      case "ecall":
        return ["raise environment-call exception"];
      case "ebreak":
        return ["raise breakpoint exception"];
      case "mret":
        return ["mstatus.MIE <- mstatus.MPIE", "privilege <- mstatus.MPP", "jump to mepc"];
      case "wfi":
        return ["wait for an interrupt"];
      case "fence.i":
        return ["order stores before instruction fetches"];
      case "sret":
        return ["mstatus.SIE <- mstatus.SPIE", "privilege <- mstatus.SPP", "jump to sepc"];
      case "sfence.vma":
      case "sinval.vma":
        return ["order stores to page tables before translations"];
      case "sfence.w.inval":
        return ["order stores before invalidations of translations"];
      case "sfence.inval.ir":
        return ["order invalidations before translations"];
      case "pause":
        return ["let other harts run"];
      case "csrrw":
      case "csrrwi":
        return swap(rd, csr, operation === "csrrw" ? rs1.text : uimm);
      case "csrrs":
      case "csrrsi":
        return update(rd, csr, operation === "csrrs" ? rs1.text : uimm, (bits) => `${csr} | ${bits}`);
      case "csrrc":
      case "csrrci":
        return update(rd, csr, operation === "csrrc" ? rs1.text : uimm, (bits) => `${csr} & ~${bits}`);
    }
  }
}

/** The old value moves to rd at the same time, and is not read at all when rd is x0. */
function swap(rd: string | undefined, csr: string, value: string): string[] {
  return rd === undefined ? [`${csr} <- ${value}`] : [`${rd}, ${csr} <- ${csr}, ${value}`];
}

/** Without bits to change the CSR is not written. */
function update(rd: string | undefined, csr: string, bits: string, changed: (bits: string) => string): string[] {
  if (bits === "0") return rd === undefined ? [`read ${csr}`] : [`${rd} <- ${csr}`];
  return swap(rd, csr, changed(bits));
}

function memory(size: AccessSize, address: Expression): string {
  return `mem${size * 8}[${address.text}]`;
}
