import assert from "node:assert/strict";
import test from "node:test";
import type { PlantedMistake } from "../../src/lockstep/options.ts";
import { type Outcome, shrink, simulate } from "./simulation.ts";

const NIGHTLY = process.env.HINDCAST_NIGHTLY !== undefined;
const FIRST = Number(process.env.HINDCAST_SEED ?? 0);
const COUNT = process.env.HINDCAST_SEED !== undefined ? 1 : NIGHTLY ? 50_000 : 300;

function fails({ seed, failure, trace }: Outcome): string {
  const shown = failure === undefined ? trace : shrink(seed).outcome.trace;
  return `npm run simulate:lockstep -- --seed ${seed} --shrink\n${shown.join("\n")}`;
}

test("what the outside hears is what one correct machine says, whatever happens to the pair", () => {
  const totals: Record<string, number> = {};
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    const outcome = simulate(seed);
    assert.equal(outcome.failure, undefined, fails(outcome));
    for (const [name, count] of Object.entries(outcome.counters)) totals[name] = (totals[name] ?? 0) + count;
  }
  if (COUNT === 1) return;
  // A simulation that never comes there proves nothing about it.
  for (const name of [
    ...["primary fenced", "primary joining", "secondary claiming", "secondary following", "secondary fenced"],
    ...["divergence: data", "divergence: extra", "divergence: missing", "divergence: no-progress"],
    ...["resynchronisations", "inner divergences", "digests equal", "digests different", "held", "join"],
    ...["offered again", "taken late", "a fault that was said", "pages that were waited for", "idle time"],
    ...["differed inside and agreed", "pages that a guest was told of", "pages that went ahead"],
  ]) {
    assert.ok(totals[name] > 0, `${name} never happened in ${COUNT} runs`);
  }
});

test("a seed repeats its run", () => {
  assert.deepEqual(simulate(7).trace, simulate(7).trace);
});

test("a run that fails is shrunk to a short list of faults, and still fails", () => {
  let seed = 0;
  while (simulate(seed, "no-arbiter").failure === undefined) seed++;
  const { outcome, less } = shrink(seed, "no-arbiter");
  assert.notEqual(outcome.failure, undefined);
  // Two survivors need one thing to part them.
  const left = outcome.faults - (less.faults?.size ?? 0);
  assert.ok(left <= 2, `${left} faults are left:\n${outcome.trace.join("\n")}`);
  assert.equal(simulate(seed, "no-arbiter", less).failure, outcome.failure);
});

const PLANTED: readonly PlantedMistake[] = [
  "release-on-receipt",
  "no-arbiter",
  "forget-pending",
  "release-at-resynchronisation",
  "believe-the-sink",
  "no-idle-time",
  "forget-tokens",
];
/** So many runs find every one of them: the rarest shows itself in one of two hundred. */
const ENOUGH = 1_000;

for (const planted of PLANTED) {
  test(`a mistake in the protocol is found: ${planted}`, () => {
    for (let seed = 0; seed < ENOUGH; seed++) if (simulate(seed, planted).failure !== undefined) return;
    assert.fail(`${ENOUGH} runs did not find it`);
  });
}
