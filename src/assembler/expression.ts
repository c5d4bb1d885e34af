import { unreachable } from "../base/assert.ts";
import { addressOf, type Chunk, type Place, type Section } from "./section.ts";
import type { Span, Token } from "./source.ts";
import { isPunctuation } from "./statements.ts";
import type { AssemblerSymbol } from "./symbol.ts";

/** An expression; values are 64-bit integers that wrap. Symbols that were constants where it was read are gone. */
export type Expression =
  | { readonly kind: "constant"; readonly value: bigint }
  | { readonly kind: "symbol"; readonly symbol: AssemblerSymbol; readonly span: Span }
  /** `.`, or a label whose definition was known. */
  | { readonly kind: "place"; readonly place: Place }
  | { readonly kind: "unary"; readonly operator: string; readonly operand: Expression; readonly span: Span }
  | {
      readonly kind: "binary";
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
      readonly span: Span;
    };

/** What reading an expression needs to know of the assembly. */
export interface ExpressionContext {
  symbol(token: Token): AssemblerSymbol | undefined;
  readonly here: Place | undefined;
}

/** A position in a list of tokens, and what went wrong there. */
export class Cursor {
  readonly tokens: readonly Token[];
  index: number;
  /** Used when the tokens end too early. */
  readonly fallback: Span;
  failure: { span: Span; message: string } | undefined;

  constructor(tokens: readonly Token[], fallback: Span, index = 0) {
    this.tokens = tokens;
    this.fallback = fallback;
    this.index = index;
  }

  get token(): Token | undefined {
    return this.tokens[this.index];
  }

  get span(): Span {
    return this.token ?? this.fallback;
  }

  get done(): boolean {
    return this.index >= this.tokens.length;
  }

  /** Steps over the punctuation if it is there. */
  accept(text: string): boolean {
    if (!isPunctuation(this.token, text)) return false;
    this.index++;
    return true;
  }

  fail(message: string, span: Span = this.span): undefined {
    this.failure ??= { span, message };
    return undefined;
  }
}

/** GNU `as` ranks, tighter first; operators of a rank associate to the left. */
const RANK: Readonly<Record<string, number>> = {
  "*": 8,
  "/": 8,
  "%": 8,
  "<<": 8,
  ">>": 8,
  "|": 7,
  "&": 7,
  "^": 7,
  "!": 7,
  "+": 5,
  "-": 5,
  "==": 4,
  "!=": 4,
  "<>": 4,
  "<": 4,
  ">": 4,
  "<=": 4,
  ">=": 4,
  "&&": 3,
  "||": 2,
};

/** Deeper nesting is a mistake, and would overflow the stack. */
const DEEPEST_NESTING = 200;

/** Reads an expression at the cursor; undefined, with `cursor.failure` set, when there is none. */
export function parseExpression(cursor: Cursor, context: ExpressionContext): Expression | undefined {
  return parseBinary(cursor, context, 0, 0);
}

function parseBinary(
  cursor: Cursor,
  context: ExpressionContext,
  lowest: number,
  depth: number,
): Expression | undefined {
  let left = parseUnary(cursor, context, depth);
  while (left !== undefined) {
    const token = cursor.token;
    const rank = token?.kind === "punctuation" ? RANK[token.text] : undefined;
    if (token === undefined || rank === undefined || rank <= lowest) return left;
    cursor.index++;
    const right = parseBinary(cursor, context, rank, depth + 1);
    if (right === undefined) return undefined;
    if ((token.text === "/" || token.text === "%") && right.kind === "constant" && right.value === 0n) {
      return cursor.fail("division by zero", token);
    }
    left = fold({ kind: "binary", operator: token.text, left, right, span: token });
  }
  return undefined;
}

function parseUnary(cursor: Cursor, context: ExpressionContext, depth: number): Expression | undefined {
  const token = cursor.token;
  if (depth > DEEPEST_NESTING) return cursor.fail("the expression is nested too deeply");
  if (token === undefined) return cursor.fail("an expression is missing here");
  if (token.kind === "punctuation") {
    if (token.text === "(") {
      cursor.index++;
      const inner = parseBinary(cursor, context, 0, depth + 1);
      if (inner === undefined) return undefined;
      return cursor.accept(")") ? inner : cursor.fail("a closing parenthesis is missing here");
    }
    if ("-+~!".includes(token.text)) {
      cursor.index++;
      const operand = parseUnary(cursor, context, depth + 1);
      if (operand === undefined) return undefined;
      return token.text === "+" ? operand : fold({ kind: "unary", operator: token.text, operand, span: token });
    }
  }
  return parsePrimary(cursor, context, token);
}

