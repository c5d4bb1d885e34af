import { type Instruction, instruction } from "./instruction.ts";

/** RV64I's operations on 32-bit words: computed on the low halves, the result sign-extended (section 4.2). */
export const WORD_INTEGER: readonly Instruction[] = [
  instruction({
    mnemonic: "addiw",
    extension: "I",
    encoding: "imm[11:0] rs1 000 rd 0011011",
    syntax: "rd, rs1, imm",
    summary: "Add a constant in 32 bits, sign-extended.",
    semantics: (s) => s.writeRd(s.signExtend(s.add(s.rs1, s.imm), 32)),
  }),
  instruction({
    mnemonic: "slliw",
    extension: "I",
    encoding: "0000000 shamt[4:0] rs1 001 rd 0011011",
    syntax: "rd, rs1, shamt",
    summary: "Shift left by a constant in 32 bits, sign-extended.",
    semantics: (s) => s.writeRd(s.signExtend(s.shiftLeft(s.rs1, s.imm), 32)),
  }),
  instruction({
    mnemonic: "srliw",
    extension: "I",
    encoding: "0000000 shamt[4:0] rs1 101 rd 0011011",
    syntax: "rd, rs1, shamt",
    summary: "Shift the low 32 bits right by a constant, filling with zeros; sign-extended.",
    semantics: (s) => s.writeRd(s.signExtend(s.shiftRightLogical(s.zeroExtend(s.rs1, 32), s.imm), 32)),
  }),
  instruction({
    mnemonic: "sraiw",
    extension: "I",
    encoding: "0100000 shamt[4:0] rs1 101 rd 0011011",
    syntax: "rd, rs1, shamt",
    summary: "Shift the low 32 bits right by a constant, filling with bit 31; sign-extended.",
    semantics: (s) => s.writeRd(s.shiftRightArithmetic(s.signExtend(s.rs1, 32), s.imm)),
  }),
  instruction({
    mnemonic: "addw",
    extension: "I",
    encoding: "0000000 rs2 rs1 000 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Add in 32 bits, sign-extended.",
    semantics: (s) => s.writeRd(s.signExtend(s.add(s.rs1, s.rs2), 32)),
  }),
  instruction({
    mnemonic: "subw",
    extension: "I",
    encoding: "0100000 rs2 rs1 000 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Subtract in 32 bits, sign-extended.",
    semantics: (s) => s.writeRd(s.signExtend(s.subtract(s.rs1, s.rs2), 32)),
  }),
  instruction({
    mnemonic: "sllw",
    extension: "I",
    encoding: "0000000 rs2 rs1 001 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Shift left by the low five bits of rs2 in 32 bits, sign-extended.",
    semantics: (s) => s.writeRd(s.signExtend(s.shiftLeft(s.rs1, s.and(s.rs2, s.constant(31n))), 32)),
  }),
  instruction({
    mnemonic: "srlw",
    extension: "I",
    encoding: "0000000 rs2 rs1 101 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Shift the low 32 bits right by the low five bits of rs2, filling with zeros; sign-extended.",
    semantics: (s) =>
      s.writeRd(s.signExtend(s.shiftRightLogical(s.zeroExtend(s.rs1, 32), s.and(s.rs2, s.constant(31n))), 32)),
  }),
  instruction({
    mnemonic: "sraw",
    extension: "I",
    encoding: "0100000 rs2 rs1 101 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Shift the low 32 bits right by the low five bits of rs2, filling with bit 31; sign-extended.",
    semantics: (s) => s.writeRd(s.shiftRightArithmetic(s.signExtend(s.rs1, 32), s.and(s.rs2, s.constant(31n)))),
  }),
];
