import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import type { Inlet, MachineEvent } from "../../src/machine/inlet.ts";
import { listening } from "../machine/page-guest.ts";
import { type Bench, bench, currentLine, finish, lineOf, step } from "./harness.ts";

/** A program in user mode, and a handler that takes the token and lets it try again. */
const GUEST = `
        .text
        .globl  _start, handler, user
        .type   handler, @function
        .type   user, @function
_start:
${listening("user", { last: "li s3, 0" })}
handler:
        addi    s3, s3, 1               # @handler
        la      s4, area
        sw      zero, 0(s4)
        sret
user:
        la      s0, data                # @first
loop:
        addi    s2, s2, 1               # @before
        ld      s1, 0(s0)               # @access
        add     s5, s5, s1              # @behind
        li      s6, 200
        blt     s2, s6, loop
        li      s6, 0x100000
        li      s7, 0x5555
        sw      s7, 0(s6)
        .bss
        .balign 4096
data:   .zero   4096
area:   .zero   128
`;

/** Told again and again, `period` accesses apart. */
function told(from: number, times: number, period: number): Bench {
  const events: MachineEvent[] = [];
  let taken = 0;
  const inlet: Inlet = {
    take: (instant) => (events[taken]?.instant === instant ? events[taken++] : undefined),
    horizon: (instant) =>
      events.slice(taken).find((event) => event.instant > instant)?.instant ?? Number.POSITIVE_INFINITY,
  };
  const world = bench(
    GUEST,
    { spacingSteps: 50, nearSteps: 16, sliceSteps: 25, doors: { inlet, outlet: { consoleOutput: () => {} } } },
    { modes: "msu" },
  );
  const address = world.program.symbols.find(({ name }) => name === "data")!.address;
  for (let index = 0; index < times; index++) {
    const instant = (from + index * period) as Instant;
    const page = { token: index + 1, page: 5, work: "page-in" as const };
    events.push({ kind: "page-not-ready", instant, hart: 0, address, ...page });
  }
  return world;
}

/** The first instant at which the program stands before its access. */
function firstAccess(): number {
  const world = told(0, 0, 1);
  const [set] = world.debuggee.setBreakpoints({ kind: "source" }, [
    { id: 1, at: { kind: "source", path: "guest.s", line: lineOf(GUEST, "access") } },
  ]);
  assert.ok(set !== undefined);
  return finish(world.debuggee.resume()).instant;
}

const FIRST = firstAccess();
const STEPS_OF_HANDLER = 5;
/** Steps from one access to the next, with the handler in between. */
const PERIOD = 5 + STEPS_OF_HANDLER;

test("a stop for page not ready says what was accessed, and where; the stack goes on in the program", () => {
  const world = told(FIRST, 1, 1);
  world.debuggee.setExceptionStops([24]);
  const stopped = finish(world.debuggee.resume());
  assert.equal(stopped.reason, "exception");
  assert.equal(stopped.instant, FIRST);
  assert.match(
    stopped.description,
    /^Page not ready at user\+0x\w+ \(guest\.s:\d+\) in "ld s1,\s?0\(s0\)", address .*data.*\.$/,
  );
  assert.equal(currentLine(world), lineOf(GUEST, "handler"));
  const frames = world.debuggee.frames(0);
  assert.equal(frames[1].source?.line, lineOf(GUEST, "access"));
  assert.ok([frames[0].trap, frames[1].trap].includes("Page not ready"));
});

test("stepping passes over the handler, forwards and backwards, as with interrupts", () => {
  for (const kind of ["over", "into"] as const) {
    const world = told(FIRST, 4, PERIOD);
    const { debuggee } = world;
    debuggee.setBreakpoints({ kind: "source" }, [
      { id: 1, at: { kind: "source", path: "guest.s", line: lineOf(GUEST, "before") } },
    ]);
    finish(debuggee.resume());
    debuggee.setBreakpoints({ kind: "source" }, []);
    const lines = ["access", "behind"].map((name) => lineOf(GUEST, name));
    for (const line of lines) {
      step(world, kind);
      assert.equal(currentLine(world), line, kind);
    }
    for (const name of ["access", "before"]) {
      step(world, kind, "backward");
      assert.equal(currentLine(world), lineOf(GUEST, name), `back, ${kind}`);
    }
  }
});

test("going back stops at each, wherever checkpoints lie", () => {
  const times = 12;
  const world = told(FIRST, times, PERIOD);
  const { debuggee } = world;
  debuggee.setExceptionStops([24]);
  const forward: number[] = [];
  for (let index = 0; index < times; index++) forward.push(finish(debuggee.resume()).instant);
  assert.deepEqual(
    forward,
    forward.map((_, index) => FIRST + index * PERIOD),
  );
  debuggee.setExceptionStops([]);
  debuggee.setBreakpoints({ kind: "source" }, [
    { id: 1, at: { kind: "source", path: "guest.s", line: lineOf(GUEST, "behind") } },
  ]);
  finish(debuggee.resume());
  debuggee.setBreakpoints({ kind: "source" }, []);
  debuggee.setExceptionStops([24]);
  for (const instant of forward.reverse()) {
    const stopped = finish(debuggee.reverseContinue());
    assert.equal(stopped.reason, "exception");
    assert.equal(stopped.instant, instant);
    assert.equal(currentLine(world), lineOf(GUEST, "handler"));
  }
  assert.equal(finish(debuggee.reverseContinue()).reason, "start");
  for (const instant of forward.reverse()) assert.equal(finish(debuggee.resume()).instant, instant);
});
