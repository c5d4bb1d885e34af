import { type Instruction, instruction } from "./instruction.ts";

/** Zicond: a value or zero, without a branch. */
export const CONDITIONAL: readonly Instruction[] = [
  instruction({
    mnemonic: "czero.eqz",
    extension: "Zicond",
    encoding: "0000111 rs2 rs1 101 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Copy rs1, or take 0 when rs2 is 0.",
    semantics: (s) => s.writeRd(s.select(s.equal(s.rs2, s.constant(0n)), s.constant(0n), s.rs1)),
  }),
  instruction({
    mnemonic: "czero.nez",
    extension: "Zicond",
    encoding: "0000111 rs2 rs1 111 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Copy rs1, or take 0 when rs2 is not 0.",
    semantics: (s) => s.writeRd(s.select(s.equal(s.rs2, s.constant(0n)), s.rs1, s.constant(0n))),
  }),
];
