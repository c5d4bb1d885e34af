import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert } from "../../../src/base/assert.ts";
import { Prng } from "../../../src/base/prng.ts";
import type { Image } from "../../../src/machine/machine-interface.ts";
import { readElf } from "../../../src/symbols/elf.ts";
import { assemble, type Executable, temporaryPath } from "../cross-compiler.ts";
import { Emitter } from "./emitter.ts";
import { generateCase } from "./generator.ts";
import { WINDOW_BYTES } from "./writer.ts";

// Known to harness.S too.
export const BATCH = 0x8002_0000;
const PATTERN_OFFSET = 64;

/** Cases of one run. The address of a case follows from its seed, so that it is the same program in any batch. */
export const CASES_PER_BATCH = 256;
const TABLE_OFFSET = 0x1000;
const TABLE_ENTRY_BYTES = 32;
const SLOTS_OFFSET = 0x4000;
const SLOT_BYTES = 0x8000;
const REGISTERS_BYTES = 256;

export interface Batch {
  readonly seeds: readonly number[];
  readonly bytes: Uint8Array;
  /** How often each mnemonic was emitted. */
  readonly emitted: ReadonlyMap<string, number>;
  /** Address and code of each case. */
  readonly programs: readonly { readonly address: number; readonly code: Uint8Array }[];
}

/** Generates the cases of these seeds into one image behind the harness. */
export function makeBatch(seeds: readonly number[], verbose: boolean): Batch {
  const bytes = new Uint8Array(SLOTS_OFFSET + CASES_PER_BATCH * SLOT_BYTES);
  const view = new DataView(bytes.buffer);
  const emitted = new Map<string, number>();
  const programs: { address: number; code: Uint8Array }[] = [];
  view.setBigUint64(0, BigInt(seeds.length), true);
  view.setBigUint64(8, BigInt(BATCH + TABLE_OFFSET), true);
  view.setBigUint64(16, verbose ? 1n : 0n, true);
  const pattern = new Prng(0);
  for (let offset = 0; offset < WINDOW_BYTES; offset += 8) {
    view.setBigUint64(PATTERN_OFFSET + offset, pattern.next64(), true);
  }
  seeds.forEach((seed, index) => {
    const slot = SLOTS_OFFSET + (seed % CASES_PER_BATCH) * SLOT_BYTES;
    const emitter = new Emitter(BATCH + slot + REGISTERS_BYTES, SLOT_BYTES);
    const { registers, end } = generateCase(new Prng(seed), emitter);
    registers.forEach((value, register) => {
      view.setBigUint64(slot + register * 8, BigInt.asUintN(64, value), true);
    });
    assert(emitter.bytes.length <= SLOT_BYTES - REGISTERS_BYTES, `case ${seed} is too long`);
    bytes.set(emitter.bytes, slot + REGISTERS_BYTES);
    for (const [mnemonic, count] of emitter.emitted) emitted.set(mnemonic, (emitted.get(mnemonic) ?? 0) + count);
    programs.push({ address: emitter.base, code: emitter.bytes });
    [emitter.base, end, BATCH + slot].forEach((word, position) => {
      view.setBigUint64(TABLE_OFFSET + index * TABLE_ENTRY_BYTES + position * 8, BigInt(word), true);
    });
  });
  return { seeds, bytes, emitted, programs };
}

/** Seeds of the batch with this number. */
export function batchSeeds(batch: number): number[] {
  return Array.from({ length: CASES_PER_BATCH }, (_, index) => batch * CASES_PER_BATCH + index);
}

let harness: Executable | undefined;

/** What QEMU and our machine need to run a batch. */
export function placeBatch(batch: Batch): { readonly image: Image; readonly qemuArguments: readonly string[] } {
  harness ??= assemble(join(import.meta.dirname, "harness.S"));
  const path = temporaryPath(`batch-${batch.seeds[0]}.bin`);
  writeFileSync(path, batch.bytes);
  const program = readElf(harness.bytes, harness.path);
  const segment = { physicalAddress: BATCH, bytes: batch.bytes, memoryBytes: batch.bytes.length };
  return {
    image: { entry: program.entry, segments: [...program.segments, segment] },
    qemuArguments: [
      "-kernel",
      harness.path,
      "-device",
      `loader,file=${path},addr=0x${BATCH.toString(16)},force-raw=on`,
    ],
  };
}
