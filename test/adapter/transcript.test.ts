import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { checkGolden } from "../golden-file.ts";
import { EVERYTHING } from "./harness.ts";
import { ADAPTER, lineOf, ROOT } from "./real-adapter.ts";
import { TranscriptClient } from "./transcript.ts";

const DEMO = join(ROOT, "guest/demo/work-queue.s");
const demo = readFileSync(DEMO, "utf8");
const at = (text: string) => lineOf(demo, text);

type Scopes = { scopes: DebugProtocol.Scope[] };
type Trace = DebugProtocol.StackTraceResponse["body"];

/** The whole way through a session with the demo guest, over stdio: every kind of request that a client makes. */
class Session {
  readonly client: TranscriptClient;
  readonly source = { path: DEMO };

  constructor(client: TranscriptClient) {
    this.client = client;
  }

  where(levels = 2): Promise<Trace> {
    return this.client.ask<Trace>("stackTrace", { threadId: 1, startFrame: 0, levels });
  }

  async registers(frameId: number): Promise<number> {
    const { scopes } = await this.client.ask<Scopes>("scopes", { frameId });
    return scopes[0].variablesReference;
  }

  /** Sets breakpoints of one file, none by default. */
  async breakpoints(...breakpoints: DebugProtocol.SourceBreakpoint[]): Promise<void> {
    await this.client.ask("setBreakpoints", { source: this.source, breakpoints });
  }
}

async function start(client: TranscriptClient, directory: string): Promise<void> {
  client.title("initialize, launch, and stop before the first instruction");
  await client.ask("initialize", { clientID: "transcript", adapterID: "hindcast", ...EVERYTHING });
  await client.ask("threads");
  await client.ask("launch", {});
  await client.ask("launch", { program: join(ROOT, "guest/demo/no-such-program.s") });
  // It comes behind the response, with it or a little later.
  const initialized = client.waitForEvent("initialized");
  await client.ask("launch", {
    program: DEMO,
    recordTo: join(directory, "demo.hindcast"),
    memory: "16M",
    stopOnEntry: true,
  });
  await initialized;
  await client.ask("setExceptionBreakpoints", { filters: ["load-access-fault", "illegal-instruction"] });
  await client.ask("configurationDone");
  await client.stopped();
  await client.ask("threads");
  await client.ask("loadedSources");
}

async function steps({ client, where }: Session): Promise<void> {
  client.title("stepping: over, into, out, by line and by instruction, and back again");
  await client.move("next");
  await client.move("next", { threadId: 1, granularity: "instruction" });
  await client.move("stepBack", { threadId: 1, granularity: "instruction" });
  await client.move("stepBack");
  void where;
}

async function breakpointsOfEachKind(session: Session): Promise<void> {
  const { client } = session;
  client.title("breakpoints: with a condition, a hit count, a message; on functions, instructions and data");
  const line = at("main, @function");
  await client.ask("breakpointLocations", { source: session.source, line, endLine: line + 3 });
  await session.breakpoints(
    { line: at("call    rush_hour"), condition: "s1 >= 80" },
    { line: at("call    take_orders"), hitCondition: "3" },
    { line: at("call    work_off"), logMessage: "round {s1}, {*orders_taken} orders" },
    { line: 1 },
  );
  await client.move("continue");
  await session.where(1);
  await session.breakpoints({ line: at("call    rush_hour"), condition: "s1 >= 80" });
  await client.move("continue");
  await client.ask("evaluate", { expression: "s1", context: "hover" });
  await session.breakpoints({ line: 84, condition: "nonsense ==" });
  await session.breakpoints();

  await client.ask("setFunctionBreakpoints", { breakpoints: [{ name: "heap_free" }, { name: "no_such_function" }] });
  await client.move("continue");
  const trace = await session.where(2);
  await client.ask("setFunctionBreakpoints", { breakpoints: [] });
  const instructionReference = trace.stackFrames[1].instructionPointerReference;
  await client.ask("setInstructionBreakpoints", { breakpoints: [{ instructionReference }] });
  await client.move("continue");
  await client.ask("setInstructionBreakpoints", { breakpoints: [] });

  await client.ask("dataBreakpointInfo", { name: "a0" });
  const info = await client.ask<{ dataId: string }>("dataBreakpointInfo", { name: "*orders_taken" });
  await client.ask("setDataBreakpoints", { breakpoints: [{ dataId: info.dataId, accessType: "write" }] });
  await client.move("continue");
  await client.ask("setDataBreakpoints", { breakpoints: [{ dataId: info.dataId, accessType: "read" }] });
  await client.move("continue");
  await client.ask("setDataBreakpoints", { breakpoints: [] });
}

