import assert from "node:assert/strict";
import test from "node:test";
import { HitHistory, parseHitCondition } from "../../src/debuggee/hit-history.ts";
import type { BreakpointSpec } from "../../src/debuggee/protocol.ts";
import { ROUNDS } from "./guests.ts";
import { type Bench, bench, breakAt, currentLine, finish, lineOf, onLine, texts } from "./harness.ts";

const line = (marker: string) => lineOf(ROUNDS, marker);
const address = ({ program }: Bench, name: string) =>
  program.symbols.find((symbol) => symbol.name === name)?.address ?? assert.fail(name);

/** Instants of all stops from here to the end, forwards; then of all stops back to the start. */
function stopsBothWays(b: Bench): { forward: number[]; backward: number[] } {
  const forward: number[] = [];
  for (;;) {
    const stopped = finish(b.debuggee.resume());
    if (stopped.reason === "finished") break;
    forward.push(stopped.instant);
  }
  const backward: number[] = [];
  for (;;) {
    const stopped = finish(b.debuggee.reverseContinue());
    if (stopped.reason === "start") break;
    backward.push(stopped.instant);
  }
  return { forward, backward: backward.reverse() };
}

/** Stops forwards and backwards, which must be the same ones. */
function stops(requests: Parameters<typeof breakAt>[1]): number[] {
  const b = bench(ROUNDS);
  const states = breakAt(b, requests);
  assert.deepEqual(
    states.filter(({ verified }) => !verified),
    [],
  );
  const { forward, backward } = stopsBothWays(b);
  assert.deepEqual(backward, forward, "the same stops in both directions");
  return forward;
}

const every = stops([{ at: onLine(line("work")) }]);

test("a line, a function and an instruction are one place, and are hit at the same instants", () => {
  assert.equal(every.length, 10);
  assert.deepEqual(stops([{ at: { kind: "function", name: "work" } }]), every);
  const b = bench(ROUNDS);
  assert.deepEqual(stops([{ at: { kind: "instruction", address: address(b, "work") } }]), every);
  assert.deepEqual(stops([{ at: { kind: "function", name: `*0x${address(b, "work").toString(16)}` } }]), every);
  assert.deepEqual(stops([{ at: { kind: "function", name: "work + 0" } }]), every);
});

test("what is told at a stop: reason, ids, place", () => {
  const b = bench(ROUNDS);
  const [state] = breakAt(b, [{ id: 7, at: onLine(line("work")) }]);
  assert.deepEqual(state, { id: 7, verified: true, path: "guest.s", line: line("work"), address: address(b, "work") });
  const stopped = finish(b.debuggee.resume());
  assert.equal(stopped.reason, "breakpoint");
  assert.deepEqual(stopped.breakpoints, [7]);
  assert.equal(stopped.description, `At work (guest.s:${line("work")}).`);
  assert.equal(currentLine(b), line("work"));
  b.debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, []);
  breakAt(b, [{ id: 8, at: { kind: "function", name: "work" } }]);
  assert.equal(finish(b.debuggee.resume()).reason, "function breakpoint");
  b.debuggee.setBreakpoints({ kind: "function" }, []);
  breakAt(b, [{ id: 9, at: { kind: "instruction", address: address(b, "work") } }]);
  assert.equal(finish(b.debuggee.resume()).reason, "instruction breakpoint");
});

test("conditions, hit counts, both: the same meaning in both directions", () => {
  const work = (more: Partial<BreakpointSpec>) => stops([{ at: onLine(line("work")), ...more }]);
  assert.deepEqual(work({ condition: "a0 == 3" }), [every[3]]);
  assert.deepEqual(work({ condition: "s1 > 6 && a0 % 2 == 0" }), [every[8]]);
  assert.deepEqual(work({ hitCondition: "5" }), [every[4]]);
  assert.deepEqual(work({ hitCondition: "> 8" }), every.slice(8));
  assert.deepEqual(work({ hitCondition: "<3" }), every.slice(0, 2));
  assert.deepEqual(work({ hitCondition: "% 4" }), [every[3], every[7]]);
  assert.deepEqual(work({ condition: "a0 >= 5", hitCondition: "2" }), [every[6]], "counts where the condition holds");
  assert.deepEqual(work({ condition: "  ", hitCondition: "" }), every, "blank is none");
});

