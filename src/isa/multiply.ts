import { type Instruction, instruction } from "./instruction.ts";

/** The M extension, unprivileged manual chapter 13. Division never traps. */
export const MULTIPLY: readonly Instruction[] = [
  instruction({
    mnemonic: "mul",
    extension: "M",
    encoding: "0000001 rs2 rs1 000 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Multiply; the low 64 bits of the product.",
    semantics: (s) => s.writeRd(s.multiply(s.rs1, s.rs2)),
  }),
  instruction({
    mnemonic: "mulh",
    extension: "M",
    encoding: "0000001 rs2 rs1 001 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Multiply signed by signed; the high 64 bits of the product.",
    semantics: (s) => s.writeRd(s.multiplyHigh(s.rs1, s.rs2, "signed")),
  }),
  instruction({
    mnemonic: "mulhsu",
    extension: "M",
    encoding: "0000001 rs2 rs1 010 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Multiply signed rs1 by unsigned rs2; the high 64 bits of the product.",
    semantics: (s) => s.writeRd(s.multiplyHigh(s.rs1, s.rs2, "mixed")),
  }),
  instruction({
    mnemonic: "mulhu",
    extension: "M",
    encoding: "0000001 rs2 rs1 011 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Multiply unsigned by unsigned; the high 64 bits of the product.",
    semantics: (s) => s.writeRd(s.multiplyHigh(s.rs1, s.rs2, "unsigned")),
  }),
  instruction({
    mnemonic: "div",
    extension: "M",
    encoding: "0000001 rs2 rs1 100 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Divide signed, rounding towards zero. By zero gives -1.",
    semantics: (s) => s.writeRd(s.divide(s.rs1, s.rs2, "signed")),
  }),
  instruction({
    mnemonic: "divu",
    extension: "M",
    encoding: "0000001 rs2 rs1 101 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Divide unsigned, rounding towards zero. By zero gives all ones.",
    semantics: (s) => s.writeRd(s.divide(s.rs1, s.rs2, "unsigned")),
  }),
  instruction({
    mnemonic: "rem",
    extension: "M",
    encoding: "0000001 rs2 rs1 110 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Remainder of the signed division, with the dividend's sign. By zero gives the dividend.",
    semantics: (s) => s.writeRd(s.remainder(s.rs1, s.rs2, "signed")),
  }),
  instruction({
    mnemonic: "remu",
    extension: "M",
    encoding: "0000001 rs2 rs1 111 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Remainder of the unsigned division. By zero gives the dividend.",
    semantics: (s) => s.writeRd(s.remainder(s.rs1, s.rs2, "unsigned")),
  }),

  instruction({
    mnemonic: "mulw",
    extension: "M",
    encoding: "0000001 rs2 rs1 000 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Multiply in 32 bits, sign-extended.",
    semantics: (s) => s.writeRd(s.signExtend(s.multiply(s.rs1, s.rs2), 32)),
  }),
  instruction({
    mnemonic: "divw",
    extension: "M",
    encoding: "0000001 rs2 rs1 100 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Divide the low 32 bits, signed; sign-extended. By zero gives -1.",
    // -2^31 / -1 is 2^31 in 64 bits, which the outer extension turns into the -2^31 that the manual asks for.
    semantics: (s) => s.writeRd(s.signExtend(s.divide(s.signExtend(s.rs1, 32), s.signExtend(s.rs2, 32), "signed"), 32)),
  }),
  instruction({
    mnemonic: "divuw",
    extension: "M",
    encoding: "0000001 rs2 rs1 101 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Divide the low 32 bits, unsigned; sign-extended. By zero gives all ones.",
    semantics: (s) =>
      s.writeRd(s.signExtend(s.divide(s.zeroExtend(s.rs1, 32), s.zeroExtend(s.rs2, 32), "unsigned"), 32)),
  }),
  instruction({
    mnemonic: "remw",
    extension: "M",
    encoding: "0000001 rs2 rs1 110 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Remainder of the low 32 bits, signed; sign-extended. By zero gives the dividend.",
    semantics: (s) =>
      s.writeRd(s.signExtend(s.remainder(s.signExtend(s.rs1, 32), s.signExtend(s.rs2, 32), "signed"), 32)),
  }),
  instruction({
    mnemonic: "remuw",
    extension: "M",
    encoding: "0000001 rs2 rs1 111 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Remainder of the low 32 bits, unsigned; sign-extended. By zero gives the dividend.",
    semantics: (s) =>
      s.writeRd(s.signExtend(s.remainder(s.zeroExtend(s.rs1, 32), s.zeroExtend(s.rs2, 32), "unsigned"), 32)),
  }),
];
