import assert from "node:assert/strict";
import test from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { PRIVILEGED_SUITE } from "./privileged/batch.ts";
import { assertDeterminism } from "./random/determinism.ts";
import { placeBatch } from "./random/suite.ts";

/**
 * Translations, protection and reservations are cached, and what is cached must not show: the guests that are compared
 * with QEMU give the same states whatever engine runs them, however often they are stopped, saved and restored.
 */
const RUNS = process.env.HINDCAST_NIGHTLY === undefined ? 6 : 300;
const CASES = 6;

test("a planted fault is found", () => {
  const subject = placeBatch(PRIVILEGED_SUITE, PRIVILEGED_SUITE.makeBatch([0], false));
  const segments = subject.image.segments.map((segment) => ({ ...segment, bytes: segment.bytes.slice() }));
  // In the last slot, where no case is.
  const { bytes } = segments[segments.length - 1];
  bytes[bytes.length - 1] ^= 1;
  const planted = { ...subject, image: { ...subject.image, segments } };
  assert.throws(() => assertDeterminism(subject, new Prng(0), planted), /instant \d+/);
});

for (let run = 0; run < RUNS; run++) {
  const first = run * PRIVILEGED_SUITE.casesPerBatch;
  test(`seeds from ${first}`, () => {
    const seeds = Array.from({ length: CASES }, (_, index) => first + index);
    assertDeterminism(placeBatch(PRIVILEGED_SUITE, PRIVILEGED_SUITE.makeBatch(seeds, false)), new Prng(run));
  });
}
