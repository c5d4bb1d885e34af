import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { finished } from "node:stream/promises";
import test, { after } from "node:test";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { serveSession } from "../../src/adapter/connection.ts";
import type { ConsoleBody, StatusBody, TimelineBody } from "../../src/adapter/custom-protocol.ts";
import { frame, MessageReader } from "../../src/adapter/framing.ts";
import { nodeEnvironment } from "../../src/adapter/main.ts";
import { startDebuggee } from "../../src/host/node-debuggee.ts";
import { EVERYTHING } from "./harness.ts";
import { Inbox, type Message } from "./inbox.ts";
import { ADAPTER, lineOf, ROOT } from "./real-adapter.ts";

const directory = mkdtempSync(join(tmpdir(), "hindcast-adapter-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const WAIT_MS = 20_000;
/** Types are stripped from the sources once and not in every process. */
const FAST_START = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "hindcast-compile-cache") };
const sample = (name: string) => join(ROOT, "guest/samples", name);
let recordings = 0;
const recordTo = () => join(directory, `${++recordings}.hindcast`);

type Stopped = DebugProtocol.StoppedEvent["body"];

/** Where a client's bytes go and come from. */
interface Wire {
  readonly input: NodeJS.WritableStream;
  readonly output: NodeJS.ReadableStream;
}

/** A session in this process, with its machine in a thread, as ever. */
function localWire(): Wire {
  const input = new PassThrough();
  const output = new PassThrough();
  const close = () => {
    input.destroy();
    output.end();
  };
  void serveSession(nodeEnvironment(startDebuggee), { input, output, close });
  return { input, output };
}

/** The adapter's process, as it is shipped but for the bundling. */
function startProcess(): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [ADAPTER], { stdio: "pipe", env: FAST_START });
}

/** A client with all that it was told. */
class Adapter {
  readonly #inbox: Inbox;
  readonly #input: NodeJS.WritableStream;
  #seq = 0;
  #seen = 0;

  constructor({ input, output }: Wire) {
    this.#input = input;
    this.#inbox = new Inbox(output, WAIT_MS);
  }

  post(command: string, args: object = {}): number {
    const seq = ++this.#seq;
    this.#input.write(frame({ seq, type: "request", command, arguments: args }));
    return seq;
  }

  async response(seq: number): Promise<Message> {
    return this.#inbox.find(0, ({ type, request_seq }) => type === "response" && request_seq === seq);
  }

  async request<Body = unknown>(command: string, args: object = {}): Promise<Body> {
    const response = await this.response(this.post(command, args));
    assert.ok(response.success, `${command}: ${response.message}`);
    return response.body;
  }

  async event<Body>(name: string): Promise<Body> {
    const message = await this.#inbox.find(this.#seen, ({ event }) => event === name);
    this.#seen = this.#inbox.messages.indexOf(message) + 1;
    return message.body;
  }

  events(name: string): Message["body"][] {
    return this.#inbox.messages.filter(({ event }) => event === name).map(({ body }) => body);
  }

  output(category: string): string {
    const bodies = this.events("output").filter((body) => body.category === category);
    return bodies.map(({ output }) => output).join("");
  }

  /** Launches and sets out. */
  async run(args: object, breakpoints: readonly [string, object][] = []): Promise<void> {
    await this.request("initialize", { adapterID: "hindcast", ...EVERYTHING });
    await this.request("launch", "recording" in args ? args : { recordTo: recordTo(), memory: "8M", ...args });
    await this.event("initialized");
    for (const [command, wishes] of breakpoints) await this.request(command, wishes);
    await this.request("configurationDone");
  }
}

/** A test with a session that is over afterwards, whatever happens. */
function withAdapter(name: string, run: (adapter: Adapter) => Promise<void>): void {
  test(name, async () => {
    const wire = localWire();
    const adapter = new Adapter(wire);
    try {
      await run(adapter);
    } finally {
      wire.input.end();
      await finished(wire.output as Readable);
    }
  });
}

/** A test with the adapter in a process of its own, which is gone afterwards. */
function withProcess(name: string, run: (adapter: Adapter, child: ChildProcessWithoutNullStreams) => Promise<void>) {
  test(name, async () => {
    const child = startProcess();
    try {
      await run(new Adapter({ input: child.stdin, output: child.stdout }), child);
    } finally {
      child.kill("SIGKILL");
    }
  });
}

async function exitCode(child: ChildProcessWithoutNullStreams): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const [code] = await once(child, "exit", { signal: AbortSignal.timeout(WAIT_MS) });
  return code;
}

