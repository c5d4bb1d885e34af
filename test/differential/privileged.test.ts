import assert from "node:assert/strict";
import test from "node:test";
import { runOurs } from "./our-machine.ts";
import { PRIVILEGED_SUITE } from "./privileged/batch.ts";
import { causesTaken } from "./privileged/report.ts";
import { assertAgreement, compareBatch } from "./random/compare.ts";
import { batchSeeds, placeBatch } from "./random/suite.ts";

/**
 * Random guests of machine, supervisor and user mode on QEMU, our engines: complete traces of their
 * traps, registers and CSRs at the end of each segment, page-table entries and memory. The seeds are always the same.
 */
const BATCHES = process.env.HINDCAST_NIGHTLY === undefined ? 8 : 400;
/** Exceptions and interrupts that guests of these modes can meet, by who takes them. */
const INTERRUPT = 1n << 63n;
const EXCEPTIONS = [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n, 12n, 13n, 15n];
const MACHINE_TRAPS = [...EXCEPTIONS, 11n, ...[1n, 3n, 5n, 7n, 9n].map((code) => INTERRUPT | code)];
const SUPERVISOR_TRAPS = [...EXCEPTIONS, ...[1n, 5n, 9n].map((code) => INTERRUPT | code)];

test("the guests take every trap, in machine mode and in supervisor mode", () => {
  const batch = PRIVILEGED_SUITE.makeBatch(batchSeeds(PRIVILEGED_SUITE, 0), true);
  const { image, configuration } = placeBatch(PRIVILEGED_SUITE, batch);
  const { console, failure } = runOurs(image, "interpreter", undefined, configuration);
  assert.equal(failure, undefined);
  const words = console.toString("latin1").trim().split("\n");
  const { machine, supervisor } = causesTaken(
    words,
    batch.programs.map(({ watched }) => watched?.length ?? 0),
  );
  assert.deepEqual(
    MACHINE_TRAPS.filter((cause) => !machine.has(cause)),
    [],
  );
  assert.deepEqual(
    SUPERVISOR_TRAPS.filter((cause) => !supervisor.has(cause)),
    [],
  );
});

test("a seed is the same program in every batch", () => {
  const seeds = batchSeeds(PRIVILEGED_SUITE, 1);
  const [wide, narrow] = [
    PRIVILEGED_SUITE.makeBatch(seeds, false),
    PRIVILEGED_SUITE.makeBatch(seeds.slice(30, 31), true),
  ];
  assert.deepEqual(narrow.programs[0], wide.programs[30]);
});

test("a planted fault is found, and named by its seed", async () => {
  const seeds = batchSeeds(PRIVILEGED_SUITE, 0).slice(0, 4);
  const { programs } = PRIVILEGED_SUITE.makeBatch(seeds, false);
  const problems = await compareBatch(PRIVILEGED_SUITE, seeds, (bytes) => {
    // The last entry of its page tables: one bit that only the comparison of the entry can see.
    const entry = programs[2].watched?.at(-1)?.replace("entry at ", "0x");
    bytes[Number(entry) - PRIVILEGED_SUITE.address + 1] ^= 1;
  });
  assert.deepEqual(
    problems,
    ["interpreter", "translator", "oracle"].map((engine) => `seed 2: ${engine} and QEMU differ`),
  );
});

for (let batch = 0; batch < BATCHES; batch++) {
  const seeds = batchSeeds(PRIVILEGED_SUITE, batch);
  test(`seeds ${seeds[0]} to ${seeds[seeds.length - 1]}`, async () => {
    await assertAgreement(PRIVILEGED_SUITE, seeds, "--privileged ");
  });
}
