import assert from "node:assert/strict";
import test from "node:test";
import type { Instant, VirtualAddress } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { type EngineChoice, FULL_ISA } from "../../src/machine/configuration.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import { Excursions } from "../../src/replay/excursion.ts";
import { Guest, program, SMALL } from "../machine/guests.ts";
import { type GuestShape, randomGuest } from "../machine/random-guest.ts";

/** Steps of each guest, and excursions from each. `SEEDS=n` for more. */
const STEPS = 12_000;
const EXCURSIONS = 40;
const SEEDS = Number(process.env.SEEDS ?? 2);

const SHAPES: readonly GuestShape[] = [
  { harts: 1, mode: "machine" },
  { harts: 1, mode: "user" },
  { harts: 3, mode: "supervisor" },
];

/** Guests that do all that is hard, and are sent on calls to anywhere at random moments: the run must not notice. */
for (const shape of SHAPES) {
  for (const engine of ["translator", "interpreter"] as const satisfies readonly EngineChoice[]) {
    for (let seed = 1; seed <= SEEDS; seed++) {
      test(`excursions from ${shape.harts} hart(s) in ${shape.mode} mode, ${engine}, seed ${seed}`, () => {
        const prng = new Prng(seed);
        const source = program(`.equ RAM_END, ${RAM_BASE + SMALL.memoryBytes}\n${randomGuest(prng, shape)}`);
        const configuration = {
          harts: shape.harts,
          isa: FULL_ISA,
          modes: shape.mode === "machine" ? "m" : "msu",
        } as const;
        const plain = new Guest(source, engine, configuration);
        const disturbed = new Guest(source, engine, configuration);
        const excursions = new Excursions(disturbed.machine, 2000);
        const [{ physicalAddress, bytes }] = source.segments;
        const ends = new Set<string>();
        let at = 0;
        for (let index = 0; index < EXCURSIONS; index++) {
          at += 1 + prng.below((2 * STEPS) / EXCURSIONS);
          const stop = disturbed.machine.run(at as Instant, { departing: true });
          const address = BigInt(physicalAddress + prng.below(bytes.length / 2) * 2) as VirtualAddress;
          const inside = prng.below(4) === 0 ? disturbed.machine.harts[disturbed.machine.currentHart].pc : address;
          const integers = Array.from({ length: prng.below(9) }, () => BigInt(prng.next32()) * BigInt(prng.next32()));
          ends.add(excursions.call(inside, { integers }).end.kind);
          assert.deepEqual(stop, plain.machine.run(at as Instant, { departing: true }));
          assert.equal(disturbed.machine.digest(), plain.machine.digest(), `after excursion ${index} at ${at}`);
          if (stop.kind !== "reached") break;
        }
        assert.equal(disturbed.output, plain.output);
        assert.deepEqual(excursions.changedUnseen(), []);
        assert.ok(excursions.verified > 0 && ends.size > 0);
      });
    }
  }
}
