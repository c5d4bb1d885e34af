import assert from "node:assert/strict";
import test, { mock } from "node:test";
import type {
  CorrespondenceBody,
  DivergenceFindingBody,
  MachineComparisonBody,
  PairLogBody,
  PairStateBody,
} from "../../src/adapter/custom-protocol.ts";
import { Pairs } from "../../src/adapter/pairs.ts";
import { type FakePair, pairEnvironment } from "./fake-pair.ts";
import { EVERYTHING, settle, TestClient } from "./harness.ts";

interface StoppedBody {
  reason: string;
  text: string;
  description: string;
  preserveFocusHint?: boolean;
}

const CLIENT = { clientID: "vscode", ...EVERYTHING, supportsStartDebuggingRequest: true };

/** Both sessions of a recorded pair, begun; `prepared` is called when the pair is open and nothing runs. */
async function begun(args: object, prepare?: (pair: FakePair) => void, prepared: (pair: FakePair) => void = () => {}) {
  const { environment, opened } = pairEnvironment(new Pairs(() => "key"), prepare);
  const [a, b] = [new TestClient(environment), new TestClient(environment)];
  await a.launch({ program: undefined, recording: "x.hindcast", ...args }, CLIENT);
  prepared(opened[0]);
  await a.request("configurationDone");
  const asked = await a.reverseRequest("startDebugging");
  await b.request("initialize", { adapterID: "hindcast", ...CLIENT });
  await b.request("launch", asked.configuration);
  await b.event("initialized");
  await b.request("configurationDone");
  return { a, b, pair: opened[0], opened, asked };
}

/** The same, machine A stopped at its first stop. */
async function debugged(args: object = {}, prepare?: (pair: FakePair) => void) {
  const sessions = await begun({ stopOnEntry: true, ...args }, prepare);
  const first = await sessions.a.event<StoppedBody>("stopped");
  await sessions.b.event("stopped");
  return { ...sessions, first };
}

test("a client that can is asked for a session of machine B, and machine A waits for it", async () => {
  const { environment } = pairEnvironment(new Pairs(() => "key"));
  const a = new TestClient(environment);
  await a.launch({ lockstep: { diverge: ["time"] } }, CLIENT);
  await a.request("configurationDone");
  const { request, configuration } = await a.reverseRequest("startDebugging");
  assert.equal(request, "launch");
  assert.deepEqual(configuration, {
    name: "Machine B (secondary)",
    console: "internalConsole",
    __pair: "key",
    __pairAddress: "/run/partner",
  });
  await settle();
  assert.equal(a.events("stopped").length, 0);
});

test("a client that refuses, or has no second session, gets machine A alone", async () => {
  for (const canStart of [true, false]) {
    const { environment, opened } = pairEnvironment(new Pairs(() => "key"));
    const a = new TestClient(environment);
    await a.launch({ lockstep: true }, { ...CLIENT, supportsStartDebuggingRequest: canStart });
    await a.request("configurationDone");
    if (canStart) await a.reverseRequest("startDebugging", false);
    assert.equal((await a.event<StoppedBody>("stopped")).reason, "exception");
    assert.equal(a.asked.length, canStart ? 1 : 0);
    const state = await a.request<PairStateBody>("hindcast/lockstep/state");
    assert.equal(state.member, "A");
    await settle();
    // Machine B has come along, though nobody watches.
    assert.equal(opened[0].debuggee("right").now, 22);
  }
});

test("both stop at a divergence, which is an exception that says what each said; the focus stays", async () => {
  const { a, b } = await debugged();
  await a.request("continue", { threadId: 1 });
  const stopped = await a.event<StoppedBody>("stopped");
  assert.equal(stopped.reason, "exception");
  assert.match(stopped.text, /console byte 2 is "4" in machine A and "5" in machine B, at instants 20 and 22/);
  assert.equal(stopped.preserveFocusHint, undefined);
  await b.event("continued");
  const other = await b.event<StoppedBody>("stopped");
  assert.equal(other.reason, "exception");
  assert.equal(other.text, stopped.text.replace("Instant 20", "Instant 22"));
  assert.equal(other.preserveFocusHint, true);
  const info = await b.request<{ exceptionId: string; details: { message: string } }>("exceptionInfo", { threadId: 1 });
  assert.equal(info.exceptionId, "Lockstep divergence");
  assert.match(info.details.message, /Machine A said "4", machine B said "5"/);
});

