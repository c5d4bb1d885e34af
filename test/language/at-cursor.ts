import assert from "node:assert/strict";
import { Analysis } from "../../src/language/analysis.ts";
import type { Position, Range, TextEdit } from "../../src/language/model.ts";

/** Marks the place of a question in a test's source. */
const CURSOR = "‸";

/** A source with the cursor's mark taken out, analysed. */
export function atCursor(marked: string, name = "/src/a.s"): { analysis: Analysis; position: Position; text: string } {
  const offset = marked.indexOf(CURSOR);
  assert.ok(offset >= 0, "the source has no cursor");
  const before = marked.slice(0, offset).split("\n");
  const text = marked.replace(CURSOR, "");
  const position = { line: before.length - 1, character: before.at(-1)!.length };
  return { analysis: new Analysis(name, text), position, text };
}

/** The text that a range covers; ranges are within one line. */
export function textAt(text: string, range: Range): string {
  assert.equal(range.start.line, range.end.line);
  return text.split("\n")[range.start.line].slice(range.start.character, range.end.character);
}

/** The text with edits applied. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const lines = text.split("\n");
  const backwards = [...edits].sort(
    (a, b) => b.range.start.line - a.range.start.line || b.range.start.character - a.range.start.character,
  );
  for (const { range, newText } of backwards) {
    const line = lines[range.start.line];
    lines[range.start.line] = line.slice(0, range.start.character) + newText + line.slice(range.end.character);
  }
  return lines.join("\n");
}
