import assert from "node:assert/strict";
import test from "node:test";
import { assembled } from "./check.ts";

/** `offset file:line:column` of every row; the end of a sequence as `offset end`. */
function rows(source: string, options: Parameters<typeof assembled>[1] = {}): string[] {
  const { lines, files } = assembled(source, options).program;
  return lines.map(({ address, file, line, column, endSequence }) => {
    const offset = (address - 0x8000_0000n).toString();
    return endSequence ? `${offset} end` : `${offset} ${files[file]}:${line}:${column}`;
  });
}

test("one row for each statement, at its mnemonic", () => {
  assert.deepEqual(rows("x: nop; nop\n\n  la a0, x\n  ret"), [
    "0 test.s:1:4",
    "2 test.s:1:9",
    "4 test.s:3:3",
    "12 test.s:4:3",
    "14 end",
  ]);
});

test("data has no rows; each section is a sequence", () => {
  assert.deepEqual(rows('nop\n.word 1\nnop\n.section .more, "ax"\nnop'), [
    "0 test.s:1:1",
    "6 test.s:3:1",
    "8 end",
    "8 test.s:5:1",
    "10 end",
  ]);
});

test("a macro is one row, where it is invoked", () => {
  assert.deepEqual(rows(".macro m\nnop\nnop\n.endm\n m\n m"), ["0 test.s:5:2", "4 test.s:6:2", "8 end"]);
});

test("a macro inside a macro belongs to the outermost", () => {
  assert.deepEqual(rows(".macro a\nnop\n.endm\n.macro b\na\nnop\n.endm\nb"), ["0 test.s:8:1", "4 end"]);
});

test("repetitions have rows of their own lines", () => {
  assert.deepEqual(rows(".rept 2\nnop\nret\n.endr"), [
    "0 test.s:2:1",
    "2 test.s:3:1",
    "4 test.s:2:1",
    "6 test.s:3:1",
    "8 end",
  ]);
  assert.deepEqual(rows(".irp r, a0, a1\nli \\r, 1\n.endr"), ["0 test.s:2:1", "2 test.s:2:1", "4 end"]);
});

test(".loc decides once it has been said", () => {
  const source =
    '.file 1 "src/main.c"\n.file 2 "/usr/include" "x.h"\nnop\n.loc 1 12 5 is_stmt 1\nnop\nnop\n.loc 2 3\nnop';
  assert.deepEqual(rows(source), [
    "0 test.s:3:1",
    "2 src/main.c:12:5",
    "4 src/main.c:12:5",
    "6 /usr/include/x.h:3:0",
    "8 end",
  ]);
});

test("included files have their own lines", () => {
  const include = () => ({ name: "part.inc", text: "\nnop" });
  assert.deepEqual(rows('nop\n.include "part.inc"\nnop', { include }), [
    "0 test.s:1:1",
    "2 part.inc:2:1",
    "4 test.s:3:1",
    "6 end",
  ]);
});

test("columns of the source, whatever the preprocessor put there", () => {
  assert.deepEqual(rows("#define GO j\n  GO .", { file: "test.S" }), ["0 test.S:2:3", "2 end"]);
});
