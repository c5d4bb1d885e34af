import type { Analysis } from "./analysis.ts";
import { type Range, rangeOf, type TextEdit } from "./model.ts";

export interface Diagnostic {
  readonly range: Range;
  readonly severity: "error" | "warning";
  /** A sentence. */
  readonly message: string;
}

/** What is wrong, for every file of the assembly: files without errors have an empty list, so that old ones vanish. */
export function diagnostics(analysis: Analysis): Map<string, Diagnostic[]> {
  const byFile = new Map<string, Diagnostic[]>(analysis.assembly.files.map(({ name }) => [name, []]));
  const seen = new Set<string>();
  for (const error of analysis.assembly.errors) {
    const name = analysis.fileName(error.file);
    // A file that is included twice reports each mistake twice.
    const key = `${name}:${error.line}:${error.column}:${error.message}`;
    if (seen.has(key)) continue;
    seen.add(key);
    byFile.get(name)?.push({
      range: visible(rangeOf(error), analysis.lines(error.file)),
      severity: error.severity,
      message: sentence(error.message),
    });
  }
  return byFile;
}

/** What is missing at the end of a line is shown at its last character: behind it there is nothing to underline. */
function visible({ start, end }: Range, lines: readonly string[]): Range {
  const length = lines[start.line]?.length ?? 0;
  const last = Math.min(end.character, length);
  const first = Math.min(start.character, Math.max(0, last - 1));
  return { start: { line: start.line, character: first }, end: { line: end.line, character: last } };
}

/** The assembler writes messages as compilers do; an editor shows sentences. */
function sentence(message: string): string {
  return /^[a-z]/.test(message) ? message[0].toUpperCase() + message.slice(1) : message;
}

export interface QuickFix {
  readonly title: string;
  readonly edit: TextEdit;
}

/** Corrections that a message offers: "did you mean `addi`?". */
export function quickFixes(diagnostic: Pick<Diagnostic, "range" | "message">): QuickFix[] {
  const guess = /did you mean `([^`]+)`/.exec(diagnostic.message)?.[1];
  if (guess === undefined) return [];
  return [{ title: `Change to ${guess}`, edit: { range: diagnostic.range, newText: guess } }];
}
