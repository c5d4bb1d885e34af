import { assert } from "../base/assert.ts";
import { encode, parseEncoding } from "../isa/encoding.ts";
import { findCompressed } from "../isa/table.ts";

/** Fields of an instruction by the encoding's names; missing ones are zero. */
export type Fields = Readonly<Record<string, number>>;

/**
 * The 16-bit word for an instruction whose operands are all known, or undefined when there is none. Chooses what GNU
 * `as` 2.40 chooses, which is neither all that the C extension allows (`jal zero, x`, written so, stays long) nor the
 * first expansion that fits (`addi a0, a0, 0` becomes `c.mv`).
 *
 * `mnemonic` is the one of the source where its spelling matters: `mv`, `jr`, `jalr-register`, `add-constant`.
 */
export function compress(mnemonic: string, fields: Fields): number | undefined {
  return RULES[mnemonic]?.(fields);
}

/** c.beqz and c.bnez with a distance of zero; undefined when the operands do not allow them. */
export function compressBranch(mnemonic: string, fields: Fields): number | undefined {
  const { rs1 = 0, rs2 = 0 } = fields;
  if (rs2 !== 0 || !isPrime(rs1)) return undefined;
  if (mnemonic === "beq") return word("c.beqz", { rs1 });
  if (mnemonic === "bne") return word("c.bnez", { rs1 });
  return undefined;
}

type Rule = (fields: Fields) => number | undefined;

function word(mnemonic: string, fields: Fields): number {
  const entry = findCompressed(mnemonic);
  assert(entry !== undefined, `${mnemonic} is not in the table`);
  return encode(parseEncoding(entry.encoding), fields);
}

/** x8 to x15, which three bits can name. */
function isPrime(register: number): boolean {
  return register >= 8 && register <= 15;
}

/** Fits the six-bit signed immediates. */
function isSmall(value: number): boolean {
  return value >= -32 && value < 32;
}

const SP = 2;

function addi({ rd = 0, rs1 = 0, imm = 0 }: Fields): number | undefined {
  if (rd === 0) return rs1 === 0 && imm === 0 ? word("c.nop", {}) : undefined;
  if (isPrime(rd) && rs1 === SP && imm > 0 && imm < 1024 && imm % 4 === 0) {
    return word("c.addi4spn", { rd, nzuimm: imm });
  }
  if (rd === rs1 && imm !== 0 && isSmall(imm)) return word("c.addi", { rd, imm });
  if (rd === SP && rs1 === SP && imm !== 0 && imm % 16 === 0 && imm >= -512 && imm < 512) {
    return word("c.addi16sp", { nzimm: imm });
  }
  if (rs1 === 0 && isSmall(imm)) return word("c.li", { rd, imm });
  if (rs1 !== 0 && imm === 0) return word("c.mv", { rd, rs2: rs1 });
  return undefined;
}

/** `add a0, a0, 1` is not tried as a move or as c.li, but even nothing is added in 16 bits. */
function addConstant(fields: Fields): number | undefined {
  const { rd = 0, rs1 = 0, imm = 0 } = fields;
  if (rd !== 0 && rd === rs1 && imm === 0) return word("c.addi", { rd, imm });
  return rs1 === 0 || imm === 0 ? undefined : addi(fields);
}

function add({ rd = 0, rs1 = 0, rs2 = 0 }: Fields): number | undefined {
  if (rd === 0) return undefined;
  if (rd === rs1 && rs2 !== 0) return word("c.add", { rd, rs2 });
  if (rd === rs2 && rs1 !== 0) return word("c.add", { rd, rs2: rs1 });
  if (rs1 === 0 && rs2 !== 0) return word("c.mv", { rd, rs2 });
  return undefined;
}

function arithmetic(mnemonic: string, commutative: boolean): Rule {
  return ({ rd = 0, rs1 = 0, rs2 = 0 }) => {
    if (!isPrime(rd) || !isPrime(rs1) || !isPrime(rs2)) return undefined;
    if (rd === rs1) return word(mnemonic, { rd, rs2 });
    if (commutative && rd === rs2) return word(mnemonic, { rd, rs2: rs1 });
    return undefined;
  };
}

