import assert from "node:assert/strict";
import type { PhysicalAddress, VirtualAddress } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import type { EngineChoice } from "../../src/machine/configuration.ts";
import type { Checkpoint } from "../../src/machine/machine-interface.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import { NO_STOPS, type StopConditions } from "../../src/machine/stop.ts";
import { type Subject, twoGuests } from "./absence.ts";
import { PlainStore, type Readiness } from "./page-stores.ts";

export interface ResidencyPlan {
  readonly engine: EngineChoice;
  readonly steps: number;
  readonly legs: readonly number[];
  readonly frames: number;
  readonly readiness: Readiness;
  /** Changes a byte of what the store gives back: must be found. */
  readonly planted?: boolean;
}

export interface ResidencyOutcome {
  readonly putAway: number;
  readonly broughtIn: number;
  /** Stops for pages. */
  readonly absences: number;
}

/**
 * Two machines go through one run, with checkpoints, restores and stops at random: one has a frame for each page, the other has few.
 * At every stop, states must be equal, and so must be what the user sees.
 */
export function residency(seed: number, subject: Subject, plan: ResidencyPlan): ResidencyOutcome {
  const { engine, steps, legs, frames, readiness, planted = false } = plan;
  const prng = new Prng(seed);
  const store = new PlainStore(prng, readiness);
  const few = { frames, store: planted ? faulty(store) : store };
  const { judge, other, inlets, said } = twoGuests(prng, subject, engine, few);
  const { memoryBytes } = judge.machine.configuration;
  let absences = 0;
  const compare = (what: string) => {
    assert.equal(other.machine.instant, judge.machine.instant, what);
    assert.equal(other.machine.digest(), judge.machine.digest(), what);
    assert.deepEqual(said[1], said[0], what);
  };
  const look = (what: string) => {
    const at = (RAM_BASE + prng.below(memoryBytes - 64)) as PhysicalAddress;
    assert.deepEqual(other.machine.peekPhysical(at, 64), judge.machine.peekPhysical(at, 64), what);
    assert.equal(other.machine.readPhysical(at, 8), judge.machine.readPhysical(at, 8), what);
    const { pc } = judge.machine.harts[judge.machine.currentHart];
    assert.deepEqual(other.machine.translate(pc), judge.machine.translate(pc), what);
    assert.deepEqual(other.machine.peek(pc, 8), judge.machine.peek(pc, 8), what);
    const [shown, expected] = [other, judge].map(({ machine }) => machine.isolation.changedUnseen());
    assert.deepEqual(shown, expected, what);
  };
  const run = (until: number): boolean => {
    for (let patience = 0; ; patience++) {
      const stop = other.run(until);
      const what = `seed ${seed}, to ${until}, ${stop.kind} at ${other.machine.instant}`;
      if (stop.kind === "absent") {
        assert.ok(patience < 100_000, `${what}: it never gets on`);
        absences++;
        const { absentPages } = other.machine;
        if (prng.below(3) === 0) absentPages.bringNow(stop.page);
        else assert.equal(absentPages.request(stop.page), "decompression", what);
        continue;
      }
      assert.deepEqual(stop, judge.run(until), what);
      compare(what);
      return stop.kind === "reached";
    }
  };
  const saved: Checkpoint[][] = [];
  const save = () => {
    saved.push([judge, other].map(({ machine }) => machine.checkpoint()));
    const [expected, written] = [judge, other].map(({ machine }) => machine.writtenPages.take());
    assert.deepEqual(written, expected, `seed ${seed}: pages written`);
  };
  const restore = () => {
    const chosen = prng.pick(saved);
    judge.machine.restore(chosen[0]);
    // What another machine has saved is as good.
    other.machine.restore(chosen[prng.below(4) === 0 ? 0 : 1]);
    for (const inlet of inlets) inlet.rewind(judge.machine.instant);
    said[1] = [];
    said[0] = [];
    compare(`seed ${seed}, restored`);
  };
  assert.ok(run(0));
  for (const { machine } of [judge, other]) {
    machine.checkpoint();
    // Zeros that were placed at reset need not have been written.
    machine.writtenPages.take();
  }
  save();
  for (let moves = 0; judge.machine.instant < steps && moves < steps; moves++) {
    const move = prng.below(24);
    if (move === 0) save();
    else if (move === 1 && prng.below(3) === 0) restore();
    else if (move === 2) {
      const stops = randomStops(prng, subject, memoryBytes);
      for (const guest of [judge, other]) guest.machine.setStops(stops);
    } else if (move === 3) look(`seed ${seed}, looked`);
    else if (move === 4) {
      const checkpoint = saved[saved.length - 1][1];
      assert.equal(other.machine.digest(checkpoint), judge.machine.digest(saved[saved.length - 1][0]), `seed ${seed}`);
    } else if (!run(Math.min(steps, judge.machine.instant + prng.pick(legs)))) {
      if (judge.machine.harts.every(({ waiting }) => waiting)) break;
      for (const guest of [judge, other]) guest.machine.setStops(NO_STOPS);
      if (!run(judge.machine.instant + 1)) break;
    }
  }
  const { putAway, broughtIn } = other.machine.residency!;
  return { putAway, broughtIn, absences };
}

/** Gives every page back with a bit changed. */
function faulty(store: PlainStore): PlainStore {
  const wrong = Object.create(store) as PlainStore;
  wrong.put = (bytes) => {
    const changed = bytes.slice();
    changed[100] ^= 4;
    return store.put(changed);
  };
  return wrong;
}

function randomStops(prng: Prng, { program }: Subject, memoryBytes: number): StopConditions {
  const watches = Array.from({ length: prng.below(3) }, () => ({
    address: (RAM_BASE + prng.below(prng.pick([memoryBytes, 64 * 1024]))) as PhysicalAddress,
    length: prng.pick([1, 8, 64, 4096]),
    access: prng.pick(["read", "write", "readWrite"] as const),
  }));
  const symbols = typeof program === "string" ? [] : program.symbols;
  const breakpoints =
    symbols.length === 0 ? [] : Array.from({ length: prng.below(3) }, () => prng.pick(symbols).address);
  const exceptions = prng.below(4) === 0 ? [prng.pick([2, 8, 9, 13, 15])] : [];
  return { breakpoints: breakpoints as VirtualAddress[], watches, exceptions };
}
