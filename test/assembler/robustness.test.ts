import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { assemble } from "../../src/assembler/assemble.ts";
import { Prng } from "../../src/base/prng.ts";

const SEED = 20260104;

/** Pieces that bring the parser into odd places. */
const PIECES = [
  ..."()[]{}<>,;:=\"'\\/*#%@!~^&|+-.$ \t\n0",
  ".macro m a",
  ".endm",
  ".rept 3",
  ".endr",
  ".irp x,1,2",
  ".if 1",
  ".else",
  ".endif",
  ".org 9999999",
  ".align 30",
  ".skip x-y",
  ".set x, y",
  ".set y, x",
  "x:",
  "1:",
  "1b",
  "1f",
  "%pcrel_lo(",
  "%hi(",
  "(sp)",
  "beqz a0, x",
  "la a0, x",
  "\\a",
  "\\@",
  "0x",
  "\u0000",
  "\ud800",
  "#define F(x) F(x x)",
  "F(",
  '#include "self"',
  "#if",
  ".uleb128 x - y",
  ".comm z, 8, 3",
  ".bss",
  ".fill 3, 9, -1",
  ".insn r",
  ".loc 1 2",
  "/*",
  "*/",
];

/** `source` with some of it cut out, doubled or replaced. */
function mutate(source: string, prng: Prng): string {
  let text = source;
  for (let count = 1 + prng.below(8); count > 0; count--) {
    const start = prng.below(text.length + 1);
    const end = Math.min(text.length, start + prng.below(60));
    const piece = prng.pick([() => prng.pick(PIECES), () => text.slice(start, end).repeat(2), () => ""])();
    text = text.slice(0, start) + piece + text.slice(prng.below(2) === 0 ? start : end);
  }
  return text;
}

test("whatever the source, there is an answer, and every error has a place in it", () => {
  const guest = join(import.meta.dirname, "../../guest");
  const sources = ["demo/work-queue.s", "samples/echo.s", "samples/console.inc"].map((path) =>
    readFileSync(join(guest, path), "utf8"),
  );
  const small = sources.map((source) => source.split("\n"));
  for (let round = 0; round < 1500; round++) {
    const prng = new Prng(SEED + round);
    const lines = prng.pick(small);
    const from = prng.below(lines.length);
    const source = mutate(lines.slice(from, from + 40).join("\n"), prng);
    const file = prng.below(2) === 0 ? "fuzz.s" : "fuzz.S";
    const include = (name: string) => (name === "self" ? { name, text: source } : undefined);
    const hint = `seed ${SEED + round}`;
    const { errors, program, files } = assemble(source, { file, include });
    assert.equal(
      program === undefined,
      errors.some(({ severity }) => severity === "error"),
      hint,
    );
    const height = source.split("\n").length;
    for (const { file: index, line, column, length, message } of errors) {
      assert.ok(index >= 0 && index < files.length, hint);
      assert.ok(line >= 1 && line <= height, `${hint}: line ${line}: ${message}`);
      assert.ok(column >= 1 && length >= 1, hint);
    }
  }
});

test("ten thousand lines assemble in a moment", () => {
  const body = Array.from(
    { length: 2500 },
    (_, index) =>
      `label_${index}: addi a0, a0, ${index % 2000} # count\n  beqz a0, label_${(index * 7) % 2500}\n  la a1, label_${index}\n  .word label_${index}, ${index}`,
  );
  const source = body.join("\n");
  const { errors, program } = assemble(source, { file: "large.s" });
  assert.deepEqual(errors.slice(0, 3), []);
  assert.equal(program?.symbols.length, 2500);
});

// Each of these once took minutes, all memory or the stack.
test("sources that would grow without end are stopped with a sentence", () => {
  const first = (source: string): string | undefined => assemble(source, { file: "grow.S" }).errors[0]?.message;
  const many = (count: number, line: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => line(index)).join("\n");
  assert.equal(first(".macro m a:vararg\nm \\a \\a\n.endm\nm x"), "`m` expands without end");
  const large = "this has too many parts, those of its symbols counted";
  assert.equal(first(".set x, y\n.rept 60\n.set x, x + x\n.endr\n.word x\n.set y, 1"), large);
  assert.equal(first(`${many(3000, (index) => `.eqv s${index}, s${index + 1}`)}\n.word s0\n.set s3000, 1`), large);
  assert.equal(first(`.word ${"-".repeat(5000)}1`), "the expression is nested too deeply");
  assert.equal(first(".rept 100000\nbad\n.endr"), "unknown instruction `bad`");
});