function shiftRight(mnemonic: string): Rule {
  return ({ rd = 0, rs1 = 0, shamt = 0 }) =>
    rd === rs1 && isPrime(rd) && shamt !== 0 ? word(mnemonic, { rd, shamt }) : undefined;
}

function load(size: 4 | 8, stackForm: string, form: string): Rule {
  return ({ rd = 0, rs1 = 0, imm = 0 }) => {
    if (imm < 0 || imm % size !== 0) return undefined;
    if (rs1 === SP && rd !== 0 && imm < 64 * size) return word(stackForm, { rd, uimm: imm });
    if (isPrime(rd) && isPrime(rs1) && imm < 32 * size) return word(form, { rd, rs1, uimm: imm });
    return undefined;
  };
}

function store(size: 4 | 8, stackForm: string, form: string): Rule {
  return ({ rs2 = 0, rs1 = 0, imm = 0 }) => {
    if (imm < 0 || imm % size !== 0) return undefined;
    if (rs1 === SP && imm < 64 * size) return word(stackForm, { rs2, uimm: imm });
    if (isPrime(rs2) && isPrime(rs1) && imm < 32 * size) return word(form, { rs2, rs1, uimm: imm });
    return undefined;
  };
}

const RULES: Readonly<Record<string, Rule>> = {
  addi,
  add,
  "add-constant": addConstant,
  // `mv a0, zero` is not tried as a c.li.
  mv: (fields) => (fields.rs1 === 0 ? undefined : addi(fields)),
  addiw: ({ rd = 0, rs1 = 0, imm = 0 }) =>
    rd !== 0 && rd === rs1 && isSmall(imm) ? word("c.addiw", { rd, imm }) : undefined,
  lui: ({ rd = 0, imm = 0 }) =>
    rd !== 0 && rd !== SP && imm !== 0 && isSmall(imm >> 12) ? word("c.lui", { rd, nzimm: imm }) : undefined,
  slli: ({ rd = 0, rs1 = 0, shamt = 0 }) =>
    rd !== 0 && rd === rs1 && shamt !== 0 ? word("c.slli", { rd, shamt }) : undefined,
  srli: shiftRight("c.srli"),
  srai: shiftRight("c.srai"),
  andi: ({ rd = 0, rs1 = 0, imm = 0 }) =>
    rd === rs1 && isPrime(rd) && isSmall(imm) ? word("c.andi", { rd, imm }) : undefined,
  and: arithmetic("c.and", true),
  or: arithmetic("c.or", true),
  xor: arithmetic("c.xor", true),
  addw: arithmetic("c.addw", true),
  sub: arithmetic("c.sub", false),
  subw: arithmetic("c.subw", false),
  lw: load(4, "c.lwsp", "c.lw"),
  ld: load(8, "c.ldsp", "c.ld"),
  sw: store(4, "c.swsp", "c.sw"),
  sd: store(8, "c.sdsp", "c.sd"),
  fld: ({ rd = 0, rs1 = 0, imm = 0 }) => {
    if (imm < 0 || imm % 8 !== 0) return undefined;
    if (rs1 === SP && imm < 512) return word("c.fldsp", { rd, uimm: imm });
    return isPrime(rd) && isPrime(rs1) && imm < 256 ? word("c.fld", { rd, rs1, uimm: imm }) : undefined;
  },
  fsd: store(8, "c.fsdsp", "c.fsd"),
  jr: ({ rs1 = 0 }) => (rs1 === 0 ? undefined : word("c.jr", { rs1 })),
  "jalr-register": ({ rs1 = 0 }) => (rs1 === 0 ? undefined : word("c.jalr", { rs1 })),
  ebreak: () => word("c.ebreak", {}),
  // The non-temporal HINTs are the one use of c.add with x0 that has a name.
  "c.ntl": ({ rs2 = 0 }) => word("c.add", { rs2 }),
};
