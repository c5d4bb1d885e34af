/**
 * The pseudo-instructions of the RISC-V assembly programmer's manual and GNU `as`'s spellings of real instructions
 * (`add a0, a0, 1` for `addi`): as data, so that hovers and completion can show what becomes of them.
 */
export interface PseudoInstruction {
  readonly mnemonic: string;
  /** Operands as in the instruction table; `symbol` is the address of a label, with an offset or not. */
  readonly syntax: string;
  /**
   * The real instructions, separated by `;`, over the operands of `syntax`. Where the instructions depend on values
   * (`li`, `la`, `call`, loads from symbols) it is only the usual form, for people.
   */
  readonly expansion: string;
  readonly summary: string;
  /** Set when the expansion is computed (pseudo-expansion.ts), not taken from `expansion`. */
  readonly computed?: boolean;
  /** Key into the rules of compression.ts where GNU `as` treats this spelling differently from the instruction. */
  readonly compressAs?: string;
  /** The extension in lower case that `.option arch` must have chosen; another entry of the name serves without. */
  readonly needs?: string;
}

function pseudo(
  mnemonic: string,
  syntax: string,
  expansion: string,
  summary: string,
  compressAs?: string,
): PseudoInstruction {
  return { mnemonic, syntax, expansion, summary, compressAs };
}

function computed(mnemonic: string, syntax: string, expansion: string, summary: string): PseudoInstruction {
  return { mnemonic, syntax, expansion, summary, computed: true };
}

const MOVES: readonly PseudoInstruction[] = [
  pseudo("nop", "", "addi zero, zero, 0", "Do nothing."),
  computed("li", "rd, imm", "lui rd, …; addiw rd, rd, …", "Load a constant of up to 64 bits."),
  pseudo("mv", "rd, rs1", "addi rd, rs1, 0", "Copy a register.", "mv"),
  pseudo("not", "rd, rs1", "xori rd, rs1, -1", "Complement all bits."),
  pseudo("neg", "rd, rs2", "sub rd, zero, rs2", "Two's complement."),
  pseudo("negw", "rd, rs2", "subw rd, zero, rs2", "Two's complement in 32 bits, sign-extended."),
  pseudo("sext.b", "rd, rs1", "slli rd, rs1, 56; srai rd, rd, 56", "Sign-extend the low 8 bits."),
  pseudo("sext.h", "rd, rs1", "slli rd, rs1, 48; srai rd, rd, 48", "Sign-extend the low 16 bits."),
  pseudo("sext.w", "rd, rs1", "addiw rd, rs1, 0", "Sign-extend the low 32 bits."),
  pseudo("zext.b", "rd, rs1", "andi rd, rs1, 255", "Zero-extend the low 8 bits."),
  pseudo("zext.h", "rd, rs1", "slli rd, rs1, 48; srli rd, rd, 48", "Zero-extend the low 16 bits."),
  { ...pseudo("zext.w", "rd, rs1", "add.uw rd, rs1, zero", "Zero-extend the low 32 bits."), needs: "zba" },
  pseudo("zext.w", "rd, rs1", "slli rd, rs1, 32; srli rd, rd, 32", "Zero-extend the low 32 bits."),
  pseudo("seqz", "rd, rs1", "sltiu rd, rs1, 1", "Set if zero."),
  pseudo("snez", "rd, rs2", "sltu rd, zero, rs2", "Set if not zero."),
  pseudo("sltz", "rd, rs1", "slt rd, rs1, zero", "Set if less than zero."),
  pseudo("sgtz", "rd, rs2", "slt rd, zero, rs2", "Set if greater than zero."),
  pseudo("sgt", "rd, rs1, rs2", "slt rd, rs2, rs1", "Set if greater than, signed."),
  pseudo("sgtu", "rd, rs1, rs2", "sltu rd, rs2, rs1", "Set if greater than, unsigned."),
];

