import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { DivergenceSearch } from "../../src/host/divergence-search.ts";
import type { Fault } from "../../src/lockstep/fault.ts";
import { computing } from "../lockstep/guests.ts";
import { recordPair, temporaryFolder } from "./recorded-pairs.ts";

const FLIPPED_AT = 50_000;

test("a pair's recordings: the bit that flipped in one machine, and the stretch behind its resynchronisation", async (t) => {
  const path = join(temporaryFolder(t), "pair.hindcast");
  const faults: Fault[] = [{ kind: "flip-memory", role: "secondary", instant: FLIPPED_AT }];
  let told = 0;
  for (const faultSeed of [0, 1, 2, 3, 4, 5]) {
    const { paths, pair } = await recordPair(path, computing(100), {
      faults,
      faultSeed,
      options: { slackSteps: 20_000 },
    });
    const subject = (name: string) => ({ path: paths.find((each) => each.endsWith(name))!, end: 0 });
    const search = DivergenceSearch.open(subject("pair.hindcast"), subject("pair.B.hindcast"));
    t.after(() => search.close());
    const { divergent, level, lastAgreement } = await search.find();
    assert.equal(divergent?.cause, "edit", `seed ${faultSeed}: ${divergent?.why}`);
    assert.equal(divergent.right.instant, FLIPPED_AT);
    assert.deepEqual(lastAgreement, { left: FLIPPED_AT - 1, right: FLIPPED_AT - 1 });
    const { left, right, words } = await search.compare(FLIPPED_AT, FLIPPED_AT);
    assert.deepEqual([left.instant, right.instant, words.length], [FLIPPED_AT, FLIPPED_AT, 1]);
    await search.close();
    if (pair.report().resynchronisations === 0) continue;
    told++;
    assert.equal(level, "output");
    const after = DivergenceSearch.open(subject("pair.hindcast"), subject("pair.B.2.hindcast"));
    t.after(() => after.close());
    const rest = await after.find();
    assert.equal(rest.kind, "none", rest.divergent?.why);
    assert.ok(rest.lastAgreement.left > FLIPPED_AT);
    await after.close();
    break;
  }
  assert.ok(told > 0, "no seed shows in what the machine says");
});

test("a search that is closed is over, and what cannot be opened is told", async (t) => {
  const path = join(temporaryFolder(t), "pair.hindcast");
  await recordPair(path, computing(20));
  const search = DivergenceSearch.open({ path, end: 0 }, { path, end: 0 });
  const found = search.find();
  const refused = assert.rejects(found, /interrupted/);
  await search.close();
  await refused;
  const other = DivergenceSearch.open({ path, end: 0 }, { path: `${path}.gone`, end: 0 });
  t.after(() => other.close());
  await assert.rejects(other.find(), /cannot open/);
});
