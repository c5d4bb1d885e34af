import assert from "node:assert/strict";
import test from "node:test";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { DEFAULT_CAUSES } from "../../src/adapter/exceptions.ts";
import { UserError } from "../../src/base/errors.ts";
import { settle, TestClient } from "./harness.ts";

type Stopped = DebugProtocol.StoppedEvent["body"];

test("from initialize to the entry stop, in DAP's order", async () => {
  const client = new TestClient();
  await client.launchStopped({ memory: "1M", seed: 5 });
  const order = client.messages.map((message) => {
    const named = message as DebugProtocol.Event & DebugProtocol.Response;
    return message.type === "event" ? named.event : `response ${named.command}`;
  });
  assert.deepEqual(order, [
    "response initialize",
    "process",
    "output",
    "response launch",
    "initialized",
    "response configurationDone",
    "stopped",
  ]);
  assert.deepEqual(client.debuggee.options, {
    program: "/project/guest.s",
    memoryBytes: 2 ** 20,
    seed: 5,
    stopOnEntry: true,
  });
  assert.match(client.output("console"), /Recording to \/project\/.hindcast\/guest.hindcast/);
  const [stopped] = client.events("stopped") as Stopped[];
  assert.equal(stopped.reason, "entry");
  assert.equal(stopped.threadId, 1);
  assert.equal(stopped.allThreadsStopped, true);
  assert.match(stopped.text!, / Instant 0\.$/);
});

test("every capability that is announced has a request behind it", async () => {
  const client = new TestClient();
  const said = await client.request<DebugProtocol.Capabilities>("initialize", { adapterID: "hindcast" });
  const requests: Record<string, string> = {
    supportsConfigurationDoneRequest: "configurationDone",
    supportsFunctionBreakpoints: "setFunctionBreakpoints",
    supportsInstructionBreakpoints: "setInstructionBreakpoints",
    supportsDataBreakpoints: "setDataBreakpoints",
    supportsBreakpointLocationsRequest: "breakpointLocations",
    supportsExceptionInfoRequest: "exceptionInfo",
    supportsStepBack: "stepBack",
    supportsGotoTargetsRequest: "gotoTargets",
    supportsSetVariable: "setVariable",
    supportsSetExpression: "setExpression",
    supportsCompletionsRequest: "completions",
    supportsReadMemoryRequest: "readMemory",
    supportsWriteMemoryRequest: "writeMemory",
    supportsDisassembleRequest: "disassemble",
    supportsRestartRequest: "restart",
  };
  for (const [capability, command] of Object.entries(requests)) {
    assert.equal(said[capability as keyof DebugProtocol.Capabilities], true, capability);
    const { message } = await client.refused(command, {});
    assert.doesNotMatch(message, /has no request/, command);
  }
  for (const command of ["attach", "stepInTargets", "restartFrame", "modules", "toString", "__proto__"]) {
    assert.match((await client.refused(command, {})).message, /has no request|use a “launch” configuration/);
  }
});

test("exceptions can be chosen by cause, with the nearly certain bugs on", async () => {
  const client = new TestClient();
  const said = await client.request<DebugProtocol.Capabilities>("initialize", { adapterID: "hindcast" });
  const filters = said.exceptionBreakpointFilters!;
  const state = Object.fromEntries(filters.map(({ filter, default: on }) => [filter, on]));
  assert.equal(state["load-access-fault"], true);
  assert.equal(state["illegal-instruction"], true);
  assert.equal(state["environment-call-from-m-mode"], false);
  assert.equal(state.breakpoint, false);
  assert.equal(state["load-page-fault"], false);
});

test("a request before initialize, and a second initialize, are refused", async () => {
  const client = new TestClient();
  assert.match((await client.refused("threads")).message, /first request must be “initialize”/);
  await client.request("initialize", { adapterID: "hindcast" });
  assert.match((await client.refused("initialize", { adapterID: "hindcast" })).message, /only once/);
  assert.match((await client.refused("stackTrace", { threadId: 1 })).message, /send “launch” first/);
});

test("a bad argument is one sentence for the user, and the launch can be tried again", async () => {
  const client = new TestClient();
  await client.request("initialize", { adapterID: "hindcast" });
  const { message, showUser } = await client.refused("launch", { program: "guest.s", harts: 0 });
  assert.equal(message, "Launch configuration: “harts” must be a whole number from 1 to 8, not 0.");
  assert.equal(showUser, true);
  assert.equal(client.debuggees.length, 0);
  await client.request("launch", { program: "guest.s" });
});

test("what the host finds wrong with a program reaches the user; the worker is not left behind", async () => {
  const client = new TestClient();
  client.onDebuggee = (debuggee) => {
    debuggee.launchError = new UserError("elf-truncated", "guest.elf ends within its program headers.");
  };
  await client.request("initialize", { adapterID: "hindcast" });
  const error = await client.refused("launch", { program: "guest.elf" });
  assert.deepEqual(error, { message: "guest.elf ends within its program headers.", showUser: true, id: 1 });
  assert.ok(client.debuggee.disposed);
});

