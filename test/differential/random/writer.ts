import type { Prng } from "../../../src/base/prng.ts";
import type { Emitter } from "./emitter.ts";
import { ProgramWriter, SP } from "./program-writer.ts";

// Known to harness.S too.
export const WINDOW = 0x8001_0e00;
export const WINDOW_BYTES = 1024;

/**
 * Registers that always point into the window, so that loads and stores can be generated: sp, because compressed forms
 * imply it, and two that a three-bit field can name.
 */
export const POINTERS = [SP, 8, 9];
/** A pointer keeps this far from the window's end, so that positive offsets find room. */
const POINTER_ROOM_BYTES = 128;

/** Writes a random program for machine mode, keeping track of where the pointers point. */
export class CaseWriter extends ProgramWriter {
  /** Offset in the window of each pointer. */
  readonly #offsets = new Map<number, number>();

  constructor(prng: Prng, emitter: Emitter) {
    super(prng, emitter, POINTERS);
    for (const pointer of POINTERS) this.setPointer(pointer);
  }

  /** A free register with the address of a word of the window, `displacement` bytes beside its alignment. */
  windowAddress(bytes: number, displacement = 0): number {
    const register = this.lasting();
    this.address(register, WINDOW + this.prng.below(WINDOW_BYTES / bytes - 1) * bytes + displacement);
    return register;
  }

  setPointer(pointer: number, offset = this.prng.below((WINDOW_BYTES - POINTER_ROOM_BYTES) / 8) * 8): void {
    this.address(pointer, WINDOW + offset);
    this.#offsets.set(pointer, offset);
  }

  pointerOffset(pointer: number): number {
    return this.#offsets.get(pointer)!;
  }

  /** Emits code that may be skipped or repeated; behind it the pointers are as before it, either way. */
  override maybe(action: () => void): void {
    const before = new Map(this.#offsets);
    action();
    for (const [pointer, offset] of before) {
      if (this.#offsets.get(pointer) !== offset) this.setPointer(pointer, offset);
    }
  }
}
