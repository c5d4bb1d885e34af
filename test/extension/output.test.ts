import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { OutputLines } from "../../src/extension/output-lines.ts";
import { BoundedText, TerminalText } from "../../src/extension/terminal-text.ts";

const encoder = new TextEncoder();

function linesOf(...pieces: readonly string[]): OutputLines {
  const lines = new OutputLines();
  let offset = 0;
  for (const piece of pieces) {
    const bytes = encoder.encode(piece);
    lines.append(bytes, offset);
    offset += bytes.length;
  }
  return lines;
}

test("a line knows where its first byte was printed", () => {
  assert.deepEqual(linesOf("one\ntwo\r\n", "\nthr", "ee").all(), [
    { text: "one", offset: 0 },
    { text: "two", offset: 4 },
    { text: "three", offset: 10 },
  ]);
});

test("offsets count bytes, not characters", () => {
  assert.deepEqual(linesOf("größe\n", "x\n").matching("x"), [{ text: "x", offset: 8 }]);
});

test("a character that is split between two events is whole", () => {
  const lines = new OutputLines();
  const bytes = encoder.encode("é!\n");
  lines.append(bytes.slice(0, 1), 0);
  lines.append(bytes.slice(1), 1);
  assert.deepEqual(lines.all(), [{ text: "é!", offset: 0 }]);
});

test("what a carriage return overwrote cannot be clicked", () => {
  assert.deepEqual(linesOf("10 %\r20 %\rdone\r\n").all(), [{ text: "done", offset: 10 }]);
});

test("escape sequences are not part of what a line looks like", () => {
  const lines = linesOf("\x1b[1;31mpanic:\x1b[0m bad magic\x1b[K\n\x1b]0;title\x07ok\n");
  assert.deepEqual(
    lines.all().map((line) => line.text),
    ["panic: bad magic", "ok"],
  );
});

test("every print of a line that was printed often is found, oldest first", () => {
  assert.deepEqual(linesOf("tick\ntock\ntick\n").matching("tick  "), [
    { text: "tick", offset: 0 },
    { text: "tick", offset: 10 },
  ]);
  assert.deepEqual(linesOf("tick\n").matching(" "), []);
});

test("after bytes that were left out, offsets are right again", () => {
  const lines = linesOf("half a li");
  lines.append(encoder.encode("est\nnext\n"), 5000);
  assert.deepEqual(lines.matching("next"), [{ text: "next", offset: 5004 }]);
});

test("a flood keeps the newest lines, and a line without an end is cut", () => {
  const lines = new OutputLines();
  const flood = encoder.encode("y\n".repeat(1000));
  for (let piece = 0; piece < 100; piece++) lines.append(flood, piece * flood.length);
  assert.ok(lines.all().length <= 26_000);
  assert.equal(lines.all().at(-1)?.offset, 100 * flood.length - 2);
  const endless = new OutputLines();
  endless.append(new Uint8Array(100_000).fill(0x61), 0);
  assert.ok(endless.all().every((line) => line.text.length <= 4096));
});

test("a terminal gets a carriage return before each line feed, once, however the bytes are split", () => {
  const prng = new Prng(7);
  const bytes = encoder.encode("a\nb\r\nc\r\r\n\n€\n");
  const expected = "a\r\nb\r\nc\r\r\n\r\n€\r\n";
  for (let round = 0; round < 200; round++) {
    const text = new TerminalText();
    let written = "";
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + prng.below(4);
      written += text.write(bytes.slice(at, at + length));
      at += length;
    }
    assert.equal(written, expected, `round ${round} of seed 7`);
  }
});

test("bounded text keeps the newest and counts what it dropped", () => {
  const text = new BoundedText(5);
  for (const piece of ["abc", "def", "g"]) text.add(piece);
  assert.deepEqual(text.take(), { text: "cdefg", dropped: 2 });
  assert.ok(text.empty);
  text.add("0123456789");
  assert.deepEqual(text.take(), { text: "56789", dropped: 5 });
});
