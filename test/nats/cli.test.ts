import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import test, { after } from "node:test";
import { assertRefused, end, file, folder, hindcast, hindcastJson, start } from "../cli/command.ts";
import { NatsServer } from "./nats-server.ts";

const server = await NatsServer.start();

/** Waits until a command says something; fails when it ends without. */
async function said(child: ReturnType<typeof start>, what: RegExp): Promise<void> {
  let text = "";
  const ended = once(child, "exit").then(() => assert.fail(`ended without ${what}: ${text}`));
  ended.catch(() => {});
  while (!what.test(text)) text += String((await Promise.race([once(child.stderr, "data"), ended]))[0]);
}

/** A worker that has said that it works. */
async function startWorker(...args: string[]) {
  const child = start("worker", "--nats", server.url, ...args);
  after(() => child.kill("SIGKILL"));
  await said(child, /Working for/);
  return child;
}

test("a worker says where it works, and Ctrl-C ends it in good order", async () => {
  const child = await startWorker("--threads", "2", "--json");
  child.kill("SIGINT");
  const { exitCode, stdout } = await end(child);
  assert.equal(exitCode, 0);
  assert.deepEqual(JSON.parse(stdout), { server: `127.0.0.1:${server.port}`, threads: 2, segments: 0 });
});

test("no server, no JetStream, no credentials, no address: one sentence each", async () => {
  await assertRefused(
    ["worker", "--nats", "nats://127.0.0.1:1"],
    3,
    "nats-unreachable",
    /No NATS server .* 127\.0\.0\.1:1/,
  );
  await assertRefused(["worker", "--nats", "http://x"], 2, "nats-url", /"http:\/\/x" is no address of a NATS server/);
  const bare = await NatsServer.start([]);
  await assertRefused(["worker", "--nats", bare.url], 3, "nats-jetstream", /without JetStream: start it with -js/);
  const closed = await NatsServer.start(["-js", "--user", "u", "--pass", "secret"]);
  const wrong = closed.url.replace("//", "//u:wrong@");
  const { stderr } = await assertRefused(["worker", "--nats", wrong], 3, "nats-authorization", /does not accept/);
  assert.doesNotMatch(stderr, /wrong/, "passwords are not shown");
  const missing = ["worker", "--nats", closed.url, "--nats-creds", "none.creds"];
  await assertRefused(
    missing,
    3,
    "nats-credentials",
    /none\.creds cannot be used as credentials: there is no such file/,
  );
  const { exitCode } = await hindcast("worker");
  assert.equal(exitCode, 2);
});

test("a user and a password in the address let a worker in", async () => {
  const closed = await NatsServer.start(["-js", "--user", "u", "--pass", "secret"]);
  const child = start("worker", "--nats", closed.url.replace("//", "//u:secret@"));
  await said(child, /Working for 127\.0\.0\.1/);
  child.kill("SIGTERM");
  assert.equal((await end(child)).exitCode, 0);
});

/** Some sixty million steps: enough for a recording with checkpoints in it, and for threads. */
const GUEST = `
        .globl  _start
_start: la      s0, cell
        li      s1, 0
        li      s2, 60
again:  li      t0, 500000
1:      addi    t0, t0, -1
        bnez    t0, 1b
        addi    s1, s1, 1
        call    note
        blt     s1, s2, again
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
        .type   note, @function
note:   sd      s1, 0(s0)
        andi    t0, s1, 3
        bnez    t0, 2f
        li      t1, 0x10000000
        addi    t2, s1, 33
        sb      t2, 0(t1)
        li      t2, 10
        sb      t2, 0(t1)
2:      ret
        .bss
        .balign 8
        .type   cell, @object
        .size   cell, 8
cell:   .space  8
`;

const QUESTIONS = [
  ["writes", "cell", "--count", "--most", "7"],
  ["hits", "note", "--if", "$s1 % 5 == 0", "--log", "s1 is {$s1}"],
  ["calls", "note", "--most", "5"],
  ["series", "*cell"],
];

async function answer(...args: string[]) {
  const { json, exitCode, stderr } = await hindcastJson("query", ...args);
  assert.equal(exitCode, 0, stderr);
  const { seconds: _, ...rest } = json;
  return rest;
}

test("threads and workers give the very answers that one thread gives, though a worker is killed meanwhile", async () => {
  const path = join(folder, "noted.hindcast");
  const recorded = await hindcast("record", file("noted.s", GUEST), "-o", path);
  assert.equal(recorded.exitCode, 0, recorded.stderr);
  const killed = await startWorker("--threads", "1");
  const workers = [await startWorker("--threads", "1")];
  for (const question of QUESTIONS) {
    const alone = await answer(path, ...question, "--threads", "1");
    assert.ok((alone.hits as unknown[]).length > 3, JSON.stringify(alone));
    assert.deepEqual(await answer(path, ...question, "--threads", "2"), alone);
    const distributed = answer(path, ...question, "--nats", server.url);
    if (question === QUESTIONS[0]) killed.kill("SIGKILL");
    assert.deepEqual(await distributed, alone);
  }
  for (const worker of workers) worker.kill("SIGINT");
  for (const worker of workers) assert.equal((await end(worker)).exitCode, 0);
});

test("a condition that means nothing is one sentence, whoever searches; what uses no workers refuses them", async () => {
  const path = join(folder, "noted.hindcast");
  const worker = await startWorker("--threads", "1");
  const bad = ["hits", "note", "--if", "nothing == 1"];
  const alone = await hindcastJson("query", path, ...bad, "--threads", "1");
  const distributed = await hindcastJson("query", path, ...bad, "--nats", server.url);
  assert.deepEqual([distributed.exitCode, distributed.json.error], [alone.exitCode, alone.json.error]);
  await assertRefused(["query", path, "last-write", "cell", "--nats", server.url], 2, "usage", /does not use --nats/);
  worker.kill("SIGINT");
  await end(worker);
});

test("a query that is interrupted while no worker is there ends at once", async () => {
  const child = start("query", join(folder, "noted.hindcast"), "writes", "cell", "--nats", server.url, "--json");
  await said(child, /No worker is connected/);
  child.kill("SIGINT");
  const { exitCode, stdout } = await end(child);
  assert.equal(exitCode, 130);
  assert.equal(JSON.parse(stdout).interrupted, true);
});
