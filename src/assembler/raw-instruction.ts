import { misuse } from "./directive-operands.ts";
import { emitWord } from "./emit.ts";
import { constantOf, type Expression, notConstant } from "./expression.ts";
import { endOf, parseWrittenOperands, type WrittenOperand } from "./operand-parser.ts";
import type { Session } from "./session.ts";
import { type Span, type Statement, spanOf } from "./source.ts";

/** Names of the major opcodes that `.insn` knows (unprivileged manual, table "RISC-V base opcode map"). */
const OPCODES: Readonly<Record<string, number>> = {
  LOAD: 0x03,
  LOAD_FP: 0x07,
  CUSTOM_0: 0x0b,
  MISC_MEM: 0x0f,
  OP_IMM: 0x13,
  AUIPC: 0x17,
  OP_IMM_32: 0x1b,
  STORE: 0x23,
  STORE_FP: 0x27,
  CUSTOM_1: 0x2b,
  AMO: 0x2f,
  OP: 0x33,
  LUI: 0x37,
  OP_32: 0x3b,
  MADD: 0x43,
  MSUB: 0x47,
  NMSUB: 0x4b,
  NMADD: 0x4f,
  OP_FP: 0x53,
  CUSTOM_2: 0x5b,
  BRANCH: 0x63,
  JALR: 0x67,
  JAL: 0x6f,
  SYSTEM: 0x73,
  CUSTOM_3: 0x7b,
};

/**
 * `.insn format, fields…`: an instruction by its format, for what the assembler does not know; and `.insn value`,
 * `.insn length, value`: the bare bits.
 */
export function rawInstruction(session: Session, statement: Statement): void {
  const [format, ...rest] = statement.operands;
  const reader = new FieldReader(session, statement);
  if (!session.canEmit(statement.name!)) return;
  if (format?.kind === "integer") {
    if (reader.read(statement.operands)) bareBits(session, statement, reader);
    return;
  }
  const make = format?.kind === "identifier" ? FORMATS[format.text] : undefined;
  if (make === undefined) {
    misuse(session, statement, "`.insn` needs a format (r, r4, i, s, b, u, j) or the bits of an instruction");
    return;
  }
  if (!reader.read(rest)) return;
  const instruction = make(reader);
  reader.end();
  if (reader.failed) return;
  const { word, target } = instruction;
  if (target === undefined) return emitWord(session, 4, word >>> 0);
  session.noteInstruction();
  session.fixup(target.kind, session.section.emit(4, word >>> 0), target.value, target.span);
}

function bareBits(session: Session, statement: Statement, reader: FieldReader): void {
  const first = reader.number(2 ** 32 - 1);
  const second = reader.done ? undefined : reader.number(2 ** 32 - 1);
  reader.end();
  if (reader.failed) return;
  const word = second ?? first;
  const length = (word & 3) === 3 ? 4 : 2;
  if ((second !== undefined && first !== length) || (length === 2 && word > 0xffff)) {
    return misuse(session, statement, `these bits are those of an instruction of ${length} bytes`);
  }
  emitWord(session, length, word);
}

interface Target {
  readonly kind: "branch" | "jump";
  readonly value: Expression;
  readonly span: Span;
}

type Format = (reader: FieldReader) => { word: number; target?: Target };

function formatR(reader: FieldReader): { word: number } {
  const opcode = reader.opcode();
  const func3 = reader.number(7);
  const func7 = reader.number(127);
  const [rd, rs1, rs2] = [reader.register(), reader.register(), reader.register()];
  // A fourth register makes it the four-operand format, its func2 in the low bits of func7.
  if (!reader.done) {
    const rs3 = reader.register();
    return { word: (rs3 << 27) | ((func7 & 3) << 25) | common(opcode, func3, rd, rs1) | (rs2 << 20) };
  }
  return { word: (func7 << 25) | (rs2 << 20) | common(opcode, func3, rd, rs1) };
}

function formatI(reader: FieldReader): { word: number } {
  const opcode = reader.opcode();
  const func3 = reader.number(7);
  const rd = reader.register();
  const { base, offset } = reader.baseAndOffset();
  return { word: (offset << 20) | common(opcode, func3, rd, base) };
}

function formatS(reader: FieldReader): { word: number } {
  const opcode = reader.opcode();
  const func3 = reader.number(7);
  const rs2 = reader.register();
  const { base, offset } = reader.baseAndOffset();
  return { word: (((offset >> 5) & 0x7f) << 25) | (rs2 << 20) | common(opcode, func3, offset & 0x1f, base) };
}

