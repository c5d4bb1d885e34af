import { assert } from "../base/assert.ts";
import { admits, type Encoding, extract, type Field, parseEncoding } from "./encoding.ts";
import type { CompressedInstruction, Decoded, Instruction } from "./instruction.ts";
import { flattenOperands, type Operand, parseOperands } from "./operands.ts";
import { COMPRESSED, findInstruction, INSTRUCTIONS, operationNumber } from "./table.ts";

/** Bits 31:20 of a fence, unsigned: fm, pred, succ in one. */
const FENCE_BITS: Field = {
  name: "fence",
  kind: "other",
  prime: false,
  pieces: [{ wordBit: 20, valueBit: 0, width: 12 }],
  bits: 12,
  lowBit: 0,
  signed: false,
  excluded: [],
};

/** Where a member of `Decoded` comes from: a field of the word, or a constant that an expansion fixes. */
type Source = Field | number;

/** One encoding, ready to recognise and take apart words. */
interface Form {
  readonly mask: number;
  readonly match: number;
  readonly encoding: Encoding;
  readonly hasExclusions: boolean;
  readonly instruction: Instruction;
  readonly index: number;
  readonly compressed: CompressedInstruction | undefined;
  readonly rd: Source;
  readonly rs1: Source;
  readonly rs2: Source;
  readonly rs3: Source;
  readonly rm: Source;
  readonly imm: Source;
  readonly aq: Source;
  readonly rl: Source;
}

/** Bytes of the instruction that begins with this halfword. Encodings longer than 32 bits are not supported anywhere. */
export function instructionLength(halfword: number): 2 | 4 {
  return (halfword & 3) === 3 ? 4 : 2;
}

/**
 * Takes a word apart. A 16-bit form is given as its halfword: of a word whose two low bits are not 11 only the low
 * half is looked at. Undefined for what no entry of the table describes: illegal and reserved encodings alike, the
 * all-zero halfword among them.
 */
export function decode(word: number): Decoded | undefined {
  const wide = (word & 3) === 3;
  const bits = wide ? word : word & 0xffff;
  for (const form of wide ? WIDE[wideBucket(bits)] : NARROW[narrowBucket(bits)]) {
    // Both sides are signed here: `match` was unsigned, and `|0` brings it back without a branch.
    if ((bits & form.mask) !== (form.match | 0)) continue;
    if (form.hasExclusions && !admits(form.encoding, bits)) continue;
    return {
      instruction: form.instruction,
      index: form.index,
      compressed: form.compressed,
      length: wide ? 4 : 2,
      word: bits >>> 0,
      rd: read(form.rd, bits),
      rs1: read(form.rs1, bits),
      rs2: read(form.rs2, bits),
      rs3: read(form.rs3, bits),
      rm: read(form.rm, bits),
      imm: read(form.imm, bits),
      aqrl: (read(form.aq, bits) << 1) | read(form.rl, bits),
    };
  }
  return undefined;
}

function read(source: Source, word: number): number {
  return typeof source === "number" ? source : extract(source, word);
}

// The major opcode and funct3 tell most instructions apart: at most a dozen forms share a bucket.
const WIDE_BUCKETS = 1 << 8;
const NARROW_BUCKETS = 1 << 5;

function wideBucket(word: number): number {
  return ((word >>> 2) & 0x1f) | ((word >>> 7) & 0xe0);
}

function narrowBucket(halfword: number): number {
  return (halfword & 3) | ((halfword >>> 11) & 0x1c);
}

const WIDE: readonly (readonly Form[])[] = distribute(
  // HINTs with a name of their own come before the instruction among whose encodings they are.
  INSTRUCTIONS.map(wideForm).sort((a, b) => Number(isHint(b.instruction)) - Number(isHint(a.instruction))),
  WIDE_BUCKETS,
  (bucket) => 3 | ((bucket & 0x1f) << 2) | ((bucket & 0xe0) << 7),
  0x707f,
);
const NARROW: readonly (readonly Form[])[] = distribute(
  COMPRESSED.map(narrowForm),
  NARROW_BUCKETS,
  (bucket) => (bucket & 3) | ((bucket & 0x1c) << 11),
  0xe003,
);

