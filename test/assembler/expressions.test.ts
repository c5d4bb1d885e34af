import assert from "node:assert/strict";
import test from "node:test";
import { assembled, checkData, checkErrors } from "./check.ts";

/** The value of an expression as a 64-bit datum. */
function value(expression: string, expected: bigint): void {
  const { program } = assembled(`.data\n.dword ${expression}`);
  const { bytes } = program.segments.find(({ writable }) => writable)!;
  assert.equal(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true), expected, expression);
}

test("GNU ranks: products, then bits, then sums, then comparisons, then logic", () => {
  value("2 + 3 * 4", 14n);
  value("1 + 2 | 4", 7n);
  value("6 | 1 + 2", 9n);
  value("1 << 2 + 1", 5n);
  value("2 + 2 == 4", -1n);
  value("1 == 1 && 2 == 2", 1n);
  value("1 < 2 || 0", 1n);
  value("8 - 4 - 2", 2n);
  value("3 ! 5", -5n);
  value("-(2 + 3) * ~0", 5n);
  value("!0 + !7", 1n);
});

test("64 bits that wrap, division towards zero, a logical shift to the right", () => {
  value("0x7fffffffffffffff + 1", -(1n << 63n));
  value("0xffffffffffffffff", -1n);
  value("-7 / 2", -3n);
  value("-7 % 3", -1n);
  value("-1 >> 60", 15n);
  value("1 << 64", 0n);
  checkErrors(".dword 1 / 0", "1:10: division by zero");
  checkErrors(".dword 0x10000000000000000", "1:8: `0x10000000000000000` does not fit 64 bits");
});

test("number bases and characters", () => {
  value("0b101 + 017 + 0x1F", 51n);
  value("'a'", 97n);
  value("'\\n' + '\\\\'", 102n);
  value("'a + 1", 98n);
  checkErrors(".dword 089", "1:8: `089` is not a number");
});

test("labels, the location counter, distances", () => {
  checkData(".word . - x\nx: .word x - y, y - x\ny:", "fcffffff f8ffffff 08000000");
  checkData(".equ a, 3\n.word a\n.set b, a + 1\n.set b, b + 1\n.word b", "03000000 05000000");
  checkData(".word later\n.equ later, 7", "07000000");
  checkData(".eqv later, now * 2\n.set now, 1\n.word later\n.set now, 4\n.word later", "02000000 08000000");
  checkData("x = . + 4\n.dword x", "0400008000000000");
});

test("an address is no number, two addresses have no sum", () => {
  const needs = "needs numbers, but an address is known only after linking";
  checkErrors("x: .dword x * 2", `1:13: \`*\` ${needs}`);
  checkErrors("x: .dword x + x", `1:13: \`+\` ${needs}`);
  checkErrors("x: .dword -x", `1:11: \`-\` ${needs}`);
  checkErrors("li a0, x\nx:", "1:8: a constant is needed here, and `x` is not defined before this line");
  checkErrors(
    "x: li a0, x",
    "1:11: a constant is needed here, and this is an address; `la` loads one, `%lo(…)` is the low part of one",
  );
});

test("undefined and circular symbols", () => {
  checkErrors(".word nowhere", "1:7: undefined symbol `nowhere`");
  checkErrors("j 1f", "1:3: no label `1:` stands behind this");
  checkErrors("j 1b", "1:3: no label `1:` stands before this");
  checkErrors(".eqv a, b\n.eqv b, a\n.word a", "1:9: `b` is defined by itself", "2:9: `a` is defined by itself");
  checkData(".weak nowhere\n.dword nowhere", "0000000000000000");
});

test("an expression that is none", () => {
  checkErrors(".word 1 +", "1:10: an expression is missing here");
  checkErrors(".word (1", "1:9: a closing parenthesis is missing here");
  checkErrors(".word 1 2", "1:9: unexpected `2`");
  checkErrors(".word 1,,2", "1:9: an expression is missing here");
  checkErrors(`.word ${"(".repeat(300)}1${")".repeat(300)}`, "1:208: the expression is nested too deeply");
});
