import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { SegmentResult, SegmentTask } from "../../src/debuggee/search-protocol.ts";
import { connectNats } from "../../src/host/nats-connection.ts";
import { NatsRunner } from "../../src/host/nats-runner.ts";
import { NatsWorker } from "../../src/host/nats-worker.ts";
import { RecordingCache } from "../../src/host/recording-exchange.ts";
import { decodeMessage, encodeMessage } from "../../src/host/segment-queue.ts";
import { fakePool, fakeResult, fakeTasks } from "./fake-segments.ts";
import { NatsServer } from "./nats-server.ts";

const PROCESS = fileURLToPath(new URL("./worker-process.ts", import.meta.url));
/** Short, so that a test does not wait long for a segment of a worker that was killed. */
const TIMES = { ackWaitMs: 1500, mostDeliveries: 4 };
const DEADLINE_MS = 60_000;

const server = await NatsServer.start();
const recording = join(server.folder, "run.hindcast");
writeFileSync(recording, "not looked into");
const cache = join(server.folder, "cache");
const closing: (() => Promise<unknown>)[] = [];
after(async () => {
  await Promise.all(closing.map((close) => close()));
});

async function runner(said: string[] = [], path = recording) {
  const nats = await connectNats({ url: server.url }, "query");
  const options = { subject: { path, end: 1e9 }, say: (sentence: string) => said.push(sentence), times: TIMES };
  const one = await NatsRunner.open(nats, options);
  closing.push(() => one.close());
  return one;
}

async function worker(
  threads: number,
  ms: number,
  options: { begun?: SegmentTask[]; once?: boolean; said?: string[] } = {},
) {
  const { begun = [], once: isOnce = false, said = [] } = options;
  const one = await NatsWorker.start(await connectNats({ url: server.url }, "worker"), {
    threads,
    once: isOnce,
    say: (sentence) => said.push(sentence),
    times: TIMES,
    cache: new RecordingCache(cache),
    makePool: () => fakePool(ms, (task) => begun.push(task)),
  });
  closing.push(() => one.stop());
  return one;
}

/** A worker in a process of its own; `begun` resolves when it is at a segment. */
async function workerProcess(threads: number, ms: number): Promise<{ child: ChildProcess; begun: Promise<void> }> {
  const args = [PROCESS, server.url, String(threads), String(ms), String(TIMES.ackWaitMs), cache];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  closing.push(async () => child.kill("SIGKILL"));
  const begun = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<void>();
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    if (text.includes("ready")) ready.resolve();
    if (text.includes("begun")) begun.resolve();
  });
  await ready.promise;
  return { child, begun: begun.promise };
}

/** Runs tasks to their end: every result, by index, each once. */
function search(
  on: NatsRunner,
  tasks: readonly SegmentTask[],
): { results: Promise<SegmentResult[]>; cancel: () => void } {
  const heard: SegmentResult[] = [];
  const over = Promise.withResolvers<SegmentResult[]>();
  let count = 0;
  const { cancel } = on.run(tasks, {
    result: (index, result) => {
      assert.equal(heard[index], undefined, `segment ${index} counted twice`);
      heard[index] = result;
      if (++count === tasks.length) over.resolve(heard);
    },
    failed: over.reject,
  });
  const deadline = setTimeout(() => over.reject(new Error(`${count} of ${tasks.length} segments`)), DEADLINE_MS);
  void over.promise.catch(() => {}).finally(() => clearTimeout(deadline));
  return { results: over.promise, cancel };
}

/** Once whoever cleans up has had time to. */
async function assertNothingLeft(): Promise<void> {
  const { manager, connection } = await connectNats({ url: server.url }, "judge");
  const left = async () => {
    const found: string[] = [];
    for (const name of ["HINDCAST_SEGMENTS", "HINDCAST_RESULTS"]) {
      const { state } = await manager.streams.info(name);
      for (let seq = state.first_seq; state.messages > 0 && seq <= state.last_seq; seq++) {
        const message = await manager.streams.getMessage(name, { seq });
        if (message !== null)
          found.push(
            `${name} ${seq}: ${JSON.stringify(decodeMessage(message.data), (_, part) => (typeof part === "bigint" ? String(part) : part))}`,
          );
      }
    }
    return found;
  };
  let found = await left();
  for (let tries = 0; found.length > 0 && tries < 100; tries++) {
    await sleep(50);
    found = await left();
  }
  await connection.close();
  assert.deepEqual(found, []);
}

