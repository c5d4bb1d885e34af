import assert from "node:assert/strict";
import test from "node:test";
import { finish, program } from "./harness.ts";
import { ask, searchBench } from "./search-bench.ts";
import { SEARCHED } from "./search-guests.ts";
import { cases, DATA_BYTES, type Step, symbol, touches, where, word } from "./single-steps.ts";

/** Changes of a value of memory as single steps show it: instants of the last states with the old value. */
function changes(steps: readonly Step[], value: (step: Step) => bigint, from = 0, to = steps.length) {
  const first = { instant: from, bits: value(steps[from]) };
  const later = steps.slice(from, to).flatMap((step, index) => {
    const next = steps[from + index + 1];
    if (next === undefined || value(next) === value(step)) return [];
    return [{ instant: step.instant, bits: value(next) }];
  });
  return [first, ...later];
}

const EXPRESSIONS: readonly [string, (step: Step) => bigint][] = [
  ["*counter", (step) => word(step, symbol("counter"))],
  ["*(u16*)counter + 1", (step) => (word(step, symbol("counter")) & 0xffffn) + 1n],
  ["*pointer", (step) => word(step, symbol("pointer"))],
  // Through a pointer that moves.
  [
    "*(u64*)*pointer",
    (step) => (word(step, symbol("pointer")) === 0n ? -1n : word(step, word(step, symbol("pointer")))),
  ],
  [
    "*counter > 50 ? *cells : *(u32*)(cells + 4)",
    (step) => (word(step, symbol("counter")) > 50n ? word(step, symbol("cells")) : word(step, symbol("cells")) >> 32n),
  ],
];

test("a series of memory has each value that single steps show, also through a pointer", async () => {
  for (const each of cases()) {
    for (const [expression, value] of EXPRESSIONS) {
      const expected = changes(each.steps, value);
      const { rows, state } = await ask(each.bench, { kind: "series", expression });
      assert.equal(state.sampled, undefined);
      assert.deepEqual(
        rows.map(({ instant, bits }) => [instant, bits ?? -1n]),
        expected.map(({ instant, bits }) => [instant, bits]),
        `${expression}: ${each.what}`,
      );
      assert.ok(rows.length > 5);
    }
    const [from, to] = [500, Math.floor(each.steps.length * 0.7)];
    const { rows } = await ask(each.bench, { kind: "series", expression: "*pointer" }, { from, to });
    assert.deepEqual(
      rows.map(({ instant, bits }) => [instant, bits]),
      changes(each.steps, EXPRESSIONS[2][1], from, to).map(({ instant, bits }) => [instant, bits]),
    );
  }
});

test("a few rows of a series are gone to one by one, and are the same; so are those around an instant", async () => {
  for (const each of cases()) {
    const { bench } = each;
    for (const [expression] of [EXPRESSIONS[1], EXPRESSIONS[3]]) {
      const { rows, state } = await ask(bench, { kind: "series", expression });
      for (const first of [0, 5, rows.length - 3]) {
        const page = bench.engine.searchRows(state.id, first, 3);
        bench.work();
        const expected = rows.toReversed().slice(first, first + 3);
        assert.deepEqual(await page, expected, each.what);
      }
      for (const index of [0, 4, rows.length - 1]) {
        const around = bench.engine.rowsAround(state.id, rows[index].instant);
        for (let turn = 0; turn < 3; turn++) {
          bench.work();
          await new Promise((resolve) => setImmediate(resolve));
        }
        const { before, at, after } = await around;
        assert.deepEqual([before, at, after], [rows[index - 1], rows[index], rows[index + 1]], each.what);
      }
    }
  }
});

