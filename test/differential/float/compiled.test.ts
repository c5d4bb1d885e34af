import assert from "node:assert/strict";
import test from "node:test";
import { DEFAULT_CONFIGURATION } from "../../../src/machine/configuration.ts";
import { readElf } from "../../../src/symbols/elf.ts";
import { compileGuest } from "../cross-compiler.ts";
import { runOurs } from "../our-machine.ts";
import { runQemu } from "../qemu.ts";

/**
 * Floating point as GCC makes it of C, fused multiplications among it, on QEMU and on our machine: the console must be the
 * same to the byte. Values cross calls in integer registers (lp64), because the runtime is built for harts without floating
 * point, too.
 */
const LIMIT_STEPS = 100_000_000;

for (const optimisation of ["O0", "O2", "Os"]) {
  test(`numeric -${optimisation}`, async () => {
    const { path, bytes } = compileGuest("numeric", optimisation, { folder: "float", flags: ["-march=rv64imafdc"] });
    const theirs = await runQemu(["-cpu", "rv64", "-kernel", path]);
    assert.equal(theirs.exitCode, 0, theirs.console.toString("latin1"));
    assert.match(theirs.console.toString("latin1"), /fcsr [0-9a-f]+\n/);
    // One level is enough for the slow engine: it has to agree with the fast one, state for state.
    const engines =
      optimisation === "Os"
        ? (["interpreter", "translator", "oracle"] as const)
        : (["interpreter", "translator"] as const);
    const digests = engines.map((engine) => {
      const ours = runOurs(readElf(bytes, path), engine, LIMIT_STEPS, DEFAULT_CONFIGURATION);
      assert.equal(ours.failure, undefined);
      assert.equal(ours.console.toString("latin1"), theirs.console.toString("latin1"));
      return ours.machine.digest();
    });
    assert.equal(new Set(digests).size, 1);
  });
}
