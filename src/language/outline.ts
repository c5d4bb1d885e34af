import type { Statement, Token } from "../assembler/source.ts";
import type { Analysis } from "./analysis.ts";
import { type Range, rangeOf } from "./model.ts";
import { blockRole, DEFINING_DIRECTIVES, directiveOf, preprocessorWord } from "./statement-kind.ts";

export interface OutlineSymbol {
  readonly name: string;
  readonly kind: "function" | "label" | "data" | "constant" | "macro" | "section";
  readonly detail: string;
  /** The name, and everything that belongs to it. */
  readonly selection: Range;
  readonly range: Range;
  readonly children: readonly OutlineSymbol[];
}

interface Draft {
  name: string;
  kind: OutlineSymbol["kind"];
  detail: string;
  token: Token;
  /** Last line of what belongs to it, one-based. */
  lastLine: number;
  children: Draft[];
}

/**
 * The names that a file defines, in order. A label owns what stands up to the next one; labels that begin with `.L` and
 * numeric labels are parts of the label before them and are not shown on their own level.
 */
export function outline(analysis: Analysis, file: number): OutlineSymbol[] {
  const functions = functionNames(analysis, file);
  const top: Draft[] = [];
  let open: Draft | undefined;
  let executable = true;
  for (const statement of analysis.statements(file)) {
    for (const label of statement.labels) {
      if (label.kind !== "identifier") continue;
      if (label.text.startsWith(".L") && open !== undefined) {
        open.children.push(draft(label.text, "label", label));
        continue;
      }
      const kind = functions.has(label.text) ? "function" : executable ? "label" : "data";
      open = draft(label.text, kind, label);
      top.push(open);
    }
    const directive = directiveOf(statement);
    executable = sectionIsExecutable(statement, directive) ?? executable;
    const defined = definition(statement, directive);
    if (defined !== undefined) top.push(defined);
    // What stands in another section or in a macro belongs to no label before it.
    if (directive !== undefined && (SECTION.test(directive) || directive === ".macro")) open = undefined;
    const last = statement.tokens.at(-1)?.line ?? statement.line;
    if (open !== undefined) open.lastLine = Math.max(open.lastLine, last);
  }
  closeMacros(analysis, file, top);
  const lines = analysis.lines(file);
  return top.map((entry) => finish(entry, lines));
}

function draft(name: string, kind: Draft["kind"], token: Token, detail = ""): Draft {
  return { name, kind, detail, token, lastLine: token.line, children: [] };
}

const SECTION = /^\.(text|data|rodata|bss|section|pushsection|popsection|previous|sdata|sbss)$/;

function sectionIsExecutable(statement: Statement, directive: string | undefined): boolean | undefined {
  if (directive === undefined || !SECTION.test(directive)) return undefined;
  const name = directive.endsWith("section") ? statement.operands[0]?.text : directive;
  return name === undefined ? undefined : /^\.?"?\.?(text|init|fini)/.test(name);
}

function definition(statement: Statement, directive: string | undefined): Draft | undefined {
  const { name, operands } = statement;
  if (statement.assignment !== undefined && name !== undefined) {
    return draft(name.text, "constant", name, operandText(operands));
  }
  const [first, ...rest] = operands;
  if (preprocessorWord(statement) === "define") {
    const defined = operands[1];
    return defined?.kind === "identifier"
      ? draft(defined.text, "constant", defined, operandText(operands.slice(2)))
      : undefined;
  }
  if (directive === undefined || first?.kind !== "identifier") return undefined;
  if (directive === ".macro") return draft(first.text, "macro", first, operandText(rest));
  if (!DEFINING_DIRECTIVES.has(directive)) return undefined;
  const kind = /comm/.test(directive) ? "data" : "constant";
  return draft(first.text, kind, first, operandText(rest[0]?.text === "," ? rest.slice(1) : rest));
}

function operandText(tokens: readonly Token[]): string {
  return tokens.map((token, i) => (i > 0 && token.spaced ? " " : "") + token.text).join("");
}

