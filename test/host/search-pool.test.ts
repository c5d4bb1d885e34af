import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import test from "node:test";
import { UserError } from "../../src/base/errors.ts";
import type { SegmentResult, SegmentTask } from "../../src/debuggee/search-protocol.ts";
import { RemoteFault } from "../../src/host/rpc.ts";
import { SearchPool, type SearchThread } from "../../src/host/search-pool.ts";
import type { FromSearcher, SearchSubject, ToSearcher } from "../../src/host/search-protocol.ts";

const SUBJECT: SearchSubject = { path: "x.hindcast", end: 1000 };

function tasks(count: number, name = ""): SegmentTask[] {
  return Array.from({ length: count }, (_, index) => {
    const to = 1000 - index * 10;
    return { question: { kind: "outputs", text: name }, settled: {}, from: to - 10, to, mostMarks: 1 };
  });
}

function resultOf({ from, to, question }: SegmentTask): SegmentResult {
  const problem = question.kind === "outputs" ? question.text : "";
  return {
    from,
    to,
    rows: from,
    marks: { every: 1, instants: [], starts: [], passed: [] },
    listed: [],
    restored: 0,
    problem,
  };
}

/** A thread that the test answers for. */
class FakeThread extends EventEmitter implements SearchThread {
  readonly asked: Extract<ToSearcher, { kind: "search" }>[] = [];
  readonly cancelled: number[] = [];
  readonly opened: SearchSubject[] = [];
  isTerminated = false;

  postMessage(message: ToSearcher): void {
    if (message.kind === "search") this.asked.push(message);
    else if (message.kind === "cancel") this.cancelled.push(message.id);
    else this.opened.push(message.subject);
  }

  async terminate(): Promise<void> {
    this.isTerminated = true;
    this.emit("exit", 1);
  }

  get current() {
    return this.asked[this.asked.length - 1];
  }

  say(message: FromSearcher): void {
    this.emit("message", message);
  }

  finish(): void {
    this.say({ kind: "result", id: this.current.id, result: resultOf(this.current.task) });
  }
}

function pool(threads: number, subject: () => SearchSubject | Promise<SearchSubject> = () => SUBJECT) {
  const started: FakeThread[] = [];
  const start = () => {
    started.push(new FakeThread());
    return started[started.length - 1];
  };
  return { pool: new SearchPool({ threads, subject, start }), started };
}