test("a hit's number is that of history, however one comes to it", () => {
  const b = bench(ROUNDS);
  // Run past five hits without any breakpoint, and set one with a count only then.
  finish(b.debuggee.resume());
  finish(b.debuggee.seek(every[5] + 1));
  breakAt(b, [{ at: onLine(line("work")), hitCondition: "== 8" }]);
  assert.equal(finish(b.debuggee.resume()).instant, every[7]);
  breakAt(b, [{ at: onLine(line("work")), hitCondition: "== 2" }]);
  assert.equal(finish(b.debuggee.reverseContinue()).instant, every[1]);
  finish(b.debuggee.seek(0));
  assert.equal(finish(b.debuggee.resume()).instant, every[1]);
});

test("counted breakpoints among others: whichever is hit last, and a log point beside them", () => {
  const b = bench(ROUNDS);
  b.debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, [
    { id: 1, at: onLine(line("work")), hitCondition: "<= 4" },
    { id: 2, at: onLine(line("store")), condition: "s1 == 2" },
    { id: 3, at: onLine(line("work")), logMessage: "{s1,d}" },
    { id: 4, at: onLine(line("ret")), hitCondition: "% 4" },
  ]);
  finish(b.debuggee.resume());
  finish(b.debuggee.seek(0));
  const forward: string[] = [];
  const ids = (stopped: { breakpoints: readonly number[]; instant: number }) =>
    `${stopped.breakpoints} @${stopped.instant}`;
  for (
    let stopped = finish(b.debuggee.resume());
    stopped.reason !== "finished";
    stopped = finish(b.debuggee.resume())
  ) {
    forward.push(ids(stopped));
  }
  b.events.length = 0;
  const backward: string[] = [];
  for (;;) {
    const stopped = finish(b.debuggee.reverseContinue());
    if (stopped.reason === "start") break;
    backward.push(ids(stopped));
  }
  assert.equal(forward.length, 4 + 1 + 2);
  assert.deepEqual(backward, forward.reverse());
  assert.equal(texts(b.events).length, 10, "every round is logged once on the way back");
});

test("a count goes on over stops, steps and list changes of other breakpoints", () => {
  const b = bench(ROUNDS);
  const counted = { id: 1, at: onLine(line("work")), hitCondition: ">= 3" };
  b.debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, [counted, { id: 2, at: onLine(line("store")) }]);
  assert.deepEqual(finish(b.debuggee.resume()).breakpoints, [2]);
  finish(b.debuggee.step("over", "forward", "line", 0));
  // The client sends the list again, with one breakpoint fewer.
  b.debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, [counted]);
  assert.equal(finish(b.debuggee.resume()).instant, every[2]);
});

test("the past is counted once, not at every motion, and not again when the list is sent again", () => {
  const b = bench(ROUNDS);
  finish(b.debuggee.resume());
  let searches = 0;
  const { scan } = b.timeline;
  b.timeline.scan = function (...args) {
    searches++;
    return scan.apply(this, args);
  };
  const specs = [{ id: 1, at: onLine(line("work")), hitCondition: "% 3" }];
  for (let i = 0; i < 3; i++) {
    b.debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, specs);
    finish(b.debuggee.reverseContinue());
  }
  finish(b.debuggee.resume());
  assert.equal(searches, 1);
});

