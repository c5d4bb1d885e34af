import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, type TestContext } from "node:test";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { serveSession } from "../../src/adapter/connection.ts";
import type { AdapterEnvironment } from "../../src/adapter/environment.ts";
import { frame } from "../../src/adapter/framing.ts";
import { nodeEnvironment } from "../../src/adapter/main.ts";
import { openPair } from "../../src/host/debugged-pair.ts";
import { startDebuggee } from "../../src/host/node-debuggee.ts";
import { EVERYTHING } from "./harness.ts";
import { Inbox, type Message } from "./inbox.ts";
import { lineOf, ROOT } from "./real-adapter.ts";

/** A folder for a file's recordings, which goes with its tests. */
export function pairFolder(): string {
  const directory = mkdtempSync(join(tmpdir(), "hindcast-lockstep-"));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export const GUEST = join(ROOT, "test/vscode/fixtures/late.s");
const SOURCE = readFileSync(GUEST, "utf8");
const CLIENT = { adapterID: "hindcast", clientID: "vscode", ...EVERYTHING, supportsStartDebuggingRequest: true };
const WAIT_MS = 30_000;

type Stopped = DebugProtocol.StoppedEvent["body"];

/** One session with all that it was told. */
export class PairClient {
  readonly #inbox: Inbox;
  readonly #input = new PassThrough();
  readonly over: Promise<unknown>;
  #seq = 0;
  #seen = 0;

  constructor(environment: AdapterEnvironment) {
    const output = new PassThrough();
    this.#inbox = new Inbox(output, WAIT_MS);
    const close = () => {
      this.#input.destroy();
      output.end();
    };
    this.over = serveSession(environment, { input: this.#input, output, close });
  }

  say(message: object): number {
    const seq = ++this.#seq;
    this.#input.write(frame({ ...message, seq } as Message));
    return seq;
  }

  async request<Body = unknown>(command: string, args: object = {}): Promise<Body> {
    const of = this.say({ type: "request", command, arguments: args });
    const response = await this.#inbox.find(0, ({ type, request_seq }) => type === "response" && request_seq === of);
    assert.ok(response.success, `${command}: ${response.message}`);
    return response.body;
  }

  async event<Body>(name: string, which: (body: Body) => boolean = () => true): Promise<Body> {
    const message = await this.#inbox.find(this.#seen, ({ event, body }) => event === name && which(body));
    this.#seen = this.#inbox.messages.indexOf(message) + 1;
    return message.body;
  }

  find(from: number, matches: (message: Message) => boolean): Promise<Message> {
    return this.#inbox.find(from, matches);
  }

  stopped(): Promise<Stopped> {
    return this.event<Stopped>("stopped");
  }

  /** Waits until the guest has said just this. */
  async said(text: string): Promise<void> {
    await this.#inbox.find(0, () => this.output("stdout") === text).catch(() => {});
    assert.equal(this.output("stdout"), text);
  }

  output(category: string): string {
    return this.#inbox.messages
      .flatMap(({ event, body }) => (event === "output" && body.category === category ? [body.output] : []))
      .join("");
  }

  async place(): Promise<string> {
    const { stackFrames } = await this.request<DebugProtocol.StackTraceResponse["body"]>("stackTrace", { threadId: 1 });
    return SOURCE.split("\n")[stackFrames[0].line - 1].trim();
  }

  async instant(): Promise<number> {
    return (await this.request<{ now: number }>("hindcast/timeline", { most: 0 })).now;
  }
}

export async function debugged(t: TestContext, args: object, breakpoints: readonly string[] = []) {
  const environment = nodeEnvironment(startDebuggee, openPair);
  const [a, b] = [new PairClient(environment), new PairClient(environment)];
  let ending: Promise<void> | undefined;
  const end = () => {
    ending ??= (async () => {
      await a.request("disconnect");
      await Promise.all([a.over, b.find(0, ({ event }) => event === "terminated")]);
      await b.request("disconnect");
      await b.over;
      await environment.close();
    })();
    return ending;
  };
  // Also of a test that failed.
  t.after(end);
  const configure = async (client: PairClient) => {
    await client.event("initialized");
    const at = breakpoints.map((text) => ({ line: lineOf(SOURCE, text) }));
    await client.request("setBreakpoints", { source: { path: GUEST }, breakpoints: at });
    await client.request("configurationDone");
  };
  await a.request("initialize", CLIENT);
  await a.request("launch", args);
  await configure(a);
  const asked = await a.find(0, ({ type, command }) => type === "request" && command === "startDebugging");
  a.say({ type: "response", command: "startDebugging", request_seq: asked.seq, success: true });
  await b.request("initialize", CLIENT);
  await b.request("launch", asked.arguments.configuration);
  await configure(b);
  return { a, b, end };
}
