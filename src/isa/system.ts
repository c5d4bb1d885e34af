import { type Instruction, instruction } from "./instruction.ts";

/**
 * What one TypeScript routine does in every reading: environment calls, CSR access (Zicsr, unprivileged manual chapter
 * 7), instruction fences (Zifencei, chapter 6), and the machine-mode instructions (privileged manual section 3.3).
 * Supervisor mode adds `sret` and `sfence.vma` here, under an extension name of their own.
 */
export const SYSTEM: readonly Instruction[] = [
  instruction({
    mnemonic: "ecall",
    extension: "I",
    encoding: "000000000000 00000 000 00000 1110011",
    syntax: "",
    summary: "Call the execution environment: an exception whose cause names the current privilege.",
    semantics: (s) => s.system("ecall"),
  }),
  instruction({
    mnemonic: "ebreak",
    extension: "I",
    encoding: "000000000001 00000 000 00000 1110011",
    syntax: "",
    summary: "Raise a breakpoint exception.",
    semantics: (s) => s.system("ebreak"),
  }),
  instruction({
    mnemonic: "fence.i",
    extension: "Zifencei",
    encoding: "imm[11:0] rs1 001 rd 0001111",
    syntax: "",
    summary: "Make stores to instruction memory visible to this hart's fetches.",
    semantics: (s) => s.system("fence.i"),
  }),
  instruction({
    mnemonic: "csrrw",
    extension: "Zicsr",
    encoding: "csr rs1 001 rd 1110011",
    syntax: "rd, csr, rs1",
    summary: "Write rs1 to a CSR; rd gets its old value. With rd = x0 the CSR is not read.",
    semantics: (s) => s.system("csrrw"),
  }),
  instruction({
    mnemonic: "csrrs",
    extension: "Zicsr",
    encoding: "csr rs1 010 rd 1110011",
    syntax: "rd, csr, rs1",
    summary: "Set the bits of a CSR that are 1 in rs1; rd gets its old value. With rs1 = x0 the CSR is not written.",
    semantics: (s) => s.system("csrrs"),
  }),
  instruction({
    mnemonic: "csrrc",
    extension: "Zicsr",
    encoding: "csr rs1 011 rd 1110011",
    syntax: "rd, csr, rs1",
    summary: "Clear the bits of a CSR that are 1 in rs1; rd gets its old value. With rs1 = x0 the CSR is not written.",
    semantics: (s) => s.system("csrrc"),
  }),
  instruction({
    mnemonic: "csrrwi",
    extension: "Zicsr",
    encoding: "csr uimm[4:0] 101 rd 1110011",
    syntax: "rd, csr, uimm",
    summary: "Write a constant of 0 to 31 to a CSR; rd gets its old value. With rd = x0 the CSR is not read.",
    semantics: (s) => s.system("csrrwi"),
  }),
  instruction({
    mnemonic: "csrrsi",
    extension: "Zicsr",
    encoding: "csr uimm[4:0] 110 rd 1110011",
    syntax: "rd, csr, uimm",
    summary: "Set the bits of a CSR that are 1 in a five-bit constant; rd gets its old value. 0 does not write.",
    semantics: (s) => s.system("csrrsi"),
  }),
  instruction({
    mnemonic: "csrrci",
    extension: "Zicsr",
    encoding: "csr uimm[4:0] 111 rd 1110011",
    syntax: "rd, csr, uimm",
    summary: "Clear the bits of a CSR that are 1 in a five-bit constant; rd gets its old value. 0 does not write.",
    semantics: (s) => s.system("csrrci"),
  }),
  instruction({
    mnemonic: "mret",
    extension: "Machine",
    encoding: "0011000 00010 00000 000 00000 1110011",
    syntax: "",
    summary: "Return from a machine-mode trap: to mepc, with the privilege and interrupt enable that mstatus holds.",
    semantics: (s) => s.system("mret"),
  }),
  instruction({
    mnemonic: "wfi",
    extension: "Machine",
    encoding: "0001000 00101 00000 000 00000 1110011",
    syntax: "",
    summary: "Wait until an interrupt is pending.",
    semantics: (s) => s.system("wfi"),
  }),
];
