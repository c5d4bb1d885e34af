import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { decode, expand } from "../../src/isa/decode.ts";
import { effectsOf } from "../../src/isa/effects.ts";
import { admits, type Encoding, encode, extract, parseEncoding } from "../../src/isa/encoding.ts";
import type { Instruction } from "../../src/isa/instruction.ts";
import { flattenOperands, parseOperands } from "../../src/isa/operands.ts";
import { SYSTEM_OPERATIONS } from "../../src/isa/semantics.ts";
import { COMPRESSED, findInstruction, INSTRUCTIONS, operationNumber, splitOrdering } from "../../src/isa/table.ts";
import { randomFields, randomWord } from "./random-words.ts";

const SEED = 20260101;
const ENTRIES = [...INSTRUCTIONS, ...COMPRESSED];
const HALFWORDS = 1 << 16;

test("every bit of every encoding is named exactly once", () => {
  for (const { mnemonic, encoding: text } of ENTRIES) {
    const encoding = parseEncoding(text);
    const owners = new Array<number>(encoding.length * 8).fill(0);
    for (let bit = 0; bit < owners.length; bit++) {
      if ((encoding.mask >>> bit) & 1) owners[bit]++;
    }
    for (const field of encoding.fields) {
      const valueBits = new Set<number>();
      for (const { wordBit, valueBit, width } of field.pieces) {
        for (let i = 0; i < width; i++) {
          owners[wordBit + i]++;
          assert.ok(!valueBits.has(valueBit + i), `${mnemonic}: bit ${valueBit + i} of ${field.name} stands twice`);
          valueBits.add(valueBit + i);
        }
      }
      assert.equal(valueBits.size, field.bits - field.lowBit, `${mnemonic}: ${field.name} has a hole`);
    }
    assert.deepEqual([...new Set(owners)], [1], `${mnemonic}: ${text}`);
    assert.equal(encoding.match & ~encoding.mask, 0);
  }
});

test("the length bits of an encoding say its length", () => {
  for (const { mnemonic, encoding: text } of ENTRIES) {
    const encoding = parseEncoding(text);
    assert.equal(encoding.mask & 3, 3, mnemonic);
    assert.equal((encoding.match & 3) === 3, encoding.length === 4, mnemonic);
  }
});

test("no two 32-bit encodings overlap, other than a HINT and the instruction that it is one of", () => {
  for (const [i, a] of INSTRUCTIONS.entries()) {
    for (const b of INSTRUCTIONS.slice(i + 1)) {
      if (b.hintOf === a.mnemonic) continue;
      const [one, other] = [parseEncoding(a.encoding), parseEncoding(b.encoding)];
      const common = one.mask & other.mask;
      assert.notEqual((one.match ^ other.match) & common, 0, `${a.mnemonic} overlaps ${b.mnemonic}`);
    }
  }
});

test("a HINT lies in the encodings of the instruction that it names, and neither changes anything there", () => {
  const prng = new Prng(SEED);
  for (const hint of INSTRUCTIONS.filter(({ hintOf }) => hintOf !== undefined)) {
    const whole = findInstruction(hint.hintOf!)!;
    assert.equal(whole.hintOf, undefined);
    assert.equal(whole.extension, "I", "a hart without the extension executes it as the other");
    assert.deepEqual(
      effectsOf(hint).order.filter(({ kind }) => kind !== "read"),
      [],
    );
    const writes = effectsOf(whole).order.filter(({ kind }) => kind !== "read");
    assert.deepEqual(writes, whole.mnemonic === "fence" ? [] : [{ kind: "write", what: "rd" }]);
    for (let round = 0; round < 200; round++) {
      const word = randomWord(parseEncoding(hint.encoding), prng);
      assert.ok(recognises(parseEncoding(whole.encoding), word), `${hint.mnemonic}, seed ${SEED}`);
      assert.equal(decode(word)!.rd, 0, `${hint.mnemonic}, seed ${SEED}`);
    }
  }
});

test("no two 16-bit encodings overlap, exclusions considered, over all halfwords", () => {
  const encodings = COMPRESSED.map((entry) => parseEncoding(entry.encoding));
  for (let halfword = 0; halfword < HALFWORDS; halfword++) {
    const owners = encodings
      .map((encoding, i) => (recognises(encoding, halfword) ? COMPRESSED[i].mnemonic : ""))
      .filter((mnemonic) => mnemonic !== "");
    assert.ok(owners.length <= 1, `${halfword.toString(16)}: ${owners}`);
    assert.equal(decode(halfword)?.compressed?.mnemonic, owners[0], halfword.toString(16));
  }
});

function recognises(encoding: Encoding, word: number): boolean {
  return (word & encoding.mask) >>> 0 === encoding.match && admits(encoding, word);
}

