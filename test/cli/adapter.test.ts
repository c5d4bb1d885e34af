import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import type { Readable } from "node:stream";
import test from "node:test";
import { end, start } from "./command.ts";

const INITIALIZE = frame({ seq: 1, type: "request", command: "initialize", arguments: { adapterID: "hindcast" } });

function frame(message: object): string {
  const text = JSON.stringify(message);
  return `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** The first message that a stream of them holds. */
async function firstMessage(stream: Readable): Promise<Record<string, unknown>> {
  let text = "";
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const [header, length] = /^Content-Length: (\d+)\r\n\r\n/.exec(text) ?? [];
    if (header !== undefined && text.length >= header.length + Number(length)) {
      return JSON.parse(text.slice(header.length, header.length + Number(length)));
    }
  }
  throw new Error(`no message in ${JSON.stringify(text)}`);
}

test("over stdio: one session, ended by the client's end", async () => {
  const child = start("adapter");
  child.stdin.write(INITIALIZE);
  const answer = await firstMessage(child.stdout.setEncoding("utf8"));
  assert.equal(answer.command, "initialize");
  assert.equal(answer.success, true);
  assert.equal((answer.body as Record<string, unknown>).supportsStepBack, true);
  child.stdin.end();
  assert.equal((await end(child)).exitCode, 0);
});

test("over a socket: several sessions at a time, until Ctrl-C", async () => {
  const child = start("adapter", "--port", "0", "--json");
  const [line] = (await once(child.stderr.setEncoding("utf8"), "data")) as [string];
  const port = Number(/^Debug adapter listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
  const sockets = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
  for (const socket of sockets) {
    socket.write(INITIALIZE);
    assert.equal((await firstMessage(socket.setEncoding("utf8"))).success, true);
  }
  child.kill("SIGINT");
  const { exitCode, stdout } = await end(child);
  assert.equal(exitCode, 0);
  assert.deepEqual(JSON.parse(stdout), { host: "127.0.0.1", port });
});
