import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import type { StepKind } from "../../src/debuggee/protocol.ts";
import { CALLS, LOOPS, RECURSIVE_LOOP, REENTERED, ROUNDS, TRAPS } from "./guests.ts";
import { type Bench, bench, breakAt, currentLine, finish, lineOf, onLine, program, step } from "./harness.ts";

/** A bench that stands at a marked line, the first time it is reached. */
function standing(source: string, marker: string): Bench {
  const b = bench(source);
  breakAt(b, [{ at: onLine(lineOf(source, marker)) }]);
  finish(b.debuggee.resume());
  b.debuggee.setBreakpoints({ kind: "source" }, []);
  assert.equal(currentLine(b), lineOf(source, marker));
  return b;
}

/** One step from a marked line ends at another; and, unless told otherwise, the same step backward ends where it began. */
function stepsTo(source: string, kind: StepKind, from: string, to: string, mirrored = true): Bench {
  const b = standing(source, from);
  const { instant } = b.machine;
  const stopped = step(b, kind);
  assert.equal(stopped.reason, "step");
  assert.equal(currentLine(b), lineOf(source, to), `${kind} from @${from}: ${stopped.description}`);
  if (mirrored) {
    step(b, kind, "backward");
    assert.equal(b.machine.instant, instant, `back ${kind} to @${from}: line ${currentLine(b)}`);
  }
  return b;
}

test("over: a simple line, a call, a recursion, a call through a register", () => {
  stepsTo(CALLS, "over", "start", "fib");
  stepsTo(CALLS, "over", "fib", "tail");
  stepsTo(CALLS, "over", "fibFirst", "fibBetween");
  stepsTo(CALLS, "over", "fibSecond", "fibAdd");
  stepsTo(CALLS, "over", "indirect", "done");
});

test("over: a line that holds a call among other things", () => {
  stepsTo(CALLS, "over", "shared", "pointer");
});

test("over: a callee that ends in a jump to another, and one that pushes for its caller", () => {
  stepsTo(CALLS, "over", "tail", "push");
  stepsTo(CALLS, "over", "push", "pop");
});

test("over: a jump to another function ends in the caller", () => {
  stepsTo(CALLS, "over", "tailJump", "push", false);
});

test("over: from the last line of a function into its caller, and back over all of it", () => {
  const b = stepsTo(CALLS, "over", "leafRet", "push", false);
  step(b, "over", "backward");
  assert.equal(currentLine(b), lineOf(CALLS, "tail"));
});

test("into: a function, through a register too, and from the middle of a line", () => {
  stepsTo(CALLS, "into", "fib", "fibEntry");
  stepsTo(CALLS, "into", "tail", "tailEntry");
  stepsTo(CALLS, "into", "tailJump", "leaf");
  stepsTo(CALLS, "into", "shared", "leaf");
  stepsTo(CALLS, "into", "indirect", "leaf");
});

test("out: to the caller's next line; back out: to the call", () => {
  const b = standing(CALLS, "leaf");
  step(b, "out");
  assert.equal(currentLine(b), lineOf(CALLS, "push"), "through the tail call");
  const recursive = standing(CALLS, "fibSaved");
  step(recursive, "out");
  assert.equal(currentLine(recursive), lineOf(CALLS, "tail"));
  step(recursive, "into", "backward");
  assert.equal(currentLine(recursive), lineOf(CALLS, "fibRet"));
  step(recursive, "out", "backward");
  assert.equal(currentLine(recursive), lineOf(CALLS, "fib"));
});

test("out of a deep recursion goes up one activation at a time, in both directions", () => {
  const b = bench(CALLS);
  breakAt(b, [{ at: onLine(lineOf(CALLS, "fibRet")) }]);
  finish(b.debuggee.resume());
  b.debuggee.setBreakpoints({ kind: "source" }, []);
  const depth = () => b.debuggee.frames(0).length;
  const deepest = depth();
  assert.equal(deepest, 7, "fib(6) … fib(1), _start");
  const { instant } = b.machine;
  for (let up = 1; up < deepest; up++) {
    step(b, "out");
    assert.equal(depth(), deepest - up);
  }
  assert.equal(currentLine(b), lineOf(CALLS, "tail"));
  finish(b.debuggee.seek(instant));
  for (let up = 1; up < deepest; up++) {
    step(b, "out", "backward");
    assert.equal(depth(), deepest - up);
  }
  assert.equal(currentLine(b), lineOf(CALLS, "fib"));
});

