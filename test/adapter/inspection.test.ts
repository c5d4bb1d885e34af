import assert from "node:assert/strict";
import test from "node:test";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { SOURCE } from "./fake-debuggee.ts";
import { TestClient } from "./harness.ts";

type Trace = DebugProtocol.StackTraceResponse["body"];
type Variables = { variables: DebugProtocol.Variable[] };

async function launched(capabilities?: object, prepare: (client: TestClient) => void = () => {}): Promise<TestClient> {
  const client = new TestClient();
  prepare(client);
  await client.launchStopped({}, capabilities);
  return client;
}

test("the stack, and guesses marked as such", async () => {
  const client = await launched();
  const { stackFrames, totalFrames } = await client.request<Trace>("stackTrace", { threadId: 1 });
  assert.equal(totalFrames, 2);
  assert.deepEqual(stackFrames, [
    {
      id: 1,
      name: "main+0x4",
      source: { name: "guest.s", path: SOURCE },
      line: 1,
      column: 1,
      instructionPointerReference: "0x80000000",
      presentationHint: "normal",
      canRestart: false,
    },
    {
      id: 2,
      name: "_start (guess)",
      line: 0,
      column: 0,
      instructionPointerReference: "0x80000000",
      presentationHint: "normal",
      canRestart: false,
    },
  ]);
});

test("the stack in pages is walked once", async () => {
  const client = await launched();
  const first = await client.request<Trace>("stackTrace", { threadId: 1, startFrame: 0, levels: 1 });
  const rest = await client.request<Trace>("stackTrace", { threadId: 1, startFrame: 1, levels: 20 });
  assert.deepEqual([first.stackFrames.length, first.totalFrames], [1, 2]);
  assert.deepEqual(
    [...first.stackFrames, ...rest.stackFrames].map(({ id }) => id),
    [1, 2],
  );
  const beyond = await client.request<Trace>("stackTrace", { threadId: 1, startFrame: 5, levels: 1 });
  assert.deepEqual(beyond.stackFrames, []);
  assert.equal(client.debuggee.calls.filter((call) => call.startsWith("frames")).length, 1);
});

test("frames of before a step are refused, never mistaken for others", async () => {
  const client = await launched();
  const before = await client.request<Trace>("stackTrace", { threadId: 1 });
  await client.request("next", { threadId: 1 });
  await client.event("stopped");
  const after = await client.request<Trace>("stackTrace", { threadId: 1 });
  const ids = new Set([...before.stackFrames, ...after.stackFrames].map(({ id }) => id));
  assert.equal(ids.size, 4);
  const { message, showUser } = await client.refused("scopes", { frameId: before.stackFrames[0].id });
  assert.match(message, /frame is gone/);
  assert.equal(showUser, false);
});

test("scopes and variables, whole and in pages", async () => {
  const client = await launched();
  const { stackFrames } = await client.request<Trace>("stackTrace", { threadId: 1 });
  const { scopes } = await client.request<DebugProtocol.ScopesResponse["body"]>("scopes", {
    frameId: stackFrames[0].id,
  });
  assert.deepEqual(scopes, [
    { name: "Registers", variablesReference: 100, expensive: false, presentationHint: "registers" },
  ]);
  const all = await client.request<Variables>("variables", { variablesReference: 100 });
  assert.deepEqual(all.variables, [
    { name: "a0", value: "42", variablesReference: 0, type: "u64", evaluateName: "a0" },
    { name: "counter", value: "7", variablesReference: 0, memoryReference: "0x80000040" },
    { name: "zero", value: "0", variablesReference: 0, presentationHint: { attributes: ["readOnly"] } },
  ]);
  const page = await client.request<Variables>("variables", { variablesReference: 100, start: 1, count: 1 });
  assert.deepEqual(
    page.variables.map(({ name }) => name),
    ["counter"],
  );
  const rest = await client.request<Variables>("variables", { variablesReference: 100, start: 1, count: 0 });
  assert.equal(rest.variables.length, 2);
});

test("a client that knows neither types nor memory references gets none", async () => {
  const client = await launched({});
  const { variables } = await client.request<Variables>("variables", { variablesReference: 100 });
  assert.deepEqual(variables[0], { name: "a0", value: "42", variablesReference: 0, evaluateName: "a0" });
  assert.equal(variables[1].memoryReference, undefined);
});

