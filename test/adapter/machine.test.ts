import assert from "node:assert/strict";
import { test } from "node:test";
import type { DebugProtocol } from "@vscode/debugprotocol";
import type {
  BindingConditionBody,
  MachineBody,
  PageTableBody,
  TranslationBody,
} from "../../src/adapter/custom-protocol.ts";
import { TestClient } from "./harness.ts";

const SATP = "0x8000000000080200";

async function stopped(): Promise<TestClient> {
  const client = new TestClient();
  await client.launchStopped();
  return client;
}

test("the machine as a whole: addresses are text, whatever their size", async () => {
  const client = await stopped();
  const body = await client.request<MachineBody>("hindcast/machine", {});
  assert.equal(body.harts[0].space?.satp, SATP);
  assert.deepEqual(body.memory[0], {
    start: "0x80000000",
    end: "0x80001000",
    name: "RAM",
    kind: "memory",
    detail: "4 KiB",
  });
});

test("a translation takes an expression and a hart, by default the one that stopped", async () => {
  const client = await stopped();
  const body = await client.request<TranslationBody>("hindcast/translate", { address: "a0 + 8" });
  assert.equal(body.physicalAddress, "0x80201000");
  assert.ok(client.debuggee.calls.includes("translate a0 + 8 0"));
  await client.request("hindcast/csrs", { hart: 0 });
  assert.ok(client.debuggee.calls.includes("csrs 0"));
  await assert.rejects(client.request("hindcast/csrs", { hart: 7 }), /7|8/);
});

test("page tables are asked for by table, level and first address", async () => {
  const client = await stopped();
  const root = await client.request<PageTableBody>("hindcast/pageTable", { satp: SATP });
  assert.equal(root.table, "0x80200000");
  await client.request("hindcast/pageTable", { satp: SATP, table: "0x80203000", level: 1, base: "0xffffffc080000000" });
  assert.ok(client.debuggee.calls.includes("pageTable 8000000000080200 80203000 1"));
  await assert.rejects(client.request("hindcast/pageTable", { satp: "root" }), /satp must be an address/);
});

test("a breakpoint is bound by its condition; what the user wrote stays, an old binding goes", async () => {
  const client = await stopped();
  const bind = async (to: string, condition?: string) =>
    (await client.request<BindingConditionBody>("hindcast/bindingCondition", { to, condition })).condition;
  const space = `priv == S && satp == ${SATP}`;
  assert.equal(await bind("space"), space);
  assert.equal(await bind("privilege"), "priv == S");
  assert.equal(await bind("space", "a0 == 3"), `${space} && a0 == 3`);
  assert.equal(await bind("space", "a0 == 3 || a1"), `${space} && (a0 == 3 || a1)`);
  assert.equal(await bind("privilege", `${space} && (a0 == 3 || a1)`), "priv == S && (a0 == 3 || a1)");
  assert.equal(await bind("space", "priv == U"), space);
  await assert.rejects(bind("page"), /“privilege” or “space”/);
});

test("memory is read by virtual address, or by physical address where the reference says so", async () => {
  const client = await stopped();
  const uses: unknown[] = [];
  const read = client.debuggee.readMemory.bind(client.debuggee);
  client.debuggee.readMemory = (address, length, ...rest: unknown[]) => {
    uses.push(rest[0]);
    return read(address, length);
  };
  const body = await client.request<DebugProtocol.ReadMemoryResponse["body"]>("readMemory", {
    memoryReference: "phys:0x80000000",
    offset: 8,
    count: 4,
  });
  assert.equal(body?.address, "phys:0x80000008");
  await client.request("readMemory", { memoryReference: "0x80000000", count: 4 });
  assert.deepEqual(uses, ["physical", undefined]);
  const info = await client.request<DebugProtocol.DataBreakpointInfoResponse["body"]>("dataBreakpointInfo", {
    name: "phys:0x80000040",
    asAddress: true,
    bytes: 8,
  });
  assert.equal(info.dataId, "phys:0x80000040/8");
  await client.request("setDataBreakpoints", { breakpoints: [{ dataId: info.dataId, accessType: "write" }] });
  const [spec] = client.debuggee.specs("data");
  assert.deepEqual(spec.at, {
    kind: "data",
    address: 0x8000_0040n,
    length: 8,
    use: "physical",
    access: "write",
  });
});

test("a frame that a trap interrupted stands behind a label that names the trap", async () => {
  const client = await stopped();
  const frames = client.debuggee.frames.bind(client.debuggee);
  client.debuggee.frames = async (hart) => {
    const [handler, interrupted] = await frames(hart);
    return [handler, { ...interrupted, trap: "Supervisor timer interrupt" }];
  };
  const body = await client.request<DebugProtocol.StackTraceResponse["body"]>("stackTrace", { threadId: 1 });
  assert.deepEqual(
    body.stackFrames.map(({ name, presentationHint }) => [name, presentationHint]),
    [
      ["main+0x4", "normal"],
      ["<trap: Supervisor timer interrupt>", "label"],
      ["_start (guess)", "normal"],
    ],
  );
  assert.equal(body.totalFrames, 3);
  // The label is no frame of its own: what is asked about it is answered for the frame behind it.
  const scopes = await client.request<DebugProtocol.ScopesResponse["body"]>("scopes", {
    frameId: body.stackFrames[1].id,
  });
  assert.equal(scopes.scopes[0].variablesReference, 101);
});
