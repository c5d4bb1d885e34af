import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import type { Motion } from "../../src/replay/timeline-interface.ts";
import { CALLS, LOOPS, ROUNDS } from "./guests.ts";
import { type Bench, bench, breakAt, currentLine, finish, lineOf, onLine } from "./harness.ts";

const DEMO = readFileSync(new URL("../../guest/demo/work-queue.s", import.meta.url), "utf8");
const DEMO_LINES = DEMO.split("\n");

function address({ program }: Bench, name: string): bigint {
  return program.symbols.find((symbol) => symbol.name === name)?.address ?? assert.fail(name);
}

// ---- last write

test("last write: who, when, what; before any instant; the timeline stays", () => {
  const b = bench(ROUNDS);
  finish(b.debuggee.resume());
  const { instant } = b.machine;
  const result = address(b, "result");
  const last = finish(b.debuggee.lastWrite(result, 8)) ?? assert.fail("no write");
  assert.equal(last.source?.line, lineOf(ROUNDS, "store"));
  assert.equal(last.value, 18n);
  assert.deepEqual([last.address, last.size, last.hart], [result, 8, 0]);
  assert.match(last.symbol, /^_start\+0x/);
  assert.equal(b.machine.instant, instant);
  const earlier = finish(b.debuggee.lastWrite(result + 3n, 1, last.instant)) ?? assert.fail("no write");
  assert.equal(earlier.value, 16n);
  assert.ok(earlier.instant < last.instant);
  assert.equal(finish(b.debuggee.lastWrite(result, 8, 5)), undefined);
  assert.equal(finish(b.debuggee.lastWrite(address(b, "pair"), 16)), undefined, "written by nobody");
  assert.throws(() => finish(b.debuggee.lastWrite(result, 0)), { code: "length" });
  finish(b.debuggee.seek(last.instant));
  assert.equal(currentLine(b), lineOf(ROUNDS, "store"));
});

// ---- the main job

test("the story behind the demo's trap: pointer, load, and the store long before that damaged the word", () => {
  const b = bench(DEMO);
  b.debuggee.setExceptionStops([5]);
  const trap = finish(b.debuggee.resume());
  assert.equal(trap.reason, "exception");
  const story = finish(b.debuggee.trapStory());
  assert.deepEqual(
    [story.trap.cause, story.trap.instant, story.trap.tval],
    [5, trap.instant, story.pointer?.effectiveAddress],
  );
  assert.match(story.instruction, /^lwu t2,8\(t1\)$/);
  assert.equal(story.pointer?.register, "t1");
  assert.equal(story.origin?.end.kind, "load");
  const { culprit } = story;
  assert.ok(culprit !== undefined);
  assert.equal(culprit.symbol.split("+")[0], "message_seal");
  assert.match(DEMO_LINES[(culprit.source?.line ?? 0) - 1], /sd\s+a0, 0\(s1\)/);
  assert.ok(trap.instant - culprit.instant > 2_000_000, "millions of steps before");
  assert.deepEqual(
    culprit.frames.map(({ name }) => name.split("+")[0]),
    ["message_seal", "message_make", "order_submit", "rush_hour", "main", "_start"],
  );
  assert.equal(culprit.registers[9], culprit.address, "s1 pointed at the word");
  assert.equal(culprit.written.steps[0].instant, culprit.instant, "what it wrote begins with the store");
  assert.match(culprit.written.end.sentence, /computed it of a0 and t2/, "the checksum");
  assert.equal(culprit.target?.value, culprit.address);
  assert.equal(b.machine.instant, trap.instant);
  // Also afterwards, from where the run has ended, and with nothing said about the trap.
  const later = bench(DEMO);
  finish(later.debuggee.resume());
  const again = finish(later.debuggee.trapStory());
  assert.equal(again.culprit?.instant, culprit.instant);
  assert.equal(later.machine.instant, later.timeline.end);
});

test("the story of a return to nowhere leads to who overwrote the return address", () => {
  const b = bench(`
        .text
        .globl  _start
_start:
        la      sp, stack_top
        call    victim
1:      j       1b
        .type   victim, @function
victim:
        addi    sp, sp, -16
        sd      ra, 8(sp)
        mv      a0, sp
        call    smash
        ld      ra, 8(sp)               # @load
        addi    sp, sp, 16
        ret                             # @ret
        .size   victim, .-victim
        .type   smash, @function
smash:
        li      t0, 0x4141
        sd      t0, 8(a0)               # @smash
        ret
        .size   smash, .-smash
        .bss
        .balign 16
        .space  256
stack_top:
`);
  const trap = finish(b.debuggee.resume());
  assert.equal(trap.exception?.name, "Instruction access fault");
  const story = finish(b.debuggee.trapStory());
  assert.equal(story.instruction, "ret");
  assert.equal(story.pointer?.register, "ra");
  assert.match(story.culprit?.symbol ?? "", /^smash/);
  assert.equal(story.culprit?.value, 0x4141n);
});

test("no fault, no story", () => {
  const b = bench(CALLS);
  finish(b.debuggee.resume());
  const { instant } = b.machine;
  assert.throws(() => finish(b.debuggee.trapStory()), { code: "not-trapped" });
  assert.equal(b.machine.instant, instant);
});

// ---- pausing

function abandonAfter(motion: Motion<unknown>, turns: number): void {
  for (let i = 0; i < turns; i++) assert.equal(motion.next().done, false, `over after ${i} turns`);
  motion.return(undefined);
}

