import assert from "node:assert/strict";
import test from "node:test";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { UserError } from "../../src/base/errors.ts";
import { EVERYTHING, settle, TestClient } from "./harness.ts";

type Stopped = DebugProtocol.StoppedEvent["body"];

/** What DAP and custom requests become. */
const MOTIONS: readonly [string, object, string][] = [
  ["continue", {}, "resume"],
  ["reverseContinue", {}, "reverseContinue"],
  ["next", {}, "step over forward line 0"],
  ["next", { granularity: "statement" }, "step over forward line 0"],
  ["next", { granularity: "line" }, "step over forward line 0"],
  ["next", { granularity: "instruction" }, "step over forward instruction 0"],
  ["stepIn", { granularity: "instruction" }, "step into forward instruction 0"],
  ["stepOut", {}, "step out forward line 0"],
  ["stepBack", {}, "step over backward line 0"],
  ["stepBack", { granularity: "instruction" }, "step over backward instruction 0"],
  ["hindcast/reverseStepIn", {}, "step into backward line 0"],
  ["hindcast/reverseStepIn", { granularity: "instruction" }, "step into backward instruction 0"],
  ["hindcast/reverseStepOut", {}, "step out backward line 0"],
  ["hindcast/seek", { instant: 17 }, "seek 17"],
];

for (const [command, args, call] of MOTIONS) {
  test(`${command} ${JSON.stringify(args)} is ${call}`, async () => {
    const client = new TestClient();
    await client.launchStopped();
    const seq = client.post(command, { threadId: 1, ...args });
    const { success, body } = await client.response(seq);
    assert.ok(success);
    if (command === "continue") assert.deepEqual(body, { allThreadsContinued: true });
    await client.event<Stopped>("stopped");
    assert.ok(client.debuggee.calls.includes(call), client.debuggee.calls.join("; "));
    // The response never comes after the stop that it leads to.
    const order = client.messages.map((message) => {
      const { event, request_seq } = message as DebugProtocol.Event & DebugProtocol.Response;
      return event ?? `response ${request_seq}`;
    });
    assert.ok(order.indexOf(`response ${seq}`) < order.lastIndexOf("stopped"));
    // Clients do not know of custom requests that the machine moves; of DAP's they do.
    assert.equal(client.events("continued").length, command.startsWith("hindcast/") ? 1 : 0);
    // VS Code takes events that come together in one go, and then forgets the stop: the response parts them.
    assert.ok(order.indexOf("continued") < order.indexOf(`response ${seq}`));
  });
}

test("the other hart is stepped when its thread is", async () => {
  const client = new TestClient();
  await client.launchStopped({ harts: 2 });
  const { threads } = await client.request<DebugProtocol.ThreadsResponse["body"]>("threads");
  assert.deepEqual(threads, [
    { id: 1, name: "hart 0" },
    { id: 2, name: "hart 1" },
  ]);
  await client.request("next", { threadId: 2 });
  await client.event("stopped");
  assert.ok(client.debuggee.calls.includes("step over forward line 1"));
});

test("pause ends what runs; what stands still cannot be asked about before", async () => {
  const client = new TestClient();
  await client.launchStopped();
  client.debuggee.endless = true;
  await client.request("continue", { threadId: 1 });
  for (const [command, args] of [
    ["stackTrace", { threadId: 1 }],
    ["variables", { variablesReference: 100 }],
    ["evaluate", { expression: "a0", context: "watch" }],
    ["readMemory", { memoryReference: "0x80000000", count: 4 }],
    ["continue", { threadId: 1 }],
    ["next", { threadId: 1 }],
    ["hindcast/seek", { instant: 1 }],
  ] as const) {
    assert.match((await client.refused(command, args)).message, /is running; pause it first/, command);
  }
  await client.request("setBreakpoints", { source: { path: "/project/guest.s" }, breakpoints: [{ line: 3 }] });
  await client.request("hindcast/input", { text: "x" });
  await client.request("hindcast/timeline", {});
  await client.request("pause", { threadId: 1 });
  assert.equal((await client.event<Stopped>("stopped")).reason, "pause");
  await client.request("stackTrace", { threadId: 1 });
});

test("steps that come fast wait for each other; a pause forgets them", async () => {
  const client = new TestClient();
  await client.launchStopped();
  for (let step = 0; step < 5; step++) client.post("next", { threadId: 1 });
  for (let step = 0; step < 5; step++) await client.event("stopped");
  assert.equal(client.debuggee.now, 5);
  client.debuggee.endless = true;
  for (let step = 0; step < 10; step++) client.post("next", { threadId: 1 });
  await client.request("pause", { threadId: 1 });
  await client.event("stopped");
  await settle();
  assert.equal(client.debuggee.calls.filter((call) => call.startsWith("step")).length, 6);
});

