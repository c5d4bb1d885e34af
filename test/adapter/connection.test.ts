import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import test from "node:test";
import { serveSession } from "../../src/adapter/connection.ts";
import type { AdapterEnvironment } from "../../src/adapter/environment.ts";
import { frame, MessageReader } from "../../src/adapter/framing.ts";
import { type AdapterServer, nodeEnvironment, serveSocket } from "../../src/adapter/main.ts";
import { UserError } from "../../src/base/errors.ts";
import { FakeDebuggee } from "./fake-debuggee.ts";

type Message = Record<string, unknown> & { type: string };

function environment(debuggees: FakeDebuggee[]): AdapterEnvironment {
  return nodeEnvironment(async (onEvent) => {
    const debuggee = new FakeDebuggee(onEvent);
    debuggee.endless = true;
    debuggees.push(debuggee);
    return debuggee;
  });
}

/** A client at the end of a pair of pipes or a socket. */
class Wire {
  readonly messages: Message[] = [];
  readonly #output: NodeJS.WritableStream;
  #seq = 0;

  constructor(input: NodeJS.ReadableStream, output: NodeJS.WritableStream) {
    this.#output = output;
    const reader = new MessageReader((message) => this.messages.push(message));
    input.on("data", (bytes: Uint8Array) => reader.push(bytes));
  }

  send(command: string, args: object = {}): void {
    this.#output.write(frame({ seq: ++this.#seq, type: "request", command, arguments: args }));
  }

  /** Launches and lets the machine run. */
  async run(): Promise<void> {
    this.send("initialize", { adapterID: "hindcast" });
    this.send("launch", { program: "guest.s" });
    await this.until(() => this.has("event", "initialized"));
    this.send("configurationDone");
    await this.until(() => this.has("command", "configurationDone"));
  }

  has(key: string, value: string): boolean {
    return this.messages.some((message) => message[key] === value);
  }

  async until(condition: () => boolean): Promise<void> {
    for (let turn = 0; turn < 500 && !condition(); turn++) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(condition(), `not within 2.5 s; got ${JSON.stringify(this.messages.slice(-3))}`);
  }
}

function pipes() {
  const input = new PassThrough();
  const output = new PassThrough();
  let closed = false;
  const transport = {
    input,
    output,
    close: () => {
      closed = true;
      input.destroy();
      output.end();
    },
  };
  return { transport, wire: new Wire(output, input), input, isClosed: () => closed };
}

test("a session over pipes, ended by disconnect", async () => {
  const debuggees: FakeDebuggee[] = [];
  const { transport, wire, isClosed } = pipes();
  const served = serveSession(environment(debuggees), transport);
  await wire.run();
  wire.send("disconnect");
  assert.equal(await served, undefined);
  assert.ok(wire.has("command", "disconnect"), "the last response still arrives");
  assert.ok(isClosed() && debuggees[0].closed && debuggees[0].disposed);
});

test("a client that is gone: the recording is closed", async () => {
  const debuggees: FakeDebuggee[] = [];
  const { transport, wire, input } = pipes();
  const served = serveSession(environment(debuggees), transport);
  await wire.run();
  input.end();
  assert.equal(await served, undefined);
  assert.ok(debuggees[0].closed && debuggees[0].disposed);
});

test("a client that is gone within a message", async () => {
  const { transport, input } = pipes();
  const served = serveSession(environment([]), transport);
  input.end("Content-Length: 100\r\n\r\n{");
  assert.equal(await served, "The client's connection ended within a message.");
});

test("what is not DAP closes the connection with a sentence, and the recording", async () => {
  const debuggees: FakeDebuggee[] = [];
  const { transport, wire, input, isClosed } = pipes();
  const served = serveSession(environment(debuggees), transport);
  await wire.run();
  input.write('Content-Length: 3\r\n\r\n{"x');
  assert.match((await served)!, /^A DAP message is not valid JSON/);
  assert.ok(isClosed() && debuggees[0].closed);
  const said = wire.messages.filter(({ event }) => event === "output").map(({ body }) => body as { output: string });
  assert.ok(said.some(({ output }) => output.startsWith("A DAP message is not valid JSON")));
});

async function withServer(use: (server: AdapterServer, debuggees: FakeDebuggee[], reports: string[]) => Promise<void>) {
  const debuggees: FakeDebuggee[] = [];
  const reports: string[] = [];
  const server = await serveSocket(environment(debuggees), 0, (sentence) => reports.push(sentence));
  try {
    await use(server, debuggees, reports);
  } finally {
    await server.close();
  }
}

async function dial(port: number): Promise<{ socket: Socket; wire: Wire; closed: Promise<void> }> {
  const socket = connect(port, "127.0.0.1");
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  return { socket, wire: new Wire(socket, socket), closed };
}

test("several sessions over sockets, each its own", async () => {
  await withServer(async (server, debuggees) => {
    const one = await dial(server.port);
    const two = await dial(server.port);
    await one.wire.run();
    await two.wire.run();
    assert.equal(debuggees.length, 2);
    one.wire.send("disconnect");
    await one.closed;
    assert.deepEqual(
      debuggees.map(({ closed }) => closed),
      [true, false],
    );
    two.socket.destroy();
    await two.wire.until(() => debuggees[1].disposed);
  });
});

test("rubbish on one connection does not disturb another", async () => {
  await withServer(async (server, _, reports) => {
    const good = await dial(server.port);
    await good.wire.run();
    const bad = await dial(server.port);
    bad.socket.write("GET / HTTP/1.1\r\n\r\n");
    await bad.closed;
    assert.match(reports[0], /Expected the DAP header/);
    good.wire.send("threads");
    await good.wire.until(() => good.wire.has("command", "threads"));
  });
});

test("closing the server closes every recording", async () => {
  const debuggees: FakeDebuggee[] = [];
  const server = await serveSocket(environment(debuggees), 0);
  const { wire } = await dial(server.port);
  await wire.run();
  await server.close();
  assert.ok(debuggees[0].closed && debuggees[0].disposed);
});

test("a busy port is one clear sentence", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  await assert.rejects(serveSocket(environment([]), port), (error) => {
    assert.ok(error instanceof UserError);
    assert.equal(
      error.message,
      `Port ${port} is in use by another program; choose another with --port, or --port 0 for any that is free.`,
    );
    return true;
  });
  other.close();
});
