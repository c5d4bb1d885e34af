import { findCsr } from "../isa/csrs.ts";
import { fieldRange, fits } from "../isa/encoding.ts";
import { parseFenceSet, parseRoundingMode, roundingModeNames } from "../isa/operands.ts";
import { abiName } from "../isa/registers.ts";
import { constantOf, type Expression, notConstant } from "./expression.ts";
import type { Form, FormOperand } from "./forms.ts";
import type { WrittenOperand } from "./operand-parser.ts";
import type { Session } from "./session.ts";
import { type Span, textOf } from "./source.ts";

/** The operands of a statement, matched with a form. */
export interface Values {
  /** Value of each field: register numbers, immediates, CSR numbers. */
  readonly fields: Record<string, number>;
  /** An immediate that is known only after layout, and the field that it fills. */
  deferred?: { readonly field: string; readonly relocation: string; readonly value: Expression; readonly span: Span };
  /** The destination of a branch. */
  target?: { readonly value: Expression; readonly span: Span };
  /** The operand `symbol`, or a constant that `li` takes whatever its size. */
  symbol?: { readonly value: Expression; readonly span: Span };
}

/** Why a form does not match. */
export interface Mismatch {
  readonly span: Span;
  readonly message: string;
  /** How far the match got; a wrong value counts more than a wrong kind of operand. */
  readonly progress: number;
}

/** Puts written operands into the places of a form, or says which is the first that does not fit. */
export function matchForm(session: Session, form: Form, written: readonly WrittenOperand[]): Values | Mismatch {
  const values: Values = { fields: { ...form.usual } };
  for (let index = 0; index < written.length; index++) {
    const wrong = matchOperand(session, form, form.operands[index], written[index], values);
    if (wrong !== undefined) {
      return { span: wrong.span ?? written[index].span, message: wrong.message, progress: 2 * index + wrong.weight };
    }
  }
  return values;
}

/** A wrong kind of operand (weight 0), or a right kind with a wrong value (1). */
interface Wrong {
  readonly message: string;
  readonly weight: 0 | 1;
  readonly span?: Span;
}

function matchOperand(
  session: Session,
  form: Form,
  wanted: FormOperand,
  given: WrittenOperand,
  values: Values,
): Wrong | undefined {
  switch (wanted.kind) {
    case "register":
      return given.kind === "register"
        ? setRegister(form, wanted, given.register, values)
        : { message: `expected a register, found \`${sourceOf(given)}\``, weight: 0 };
    case "float-register":
      return given.kind === "float-register"
        ? setRegister(form, wanted, given.register, values)
        : { message: `expected a floating-point register, found \`${sourceOf(given)}\``, weight: 0 };
    case "rounding-mode":
      return matchRoundingMode(given, values);
    case "fixed-register":
      if (given.kind === "register" && given.register === wanted.register) return undefined;
      return { message: `only x${wanted.register} can stand here`, weight: 0 };
    case "immediate":
      return matchImmediate(session, form, wanted, given, values);
    case "fixed-immediate":
    case "fixed-csr":
    case "fixed-fence-set":
      return { message: "this operand is fixed", weight: 0 };
    case "target":
    case "symbol": {
      const value = expressionIn(session, given);
      if (value === undefined) return { message: `expected a label, found \`${sourceOf(given)}\``, weight: 0 };
      if (wanted.kind === "target") values.target = { value, span: given.span };
      else values.symbol = { value, span: given.span };
      return undefined;
    }
    case "csr":
      return matchCsr(session, given, values);
    case "fence-set":
      return matchFenceSet(wanted.field, given, values);
    case "memory":
      return matchMemory(form, wanted, given, values);
  }
}

function setRegister(
  form: Form,
  wanted: { readonly kind: string; readonly field: string; readonly prime: boolean },
  register: number,
  values: Values,
): Wrong | undefined {
  if (wanted.prime && (register < 8 || register > 15)) {
    const names =
      wanted.kind === "register" ? "s0, s1 and a0 to a5 (x8 to x15)" : "fs0, fs1 and fa0 to fa5 (f8 to f15)";
    return { message: `this compressed instruction takes only ${names}`, weight: 1 };
  }
  if (form.fields.get(wanted.field)?.excluded.includes(register)) {
    return { message: `this compressed instruction does not take \`${abiName(register)}\` here`, weight: 1 };
  }
  values.fields[wanted.field] = register;
  return undefined;
}

/** The expression that an operand is, if it is one. */
function expressionIn(session: Session, given: WrittenOperand): Expression | undefined {
  if (given.kind === "expression") return given.value;
  if (given.kind !== "name" && given.kind !== "float-register") return undefined;
  const symbol = session.symbol(given.token)!;
  const { definition } = symbol;
  if (definition?.kind === "value" && !definition.lazy) return definition.value;
  return { kind: "symbol", symbol, span: given.token };
}

function matchImmediate(
  session: Session,
  form: Form,
  wanted: FormOperand & { kind: "immediate" },
  given: WrittenOperand,
  values: Values,
): Wrong | undefined {
  if (given.kind === "relocation") {
    return defer(form, wanted.field, given.relocation, given.value, given.span, values);
  }
  const value = expressionIn(session, given);
  if (value === undefined) return { message: `expected a number, found \`${sourceOf(given)}\``, weight: 0 };
  if (form.meaning.kind === "computed") {
    values.symbol = { value, span: given.span };
    return undefined;
  }
  return setConstant(form, wanted, value, values, given.span);
}

const UPPER_RELOCATIONS = ["%hi", "%pcrel_hi"];
const LOWER_RELOCATIONS = ["%lo", "%pcrel_lo"];

