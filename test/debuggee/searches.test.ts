import assert from "node:assert/strict";
import test from "node:test";
import type { Instant, VirtualAddress } from "../../src/base/brand.ts";
import type { Question, Row } from "../../src/debuggee/search-protocol.ts";
import { EXCEPTION_CAUSES } from "../../src/isa/causes.ts";
import { decode } from "../../src/isa/decode.ts";
import { effectsOf } from "../../src/isa/effects.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { MachineLike } from "../../src/machine/machine-interface.ts";
import { FILE, lineOf, program } from "./harness.ts";
import { ask, type SearchBench, searchBench } from "./search-bench.ts";
import { SEARCHED } from "./search-guests.ts";

// ---- what happened, found by taking the steps one by one with the oracle

interface Step {
  readonly instant: number;
  readonly hart: number;
  readonly pc: bigint;
  readonly registers: readonly bigint[];
  readonly access: { readonly first: bigint; readonly last: bigint; readonly kinds: string } | undefined;
  readonly exception: number | undefined;
  /** The first state in a handler of an interrupt. */
  readonly isInterrupted: boolean;
  readonly memory: Uint8Array;
}

const MCAUSE = 0x342;
const DATA_BYTES = 128;
const ALL_CAUSES = EXCEPTION_CAUSES.map(({ code }) => code);

const SYMBOLS = new Map(program(SEARCHED).symbols.map(({ name, address }) => [name, address as bigint]));

function symbol(name: string): bigint {
  return SYMBOLS.get(name) ?? assert.fail(name);
}

function bytes(machine: MachineLike, address: bigint, length: number): Uint8Array {
  return Uint8Array.from(machine.peek(address as VirtualAddress, length, 0) as number[]);
}

function word({ memory }: Step, address: bigint): bigint {
  return new DataView(memory.buffer).getBigUint64(Number(address - symbol("counter")), true);
}

function singleSteps(harts: number, end: number): Step[] {
  const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 1 << 20, modes: "m", harts }, "oracle");
  machine.load(program(SEARCHED));
  machine.setStops({ breakpoints: [], watches: [], exceptions: ALL_CAUSES });
  const steps: Step[] = [];
  while (machine.instant < end) {
    const { instant } = machine;
    machine.run(instant, { departing: true });
    const hart = machine.harts[machine.currentHart];
    const { id, pc } = hart;
    const registers = Array.from({ length: 32 }, (_, index) => hart.register(index));
    const isInterrupted = pc === symbol("handler") && hart.csr(MCAUSE)! >> 63n === 1n;
    const memory = bytes(machine, symbol("counter"), DATA_BYTES);
    const view = new DataView(bytes(machine, pc, 4).buffer);
    const instruction = decode((view.getUint16(0, true) & 3) === 3 ? view.getUint32(0, true) : view.getUint16(0, true));
    const stop = machine.run((instant + 1) as Instant, { departing: false });
    const exception = stop.kind === "exception" ? stop.cause : undefined;
    if (exception !== undefined) machine.run((instant + 1) as Instant, { departing: true });
    const effects = instruction && effectsOf(instruction.instruction);
    const kinds = { none: "", load: "r", store: "w", atomic: "rw" }[effects?.memory ?? "none"];
    const first = BigInt.asUintN(
      64,
      (instruction === undefined ? 0n : registers[instruction.rs1]) +
        (kinds === "rw" ? 0n : BigInt(instruction?.imm ?? 0)),
    );
    const access =
      kinds === "" || exception !== undefined ? undefined : { first, last: first + BigInt(effects!.size) - 1n, kinds };
    steps.push({ instant, hart: id, pc, registers, access, exception, isInterrupted, memory });
  }
  return steps;
}

interface Case {
  readonly bench: SearchBench;
  readonly steps: readonly Step[];
  readonly what: string;
}

const BRUTE = new Map<number, Step[]>();

/** The same guest on several boards, searched in one piece and in pieces cut anywhere. */
function* cases(): Generator<Case> {
  for (const harts of [1, 3]) {
    for (const [engine, seed] of [
      ["auto", undefined],
      ["translator", harts],
      [harts === 1 ? "interpreter" : "oracle", 2 + harts],
    ] as const) {
      const bench = searchBench(SEARCHED, { engine, board: { harts }, ...(seed !== undefined && { seed }) });
      const end = bench.timeline.end;
      if (!BRUTE.has(harts)) BRUTE.set(harts, singleSteps(harts, end));
      yield { bench, steps: BRUTE.get(harts)!, what: `${harts} harts, ${engine}, seed ${seed}` };
    }
  }
}

function where({ instant, hart, pc }: { instant: number; hart: number; pc: bigint }) {
  return { instant, hart, pc };
}