function parsePrimary(cursor: Cursor, context: ExpressionContext, token: Token): Expression | undefined {
  switch (token.kind) {
    case "integer":
      cursor.index++;
      if (token.value! >= 1n << 64n) return cursor.fail(`\`${token.text}\` does not fit 64 bits`, token);
      return { kind: "constant", value: BigInt.asIntN(64, token.value!) };
    case "identifier":
      cursor.index++;
      if (token.text === ".") {
        return context.here ? { kind: "place", place: context.here } : cursor.fail("`.` means nothing here", token);
      }
      return reference(context.symbol(token), token);
    case "local": {
      cursor.index++;
      const symbol = context.symbol(token);
      if (symbol === undefined)
        return cursor.fail(`no label \`${token.text.slice(0, -1)}:\` stands before this`, token);
      return reference(symbol, token);
    }
    case "parameter":
      return cursor.fail(`\`${token.text}\` is no argument of this macro`, token);
    case "bad":
      return cursor.fail(badToken(token), token);
    case "relocation":
      return cursor.fail(`\`${token.text}\` is not allowed here`, token);
    default:
      return cursor.fail(`expected an expression, found \`${token.text}\``, token);
  }
}

/** What is wrong with a token that is none. */
export function badToken(token: Token): string {
  if (token.text.startsWith('"')) return "the string is not closed";
  if (token.text.startsWith("/*")) return "the comment is not closed";
  if (/^\d/.test(token.text)) return `\`${token.text}\` is not a number`;
  const code = token.text.codePointAt(0) ?? 0;
  const visible = code > 0x20 && code < 0x7f;
  return `unexpected character ${visible ? `\`${token.text}\`` : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`}`;
}

/** A symbol's constant value replaces it: `.set` may give it another one further down. */
function reference(symbol: AssemblerSymbol | undefined, span: Span): Expression {
  if (symbol === undefined) return { kind: "constant", value: 0n };
  const definition = symbol.definition;
  if (definition?.kind === "value" && !definition.lazy) return definition.value;
  return { kind: "symbol", symbol, span };
}

function fold(expression: Expression): Expression {
  if (expression.kind === "unary" && expression.operand.kind === "constant") {
    return { kind: "constant", value: applyUnary(expression.operator, expression.operand.value) };
  }
  if (expression.kind === "binary" && expression.left.kind === "constant" && expression.right.kind === "constant") {
    const value = applyBinary(expression.operator, expression.left.value, expression.right.value);
    if (value !== undefined) return { kind: "constant", value };
  }
  return expression;
}

function applyUnary(operator: string, value: bigint): bigint {
  switch (operator) {
    case "-":
      return BigInt.asIntN(64, -value);
    case "~":
      return ~value;
    default:
      return value === 0n ? 1n : 0n;
  }
}

/** The value, or undefined for a division by zero. GNU `as` says -1 for a true comparison, 1 for `&&` and `||`. */
function applyBinary(operator: string, left: bigint, right: bigint): bigint | undefined {
  const truth = (condition: boolean): bigint => (condition ? -1n : 0n);
  const wrap = (value: bigint): bigint => BigInt.asIntN(64, value);
  // A shift by more bits than there are leaves nothing; a negative amount is a huge unsigned one.
  const far = right < 0n || right >= 64n;
  switch (operator) {
    case "*":
      return wrap(left * right);
    case "/":
      return right === 0n ? undefined : wrap(left / right);
    case "%":
      return right === 0n ? undefined : left % right;
    case "<<":
      return far ? 0n : wrap(left << right);
    case ">>":
      return far ? 0n : wrap(BigInt.asUintN(64, left) >> right);
    case "|":
      return left | right;
    case "&":
      return left & right;
    case "^":
      return left ^ right;
    case "!":
      return left | ~right;
    case "+":
      return wrap(left + right);
    case "-":
      return wrap(left - right);
    case "==":
      return truth(left === right);
    case "!=":
    case "<>":
      return truth(left !== right);
    case "<":
      return truth(left < right);
    case ">":
      return truth(left > right);
    case "<=":
      return truth(left <= right);
    case ">=":
      return truth(left >= right);
    case "&&":
      return left !== 0n && right !== 0n ? 1n : 0n;
    case "||":
      return left !== 0n || right !== 0n ? 1n : 0n;
    default:
      return unreachable(operator as never, "operator");
  }
}

/** What a value is relative to: nothing (a plain number), a section, or chunks that keep their distance. */
export type Base = Section | Chunk | undefined;

export type Evaluated =
  | { readonly ok: true; readonly value: bigint; readonly base: Base }
  | { readonly ok: false; readonly span: Span | undefined; readonly message: string };

/** Parts that one evaluation may look at: `.set x, x + x`, said thirty times, has a thousand million. */
const MOST_PARTS = 20_000;
/** Symbols defined by symbols, expressions inside expressions: more would overflow the stack. */
const DEEPEST_EVALUATION = 1000;

type When = "early" | "final";

