import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../src/base/errors.ts";
import { BackgroundSearches } from "../../src/host/background-searches.ts";
import type { Motion, Progress } from "../../src/replay/timeline-interface.ts";

const NOWHERE = { instant: 0, fraction: undefined } as unknown as Progress;

/** A machine that is given to one piece of work at a time, and says whose it was. */
function background(parts: { turns?: number; failure?: Error } = {}) {
  const told: string[] = [];
  const state = { isFree: true, searching: 0, inHands: "" };
  function* work(name: string, turns: number): Motion<void> {
    assert.equal(state.inHands, "", `${name} while ${state.inHands} is at work`);
    state.inHands = name;
    told.push(`${name} begins`);
    try {
      for (let turn = 0; turn < turns; turn++) {
        yield NOWHERE;
        if (parts.failure !== undefined) throw parts.failure;
      }
      told.push(`${name} ends`);
    } finally {
      state.inHands = "";
    }
  }
  const searches = {
    get hasWork() {
      return state.searching > 0;
    },
    work: function* (): Motion<void> {
      yield* work("search", 3);
      state.searching--;
    },
    suspend: () => void told.push("suspended"),
    onWork: () => {},
  };
  const prepare = () => work("preparation", parts.turns ?? 3);
  const all = new BackgroundSearches(
    searches,
    () => state.isFree,
    () => {},
    prepare,
  );
  return { all, told, state };
}

/** Until something is so; a test that waits for ever has failed. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(1);
}

test("where the debuggee has come to stand, steps back are prepared once, searches first", async () => {
  const { all, told, state } = background();
  state.searching = 1;
  all.arrived();
  all.goOn();
  await until(() => told.includes("preparation ends"));
  assert.deepEqual(told, ["search begins", "search ends", "preparation begins", "preparation ends"]);
  await sleep(60);
  assert.equal(told.length, 4);
  all.close();
});

test("who wants the machine has it at once, and the preparation begins again when it is free", async () => {
  const { all, told, state } = background({ turns: 1e9 });
  all.arrived();
  await until(() => state.inHands === "preparation");
  all.suspend();
  assert.equal(state.inHands, "");
  assert.deepEqual(told, ["preparation begins"]);
  await until(() => told.length === 2);
  state.isFree = false;
  all.suspend();
  assert.equal(state.inHands, "");
  await sleep(60);
  assert.deepEqual(told, ["preparation begins", "preparation begins"]);
  state.isFree = true;
  all.arrived();
  await until(() => told.length === 3);
  all.close();
  assert.equal(state.inHands, "");
  await sleep(60);
  assert.equal(told.length, 3, "nothing begins when all is over");
});

test("what a preparation meets is told to who goes there", async () => {
  const { all, told, state } = background({ failure: new UserError("diverged", "The replay has left its recording.") });
  all.arrived();
  await until(() => told.length === 1 && state.inHands === "");
  all.close();
});
