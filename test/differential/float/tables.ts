import { Prng } from "../../../src/base/prng.ts";
import { FORMATS } from "../../../src/cpu/float-format.ts";
import { GROUPS, type Group } from "./groups.ts";
import { floatTriple, integerValue } from "./operands.ts";
import { DATA, type Guest } from "./runner.ts";

/** Operands of one case: register contents, and fcsr before. */
export interface Operands {
  readonly a: bigint;
  readonly b: bigint;
  readonly c: bigint;
  readonly fcsr: number;
}

/** What a case left: the register, and fcsr. */
export interface Outcome {
  readonly bits: bigint;
  readonly fcsr: number;
}

export type Tables = Readonly<Record<Group["table"], readonly Operands[]>>;

const RECORD_BYTES = 32;
const RESULT_BYTES = 16;
const TABLE_NAMES = ["single", "double", "integer"] as const;

export function makeTables(seed: number, count: number): Tables {
  const prng = new Prng(seed);
  const fcsr = (): number => {
    const flags = prng.pick([0, 0, 1, 1, 0x1f, prng.below(32)]);
    return (prng.below(5) << 5) | flags;
  };
  const table = (next: () => Omit<Operands, "fcsr">): Operands[] =>
    Array.from({ length: count }, () => ({ ...next(), fcsr: fcsr() }));
  return {
    single: table(() => floatTriple(prng, FORMATS.single)),
    double: table(() => floatTriple(prng, FORMATS.double)),
    integer: table(() => ({ a: integerValue(prng), b: 0n, c: 0n })),
  };
}

/** What the exact arithmetic says: the results of all groups in their order, each over its whole table. */
export function expectedResults(tables: Tables): Uint8Array {
  const outcomes = GROUPS.flatMap((group) =>
    tables[group.table].map(({ a, b, c, fcsr }): Outcome => {
      const { bits, flags } = group.expect(a, b, c, group.mode === 7 ? fcsr >> 5 : group.mode);
      return { bits, fcsr: fcsr | flags };
    }),
  );
  const view = new DataView(new ArrayBuffer(outcomes.length * RESULT_BYTES));
  outcomes.forEach(({ bits, fcsr }, index) => {
    view.setBigUint64(index * RESULT_BYTES, bits, true);
    view.setBigUint64(index * RESULT_BYTES + 8, BigInt(fcsr), true);
  });
  return new Uint8Array(view.buffer);
}

/** Results, case by case. */
export function outcomesIn(results: Uint8Array): Outcome[] {
  const view = new DataView(results.buffer, results.byteOffset, results.byteLength);
  return Array.from({ length: results.length / RESULT_BYTES }, (_, index) => ({
    bits: view.getBigUint64(index * RESULT_BYTES, true),
    fcsr: Number(view.getBigUint64(index * RESULT_BYTES + 8, true)),
  }));
}

/** A loop over its table for each group. */
export function guestOf(tables: Tables): Guest {
  const count = tables.single.length;
  const data = new Uint8Array(TABLE_NAMES.length * count * RECORD_BYTES);
  const view = new DataView(data.buffer);
  TABLE_NAMES.forEach((name, position) => {
    tables[name].forEach(({ a, b, c, fcsr }, index) => {
      const at = (position * count + index) * RECORD_BYTES;
      [a, b, c, BigInt(fcsr)].forEach((word, i) => {
        view.setBigUint64(at + 8 * i, word, true);
      });
    });
  });
  const loops = GROUPS.map(
    ({ text, table, result }) => `
  li s0, ${DATA + TABLE_NAMES.indexOf(table) * count * RECORD_BYTES}
  li s1, ${count}
1:
  fld fa0, 0(s0)
  fld fa1, 8(s0)
  fld fa2, 16(s0)
  ld a0, 0(s0)
  ld t0, 24(s0)
  fscsr t0
  ${text}
  ${result === "float" ? "fsd fa3" : "sd a3"}, 0(s2)
  frcsr t0
  sd t0, 8(s2)
  addi s0, s0, ${RECORD_BYTES}
  addi s2, s2, ${RESULT_BYTES}
  addi s1, s1, -1
  bnez s1, 1b`,
  );
  return { body: loops.join("\n"), data, resultBytes: GROUPS.length * count * RESULT_BYTES };
}