test("a machine that comes along says where it stopped apart from going on, and is not held for that", async () => {
  const { a, b, pair } = await debugged();
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const [right, said] = [pair.debuggee("right"), b.messages.length];
    const events = () => b.messages.slice(said).map((message) => (message as { event?: string }).event);
    await a.request("continue", { threadId: 1 });
    await a.event("stopped");
    await settle();
    assert.deepEqual([right.now, events()], [22, ["continued"]]);
    // It stands, so that the next motion takes it along.
    await a.request("hindcast/seek", { instant: 40 });
    await a.event("stopped");
    await settle();
    assert.notEqual(right.now, 22);
    assert.deepEqual(events(), ["continued"]);
    mock.timers.tick(20);
    assert.deepEqual(events(), ["continued", "stopped", "continued"]);
    mock.timers.tick(20);
    assert.deepEqual(events(), ["continued", "stopped", "continued", "stopped"]);
    // However many come in that time, the last stop is apart, and nobody waits longer.
    for (const instant of [30, 35, 41]) {
      await a.request("hindcast/seek", { instant });
      await a.event("stopped");
      await settle();
    }
    mock.timers.tick(20);
    assert.deepEqual(events().slice(4), ["continued", "stopped", "continued", "stopped", "continued"]);
    mock.timers.tick(20);
    assert.equal(events().at(-1), "stopped");
    // Nobody is there any more for whom it matters.
    await a.request("hindcast/seek", { instant: 30 });
    await settle();
    assert.equal(events().at(-1), "continued");
    void b.session.lost();
    assert.equal(events().at(-1), "stopped");
  } finally {
    mock.timers.reset();
  }
});

test("reverse-continue runs back to the divergent event in the side that is asked", async () => {
  const { a, b, pair } = await debugged();
  await a.request("hindcast/seek", { instant: 40 });
  await a.event("stopped");
  await b.event("stopped");
  await b.request("reverseContinue", { threadId: 1 });
  const stopped = await b.event<StoppedBody>("stopped");
  assert.equal(stopped.reason, "exception");
  assert.equal(pair.debuggee("right").now, 22);
  assert.equal((await a.event<StoppedBody>("stopped")).preserveFocusHint, true);
  assert.equal(pair.debuggee("left").now, 20);
  // Farther back there is none.
  await b.request("reverseContinue", { threadId: 1 });
  assert.equal((await b.event<StoppedBody>("stopped")).reason, "start of the recording");
});

test("without the filter it is run past", async () => {
  const { a } = await debugged();
  await a.request("setExceptionBreakpoints", { filters: ["illegal-instruction"] });
  await a.request("continue", { threadId: 1 });
  assert.equal((await a.event<StoppedBody>("stopped")).reason, "guest finished");
});

test("a breakpoint before the divergence comes first", async () => {
  const { a, pair } = await debugged();
  await a.request("setBreakpoints", { source: { path: "/project/guest.s" }, breakpoints: [{ line: 12 }] });
  await a.request("continue", { threadId: 1 });
  assert.equal((await a.event<StoppedBody>("stopped")).reason, "breakpoint");
  assert.equal(pair.debuggee("left").now, 11);
});

test("the other machine comes to where it corresponds, and says so; steps leave it where it is", async () => {
  const { a, b, pair } = await debugged({}, (opened) => {
    // Machine B says everything two instants later.
    const open = opened.open.bind(opened);
    opened.open = async (side, ...rest) => {
      const result = await open(side, ...rest);
      if (side === "right") {
        result.debuggee.outputLengthAt = async (instant) => Math.min(Math.max(instant - 12, 0), 5);
        result.debuggee.instantOfOutput = async (offset) => (offset < 5 ? 12 + offset : undefined);
      }
      return result;
    };
  });
  await a.request("hindcast/seek", { instant: 30 });
  await a.event("stopped");
  const other = await b.event<StoppedBody>("stopped");
  assert.equal(pair.debuggee("right").now, 32);
  assert.match(other.text, /Where machine A stands at instant 30/);
  await a.request("next", { threadId: 1 });
  await a.event("stopped");
  await settle();
  assert.equal(pair.debuggee("right").now, 32);
  // Asked for, it goes there as well.
  const { text, how, place } = await b.request<CorrespondenceBody>("hindcast/lockstep/correspond", {});
  assert.deepEqual([how, place.left.instant, place.right.instant], ["outputs", 31, 33]);
  assert.match(text, /Machine A's instant 31 is machine B's 33, by what both have said before/);
  await b.event("stopped");
  assert.equal(pair.debuggee("right").now, 33);
  assert.equal(pair.debuggee("left").now, 31);
});