const pauseFor = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * The promise is 100 ms from `pause` to `stopped`. A machine that does much else may keep any process from running for
 * longer than that, so that the best of several tries is what counts.
 */
async function fastest(tries: number, measure: () => Promise<number>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < tries && best >= 100; round++) best = Math.min(best, await measure());
  return best;
}

async function msUntilStopped(adapter: Adapter): Promise<number> {
  const asked = performance.now();
  adapter.post("pause", { threadId: 1 });
  const { reason } = await adapter.event<Stopped>("stopped");
  assert.equal(reason, "pause");
  return performance.now() - asked;
}

withAdapter("pause within 100 ms, running forwards and during a search", async (adapter) => {
  await adapter.run({ program: sample("loop.s") });
  await pauseFor(300);
  const forwards = await fastest(5, async () => {
    const ms = await msUntilStopped(adapter);
    await adapter.request("continue", { threadId: 1 });
    await pauseFor(50);
    return ms;
  });
  assert.ok(forwards < 100, `${forwards} ms forwards`);
  await pauseFor(700);
  await msUntilStopped(adapter);

  // Nothing ever reads there: the search goes back over all that was run. (The recording knows which pages were not written.)
  const address = "0x80400000";
  await adapter.request("setDataBreakpoints", { breakpoints: [{ dataId: `${address}/8`, accessType: "read" }] });
  const { now } = await adapter.request<TimelineBody>("hindcast/timeline", { most: 0 });
  const backwards = await fastest(5, async () => {
    await adapter.request("reverseContinue", { threadId: 1 });
    await pauseFor(100);
    return msUntilStopped(adapter);
  });
  assert.ok(backwards < 100, `${backwards} ms backwards`);
  const after = await adapter.request<TimelineBody>("hindcast/timeline", { most: 0 });
  assert.equal(after.now, now, "a search that was broken off leaves the machine where it was");

  const searching = await fastest(5, async () => {
    const search = adapter.post("hindcast/lastRead", { address, length: 8 });
    await pauseFor(50);
    const asked = performance.now();
    adapter.post("cancel", { requestId: search });
    const { success, message } = await adapter.response(search);
    assert.deepEqual([success, message], [false, "cancelled"]);
    return performance.now() - asked;
  });
  assert.ok(searching < 100, `${searching} ms to cancel`);
});

withAdapter("a long search shows progress, and its button cancels it", async (adapter) => {
  await adapter.run({ program: sample("loop.s") });
  await pauseFor(700);
  await msUntilStopped(adapter);
  await adapter.request("setDataBreakpoints", { breakpoints: [{ dataId: "0x80400000/8", accessType: "read" }] });
  await adapter.request("reverseContinue", { threadId: 1 });
  const progress = await adapter.event<DebugProtocol.ProgressStartEvent["body"]>("progressStart");
  assert.equal(progress.cancellable, true);
  await adapter.request("cancel", { progressId: progress.progressId });
  await adapter.event("progressEnd");
  assert.equal((await adapter.event<Stopped>("stopped")).reason, "pause");
});

withAdapter("breakpoints that are set while the machine runs stop it", async (adapter) => {
  await adapter.run({ program: sample("loop.s") });
  await pauseFor(100);
  const { breakpoints } = await adapter.request<{ breakpoints: DebugProtocol.Breakpoint[] }>("setBreakpoints", {
    source: { path: sample("loop.s") },
    breakpoints: [{ line: 9 }],
  });
  const stopped = await adapter.event<Stopped>("stopped");
  assert.deepEqual([stopped.reason, stopped.hitBreakpointIds], ["breakpoint", [breakpoints[0].id]]);
});

withAdapter("a flooded console drowns nobody: bounded, and pause still works", async (adapter) => {
  await adapter.run({ program: sample("flood.s") });
  const started = performance.now();
  // On a busy machine the guest takes its time to say more than is shown.
  for (let tries = 0; tries < 300 && !/left out here/.test(adapter.output("console")); tries++) await pauseFor(100);
  const ms = await msUntilStopped(adapter);
  const seconds = (performance.now() - started) / 1000;
  const shown = adapter.output("stdout").length;
  // 160 kB a second, and what waits at the stop.
  assert.ok(shown > 1000 && shown < 200_000 * seconds + 80_000, `${shown} bytes in ${seconds} s`);
  assert.match(adapter.output("console"), /bytes of console output left out here/);
  assert.ok(ms < 1000, `${ms} ms to pause`);
  await adapter.request("stackTrace", { threadId: 1 });
});

