import assert from "node:assert/strict";
import test from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import type { Question, Row, SegmentRunner } from "../../src/debuggee/search-protocol.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Branches } from "../../src/replay/branches.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { finish, program } from "./harness.ts";
import { ask, type SearchBench, searchBench } from "./search-bench.ts";
import { SEARCHED, SEVERAL_LINES } from "./search-guests.ts";

// Rows that begin where nobody expects a row to begin: interrupts, several rows of one step, searches that are cut anywhere.

/** All rows of a search, page by page. */
async function paged(bench: SearchBench, id: number, rows: number, size: number): Promise<string[]> {
  const got: Row[] = [];
  for (let first = 0; first < rows; first += size) {
    const page = bench.engine.searchRows(id, first, size);
    bench.work();
    got.push(...(await page));
  }
  return got.reverse().map(shown);
}

const shown = ({ instant, text }: { instant: number; text: string }) => `${instant} ${text}`;

for (const question of [{ kind: "traps", causes: [], interrupts: true }, { kind: "traps" }] satisfies Question[]) {
  const what = "causes" in question ? "interrupts" : "traps of all kinds";
  test(`small pages of ${what} have all of them`, async () => {
    const bench = searchBench(SEARCHED);
    const { rows, state } = await ask(bench, question);
    assert.ok(rows.length > 10);
    for (const size of [1, 3, 7]) {
      assert.deepEqual(await paged(bench, state.id, state.rows, size), rows.map(shown), `pages of ${size}`);
    }
  });
}

test("small pages have every line of those that one step printed", async () => {
  const bench = searchBench(SEVERAL_LINES, { steps: 2000, board: { console: "virtio" } });
  const { rows, state } = await ask(bench, { kind: "outputs" });
  assert.equal(rows.length, 60);
  assert.deepEqual(await paged(bench, state.id, state.rows, 4), rows.map(shown));
});

/** An ecall in the handler of an interrupt: an exception at the instant of the interrupt. */
const TRAP_IN_TRAP = `
_start: la sp, stack
        la t0, vector
        ori t0, t0, 1
        csrw mtvec, t0
        li t0, 0x2004000
        li t1, 4
        sd t1, 0(t0)
        li t0, 0x80
        csrs mie, t0
        csrsi mstatus, 8
        li s3, 3000
1:      addi s3, s3, -1
        bnez s3, 1b
        li t0, 0x100000
        li t1, 0x5555
        sw t1, 0(t0)
2:      j 2b
        .option push
        .option norvc
        .balign 256
vector: j fault
        nop
        nop
        nop
        nop
        nop
        nop
timer:  ecall
        csrw mepc, s6
        li s4, 0x200bff8
        ld s5, 0(s4)
        addi s5, s5, 5
        li s4, 0x2004000
        sd s5, 0(s4)
        mret
fault:  csrr s5, mepc
        addi s5, s5, 4
        csrw mepc, s5
        la s6, 1b
        li s4, 0x1800
        csrs mstatus, s4
        li s4, 0x80
        csrc mstatus, s4
        mret
        .option pop
        .data
        .space 256
stack:
`;

test("a scan that is cut behind every hit sees an exception at the instant of an interrupt", () => {
  const { timeline } = searchBench(TRAP_IN_TRAP, { steps: 6000 });
  const scan = (isCut: boolean) => {
    const seen: string[] = [];
    for (let from: number = 0; from < timeline.end; ) {
      const reached = finish(
        timeline.scan(
          {
            stops: { ...NO_STOPS, exceptions: [11], interrupts: true },
            visit: ({ instant, stop }) => {
              seen.push(`${instant} ${stop.kind}`);
              return 10_000;
            },
            cut: () => isCut,
          },
          from as Instant,
          timeline.end,
        ),
      );
      assert.ok(reached > from);
      from = reached;
    }
    return seen;
  };
  const whole = scan(false);
  assert.ok(whole.some((seen) => seen.endsWith("exception")) && whole.some((seen) => seen.endsWith("interrupt")));
  assert.deepEqual(scan(true), whole);
});

const QUESTIONS: readonly Question[] = [
  { kind: "series", expression: "sp & 0xff", hart: 0, everySteps: 13 },
  { kind: "traps" },
  { kind: "outputs" },
];

for (const question of QUESTIONS) {
  test(`a search that is suspended anywhere has the same rows: ${question.kind}`, async () => {
    const bench = searchBench(SEARCHED, { board: { harts: 1 }, timeline: { spacingSteps: 5000, sliceSteps: 60 } });
    const { engine, timeline } = bench;
    const task = { question, settled: engine.settle(question), from: 0, to: timeline.end as number };
    const whole = finish(engine.segment({ ...task, mostMarks: 4096, list: { first: 0, count: 1_000_000 } }));
    for (let seed = 1; seed <= 3; seed++) {
      const prng = new Prng(seed);
      const { id } = await engine.startSearch(question);
      while (engine.hasWork) {
        const work = engine.work();
        for (let turns = prng.below(30); turns >= 0 && !work.next().done; turns--);
        engine.suspend();
        while (!work.next().done);
      }
      const state = (await engine.searches()).find((search) => search.id === id)!;
      assert.equal(state.rows, whole.rows, `seed ${seed}`);
      assert.deepEqual(await paged(bench, id, state.rows, 50), whole.listed.map(shown), `seed ${seed}`);
      await engine.closeSearch(id);
    }
  });
}

/** Writes to `cell` for ever. */
const WRITER = `
_start: la a0, cell
1:      addi s3, s3, 1
        sd s3, 0(a0)
        j 1b
        .data
        .balign 8
cell:   .dword 5
`;
const RUN = { stops: NO_STOPS };

test("a search of the recording is not extended by what a branch did", async () => {
  const loaded = program(WRITER);
  const record = () => {
    const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 1 << 20, modes: "m" });
    machine.load(loaded);
    return Timeline.record(machine);
  };
  const timeline = record();
  const branches = new Branches(timeline);
  // As a thread does it: with the recording as it is when the search is asked for.
  const runner: SegmentRunner = {
    cuts: () => [],
    run: (tasks, hear) => {
      const own = record();
      finish(own.forward({ ...RUN, limit: (branches.branch === undefined ? timeline.end : 1000) as Instant }));
      const other = new Debuggee({ timeline: own, history: own.history, programs: [loaded], emit: () => {} });
      queueMicrotask(() => {
        tasks.forEach((task, index) => {
          hear.result(index, finish(other.searchEngine.segment(task)));
        });
      });
      return { cancel: () => {} };
    },
  };
  const { searchEngine: engine } = new Debuggee({
    ...{ timeline: branches, branches, history: branches.history, programs: [loaded] },
    ...{ emit: () => {}, segmentRunner: runner },
  });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  const rowsOf = async (id: number) => (await engine.searches()).find((search) => search.id === id)!.rows;
  finish(branches.forward({ ...RUN, limit: 1000 as Instant }));
  const address = loaded.symbols.find(({ name }) => name === "cell")!.address;
  const question: Question = { kind: "writes", address, length: 8 };
  const { id } = await engine.startSearch(question);
  await settled();
  branches.start(true);
  finish(branches.forward({ ...RUN, limit: 3000 as Instant }));
  assert.equal((await engine.extendSearch(id)).to, 1000);
  await settled();
  branches.switchTo(0);
  finish(branches.forward({ ...RUN, limit: 4000 as Instant }));
  await engine.extendSearch(id);
  await settled();
  const fresh = await engine.startSearch(question);
  await settled();
  assert.equal(await rowsOf(id), await rowsOf(fresh.id));
});
