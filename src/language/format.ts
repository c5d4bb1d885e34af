import type { Token } from "../assembler/source.ts";
import { parseLines } from "../assembler/statements.ts";
import type { TextEdit } from "./model.ts";

export interface FormatOptions {
  readonly tabSize: number;
  readonly insertSpaces: boolean;
}

/**
 * Lays lines out: labels at the margin, instructions indented, one blank behind commas, comments of neighbouring
 * lines in one column, the one that most of them have. Only white space changes: the tokens and the lines stay what they are. What stands between a
 * mnemonic and its operands is left alone, since many align it by hand. Directives at the margin stay there.
 */
export function format(text: string, options: FormatOptions): TextEdit[] {
  const lines = text.split(/\r\n|\r|\n/);
  const untouched = linesToLeave(lines);
  const drafts = lines.map((line, i) => (untouched.has(i) ? asIs(line) : layOut(line, options)));
  alignComments(drafts, options);
  const edits: TextEdit[] = [];
  drafts.forEach(({ code, comment }, line) => {
    const newText = code + comment;
    if (newText === lines[line]) return;
    edits.push({ range: { start: { line, character: 0 }, end: { line, character: lines[line].length } }, newText });
  });
  return edits;
}

/** Code, with white space up to where the comment begins, and the comment. */
interface Draft {
  code: string;
  readonly comment: string;
  /** Column of a comment that follows code, as it stands now; undefined for one that does not take part in alignment. */
  readonly column: number | undefined;
}

function asIs(line: string): Draft {
  return { code: line, comment: "", column: undefined };
}

/** Zero-based lines whose layout means something, or that do not stand alone: comments over lines, `#define`, `\`. */
function linesToLeave(lines: readonly string[]): Set<number> {
  const leave = new Set<number>();
  let inComment = false;
  for (const [i, line] of lines.entries()) {
    const opened = line.lastIndexOf("/*");
    const closed = line.lastIndexOf("*/");
    const continued = /\\\s*$/.test(lines[i - 1] ?? "") || /\\\s*$/.test(line);
    if (inComment || opened >= 0 || continued || /^\s*#\s*(define|undef|include|if|el|endif|\d)/.test(line))
      leave.add(i);
    if (inComment) inComment = closed < 0 || opened > closed;
    else inComment = opened > closed;
  }
  return leave;
}

function layOut(line: string, options: FormatOptions): Draft {
  const parsed = parseLines(line, { file: 0 });
  const tokens = parsed.flatMap((part) => part.tokens);
  const end = codeEnd(tokens);
  const comment = line.slice(end).trim();
  if (tokens.length === 0) return commentLine(line, comment);
  const first = parsed[0].statements[0];
  // An open string or a stray character: nothing is certain about the line.
  if (first === undefined || tokens.some(({ kind }) => kind === "bad")) return asIs(line);
  const margin = first.labels.length > 0 || staysAtMargin(first.name, line);
  let code = margin ? "" : indentation(line, options);
  const labelTokens = first.labels.length * 2;
  const isTable = first.name?.text.startsWith(".") ?? false;
  tokens.forEach((token, i) => {
    const before = tokens[i - 1];
    if (before !== undefined)
      code +=
        i === labelTokens && margin
          ? labelGap(code, writtenGap(line, before, token), options)
          : gap(line, before, token, isTable);
    code += line.slice(token.column - 1, token.column - 1 + token.length);
  });
  const blanks = line.slice(end).length - line.slice(end).trimStart().length;
  return { code, comment, column: comment === "" ? undefined : widthOf(line.slice(0, end + blanks), options) };
}

/** One step, or what stands there if that is a whole number of steps: nested conditions may be indented further. */
function indentation(line: string, options: FormatOptions): string {
  const step = options.insertSpaces ? " ".repeat(options.tabSize) : "\t";
  const written = /^[ \t]*/.exec(line)?.[0] ?? "";
  const steps = written.length / step.length;
  return Number.isInteger(steps) && steps > 0 && written === step.repeat(steps) ? written : step;
}

function codeEnd(tokens: readonly Token[]): number {
  const last = tokens.at(-1);
  return last === undefined ? 0 : last.column - 1 + last.length;
}

/** A comment alone on its line keeps its indentation: it may belong to the margin or to the code. */
function commentLine(line: string, comment: string): Draft {
  return { code: comment === "" ? "" : (/^\s*/.exec(line)?.[0] ?? ""), comment, column: undefined };
}

/** Directives, assignments and macro bodies' ends that stand at the margin already. */
function staysAtMargin(name: Token | undefined, line: string): boolean {
  if (/^\s/.test(line) || name === undefined) return false;
  return name.text.startsWith(".") || /^[\w.$]+\s*=/.test(line);
}

/** Behind a label the instruction goes to where all instructions are, if there is room; on a column of its own it stays. */
function labelGap(code: string, written: string, { insertSpaces, tabSize }: FormatOptions): string {
  if (!insertSpaces) return "\t";
  if (/^ +$/.test(written) && (code.length + written.length) % tabSize === 0) return written;
  return code.length < tabSize ? " ".repeat(tabSize - code.length) : " ";
}

function writtenGap(line: string, before: Token, token: Token): string {
  return line.slice(before.column - 1 + before.length, token.column - 1);
}

/** White space between two tokens of a statement. Columns of data that somebody aligned stay aligned. */
function gap(line: string, before: Token, token: Token, isTable: boolean): string {
  const written = writtenGap(line, before, token);
  if (token.text === "," && token.kind === "punctuation") return "";
  if (before.text === "," && before.kind === "punctuation") return isTable && /^ +$/.test(written) ? written : " ";
  // White space can separate arguments of macros, so that it is neither made nor taken away.
  return /^\s*$/.test(written) ? written : " ";
}

/** Comments behind code share a column within a run of lines without an empty one. */
function alignComments(drafts: Draft[], options: FormatOptions): void {
  let start = 0;
  for (let i = 0; i <= drafts.length; i++) {
    const blank = i === drafts.length || (drafts[i].code.trim() === "" && drafts[i].comment === "");
    if (!blank) continue;
    alignRun(drafts.slice(start, i), options);
    start = i + 1;
  }
}

function alignRun(run: readonly Draft[], options: FormatOptions): void {
  const trailing = run.filter(({ column }) => column !== undefined);
  const widths = trailing.map(({ code }) => widthOf(code, options));
  const columns = trailing.map(({ column }) => column!);
  const widest = Math.max(0, ...widths.filter((width) => width <= WIDEST_ALIGNED));
  const column = chosenColumn(columns, widths) ?? widest + COMMENT_DISTANCE;
  trailing.forEach((draft, i) => {
    draft.code += " ".repeat(widths[i] < column ? column - widths[i] : COMMENT_DISTANCE);
  });
}

/** The column that most of the comments have already, if the code leaves room for it. */
function chosenColumn(columns: readonly number[], widths: readonly number[]): number | undefined {
  return columns.find((candidate) => {
    const there = columns.filter((column, i) => column === candidate && widths[i] < candidate);
    return there.length * 2 > columns.length;
  });
}

/** Blanks between code and its comment, at least. */
const COMMENT_DISTANCE = 2;
/** One line wider than this does not push the comments of its neighbours out of sight. */
const WIDEST_ALIGNED = 60;

function widthOf(code: string, { tabSize }: FormatOptions): number {
  let width = 0;
  for (const char of code) width = char === "\t" ? (Math.floor(width / tabSize) + 1) * tabSize : width + 1;
  return width;
}
