import assert from "node:assert/strict";
import test from "node:test";
import { FILE, lineOf } from "./harness.ts";
import { ask, searchBench } from "./search-bench.ts";
import { SEARCHED } from "./search-guests.ts";
import { cases, same, symbol, touches, where, word } from "./single-steps.ts";

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

test("functions that are called to show rows are counted as well, each restored with an equal digest", async () => {
  const bench = searchBench(SEARCHED);
  const at = { kind: "function" as const, name: "finish" };
  const { rows, state } = await ask(bench, { kind: "hits", at, logMessage: "{triple(a0),d}" });
  assert.equal(state.restored, 0, "to find them, none is called");
  const told = bench.events.findLast((event) => event.type === "search");
  assert.ok(rows.length > 0);
  assert.equal(told?.state.restored, rows.length);
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

test("the trap that nobody could handle is the last one", async () => {
  for (const seed of [undefined, 3]) {
    const bench = searchBench("_start: li t0, 3\n ld a0, 8(t0)\n", seed === undefined ? {} : { seed });
    const { rows } = await ask(bench, { kind: "traps" });
    assert.deepEqual(
      rows.map(({ instant, pc, number, text }) => [instant, pc, number, text.split(":")[0]]),
      [[1, 0x8000_0002n, 5, "Load access fault, 0xb"]],
    );
    assert.equal(bench.timeline.end, 1);
    const others = await ask(bench, { kind: "traps", causes: [2] });
    assert.deepEqual(others.rows, []);
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
