import assert from "node:assert/strict";
import test from "node:test";
import type { DebugProtocol } from "@vscode/debugprotocol";
import type { OriginBody } from "../../src/adapter/custom-protocol.ts";
import { SOURCE } from "./fake-debuggee.ts";
import { TestClient } from "./harness.ts";

async function launched(capabilities?: object): Promise<TestClient> {
  const client = new TestClient();
  await client.launchStopped({}, capabilities);
  return client;
}

/** What the debug console prints for a line. */
async function type(client: TestClient, expression: string): Promise<string> {
  const { result } = await client.request<DebugProtocol.EvaluateResponse["body"]>("evaluate", {
    expression,
    context: "repl",
  });
  return result;
}

test("hindcast/timeline", async () => {
  const client = await launched();
  assert.deepEqual(await client.request("hindcast/timeline", { from: 1, to: 40, most: 10 }), {
    first: 0,
    now: 0,
    end: 50,
    live: false,
    marks: [{ kind: "output", instant: 10, label: "hello" }],
    total: 1,
  });
  assert.ok(client.debuggee.calls.includes("timeline 1 40 10"));
  await client.request("hindcast/timeline");
  assert.ok(client.debuggee.calls.includes("timeline undefined undefined 1000"));
});

test("hindcast/lastWrite, by address and by name, and going there", async () => {
  const client = await launched();
  const write = {
    instant: 7,
    pc: "0x8000001c",
    symbol: "main+0x1c",
    source: { path: SOURCE, line: 8, column: 1 },
  };
  assert.deepEqual(await client.request("hindcast/lastWrite", { address: "0x80000040", length: 4, before: 30 }), {
    write,
  });
  assert.ok(client.debuggee.calls.includes("lastWrite 80000040 4 30"));
  assert.deepEqual(await client.request("hindcast/lastWrite", { address: "counter", seek: true }), { write });
  assert.ok(client.debuggee.calls.includes("lastWrite 80000040 8 undefined"), "the size of what is named");
  await client.event("stopped");
  assert.equal(client.debuggee.now, 7);
  assert.deepEqual(await client.request("hindcast/lastWrite", { address: "0x80000000" }), {});
  assert.match((await client.refused("hindcast/lastWrite", { address: "what" })).message, /“what” is not known/);
});

test("hindcast/lastRead: the same question about reads", async () => {
  const client = await launched();
  assert.deepEqual(await client.request("hindcast/lastRead", { address: "counter", length: 4, before: 30 }), {});
  assert.ok(client.debuggee.calls.includes("lastRead 80000040 4 30"));
});

test("hindcast/origin: the chain, and how each of its places is asked on", async () => {
  const client = await launched();
  const body = await client.request<OriginBody>("hindcast/origin", { place: "a0", instant: 9, depth: 2, most: 5 });
  assert.ok(client.debuggee.calls.includes('origin a0 0 {"at":9,"depth":2,"most":5}'));
  assert.deepEqual([body.instant, body.hart, body.value], [9, 0, "0x5"]);
  assert.deepEqual(body.place, { kind: "register", name: "a0", ask: { place: "a0", instant: 9, hart: 0 } });
  const [step] = body.steps;
  assert.deepEqual([step.instant, step.pc, step.text, step.follows], [7, "0x8000001c", "ld a0,0(s0)", 0]);
  assert.deepEqual(step.place.ask, { place: "a0", instant: 8, hart: 0 }, "behind the step, it holds what it wrote");
  assert.deepEqual(step.operands[0], {
    place: {
      ...{ kind: "memory", name: "cell", address: "0x80000040", physical: "phys:0x80000040", length: 8 },
      ask: { place: "phys:0x80000040", instant: 7, hart: 0, length: 8 },
    },
    role: "value",
    value: "0x5",
  });
  assert.deepEqual(body.end, {
    ...{ kind: "image", sentence: "Nothing has written to cell since reset.", address: "0x80000040" },
  });
});

