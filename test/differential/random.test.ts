import assert from "node:assert/strict";
import test from "node:test";
import { MACHINE_SUITE } from "./random/batch.ts";
import { assertAgreement, compareBatch } from "./random/compare.ts";
import { batchSeeds } from "./random/suite.ts";
import { REACHABLE } from "./random/vocabulary.ts";

/**
 * Random programs on QEMU, our engines, compared by what they leave behind. The seeds are always the
 * same, so that a failure is the commit's; the nightly run goes far beyond them.
 */
const BATCHES = process.env.HINDCAST_NIGHTLY === undefined ? 24 : 1000;

test("the generator reaches every instruction of its part of the table", () => {
  const { emitted } = MACHINE_SUITE.makeBatch(batchSeeds(MACHINE_SUITE, 0), false);
  assert.deepEqual(
    REACHABLE.filter((mnemonic) => !emitted.has(mnemonic)),
    [],
  );
});

test("a seed is the same program in every batch", () => {
  const [wide, narrow] = [
    MACHINE_SUITE.makeBatch(batchSeeds(MACHINE_SUITE, 1), false),
    MACHINE_SUITE.makeBatch([300], true),
  ];
  const position = wide.seeds.indexOf(300);
  assert.deepEqual(narrow.programs[0], wide.programs[position]);
});

test("a planted fault is found, and named by its seed", async () => {
  const seeds = batchSeeds(MACHINE_SUITE, 0).slice(0, 8);
  const problems = await compareBatch(MACHINE_SUITE, seeds, (bytes) => {
    const { address, code } = MACHINE_SUITE.makeBatch(seeds, false).programs[5];
    // One bit of the case's first instruction, so that a pointer is another one.
    assert.ok(code.length > 0);
    bytes[address - MACHINE_SUITE.address + 3] ^= 0x10;
  });
  assert.deepEqual(
    problems,
    ["interpreter", "translator", "oracle"].map((engine) => `seed 5: ${engine} and QEMU differ`),
  );
});

for (let batch = 0; batch < BATCHES; batch++) {
  const seeds = batchSeeds(MACHINE_SUITE, batch);
  test(`seeds ${seeds[0]} to ${seeds[seeds.length - 1]}`, async () => {
    await assertAgreement(MACHINE_SUITE, seeds);
  });
}
