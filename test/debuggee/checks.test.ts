import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import type { BreakpointSpec } from "../../src/debuggee/protocol.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { checkedProgram } from "../replay/checks.ts";
import { type Bench, bench, breakAt, finish, texts } from "./harness.ts";

const RING = readFileSync(new URL("../../guest/checks/ring.S", import.meta.url), "utf8");
/** The check that fails first, and the recorded trap. */
const BROKEN = 10_032;
const TRAP = 66_112;

/** A guest that has run to its end, and is to be gone through again. */
function recorded(source = RING): Bench {
  const b = bench(checkedProgram(source));
  b.debuggee.setExceptionStops([], true);
  finish(b.timeline.forward({ stops: NO_STOPS }));
  return b;
}

function atStart(source?: string): Bench {
  const b = recorded(source);
  finish(b.debuggee.seek(0));
  return b;
}

test("a live run skips the blocks; in its past they run, and the one that fails stops as an exception", () => {
  const b = bench(checkedProgram(RING));
  const died = finish(b.debuggee.resume());
  assert.deepEqual([died.reason, died.instant], ["exception", TRAP]);
  finish(b.debuggee.seek(0));
  const stopped = finish(b.debuggee.resume());
  assert.deepEqual([stopped.reason, stopped.instant], ["exception", BROKEN]);
  assert.deepEqual(stopped.failedChecks, ["1 broken link(s) after parcel 300"]);
  assert.match(
    stopped.description,
    /^Replay-only check failed: 1 broken link\(s\) after parcel 300\. At \w+\+0x\w+ \(guest\.S:\d+\)\. State restored, digest equal\.$/,
  );
  const { marks } = b.debuggee.timeline({ most: 10 });
  assert.ok(marks.some(({ kind, instant }) => kind === "hit" && instant === BROKEN));
});

test("reverse-continue comes to the same failures as going on", () => {
  const b = atStart();
  const forward: number[] = [];
  while (forward.length < 5) forward.push(finish(b.debuggee.resume()).instant);
  assert.equal(forward[0], BROKEN);
  const next = finish(b.debuggee.resume()).instant;
  assert.ok(next > forward[4]);
  const backward: number[] = [];
  while (backward.length < 5) backward.push(finish(b.debuggee.reverseContinue()).instant);
  assert.deepEqual(backward.reverse(), forward);
  // Before the first one none fails.
  const start = finish(b.debuggee.reverseContinue());
  assert.deepEqual([start.reason, start.instant], ["start", 0]);
});

test("going on from where a motion ended at a block is not going past it", () => {
  const b = atStart();
  finish(b.debuggee.seek(BROKEN - 1));
  const stepped = finish(b.debuggee.step("into", "forward", "instruction", 0));
  assert.deepEqual([stepped.reason, stepped.instant], ["exception", BROKEN]);
});

test("with the filter off no block runs", () => {
  const b = atStart();
  b.debuggee.setExceptionStops([], false);
  assert.equal(finish(b.debuggee.resume()).instant, TRAP);
});

const FAILING: Partial<BreakpointSpec> = { mode: "check", condition: "count_broken(ring) != 0" };

/** A breakpoint where parcels are counted, without the guest's own blocks. */
function withBreakpoint(spec: Partial<BreakpointSpec>): Bench {
  const b = atStart();
  b.debuggee.setExceptionStops([], false);
  const states = breakAt(b, [{ at: { kind: "function", name: "hang" }, id: 5, ...spec }]);
  assert.deepEqual(
    states.map(({ verified, message }) => [verified, message]),
    [[true, undefined]],
  );
  return b;
}

test("a breakpoint that is a check calls a function of the guest, forwards and backwards", () => {
  const b = withBreakpoint(FAILING);
  const stopped = finish(b.debuggee.resume());
  assert.deepEqual([stopped.reason, stopped.breakpoints], ["exception", [5]]);
  assert.deepEqual(stopped.failedChecks, ["count_broken(ring) != 0"]);
  assert.ok(stopped.instant > BROKEN && stopped.instant < BROKEN + 33, "at the next parcel");
  assert.equal(b.debuggee.evaluate("count_broken(ring)", 0, 0).bits, 1n);
  const next = finish(b.debuggee.resume());
  assert.ok(next.instant > stopped.instant);
  assert.equal(finish(b.debuggee.reverseContinue()).instant, stopped.instant);
  assert.equal(finish(b.debuggee.reverseContinue()).reason, "start");
});

test("a replay-only log calls functions in its message", () => {
  const b = withBreakpoint({
    mode: "log",
    condition: "s0 >= 299 && s0 <= 301",
    logMessage: "{s0,d}: {count_broken(ring),d} broken",
  });
  finish(b.debuggee.resume());
  const lines = texts(b.events).map((line) => line.replace(/^\d+: /, ""));
  assert.deepEqual(lines, ["299: 0 broken", "300: 0 broken", "301: 1 broken"]);
  const output = b.events.filter((event) => event.type === "output");
  assert.ok(output.every((event) => event.type === "output" && event.replayOnly));
  const { marks } = b.debuggee.timeline({ most: 10 });
  assert.ok(marks.some(({ label, instant }) => label === "301: 1 broken" && instant === output[2].instant));
});