test("hindcast/instantOfOutput", async () => {
  const client = await launched();
  assert.deepEqual(await client.request("hindcast/instantOfOutput", { offset: 3 }), { instant: 13 });
  assert.deepEqual(await client.request("hindcast/instantOfOutput", { offset: 9 }), {});
  await client.request("hindcast/instantOfOutput", { offset: 4, seek: true });
  await client.event("stopped");
  assert.equal(client.debuggee.now, 14);
  const { message } = await client.refused("hindcast/instantOfOutput", { offset: 9, seek: true });
  assert.match(message, /has not printed a byte number 9/);
});

test("bookmarks are removed and renamed by instant and name", async () => {
  const client = await launched();
  await client.request("hindcast/removeBookmark", { instant: 4, name: "four" });
  await client.request("hindcast/renameBookmark", { instant: 5, name: "five", newName: "cinq" });
  assert.deepEqual(client.debuggee.calls.slice(-2), ["removeBookmark 4 four", "renameBookmark 5 five cinq"]);
  assert.match((await client.refused("hindcast/removeBookmark", { name: "four" })).message, /instant/);
});

test("hindcast/bookmark and hindcast/input", async () => {
  const client = await launched();
  client.debuggee.now = 7;
  await client.request("hindcast/bookmark", { name: "here it begins" });
  await client.request("hindcast/bookmark", { name: "there it ends", instant: 40 });
  await client.request("hindcast/input", { text: "ü" });
  await client.request("hindcast/input", { base64: Buffer.from("key").toString("base64") });
  assert.deepEqual(client.debuggee.calls.slice(-4), [
    "bookmark here it begins at 7",
    "bookmark there it ends at 40",
    "input ü",
    "input key",
  ]);
  assert.match((await client.refused("hindcast/input", {})).message, /either “text” or “base64”/);
  assert.match((await client.refused("hindcast/input", { text: "a", base64: "a" })).message, /either/);
});

test("hindcast/status and hindcast/timelineChanged", async () => {
  const client = await launched();
  const status = { instant: 5, end: 50, stepsPerSecond: 8e7, recordingBytes: 4096, running: true, checks: 7 };
  client.debuggee.emit({ type: "status", ...status });
  client.debuggee.emit({ type: "timelineChanged" });
  assert.deepEqual(await client.event("hindcast/status"), status);
  await client.event("hindcast/timelineChanged");
});

test("the debug console travels", async () => {
  const client = await launched();
  await type(client, "goto 20");
  await client.event("stopped");
  assert.equal(client.debuggee.now, 20);
  await type(client, "goto -5");
  await client.event("stopped");
  assert.equal(client.debuggee.now, 15);
  await type(client, "goto +1e1");
  await client.event("stopped");
  assert.equal(client.debuggee.now, 25);
  await type(client, "goto start");
  await client.event("stopped");
  assert.equal(client.debuggee.now, 0);
  assert.equal(await type(client, "goto end"), "to instant 50");
  await client.event("stopped");
  for (const [line, call] of [
    ["reverse-step", "step over backward line 0"],
    ["reverse-step-in", "step into backward line 0"],
    ["reverse-step-out", "step out backward line 0"],
    ["reverse-continue", "reverseContinue"],
    ["output 2", "seek 12"],
  ]) {
    await type(client, line);
    await client.event("stopped");
    assert.equal(client.debuggee.calls.filter((made) => !made.startsWith("timeline")).at(-1), call, line);
  }
  assert.equal(client.events("continued").length, 10, "clients do not know that evaluate moves the machine");
});

