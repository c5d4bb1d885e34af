import { instructionLength } from "../isa/decode.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { Region } from "./region.ts";

/** An instruction as it was when a translation was made of it. */
interface TranslatedInstruction {
  readonly word: number;
  /** Bits that the translation reads from RAM each time, so that it does not depend on them. */
  readonly open: number;
  /** Offset in RAM of the entry of the innermost call that brought the instruction in, or of the region. */
  readonly owner: number;
}

/** How an instruction in RAM compares with the one that a translation was made of: the same to it, or another. */
export type Difference = "none" | "immediate" | "other";

/** What a translation was made of. */
export class TranslatedCode {
  readonly #memory: PhysicalMemory;
  /** By offset in RAM. */
  readonly #instructions = new Map<number, TranslatedInstruction>();

  /** `place`: of a distance from the region's entry. */
  constructor(memory: PhysicalMemory, { blocks }: Region, place: (distance: number) => number | undefined) {
    this.#memory = memory;
    for (const { context, instructions } of blocks) {
      const owner = place(context.entry) ?? 0;
      for (const placed of instructions) {
        const word = wordAt(memory, placed.place);
        const open = placed.patched === undefined ? 0 : IMMEDIATE_BITS[placed.patched];
        this.#instructions.set(placed.place, { word, open, owner });
      }
    }
  }

  get offsets(): Iterable<number> {
    return this.#instructions.keys();
  }

  get pages(): ReadonlySet<number> {
    return new Set([...this.#instructions.keys()].map((offset) => offset >>> 12));
  }

  has(offset: number): boolean {
    return this.#instructions.has(offset);
  }

  ownerOf(offset: number): number | undefined {
    return this.#instructions.get(offset)?.owner;
  }

  /** `offset` is an instruction's. */
  difference(offset: number): Difference {
    const { word, open } = this.#instructions.get(offset)!;
    const difference = word ^ wordAt(this.#memory, offset);
    if ((difference & ~open) === 0) return "none";
    return (difference & ~immediateBits(word)) === 0 ? "immediate" : "other";
  }

  /** Whether RAM holds this code now. */
  isThere(): boolean {
    for (const offset of this.#instructions.keys()) if (this.difference(offset) !== "none") return false;
    return true;
  }
}

export function wordAt({ view, layout: { ram } }: PhysicalMemory, offset: number): number {
  const low = view.getUint16(ram + offset, true);
  return instructionLength(low) === 2 ? low : view.getInt32(ram + offset, true);
}

const OP_IMM = 0x13;
const OP_IMM_32 = 0x1b;
const LUI = 0x37;

/** The manual's format of an instruction whose immediate is patched. */
export type PatchedFormat = "I" | "U";

const IMMEDIATE_BITS: Readonly<Record<PatchedFormat, number>> = { I: 0xfff << 20, U: 0xfffff << 12 };

/**
 * The format where the immediate is a value and nothing else, so that a translation can look for it in RAM: of addi and
 * its like, and of lui. Not where rd is x0: there an immediate makes another instruction of it, or says what a hint means.
 */
export function patchedFormat(word: number): PatchedFormat | undefined {
  const [opcode, rd, funct3] = [word & 0x7f, (word >>> 7) & 31, (word >>> 12) & 7];
  if (rd === 0) return undefined;
  if (opcode === LUI) return "U";
  const isShift = funct3 === 1 || funct3 === 5;
  return (opcode === OP_IMM && !isShift) || (opcode === OP_IMM_32 && funct3 === 0) ? "I" : undefined;
}

function immediateBits(word: number): number {
  const format = patchedFormat(word);
  return format === undefined ? 0 : IMMEDIATE_BITS[format];
}
