import assert from "node:assert/strict";
import { test } from "node:test";
import { complete, signature } from "../../src/language/completion.ts";
import { atCursor, textAt } from "./at-cursor.ts";

function labels(marked: string): string[] {
  const { analysis, position } = atCursor(marked);
  return complete(analysis, 0, position).map(({ label }) => label);
}

function kinds(marked: string): string[] {
  const { analysis, position } = atCursor(marked);
  return [...new Set(complete(analysis, 0, position).map(({ kind }) => kind))].sort();
}

const NAMES = ".equ SIZE, 16\n.macro push reg\n.endm\nbuffer: .zero 8\n";

test("a statement begins with a mnemonic, a directive or a macro", () => {
  const offered = labels(`${NAMES}  ‸`);
  for (const label of ["add", "li", "amoadd.w", "c.addi", ".word", "push"]) assert.ok(offered.includes(label), label);
  assert.ok(!offered.includes("a0"));
  assert.ok(!offered.includes("buffer"));
  assert.ok(labels(`${NAMES}  ad‸`).includes("addi"));
  assert.ok(labels("here: ‸").includes("addi"));
  assert.ok(labels("  nop; ‸").includes("addi"));
});

test("behind a dot there are directives, and the dot is replaced with them", () => {
  assert.deepEqual(kinds("  .wo‸"), ["directive"]);
  const { analysis, position, text } = atCursor("  .wo‸");
  const word = complete(analysis, 0, position).find(({ label }) => label === ".word")!;
  assert.equal(textAt(text, word.range), ".wo");
});

test("16-bit forms come after what people write", () => {
  const { analysis, position } = atCursor("  ‸");
  const rank = (name: string) => complete(analysis, 0, position).find(({ label }) => label === name)!.rank;
  assert.ok(rank("add") < rank("c.add"));
});

test("operands are what the instruction takes at that place", () => {
  assert.deepEqual(kinds("  add ‸"), ["register"]);
  assert.deepEqual(kinds("  csrr a0, ‸"), ["csr"]);
  assert.deepEqual(kinds("  csrrw a0, mstatus, ‸"), ["register", "word"]);
  assert.deepEqual(kinds("  fadd.d fa0, fa1, ‸"), ["register"]);
  assert.deepEqual(kinds("  fadd.d fa0, fa1, fa2, ‸"), ["word"]);
  assert.deepEqual(labels("  fence ‸").slice(0, 2), ["rw", "r"]);
  const branch = labels(`${NAMES}loop:\n  beqz a0, ‸`);
  assert.ok(branch.includes("loop") && !branch.includes("a0"));
  assert.ok(labels(`${NAMES}  la a0, bu‸`).includes("buffer"));
  const immediate = labels(`${NAMES}  addi a0, a0, ‸`);
  assert.ok(immediate.includes("SIZE") && immediate.includes("%lo") && !immediate.includes("buffer"));
});

test("in front of parentheses stands a number, in them a register", () => {
  assert.ok(labels(`${NAMES}  lw a0, ‸`).includes("SIZE"));
  assert.deepEqual(kinds("  lw a0, 4(‸"), ["register"]);
  assert.deepEqual(kinds("  amoadd.w.aq a0, a1, (‸"), ["register"]);
  // The parenthesis of an operator wants a symbol.
  assert.ok(!kinds("  lw a0, %lo(‸").includes("register"));
});

test("registers come with their everyday names first", () => {
  const { analysis, position } = atCursor("  mv ‸");
  const items = complete(analysis, 0, position);
  const rank = (name: string) => items.find(({ label }) => label === name)!.rank;
  assert.ok(rank("s0") < rank("fp") && rank("fp") < rank("x8"));
  assert.equal(items.find(({ label }) => label === "ra")!.detail, "Return address.");
});

test("directives' operands", () => {
  assert.ok(labels("  .option ‸").includes("norvc"));
  assert.ok(labels("  .section ‸").includes(".rodata"));
  assert.deepEqual(labels("  .type main, ‸"), ["@function", "@object"]);
  assert.ok(labels(`${NAMES}  .globl ‸`).includes("buffer"));
  assert.deepEqual(labels(`${NAMES}  .purgem ‸`), ["push"]);
  assert.ok(labels(`${NAMES}  .word ‸`).includes("buffer"));
});

test("arguments of macros may be anything", () => {
  const offered = labels(`${NAMES}  push ‸`);
  assert.ok(offered.includes("ra") && offered.includes("buffer"));
});

test("behind a backslash there are the parameters of this macro", () => {
  const source = (body: string) => `.macro a one, two=3\n.endm\n.macro b three\n${body}\n.endm\n`;
  assert.deepEqual(labels(source("  sd \\‸, 0(sp)")), ["\\three", "\\@"]);
  assert.deepEqual(labels(source("  sd \\th‸, 0(sp)")), ["\\three", "\\@"]);
  assert.deepEqual(labels("  mv a0, \\‸"), ["\\@"]);
});

test("relocation operators with their percent sign", () => {
  const { analysis, position, text } = atCursor("  lui a0, %‸");
  const items = complete(analysis, 0, position);
  assert.ok(items.some(({ label }) => label === "%hi"));
  assert.equal(textAt(text, items[0].range), "%");
});

test("nothing in comments, strings and numbers", () => {
  assert.deepEqual(labels("  nop # ad‸"), []);
  assert.deepEqual(labels("# ‸"), []);
  assert.deepEqual(labels("  nop // ‸"), []);
  assert.deepEqual(labels("/* a\n ‸"), []);
  assert.deepEqual(labels('  .asciz "ad‸'), []);
  assert.deepEqual(labels("  li a0, 0x‸"), []);
  assert.deepEqual(labels("  j 1‸"), []);
  assert.ok(labels("/* a */ ‸").length > 0);
  assert.ok(labels("  nop # a\n  ‸").length > 0);
});

test("signatures: every way to write the operands, and where one is", () => {
  const at = (marked: string) => {
    const { analysis, position } = atCursor(marked);
    return signature(analysis, 0, position);
  };
  assert.deepEqual(at("  lw a0, ‸"), { labels: ["lw rd, imm(rs1)", "lw rd, symbol"], active: 0, operand: 1 });
  assert.deepEqual(at("  jalr ra, a0, ‸")?.labels[at("  jalr ra, a0, ‸")!.active], "jalr rd, rs1, imm");
  assert.equal(at("  lw‸"), undefined);
  assert.equal(at("  ret ‸"), undefined);
  assert.equal(at("  .word ‸"), undefined);
  assert.equal(at("  lw a0, # ‸"), undefined);
});
