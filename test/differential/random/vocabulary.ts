import { assert } from "../../../src/base/assert.ts";
import { expand } from "../../../src/isa/decode.ts";
import { COMPRESSED as ALL_COMPRESSED, INSTRUCTIONS as ALL_INSTRUCTIONS } from "../../../src/isa/table.ts";

// The instruction table, sorted by how a random program can use an instruction.

// The harts that these programs run on have no floating point; test/differential/float is about that.
const FLOAT = new Set(["F", "D"]);
export const INSTRUCTIONS = ALL_INSTRUCTIONS.filter(({ extension }) => !FLOAT.has(extension));
export const COMPRESSED = ALL_COMPRESSED.filter(({ expansion }) => !FLOAT.has(expand(expansion).instruction.extension));

const ACCESS_BYTES: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, d: 8 };

/** Bytes that `lw`, `c.sdsp`, `lbu`, `amoadd.w` access. */
export function accessBytes(mnemonic: string): number {
  const letter = /^(?:c\.)?[ls]([bhwd])u?(?:sp)?$/.exec(mnemonic)?.[1] ?? /\.([wd])$/.exec(mnemonic)?.[1];
  assert(letter !== undefined, `${mnemonic} accesses no memory`);
  return ACCESS_BYTES[letter];
}

const mnemonics = (entries: readonly { mnemonic: string }[]) => entries.map(({ mnemonic }) => mnemonic);

const ATOMICS = mnemonics(INSTRUCTIONS.filter(({ extension }) => extension === "A"));
export const RESERVED_LOADS = ATOMICS.filter((mnemonic) => mnemonic.startsWith("lr."));
export const AMOS = ATOMICS.filter((mnemonic) => mnemonic.startsWith("amo"));

export const BRANCHES = ["beq", "bne", "blt", "bge", "bltu", "bgeu"];
export const SHORT_BRANCHES = ["c.beqz", "c.bnez"];
export const CSR_REGISTER_FORMS = ["csrrw", "csrrs", "csrrc"];
export const CSR_IMMEDIATE_FORMS = ["csrrwi", "csrrsi", "csrrci"];
export const CSR_FORMS = [...CSR_REGISTER_FORMS, ...CSR_IMMEDIATE_FORMS];

const CONTROL = ["jal", "jalr", ...BRANCHES, "c.j", "c.jr", "c.jalr", ...SHORT_BRANCHES];
const SYSTEM = ["ecall", "ebreak", "c.ebreak", "mret", "wfi", "fence.i", ...CSR_FORMS];

const isMemory = ({ mnemonic, syntax }: { mnemonic: string; syntax: string }) =>
  /\((rs1'?|sp)\)/.test(syntax) && !CONTROL.includes(mnemonic);

export const WIDE_MEMORY = mnemonics(INSTRUCTIONS.filter(({ extension }) => extension === "I").filter(isMemory));
export const MEMORY = [...WIDE_MEMORY, ...mnemonics(COMPRESSED.filter(isMemory))];

/**
 * Instructions that QEMU 7.2 does not know, or that want supervisor mode: neither hart has them. sfence.vma is missing
 * because QEMU executes it nevertheless.
 */
const ABSENT_EXTENSIONS = new Set(["Zicond", "Zicbom", "Zicboz", "Zawrs", "Supervisor", "Svinval"]);
const UNREACHED = ["sfence.vma"];
export const ABSENT = mnemonics(INSTRUCTIONS.filter(({ extension }) => ABSENT_EXTENSIONS.has(extension))).filter(
  (mnemonic) => !UNREACHED.includes(mnemonic),
);
/** What a program can hold. */
export const REACHABLE = mnemonics([...INSTRUCTIONS, ...COMPRESSED]).filter(
  (mnemonic) => !UNREACHED.includes(mnemonic),
);

const SPECIAL = new Set([...ABSENT, ...UNREACHED, ...ATOMICS, ...MEMORY, ...CONTROL, ...SYSTEM]);
/** Register and immediate arithmetic, and fences: whatever is left of the table. */
export const ARITHMETIC = mnemonics(INSTRUCTIONS).filter((mnemonic) => !SPECIAL.has(mnemonic));
export const COMPRESSED_ARITHMETIC = mnemonics(COMPRESSED).filter((mnemonic) => !SPECIAL.has(mnemonic));