test("setting a variable; what is cached becomes void", async () => {
  const client = await launched();
  assert.deepEqual(await client.request("setVariable", { variablesReference: 100, name: "a0", value: "5" }), {
    value: "5",
    variablesReference: 0,
    type: "u64",
  });
  assert.deepEqual(client.events("invalidated"), [{ areas: ["stacks", "variables"] }]);
  const { message, showUser } = await client.refused("setVariable", {
    variablesReference: 100,
    name: "zero",
    value: "1",
  });
  assert.match(message, /“zero” cannot be set/);
  assert.equal(showUser, false, "clients show it where the value was typed");
  assert.deepEqual(await client.request("setExpression", { expression: "counter", value: "9" }), {
    value: "9",
    variablesReference: 0,
    memoryReference: "0x80000040",
  });
});

test("neither invalidated nor memory events for a client that does not know them", async () => {
  const client = await launched({});
  await client.request("readMemory", { memoryReference: "0x80000000", count: 4 });
  await client.request("setVariable", { variablesReference: 100, name: "a0", value: "5" });
  await client.request("setExpression", { expression: "counter", value: "9" });
  await client.request("next", { threadId: 1 });
  await client.event("stopped");
  assert.deepEqual([...client.events("invalidated"), ...client.events("memory")], []);
});

test("evaluate in every context", async () => {
  const client = await launched();
  const { stackFrames } = await client.request<Trace>("stackTrace", { threadId: 1 });
  for (const context of ["watch", "hover", "clipboard", "repl", "variables", undefined]) {
    assert.deepEqual(await client.request("evaluate", { expression: "a0", frameId: stackFrames[1].id, context }), {
      result: "42",
      type: "u64",
      variablesReference: 0,
    });
  }
  assert.ok(client.debuggee.calls.includes("evaluate a0 0 1 look"), "in the frame that was asked for");
  const uses = client.debuggee.calls.filter((call) => call.startsWith("evaluate")).map((call) => call.split(" ")[4]);
  assert.deepEqual(
    uses,
    ["look", "look", "look", "change", "look", "look"],
    "only what was typed may change the machine",
  );
  const { message, showUser } = await client.refused("evaluate", { expression: "what", context: "hover" });
  assert.deepEqual([message, showUser], ["“what” is not known.", false]);
});

test("memory: read, write, and where it ends", async () => {
  const client = await launched();
  await client.request("writeMemory", { memoryReference: "0x80000010", offset: -8, data: "AQID" });
  assert.deepEqual(await client.request("readMemory", { memoryReference: "0x80000000", offset: 6, count: 6 }), {
    address: "0x80000006",
    data: Buffer.from([0, 0, 1, 2, 3, 0]).toString("base64"),
  });
  assert.deepEqual(await client.request("readMemory", { memoryReference: "0x80000ffe", count: 8 }), {
    address: "0x80000ffe",
    data: "AAA=",
    unreadableBytes: 6,
  });
  assert.deepEqual(await client.request("readMemory", { memoryReference: "0x80000000", count: 0 }), {
    address: "0x80000000",
    data: "",
  });
  const beyond = { memoryReference: "0x80000fff", data: "AQID" };
  const { message, showUser } = await client.refused("writeMemory", beyond);
  assert.deepEqual([message, showUser], ["Nothing was written: there is no memory at 0x80001000.", true]);
  assert.equal(client.debuggee.memory[0xfff], 0);
  assert.deepEqual(await client.request("writeMemory", { ...beyond, allowPartial: true }), { bytesWritten: 1 });
});

test("an edit is told for what it touches: the range itself and the views on it", async () => {
  const client = await launched();
  await client.request("readMemory", { memoryReference: "0x80000040", offset: -16, count: 32 });
  await client.request("readMemory", { memoryReference: "0x80000100", count: 32 });
  await client.request("setExpression", { expression: "counter", value: "9" });
  assert.deepEqual(client.events("memory"), [
    { memoryReference: "0x80000040", offset: 0, count: 8 },
    { memoryReference: "0x80000040", offset: -16, count: 32 },
  ]);
});