test("pausing a run leaves it where it is; pausing a search puts it back where it began", () => {
  const b = bench(LOOPS);
  abandonAfter(b.debuggee.resume(), 2);
  const paused = finish(b.debuggee.interrupted());
  assert.equal(paused.reason, "pause");
  assert.ok(paused.instant > 0);
  assert.equal(b.machine.instant, paused.instant);

  const { end } = b.timeline;
  for (const start of [
    () => b.debuggee.reverseContinue(),
    () => b.debuggee.lastWrite(0x8000_0000n, 8),
    () => b.debuggee.step("over", "backward", "line", 0),
    () => b.debuggee.origin("s5", 0),
  ]) {
    breakAt(b, [{ at: onLine(1), condition: "0" }]);
    const motion = start();
    motion.next();
    motion.return(undefined as never);
    assert.equal(finish(b.debuggee.interrupted()).instant, end);
    assert.equal(b.machine.instant, end);
  }
  assert.equal(currentLine(b), lineOf(LOOPS, "forever"));
});

test("breakpoints that are set while the guest runs take effect at once, in either direction", () => {
  const b = bench(LOOPS);
  const motion = b.debuggee.resume();
  motion.next();
  b.debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, [{ id: 4, at: onLine(lineOf(LOOPS, "forever")) }]);
  assert.deepEqual(finish(motion).breakpoints, [4]);
  b.debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, []);
  const back = b.debuggee.reverseContinue();
  back.next();
  b.debuggee.setBreakpoints({ kind: "source", path: "guest.s" }, [
    { id: 5, at: onLine(lineOf(LOOPS, "long")), hitCondition: "== 1000" },
  ]);
  assert.deepEqual(finish(back).breakpoints, [5]);
  assert.equal(b.debuggee.evaluate("200000 - t0 + 1", 0, 0).bits, 1000n);
});

test("a motion yields while it runs, and says where it is", () => {
  const b = bench(LOOPS);
  const motion = b.debuggee.resume();
  const instants = [1, 2, 3].map(() => {
    const turn = motion.next();
    return turn.done ? assert.fail("it never ends") : turn.value.instant;
  });
  assert.deepEqual(
    [...instants].sort((x, y) => x - y),
    instants,
  );
  motion.return(undefined as never);
});

test("a guest that waits for input is running: it yields, takes the input and goes on", () => {
  const b = bench(`
        .text
        .globl  _start
_start:
        li      t0, 0x10000000
        li      t1, 1
        sb      t1, 1(t0)               # UART: interrupt when something was received
        li      t1, 0x0c000000
        li      t2, 1
        sw      t2, 40(t1)              # PLIC: priority of interrupt 10
        li      t1, 0x0c002000
        li      t2, 1 << 10
        sw      t2, 0(t1)
        li      t2, 1 << 11
        csrw    mie, t2
        wfi                             # @wfi
        lbu     a0, 0(t0)               # @awake
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
1:      j       1b
`);
  const motion = b.debuggee.resume();
  for (let i = 0; i < 3; i++) {
    const turn = motion.next();
    assert.ok(!turn.done && turn.value.waiting);
  }
  b.debuggee.input(Uint8Array.of(0x41));
  const stopped = finish(motion);
  assert.equal(stopped.reason, "finished");
  assert.equal(b.debuggee.evaluate("a0", 0, 0).bits, 0x41n);
});

// ---- the timeline

test("timeline: where it begins, stands and ends; stops, bookmarks and output; thinned when there is too much", () => {
  const b = bench(DEMO);
  b.debuggee.setExceptionStops([5]);
  const trap = finish(b.debuggee.resume());
  assert.ok(b.events.some(({ type }) => type === "timelineChanged"));
  finish(b.debuggee.seek(1000));
  b.debuggee.addBookmark("early");
  const all = b.debuggee.timeline({ most: 10_000 });
  assert.deepEqual([all.first, all.now, all.end, all.live], [0, 1000, b.timeline.end, true]);
  assert.equal(all.total, all.marks.length);
  const of = (kind: string) => all.marks.filter((mark) => mark.kind === kind);
  assert.deepEqual(
    of("trap").map(({ instant }) => instant),
    [trap.instant],
  );
  assert.deepEqual(
    of("bookmark").map(({ instant, label }) => [instant, label]),
    [[1000, "early"]],
  );
  assert.ok(of("output").some(({ label }) => /print shop/i.test(label)));
  const few = b.debuggee.timeline({ most: 5 });
  assert.ok(few.marks.length <= 8 && few.total === all.total);
  const part = b.debuggee.timeline({ from: 0, to: 5000, most: 100 });
  assert.ok(part.marks.every(({ instant }) => instant <= 5000));
  const first = b.debuggee.instantOfOutput(0) ?? assert.fail("nothing printed");
  finish(b.debuggee.seek(first));
  assert.match(b.debuggee.frames(0)[0].name, /^print/);
  assert.equal(b.debuggee.instantOfOutput(1_000_000), undefined);
});

test("seeking: any instant that there is, and no other", () => {
  const b = bench(ROUNDS);
  finish(b.debuggee.resume());
  const stopped = finish(b.debuggee.seek(10));
  assert.deepEqual([stopped.reason, stopped.instant], ["goto", 10]);
  for (const bad of [-1, 1.5, Number.NaN, b.timeline.end + 1, Number.POSITIVE_INFINITY]) {
    assert.throws(() => finish(b.debuggee.seek(bad)), { code: "no-instant" });
  }
  assert.equal(b.machine.instant, 10);
});

test("entered: where the debuggee stands before anything was asked", () => {
  const b = bench(ROUNDS);
  const entered = b.debuggee.entered();
  assert.deepEqual([entered.reason, entered.instant, entered.breakpoints], ["entry", 0, []]);
  assert.match(entered.description, /^Ready at _start \(guest\.s:\d+\), instant 0\.$/);
});