test("back over: from a function's first line to the caller's, from the middle of a line to its beginning", () => {
  const b = standing(CALLS, "fibEntry");
  step(b, "over", "backward");
  assert.equal(currentLine(b), lineOf(CALLS, "fib"));
  const middle = standing(CALLS, "shared");
  const { instant } = middle.machine;
  step(middle, "over", "forward", "instruction");
  step(middle, "over", "forward", "instruction");
  assert.equal(currentLine(middle), lineOf(CALLS, "shared"));
  step(middle, "over", "backward");
  assert.equal(middle.machine.instant, instant);
});

test("back into: the end of the callee that has just returned", () => {
  const b = standing(CALLS, "tail");
  step(b, "into", "backward");
  assert.equal(currentLine(b), lineOf(CALLS, "fibRet"));
  assert.equal(b.debuggee.frames(0)[1].source?.line, lineOf(CALLS, "fib"), "of the outermost activation");
});

test("by instruction: into goes one instant, over goes over calls, both ways", () => {
  const b = standing(CALLS, "fib");
  const start = b.machine.instant;
  step(b, "into", "forward", "instruction");
  assert.equal(b.machine.instant, start + 1);
  step(b, "into", "backward", "instruction");
  assert.equal(b.machine.instant, start);
  const lines: number[] = [];
  while (currentLine(b) !== lineOf(CALLS, "pop")) {
    step(b, "over", "forward", "instruction");
    lines.push(currentLine(b));
  }
  assert.ok(lines.length <= 6, "three calls of one or two instructions");
  for (let i = 0; i < lines.length; i++) step(b, "over", "backward", "instruction");
  assert.equal(b.machine.instant, start);
});

test("a breakpoint in a callee ends the step over it, forwards and backwards", () => {
  const b = standing(CALLS, "fib");
  breakAt(b, [{ id: 5, at: onLine(lineOf(CALLS, "fibAdd")) }]);
  const forward = step(b, "over");
  assert.equal(forward.reason, "breakpoint");
  assert.deepEqual(forward.breakpoints, [5]);
  const back = standing(CALLS, "tail");
  breakAt(back, [{ id: 6, at: onLine(lineOf(CALLS, "fibAdd")) }]);
  assert.deepEqual(step(back, "over", "backward").breakpoints, [6]);
  assert.equal(currentLine(back), lineOf(CALLS, "fibAdd"));
});

test("a breakpoint on the line before the one that a step back reaches is not run into", () => {
  const b = standing(CALLS, "fibTest");
  step(b, "over");
  breakAt(b, [{ at: onLine(lineOf(CALLS, "fibEntry")) }]);
  const stopped = step(b, "over", "backward");
  assert.equal(stopped.reason, "step");
  assert.equal(currentLine(b), lineOf(CALLS, "fibTest"));
});

test("a data breakpoint inside a line ends the step", () => {
  const b = standing(ROUNDS, "store");
  const { address } = b.program.symbols.find(({ name }) => name === "result") ?? assert.fail();
  b.debuggee.setBreakpoints({ kind: "data" }, [{ id: 1, at: { kind: "data", address, length: 8, access: "write" } }]);
  assert.equal(step(b, "over").reason, "data breakpoint");
  assert.equal(step(b, "over", "backward").reason, "data breakpoint");
  assert.equal(currentLine(b), lineOf(ROUNDS, "store"));
});

test("at both ends of time", () => {
  const b = bench(ROUNDS);
  for (const kind of ["over", "into", "out"] as const) {
    for (const granularity of ["line", "instruction"] as const) {
      assert.equal(step(b, kind, "backward", granularity).reason, "start");
    }
  }
  finish(b.debuggee.resume());
  assert.equal(step(b, "over").reason, "finished");
  assert.equal(step(b, "into", "forward", "instruction").reason, "finished");
});

test("out where there is no caller is refused with a sentence", () => {
  const b = standing(CALLS, "start");
  assert.throws(() => step(b, "out"), { code: "no-caller" });
  assert.equal(currentLine(b), lineOf(CALLS, "start"));
  assert.equal(step(b, "out", "backward").reason, "start");
});

// ---- traps

test("over: handlers are run through, whether they go on behind the instruction, repeat it or lead elsewhere", () => {
  stepsTo(TRAPS, "over", "ecall", "afterEcall");
  stepsTo(TRAPS, "over", "skipped", "afterSkip");
  stepsTo(TRAPS, "over", "escaped", "recovered");
});

