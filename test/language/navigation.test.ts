import assert from "node:assert/strict";
import { test } from "node:test";
import { Analysis } from "../../src/language/analysis.ts";
import { definitions, highlights, prepareRename, references, rename } from "../../src/language/navigation.ts";
import { applyEdits, atCursor, textAt } from "./at-cursor.ts";

/** Lines, counted from one, of the definitions of what stands at the cursor. */
function definitionLines(marked: string): number[] {
  const { analysis, position } = atCursor(marked);
  return definitions(analysis, 0, position).map(({ range }) => range.start.line + 1);
}

function referenceLines(marked: string, withDefinitions = true): number[] {
  const { analysis, position } = atCursor(marked);
  return references(analysis, 0, position, { withDefinitions }).map(({ range }) => range.start.line + 1);
}

function renamed(marked: string, name: string): string {
  const { analysis, position, text } = atCursor(marked);
  const edits = rename(analysis, 0, position, name);
  return "refusal" in edits ? `refused: ${edits.refusal}` : applyEdits(text, edits.get("/src/a.s") ?? []);
}

test("definitions of labels, constants, macros, parameters, defines", () => {
  assert.deepEqual(definitionLines("a:\n nop\n j ‸a"), [1]);
  assert.deepEqual(definitionLines(" li a0, S‸IZE\n.equ SIZE, 4"), [2]);
  assert.deepEqual(definitionLines("SIZE = 4\n li a0, SIZ‸E"), [1]);
  assert.deepEqual(definitionLines(".set n, 1\n.set n, 2\n li a0, ‸n"), [1, 2]);
  assert.deepEqual(definitionLines(".macro Push r\n.endm\n pu‸sh ra"), [1]);
  assert.deepEqual(definitionLines(".macro push r\n sd \\‸r, 0(sp)\n.endm"), [1]);
  assert.deepEqual(definitionLines(".irp r, a0, a1\n sd \\‸r, 0(sp)\n.endr"), [1]);
  assert.deepEqual(definitionLines(".comm pool, 64\n la a0, p‸ool"), [1]);
  const { analysis, position } = atCursor("#define N 4\n li a0, ‸N", "/src/a.S");
  assert.equal(definitions(analysis, 0, position)[0].range.start.line, 0);
});

test("numeric labels go to the next one forwards and the last one backwards", () => {
  const source = (line: string) => `1: nop\n1: ${line}\n nop\n1: nop\n`;
  assert.deepEqual(definitionLines(source("j 1‸b")), [2]);
  assert.deepEqual(definitionLines(source("j 1‸f")), [4]);
  assert.deepEqual(definitionLines("1: nop\n j ‸1b\n1: nop\n"), [1]);
  assert.deepEqual(referenceLines("1: nop\n j 1b\n beqz a0, 1f\n‸1: nop\n j 1b"), [3, 4, 5]);
});

test("references, with and without definitions, also in macros and in what a condition leaves out", () => {
  const source =
    "wo‸rk:\n ret\n.macro m\n call work\n.endm\n.if 0\n call work\n.endif\n .word work, work + 4\n .globl work";
  assert.deepEqual(referenceLines(source), [1, 4, 7, 9, 9, 10]);
  assert.deepEqual(referenceLines(source, false), [4, 7, 9, 9, 10]);
});

test("registers, CSRs and mnemonics are no symbols", () => {
  assert.deepEqual(definitionLines("a0: nop\n mv ‸a0, a1"), []);
  assert.deepEqual(referenceLines(" a‸dd a0, a0, a1"), []);
});

test("a register's uses are highlighted, under all of its names", () => {
  const { analysis, position } = atCursor(" mv ‸s0, a0\n mv a0, fp\n mv x8, a1\n");
  assert.deepEqual(
    highlights(analysis, 0, position).map(({ range }) => range.start.line),
    [0, 1, 2],
  );
});

