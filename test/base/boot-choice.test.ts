import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSymbolChoice, symbolChoiceText } from "../../src/base/boot-choice.ts";

for (const [text, path, offset] of [
  ["vmlinux", "vmlinux", 0n],
  ["a/b c.elf@0x1000", "a/b c.elf", 0x1000n],
  ["init@4096", "init", 4096n],
  ["init@-0x10", "init", -16n],
  ["user@host/file", "user@host/file", 0n],
  ["x@0xffffffff_80000000", "x", 0xffff_ffff_8000_0000n],
  ["C:\\k\\vmlinux@0x1", "C:\\k\\vmlinux", 1n],
] as const) {
  test(`symbols of ${text}`, () => {
    const choice = parseSymbolChoice(text);
    assert.deepEqual(choice, { path, offset });
    assert.deepEqual(parseSymbolChoice(symbolChoiceText(choice!)), choice);
  });
}

test("no symbols of nothing", () => {
  assert.equal(parseSymbolChoice("  "), undefined);
});
