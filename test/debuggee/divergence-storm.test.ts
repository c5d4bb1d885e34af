import assert from "node:assert/strict";
import test from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { findDivergence } from "../../src/debuggee/divergence.ts";
import { RunProbe } from "../../src/debuggee/run-probe.ts";
import { finish } from "../../src/host/motion-driver.ts";
import { answer, askerOf } from "../../src/host/run-probes.ts";
import { DIVERGENCE_SOURCES, differ } from "../../src/lockstep/divergence-sources.ts";
import { flipOf } from "../../src/lockstep/fault.ts";
import { DEFAULT_CONFIGURATION, FULL_ISA } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { randomGuest } from "../machine/random-guest.ts";
import { program } from "./harness.ts";

const MEMORY_BYTES = 1 << 19;
const STEPS = 3000;
const SEEDS = process.env.HINDCAST_NIGHTLY === undefined ? 12 : 200;

/** A random guest twice: the second time with a source of divergence, or a bit that flips. */
function runs(seed: number): { left: RunProbe; right: RunProbe; what: string } {
  const prng = new Prng(seed);
  const mode = prng.pick(["machine", "supervisor", "user"] as const);
  const harts = prng.pick([1, 2, 4]);
  const guest = program(`.equ RAM_END, ${RAM_BASE + MEMORY_BYTES}\n${randomGuest(prng, { harts, mode })}`);
  const source = prng.pick([undefined, undefined, ...DIVERGENCE_SOURCES]);
  const configuration = { ...DEFAULT_CONFIGURATION, memoryBytes: MEMORY_BYTES, isa: FULL_ISA, harts };
  const run = (differs: boolean) => {
    const differing = differ(configuration, differs && source !== undefined ? [source] : [], seed);
    const machine = new Machine(differing.configuration, "auto");
    machine.load(guest);
    const timeline = Timeline.record(machine);
    const runTo = (to: number) => {
      for (const { waiting } of timeline.forward({ stops: NO_STOPS, limit: to as Instant })) if (waiting) break;
    };
    if (differing.skew.ticks > 0) timeline.idle(differing.skew.ticks);
    if (differs && source === undefined) {
      runTo(1 + prng.below(STEPS - 100));
      const edit = flipOf(prng.pick(["flip-register", "flip-memory"]), prng)(machine);
      if (edit !== undefined && timeline.ended === undefined) timeline.edit(edit);
    }
    runTo(STEPS);
    timeline.close();
    return new RunProbe(timeline, [guest], "");
  };
  const [left, right] = [run(false), run(true)];
  return { left, right, what: `seed ${seed}: ${source ?? "a bit"}, ${harts} harts, ${mode} mode` };
}

/** Digests of each instant, naively. */
function digests(probe: RunProbe): string[] {
  const { end } = probe.about();
  return finish(probe.look(Array.from({ length: end + 1 }, (_, instant) => instant))).map(({ digest }) => digest);
}

test("the first difference of states is the one that every single step shows, and the way back is told whatever happens", async () => {
  const bounds = { exact: 0, differing: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { left, right, what } = runs(seed);
    const asker = (probe: RunProbe) =>
      askerOf(async (question, args) => structuredClone(answer(probe, question, structuredClone(args), finish)));
    const askers = { left: asker(left), right: asker(right) };
    const [ours, theirs] = [digests(left), digests(right)];
    const isEqual = (at: number) => ours[at] === theirs[at];
    const first = ours.findIndex((digest, at) => theirs[at] !== undefined && theirs[at] !== digest);
    const found = await findDivergence(askers, { causal: false });
    if (found.divergent === undefined) {
      assert.ok(first < 0 || isEqual(Math.min(ours.length, theirs.length) - 1), `${what}: missed at ${first}`);
      continue;
    }
    bounds.differing++;
    const { left: last } = found.lastAgreement;
    // Where they differ from the beginning there is no agreement.
    if (first !== 0) assert.ok(isEqual(last) && !isEqual(last + 1), `${what}: ${last}, and first ${first}`);
    if (first === last + 1) bounds.exact++;
    const told = await findDivergence(askers);
    if (told.output === undefined) continue;
    assert.ok(told.divergent !== undefined, what);
    for (const link of told.chain) {
      assert.ok((link.left?.instant ?? 0) <= told.output.left, what);
      assert.ok((link.right?.instant ?? 0) <= told.output.right, what);
    }
  }
  assert.ok(bounds.exact >= bounds.differing / 2 && bounds.exact > 0, JSON.stringify(bounds));
});
