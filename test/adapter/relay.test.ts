import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import test from "node:test";
import { serveSession } from "../../src/adapter/connection.ts";
import type { AdapterEnvironment } from "../../src/adapter/environment.ts";
import { frame, MessageReader } from "../../src/adapter/framing.ts";
import { Pairs } from "../../src/adapter/pairs.ts";
import { connectPartner, PartnerServer } from "../../src/adapter/partner-server.ts";
import { FakeDebuggee } from "./fake-debuggee.ts";
import { pairEnvironment } from "./fake-pair.ts";
import { EVERYTHING } from "./harness.ts";

type Message = Record<string, unknown> & { body: Record<string, unknown>; arguments: Record<string, object> };

/** A client over streams. */
function client(environment: AdapterEnvironment) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const messages: Message[] = [];
  let wake = () => {};
  const reader = new MessageReader((message) => {
    messages.push(message as unknown as Message);
    wake();
  });
  output.on("data", (bytes: Uint8Array) => reader.push(bytes));
  const over = serveSession(environment, { input, output, close: () => input.destroy() });
  let seq = 0;
  const say = (message: object) => input.write(frame({ ...message, seq: ++seq } as never));
  const find = async (matches: (message: Message) => boolean): Promise<Message> => {
    for (;;) {
      const found = messages.find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const request = async (command: string, args: object = {}) => {
    say({ type: "request", command, arguments: args });
    const of = seq;
    return find(({ type, request_seq }) => type === "response" && request_seq === of);
  };
  const answer = (to: Message) => say({ type: "response", command: to.command, request_seq: to.seq, success: true });
  return { messages, over, request, answer, find, event: (name: string) => find(({ event }) => event === name), input };
}

/** An adapter process, but for the process. */
function adapterProcess(): AdapterEnvironment & { close(): Promise<void> } {
  const { environment: pair } = pairEnvironment(new Pairs(() => "key"));
  const partners: PartnerServer = new PartnerServer((transport) => serveSession(environment, transport));
  const environment = {
    createDebuggee: async (onEvent) => new FakeDebuggee(onEvent),
    readFile: async () => undefined,
    resolvePath: (_, path) => path,
    workingDirectory: "/",
    pairs: new Pairs(() => "key"),
    ...pair,
    partnerAddress: () => partners.address(),
    connect: connectPartner,
    close: () => partners.close(),
  } satisfies AdapterEnvironment & { close(): Promise<void> };
  return environment;
}

const CLIENT = { adapterID: "hindcast", ...EVERYTHING, supportsStartDebuggingRequest: true };

test("a client whose second session has another adapter process debugs machine B by way of that", async () => {
  const [first, second] = [adapterProcess(), adapterProcess()];
  const a = client(first);
  await a.request("initialize", CLIENT);
  await a.request("launch", { recording: "x.hindcast", stopOnEntry: true });
  await a.request("configurationDone");
  const asked = await a.find(({ command, type }) => type === "request" && command === "startDebugging");
  a.answer(asked);
  const b = client(second);
  await b.request("initialize", CLIENT);
  const launched = await b.request("launch", asked.arguments.configuration);
  assert.equal(launched.success, true, String(launched.message));
  await b.event("initialized");
  await b.request("configurationDone");
  assert.equal((await b.event("stopped")).body.reason, "entry");
  await a.event("stopped");
  const { body } = await b.request("hindcast/lockstep/state");
  assert.equal(body.member, "B");
  // What it was told here is not told again there.
  assert.equal(b.messages.filter(({ command }) => command === "initialize").length, 1);
  await b.request("disconnect");
  await b.over;
  await a.event("terminated");
  a.input.end();
  await a.over;
  await Promise.all([first.close(), second.close()]);
});

test("an address where nobody is any more is refused with a sentence", async () => {
  const environment = adapterProcess();
  const b = client(environment);
  await b.request("initialize", CLIENT);
  const { success, message } = await b.request("launch", { __pair: "gone", __pairAddress: "/nowhere/partner" });
  assert.equal(success, false);
  assert.match(String(message), /pair's debug session is over/);
  await b.request("disconnect");
  await b.over;
});
