import { UserError } from "../base/errors.ts";

/** What a user can get wrong about an instruction set, each a sentence that says what to do. */
export const errors = {
  noIsa: (isa: string): UserError =>
    new UserError(
      "isa",
      `“${isa}” is no instruction set: write an ISA string such as rv64gc_zba_zbb, a profile such as rva22s64, or max.`,
      2,
    ),

  rv32: (isa: string): UserError =>
    new UserError("isa", `The instruction set ${isa} is not supported: the harts have 64-bit registers (rv64…).`, 2),

  noBase: (isa: string): UserError =>
    new UserError("isa", `The instruction set ${isa} lacks its base: write rv64i… or rv64g….`, 2),

  absent: (isa: string, extension: string): UserError =>
    new UserError(
      "isa",
      `The instruction set ${isa} is not supported: no hart of this machine has the extension ${extension}. Leave it out.`,
      2,
    ),

  unknown: (isa: string, extension: string): UserError =>
    new UserError("isa", `The instruction set ${isa} is not supported: there is no extension “${extension}”.`, 2),

  part: (isa: string, part: string, whole: string): UserError =>
    new UserError(
      "isa",
      `The instruction set ${isa} is not supported: the harts have ${part} as a part of ${whole} only. Write ${whole}.`,
      2,
    ),
};