test("a held-down key cannot queue without bound", async () => {
  const client = new TestClient();
  await client.launchStopped();
  client.debuggee.endless = true;
  const posted = Array.from({ length: 20 }, () => client.post("next", { threadId: 1 }));
  const { success, message } = await client.response(posted.at(-1)!);
  assert.equal(success, false);
  assert.match(message!, /Too many steps/);
});

test("a motion that fails is said, and the client knows that the machine stands", async () => {
  const client = new TestClient();
  await client.launchStopped();
  client.debuggee.reverseContinue = () => Promise.reject(new UserError("damaged", "The recording is damaged here."));
  await client.request("reverseContinue", { threadId: 1 });
  const stopped = await client.event<Stopped>("stopped");
  assert.equal(stopped.description, "The machine did not move");
  assert.match(client.output("important"), /The recording is damaged here/);
  await client.request("next", { threadId: 1 });
});

test("progress of a long motion can be seen and cancelled", async () => {
  const client = new TestClient();
  await client.launchStopped();
  client.debuggee.endless = true;
  await client.request("reverseContinue", { threadId: 1 });
  const progress = await client.event<DebugProtocol.ProgressStartEvent["body"]>("progressStart");
  assert.deepEqual(progress, {
    progressId: "progress-1",
    title: "Running backwards",
    cancellable: true,
    message: "at instant 9",
    percentage: 25,
  });
  await client.request("cancel", { progressId: "progress-99" });
  assert.ok(!client.debuggee.calls.includes("pause"));
  await client.request("cancel", { progressId: progress.progressId });
  assert.equal((await client.event<DebugProtocol.ProgressEndEvent["body"]>("progressEnd")).progressId, "progress-1");
  assert.equal((await client.event<Stopped>("stopped")).reason, "pause");
});

test("updates of progress come at a bounded rate, and none after its end", async (t) => {
  const client = new TestClient();
  await client.launchStopped();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  for (let step = 0; step <= 1000; step++) {
    const fraction = step / 1000;
    client.debuggee.emit({ type: "progress", title: "Travelling", instant: step, fraction, done: false });
    t.mock.timers.tick(1);
  }
  client.debuggee.emit({ type: "progress", title: "Travelling", instant: 1000, done: true });
  t.mock.timers.tick(1000);
  const updates = client.events("progressUpdate").length;
  assert.ok(updates >= 4 && updates <= 6, `${updates} updates in a second`);
  assert.equal(client.events("progressEnd").length, 1);
});

test("no progress for a client that does not know it", async () => {
  const client = new TestClient();
  await client.launchStopped({}, {});
  client.debuggee.endless = true;
  await client.request("reverseContinue", { threadId: 1 });
  await client.request("pause", { threadId: 1 });
  await client.event("stopped");
  assert.deepEqual([...client.events("progressStart"), ...client.events("progressEnd")], []);
});

test("a search can be cancelled by its request, and others wait for its end", async () => {
  const client = new TestClient();
  await client.launchStopped();
  client.debuggee.endless = true;
  const search = client.post("hindcast/lastWrite", { address: "0x80000040" });
  const started = await client.event<DebugProtocol.ProgressStartEvent["body"]>("progressStart");
  assert.equal(started.requestId, search);
  const trace = client.post("stackTrace", { threadId: 1 });
  await settle();
  assert.ok(!client.messages.some((message) => (message as DebugProtocol.Response).request_seq === trace));
  assert.match((await client.refused("next", { threadId: 1 })).message, /A search is going on/);
  await client.request("cancel", { requestId: search });
  const { success, message, body } = await client.response(search);
  assert.equal(success, false);
  assert.equal(message, "cancelled");
  assert.equal(body.error.showUser, false);
  assert.ok((await client.response(trace)).success);
  assert.equal((await client.event<DebugProtocol.ProgressEndEvent["body"]>("progressEnd")).progressId, "progress-1");
});

test("pause works during a search too", async () => {
  const client = new TestClient();
  await client.launchStopped();
  client.debuggee.endless = true;
  const search = client.post("hindcast/lastWrite", { address: "0x80000040" });
  await client.event("progressStart");
  await client.request("pause", { threadId: 1 });
  assert.equal((await client.response(search)).message, "cancelled");
});

