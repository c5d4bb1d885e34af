/**
 * Names by which the disassembler shows instructions: those pseudo-instructions of the assembly language that stand for
 * one instruction with some operands fixed. The assembler's table (assembler/pseudo.ts) has these and many more; that
 * they agree is proved by assembling what was disassembled.
 */
export interface Alias {
  readonly mnemonic: string;
  /** Operands as in the instruction table. */
  readonly syntax: string;
  /** The instruction that is shown so, over the operands of `syntax`. */
  readonly expansion: string;
  /** Only the 16-bit form is shown so: assembling the text would choose another instruction of 32 bits. */
  readonly compressedOnly: boolean;
}

/** Of two that match, the first is taken. */
export const ALIASES: readonly Alias[] = [
  alias("nop", "", "addi zero, zero, 0"),
  alias("li", "rd, imm", "addi rd, zero, imm"),
  alias("mv", "rd, rs1", "addi rd, rs1, 0"),
  { ...alias("mv", "rd, rs2", "add rd, zero, rs2"), compressedOnly: true },
  alias("not", "rd, rs1", "xori rd, rs1, -1"),
  alias("neg", "rd, rs2", "sub rd, zero, rs2"),
  alias("negw", "rd, rs2", "subw rd, zero, rs2"),
  alias("sext.w", "rd, rs1", "addiw rd, rs1, 0"),
  alias("zext.w", "rd, rs1", "add.uw rd, rs1, zero"),
  alias("zext.b", "rd, rs1", "andi rd, rs1, 255"),
  alias("seqz", "rd, rs1", "sltiu rd, rs1, 1"),
  alias("snez", "rd, rs2", "sltu rd, zero, rs2"),
  alias("sltz", "rd, rs1", "slt rd, rs1, zero"),
  alias("sgtz", "rd, rs2", "slt rd, zero, rs2"),
  alias("beqz", "rs1, target", "beq rs1, zero, target"),
  alias("bnez", "rs1, target", "bne rs1, zero, target"),
  alias("blez", "rs2, target", "bge zero, rs2, target"),
  alias("bgez", "rs1, target", "bge rs1, zero, target"),
  alias("bltz", "rs1, target", "blt rs1, zero, target"),
  alias("bgtz", "rs2, target", "blt zero, rs2, target"),
  alias("j", "target", "jal zero, target"),
  alias("jal", "target", "jal ra, target"),
  alias("ret", "", "jalr zero, 0(ra)"),
  alias("jr", "rs1", "jalr zero, 0(rs1)"),
  alias("jr", "imm(rs1)", "jalr zero, imm(rs1)"),
  alias("jalr", "rs1", "jalr ra, 0(rs1)"),
  alias("jalr", "imm(rs1)", "jalr ra, imm(rs1)"),
  alias("jalr", "rd, rs1", "jalr rd, 0(rs1)"),
  alias("rdcycle", "rd", "csrrs rd, cycle, zero"),
  alias("rdtime", "rd", "csrrs rd, time, zero"),
  alias("rdinstret", "rd", "csrrs rd, instret, zero"),
  alias("unimp", "", "csrrw zero, cycle, zero"),
  alias("frcsr", "rd", "csrrs rd, fcsr, zero"),
  alias("frrm", "rd", "csrrs rd, frm, zero"),
  alias("frflags", "rd", "csrrs rd, fflags, zero"),
  alias("fscsr", "rs1", "csrrw zero, fcsr, rs1"),
  alias("fsrm", "rs1", "csrrw zero, frm, rs1"),
  alias("fsflags", "rs1", "csrrw zero, fflags, rs1"),
  alias("fscsr", "rd, rs1", "csrrw rd, fcsr, rs1"),
  alias("fsrm", "rd, rs1", "csrrw rd, frm, rs1"),
  alias("fsflags", "rd, rs1", "csrrw rd, fflags, rs1"),
  alias("fsrmi", "rd, uimm", "csrrwi rd, frm, uimm"),
  alias("fsflagsi", "rd, uimm", "csrrwi rd, fflags, uimm"),
  alias("csrr", "rd, csr", "csrrs rd, csr, zero"),
  alias("csrw", "csr, rs1", "csrrw zero, csr, rs1"),
  alias("csrs", "csr, rs1", "csrrs zero, csr, rs1"),
  alias("csrc", "csr, rs1", "csrrc zero, csr, rs1"),
  alias("csrwi", "csr, uimm", "csrrwi zero, csr, uimm"),
  alias("csrsi", "csr, uimm", "csrrsi zero, csr, uimm"),
  alias("csrci", "csr, uimm", "csrrci zero, csr, uimm"),
  alias("fence", "", "fence iorw, iorw"),
  alias("ntl.p1", "", "add zero, zero, sp"),
  alias("ntl.pall", "", "add zero, zero, gp"),
  alias("ntl.s1", "", "add zero, zero, tp"),
  alias("ntl.all", "", "add zero, zero, t0"),
  alias("sfence.vma", "", "sfence.vma zero, zero"),
  alias("sfence.vma", "rs1", "sfence.vma rs1, zero"),
  ...["s", "d"].flatMap((size) => [
    alias(`fmv.${size}`, "frd, frs1", `fsgnj.${size} frd, frs1, frs1`),
    alias(`fneg.${size}`, "frd, frs1", `fsgnjn.${size} frd, frs1, frs1`),
    alias(`fabs.${size}`, "frd, frs1", `fsgnjx.${size} frd, frs1, frs1`),
  ]),
];

function alias(mnemonic: string, syntax: string, expansion: string): Alias {
  return { mnemonic, syntax, expansion, compressedOnly: false };
}