test("a call that does not return is a failure that says why", () => {
  for (const [condition, problem] of [
    ["count_broken(0)", /^Load access fault in the check, at count_broken\+0x\w+ \(guest\.S:\d+\), mtval 0x0$/],
    // It comes to a block of its own, which fails.
    ["main_loop(0)", /^1 broken link\(s\) after parcel 300$/],
    ["walk_back + 1 == 0 || hang(ring, 0)", /^Load access fault in the check, at hang \(guest\.S:\d+\), mtval 0x0$/],
  ] as const) {
    const b = withBreakpoint({ mode: "check", condition });
    const { digest } = { digest: b.machine.digest() };
    const stopped = finish(b.debuggee.resume());
    assert.equal(stopped.reason, "exception");
    assert.match(stopped.failedChecks?.[0] ?? "", problem);
    finish(b.debuggee.seek(0));
    assert.equal(b.machine.digest(), digest);
  }
});

test("what is refused", () => {
  const b = atStart();
  const at = { kind: "function", name: "hang" } as const;
  const message = (spec: Partial<BreakpointSpec>) => breakAt(b, [{ at, ...spec }])[0].message ?? "";
  assert.match(
    message({ condition: "count_broken(ring) != 0" }),
    /only replay-only checks and replay-only logs do that/,
  );
  assert.match(message({ logMessage: "{count_broken(ring)}" }), /only replay-only checks/);
  assert.match(message({ mode: "check" }), /needs a condition/);
  assert.match(message({ mode: "log" }), /needs a message/);
  assert.match(message({ mode: "check", condition: "nobody(1)" }), /There is no function "nobody", at column 1/);
  assert.match(message({ mode: "check", condition: "count_broken(1" }), /A "\)" is missing/);
  const nine = { mode: "check", condition: "count_broken(1,2,3,4,5,6,7,8,9)" } as const;
  assert.equal(message(nine), "");
  assert.deepEqual(finish(b.debuggee.resume()).failedChecks, ["A call has at most 8 arguments of a kind"]);
});

test("in a live run replay-only breakpoints do nothing, and functions are not called", () => {
  const b = bench(checkedProgram(RING));
  breakAt(b, [{ at: { kind: "function", name: "hang" }, mode: "check", condition: "1" }]);
  assert.equal(finish(b.debuggee.resume()).instant, TRAP);
  assert.throws(() => b.debuggee.evaluate("count_broken(ring)", 0, 0), /in the recorded past only/);
  assert.equal(finish(b.debuggee.reverseContinue()).reason, "exception");
});

test("arguments go where the ABI has them, and the stack is the caller's own, below it", () => {
  const source = `
_start:
        la   sp, stack_top
        li   a0, 11
        li   s0, 12
        call place
1:      j    1b
place:  li   a0, 13
        ret
report: # The arguments as digits, and whether the stack is as it should be.
        andi t0, sp, 15
        bnez t0, 2f
        sd   a7, -8(sp)
        li   t0, 10
        mul  a0, a0, t0
        add  a0, a0, a1
        mul  a0, a0, t0
        add  a0, a0, a7
        fcvt.l.d t1, fa0, rtz
        mul  a0, a0, t0
        add  a0, a0, t1
        ret
2:      li   a0, -1
        ret
        .data
        .space 4096
stack_top:
`;
  const b = bench(checkedProgram(source), {}, { modes: "msu" });
  finish(b.timeline.forward({ stops: NO_STOPS, limit: 100 as never }));
  b.debuggee.setExceptionStops([]);
  finish(b.debuggee.seek(20));
  const before = b.machine.digest();
  // Floating point is off until the guest switches it on: the call traps, and says so.
  assert.throws(
    () => b.debuggee.evaluate("report(1, 2, 3, 4, 5, 6, 7, 8, 9.0)", 0, 0),
    /Illegal instruction in the check/,
  );
  assert.equal(b.machine.digest(), before);
  finish(b.debuggee.seek(0));
  const on = bench(
    checkedProgram(source.replace("li   a0, 11", "li t0, 0x2000\n csrs mstatus, t0\n li a0, 11")),
    {},
    { modes: "msu" },
  );
  finish(on.timeline.forward({ stops: NO_STOPS, limit: 100 as never }));
  finish(on.debuggee.seek(20));
  assert.equal(on.debuggee.evaluate("report(1, 2, 3, 4, 5, 6, 7, 8, 9.0)", 0, 0).bits, 1289n);
});

test("the program's file says how doubles are passed", () => {
  const source = `${RING}
        .globl pick
        .type pick, @function
pick:   ret
`;
  const loaded = checkedProgram(source);
  const withAbi = (floatAbi: "soft" | "double") => {
    const b = bench({ ...loaded, info: { floatAbi } } as never);
    finish(b.timeline.forward({ stops: NO_STOPS }));
    finish(b.debuggee.seek(0));
    // The function gives a0 back as it got it.
    return b.debuggee.evaluate("pick(1.5)", 0, 0).bits;
  };
  const bits = 0x3ff8_0000_0000_0000n;
  assert.equal(withAbi("soft"), bits);
  assert.notEqual(withAbi("double"), bits);
});

test("now and then memory is looked at after checks", () => {
  const b = atStart();
  const { isolation } = b.machine;
  let looks = 0;
  const { changedUnseen } = isolation;
  isolation.changedUnseen = () => {
    looks++;
    return changedUnseen.call(isolation);
  };
  finish(b.debuggee.seek(BROKEN - 1));
  for (let count = 0; count < 40; count++) b.debuggee.evaluate("count_broken(ring)", 0, 0);
  assert.equal(looks, 1);
});
