import assert from "node:assert/strict";
import test from "node:test";
import { Prng } from "../../src/base/prng.ts";

/**
 * sfc32 as its author states it, on unsigned bigints: a second writing of the generator, so that a slip with signed
 * shifts in the real one shows. Source: PractRand, RNG/sfc.cpp.
 */
function* sfc32(a: bigint, b: bigint, c: bigint, counter: bigint): Generator<number> {
  const mask = 0xffff_ffffn;
  for (;;) {
    const sum = (a + b + counter) & mask;
    counter = (counter + 1n) & mask;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & mask;
    c = (((c << 21n) | (c >> 11n)) + sum) & mask;
    yield Number(sum);
  }
}

for (const seed of [0, 1, 42, 0xffff_ffff, 0x1_0000_0001, Number.MAX_SAFE_INTEGER]) {
  test(`agrees with the published generator, seed ${seed}`, () => {
    const wide = BigInt(seed);
    const reference = sfc32(wide & 0xffff_ffffn, wide >> 32n, 0x9e37_79b9n, 1n);
    for (let round = 0; round < 15; round++) reference.next();
    const prng = new Prng(seed);
    for (let draw = 0; draw < 1000; draw++) assert.equal(prng.next32(), reference.next().value);
  });
}

test("the stream of a seed never changes: seeds in bug reports stay good", () => {
  const prng = new Prng(123);
  const drawn = [prng.next32(), prng.next32(), prng.next64(), prng.below(1000)];
  assert.deepEqual(drawn, [797523323, 1724538668, 6600509402606212889n, 865]);
});

test("neighbouring seeds give unrelated streams", () => {
  const first = new Prng(7);
  const second = new Prng(8);
  let differing = 0;
  for (let draw = 0; draw < 64; draw++) differing += bitCount(first.next32() ^ second.next32());
  // 2048 bits, half of them expected to differ; ten standard deviations to either side.
  assert.ok(Math.abs(differing - 1024) < 230, `${differing} of 2048 bits differ`);
});

test("below stays below, reaches both ends and is even", () => {
  const prng = new Prng(99);
  const counts = new Array<number>(6).fill(0);
  for (let draw = 0; draw < 6000; draw++) counts[prng.below(6)] += 1;
  for (const count of counts) assert.ok(Math.abs(count - 1000) < 200, counts.join(" "));
  for (let draw = 0; draw < 1000; draw++) assert.ok(prng.below(0x1_0000_0000) <= 0xffff_ffff);
  assert.equal(prng.below(1), 0);
});

test("pick chooses every element", () => {
  const prng = new Prng(5);
  const seen = new Set(Array.from({ length: 200 }, () => prng.pick(["a", "b", "c"])));
  assert.deepEqual([...seen].sort(), ["a", "b", "c"]);
});

function bitCount(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest >>>= 1) count += rest & 1;
  return count;
}
