import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mistake } from "./host.ts";
import { type Outcome, simulate } from "./simulation.ts";

/** HINDCAST_SEED=123 repeats one seed. */
const NIGHTLY = process.env.HINDCAST_NIGHTLY !== undefined;
const FIRST = Number(process.env.HINDCAST_SEED ?? 1);
const COUNT = process.env.HINDCAST_SEED !== undefined ? 1 : NIGHTLY ? 3000 : 60;
/** A mistake is to be found in one of so many. */
const PLANTED_SEEDS = 6;

test("a kernel that is told of absent pages: results are those of a machine that has everything, nobody sleeps for ever, and it replays", () => {
  const outcomes: Outcome[] = [];
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    try {
      outcomes.push(simulate(seed));
    } catch (error) {
      throw new Error(`HINDCAST_SEED=${seed}`, { cause: error });
    }
  }
  if (COUNT === 1) return;
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((all, each) => all + of(each), 0);
  const met = [sum((each) => each.notices), sum((each) => each.waits), sum((each) => each.kernelNotices)];
  assert.ok(met[0] > COUNT * 10 && met[1] > COUNT * 10 && met[2] > COUNT, `${met}`);
  const killed = sum((each) => each.killed);
  const lost = sum((each) => each.lost);
  assert.ok(killed > COUNT / 4 && lost > COUNT / 20, `${killed} killed, ${lost} tokens never completed`);
});

const MISTAKES = {
  "ready-dropped": "a token that is not completed leaves its process asleep",
  "other-contents": "a page that comes with other contents",
  "late-in-log": "a notice that is recorded one step late",
  "not-in-log": "a notice that is not recorded",
} satisfies Record<Mistake, string>;

for (const [mistake, what] of Object.entries(MISTAKES)) {
  test(`${what} is found`, () => {
    const isFound = (seed: number): boolean => {
      try {
        simulate(seed, mistake as Mistake);
        return false;
      } catch {
        return true;
      }
    };
    assert.ok(Array.from({ length: PLANTED_SEEDS }, (_, index) => index + 1).some(isFound));
  });
}