withAdapter("console input wakes a guest that waits for it; a terminal gets exact bytes", async (adapter) => {
  await adapter.run({ program: sample("echo.s"), console: "integratedTerminal" });
  await adapter.event<ConsoleBody>("hindcast/console");
  await adapter.request("hindcast/input", { text: "Hi" });
  await pauseFor(200);
  await adapter.request("hindcast/input", { base64: Buffer.from("q").toString("base64") });
  assert.equal((await adapter.event<Stopped>("stopped")).reason, "guest finished");
  const bytes = adapter.events("hindcast/console").map(({ base64 }) => Buffer.from(base64, "base64"));
  assert.equal(Buffer.concat(bytes).toString(), "type, and q to quit\nHI\ngoodbye\n");
  assert.equal(adapter.output("stdout"), "");
  const { marks } = await adapter.request<TimelineBody>("hindcast/timeline");
  assert.ok(marks.filter(({ kind }) => kind === "event").length >= 2, "what was typed is on the timeline");
  await adapter.request("hindcast/instantOfOutput", { offset: 20, seek: true });
  await adapter.event<Stopped>("stopped");
});

withAdapter("a guest that waits for input for ever can be paused", async (adapter) => {
  await adapter.run({ program: sample("echo.s") });
  await pauseFor(300);
  assert.ok((await msUntilStopped(adapter)) < 1000);
});

withAdapter("without debugging: recorded, and over when the guest ends", async (adapter) => {
  const path = recordTo();
  await adapter.run({ program: sample("hello.s"), noDebug: true, recordTo: path });
  await adapter.event("terminated");
  assert.deepEqual(adapter.events("exited"), [{ exitCode: 0 }]);
  assert.match(adapter.output("stdout"), /Hello/);
  assert.deepEqual(adapter.events("stopped"), []);
  assert.ok(statSync(path).size > 100);
});

/** A guest that dies of a trap for which it has no handler. */
function crashing(): string {
  const path = join(directory, "crash.s");
  writeFileSync(path, ".globl _start\n_start:\n  li a1, 16\n  lw a0, 0(a1)\n  j .\n");
  return path;
}

withAdapter(
  "a trap that nothing handles stops, whatever filters are set, and one can go back from it",
  async (adapter) => {
    await adapter.run({ program: crashing() }, [["setExceptionBreakpoints", { filters: [] }]]);
    assert.equal((await adapter.event<Stopped>("stopped")).reason, "exception");
    const info = await adapter.request<DebugProtocol.ExceptionInfoResponse["body"]>("exceptionInfo", { threadId: 1 });
    assert.deepEqual([info.exceptionId, info.breakMode], ["Load access fault", "unhandled"]);
    await adapter.request("stepBack", { threadId: 1 });
    assert.equal((await adapter.event<Stopped>("stopped")).reason, "step");
    const { success, message } = await adapter.response(adapter.post("hindcast/seek", { instant: 1000 }));
    assert.deepEqual([success, message], [false, "There is no instant 1,000: the recording holds 0 to 1."]);
    await adapter.request("continue", { threadId: 1 });
    assert.equal((await adapter.event<Stopped>("stopped")).reason, "exception");
  },
);

withAdapter("without debugging a trap that nothing handles ends the session and says so", async (adapter) => {
  await adapter.run({ program: crashing(), noDebug: true });
  await adapter.event("terminated");
  assert.deepEqual(adapter.events("exited"), [{ exitCode: 1 }]);
  assert.match(adapter.output("console"), /Load access fault .* Nothing handles it/);
});