async function same(
  question: Question,
  { bench, what }: Case,
  expected: readonly Pick<Row, "instant" | "hart" | "pc">[],
) {
  const { rows } = await ask(bench, question);
  assert.deepEqual(rows.map(where), expected.map(where), what);
  assert.ok(expected.length > 0, "the test asks for something that happens");
  return rows;
}

function touches({ access }: Step, kind: "r" | "w" | "", address: bigint, length: number): boolean {
  if (access === undefined || !access.kinds.includes(kind)) return false;
  return access.first < address + BigInt(length) && access.last >= address;
}

test("reads, writes and accesses are those that single steps show", async () => {
  for (const each of cases()) {
    for (const [kind, letter] of [
      ["writes", "w"],
      ["reads", "r"],
      ["accesses", ""],
    ] as const) {
      for (const [name, length] of [
        ["counter", 8],
        ["pointer", 8],
        ["cells", 64],
        ["cells", 1],
      ] as const) {
        const address = symbol(name);
        const expected = each.steps.filter((step) => touches(step, letter, address, length));
        const rows = await same({ kind, address, length }, each, expected);
        rows.forEach((row, index) => {
          const after = each.steps[expected[index].instant + 1];
          if (after !== undefined && expected[index].access!.kinds !== "r") {
            assert.equal(row.access!.value, word(after, expected[index].access!.first), each.what);
          }
        });
      }
    }
  }
});

test("hits of a place, with a condition, a hit condition and a message, are those of single steps", async () => {
  const at = { kind: "source" as const, path: FILE, line: lineOf(SEARCHED, "work") };
  for (const each of cases()) {
    const all = each.steps.filter(({ pc }) => pc === symbol("work"));
    await same({ kind: "hits", at }, each, all);
    const some = all.filter(({ registers }) => registers[10] === 3n && registers[11] > 20n);
    const condition = "a0 == 3 && a1 > 20";
    await same({ kind: "hits", at, condition }, each, some);
    const logged = await same({ kind: "hits", at, condition, logMessage: "{a1,d} of {a0,d}" }, each, some);
    assert.deepEqual(
      logged.map(({ text }) => text),
      some.map(({ registers }) => `${registers[11]} of 3`),
    );
    for (const [hitCondition, passes] of [
      ["% 5", (number: number) => number % 5 === 0],
      ["7", (number: number) => number === 7],
      ["<= 3", (number: number) => number <= 3],
      ["> 9", (number: number) => number > 9],
    ] as const) {
      await same(
        { kind: "hits", at, condition, hitCondition },
        each,
        some.filter((_, index) => passes(index + 1)),
      );
    }
    // What the machine cannot answer by itself is answered all the same.
    await same({ kind: "hits", at, condition: "translate(a0) == 3 && a1 > 20" }, each, some);
  }
});

test("a condition and a message may call a function of the guest; the run does not notice", async () => {
  const at = { kind: "function" as const, name: "finish" };
  for (const each of cases()) {
    const hits = each.steps.filter(({ pc, registers }) => pc === symbol("finish") && registers[10] % 5n === 0n);
    const condition = "triple(a0) % 5 == 0";
    const rows = await same({ kind: "hits", at, condition, logMessage: "{triple(a0),d}" }, each, hits);
    assert.deepEqual(
      rows.map(({ text }) => text),
      hits.map(({ registers }) => String(registers[10] * 3n)),
    );
    const { state } = await ask(each.bench, { kind: "hits", at, condition });
    assert.equal(state.restored, each.steps.filter(({ pc }) => pc === symbol("finish")).length);
  }
});

test("hits of a data breakpoint after the fact", async () => {
  for (const each of cases()) {
    const at = { kind: "data" as const, address: symbol("counter"), length: 8, access: "write" as const };
    const expected = each.steps.filter((step) => touches(step, "w", symbol("counter"), 8));
    const even = expected.filter(({ instant }) => word(each.steps[instant + 1], symbol("counter")) % 2n === 0n);
    await same({ kind: "hits", at, condition: "*counter % 2 == 0" }, each, even);
  }
});

test("traps are the exceptions and the interrupts that single steps show", async () => {
  for (const each of cases()) {
    const interrupts = each.steps.filter(({ isInterrupted }) => isInterrupted);
    const exceptions = each.steps.filter(({ exception }) => exception !== undefined);
    const faults = await same({ kind: "traps", interrupts: false }, each, exceptions);
    assert.match(faults[0].text, /^Load access fault/);
    const { rows } = await ask(each.bench, { kind: "traps", causes: [], interrupts: true });
    assert.deepEqual(
      rows.map(({ instant, hart }) => [instant, hart]),
      interrupts.map(({ instant, hart }) => [instant, hart]),
      each.what,
    );
    assert.ok(rows.length > 5 && rows.every(({ text }) => text === "Machine timer interrupt"));
    const both = await ask(each.bench, { kind: "traps" });
    assert.equal(both.rows.length, rows.length + faults.length);
  }
});

