import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { csrByNumber } from "../../src/isa/csrs.ts";
import { decode } from "../../src/isa/decode.ts";
import { disassembleWord } from "../../src/isa/disassemble.ts";
import { parseEncoding } from "../../src/isa/encoding.ts";
import type { Decoded } from "../../src/isa/instruction.ts";
import { abiName } from "../../src/isa/registers.ts";
import { COMPRESSED, INSTRUCTIONS, splitOrdering } from "../../src/isa/table.ts";
import { randomWord } from "../isa/random-words.ts";

// GNU objdump is the second opinion on encodings and on text: one mistake in the table would otherwise be made by the
// decoder, the assembler and the interpreter alike.

const AS = "riscv64-unknown-elf-as";
const OBJDUMP = "riscv64-unknown-elf-objdump";
const SEED = 20260102;
const WORDS_PER_INSTRUCTION = 150;
const HALFWORDS = 1 << 16;
const REFUSED_WORDS = 20_000;
const START = 0x8000_0000n;

const found = spawnSync(OBJDUMP, ["--version"]).error === undefined;
const skip = found ? false : `${OBJDUMP} is not installed (Debian: binutils-riscv64-unknown-elf)`;

/** What objdump believes the words are for: it shows instructions of the architecture that the file names, no others. */
const ARCHITECTURE = "-march=rv64gc_zicbom_zicbop_zicboz_zihintpause_zawrs_zba_zbb_zbc_zbs_svinval";