test("a fault of ours is called one", async (t) => {
  t.mock.method(console, "error", () => {});
  const client = new TestClient();
  client.onDebuggee = (debuggee) => {
    debuggee.launchError = new TypeError("x is not a function");
  };
  await client.request("initialize", { adapterID: "hindcast" });
  const { message, id } = await client.refused("launch", { program: "guest.elf" });
  assert.equal(message, "This is a fault of Hindcast, please report it: x is not a function");
  assert.equal(id, 2);
});

test("when the guest ends the session stays for travel", async () => {
  const client = new TestClient();
  await client.launch();
  await client.request("configurationDone");
  const stopped = await client.event<Stopped>("stopped");
  assert.equal(stopped.reason, "guest finished");
  assert.match(client.output("console"), /Guest exited with 3\. Instant 50\.\nStep back or reverse/);
  await client.request("stepBack", { threadId: 1 });
  assert.equal((await client.event<Stopped>("stopped")).reason, "step");
  assert.deepEqual(client.events("terminated"), []);
  await client.request("terminate");
  await client.event("terminated");
  assert.deepEqual(client.events("exited"), [{ exitCode: 3 }]);
  assert.ok(client.debuggee.closed && client.debuggee.disposed);
});

test("stopOnEnd: false ends the session with the guest", async () => {
  const client = new TestClient();
  await client.launch({ stopOnEnd: false });
  await client.request("configurationDone");
  await client.event("terminated");
  assert.deepEqual(client.events("exited"), [{ exitCode: 3 }]);
  assert.deepEqual(client.events("stopped"), []);
  assert.ok(client.debuggee.closed);
  assert.match((await client.refused("threads", undefined).catch(() => ({ message: "" }))).message, /^$/);
});

test("noDebug records and ends, past breakpoints and exceptions", async () => {
  const client = new TestClient();
  await client.launch({ noDebug: true, stopOnEntry: true });
  const { breakpoints } = await client.request<DebugProtocol.SetBreakpointsResponse["body"]>("setBreakpoints", {
    source: { path: "/project/guest.s" },
    breakpoints: [{ line: 5 }],
  });
  assert.equal(breakpoints[0].verified, false);
  assert.match(breakpoints[0].message!, /without debugging/);
  await client.request("setExceptionBreakpoints", { filters: ["load-access-fault"] });
  await client.request("configurationDone");
  await client.event("terminated");
  assert.deepEqual(client.debuggee.exceptionStops, []);
  assert.deepEqual(client.events("stopped"), []);
  assert.deepEqual(client.events("exited"), [{ exitCode: 3 }]);
});

test("console input from a file is typed at the start; a missing one is named", async () => {
  const client = new TestClient();
  client.files.set("/project/keys.txt", "run\n");
  await client.launchStopped({ input: "keys.txt" });
  assert.ok(client.debuggee.calls.includes("input run\n"));
  const other = new TestClient();
  await other.request("initialize", { adapterID: "hindcast" });
  const { message } = await other.refused("launch", { program: "guest.s", input: "none.txt" });
  assert.match(message, /the “input” file \/project\/none.txt cannot be read/);
});

test("restart begins anew with the breakpoints of before", async () => {
  const client = new TestClient();
  await client.launch({ stopOnEntry: true });
  const source = { path: "/project/guest.s" };
  await client.request("setBreakpoints", { source, breakpoints: [{ line: 20, condition: "a0 == 1" }] });
  await client.request("setExceptionBreakpoints", { filters: ["breakpoint"] });
  await client.request("configurationDone");
  await client.event("stopped");
  const first = client.debuggee;
  await client.request("restart", { arguments: { program: "other.s" } });
  await client.event("continued");
  assert.equal((await client.event<Stopped>("stopped")).reason, "breakpoint");
  assert.ok(first.closed && first.disposed);
  assert.equal(client.debuggees.length, 2);
  assert.equal(client.debuggee.options!.program, "/project/other.s");
  assert.deepEqual(client.debuggee.exceptionStops, [3]);
  const [spec] = client.debuggee.specs("source", "/project/guest.s");
  assert.equal(spec.condition, "a0 == 1");
  const [changed] = client.events("breakpoint");
  assert.deepEqual([changed.reason, changed.breakpoint.id, changed.breakpoint.verified], ["changed", spec.id, true]);
});

test("restart without arguments repeats the launch; with bad ones it changes nothing", async () => {
  const client = new TestClient();
  await client.launchStopped({ seed: 9 });
  const { message } = await client.refused("restart", { arguments: { program: "guest.s", seed: -1 } });
  assert.match(message, /“seed” must be/);
  assert.equal(client.debuggee.closed, false);
  await client.request("stackTrace", { threadId: 1 });
  await client.request("restart");
  await client.event("stopped");
  assert.equal(client.debuggees.length, 2);
  assert.equal(client.debuggee.options!.seed, 9);
});

