import assert from "node:assert/strict";
import { test } from "node:test";
import { Analysis } from "../../src/language/analysis.ts";
import { foldingRanges, type OutlineSymbol, outline } from "../../src/language/outline.ts";

const SOURCE = `# What this is:
# a sample.
        .equ    SIZE, 4 * 4
LIMIT = 10
        .macro push reg, size=8
        addi    sp, sp, -8
        .endm

        .text
        .globl _start
_start:
        call    work
.Lagain:
        j       .Lagain

work:
1:      addi    a0, a0, -1
        bnez    a0, 1b
        ret

        .data
table:  .word   1, 2
        .word   3
`;

function shown(symbols: readonly OutlineSymbol[]): unknown[] {
  return symbols.map(({ name, kind, detail, range, children }) => [
    name,
    kind,
    detail,
    `${range.start.line + 1}-${range.end.line + 1}`,
    ...(children.length > 0 ? [shown(children)] : []),
  ]);
}

test("labels with what they own, constants, macros", () => {
  assert.deepEqual(shown(outline(new Analysis("a.s", SOURCE), 0)), [
    ["SIZE", "constant", "4 * 4", "3-3"],
    ["LIMIT", "constant", "10", "4-4"],
    ["push", "macro", "reg, size=8", "5-7"],
    ["_start", "function", "", "11-14", [[".Lagain", "label", "", "13-13"]]],
    ["work", "function", "", "16-19"],
    ["table", "data", "", "22-23"],
  ]);
});

test("ranges contain their selection and their children", () => {
  const inside = (outer: OutlineSymbol, line: number) => outer.range.start.line <= line && line <= outer.range.end.line;
  const check = (symbol: OutlineSymbol): void => {
    assert.ok(inside(symbol, symbol.selection.start.line), symbol.name);
    for (const child of symbol.children) {
      assert.ok(inside(symbol, child.range.start.line) && inside(symbol, child.range.end.line), child.name);
      check(child);
    }
  };
  outline(new Analysis("a.s", SOURCE), 0).forEach(check);
});

test("defines of the preprocessor are constants", () => {
  assert.deepEqual(shown(outline(new Analysis("a.S", "#define N (4 + 1)\n"), 0)), [
    ["N", "constant", "(4 + 1)", "1-1"],
  ]);
});

function folds(source: string, name = "a.s"): string[] {
  return foldingRanges(new Analysis(name, source), 0).map(({ start, end, kind }) => `${start + 1}-${end + 1} ${kind}`);
}

test("comments, macros and labels fold", () => {
  assert.deepEqual(folds(SOURCE), ["1-2 comment", "5-7 code", "11-14 code", "16-19 code", "22-23 code"]);
});

test("conditions fold part by part, repetitions whole", () => {
  assert.deepEqual(folds(".if A\n nop\n nop\n.else\n nop\n.endif\n.rept 2\n nop\n.endr"), [
    "1-3 code",
    "4-6 code",
    "7-9 code",
  ]);
  assert.deepEqual(folds("#if A\n nop\n#else\n nop\n#endif\n", "a.S"), ["1-2 code", "3-5 code"]);
});

test("comments over lines and regions fold", () => {
  assert.deepEqual(folds("/* a\n   b */\n nop\n# region x\n nop\n# endregion\n"), ["1-2 comment", "4-6 region"]);
});

test("what is never closed does not fold, and what is closed twice does no harm", () => {
  assert.deepEqual(folds(".macro a\n nop\n"), []);
  assert.deepEqual(folds(" nop\n.endm\n.endif\n"), []);
});
