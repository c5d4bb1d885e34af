import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { before, test } from "node:test";
// Both packages are CommonJS whose names Node's loader cannot see.
import oniguruma from "vscode-oniguruma";
import textmate from "vscode-textmate";
import { GRAMMAR_FILE, grammarText } from "../../scripts/grammar.ts";
import { CSRS } from "../../src/isa/csrs.ts";
import { REGISTERS } from "../../src/isa/registers.ts";
import { COMPRESSED, INSTRUCTIONS } from "../../src/isa/table.ts";

const ROOT = join(import.meta.dirname, "../..");
let grammar: import("vscode-textmate").IGrammar;

before(async () => {
  const wasm = createRequire(import.meta.url).resolve("vscode-oniguruma/release/onig.wasm");
  await oniguruma.loadWASM(readFileSync(wasm));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(grammarText(), GRAMMAR_FILE),
  });
  grammar = (await registry.loadGrammar("source.riscv-assembly"))!;
});

/** Token texts of lines with the innermost scope, the language's name cut off. White space is left out. */
function tokens(source: string): [string, string][] {
  const result: [string, string][] = [];
  let stack = textmate.INITIAL;
  for (const line of source.split("\n")) {
    const tokenized = grammar.tokenizeLine(line, stack);
    stack = tokenized.ruleStack;
    for (const token of tokenized.tokens) {
      const text = line.slice(token.startIndex, token.endIndex).trim();
      const scope = token.scopes.at(-1)!.replace(/\.riscv-assembly$/, "");
      if (text !== "") result.push([text, scope]);
    }
  }
  return result;
}

function scopeOf(source: string, text: string): string | undefined {
  return tokens(source).find(([candidate]) => candidate === text)?.[1];
}

test("the committed grammar is the generated one (npm run generate writes it)", () => {
  // Not `equal`: nobody wants to read both.
  assert.ok(readFileSync(join(ROOT, GRAMMAR_FILE), "utf8") === grammarText(), `${GRAMMAR_FILE} is out of date`);
});

test("language configuration is JSON whose patterns compile", () => {
  const configuration = JSON.parse(readFileSync(join(ROOT, "syntaxes/language-configuration.json"), "utf8"));
  const word = new RegExp(configuration.wordPattern, "g");
  assert.deepEqual("amoadd.w.aq a0, %pcrel_lo(1b)(sp) \\reg -12 0x1f".match(word), [
    "amoadd.w.aq",
    "a0",
    "%pcrel_lo",
    "1b",
    "sp",
    "\\reg",
    "-12",
    "0x1f",
  ]);
  const { start, end } = configuration.folding.markers;
  assert.match(".macro push reg", new RegExp(start));
  assert.match("  .endm", new RegExp(end));
  assert.match("  .ifdef X", new RegExp(start));
  for (const pattern of Object.values(configuration.indentationRules)) new RegExp(pattern as string);
});

test("a line of everything", () => {
  assert.deepEqual(tokens("loop:  lw a0, %lo(table)(t0)  # next"), [
    ["loop", "entity.name.function.label"],
    [":", "punctuation.separator.label"],
    ["lw", "support.function.mnemonic"],
    ["a0", "variable.language.register"],
    [",", "punctuation.separator"],
    ["%lo", "support.function.relocation"],
    ["(", "source"],
    ["table", "variable.other.symbol"],
    [")(", "source"],
    ["t0", "variable.language.register"],
    [")", "source"],
    ["# next", "comment.line.number-sign"],
  ]);
});

test("every mnemonic of the table is one, and so are pseudo-instructions", () => {
  for (const { mnemonic } of [...INSTRUCTIONS, ...COMPRESSED]) {
    assert.match(scopeOf(`  ${mnemonic} x`, mnemonic) ?? "", /mnemonic$/, mnemonic);
  }
  for (const mnemonic of ["li", "la", "call", "ret", "beqz", "csrr", "nop", "amoadd.w.aqrl", "LI"]) {
    assert.match(scopeOf(`  ${mnemonic} x`, mnemonic) ?? "", /mnemonic$/, mnemonic);
  }
});

