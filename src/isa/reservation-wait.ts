import { type Instruction, instruction } from "./instruction.ts";

/** Zawrs: pause until another hart may have touched what lr reserved. Going on at once is always allowed. */
export const RESERVATION_WAIT: readonly Instruction[] = [
  instruction({
    mnemonic: "wrs.nto",
    extension: "Zawrs",
    encoding: "000000001101 00000 000 00000 1110011",
    syntax: "",
    summary: "Wait until the reservation is broken or an interrupt is pending.",
    semantics: (s) => s.system("wrs.nto"),
  }),
  instruction({
    mnemonic: "wrs.sto",
    extension: "Zawrs",
    encoding: "000000011101 00000 000 00000 1110011",
    syntax: "",
    summary: "Wait a short time for the reservation to be broken or an interrupt to be pending.",
    semantics: (s) => s.system("wrs.sto"),
  }),
];
