import { ByteReader } from "./byte-reader.ts";
import { errors } from "./errors.ts";

export const HEADER_BYTES = 64;
export const PROGRAM_HEADER_BYTES = 56;
export const SECTION_HEADER_BYTES = 64;

/** The ELF header, as far as it matters here; the counts are the true ones. */
export interface ElfHeader {
  readonly type: number;
  readonly machine: number;
  readonly entry: bigint;
  readonly flags: number;
  readonly programHeaderOffset: number;
  readonly programHeaderBytes: number;
  readonly programHeaderCount: number;
  readonly sectionHeaderOffset: number;
  readonly sectionHeaderBytes: number;
  readonly sectionHeaderCount: number;
  readonly sectionNameIndex: number;
}

// e_ident (ELF specification, "ELF Identification").
const MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const EI_CLASS = 4;
const EI_DATA = 5;
const ELFCLASS64 = 2;
const ELFDATA2MSB = 2;
// e_type and e_machine.
const ET_REL = 1;
const ET_EXEC = 2;
const ET_DYN = 3;
const ET_CORE = 4;
const EM_RISCV = 243;
// Counts that do not fit their 16 bits stand in section header 0.
const PN_XNUM = 0xffff;
const SHN_XINDEX = 0xffff;

const MACHINES: Readonly<Record<number, string>> = {
  0: "no machine at all",
  2: "SPARC",
  3: "x86 (32-bit)",
  8: "MIPS",
  20: "PowerPC",
  21: "PowerPC64",
  22: "S/390",
  40: "Arm (32-bit)",
  42: "SuperH",
  43: "SPARC64",
  50: "IA-64",
  62: "x86-64",
  83: "AVR",
  94: "Xtensa",
  105: "MSP430",
  183: "AArch64",
  [EM_RISCV]: "RISC-V",
  247: "BPF",
  258: "LoongArch",
};

const TYPES: Readonly<Record<number, string>> = {
  0: "a file of no type",
  [ET_REL]: "a relocatable object file",
  [ET_DYN]: "a shared object or position-independent executable",
  [ET_CORE]: "a core dump",
};

export function isElf(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}

/** Reads the header of a 64-bit little-endian ELF file, and refuses any other. */
export function readHeader(bytes: Uint8Array, name: string): ElfHeader {
  if (bytes.length === 0) throw errors.empty(name);
  if (!isElf(bytes)) throw errors.notElf(name);
  if (bytes.length <= EI_DATA) throw errors.truncated(name, "header");
  if (bytes[EI_DATA] === ELFDATA2MSB) throw errors.bigEndian(name);
  if (bytes[EI_CLASS] !== ELFCLASS64) {
    // The machine stands at the same place in both classes.
    if (bytes.length < 20) throw errors.truncated(name, "header");
    throw errors.not64Bit(name, machineName(bytes[18] | (bytes[19] << 8)));
  }
  if (bytes.length < HEADER_BYTES) throw errors.truncated(name, "header");
  const reader = new ByteReader(bytes, 16, HEADER_BYTES);
  const type = reader.u16();
  const machine = reader.u16();
  reader.skip(4);
  const entry = reader.u64();
  const programHeaderOffset = reader.size64();
  const sectionHeaderOffset = reader.size64();
  const flags = reader.u32();
  reader.skip(2);
  const programHeaderBytes = reader.u16();
  const programHeaderCount = reader.u16();
  const sectionHeaderBytes = reader.u16();
  const sectionHeaderCount = reader.u16();
  const sectionNameIndex = reader.u16();
  return withTrueCounts(bytes, {
    type,
    machine,
    entry,
    flags,
    programHeaderOffset,
    programHeaderBytes,
    programHeaderCount,
    sectionHeaderOffset,
    sectionHeaderBytes,
    sectionHeaderCount: sectionHeaderOffset === 0 ? 0 : sectionHeaderCount,
    sectionNameIndex,
  });
}

function withTrueCounts(bytes: Uint8Array, header: ElfHeader): ElfHeader {
  const { sectionHeaderOffset: at } = header;
  if (at === 0 || !(at + SECTION_HEADER_BYTES <= bytes.length)) return header;
  const reader = new ByteReader(bytes, at);
  reader.skip(32);
  const size = reader.size64();
  const link = reader.u32();
  const info = reader.u32();
  return {
    ...header,
    programHeaderCount: header.programHeaderCount === PN_XNUM ? info : header.programHeaderCount,
    sectionHeaderCount: header.sectionHeaderCount === 0 ? size : header.sectionHeaderCount,
    sectionNameIndex: header.sectionNameIndex === SHN_XINDEX ? link : header.sectionNameIndex,
  };
}

/** Refuses what is no RISC-V executable, in the order in which a user would want to hear of it. */
export function checkHeader(header: ElfHeader, name: string, positionIndependent = false): void {
  if (header.machine !== EM_RISCV) throw errors.wrongMachine(name, machineName(header.machine));
  if (header.type !== ET_EXEC && !(positionIndependent && header.type === ET_DYN)) {
    throw errors.notExecutable(name, TYPES[header.type] ?? `of the unknown type ${header.type}`);
  }
  if (header.programHeaderCount === 0) throw errors.noSegments(name);
  if (header.programHeaderBytes !== PROGRAM_HEADER_BYTES) {
    throw errors.badHeader(name, `its program headers claim ${header.programHeaderBytes} bytes each instead of 56`);
  }
  if (header.sectionHeaderCount > 0 && header.sectionHeaderBytes !== SECTION_HEADER_BYTES) {
    throw errors.badHeader(name, `its section headers claim ${header.sectionHeaderBytes} bytes each instead of 64`);
  }
}

function machineName(machine: number): string {
  return MACHINES[machine] ?? `machine number ${machine}`;
}