function isHint(instruction: Instruction): boolean {
  return instruction.hintOf !== undefined;
}

/** Puts each form into every bucket whose words it can match. `key` is a bucket's word, `keyMask` the bits it fixes. */
function distribute(
  forms: readonly Form[],
  count: number,
  key: (bucket: number) => number,
  keyMask: number,
): readonly Form[][] {
  return Array.from({ length: count }, (_, bucket) =>
    forms.filter((form) => ((form.match ^ key(bucket)) & form.mask & keyMask) === 0),
  );
}

function wideForm(instruction: Instruction, index: number): Form {
  const encoding = parseEncoding(instruction.encoding);
  const fields = new Map(encoding.fields.map((field) => [field.name, field]));
  return {
    ...shape(encoding),
    instruction,
    index,
    compressed: undefined,
    rd: fields.get("rd") ?? 0,
    // The five-bit immediate of csrr?i stands where rs1 stands in csrr?.
    rs1: fields.get("rs1") ?? (fields.has("csr") ? fields.get("uimm") : undefined) ?? 0,
    rs2: fields.get("rs2") ?? 0,
    rs3: fields.get("rs3") ?? 0,
    rm: fields.get("rm") ?? 0,
    imm: immediateOf(encoding, fields),
    aq: fields.get("aq") ?? 0,
    rl: fields.get("rl") ?? 0,
  };
}

function immediateOf(encoding: Encoding, fields: ReadonlyMap<string, Field>): Source {
  const csr = fields.get("csr");
  if (csr !== undefined) return csr;
  if (fields.has("fm")) return FENCE_BITS;
  return encoding.fields.find((field) => field.kind === "immediate") ?? 0;
}

function shape(encoding: Encoding): Pick<Form, "mask" | "match" | "encoding" | "hasExclusions"> {
  return {
    mask: encoding.mask,
    match: encoding.match,
    encoding,
    hasExclusions: encoding.fields.some((field) => field.excluded.length > 0),
  };
}

/** A 16-bit form reads its own fields into the operands that its expansion gives to the 32-bit instruction. */
function narrowForm(compressed: CompressedInstruction): Form {
  const encoding = parseEncoding(compressed.encoding);
  const { instruction, operands } = expand(compressed.expansion);
  const sources = new Map<string, Source>();
  const formal = flattenOperands(parseOperands(instruction.syntax));
  assert(formal.length === operands.length, `${compressed.mnemonic}: operands of the expansion`);
  formal.forEach((operand, i) => {
    sources.set(memberOf(operand), actualSource(encoding, operands[i]));
  });
  return {
    ...shape(encoding),
    instruction,
    index: operationNumber(instruction.mnemonic),
    compressed,
    rd: sources.get("rd") ?? 0,
    rs1: sources.get("rs1") ?? 0,
    rs2: sources.get("rs2") ?? 0,
    rs3: 0,
    rm: 0,
    imm: sources.get("imm") ?? 0,
    aq: 0,
    rl: 0,
  };
}

/** The instruction of an expansion line of the tables, and its operands in the order of that instruction's syntax. */
export function expand(expansion: string): { instruction: Instruction; operands: Operand[] } {
  const [, mnemonic, operands] = /^(\S+)\s*(.*)$/.exec(expansion) ?? [];
  const instruction = findInstruction(mnemonic);
  assert(instruction !== undefined, `"${expansion}" expands to an unknown instruction`);
  return { instruction, operands: flattenOperands(parseOperands(operands)) };
}

function memberOf(operand: Operand): string {
  if (operand.kind === "register" || operand.kind === "float-register") return operand.field;
  assert(operand.kind === "immediate" || operand.kind === "target", "an expansion has registers and immediates only");
  return "imm";
}

function actualSource(encoding: Encoding, operand: Operand): Source {
  switch (operand.kind) {
    case "fixed-register":
      return operand.register;
    case "fixed-immediate":
      return operand.value;
    case "register":
    case "float-register":
    case "immediate":
    case "target": {
      const field = encoding.fields.find((candidate) => candidate.name === operand.field);
      assert(field !== undefined, `an expansion names ${operand.field}, which its encoding lacks`);
      return field;
    }
    default:
      assert(false, `an expansion cannot have a ${operand.kind} operand`);
  }
}
