import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { GROUPS } from "./groups.ts";
import { runHere, runThere } from "./runner.ts";
import { expectedResults, guestOf, makeTables, outcomesIn, type Tables } from "./tables.ts";

/**
 * The proof of floating point. Every instruction that computes, in every rounding mode, static and dynamic, over operands
 * as TestFloat chooses them: the exact arithmetic of float-oracle.ts says what is right, and the interpreter, the oracle as
 * an engine, and QEMU (whose floating point is Berkeley SoftFloat) must leave the same values and the same flags.
 */
const NIGHTLY = process.env.HINDCAST_NIGHTLY !== undefined;
const RUNS = NIGHTLY ? 20 : 1;
const OPERANDS_PER_RUN = NIGHTLY ? 500 : 240;
/** The oracle as an engine takes a hundred times as long: it is the same arithmetic, and needs only its wiring proved. */
const ORACLE_RUNS = 1;
const SEED = 20_261_126;
const MOST_EXPLAINED = 12;

const withoutQemu =
  spawnSync("qemu-system-riscv64", ["--version"]).error === undefined
    ? false
    : "qemu-system-riscv64 is not installed (Debian: qemu-system-misc)";

function compare(tables: Tables, right: Uint8Array, results: Uint8Array, who: string, seed: number): void {
  const [expected, found] = [outcomesIn(right), outcomesIn(results)];
  assert.equal(found.length, expected.length);
  const differences: string[] = [];
  let count = 0;
  for (const [index, { bits, fcsr }] of expected.entries()) {
    const other = found[index];
    if (other.bits === bits && other.fcsr === fcsr) continue;
    if (count++ >= MOST_EXPLAINED) continue;
    const length = tables.single.length;
    const group = GROUPS[Math.floor(index / length)];
    const { a, b, c, fcsr: before } = tables[group.table][index % length];
    const operands = [a, b, c].map((word) => word.toString(16)).join(" ");
    differences.push(
      `${group.text} of ${operands} with fcsr ${before.toString(16)}: ` +
        `exact ${bits.toString(16)} ${fcsr.toString(16)}, ${who} ${other.bits.toString(16)} ${other.fcsr.toString(16)}`,
    );
  }
  assert.equal(count, 0, `${count} of ${expected.length} differ, seed ${seed}:\n${differences.join("\n")}`);
}

for (let run = 0; run < RUNS; run++) {
  const seed = SEED + run;
  const tables = makeTables(seed, OPERANDS_PER_RUN);
  const guest = guestOf(tables);
  const expected = expectedResults(tables);
  for (const engine of ["interpreter", "translator"] as const) {
    test(`the ${engine} computes what is right, seed ${seed}`, () => {
      compare(tables, expected, runHere(guest, engine), engine, seed);
    });
  }
  test(`QEMU finds the same, seed ${seed}`, { skip: withoutQemu }, async () => {
    compare(tables, expected, await runThere(guest, expected), "QEMU", seed);
  });
  if (run >= ORACLE_RUNS) continue;
  test(`the oracle as an engine does so, too, seed ${seed}`, () => {
    compare(tables, expected, runHere(guest, "oracle"), "oracle", seed);
  });
}

test("a planted fault is found, also where the guest itself compares", { skip: withoutQemu }, async () => {
  const tables = makeTables(SEED, 4);
  const right = expectedResults(tables);
  const planted = right.map((byte, index) => (index === 7 * 16 + 8 ? byte ^ 2 : byte));
  assert.throws(() => compare(tables, right, planted, "planted", SEED), /1 of \d+ differ, seed/);
  assert.deepEqual(await runThere(guestOf(tables), planted), right);
});
