import { type Instruction, instruction } from "./instruction.ts";

/**
 * Zawrs: pause until another hart may have touched what lr reserved; and Zihintpause, for who spins without a reservation.
 * Going on at once is always allowed; here the hart ends its turn.
 */
export const SPIN_WAIT: readonly Instruction[] = [
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
  instruction({
    mnemonic: "pause",
    extension: "Zihintpause",
    hintOf: "fence",
    encoding: "0000 0001 0000 00000 000 00000 0001111",
    syntax: "",
    summary: "Say that the hart waits for another one and need not hurry.",
    semantics: (s) => s.system("pause"),
  }),
];