test("a series at a place has the values that differ from the ones before", async () => {
  const at = { kind: "function" as const, name: "finish" };
  for (const each of cases()) {
    const hits = each.steps.filter(({ pc }) => pc === symbol("finish"));
    const expected = hits.filter(
      ({ registers }, index) => index === 0 || hits[index - 1].registers[11] !== registers[11],
    );
    const { rows } = await ask(each.bench, { kind: "series", expression: "a1", at });
    assert.deepEqual(rows.map(where), expected.map(where), each.what);
    assert.deepEqual(
      rows.map(({ number }) => number),
      expected.map(({ registers }) => Number(registers[11])),
    );
    const called = await ask(each.bench, { kind: "series", expression: "triple(a1)", at, hart: 0 });
    const mine = hits.filter(({ hart }) => hart === 0);
    assert.deepEqual(
      called.rows.map(({ instant, bits }) => [instant, bits]),
      mine
        .filter(({ registers }, index) => index === 0 || mine[index - 1].registers[11] !== registers[11])
        .map(({ instant, registers }) => [instant, registers[11] * 3n]),
    );
  }
});

test("a series of registers is looked at every so many steps, and says so", async () => {
  for (const each of cases()) {
    const { rows, state } = await ask(each.bench, { kind: "series", expression: "sp & 0xff", hart: 0, everySteps: 13 });
    assert.equal(state.sampled, true);
    let last: bigint | undefined;
    const expected: [number, bigint][] = [];
    // What hart 0 holds is known where it steps; the others leave it as it is.
    const next = new Map<number, bigint>();
    let held = 0n;
    for (const step of each.steps.toReversed()) {
      if (step.hart === 0) held = step.registers[2] & 0xffn;
      next.set(step.instant, held);
    }
    for (let instant = 0; instant < each.steps.length; instant += 13) {
      const value = next.get(instant)!;
      if (value !== last) expected.push([instant, value]);
      last = value;
    }
    if (each.bench.machine.harts.length === 1) {
      assert.deepEqual(
        rows.map(({ instant, bits }) => [instant, bits]),
        expected,
        each.what,
      );
    } else assert.ok(rows.length > 5);
  }
  const { engine } = searchBench(SEARCHED);
  await assert.rejects(engine.startSearch({ kind: "series", expression: "a0 + 1" }), { code: "series-registers" });
  await assert.rejects(engine.startSearch({ kind: "series", expression: "*counter,s" }), { code: "series-format" });
});

test("columns of a plot have the least and the largest value, and count every change once", async () => {
  for (const each of cases()) {
    const { bench, steps } = each;
    for (const [expression, value] of [EXPRESSIONS[0], EXPRESSIONS[2], EXPRESSIONS[4]]) {
      const { state } = await ask(bench, { kind: "series", expression });
      const all = changes(steps, value);
      for (const [from, to, most] of [
        [0, steps.length, 40],
        [0, steps.length, 1],
        [777, 1500, 30],
        [all[4].instant, all[4].instant + 1, 5],
        [all[3].instant, steps.length, 9],
        [steps.length - 900, steps.length, 2000],
      ] as const) {
        const asked = bench.engine.seriesBuckets(state.id, from, to, most);
        bench.work();
        const buckets = await asked;
        assert.ok(buckets.length <= most && buckets.length > 0);
        assert.deepEqual([buckets[0].from, buckets.at(-1)!.to], [from, to]);
        const what = `${expression} ${from} ${to} ${most}: ${each.what}`;
        const changed = all.filter(({ instant }) => instant >= from && instant < to).length;
        assert.equal(
          buckets.reduce((sum, one) => sum + one.changes, 0),
          changed,
          what,
        );
        const within = [
          value(steps[from]),
          ...all.filter(({ instant }) => instant >= from && instant < to).map(({ bits }) => bits),
        ];
        assert.equal(
          Math.max(...buckets.map(({ max }) => max!)),
          Number(within.reduce((a, b) => (a > b ? a : b))),
          what,
        );
        assert.equal(
          Math.min(...buckets.map(({ min }) => min!)),
          Number(within.reduce((a, b) => (a < b ? a : b))),
          what,
        );
        assert.equal(buckets.at(-1)!.last, Number(within.at(-1)), what);
        assert.equal(buckets[0].first, Number(within[0]), what);
      }
    }
  }
});

