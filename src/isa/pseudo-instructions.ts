/**
 * Pseudo-instructions: names of the assembly language that stand for other instructions (RISC-V Assembly Programmer's
 * Manual, and the unprivileged manual's chapter on assembly). Stated once for the assembler, which expands them, the
 * disassembler, which finds them again, and the editor, which explains them.
 */
export interface PseudoInstruction {
  readonly mnemonic: string;
  /** Operands as in the instruction table; `symbol` is an address that the linker knows, `imm` any 64-bit number. */
  readonly syntax: string;
  /**
   * What it stands for, over the operands of `syntax`. One plain instruction for most; addresses take two, joined by the
   * relocation operators, and `li` takes as many as its number asks for (the lines are then the general form).
   */
  readonly expansion: readonly string[];
  readonly summary: string;
  /**
   * - "both": the disassembler shows it, too;
   * - "assembly": source text only, where the disassembler prefers another name for the same bits;
   * - "computed": the assembler chooses the instructions by the operand's value or distance.
   */
  readonly use: "both" | "assembly" | "computed";
}

/** In the order in which the disassembler prefers them: of two that match, the first. */
export const PSEUDO_INSTRUCTIONS: readonly PseudoInstruction[] = [
  both("nop", "", "addi zero, zero, 0", "Do nothing."),
  both("li", "rd, imm", "addi rd, zero, imm", "Load a small constant."),
  both("mv", "rd, rs1", "addi rd, rs1, 0", "Copy a register."),
  both("mv", "rd, rs2", "add rd, zero, rs2", "Copy a register."),
  both("not", "rd, rs1", "xori rd, rs1, -1", "Invert every bit."),
  both("neg", "rd, rs2", "sub rd, zero, rs2", "Negate."),
  both("negw", "rd, rs2", "subw rd, zero, rs2", "Negate in 32 bits, sign-extended."),
  both("sext.w", "rd, rs1", "addiw rd, rs1, 0", "Sign-extend the low 32 bits."),
  both("zext.b", "rd, rs1", "andi rd, rs1, 255", "Zero-extend the low 8 bits."),
  both("seqz", "rd, rs1", "sltiu rd, rs1, 1", "Set to 1 if zero, else to 0."),
  both("snez", "rd, rs2", "sltu rd, zero, rs2", "Set to 1 if not zero, else to 0."),
  both("sltz", "rd, rs1", "slt rd, rs1, zero", "Set to 1 if negative, else to 0."),
  both("sgtz", "rd, rs2", "slt rd, zero, rs2", "Set to 1 if positive, else to 0."),

  both("beqz", "rs1, target", "beq rs1, zero, target", "Branch if zero."),
  both("bnez", "rs1, target", "bne rs1, zero, target", "Branch if not zero."),
  both("blez", "rs2, target", "bge zero, rs2, target", "Branch if zero or negative."),
  both("bgez", "rs1, target", "bge rs1, zero, target", "Branch if zero or positive."),
  both("bltz", "rs1, target", "blt rs1, zero, target", "Branch if negative."),
  both("bgtz", "rs2, target", "blt zero, rs2, target", "Branch if positive."),
  assembly("bgt", "rs1, rs2, target", "blt rs2, rs1, target", "Branch if greater than, signed."),
  assembly("ble", "rs1, rs2, target", "bge rs2, rs1, target", "Branch if less than or equal, signed."),
  assembly("bgtu", "rs1, rs2, target", "bltu rs2, rs1, target", "Branch if greater than, unsigned."),
  assembly("bleu", "rs1, rs2, target", "bgeu rs2, rs1, target", "Branch if less than or equal, unsigned."),

  both("j", "target", "jal zero, target", "Jump to a target within 1 MiB."),
  both("jal", "target", "jal ra, target", "Call a target within 1 MiB."),
  both("ret", "", "jalr zero, 0(ra)", "Return from a call."),
  both("jr", "rs1", "jalr zero, 0(rs1)", "Jump to the address in a register."),
  both("jr", "imm(rs1)", "jalr zero, imm(rs1)", "Jump to a computed address."),
  assembly("jr", "rs1, imm", "jalr zero, imm(rs1)", "Jump to a computed address."),
  both("jalr", "rs1", "jalr ra, 0(rs1)", "Call the address in a register."),
  both("jalr", "imm(rs1)", "jalr ra, imm(rs1)", "Call a computed address."),
  both("jalr", "rd, rs1", "jalr rd, 0(rs1)", "Call the address in a register, linking in another one."),
  assembly("jalr", "rs1, imm", "jalr ra, imm(rs1)", "Call a computed address."),
  assembly("jalr", "rd, rs1, imm", "jalr rd, imm(rs1)", "Call a computed address, linking in another register."),

  both("rdcycle", "rd", "csrrs rd, cycle, zero", "Read the cycle counter."),
  both("rdtime", "rd", "csrrs rd, time, zero", "Read the time."),
  both("rdinstret", "rd", "csrrs rd, instret, zero", "Read the counter of retired instructions."),
  both("unimp", "", "csrrw zero, cycle, zero", "Raise an illegal-instruction exception."),
  both("csrr", "rd, csr", "csrrs rd, csr, zero", "Read a CSR."),
  both("csrw", "csr, rs1", "csrrw zero, csr, rs1", "Write a CSR."),
  both("csrs", "csr, rs1", "csrrs zero, csr, rs1", "Set bits of a CSR."),
  both("csrc", "csr, rs1", "csrrc zero, csr, rs1", "Clear bits of a CSR."),
  both("csrwi", "csr, uimm", "csrrwi zero, csr, uimm", "Write a constant of 0 to 31 to a CSR."),
  both("csrsi", "csr, uimm", "csrrsi zero, csr, uimm", "Set bits of a CSR that are 1 in a five-bit constant."),
  both("csrci", "csr, uimm", "csrrci zero, csr, uimm", "Clear bits of a CSR that are 1 in a five-bit constant."),
  // A write through the immediate form is also what csrw means when its operand is a number.
  assembly("csrw", "csr, uimm", "csrrwi zero, csr, uimm", "Write a constant of 0 to 31 to a CSR."),
  assembly("csrs", "csr, uimm", "csrrsi zero, csr, uimm", "Set bits of a CSR that are 1 in a five-bit constant."),
  assembly("csrc", "csr, uimm", "csrrci zero, csr, uimm", "Clear bits of a CSR that are 1 in a five-bit constant."),
  assembly("csrrw", "rd, csr, uimm", "csrrwi rd, csr, uimm", "Write a constant of 0 to 31 to a CSR."),
  assembly("csrrs", "rd, csr, uimm", "csrrsi rd, csr, uimm", "Set bits of a CSR by a five-bit constant."),
  assembly("csrrc", "rd, csr, uimm", "csrrci rd, csr, uimm", "Clear bits of a CSR by a five-bit constant."),

  both("fence", "", "fence iorw, iorw", "Order all memory and device accesses."),
  assembly("fence.tso", "", "fence rw, rw", "Order accesses as total store ordering does (fm = 8)."),
  both("pause", "", "fence w, 0", "Hint that the hart waits in a spin loop."),

  // Names of register operations that also stand for the immediate ones.
  assembly("add", "rd, rs1, imm", "addi rd, rs1, imm", "Add a constant."),
  assembly("addw", "rd, rs1, imm", "addiw rd, rs1, imm", "Add a constant in 32 bits, sign-extended."),
  assembly("and", "rd, rs1, imm", "andi rd, rs1, imm", "And with a constant."),
  assembly("or", "rd, rs1, imm", "ori rd, rs1, imm", "Or with a constant."),
  assembly("xor", "rd, rs1, imm", "xori rd, rs1, imm", "Exclusive or with a constant."),
  assembly("sll", "rd, rs1, shamt", "slli rd, rs1, shamt", "Shift left by a constant."),
  assembly("srl", "rd, rs1, shamt", "srli rd, rs1, shamt", "Shift right by a constant, filling with zeros."),
  assembly("sra", "rd, rs1, shamt", "srai rd, rs1, shamt", "Shift right by a constant, filling with the sign bit."),
  assembly("sllw", "rd, rs1, shamt", "slliw rd, rs1, shamt", "Shift left by a constant in 32 bits."),
  assembly("srlw", "rd, rs1, shamt", "srliw rd, rs1, shamt", "Shift the low 32 bits right by a constant."),
  assembly("sraw", "rd, rs1, shamt", "sraiw rd, rs1, shamt", "Shift the low 32 bits right, filling with bit 31."),
  assembly("slt", "rd, rs1, imm", "slti rd, rs1, imm", "Set to 1 if less than a constant, signed, else to 0."),
  assembly("sltu", "rd, rs1, imm", "sltiu rd, rs1, imm", "Set to 1 if less than a constant, unsigned, else to 0."),
  assembly("sgt", "rd, rs1, rs2", "slt rd, rs2, rs1", "Set to 1 if greater than, signed, else to 0."),
  assembly("sgtu", "rd, rs1, rs2", "sltu rd, rs2, rs1", "Set to 1 if greater than, unsigned, else to 0."),

  assembly("sext.b", "rd, rs1", ["slli rd, rs1, 56", "srai rd, rd, 56"], "Sign-extend the low 8 bits."),
  assembly("sext.h", "rd, rs1", ["slli rd, rs1, 48", "srai rd, rd, 48"], "Sign-extend the low 16 bits."),
  assembly("zext.h", "rd, rs1", ["slli rd, rs1, 48", "srli rd, rd, 48"], "Zero-extend the low 16 bits."),
  assembly("zext.w", "rd, rs1", ["slli rd, rs1, 32", "srli rd, rd, 32"], "Zero-extend the low 32 bits."),

  computed("li", "rd, imm", ["lui rd, imm[31:12]", "addiw rd, rd, imm[11:0]"], "Load any constant of 64 bits."),
  computed("la", "rd, symbol", pcRelative("addi rd, rd, "), "Load the address of a symbol."),
  computed("lla", "rd, symbol", pcRelative("addi rd, rd, "), "Load the address of a local symbol."),
  computed("call", "symbol", ["auipc ra, %pcrel_hi(symbol)", "jalr ra, %pcrel_lo(symbol)(ra)"], "Call a function."),
  computed(
    "call",
    "rd, symbol",
    ["auipc rd, %pcrel_hi(symbol)", "jalr rd, %pcrel_lo(symbol)(rd)"],
    "Call a function, linking in another register.",
  ),
  computed(
    "tail",
    "symbol",
    ["auipc t1, %pcrel_hi(symbol)", "jalr zero, %pcrel_lo(symbol)(t1)"],
    "Tail-call a function.",
  ),
  computed("jump", "symbol, rs1", ["auipc rs1, %pcrel_hi(symbol)", "jalr zero, %pcrel_lo(symbol)(rs1)"], "Jump far."),
  ...["lb", "lh", "lw", "ld", "lbu", "lhu", "lwu"].map((load) =>
    computed(
      load,
      "rd, symbol",
      ["auipc rd, %pcrel_hi(symbol)", `${load} rd, %pcrel_lo(symbol)(rd)`],
      "Load from a symbol.",
    ),
  ),
  ...["sb", "sh", "sw", "sd"].map((store) =>
    computed(
      store,
      "rs2, symbol, rs1",
      ["auipc rs1, %pcrel_hi(symbol)", `${store} rs2, %pcrel_lo(symbol)(rs1)`],
      "Store to a symbol; rs1 is overwritten with its address.",
    ),
  ),
];

const byMnemonic = Map.groupBy(PSEUDO_INSTRUCTIONS, ({ mnemonic }) => mnemonic);

/** Every pseudo-instruction of this name in lower case: names are overloaded, by operands. */
export function findPseudoInstructions(mnemonic: string): readonly PseudoInstruction[] {
  return byMnemonic.get(mnemonic) ?? [];
}

function both(mnemonic: string, syntax: string, expansion: string, summary: string): PseudoInstruction {
  return { mnemonic, syntax, expansion: [expansion], summary, use: "both" };
}

function assembly(
  mnemonic: string,
  syntax: string,
  expansion: string | readonly string[],
  summary: string,
): PseudoInstruction {
  return { mnemonic, syntax, expansion: [expansion].flat(), summary, use: "assembly" };
}

function computed(mnemonic: string, syntax: string, expansion: readonly string[], summary: string): PseudoInstruction {
  return { mnemonic, syntax, expansion, summary, use: "computed" };
}

function pcRelative(second: string): readonly string[] {
  return ["auipc rd, %pcrel_hi(symbol)", `${second}%pcrel_lo(symbol)`];
}
