import assert from "node:assert/strict";
import { test } from "node:test";
import type { VirtualAddress } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { PAGE_BYTES } from "../../src/memory/layout.ts";
import { randomSubject, type Subject } from "./absence.ts";
import { PlainStore } from "./page-stores.ts";
import { type ResidencyOutcome, residency } from "./residency.ts";
import { GUEST_SECTORS, virtioGuest } from "./virtio-guest.ts";

/** HINDCAST_SEED=123 repeats one seed. */
const NIGHTLY = process.env.HINDCAST_NIGHTLY !== undefined;
const FIRST = Number(process.env.HINDCAST_SEED ?? 1);
const COUNT = process.env.HINDCAST_SEED !== undefined ? 1 : NIGHTLY ? 3000 : 40;
const STEPS = NIGHTLY ? 20_000 : 4_000;
const ENGINES = ["translator", "interpreter", "auto", "translator", "oracle"] as const;
const READINESS = ["at once", "later", "sometimes"] as const;
const LEGS = [1, 3, 30, 200, 1500];

function seeds(what: (seed: number) => ResidencyOutcome): ResidencyOutcome {
  const sum = { putAway: 0, broughtIn: 0, absences: 0 };
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    try {
      const { putAway, broughtIn, absences } = what(seed);
      sum.putAway += putAway;
      sum.broughtIn += broughtIn;
      sum.absences += absences;
    } catch (error) {
      throw new Error(`HINDCAST_SEED=${seed}${NIGHTLY ? " HINDCAST_NIGHTLY=1" : ""}`, { cause: error });
    }
  }
  return sum;
}

function cramped(seed: number, planted = false): ResidencyOutcome {
  const prng = new Prng(seed);
  const frames = prng.pick([7, 8, 9, 10, 12]);
  const subject = randomSubject(prng, STEPS);
  const engine = ENGINES[seed % ENGINES.length];
  return residency(seed, subject, {
    ...{ engine, steps: STEPS, legs: LEGS, frames, readiness: READINESS[seed % READINESS.length], planted },
  });
}

test("few frames leave no trace: harts, page tables, traps, code that changes, input, edits, watches, restores", () => {
  const { putAway, broughtIn, absences } = seeds((seed) => cramped(seed));
  assert.ok(putAway > COUNT * 4 && broughtIn > COUNT * 4 && absences > COUNT, `${putAway}, ${broughtIn}, ${absences}`);
});

test("a page that comes back with other contents is found", () => {
  const isFound = (seed: number): boolean => {
    try {
      cramped(seed, true);
      return false;
    } catch {
      return true;
    }
  };
  assert.ok([1, 2, 3, 4, 5, 6].some(isFound));
});

test("what lies in memory at reset may be more than there are frames, and share pages that are put away already", () => {
  const configuration = { ...DEFAULT_CONFIGURATION, memoryBytes: 256 * PAGE_BYTES };
  const first = new Uint8Array(200 * PAGE_BYTES).map((_, at) => at % 251);
  const second = Uint8Array.of(1, 2, 3, 4);
  const image = {
    entry: 0x8000_0000n as VirtualAddress,
    segments: [
      { physicalAddress: 0x8000_0000, bytes: first, memoryBytes: first.length },
      { physicalAddress: 0x8000_0000 + 150 * PAGE_BYTES + 100, bytes: second, memoryBytes: second.length },
    ],
  };
  const digests = [undefined, { frames: 40, store: new PlainStore(new Prng(1), "later") }].map((residency) => {
    const machine = new Machine(configuration, "interpreter", [], "on", undefined, residency);
    machine.load(image);
    return machine.digest();
  });
  assert.equal(digests[1], digests[0]);
});

test("a device's request may need more pages than there are frames", () => {
  const { putAway } = seeds((seed) => {
    const prng = new Prng(seed);
    const transport = prng.pick(["modern", "legacy"] as const);
    const sizeBytes = GUEST_SECTORS * 512;
    const subject: Subject = {
      program: virtioGuest({ transport, entropy: true, rounds: 12 }),
      configuration: { virtio: transport, disks: [{ sizeBytes, readOnly: false }], seed },
      disks: [{ sizeBytes, read: (_, length) => new Uint8Array(length).fill(7) }],
    };
    return residency(seed, subject, {
      ...{ engine: ENGINES[seed % ENGINES.length], steps: 4_000, legs: LEGS, frames: prng.pick([4, 6, 8, 12]) },
      readiness: READINESS[seed % READINESS.length],
    });
  });
  assert.ok(putAway > COUNT, `${putAway} put away`);
});
