import { join } from "node:path";
import { assert } from "../../../src/base/assert.ts";
import { Prng } from "../../../src/base/prng.ts";
import { abiName } from "../../../src/isa/registers.ts";
import { LIKE_QEMU } from "../our-machine.ts";
import { Emitter } from "./emitter.ts";
import { generateCase } from "./generator.ts";
import type { Batch, Suite } from "./suite.ts";
import { WINDOW, WINDOW_BYTES } from "./writer.ts";

// Known to harness.S too.
const BATCH = 0x8002_0000;
const PATTERN_OFFSET = 64;

/** Cases of one run. The address of a case follows from its seed, so that it is the same program in any batch. */
const CASES_PER_BATCH = 256;
const TABLE_OFFSET = 0x1000;
const TABLE_ENTRY_BYTES = 32;
const SLOTS_OFFSET = 0x4000;
const SLOT_BYTES = 0x8000;
const REGISTERS_BYTES = 256;

/** Generates the cases of these seeds into one image behind the harness. */
function makeBatch(seeds: readonly number[], verbose: boolean): Batch {
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

/** Programs of machine mode, on a hart that has nothing else. */
export const MACHINE_SUITE: Suite = {
  harness: join(import.meta.dirname, "harness.S"),
  casesPerBatch: CASES_PER_BATCH,
  address: BATCH,
  machine: () => ({ configuration: LIKE_QEMU, qemu: [] }),
  makeBatch,
  labels(words) {
    const labels = Array.from({ length: 32 }, (_, register) => `x${register} (${abiName(register)})`);
    labels.push("mscratch", "mie", "mstatus", "traps");
    const traps = Number.parseInt(words[35] ?? "0", 16);
    for (let trap = 0; trap < traps; trap++) {
      for (const csr of ["mcause", "mepc", "mtval", "mstatus"]) labels.push(`trap ${trap} ${csr}`);
    }
    const fixed = labels.length;
    words.slice(fixed).forEach((_, word) => {
      labels.push(`memory 0x${(WINDOW + word * 8).toString(16)}`);
    });
    return labels;
  },
};