function formatB(reader: FieldReader): { word: number; target?: Target } {
  const opcode = reader.opcode();
  const func3 = reader.number(7);
  const [rs1, rs2] = [reader.register(), reader.register()];
  return { word: (rs2 << 20) | common(opcode, func3, 0, rs1), target: reader.target("branch") };
}

function formatU(reader: FieldReader): { word: number } {
  const opcode = reader.opcode();
  const rd = reader.register();
  return { word: (reader.number(0xfffff) << 12) | (rd << 7) | opcode };
}

function formatJ(reader: FieldReader): { word: number; target?: Target } {
  const opcode = reader.opcode();
  const rd = reader.register();
  return { word: (rd << 7) | opcode, target: reader.target("jump") };
}

function common(opcode: number, func3: number, rd: number, rs1: number): number {
  return (rs1 << 15) | (func3 << 12) | (rd << 7) | opcode;
}

const FORMATS: Readonly<Record<string, Format>> = {
  r: formatR,
  r4: formatR,
  i: formatI,
  s: formatS,
  b: formatB,
  sb: formatB,
  u: formatU,
  j: formatJ,
  uj: formatJ,
};

/** Reads fields one by one; after the first that is wrong, says so and gives zeros. */
class FieldReader {
  readonly #session: Session;
  readonly #statement: Statement;
  #operands: readonly WrittenOperand[] = [];
  #index = 0;
  failed = false;

  constructor(session: Session, statement: Statement) {
    this.#session = session;
    this.#statement = statement;
  }

  read(tokens: Statement["operands"]): boolean {
    const list = tokens[0]?.text === "," ? tokens.slice(1) : tokens;
    const written = parseWrittenOperands(
      list,
      endOf(spanOf(this.#statement.tokens, this.#statement.name!)),
      this.#session,
    );
    if ("message" in written) {
      this.#session.diagnostics.error(written.span, written.message);
      return false;
    }
    this.#operands = written;
    return true;
  }

  get done(): boolean {
    return this.#index >= this.#operands.length;
  }

  end(): void {
    if (!this.done) this.#fail("this operand is one too many", this.#operands[this.#index].span);
  }

  #next(): WrittenOperand | undefined {
    return this.#operands[this.#index++];
  }

  #fail(message: string, span: Span | undefined): number {
    const end = endOf(spanOf(this.#statement.tokens, this.#statement.name!));
    if (!this.failed) this.#session.diagnostics.error(span ?? end, message);
    this.failed = true;
    return 0;
  }

  register(): number {
    const operand = this.#next();
    if (operand?.kind === "register" || operand?.kind === "float-register") return operand.register;
    return this.#fail("expected a register", operand?.span);
  }

  opcode(): number {
    const operand = this.#operands[this.#index];
    const named = operand?.kind === "name" ? OPCODES[operand.token.text] : undefined;
    if (named === undefined) return this.number(127);
    this.#index++;
    return named;
  }

  number(max: number, min = 0): number {
    const operand = this.#next();
    return this.#constant(this.#expression(operand), operand?.span, min, max);
  }

  #constant(expression: Expression | undefined, span: Span | undefined, min: number, max: number): number {
    if (expression === undefined) return this.#fail("expected a number", span);
    const value = constantOf(expression);
    if (value === undefined) return this.#fail(notConstant(expression), span);
    if (value < BigInt(min) || value > BigInt(max))
      return this.#fail(`${value} is out of range: ${min} to ${max}`, span);
    return Number(value);
  }

  #expression(operand: WrittenOperand | undefined): Expression | undefined {
    if (operand?.kind === "expression") return operand.value;
    if (operand?.kind !== "name") return undefined;
    const symbol = this.#session.symbol(operand.token)!;
    return { kind: "symbol", symbol, span: operand.token };
  }

  /** `offset(base)` or `base, offset`; the offset has 12 bits. */
  baseAndOffset(): { base: number; offset: number } {
    const operand = this.#operands[this.#index];
    if (operand?.kind === "memory") {
      this.#index++;
      if (operand.relocation !== undefined) this.#fail(`\`${operand.relocation}\` is not allowed here`, operand.span);
      const zero: Expression = { kind: "constant", value: 0n };
      return {
        base: operand.base,
        offset: this.#constant(operand.offset ?? zero, operand.offsetSpan, -2048, 2047) & 0xfff,
      };
    }
    const base = this.register();
    return { base, offset: this.number(2047, -2048) & 0xfff };
  }

  target(kind: Target["kind"]): Target | undefined {
    const operand = this.#next();
    const value = this.#expression(operand);
    if (value !== undefined) return { kind, value, span: operand!.span };
    this.#fail("expected a label", operand?.span);
    return undefined;
  }
}
