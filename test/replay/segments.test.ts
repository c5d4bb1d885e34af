import assert from "node:assert/strict";
import test from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { planSegments } from "../../src/replay/segments.ts";

const every = (steps: number, count: number) => Array.from({ length: count }, (_, index) => (index + 1) * steps);

test("segments are the whole stretch, newest first, each instant once, cut at checkpoints only", () => {
  const prng = new Prng(7);
  for (let round = 0; round < 300; round++) {
    const checkpoints = every(100, prng.below(60)).map((instant) => instant + prng.below(90));
    const from = prng.below(3000);
    const to = from + prng.below(4000);
    const segments = planSegments(from, to, checkpoints, 1 + prng.below(9));
    assert.equal(segments.length === 0, to === from);
    let end = to;
    for (const segment of segments) {
      assert.equal(segment.to, end);
      assert.ok(segment.from < segment.to);
      assert.ok(segment.from === from || checkpoints.includes(segment.from), "begins at a checkpoint");
      end = segment.from;
    }
    if (segments.length > 0) assert.equal(end, from);
  }
});

test("the newest are as small as checkpoints allow, and so are the oldest", () => {
  const segments = planSegments(0, 10_050, every(100, 100), 2);
  assert.deepEqual(segments.slice(0, 2), [
    { from: 10_000, to: 10_050 },
    { from: 9900, to: 10_000 },
  ]);
  const sizes = segments.map(({ from, to }) => to - from);
  assert.ok(Math.max(...sizes) > 500, "in between several checkpoints are one segment");
  assert.ok(sizes.slice(-4).every((size) => size === 100));
  assert.ok(Math.max(...sizes) <= 10_050 / 2 / 4, "no worker is left alone with much");
});

test("without checkpoints there is one segment", () => {
  assert.deepEqual(planSegments(5, 900, [], 4), [{ from: 5, to: 900 }]);
  assert.deepEqual(planSegments(5, 900, [3, 5, 900, 1000], 4), [{ from: 5, to: 900 }]);
});