withAdapter("a recording from another computer still shows its sources", async (adapter) => {
  const elsewhere = join(directory, "elsewhere");
  mkdirSync(elsewhere);
  for (const name of ["hello.s", "console.inc"]) copyFileSync(sample(name), join(elsewhere, name));
  const recording = recordTo();
  const recorder = new Adapter(localWire());
  await recorder.run({ program: join(elsewhere, "hello.s"), noDebug: true, recordTo: recording });
  await recorder.event("terminated");
  await recorder.request("disconnect");
  rmSync(elsewhere, { recursive: true });

  await adapter.run({ recording, stopOnEntry: true });
  const entry = await adapter.event<Stopped>("stopped");
  assert.match(entry.text!, /instant 0/);
  const { stackFrames } = await adapter.request<DebugProtocol.StackTraceResponse["body"]>("stackTrace", {
    threadId: 1,
  });
  const source = stackFrames[0].source!;
  assert.ok(source.sourceReference! > 0);
  assert.match(source.origin!, /from the recording/);
  const { content } = await adapter.request<{ content: string }>("source", {
    source,
    sourceReference: source.sourceReference,
  });
  assert.match(content.split("\n")[stackFrames[0].line - 1], /la\s+a0, greeting/);
  const { breakpoints } = await adapter.request<{ breakpoints: DebugProtocol.Breakpoint[] }>("setBreakpoints", {
    source,
    breakpoints: [{ line: stackFrames[0].line + 1 }],
  });
  await adapter.request("continue", { threadId: 1 });
  assert.deepEqual((await adapter.event<Stopped>("stopped")).hitBreakpointIds, [breakpoints[0].id]);
  await adapter.request("continue", { threadId: 1 });
  assert.match((await adapter.event<Stopped>("stopped")).reason, /guest finished|end of the recording/);
  await adapter.request("reverseContinue", { threadId: 1 });
  assert.deepEqual((await adapter.event<Stopped>("stopped")).hitBreakpointIds, [breakpoints[0].id]);
});

for (const [what, end] of [
  ["a client that dies", (child: ChildProcessWithoutNullStreams) => child.stdin.destroy()],
  ["SIGTERM", (child: ChildProcessWithoutNullStreams) => child.kill("SIGTERM")],
] as const) {
  withProcess(`${what} leaves a recording that is complete`, async (adapter, child) => {
    const recording = recordTo();
    await adapter.run({ program: sample("loop.s"), recordTo: recording });
    while ((await adapter.event<StatusBody>("hindcast/status")).end <= 100_000);
    end(child);
    assert.equal(await exitCode(child), 0);

    const reader = new Adapter(localWire());
    await reader.run({ recording, stopOnEntry: true });
    await reader.event<Stopped>("stopped");
    const { end: last, live } = await reader.request<TimelineBody>("hindcast/timeline", { most: 0 });
    assert.ok(last > 100_000, `${last} instants`);
    assert.equal(live, false);
    assert.equal(reader.output("stderr"), "", "the recording opened with a warning");
    await reader.request("disconnect");
  });
}

withProcess("what is not DAP on stdin ends the process with one sentence", async (_, child) => {
  let said = "";
  child.stderr.on("data", (bytes) => {
    said += bytes;
  });
  child.stdin.write("hello?\n");
  assert.equal(await exitCode(child), 3);
  assert.match(said, /^hindcast adapter: Expected the DAP header “Content-Length: …”, got “hello\?·”\.\n$/);
});

withAdapter("what a program or a recording can be wrong in is one sentence for the user", async (adapter) => {
  const large = join(directory, "large.s");
  writeFileSync(large, ".globl _start\n_start: nop\n.data\n.skip 0x1000000\n");
  const wrong = join(directory, "wrong.s");
  writeFileSync(wrong, "_start:\n  addi a0, a1\n");
  const other = join(directory, "other.elf");
  const [class64, littleEndian, executable, x86] = [2, 1, 2, 62];
  const header = [0x7f, 0x45, 0x4c, 0x46, class64, littleEndian, 1, ...Array(9).fill(0), executable, 0, x86, 0];
  writeFileSync(other, Uint8Array.from([...header, ...Array(100).fill(0)]));
  const mistakes: readonly [object, RegExp][] = [
    [{ program: "no-such-file.elf" }, /no-such-file\.elf: there is no such file/],
    [{ program: other }, /RISC-V/],
    [{ program: large, memory: "1M" }, /memory/],
    [{ program: wrong }, /wrong\.s:2:/],
    [{ recording: join(ROOT, "README.md") }, /not a Hindcast recording/],
  ];
  await adapter.request("initialize", { adapterID: "hindcast" });
  for (const [args, sentence] of mistakes) {
    const { success, message = "", body } = await adapter.response(adapter.post("launch", args));
    assert.equal(success, false, JSON.stringify(args));
    assert.match(message, sentence);
    assert.match(message, /\.$/);
    assert.doesNotMatch(message, /fault of Hindcast/);
    assert.equal(body.error.showUser, true);
  }
  // The mistake is corrected and the launch repeated, in the same session.
  await adapter.request("launch", { program: sample("hello.s"), recordTo: recordTo() });
});

