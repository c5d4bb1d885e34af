import { csrName } from "./csrs.ts";
import {
  ATOM,
  atom,
  BITWISE,
  binary,
  CHOICE,
  COMPARISON,
  type Expression,
  group,
  SUM,
  sum,
} from "./describe-expression.ts";
import { type FloatNames, FloatText } from "./describe-float.ts";
import { type Decoded, DYNAMIC_ROUNDING, type Instruction } from "./instruction.ts";
import { roundingModeText } from "./operands.ts";
import { abiName, floatAbiName } from "./registers.ts";
import type { AccessSize, ProductPart, Semantics, Signedness, SystemOperation } from "./semantics.ts";

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
    float: { rd: "frd", rs1: atom("frs1"), rs2: atom("frs2"), rs3: atom("frs3"), mode: undefined },
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
    float: {
      rd: floatAbiName(decoded.rd),
      rs1: atom(floatAbiName(decoded.rs1)),
      rs2: atom(floatAbiName(decoded.rs2)),
      rs3: atom(floatAbiName(decoded.rs3)),
      mode: decoded.rm === DYNAMIC_ROUNDING ? undefined : roundingModeText(decoded.rm),
    },
  });
}

function hexadecimal(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

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
  readonly float: FloatNames;
}

function read(instruction: Instruction, names: Names): string[] {
  const reading = new TextReading(names);
  instruction.semantics(reading);
  return reading.lines.length > 0 ? reading.lines : ["nothing"];
}

class TextReading implements Semantics<Expression> {
  readonly lines: string[] = [];
  readonly #names: Names;

  readonly float: FloatText;

  constructor(names: Names) {
    this.#names = names;
    this.float = new FloatText(names.float, this.lines);
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
  rotateLeft(a: Expression, amount: Expression): Expression {
    return call("rotl", a, amount);
  }
  rotateRight(a: Expression, amount: Expression): Expression {
    return call("rotr", a, amount);
  }
  countLeadingZeros(a: Expression): Expression {
    return call("clz", a);
  }
  countTrailingZeros(a: Expression): Expression {
    return call("ctz", a);
  }
  populationCount(a: Expression): Expression {
    return call("popcount", a);
  }
  reverseBytes(a: Expression): Expression {
    return call("bytes_reversed", a);
  }
  orCombineBytes(a: Expression): Expression {
    return call("bytes_combined", a);
  }
  multiply(a: Expression, b: Expression): Expression {
    return binary(a, "*", b, SUM);
  }
  multiplyHigh(a: Expression, b: Expression, signedness: "signed" | "unsigned" | "mixed"): Expression {
    const operator = { signed: "*", unsigned: "*u", mixed: "*su" }[signedness];
    return atom(`high64(${binary(a, operator, b, SUM).text})`);
  }
  carryLessMultiply(a: Expression, b: Expression, part: ProductPart): Expression {
    const bits = { low: "63:0", high: "127:64", reversed: "126:63" }[part];
    return atom(`clmul(${a.text}, ${b.text})[${bits}]`);
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

  prefetch(use: "execute" | "read" | "write", address: Expression): void {
    const purpose = { execute: "execution", read: "loads", write: "stores" }[use];
    this.lines.push(`hint: block of ${address.text} soon used for ${purpose}`);
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
    const { rd, csr, rs1, rs2, uimm } = this.#names;
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
      case "sret":
        return ["sstatus.SIE <- sstatus.SPIE", "privilege <- sstatus.SPP", "jump to sepc"];
      case "sfence.vma":
        return [`order page-table stores before translations of ${addressSpace(rs1, rs2)}`];
      case "sinval.vma":
        return [`drop translations of ${addressSpace(rs1, rs2)}`];
      case "sfence.w.inval":
        return ["order page-table stores before sinval.vma"];
      case "sfence.inval.ir":
        return ["order sinval.vma before translations"];
      case "wrs.nto":
        return ["wait while the reservation holds"];
      case "wrs.sto":
        return ["wait a short time while the reservation holds"];
      case "cbo.inval":
        return [`drop the cache block of ${rs1.text}`];
      case "cbo.clean":
        return [`write back the cache block of ${rs1.text}`];
      case "cbo.flush":
        return [`write back and drop the cache block of ${rs1.text}`];
      case "cbo.zero":
        return [`mem512[${binary(rs1, "&", atom("~63"), BITWISE).text}] <- 0`];
    }
  }
}

function call(name: string, ...operands: readonly Expression[]): Expression {
  return atom(`${name}(${operands.map(({ text }) => text).join(", ")})`);
}

/** What a fence of translations is about; x0 stands for every address or every address space. */
function addressSpace(address: Expression, space: Expression): string {
  const which = address.text === "0" ? "all addresses" : address.text;
  return space.text === "0" ? which : `${which} in address space ${space.text}`;
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
