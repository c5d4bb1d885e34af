import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { firstAtOrAfter, nearest, passes } from "../../src/webview/marks.ts";
import type { Mark } from "../../src/webview/messages.ts";
import { compact, instantAt, pan, pointAt, showing, ticks, wholeRange, xOf, zoom } from "../../src/webview/scale.ts";

const WIDTH = 800;

test("a pixel and the instant under it belong together, at every zoom", () => {
  const bounds = { from: 0, to: 2 ** 53 - 1 };
  for (const span of [8, 1000, 81_204_113, 2 ** 53 - 1]) {
    const range = { from: 0, to: span };
    for (let x = 8; x <= WIDTH - 8; x += 49) {
      assert.ok(Math.abs(xOf(pointAt(x, range, WIDTH), range, WIDTH) - x) < 1e-6);
      const instant = instantAt(x, range, WIDTH, bounds);
      assert.ok(Number.isSafeInteger(instant) && instant >= 0 && instant <= span);
    }
  }
});

test("a click left of the start or right of the end goes to the start or the end", () => {
  const range = { from: 0, to: 1000 };
  assert.equal(instantAt(0, range, WIDTH, range), 0);
  assert.equal(instantAt(WIDTH, range, WIDTH, range), 1000);
});

test("zooming and panning keep the view within history and what is aimed at in its place", () => {
  const prng = new Prng(11);
  const bounds = wholeRange(0, 1_000_000);
  let range = bounds;
  for (let round = 0; round < 2000; round++) {
    const before = range;
    const around = range.from + ((range.to - range.from) * prng.below(1000)) / 1000;
    range =
      prng.below(3) === 0
        ? pan(range, prng.below(2_000_000) - 1_000_000, bounds)
        : zoom(range, 0.5 + prng.below(20) / 10, around, bounds);
    const where = `round ${round} of seed 11: ${JSON.stringify(before)} -> ${JSON.stringify(range)}`;
    assert.ok(range.from >= bounds.from && range.to <= bounds.to + 1e-6, where);
    assert.ok(range.to - range.from >= 8 - 1e-6, where);
  }
  const inner = zoom({ from: 400_000, to: 600_000 }, 0.5, 450_000, bounds);
  assert.deepEqual(inner, { from: 425_000, to: 525_000 });
});

test("an empty history has an axis too", () => {
  assert.deepEqual(wholeRange(0, 0), { from: 0, to: 8 });
});

test("the present is brought into view and nothing moves when it is", () => {
  const bounds = { from: 0, to: 1000 };
  const range = { from: 100, to: 200 };
  assert.equal(showing(range, 150, bounds), range);
  assert.deepEqual(showing(range, 500, bounds), { from: 410, to: 510 });
  assert.deepEqual(showing(range, 0, bounds), { from: 0, to: 100 });
});

test("ticks are round and far enough apart", () => {
  const range = { from: 48_000_000, to: 54_000_000 };
  assert.deepEqual(
    ticks(range, WIDTH, 90),
    [48, 49, 50, 51, 52, 53, 54].map((million) => million * 1e6),
  );
  assert.deepEqual(ticks({ from: 0, to: 8 }, WIDTH, 90), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  for (const span of [9, 77, 1234, 5e7, 2 ** 50]) {
    const found = ticks({ from: 3, to: 3 + span }, WIDTH, 90);
    assert.ok(found.length >= 2 && found.length <= 9, `${span}: ${found}`);
  }
});

test("labels have as many digits as tell ticks apart", () => {
  assert.equal(compact(12_500_000, 500_000), "12.5M");
  assert.equal(compact(12_000_000, 1_000_000), "12M");
  assert.equal(compact(12_345_678, 1), "12,345,678");
  assert.equal(compact(0, 1_000_000), "0");
  const range = { from: 12_345_000, to: 12_352_000 };
  const labels = ticks(range, WIDTH, 90).map((tick) => compact(tick, 1000));
  assert.equal(new Set(labels).size, labels.length);
});

const MARKS: Mark[] = [0, 10, 10, 12, 50].map((instant, index) => ({
  kind: index % 2 === 0 ? "output" : "hit",
  instant,
  label: `mark ${index}`,
}));

test("marks are found by instant", () => {
  assert.deepEqual(
    [-1, 0, 1, 10, 11, 50, 51].map((instant) => firstAtOrAfter(MARKS, instant)),
    [0, 0, 1, 1, 3, 4, 5],
  );
  assert.equal(nearest(MARKS, 11, 5, () => true)?.instant, 10);
  assert.equal(nearest(MARKS, 11, 5, (mark) => mark.kind === "hit")?.label, "mark 1");
  assert.equal(
    nearest(MARKS, 30, 5, () => true),
    undefined,
  );
});

test("a filter looks at kind, label, detail and instant", () => {
  const mark: Mark = { kind: "trap", instant: 4711, label: "Load access fault", detail: "in queue_pop" };
  const none = new Set<Mark["kind"]>();
  for (const text of ["", "access", "queue_pop", "4711"]) assert.ok(passes(mark, { hidden: none, text }), text);
  assert.ok(!passes(mark, { hidden: none, text: "store" }));
  assert.ok(!passes(mark, { hidden: new Set(["trap"]), text: "" }));
});
