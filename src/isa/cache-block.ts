import { type Instruction, instruction } from "./instruction.ts";

/** The size of a cache block as far as instructions can tell (Zic64b). */
export const CACHE_BLOCK_BYTES = 64;

/**
 * Cache blocks, which are 64 bytes here: management (Zicbom), zeroing (Zicboz) and prefetching (Zicbop). Whether lower
 * privileges may use the first two, menvcfg and senvcfg say, so they are system operations. A prefetch stands in ori's
 * HINT space.
 */
export const CACHE_BLOCK: readonly Instruction[] = [
  instruction({
    mnemonic: "cbo.inval",
    extension: "Zicbom",
    encoding: "000000000000 rs1 010 00000 0001111",
    syntax: "(rs1)",
    summary: "Drop the cache block of an address.",
    semantics: (s) => s.system("cbo.inval"),
  }),
  instruction({
    mnemonic: "cbo.clean",
    extension: "Zicbom",
    encoding: "000000000001 rs1 010 00000 0001111",
    syntax: "(rs1)",
    summary: "Write the cache block of an address back to memory.",
    semantics: (s) => s.system("cbo.clean"),
  }),
  instruction({
    mnemonic: "cbo.flush",
    extension: "Zicbom",
    encoding: "000000000010 rs1 010 00000 0001111",
    syntax: "(rs1)",
    summary: "Write the cache block of an address back to memory and drop it.",
    semantics: (s) => s.system("cbo.flush"),
  }),
  instruction({
    mnemonic: "cbo.zero",
    extension: "Zicboz",
    encoding: "000000000100 rs1 010 00000 0001111",
    syntax: "(rs1)",
    summary: "Store zeros to the cache block of an address.",
    semantics: (s) => s.system("cbo.zero"),
  }),
  instruction({
    mnemonic: "prefetch.i",
    extension: "Zicbop",
    hintOf: "ori",
    encoding: "imm[11:5] 00000 rs1 110 00000 0010011",
    syntax: "imm(rs1)",
    summary: "Say that instruction fetches from the cache block of an address are likely soon.",
    semantics: (s) => s.prefetch("execute", s.add(s.rs1, s.imm)),
  }),
  instruction({
    mnemonic: "prefetch.r",
    extension: "Zicbop",
    hintOf: "ori",
    encoding: "imm[11:5] 00001 rs1 110 00000 0010011",
    syntax: "imm(rs1)",
    summary: "Say that loads from the cache block of an address are likely soon.",
    semantics: (s) => s.prefetch("read", s.add(s.rs1, s.imm)),
  }),
  instruction({
    mnemonic: "prefetch.w",
    extension: "Zicbop",
    hintOf: "ori",
    encoding: "imm[11:5] 00011 rs1 110 00000 0010011",
    syntax: "imm(rs1)",
    summary: "Say that stores to the cache block of an address are likely soon.",
    semantics: (s) => s.prefetch("write", s.add(s.rs1, s.imm)),
  }),
];