test("the debug console answers", async () => {
  const client = await launched();
  assert.equal(await type(client, "instant"), "instant 0 of 50");
  assert.equal(await type(client, "last-write counter"), `instant 7: main+0x1c (${SOURCE}:8); “goto 7” goes there`);
  await type(client, "last-write 0x80000040 4 before 1,000");
  assert.equal(client.debuggee.calls.at(-1), "lastWrite 80000040 4 1000");
  assert.match(await type(client, "last-write 0x80000000"), /Nothing wrote 0x80000000/);
  assert.equal(await type(client, "bookmark the crash"), "bookmark “the crash”");
  assert.match(await type(client, "output 77"), /has not printed/);
  const help = await type(client, "help");
  assert.equal(
    await type(client, "origin a0"),
    `instant 7: ld a0,0(s0)            a0 was loaded from cell (8 bytes) (${SOURCE}:8)\nNothing has written to cell since reset.`,
  );
  for (const word of ["goto", "last-write", "origin PLACE", "reverse-continue", "Anything else is an expression"]) {
    assert.match(help, new RegExp(word));
  }
});

test("wrong use of a command shows how it is meant", async () => {
  const client = await launched();
  for (const [line, usage] of [
    ["goto", /^Usage: goto INSTANT/],
    ["goto nowhere", /^Usage: goto/],
    ["goto 1 2", /^Usage: goto/],
    ["last-write", /^Usage: last-write PLACE/],
    ["last-write counter before", /^Usage: last-write/],
    ["bookmark", /^Usage: bookmark NAME/],
    ["reverse-step 3", /^Usage: reverse-step$/],
  ] as const) {
    assert.match((await client.refused("evaluate", { expression: line, context: "repl" })).message, usage, line);
  }
});

test("commands are for the console only: a watch is always an expression", async () => {
  const client = await launched();
  assert.match((await client.refused("evaluate", { expression: "help", context: "watch" })).message, /is not known/);
  assert.match((await client.refused("evaluate", { expression: "(help)", context: "repl" })).message, /is not known/);
});

test("while the machine runs the console still says where it is, and refuses to travel", async () => {
  const client = await launched();
  client.debuggee.endless = true;
  await client.request("continue", { threadId: 1 });
  assert.match(await type(client, "instant"), /^instant 0 of 50/);
  const { message } = await client.refused("evaluate", { expression: "goto 3", context: "repl" });
  assert.match(message, /is running; pause it first/);
});

test("completions: commands at the beginning, names everywhere", async () => {
  const client = await launched();
  const complete = async (text: string, column = text.length + 1, line?: number) =>
    (await client.request<DebugProtocol.CompletionsResponse["body"]>("completions", { text, column, line })).targets;
  assert.deepEqual(await complete("got"), [
    { label: "goto", detail: "travel to an instant", type: "keyword", start: 1, length: 3 },
  ]);
  assert.deepEqual(
    (await complete("reverse-step-")).map(({ label, length }) => [label, length]),
    [
      ["reverse-step-in", 13],
      ["reverse-step-out", 13],
    ],
  );
  assert.deepEqual(await complete("1 + a"), [
    { label: "a0", detail: "register", type: "variable", start: 5, length: 1 },
    { label: "a1", detail: "register", type: "variable", start: 5, length: 1 },
    { label: "add_node", detail: "function", type: "function", start: 5, length: 1 },
  ]);
  assert.equal((await complete("a0 + zz", 3)).at(0)?.label, "a0", "what is before the cursor counts");
  assert.deepEqual(
    (await complete("first\nad", 3, 2)).map(({ label }) => label),
    ["add_node"],
  );
  assert.ok((await complete("")).length > 5, "an empty line offers the commands");
  assert.deepEqual(await complete("1 + "), []);
});

test("completions for a client that counts from 0", async () => {
  const client = await launched({ linesStartAt1: false, columnsStartAt1: false });
  const { targets } = await client.request<DebugProtocol.CompletionsResponse["body"]>("completions", {
    text: "1 + a1",
    column: 6,
    line: 0,
  });
  assert.deepEqual(targets, [{ label: "a1", detail: "register", type: "variable", start: 4, length: 2 }]);
});