/** objdump's text for every word, laid out from START on; absent where it stepped differently. */
function objdump(words: readonly number[], options: readonly string[]): (string | undefined)[] {
  const directory = mkdtempSync(join(tmpdir(), "hindcast-objdump-"));
  try {
    const [source, object] = [join(directory, "words.s"), join(directory, "words.o")];
    const lines: string[] = [];
    let address = START;
    const addresses = words.map((word) => {
      const [length, bits] = (word & 3) === 3 ? [4, word >>> 0] : [2, word & 0xffff];
      lines.push(`.insn ${length}, ${bits}\n`);
      address += BigInt(length);
      return address - BigInt(length);
    });
    writeFileSync(source, lines.join(""));
    execFileSync(AS, [ARCHITECTURE, "-o", object, source]);
    const placed = ["-D", "-z", "-j", ".text", `--adjust-vma=0x${START.toString(16)}`];
    const output = execFileSync(OBJDUMP, [...placed, ...options, object], {
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    const byAddress = new Map<bigint, string>();
    for (const line of output.split("\n")) {
      const parts = /^\s*([0-9a-f]+):\s+[0-9a-f]+\s+(.*)$/.exec(line);
      if (parts !== null) byAddress.set(BigInt(`0x${parts[1]}`), parts[2]);
    }
    return addresses.map((at) => byAddress.get(at));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** objdump's line without its comment, with our spelling of addresses and data. */
function normal(text: string): string {
  return text
    .replace(/\s+#.*$/, "")
    .replace(/\s+<[^<]*>$/, "")
    .replace(/\s+/g, " ")
    .replace(/^((?:c\.)?(?:j|jal|b(?:eq|ne|lt|ge|gt|le)\w*) (?:.*,)?)([0-9a-f]+)$/, "$10x$2")
    .replace(/^(csr[wsc]) (\w+,\d+)$/, "$1i $2")
    .replace(/^(csrr[wsc]) (\w+,\w+,\d+)$/, "$1i $2")
    .replace(
      /^(add|and|or|xor|sll|srl|sra|slt|ror|bclr|bext|binv|bset)(u?w?) (\w+,\w+,(?:-?\d+|0x[0-9a-f]+))$/,
      "$1i$2 $3",
    );
}

/** Differences that are meant, each with its reason; what is neither equal nor named here fails. */
const MEANT: readonly {
  readonly why: string;
  readonly holds: (decoded: Decoded, theirs: string, ours: string) => boolean;
}[] = [
  {
    why: "objdump knows no reserved fence modes and fields; the manual wants them executed as ordinary fences",
    holds: ({ instruction, word }, theirs) =>
      instruction.mnemonic.startsWith("fence") && (word & 0xf00f_8f80) !== 0 && theirs.startsWith(".4byte"),
  },
  {
    why: "objdump shows the empty set as unknown",
    holds: ({ instruction, imm }, theirs) =>
      instruction.mnemonic === "fence" && (((imm >> 4) & 15) === 0 || (imm & 15) === 0) && theirs.startsWith("fence"),
  },
  {
    why: "objdump names CSRs of extensions that the table does not list; the rest of the line is the same",
    holds: ({ instruction, imm }, theirs, ours) =>
      instruction.extension === "Zicsr" &&
      csrByNumber(imm) === undefined &&
      theirs.replace(/\b(?!zero)[a-z]\w{3,}(?=,|$)/, `0x${imm.toString(16)}`) === ours,
  },
  {
    why: "binutils 2.40 knows the conversions that are exact with a rounding mode of 0 only; the manual has the field free",
    holds: ({ instruction, rm }, theirs) =>
      /^fcvt\.d\.(s|wu?)$/.test(instruction.mnemonic) && rm !== 0 && theirs.startsWith(".4byte"),
  },
  {
    why: "a shift by zero is a 64-bit shift for the manual (a hint), and a 128-bit one for objdump",
    holds: ({ compressed, imm }, theirs) => imm === 0 && theirs.startsWith(`${compressed?.mnemonic}64 `),
  },
  {
    why: "this objdump is older than Zihintntl",
    holds: ({ instruction, rd, rs1, rs2 }, theirs, ours) =>
      instruction.mnemonic === "add" &&
      rd === 0 &&
      rs1 === 0 &&
      /^(c\.)?ntl\./.test(ours) &&
      theirs.endsWith(`zero,${abiName(rs2)}`),
  },
  {
    why: "this objdump is older than Zicond",
    holds: ({ instruction }, theirs) => instruction.extension === "Zicond" && theirs.startsWith(".4byte"),
  },
  {
    why: "c.addi with 0 is a hint; objdump names the 32-bit instruction",
    holds: ({ compressed, imm, rd }, theirs) =>
      compressed?.mnemonic === "c.addi" && imm === 0 && theirs === `addi ${abiName(rd)},${abiName(rd)},0`,
  },
  {
    why: "objdump knows c.nop with a constant only as another instruction",
    holds: ({ compressed, imm }, theirs) =>
      compressed?.mnemonic === "c.nop" && (theirs === `c.addi zero,${imm}` || theirs === `c.nop ${imm}`),
  },
];

function isMeant(word: number, theirs: string, ours: string): boolean {
  const decoded = decode(word);
  return decoded !== undefined && MEANT.some(({ holds }) => holds(decoded, theirs, ours));
}

function compare(words: readonly number[], aliases: boolean): void {
  const options = ["-M", aliases ? "priv-spec=1.12" : "priv-spec=1.12,no-aliases"];
  const texts = objdump(words, options);
  const differences: string[] = [];
  let pc = START;
  for (const [i, word] of words.entries()) {
    const ours = disassembleWord(word, { pc, aliases }).text;
    const theirs = normal(texts[i] ?? "(objdump saw no instruction here)");
    if (ours !== theirs && !isMeant(word, theirs, ours))
      differences.push(`${word.toString(16)}: ours ${ours}, objdump ${theirs}`);
    pc += (word & 3) === 3 ? 4n : 2n;
  }
  assert.deepEqual(differences.slice(0, 4000), [], `${differences.length} of ${words.length}, seed ${SEED}`);
}

function wordsOf(prng: Prng): number[] {
  return [...INSTRUCTIONS, ...COMPRESSED].flatMap((entry) => {
    const encoding = parseEncoding(entry.encoding);
    return Array.from({ length: WORDS_PER_INSTRUCTION }, () => randomWord(encoding, prng));
  });
}

test("exact texts of random words of every instruction", { skip }, () => {
  compare(wordsOf(new Prng(SEED)), false);
});

test("texts with aliases of random words of every instruction", { skip }, () => {
  compare(wordsOf(new Prng(SEED)), true);
});

// objdump knows extensions that we do not, so what we refuse may be an instruction to it, but never one of ours.

test("halfwords that are no instruction to us are none of ours to objdump", { skip }, () => {
  const halfwords = Array.from({ length: HALFWORDS }, (_, i) => i);
  const refused = halfwords.filter((halfword) => (halfword & 3) !== 3 && decode(halfword) === undefined);
  // The manual reserves c.addi16sp with 0; objdump shows it nevertheless.
  assert.ok(refused.includes(0x6101));
  checkRefused(refused.filter((halfword) => halfword !== 0x6101));
});

test("words that are no instruction to us are none of ours to objdump", { skip }, () => {
  const prng = new Prng(SEED);
  // Major opcodes of ours, so that most words come close to an instruction.
  const opcodes = [...new Set(INSTRUCTIONS.map((entry) => parseEncoding(entry.encoding).match & 0x7f))];
  const words = Array.from({ length: REFUSED_WORDS }, () => ((prng.next32() & ~0x7f) | prng.pick(opcodes)) >>> 0);
  checkRefused(words.filter((word) => decode(word) === undefined));
});

function checkRefused(words: readonly number[]): void {
  const ours = new Set([...INSTRUCTIONS, ...COMPRESSED].map((entry) => entry.mnemonic));
  const texts = objdump(words, ["-M", "priv-spec=1.12,no-aliases"]);
  const claimed = words
    // Rounding modes 5 and 6 are reserved, and objdump shows them as "unknown".
    .map((word, i) => ({ word, mnemonic: texts[i]?.endsWith(",unknown") ? "" : (texts[i]?.split(/\s/)[0] ?? "") }))
    .filter(({ mnemonic }) => ours.has(splitOrdering(mnemonic).mnemonic))
    .map(({ word, mnemonic }) => `${word.toString(16)} ${mnemonic}`);
  assert.deepEqual(claimed, [], `seed ${SEED}`);
  assert.ok(words.length > 100, "the test looks at enough words");
}
