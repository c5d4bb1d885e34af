import type { Semantics } from "./semantics.ts";

/** The extensions that the table knows, by their names in the unprivileged and privileged manuals. */
export type Extension =
  | "I"
  | "M"
  | "F"
  | "D"
  | "A"
  | "C"
  | "Zicsr"
  | "Zifencei"
  | "Machine"
  | "Supervisor"
  | "Svinval"
  | "Zba"
  | "Zbb"
  | "Zbc"
  | "Zbs"
  | "Zicond"
  | "Zicbom"
  | "Zicbop"
  | "Zicboz"
  | "Zihintpause"
  | "Zawrs";

/**
 * One instruction, stated once. `encoding` is the manual's line, most significant bit first: literal bits, register
 * fields (`rd`, `rs1`, `rs2`; `rd'`, `rs1'`, `rs2'` for x8-x15), immediates with the bits they hold (`imm[12|10:5]`,
 * sign-extended from the highest bit named; `uimm[…]`, `shamt[…]`, `nzimm[…]`, `nzuimm[…]` accordingly), `csr`, `aq`,
 * `rl`, `fm`, `pred`, `succ`, `rm`. Whether a register is an integer or a floating-point one, `syntax` says.
 */
export interface Instruction {
  readonly mnemonic: string;
  readonly extension: Extension;
  /**
   * The instruction of which this one is a HINT: its encodings are among those of the other, which it takes precedence
   * over in names, and a hart without the extension executes them as the other, which does nothing either.
   */
  readonly hintOf?: string;
  readonly encoding: string;
  /** Operands in GNU syntax: `rd, imm(rs1)`. */
  readonly syntax: string;
  /** One sentence for hovers, imperative: "Load 32 bits, sign-extended." */
  readonly summary: string;
  semantics<V>(s: Semantics<V>): void;
}

/** A 16-bit form: an encoding and what it expands to; no second meaning. */
export interface CompressedInstruction {
  readonly mnemonic: string;
  readonly extension: "C";
  readonly encoding: string;
  readonly syntax: string;
  readonly summary: string;
  /** The expansion in assembly, over the fields of the encoding: `lw rd', uimm(rs1')`. */
  readonly expansion: string;
}

/** A word taken apart. Fields that the encoding does not have are 0. */
export interface Decoded {
  readonly instruction: Instruction;
  /** Position of `instruction` in the table: the operation number of the predecoded records. */
  readonly index: number;
  /** Set when the word was a 16-bit form. */
  readonly compressed: CompressedInstruction | undefined;
  readonly length: 2 | 4;
  /** The 16 or 32 bits that were decoded, unsigned. */
  readonly word: number;
  readonly rd: number;
  /** For `csrr?i` the five-bit immediate. */
  readonly rs1: number;
  readonly rs2: number;
  /** Third source of a fused multiplication. */
  readonly rs3: number;
  /** Rounding mode: 0 to 4, or DYNAMIC_ROUNDING. */
  readonly rm: number;
  /** A signed 32-bit integer. For `csrr*` the CSR number (unsigned 12 bits), for `fence` the bits 31:20. */
  readonly imm: number;
  /** Bit 1 is aq, bit 0 is rl. */
  readonly aqrl: number;
}

/** In the field rm: the mode is in frm. */
export const DYNAMIC_ROUNDING = 7;

export function instruction(entry: Instruction): Instruction {
  return entry;
}

export function compressed(entry: CompressedInstruction): CompressedInstruction {
  return entry;
}