test("the guest's console and log points reach the client before the stop", async () => {
  const client = await launched();
  client.debuggee.resume = async () => {
    client.debuggee.print("hello\n");
    client.debuggee.print("world\n");
    const log = { category: "log" as const, bytes: Buffer.from("a0 = 1"), instant: 3 };
    client.debuggee.emit({ type: "output", ...log, source: { path: SOURCE, line: 4, column: 1 } });
    client.debuggee.emit({ type: "output", category: "notice", bytes: Buffer.from("by the way\n"), instant: 3 });
    return { reason: "pause", instant: 3, hart: 0, description: "Paused", breakpoints: [] };
  };
  const before = client.messages.length;
  await client.request("continue", { threadId: 1 });
  await client.event("stopped");
  assert.equal(client.output("stdout"), "hello\nworld\n");
  const events = client.messages.slice(before).flatMap((message) => (message as DebugProtocol.Event).event ?? []);
  assert.equal(events.at(-1), "stopped");
  const log = client.events("output").find(({ output }) => output === "a0 = 1\n");
  assert.deepEqual(log, {
    category: "console",
    output: "a0 = 1\n",
    source: { name: "guest.s", path: SOURCE },
    line: 4,
    column: 1,
  });
  assert.match(client.output("console"), /by the way\n/);
});

test("what a view asks by itself while the machine runs is refused without a word to the user", async () => {
  const client = await launched();
  client.debuggee.endless = true;
  client.post("continue", { threadId: 1 });
  for (const [request, args] of [
    ["hindcast/machine", {}],
    ["hindcast/csrs", {}],
    ["hindcast/translate", { address: "0x80000000" }],
  ] as const) {
    const { message, showUser } = await client.refused(request, args);
    assert.match(message, /running/);
    assert.equal(showUser, false, request);
  }
});

test("a line that replay-only code logged leads to its instant, where the client makes links of such", async () => {
  const log = {
    type: "output",
    category: "log",
    bytes: Buffer.from("1 broken"),
    instant: 1234,
    replayOnly: true,
  } as const;
  const client = await launched({ clientID: "vscode" });
  client.debuggee.emit({ ...log, instant: 30, source: { path: SOURCE, line: 31, column: 1 } });
  const { output, variablesReference } = await client.event<DebugProtocol.OutputEvent["body"]>("output");
  assert.equal(output, "[30] 1 broken\n");
  const { variables } = await client.request<DebugProtocol.VariablesResponse["body"]>("variables", {
    variablesReference,
  });
  assert.deepEqual(variables, [
    { name: "", value: "[30] 1 broken", variablesReference: 0, valueLocationReference: variablesReference },
  ]);
  const location = await client.request<DebugProtocol.LocationsResponse["body"]>("locations", {
    locationReference: variables[0].valueLocationReference,
  });
  assert.deepEqual(location, { source: { name: "guest.s", path: SOURCE }, line: 31, column: 1 });
  await client.event("stopped");
  assert.equal(client.debuggee.now, 30);
  const { message } = await client.refused("locations", { locationReference: 7 });
  assert.match(message, /too old/);

  const other = await launched();
  other.debuggee.emit(log);
  const plain = await other.event<DebugProtocol.OutputEvent["body"]>("output");
  assert.deepEqual(plain, { category: "console", output: "[1,234] 1 broken\n" });

  test("hindcast/firstRead and hindcast/firstDifference find forwards from an instant, and go there when asked", async () => {
    const client = await launched();
    const { row } = await client.request<{ row: object }>("hindcast/firstRead", { address: "counter", from: 3 });
    assert.deepEqual(row, {
      ...{ instant: 12, hart: 0, pc: "0x80000030", symbol: "main" },
      ...{ text: "cell = 8", bits: "0x8" },
    });
    assert.deepEqual(await client.request("hindcast/firstRead", { address: "0x80000000", length: 4 }), {});
    await client.request("hindcast/firstDifference", { address: "counter", from: 3, seek: true });
    await client.event("stopped");
    assert.equal(client.debuggee.now, 14);
    assert.deepEqual(
      client.debuggee.calls.filter((call) => call.startsWith("first")),
      [
        "firstRead 80000040 8 3",
        "firstRead 80000000 4 undefined",
        'firstDifference {"address":"80000040","length":8,"use":{"hart":0}} 3',
      ],
    );
  });
});
