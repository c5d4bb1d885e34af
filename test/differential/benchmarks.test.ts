import assert from "node:assert/strict";
import test from "node:test";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { readElf } from "../../src/symbols/elf.ts";
import { BENCH_GUESTS, buildBenchGuest } from "../benchmark/guests.ts";
import { runOurs } from "./our-machine.ts";
import { runQemu } from "./qemu.ts";

/**
 * The guests that speed is measured with compute the same on QEMU and on our machine: a guest that went astray would be
 * measured well. Consoles are the same to the byte, the runtime's report of registers and memory included where one is.
 */
const ROUNDS = 2;
const LIMIT_STEPS = 300_000_000;

for (const guest of BENCH_GUESTS) {
  test(guest.name, async () => {
    const harts = guest.harts ?? 1;
    const { path, bytes } = buildBenchGuest(guest, ROUNDS);
    const theirs = await runQemu(["-cpu", "rv64", "-smp", String(harts), "-kernel", path]);
    const said = theirs.console.toString("latin1");
    assert.equal(theirs.exitCode, 0, said);
    assert.match(said, /^(?:checksum|sum) [0-9a-f]+ after 2 rounds\n/);
    for (const engine of ["auto", "interpreter"] as const) {
      const ours = runOurs(readElf(bytes, path), engine, LIMIT_STEPS, { ...DEFAULT_CONFIGURATION, harts });
      assert.equal(ours.failure, undefined, engine);
      assert.equal(ours.console.toString("latin1"), said, engine);
      assert.equal(ours.exitCode, 0);
    }
  });
}
