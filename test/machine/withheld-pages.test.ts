import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { PAGE_BYTES } from "../../src/memory/layout.ts";
import { randomSubject, twoGuests } from "./absence.ts";

/** HINDCAST_SEED=123 repeats one seed. */
const NIGHTLY = process.env.HINDCAST_NIGHTLY !== undefined;
const FIRST = Number(process.env.HINDCAST_SEED ?? 1);
const COUNT = process.env.HINDCAST_SEED !== undefined ? 1 : NIGHTLY ? 3000 : 30;
const STEPS = 4_000;
const ENGINES = ["translator", "interpreter", "auto", "oracle"] as const;

/** A machine whose pages are withheld again and again, beside one that has them: at every stop, states are equal. */
function withhold(seed: number): number {
  const prng = new Prng(seed);
  const subject = randomSubject(prng, STEPS);
  const { judge, other, inlets, said } = twoGuests(prng, subject, ENGINES[seed % ENGINES.length]);
  const { machine } = other;
  const absentPages = machine.absentPages!;
  const pages = subject.configuration.memoryBytes! / PAGE_BYTES;
  let stops = 0;
  for (let at = 0; at < STEPS; ) {
    const share = prng.pick([0, 5, 40, 100]);
    const marks = Uint8Array.from({ length: pages }, () => (prng.below(100) < share ? 1 : 0));
    absentPages.withhold(marks);
    at += 1 + prng.below(prng.pick([3, 60, 900]));
    for (;;) {
      const stop = other.run(at);
      const what = `seed ${seed}, to ${at}, ${stop.kind} at ${machine.instant}`;
      if (stop.kind === "absent") {
        stops++;
        assert.equal(marks[stop.page], 1, what);
        assert.equal(absentPages.bring(stop.page), false, what);
        absentPages.bringNow(stop.page);
        continue;
      }
      assert.deepEqual(stop, judge.run(at), what);
      assert.equal(machine.digest(), judge.machine.digest(), what);
      assert.deepEqual(said[1], said[0], what);
      if (stop.kind !== "reached") return stops;
      break;
    }
    if (prng.below(4) === 0) {
      // Given back they are here at once: nothing is copied, and nothing stays slow.
      absentPages.withhold(new Uint8Array(pages));
      assert.equal(absentPages.count, 0);
    }
    if (prng.below(4) > 0) continue;
    // A restore ends it, and has what it restores.
    const [left, right] = [machine.checkpoint(), judge.machine.checkpoint()];
    other.run(at + prng.below(200));
    machine.restore(left);
    judge.machine.restore(right);
    for (const inlet of inlets) inlet.rewind(left.instant);
    said[1] = [...said[0]];
    assert.equal(machine.digest(), judge.machine.digest(), `seed ${seed}, restored to ${at}`);
    absentPages.bringSome(pages);
    assert.equal(absentPages.count, 0);
  }
  return stops;
}

test("pages that are withheld leave no trace", () => {
  let stops = 0;
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) stops += withhold(seed);
  assert.ok(stops > COUNT * 4, `${stops} stops`);
});