function defer(
  form: Form,
  name: string,
  relocation: string,
  value: Expression,
  span: Span,
  values: Values,
): Wrong | undefined {
  const field = form.fields.get(name);
  const upper = field !== undefined && field.lowBit === 12 && field.bits === 32;
  const lower = field !== undefined && field.lowBit === 0 && field.bits === 12 && field.signed;
  const allowed = upper ? UPPER_RELOCATIONS : lower ? LOWER_RELOCATIONS : [];
  if (!allowed.includes(relocation)) {
    const known = [...UPPER_RELOCATIONS, ...LOWER_RELOCATIONS].includes(relocation);
    const why = known
      ? "does not fit this instruction"
      : "is for shared libraries and threads, which do not exist here";
    return { message: `\`${relocation}\` ${why}`, weight: 1 };
  }
  values.deferred = { field: name, relocation, value, span };
  return undefined;
}

/** With 0 these would be hints without a meaning of their own; GNU `as` refuses them, too. */
const NO_HINTS: ReadonlySet<string> = new Set(["c.slli", "c.srli", "c.srai", "c.nop"]);

function setConstant(
  form: Form,
  wanted: FormOperand & { kind: "immediate" },
  expression: Expression,
  values: Values,
  span: Span,
): Wrong | undefined {
  const constant = constantOf(expression);
  if (constant === undefined) return { message: notConstant(expression), weight: 1, span };
  const field = form.fields.get(wanted.field)!;
  let value = Number(constant);
  if (wanted.shift > 0) {
    // The 20 upper bits are written as a number without sign; six bits of c.lui sign-extend to it.
    if (constant < 0n || constant > 0xfffffn) return { message: outOfRange(constant, "0 to 0xfffff"), weight: 1, span };
    value = (value << wanted.shift) | 0;
  }
  const hint = value === 0 && NO_HINTS.has(form.mnemonic);
  if (fits(field, value) && !hint) {
    values.fields[wanted.field] = value;
    return undefined;
  }
  const { min, max, step } = fieldRange(field);
  const multiple = step > 1 && wanted.shift === 0 ? ` in steps of ${step}` : "";
  const range = wanted.shift > 0 ? "1 to 31 or 0xfffe0 to 0xfffff" : `${min} to ${max}${multiple}`;
  const nonzero = (field.excluded.includes(0) && value === 0) || hint ? ", and not 0" : "";
  return { message: outOfRange(constant, range + nonzero), weight: 1, span };
}

function outOfRange(value: bigint, range: string): string {
  return `${value} is out of range: this operand takes ${range}`;
}

function matchCsr(session: Session, given: WrittenOperand, values: Values): Wrong | undefined {
  if (given.kind === "name") {
    const csr = findCsr(given.token.text);
    if (csr !== undefined) {
      values.fields.csr = csr.number;
      return undefined;
    }
    if (session.symbols.find(given.token.text) === undefined) {
      return { message: `unknown CSR \`${given.token.text}\``, weight: 1 };
    }
  }
  const value = expressionIn(session, given);
  const constant = value && constantOf(value);
  if (constant === undefined) return { message: `expected a CSR, found \`${sourceOf(given)}\``, weight: 0 };
  if (constant < 0n || constant > 0xfffn) return { message: outOfRange(constant, "0 to 0xfff"), weight: 1 };
  values.fields.csr = Number(constant);
  return undefined;
}

function matchFenceSet(field: "pred" | "succ", given: WrittenOperand, values: Values): Wrong | undefined {
  const set = given.kind === "name" ? parseFenceSet(given.token.text) : undefined;
  if (set !== undefined) {
    values.fields[field] = set;
    return undefined;
  }
  const value = given.kind === "expression" ? constantOf(given.value) : undefined;
  if (value === undefined || value < 0n || value > 15n) {
    return { message: `expected a set of accesses like \`rw\` or \`iorw\`, found \`${sourceOf(given)}\``, weight: 0 };
  }
  values.fields[field] = Number(value);
  return undefined;
}

function matchRoundingMode(given: WrittenOperand, values: Values): Wrong | undefined {
  const mode = given.kind === "name" ? parseRoundingMode(given.token.text) : undefined;
  if (mode === undefined) {
    const modes = roundingModeNames().join(", ");
    return { message: `expected a rounding mode (${modes}), found \`${sourceOf(given)}\``, weight: 0 };
  }
  values.fields.rm = mode;
  return undefined;
}

function matchMemory(
  form: Form,
  wanted: FormOperand & { kind: "memory" },
  given: WrittenOperand,
  values: Values,
): Wrong | undefined {
  if (given.kind !== "memory") {
    return { message: `expected an address like \`8(sp)\`, found \`${sourceOf(given)}\``, weight: 0 };
  }
  const { base } = wanted;
  if (base.kind === "register") {
    const wrong = setRegister(form, base, given.base, values);
    if (wrong) return wrong;
  } else if (base.kind === "fixed-register" && base.register !== given.base) {
    return { message: `the base can only be x${base.register} here`, weight: 1 };
  }
  if (given.offset === undefined) return undefined;
  if (wanted.offset?.kind !== "immediate") {
    const constant = given.relocation === undefined ? constantOf(given.offset) : undefined;
    if (constant === 0n) return undefined;
    return { message: "this instruction takes no offset: write `(register)`", weight: 1, span: given.offsetSpan };
  }
  if (given.relocation !== undefined) {
    return defer(form, wanted.offset.field, given.relocation, given.offset, given.offsetSpan, values);
  }
  return setConstant(form, wanted.offset, given.offset, values, given.offsetSpan);
}

function sourceOf(given: WrittenOperand): string {
  return textOf(given.tokens);
}