test("a restart that fails ends the session with the sentence", async () => {
  const client = new TestClient();
  await client.launchStopped();
  client.onDebuggee = (debuggee) => {
    debuggee.launchError = new UserError("asm", "guest.s:3:1: unknown instruction “lww”.");
  };
  const { message } = await client.refused("restart");
  assert.equal(message, "guest.s:3:1: unknown instruction “lww”.");
  await client.event("terminated");
  assert.ok(client.debuggees.every(({ disposed }) => disposed));
});

test("terminate while the machine runs: paused, closed, said once", async () => {
  const client = new TestClient();
  client.onDebuggee = (debuggee) => {
    debuggee.endless = true;
  };
  await client.launch();
  await client.request("configurationDone");
  await client.request("terminate");
  await client.event("terminated");
  await client.request("disconnect");
  await client.session.lost();
  assert.deepEqual(client.debuggee.calls.slice(-3), ["resume", "pause", "close"]);
  assert.equal(client.events("terminated").length, 1);
  assert.deepEqual(client.events("stopped"), []);
  assert.match((await client.refused("continue", { threadId: 1 })).message, /The session is over/);
});

test("a lost client: the recording is closed", async () => {
  const client = new TestClient();
  client.onDebuggee = (debuggee) => {
    debuggee.endless = true;
  };
  await client.launch();
  await client.request("configurationDone");
  await client.session.lost();
  assert.ok(client.debuggee.closed && client.debuggee.disposed);
});

test("disconnect during launch leaves nothing behind", async () => {
  const client = new TestClient();
  let proceed = () => {};
  client.onDebuggee = (debuggee) => {
    const launch = debuggee.launch.bind(debuggee);
    debuggee.launch = async (options) => {
      await new Promise<void>((resolve) => {
        proceed = resolve;
      });
      return launch(options);
    };
  };
  await client.request("initialize", { adapterID: "hindcast" });
  const launching = client.post("launch", { program: "guest.s" });
  await settle();
  await client.request("disconnect");
  proceed();
  const { success, message } = await client.response(launching);
  assert.equal(success, false);
  assert.match(message!, /session is over/);
  assert.ok(client.debuggee.disposed);
});

test("a worker that dies ends the session and says why", async () => {
  const client = new TestClient();
  await client.launchStopped();
  client.debuggee.emit({ type: "failure", message: "The machine's worker ran out of memory.", fatal: true });
  await client.event("terminated");
  assert.match(client.output("important"), /worker ran out of memory/);
});

test("a recording that cannot be written is said, and the session goes on", async () => {
  const client = new TestClient();
  await client.launchStopped();
  client.debuggee.emit({ type: "failure", message: "The disk is full.", fatal: false });
  await client.request("stackTrace", { threadId: 1 });
  assert.match(client.output("important"), /The disk is full/);
  assert.deepEqual(client.events("terminated"), []);
});

test("exceptions stop at the default causes when a client knows no filters", async () => {
  const client = new TestClient();
  await client.launchStopped();
  assert.deepEqual(client.debuggee.exceptionStops, DEFAULT_CAUSES);
  const { breakpoints } = await client.request<{ breakpoints: DebugProtocol.Breakpoint[] }>("setExceptionBreakpoints", {
    filters: ["load-access-fault", "nonsense"],
  });
  assert.deepEqual(
    breakpoints.map(({ verified }) => verified),
    [true, false],
  );
  assert.deepEqual(client.debuggee.exceptionStops, [5]);
});

test("malformed requests are answered with what is wrong", async () => {
  const client = new TestClient();
  await client.launchStopped();
  const wrong: [string, unknown, RegExp][] = [
    ["stackTrace", undefined, /threadId must be a whole number/],
    ["stackTrace", { threadId: "1" }, /threadId must be a whole number/],
    ["setBreakpoints", { source: {}, breakpoints: {} }, /breakpoints must be an array/],
    ["setBreakpoints", { source: {}, breakpoints: [{ line: 1 }, { line: "x" }] }, /breakpoints\[1\].line must be/],
    ["setBreakpoints", { breakpoints: [] }, /source must be an object/],
    ["setBreakpoints", { source: {}, breakpoints: [] }, /neither a path nor a known reference/],
    ["evaluate", { expression: 3 }, /expression must be a string/],
    ["readMemory", { memoryReference: "zero", count: 1 }, /memoryReference must be an address/],
    ["writeMemory", { memoryReference: "0x80000000", data: "§§" }, /not valid base64/],
    ["setDataBreakpoints", { breakpoints: [{ dataId: "x" }] }, /names no data/],
    ["variables", { variablesReference: 5 }, /the machine has moved since/],
    ["scopes", { frameId: 12345 }, /frame is gone/],
    ["goto", { threadId: 1, targetId: 7 }, /goto target is gone/],
    ["stackTrace", { threadId: 9 }, /There is no thread 9/],
    ["evaluate", [1, 2], /arguments must be an object/],
    ["hindcast/seek", { instant: -1.5 }, /instant must be a whole number/],
  ];
  for (const [command, args, sentence] of wrong) {
    assert.match((await client.refused(command, args)).message, sentence, command);
  }
});
