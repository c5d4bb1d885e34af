import { writeFileSync } from "node:fs";
import type { MachineConfiguration } from "../../../src/machine/configuration.ts";
import type { Image } from "../../../src/machine/machine-interface.ts";
import { readElf } from "../../../src/symbols/elf.ts";
import { assemble, type Executable, temporaryPath } from "../cross-compiler.ts";

/** The cases of some seeds as one image, which the suite's harness runs one after the other. */
export interface Batch {
  readonly seeds: readonly number[];
  readonly bytes: Uint8Array;
  /** How often each mnemonic was emitted. */
  readonly emitted: ReadonlyMap<string, number>;
  /** Address and code of each case, and what else is worth a line when it fails. */
  readonly programs: readonly {
    readonly address: number;
    readonly code: Uint8Array;
    readonly notes?: readonly string[];
    /** Names of the words of memory that the harness reports for this case. */
    readonly watched?: readonly string[];
  }[];
}

/** A kind of random guests, with the harness that runs them on QEMU and here. */
export interface Suite {
  /** Path of the harness's source. */
  readonly harness: string;
  /** Cases of one run of a machine. The address of a case follows from its seed: it is the same program in any batch. */
  readonly casesPerBatch: number;
  /** Where a batch is placed. */
  readonly address: number;
  /** The machine that the batch with this number runs on, here and, by arguments, on QEMU. */
  machine(batch: number): { readonly configuration: MachineConfiguration; readonly qemu: readonly string[] };
  /** With `verbose` the harness prints everything instead of hashes. */
  makeBatch(seeds: readonly number[], verbose: boolean): Batch;
  /** Changes a batch's bytes for QEMU, where the harness has to know that it is there. */
  readonly forQemu?: (bytes: Uint8Array) => void;
  /** Names what the harness prints of a verbose case, word by word. */
  labels(words: readonly string[]): string[];
}

/** Seeds of the suite's batch with this number. */
export function batchSeeds(suite: Suite, batch: number): number[] {
  return Array.from({ length: suite.casesPerBatch }, (_, index) => batch * suite.casesPerBatch + index);
}

const harnesses = new Map<string, Executable>();

/** What QEMU and our machine need to run a batch, which lies within the seeds of one batch number. */
export function placeBatch(
  suite: Suite,
  batch: Batch,
): { readonly image: Image; readonly configuration: MachineConfiguration; readonly qemuArguments: readonly string[] } {
  const { configuration, qemu } = suite.machine(Math.floor(batch.seeds[0] / suite.casesPerBatch));
  const harness = harnesses.get(suite.harness) ?? assemble(suite.harness);
  harnesses.set(suite.harness, harness);
  const path = temporaryPath(`batch-${batch.seeds[0]}.bin`);
  const theirs = suite.forQemu === undefined ? batch.bytes : batch.bytes.slice();
  suite.forQemu?.(theirs);
  writeFileSync(path, theirs);
  const program = readElf(harness.bytes, harness.path);
  const segment = { physicalAddress: suite.address, bytes: batch.bytes, memoryBytes: batch.bytes.length };
  return {
    configuration,
    image: { entry: program.entry, segments: [...program.segments, segment] },
    qemuArguments: [
      ...qemu,
      "-kernel",
      harness.path,
      "-device",
      `loader,file=${path},addr=0x${suite.address.toString(16)},force-raw=on`,
    ],
  };
}