test("a log point is told once at an instant, also when breakpoints change just there", () => {
  const source = ROUNDS.replace("li      t0, 10\n", "li      t0, 1000\n");
  const b = bench(source);
  breakAt(b, [{ at: onLine(lineOf(source, "work")), logMessage: "{s1,d}" }]);
  const motion = b.debuggee.resume();
  let turn = motion.next();
  for (; !turn.done; turn = motion.next()) b.debuggee.setBreakpoints({ kind: "function" }, []);
  assert.equal(turn.value.reason, "finished");
  assert.deepEqual(
    texts(b.events).map((text) => Number(text.split(": ")[1])),
    Array.from({ length: 1000 }, (_, round) => round),
  );
});

test("log points do not stop; they tell their line and instant, newest first when going back", () => {
  const b = bench(ROUNDS);
  breakAt(b, [{ at: onLine(line("work")), logMessage: "round {s1}, {{a0}} = {a0,x}", condition: "s1 < 3" }]);
  assert.equal(finish(b.debuggee.resume()).reason, "finished");
  const forward = texts(b.events);
  assert.deepEqual(
    forward,
    [0, 1, 2].map((round) => `${every[round]}: round 0x${round} (${round}), {a0} = 0x${round}`),
  );
  const [event] = b.events.filter(({ type }) => type === "output");
  assert.deepEqual(event.type === "output" && event.source, { path: "guest.s", line: line("work"), column: 1 });
  b.events.length = 0;
  assert.equal(finish(b.debuggee.reverseContinue()).reason, "start");
  assert.deepEqual(texts(b.events), forward.reverse());
});

test("a log point tells once what a step runs into, and again when it happens again", () => {
  const b = bench(ROUNDS);
  breakAt(b, [{ at: onLine(line("loop")) }]);
  finish(b.debuggee.resume());
  b.debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, [
    { id: 1, at: onLine(line("call")), logMessage: "at {s1,d}" },
  ]);
  finish(b.debuggee.step("over", "forward", "line", 0));
  assert.equal(texts(b.events).length, 1);
  finish(b.debuggee.step("over", "forward", "line", 0));
  assert.equal(texts(b.events).length, 1);
  finish(b.debuggee.step("over", "backward", "line", 0));
  assert.equal(texts(b.events).length, 2);
});

test("data breakpoints: write, read and both, behind the access forwards, before it backwards", () => {
  const b = bench(ROUNDS);
  const result = address(b, "result");
  const data = (access: "read" | "write" | "readWrite", length = 8, offset = 0n) => ({
    at: { kind: "data" as const, address: result + offset, length, access },
  });
  breakAt(b, [{ id: 3, ...data("write") }]);
  const first = finish(b.debuggee.resume());
  assert.equal(first.reason, "data breakpoint");
  assert.deepEqual(first.breakpoints, [3]);
  assert.match(
    first.description,
    /_start\+0x\w+ \(guest\.s:\d+\) wrote 8 bytes at 0x\w+ <result>: now 0x0 \(instant \d+\)/,
  );
  const second = finish(b.debuggee.resume());
  assert.equal(currentLine(b), line("store") + 1);
  assert.equal(b.debuggee.evaluate("*result", 0, 0).value, "0x2 (2)");
  const back = finish(b.debuggee.reverseContinue());
  assert.equal(back.instant, second.instant - 1);
  assert.equal(currentLine(b), line("store"));
  assert.match(back.description, /is about to write 8 bytes/);
  assert.equal(b.debuggee.evaluate("*result", 0, 0).value, "0x0 (0)");

  const count = (request: ReturnType<typeof data>, more: Partial<BreakpointSpec> = {}) => {
    const fresh = bench(ROUNDS);
    breakAt(fresh, [{ ...request, ...more }]);
    const { forward, backward } = stopsBothWays(fresh);
    // Forwards the machine stands behind the access, backwards before it.
    assert.deepEqual(
      backward,
      forward.map((instant) => instant - 1),
    );
    return forward.length;
  };
  assert.equal(count(data("write")), 10);
  assert.equal(count(data("read")), 1);
  assert.equal(count(data("readWrite")), 11);
  assert.equal(count(data("write", 1, 7n)), 10, "one byte of what is written");
  assert.equal(count(data("write", 1, 8n)), 0, "the byte behind it");
  assert.equal(count(data("write"), { condition: "*result >= 10" }), 5, "sees what was written");
  assert.equal(count(data("write"), { hitCondition: "%3" }), 3);
});

