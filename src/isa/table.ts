import { assert } from "../base/assert.ts";
import { ATOMIC } from "./atomic.ts";
import { BASE_INTEGER } from "./base-integer.ts";
import { BIT_MANIPULATION } from "./bit-manipulation.ts";
import { CACHE_BLOCK } from "./cache-block.ts";
import { COMPRESSED } from "./compressed.ts";
import { CONDITIONAL } from "./conditional.ts";
import { FLOAT_DOUBLE } from "./float-double.ts";
import { FLOAT_SINGLE } from "./float-single.ts";
import type { CompressedInstruction, Instruction } from "./instruction.ts";
import { MULTIPLY } from "./multiply.ts";
import { SPIN_WAIT } from "./spin-wait.ts";
import { SUPERVISOR } from "./supervisor.ts";
import { SYSTEM } from "./system.ts";
import { WORD_INTEGER } from "./word-integer.ts";

/** Every instruction; the position in this list is the operation number, so new groups go to the end. */
export const INSTRUCTIONS: readonly Instruction[] = [
  ...BASE_INTEGER,
  ...WORD_INTEGER,
  ...MULTIPLY,
  ...ATOMIC,
  ...SYSTEM,
  ...BIT_MANIPULATION,
  ...CONDITIONAL,
  ...CACHE_BLOCK,
  ...SPIN_WAIT,
  ...SUPERVISOR,
  ...FLOAT_SINGLE,
  ...FLOAT_DOUBLE,
];

export { COMPRESSED } from "./compressed.ts";

const indexByMnemonic = new Map(INSTRUCTIONS.map((entry, index) => [entry.mnemonic, index]));
const compressedByMnemonic = new Map(COMPRESSED.map((entry) => [entry.mnemonic, entry]));

assert(indexByMnemonic.size === INSTRUCTIONS.length, "two instructions share a mnemonic");
assert(compressedByMnemonic.size === COMPRESSED.length, "two compressed instructions share a mnemonic");

/** Operation number of a mnemonic in lower case, without `.aq`/`.rl`; -1 when there is none. */
export function operationNumber(mnemonic: string): number {
  return indexByMnemonic.get(mnemonic) ?? -1;
}

/** The 32-bit instruction of a mnemonic in lower case, without `.aq`/`.rl`. */
export function findInstruction(mnemonic: string): Instruction | undefined {
  const index = indexByMnemonic.get(mnemonic);
  return index === undefined ? undefined : INSTRUCTIONS[index];
}

/** The 16-bit form of a mnemonic in lower case, `c.addi`. */
export function findCompressed(mnemonic: string): CompressedInstruction | undefined {
  return compressedByMnemonic.get(mnemonic);
}

/** Suffixes of the atomic instructions and the bits that they set in `Decoded.aqrl`. */
export const ORDERING_SUFFIXES: readonly { readonly suffix: string; readonly aqrl: number }[] = [
  { suffix: ".aqrl", aqrl: 3 },
  { suffix: ".aq", aqrl: 2 },
  { suffix: ".rl", aqrl: 1 },
];

/** Splits `amoadd.w.aqrl` into `amoadd.w` and 3; a mnemonic without such a suffix keeps its name and gets 0. */
export function splitOrdering(mnemonic: string): { mnemonic: string; aqrl: number } {
  for (const { suffix, aqrl } of ORDERING_SUFFIXES) {
    if (!mnemonic.endsWith(suffix)) continue;
    const stem = mnemonic.slice(0, -suffix.length);
    if (findInstruction(stem)?.encoding.includes(" aq rl ")) return { mnemonic: stem, aqrl };
  }
  return { mnemonic, aqrl: 0 };
}
