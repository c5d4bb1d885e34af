import assert from "node:assert/strict";
import { test } from "node:test";
import { exact, parseInstant, size, speed } from "../../src/extension/instants.ts";

const BOUNDS = { first: 100, now: 5_000, end: 20_000_000 };

for (const [input, instant] of [
  ["4711", 4711],
  ["1,234,567", 1_234_567],
  ["1_234_567", 1_234_567],
  [" 1 234 567 ", 1_234_567],
  ["12.5M", 12_500_000],
  ["3k", 3000],
  ["+1000", 6000],
  ["-1,000", 4000],
  ["+2.5k", 7500],
  ["0%", 100],
  ["100%", 20_000_000],
  ["start", 100],
  ["END", 20_000_000],
] as const) {
  test(`"${input}" names instant ${instant}`, () => assert.equal(parseInstant(input, BOUNDS), instant));
}

for (const [input, sentence] of [
  ["", /Write an instant/],
  ["soon", /Write an instant/],
  ["0x80000000", /Write an instant/],
  ["1e6", /Write an instant/],
  ["99", /begins at instant 100/],
  ["-6000", /begins at instant 100/],
  ["21M", /newest instant is 20,000,000/],
  ["+1G", /newest instant is 20,000,000/],
  ["+50%", /has no sign/],
] as const) {
  test(`"${input}" is refused with a sentence`, () => assert.match(String(parseInstant(input, BOUNDS)), sentence));
}

test("what parseInstant reads, exact writes", () => {
  for (const instant of [100, 999, 1000, 19_999_999]) assert.equal(parseInstant(exact(instant), BOUNDS), instant);
});

test("speeds and sizes have few digits", () => {
  assert.deepEqual([speed(312_400), speed(85_234_000), speed(850_000_000)], ["0.3 MIPS", "85.2 MIPS", "850 MIPS"]);
  assert.deepEqual(
    [size(0), size(1023), size(1024), size(1_500_000), size(3 * 2 ** 40)],
    ["0 bytes", "1023 bytes", "1.0 KiB", "1.4 MiB", "3.0 TiB"],
  );
});
