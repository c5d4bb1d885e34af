/** A debugger's client for long sessions: the adapter as it is shipped, in this process, with its machine in a thread. */
import assert from "node:assert/strict";
import { PassThrough, type Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { serveSession } from "../../src/adapter/connection.ts";
import { frame } from "../../src/adapter/framing.ts";
import { nodeEnvironment } from "../../src/adapter/main.ts";
import { startDebuggee } from "../../src/host/node-debuggee.ts";
import { EVERYTHING } from "../adapter/harness.ts";
import { Inbox } from "../adapter/inbox.ts";

/** A boot of Linux takes half a minute on a quiet machine. */
const PATIENCE_MS = 15 * 60_000;

export type Stopped = DebugProtocol.StoppedEvent["body"];

export class DapClient {
  readonly #input = new PassThrough();
  readonly #output = new PassThrough();
  readonly #inbox = new Inbox(this.#output, PATIENCE_MS);
  #seq = 0;
  /** Events before this message have been waited for. */
  #seen = 0;

  constructor() {
    const close = () => {
      this.#input.destroy();
      this.#output.end();
    };
    void serveSession(nodeEnvironment(startDebuggee), { input: this.#input, output: this.#output, close });
  }

  async launch(args: object): Promise<void> {
    await this.request("initialize", { adapterID: "hindcast", ...EVERYTHING });
    await this.request("launch", args);
    await this.event("initialized");
  }

  async request<Body = unknown>(command: string, args: object = {}): Promise<Body> {
    const seq = ++this.#seq;
    this.#input.write(frame({ seq, type: "request", command, arguments: args }));
    const response = await this.#inbox.find(0, ({ type, request_seq }) => type === "response" && request_seq === seq);
    assert.ok(response.success, `${command}: ${response.message}`);
    return response.body;
  }

  async event<Body>(name: string): Promise<Body> {
    const message = await this.#inbox.find(this.#seen, ({ event }) => event === name);
    this.#seen = this.#inbox.messages.indexOf(message) + 1;
    return message.body;
  }

  /** A request that moves the machine, and where that ends. */
  async move(command: string, args: object = {}): Promise<Stopped> {
    this.#seen = this.#inbox.messages.length;
    await this.request(command, { threadId: 1, ...args });
    return this.event<Stopped>("stopped");
  }

  async evaluate(expression: string, frameId?: number): Promise<string> {
    const args = { expression, context: "repl", ...(frameId !== undefined && { frameId }) };
    return (await this.request<{ result: string }>("evaluate", args)).result;
  }

  async stack(threadId: number): Promise<DebugProtocol.StackFrame[]> {
    return (await this.request<{ stackFrames: DebugProtocol.StackFrame[] }>("stackTrace", { threadId })).stackFrames;
  }

  /** Variables of a frame, along a way of names: a scope, and groups in it. */
  async variables(frameId: number, ...way: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { scopes } = await this.request<{ scopes: DebugProtocol.Scope[] }>("scopes", { frameId });
    let level: { name: string; value?: string; variablesReference: number }[] = scopes;
    for (const name of way) {
      const found = level.find((candidate) => candidate.name === name);
      assert.ok(found, `no ${name} among ${level.map((each) => each.name)}`);
      const { variablesReference } = found;
      level = (await this.request<{ variables: DebugProtocol.Variable[] }>("variables", { variablesReference }))
        .variables;
    }
    return new Map(level.map(({ name, value }) => [name, value ?? ""]));
  }

  async memory(memoryReference: string, count: number): Promise<Buffer> {
    const { data } = await this.request<{ data: string }>("readMemory", { memoryReference, count });
    return Buffer.from(data, "base64");
  }

  /** What the guest has printed. */
  get console(): Buffer {
    const bodies = this.#inbox.messages.filter(({ event }) => event === "hindcast/console").map(({ body }) => body);
    return Buffer.concat(bodies.map(({ base64 }) => Buffer.from(base64, "base64")));
  }

  async end(): Promise<void> {
    this.#input.end();
    await finished(this.#output as Readable);
  }
}
