/** Machines of a live pair that die, stand still or run another program, behind the adapter. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { DebugProtocol } from "@vscode/debugprotocol";
import type { DivergenceFindingBody, PairStateBody } from "../../src/adapter/custom-protocol.ts";
import { openPairRecording } from "../../src/host/pair-recording.ts";
import { debugged, GUEST, type PairClient, pairFolder } from "./pair-client.ts";
import { ROOT } from "./real-adapter.ts";

const directory = pairFolder();
const ECHO = { program: join(ROOT, "guest/samples/echo.s"), memory: "8M" };
/** In the midst of the first thing that is typed. */
const FAULT_AT = 100;

const stateOf = (client: PairClient) => client.request<PairStateBody>("hindcast/lockstep/state");

/** Types until machine C is seen to follow what is typed; what the guest has said until then. */
async function typeUntilJoined(client: PairClient): Promise<string> {
  let said = "type, and q to quit\n";
  for (const key of "abcdefghijklmnoprstuvwxyz".repeat(8)) {
    await client.request("hindcast/input", { text: key });
    said += key.toUpperCase();
    await client.said(said);
    if ((await stateOf(client)).members.some(({ name }) => name === "C")) return said;
  }
  throw new Error("nobody joined");
}

async function replaced(t: TestContext, fault: string, hit: "A" | "B") {
  const recordTo = join(directory, `${fault.replace(":", "-")}.hindcast`);
  const launch = { ...ECHO, recordTo, lockstep: { fault: [`${fault}@${FAULT_AT}`] } };
  const { a, b, end } = await debugged(t, launch);
  const [struck, left, survivor] = hit === "A" ? [a, b, "B"] : [b, a, "A"];
  const said = await typeUntilJoined(a);
  for (const client of [a, b]) {
    await client.event<{ output: string }>("output", ({ output }) => output.includes(`Machine ${hit} is gone`));
    if (hit === "A") {
      await client.event<{ output: string }>("output", ({ output }) => output.includes("Machine B has taken over."));
    }
    const joined = `Machine C has joined, in the place of machine ${hit}`;
    await client.event<{ output: string }>("output", ({ output }) => output.includes(joined));
  }
  await left.request("pause", { threadId: 1 });
  await Promise.all([a.stopped(), b.stopped()]);
  const state = await stateOf(struck);
  assert.equal(state.member, "C");
  const [roleOfA, roleOfB] = hit === "A" ? ["gone", "primary"] : ["primary", "gone"];
  assert.deepEqual(
    state.members.map(({ title }) => title),
    [`Machine A (${roleOfA})`, `Machine B (${roleOfB})`, "Machine C (secondary)"],
  );
  assert.equal((await stateOf(left)).member, survivor);
  assert.equal(state.counts.joined, 1);
  // What is typed where the guest sleeps comes at the same instant in both.
  assert.equal(state.inner, undefined);
  // Nothing was lost, and nothing said twice.
  await a.said(said);
  // Back through the seat's past: machine C's, and then that of the machine that was there before.
  await struck.request("reverseContinue", { threadId: 1 });
  const begin = await struck.stopped();
  assert.match(String(begin.text), new RegExp(`Machine C joined here, in the place of machine ${hit}`));
  await struck.request("reverseContinue", { threadId: 1 });
  await struck.stopped();
  assert.equal((await stateOf(struck)).member, hit);
  assert.equal(await struck.instant(), 0);
  // Forward again: what the machine did, and then what the one did that came in its place, up to where both make history.
  await struck.request("continue", { threadId: 1 });
  assert.match(String((await struck.stopped()).text), /Machine C joined in its place at instant/);
  await struck.request("continue", { threadId: 1 });
  await a.request("hindcast/input", { text: "z" });
  await a.said(`${said}Z`);
  await struck.request("pause", { threadId: 1 });
  await Promise.all([a.stopped(), b.stopped()]);
  await end();
  const recording = await openPairRecording(recordTo);
  assert.deepEqual(
    recording?.members.map(({ member }) => member),
    ["A", "B", "C"],
  );
  return recordTo;
}

for (const [fault, hit] of [
  ["kill:secondary", "B"],
  ["kill:primary", "A"],
  ["freeze:secondary", "B"],
  ["freeze:primary", "A"],
] as const) {
  test(`${fault}: the survivor goes on, and a machine that joins has the seat of the one that is gone`, async (t) => {
    const recording = await replaced(t, fault, hit);
    const { a, b, end } = await debugged(t, { recording, stopOnEntry: true });
    await Promise.all([a.stopped(), b.stopped()]);
    const state = await stateOf(a);
    assert.deepEqual(
      state.members.map(({ name, role }) => [name, role]),
      ["A", "B", "C"].map((name) => [name, name === "C" ? "secondary" : name === hit ? "gone" : "primary"]),
    );
    const { last } = state.members[2].stretches[0];
    const survivor = hit === "A" ? b : a;
    await survivor.request("hindcast/seek", { instant: last });
    await Promise.all([a.stopped(), b.stopped()]);
    assert.equal((await stateOf(hit === "A" ? a : b)).member, "C");
    assert.equal(await (hit === "A" ? a : b).instant(), last);
    await end();
  });
}

test("two programs are compared up to the first difference, at which both stop", async (t) => {
  const second = join(directory, "other.s");
  const source = readFileSync(GUEST, "utf8");
  writeFileSync(second, source.replace("addi    a0, s2, '0'", "addi    a0, s2, 'a'"));
  const lockstep = { second };
  const { a, b, end } = await debugged(t, {
    ...{ program: GUEST, memory: "8M", lockstep, recordTo: join(directory, "second.hindcast") },
  });
  const [stopped, other] = await Promise.all([a.stopped(), b.stopped()]);
  assert.match(String(stopped.text), /^Lockstep divergence: console byte 0 is "\d/);
  assert.equal(other.reason, "exception");
  const finding = await a.request<DivergenceFindingBody>("hindcast/lockstep/findDivergence", {});
  assert.equal(finding.divergent?.cause, "program", JSON.stringify(finding.lines));
  await Promise.all([a.stopped(), b.stopped()]);
  const { stackFrames } = await b.request<DebugProtocol.StackTraceResponse["body"]>("stackTrace", { threadId: 1 });
  assert.equal(stackFrames[0].source?.path, second);
  // There is nothing behind it: nobody is resynchronised, and nobody joins.
  await a.request("continue", { threadId: 1 });
  await Promise.all([a.stopped(), b.stopped()]);
  await a.request("continue", { threadId: 1 });
  const last = await a.stopped();
  await b.stopped();
  const state = await stateOf(a);
  assert.deepEqual([state.members.length, state.counts.resynchronisations, state.divergences.length], [2, 0, 1]);
  assert.ok(last.text !== undefined);
  await end();
});
