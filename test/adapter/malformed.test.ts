import assert from "node:assert/strict";
import test from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { TestClient } from "./harness.ts";

const SOURCE = { path: "/project/guest.s", name: "guest.s" };
const CONDITIONS = { condition: "a0 == 1", hitCondition: "3", logMessage: "x" };

/** Requests as they should be. */
const REQUESTS: Readonly<Record<string, object>> = {
  initialize: { adapterID: "x" },
  launch: { program: "x.s", memory: "1M" },
  attach: {},
  configurationDone: {},
  restart: { arguments: { program: "x.s" } },
  cancel: { requestId: 3, progressId: "progress-1" },
  threads: {},
  loadedSources: {},
  source: { sourceReference: 0, source: SOURCE },
  continue: { threadId: 1 },
  reverseContinue: { threadId: 1 },
  next: { threadId: 1, granularity: "line" },
  stepIn: { threadId: 1 },
  stepOut: { threadId: 1 },
  stepBack: { threadId: 1 },
  pause: { threadId: 1 },
  gotoTargets: { source: SOURCE, line: 4, column: 1 },
  goto: { threadId: 1, targetId: 1 },
  setBreakpoints: { source: SOURCE, breakpoints: [{ line: 3, column: 1, ...CONDITIONS }], lines: [3] },
  setFunctionBreakpoints: { breakpoints: [{ name: "main", ...CONDITIONS }] },
  setInstructionBreakpoints: { breakpoints: [{ instructionReference: "0x80000000", offset: 4, ...CONDITIONS }] },
  setDataBreakpoints: { breakpoints: [{ dataId: "0x80000040/8", accessType: "write", ...CONDITIONS }] },
  setExceptionBreakpoints: { filters: ["illegal-instruction"] },
  dataBreakpointInfo: { variablesReference: 100, name: "counter", bytes: 8, asAddress: false, frameId: 1 },
  breakpointLocations: { source: SOURCE, line: 3, endLine: 9 },
  exceptionInfo: { threadId: 1 },
  stackTrace: { threadId: 1, startFrame: 0, levels: 20 },
  scopes: { frameId: 1 },
  variables: { variablesReference: 100, start: 0, count: 10 },
  setVariable: { variablesReference: 100, name: "a0", value: "7" },
  setExpression: { expression: "counter", value: "7", frameId: 1 },
  evaluate: { expression: "counter", context: "repl", frameId: 1 },
  completions: { text: "a", column: 2, line: 1, frameId: 1 },
  readMemory: { memoryReference: "0x80000000", offset: 0, count: 16 },
  writeMemory: { memoryReference: "0x80000000", offset: 0, data: "AAA=", allowPartial: true },
  disassemble: { memoryReference: "0x80000000", offset: 0, instructionOffset: -2, instructionCount: 8 },
  "hindcast/reverseStepIn": { threadId: 1, granularity: "line" },
  "hindcast/reverseStepOut": { threadId: 1 },
  "hindcast/seek": { instant: 4 },
  "hindcast/timeline": { from: 0, to: 100, most: 10 },
  "hindcast/bookmark": { name: "x" },
  "hindcast/breakpoints": {},
  "hindcast/firstRead": { address: "counter", length: 4, from: 2, seek: true },
  "hindcast/firstDifference": { address: "counter", from: 2 },
  "hindcast/rowInstants": { id: 1, from: 0, to: 50, most: 10 },
  "hindcast/removeBookmark": { instant: 4, name: "x" },
  "hindcast/renameBookmark": { instant: 4, name: "x", newName: "y" },
  "hindcast/instantOfOutput": { offset: 2, seek: true },
  "hindcast/lastWrite": { address: "counter", length: 4, before: 9, seek: true },
  "hindcast/lastRead": { address: "counter", length: 4, before: 9, seek: true },
  "hindcast/origin": { place: "a0", length: 8, instant: 4, hart: 0, depth: 1, most: 10 },
  "hindcast/input": { text: "x" },
};
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  2,
  100,
  1.5,
  2 ** 53,
  -(2 ** 31),
  1e300,
  "",
  "a0",
  "counter",
  "0x80000000",
  "0xffffffffffffffff",
  "0x10000000000000000",
  "99999999999999999999",
  "0x80000040/8",
  "0x80000040/99999999999",
  "repl",
  "goto 1",
  "last-write counter",
  "origin a0",
  "file:///project/guest.s",
  "file://%",
  "/project/guest.s",
  "constructor",
  "\u0000\ud800",
  [],
  {},
  [null],
  [[]],
];

/** The value with some of its parts replaced by strange ones. */
function mutate(random: Prng, value: unknown): unknown {
  if (random.below(6) === 0) return random.pick(VALUES);
  if (Array.isArray(value)) return value.map((element) => mutate(random, element));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, mutate(random, member)]));
}

test("whatever a client sends, it gets an answer, and none that is a fault of ours", async () => {
  const random = new Prng(20261123);
  const client = new TestClient();
  await client.launchStopped();
  let answered = 0;
  for (let round = 0; round < 10_000; round++) {
    const command = random.pick(Object.keys(REQUESTS));
    const args = mutate(random, REQUESTS[command]);
    const response = await client.response(client.post(command, args));
    if (response.success) answered++;
    const what = `${command} ${JSON.stringify(args)}: ${response.message}`;
    assert.notEqual(response.body?.error?.id, 2, what);
    if (!response.success) assert.match(response.message!, /\S.{3}/, what);
    // Searching all of them for every response would take squares.
    client.messages.length = 0;
  }
  assert.ok(answered > 1000, `only ${answered} requests were taken for good: nothing was tested`);
  await client.request("threads");
});