test("exceptions by cause; the one that was shown is taken when going on", () => {
  const b = bench(ROUNDS);
  assert.equal(finish(b.debuggee.resume()).reason, "finished");
  finish(b.debuggee.seek(0));
  b.debuggee.setExceptionStops([5]);
  const stopped = finish(b.debuggee.resume());
  assert.equal(stopped.reason, "exception");
  assert.equal(currentLine(b), line("fault"));
  assert.deepEqual(stopped.exception, {
    cause: 5,
    name: "Load access fault",
    tval: 0n,
    handled: true,
    description: stopped.description,
  });
  assert.match(
    stopped.description,
    /^Load access fault at _start\+0x\w+ \(guest\.s:\d+\) in "lw t2,0\(zero\)", address 0x0\.$/,
  );
  const end = finish(b.debuggee.resume());
  assert.equal(end.reason, "finished");
  assert.equal(end.exitCode, 0);
  assert.equal(finish(b.debuggee.reverseContinue()).instant, stopped.instant);
  b.debuggee.setExceptionStops([2, 7]);
  assert.equal(finish(b.debuggee.resume()).reason, "finished");
});

test("a breakpoint on the instruction that raises an exception does not hide the exception", () => {
  const b = bench(ROUNDS);
  b.debuggee.setExceptionStops([5]);
  breakAt(b, [{ at: onLine(line("fault")) }]);
  const reasons = [1, 2, 3].map(() => finish(b.debuggee.resume()).reason);
  assert.deepEqual(reasons, ["breakpoint", "exception", "finished"]);
  const again = bench(ROUNDS);
  again.debuggee.setExceptionStops([5]);
  breakAt(again, [{ at: onLine(line("fault")), logMessage: "here" }]);
  assert.equal(finish(again.debuggee.resume()).reason, "exception");
  assert.equal(texts(again.events).length, 1);
});

test("unhandled traps always stop, and say so", () => {
  const b = bench(".text\n.globl _start\n_start: csrw mtvec, zero\n lw a0, 0(zero)\n nop\n");
  const stopped = finish(b.debuggee.resume());
  assert.equal(stopped.reason, "exception");
  assert.equal(stopped.exception?.handled, false);
  assert.match(stopped.description, /Nothing handles it/);
  assert.equal(finish(b.debuggee.resume()).reason, "exception", "there is no way on");
  assert.equal(finish(b.debuggee.reverseContinue()).reason, "start");
});

test("a breakpoint behind a watched store is told together with it, and counted", () => {
  const b = bench(ROUNDS);
  breakAt(b, [
    { id: 1, at: { kind: "data", address: address(b, "result"), length: 8, access: "write" } },
    { id: 2, at: onLine(line("store") + 1), hitCondition: ">= 2" },
  ]);
  assert.deepEqual(finish(b.debuggee.resume()).breakpoints, [1]);
  assert.deepEqual(finish(b.debuggee.resume()).breakpoints, [1, 2]);
});

// ---- what cannot be set

function state(request: Partial<BreakpointSpec> & Pick<BreakpointSpec, "at">) {
  return breakAt(bench(ROUNDS), [request])[0];
}

test("a line without code moves to the next that has some, and says so", () => {
  const moved = state({ at: onLine(line("loop") - 1) });
  assert.equal(moved.verified, true);
  assert.equal(moved.line, line("loop"));
  assert.match(moved.message ?? "", /no code on line \d+; this is the next line/);
});

