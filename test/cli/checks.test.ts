import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { folder, hindcast, hindcastJson } from "./command.ts";
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
