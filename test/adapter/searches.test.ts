import assert from "node:assert/strict";
import test from "node:test";
import type { BreakpointBody, QuestionBody, SearchBody } from "../../src/adapter/custom-protocol.ts";
import { RAM, SOURCE } from "./fake-debuggee.ts";
import { TestClient } from "./harness.ts";

async function launched(): Promise<TestClient> {
  const client = new TestClient();
  await client.launchStopped();
  return client;
}

/** Starts a search; what the debuggee was asked, and what the client was told. */
async function asked(client: TestClient, question: QuestionBody, stretch: object = {}) {
  const body = await client.request<SearchBody>("hindcast/search", { question, ...stretch });
  return { body, ...client.debuggee.found.started.at(-1)! };
}

test("a series: its state, its rows, its columns and what is around an instant", async () => {
  const client = await launched();
  const question: QuestionBody = { kind: "series", expression: "counter" };
  const { body } = await asked(client, question);
  const state = { id: 1, question, from: 0, to: 50, rows: 5, searchedFrom: 0, fraction: 1, done: true, restored: 5 };
  assert.deepEqual(body, { ...state, title: "counter" });
  assert.deepEqual(await client.event("hindcast/search"), body);
  assert.deepEqual(await client.request("hindcast/searches"), { searches: [body] });

  const { rows } = await client.request<{ rows: { instant: number }[] }>("hindcast/searchRows", {
    id: 1,
    first: 1,
    count: 2,
  });
  assert.deepEqual(rows[0], {
    instant: 30,
    hart: 0,
    pc: "0x80000078",
    symbol: "main",
    text: "30",
    number: 30,
    bits: "0x1e",
    access: { address: "0xffffffff80000040", size: 8, value: "0x8000000000000000", kind: "write" },
    call: {
      arguments: [{ name: "a0", value: "0xffffffffffffffff" }],
      returnAddress: "0x80000010",
      returned: { instant: 35, value: "0x7" },
    },
  });
  assert.deepEqual(
    rows.map(({ instant }) => instant),
    [30, 20],
  );

  const { buckets } = await client.request<{ buckets: object[] }>("hindcast/seriesBuckets", {
    id: 1,
    from: 5,
    to: 25,
    most: 4,
  });
  assert.deepEqual(buckets, [
    { from: 5, to: 10, changes: 0 },
    { from: 10, to: 15, min: 10, max: 10, first: 10, last: 10, changes: 1 },
    { from: 15, to: 20, changes: 0 },
    { from: 20, to: 25, min: 20, max: 20, first: 20, last: 20, changes: 1 },
  ]);

  assert.deepEqual(await client.request("hindcast/countRows", { id: 1, from: 10, to: 31 }), { rows: 3 });
  const instants = await client.request("hindcast/rowInstants", { id: 1, from: 10, to: 31, most: 100 });
  assert.deepEqual(instants, { instants: [10, 20, 30] });
  const around = await client.request<Record<string, { instant: number }>>("hindcast/rowsAround", {
    id: 1,
    instant: 20,
  });
  assert.deepEqual([around.before.instant, around.at.instant, around.after.instant], [10, 20, 30]);
  const edge = await client.request<object>("hindcast/rowsAround", { id: 1, instant: 45 });
  assert.deepEqual(Object.keys(edge), ["before"], "what is not there is not in the answer");
});

test("a search is cancelled and closed", async () => {
  const client = await launched();
  client.debuggee.found.endless = true;
  const { body } = await asked(client, { kind: "outputs", text: "hello" }, { from: 10, to: 20 });
  assert.equal(body.done, false);
  assert.deepEqual(client.debuggee.found.started[0].stretch, { from: 10, to: 20 });
  await client.event("hindcast/search");
  await client.request("hindcast/cancelSearch", { id: body.id });
  const { cancelled, done } = await client.event<SearchBody>("hindcast/search");
  assert.deepEqual([cancelled, done], [true, true]);
  await client.request("hindcast/closeSearch", { id: body.id });
  assert.deepEqual(await client.request("hindcast/searches"), { searches: [] });
  assert.match((await client.refused("hindcast/closeSearch", { id: body.id })).message, /There is no search 1/);
});

