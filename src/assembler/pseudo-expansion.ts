import { emit, emitWord } from "./emit.ts";
import { constantOf, type Expression, notConstant } from "./expression.ts";
import type { Form } from "./forms.ts";
import type { Values } from "./matching.ts";
import type { Session } from "./session.ts";
import type { Span } from "./source.ts";

const RA = 1;
const T1 = 6;

/** fence.tso: fm = 8, predecessors and successors rw. */
const FENCE_TSO = 0x8330_000f;
/** fence w, 0: the Zihintpause hint. */
const PAUSE = 0x0100_000f;
/** csrrw zero, cycle, zero: writes a read-only CSR. */
const UNIMPLEMENTED = 0xc000_1073;

/** The pseudo-instructions whose instructions depend on the values of their operands. */
export function expandComputed(session: Session, form: Form, values: Values, span: Span): void {
  const { rd = 0, rs1 = 0, rs2 = 0 } = values.fields;
  switch (form.mnemonic) {
    case "li":
      return loadImmediate(session, rd, values.symbol!);
    case "la":
    case "lla":
      return loadAddress(session, rd, values.symbol!);
    case "call":
      // With a link register of its own a call goes through t1, as GNU `as` has it.
      return "rd" in values.fields
        ? farJump(session, T1, rd, values.symbol!)
        : farJump(session, RA, RA, values.symbol!);
    case "tail":
      return farJump(session, T1, 0, values.symbol!);
    case "jump":
      return farJump(session, rs1, 0, values.symbol!);
    case "fence.tso":
      return emitWord(session, 4, FENCE_TSO);
    case "pause":
      return emitWord(session, 4, PAUSE);
    case "unimp":
      return session.state.compress ? emitWord(session, 2, 0) : emitWord(session, 4, UNIMPLEMENTED);
    case "c.unimp":
      return emitWord(session, 2, 0);
    default:
      return accessSymbol(session, form, { rd, rs1, rs2 }, values.symbol!, span);
  }
}

interface Operand {
  readonly value: Expression;
  readonly span: Span;
}

function loadImmediate(session: Session, rd: number, operand: Operand): void {
  const value = constantOf(operand.value);
  if (value === undefined) session.diagnostics.error(operand.span, notConstant(operand.value));
  else if (value >= -2048n && value < 2048n) emit(session, "addi", { rd, rs1: 0, imm: Number(value) });
  else loadConstant(session, rd, value);
}

/**
 * lui and addiw for what they reach; otherwise the upper part by the same means, shifted as far as its trailing zeros
 * allow, and the lower 12 bits added. This is what GNU `as` does.
 */
function loadConstant(session: Session, rd: number, value: bigint): void {
  const low = BigInt.asIntN(12, value);
  const high = BigInt.asIntN(64, value - low);
  if (BigInt.asIntN(32, value) === value) {
    // The upper part of 0x7fffffff is 0x80000000: lui sign-extends it, and addiw brings the sum back.
    if (high !== 0n) emit(session, "lui", { rd, imm: Number(BigInt.asIntN(32, high)) });
    // For x0 GNU `as` takes the lui for missing.
    if (low !== 0n || high === 0n || rd === 0)
      emit(session, "addiw", { rd, rs1: high === 0n ? 0 : rd, imm: Number(low) });
    return;
  }
  let shift = 12;
  while (((high >> BigInt(shift)) & 1n) === 0n) shift++;
  loadConstant(session, rd, high >> BigInt(shift));
  emit(session, "slli", { rd, rs1: rd, shamt: shift });
  if (low !== 0n) emit(session, "addi", { rd, rs1: rd, imm: Number(low) });
}

/** auipc rd with the upper part; the result names the instruction for the lower part. */
function upperPart(session: Session, rd: number, operand: Operand): Operand {
  const place = session.here;
  emit(session, "auipc", { rd }, { relocation: "%pcrel_hi", ...operand });
  return { value: { kind: "place", place }, span: operand.span };
}

function loadAddress(session: Session, rd: number, operand: Operand): void {
  const constant = constantOf(operand.value);
  if (constant !== undefined) return loadConstant(session, rd, constant);
  const lower = upperPart(session, rd, operand);
  emit(session, "addi", { rd, rs1: rd }, { relocation: "%pcrel_lo", ...lower });
}

function accessSymbol(
  session: Session,
  form: Form,
  registers: { readonly rd: number; readonly rs1: number; readonly rs2: number },
  operand: Operand,
  span: Span,
): void {
  if (constantOf(operand.value) !== undefined) {
    session.diagnostics.error(operand.span, "expected a label, or an address like `8(sp)`");
    return;
  }
  const { mnemonic, syntax } = form;
  const { rd, rs1, rs2 } = registers;
  if (syntax.startsWith("rd")) {
    if (rd === 0) session.diagnostics.warning(span, "the address needs a register, and x0 cannot hold it");
    const lower = upperPart(session, rd, operand);
    emit(session, mnemonic, { rd, rs1: rd }, { relocation: "%pcrel_lo", ...lower });
  } else {
    const lower = upperPart(session, rs1, operand);
    const fields: Record<string, number> = syntax.startsWith("frd") ? { rd, rs1 } : { rs2, rs1 };
    emit(session, mnemonic, fields, { relocation: "%pcrel_lo", ...lower });
  }
}

/** auipc and jalr, which together reach 2 GiB either way. */
function farJump(session: Session, through: number, link: number, operand: Operand): void {
  const place = session.here;
  emit(session, "auipc", { rd: through }, { relocation: "%pcrel_hi", ...operand });
  const lower: Expression = { kind: "place", place };
  emit(session, "jalr", { rd: link, rs1: through }, { relocation: "%pcrel_lo", value: lower, span: operand.span });
}
