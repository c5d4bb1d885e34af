import assert from "node:assert/strict";
import test from "node:test";
import { fromPlainJson, toPlainJson } from "../../src/host/plain-json.ts";

test("what JSON has no words for comes back as it was", () => {
  const value = {
    big: -(1n << 63n),
    numbers: [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53],
    text: 'a "$bigint" in quotes',
    nested: [{ deep: [0xffff_ffff_ffff_ffffn, null, true] }],
  };
  assert.deepStrictEqual(fromPlainJson(toPlainJson(value)), value);
  assert.throws(() => fromPlainJson("{"), SyntaxError);
});
