import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { file, folder, hindcast, hindcastJson } from "./command.ts";
import { HELLO } from "./guests.ts";

const RING = fileURLToPath(new URL("../../guest/checks/ring.S", import.meta.url));

interface Told {
  readonly instant: number;
  readonly symbol: string;
  readonly end: string;
  readonly failed: string | null;
}

test("a recording made without anybody looking is gone through with the guest's own checks", async () => {
  const path = join(folder, "ring.hindcast");
  const recorded = await hindcastJson("record", RING, "-o", path);
  assert.equal(recorded.json.reason, "trap", "the guest dies long after the damage");
  const plain = await hindcastJson("replay", path);
  assert.equal(plain.exitCode, 0);
  assert.deepEqual(plain.json.checks, []);

  const { exitCode, json, stderr } = await hindcastJson("replay", path, "--checks");
  assert.equal(exitCode, 1, "a check failed");
  assert.equal(json.digest, plain.json.digest, "the replay with checks ends in the same state");
  assert.equal(json.instant, plain.json.instant);
  assert.equal(json.verified, plain.json.verified);
  assert.deepEqual([json.checksRun, json.checksFailed, json.leakedPages], [2000, 1700, 0]);
  const [first] = json.checks as Told[];
  assert.deepEqual([first.end, first.failed], ["failed", "1 broken link(s) after parcel 300"]);
  assert.match(first.symbol, /^main_loop\+/);
  assert.match(stderr, /instant 10,032 .*ring\.S:\d+\): check failed: 1 broken link\(s\) after parcel 300\n/);
  assert.match(
    stderr,
    /\n1,690 more at .*\n2,000 checks, state restored and digest equal after each; 1,700 failed\.\n/,
  );

  const before = await hindcastJson("replay", path, "--checks", "--to", "10000");
  assert.equal(before.exitCode, 0);
  assert.match(before.stderr, /^299 checks, state restored and digest equal after each; none failed\.\n/);
});

test("a guest without checks has none", async () => {
  const path = join(folder, "unchecked.hindcast");
  await hindcast("record", HELLO(), "-o", path);
  const { exitCode, stderr } = await hindcast("replay", path, "--checks");
  assert.equal(exitCode, 0);
  assert.match(stderr, /0 checks; none failed\./);
});

/** One check that logs 2000 lines, then eleven that log one and fail, at another place. */
const TALKATIVE = `#include "hindcast.h"
_start: la      a0, line
        hindcast_replay_only 1f
        li      s0, 2000
2:      hindcast_log
        addi    s0, s0, -1
        bnez    s0, 2b
        hindcast_end
1:      li      s1, 11
3:      hindcast_replay_only 4f
        hindcast_log
        la      a0, wrong
        hindcast_fail
        hindcast_end
4:      addi    s1, s1, -1
        bnez    s1, 3b
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
5:      j       5b
        .data
line:   .asciz "a line\\n"
wrong:  .asciz "wrong \\x1b[31m"
`;

test("ten lines and ten failures of each place are told, and how many more there were", async () => {
  file("hindcast.h", readFileSync(new URL("../../guest/include/hindcast.h", import.meta.url)));
  const guest = file("talkative.S", TALKATIVE);
  const path = join(folder, "talkative.hindcast");
  await hindcast("record", guest, "-o", path);
  const { json, stderr } = await hindcastJson("replay", path, "--checks");
  const told = (pattern: RegExp) => stderr.match(pattern)?.length;
  assert.equal(told(/talkative\.S:3\): a line$/gm), 10);
  assert.equal(told(/talkative\.S:10\): a line$/gm), 10);
  assert.equal(told(/talkative\.S:10\): check failed: wrong \\x1b\[31m$/gm), 10);
  assert.match(stderr, /^1,990 more at .*talkative\.S:3\); 1,000 of them were not kept: a check logs too much$/m);
  assert.match(stderr, /^2 more at .*talkative\.S:10\)$/m);
  const [spam, other] = json.checks as { readonly logs: string[]; readonly droppedLogs: number }[];
  assert.deepEqual([spam.logs.length, spam.droppedLogs], [1000, 1000]);
  assert.deepEqual([other.logs.length, other.droppedLogs], [1, 0]);
  assert.equal(json.checksDropped, 0);

  const quiet = await hindcast("replay", path, "--checks", "-q");
  assert.equal(quiet.stderr.match(/check failed: wrong/g)?.length, 10);
  assert.match(quiet.stderr, /^1 more at .*talkative\.S:10\)$/m);
  assert.doesNotMatch(quiet.stderr, /a line/);
});
