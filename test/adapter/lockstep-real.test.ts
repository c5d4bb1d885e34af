/**
 * Pairs of real machines behind the adapter, over a stream, with a client that starts the second session as VS Code does.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type {
  DivergenceFindingBody,
  MachineComparisonBody,
  PairLogBody,
  PairStateBody,
} from "../../src/adapter/custom-protocol.ts";
import { debugged, GUEST, pairFolder } from "./pair-client.ts";
import { ROOT } from "./real-adapter.ts";

const directory = pairFolder();

const DIVERGING = { program: GUEST, memory: "8M", startTime: 0, lockstep: { diverge: ["time"], divergeSeed: 3 } };
let recording: string;

test("a live pair stops where its machines differ, and the divergence is found", async (t) => {
  recording = join(directory, "x.hindcast");
  const { a, b, end } = await debugged(t, { ...DIVERGING, recordTo: recording });
  const stopped = await a.stopped();
  assert.equal(stopped.reason, "exception", stopped.text);
  assert.match(
    String(stopped.text),
    /^Lockstep divergence: console byte \d+ is "\d+" in machine A and "\d+" in machine B/,
  );
  const other = await b.stopped();
  assert.deepEqual([other.reason, other.preserveFocusHint], ["exception", true]);
  assert.deepEqual([await a.place(), await b.place()], ["sb      a0, 0(s0)", "sb      a0, 0(s0)"]);
  // The byte that differs is what is about to be said.
  const { registers } = await a.request<MachineComparisonBody>("hindcast/lockstep/compare", {});
  const { left: leftByte, right: rightByte } = registers.find(({ name }) => name === "a0")!;
  const said = /is "(\d).*" in machine A and "(\d)/.exec(String(stopped.text))!;
  assert.deepEqual(
    [leftByte, rightByte].map((value) => String.fromCharCode(Number(value))),
    said.slice(1),
  );
  // What differs has not left.
  const divergence = (await a.request<PairStateBody>("hindcast/lockstep/state")).divergences[0];
  assert.ok(a.output("stdout").length <= divergence.number, a.output("stdout"));
  const finding = await a.request<DivergenceFindingBody>("hindcast/lockstep/findDivergence", {});
  assert.equal(finding.divergent?.cause, "time", JSON.stringify(finding.lines));
  assert.match(String(finding.divergent?.left.text), /csrr +s2, *time|rdtime s2/);
  await a.stopped();
  await b.stopped();
  assert.deepEqual([await a.place(), await b.place()], ["csrr    s2, time", "csrr    s2, time"]);
  const both = await b.request<MachineComparisonBody>("hindcast/lockstep/compare", {});
  assert.equal(both.left.source?.line, both.right.source?.line);
  // Forwards again it is come to again, and back from beyond.
  await b.request("continue", { threadId: 1 });
  assert.match(String((await b.stopped()).text), /^Lockstep divergence/);
  await a.stopped();
  await end();
  assert.ok(existsSync(recording) && existsSync(join(directory, "x.B.hindcast")));
});

test("whoever goes on from a divergence has it resynchronised, and the guest comes to its end", async (t) => {
  const { a, b, end } = await debugged(t, { ...DIVERGING, recordTo: join(directory, "y.hindcast") });
  let stops = 0;
  let stopped = await a.stopped();
  await b.stopped();
  for (; stopped.reason === "exception" && stops < 20; stops++) {
    await a.request("continue", { threadId: 1 });
    stopped = await a.stopped();
    await b.stopped();
  }
  assert.equal(stopped.reason, "guest finished", stopped.text);
  assert.ok(stops > 0);
  const state = await a.request<PairStateBody>("hindcast/lockstep/state");
  assert.equal(state.divergences.length, stops);
  assert.ok(state.members[1].stretches.length > 1, JSON.stringify(state.members));
  assert.match(a.output("stdout"), /^[0-7]{12}\n$/);
  // Back to the divergent event, in the other one's session.
  await b.request("reverseContinue", { threadId: 1 });
  const back = await b.stopped();
  assert.match(String(back.text), /^Lockstep divergence|^Machine B took over/);
  const log = await a.request<PairLogBody>("hindcast/lockstep/log", { from: 0, count: 50 });
  assert.ok(
    log.rows.some(({ kind }) => kind === "divergence"),
    JSON.stringify(log.rows.map(({ kind }) => kind)),
  );
  await end();
});

test("the recording of a pair opens with both machines, by any of its files", async (t) => {
  for (const file of ["y.hindcast", "y.B.hindcast"]) {
    const { a, b, end } = await debugged(t, { recording: join(directory, file) });
    const stopped = await a.stopped();
    assert.match(String(stopped.text), /^Lockstep divergence/);
    await b.stopped();
    const at = await a.instant();
    await a.request("hindcast/seek", { instant: at + 100 });
    await a.stopped();
    await b.stopped();
    await a.request("reverseContinue", { threadId: 1 });
    assert.match(String((await a.stopped()).text), /^Lockstep divergence/);
    assert.equal(await a.instant(), at);
    await end();
  }
});

test("in a live pair that is alike breakpoints stop both, steps go on, and pasts are travelled", async (t) => {
  const { a, b, end } = await debugged(
    t,
    { program: GUEST, memory: "8M", lockstep: true, recordTo: join(directory, "z.hindcast") },
    ["call    say"],
  );
  const stopped = await a.stopped();
  assert.equal(stopped.reason, "breakpoint", stopped.text);
  const cause = stopped.preserveFocusHint === true ? b : a;
  assert.equal(await cause.place(), "call    say");
  await b.stopped();
  // Both are at their newest instants: a step makes history, which both make together.
  await a.request("stepIn", { threadId: 1 });
  assert.equal((await a.stopped()).reason, "step");
  assert.equal(await a.place(), "sb      a0, 0(s0)");
  await b.request("next", { threadId: 1 });
  assert.equal((await b.stopped()).reason, "step");
  const before = await a.instant();
  await a.request("reverseContinue", { threadId: 1 });
  assert.equal((await a.stopped()).reason, "breakpoint");
  assert.ok((await a.instant()) < before);
  await end();
});

test("a pair that runs is paused in both, and goes on", async (t) => {
  const { a, b, end } = await debugged(t, {
    program: join(ROOT, "guest/samples/echo.s"),
    memory: "8M",
    lockstep: true,
    recordTo: join(directory, "echo.hindcast"),
  });
  await a.request("hindcast/input", { text: "hello\r" });
  await a.event<{ output: string }>("output", ({ output }) => output.includes("HELLO"));
  await b.request("pause", { threadId: 1 });
  assert.equal((await a.stopped()).reason, "pause");
  assert.equal((await b.stopped()).reason, "pause");
  await a.request("continue", { threadId: 1 });
  await a.request("hindcast/input", { text: "x" });
  await a.event<{ output: string }>("output", ({ output }) => output.includes("X"));
  await a.request("pause", { threadId: 1 });
  await Promise.all([a.stopped(), b.stopped()]);
  await end();
});
