import assert from "node:assert/strict";
import test from "node:test";
import { ask, searchBench } from "./search-bench.ts";
import { cases, same, symbol } from "./single-steps.ts";

test("calls have their arguments and results, through recursion and tail calls", async () => {
  for (const each of cases()) {
    const entries = each.steps.filter(({ pc }) => pc === symbol("work"));
    const rows = await same({ kind: "calls", function: "work" }, each, entries);
    rows.forEach((row, index) => {
      const { instant, hart, registers } = entries[index];
      const [returnAddress, sp, a0, a1] = [registers[1], registers[2], registers[10], registers[11]];
      assert.deepEqual(
        row.call!.arguments.map(({ name, value }) => [name, value]),
        [
          ["a0", a0],
          ["a1", a1],
        ],
      );
      const back = each.steps.find(
        (step) => step.instant > instant && step.hart === hart && step.pc === returnAddress && step.registers[2] === sp,
      );
      assert.equal(row.call!.returnAddress, returnAddress);
      assert.equal(row.call!.returned?.instant, back?.instant, each.what);
      assert.equal(row.call!.returned?.value, back?.registers[10]);
      if (back !== undefined) assert.equal(row.text, `work(a0 = ${a0}, a1 = ${a1}) = ${back.registers[10]}`);
    });
    assert.ok(rows.some(({ call }) => call!.returned !== undefined));
    await same(
      { kind: "calls", function: "finish" },
      each,
      each.steps.filter(({ pc }) => pc === symbol("finish")),
    );
  }
});

/** A call that is jumped out of, and is then made again from the same place; one that never returns; one that calls itself last. */
const STRANGE = `
_start: la      sp, stack
        li      s0, 3
again:  mv      a0, s0
        jal     outer                   # @first
back:   addi    s0, s0, -1
        bgtz    s0, again
        li      a0, 7
        jal     forever
        .type   outer, @function
outer:  addi    sp, sp, -32
        sd      ra, 0(sp)
        li      t0, 2
        bne     a0, t0, 1f
        mv      s2, sp
        jal     inner
        nop
1:      ld      ra, 0(sp)
        addi    a0, a0, 10
        addi    sp, sp, 32
        ret
        .size   outer, .-outer
        .type   inner, @function
inner:  addi    sp, sp, 32              # out of two frames, to where the first call was from
        la      t0, again
        li      s0, 1
        jr      t0
        .size   inner, .-inner
        .type   forever, @function
forever:
        beqz    a0, 2f
        addi    a0, a0, -1
        j       forever
2:      li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
3:      j       3b
        .size   forever, .-forever
        .bss
        .balign 16
        .space  256
stack:
`;

test("calls that are left, and calls that never return, are told apart from those that do", async () => {
  for (const seed of [undefined, 5, 6]) {
    const bench = searchBench(STRANGE, seed === undefined ? {} : { seed });
    const outer = await ask(bench, { kind: "calls", function: "outer" });
    assert.deepEqual(
      outer.rows.map(({ text }) => text),
      ["outer(a0 = 3) = 13", "outer(a0 = 2) (left without returning)", "outer(a0 = 1) = 11"],
    );
    const inner = await ask(bench, { kind: "calls", function: "inner" });
    assert.deepEqual(
      inner.rows.map(({ text }) => text),
      ["inner() (has not returned)"],
    );
    const forever = await ask(bench, { kind: "calls", function: "forever" });
    assert.deepEqual(
      forever.rows.map(({ text }) => text),
      [7, 6, 5, 4, 3, 2, 1, 0].map((value) => `forever(a0 = ${value}) (has not returned)`),
    );
  }
});
