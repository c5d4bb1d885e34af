import assert from "node:assert/strict";
import { test } from "node:test";
import { Conditionals } from "../../src/assembler/conditionals.ts";
import { directiveNames } from "../../src/assembler/directives.ts";
import { PSEUDO_INSTRUCTIONS } from "../../src/assembler/pseudo.ts";
import { COMPRESSED, INSTRUCTIONS } from "../../src/isa/table.ts";
import { DIRECTIVES, findDirective } from "../../src/language/directives.ts";
import { drawEncoding } from "../../src/language/encoding-drawing.ts";
import { describeMnemonic, hover } from "../../src/language/hover.ts";
import { atCursor, textAt } from "./at-cursor.ts";

function hoverText(marked: string): string | undefined {
  const { analysis, position } = atCursor(marked);
  return hover(analysis, 0, position)?.text;
}

test("an instruction: syntax, summary, meaning, encoding, and what the line became", () => {
  const { analysis, position, text } = atCursor("start:\n    l‸w a0, 8(sp)\n");
  const found = hover(analysis, 0, position)!;
  assert.equal(textAt(text, found.range), "lw");
  assert.equal(
    found.text,
    [
      "**lw** rd, imm(rs1) — I",
      "",
      "Load 32 bits, sign-extended.",
      "```",
      "rd <- sext(mem32[rs1 + imm])",
      "```",
      "```",
      " 31     20 19 15 14 12 11 7 6     0",
      "┌─────────┬─────┬─────┬────┬───────┐",
      "│imm[11:0]│ rs1 │ 010 │ rd │0000011│",
      "└─────────┴─────┴─────┴────┴───────┘",
      "```",
      "",
      "---",
      "**lw** rd, symbol — pseudo-instruction",
      "",
      "Load from a symbol.",
      "```",
      "auipc rd, …",
      "lw rd, …(rd)",
      "```",
      "",
      "---",
      "```",
      "80000000:  4522  lw a0,8(sp)  a0 <- sext(mem32[sp + 8])",
      "```",
    ].join("\n"),
  );
});

test("a pseudo-instruction shows every instruction that it became", () => {
  const text = hoverText("    l‸i a0, 0x12345678\n")!;
  assert.match(text, /12345537 {2}lui a0,0x12345 .*a0 <- 305418240\n.*addiw a0,a0,1656/);
});

test("with an error elsewhere a hover still says what the instruction means", () => {
  assert.match(hoverText("    ad‸d a0, a0, a1\n    bogus\n")!, /^\*\*add\*\* rd, rs1, rs2 — I/);
});

test("ordering suffixes are explained", () => {
  assert.match(hoverText("    amoadd.w.aq‸rl a0, a1, (a2)\n")!, /acquire and release/);
});

test("a register, by whatever name", () => {
  assert.equal(
    hoverText("  mv a‸0, s0"),
    "**a0** — register, also x10\n\nFirst argument, first return value. Saved by the caller.",
  );
  assert.match(hoverText("  fmv.d fs0, f‸a1")!, /^\*\*fa1\*\* — register, also f11\n\nFloating-point argument/);
  assert.match(hoverText("  mv a0, f‸p")!, /^\*\*fp\*\* — register, also s0, x8\n\n.*Saved by the callee/);
  assert.match(hoverText("  lw a0, 0(x‸2)")!, /also sp/);
});

test("a CSR with its fields", () => {
  const text = hoverText("  csrr t0, mca‸use")!;
  assert.match(text, /^\*\*mcause\*\* — CSR 0x342, machine, read-write/);
  assert.match(text, /\| 63 \| Interrupt \| .* \| 0 exception, 1 interrupt \|/);
  assert.match(hoverText("  csrr t0, sa‸tp")!, /The machine does not have it/);
  // The same word elsewhere is a symbol.
  assert.match(hoverText("  la t0, ti‸me\ntime: .word 0")!, /symbol|address/);
});

test("a symbol: value, place, and the comment above it", () => {
  const source = "# How many blocks\n# there are.\n.equ BLOCKS, 4 * 4\n    li a0, BLO‸CKS\n";
  assert.equal(hoverText(source), "**BLOCKS** = 16 (0x10)\n\nDefined in line 3 of a.s.\n\nHow many blocks\nthere are.");
  assert.match(hoverText("_start:\n nop\nwork:\n call wo‸rk\n")!, /^\*\*work\*\* — address 0x80000002/);
  assert.match(hoverText("  call else‸where")!, /Not defined here/);
});

test("macros show their text, parameters and numeric labels what they are", () => {
  const source = ".macro push reg\n  sd \\reg, 0(sp)\n.endm\n";
  assert.match(hoverText(`${source}  pu‸sh ra`)!, /\.macro push reg\n {2}sd \\reg, 0\(sp\)\n\.endm/);
  assert.match(hoverText(".macro push reg\n  sd \\r‸eg, 0(sp)\n.endm")!, /\*\*reg\*\* — parameter/);
  assert.match(hoverText("1:  j 1‸b")!, /numeric label/);
});

test("directives", () => {
  assert.equal(hoverText("  .wo‸rd 1"), "**.word** value, … — directive\n\nEmit 32-bit values.");
});

test("nothing to say in empty places and comments", () => {
  assert.equal(hoverText("  nop   ‸"), undefined);
  assert.equal(hoverText("  nop # ad‸d"), undefined);
  assert.equal(hoverText("‸"), undefined);
});

test("every mnemonic has a hover", () => {
  for (const { mnemonic } of [...INSTRUCTIONS, ...COMPRESSED, ...PSEUDO_INSTRUCTIONS]) {
    assert.ok(describeMnemonic(mnemonic), mnemonic);
  }
});

test("drawings are rectangular, and name every bit boundary", () => {
  for (const { mnemonic, encoding } of [...INSTRUCTIONS, ...COMPRESSED]) {
    const [numbers, ...boxes] = drawEncoding(encoding).split("\n");
    assert.equal(new Set(boxes.map((line) => line.length)).size, 1, mnemonic);
    assert.ok(numbers.length < boxes[0].length, mnemonic);
    const high = Number(numbers.trim().split(/\s+/)[0]);
    assert.equal(high, mnemonic.startsWith("c.") ? 15 : 31);
    assert.equal(numbers.trim().split(/\s+/).at(-1), "0");
  }
});

/** Directives that mean nothing here: they are accepted so that compiled sources assemble. */
const SILENT = /^\.(version|title|sbttl|list|nolist|eject|psize|line|ln|loc_mark_labels|addrsig|addrsig_sym|cfi_\w+)$/;

test("directives are documented if and only if the assembler has them", () => {
  const known = new Set(directiveNames());
  const undocumented = [...known].filter((name) => findDirective(name) === undefined && !SILENT.test(name));
  assert.deepEqual(undocumented, []);
  const documented = DIRECTIVES.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
  const invented = documented.filter(
    (name) => !known.has(name) && !Conditionals.isConditional(name) && !name.startsWith(".cfi_"),
  );
  assert.deepEqual(invented, []);
});