test("a query's segments come back from a worker, each once, and nothing is left at the server", async () => {
  const begun: SegmentTask[] = [];
  const one = await worker(2, 1, { begun });
  const tasks = fakeTasks(60);
  const { results } = search(await runner(), tasks);
  assert.deepEqual(await results, tasks.map(fakeResult));
  assert.deepEqual(
    begun.slice(0, 2).map(({ to }) => to),
    [6000, 5900],
    "the newest are begun first",
  );
  assert.equal(begun.length, 60);
  await one.stop();
  await assertNothingLeft();
});

test("workers that are killed in the midst of a segment, one that comes late, one that ends cleanly: the same rows", async () => {
  const [killed, interrupted] = await Promise.all([workerProcess(2, 200), workerProcess(1, 200)]);
  const tasks = fakeTasks(40, "killed");
  const { results } = search(await runner(), tasks);
  await Promise.all([killed.begun, interrupted.begun]);
  killed.child.kill("SIGKILL");
  interrupted.child.kill("SIGINT");
  await Promise.all(
    [killed.child, interrupted.child].map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")),
  );
  const late = await worker(2, 5);
  assert.deepEqual(await results, tasks.map(fakeResult));
  await late.stop();
  await assertNothingLeft();
});

test("the server is killed and started anew under load", async () => {
  const begun: SegmentTask[] = [];
  const one = await worker(2, 20, { begun });
  const tasks = fakeTasks(50, "restart");
  const said: string[] = [];
  const { results } = search(await runner(said), tasks);
  while (begun.length < 10) await sleep(5);
  await server.stop("SIGKILL");
  await sleep(500);
  await server.begin();
  assert.deepEqual(await results, tasks.map(fakeResult));
  assert.ok(
    said.some((sentence) => /is lost/.test(sentence)),
    said.join("\n"),
  );
  await one.stop();
  await assertNothingLeft();
});

test("two queries at once share the workers, and neither gets the other's", async () => {
  const one = await worker(2, 5);
  const [a, b] = [fakeTasks(30, "a"), fakeTasks(30, "b")];
  const both = [search(await runner(), a).results, search(await runner(), b).results];
  assert.deepEqual(await Promise.all(both), [a.map(fakeResult), b.map(fakeResult)]);
  await one.stop();
  await assertNothingLeft();
});

test("an answer that comes twice counts once, and one to nothing not at all", async () => {
  const nats = await connectNats({ url: server.url }, "echo");
  const tasks = fakeTasks(5, "twice");
  // The last ones may come when the connection has been closed.
  const publish = (...args: Parameters<typeof nats.stream.publish>) => nats.stream.publish(...args).catch(() => {});
  // Says every answer again, under another number of the message, and one for a segment that there is not.
  const echo = nats.connection.subscribe("hindcast.results.*", {
    callback: (_, { subject, data, headers }) => {
      if (headers?.has("echo")) return;
      for (const times of [1, 2])
        void publish(subject, data, { msgID: `echo ${times} ${Math.random()}`, headers: echoed() });
      void publish(subject, encodeMessage({ index: 99, worker: "x", result: fakeResult(tasks[0]) }), {
        headers: echoed(),
      });
    },
  });
  const { headers: makeHeaders } = await import("@nats-io/transport-node");
  const echoed = () => {
    const made = makeHeaders();
    made.set("echo", "1");
    return made;
  };
  const one = await worker(1, 5);
  const { results } = search(await runner(), tasks);
  assert.deepEqual(await results, tasks.map(fakeResult));
  echo.unsubscribe();
  await one.stop();
  // What the echo has said behind the query's end.
  await nats.manager.streams.purge("HINDCAST_RESULTS");
  await nats.connection.close();
});

