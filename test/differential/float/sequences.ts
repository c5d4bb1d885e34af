import { assert } from "../../../src/base/assert.ts";
import { Prng } from "../../../src/base/prng.ts";
import { FORMATS } from "../../../src/cpu/float-format.ts";
import { encode, fieldRange, fits, parseEncoding } from "../../../src/isa/encoding.ts";
import type { Instruction } from "../../../src/isa/instruction.ts";
import { flattenOperands, parseOperands } from "../../../src/isa/operands.ts";
import { INSTRUCTIONS } from "../../../src/isa/table.ts";
import { floatTriple, integerValue } from "./operands.ts";
import { DATA, type Guest } from "./runner.ts";

/**
 * Straight-line programs of floating-point instructions whose results are operands of the next: registers that are source
 * and destination at once, singles where doubles are, flags that accrue, modes that change and traps where frm is reserved.
 */
const FLOAT_REGISTERS = 32;
/** a0 to a7: what the programs have of integers. */
const INTEGER_REGISTERS = 8;
const A0 = 10;
const LENGTH = 24;
const FRM = 2;

const STATE_WORDS = FLOAT_REGISTERS + INTEGER_REGISTERS;
/** The registers, fcsr, and how many instructions trapped. */
export const RESULT_WORDS = STATE_WORDS + 2;

const ARITHMETIC = INSTRUCTIONS.filter(
  ({ extension, syntax }) => (extension === "F" || extension === "D") && !syntax.includes("("),
);

export interface Sequence {
  readonly seed: number;
  readonly words: readonly number[];
  readonly state: readonly bigint[];
}

export function makeSequence(seed: number): Sequence {
  const prng = new Prng(seed);
  const words = Array.from({ length: LENGTH }, () =>
    // Mostly legal modes: 5 to 7 make every dynamic instruction behind a trap.
    prng.below(10) === 0 ? setRoundingMode(prng.below(20) === 0 ? 5 + prng.below(3) : prng.below(5)) : randomWord(prng),
  );
  const floats = Array.from({ length: FLOAT_REGISTERS }, () => floatTriple(prng, prng.pick(Object.values(FORMATS))).a);
  const integers = Array.from({ length: INTEGER_REGISTERS }, () => integerValue(prng));
  return { seed, words, state: [...floats, ...integers] };
}

/** csrrwi zero, frm, mode. */
function setRoundingMode(mode: number): number {
  const csrrwi = INSTRUCTIONS.find(({ mnemonic }) => mnemonic === "csrrwi");
  assert(csrrwi !== undefined, "the table has csrrwi");
  return encode(parseEncoding(csrrwi.encoding), { csr: FRM, uimm: mode });
}

function randomWord(prng: Prng): number {
  const instruction = prng.pick(ARITHMETIC);
  const encoding = parseEncoding(instruction.encoding);
  const integers = integerFields(instruction);
  // Few registers in one program, so that results are used.
  const register = (): number => (prng.below(3) === 0 ? prng.below(FLOAT_REGISTERS) : prng.below(6));
  const fields = encoding.fields.map((field): [string, number] => {
    if (field.kind === "register") {
      return [field.name, integers.has(field.name) ? A0 + prng.below(INTEGER_REGISTERS) : register()];
    }
    for (;;) {
      const value = prng.below(3) > 0 ? 7 : prng.below(fieldRange(field).max + 1);
      if (fits(field, value)) return [field.name, value];
    }
  });
  return encode(encoding, Object.fromEntries(fields));
}

function integerFields({ syntax }: Instruction): Set<string> {
  const operands = flattenOperands(parseOperands(syntax));
  return new Set(operands.flatMap((operand) => (operand.kind === "register" ? [operand.field] : [])));
}

/** All sequences one after the other; each leaves RESULT_WORDS words. */
export function guestOf(sequences: readonly Sequence[]): Guest {
  const data = new Uint8Array(sequences.length * STATE_WORDS * 8);
  const view = new DataView(data.buffer);
  sequences.forEach(({ state }, position) => {
    state.forEach((word, index) => {
      view.setBigUint64((position * STATE_WORDS + index) * 8, word, true);
    });
  });
  const each = (template: (register: string, offset: number) => string): string =>
    Array.from({ length: STATE_WORDS }, (_, index) => {
      const register = index < FLOAT_REGISTERS ? `f${index}` : `a${index - FLOAT_REGISTERS}`;
      return template(register, index * 8);
    }).join("\n");
  const load = (register: string, offset: number): string =>
    `  ${register.startsWith("f") ? "fld" : "ld"} ${register}, ${offset}(s0)`;
  const store = (register: string, offset: number): string =>
    `  ${register.startsWith("f") ? "fsd" : "sd"} ${register}, ${offset}(s2)`;
  const programs = sequences.map(
    ({ words }) => `
  fscsr zero
  li s4, 0
  jal load_state
  ${words.map((word) => `.word 0x${word.toString(16)}`).join("\n  ")}
  jal store_state`,
  );
  const body = `
  la t0, trapped
  csrw mtvec, t0
  li s0, ${DATA}
  j programs
  .balign 4
trapped:
  csrr t0, mepc
  addi t0, t0, 4
  csrw mepc, t0
  addi s4, s4, 1
  mret
load_state:
${each(load)}
  addi s0, s0, ${STATE_WORDS * 8}
  ret
store_state:
${each(store)}
  frcsr t0
  sd t0, ${STATE_WORDS * 8}(s2)
  sd s4, ${STATE_WORDS * 8 + 8}(s2)
  addi s2, s2, ${RESULT_WORDS * 8}
  ret
programs:
${programs.join("\n")}`;
  return { body, data, resultBytes: sequences.length * RESULT_WORDS * 8 };
}