test("a search goes on when the run has grown", async () => {
  const client = await launched();
  const { body } = await asked(client, { kind: "series", expression: "counter" }, { to: 20 });
  assert.deepEqual([body.to, body.rows], [20, 2]);
  const extended = await client.request<SearchBody>("hindcast/extendSearch", { id: body.id, to: 40 });
  assert.deepEqual([extended.to, extended.rows], [40, 4]);
  assert.deepEqual(extended.question, body.question);
  assert.equal((await client.request<SearchBody>("hindcast/extendSearch", { id: body.id })).to, 50);
});

test("accesses: by address, by expression, by physical address", async () => {
  const client = await launched();
  for (const [address, length, meant, title] of [
    [
      "counter",
      undefined,
      { kind: "writes", address: RAM + 64n, length: 8, use: { hart: 0 } },
      "Writes to counter (8 bytes at 0x80000040)",
    ],
    [
      "0x80000040",
      4,
      { kind: "writes", address: RAM + 64n, length: 4, use: { hart: 0 } },
      "Writes to 4 bytes at 0x80000040",
    ],
    [
      "phys:0x80000000",
      undefined,
      { kind: "writes", address: RAM, length: 1, use: "physical" },
      "Writes to 1 byte at phys:0x80000000",
    ],
  ] as const) {
    const { question, body } = await asked(client, { kind: "writes", address, ...(length && { length }) });
    assert.deepEqual(question, meant, address);
    assert.equal(body.title, title);
    assert.equal(body.question.kind === "writes" && body.question.address, address, "as it was asked");
  }
});

test("places: a file and a line, a function, an address, and as breakpoints have them", async () => {
  const client = await launched();
  client.debuggee.otherSources = ["/project/lib/queue.c", "/elsewhere/queue.c"];
  const source = (path: string, line: number) => ({ kind: "source" as const, path, line });
  for (const [at, meant] of [
    ["guest.s:7", source(SOURCE, 7)],
    [`${SOURCE}:8`, source(SOURCE, 8)],
    ["lib/queue.c:3", source("/project/lib/queue.c", 3)],
    [" ./lib/queue.c:3 ", source("/project/lib/queue.c", 3)],
    ["lib\\queue.c:3", source("/project/lib/queue.c", 3)],
    ["heap_alloc", { kind: "function", name: "heap_alloc" }],
    ["Pool::take", { kind: "function", name: "Pool::take" }],
    ["0x80000004", { kind: "instruction", address: RAM + 4n }],
    [source(SOURCE, 9), source(SOURCE, 9)],
    [
      { kind: "instruction", address: "0x80000004" },
      { kind: "instruction", address: RAM + 4n },
    ],
    [
      { kind: "data", dataId: "0x80000040/8", access: "write" },
      { kind: "data", address: RAM + 64n, length: 8, access: "write" },
    ],
  ] as const) {
    const { question } = await asked(client, { kind: "hits", at });
    assert.deepEqual(question, { kind: "hits", at: meant }, JSON.stringify(at));
  }
  const { question, body } = await asked(client, { kind: "series", expression: "a0", at: "guest.s:7" });
  assert.deepEqual(question, { kind: "series", expression: "a0", at: source(SOURCE, 7) });
  assert.equal(body.title, "a0 at guest.s:7");
  for (const [at, message] of [
    ["queue.c:3", /could be \/project\/lib\/queue.c or \/elsewhere\/queue.c; write more of the path/],
    ["other.c:3", /has no source file other.c/],
    ["uest.s:3", /has no source file uest.s/],
    ["  ", /place is empty/],
    ["99999999999999999999", /not a memory reference/],
  ] as const) {
    assert.match((await client.refused("hindcast/search", { question: { kind: "hits", at } })).message, message);
  }
});

