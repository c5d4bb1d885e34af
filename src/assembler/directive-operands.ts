import { Cursor, constantOf, type Expression, notConstant, parseExpression } from "./expression.ts";
import { stringText } from "./lexer.ts";
import { endOf, gapIn } from "./operand-parser.ts";
import type { Session } from "./session.ts";
import { type Span, type Statement, spanOf, type Token } from "./source.ts";
import { splitAtCommas } from "./statements.ts";

/** Carries out one directive. */
export type Handler = (session: Session, statement: Statement) => void;

export interface SpannedExpression {
  readonly value: Expression;
  readonly span: Span;
}

/** The operands of a directive, cut at commas. */
export function parts(statement: Statement): (readonly Token[])[] {
  return splitAtCommas(statement.operands);
}

/** One operand as an expression; undefined, and an error reported, when it is none. */
export function expressionOf(
  session: Session,
  tokens: readonly Token[],
  statement: Statement,
): SpannedExpression | undefined {
  const fallback = gapIn(statement.operands, endOf(spanOf(statement.tokens, statement.name!)));
  const cursor = new Cursor(tokens, tokens.length === 0 ? fallback : endOf(spanOf(tokens, fallback)));
  const value = parseExpression(cursor, session);
  if (value !== undefined && !cursor.done) cursor.fail(`unexpected \`${cursor.token!.text}\``);
  if (value === undefined || cursor.failure !== undefined) {
    session.diagnostics.error(cursor.failure!.span, cursor.failure!.message);
    return undefined;
  }
  return { value, span: spanOf(tokens, fallback) };
}

/**
 * One operand as a number between `min` and `max`. A missing one is `whenMissing`; undefined, and an error reported,
 * when there is no such number.
 */
export function numberOf(
  session: Session,
  tokens: readonly Token[] | undefined,
  statement: Statement,
  range: { readonly min: number; readonly max: number; readonly whenMissing?: number },
): number | undefined {
  if ((tokens === undefined || tokens.length === 0) && range.whenMissing !== undefined) return range.whenMissing;
  const expression = expressionOf(session, tokens ?? [], statement);
  if (expression === undefined) return undefined;
  const value = constantOf(expression.value);
  if (value === undefined) {
    session.diagnostics.error(expression.span, notConstant(expression.value));
    return undefined;
  }
  if (value < BigInt(range.min) || value > BigInt(range.max)) {
    session.diagnostics.error(
      expression.span,
      `${value} is out of range: \`${statement.name!.text}\` takes ${range.min} to ${range.max}`,
    );
    return undefined;
  }
  return Number(value);
}

/** One operand as a name. */
export function nameOf(
  session: Session,
  tokens: readonly Token[] | undefined,
  statement: Statement,
): Token | undefined {
  const token = tokens?.[0];
  if (token?.kind === "identifier" && tokens!.length === 1) return token;
  const span =
    tokens && tokens.length > 0 ? spanOf(tokens, tokens[0]) : endOf(spanOf(statement.tokens, statement.name!));
  session.diagnostics.error(span, `\`${statement.name!.text}\` needs a name here`);
  return undefined;
}

/** A string or a bare word, for names of sections and files. */
export function wordOf(tokens: readonly Token[] | undefined): string | undefined {
  if (tokens === undefined || tokens.length === 0) return undefined;
  if (tokens.length === 1 && tokens[0].kind === "string") return stringText(tokens[0]);
  return tokens.map((token) => token.text).join("");
}

/** Reports that a directive's operands make no sense. */
export function misuse(session: Session, statement: Statement, message: string): void {
  session.diagnostics.error(spanOf(statement.operands, statement.name!), message);
}
