import assert from "node:assert/strict";
import test from "node:test";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import { Assembly } from "../../src/debuggee/search-assembly.ts";
import type { Row } from "../../src/debuggee/search-protocol.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { headerFor, MemoryRecording, reopen } from "../replay/support.ts";
import { finish, program } from "./harness.ts";
import { ask, type SearchBench, searchBench } from "./search-bench.ts";
import { SEVERAL_LINES } from "./search-guests.ts";

test("a file that is still being written has the trap at which the run is known to have ended", () => {
  const loaded = program("_start: li t0, 3\n nop\n nop\n ld a0, 8(t0)\n");
  const make = () => {
    const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 1 << 20, modes: "m" });
    machine.load(loaded);
    return machine;
  };
  const machine = make();
  const recording = new MemoryRecording(headerFor(machine));
  const live = Timeline.record(machine, recording);
  finish(live.forward({ stops: NO_STOPS }));
  const { end, ended } = live;
  assert.equal(ended?.kind, "unhandled-trap");
  recording.writer.flush();
  const rows = (timeline: Timeline) => {
    const { history } = timeline;
    const debuggee = new Debuggee({ timeline, history, programs: [loaded], emit: () => {} });
    const list = { first: 0, count: 10 };
    const task = { question: { kind: "traps" as const }, settled: {}, from: 0, to: end, mostMarks: 10, list };
    return finish(debuggee.searchEngine.segment(task)).listed;
  };
  const reading = reopen(recording.bytes);
  assert.equal(reading.reason, undefined);
  const there = Timeline.open(make(), reading, { knownEnd: end, knownReason: ended });
  const found = rows(there);
  assert.equal(found.at(-1)?.instant, end);
  assert.deepEqual(found, rows(live));
});

/** What is answered once the debuggee's machine has gone somewhere, perhaps some times. */
async function answered<T>(bench: SearchBench, answer: Promise<T>): Promise<T> {
  let isThere = false;
  const done = answer.finally(() => {
    isThere = true;
  });
  while (!isThere) {
    bench.work();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return done;
}

for (const seed of [undefined, 1, 2]) {
  test(`the rows around an instant are found where many share it; segments cut by ${seed ?? "nobody"}`, async () => {
    const options = { steps: 2000, board: { console: "virtio" as const }, ...(seed !== undefined && { seed }) };
    const bench = searchBench(SEVERAL_LINES, options);
    const { rows, state } = await ask(bench, { kind: "outputs" });
    const instants = [...new Set(rows.map(({ instant }) => instant))];
    assert.equal(instants.length, 20);
    assert.equal(rows.length, 60);
    for (const instant of [0, ...instants.flatMap((each) => [each - 1, each, each + 1])]) {
      const around = await answered(bench, bench.engine.rowsAround(state.id, instant));
      const before = rows.findLast((row) => row.instant < instant);
      const at = rows.findLast((row) => row.instant === instant);
      const after = rows.find((row) => row.instant > instant);
      assert.deepEqual(around, { ...(before && { before }), ...(at && { at }), ...(after && { after }) });
    }
  });
}

/** Prints its text again and again, with some work in between. */
const SLOW_LINES = `
_start: li      t0, 0x10000000
again:  la      a0, text
1:      lbu     t1, 0(a0)
        beqz    t1, again
        sb      t1, 0(t0)
        addi    a0, a0, 1
        li      s3, 7
2:      addi    s3, s3, -1
        bnez    s3, 2b
        j       1b
        .data
text:   .asciz  "tick\\n\\na line with a tock\\ntock\\nhalf a li"
`;

async function rowsOf(bench: SearchBench, id: number): Promise<Row[]> {
  const state = (await bench.engine.searches()).find((search) => search.id === id)!;
  assert.ok(state.done);
  assert.equal(state.to, bench.timeline.end);
  return (await answered(bench, bench.engine.searchRows(id, 0, state.rows))).toReversed();
}

/** Of the three lines that are printed at once, the last one stays open. */
const OPEN_LINES = SEVERAL_LINES.replace("line3\\n", "line3t");

for (const [name, guest, board, texts] of [
  ["byte by byte", SLOW_LINES, {}, [undefined, "tock", "lit"]],
  ["several lines at once", OPEN_LINES, { console: "virtio" }, [undefined, "3tl"]],
] as const) {
  for (const text of texts) {
    for (const seed of [undefined, 1, 2]) {
      const asked = `${text === undefined ? "" : `, with "${text}"`}; segments cut by ${seed ?? "nobody"}`;
      test(`a search that is extended has the lines that a new one has, also those that had no end before: ${name}${asked}`, async () => {
        const bench = searchBench(guest, { steps: 1, board, ...(seed !== undefined && { seed }) });
        const question = { kind: "outputs" as const, ...(text !== undefined && { text }) };
        const { state } = await ask(bench, question);
        const { state: impatient } = await ask(bench, question);
        let found = 0;
        for (let limit = 20; limit < 1500; limit += 1 + ((limit * 7) % 90)) {
          finish(bench.timeline.forward({ stops: NO_STOPS, limit: limit as never }));
          await bench.engine.extendSearch(state.id);
          // Before it has searched what it was extended by.
          await bench.engine.extendSearch(impatient.id, limit - 10);
          await bench.engine.extendSearch(impatient.id);
          bench.work();
          const { rows } = await ask(bench, question);
          assert.deepEqual(await rowsOf(bench, state.id), rows);
          assert.deepEqual(await rowsOf(bench, impatient.id), rows);
          found = rows.length;
        }
        assert.ok(found > 0, `${found} lines`);
      });
    }
  }
}

test("a line that had no end is forgotten with its mark when a search is extended, where there is one for every other row", () => {
  const assembly = new Assembly(0, undefined, false);
  assembly.extend(100, []);
  const marks = { every: 2, instants: [10, 30, 50], starts: [10, 30, 50], passed: [0, 0, 0] };
  const result = { from: 0, to: 100, rows: 5, marks, listed: [], restored: 0 };
  assembly.add({ ...result, open: { from: 50, rows: 4 } });
  assert.equal(assembly.rows, 5);
  assert.equal(assembly.extendsFrom, 50);
  assert.deepEqual(assembly.extend(100, []), []);
  assert.deepEqual(
    assembly.extend(200, [150]).map(({ from, to }) => [from, to]),
    [
      [150, 200],
      [50, 150],
    ],
  );
  const none = { every: 1, instants: [], starts: [], passed: [] };
  assembly.add({ ...result, from: 150, to: 200, rows: 0, marks: none });
  assembly.add({ ...result, from: 50, to: 150, rows: 0, marks: none });
  assert.equal(assembly.rows, 4);
  assert.deepEqual(assembly.instants, [10, 30]);
  assert.equal(assembly.extendsFrom, 200);
});
