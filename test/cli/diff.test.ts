import assert from "node:assert/strict";
import { join } from "node:path";
import test, { before } from "node:test";
import { computing } from "../lockstep/guests.ts";
import { end, file, folder, hindcast, hindcastJson, start } from "./command.ts";
import { HELLO, SEVEN } from "./guests.ts";

/** Prints eight digits, each of them a square's last one; `bad`: but for one. */
const squares = (bad: boolean) =>
  file(
    bad ? "bad.s" : "good.s",
    `
        .globl  _start
        .type   _start, @function
        .type   square, @function
_start: li      s2, 0x10000000
        li      s0, 0
1:      mv      a0, s0
        call    square
        li      t0, 10
        remu    a0, a0, t0
        addi    a0, a0, '0'
        sb      a0, 0(s2)
        addi    s0, s0, 1
        li      t0, 8
        bne     s0, t0, 1b
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
        j       .
square: li      t0, 7
        ${bad ? "beq     a0, t0" : "beqz    a0"}, 2f
        mul     a0, a0, a0
2:      ret
`,
  );
/** Ten million steps long. */
const STIRRED = file("stirred.s", computing(300, { turns: 2000 }));
const GOOD = join(folder, "good.hindcast");
const AGAIN = join(folder, "again.hindcast");
const BAD = join(folder, "bad.hindcast");
const FLIPPED = join(folder, "flipped.hindcast");
const FLIPPED_AT = 57;

before(async () => {
  assert.equal((await hindcast("record", squares(false), "-o", GOOD)).stdout, "01496569");
  assert.equal((await hindcast("record", squares(false), "-o", AGAIN)).exitCode, 0);
  assert.equal((await hindcast("record", squares(true), "-o", BAD)).stdout, "01496567");
  await hindcast("branch", GOOD, "--at", String(FLIPPED_AT), "--set", "s0=s0^1", "-o", FLIPPED);
});

test("two runs of one program are the same: exit code 0", async () => {
  const { exitCode, stderr } = await hindcast("diff", GOOD, AGAIN);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /The two are the same: 9 outputs/);
});

test("a register that was changed is named with its instant and what differs: exit code 1", async () => {
  const { exitCode, stdout, stderr } = await hindcast("diff", GOOD, FLIPPED);
  assert.equal(exitCode, 1);
  assert.match(stdout, /^First difference in what they say: console, byte \d$/m);
  assert.match(stdout, /^s0 had bit 0 flipped in B at instant 57, by no instruction: 0x\d in A, 0x\d in B\.$/m);
  assert.match(stdout, /^ {2}B {2}instant 57 {2}hart 0 {2}\w+\+0x\w+ {2}\S*good\.s:\d+ {2}\S/m);
  assert.match(stdout, /^Last agreement: instant 56$/m);
  assert.match(stderr, /The two differ in what they say, after \d outputs that are the same\./);
});

test("a good and a bad build part in the function that was changed", async () => {
  const { exitCode, json, before: text } = await hindcastJson("diff", GOOD, BAD);
  assert.equal(exitCode, 1);
  assert.equal(text, "");
  const { kind, level, divergent, output, chain } = json as {
    kind: string;
    level: string;
    divergent: { cause: string; left: { symbol: string; pc: string }; why: string };
    output: { device: number; number: number; leftBytes: string; leftText: string; rightText: string };
    chain: { kind: string }[];
  };
  assert.deepEqual([kind, level, divergent.cause], ["difference", "output", "program"]);
  assert.match(divergent.left.symbol, /^square/);
  assert.match(divergent.left.pc, /^0x8/);
  assert.deepEqual([output.device, output.number], [0, 7]);
  assert.deepEqual([output.leftText, output.rightText], ["01496569", "01496567"]);
  assert.ok(chain.some((link) => link.kind === "flow"));
});

test("states alone, and outputs alone", async () => {
  const states = await hindcastJson("diff", GOOD, FLIPPED, "--no-causes");
  assert.equal(states.exitCode, 1);
  assert.equal((states.json.chain as unknown[]).length, 0);
  assert.equal((states.json.divergent as { right: { instant: number } }).right.instant, FLIPPED_AT);
  // t6 is of no use to this guest: nothing that it says differs.
  const silent = join(folder, "silent.hindcast");
  await hindcast("branch", GOOD, "--at", "30", "--set", "t6=1", "-o", silent);
  assert.equal((await hindcast("diff", GOOD, silent)).exitCode, 1);
  const said = await hindcast("diff", GOOD, silent, "--outputs");
  assert.equal(said.exitCode, 0);
  assert.match(said.stdout, /^t6 had bit 0 flipped in B at instant 30/m);
  assert.match(said.stderr, /The two say the same \(9 outputs\) and differ inside\./);
});

test("of a pair, one of its recordings is enough: where the machines said something else first", async () => {
  const pair = join(folder, "pair.hindcast");
  const fault = ["--fault", "flip-memory@3000000", "--fault-seed", "1"];
  assert.equal((await hindcast("lockstep", STIRRED, ...fault, "-o", pair)).exitCode, 0);
  const { exitCode, stdout } = await hindcast("diff", pair);
  assert.equal(exitCode, 1);
  assert.match(stdout, /^table\+0x\w+ had bit \d+ flipped in B at instant 3,000,000, by no instruction/m);
  assert.match(stdout, /^B {2}.*pair\.B\.hindcast$/m);
  const alone = await hindcast("diff", GOOD);
  assert.equal(alone.exitCode, 2);
  assert.match(alone.stderr, /is not the recording of a pair: name the one to compare it with\./);
});

test("what cannot be compared is refused in a sentence: exit code 2", async () => {
  const program = HELLO();
  const refused = async (pattern: RegExp, ...args: string[]) => {
    const { exitCode, stderr } = await hindcast("diff", ...args);
    assert.equal(exitCode, 2, stderr);
    assert.match(stderr, pattern);
    assert.doesNotMatch(stderr, /^ +at /m);
  };
  await refused(/No such file|There is no|not found/i, GOOD, join(folder, "nothing.hindcast"));
  await refused(/not a Hindcast recording/, program, GOOD);
  const small = join(folder, "small.hindcast");
  await hindcast("record", program, "--memory", "64M", "-o", small);
  await refused(/The machines differ in their memory: 128 MiB in the first, 64 MiB in the second\./, GOOD, small);
  const harts = join(folder, "harts.hindcast");
  await hindcast("record", SEVEN(), "--harts", "2", "--limit", "1000", "-o", harts);
  await refused(/differ in their number of harts: 1 in the first, 2 in the second/, GOOD, harts);
});

test("Ctrl-C ends it at once", async () => {
  const child = start("diff", GOOD, FLIPPED);
  child.stdin.end();
  setTimeout(() => child.kill("SIGINT"), 5);
  const { exitCode, signal } = await end(child);
  // As long as Node itself starts, a signal ends the process.
  assert.ok(exitCode === 130 || exitCode === 1 || signal === "SIGINT", `${exitCode} ${signal}`);
});
