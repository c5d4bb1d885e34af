import { writeFileSync } from "node:fs";
import { assemble } from "../../../src/assembler/assemble.ts";
import { assert } from "../../../src/base/assert.ts";
import type { VirtualAddress } from "../../../src/base/brand.ts";
import { Prng } from "../../../src/base/prng.ts";
import { FORMATS } from "../../../src/cpu/float-format.ts";
import { DEFAULT_CONFIGURATION, type EngineChoice } from "../../../src/machine/configuration.ts";
import type { Image } from "../../../src/machine/machine-interface.ts";
import { temporaryPath } from "../cross-compiler.ts";
import { runOurs } from "../our-machine.ts";
import { runQemu } from "../qemu.ts";
import { GROUPS, type Group } from "./groups.ts";
import { floatTriple, integerValue } from "./operands.ts";

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

const RAM = 0x8000_0000;
const TABLES = 0x8010_0000;
const RESULTS = 0x8100_0000;
const RECORD_BYTES = 32;
const RESULT_BYTES = 16;
/** What the UART carries of a result: eight bytes of the register, one of fcsr. */
const PRINTED_BYTES = 9;
const LIMIT_STEPS = 1_000_000_000;
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

/** Outcomes of all groups in their order, each over its whole table. */
export function expectedOutcomes(tables: Tables): Outcome[] {
  return GROUPS.flatMap((group) =>
    tables[group.table].map(({ a, b, c, fcsr }) => {
      const { bits, flags } = group.expect(a, b, c, group.mode === 7 ? fcsr >> 5 : group.mode);
      return { bits, fcsr: fcsr | flags };
    }),
  );
}

/** Runs the cases on our machine; throws when the guest does not come to its end. */
export function runHere(tables: Tables, engine: EngineChoice): Outcome[] {
  const { machine, failure } = runOurs(imageOf(tables, false), engine, LIMIT_STEPS, DEFAULT_CONFIGURATION);
  if (failure !== undefined) throw new Error(failure);
  const count = GROUPS.length * tables.single.length;
  const bytes = machine.peek(BigInt(RESULTS) as VirtualAddress, count * RESULT_BYTES);
  const view = new DataView(Uint8Array.from(bytes, (byte) => byte ?? 0).buffer);
  return Array.from({ length: count }, (_, index) => ({
    bits: view.getBigUint64(index * RESULT_BYTES, true),
    fcsr: Number(view.getBigUint64(index * RESULT_BYTES + 8, true)),
  }));
}

/** The same guest on QEMU, where it prints what it has found. */
export async function runThere(tables: Tables): Promise<Outcome[]> {
  const { segments } = imageOf(tables, true);
  const loaders = segments.flatMap(({ physicalAddress, bytes }, index) => {
    const path = temporaryPath(`float-${index}.bin`);
    writeFileSync(path, bytes);
    return ["-device", `loader,file=${path},addr=0x${physicalAddress.toString(16)},force-raw=on`];
  });
  const { console, exitCode } = await runQemu(["-cpu", "rv64", ...loaders]);
  const count = GROUPS.length * tables.single.length;
  assert(exitCode === 0 && console.length === count * PRINTED_BYTES, `QEMU ended with ${exitCode}`);
  return Array.from({ length: count }, (_, index) => ({
    bits: console.readBigUInt64LE(index * PRINTED_BYTES),
    fcsr: console[index * PRINTED_BYTES + 8],
  }));
}

function imageOf(tables: Tables, prints: boolean): Image {
  const count = tables.single.length;
  const bytes = new Uint8Array(TABLE_NAMES.length * count * RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  TABLE_NAMES.forEach((name, position) => {
    tables[name].forEach(({ a, b, c, fcsr }, index) => {
      const at = (position * count + index) * RECORD_BYTES;
      [a, b, c, BigInt(fcsr)].forEach((word, i) => {
        view.setBigUint64(at + 8 * i, word, true);
      });
    });
  });
  const { program, errors } = assemble(sourceOf(count, prints), { file: "float.s" });
  assert(program !== undefined, errors.map(({ line, message }) => `${line}: ${message}`).join("\n"));
  assert(
    program.segments.every((segment) => segment.physicalAddress + segment.bytes.length <= TABLES),
    "code fits",
  );
  const operands = { physicalAddress: TABLES, bytes, memoryBytes: bytes.length };
  return { entry: BigInt(RAM) as VirtualAddress, segments: [...program.segments, operands] };
}

/** A loop over its table for each group; what it finds lies in a row from RESULTS on. */
function sourceOf(count: number, prints: boolean): string {
  const loops = GROUPS.map(
    ({ text, table, result }) => `
  li s0, ${TABLES + TABLE_NAMES.indexOf(table) * count * RECORD_BYTES}
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
  return `
  .globl _start
_start:
  li t0, 3 << 13
  csrs mstatus, t0
  li s2, ${RESULTS}
${loops.join("\n")}
${prints ? PRINT : ""}
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
2: j 2b
`;
}

const PRINT = `
  li s3, 0x10000000
  li s0, ${RESULTS}
3:
  li s1, ${PRINTED_BYTES}
  mv s4, s0
4:
  lbu t0, 0(s4)
5:
  lbu t1, 5(s3)
  andi t1, t1, 0x20
  beqz t1, 5b
  sb t0, 0(s3)
  addi s4, s4, 1
  addi s1, s1, -1
  bnez s1, 4b
  addi s0, s0, ${RESULT_BYTES}
  bltu s0, s2, 3b
`;
