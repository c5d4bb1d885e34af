import { UserError } from "../base/errors.ts";

/** What a user can get wrong about a machine, each a sentence that says what to do. */
export const errors = {
  memorySize: (bytes: number): UserError =>
    new UserError(
      "memory-size",
      `Memory of ${bytes} bytes is not possible: choose a multiple of 4 KiB up to 3 GiB.`,
      2,
    ),

  harts: (harts: number, most: number): UserError =>
    new UserError("harts", `A machine with ${harts} harts is not possible: choose 1 to ${most}.`, 2),

  isa: (isa: string, supported: string): UserError =>
    new UserError("isa", `The instruction set ${isa} is not supported: this version's hart is ${supported}.`, 2),

  imageOutsideMemory: (first: number, last: number, ramFirst: number, ramLast: number): UserError =>
    new UserError(
      "image-outside-memory",
      `The program occupies ${hex(first)} to ${hex(last)}, but memory is ${hex(ramFirst)} to ${hex(ramLast)}: ` +
        (first >= ramFirst ? "give the machine more memory." : "link it for an address in memory."),
    ),

  checkpointVersion: (found: number, known: number): UserError =>
    new UserError(
      "checkpoint-version",
      `The machine state in this recording has version ${found}; this Hindcast reads version ${known}.`,
    ),
};

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