test("into: the handler of an exception, but not that of an interrupt", () => {
  stepsTo(TRAPS, "into", "ecall", "handler");
  stepsTo(TRAPS, "into", "skipped", "handler");
  for (const kind of ["over", "into"] as const) {
    const b = standing(TRAPS, "enable");
    const before = b.debuggee.evaluate("s2", 0, 0).bits ?? 0n;
    for (let i = 1; i <= 3; i++) {
      step(b, kind);
      assert.equal(currentLine(b), lineOf(TRAPS, "enable") + i);
    }
    assert.ok((b.debuggee.evaluate("s2", 0, 0).bits ?? 0n) > before, "there was an interrupt");
    for (let i = 2; i >= 0; i--) {
      step(b, kind, "backward");
      assert.equal(currentLine(b), lineOf(TRAPS, "enable") + i);
    }
  }
});

test("out of a handler, and back out to what trapped", () => {
  const b = standing(TRAPS, "exception");
  step(b, "out");
  assert.equal(currentLine(b), lineOf(TRAPS, "afterEcall"));
  const back = standing(TRAPS, "exception");
  step(back, "out", "backward");
  assert.equal(currentLine(back), lineOf(TRAPS, "ecall"));
  const interrupted = standing(TRAPS, "interrupt");
  step(interrupted, "out");
  assert.ok(currentLine(interrupted) < lineOf(TRAPS, "handler"), "in the interrupted code");
});

test("over mret goes to where it leads", () => {
  const b = standing(TRAPS, "mret");
  step(b, "over");
  assert.equal(currentLine(b), lineOf(TRAPS, "afterEcall"));
});

test("over: a busy line that is interrupted again and again, and wfi", () => {
  const b = standing(TRAPS, "busy");
  const start = b.machine.instant;
  step(b, "over");
  assert.equal(currentLine(b), lineOf(TRAPS, "wfi"));
  assert.ok(b.machine.instant > start + 600, "the loop and its interrupts");
  step(b, "over");
  assert.equal(currentLine(b), lineOf(TRAPS, "awake"));
  step(b, "over", "backward");
  assert.equal(currentLine(b), lineOf(TRAPS, "wfi"));
  step(b, "over", "backward");
  assert.equal(b.machine.instant, start);
});

test("over: a handler that runs the same code does not end the step, nor is it gone back into", () => {
  const b = standing(REENTERED, "spin");
  const { instant } = b.machine;
  const sp = b.debuggee.evaluate("sp", 0, 0).bits;
  step(b, "over");
  assert.equal(currentLine(b), lineOf(REENTERED, "spinEnd"));
  assert.equal(b.debuggee.evaluate("sp", 0, 0).bits, sp, "in the activation that was interrupted");
  assert.equal(b.debuggee.evaluate("s3", 0, 0).bits, 1n, "there was an interrupt");
  step(b, "over", "backward");
  assert.equal(b.machine.instant, instant);
});

test("over an exception whose handler traps itself, and back over both", () => {
  const b = standing(REENTERED, "ecall");
  const { instant } = b.machine;
  step(b, "over");
  assert.equal(currentLine(b), lineOf(REENTERED, "after"));
  assert.equal(b.debuggee.evaluate("s2", 0, 0).bits, 2n, "two exceptions");
  step(b, "over", "backward");
  assert.equal(b.machine.instant, instant);
});

test("stepping rests where statements begin, in both directions", () => {
  const built = program(CALLS);
  const [first, second, third] = ["fibEntry", "fibTest", "fibFrame"].map((marker) => lineOf(CALLS, marker));
  const lines = built.lines.map((row) => (row.line === second ? { ...row, statement: false } : row));
  const b = bench({ ...built, lines });
  breakAt(b, [{ at: onLine(first) }]);
  finish(b.debuggee.resume());
  b.debuggee.setBreakpoints({ kind: "source" }, []);
  step(b, "over");
  assert.equal(currentLine(b), third);
  step(b, "over", "backward");
  assert.equal(currentLine(b), first);
});

// ---- loops on one line

test("over a loop that stays on its line, and back over it by a search instead of step by step", () => {
  const b = stepsTo(LOOPS, "over", "long", "after");
  step(b, "over");
  const { instant } = b.machine;
  assert.ok(instant > 400_000);
  step(b, "over", "backward");
  assert.equal(currentLine(b), lineOf(LOOPS, "long"));
  assert.ok(b.machine.instant < 10);
});

test("from the middle of a loop on one line back to where the line began", () => {
  const b = bench(LOOPS);
  breakAt(b, [{ at: onLine(lineOf(LOOPS, "long")), condition: "t0 == 777" }]);
  finish(b.debuggee.resume());
  b.debuggee.setBreakpoints({ kind: "source" }, []);
  step(b, "over", "backward");
  assert.equal(b.debuggee.evaluate("t0", 0, 0).bits, 200_000n);
});

