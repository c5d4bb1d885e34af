import { type Instruction, instruction } from "./instruction.ts";

/** Supervisor-level instructions (privileged manual chapter 11) and fine-grained invalidation (Svinval). */
export const SUPERVISOR: readonly Instruction[] = [
  instruction({
    mnemonic: "sret",
    extension: "Supervisor",
    encoding: "0001000 00010 00000 000 00000 1110011",
    syntax: "",
    summary: "Return from a supervisor-mode trap: to sepc, with the privilege and interrupt enable that sstatus holds.",
    semantics: (s) => s.system("sret"),
  }),
  instruction({
    mnemonic: "sfence.vma",
    extension: "Supervisor",
    encoding: "0001001 rs2 rs1 000 00000 1110011",
    syntax: "rs1, rs2",
    summary:
      "Order stores to page tables before later translations, of address rs1 and address space rs2; x0 means all.",
    semantics: (s) => s.system("sfence.vma"),
  }),
  instruction({
    mnemonic: "sinval.vma",
    extension: "Svinval",
    encoding: "0001011 rs2 rs1 000 00000 1110011",
    syntax: "rs1, rs2",
    summary:
      "Drop translations of address rs1 and address space rs2, between sfence.w.inval and sfence.inval.ir; x0 means all.",
    semantics: (s) => s.system("sinval.vma"),
  }),
  instruction({
    mnemonic: "sfence.w.inval",
    extension: "Svinval",
    encoding: "0001100 00000 00000 000 00000 1110011",
    syntax: "",
    summary: "Order earlier stores before later sinval.vma.",
    semantics: (s) => s.system("sfence.w.inval"),
  }),
  instruction({
    mnemonic: "sfence.inval.ir",
    extension: "Svinval",
    encoding: "0001100 00001 00000 000 00000 1110011",
    syntax: "",
    summary: "Order earlier sinval.vma before later translations.",
    semantics: (s) => s.system("sfence.inval.ir"),
  }),
];
