import { type Instruction, instruction } from "./instruction.ts";
import type { Semantics, Signedness } from "./semantics.ts";

/**
 * Bit manipulation, unprivileged manual chapter 28: addresses (Zba), logic and counting (Zbb), products without carries
 * (Zbc), single bits (Zbs). Word forms work on the low halves and sign-extend.
 */
export const BIT_MANIPULATION: readonly Instruction[] = [
  instruction({
    mnemonic: "add.uw",
    extension: "Zba",
    encoding: "0000100 rs2 rs1 000 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Add the zero-extended low 32 bits of rs1 to rs2.",
    semantics: (s) => s.writeRd(s.add(s.rs2, s.zeroExtend(s.rs1, 32))),
  }),
  instruction({
    mnemonic: "sh1add",
    extension: "Zba",
    encoding: "0010000 rs2 rs1 010 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Add rs1, shifted left by 1, to rs2.",
    semantics: (s) => s.writeRd(s.add(s.rs2, s.shiftLeft(s.rs1, s.constant(1n)))),
  }),
  instruction({
    mnemonic: "sh2add",
    extension: "Zba",
    encoding: "0010000 rs2 rs1 100 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Add rs1, shifted left by 2, to rs2.",
    semantics: (s) => s.writeRd(s.add(s.rs2, s.shiftLeft(s.rs1, s.constant(2n)))),
  }),
  instruction({
    mnemonic: "sh3add",
    extension: "Zba",
    encoding: "0010000 rs2 rs1 110 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Add rs1, shifted left by 3, to rs2.",
    semantics: (s) => s.writeRd(s.add(s.rs2, s.shiftLeft(s.rs1, s.constant(3n)))),
  }),
  instruction({
    mnemonic: "sh1add.uw",
    extension: "Zba",
    encoding: "0010000 rs2 rs1 010 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Add the zero-extended low 32 bits of rs1, shifted left by 1, to rs2.",
    semantics: (s) => s.writeRd(s.add(s.rs2, s.shiftLeft(s.zeroExtend(s.rs1, 32), s.constant(1n)))),
  }),
  instruction({
    mnemonic: "sh2add.uw",
    extension: "Zba",
    encoding: "0010000 rs2 rs1 100 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Add the zero-extended low 32 bits of rs1, shifted left by 2, to rs2.",
    semantics: (s) => s.writeRd(s.add(s.rs2, s.shiftLeft(s.zeroExtend(s.rs1, 32), s.constant(2n)))),
  }),
  instruction({
    mnemonic: "sh3add.uw",
    extension: "Zba",
    encoding: "0010000 rs2 rs1 110 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Add the zero-extended low 32 bits of rs1, shifted left by 3, to rs2.",
    semantics: (s) => s.writeRd(s.add(s.rs2, s.shiftLeft(s.zeroExtend(s.rs1, 32), s.constant(3n)))),
  }),
  instruction({
    mnemonic: "slli.uw",
    extension: "Zba",
    encoding: "000010 shamt[5:0] rs1 001 rd 0011011",
    syntax: "rd, rs1, shamt",
    summary: "Shift the zero-extended low 32 bits left by a constant.",
    semantics: (s) => s.writeRd(s.shiftLeft(s.zeroExtend(s.rs1, 32), s.imm)),
  }),

  instruction({
    mnemonic: "andn",
    extension: "Zbb",
    encoding: "0100000 rs2 rs1 111 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "And with the complement of rs2.",
    semantics: (s) => s.writeRd(s.and(s.rs1, s.xor(s.rs2, s.constant(-1n)))),
  }),
  instruction({
    mnemonic: "orn",
    extension: "Zbb",
    encoding: "0100000 rs2 rs1 110 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Or with the complement of rs2.",
    semantics: (s) => s.writeRd(s.or(s.rs1, s.xor(s.rs2, s.constant(-1n)))),
  }),
  instruction({
    mnemonic: "xnor",
    extension: "Zbb",
    encoding: "0100000 rs2 rs1 100 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Exclusive or, complemented.",
    semantics: (s) => s.writeRd(s.xor(s.xor(s.rs1, s.rs2), s.constant(-1n))),
  }),
  instruction({
    mnemonic: "clz",
    extension: "Zbb",
    encoding: "0110000 00000 rs1 001 rd 0010011",
    syntax: "rd, rs1",
    summary: "Count the zeros above the highest 1; 64 when there is none.",
    semantics: (s) => s.writeRd(s.countLeadingZeros(s.rs1)),
  }),
  instruction({
    mnemonic: "clzw",
    extension: "Zbb",
    encoding: "0110000 00000 rs1 001 rd 0011011",
    syntax: "rd, rs1",
    summary: "Count the zeros above the highest 1 of the low 32 bits; 32 when there is none.",
    semantics: (s) => s.writeRd(s.subtract(s.countLeadingZeros(s.zeroExtend(s.rs1, 32)), s.constant(32n))),
  }),
  instruction({
    mnemonic: "ctz",
    extension: "Zbb",
    encoding: "0110000 00001 rs1 001 rd 0010011",
    syntax: "rd, rs1",
    summary: "Count the zeros below the lowest 1; 64 when there is none.",
    semantics: (s) => s.writeRd(s.countTrailingZeros(s.rs1)),
  }),
  instruction({
    mnemonic: "ctzw",
    extension: "Zbb",
    encoding: "0110000 00001 rs1 001 rd 0011011",
    syntax: "rd, rs1",
    summary: "Count the zeros below the lowest 1 of the low 32 bits; 32 when there is none.",
    // Bit 32 is the lowest 1 of a word that has none of its own.
    semantics: (s) => s.writeRd(s.countTrailingZeros(s.or(s.rs1, s.constant(1n << 32n)))),
  }),
  instruction({
    mnemonic: "cpop",
    extension: "Zbb",
    encoding: "0110000 00010 rs1 001 rd 0010011",
    syntax: "rd, rs1",
    summary: "Count the bits that are 1.",
    semantics: (s) => s.writeRd(s.populationCount(s.rs1)),
  }),
  instruction({
    mnemonic: "cpopw",
    extension: "Zbb",
    encoding: "0110000 00010 rs1 001 rd 0011011",
    syntax: "rd, rs1",
    summary: "Count the bits that are 1 among the low 32.",
    semantics: (s) => s.writeRd(s.populationCount(s.zeroExtend(s.rs1, 32))),
  }),
  instruction({
    mnemonic: "max",
    extension: "Zbb",
    encoding: "0000101 rs2 rs1 110 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Take the greater of the two, signed.",
    semantics: (s) => s.writeRd(greater(s, s.rs1, s.rs2, "signed")),
  }),
  instruction({
    mnemonic: "maxu",
    extension: "Zbb",
    encoding: "0000101 rs2 rs1 111 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Take the greater of the two, unsigned.",
    semantics: (s) => s.writeRd(greater(s, s.rs1, s.rs2, "unsigned")),
  }),
  instruction({
    mnemonic: "min",
    extension: "Zbb",
    encoding: "0000101 rs2 rs1 100 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Take the smaller of the two, signed.",
    semantics: (s) => s.writeRd(smaller(s, s.rs1, s.rs2, "signed")),
  }),
  instruction({
    mnemonic: "minu",
    extension: "Zbb",
    encoding: "0000101 rs2 rs1 101 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Take the smaller of the two, unsigned.",
    semantics: (s) => s.writeRd(smaller(s, s.rs1, s.rs2, "unsigned")),
  }),
  instruction({
    mnemonic: "sext.b",
    extension: "Zbb",
    encoding: "0110000 00100 rs1 001 rd 0010011",
    syntax: "rd, rs1",
    summary: "Sign-extend the low 8 bits.",
    semantics: (s) => s.writeRd(s.signExtend(s.rs1, 8)),
  }),
  instruction({
    mnemonic: "sext.h",
    extension: "Zbb",
    encoding: "0110000 00101 rs1 001 rd 0010011",
    syntax: "rd, rs1",
    summary: "Sign-extend the low 16 bits.",
    semantics: (s) => s.writeRd(s.signExtend(s.rs1, 16)),
  }),
  instruction({
    mnemonic: "zext.h",
    extension: "Zbb",
    encoding: "0000100 00000 rs1 100 rd 0111011",
    syntax: "rd, rs1",
    summary: "Zero-extend the low 16 bits.",
    semantics: (s) => s.writeRd(s.zeroExtend(s.rs1, 16)),
  }),
  instruction({
    mnemonic: "rol",
    extension: "Zbb",
    encoding: "0110000 rs2 rs1 001 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Rotate left by the low six bits of rs2.",
    semantics: (s) => s.writeRd(s.rotateLeft(s.rs1, s.rs2)),
  }),
  instruction({
    mnemonic: "rolw",
    extension: "Zbb",
    encoding: "0110000 rs2 rs1 001 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Rotate the low 32 bits left by the low five bits of rs2; sign-extended.",
    semantics: (s) => s.writeRd(s.signExtend(s.rotateLeft(doubled(s), s.and(s.rs2, s.constant(31n))), 32)),
  }),
  instruction({
    mnemonic: "ror",
    extension: "Zbb",
    encoding: "0110000 rs2 rs1 101 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Rotate right by the low six bits of rs2.",
    semantics: (s) => s.writeRd(s.rotateRight(s.rs1, s.rs2)),
  }),
  instruction({
    mnemonic: "rori",
    extension: "Zbb",
    encoding: "011000 shamt[5:0] rs1 101 rd 0010011",
    syntax: "rd, rs1, shamt",
    summary: "Rotate right by a constant.",
    semantics: (s) => s.writeRd(s.rotateRight(s.rs1, s.imm)),
  }),
  instruction({
    mnemonic: "rorw",
    extension: "Zbb",
    encoding: "0110000 rs2 rs1 101 rd 0111011",
    syntax: "rd, rs1, rs2",
    summary: "Rotate the low 32 bits right by the low five bits of rs2; sign-extended.",
    semantics: (s) => s.writeRd(s.signExtend(s.rotateRight(doubled(s), s.and(s.rs2, s.constant(31n))), 32)),
  }),
  instruction({
    mnemonic: "roriw",
    extension: "Zbb",
    encoding: "0110000 shamt[4:0] rs1 101 rd 0011011",
    syntax: "rd, rs1, shamt",
    summary: "Rotate the low 32 bits right by a constant; sign-extended.",
    semantics: (s) => s.writeRd(s.signExtend(s.rotateRight(doubled(s), s.imm), 32)),
  }),
  instruction({
    mnemonic: "orc.b",
    extension: "Zbb",
    encoding: "001010 000111 rs1 101 rd 0010011",
    syntax: "rd, rs1",
    summary: "Make every byte that is not zero all ones.",
    semantics: (s) => s.writeRd(s.orCombineBytes(s.rs1)),
  }),
  instruction({
    mnemonic: "rev8",
    extension: "Zbb",
    encoding: "011010 111000 rs1 101 rd 0010011",
    syntax: "rd, rs1",
    summary: "Reverse the order of the bytes.",
    semantics: (s) => s.writeRd(s.reverseBytes(s.rs1)),
  }),

  instruction({
    mnemonic: "clmul",
    extension: "Zbc",
    encoding: "0000101 rs2 rs1 001 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Multiply without carries; the low 64 bits of the product.",
    semantics: (s) => s.writeRd(s.carryLessMultiply(s.rs1, s.rs2, "low")),
  }),
  instruction({
    mnemonic: "clmulh",
    extension: "Zbc",
    encoding: "0000101 rs2 rs1 011 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Multiply without carries; the bits from 64 up of the product.",
    semantics: (s) => s.writeRd(s.carryLessMultiply(s.rs1, s.rs2, "high")),
  }),
  instruction({
    mnemonic: "clmulr",
    extension: "Zbc",
    encoding: "0000101 rs2 rs1 010 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Multiply without carries; the bits from 126 down to 63 of the product.",
    semantics: (s) => s.writeRd(s.carryLessMultiply(s.rs1, s.rs2, "reversed")),
  }),

  instruction({
    mnemonic: "bclr",
    extension: "Zbs",
    encoding: "0100100 rs2 rs1 001 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Clear the bit of rs1 whose number the low six bits of rs2 give.",
    semantics: (s) => s.writeRd(s.and(s.rs1, s.xor(bit(s, s.rs2), s.constant(-1n)))),
  }),
  instruction({
    mnemonic: "bclri",
    extension: "Zbs",
    encoding: "010010 shamt[5:0] rs1 001 rd 0010011",
    syntax: "rd, rs1, shamt",
    summary: "Clear the bit of rs1 whose number a constant gives.",
    semantics: (s) => s.writeRd(s.and(s.rs1, s.xor(bit(s, s.imm), s.constant(-1n)))),
  }),
  instruction({
    mnemonic: "bext",
    extension: "Zbs",
    encoding: "0100100 rs2 rs1 101 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Take the bit of rs1 whose number the low six bits of rs2 give: 0 or 1.",
    semantics: (s) => s.writeRd(s.and(s.shiftRightLogical(s.rs1, s.rs2), s.constant(1n))),
  }),
  instruction({
    mnemonic: "bexti",
    extension: "Zbs",
    encoding: "010010 shamt[5:0] rs1 101 rd 0010011",
    syntax: "rd, rs1, shamt",
    summary: "Take the bit of rs1 whose number a constant gives: 0 or 1.",
    semantics: (s) => s.writeRd(s.and(s.shiftRightLogical(s.rs1, s.imm), s.constant(1n))),
  }),
  instruction({
    mnemonic: "binv",
    extension: "Zbs",
    encoding: "0110100 rs2 rs1 001 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Invert the bit of rs1 whose number the low six bits of rs2 give.",
    semantics: (s) => s.writeRd(s.xor(s.rs1, bit(s, s.rs2))),
  }),
  instruction({
    mnemonic: "binvi",
    extension: "Zbs",
    encoding: "011010 shamt[5:0] rs1 001 rd 0010011",
    syntax: "rd, rs1, shamt",
    summary: "Invert the bit of rs1 whose number a constant gives.",
    semantics: (s) => s.writeRd(s.xor(s.rs1, bit(s, s.imm))),
  }),
  instruction({
    mnemonic: "bset",
    extension: "Zbs",
    encoding: "0010100 rs2 rs1 001 rd 0110011",
    syntax: "rd, rs1, rs2",
    summary: "Set the bit of rs1 whose number the low six bits of rs2 give.",
    semantics: (s) => s.writeRd(s.or(s.rs1, bit(s, s.rs2))),
  }),
  instruction({
    mnemonic: "bseti",
    extension: "Zbs",
    encoding: "001010 shamt[5:0] rs1 001 rd 0010011",
    syntax: "rd, rs1, shamt",
    summary: "Set the bit of rs1 whose number a constant gives.",
    semantics: (s) => s.writeRd(s.or(s.rs1, bit(s, s.imm))),
  }),
];

function smaller<V>(s: Semantics<V>, a: V, b: V, signedness: Signedness): V {
  return s.select(s.lessThan(a, b, signedness), a, b);
}

function greater<V>(s: Semantics<V>, a: V, b: V, signedness: Signedness): V {
  return s.select(s.lessThan(a, b, signedness), b, a);
}

/** The low word of rs1 in both halves: rotated in 64 bits, its low half is the word rotated in 32. */
function doubled<V>(s: Semantics<V>): V {
  const word = s.zeroExtend(s.rs1, 32);
  return s.or(s.shiftLeft(word, s.constant(32n)), word);
}

/** 1 at the place that `number` modulo 64 names. */
function bit<V>(s: Semantics<V>, number: V): V {
  return s.shiftLeft(s.constant(1n), number);
}
