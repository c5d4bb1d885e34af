import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../src/assembler/assemble.ts";
import { Prng } from "../../src/base/prng.ts";
import { decode } from "../../src/isa/decode.ts";
import { disassemble } from "../../src/isa/disassemble.ts";
import { parseEncoding } from "../../src/isa/encoding.ts";
import type { Decoded } from "../../src/isa/instruction.ts";
import { COMPRESSED, INSTRUCTIONS } from "../../src/isa/table.ts";
import { randomWord } from "./random-words.ts";

// What the disassembler shows, the assembler takes, and makes the same bits of: the two tables of aliases agree.

const SEED = 20260104;
const WORDS_PER_INSTRUCTION = 60;
const HALFWORDS = 1 << 16;
/** Without these, `sext.b` and the like are two instructions of the base. */
const BITS = ".option arch, +zba, +zbb";

function assertSameBits(words: readonly number[], aliases: boolean, options: string): void {
  const decoded = words.map((word) => decode(word)!);
  const source = decoded.map((entry) => `  ${disassemble(entry, { aliases }).text}`);
  // What one statement became ends where the next label begins.
  const labelled = source.map((line, i) => `w${i}:${line}`).join("\n");
  const { errors, program } = assemble(`${options}\n${labelled}\nend:\n`, { file: "words.s" });
  assert.deepEqual(
    errors.slice(0, 5).map(({ line, message }) => `${source[line - 2]}: ${message}`),
    [],
    `seed ${SEED}`,
  );
  const text = program!.segments[0];
  const view = new DataView(text.bytes.buffer, text.bytes.byteOffset, text.bytes.byteLength);
  const addresses = new Map(program!.symbols.map(({ name, address }) => [name, Number(address - text.virtualAddress)]));
  const differences: string[] = [];
  decoded.forEach((entry, i) => {
    const start = addresses.get(`w${i}`)!;
    const length = (addresses.get(`w${i + 1}`) ?? addresses.get("end")!) - start;
    const bits = length === 2 ? view.getUint16(start, true) : view.getUint32(start, true);
    if (length !== entry.length || bits !== entry.word) {
      differences.push(`${source[i].trim()}: was ${entry.word.toString(16)}, is ${bits.toString(16)}`);
    }
  });
  assert.deepEqual(differences.slice(0, 10), [], `${differences.length} differences, seed ${SEED}`);
}

/** The bits that the text does not tell: reserved fields and modes of fences, zero in what an assembler makes. */
function isPlain(decoded: Decoded | undefined): boolean {
  if (decoded === undefined) return false;
  const { instruction, word } = decoded;
  if (instruction.mnemonic === "fence") return (word & 0xf00f_8f80) === 0 || word >>> 0 === 0x8330_000f;
  return instruction.mnemonic !== "fence.i" || word === 0x0000_100f;
}

function wideWords(): number[] {
  const prng = new Prng(SEED);
  const words = INSTRUCTIONS.flatMap(({ encoding }) =>
    Array.from({ length: WORDS_PER_INSTRUCTION }, () => randomWord(parseEncoding(encoding), prng)),
  );
  return [...words, 0x0ff0_000f, 0x8330_000f, 0x0100_000f, 0x0000_100f].filter((word) => isPlain(decode(word)));
}

test("32-bit instructions, exact text", () => assertSameBits(wideWords(), false, `.option norvc\n${BITS}`));

test("32-bit instructions, with aliases", () => assertSameBits(wideWords(), true, `.option norvc\n${BITS}`));

test("every 16-bit instruction, exact text", () => {
  const halfwords = Array.from({ length: HALFWORDS }, (_, i) => i).filter((halfword) => (halfword & 3) !== 3);
  const known = halfwords.filter((halfword) => decode(halfword) !== undefined);
  assert.ok(known.length > COMPRESSED.length * 100);
  assertSameBits(
    known.filter((halfword) => !isUnwritable(decode(halfword)!)),
    false,
    "",
  );
});

/** Hints that GNU syntax has no spelling for: c.nop with a constant, shifts by nothing. */
function isUnwritable({ compressed, instruction, imm }: Decoded): boolean {
  if (compressed?.mnemonic === "c.nop") return imm !== 0;
  return instruction.encoding.includes("shamt") && imm === 0;
}