/** What is left of the limits during one evaluation. */
interface Budget {
  parts: number;
  depth: number;
}

/**
 * The value of an expression. "early": while reading the source, when only distances inside a run of bytes of known
 * size are certain. "final": after layout; undefined weak symbols are zero.
 */
export function evaluate(expression: Expression, when: When): Evaluated {
  if (expression.kind === "constant") return { ok: true, value: expression.value, base: undefined };
  if (expression.kind === "place") return evaluatePlace(expression.place, when);
  return evaluatePart(expression, when, { parts: MOST_PARTS, depth: DEEPEST_EVALUATION });
}

function evaluatePart(expression: Expression, when: When, budget: Budget): Evaluated {
  switch (expression.kind) {
    case "constant":
      return { ok: true, value: expression.value, base: undefined };
    case "place":
      return evaluatePlace(expression.place, when);
  }
  if (--budget.parts < 0 || budget.depth === 0) {
    return { ok: false, span: expression.span, message: "this has too many parts, those of its symbols counted" };
  }
  budget.depth--;
  const result = evaluateCompound(expression, when, budget);
  budget.depth++;
  return result;
}

function evaluateCompound(
  expression: Expression & { kind: "symbol" | "unary" | "binary" },
  when: When,
  budget: Budget,
): Evaluated {
  if (expression.kind === "symbol") return evaluateSymbol(expression.symbol, expression.span, when, budget);
  if (expression.kind === "binary") return evaluateBinary(expression, when, budget);
  const operand = evaluatePart(expression.operand, when, budget);
  if (!operand.ok) return operand;
  if (operand.base !== undefined) return addressFailure(expression.operator, expression.span);
  return { ok: true, value: applyUnary(expression.operator, operand.value), base: undefined };
}

function evaluatePlace(place: Place, when: When): Evaluated {
  const { chunk, offset } = place;
  if (when === "final") return { ok: true, value: addressOf(place), base: chunk.section };
  return { ok: true, value: BigInt(chunk.leaderOffset + offset), base: chunk.leader ?? chunk };
}

function evaluateSymbol(symbol: AssemblerSymbol, span: Span, when: When, budget: Budget): Evaluated {
  const definition = symbol.definition;
  if (definition === undefined || definition.kind === "common") {
    if (when === "early") return { ok: false, span, message: `\`${symbol.name}\` is not defined before this line` };
    if (symbol.binding === "weak") return { ok: true, value: 0n, base: undefined };
    return { ok: false, span, message: undefinedSymbol(symbol.name) };
  }
  if (definition.kind === "label") return evaluatePlace(definition.place, when);
  if (symbol.evaluating) return { ok: false, span, message: `\`${symbol.name}\` is defined by itself` };
  symbol.evaluating = true;
  const result = evaluatePart(definition.value, when, budget);
  symbol.evaluating = false;
  return result;
}

function undefinedSymbol(name: string): string {
  return /^\d+$/.test(name) ? `no label \`${name}:\` stands behind this` : `undefined symbol \`${name}\``;
}

function evaluateBinary(expression: Expression & { kind: "binary" }, when: When, budget: Budget): Evaluated {
  const left = evaluatePart(expression.left, when, budget);
  if (!left.ok) return left;
  const right = evaluatePart(expression.right, when, budget);
  if (!right.ok) return right;
  const { operator, span } = expression;
  let base: Base;
  if (left.base !== undefined || right.base !== undefined) {
    const both = left.base !== undefined && right.base !== undefined;
    if (operator === "+" && !both) base = left.base ?? right.base;
    else if (operator === "-" && right.base === undefined) base = left.base;
    else if (both && (operator === "-" || RANK[operator] === 4)) {
      // Once everything has its address, the distance between two sections is a number, too.
      if (when === "early" && left.base !== right.base) {
        return { ok: false, span, message: "the distance between these labels is not known yet" };
      }
    } else return addressFailure(operator, span);
  }
  const value = applyBinary(operator, left.value, right.value);
  return value === undefined ? { ok: false, span, message: "division by zero" } : { ok: true, value, base };
}

function addressFailure(operator: string, span: Span): Evaluated {
  return { ok: false, span, message: `\`${operator}\` needs numbers, but an address is known only after linking` };
}

/** The number that the expression is right now, whatever comes later; undefined when it is none. */
export function constantOf(expression: Expression): bigint | undefined {
  if (expression.kind === "constant") return expression.value;
  const result = evaluate(expression, "early");
  return result.ok && result.base === undefined ? result.value : undefined;
}

/** Why an expression is no constant here. */
export function notConstant(expression: Expression): string {
  const result = evaluate(expression, "early");
  if (!result.ok) return `a constant is needed here, and ${result.message}`;
  return "a constant is needed here, and this is an address; `la` loads one, `%lo(…)` is the low part of one";
}
