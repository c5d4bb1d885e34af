import assert from "node:assert/strict";
import test from "node:test";
import { readElf } from "../../src/symbols/elf.ts";
import { runChecks } from "../replay/checks.ts";
import { compileGuest } from "./cross-compiler.ts";
import { runOurs } from "./our-machine.ts";

// hindcast.h as GCC compiles it. That QEMU runs none of it is the comparison of guest/c (compiled.test.ts).

for (const optimisation of ["O0", "O1", "O2", "O3", "Os"]) {
  test(`replay-only blocks in C at -${optimisation}`, () => {
    const { path, bytes } = compileGuest("checks", optimisation);
    const program = readElf(bytes, path);
    const plain = runOurs(program, "translator");
    for (const engine of ["translator", "interpreter"] as const) {
      const configuration = plain.machine.configuration;
      const { guest, outcomes, excursions } = runChecks(program, { engine, configuration });
      assert.equal(guest.output, plain.console.toString("latin1"));
      assert.equal(guest.machine.instant, plain.machine.instant);
      assert.equal(guest.machine.digest(), plain.machine.digest());
      assert.equal(outcomes.length, 64);
      assert.equal(excursions.verified, 64);
      assert.deepEqual(excursions.changedUnseen(), []);
      const failures = outcomes.filter(({ end }) => end.kind === "failed");
      const [first] = failures;
      assert.ok(first !== undefined && first.end.kind === "failed");
      assert.match(first.end.message, /^[1-9]\d* of \d+ out of order after inserting \d+$/);
      // Before the mistake every check passes; from then on none does.
      const at = outcomes.indexOf(first);
      for (const { end } of outcomes.slice(0, at)) assert.deepEqual(end, { kind: "passed" });
      assert.equal(failures.length, 64 - at);
      const logs = outcomes.flatMap((outcome) => outcome.logs);
      assert.match(logs[0], /^16 values, mean \d+\.[05]00$/);
    }
  });
}
