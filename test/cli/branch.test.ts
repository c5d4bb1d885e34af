import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test, { before } from "node:test";
import { assertRefused, end, file, folder, hindcast, hindcastJson, start } from "./command.ts";

/** Prints as many letters as `count` says, and ends with exit code 0; `count` is read once. */
const PROGRAM = file(
  "letters.s",
  `
        .globl  _start
        .type   _start, @function
        .type   print, @function
_start: la      sp, stack
        la      s0, count
        ld      s1, 0(s0)
        li      s2, 0
loop:   bge     s2, s1, done
        addi    s2, s2, 1
        addi    a0, s2, 0x40
        call    print
        j       loop
done:   li      a0, 10
        call    print
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
        j       .
print:  li      t0, 0x10000000
        sb      a0, 0(t0)
        ret
        .data
        .balign 8
count:  .dword  4
        .space  256
stack:
`,
);
const RECORDING = join(folder, "letters.hindcast");
const sha = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

before(async () => {
  assert.equal((await hindcast("record", PROGRAM, "-o", RECORDING)).stdout, "ABCD\n");
});

/** The instant before the step at a place: the first call of a function. */
async function firstHit(place: string): Promise<string> {
  const { json } = await hindcastJson("query", RECORDING, "hits", place, "--most", "1");
  return String((json.hits as { instant: number }[])[0].instant);
}

test("something is changed and run on: what it prints, how it ends, and where it parts from the recording", async () => {
  const hash = sha(RECORDING);
  const at = await firstHit("letters.s:9");
  const { exitCode, stdout, stderr } = await hindcast("branch", RECORDING, "--at", at, "--set", "s1=2", "--compare");
  assert.equal(exitCode, 1);
  assert.match(stdout, /^AB\nThey part at instant \d+: edit of s1 to 0x2 in the branch\.\n/);
  assert.match(
    stdout,
    /^Paths part at instant \d+: the recording goes on at _start\+0x\w+ \(letters\.s:10\), the branch at _start/m,
  );
  assert.match(stdout, /^ {2}recording: “ABCD”, instant \d+, hart 0$/m);
  assert.match(stderr, /The branch ends at instant \d+: the guest ended with exit code 0\./);
  assert.equal(sha(RECORDING), hash, "the recording is as it was, to the byte");
  assert.equal(existsSync(`${RECORDING}.bookmarks`), false);
  assert.equal((await hindcast("replay", RECORDING)).exitCode, 0);
});

test("as JSON: ending, output, differences; saved, it is a recording that proves itself", async () => {
  const saved = join(folder, "saved.hindcast");
  const { exitCode, json } = await hindcastJson(
    ...["branch", RECORDING, "--at", "1", "--set", "*(u64*)count=6", "--set", "t6=7", "--run", "100000"],
    ...["--compare", "--compare-at", "1", "-o", saved],
  );
  assert.equal(exitCode, 1);
  assert.deepEqual([json.reason, json.exitCode, json.output, json.origin], ["exit", 0, "ABCDEF\n", 1]);
  const comparison = json.comparison as {
    differs: boolean;
    outputs: { difference: { offset: number } };
    at: { registers: { name: string; branch: string }[]; words: { branch: string; recording: string }[] };
  };
  assert.equal(comparison.outputs.difference.offset, 4);
  assert.deepEqual(
    comparison.at.registers.map(({ name, branch }) => [name, branch]),
    [["t6", "0x7"]],
  );
  assert.deepEqual(
    comparison.at.words.map((word) => [word.recording, word.branch]),
    [["0x4", "0x6"]],
  );
  const replayed = await hindcastJson("replay", saved, "--no-console");
  assert.deepEqual([replayed.exitCode, replayed.json.digest, replayed.json.instant], [0, json.digest, json.instant]);
  const info = await hindcastJson("info", saved);
  assert.equal(info.json.complete, true);
  // A branch of the branch, from its file.
  const again = await hindcastJson("branch", saved, "--at", "1", "--set", "*(u64*)count=1", "--run", "100000");
  assert.equal(again.json.output, "A\n");
});

test("nothing changed: nothing differs", async () => {
  const at = await firstHit("letters.s:9");
  const { exitCode, stdout } = await hindcast("branch", RECORDING, "--at", at, "--compare");
  assert.equal(exitCode, 0);
  assert.match(stdout, /^ABCD\nThe branch and the recording are the same up to instant \d+\.\n$/);
});

test("a forced return, a place to stop at, and a bound of steps", async () => {
  const at = await firstHit("print");
  const skipped = await hindcastJson("branch", RECORDING, "--at", at, "--return", "--run", "100000");
  assert.equal(skipped.json.output, "BCD\n", "the first letter is not printed");
  const until = await hindcastJson("branch", RECORDING, "--at", at, "--until", "letters.s:14");
  assert.deepEqual(
    [until.json.reason, until.json.output, until.json.source],
    ["until", "ABCD", { path: PROGRAM, line: 14, column: 9 }],
  );
  const bounded = await hindcastJson("branch", RECORDING, "--at", at, "--run", "3");
  assert.deepEqual([bounded.json.reason, bounded.json.instant], ["reached", Number(at) + 3]);
});

test("what cannot be done is refused, and nothing is left behind", async () => {
  const output = join(folder, "not-written.hindcast");
  await assertRefused(["branch", RECORDING], 2, "branch-at", /--at INSTANT/);
  await assertRefused(["branch", RECORDING, "--at", "nowhere"], 2, "no-bookmark", /no bookmark "nowhere"/);
  await assertRefused(["branch", RECORDING, "--at", "99999999"], 2, "instant-out-of-range", /no instant/);
  await assertRefused(
    ["branch", RECORDING, "--at", "1", "--set", "a0", "-o", output],
    2,
    "branch-set",
    /changes nothing/,
  );
  await assertRefused(["branch", RECORDING, "--at", "1", "--set", "1=2"], 2, "not-assignable", /not a place/);
  await assertRefused(["branch", RECORDING, "--at", "1", "--until", "nowhere"], 2, "no-place", /nowhere/);
  await assertRefused(
    ["branch", RECORDING, "--at", "1", "--run", "1", "-o", RECORDING],
    2,
    "branch-is-recording",
    /cannot replace/,
  );
  assert.equal(existsSync(output), false);
});

test("killed in the middle, a branch loses nothing of the recording", async () => {
  const endless = file(
    "endless.s",
    ".globl _start\n_start: li t0, 0x10000000\n li t2, '.'\nloop: addi t1, t1, 1\n slli t3, t1, 48\n bnez t3, loop\n sb t2, 0(t0)\n j loop\n",
  );
  const recording = join(folder, "endless.hindcast");
  await hindcast("record", endless, "-o", recording, "--limit", "3000000");
  const hash = sha(recording);
  const never = join(folder, "never.hindcast");
  for (const signal of ["SIGKILL", "SIGINT"] as const) {
    const child = start("branch", recording, "--at", "1000", "--set", "t4=5", "--run", "1e12", "-o", never);
    // It runs, and has come some way.
    await once(child.stdout, "data");
    child.kill(signal);
    const ended = await end(child);
    if (signal === "SIGKILL") assert.equal(ended.signal, signal);
    else assert.deepEqual([ended.exitCode, /was interrupted at instant/.test(ended.stderr)], [130, true]);
    assert.equal(sha(recording), hash);
    assert.equal(existsSync(never), false);
  }
  assert.equal((await hindcast("replay", recording, "--no-console")).exitCode, 0);
});