withAdapter("replay-only checks: blocks of the guest, and breakpoints with a mode", async (adapter) => {
  const path = join(ROOT, "guest/checks/ring.S");
  await adapter.run({ program: path });
  const died = await adapter.event<Stopped>("stopped");
  assert.equal(died.reason, "exception");
  assert.match(died.text ?? "", /^Load access fault at walk_back/);
  // The damage was done long ago. What is broken stays broken, so that the first failure is looked for from the start.
  await adapter.request("reverseContinue", { threadId: 1 });
  const last = await adapter.event<Stopped>("stopped");
  assert.equal(last.reason, "exception");
  assert.match(last.text ?? "", /^Replay-only check failed: 1 broken link\(s\) after parcel 1999\. At main_loop/);
  const info = await adapter.request<DebugProtocol.ExceptionInfoResponse["body"]>("exceptionInfo", { threadId: 1 });
  assert.equal(info.exceptionId, "Replay-only check failed");
  assert.equal(info.details?.message, "1 broken link(s) after parcel 1999");
  assert.match(info.description ?? "", /State restored, digest equal\.$/);
  await adapter.request("hindcast/seek", { instant: 0 });
  await adapter.event<Stopped>("stopped");
  await adapter.request("continue", { threadId: 1 });
  const first = await adapter.event<Stopped>("stopped");
  assert.match(first.text ?? "", /^Replay-only check failed: 1 broken link\(s\) after parcel 300\./);
  const { now } = await adapter.request<TimelineBody>("hindcast/timeline", { most: 0 });
  assert.equal(now, 10_032);

  // The same by a function of the guest, with its own blocks switched off.
  await adapter.request("setExceptionBreakpoints", { filters: ["load-access-fault"] });
  await adapter.request("hindcast/seek", { instant: 0 });
  await adapter.event<Stopped>("stopped");
  const line = lineOf(readFileSync(path, "utf8"), "addi    s0, s0, 1");
  const set = await adapter.request<DebugProtocol.SetBreakpointsResponse["body"]>("setBreakpoints", {
    source: { path },
    breakpoints: [
      { line, mode: "replay-only-check", condition: "count_broken(ring) != 0" },
      {
        line,
        mode: "replay-only-log",
        condition: "s0 == 299",
        logMessage: "{count_broken(ring),d} broken after {s0,d}",
      },
    ],
  });
  assert.ok(set.breakpoints.every(({ verified }) => verified));
  await adapter.request("continue", { threadId: 1 });
  const called = await adapter.event<Stopped>("stopped");
  assert.match(called.text ?? "", /^Replay-only check failed: count_broken\(ring\) != 0\. At main_loop/);
  assert.deepEqual(called.hitBreakpointIds, [set.breakpoints[0].id]);
  assert.match(adapter.output("console"), /\[10,004\] 0 broken after 299\n/);
  const evaluated = await adapter.request<DebugProtocol.EvaluateResponse["body"]>("evaluate", {
    expression: "count_broken(ring),d",
    context: "watch",
  });
  assert.equal(evaluated.result, "1");
});

test("hindcast adapter --port serves sessions; a busy port is one sentence", async () => {
  const cli = join(ROOT, "src/cli/main.ts");
  const server = spawn(process.execPath, [cli, "adapter", "--port", "0"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: FAST_START,
  });
  try {
    let said = "";
    for await (const bytes of server.stderr!) {
      said += bytes;
      if (said.includes("\n")) break;
    }
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
    const socket = connect(port, "127.0.0.1");
    const answers: unknown[] = [];
    const reader = new MessageReader((message) => answers.push(message));
    socket.on("data", (bytes) => reader.push(bytes));
    socket.write(frame({ seq: 1, type: "request", command: "initialize", arguments: { adapterID: "x" } }));
    socket.write(frame({ seq: 2, type: "request", command: "disconnect" }));
    await once(socket, "close", { signal: AbortSignal.timeout(WAIT_MS) });
    assert.equal(answers.filter((answer) => (answer as Message).success).length, 2);

    const second = spawn(process.execPath, [cli, "adapter", "--port", String(port)], {
      stdio: "pipe",
      env: FAST_START,
    });
    let complaint = "";
    second.stderr.on("data", (bytes) => {
      complaint += bytes;
    });
    const [code] = await once(second, "close", { signal: AbortSignal.timeout(WAIT_MS) });
    assert.equal(code, 3);
    assert.match(complaint, new RegExp(`Port ${port} is in use by another program; choose another with --port`));
  } finally {
    server.kill("SIGTERM");
  }
  const [code] = await once(server, "exit", { signal: AbortSignal.timeout(WAIT_MS) });
  assert.equal(code, 0);
});
