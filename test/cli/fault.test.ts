import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import test from "node:test";
import { AssertionFailure } from "../../src/base/assert.ts";
import { reportFault } from "../../src/cli/fault.ts";
import { Voice } from "../../src/cli/voice.ts";

test("a fault is two sentences, and a file with what a developer needs", (t) => {
  const lines: string[] = [];
  t.mock.method(process.stderr, "write", (text: string) => lines.push(text) > 0);
  const { message, report } = reportFault(new Voice({ quiet: true }), new AssertionFailure("the log lost an event"));
  t.mock.restoreAll();
  assert.equal(message, "the log lost an event");
  assert.equal(lines.length, 2, "said even when we are to be quiet");
  assert.match(lines[0], /fault of Hindcast itself, not yours: the log lost an event/);
  assert.ok(report !== undefined && lines[1].includes(report));
  assert.doesNotMatch(lines.join(""), /^ {4}at /m);
  const text = readFileSync(report, "utf8");
  rmSync(report);
  assert.match(text, /^hindcast \d+\.\d+\.\d+, node v\d+/);
  assert.match(text, /AssertionFailure: the log lost an event\n {4}at .*fault\.test\.ts/);
});
