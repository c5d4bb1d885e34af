import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import test from "node:test";
import { findDivergence } from "../../src/debuggee/divergence.ts";
import { RunProbe } from "../../src/debuggee/run-probe.ts";
import { finish } from "../../src/host/motion-driver.ts";
import { answer, askerOf } from "../../src/host/run-probes.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { readElf } from "../../src/symbols/elf.ts";
import { compileGuest, temporaryPath } from "./cross-compiler.ts";

const GUEST = resolve(import.meta.dirname, "../../guest");

/** A mistake in a program of guest/c, and the line where it is. */
interface Mistake {
  readonly good: string;
  readonly bad: string;
  /** Where the compiler leaves code in its line. Absent: at -O0 and -O2. */
  readonly at?: readonly string[];
}

function compiled(name: string, optimisation: string, mistake: Mistake | undefined) {
  if (mistake === undefined) return { executable: compileGuest(name, optimisation), line: 0 };
  const folder = temporaryPath(`bad-${name}`);
  cpSync(join(GUEST, "c"), folder, { recursive: true });
  const path = join(folder, `${name}.c`);
  const text = readFileSync(path, "utf8");
  assert.ok(text.includes(mistake.good), `no ${mistake.good} in ${name}.c`);
  // Lines are not where they were.
  writeFileSync(path, `/* A comment\n   of two lines. */\n${text.replace(mistake.good, mistake.bad)}`);
  const line = text.slice(0, text.indexOf(mistake.good)).split("\n").length;
  return { executable: compileGuest(name, optimisation, { folder: relative(GUEST, folder) }), line };
}

function run(path: string, bytes: Uint8Array): RunProbe {
  const program = readElf(bytes, path);
  const machine = new Machine(DEFAULT_CONFIGURATION, "auto");
  machine.load(program);
  const timeline = Timeline.record(machine);
  finish(timeline.forward({ stops: NO_STOPS, limit: 100_000_000 as never }));
  timeline.close();
  return new RunProbe(timeline, [program], path);
}

const MISTAKES: Readonly<Record<string, Mistake>> = {
  big_integers: { good: "carry = value / (2 * n - 1);", bad: "carry = value / (2 * n + 1);", at: ["O0"] },
  interpreter: { good: "push(machine, a < b); break;", bad: "push(machine, a <= b); break;" },
  strings: { good: "*text - '0'", bad: "*text - '1'" },
  sorting: { good: "&scratch[left]) < 0 ?", bad: "&scratch[left]) <= 0 ?" },
};

for (const [name, mistake] of Object.entries(MISTAKES)) {
  for (const optimisation of mistake.at ?? ["O0", "O2"]) {
    test(`${name} -${optimisation}: a good and a bad build part in the line that was changed`, async () => {
      const [good, bad] = [undefined, mistake].map((each) => compiled(name, optimisation, each));
      const [left, right] = [good, bad].map(({ executable }) => {
        const probe = run(`${executable.path} ${executable === good.executable}`, executable.bytes);
        return askerOf(async (question, args) => structuredClone(answer(probe, question, args, finish)));
      });
      const { divergent, output } = await findDivergence({ left, right });
      assert.notEqual(output, undefined, "the mistake shows");
      assert.equal(divergent?.cause, "program", divergent?.why);
      assert.equal(divergent.left.source?.line, bad.line);
      assert.equal(divergent.right.source?.line, bad.line + 2);
    });
  }
}
