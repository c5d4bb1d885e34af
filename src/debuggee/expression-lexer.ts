import { errors } from "./errors.ts";

export type Token =
  | { readonly kind: "number"; readonly value: bigint; readonly column: number; readonly end: number }
  | { readonly kind: "float"; readonly value: number; readonly column: number; readonly end: number }
  | { readonly kind: "name"; readonly text: string; readonly column: number; readonly end: number }
  | { readonly kind: "symbol"; readonly text: string; readonly column: number; readonly end: number }
  | { readonly kind: "end"; readonly column: number; readonly end: number };

/** An expression longer than this is no expression that somebody typed. */
const LONGEST_EXPRESSION = 4096;

const SPACE = /\s+/y;
const FLOAT = /[0-9][0-9_]*(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)/y;
const NUMBER = /0[xX][0-9a-fA-F][0-9a-fA-F_]*|0[bB][01][01_]*|0[oO][0-7][0-7_]*|[0-9][0-9_]*/y;
// Names of assembly symbols hold dots and dollars inside; `.` and `->` never stand for members of structures here.
const NAME = /[$@]?[A-Za-z_.][\w.$@]*/y;
const QUOTED_NAME = /`([^`]+)`/y;
const CHARACTER = /'(?:\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)|([^'\\]))'/uy;
const SYMBOL = /<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>?:()[\],=]/y;

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, 0: 0, a: 7, b: 8, f: 12, v: 11, e: 27 };

/** Splits an expression. Columns are one-based. Throws a UserError that names the column. */
export function tokenize(text: string): Token[] {
  if (text.length > LONGEST_EXPRESSION) {
    throw errors.expression(`${text.slice(0, 20)}…`, LONGEST_EXPRESSION, "The expression is too long");
  }
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  while (at < text.length) {
    const space = match(SPACE);
    if (space !== null) {
      at += space[0].length;
      continue;
    }
    const column = at + 1;
    const float = match(FLOAT);
    const number = float ?? match(NUMBER);
    const character = match(CHARACTER);
    const quoted = match(QUOTED_NAME);
    const found = number ?? character ?? quoted ?? match(NAME) ?? match(SYMBOL);
    if (found === null) throw errors.expression(text, column, `"${text[at]}" cannot stand here`);
    at += found[0].length;
    const end = at;
    if (found === number) {
      const next = text[at];
      if (next !== undefined && /[\w]/.test(next)) throw errors.expression(text, column, "This number is malformed");
      const digits = found[0].replaceAll("_", "");
      if (float !== null) tokens.push({ kind: "float", value: Number(digits), column, end });
      else tokens.push({ kind: "number", value: BigInt(digits), column, end });
    } else if (found === character) {
      tokens.push({ kind: "number", value: characterValue(found), column, end });
    } else if (found === quoted) {
      tokens.push({ kind: "name", text: `&${found[1]}`, column, end });
    } else if (/^[$@A-Za-z_.]/.test(found[0])) {
      tokens.push({ kind: "name", text: found[0], column, end });
    } else {
      tokens.push({ kind: "symbol", text: found[0], column, end });
    }
  }
  tokens.push({ kind: "end", column: text.length + 1, end: text.length });
  return tokens;
}

function characterValue([, escaped, plain]: RegExpExecArray): bigint {
  if (plain !== undefined) return BigInt(plain.codePointAt(0) ?? 0);
  if (escaped.startsWith("x")) return BigInt(`0${escaped}`);
  if (/^[0-7]+$/.test(escaped)) return BigInt(`0o${escaped}`);
  return BigInt(ESCAPES[escaped] ?? escaped.codePointAt(0) ?? 0);
}
