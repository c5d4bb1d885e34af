/**
 * Where things stand in the source: spans, tokens, statements, and what is said about them. Everything that the
 * assembler reports carries a span, so that the language service and the command line show the same place.
 */

/** A stretch of one source line. Lines and columns count from one; columns and lengths are UTF-16 code units. */
export interface Span {
  /** Index into `Assembly.files`. */
  readonly file: number;
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

export type TokenKind =
  /** Symbols, mnemonics, directives (with their dot), registers. */
  | "identifier"
  /** `value` is a bigint; character literals are integers too. */
  | "integer"
  | "float"
  /** `text` keeps the quotes and the escapes as written. */
  | "string"
  /** `1f`, `2b`: a reference to a numeric label. */
  | "local"
  /** `%hi`, `%pcrel_lo`, … in front of a parenthesis. */
  | "relocation"
  /** `\name`, `\@`, `\()` in the body of a macro. */
  | "parameter"
  | "punctuation"
  /** Characters that belong to no token; an error where the statement is assembled. */
  | "bad";

export interface Token extends Span {
  readonly kind: TokenKind;
  readonly text: string;
  /** White space stands in front. */
  readonly spaced: boolean;
  readonly value?: bigint;
}

/**
 * One statement as written: labels, then a mnemonic, directive or macro name with its operands, or `symbol = …`.
 * Purely syntax: whether `name` exists is found out when the statement is assembled.
 */
export interface Statement {
  readonly file: number;
  readonly line: number;
  /** All tokens, labels and name included. */
  readonly tokens: readonly Token[];
  /** Identifiers, or integers for numeric labels, each followed by a colon. */
  readonly labels: readonly Token[];
  /** The mnemonic, directive or macro name; in an assignment the symbol. Missing when there are only labels. */
  readonly name: Token | undefined;
  readonly assignment: "=" | "==" | undefined;
  readonly operands: readonly Token[];
  /** Set for statements that a macro gave: the span of the outermost invocation, which all their tokens carry too. */
  readonly expandedFrom: Span | undefined;
}

export interface AssemblyError extends Span {
  readonly severity: "error" | "warning";
  /** One sentence without a full stop, as compilers write it. */
  readonly message: string;
}

/** Errors past this many say nothing new; a binary file taken for source would give one a line. */
const MOST_ERRORS = 1000;

/** Collects what is wrong with the source. Nothing in the assembler throws because of its input. */
export class Diagnostics {
  readonly list: AssemblyError[] = [];
  #seen = new Set<string>();
  errorCount = 0;

  error(span: Span, message: string): void {
    this.#add(span, "error", message);
  }

  warning(span: Span, message: string): void {
    this.#add(span, "warning", message);
  }

  #add(span: Span, severity: "error" | "warning", message: string): void {
    if (severity === "error") this.errorCount++;
    if (this.list.length >= MOST_ERRORS) return;
    // A macro or a repetition meets the same mistake many times; once is enough.
    const key = `${span.file}:${span.line}:${span.column}:${message}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const { file, line, column, length } = span;
    this.list.push({ file, line, column, length: Math.max(1, length), severity, message });
  }
}

/** The span from the first to the last of `tokens`, which stand on one line. */
export function spanOf(tokens: readonly Token[], fallback: Span): Span {
  if (tokens.length === 0) return fallback;
  const first = tokens[0];
  const last = tokens[tokens.length - 1];
  if (last.line !== first.line || last.file !== first.file || last.column < first.column) return first;
  return {
    file: first.file,
    line: first.line,
    column: first.column,
    length: last.column + last.length - first.column,
  };
}

/** The source text of `tokens`, white space reduced to one blank. */
export function textOf(tokens: readonly Token[], from = 0, to = tokens.length): string {
  let text = "";
  for (let index = from; index < to; index++) {
    if (index > from && tokens[index].spaced) text += " ";
    text += tokens[index].text;
  }
  return text;
}