test("what is no question is refused with a sentence", async () => {
  const client = await launched();
  for (const [args, message] of [
    [{}, /question must be an object/],
    [{ question: { kind: "what" } }, /no question “what”; it is one of writes, reads/],
    [{ question: { kind: "toString" } }, /no question “toString”/],
    [{ question: { kind: "writes" } }, /question.address must be a string/],
    [{ question: { kind: "hits" } }, /question.at must be a string/],
    [{ question: { kind: "hits", at: { kind: "source", path: 1 } } }, /question.at.path must be a string/],
    [{ question: { kind: "series", expression: "a0", at: 5 } }, /question.at must be a string/],
    [{ question: { kind: "traps", causes: ["two"] } }, /question.causes\[0\] must be a whole number/],
    [{ question: { kind: "traps" }, from: 9, to: 3 }, /ends before it begins/],
  ] as const) {
    assert.match((await client.refused("hindcast/search", args)).message, message, JSON.stringify(args));
  }
  assert.match((await client.refused("hindcast/searchRows", { id: 1, first: -1, count: 3 })).message, /from -1 on/);
  assert.match((await client.refused("hindcast/searchRows", { id: 1 })).message, /first must be a whole number/);
  assert.match(
    (await client.refused("hindcast/seriesBuckets", { id: 1, from: 3, to: 1, most: 5 })).message,
    /ends before it begins/,
  );
  assert.equal(client.debuggee.found.started.length, 0);
});

test("a search starts and answers while the machine runs, unless its address has to be evaluated", async () => {
  const client = await launched();
  client.debuggee.endless = true;
  await client.request("continue", { threadId: 1 });
  const { body } = await asked(client, { kind: "series", expression: "counter" });
  assert.equal(body.rows, 5);
  const { rows } = await client.request<{ rows: object[] }>("hindcast/searchRows", { id: 1, first: 0, count: 9999 });
  assert.equal(rows.length, 5);
  await client.request("hindcast/closeSearch", { id: 1 });
  const byNumber = await asked(client, { kind: "writes", address: "0x80000040" });
  assert.equal(byNumber.body.rows, 5);
  const { message } = await client.refused("hindcast/search", { question: { kind: "writes", address: "counter" } });
  assert.match(message, /is running; pause it first/);
});

test("all breakpoints of the session can be asked of the whole recording, with what they were given", async () => {
  const client = new TestClient();
  await client.launchStopped();
  const source = { path: SOURCE };
  const log = { line: 8, condition: "a0 > 3", hitCondition: "% 2", logMessage: "{a0}" };
  const check = { line: 9, condition: "broken() != 0", mode: "replay-only-check" };
  await client.request("setBreakpoints", { source, breakpoints: [log, check] });
  await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "main" }] });
  await client.request("setInstructionBreakpoints", { breakpoints: [{ instructionReference: "0x80000010" }] });
  await client.request("setDataBreakpoints", { breakpoints: [{ dataId: "phys:0x80000040/8", accessType: "read" }] });
  const { breakpoints } = await client.request<{ breakpoints: BreakpointBody[] }>("hindcast/breakpoints", {});
  assert.deepEqual(breakpoints, [
    {
      title: "guest.s:8",
      question: {
        kind: "hits",
        at: { kind: "source", path: SOURCE, line: 8 },
        condition: "a0 > 3",
        hitCondition: "% 2",
        logMessage: "{a0}",
      },
    },
    {
      title: "guest.s:9",
      question: { kind: "hits", at: { kind: "source", path: SOURCE, line: 9 }, condition: "broken() != 0" },
      mode: "replay-only-check",
    },
    { title: "function main", question: { kind: "hits", at: { kind: "function", name: "main" } } },
    { title: "0x80000010", question: { kind: "hits", at: { kind: "instruction", address: "0x80000010" } } },
    {
      title: "reads of 8 bytes at phys:0x80000040",
      question: { kind: "hits", at: { kind: "data", dataId: "phys:0x80000040/8", access: "read" } },
    },
  ]);
  for (const { question } of breakpoints) await client.request("hindcast/search", { question });
  assert.deepEqual(
    client.debuggee.found.started.map(({ question }) => (question as { at: unknown }).at),
    [
      { kind: "source", path: SOURCE, line: 8 },
      { kind: "source", path: SOURCE, line: 9 },
      { kind: "function", name: "main" },
      { kind: "instruction", address: 0x8000_0010n },
      { kind: "data", address: 0x8000_0040n, length: 8, use: "physical", access: "read" },
    ],
  );
});
