import type { Prng } from "../../../src/base/prng.ts";
import { type Field, fieldRange, fits } from "../../../src/isa/encoding.ts";
import { type Emitter, encodingOf, type Fields } from "./emitter.ts";

export const ZERO = 0;
export const RA = 1;
export const SP = 2;
/** gp holds the harness's context for the whole of a case. */
const CONTEXT_REGISTER = 3;

const EDGES: readonly bigint[] = [
  ...[0n, 1n, 2n, -1n, -2n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn],
  ...[0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, -0x8000_0000n, -0x8000_0001n],
  ...[0x7fff_ffff_ffff_ffffn, -0x8000_0000_0000_0000n, -0x7fff_ffff_ffff_ffffn, 0x5555_5555_5555_5555n],
];

/** Writes a random program, keeping track of what its units share: which registers nothing may write now. */
export class ProgramWriter {
  readonly prng: Prng;
  readonly emitter: Emitter;
  /** The context, what the program itself keeps, and counters and links in use. */
  readonly #reserved: Set<number>;
  /** Blocks that the unit being written is in; 1 for those of the program itself. */
  depth = 0;
  #farJumps = 1;

  constructor(prng: Prng, emitter: Emitter, reserved: readonly number[]) {
    this.prng = prng;
    this.emitter = emitter;
    this.#reserved = new Set([CONTEXT_REGISTER, ...reserved]);
  }

  emit(mnemonic: string, fields: Fields): void {
    this.emitter.emit(mnemonic, fields);
  }

  /** Emits an instruction with random values in the fields that are not given. */
  emitRandom(mnemonic: string, given: Fields = {}): void {
    this.emit(mnemonic, this.fields(mnemonic, given));
  }

  fields(mnemonic: string, given: Fields = {}): Fields {
    const fields: Record<string, number> = {};
    for (const field of encodingOf(mnemonic).fields) {
      fields[field.name] = given[field.name] ?? this.fieldValue(field);
    }
    return fields;
  }

  fieldValue(field: Field): number {
    for (;;) {
      const value = this.#candidate(field);
      if (fits(field, value)) return value;
    }
  }

  #candidate(field: Field): number {
    const { min, max, step } = fieldRange(field);
    if (field.name === "rd") return !field.prime && this.oneIn(12) ? ZERO : this.free(field.prime);
    if (field.kind === "immediate" && this.oneIn(4)) return this.prng.pick([min, max, 0, step, -step]);
    return min + this.prng.below((max - min) / step + 1) * step;
  }

  /** 64 bits that are often at an edge of some width. */
  value(): bigint {
    switch (this.prng.below(6)) {
      case 0:
      case 1:
        return this.prng.pick(EDGES);
      case 2:
        return this.prng.pick(EDGES) + BigInt(this.prng.below(9) - 4);
      case 3:
        return BigInt.asIntN(64, this.prng.next64() >> BigInt(this.prng.below(64)));
      default:
        return this.prng.next64();
    }
  }

  oneIn(count: number): boolean {
    return this.prng.below(count) === 0;
  }

  /** Halfwords that mean nothing, for where nobody goes. */
  junk(most: number): void {
    for (let count = this.prng.below(most); count > 0; count--) this.emitter.raw(this.prng.below(0x1_0000), 2);
  }

  /** Whether a far jump may be made: outside of what branches must reach over, and once, for the sake of the batch's size. */
  takeFarJump(): boolean {
    return this.depth === 1 && this.#farJumps-- > 0;
  }

  // Registers

  /** A register that may be written, not x0; one of x8 to x15 when `prime`. */
  free(prime = false): number {
    for (;;) {
      const register = prime ? 8 + this.prng.below(8) : 1 + this.prng.below(31);
      if (!this.#reserved.has(register)) return register;
    }
  }

  /** A register to be held for a while; not one that three bits can name, so that those do not run out. */
  lasting(other?: number): number {
    for (;;) {
      const register = this.free();
      if ((register < 8 || register > 15) && register !== other) return register;
    }
  }

  any(): number {
    return this.prng.below(32);
  }

  isFree(register: number): boolean {
    return !this.#reserved.has(register);
  }

  /** Does something while `registers` may not be written. */
  holding(registers: readonly number[], action: () => void): void {
    const added = registers.filter((register) => this.isFree(register));
    for (const register of added) this.#reserved.add(register);
    action();
    for (const register of added) this.#reserved.delete(register);
  }

  // Constants and addresses

  /** Loads a constant as assemblers do. */
  constant(register: number, constant: bigint): void {
    const value = BigInt.asIntN(64, constant);
    const low = BigInt.asIntN(12, value);
    if (value === BigInt.asIntN(32, value)) {
      const high = Number(BigInt.asIntN(32, value - low));
      if (high === 0) this.emit("addi", { rd: register, rs1: ZERO, imm: Number(low) });
      else {
        this.emit("lui", { rd: register, imm: high });
        if (low !== 0n) this.emit("addiw", { rd: register, rs1: register, imm: Number(low) });
      }
      return;
    }
    this.constant(register, (value - low) >> 12n);
    this.emit("slli", { rd: register, rs1: register, shamt: 12 });
    if (low !== 0n) this.emit("addi", { rd: register, rs1: register, imm: Number(low) });
  }

  address(register: number, address: number): void {
    const distance = address - this.emitter.here;
    const low = (distance << 20) >> 20;
    this.emit("auipc", { rd: register, imm: distance - low });
    this.emit("addi", { rd: register, rs1: register, imm: low });
  }

  /** Emits code that may be skipped or repeated. */
  maybe(action: () => void): void {
    action();
  }
}
