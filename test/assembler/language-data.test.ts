import assert from "node:assert/strict";
import test from "node:test";
import { assemble } from "../../src/assembler/assemble.ts";
import type { Span } from "../../src/assembler/source.ts";

const at = (spans: readonly Span[]): string[] => spans.map(({ line, column, length }) => `${line}:${column}+${length}`);

test("symbols know where they are defined and mentioned, errors or not", () => {
  const source = "main: call helper\n  j main\n bad\nhelper:\n.set n, 1\n.set n, n + 1\n.word n, unknown";
  const { symbols, errors } = assemble(source, { file: "x.s" });
  const shown = Object.fromEntries(
    symbols.map((symbol) => [symbol.name, [at(symbol.definitions), at(symbol.references)]]),
  );
  assert.deepEqual(shown, {
    main: [["1:1+4"], ["2:5+4"]],
    helper: [["4:1+6"], ["1:12+6"]],
    n: [
      ["5:6+1", "6:6+1"],
      ["6:9+1", "7:7+1"],
    ],
    unknown: [[], ["7:10+7"]],
  });
  assert.equal(errors.length, 2);
});

test("values of symbols", () => {
  const { symbols } = assemble(".equ n, 5\nnop\nx: nop\n.set y, x + n", { file: "x.s" });
  const values = symbols.map(({ name, value }) => [name, value]);
  assert.deepEqual(values, [
    ["n", 5n],
    ["x", 0x8000_0002n],
    ["y", 0x8000_0007n],
  ]);
});

test("numeric labels: which one is meant", () => {
  const { numericLabels } = assemble("1: j 1b\n j 1f\n1: j 1b", { file: "x.s" });
  assert.deepEqual(
    numericLabels.map(({ definitions, references }) => [at(definitions), at(references)]),
    [
      [["1:1+1"], ["1:6+2"]],
      [["3:1+1"], ["2:4+2", "3:6+2"]],
    ],
  );
});

test("macros and their invocations; symbols among the arguments", () => {
  const source = ".macro load r, s\nla \\r, \\s\n.endm\nx: load a0, x\n load a1, x";
  const { macros, symbols } = assemble(source, { file: "x.s" });
  assert.deepEqual(
    macros.map(({ name, span, references, parameters }) => [
      name,
      at([span]),
      at(references),
      parameters.map((p) => p.name),
    ]),
    [["load", ["1:8+4"], ["4:4+4", "5:2+4"], ["r", "s"]]],
  );
  assert.deepEqual(at(symbols.find(({ name }) => name === "x")!.references), ["4:13+1", "5:11+1"]);
});

test("the statements are those of the source, also where a condition leaves them out", () => {
  const { files } = assemble("a: b: add x0, x1 ; .word 1\n.if 0\nc = 5\n.endif", { file: "x.s" });
  const shown = files[0].statements.map(({ line, labels, name, assignment, operands }) => [
    line,
    labels.map(({ text }) => text),
    name?.text,
    assignment,
    operands.map(({ text }) => text).join(" "),
  ]);
  assert.deepEqual(shown, [
    [1, ["a", "b"], "add", undefined, "x0 , x1"],
    [1, [], ".word", undefined, "1"],
    [2, [], ".if", undefined, "0"],
    [3, [], "c", "=", "5"],
    [4, [], ".endif", undefined, ""],
  ]);
});
