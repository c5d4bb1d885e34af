import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import test from "node:test";
import { type CheckOutcome, tellingPc } from "../../src/replay/check.ts";
import { readElf } from "../../src/symbols/elf.ts";
import { LineTable } from "../../src/symbols/line-table.ts";
import { SymbolTable } from "../../src/symbols/symbol-table.ts";
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

for (const optimisation of ["O0", "O1", "O2", "O3", "Os"]) {
  test(`what a check says is told at the line of the user's own source, -${optimisation}`, () => {
    const { path, bytes } = compileGuest("check_places", optimisation);
    const program = readElf(bytes, path);
    const { outcomes } = runChecks(program, { configuration: runOurs(program, "translator").machine.configuration });
    const symbols = new SymbolTable([program]);
    const lines = new LineTable([program]);
    const place = (outcome: CheckOutcome) => {
      const at = lines.at(tellingPc(outcome, (pc) => symbols.nearest(pc)?.symbol.name));
      return `${basename(at?.path ?? "")}:${at?.line}`;
    };
    const source = readFileSync(resolve(import.meta.dirname, "../../guest/c/check_places.c"), "utf8").split("\n");
    const expected = ["a block", "a log", "a log at the end", "a failure"].map(
      (text) => `check_places.c:${source.findIndex((line) => line.includes(`"${text}"`)) + 1}`,
    );
    assert.deepEqual(outcomes.map(place), expected);
  });
}

/** Uses everything that the header has, with words of both languages only. */
const EVERYTHING = `
#include "hindcast.h"
extern int broken(const void *);
int f(const void *heap, double mean) {
  HINDCAST_REPLAY_ONLY {
    hindcast_log("%p %f", heap, mean);
    if (broken(heap)) hindcast_fail("broken");
    if (mean > 1) break;
    HINDCAST_REPLAY_ONLY { continue; }
  }
  return hindcast_in_replay();
}
`;

for (const [language, standard] of [
  ["c", "c11"],
  ["c", "gnu99"],
  ["c", "gnu2x"],
  ["c++", "c++11"],
  ["c++", "c++20"],
] as const) {
  test(`hindcast.h is ${standard}, without a warning`, () => {
    const folder = resolve(import.meta.dirname, "../../guest/include");
    const warnings = ["-Wall", "-Wextra", "-Werror", "-ffreestanding"];
    const options = ["-march=rv64gc", "-mabi=lp64d", `-std=${standard}`, "-x", language, "-I", folder, ...warnings];
    for (const optimisation of ["-O0", "-O2"]) {
      execFileSync("riscv64-unknown-elf-gcc", [...options, optimisation, "-S", "-o", "/dev/null", "-"], {
        input: EVERYTHING,
      });
    }
  });
}
