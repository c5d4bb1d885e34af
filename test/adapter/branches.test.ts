import assert from "node:assert/strict";
import test from "node:test";
import { BranchLines } from "../../src/adapter/branches.ts";
import type { BranchBody, BranchesBody, CompareBranchBody } from "../../src/adapter/custom-protocol.ts";
import { TestClient } from "./harness.ts";

async function launched(): Promise<TestClient> {
  const client = new TestClient();
  await client.launchStopped({ cwd: "/project" });
  return client;
}

test("branches are started, listed, named, gone to, compared, saved and discarded", async () => {
  const client = await launched();
  const branch = await client.request<BranchBody>("hindcast/startBranch", { inputs: false });
  assert.deepEqual([branch.id, branch.inputs, branch.label], [1, false, "Branch 1 of instant 0"]);
  assert.deepEqual((await client.event<BranchesBody>("hindcast/branch")).current, 1);
  assert.equal((await client.request<BranchesBody>("hindcast/branches")).branches.length, 1);
  const kept = await client.request<BranchBody>("hindcast/keepBranch", { name: "as it should be" });
  assert.equal(kept.label, "Branch “as it should be” of instant 0");
  const comparison = await client.request<CompareBranchBody>("hindcast/compareBranch", { at: 7 });
  assert.deepEqual([comparison.differs, comparison.lines], [false, ["The same."]]);
  await client.request("hindcast/saveBranch", { path: "saved/branch.hindcast" });
  await client.request("hindcast/switchBranch", { id: 0 });
  await client.event("stopped");
  await client.request("hindcast/discardBranch", { id: 1 });
  await client.event("stopped");
  await client.request("hindcast/forceReturn", { threadId: 1, value: "a0 + 1" });
  await client.event("stopped");
  assert.deepEqual(
    client.debuggee.calls.filter((call) => /Branch|Return/.test(call)),
    [
      "startBranch false",
      "keepBranch 1 as it should be",
      "compareBranch undefined 7",
      "saveBranch undefined /project/saved/branch.hindcast",
      "switchBranch 0",
      "discardBranch 1",
      "forceReturn 0 a0 + 1",
    ].map((call) => call.replace("undefined", "1")),
  );
});

test("a comparison that takes long has a progress, and is cancelled", async () => {
  const client = await launched();
  await client.request("hindcast/startBranch", {});
  client.debuggee.endless = true;
  const comparing = client.refused("hindcast/compareBranch");
  const { progressId, title } = await client.event<{ progressId: string; title: string }>("progressStart");
  assert.equal(title, "Comparing with the recording");
  await client.request("cancel", { progressId });
  assert.match((await comparing).message, /cancelled/);
});

test("what a branch prints comes in lines that say so, and is no part of the console's output", async () => {
  const client = await launched();
  const bytes = new TextEncoder().encode("hello\r\nwor");
  client.debuggee.emit({ type: "output", category: "guest", bytes, instant: 3, branch: 2 });
  const { output, category } = await client.event<{ output: string; category: string }>("output");
  assert.deepEqual([output, category], ["[branch 2] hello\n", "console"]);
  const lines = new BranchLines();
  assert.deepEqual(lines.push(1, Uint8Array.of(0xc3)), []);
  assert.deepEqual(lines.push(1, Uint8Array.of(0xa4, 10, 65)), ["[branch 1] ä\n"]);
  assert.deepEqual(lines.rest(), ["[branch 1] A\n"]);
  assert.equal(lines.push(1, new Uint8Array(5000).fill(66)).length, 1, "a line without end comes in pieces");
});

test("malformed requests are refused", async () => {
  const client = await launched();
  for (const [name, args] of [
    ["hindcast/switchBranch", {}],
    ["hindcast/keepBranch", { id: 1 }],
    ["hindcast/saveBranch", { path: 5 }],
    ["hindcast/startBranch", { inputs: "yes" }],
    ["hindcast/forceReturn", { value: "1" }],
  ] as const) {
    assert.match((await client.refused(name, args)).message, /hindcast\//);
  }
});
