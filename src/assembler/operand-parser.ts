import { findFloatRegister, findRegister } from "../isa/registers.ts";
import { Cursor, type Expression, type ExpressionContext, parseExpression } from "./expression.ts";
import { type Span, spanOf, type Token } from "./source.ts";
import { isPunctuation, splitAtCommas } from "./statements.ts";

/** An operand as written, before one knows which instruction wants it. */
export type WrittenOperand = { readonly span: Span; readonly tokens: readonly Token[] } & (
  | { readonly kind: "register"; readonly register: number }
  /** Where no register of floating point can stand, a label may have the name of one. */
  | { readonly kind: "float-register"; readonly register: number; readonly token: Token }
  /** A lone name: a symbol, a CSR, a rounding mode or a set of a fence. */
  | { readonly kind: "name"; readonly token: Token }
  | { readonly kind: "expression"; readonly value: Expression }
  | { readonly kind: "relocation"; readonly relocation: string; readonly value: Expression }
  /** `offset(base)`; the offset is an expression or a relocation, or nothing. */
  | {
      readonly kind: "memory";
      readonly relocation: string | undefined;
      readonly offset: Expression | undefined;
      readonly offsetSpan: Span;
      readonly base: number;
    }
);

export interface OperandFailure {
  readonly span: Span;
  readonly message: string;
}

/** The operands of an instruction, or the first thing that is wrong with them. */
export function parseWrittenOperands(
  tokens: readonly Token[],
  fallback: Span,
  context: ExpressionContext,
): WrittenOperand[] | OperandFailure {
  const operands: WrittenOperand[] = [];
  for (const part of splitAtCommas(tokens)) {
    const operand = parseOne(withoutPlt(part), part.length === 0 ? gapIn(tokens, fallback) : part[0], context);
    if ("message" in operand) return operand;
    operands.push(operand);
  }
  return operands;
}

/** `f@plt`, from compilers: there is no procedure linkage table here, so it is just `f`. */
function withoutPlt(tokens: readonly Token[]): readonly Token[] {
  const plt = tokens.length > 2 && tokens.at(-1)?.text === "plt" && isPunctuation(tokens.at(-2), "@");
  return plt ? tokens.slice(0, -2) : tokens;
}

/** Where an operand is missing: at a comma with nothing in front, or behind the last one. */
export function gapIn(tokens: readonly Token[], fallback: Span): Span {
  const comma = tokens.find(
    (token, index) => isPunctuation(token, ",") && (index === 0 || isPunctuation(tokens[index - 1], ",")),
  );
  return comma ?? fallback;
}

/** A register by name; undefined when the token is none. */
export function registerOf(token: Token | undefined): number | undefined {
  return token?.kind === "identifier" ? findRegister(token.text)?.number : undefined;
}

function parseOne(
  tokens: readonly Token[],
  fallback: Span,
  context: ExpressionContext,
): WrittenOperand | OperandFailure {
  if (tokens.length === 0) return { span: fallback, message: "an operand is missing here" };
  const first = tokens[0];
  const span = spanOf(tokens, first);
  if (tokens.length === 1 && first.kind === "identifier") {
    const register = registerOf(first);
    if (register !== undefined) return { kind: "register", register, span, tokens };
    const float = findFloatRegister(first.text);
    if (float !== undefined) return { kind: "float-register", register: float.number, token: first, span, tokens };
    if (first.text !== ".") return { kind: "name", token: first, span, tokens };
  }
  const cursor = new Cursor(tokens, endOf(span));
  let relocation: string | undefined;
  let offset: Expression | undefined;
  if (!isBase(tokens, 0)) {
    if (first.kind === "relocation") {
      relocation = first.text;
      cursor.index = 1;
      cursor.accept("(");
    }
    offset = parseExpression(cursor, context);
    if (offset !== undefined && relocation !== undefined && !cursor.accept(")")) {
      cursor.fail("a closing parenthesis is missing here");
    }
    if (cursor.failure) return cursor.failure;
  }
  const offsetSpan = spanOf(tokens.slice(0, cursor.index), first);
  if (isBase(tokens, cursor.index)) {
    const base = registerOf(tokens[cursor.index + 1])!;
    cursor.index += 3;
    if (cursor.done) return { kind: "memory", relocation, offset, offsetSpan, base, span, tokens };
  } else if (cursor.done && offset !== undefined) {
    if (relocation === undefined) return { kind: "expression", value: offset, span, tokens };
    return { kind: "relocation", relocation, value: offset, span, tokens };
  }
  return { span: cursor.span, message: `unexpected \`${cursor.token?.text ?? ""}\`` };
}

/** `(reg)` stands at `index`. */
function isBase(tokens: readonly Token[], index: number): boolean {
  return (
    isPunctuation(tokens[index], "(") &&
    isPunctuation(tokens[index + 2], ")") &&
    registerOf(tokens[index + 1]) !== undefined
  );
}

/** The empty place behind a span, for what is missing there. */
export function endOf(span: Span): Span {
  return { file: span.file, line: span.line, column: span.column + span.length, length: 1 };
}
