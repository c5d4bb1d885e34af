import { type LexedLine, type LexOptions, lex } from "./lexer.ts";
import type { Span, Statement, Token } from "./source.ts";

/** One line of source with its statements, which `;` separates. */
export interface SourceLine extends LexedLine {
  readonly statements: readonly Statement[];
}

/** Source text as lines of statements. Pure syntax: nothing is looked up, nothing is an error. */
export function parseLines(text: string, options: LexOptions, expandedFrom?: Span): SourceLine[] {
  return lex(text, options).map((line) => ({
    line: line.line,
    hash: line.hash,
    tokens: line.tokens,
    statements: parseStatements(line.tokens, expandedFrom),
  }));
}

/** The statements of one line's tokens. */
export function parseStatements(tokens: readonly Token[], expandedFrom?: Span): Statement[] {
  const statements: Statement[] = [];
  let start = 0;
  for (let index = 0; index <= tokens.length; index++) {
    if (index < tokens.length && !isPunctuation(tokens[index], ";")) continue;
    if (index > start) {
      const whole = start === 0 && index === tokens.length;
      statements.push(parseStatement(whole ? tokens : tokens.slice(start, index), expandedFrom));
    }
    start = index + 1;
  }
  return statements;
}

function parseStatement(tokens: readonly Token[], expandedFrom: Span | undefined): Statement {
  const { file, line } = tokens[0];
  const labels: Token[] = [];
  let index = 0;
  while (index + 1 < tokens.length && isLabel(tokens[index]) && isPunctuation(tokens[index + 1], ":")) {
    labels.push(tokens[index]);
    index += 2;
  }
  const first = tokens[index];
  const name = first?.kind === "identifier" || first?.text === "#" ? first : undefined;
  if (name === undefined) {
    return { file, line, tokens, labels, name, assignment: undefined, operands: tokens.slice(index), expandedFrom };
  }
  const sign = tokens[index + 1];
  const assignment =
    sign?.kind === "punctuation" && (sign.text === "=" || sign.text === "==") && name.text !== "#"
      ? (sign.text as "=" | "==")
      : undefined;
  const operands = tokens.slice(index + (assignment ? 2 : 1));
  return { file, line, tokens, labels, name, assignment, operands, expandedFrom };
}

function isLabel(token: Token): boolean {
  return token.kind === "identifier" || token.kind === "integer";
}

export function isPunctuation(token: Token | undefined, text: string): boolean {
  return token !== undefined && token.kind === "punctuation" && token.text === text;
}

/** Cuts operands at commas outside parentheses. No operands at all give an empty list. */
export function splitAtCommas(tokens: readonly Token[]): (readonly Token[])[] {
  if (tokens.length === 0) return [];
  const parts: (readonly Token[])[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index];
    if (token.kind !== "punctuation") continue;
    if (token.text === "(") depth++;
    else if (token.text === ")") depth--;
    else if (token.text === "," && depth <= 0) {
      parts.push(tokens.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(tokens.slice(start));
  return parts;
}
