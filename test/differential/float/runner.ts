import { writeFileSync } from "node:fs";
import { assemble } from "../../../src/assembler/assemble.ts";
import { assert } from "../../../src/base/assert.ts";
import type { VirtualAddress } from "../../../src/base/brand.ts";
import { DEFAULT_CONFIGURATION, type EngineChoice } from "../../../src/machine/configuration.ts";
import type { Image } from "../../../src/machine/machine-interface.ts";
import { temporaryPath } from "../cross-compiler.ts";
import { runOurs } from "../our-machine.ts";
import { runQemu } from "../qemu.ts";

/** A program that leaves bytes behind, and is run here and on QEMU. */
export interface Guest {
  /** Assembly, with floating point switched on in front of it; it writes its results from s2 on and moves s2 behind them. */
  readonly body: string;
  /** What lies at DATA. */
  readonly data: Uint8Array;
  readonly resultBytes: number;
}

const RAM = 0x8000_0000;
export const DATA = 0x8010_0000;
const RESULTS = 0x8100_0000;
const EXPECTED = 0x8300_0000;
const MOST_PRINTED = 64;
const LIMIT_STEPS = 1_000_000_000;

let runs = 0;

/** The results on our machine; throws when the guest does not come to its end. */
export function runHere(guest: Guest, engine: EngineChoice): Uint8Array {
  const { machine, failure } = runOurs(imageOf(guest, false), engine, LIMIT_STEPS, DEFAULT_CONFIGURATION);
  if (failure !== undefined) throw new Error(failure);
  const bytes = machine.peek(BigInt(RESULTS) as VirtualAddress, guest.resultBytes);
  return Uint8Array.from(bytes, (byte) => byte ?? 0);
}

/**
 * The results on QEMU. The guest gets what is expected, compares, and prints the words that differ: a console carries a
 * million bytes only slowly. Differences beyond the first MOST_PRINTED are not seen.
 */
export async function runThere(guest: Guest, expected: Uint8Array): Promise<Uint8Array> {
  const { segments } = imageOf(guest, true);
  const run = runs++;
  const loaded = [...segments, { physicalAddress: EXPECTED, bytes: expected }];
  const loaders = loaded.flatMap(({ physicalAddress, bytes }, index) => {
    const path = temporaryPath(`float-${run}-${index}.bin`);
    writeFileSync(path, bytes);
    return ["-device", `loader,file=${path},addr=0x${physicalAddress.toString(16)},force-raw=on`];
  });
  const { console, exitCode } = await runQemu(["-cpu", "rv64", ...loaders]);
  assert(exitCode === 0, `QEMU ended with ${exitCode}`);
  // The end of the results comes first: a guest that left fewer has compared less.
  assert(Number(console.readBigUInt64LE(0)) === RESULTS + guest.resultBytes, "all results are there");
  const found = new DataView(Uint8Array.from(expected).buffer);
  for (let at = 8; at < console.length; at += 16) {
    const address = Number(console.readBigUInt64LE(at));
    found.setBigUint64(address - RESULTS, console.readBigUInt64LE(at + 8), true);
  }
  return new Uint8Array(found.buffer);
}

function imageOf({ body, data }: Guest, compares: boolean): Image {
  const source = `
  .globl _start
_start:
  li t0, 3 << 13
  csrs mstatus, t0
  li s2, ${RESULTS}
${body}
${compares ? COMPARE : ""}
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
2: j 2b
`;
  const { program, errors } = assemble(source, { file: "float.s" });
  assert(program !== undefined, errors.map(({ line, message }) => `${line}: ${message}`).join("\n"));
  assert(
    program.segments.every((segment) => segment.physicalAddress + segment.bytes.length <= DATA),
    "code fits",
  );
  assert(DATA + data.length <= RESULTS, "data fits");
  const operands = { physicalAddress: DATA, bytes: data, memoryBytes: data.length };
  return { entry: BigInt(RAM) as VirtualAddress, segments: [...program.segments, operands] };
}

const COMPARE = `
  li s3, 0x10000000
  li s4, ${MOST_PRINTED}
  li s0, ${RESULTS}
  li s1, ${EXPECTED}
  mv a2, s2
  jal print
3:
  ld a0, 0(s0)
  ld a1, 0(s1)
  beq a0, a1, 4f
  mv a2, s0
  jal print
  mv a2, a0
  jal print
  addi s4, s4, -1
  beqz s4, 5f
4:
  addi s0, s0, 8
  addi s1, s1, 8
  bltu s0, s2, 3b
  j 5f
# The eight bytes of a2.
print:
  li t2, 8
6:
  lbu t1, 5(s3)
  andi t1, t1, 0x20
  beqz t1, 6b
  sb a2, 0(s3)
  srli a2, a2, 8
  addi t2, t2, -1
  bnez t2, 6b
  ret
5:
`;
