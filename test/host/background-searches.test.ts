import assert from "node:assert/strict";
import test from "node:test";
import { MessageChannel } from "node:worker_threads";
import type { DebuggeeEvent } from "../../src/debuggee/protocol.ts";
import type { SearchState } from "../../src/debuggee/search-protocol.ts";
import { connectDebuggee } from "../../src/host/debuggee-client.ts";
import { DebuggeeServer } from "../../src/host/debuggee-server.ts";
import { nodePort } from "../../src/host/port.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { program } from "../debuggee/harness.ts";
import { unrecordedSession } from "./unrecorded-session.ts";

const ROUNDS = 20_000;
/** Stores each round's number, after a while of work. */
const GUEST = `
_start: la      s0, cell
        li      s1, ${ROUNDS}
loop:   addi    s2, s2, 1
        sd      s2, 0(s0)
        li      t0, 30
1:      addi    t0, t0, -1
        bnez    t0, 1b
        bne     s2, s1, loop
        li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
2:      j       2b
        .data
        .balign 8
        .type   cell, @object
cell:   .dword  0
        .size   cell, 8
`;

async function served() {
  const { port1, port2 } = new MessageChannel();
  const loaded = program(GUEST);
  new DebuggeeServer(
    nodePort(port1),
    async (_options, emit) => {
      const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 1 << 20, modes: "m" });
      return unrecordedSession(machine, loaded, emit, { spacingSteps: 100_000, sliceSteps: 3000 });
    },
    () => performance.now(),
  );
  const states: SearchState[] = [];
  const done = Promise.withResolvers<SearchState>();
  const onEvent = (event: DebuggeeEvent) => {
    if (event.type !== "search") return;
    states.push(event.state);
    if (event.state.done) done.resolve(event.state);
  };
  const debuggee = connectDebuggee(nodePort(port2), onEvent);
  await debuggee.launch({ stopOnEntry: true });
  assert.equal((await debuggee.resume()).reason, "finished");
  const address = loaded.symbols.find(({ name }) => name === "cell")!.address;
  const close = async () => {
    await debuggee.close();
    port1.close();
  };
  return { debuggee, address, states, done: done.promise, close };
}

test("a search goes on in the background, and whoever looks sees the debuggee where it stands", async () => {
  const { debuggee, address, states, done, close } = await served();
  const { end } = await debuggee.timeline({ most: 1 });
  const started = await debuggee.startSearch({ kind: "writes", address, length: 8 });
  assert.equal(started.done, false);
  let here = end;
  let isDone = false;
  void done.then(() => {
    isDone = true;
  });
  for (let round = 0; round < 12 || !isDone; round++) {
    assert.equal((await debuggee.timeline({ most: 1 })).now, here);
    assert.equal((await debuggee.evaluate("instant", 0, 0)).bits, BigInt(here));
    here = Math.max(0, here - 37);
    assert.equal((await debuggee.seek(here)).instant, here);
    const stopped = await debuggee.step("into", "forward", "instruction", 0);
    here = stopped.instant;
    // Rows from the newest on are known while older ones are searched.
    if (round === 5) {
      const [state] = await debuggee.searches();
      const count = Math.min(3, state.rows);
      const rows = await debuggee.searchRows(started.id, 0, count);
      assert.deepEqual(
        rows.map(({ access }) => access?.value),
        [0, 1, 2].slice(0, count).map((index) => BigInt(ROUNDS - index)),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  const state = await done;
  assert.deepEqual([state.rows, state.fraction, state.problem], [ROUNDS, 1, undefined]);
  assert.equal((await debuggee.timeline({ most: 1 })).now, here);
  const [oldest] = await debuggee.searchRows(state.id, ROUNDS - 1, 1);
  assert.equal(oldest.access?.value, 1n);
  // Rows are only ever added, and what is searched grows.
  for (const [index, one] of states.entries()) {
    const before = states[index - 1];
    if (before !== undefined) assert.ok(one.rows >= before.rows && one.searchedFrom <= before.searchedFrom);
  }
  await close();
});

test("searches wait while the machine runs, may be asked about meanwhile, and go on when it stands", async () => {
  const { debuggee, address, done, close } = await served();
  await debuggee.seek(0);
  const running = debuggee.reverseContinue();
  const { id } = await debuggee.startSearch({ kind: "reads", address, length: 8 });
  assert.equal((await debuggee.searches()).length, 1);
  await running;
  const state = await done;
  assert.deepEqual([state.id, state.rows, state.done], [id, 0, true]);
  const cancelled = await debuggee.startSearch({ kind: "hits", at: { kind: "function", name: "loop" } });
  await debuggee.cancelSearch(cancelled.id);
  await assert.rejects(debuggee.searchRows(cancelled.id + 7, 0, 1), { code: "no-search" });
  await debuggee.closeSearch(cancelled.id);
  assert.equal((await debuggee.searches()).length, 1);
  await close();
});
