import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { disassembleWord } from "../../../src/isa/disassemble.ts";
import { runHere, runThere } from "./runner.ts";
import { guestOf, makeSequence, RESULT_WORDS, type Sequence } from "./sequences.ts";

const NIGHTLY = process.env.HINDCAST_NIGHTLY !== undefined;
const RUNS = NIGHTLY ? 40 : 1;
const SEQUENCES_PER_RUN = 500;
const MOST_EXPLAINED = 3;

const skip =
  spawnSync("qemu-system-riscv64", ["--version"]).error === undefined
    ? false
    : "qemu-system-riscv64 is not installed (Debian: qemu-system-misc)";

function compare(sequences: readonly Sequence[], expected: Uint8Array, found: Uint8Array, who: string): void {
  const words = [expected, found].map((bytes) => new BigUint64Array(Uint8Array.from(bytes).buffer));
  const differences = sequences.flatMap((sequence, position) => {
    const [right, other] = words.map((all) => all.subarray(position * RESULT_WORDS, (position + 1) * RESULT_WORDS));
    const wrong = [...right.keys()].filter((index) => right[index] !== other[index]);
    if (wrong.length === 0) return [];
    const values = wrong.map(
      (index) => `  word ${index}: ${right[index].toString(16)}, ${who} ${other[index].toString(16)}`,
    );
    return [[`seed ${sequence.seed}:`, ...values, ...sequence.words.map((word) => `  ${disassembleWord(word).text}`)]];
  });
  const shown = differences.slice(0, MOST_EXPLAINED).flat().join("\n");
  assert.equal(differences.length, 0, `${differences.length} of ${sequences.length} differ:\n${shown}`);
}

for (let run = 0; run < RUNS; run++) {
  const sequences = Array.from({ length: SEQUENCES_PER_RUN }, (_, index) =>
    makeSequence(run * SEQUENCES_PER_RUN + index),
  );
  const guest = guestOf(sequences);
  test(`seeds from ${sequences[0].seed}: oracle, interpreter, translator and QEMU end alike`, { skip }, async () => {
    const oracle = runHere(guest, "oracle");
    for (const engine of ["interpreter", "translator"] as const) {
      compare(sequences, oracle, runHere(guest, engine), engine);
    }
    compare(sequences, oracle, await runThere(guest, oracle), "QEMU");
  });
}
