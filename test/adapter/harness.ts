import assert from "node:assert/strict";
import { posix } from "node:path";
import type { DebugProtocol } from "@vscode/debugprotocol";
import type { AdapterEnvironment } from "../../src/adapter/environment.ts";
import { Pairs } from "../../src/adapter/pairs.ts";
import { HindcastSession } from "../../src/adapter/session.ts";
import { FakeDebuggee } from "./fake-debuggee.ts";

/** Longer than anything in these tests takes, on a machine that does much else. */
const WAIT_MS = 5000;

/** A DAP client in the same process, with everything that it was told. */
export class TestClient {
  readonly messages: DebugProtocol.ProtocolMessage[] = [];
  readonly debuggees: FakeDebuggee[] = [];
  readonly files = new Map<string, string>();
  readonly session: HindcastSession;
  congested = false;
  /** Prepares a debuggee before it is launched. */
  onDebuggee: (debuggee: FakeDebuggee) => void = () => {};
  #seq = 0;
  #waiting: (() => void)[] = [];
  /** Events up to here were waited for already. */
  #seen = 0;

  constructor(more: Partial<AdapterEnvironment> = {}) {
    const environment: AdapterEnvironment = {
      pairs: new Pairs(() => "key"),
      createDebuggee: async (onEvent) => {
        const debuggee = new FakeDebuggee(onEvent);
        this.debuggees.push(debuggee);
        this.onDebuggee(debuggee);
        return debuggee;
      },
      readFile: async (path) => {
        const text = this.files.get(path);
        return text === undefined ? undefined : new TextEncoder().encode(text);
      },
      resolvePath: (base, path) => posix.resolve(base, path),
      workingDirectory: "/project",
      ...more,
    };
    this.session = new HindcastSession(environment, () => this.congested);
    this.session.onDidSendMessage((message) => {
      // As it would arrive: what does not survive JSON is not said.
      this.messages.push(JSON.parse(JSON.stringify(message)));
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const wake of waiting) wake();
    });
  }

  get debuggee(): FakeDebuggee {
    return this.debuggees.at(-1)!;
  }

  /** Sends a request; gives its id. */
  post(command: string, args?: unknown): number {
    const seq = ++this.#seq;
    const message = { seq, type: "request", command, arguments: args };
    this.session.handleMessage(message as unknown as DebugProtocol.ProtocolMessage);
    return seq;
  }

  async response(seq: number): Promise<DebugProtocol.Response> {
    const found = () =>
      this.messages.find(
        (message): message is DebugProtocol.Response =>
          message.type === "response" && (message as DebugProtocol.Response).request_seq === seq,
      );
    await this.#until(() => found() !== undefined, `a response to request ${seq}`);
    return found()!;
  }

  /** The body of the response; fails when it is an error. */
  async request<Body = unknown>(command: string, args?: unknown): Promise<Body> {
    const response = await this.response(this.post(command, args));
    assert.ok(response.success, `${command}: ${response.message}`);
    return response.body as Body;
  }

  /** The error of a request that must fail. */
  async refused(command: string, args?: unknown): Promise<{ message: string; showUser: boolean; id: number }> {
    const response = await this.response(this.post(command, args));
    assert.equal(response.success, false, `${command} succeeded`);
    const { format, showUser, id }: { format: string; showUser: boolean; id: number } = response.body.error;
    assert.equal(format, response.message);
    return { message: format, showUser, id };
  }

  /** The next event of a name after the last one that was waited for. */
  async event<Body = Record<string, unknown>>(name: string): Promise<Body> {
    const find = () =>
      this.messages.findIndex((message, index) => index >= this.#seen && isEvent(message) && message.event === name);
    await this.#until(() => find() >= 0, `the event ${name}`);
    const index = find();
    this.#seen = index + 1;
    return (this.messages[index] as DebugProtocol.Event).body as Body;
  }

  events(name: string): DebugProtocol.Event["body"][] {
    return this.messages.filter(isEvent).flatMap((message) => (message.event === name ? [message.body] : []));
  }

  /** All that was printed in a category. */
  output(category: string): string {
    return this.events("output")
      .flatMap((body) => (body.category === category ? [body.output] : []))
      .join("");
  }

  /** Reverse requests that came and are not answered. */
  get asked(): DebugProtocol.Request[] {
    return this.messages.filter((message): message is DebugProtocol.Request => message.type === "request");
  }

  /** The first reverse request of a name, answered. */
  async reverseRequest(command: string, success = true): Promise<DebugProtocol.Request["arguments"]> {
    const find = () => this.asked.find((message) => message.command === command);
    await this.#until(() => find() !== undefined, `the reverse request ${command}`);
    const { seq, arguments: args } = find()!;
    const response = { seq: ++this.#seq, type: "response", request_seq: seq, command, success };
    this.session.handleMessage(response as unknown as DebugProtocol.ProtocolMessage);
    return args;
  }

  /** initialize, launch, initialized; breakpoints may be set then. */
  async launch(args: object = {}, capabilities: object = EVERYTHING): Promise<void> {
    await this.request("initialize", { adapterID: "hindcast", ...capabilities });
    await this.request("launch", { program: "guest.s", ...args });
    await this.event("initialized");
  }

  /** Launched and stopped before the first instruction. */
  async launchStopped(args: object = {}, capabilities: object = EVERYTHING): Promise<void> {
    await this.launch({ stopOnEntry: true, ...args }, capabilities);
    await this.request("configurationDone");
    await this.event("stopped");
  }

  async #until(done: () => boolean, what: string): Promise<void> {
    const deadline = AbortSignal.timeout(WAIT_MS);
    while (!done()) {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(resolve);
        deadline.onabort = () => reject(new Error(`waited ${WAIT_MS} ms for ${what}: ${this.#tail()}`));
      });
    }
    deadline.onabort = null;
  }

  #tail(): string {
    return this.messages
      .slice(-5)
      .map((message) => JSON.stringify(message))
      .join("\n");
  }
}

/** What VS Code says of itself. */
export const EVERYTHING = {
  linesStartAt1: true,
  columnsStartAt1: true,
  pathFormat: "path",
  supportsVariableType: true,
  supportsVariablePaging: true,
  supportsMemoryReferences: true,
  supportsProgressReporting: true,
  supportsInvalidatedEvent: true,
  supportsMemoryEvent: true,
};

function isEvent(message: DebugProtocol.ProtocolMessage): message is DebugProtocol.Event {
  return message.type === "event";
}

/** Lets everything that waits for nothing but its turn run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
