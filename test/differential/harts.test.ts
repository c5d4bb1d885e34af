import assert from "node:assert/strict";
import test from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { expectedReport, HARTS_SUITE, hartsOf } from "./harts/batch.ts";
import { runOurs } from "./our-machine.ts";
import { assertAgreement, compareBatch } from "./random/compare.ts";
import { assertDeterminism } from "./random/determinism.ts";
import { placeBatch } from "./random/suite.ts";

/**
 * Two, four and eight harts with locks by lr, sc and AMOs, tickets, barriers, interrupts between processors, sleep and
 * page-table entries changed under all of them. What they leave behind does not depend on who comes first, so that QEMU's
 * harts, which run at the same time, and ours, which take turns, must leave the same: what a model says.
 */
const SEEDS = process.env.HINDCAST_NIGHTLY === undefined ? 12 : 600;

test("a planted fault is found", async () => {
  const problems = await compareBatch(HARTS_SUITE, [0], (bytes) => {
    // A counter that is not zero at the beginning.
    bytes[0] ^= 1;
  });
  assert.deepEqual(
    problems,
    ["interpreter", "translator", "oracle"].map((engine) => `seed 0: ${engine} and QEMU differ`),
  );
});

for (let seed = 0; seed < SEEDS; seed++) {
  const harts = hartsOf(seed);
  test(`seed ${seed}: ${harts} harts leave what a model says, here and on QEMU`, async () => {
    const { image, configuration } = placeBatch(HARTS_SUITE, HARTS_SUITE.makeBatch([seed], true));
    const { console, failure } = runOurs(image, "interpreter", undefined, configuration);
    assert.equal(failure, undefined);
    assert.deepEqual(console.toString("latin1").trim().split("\n"), expectedReport(seed));
    await assertAgreement(HARTS_SUITE, [seed], "--harts ");
  });

  if (seed % 2 === 1) continue;
  test(`seed ${seed}: ${harts} harts, stopped, saved, restored, recorded and replayed`, () => {
    assertDeterminism(placeBatch(HARTS_SUITE, HARTS_SUITE.makeBatch([seed], false)), new Prng(seed));
  });
}