test("a client that has not asked for threads yet hears of no stop of machine B before machine A has come to its own", async () => {
  const { a, b } = await begun({});
  const stopped = await b.event<StoppedBody>("stopped");
  assert.equal(stopped.reason, "exception");
  assert.equal(stopped.description, "Divergence");
  // VS Code shows the first stop that was not continued from; it does not know of one whose threads it has not asked for.
  assert.deepEqual([b.events("stopped").length, b.events("continued").length], [1, 0]);
  assert.equal((await a.event<StoppedBody>("stopped")).description, "Divergence");
});

test("machine B, which waits for machine A's first stop, can be paused", async () => {
  const { a, b } = await begun({}, undefined, (pair) => {
    pair.debuggee("left").endless = true;
  });
  await b.request("pause", { threadId: 1 });
  assert.equal((await a.event<StoppedBody>("stopped")).reason, "pause");
  assert.equal((await b.event<StoppedBody>("stopped")).preserveFocusHint, true);
});

/** Where machine B corresponds to an instant of machine A's, when B says and sends at these instants. */
async function corresponding(
  instant: number,
  says: { readonly console?: readonly number[]; readonly frames?: readonly number[] },
  prepare: (pair: FakePair) => void = () => {},
) {
  const { a, b } = await debugged({}, (opened) => {
    prepare(opened);
    const open = opened.open.bind(opened);
    opened.open = async (side, ...rest) => {
      const result = await open(side, ...rest);
      const before = (instants: readonly number[], at: number) => instants.filter((each) => each < at).length;
      if (side === "left") {
        result.debuggee.instantOfFrame = async (number) => FRAMES_OF_A[number];
        result.debuggee.frameCountAt = async (at) => before(FRAMES_OF_A, at);
      } else {
        const { console = [10, 11, 12, 13, 14], frames = FRAMES_OF_A } = says;
        result.debuggee.instantOfOutput = async (number) => console[number];
        result.debuggee.outputLengthAt = async (at) => before(console, at);
        result.debuggee.instantOfFrame = async (number) => frames[number];
        result.debuggee.frameCountAt = async (at) => before(frames, at);
      }
      return result;
    };
  });
  await a.request("hindcast/seek", { instant });
  await Promise.all([a.event("stopped"), b.event("stopped")]);
  const { place, how } = await b.request<CorrespondenceBody>("hindcast/lockstep/correspond", { seek: false });
  return [place.left.instant, place.right.instant, how];
}

const FRAMES_OF_A = [20, 30];

test("frames that were sent count for where machines correspond, as what the console said does", async () => {
  assert.deepEqual(await corresponding(25, { frames: [23, 33] }), [25, 28, "outputs"]);
  // Not beyond what comes next, on either device.
  assert.deepEqual(await corresponding(29, { frames: [26, 28] }), [29, 28, "outputs"]);
  // The newest of both counts, whichever it is.
  assert.deepEqual(await corresponding(16, { console: [12, 13, 14, 15, 16], frames: [23, 33] }), [16, 18, "outputs"]);
  assert.deepEqual(await corresponding(25, { frames: [] }), [25, 50, "end"]);
});

test("in a later stretch what was said before it counts", async () => {
  // Machine B begins with machine A's state behind the second byte: its own third byte is the first there.
  const second = (pair: FakePair) => pair.secondStretchOfB({ member: "A", stretch: 1, instant: 12 }, [2, 0, 0]);
  assert.deepEqual(await corresponding(18, { console: [14, 15, 16] }, second), [18, 20, "outputs"]);
  // Before that it has said nothing of its own.
  assert.deepEqual(await corresponding(12, { console: [14, 15, 16] }, second), [12, 12, "aligned"]);
});

