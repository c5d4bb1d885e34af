import assert from "node:assert/strict";
import { test } from "node:test";
import { AdaptiveTurns } from "../../src/host/turn-length.ts";

/** Plays turns of a machine that takes so many steps a millisecond; gives how long the last one took. */
function play(turns: AdaptiveTurns, clock: { ms: number }, stepsPerMs: number, count: number): number {
  let tookMs = 0;
  for (let turn = 0; turn < count; turn++) {
    const { steps } = turns;
    turns.begin();
    tookMs = steps / stepsPerMs;
    clock.ms += tookMs;
    turns.end(steps);
  }
  return tookMs;
}

test("turns come to take about ten milliseconds, however fast the machine is and becomes", () => {
  const clock = { ms: 0 };
  const turns = new AdaptiveTurns(() => clock.ms);
  for (const stepsPerMs of [2_000_000, 1_000, 200_000]) {
    const tookMs = play(turns, clock, stepsPerMs, 8);
    assert.ok(tookMs > 9 && tookMs < 11, `${tookMs} ms at ${stepsPerMs} steps a millisecond`);
  }
});

test("a turn that was cut short shortens the next when it took long, and says nothing when it did not", () => {
  const clock = { ms: 0 };
  const turns = new AdaptiveTurns(() => clock.ms);
  const first = turns.steps;
  turns.begin();
  clock.ms += 1;
  turns.end(10);
  assert.equal(turns.steps, first);
  turns.begin();
  clock.ms += 40;
  turns.end(first / 2);
  assert.equal(turns.steps, first / 8);
});

test("turns are counted by the time that the machine has had, not by what others took", () => {
  const clock = { ms: 0 };
  const turns = new AdaptiveTurns(
    () => clock.ms * 5,
    10,
    () => clock.ms,
  );
  play(turns, clock, 1_000, 20);
  const { elapsed } = turns;
  play(turns, clock, 1_000, 100);
  assert.ok(Math.abs(turns.elapsed - elapsed - 20) < 1, `${turns.elapsed - elapsed} turns of ten milliseconds`);
});

test("who doubts a slow turn believes the second, and keeps its length when something else had taken the time", () => {
  const clock = { ms: 0 };
  const nowMs = () => clock.ms;
  const turns = new AdaptiveTurns(nowMs, 10, nowMs, true);
  play(turns, clock, 10_000, 8);
  const { steps } = turns;
  turns.begin();
  clock.ms += 60;
  turns.end(steps);
  assert.equal(turns.steps, steps);
  play(turns, clock, 10_000, 1);
  assert.equal(turns.steps, steps);
  play(turns, clock, 1_000, 2);
  assert.ok(turns.steps < steps / 2, `${turns.steps} steps of a machine that became ten times slower`);
});
