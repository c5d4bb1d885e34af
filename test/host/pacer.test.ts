import assert from "node:assert/strict";
import test from "node:test";
import { Pacer } from "../../src/host/pacer.ts";

const TICKS_PER_MS = 10_000n;

function clock() {
  const state = { nowMs: 5000 };
  return { state, pacer: new Pacer(() => state.nowMs, 7n * TICKS_PER_MS) };
}

test("sleeps until the guest's moment is due", () => {
  const { state, pacer } = clock();
  assert.equal(pacer.sleepMs(27n * TICKS_PER_MS), 20);
  state.nowMs += 15;
  assert.equal(pacer.sleepMs(27n * TICKS_PER_MS), 5);
  state.nowMs += 15;
  assert.equal(pacer.sleepMs(27n * TICKS_PER_MS), 0);
});

test("a short lag is made up for", () => {
  const { state, pacer } = clock();
  state.nowMs += 50;
  assert.equal(pacer.sleepMs(7n * TICKS_PER_MS), 0);
  assert.equal(pacer.sleepMs(7n * TICKS_PER_MS, 77n * TICKS_PER_MS), 20, "70 ms ahead, of which 50 have passed");
});

test("after a stop the guest's time goes on from where it was", () => {
  const { state, pacer } = clock();
  state.nowMs += 60_000;
  assert.equal(pacer.sleepMs(7n * TICKS_PER_MS, 37n * TICKS_PER_MS), 30, "a whole wait, not what is left of it");
  state.nowMs += 10;
  assert.equal(pacer.elapsedTicks(7n * TICKS_PER_MS, 300_000), 100_000);
});

test("an idle jump is what has passed: something, and not past the timer", () => {
  const { state, pacer } = clock();
  assert.equal(pacer.elapsedTicks(7n * TICKS_PER_MS, 100_000), 1);
  state.nowMs += 3;
  assert.equal(pacer.elapsedTicks(7n * TICKS_PER_MS, 100_000), 30_000);
  state.nowMs += 30;
  assert.equal(pacer.elapsedTicks(7n * TICKS_PER_MS, 100_000), 100_000);
});