test("a segment in which every worker dies is given up with one sentence", async () => {
  const { results } = search(await runner(), fakeTasks(1, "deadly"));
  results.catch(() => {});
  for (let n = 0; n < TIMES.mostDeliveries; n++) {
    const { child, begun } = await workerProcess(1, 60_000);
    await begun;
    child.kill("SIGKILL");
  }
  const last = await worker(1, 1);
  await assert.rejects(results, /given up: instants 0 to 100 were begun by workers 4 times/);
  await last.stop();
  await assertNothingLeft();
});

test("cancelled: workers let go, and nothing is left", async () => {
  const begun: SegmentTask[] = [];
  const one = await worker(1, 30_000, { begun });
  const query = await runner();
  const { cancel } = search(query, fakeTasks(20, "cancelled"));
  while (begun.length === 0) await sleep(5);
  cancel();
  const next = fakeTasks(1, "next");
  const { results } = search(query, next);
  while (begun.length < 2) await sleep(5);
  assert.deepEqual(
    begun.map(({ question }) => question.kind === "outputs" && question.text),
    ["cancelled", "next"],
  );
  await one.stop();
  const other = await worker(1, 1);
  assert.deepEqual(await results, next.map(fakeResult));
  await other.stop();
  await assertNothingLeft();
});

test("a query that was killed blocks nobody", async () => {
  const gone = await connectNats({ url: server.url }, "killed");
  const options = { subject: { path: recording, end: 1e9 }, say: () => {}, times: TIMES };
  const killed = await NatsRunner.open(gone, options);
  killed.run(fakeTasks(20, "killed"), { result: () => {}, failed: () => {} });
  await sleep(300);
  // As if the process had gone: nothing is said any more.
  await gone.connection.close();
  const begun: SegmentTask[] = [];
  const one = await worker(2, 20, { begun });
  const tasks = fakeTasks(4, "alive");
  assert.deepEqual(await search(await runner(), tasks).results, tasks.map(fakeResult));
  assert.ok(begun.every(({ question }) => question.kind === "outputs" && question.text === "alive"));
  await one.stop();
  await killed.close();
  await assertNothingLeft();
});

test("segments that the server has lost are queued again", async () => {
  const query = await runner();
  const tasks = fakeTasks(3, "lost");
  const { results } = search(query, tasks);
  const nats = await connectNats({ url: server.url }, "thief");
  await sleep(300);
  await nats.manager.streams.purge("HINDCAST_SEGMENTS");
  await nats.connection.close();
  const one = await worker(1, 1);
  assert.deepEqual(await results, tasks.map(fakeResult));
  await one.stop();
});

test("the recording is where the query has it, or comes through the server, whole or not at all", async () => {
  const path = join(server.folder, "moved.hindcast");
  writeFileSync(path, Buffer.alloc(700_000, "a recording of some size"));
  const query = await runner([], path);
  // On this computer the file is another now: as if it were a computer without it.
  writeFileSync(path, "something else");
  const said: string[] = [];
  const one = await worker(1, 1, { said });
  const tasks = fakeTasks(3, "moved");
  assert.deepEqual(await search(query, tasks).results, tasks.map(fakeResult));
  assert.ok(
    said.some((sentence) => /^Fetching the recording/.test(sentence)),
    said.join("\n"),
  );
  assert.equal(readdirSync(cache).length, 1);
  assert.ok(!readdirSync(cache).some((name) => name.endsWith(".part")));
  await one.stop();
});

test("--once ends when nothing is left to do", async () => {
  const one = await worker(2, 1, { once: true });
  const tasks = fakeTasks(5, "once");
  assert.deepEqual(await search(await runner(), tasks).results, tasks.map(fakeResult));
  await one.ended;
  assert.equal(one.done, 5);
  assert.ok(!existsSync(join(cache, "x.part")));
});
