import assert from "node:assert/strict";
import test from "node:test";
import type { Question, Row } from "../../src/debuggee/search-protocol.ts";
import type { Motion } from "../../src/replay/timeline-interface.ts";
import { type SearchBench, searchBench } from "./search-bench.ts";

const ROUNDS = 5_200_000;
const STEPS_OF_ROUND = 4;
const STEPS_BEFORE = 4;

/** A loop that is gone through millions of times, and stores now and then. */
const LOOP = `
_start: la      s0, cell
        li      s1, ${ROUNDS}
loop:   addi    s2, s2, 1
        andi    t0, s2, 0x7ff
        bnez    t0, 1f
        sd      s2, 0(s0)
1:      bne     s2, s1, loop
2:      j       2b
        .data
        .balign 8
        .type   cell, @object
cell:   .dword  0
        .size   cell, 8
`;

const AT = { kind: "function", name: "loop" } as const;
/** 8 bytes each. */
const MOST_KEPT = 65_536;

function drive(motion: Motion<void>, each: (instant: number) => void = () => {}): void {
  for (let turn = motion.next(); !turn.done; turn = motion.next()) each(turn.value.instant);
}

/** The instant at which round `number` (from 1) begins. */
function instantOf(number: number): number {
  const stores = Math.floor((number - 1) / 2048);
  return STEPS_BEFORE + (number - 1) * STEPS_OF_ROUND + stores;
}

async function rowsOf({ engine }: SearchBench, id: number, first: number, count: number): Promise<Row[]> {
  const page = engine.searchRows(id, first, count);
  drive(engine.work());
  return await page;
}

test("more than five million hits: exact numbers, any page, and 512 KiB for them", { timeout: 600_000 }, async () => {
  const bench = searchBench(LOOP, { steps: instantOf(ROUNDS) + 100, timeline: {} });
  const { engine } = bench;
  const ask = async (question: Question) => {
    const { id } = await engine.startSearch(question);
    drive(engine.work());
    const [state] = (await engine.searches()).filter((search) => search.id === id);
    assert.ok(state.done && state.problem === undefined);
    const kept = await engine.rowInstants(id, 0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    assert.ok(kept.length > 100 && kept.length <= MOST_KEPT, `${kept.length} instants kept`);
    return { id, rows: state.rows };
  };

  const all = await ask({ kind: "hits", at: AT, logMessage: "{s2,d}" });
  assert.equal(all.rows, ROUNDS);
  for (const first of [0, 1_234_567, 4_999_999, ROUNDS - 3]) {
    const rows = await rowsOf(bench, all.id, first, 3);
    assert.deepEqual(
      rows.map(({ instant, text }) => [instant, text]),
      [0, 1, 2].map((index) => {
        const number = ROUNDS - first - index;
        return [instantOf(number), String(number - 1)];
      }),
    );
  }
  const around = engine.rowsAround(all.id, instantOf(2_600_000) + 1);
  for (let turn = 0; turn < 3; turn++) {
    drive(engine.work());
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { before, at, after } = await around;
  assert.deepEqual([before?.text, at, after?.text], ["2599999", undefined, "2600000"]);

  // Numbers of hits are those of history; 7 divides every seventh hit of those where the condition holds.
  const some = await ask({ kind: "hits", at: AT, condition: "s2 % 3 == 1", hitCondition: "% 7", logMessage: "{s2,d}" });
  const holding = Math.floor((ROUNDS - 2) / 3) + 1;
  assert.equal(some.rows, Math.floor(holding / 7));
  const [newest, next] = await rowsOf(bench, some.id, 0, 2);
  const nth = (hit: number) => String(3 * (hit - 1) + 1);
  assert.deepEqual([newest.text, next.text], [nth(some.rows * 7), nth((some.rows - 1) * 7)]);
  const [oldest] = await rowsOf(bench, some.id, some.rows - 1, 1);
  assert.equal(oldest.text, nth(7));
});

test("a search is never long without asking whether it may go on", async () => {
  const bench = searchBench(LOOP, { steps: 3_000_000, timeline: {} });
  const { engine } = bench;
  // What the machine cannot answer by itself stops it each time.
  await engine.startSearch({ kind: "hits", at: AT, condition: "translate(s2) == 5" });
  let last: number = bench.machine.instant;
  let longest = 0;
  drive(engine.work(), (instant) => {
    if (instant > last) longest = Math.max(longest, instant - last);
    last = instant;
  });
  assert.ok(longest <= 500_000, `${longest} steps in a turn`);
  // Cancelled in the midst of it: the next turn is the last.
  const { id } = await engine.startSearch({ kind: "series", expression: "s2", at: AT });
  const work = engine.work();
  for (let turn = 0; turn < 20; turn++) assert.equal(work.next().done, false);
  await engine.cancelSearch(id);
  let turns = 0;
  while (work.next().done !== true) turns++;
  assert.ok(turns <= 1, `${turns} turns after it was cancelled`);
  assert.equal(bench.machine.instant, bench.timeline.end);
});