/** What `.globl` or `.type …, @function` marks, and what is called. */
function functionNames(analysis: Analysis, file: number): Set<string> {
  const names = new Set<string>();
  for (const statement of analysis.statements(file)) {
    const directive = directiveOf(statement);
    const name = statement.name?.text.toLowerCase();
    if (directive === ".globl" || directive === ".global" || directive === ".weak") {
      for (const token of statement.operands) names.add(token.text);
    } else if (directive === ".type" && statement.operands.at(-1)?.text === "function") {
      names.add(statement.operands[0].text);
    } else if (name === "call" || name === "tail") {
      names.add(statement.operands.at(-1)?.text ?? "");
    }
  }
  return names;
}

/** A macro reaches to its `.endm`. */
function closeMacros(analysis: Analysis, file: number, drafts: readonly Draft[]): void {
  for (const { first, last } of blocks(analysis.statements(file))) {
    const macro = drafts.find(({ kind, token }) => kind === "macro" && token.line === first);
    if (macro !== undefined) macro.lastLine = last;
  }
}

function finish(entry: Draft, lines: readonly string[]): OutlineSymbol {
  const selection = rangeOf(entry.token);
  const end = { line: entry.lastLine - 1, character: lines[entry.lastLine - 1]?.length ?? 0 };
  return {
    name: entry.name,
    kind: entry.kind,
    detail: entry.detail,
    selection,
    range: { start: { line: selection.start.line, character: 0 }, end },
    children: entry.children.map((child) => finish(child, lines)),
  };
}

/** First and last line of each part that opens and closes, one-based; parts of a condition end before the next one. */
function* blocks(statements: readonly Statement[]): Iterable<{ first: number; last: number }> {
  const open: { family: string; line: number }[] = [];
  for (const statement of statements) {
    const block = blockRole(statement);
    if (block === undefined) continue;
    if (block.role !== "open") {
      const index = open.findLastIndex(({ family }) => family === block.family);
      if (index < 0) continue;
      const first = open[index].line;
      open.length = index;
      yield { first, last: block.role === "close" ? statement.line : statement.line - 1 };
    }
    if (block.role !== "close") open.push({ family: block.family, line: statement.line });
  }
}

export interface FoldingRange {
  /** Zero-based lines, both included. */
  readonly start: number;
  readonly end: number;
  readonly kind: "region" | "comment" | "code";
}

/** What can be folded: macros, repetitions, conditions, labels with what they own, comments, `#region`. */
export function foldingRanges(analysis: Analysis, file: number): FoldingRange[] {
  const ranges: FoldingRange[] = [];
  const add = (start: number, end: number, kind: FoldingRange["kind"]): void => {
    if (end > start) ranges.push({ start, end, kind });
  };
  for (const { first, last } of blocks(analysis.statements(file))) add(first - 1, last - 1, "code");
  for (const symbol of outline(analysis, file)) {
    if (symbol.kind !== "macro") add(symbol.range.start.line, symbol.range.end.line, "code");
  }
  const lines = analysis.lines(file);
  for (const { start, end } of commentBlocks(lines)) add(start, end, "comment");
  for (const { start, end } of regions(lines)) add(start, end, "region");
  return ranges.sort((a, b) => a.start - b.start || b.end - a.end);
}

/** Runs of comment lines, and comments over several lines. */
function* commentBlocks(lines: readonly string[]): Iterable<{ start: number; end: number }> {
  let start: number | undefined;
  let inBlock = false;
  for (let line = 0; line <= lines.length; line++) {
    const text = lines[line] ?? "";
    const opens = /^\s*\/\*/.test(text);
    const isComment =
      line < lines.length && (inBlock || opens || /^\s*(#(?!(el|end)?if|define|include|undef)|\/\/)/.test(text));
    if (isComment) start ??= line;
    else if (start !== undefined) {
      yield { start, end: line - 1 };
      start = undefined;
    }
    if (opens || inBlock) inBlock = !text.includes("*/");
  }
}

function* regions(lines: readonly string[]): Iterable<{ start: number; end: number }> {
  const open: number[] = [];
  for (const [line, text] of lines.entries()) {
    if (/^\s*(#|\/\/)\s*#?region\b/.test(text)) open.push(line);
    else if (/^\s*(#|\/\/)\s*#?endregion\b/.test(text)) {
      const start = open.pop();
      if (start !== undefined) yield { start, end: line };
    }
  }
}
