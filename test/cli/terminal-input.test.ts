import assert from "node:assert/strict";
import test from "node:test";
import { TerminalFilter } from "../../src/cli/terminal-input.ts";

function typed(...pieces: string[]) {
  const filter = new TerminalFilter();
  const answers = pieces.map((piece) => filter.filter(Uint8Array.from(piece, (character) => character.charCodeAt(0))));
  const bytes = answers.flatMap((answer) => [...answer.bytes]);
  return { guest: String.fromCharCode(...bytes), actions: answers.map(({ action }) => action) };
}

test("ordinary keys go to the guest", () => {
  assert.deepEqual(typed("ls -l\r\x1b[A\x04\xe9"), { guest: "ls -l\r\x1b[A\x04\xe9", actions: ["none"] });
});

test("Ctrl-C ends the run; what was typed before it still reaches the guest", () => {
  assert.deepEqual(typed("ab\x03cd"), { guest: "ab", actions: ["quit"] });
});

test("Ctrl-A x ends the run, also when the two arrive apart", () => {
  assert.deepEqual(typed("a\x01", "x"), { guest: "a", actions: ["none", "quit"] });
  assert.deepEqual(typed("\x01X"), { guest: "", actions: ["quit"] });
});

test("the prefix sends what the terminal keeps for itself", () => {
  assert.deepEqual(typed("\x01c\x01a\x01\x01"), { guest: "\x03\x01\x01", actions: ["none"] });
});

test("help is asked for; an unknown key after the prefix is dropped", () => {
  assert.deepEqual(typed("\x01h", "\x01zq"), { guest: "q", actions: ["help", "none"] });
});