const IMPOSSIBLE: readonly (readonly [string, Partial<BreakpointSpec> & Pick<BreakpointSpec, "at">, RegExp])[] = [
  ["below all code", { at: onLine(5000) }, /no code on line 5000 or below/],
  ["another file", { at: { kind: "source", path: "/src/other.s", line: 1 } }, /No code of the program comes from/],
  ["an unknown function", { at: { kind: "function", name: "wrok" } }, /no function "wrok" in the program/],
  ["data as a function", { at: { kind: "function", name: "result" } }, /no function "result"|not code/],
  ["no memory", { at: { kind: "instruction", address: 16n } }, /no memory at 0x10/],
  ["an odd address", { at: { kind: "instruction", address: 0x8000_0001n } }, /even addresses/],
  ["nothing to watch", { at: { kind: "data", address: 0n, length: 0, access: "write" } }, /1 to \d+ bytes, not 0/],
  ["a bad condition", { at: onLine(1), condition: "a0 =" }, /ends too early, at column 5/],
  ["an assignment", { at: onLine(1), condition: "a0 = 3" }, /equality is "=="/],
  ["a bad hit condition", { at: onLine(1), hitCondition: "often" }, /"often" is no hit condition/],
  ["a bad log message", { at: onLine(1), logMessage: "{x y}" }, /no register, CSR or symbol "x"|operator is missing/],
];

for (const [what, request, pattern] of IMPOSSIBLE) {
  test(`unverified: ${what}`, () => {
    const { verified, message } = state(request);
    assert.equal(verified, false);
    assert.match(message ?? "", pattern);
  });
}

test("more data breakpoints than the machine can watch", () => {
  const b = bench(ROUNDS);
  const specs = Array.from({ length: 70 }, (_, id) => ({
    id,
    at: { kind: "data" as const, address: 0x8000_0000n + BigInt(id), length: 1, access: "write" as const },
  }));
  const states = b.debuggee.setBreakpoints({ kind: "data" }, specs);
  assert.equal(states.filter(({ verified }) => verified).length, 64);
  assert.match(states[69].message ?? "", /already 64 data breakpoints/);
  assert.equal(finish(b.debuggee.resume()).reason, "finished");
});

test("a condition that cannot be evaluated stops and says why", () => {
  const b = bench(ROUNDS);
  breakAt(b, [{ at: onLine(line("work")), condition: "[s1] == 0" }]);
  const stopped = finish(b.debuggee.resume());
  assert.equal(stopped.instant, every[0]);
  assert.match(stopped.description, /no memory to read 8 bytes from at 0x0/);
});

test("without line information every source breakpoint says what to do", () => {
  const { program } = bench(ROUNDS);
  const b = bench({ ...program, lines: [], files: [] });
  assert.match(breakAt(b, [{ at: onLine(1) }])[0].message ?? "", /no line information; build it with -g/);
});

// ---- counting

test("hit conditions", () => {
  const passing = (text: string) => [1, 2, 3, 4, 5, 6].filter((number) => parseHitCondition(text)?.passes(number));
  assert.deepEqual(passing("3"), [3]);
  assert.deepEqual(passing(" = 3 "), [3]);
  assert.deepEqual(passing("==3"), [3]);
  assert.deepEqual(passing(">4"), [5, 6]);
  assert.deepEqual(passing(">=4"), [4, 5, 6]);
  assert.deepEqual(passing("<2"), [1]);
  assert.deepEqual(passing("<=2"), [1, 2]);
  assert.deepEqual(passing("%2"), [2, 4, 6]);
  for (const bad of ["", "x", "3x", "-1", "% 0", "> ", "1.5"]) assert.equal(parseHitCondition(bad), undefined, bad);
});

test("hits found in any order have the numbers of their order in time", () => {
  const history = new HitHistory();
  for (const instant of [50, 10, 30, 20, 40, 30]) history.numberOf(instant);
  assert.deepEqual(
    [10, 20, 30, 40, 50].map((instant) => history.numberOf(instant)),
    [1, 2, 3, 4, 5],
  );
  assert.equal(history.lastBefore(45, { passes: (number) => number !== 4 }), 30);
  assert.equal(history.lastBefore(10, { passes: () => true }), undefined);
  history.cover(60);
  history.truncate(30);
  assert.equal(history.count, 2);
  assert.equal(history.covered, 30);
});