test("reserved 16-bit encodings are undefined, hints are not", () => {
  const reserved = {
    "defined illegal": 0x0000,
    "c.addi4spn with 0": 0x0008,
    "quadrant 0, funct3 100": 0x8000,
    "c.addiw to x0": 0x2005,
    "c.addi16sp with 0": 0x6101,
    "c.lui with 0": 0x6501,
    "c.lwsp to x0": 0x4012,
    "c.ldsp to x0": 0x6012,
    "c.jr x0": 0x8002,
    "100 1 11 with 10": 0x9c41,
    "100 1 11 with 11": 0x9c61,
  };
  for (const [what, halfword] of Object.entries(reserved)) assert.equal(decode(halfword), undefined, what);
  const hints = { "c.nop 3": 0x000d, "c.addi a0, 0": 0x0501, "c.li zero, 5": 0x4015, "c.mv zero, a0": 0x802a };
  for (const [what, halfword] of Object.entries(hints)) assert.ok(decode(halfword), what);
});

test("random fields survive encode and extract", () => {
  const prng = new Prng(SEED);
  for (const { mnemonic, encoding: text } of ENTRIES) {
    const encoding = parseEncoding(text);
    for (let round = 0; round < 200; round++) {
      const fields = randomFields(encoding, prng);
      const word = encode(encoding, fields);
      assert.ok(recognises(encoding, word), `${mnemonic} ${word.toString(16)}, seed ${SEED}`);
      for (const field of encoding.fields) {
        assert.equal(extract(field, word), fields[field.name], `${mnemonic} ${field.name}, seed ${SEED}`);
      }
    }
  }
});

test("the decoder finds every instruction and its operands", () => {
  const prng = new Prng(SEED);
  for (const [index, instruction] of INSTRUCTIONS.entries()) {
    const encoding = parseEncoding(instruction.encoding);
    for (let round = 0; round < 200; round++) {
      const fields = randomFields(encoding, prng);
      const word = encode(encoding, fields);
      const decoded = decode(word);
      assert.ok(decoded, `${instruction.mnemonic} ${word.toString(16)}, seed ${SEED}`);
      if (decoded.instruction.hintOf === instruction.mnemonic) continue;
      assert.equal(decoded.instruction, instruction);
      assert.equal(decoded.index, index);
      assert.equal(decoded.length, 4);
      assert.equal(decoded.word, word);
      assert.equal(decoded.rd, fields.rd ?? 0);
      assert.equal(decoded.rs1, fields.rs1 ?? fields.uimm ?? 0);
      assert.equal(decoded.rs2, fields.rs2 ?? 0);
      assert.equal(decoded.rs3, fields.rs3 ?? 0);
      assert.equal(decoded.rm, fields.rm ?? 0);
      const fence = "fm" in fields ? (fields.fm << 8) | (fields.pred << 4) | fields.succ : undefined;
      assert.equal(decoded.imm, fields.csr ?? fence ?? fields.imm ?? fields.shamt ?? 0);
      assert.equal(decoded.aqrl, ((fields.aq ?? 0) << 1) | (fields.rl ?? 0));
      // The decoder takes 32-bit words as V8 has them, signed or not.
      assert.deepEqual(decode(word | 0), decoded);
    }
  }
});

test("the decoder agrees with a search through the whole table on random words", () => {
  const prng = new Prng(SEED);
  for (let round = 0; round < 20_000; round++) {
    const word = (prng.next32() | 3) >>> 0;
    // HINTs stand behind the instruction that they are among.
    const found = INSTRUCTIONS.findLast((entry) => recognises(parseEncoding(entry.encoding), word));
    assert.equal(decode(word)?.instruction, found, `${word.toString(16)}, seed ${SEED}`);
  }
});

test("a halfword is decoded alone: what stands behind it does not matter", () => {
  const prng = new Prng(SEED);
  for (const { encoding } of COMPRESSED) {
    const word = randomWord(parseEncoding(encoding), prng);
    assert.deepEqual(decode((word | 0xabcd_0000) >>> 0), decode(word));
  }
});

test("expansions use the fields of their encoding, and all of them", () => {
  for (const entry of COMPRESSED) {
    const fields = new Set(parseEncoding(entry.encoding).fields.map((field) => field.name));
    const { operands } = expand(entry.expansion);
    const used = new Set(operands.flatMap((operand) => fieldName(operand, fields)));
    assert.deepEqual(used, fields, entry.mnemonic);
  }
});

test("syntax lines show the fields of their encoding", () => {
  // Ordering bits stand in the mnemonic; the fields of fences other than the sets are reserved.
  const silent = new Set(["aq", "rl", "fm"]);
  for (const entry of ENTRIES) {
    const fields = new Set(parseEncoding(entry.encoding).fields.map((field) => field.name));
    const operands = flattenOperands(parseOperands(entry.syntax));
    const shown = new Set(operands.flatMap((operand) => fieldName(operand, fields)));
    const hidden = [...fields].filter((name) => !shown.has(name) && !silent.has(name));
    assert.deepEqual(hidden, RESERVED_FIELDS[entry.mnemonic] ?? [], entry.mnemonic);
  }
});