test("back over a line that loops and calls its own function stays in its activation", () => {
  const b = bench(RECURSIVE_LOOP);
  breakAt(b, [{ at: onLine(lineOf(RECURSIVE_LOOP, "loop")), condition: "s0 == 2 && s1 == 30" }]);
  finish(b.debuggee.resume());
  b.debuggee.setBreakpoints({ kind: "source" }, []);
  const { instant } = b.machine;
  step(b, "over");
  assert.equal(currentLine(b), lineOf(RECURSIVE_LOOP, "after"));
  assert.ok(b.machine.instant > instant + 10_000);
  step(b, "over", "backward");
  assert.equal(b.machine.instant, instant);
});

test("a step over an endless loop can be abandoned at once", () => {
  const b = standing(LOOPS, "forever");
  const motion = b.debuggee.step("over", "forward", "line", 0);
  for (let i = 0; i < 3; i++) assert.equal(motion.next().done, false);
  motion.return(undefined as never);
  const paused = finish(b.debuggee.interrupted());
  assert.equal(paused.reason, "pause");
  assert.equal(currentLine(b), lineOf(LOOPS, "forever"));
});

// ---- the mirror

interface Stay {
  readonly instant: number;
  readonly line: number;
  readonly depth: number;
}

/** Steps forward `count` times and back again; every step back must undo the step forward, wherever it stayed in one activation. */
function mirror(source: string, from: string, kind: "over" | "into", count: number): void {
  const b = bench(source);
  breakAt(b, [{ at: { kind: "function", name: from } }]);
  finish(b.debuggee.resume());
  b.debuggee.setBreakpoints({ kind: "function" }, []);
  const here = (): Stay => ({ instant: b.machine.instant, line: currentLine(b), depth: b.debuggee.frames(0).length });
  const stays = [here()];
  while (stays.length <= count && step(b, kind).reason === "step") stays.push(here());
  finish(b.debuggee.seek(stays[stays.length - 1].instant));
  for (let i = stays.length - 1; i > 0; i--) {
    finish(b.debuggee.seek(stays[i].instant));
    step(b, kind, "backward");
    // Over a return leaves the callee, and back over the call is not back into it.
    if (kind === "over" && stays[i].depth < stays[i - 1].depth) continue;
    assert.deepEqual(here(), stays[i - 1], `${kind}, step ${i} of ${from}`);
  }
}

const DEMO = readFileSync(new URL("../../guest/demo/work-queue.s", import.meta.url), "utf8");

test("stepping back undoes stepping forward: the demo", () => {
  mirror(DEMO, "main", "over", 60);
  mirror(DEMO, "main", "into", 150);
  mirror(DEMO, "message_make", "over", 60);
});

test("stepping back undoes stepping forward: recursion and traps", () => {
  mirror(CALLS, "fib", "over", 40);
  mirror(CALLS, "fib", "into", 120);
  mirror(TRAPS, "_start", "over", 40);
  mirror(TRAPS, "_start", "into", 80);
});

test("a range of addresses is left at full speed, into calls, and stops at breakpoints", () => {
  const b = bench(`
  .option norvc
  .globl _start
_start:
  li   t0, 1000000
loop:
  addi t0, t0, -1
  bnez t0, loop
behind:
  call callee
  j    behind
callee:
  addi t1, t1, 1
  ret`);
  const { symbols } = b.program;
  const at = (name: string) => symbols.find((symbol) => symbol.name === name)?.address ?? 0n;
  const leave = (start: bigint, end: bigint) => finish(b.debuggee.stepRange(0, start, end));
  const where = () => b.machine.harts[0].pc as bigint;
  assert.equal(leave(at("_start"), at("behind")).reason, "step");
  assert.equal(where(), at("behind"));
  assert.equal(b.machine.instant, 2 + 2_000_000);
  leave(at("behind"), at("callee"));
  assert.equal(where(), at("callee"), "into the call");
  leave(at("behind"), at("behind"));
  assert.equal(where(), at("callee") + 4n, "one instruction at least");
  finish(b.debuggee.seek(0));
  const address = at("loop") + 4n;
  b.debuggee.setBreakpoints({ kind: "instruction" }, [{ id: 1, at: { kind: "instruction", address } }]);
  assert.equal(leave(at("_start"), at("behind")).reason, "instruction breakpoint");
  assert.equal(b.machine.instant, 3);
});