const BRANCHES: readonly PseudoInstruction[] = [
  pseudo("beqz", "rs1, target", "beq rs1, zero, target", "Branch if zero."),
  pseudo("bnez", "rs1, target", "bne rs1, zero, target", "Branch if not zero."),
  pseudo("blez", "rs2, target", "bge zero, rs2, target", "Branch if less than or equal to zero."),
  pseudo("bgez", "rs1, target", "bge rs1, zero, target", "Branch if greater than or equal to zero."),
  pseudo("bltz", "rs1, target", "blt rs1, zero, target", "Branch if less than zero."),
  pseudo("bgtz", "rs2, target", "blt zero, rs2, target", "Branch if greater than zero."),
  pseudo("bgt", "rs1, rs2, target", "blt rs2, rs1, target", "Branch if greater than, signed."),
  pseudo("ble", "rs1, rs2, target", "bge rs2, rs1, target", "Branch if less than or equal, signed."),
  pseudo("bgtu", "rs1, rs2, target", "bltu rs2, rs1, target", "Branch if greater than, unsigned."),
  pseudo("bleu", "rs1, rs2, target", "bgeu rs2, rs1, target", "Branch if less than or equal, unsigned."),
  pseudo("j", "target", "jal zero, target", "Jump.", "j"),
  pseudo("jal", "target", "jal ra, target", "Call a target within 1 MiB."),
  pseudo("jr", "rs1", "jalr zero, 0(rs1)", "Jump to the address in a register.", "jr"),
  pseudo("jr", "imm(rs1)", "jalr zero, imm(rs1)", "Jump to a computed address."),
  pseudo("jr", "rs1, imm", "jalr zero, imm(rs1)", "Jump to a computed address."),
  pseudo("jalr", "rs1", "jalr ra, 0(rs1)", "Call the address in a register.", "jalr-register"),
  pseudo("jalr", "imm(rs1)", "jalr ra, imm(rs1)", "Call a computed address."),
  pseudo("jalr", "rs1, imm", "jalr ra, imm(rs1)", "Call a computed address."),
  pseudo("jalr", "rd, rs1", "jalr rd, 0(rs1)", "Call the address in a register, link to rd."),
  pseudo("jalr", "rd, rs1, imm", "jalr rd, imm(rs1)", "Call a computed address, link to rd."),
  pseudo("ret", "", "jalr zero, 0(ra)", "Return from a function.", "jr"),
  computed("call", "symbol", "auipc ra, …; jalr ra, …(ra)", "Call a function anywhere within 2 GiB."),
  computed("call", "rd, symbol", "auipc t1, …; jalr rd, …(t1)", "Call a function, link to rd."),
  computed("tail", "symbol", "auipc t1, …; jalr zero, …(t1)", "Jump to a function anywhere within 2 GiB."),
  computed("jump", "symbol, rs1", "auipc rs1, …; jalr zero, …(rs1)", "Jump anywhere within 2 GiB through a register."),
];

const ADDRESSES: readonly PseudoInstruction[] = [
  computed("la", "rd, symbol", "auipc rd, …; addi rd, rd, …", "Load the address of a symbol."),
  computed("lla", "rd, symbol", "auipc rd, …; addi rd, rd, …", "Load the address of a symbol of this program."),
  ...["lb", "lh", "lw", "ld", "lbu", "lhu", "lwu"].map((load) =>
    computed(load, "rd, symbol", `auipc rd, …; ${load} rd, …(rd)`, "Load from a symbol."),
  ),
  ...["sb", "sh", "sw", "sd"].map((store) =>
    computed(
      store,
      "rs2, symbol, rs1",
      `auipc rs1, …; ${store} rs2, …(rs1)`,
      "Store to a symbol; rs1 holds its address meanwhile.",
    ),
  ),
];