test("disassembly: a source only where it changes, filler marked", async () => {
  const client = await launched();
  const { instructions } = await client.request<{ instructions: DebugProtocol.DisassembledInstruction[] }>(
    "disassemble",
    { memoryReference: "0x80000004", offset: 4, instructionOffset: -3, instructionCount: 4 },
  );
  assert.deepEqual(instructions, [
    { address: "0x7ffffffc", instruction: "(no memory)", presentationHint: "invalid" },
    {
      address: "0x80000000",
      instruction: "nop",
      instructionBytes: "13 00 00 00",
      location: { name: "guest.s", path: SOURCE },
      line: 1,
      column: 1,
    },
    { address: "0x80000004", instruction: "nop", instructionBytes: "13 00 00 00", line: 2, column: 1 },
    { address: "0x80000008", instruction: "nop", instructionBytes: "13 00 00 00", line: 3, column: 1 },
  ]);
});

test("exceptionInfo tells of the exception that the machine stopped at", async () => {
  const client = await launched();
  assert.match((await client.refused("exceptionInfo", { threadId: 1 })).message, /did not stop at an exception/);
  client.debuggee.resume = async () => ({
    reason: "exception",
    instant: 1_234_567,
    hart: 0,
    description: "Load access fault at main+0x8",
    breakpoints: [],
    exception: {
      cause: 5,
      name: "Load access fault",
      tval: 0x10n,
      handled: false,
      description: "ld a0, 0(a1) read 0x10, where there is no memory.",
    },
  });
  await client.request("continue", { threadId: 1 });
  assert.equal((await client.event("stopped")).reason, "exception");
  assert.deepEqual(await client.request("exceptionInfo", { threadId: 1 }), {
    exceptionId: "Load access fault",
    description: "ld a0, 0(a1) read 0x10, where there is no memory.",
    breakMode: "unhandled",
    details: {
      message: "ld a0, 0(a1) read 0x10, where there is no memory.",
      typeName: "Load access fault",
      fullTypeName: "Load access fault (mcause 5, mtval 0x10)",
      stackTrace: "hart 0, instant 1,234,567",
    },
  });
});

test("a source that is the same on disk is shown from disk", async () => {
  const client = await launched(undefined, (fresh) => {
    fresh.files.set(SOURCE, "nop\n");
    fresh.onDebuggee = (debuggee) => {
      debuggee.recordedText = "nop\n";
    };
  });
  assert.deepEqual(await client.request("loadedSources"), { sources: [{ name: "guest.s", path: SOURCE }] });
});

for (const [state, onDisk, origin] of [
  ["missing", undefined, "from the recording"],
  ["changed", "edited\n", "from the recording; the file has changed since"],
] as const) {
  test(`a source that is ${state} on disk comes from the recording, and can hold breakpoints`, async () => {
    const client = await launched(undefined, (fresh) => {
      if (onDisk !== undefined) fresh.files.set(SOURCE, onDisk);
      fresh.onDebuggee = (debuggee) => {
        debuggee.recordedText = "recorded\n";
      };
    });
    const source = { name: "guest.s", path: SOURCE, sourceReference: 1, origin };
    assert.deepEqual(await client.request("loadedSources"), { sources: [source] });
    const { stackFrames } = await client.request<Trace>("stackTrace", { threadId: 1 });
    assert.deepEqual(stackFrames[0].source, source);
    assert.deepEqual(await client.request("source", { sourceReference: 1, source }), {
      content: "recorded\n",
      mimeType: "text/x-asm",
    });
    const set = (meant: object) =>
      client.request<DebugProtocol.SetBreakpointsResponse["body"]>("setBreakpoints", {
        source: meant,
        breakpoints: [{ line: 2 }],
      });
    const recorded = await set({ sourceReference: 1 });
    assert.equal(recorded.breakpoints[0].message, undefined);
    assert.equal(client.debuggee.specs("source", SOURCE).length, 1);
    const fromDisk = await set({ path: SOURCE });
    assert.match(fromDisk.breakpoints[0].message!, /not what the program was made from/);
  });
}

test("a source that nobody has is named", async () => {
  const client = await launched();
  const { message } = await client.refused("source", { sourceReference: 0, source: { path: "/gone/x.c" } });
  assert.equal(message, "The text of /gone/x.c is neither in the recording nor on this computer.");
});
