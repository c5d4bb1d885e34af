import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { basename, resolve } from "node:path";
import test from "node:test";
import { readElf } from "../../src/symbols/elf.ts";
import { compileGuest } from "./cross-compiler.ts";
import { runOurs } from "./our-machine.ts";
import { runQemu } from "./qemu.ts";

/**
 * Programs in C, compiled by GCC, on QEMU and on our machine: the console must be the same to the byte. Its end is a
 * report of all registers and a hash of every page of the program's memory (guest/c/runtime/runtime.c).
 */
const guests = globSync("guest/c/*.c", { cwd: resolve(import.meta.dirname, "../..") }).map((path) =>
  basename(path, ".c"),
);

/** Exit codes other than 0 that programs have on purpose. */
const EXIT_CODES: Readonly<Record<string, number>> = { atomics: 7 };

/** What the hart has beyond what the other variants use. */
const BITS = "-march=rv64imac_zicsr_zifencei_zba_zbb_zbc_zbs";
const VARIANTS = [["O0"], ["O2"], ["Os"], ["O2", BITS]] as const;

for (const name of guests.sort()) {
  for (const [optimisation, ...flags] of VARIANTS) {
    test(`${name} -${optimisation} ${flags.join(" ")}`.trim(), async () => {
      const { path, bytes } = compileGuest(name, optimisation, { flags });
      const theirs = await runQemu(["-kernel", path]);
      assert.equal(theirs.exitCode, EXIT_CODES[name] ?? 0, theirs.console.toString("latin1"));
      assert.match(theirs.console.toString("latin1"), /-- memory\npage 0 [0-9a-f]{16}\n/);
      const ours = runOurs(readElf(bytes, path), "auto");
      assert.equal(ours.failure, undefined);
      assert.equal(ours.console.toString("latin1"), theirs.console.toString("latin1"));
      assert.equal(ours.exitCode, theirs.exitCode);
      assert.equal(runOurs(readElf(bytes, path), "translator").machine.digest(), ours.machine.digest());
      // One level is enough for the slow engine: it has to agree with the fast one, state for state.
      if (optimisation === "Os")
        assert.equal(runOurs(readElf(bytes, path), "oracle").machine.digest(), ours.machine.digest());
    });
  }
}