const CSR_ACCESS: readonly PseudoInstruction[] = [
  pseudo("csrr", "rd, csr", "csrrs rd, csr, zero", "Read a CSR."),
  pseudo("csrw", "csr, rs1", "csrrw zero, csr, rs1", "Write a CSR."),
  pseudo("csrw", "csr, uimm", "csrrwi zero, csr, uimm", "Write a constant to a CSR."),
  pseudo("csrwi", "csr, uimm", "csrrwi zero, csr, uimm", "Write a constant to a CSR."),
  pseudo("csrs", "csr, rs1", "csrrs zero, csr, rs1", "Set bits of a CSR."),
  pseudo("csrs", "csr, uimm", "csrrsi zero, csr, uimm", "Set bits of a CSR by a constant."),
  pseudo("csrsi", "csr, uimm", "csrrsi zero, csr, uimm", "Set bits of a CSR by a constant."),
  pseudo("csrc", "csr, rs1", "csrrc zero, csr, rs1", "Clear bits of a CSR."),
  pseudo("csrc", "csr, uimm", "csrrci zero, csr, uimm", "Clear bits of a CSR by a constant."),
  pseudo("csrci", "csr, uimm", "csrrci zero, csr, uimm", "Clear bits of a CSR by a constant."),
  pseudo("csrrw", "rd, csr, uimm", "csrrwi rd, csr, uimm", "Write a constant to a CSR; rd gets its old value."),
  pseudo("csrrs", "rd, csr, uimm", "csrrsi rd, csr, uimm", "Set bits of a CSR; rd gets its old value."),
  pseudo("csrrc", "rd, csr, uimm", "csrrci rd, csr, uimm", "Clear bits of a CSR; rd gets its old value."),
  pseudo("rdcycle", "rd", "csrrs rd, cycle, zero", "Read the cycle counter."),
  pseudo("rdtime", "rd", "csrrs rd, time, zero", "Read the real-time clock."),
  pseudo("rdinstret", "rd", "csrrs rd, instret, zero", "Read the counter of retired instructions."),
];

const FLOAT: readonly PseudoInstruction[] = [
  ...["s", "d"].flatMap((size) => [
    pseudo(`fmv.${size}`, "frd, frs1", `fsgnj.${size} frd, frs1, frs1`, "Copy a floating-point register."),
    pseudo(`fneg.${size}`, "frd, frs1", `fsgnjn.${size} frd, frs1, frs1`, "Negate."),
    pseudo(`fabs.${size}`, "frd, frs1", `fsgnjx.${size} frd, frs1, frs1`, "Take the absolute value."),
    pseudo(`fgt.${size}`, "rd, frs1, frs2", `flt.${size} rd, frs2, frs1`, "Set if greater than."),
    pseudo(`fge.${size}`, "rd, frs1, frs2", `fle.${size} rd, frs2, frs1`, "Set if greater than or equal."),
  ]),
  pseudo("fmv.x.s", "rd, frs1", "fmv.x.w rd, frs1", "Old name of fmv.x.w."),
  pseudo("fmv.s.x", "frd, rs1", "fmv.w.x frd, rs1", "Old name of fmv.w.x."),
  ...[
    ["csr", "fcsr", "the floating-point CSR"],
    ["rm", "frm", "the rounding mode"],
    ["flags", "fflags", "the floating-point flags"],
  ].flatMap(([name, csr, what]) => [
    pseudo(`fr${name}`, "rd", `csrrs rd, ${csr}, zero`, `Read ${what}.`),
    pseudo(`fs${name}`, "rs1", `csrrw zero, ${csr}, rs1`, `Write ${what}.`),
    pseudo(`fs${name}`, "rd, rs1", `csrrw rd, ${csr}, rs1`, `Write ${what}; rd gets the old value.`),
  ]),
  ...[
    ["rm", "the rounding mode"],
    ["flags", "the floating-point flags"],
  ].flatMap(([name, what]) => [
    pseudo(`fs${name}i`, "uimm", `csrrwi zero, f${name}, uimm`, `Write a constant to ${what}.`),
    pseudo(
      `fs${name}i`,
      "rd, uimm",
      `csrrwi rd, f${name}, uimm`,
      `Write a constant to ${what}; rd gets the old value.`,
    ),
  ]),
  ...["flw", "fld"].map((load) =>
    computed(
      load,
      "frd, symbol, rs1",
      `auipc rs1, …; ${load} frd, …(rs1)`,
      "Load from a symbol; rs1 holds its address meanwhile.",
    ),
  ),
  ...["fsw", "fsd"].map((store) =>
    computed(
      store,
      "frs2, symbol, rs1",
      `auipc rs1, …; ${store} frs2, …(rs1)`,
      "Store to a symbol; rs1 holds its address meanwhile.",
    ),
  ),
];