const RESERVED_FIELDS: Readonly<Record<string, string[]>> = {
  fence: ["rs1", "rd"],
  "fence.i": ["imm", "rs1", "rd"],
  "c.nop": ["imm"],
};

function fieldName(operand: ReturnType<typeof parseOperands>[number], fields: ReadonlySet<string>): string[] {
  if (!("field" in operand)) return [];
  assert.ok(fields.has(operand.field), `${operand.field} is no field`);
  return [operand.field];
}

test("whatever may fault comes before every architectural write", () => {
  for (const instruction of INSTRUCTIONS) {
    const { order } = effectsOf(instruction);
    const lastFault = order.findLastIndex((effect) => effect.kind === "fault");
    const firstWrite = order.findIndex((effect) => effect.kind === "write");
    assert.ok(firstWrite === -1 || lastFault < firstWrite, instruction.mnemonic);
  }
});

test("source registers are read before the destination is written", () => {
  for (const instruction of INSTRUCTIONS) {
    const { order } = effectsOf(instruction);
    const lastRead = order.findLastIndex((effect) => effect.kind === "read" && /^f?rs/.test(effect.what));
    const write = order.findIndex((effect) => effect.kind === "write" && /^f?rd$/.test(effect.what));
    assert.ok(write === -1 || lastRead < write, `${instruction.mnemonic} would read a register that it changed`);
  }
});

test("an instruction reads and writes exactly the registers that its encoding has", () => {
  const reserved = new Set(["fence", "fence.i"]);
  for (const instruction of INSTRUCTIONS) {
    if (reserved.has(instruction.mnemonic)) continue;
    const fields = new Set(parseEncoding(instruction.encoding).fields.map((field) => field.name));
    const floats = new Set(operandsOf(instruction, "float-register"));
    const integers = new Set([...fields].filter((name) => !floats.has(name)));
    const effects = effectsOf(instruction);
    const { mnemonic } = instruction;
    assert.equal(effects.readsRs1, integers.has("rs1"), `${mnemonic} rs1`);
    assert.equal(effects.readsRs2, integers.has("rs2"), `${mnemonic} rs2`);
    assert.equal(effects.writesRd, integers.has("rd"), `${mnemonic} rd`);
    assert.equal(effects.readsFloatRs1, floats.has("rs1"), `${mnemonic} frs1`);
    assert.equal(effects.readsFloatRs2, floats.has("rs2"), `${mnemonic} frs2`);
    assert.equal(effects.readsFloatRs3, floats.has("rs3"), `${mnemonic} frs3`);
    assert.equal(effects.writesFloatRd, floats.has("rd"), `${mnemonic} frd`);
    assert.equal(effects.rounds, fields.has("rm"), `${mnemonic} rm`);
  }
});

function operandsOf({ syntax }: Instruction, kind: "float-register"): string[] {
  return flattenOperands(parseOperands(syntax)).flatMap((operand) => (operand.kind === kind ? [operand.field] : []));
}

test("floating-point instructions, and no others, look first whether there is floating point", () => {
  for (const instruction of INSTRUCTIONS) {
    const { order, requiresFloat } = effectsOf(instruction);
    assert.equal(requiresFloat, instruction.extension === "F" || instruction.extension === "D", instruction.mnemonic);
    if (requiresFloat) assert.deepEqual(order[0], { kind: "fault", what: "float" }, instruction.mnemonic);
  }
});

test("every system operation has one instruction of its name", () => {
  for (const operation of SYSTEM_OPERATIONS) {
    assert.equal(effectsOf(findInstruction(operation)!).system, operation);
  }
  const users = INSTRUCTIONS.filter((entry) => effectsOf(entry).system !== undefined);
  assert.equal(users.length, SYSTEM_OPERATIONS.length);
});

test("operation numbers are positions in the table", () => {
  for (const [index, { mnemonic }] of INSTRUCTIONS.entries()) assert.equal(operationNumber(mnemonic), index);
  assert.equal(operationNumber("no-such"), -1);
});

test("ordering suffixes belong to atomic instructions only", () => {
  assert.deepEqual(splitOrdering("amoadd.w.aqrl"), { mnemonic: "amoadd.w", aqrl: 3 });
  assert.deepEqual(splitOrdering("lr.d.aq"), { mnemonic: "lr.d", aqrl: 2 });
  assert.deepEqual(splitOrdering("sc.d.rl"), { mnemonic: "sc.d", aqrl: 1 });
  assert.deepEqual(splitOrdering("add.aq"), { mnemonic: "add.aq", aqrl: 0 });
  assert.deepEqual(splitOrdering("fence.i"), { mnemonic: "fence.i", aqrl: 0 });
});

test("summaries are sentences", () => {
  for (const { mnemonic, summary } of ENTRIES) {
    assert.match(summary, /^[A-Z].*[.]$/, mnemonic);
  }
});
