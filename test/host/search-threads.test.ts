import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { Worker } from "node:worker_threads";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import type { Question } from "../../src/debuggee/search-protocol.ts";
import { finish } from "../../src/host/motion-driver.ts";
import { ThreadRunner } from "../../src/host/thread-runner.ts";
import { workerUrl } from "../../src/host/worker-url.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { openAsked, recordSearched, rowsOf, startSearched, untilDone } from "./searched-recording.ts";

// Threads load all sources: stripped of their types once, that takes a third of the time.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), "hindcast-compile-cache");

const folder = mkdtempSync(join(tmpdir(), "hindcast-search-threads-"));
const runners: ThreadRunner[] = [];
after(async () => {
  await Promise.all(runners.map((runner) => runner.close()));
  rmSync(folder, { recursive: true });
});

const QUESTIONS: readonly Question[] = [
  { kind: "outputs" },
  { kind: "traps" },
  { kind: "hits", at: { kind: "function", name: "work" } },
  { kind: "hits", at: { kind: "function", name: "finish" }, condition: "$s3 % 3 == 0", logMessage: "s3 = {$s3}" },
  { kind: "hits", at: { kind: "function", name: "print" }, condition: "triple(2) == 6", logMessage: "{triple($s3)}" },
];

function threads(path: string, count: number, start?: () => Worker) {
  return withRunner(path, count, start).asked;
}

function withRunner(path: string, count: number, start?: () => Worker) {
  let made: ThreadRunner | undefined;
  const asked = openAsked(path, ({ reader, timeline }) => {
    const subject = () => ({ path, end: timeline.end });
    const ofPool = { threads: count, subject, ...(start && { start }) };
    const runner = new ThreadRunner({ ...ofPool, checkpoints: reader.checkpoints, leastSteps: 0 });
    runners.push(runner);
    made = runner;
    return runner;
  });
  return { asked, runner: made! };
}

function written(debuggee: Debuggee): Question {
  const { bits } = debuggee.evaluate("&cells", 0, 0);
  return { kind: "writes", address: bits!, length: 64 };
}

for (const [harts, counts] of [
  [1, [1, 4]],
  [3, [2]],
] as const) {
  test(`${harts} harts: ${counts.join(" and ")} threads find the rows that the debuggee itself finds, byte for byte`, async () => {
    const path = await recordSearched(folder, `rows-${harts}`, harts);
    const before = readdirSync(folder);
    const alone = openAsked(path, () => undefined);
    assert.ok(alone.session.reader.checkpoints.checkpoints.length > 5);
    const expected: string[] = [];
    for (const question of [...QUESTIONS, written(alone.debuggee)]) {
      const { rows, state } = await rowsOf(alone.debuggee, question);
      assert.equal(state.problem, undefined);
      assert.ok(rows.length > 3, JSON.stringify(state.rows));
      expected.push(text(rows));
    }
    for (const count of counts) {
      const several = threads(path, count);
      const { timeline, machine } = several.session;
      const stands = [timeline.now, machine.digest()];
      const found: string[] = [];
      for (const question of [...QUESTIONS, written(several.debuggee)]) {
        const { rows, state } = await rowsOf(several.debuggee, question);
        assert.equal(state.fraction, 1);
        found.push(text(rows));
      }
      assert.deepEqual(found, expected);
      assert.deepEqual([timeline.now, machine.digest()], stands, "the debuggee was not needed");
    }
    assert.deepEqual(readdirSync(folder), before, "nothing was written");
  });
}

for (const count of [1, 3]) {
  test(`the thread that asks searches as one of ${count}, and its debuggee stands where it stood`, async () => {
    const path = await recordSearched(folder, `here-${count}`, 2);
    const alone = openAsked(path, () => undefined);
    const started: Worker[] = [];
    const { asked, runner } = withRunner(path, count, () => {
      started.push(new Worker(workerUrl("search-worker")));
      return started[started.length - 1];
    });
    const { timeline, machine } = asked.session;
    finish(timeline.seek(4321 as never));
    const stands = [timeline.now, machine.digest()];
    runner.prepare(0, timeline.end);
    assert.equal(started.length, count - 1, "the others are started before anybody asks");
    runner.join(asked.debuggee, { path, end: timeline.end });
    for (const question of [...QUESTIONS, written(alone.debuggee)]) {
      const { rows } = await rowsOf(asked.debuggee, question);
      assert.equal(text(rows), text((await rowsOf(alone.debuggee, question)).rows));
      assert.deepEqual([timeline.now, machine.digest()], stands);
    }
    const { id } = await asked.debuggee.searchEngine.startSearch(QUESTIONS[2]);
    await runner.close();
    assert.deepEqual([timeline.now, machine.digest()], stands, "closing waits for it");
    assert.match((await untilDone(asked.debuggee, id)).problem ?? "", /its recording was closed/);
  });
}

test("a thread that is killed in the midst of it all changes nothing", async () => {
  const path = await recordSearched(folder, "killed");
  const expected = text((await rowsOf(openAsked(path, () => undefined).debuggee, QUESTIONS[2])).rows);
  const started: Worker[] = [];
  const { debuggee } = threads(path, 2, () => {
    const worker = new Worker(workerUrl("search-worker"));
    started.push(worker);
    // When it has said that it has come some way, or what a segment comes to.
    if (started.length === 1) worker.once("message", () => void worker.terminate());
    return worker;
  });
  assert.equal(text((await rowsOf(debuggee, QUESTIONS[2])).rows), expected);
  assert.ok(started.length >= 2);
});

test("what a thread throws ends the search with its sentence", async () => {
  const path = await recordSearched(folder, "gone");
  const { debuggee } = threads(path, 2);
  rmSync(path);
  const { id } = await debuggee.searchEngine.startSearch(QUESTIONS[0]);
  const { problem, cancelled } = await untilDone(debuggee, id);
  assert.match(problem ?? "", /^cannot open .*: there is no such file or folder\.$/);
  assert.equal(cancelled, true);
});

test("a run that is being recorded is searched up to now, and goes on meanwhile", async () => {
  const { timeline, recording, programs } = startSearched(folder, "live");
  const runner = new ThreadRunner({
    threads: 2,
    checkpoints: recording.checkpoints,
    leastSteps: 0,
    subject: async () => {
      const { end } = timeline;
      await recording.flush();
      return { path: recording.path, end };
    },
  });
  runners.push(runner);
  const parts = { timeline, history: timeline.history, programs, emit: () => {} };
  const [live, judge] = [new Debuggee({ ...parts, segmentRunner: runner }), new Debuggee(parts)];
  for (const limit of [3000, 3001, 9000]) {
    finish(timeline.forward({ stops: NO_STOPS, limit: limit as never }));
    for (const question of [QUESTIONS[0], QUESTIONS[2], written(live)]) {
      const { rows } = await rowsOf(live, question);
      assert.ok(rows.length > 3);
      assert.equal(text(rows), text((await rowsOf(judge, question)).rows));
    }
  }
  assert.ok(existsSync(`${recording.path}.lock`), "the lock is the writer's, and stays");
  const { id } = await live.searchEngine.startSearch(QUESTIONS[1]);
  finish(timeline.forward({ stops: NO_STOPS, limit: 12_000 as never }));
  assert.equal((await untilDone(live, id)).to, 9000);
  await runner.close();
  timeline.close();
  await recording.close();
});

function text(rows: readonly object[]): string {
  return JSON.stringify(rows, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
}