const SYSTEM: readonly PseudoInstruction[] = [
  pseudo("fence", "", "fence iorw, iorw", "Order all memory and device accesses."),
  computed("fence.tso", "", "fence.tso", "Order accesses as total store ordering does."),
  computed("pause", "", "fence w, 0", "Hint that the hart spins."),
  computed("unimp", "", "csrrw zero, cycle, zero", "Raise an illegal-instruction exception."),
  computed("c.unimp", "", "c.unimp", "Raise an illegal-instruction exception: 16 zero bits."),
  pseudo("ntl.p1", "", "add zero, zero, sp", "Hint: the next access does not benefit from the innermost cache."),
  pseudo("ntl.pall", "", "add zero, zero, gp", "Hint: the next access benefits from no private cache."),
  pseudo("ntl.s1", "", "add zero, zero, tp", "Hint: the next access does not benefit from the innermost shared cache."),
  pseudo("ntl.all", "", "add zero, zero, t0", "Hint: the next access benefits from no cache."),
  pseudo("c.ntl.p1", "", "add zero, zero, sp", "Hint as ntl.p1, in 16 bits.", "c.ntl"),
  pseudo("c.ntl.pall", "", "add zero, zero, gp", "Hint as ntl.pall, in 16 bits.", "c.ntl"),
  pseudo("c.ntl.s1", "", "add zero, zero, tp", "Hint as ntl.s1, in 16 bits.", "c.ntl"),
  pseudo("c.ntl.all", "", "add zero, zero, t0", "Hint as ntl.all, in 16 bits.", "c.ntl"),
  pseudo("sfence.vma", "", "sfence.vma zero, zero", "Order page-table stores before all translations."),
  pseudo("sfence.vma", "rs1", "sfence.vma rs1, zero", "The same for one address, in all address spaces."),
  pseudo("scall", "", "ecall", "Old name of ecall."),
  pseudo("sbreak", "", "ebreak", "Old name of ebreak."),
];

const IMMEDIATE_SPELLINGS: readonly PseudoInstruction[] = [
  pseudo("add", "rd, rs1, imm", "addi rd, rs1, imm", "With a constant.", "add-constant"),
  ...["and", "or", "xor", "slt", "addw"].map((name) =>
    pseudo(name, "rd, rs1, imm", `${name === "addw" ? "addiw" : `${name}i`} rd, rs1, imm`, "With a constant."),
  ),
  pseudo("sltu", "rd, rs1, imm", "sltiu rd, rs1, imm", "With a constant."),
  ...["sll", "srl", "sra"].flatMap((name) => [
    pseudo(name, "rd, rs1, shamt", `${name}i rd, rs1, shamt`, "By a constant."),
    pseudo(`${name}w`, "rd, rs1, shamt", `${name}iw rd, rs1, shamt`, "By a constant."),
  ]),
  ...["ror", "bclr", "bext", "binv", "bset"].map((name) =>
    pseudo(name, "rd, rs1, shamt", `${name}i rd, rs1, shamt`, "By a constant."),
  ),
  pseudo("rorw", "rd, rs1, shamt", "roriw rd, rs1, shamt", "By a constant."),
];

export const PSEUDO_INSTRUCTIONS: readonly PseudoInstruction[] = [
  ...MOVES,
  ...BRANCHES,
  ...ADDRESSES,
  ...CSR_ACCESS,
  ...SYSTEM,
  ...IMMEDIATE_SPELLINGS,
  ...FLOAT,
];
