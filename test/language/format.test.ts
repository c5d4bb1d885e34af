import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseLines } from "../../src/assembler/statements.ts";
import { Prng } from "../../src/base/prng.ts";
import { format } from "../../src/language/format.ts";
import { applyEdits } from "./at-cursor.ts";

const FOUR = { tabSize: 4, insertSpaces: true };

function formatted(text: string, options = FOUR): string {
  return applyEdits(text, format(text, options));
}

test("labels at the margin, instructions indented, blanks behind commas", () => {
  assert.equal(
    formatted("  loop:\nadd a0,a0 ,  a1\n   lw a0,4(sp)\n1:  nop\nlonglabel:   ret\n"),
    "loop:\n    add a0, a0, a1\n    lw a0,4(sp)\n1:  nop\nlonglabel: ret\n".replace("a0,4", "a0, 4"),
  );
});

test("operands aligned by hand stay where they are", () => {
  const text = "        addi    a0, a0, 1\n        j       loop\n";
  assert.equal(formatted(text), text);
});

test("directives at the margin stay, indented ones are instructions", () => {
  assert.equal(formatted(".text\n  .word 1,2\nSIZE = 4\n"), ".text\n    .word 1, 2\nSIZE = 4\n");
});

test("comments behind code share a column, from one empty line to the next", () => {
  assert.equal(
    formatted("    nop # one\n    add a0, a0, a1 # two\n\n    nop     # three\n# alone\n    # indented\n"),
    "    nop             # one\n    add a0, a0, a1  # two\n\n    nop     # three\n# alone\n    # indented\n",
  );
});

test("comments stay in the column that most of them have", () => {
  const lines = [
    "nop             # one",
    "li a0, 1        # two",
    "j 1b            # three",
    "ret             # three, too",
    "la a0, a_long_name_of_something  # four",
  ];
  const text = lines.map((line) => `    ${line}\n`).join("");
  assert.equal(formatted(text), text);
  assert.equal(formatted(text.replace("nop   ", "nop ")), text);
});

test("what stands behind a label keeps a column of its own", () => {
  const text = "one:        .word 1\neleven:     .word 2\n";
  assert.equal(formatted(text), text);
});

test("tables of data keep their columns", () => {
  const text = "    .word 1,   22, 333\n    .word 333, 1,  22\n";
  assert.equal(formatted(text), text);
});

test("strings, characters and expressions keep their blanks", () => {
  const text = "    .asciz \"a,b ,c\"\n    li a0, ','\n    .word (1 + 2)*3, -4\n";
  assert.equal(formatted(text), text);
});

test("blanks that separate arguments of a macro are not taken away", () => {
  const text = "    copy a0 a1\n    m 1 -2\n";
  assert.equal(formatted(text), text);
});

test("lines of the preprocessor, comments over lines, open strings are left alone", () => {
  const text = '#define  A   1\n/*  a\n b,c\n*/\n .asciz  "open\n  nop;nop\n';
  assert.equal(formatted(text), '#define  A   1\n/*  a\n b,c\n*/\n .asciz  "open\n    nop;nop\n');
});

test("tabs instead of blanks", () => {
  assert.equal(formatted("a: nop\nnop # c\n", { tabSize: 8, insertSpaces: false }), "a:\tnop\n\tnop  # c\n");
});

const SOURCES = ["guest/demo/work-queue.s", "guest/c/runtime/crt0.S"].map((path) =>
  readFileSync(join(import.meta.dirname, "../..", path), "utf8"),
);

/** The tokens of a text, line by line, without their places. */
function tokensOf(text: string): unknown[] {
  return parseLines(text, { file: 0, preprocess: true }).map(({ line, tokens }) => [
    line,
    tokens.map((token) => token.text),
  ]);
}

test("formatting real sources changes white space only, and once is enough", () => {
  for (const source of SOURCES) {
    const once = formatted(source);
    assert.deepEqual(tokensOf(once), tokensOf(source));
    assert.equal(once.replace(/[ \t]/g, ""), source.replace(/[ \t]/g, ""));
    assert.equal(formatted(once), once);
  }
});

test("formatting mangled sources changes white space only, and once is enough", () => {
  const seed = 20260103;
  const prng = new Prng(seed);
  const scraps = [" ", "  ", "\t", ",", ":", ";", "#", '"', "'", "/*", "*/", "(", "\\", "\n", "=", "1f", "//", ".if"];
  for (let round = 0; round < 300; round++) {
    const lines = prng.pick(SOURCES).split("\n");
    const start = prng.below(lines.length);
    let text = lines.slice(start, start + 12).join("\n");
    for (let i = 0; i < 6; i++) {
      const at = prng.below(text.length + 1);
      text = text.slice(0, at) + prng.pick(scraps) + text.slice(at + prng.below(3));
    }
    const once = formatted(text);
    assert.deepEqual(tokensOf(once), tokensOf(text), `round ${round}, seed ${seed}:\n${text}`);
    assert.equal(once.replace(/\s/g, ""), text.replace(/\s/g, ""), `round ${round}, seed ${seed}`);
    assert.equal(formatted(once), once, `round ${round}, seed ${seed}:\n${text}`);
  }
});