test("the first read, and the first difference of bytes and of a value, from an instant on", () => {
  for (const each of cases()) {
    const { bench, steps } = each;
    const { debuggee, timeline } = bench;
    const end = timeline.end;
    for (const from of [0, 400, Math.floor(end / 2), end - 300]) {
      const read = finish(debuggee.firstRead(symbol("pointer"), 8, from));
      const reader = steps.find((step) => step.instant >= from && touches(step, "r", symbol("pointer"), 8));
      assert.deepEqual([read?.instant, read?.pc], [reader?.instant, reader?.pc]);
      const bytesOf = (step: Step) => step.memory.subarray(Number(symbol("cells") - symbol("counter"))).join();
      const differs = steps.find((step) => step.instant > from && bytesOf(step) !== bytesOf(steps[from]));
      const place = { address: symbol("cells"), length: DATA_BYTES - Number(symbol("cells") - symbol("counter")) };
      const found = finish(debuggee.firstDifference(place, from));
      assert.equal(found?.instant, differs && differs.instant - 1, each.what);
      const value = EXPRESSIONS[3][1];
      const changed = steps.find((step) => step.instant > from && value(step) !== value(steps[from]));
      const other = finish(debuggee.firstDifference({ expression: EXPRESSIONS[3][0] }, from));
      assert.equal(other?.instant, changed && changed.instant - 1, each.what);
    }
    assert.equal(timeline.now, end);
  }
});

/** In machine mode, with an address space that nobody is in: its page is another one now and then, and both change. */
const REMAPPED = `
_start: la      a0, root
        la      a1, middle
        la      a2, leaf
        la      a3, page1
        la      a4, page2
        srli    t0, a1, 2
        ori     t0, t0, 1
        sd      t0, 8(a0)               # 0x40000000
        srli    t0, a2, 2
        ori     t0, t0, 1
        sd      t0, 0(a1)
        srli    s1, a3, 2
        ori     s1, s1, 0xc7
        srli    s2, a4, 2
        ori     s2, s2, 0xc7
        sd      s1, 0(a2)
        srli    t0, a0, 12
        li      t1, 8 << 60
        or      t0, t0, t1
        csrw    satp, t0
        li      s3, 60
loop:   andi    t0, s3, 7
        sd      s3, 0(a3)               # @one
        slli    t1, s3, 1
        sd      t1, 0(a4)               # @two
        bnez    t0, 1f
        xor     t2, s1, s2
        xor     s1, s1, t2
        xor     s2, s2, t2
        sd      s1, 0(a2)               # @remap
1:      addi    s3, s3, -1
        bnez    s3, loop
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
2:      j       2b
        .data
        .balign 4096
root:   .zero   4096
middle: .zero   4096
leaf:   .zero   4096
page1:  .zero   4096
page2:  .zero   4096
`;

test("a series looks into the address space that the hart's satp named, through page tables that change", async () => {
  for (const seed of [undefined, 7, 8]) {
    const bench = searchBench(REMAPPED, { board: { modes: "msu" }, ...(seed !== undefined && { seed }) });
    const virtual = await ask(bench, { kind: "series", expression: "*(u64*)0x40000000" }, { from: 30 });
    const mapped = await ask(bench, { kind: "series", expression: "(*leaf & ~0x3ff) << 2" }, { from: 30 });
    const pages = await Promise.all(
      ["page1", "page2"].map(async (page) =>
        ask(bench, { kind: "series", expression: `*(u64*)phys(${page})` }, { from: 30 }),
      ),
    );
    const { programs } = { programs: [program(REMAPPED)] };
    const addressOf = (name: string) => programs[0].symbols.find((symbol) => symbol.name === name)!.address;
    const valueAt = (rows: readonly { instant: number; bits?: bigint }[], instant: number, from: number) =>
      rows.findLast((row) => row.instant < instant || row.instant === from)!.bits!;
    const expected: [number, bigint][] = [];
    for (let instant = 30; instant <= bench.timeline.end; instant++) {
      const page = valueAt(mapped.rows, instant, 30) === addressOf("page1") ? 0 : 1;
      const value = valueAt(pages[page].rows, instant, 30);
      // The row of a change is the last state with the old value.
      if (expected.at(-1)?.[1] !== value) expected.push([instant === 30 ? 30 : instant - 1, value]);
    }
    assert.deepEqual(
      virtual.rows.map(({ instant, bits }) => [instant, bits]),
      expected,
    );
    assert.ok(expected.length > 60 && mapped.rows.length > 5);
  }
});
