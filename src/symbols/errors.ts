import { UserError } from "../base/errors.ts";

/** What can be wrong with a program file: one sentence each. */
export const errors = {
  notElf: (name: string) =>
    new UserError("elf-not-elf", `${name} is not an ELF file: it does not begin with the bytes 7f 45 4c 46.`),
  empty: (name: string) => new UserError("image-empty", `${name} is empty.`),
  truncated: (name: string, what: string) =>
    new UserError("elf-truncated", `${name} is cut off: its ${what} would lie behind the end of the file.`),
  not64Bit: (name: string, machine: string) =>
    new UserError(
      "elf-32-bit",
      `${name} is a 32-bit program for ${machine}; Hindcast runs 64-bit RISC-V (build with -march=rv64… -mabi=lp64).`,
    ),
  bigEndian: (name: string) =>
    new UserError("elf-big-endian", `${name} is big-endian; Hindcast runs little-endian RISC-V.`),
  wrongMachine: (name: string, machine: string) =>
    new UserError("elf-wrong-machine", `${name} is a program for ${machine}; Hindcast runs 64-bit RISC-V.`),
  notExecutable: (name: string, what: string) =>
    new UserError("elf-not-executable", `${name} is ${what}, not an executable: link it to a fixed address first.`),
  badHeader: (name: string, what: string) => new UserError("elf-damaged", `${name} is damaged: ${what}.`),
  noSegments: (name: string) =>
    new UserError("elf-no-segments", `${name} has no loadable segments: there is nothing to put into memory.`),
  segmentOutsideFile: (name: string, index: number) =>
    new UserError(
      "elf-segment-outside-file",
      `${name} is cut off or damaged: the data of its segment ${index} would lie behind the end of the file.`,
    ),
  segmentSize: (name: string, index: number, what: string) =>
    new UserError("elf-segment-size", `${name} is damaged: segment ${index} ${what}.`),
  entryOutside: (name: string, entry: bigint) =>
    new UserError(
      "elf-entry-outside",
      `The entry point 0x${entry.toString(16)} of ${name} lies in none of its segments; define _start, or link with -e.`,
    ),
  imageAddress: (name: string, address: bigint) =>
    new UserError(
      "image-address",
      `${name} cannot be placed at 0x${address.toString(16)}: no memory reaches there.`,
      2,
    ),
  symbolList: (name: string, line: number) =>
    new UserError(
      "symbol-list",
      `${name}:${line}: this is no symbol: lists of symbols have lines like “ffffffff80000000 T _start”.`,
    ),
} as const;
