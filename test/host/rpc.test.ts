import assert from "node:assert/strict";
import test from "node:test";
import { MessageChannel } from "node:worker_threads";
import { UserError } from "../../src/base/errors.ts";
import { nodePort } from "../../src/host/port.ts";
import { RemoteFault, RpcClient, RpcServer } from "../../src/host/rpc.ts";

function connect(handle: (method: string, args: readonly unknown[]) => unknown) {
  const { port1, port2 } = new MessageChannel();
  const events: unknown[] = [];
  const client = new RpcClient(nodePort(port1), (event) => events.push(event));
  const server = new RpcServer(nodePort(port2), handle);
  return { client, server, events, close: () => port1.close() };
}

test("a reply finds its request, whatever the order in which they are answered", async () => {
  const release: (() => void)[] = [];
  const { client, close } = connect(
    (method) => new Promise((resolve) => release.push(() => resolve(`answer to ${method}`))),
  );
  const first = client.call("first", []);
  const second = client.call("second", []);
  while (release.length < 2) await new Promise(setImmediate);
  release[1]();
  release[0]();
  assert.deepEqual(await Promise.all([first, second]), ["answer to first", "answer to second"]);
  close();
});

test("bigints, bytes and undefined survive the port", async () => {
  const { client, close } = connect((_method, args) => args);
  const value = [0xffff_ffff_ffff_fff8n, Uint8Array.of(1, 2, 3), undefined, { nested: 5n }];
  assert.deepEqual(await client.call("echo", value), value);
  close();
});

test("a user's mistake stays one, a fault keeps its stack", async () => {
  const { client, close } = connect((method) => {
    if (method === "mistake") throw new UserError("recording-version", "This is version 7.", 2);
    throw new TypeError("of undefined");
  });
  await assert.rejects(client.call("mistake", []), (error) => {
    assert.ok(error instanceof UserError);
    assert.equal(error.code, "recording-version");
    assert.equal(error.exitCode, 2);
    return error.message === "This is version 7.";
  });
  await assert.rejects(client.call("fault", []), (error) => {
    assert.ok(error instanceof RemoteFault);
    assert.match(error.stack ?? "", /rpc\.test\.ts/);
    return error.message === "of undefined";
  });
  close();
});

test("an answer that cannot be cloned is an error of that request, not a silence", async () => {
  const { client, close } = connect((method) => (method === "function" ? () => 1 : "fine"));
  await assert.rejects(client.call("function", []), /could not be cloned/);
  assert.equal(await client.call("again", []), "fine");
  close();
});

test("an argument that cannot be cloned rejects at once", async () => {
  const { client, close } = connect(() => "fine");
  await assert.rejects(client.call("argument", [() => 1]), /could not be cloned/);
  close();
});

test("events arrive in order, between replies", async () => {
  const { client, server, events, close } = connect(() => "done");
  server.event({ type: "one" });
  server.event({ type: "two" });
  await client.call("anything", []);
  assert.deepEqual(events, [{ type: "one" }, { type: "two" }]);
  close();
});

test("when the other side is gone, what waits and what comes is rejected with the reason", async () => {
  const { client, close } = connect(() => new Promise(() => {}));
  const waiting = client.call("resume", []);
  const reason = new Error("the machine is gone");
  client.break(reason);
  await assert.rejects(waiting, reason);
  await assert.rejects(client.call("frames", []), reason);
  close();
});