async function callsAndReturns(session: Session): Promise<void> {
  const { client } = session;
  client.title("into a call, out of it, and the same backwards");
  await session.breakpoints({ line: at("call    message_make") });
  await client.move("continue");
  await session.breakpoints();
  await client.move("stepIn");
  await session.where(2);
  await client.move("stepOut");
  await client.move("next");
  await client.move("stepBack");
  await client.move("stepBack");
  await client.move("next");
  await client.move("hindcast/reverseStepIn");
  await session.where(1);
  await client.move("hindcast/reverseStepOut");
  await session.where(1);
}

async function look(session: Session): Promise<void> {
  const { client } = session;
  client.title("looking, in the past: variables, expressions, memory, disassembly, completions");
  const { stackFrames } = await session.where();
  const registers = await session.registers(stackFrames[0].id);
  await client.ask("variables", { variablesReference: registers, start: 0, count: 3 });
  await client.ask("variables", { variablesReference: 999_999 });
  for (const expression of ["sp", "*orders_taken", "orders_taken", "1 + 2 * 3", "nonsense", "t6"]) {
    await client.ask("evaluate", { expression, frameId: stackFrames[0].id, context: "watch" });
  }
  const [{ instructionPointerReference: memoryReference }] = stackFrames;
  await client.ask("disassemble", { memoryReference, instructionOffset: -2, instructionCount: 5 });
  await client.ask("disassemble", { memoryReference: "0x0", instructionOffset: 0, instructionCount: 1 });
  await client.ask("completions", { text: "orders", column: 7 });
  await client.ask("completions", { text: "rev", column: 4 });
  const taken = await client.ask<{ memoryReference: string }>("evaluate", { expression: "*orders_taken" });
  await client.ask("readMemory", { memoryReference: taken.memoryReference, offset: 0, count: 8 });
  await client.ask("readMemory", { memoryReference: "0x80fffffc", count: 16 });
  await client.ask("setVariable", { variablesReference: registers, name: "t6", value: "0x1234" });
  await client.ask("writeMemory", { memoryReference: UNUSED, data: "aGluZGNhc3Q=" });
  await client.ask("hindcast/branches", {});
  await client.ask("hindcast/compareBranch", {});
  await client.move("hindcast/discardBranch", {});
}

/** Memory that the guest never uses. */
const UNUSED = "0x80f00000";

async function change(session: Session): Promise<void> {
  const { client } = session;
  client.title("changing, at the newest instant");
  await client.move("evaluate", { expression: "goto end", context: "repl" });
  const { stackFrames } = await session.where(1);
  const registers = await session.registers(stackFrames[0].id);
  await client.ask("setVariable", { variablesReference: registers, name: "t6", value: "0x1234" });
  await client.ask("setVariable", { variablesReference: registers, name: "t6", value: "much" });
  await client.ask("evaluate", { expression: "t6" });
  await client.ask("readMemory", { memoryReference: UNUSED, count: 8 });
  await client.ask("writeMemory", { memoryReference: UNUSED, data: "aGluZGNhc3Q=" });
  await client.ask("readMemory", { memoryReference: UNUSED, count: 8 });
  await client.ask("setExpression", { expression: "*orders_taken", value: "*orders_taken + 0" });
}