test("hits are named; memory that is shown is read again after every stop", async () => {
  const client = new TestClient();
  await client.launchStopped();
  const { breakpoints } = await client.request<DebugProtocol.SetBreakpointsResponse["body"]>("setBreakpoints", {
    source: { path: "/project/guest.s" },
    breakpoints: [{ line: 10 }],
  });
  await client.request("readMemory", { memoryReference: "0x80000000", offset: 16, count: 32 });
  await client.request("continue", { threadId: 1 });
  const stopped = await client.event<Stopped>("stopped");
  assert.deepEqual(stopped.hitBreakpointIds, [breakpoints[0].id]);
  assert.equal(stopped.text, "At breakpoint. Instant 9.");
  assert.deepEqual(client.events("memory"), [{ memoryReference: "0x80000000", offset: 16, count: 32 }]);
  await client.request("next", { threadId: 1 });
  await client.event("stopped");
  assert.equal(client.events("memory").length, 1, "a view that did not read again is closed");
});

test("goto a line is a way in time: to its next run or to its last", async () => {
  const client = new TestClient();
  await client.launchStopped();
  await client.request("setBreakpoints", { source: { path: "/project/guest.s" }, breakpoints: [{ line: 40 }] });
  const source = { path: "/project/guest.s" };
  const { targets } = await client.request<DebugProtocol.GotoTargetsResponse["body"]>("gotoTargets", {
    source,
    line: 12,
  });
  assert.deepEqual(
    targets.map(({ label, line }) => [label, line]),
    [
      ["forward: when line 12 runs next", 12],
      ["back: when line 12 last ran", 12],
    ],
  );
  await client.request("goto", { threadId: 1, targetId: targets[0].id });
  const stopped = await client.event<Stopped>("stopped");
  assert.equal(stopped.reason, "goto");
  assert.equal(stopped.hitBreakpointIds, undefined);
  assert.equal(client.debuggee.now, 11);
  assert.equal(client.debuggee.specs("source", "/project/guest.s").length, 1, "only the user's own breakpoint is left");
  assert.match((await client.refused("goto", { threadId: 1, targetId: targets[1].id })).message, /target is gone/);

  const none = await client.request<DebugProtocol.GotoTargetsResponse["body"]>("gotoTargets", { source, line: 99 });
  assert.deepEqual(none.targets, []);
});

test("a breakpoint on the way to a line is a hit like any other", async () => {
  const client = new TestClient();
  await client.launchStopped();
  const source = { path: "/project/guest.s" };
  await client.request("setBreakpoints", { source, breakpoints: [{ line: 5 }, { line: 12 }] });
  const { targets } = await client.request<DebugProtocol.GotoTargetsResponse["body"]>("gotoTargets", {
    source,
    line: 12,
  });
  await client.request("goto", { threadId: 1, targetId: targets[0].id });
  const stopped = await client.event<Stopped>("stopped");
  assert.equal(stopped.reason, "breakpoint");
  assert.equal(client.debuggee.now, 4);
});

test("a pause that comes between two requests of one motion is not lost", async () => {
  const client = new TestClient();
  await client.launchStopped();
  const { targets } = await client.request<DebugProtocol.GotoTargetsResponse["body"]>("gotoTargets", {
    source: { path: "/project/guest.s" },
    line: 12,
  });
  client.debuggee.endless = true;
  const set = client.debuggee.setBreakpoints.bind(client.debuggee);
  let proceed = () => {};
  client.debuggee.setBreakpoints = async (...args) => {
    await new Promise<void>((resolve) => {
      proceed = resolve;
    });
    return set(...args);
  };
  await client.request("goto", { threadId: 1, targetId: targets[0].id });
  await client.request("pause", { threadId: 1 });
  await settle();
  client.debuggee.setBreakpoints = set;
  proceed();
  assert.equal((await client.event<Stopped>("stopped")).reason, "pause");
  // How often it asks in vain is the clock's business.
  const calls = client.debuggee.calls.filter((call) => call === "pause" || call === "resume");
  const first = calls.indexOf("resume");
  assert.ok(first > 0, "the first pause found nothing to end");
  assert.ok(calls.indexOf("pause", first) > 0, "the one that ended it came behind");
});

// VS Code shows nothing of a stop in a kernel of which only symbols are known, unless it is an instruction breakpoint's.
test("a stop without sources has the reason by which VS Code shows it; other clients are told as it is", async () => {
  for (const [clientID, reason, description] of [
    ["vscode", "instruction breakpoint", "Paused"],
    ["another", "pause", "Paused at do_idle, instant 7."],
  ]) {
    const client = new TestClient();
    await client.launchStopped({ harts: 2 }, { ...EVERYTHING, clientID });
    const stop = {
      reason: "pause",
      instant: 7,
      hart: 1,
      description: "Paused at do_idle, instant 7.",
      breakpoints: [],
    };
    client.debuggee.resume = async () => ({ ...stop, reason: "pause", sourceless: true });
    await client.request("continue", { threadId: 1 });
    const stopped = await client.event<Stopped>("stopped");
    assert.deepEqual([stopped.reason, stopped.description, stopped.threadId], [reason, description, 2]);
  }
});