test("machine C, which joined in the place of machine B, has its seat; back from there it is machine B's", async () => {
  const { a, b, pair } = await debugged({}, (opened) => opened.joinedAt(25, 24));
  await a.request("hindcast/seek", { instant: 30 });
  await Promise.all([a.event("stopped"), b.event("stopped")]);
  const where = () => pair.opened.filter(({ side }) => side === "right").map(({ member }) => member);
  assert.deepEqual(where(), ["B", "C"]);
  const state = await b.request<PairStateBody>("hindcast/lockstep/state");
  assert.equal(state.member, "C");
  assert.deepEqual(
    state.members.map(({ title, instant }) => [title, instant]),
    [
      ["Machine A (primary)", 30],
      ["Machine B (gone)", undefined],
      ["Machine C (secondary)", 30],
    ],
  );
  // Before it joined there was machine B, and between the two nobody.
  await a.request("hindcast/seek", { instant: 20 });
  await Promise.all([a.event("stopped"), b.event("stopped")]);
  assert.deepEqual(where(), ["B", "C", "B"]);
  assert.equal(pair.debuggee("right").now, 20);
});

test("a machine that took over the other's state goes on in another stretch", async () => {
  const { a, b, pair } = await debugged({}, (opened) => {
    opened.secondStretchOfB({ member: "A", stretch: 1, instant: 25 });
  });
  await b.request("setBreakpoints", { source: { path: "/project/guest.s" }, breakpoints: [{ line: 45 }] });
  await a.request("hindcast/seek", { instant: 30 });
  await b.event("stopped");
  assert.deepEqual(pair.opened.map(({ side, stretch }) => [side, stretch]).at(-1), ["right", 2]);
  assert.equal(pair.debuggee("right").now, 30);
  // Breakpoints are there, too.
  await b.request("continue", { threadId: 1 });
  assert.equal((await b.event<StoppedBody>("stopped")).reason, "breakpoint");
  await b.request("setBreakpoints", { source: { path: "/project/guest.s" }, breakpoints: [] });
  await b.request("reverseContinue", { threadId: 1 });
  const start = await b.event<StoppedBody>("stopped");
  assert.match(start.text, /took over the other one's state/);
  await b.request("reverseContinue", { threadId: 1 });
  assert.equal((await b.event<StoppedBody>("stopped")).reason, "exception");
  assert.deepEqual(pair.opened.map(({ side, stretch }) => [side, stretch]).at(-1), ["right", 1]);
});

test("find the divergence: shown with progress and lines that lead there, and both go there", async () => {
  const { a, b, pair } = await debugged();
  await a.request("continue", { threadId: 1 });
  await a.event("stopped");
  await b.event("stopped");
  const finding = await a.request<DivergenceFindingBody>("hindcast/lockstep/findDivergence", {});
  assert.deepEqual(pair.calls, ["find 20 22"]);
  assert.equal(finding.divergent?.left.text, "csrr a0,time");
  assert.deepEqual(finding.divergent?.differences[0], {
    what: "register",
    name: "a0",
    hart: 0,
    left: "0x4",
    right: "0x5",
  });
  assert.equal(a.events("progressStart")[0].title, "Finding the divergence");
  assert.equal(a.events("progressEnd").length, 1);
  await a.event("stopped");
  await b.event("stopped");
  assert.deepEqual([pair.debuggee("left").now, pair.debuggee("right").now], [14, 15]);
  const shown = a.events("output").filter(({ variablesReference }) => variablesReference !== undefined);
  assert.match(
    shown[0].output,
    /The two part at instant 14, “csrr a0,time” \(guest.s:15\): They read different times\./,
  );
  assert.match(a.output("console"), /a0: 0x4 in machine A, 0x5 in machine B/);
});

test("the search can be cancelled, by its request and by its progress", async () => {
  for (const by of ["request", "progress"]) {
    const { a } = await debugged({}, (pair) => {
      pair.endless = true;
    });
    const seq = a.post("hindcast/lockstep/findDivergence", {});
    const { progressId } = await a.event<{ progressId: string }>("progressStart");
    await a.request("cancel", by === "request" ? { requestId: seq } : { progressId });
    const response = await a.response(seq);
    assert.equal(response.success, false);
    assert.equal(response.message, "cancelled");
    // The machine can be moved again.
    await a.request("next", { threadId: 1 });
  }
});

test("state, log and comparison of both", async () => {
  const { a, b } = await debugged();
  const state = await b.request<PairStateBody>("hindcast/lockstep/state");
  assert.equal(state.member, "B");
  assert.deepEqual(
    state.members.map(({ title, instant }) => [title, instant]),
    [
      ["Machine A (primary)", 0],
      ["Machine B (secondary)", 0],
    ],
  );
  assert.match(state.divergences[0].text, /^Lockstep divergence: console byte 2/);
  const log = await a.request<PairLogBody>("hindcast/lockstep/log", {
    from: 5,
    count: 1,
    filter: { kinds: ["output"] },
  });
  assert.equal(log.total, 8);
  assert.deepEqual(log.rows[0].bytes, { text: "hi·", hex: "68 69 0a", bytes: 3 });
  assert.deepEqual([log.rows[0].row, log.rows[0].device], [5, "console"]);
  const both = await a.request<MachineComparisonBody>("hindcast/lockstep/compare", { address: "counter", length: 16 });
  assert.deepEqual([both.left.title, both.right.title], ["Machine A (primary)", "Machine B (secondary)"]);
  assert.equal(both.registers.length, 32);
  assert.deepEqual(both.memory[0], { address: "0x80000040", symbol: "cell", left: "0x1", right: "0x2", differs: true });
  assert.equal(both.asked?.length, 2);
  assert.equal(both.left.code.filter(({ current }) => current).length, 1);
});

test("both go to a place; what no recording holds is refused", async () => {
  const { a, b, pair } = await debugged();
  const place = (left: number, right: number) => ({
    left: { member: "A", stretch: 1, instant: left },
    right: { member: "B", stretch: 1, instant: right },
  });
  await b.request("hindcast/lockstep/go", place(7, 8));
  await a.event("stopped");
  await b.event("stopped");
  assert.deepEqual([pair.debuggee("left").now, pair.debuggee("right").now], [7, 8]);
  assert.match((await b.refused("hindcast/lockstep/go", place(7, 999))).message, /no instant 999/);
});

test("either session's end is the end of both", async () => {
  for (const who of [0, 1]) {
    const { a, b, pair } = await debugged();
    const ended = [a, b][who];
    await ended.request("terminate");
    await Promise.all([a.event("terminated"), b.event("terminated")]);
    await settle();
    assert.ok(pair.closed);
    assert.ok(pair.opened.every(({ debuggee }) => debuggee.closed && debuggee.disposed));
  }
});

test("a restart in either session is one of both", async () => {
  for (const who of [0, 1]) {
    const { a, b, opened } = await debugged();
    const clients = [a, b];
    await clients[who].request("restart");
    await Promise.all([a.event("stopped"), b.event("stopped")]);
    assert.equal(opened.length, 2);
    assert.ok(opened[0].closed);
    assert.ok(!opened[1].closed);
    await a.request("continue", { threadId: 1 });
    assert.equal((await a.event<StoppedBody>("stopped")).reason, "exception");
    assert.equal((await b.event<StoppedBody>("stopped")).reason, "exception");
  }
});

test("sessions of one machine have no pair, and no program is one by itself", async () => {
  const { environment, opened } = pairEnvironment(new Pairs(() => "key"));
  const client = new TestClient(environment);
  await client.launchStopped();
  assert.equal(opened.length, 0);
  for (const request of ["state", "findDivergence", "compare", "correspond"]) {
    const { message } = await client.refused(`hindcast/lockstep/${request}`, {});
    assert.match(message, /debugs one machine/);
  }
});

test("a key that no session has is refused with a sentence", async () => {
  const client = new TestClient();
  await client.request("initialize", { adapterID: "hindcast", ...CLIENT });
  const { message } = await client.refused("launch", { __pair: "other" });
  assert.match(message, /pair's debug session is over/);
});
