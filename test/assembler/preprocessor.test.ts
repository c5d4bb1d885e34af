import assert from "node:assert/strict";
import test from "node:test";
import { assemble } from "../../src/assembler/assemble.ts";
import { assembled, checkData, messages } from "./check.ts";

const S = { file: "test.S" };

test("object-like macros, in operands and in other macros", () => {
  checkData(
    "#define ONE 1\n#define TWO (ONE + ONE)\n.byte ONE, TWO, TWO*3\n#undef ONE\n.ifdef ONE\n.byte 9\n.endif",
    "010206",
    S,
  );
  checkData("#define self self\nself: .byte self - . + 5", "05", S);
});

test("function-like macros, strings and pastes", () => {
  checkData("#define SUM(a, b) ((a) + (b))\n.byte SUM(1, 2), SUM(SUM(1, 1), 3)", "0305", S);
  checkData("#define NAME(x) .asciz #x\nNAME(hello)", "68656c6c6f00", S);
  checkData("#define LABEL(n) l_##n\nLABEL(1): .byte 1\n.byte LABEL(1) - .", "01ff", S);
  checkData("#define MANY(...) .byte __VA_ARGS__\nMANY(1, 2, 3)", "010203", S);
  checkData("#define F(x) x\n.equ F, 3\n.byte F, F(4)", "0304", S);
  checkData("#define TWICE(x) .byte x; .byte x\nTWICE(7)", "0707", S);
  checkData("#define LONG .byte 1, \\\n  2\nLONG", "0102", S);
});

test("conditions", () => {
  checkData(
    "#define A 2\n#if A == 2 && defined(A) && !defined B\n.byte 1\n#elif 1\n.byte 2\n#else\n.byte 3\n#endif",
    "01",
    S,
  );
  checkData("#ifdef A\n.byte 1\n#else\n.byte 2\n#endif\n#ifndef A\n.byte 3\n#endif", "0203", S);
  checkData("#if 0\n#if 1\n.byte 1\n#endif\nrubbish (\n#else\n.byte 2\n#endif", "02", S);
  checkData("#if (1 ? 2 : 0) + 0x10UL == 18 && 7 / 2 == 3 && (1 << 3 | 1) == 9\n.byte 1\n#endif", "01", S);
  checkData("#if __riscv_xlen == 64\n.byte __riscv_xlen\n#endif", "40", S);
});

test("includes share definitions", () => {
  const include = (path: string) =>
    path === "defs.h" ? { name: "defs.h", text: "#define N 5\n#define M N+1" } : undefined;
  checkData('#include "defs.h"\n.byte N, M', "0506", { ...S, include });
  checkData("#include <defs.h>\n.byte N", "05", { ...S, include });
});

test("gas macros take what the preprocessor leaves", () => {
  checkData("#define VALUE 3\n.macro put a\n.byte \\a, VALUE\n.endm\nput VALUE + 1", "0403", S);
});

test("errors stand where the macro's name stands", () => {
  assert.deepEqual(messages("#define BAD a0, 5000\n\n  addi a0, BAD", S), [
    "3:12: 5000 is out of range: this operand takes -2048 to 2047",
  ]);
  assert.deepEqual(messages("#error no luck\n#if 1 +\n#endif\n#endif\n#if 1", S), [
    "1:1: #error no luck",
    "2:5: the condition ends too early",
    "4:2: `#endif` without a condition",
    "5:2: this condition has no `#endif`",
  ]);
  assert.deepEqual(messages("#define F(a) a\nF(1, 2)\nF(1", S).slice(0, 1), ["2:1: `F` takes 1 argument, 2 given"]);
  assert.deepEqual(messages('#include "none.h"', S), ["1:10: cannot find `none.h`"]);
});

test("macros that explode are stopped", () => {
  const source = Array.from({ length: 40 }, (_, index) => `#define M${index} M${index + 1} M${index + 1}`).join("\n");
  assert.deepEqual(messages(`${source}\nM0`, S), ["41:1: the macros on this line expand without end"]);
});

test("in a .s file it is a comment, and one is told", () => {
  assert.deepEqual(messages("#define N 5\n# ordinary comment\n#another\nnop"), [
    "1:1: warning: `#define` is a comment here; the C preprocessor runs on files that end in .S",
  ]);
});

test("line markers lead back to the file before preprocessing", () => {
  const { program } = assembled('# 10 "origin.S"\nnop\nnop\n# 3 "other.S"\nnop');
  const rows = program.lines.filter(({ endSequence }) => !endSequence);
  assert.deepEqual(
    rows.map(({ file, line }) => `${program.files[file]}:${line}`),
    ["origin.S:10", "origin.S:11", "other.S:3"],
  );
});

test("definitions are there for the language service", () => {
  const { definitions } = assemble("#define A 1\n#define F(x) x", S);
  assert.deepEqual(
    definitions.map(({ name, parameters }) => [name, parameters]),
    [
      ["A", undefined],
      ["F", ["x"]],
    ],
  );
});
