import assert from "node:assert/strict";
import test from "node:test";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { RAM, SOURCE } from "./fake-debuggee.ts";
import { TestClient } from "./harness.ts";

type Set = { breakpoints: DebugProtocol.Breakpoint[] };
type Info = DebugProtocol.DataBreakpointInfoResponse["body"];

async function launched(capabilities?: object): Promise<TestClient> {
  const client = new TestClient();
  await client.launchStopped({}, capabilities);
  return client;
}

test("source breakpoints with all that hangs on them, in the order asked for", async () => {
  const client = await launched();
  const { breakpoints } = await client.request<Set>("setBreakpoints", {
    source: { path: SOURCE },
    breakpoints: [
      { line: 9, condition: " a0 > 3 ", hitCondition: "% 10", logMessage: "" },
      { line: 99 },
      { line: 4, column: 2, condition: "", hitCondition: null, logMessage: "a0 is {a0}" },
    ],
  });
  assert.deepEqual(breakpoints, [
    {
      id: 1,
      verified: true,
      source: { name: "guest.s", path: SOURCE },
      line: 9,
      instructionReference: "0x80000020",
    },
    { id: 2, verified: false, message: "Line 99 has no code.", reason: "failed" },
    {
      id: 3,
      verified: true,
      source: { name: "guest.s", path: SOURCE },
      line: 4,
      instructionReference: "0x8000000c",
    },
  ]);
  assert.deepEqual(client.debuggee.specs("source", SOURCE), [
    { id: 1, at: { kind: "source", path: SOURCE, line: 9 }, condition: "a0 > 3", hitCondition: "% 10" },
    { id: 2, at: { kind: "source", path: SOURCE, line: 99 } },
    { id: 3, at: { kind: "source", path: SOURCE, line: 4, column: 2 }, logMessage: "a0 is {a0}" },
  ]);
});

test("what stays keeps its id, and with it its count of hits", async () => {
  const client = await launched();
  const ids = async (...breakpoints: object[]) =>
    (await client.request<Set>("setBreakpoints", { source: { path: SOURCE }, breakpoints })).breakpoints.map(
      ({ id }) => id,
    );
  assert.deepEqual(await ids({ line: 3 }, { line: 5 }), [1, 2]);
  assert.deepEqual(await ids({ line: 4 }, { line: 3 }, { line: 5 }), [3, 1, 2]);
  assert.deepEqual(await ids({ line: 3, condition: "a0" }, { line: 5 }, { line: 5 }), [4, 2, 5]);
  assert.deepEqual(await ids(), []);
  assert.deepEqual(await ids({ line: 5 }), [6]);
});

test("clients from before conditions send lines", async () => {
  const client = await launched();
  await client.request("setBreakpoints", { source: { path: SOURCE }, lines: [7, 8] });
  assert.deepEqual(
    client.debuggee.specs("source", SOURCE).map(({ at }) => at.kind === "source" && at.line),
    [7, 8],
  );
});

test("lines from 0, columns from 0, paths as URIs: as the client counts", async () => {
  const client = await launched({ linesStartAt1: false, columnsStartAt1: false, pathFormat: "uri" });
  const { breakpoints } = await client.request<Set>("setBreakpoints", {
    source: { path: "file:///project/guest.s" },
    breakpoints: [{ line: 8, column: 0 }],
  });
  assert.deepEqual(client.debuggee.specs("source", SOURCE)[0].at, { kind: "source", path: SOURCE, line: 9, column: 1 });
  assert.equal(breakpoints[0].line, 8);
  assert.equal(breakpoints[0].source!.path, "file:///project/guest.s");
  const trace = await client.request<DebugProtocol.StackTraceResponse["body"]>("stackTrace", { threadId: 1 });
  assert.deepEqual([trace.stackFrames[0].line, trace.stackFrames[0].column], [0, 0]);
  const locations = await client.request<DebugProtocol.BreakpointLocationsResponse["body"]>("breakpointLocations", {
    source: { path: "file:///project/guest.s" },
    line: 47,
    endLine: 60,
  });
  assert.deepEqual(locations!.breakpoints, [
    { line: 47, column: 2 },
    { line: 48, column: 2 },
    { line: 49, column: 2 },
  ]);
});

test("function, instruction and data breakpoints", async () => {
  const client = await launched();
  const set = async (command: string, ...breakpoints: object[]) =>
    (await client.request<Set>(command, { breakpoints })).breakpoints;
  const [main] = await set("setFunctionBreakpoints", { name: "main", hitCondition: ">= 2" });
  assert.deepEqual([main.verified, main.line], [true, 1]);
  assert.deepEqual(client.debuggee.specs("function"), [
    { id: main.id, at: { kind: "function", name: "main" }, hitCondition: ">= 2" },
  ]);
  await set("setInstructionBreakpoints", { instructionReference: "0x80000010", offset: -8 });
  assert.deepEqual(client.debuggee.specs("instruction")[0].at, { kind: "instruction", address: RAM + 8n });
  await set(
    "setDataBreakpoints",
    { dataId: "0x80000040/8", accessType: "readWrite", condition: "a0 == 0" },
    { dataId: "0x80000050/1" },
  );
  assert.deepEqual(
    client.debuggee.specs("data").map(({ at, condition }) => [at, condition]),
    [
      [{ kind: "data", address: RAM + 64n, length: 8, access: "readWrite" }, "a0 == 0"],
      [{ kind: "data", address: RAM + 80n, length: 1, access: "write" }, undefined],
    ],
  );
});

test("what can be watched: variables, expressions, addresses, ranges", async () => {
  const client = await launched();
  const info = (args: object) => client.request<Info>("dataBreakpointInfo", args);
  const all = { accessTypes: ["read", "write", "readWrite"], canPersist: true };
  assert.deepEqual(await info({ variablesReference: 100, name: "counter" }), {
    dataId: "0x80000040/8",
    description: "counter (8 bytes at 0x80000040)",
    ...all,
  });
  assert.deepEqual(await info({ name: "counter", bytes: 2 }), {
    dataId: "0x80000040/2",
    description: "counter (2 bytes at 0x80000040)",
    ...all,
  });
  for (const name of ["jiffies", "&jiffies"]) assert.equal((await info({ name })).dataId, "0x80000048/8");
  assert.deepEqual(await info({ name: "0x80000123", asAddress: true, bytes: 16 }), {
    dataId: "0x80000123/16",
    description: "16 bytes at 0x80000123",
    ...all,
  });
  assert.equal((await info({ name: "2147483648" })).dataId, "0x80000000/1");
});

test("what cannot be watched says why", async () => {
  const client = await launched();
  const info = (args: object) => client.request<Info>("dataBreakpointInfo", args);
  assert.deepEqual(await info({ variablesReference: 100, name: "a0" }), {
    dataId: null,
    description: "“a0” is not in memory; data breakpoints watch memory.",
  });
  assert.match((await info({ variablesReference: 100, name: "gone" })).description, /no variable “gone” any more/);
  assert.match((await info({ name: "a0" })).description, /is a value, not a place in memory/);
  assert.match((await info({ name: "counter", bytes: 0 })).description, /from 1 to 1048576 bytes/);
});

test("a breakpoint that the debuggee moves is told", async () => {
  const client = await launched();
  client.debuggee.emit({
    type: "breakpointChanged",
    breakpoint: { id: 7, verified: true, path: SOURCE, line: 3, address: RAM },
  });
  const changed = await client.event<DebugProtocol.BreakpointEvent["body"]>("breakpoint");
  assert.deepEqual([changed.reason, changed.breakpoint.id, changed.breakpoint.line], ["changed", 7, 3]);
});
