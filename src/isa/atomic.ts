import { type Instruction, instruction } from "./instruction.ts";
import type { Semantics, Signedness } from "./semantics.ts";

/**
 * The A extension, unprivileged manual chapter 14. A word form sign-extends what it read, and compares in that form:
 * sign extension keeps the unsigned order of 32-bit values, too.
 */
export const ATOMIC: readonly Instruction[] = [
  instruction({
    mnemonic: "lr.w",
    extension: "A",
    encoding: "00010 aq rl 00000 rs1 010 rd 0101111",
    syntax: "rd, (rs1)",
    summary: "Load 32 bits, sign-extended, and reserve the address for sc.w.",
    semantics: (s) => s.writeRd(s.loadReserved(4, s.rs1)),
  }),
  instruction({
    mnemonic: "sc.w",
    extension: "A",
    encoding: "00011 aq rl rs2 rs1 010 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Store 32 bits if the reservation still holds; rd gets 0 for success, 1 for failure.",
    semantics: (s) => s.writeRd(s.storeConditional(4, s.rs1, s.rs2)),
  }),
  instruction({
    mnemonic: "amoswap.w",
    extension: "A",
    encoding: "00001 aq rl rs2 rs1 010 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Replace 32 bits in memory by rs2; rd gets the old value, sign-extended.",
    semantics: (s) => s.writeRd(s.atomic(4, s.rs1, () => s.rs2)),
  }),
  instruction({
    mnemonic: "amoadd.w",
    extension: "A",
    encoding: "00000 aq rl rs2 rs1 010 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Add rs2 to 32 bits in memory; rd gets the old value, sign-extended.",
    semantics: (s) => s.writeRd(s.atomic(4, s.rs1, (old) => s.add(old, s.rs2))),
  }),
  instruction({
    mnemonic: "amoxor.w",
    extension: "A",
    encoding: "00100 aq rl rs2 rs1 010 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Exclusive or of rs2 into 32 bits in memory; rd gets the old value, sign-extended.",
    semantics: (s) => s.writeRd(s.atomic(4, s.rs1, (old) => s.xor(old, s.rs2))),
  }),
  instruction({
    mnemonic: "amoand.w",
    extension: "A",
    encoding: "01100 aq rl rs2 rs1 010 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "And of rs2 into 32 bits in memory; rd gets the old value, sign-extended.",
    semantics: (s) => s.writeRd(s.atomic(4, s.rs1, (old) => s.and(old, s.rs2))),
  }),
  instruction({
    mnemonic: "amoor.w",
    extension: "A",
    encoding: "01000 aq rl rs2 rs1 010 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Or of rs2 into 32 bits in memory; rd gets the old value, sign-extended.",
    semantics: (s) => s.writeRd(s.atomic(4, s.rs1, (old) => s.or(old, s.rs2))),
  }),
  instruction({
    mnemonic: "amomin.w",
    extension: "A",
    encoding: "10000 aq rl rs2 rs1 010 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Replace 32 bits in memory by the smaller of them and rs2, signed; rd gets the old value, sign-extended.",
    semantics: (s) => s.writeRd(s.atomic(4, s.rs1, (old) => smaller(s, old, s.signExtend(s.rs2, 32), "signed"))),
  }),
  instruction({
    mnemonic: "amomax.w",
    extension: "A",
    encoding: "10100 aq rl rs2 rs1 010 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Replace 32 bits in memory by the greater of them and rs2, signed; rd gets the old value, sign-extended.",
    semantics: (s) => s.writeRd(s.atomic(4, s.rs1, (old) => greater(s, old, s.signExtend(s.rs2, 32), "signed"))),
  }),
  instruction({
    mnemonic: "amominu.w",
    extension: "A",
    encoding: "11000 aq rl rs2 rs1 010 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary:
      "Replace 32 bits in memory by the smaller of them and rs2, unsigned; rd gets the old value, sign-extended.",
    semantics: (s) => s.writeRd(s.atomic(4, s.rs1, (old) => smaller(s, old, s.signExtend(s.rs2, 32), "unsigned"))),
  }),
  instruction({
    mnemonic: "amomaxu.w",
    extension: "A",
    encoding: "11100 aq rl rs2 rs1 010 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary:
      "Replace 32 bits in memory by the greater of them and rs2, unsigned; rd gets the old value, sign-extended.",
    semantics: (s) => s.writeRd(s.atomic(4, s.rs1, (old) => greater(s, old, s.signExtend(s.rs2, 32), "unsigned"))),
  }),
  instruction({
    mnemonic: "lr.d",
    extension: "A",
    encoding: "00010 aq rl 00000 rs1 011 rd 0101111",
    syntax: "rd, (rs1)",
    summary: "Load 64 bits, and reserve the address for sc.d.",
    semantics: (s) => s.writeRd(s.loadReserved(8, s.rs1)),
  }),
  instruction({
    mnemonic: "sc.d",
    extension: "A",
    encoding: "00011 aq rl rs2 rs1 011 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Store 64 bits if the reservation still holds; rd gets 0 for success, 1 for failure.",
    semantics: (s) => s.writeRd(s.storeConditional(8, s.rs1, s.rs2)),
  }),
  instruction({
    mnemonic: "amoswap.d",
    extension: "A",
    encoding: "00001 aq rl rs2 rs1 011 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Replace 64 bits in memory by rs2; rd gets the old value.",
    semantics: (s) => s.writeRd(s.atomic(8, s.rs1, () => s.rs2)),
  }),
  instruction({
    mnemonic: "amoadd.d",
    extension: "A",
    encoding: "00000 aq rl rs2 rs1 011 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Add rs2 to 64 bits in memory; rd gets the old value.",
    semantics: (s) => s.writeRd(s.atomic(8, s.rs1, (old) => s.add(old, s.rs2))),
  }),
  instruction({
    mnemonic: "amoxor.d",
    extension: "A",
    encoding: "00100 aq rl rs2 rs1 011 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Exclusive or of rs2 into 64 bits in memory; rd gets the old value.",
    semantics: (s) => s.writeRd(s.atomic(8, s.rs1, (old) => s.xor(old, s.rs2))),
  }),
  instruction({
    mnemonic: "amoand.d",
    extension: "A",
    encoding: "01100 aq rl rs2 rs1 011 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "And of rs2 into 64 bits in memory; rd gets the old value.",
    semantics: (s) => s.writeRd(s.atomic(8, s.rs1, (old) => s.and(old, s.rs2))),
  }),
  instruction({
    mnemonic: "amoor.d",
    extension: "A",
    encoding: "01000 aq rl rs2 rs1 011 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Or of rs2 into 64 bits in memory; rd gets the old value.",
    semantics: (s) => s.writeRd(s.atomic(8, s.rs1, (old) => s.or(old, s.rs2))),
  }),
  instruction({
    mnemonic: "amomin.d",
    extension: "A",
    encoding: "10000 aq rl rs2 rs1 011 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Replace 64 bits in memory by the smaller of them and rs2, signed; rd gets the old value.",
    semantics: (s) => s.writeRd(s.atomic(8, s.rs1, (old) => smaller(s, old, s.rs2, "signed"))),
  }),
  instruction({
    mnemonic: "amomax.d",
    extension: "A",
    encoding: "10100 aq rl rs2 rs1 011 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Replace 64 bits in memory by the greater of them and rs2, signed; rd gets the old value.",
    semantics: (s) => s.writeRd(s.atomic(8, s.rs1, (old) => greater(s, old, s.rs2, "signed"))),
  }),
  instruction({
    mnemonic: "amominu.d",
    extension: "A",
    encoding: "11000 aq rl rs2 rs1 011 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Replace 64 bits in memory by the smaller of them and rs2, unsigned; rd gets the old value.",
    semantics: (s) => s.writeRd(s.atomic(8, s.rs1, (old) => smaller(s, old, s.rs2, "unsigned"))),
  }),
  instruction({
    mnemonic: "amomaxu.d",
    extension: "A",
    encoding: "11100 aq rl rs2 rs1 011 rd 0101111",
    syntax: "rd, rs2, (rs1)",
    summary: "Replace 64 bits in memory by the greater of them and rs2, unsigned; rd gets the old value.",
    semantics: (s) => s.writeRd(s.atomic(8, s.rs1, (old) => greater(s, old, s.rs2, "unsigned"))),
  }),
];

function smaller<V>(s: Semantics<V>, a: V, b: V, signedness: Signedness): V {
  return s.select(s.lessThan(a, b, signedness), a, b);
}

function greater<V>(s: Semantics<V>, a: V, b: V, signedness: Signedness): V {
  return s.select(s.lessThan(a, b, signedness), b, a);
}
