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

  disks: (count: number, most: number): UserError =>
    new UserError("disks", `A machine with ${count} disks is not possible: it takes up to ${most}.`, 2),

  diskSize: (bytes: number, mostBytes: number): UserError =>
    new UserError(
      "disk-size",
      `A disk of ${bytes} bytes is not possible: choose whole sectors of 512 bytes, one at least, and for all disks ` +
        `together up to ${mostBytes / 2 ** 30} GiB.`,
      2,
    ),

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