test("what changes the flow of control is told apart", () => {
  for (const mnemonic of ["j", "ret", "call", "beqz", "bgtu", "ecall", "mret", "jalr", "c.bnez", "wfi"]) {
    assert.equal(scopeOf(`1: ${mnemonic} x`, mnemonic), "keyword.control.mnemonic");
  }
  for (const mnemonic of ["add", "fence.i", "la", "li", "c.li"]) {
    assert.equal(scopeOf(`  ${mnemonic} x`, mnemonic), "support.function.mnemonic");
  }
});

test("every register and CSR is known, CSRs only where CSRs stand", () => {
  for (const { name, abiName, aliases } of REGISTERS) {
    for (const spelling of [name, abiName, ...aliases]) {
      assert.equal(scopeOf(`  mv ${spelling}, a0`, spelling), "variable.language.register");
    }
  }
  for (const { name } of CSRS) assert.equal(scopeOf(`  csrr t6, ${name}`, name), "variable.language.csr", name);
  assert.equal(scopeOf("  la a0, time", "time"), "variable.other.symbol");
});

test("mnemonics are such only where a statement begins", () => {
  assert.equal(scopeOf("add: nop", "add"), "entity.name.function.label");
  assert.equal(scopeOf("  call add", "add"), "variable.other.symbol");
  assert.equal(scopeOf("  nop; not a0, a1", "not"), "support.function.mnemonic");
  assert.equal(scopeOf("  addition a0", "addition"), "entity.name.function.macro");
  assert.equal(scopeOf("li = 4", "li"), "variable.other.constant");
});

test("labels, numeric labels and references to them", () => {
  assert.equal(scopeOf("12: j 12b", "12"), "entity.name.label.numeric");
  assert.equal(scopeOf("12: j 12b", "12b"), "constant.other.label.numeric");
  assert.equal(scopeOf(".L4: nop", ".L4"), "entity.name.function.label");
  assert.equal(scopeOf("  j .L4", ".L4"), "variable.other.symbol");
});

test("directives, numbers, strings, characters", () => {
  assert.equal(scopeOf("  .word 1", ".word"), "keyword.other.directive");
  assert.equal(scopeOf("  .equ SIZE, 0x10", "SIZE"), "variable.other.constant");
  assert.equal(scopeOf("  .equ SIZE, 0x10", "0x10"), "constant.numeric.hex");
  assert.equal(scopeOf("  li a0, -42", "42"), "constant.numeric.decimal");
  assert.equal(scopeOf("  li a0, 0b101", "0b101"), "constant.numeric.binary");
  assert.equal(scopeOf("  li a0, 'x'", "'x'"), "constant.character");
  assert.equal(scopeOf("  li a0, '#'", "'#'"), "constant.character");
  const text = tokens('  .asciz "a\\n# b" // c');
  assert.deepEqual(text.slice(1), [
    ['"', "string.quoted.double"],
    ["a", "string.quoted.double"],
    ["\\n", "constant.character.escape"],
    ["# b", "string.quoted.double"],
    ['"', "string.quoted.double"],
    ["// c", "comment.line.double-slash"],
  ]);
});

test("comments over lines, and the preprocessor", () => {
  assert.deepEqual(tokens("/* a\n nop */ nop"), [
    ["/*", "comment.block"],
    ["a", "comment.block"],
    ["nop", "comment.block"],
    ["*/", "comment.block"],
    ["nop", "support.function.mnemonic"],
  ]);
  assert.equal(scopeOf("#define SIZE 4", "#define"), "keyword.control.preprocessor");
  assert.equal(scopeOf("# if it is empty", "# if it is empty"), "comment.line.number-sign");
  assert.equal(scopeOf("# plain comment", "# plain comment"), "comment.line.number-sign");
});

test("macros", () => {
  const source = ".macro push reg\n  sd \\reg, 0(sp)\n.endm\n push ra";
  assert.equal(scopeOf(source, ".macro"), "keyword.other.directive");
  assert.equal(scopeOf(source, "push"), "entity.name.function.macro");
  assert.equal(scopeOf(source, "\\reg"), "variable.parameter.macro");
  assert.equal(scopeOf(" push ra", "push"), "entity.name.function.macro");
});