/** Runs tasks and notes what is heard. */
function listen(on: SearchPool, of: readonly SegmentTask[]) {
  const heard: SegmentResult[][] = of.map(() => []);
  const failures: unknown[] = [];
  const { cancel } = on.run(of, {
    result: (index, result) => heard[index].push(result),
    failed: (error) => failures.push(error),
  });
  return { heard, failures, cancel };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("segments are begun in the order given, threads are started as they are needed and no more", async () => {
  const { pool: one, started } = pool(3);
  const { heard } = listen(one, tasks(5));
  await settle();
  assert.deepEqual(
    started.map(({ current }) => current.task.to),
    [1000, 990, 980],
  );
  started[1].finish();
  assert.equal(started[1].current.task.to, 970);
  started[0].finish();
  assert.equal(started[0].current.task.to, 960);
  for (const thread of started) thread.finish();
  assert.deepEqual(
    heard,
    tasks(5).map((task) => [resultOf(task)]),
  );
  listen(one, tasks(1));
  await settle();
  assert.equal(started.length, 3, "warm threads are taken first");
  const { pool: other, started: few } = pool(8);
  listen(other, tasks(2));
  await settle();
  assert.equal(few.length, 2);
});

test("a thread that dies is replaced, its segment is done again next, and nothing counts twice", async () => {
  const { pool: one, started } = pool(2);
  const { heard, failures } = listen(one, tasks(4));
  await settle();
  const [first, second] = started;
  first.emit("error", new Error("out of memory"));
  first.emit("exit", 1);
  assert.equal(started.length, 3);
  assert.equal(started[2].current.task.to, 1000);
  // What the dead one had still sent, and what comes twice.
  first.finish();
  second.finish();
  second.say({ kind: "result", id: second.asked[0].id, result: resultOf(second.asked[0].task) });
  second.finish();
  second.finish();
  started[2].finish();
  started[2].finish();
  assert.deepEqual(
    heard,
    tasks(4).map((task) => [resultOf(task)]),
  );
  assert.deepEqual(failures, []);
});

test("a segment in which threads end again and again ends the search with one sentence", async () => {
  const { pool: one, started } = pool(1);
  const { failures } = listen(one, tasks(2));
  await settle();
  for (let n = 0; n < 5; n++) started[started.length - 1].emit("exit", 134);
  assert.equal(failures.length, 1);
  assert.ok(failures[0] instanceof UserError);
  assert.match(failures[0].message, /3 threads .* 990 to 1,000 ended by themselves \(exit code 134\)\.$/);
  const again = listen(one, tasks(1));
  await settle();
  started[started.length - 1].finish();
  assert.equal(again.heard[0].length, 1, "the pool goes on");
});

test("cancelled: nothing more is heard, threads are told and taken again when they have stopped", async () => {
  const { pool: one, started } = pool(2);
  const { heard, failures, cancel } = listen(one, tasks(9));
  await settle();
  started[0].finish();
  cancel();
  cancel();
  started[0].finish();
  assert.deepEqual(started[0].cancelled, [started[0].current.id]);
  assert.deepEqual([heard.flat().length, failures.length], [1, 0]);
  const next = listen(one, tasks(2, "next"));
  await settle();
  assert.equal(started[0].current.task.to, 1000);
  assert.equal(started[1].asked.length, 1, "it is still busy");
  started[1].say({ kind: "cancelled", id: started[1].current.id });
  assert.equal(started[1].current.task.to, 990);
  for (const thread of started) thread.finish();
  assert.equal(next.heard.flat().length, 2);
});

test("cancelled before it has begun", async () => {
  const { pool: one, started } = pool(2);
  const { cancel, failures } = listen(one, tasks(9));
  cancel();
  await settle();
  assert.deepEqual([started.length, failures.length], [0, 0]);
});

test("an error of a segment ends its search and no other", async () => {
  const { pool: one, started } = pool(2);
  const bad = listen(one, tasks(3, "bad"));
  const good = listen(one, tasks(3, "good"));
  await settle();
  const of = (name: string) =>
    started.find(({ current }) => current.task.question.kind === "outputs" && current.task.question.text === name)!;
  const error = { code: "fault", message: "assertion", user: false, exitCode: 3, stack: "there" } as const;
  of("bad").say({ kind: "error", id: of("bad").current.id, error });
  assert.equal(bad.failures.length, 1);
  assert.ok(bad.failures[0] instanceof RemoteFault);
  for (let n = 0; n < 3; n++) for (const thread of started) thread.finish();
  assert.equal(good.heard.flat().length, 3);
  assert.equal(bad.heard.flat().length, 0);
});

test("whoever puts results together and throws hears of it, and the pool goes on", async () => {
  const { pool: one, started } = pool(1);
  const failures: unknown[] = [];
  const result = () => {
    throw new Error("does not fit");
  };
  one.run(tasks(2), { result, failed: (error) => failures.push(error) });
  await settle();
  started[0].finish();
  assert.match(String(failures), /does not fit/);
  const next = listen(one, tasks(1));
  await settle();
  started[0].finish();
  assert.equal(next.heard[0].length, 1);
});

test("threads that were started beforehand open what will be searched, and are the ones that search it", async () => {
  const { pool: one, started } = pool(3);
  one.prepare(2);
  assert.equal(one.alive, 2);
  one.prepare(1);
  one.open(SUBJECT);
  assert.deepEqual(
    started.map(({ opened }) => opened),
    [[SUBJECT], [SUBJECT]],
  );
  const { heard } = listen(one, tasks(2));
  await settle();
  for (const thread of started) thread.finish();
  assert.deepEqual(
    heard,
    tasks(2).map((task) => [resultOf(task)]),
  );
  one.prepare(9);
  assert.equal(started.length, 3, "no more than there may be");
});

test("a subject that cannot be had, and a pool that is closed", async () => {
  const refused = pool(1, () => Promise.reject(new UserError("gone", "It is gone.")));
  const failed = listen(refused.pool, tasks(1));
  await settle();
  assert.match(String(failed.failures), /It is gone/);
  const { pool: one, started } = pool(2);
  const { failures } = listen(one, tasks(5));
  await settle();
  await one.close();
  assert.ok(started.every(({ isTerminated }) => isTerminated));
  assert.equal((failures[0] as UserError).code, "cancelled");
  assert.equal(failures.length, 1);
  assert.equal(one.alive, 0);
});