test("outputs are the lines with the steps that printed their first bytes", async () => {
  for (const each of cases()) {
    const put = each.steps.filter(({ access }) => access?.kinds === "w" && access.first === 0x1000_0000n);
    const bytesPrinted = put.map(({ registers }) => Number(registers[6] & 0xffn));
    const starts = put.filter((_, index) => index === 0 || bytesPrinted[index - 1] === 0x0a);
    const rows = await same({ kind: "outputs" }, each, starts);
    assert.deepEqual(
      rows.slice(0, 2).map(({ text }) => text),
      ["tick", "and tock"],
    );
    await same(
      { kind: "outputs", text: "tock" },
      each,
      starts.filter((_, index) => index % 2 === 1),
    );
  }
});

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

test("a stretch has the rows from its beginning up to its end", async () => {
  const address = symbol("counter");
  for (const each of cases()) {
    const from = Math.floor(each.steps.length / 3);
    const to = Math.floor(each.steps.length / 2);
    const expected = each.steps.filter(
      (step) => step.instant >= from && step.instant < to && touches(step, "w", address, 8),
    );
    const { rows } = await ask(each.bench, { kind: "writes", address, length: 8 }, { from, to });
    assert.deepEqual(rows.map(where), expected.map(where));
    // Hit numbers are those of history.
    const at = { kind: "function" as const, name: "work" };
    const all = each.steps.filter(({ pc }) => pc === symbol("work"));
    const tenth = all.filter(({ instant }, index) => (index + 1) % 10 === 0 && instant >= from && instant < to);
    const some = await ask(each.bench, { kind: "hits", at, hitCondition: "% 10" }, { from, to });
    assert.deepEqual(some.rows.map(where), tenth.map(where), each.what);
  }
});

test("rows around an instant, and how many there are between two", async () => {
  const address = symbol("counter");
  for (const each of cases()) {
    const { bench } = each;
    const expected = each.steps.filter((step) => touches(step, "w", address, 8)).map(({ instant }) => instant);
    const { state } = await ask(bench, { kind: "writes", address, length: 8 });
    for (const instant of [
      0,
      expected[0],
      expected[0] + 1,
      expected[5],
      expected[7] - 1,
      expected.at(-1)!,
      bench.timeline.end,
    ]) {
      const around = bench.engine.rowsAround(state.id, instant);
      for (let turn = 0; turn < 3; turn++) {
        bench.work();
        await Promise.resolve();
        await new Promise((resolve) => setImmediate(resolve));
      }
      const { before, at, after } = await around;
      assert.equal(
        before?.instant,
        expected.findLast((one) => one < instant),
        each.what,
      );
      assert.equal(
        at?.instant,
        expected.find((one) => one === instant),
        each.what,
      );
      assert.equal(
        after?.instant,
        expected.find((one) => one > instant),
        each.what,
      );
      const counting = bench.engine.countRows(state.id, instant, bench.timeline.end);
      for (let turn = 0; turn < 3; turn++) {
        bench.work();
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal(await counting, expected.filter((one) => one >= instant).length);
    }
  }
});

test("what cannot be asked is refused with a sentence", async () => {
  const { engine } = searchBench(SEARCHED);
  await assert.rejects(engine.startSearch({ kind: "writes", address: 0n, length: 0 }), { code: "length" });
  const at = { kind: "function" as const, name: "nobody" };
  await assert.rejects(engine.startSearch({ kind: "hits", at }), { code: "place" });
  const work = { kind: "function" as const, name: "work" };
  await assert.rejects(engine.startSearch({ kind: "hits", at: work, condition: "a0 ==" }), { code: "place" });
  await assert.rejects(engine.startSearch({ kind: "hits", at: work, hitCondition: "often" }), { code: "place" });
  await assert.rejects(engine.searchRows(99, 0, 1), { code: "no-search" });
});

test("a search is told about, may be cancelled, and is forgotten when it is closed", async () => {
  const bench = searchBench(SEARCHED);
  const { engine, events, machine } = bench;
  const here = [machine.instant, machine.digest()];
  const { id } = await engine.startSearch({ kind: "writes", address: symbol("text"), length: 1 });
  const work = engine.work();
  for (let turn = 0; turn < 4; turn++) assert.equal(work.next().done, false);
  engine.suspend();
  while (work.next().done !== true);
  assert.deepEqual([machine.instant, machine.digest()], here, "suspended: the machine is where it was");
  assert.ok(engine.hasWork);
  await engine.cancelSearch(id);
  assert.ok(!engine.hasWork);
  const [state] = await engine.searches();
  assert.deepEqual([state.done, state.cancelled], [true, true]);
  assert.ok(events.some((event) => event.type === "search" && event.state.cancelled));
  await engine.closeSearch(id);
  assert.deepEqual(await engine.searches(), []);
});
