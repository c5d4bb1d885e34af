import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { folder, hindcast, hindcastJson } from "./command.ts";
import { SEVEN } from "./guests.ts";

const GUEST = join(import.meta.dirname, "../../guest/demo/work-queue.s");

test("the demo finds its bug, and the recording it keeps agrees", async () => {
  const recording = join(folder, "demo.hindcast");
  const { exitCode, json, stderr } = await hindcastJson("demo", "--keep", recording);
  assert.equal(exitCode, 0, stderr);
  const culprit = json.culprit as Record<string, unknown>;
  const trap = json.trap as Record<string, number>;
  const origin = json.origin as Record<string, unknown>;
  const source = culprit.source as { path: string; line: number };
  assert.equal(source.path, GUEST);
  // The store of the seal, in the routine that writes one double word too far.
  const line = readFileSync(GUEST, "utf8").split("\n")[source.line - 1];
  assert.match(line, /sd +a0, 0\(s1\)/);
  assert.match(culprit.symbol as string, /^message_seal\+/);
  assert.equal(trap.cause, 5);
  assert.ok(trap.instant - (culprit.instant as number) > 1_000_000, "the damage shows much later");
  assert.equal(culprit.address, origin.address);
  assert.notEqual(culprit.before, culprit.value);
  assert.deepEqual(Object.keys(json.seconds as object), ["fault", "origin", "write"]);

  const query = await hindcastJson("query", recording, "last-write", origin.address as string);
  const [hit] = query.json.hits as Record<string, unknown>[];
  assert.equal(hit.instant, culprit.instant, "the command line says the same of the file");
  assert.equal(hit.value, culprit.value);
});

test("people read the source lines, the registers, the call path and how long it took", async () => {
  const { stdout, exitCode } = await hindcast("demo", "--keep", join(folder, "told.hindcast"));
  assert.equal(exitCode, 0);
  assert.match(stdout, /1 {2}Record the run\n {5}│ print shop open\n/);
  assert.match(
    stdout,
    /2 {2}The trap {2}instant [\d,]+ {2}found in [\d.]+ m?s\n {5}Load access fault by lwu t2,8\(t1\)/,
  );
  assert.match(stdout, /▶ +\d+ │ +sd +a0, 0\(s1\)\n/);
  assert.match(stdout, /called from message_make\+0x\w+ +.*work-queue\.s:\d+\n/);
  assert.match(stdout, /^ +ra 0x8000\w+ +s1 0x8000\w+/m);
  assert.match(stdout, /The bug is at .*work-queue\.s:\d+, [\d,]+ steps/);
  assert.equal(stdout.includes("\x1b"), false, "colours are for terminals");
});

test("a guest without a fault has no story, and the answer is no", async () => {
  const { exitCode, stdout } = await hindcast("demo", "--program", SEVEN(), "--keep", join(folder, "none.hindcast"));
  assert.equal(exitCode, 1);
  assert.match(stdout, /met no fault/);
});
