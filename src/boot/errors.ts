import { UserError } from "../base/errors.ts";
import { RAM_BASE } from "../machine/memory-map.ts";

/** What a user can get wrong about how a machine starts, each a sentence that says what to do. */
export const errors = {
  notATree: (file: string): UserError =>
    new UserError("device-tree", `${file} is not a device tree blob: compile a .dts with dtc -O dtb first.`),

  treeVersion: (file: string, version: number): UserError =>
    new UserError("device-tree", `${file} is a device tree of version ${version}, and this Hindcast reads version 17.`),

  treeDamaged: (file: string, why: string): UserError => new UserError("device-tree", `${file} is damaged: ${why}.`),

  modes: (): UserError =>
    new UserError(
      "boot-modes",
      "A kernel that is started by firmware runs in supervisor mode: give the harts the modes msu.",
      2,
    ),

  atomics: (): UserError =>
    new UserError("boot-isa", "The built-in SBI firmware uses atomic instructions: give the harts the extension A.", 2),

  instructionFence: (): UserError =>
    new UserError("boot-isa", "The built-in SBI firmware uses fence.i: give the harts the extension Zifencei.", 2),

  overlap: (a: Span, b: Span): UserError =>
    new UserError(
      "boot-overlap",
      `${a.name} (${range(a)}) and ${b.name} (${range(b)}) lie over each other: give the machine more memory, ` +
        "or link one of them for another address.",
    ),

  doesNotFit: (span: Span, memoryBytes: number): UserError =>
    new UserError(
      "image-outside-memory",
      `${span.name} occupies ${range(span)}, but memory is ${range({ first: RAM_BASE, bytes: memoryBytes })}: ` +
        "give the machine more memory.",
    ),

  outside: (span: Span, memoryBytes: number): UserError =>
    new UserError(
      "image-outside-memory",
      `${span.name} occupies ${range(span)}, but memory is ${range({ first: RAM_BASE, bytes: memoryBytes })}: ` +
        "link it for an address in memory.",
    ),

  imageEndianness: (name: string): UserError => new UserError("boot-kernel", `${name} is a big-endian kernel image.`),

  imageCutOff: (name: string, has: number, needs: number): UserError =>
    new UserError("boot-kernel", `${name} is cut off: it has ${has} bytes, and its last section ends at ${needs}.`),
};

export interface Span {
  readonly name: string;
  readonly first: number;
  readonly bytes: number;
}

function range({ first, bytes }: Omit<Span, "name">): string {
  return `${hex(first)} to ${hex(first + Math.max(bytes, 1) - 1)}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