async function trapAndBack(session: Session): Promise<void> {
  const { client } = session;
  client.title("the trap, and back to the instruction that is to blame");
  await client.move("continue");
  await client.ask("exceptionInfo", { threadId: 1 });
  const { stackFrames } = await session.where(20);
  const registers = await session.registers(stackFrames[0].id);
  await client.ask("variables", { variablesReference: registers, start: 5, count: 2 });
  const damaged = await client.ask<{ memoryReference: string }>("evaluate", {
    expression: "*(u64*)t0",
    context: "repl",
  });
  void damaged;
  const { result } = await client.ask<{ result: string }>("evaluate", { expression: "t0", context: "clipboard" });
  const name = /0x[0-9a-f]+/.exec(result)![0];
  const info = await client.ask<{ dataId: string }>("dataBreakpointInfo", { name, asAddress: true, bytes: 8 });
  await client.ask("setDataBreakpoints", { breakpoints: [{ dataId: info.dataId, accessType: "write" }] });
  await client.move("reverseContinue");
  await session.where(20);
  await client.ask("setDataBreakpoints", { breakpoints: [] });
  await client.ask("hindcast/bookmark", { name: "the culprit" });
  await client.move("continue");
  await client.ask("hindcast/lastWrite", { address: name, length: 8 });
  await client.move("hindcast/lastWrite", { address: name, length: 8, seek: true });
  await session.where(1);
}

async function travel(session: Session): Promise<void> {
  const { client } = session;
  client.title("travel: instants, output, lines, the debug console");
  await client.move("hindcast/seek", { instant: 1_000_000 });
  await client.ask("hindcast/timeline", { most: 4 });
  await client.ask("hindcast/instantOfOutput", { offset: 0 });
  await client.move("hindcast/instantOfOutput", { offset: 20, seek: true });
  await client.ask("hindcast/instantOfOutput", { offset: 1_000_000 });
  const { targets } = await client.ask<DebugProtocol.GotoTargetsResponse["body"]>("gotoTargets", {
    source: session.source,
    line: at("call    rush_hour"),
  });
  await client.move("goto", { threadId: 1, targetId: targets[0].id });
  await client.ask("gotoTargets", { source: session.source, line: 1 });
  for (const expression of ["instant", "last-write *orders_taken", "goto nowhere"]) {
    await client.ask("evaluate", { expression, context: "repl" });
  }
  await client.move("evaluate", { expression: "goto start", context: "repl" });
  await client.move("reverseContinue");
  const { stackFrames } = await session.where(1);
  const registers = await session.registers(stackFrames[0].id);
  await client.ask("setVariable", { variablesReference: registers, name: "a0", value: "1" });
  await client.ask("hindcast/keepBranch", { name: "from one" });
  await client.ask("hindcast/keepBranch", { name: "" });
  await client.move("hindcast/switchBranch", { id: 0 });
  await client.move("evaluate", { expression: "goto end", context: "repl" });
}

async function restartAndEnd(session: Session, directory: string): Promise<void> {
  const { client } = session;
  client.title("restart with other arguments, to the end of the guest, and terminate");
  await session.breakpoints({ line: at("call    main") });
  await client.ask("restart", { arguments: { program: DEMO, seed: "none" } });
  const program = join(ROOT, "guest/samples/hello.s");
  await client.ask("restart", { arguments: { program, recordTo: join(directory, "hello.hindcast") } });
  await client.stopped();
  await client.move("stepBack");
  await client.move("reverseContinue");
  await client.ask("terminate");
  await client.waitForEvent("terminated");
  await client.ask("stackTrace", { threadId: 1 });
  await client.ask("disconnect");
}

test("a whole session over stdio, as test/golden/adapter-transcript.txt has it", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "hindcast-transcript-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const client = new TranscriptClient(process.execPath, ADAPTER, [
    [directory, "<directory>"],
    [ROOT, "<root>"],
    // Marks of checkpoints, which lie where the host's speed has put them.
    [/"total":\d+/g, '"total":"<total>"'],
    [/\{"kind":"checkpoint","instant":\d+,"label":""\}/g, '"<checkpoint>"'],
  ]);
  t.after(() => client.kill());
  if (process.env.TRANSCRIPT) t.after(() => console.log(client.text));
  await client.start();
  const session = new Session(client);
  await start(client, directory);
  await steps(session);
  await breakpointsOfEachKind(session);
  await callsAndReturns(session);
  await look(session);
  await change(session);
  await trapAndBack(session);
  await travel(session);
  await restartAndEnd(session, directory);
  assert.equal(await client.exitCode(), 0);
  checkGolden("adapter-transcript.txt", client.text);
});
