import type { Program } from "../../src/assembler/program.ts";
import { virtualAddress } from "../../src/base/brand.ts";
import { type BootRequest, planBoot } from "../../src/boot/boot-plan.ts";
import type { HartDescription } from "../../src/boot/device-tree.ts";
import { DEFAULT_CONFIGURATION, type MachineConfiguration } from "../../src/machine/configuration.ts";

export const MEGABYTE = 2 ** 20;

export const HART: HartDescription = {
  isaString: "rv64imafdc_zicbom_zicboz_zicsr_zifencei_sstc",
  base: "rv64i",
  extensions: ["i", "m", "a", "f", "d", "c", "zicbom", "zicboz", "zicsr", "zifencei", "sstc"],
  translation: "riscv,sv57",
};

export function configuration(changes: Partial<MachineConfiguration> = {}): MachineConfiguration {
  return { ...DEFAULT_CONFIGURATION, memoryBytes: 64 * MEGABYTE, modes: "msu", ...changes };
}

/** Plans a boot of a raw kernel of 16 bytes, unless told otherwise. */
export function plan(changes: Partial<BootRequest> = {}) {
  const kernel = { name: "kernel", bytes: new Uint8Array(16).fill(1) };
  return planBoot({ configuration: configuration(), hart: HART, kernel, firmware: "sbi", ...changes });
}

/** A kernel image with Linux's header. */
export function imageFile(fields: {
  textOffset?: number;
  sizeBytes?: number;
  flags?: bigint;
  length?: number;
  /** Where the only section of an EFI stub ends. */
  sectionEnd?: number;
}): Uint8Array {
  const bytes = new Uint8Array(fields.length ?? 64);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(8, BigInt(fields.textOffset ?? 0x20_0000), true);
  view.setBigUint64(16, BigInt(fields.sizeBytes ?? 0), true);
  view.setBigUint64(24, fields.flags ?? 0n, true);
  bytes.set(new TextEncoder().encode("RSC\x05"), 56);
  if (fields.sectionEnd !== undefined) {
    view.setUint32(60, 64, true);
    bytes.set(new TextEncoder().encode("PE\0\0"), 64);
    view.setUint16(64 + 6, 1, true);
    view.setUint32(64 + 24 + 16, fields.sectionEnd - 4096, true);
    view.setUint32(64 + 24 + 20, 4096, true);
  }
  return bytes;
}

/** An ELF as the reader gives it, of one segment. */
export function elf(physical: number, length: number, virtual = BigInt(physical), entry = virtual): Program {
  return {
    name: "elf",
    entry: virtualAddress(entry),
    segments: [
      {
        physicalAddress: physical,
        virtualAddress: virtualAddress(virtual),
        bytes: new Uint8Array(length),
        memoryBytes: length,
        executable: true,
        writable: true,
      },
    ],
    symbols: [],
    lines: [],
    files: [],
  };
}
