import assert from "node:assert/strict";
import test from "node:test";
import { type Bench, bench, breakAt, FILE, finish, lineOf, onLine } from "./harness.ts";

/** Several harts: what one steps over is not what the others do in between. */

const GUEST = `
        .text
        .globl  _start
_start:
        csrr    t0, mhartid
        bnez    t0, second
        la      sp, first_stack_top
        li      s0, 0                   # @first
count:  addi    s0, s0, 1               # @count
        call    work                    # @call
        la      t1, flag                # @after
        li      t2, 20000
        blt     s0, t2, count
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
1:      j       1b

second: la      sp, second_stack_top    # @second
        li      s0, 0
again:  addi    s0, s0, 1               # @again
        call    work                    # @secondCall
        la      t1, flag                # @secondAfter
        sd      s0, 0(t1)               # @store
        j       again                   # @jump

        .type   work, @function
work:
        addi    a0, s0, 7               # @work
        ret
        .size   work, .-work

        .data
        .balign 8
flag:   .dword  0
        .bss
        .balign 16
        .space  512
first_stack_top:
        .space  512
second_stack_top:
`;

const line = (marker: string) => lineOf(GUEST, marker);

function twoHarts(): Bench {
  return bench(GUEST, {}, { harts: 2 });
}

/** Hart 1 stands at a marked line for the first time behind an instant. Its turns are the odd ones of 10,000 steps. */
function standing(marker: string, behind: number): Bench {
  const b = twoHarts();
  breakAt(b, [{ at: onLine(line(marker)), condition: `hart == 1 && instant >= ${behind}` }]);
  const stopped = finish(b.debuggee.resume());
  assert.deepEqual([stopped.reason, stopped.hart], ["breakpoint", 1]);
  b.debuggee.setBreakpoints({ kind: "source" }, []);
  return b;
}

/** Shortly before the end of hart 1's first turn, and shortly behind the beginning of its second. */
const BEFORE_THE_END = 19_900;
const BEHIND_THE_BEGINNING = 30_150;

const lineOfHart = ({ debuggee }: Bench, hart: number) => debuggee.frames(hart)[0].source?.line;
const value = ({ debuggee }: Bench, expression: string, hart: number) => debuggee.evaluate(expression, hart, 0).bits;

test("a stop names the hart that came to it", () => {
  const b = twoHarts();
  breakAt(b, [{ at: onLine(line("store")) }]);
  const stopped = finish(b.debuggee.resume());
  assert.deepEqual([stopped.reason, stopped.hart], ["breakpoint", 1]);
  assert.equal(lineOfHart(b, 1), line("store"));
  assert.equal(value(b, "hart", 1), 1n);
});

test("a step is the hart's own: others have their turns in between", () => {
  const b = standing("again", BEFORE_THE_END);
  const expected = ["secondCall", "secondAfter", "store", "jump", "again"];
  // Enough rounds that turns change in the midst of them.
  for (let round = 0; round < 60; round++) {
    for (const marker of expected) {
      const stopped = finish(b.debuggee.step("over", "forward", "line", 1));
      assert.deepEqual([stopped.reason, stopped.hart], ["step", 1]);
      assert.equal(lineOfHart(b, 1), line(marker), `round ${round}`);
    }
  }
  assert.ok((value(b, "s0", 0) ?? 0n) > 0n, "the other hart ran");
});

test("instruction by instruction too, and back the same way", () => {
  const b = standing("again", BEFORE_THE_END);
  const start = { instant: b.machine.instant, pc: b.machine.harts[1].pc };
  const pcs: bigint[] = [start.pc];
  for (let step = 0; step < 400; step++) {
    finish(b.debuggee.step("into", "forward", "instruction", 1));
    pcs.push(b.machine.harts[1].pc);
  }
  assert.ok(b.machine.instant - start.instant > 400, "the other hart had turns");
  for (let step = 399; step >= 0; step--) {
    finish(b.debuggee.step("into", "backward", "instruction", 1));
    assert.equal(b.machine.harts[1].pc, pcs[step], `${step} steps from the start`);
  }
});

test("backwards by line goes over calls and the other hart's turns", () => {
  const b = standing("again", BEHIND_THE_BEGINNING);
  for (let round = 0; round < 30; round++) {
    for (const marker of ["jump", "store", "secondAfter", "secondCall", "again"]) {
      const stopped = finish(b.debuggee.step("over", "backward", "line", 1));
      assert.deepEqual([stopped.reason, stopped.hart], ["step", 1]);
      assert.equal(lineOfHart(b, 1), line(marker), `round ${round}`);
    }
  }
});

test("a breakpoint of the other hart ends a step, and says whose it is", () => {
  const b = standing("again", BEFORE_THE_END);
  breakAt(b, [{ at: onLine(line("work")), condition: "hart == 0" }]);
  let stopped = finish(b.debuggee.step("over", "forward", "line", 1));
  for (let step = 0; step < 2000 && stopped.reason === "step"; step++) {
    stopped = finish(b.debuggee.step("over", "forward", "line", 1));
  }
  assert.deepEqual([stopped.reason, stopped.hart], ["breakpoint", 0]);
  assert.equal(b.debuggee.frames(0)[0].source?.path, FILE);
});

test("the Machine view has both harts, and knows whose step is next", () => {
  const b = standing("store", BEFORE_THE_END);
  const { harts } = b.debuggee.machine();
  assert.deepEqual(
    harts.map(({ id, stopped, turn }) => [id, stopped, turn]),
    [
      [0, false, false],
      [1, true, true],
    ],
  );
});
