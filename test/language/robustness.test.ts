import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { Analysis } from "../../src/language/analysis.ts";
import { complete, signature } from "../../src/language/completion.ts";
import { diagnostics, quickFixes } from "../../src/language/diagnostics.ts";
import { format } from "../../src/language/format.ts";
import { hover } from "../../src/language/hover.ts";
import type { Position, Range } from "../../src/language/model.ts";
import { definitions, highlights, prepareRename, references, rename } from "../../src/language/navigation.ts";
import { foldingRanges, type OutlineSymbol, outline } from "../../src/language/outline.ts";

const SEED = 20260105;
const SOURCES = ["guest/demo/work-queue.s", "guest/c/runtime/crt0.S"].map((path) =>
  readFileSync(join(import.meta.dirname, "../..", path), "utf8"),
);
const SCRAPS = [
  ...[" ", "\n", ",", ":", ";", "#", '"', "'", "(", ")", "\\", "%", "=", "\r", "\u0000", "é", "𝄞", "1f", "0b", "0x"],
  ...[".macro m a, b=1\n", ".endm\n", ".rept 3\n", ".irp r, a0\n", ".endr\n", ".if 1\n", ".else\n", ".endif\n"],
  ...["#if X\n", "#endif\n", "#define X ", ".equ a, a+1\n", ".set", "/*", "*/", "%hi(", "\\@", ".include ", "m m m"],
];

/** A stretch of a real source with bits of syntax thrown in and pieces torn out. */
function mangled(prng: Prng): string {
  const lines = prng.pick(SOURCES).split("\n");
  const start = prng.below(lines.length);
  let text = lines.slice(start, start + 25).join("\n");
  for (let i = 0; i < 10; i++) {
    const at = prng.below(text.length + 1);
    text = text.slice(0, at) + prng.pick(SCRAPS) + text.slice(at + prng.below(6));
  }
  return text;
}

function assertInside(range: Range, lines: readonly string[], what: string): void {
  for (const { line, character } of [range.start, range.end]) {
    assert.ok(line >= 0 && line < lines.length, `${what}: line ${line} of ${lines.length}`);
    assert.ok(character >= 0 && character <= lines[line].length, `${what}: character ${character} of "${lines[line]}"`);
  }
}

function ask(analysis: Analysis, position: Position): void {
  const lines = analysis.lines(0);
  const shown = hover(analysis, 0, position);
  if (shown !== undefined) assertInside(shown.range, lines, "hover");
  for (const { range } of complete(analysis, 0, position)) assertInside(range, lines, "completion");
  signature(analysis, 0, position);
  for (const { range } of definitions(analysis, 0, position)) assertInside(range, lines, "definition");
  for (const { range } of references(analysis, 0, position, { withDefinitions: true })) {
    assertInside(range, lines, "reference");
  }
  for (const { range } of highlights(analysis, 0, position)) assertInside(range, lines, "highlight");
  prepareRename(analysis, 0, position);
  rename(analysis, 0, position, "another_name");
}

test("no text makes the service throw or point outside of the text", () => {
  const prng = new Prng(SEED);
  for (let round = 0; round < 120; round++) {
    const text = mangled(prng);
    try {
      const analysis = new Analysis(round % 2 === 0 ? "/a.s" : "/a.S", text);
      const lines = analysis.lines(0);
      for (const list of diagnostics(analysis).values()) {
        for (const diagnostic of list) {
          assertInside(diagnostic.range, lines, `diagnostic "${diagnostic.message}"`);
          quickFixes(diagnostic);
        }
      }
      const check = ({ range, selection, children }: OutlineSymbol): void => {
        assertInside(range, lines, "outline");
        assertInside(selection, lines, "outline");
        children.forEach(check);
      };
      outline(analysis, 0).forEach(check);
      for (const { start, end } of foldingRanges(analysis, 0)) assert.ok(start < end && end < lines.length);
      format(text, { tabSize: 4, insertSpaces: true });
      for (let i = 0; i < 12; i++) {
        const line = prng.below(lines.length);
        ask(analysis, { line, character: prng.below(lines[line].length + 1) });
      }
    } catch (error) {
      throw new Error(`round ${round}, seed ${SEED}:\n${JSON.stringify(text)}`, { cause: error });
    }
  }
});

test("positions outside of the text are answered with nothing", () => {
  const analysis = new Analysis("/a.s", " nop\n");
  for (const position of [
    { line: 5, character: 0 },
    { line: 0, character: 99 },
  ]) {
    assert.equal(hover(analysis, 0, position), undefined);
    assert.deepEqual(definitions(analysis, 0, position), []);
    complete(analysis, 0, position);
  }
});

test("diagnostics stand where the mistake is, each once, with a correction where one is near", () => {
  const analysis = new Analysis("/a.s", "  seqzz a0, a1\n  lw a0, 4096(sp)\n.rept 3\n  bogus\n.endr\n");
  const found = diagnostics(analysis).get("/a.s")!;
  assert.deepEqual(
    found.map(({ range, severity }) => [range.start.line, range.start.character, range.end.character, severity]),
    [
      [0, 2, 7, "error"],
      [1, 9, 13, "error"],
      [3, 2, 7, "error"],
    ],
  );
  assert.deepEqual(quickFixes(found[0]), [
    { title: "Change to seqz", edit: { range: found[0].range, newText: "seqz" } },
  ]);
  assert.deepEqual(quickFixes(found[1]), []);
});

test("the guests that we ship have no diagnostics", () => {
  for (const source of [SOURCES[0]]) {
    const lists = [...diagnostics(new Analysis("/demo.s", source)).values()];
    assert.deepEqual(lists, [[]]);
  }
});