test("renaming changes every mention and nothing else", () => {
  assert.equal(
    renamed("wo‸rk: j work\nworkshop: .word work # work\n.macro m\n call work\n.endm", "task"),
    "task: j task\nworkshop: .word task # work\n.macro m\n call task\n.endm",
  );
  assert.equal(renamed("a = 1\n li a1, ‸a+a", "b"), "b = 1\n li a1, b+b");
  assert.equal(
    renamed(".macro push r‸eg, size=8\n sd \\reg, \\size(sp)\n.endm", "value"),
    ".macro push value, size=8\n sd \\value, \\size(sp)\n.endm",
  );
  assert.equal(
    renamed(".macro push reg\n sd \\r‸eg, 0(sp)\n.endm\n.macro pop reg\n ld \\reg, 0(sp)\n.endm", "r"),
    ".macro push r\n sd \\r, 0(sp)\n.endm\n.macro pop reg\n ld \\reg, 0(sp)\n.endm",
  );
  assert.equal(
    renamed(".macro pu‸sh r\n.endm\n push ra\n PUSH ra\n.purgem push", "save"),
    ".macro save r\n.endm\n save ra\n save ra\n.purgem save",
  );
});

test("renaming is refused where it would change the program", () => {
  assert.equal(renamed("‸a: nop\nb: nop", "b"), "refused: b is defined already.");
  assert.equal(renamed("‸a: nop", "t0"), "refused: t0 is a register.");
  assert.equal(renamed("‸a: nop", "1x"), 'refused: "1x" is no name: letters, digits and underscores make one.');
  assert.equal(renamed(" mv ‸a0, a1", "b"), "refused: a0 belongs to the language and keeps its name.");
  assert.equal(renamed("‸1: nop", "2"), "refused: Numeric labels have no name to change.");
  assert.equal(renamed(" call ‸puts", "print"), "refused: puts is not defined here.");
  assert.equal(renamed(".macro m‸ a\n.endm", "add"), "refused: add is an instruction.");
  assert.equal(renamed(".macro m ‸a, b\n.endm", "b"), "refused: The macro has a parameter b already.");
  assert.equal(renamed("  ‸", "b"), "refused: There is no name here.");
});

test("what is renamed is shown first, without the backslash", () => {
  const { analysis, position, text } = atCursor(".macro m reg\n sd \\r‸eg, 0(sp)\n.endm");
  const prepared = prepareRename(analysis, 0, position);
  assert.ok("range" in prepared);
  assert.equal(textAt(text, prepared.range), "reg");
  assert.equal(prepared.name, "reg");
});

test("names cross files that are included", () => {
  const include = (path: string) =>
    path === "defs.s" ? { name: "/src/defs.s", text: ".equ SIZE, 8\nhelp: ret\n" } : undefined;
  const analysis = new Analysis("/src/a.s", '.include "defs.s"\n li a0, SIZE\n call help\n', { include });
  assert.deepEqual(analysis.assembly.errors, []);
  const position = { line: 1, character: 9 };
  assert.deepEqual(definitions(analysis, 0, position), [
    { file: "/src/defs.s", range: { start: { line: 0, character: 5 }, end: { line: 0, character: 9 } } },
  ]);
  const edits = rename(analysis, 0, position, "BYTES");
  assert.ok(!("refusal" in edits));
  assert.deepEqual([...edits.keys()].sort(), ["/src/a.s", "/src/defs.s"]);
  // The path of an include leads to the file, the word before it nowhere.
  assert.equal(definitions(analysis, 0, { line: 0, character: 12 })[0].file, "/src/defs.s");
  assert.deepEqual(definitions(analysis, 0, { line: 0, character: 3 }), []);
  // And from the side of the included file.
  assert.deepEqual(
    references(analysis, 1, { line: 1, character: 1 }, { withDefinitions: false }).map(({ file }) => file),
    ["/src/a.s"],
  );
});
