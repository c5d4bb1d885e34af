import assert from "node:assert/strict";
import test from "node:test";
import type { Origin } from "../../src/debuggee/origin-protocol.ts";
import { type Bench, bench, breakAt, finish, lineOf, onLine } from "./harness.ts";

/** Chains that would have as many steps as a loop has turns. */

function origin(b: Bench, place: string): Origin {
  return finish(b.debuggee.origin(place, 0));
}

function at(source: string): Bench {
  const b = bench(source);
  breakAt(b, [{ at: onLine(lineOf(source, "here")) }]);
  assert.equal(finish(b.debuggee.resume()).reason, "breakpoint");
  return b;
}

function told({ steps, end }: Origin): string[] {
  return [
    ...steps.flatMap(({ text, omitted }) => [text, ...(omitted ? [`${omitted.why} ${omitted.steps}`] : [])]),
    end.kind,
  ];
}

test("a register that was written long ago is found, without a bound", () => {
  const b = at(`
        .text
        .globl  _start
_start:
        li      s5, 4
        li      t0, 1500000
1:      addi    t0, t0, -1
        bnez    t0, 1b
        nop                             # @here
`);
  assert.ok(b.machine.instant > 3_000_000);
  const found = origin(b, "s5");
  assert.deepEqual(told(found), ["li s5,4", "constant"]);
  assert.equal(found.steps[0].instant, 0);
});

test("a loop's own turns are told twice, and then what came before the loop", () => {
  const b = at(`
        .text
        .globl  _start
_start:
        li      s1, 7
        mv      t1, s1
        li      t0, 200000
1:      addi    t1, t1, 3
        addi    t0, t0, -1
        bnez    t0, 1b
        mv      a0, t1
        nop                             # @here
`);
  const found = origin(b, "a0");
  assert.deepEqual(told(found), [
    "mv a0,t1",
    "addi t1,t1,3",
    "addi t1,t1,3",
    "again 1",
    "mv t1,s1",
    "li s1,7",
    "constant",
  ]);
  assert.equal(found.value, 600_007n);
  assert.deepEqual(
    found.steps.slice(1).map(({ value }) => value),
    [600_007n, 600_004n, 7n, 7n],
  );
  assert.equal(found.steps[2].omitted?.since, found.steps[3].instant);
});

/** A loop that holds a value in s1, and calls functions that save s1 and use it for something else. */
const CALLS = (count: number) => `
        .text
        .globl  _start
_start:
        la      sp, stack_top
        li      s1, 21                  # @set
        li      s2, ${count}
1:      call    one
        call    two
        addi    s2, s2, -1
        bnez    s2, 1b
        mv      a0, s1
        nop                             # @here
2:      j       2b
        .type   one, @function
one:    addi    sp, sp, -32
        sd      s1, 8(sp)
        sd      ra, 16(sp)
        li      s1, 5
        call    two
        ld      ra, 16(sp)
        ld      s1, 8(sp)
        addi    sp, sp, 32
        ret
        .size   one, .-one
        .type   two, @function
two:    addi    sp, sp, -16
        sd      s1, 0(sp)
        li      s1, 6
        ld      s1, 0(sp)
        addi    sp, sp, 16
        ret
        .size   two, .-two
        .bss
        .balign 16
        .space  256
stack_top:
`;

test("what functions that were called have saved and restored is told for two of them", () => {
  const b = at(CALLS(100_000));
  const found = origin(b, "a0");
  assert.deepEqual(told(found), [
    "mv a0,s1",
    "ld s1,0(sp)",
    "sd s1,0(sp)",
    "ld s1,8(sp)",
    "sd s1,8(sp)",
    "calls 2",
    "li s1,21",
    "constant",
  ]);
  assert.equal(found.steps[5].source?.line, lineOf(CALLS(1), "set"));
  assert.match(
    found.steps[4].omitted?.sentence ?? "",
    /^Functions that were called since instant \d+ saved and restored it as well\.$/,
  );
});

test("a function that does not restore what it has saved is not passed over", () => {
  const source = CALLS(3000).replace("ld      s1, 8(sp)\n", "ld      s1, 8(sp)\n addi s1, s1, 1\n");
  const b = at(source);
  const found = finish(b.debuggee.origin("a0", 0, { most: 12 }));
  assert.equal(found.value, 3021n);
  const texts = told(found);
  assert.ok(texts.includes("addi s1,s1,1"), texts.join("; "));
  assert.ok(!texts.some((text) => text.startsWith("calls")), texts.join("; "));
});

test("a cycle of several steps, through memory, is told twice", () => {
  const b = at(`
        .text
        .globl  _start
_start:
        la      s0, top
        li      t0, 200
        li      t1, 0x80004000
        sd      t1, 0(s0)               # @first
1:      ld      t2, 0(s0)
        addi    t2, t2, 16
        sd      t2, 0(s0)
        addi    t0, t0, -1
        bnez    t0, 1b
        ld      a0, 0(s0)
        nop                             # @here
2:      j       2b
        .data
        .balign 8
top:    .dword  0
`);
  const found = origin(b, "a0");
  const texts = told(found);
  assert.equal(found.value, 0x8000_4000n + 3200n);
  assert.equal(texts.at(-1), "constant");
  assert.ok(
    texts.some((text) => text.startsWith("again 3")),
    texts.join("; "),
  );
  assert.ok(texts.includes("sd t1,0(s0)"), texts.join("; "));
  assert.ok(found.steps.length < 16, `${found.steps.length} steps`);
});
