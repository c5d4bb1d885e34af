import assert from "node:assert/strict";
import { test } from "node:test";
import {
  changesText,
  columnAt,
  isNumeric,
  numberText,
  rangeText,
  shortText,
  valueRange,
  withoutGaps,
} from "../../src/webview/series.ts";

const column = (from: number, to: number, first: number, last: number, changes = 1) => ({
  from,
  to,
  min: Math.min(first, last),
  max: Math.max(first, last),
  first,
  last,
  changes,
});

test("between columns the value is what it was, before the first what that begins with", () => {
  const filled = withoutGaps([column(10, 20, 1, 5), column(30, 40, 5, 2)], 0, 50);
  assert.deepEqual(
    filled.map(({ from, to, first, last, changes }) => [from, to, first, last, changes]),
    [
      [0, 10, 1, 1, 0],
      [10, 20, 1, 5, 1],
      [20, 30, 5, 5, 0],
      [30, 40, 5, 2, 1],
      [40, 50, 2, 2, 0],
    ],
  );
  assert.deepEqual(withoutGaps([], 0, 10), [{ from: 0, to: 10, changes: 0 }]);
  assert.deepEqual(withoutGaps([column(0, 10, 1, 1)], 0, 10).length, 1);
});

test("the range of values, which what is no number does not have", () => {
  assert.deepEqual(valueRange([column(0, 1, 5, -2), column(1, 2, 3, 9)]), { min: -2, max: 9 });
  assert.equal(valueRange([{ from: 0, to: 1, changes: 3 }]), undefined);
  assert.equal(isNumeric([{ from: 0, to: 1, changes: 3 }]), false);
  assert.equal(isNumeric([{ from: 0, to: 1, changes: 3 }, column(1, 2, 0, 0)]), true);
});

test("columns are found by instant", () => {
  const columns = [column(0, 10, 1, 1), column(10, 20, 2, 2), column(30, 40, 3, 3)];
  for (const [instant, first] of [
    [0, 1],
    [9, 1],
    [10, 2],
    [19, 2],
    [25, undefined],
    [30, 3],
    [40, undefined],
    [-1, undefined],
  ] as const) {
    assert.equal(columnAt(columns, instant)?.first, first, String(instant));
  }
});

test("numbers as the series writes them", () => {
  assert.equal(numberText(0x80001000, "hexadecimal"), "0x80001000");
  assert.equal(numberText(-1, "hexadecimal"), "-1");
  assert.equal(numberText(2 ** 63, "hexadecimal"), "9.223e+18");
  assert.equal(numberText(1234567, "decimal"), "1,234,567");
  assert.equal(numberText(123456789012, "decimal"), "1.235e+11");
  assert.equal(numberText(0.1 + 0.2, "decimal"), "0.3");
  assert.equal(rangeText({ min: 3, max: 3 }, "decimal"), "3");
  assert.equal(rangeText({ min: 0, max: 63 }, "decimal"), "0 … 63");
});

test("of a value that is written twice, what counts", () => {
  assert.equal(shortText("0x603 (1539)"), "1539");
  assert.equal(shortText("0xfffffffffffffffb (-5)"), "-5");
  assert.equal(shortText("0x80001010 <orders_taken>"), "0x80001010 <orders_taken>");
  assert.equal(shortText("open"), "open");
});

test("how often it changes", () => {
  assert.equal(changesText(0, true), "never changes");
  assert.equal(changesText(1, true), "1 change");
  assert.equal(changesText(1204, true), "1,204 changes");
  assert.equal(changesText(0, false), "≥ 0 changes");
});
