import { assert } from "../../../src/base/assert.ts";
import { type Encoding, encode, parseEncoding } from "../../../src/isa/encoding.ts";
import { findCompressed, findInstruction } from "../../../src/isa/table.ts";

export type Fields = Readonly<Record<string, number>>;

/** An instruction whose immediate is not known yet. */
export interface Fixup {
  readonly mnemonic: string;
  readonly fields: Fields;
  readonly address: number;
}

export function encodingOf(mnemonic: string): Encoding {
  const entry = findInstruction(mnemonic) ?? findCompressed(mnemonic);
  assert(entry !== undefined, `no instruction ${mnemonic}`);
  return parseEncoding(entry.encoding);
}

export function encodeWord(mnemonic: string, fields: Fields): number {
  const encoding = encodingOf(mnemonic);
  for (const name of Object.keys(fields)) {
    const known = encoding.fields.some((field) => field.name === name);
    assert(known, `${mnemonic} has no field ${name}`);
  }
  return encode(encoding, fields);
}

/** Places machine code in memory, one instruction after the other, by the instruction table's own encodings. */
export class Emitter {
  readonly base: number;
  /** Mnemonics that have been emitted, for the proof that the generator reaches the whole table. */
  readonly emitted = new Map<string, number>();
  #bytes: Uint8Array;
  #length = 0;

  constructor(base: number, capacity: number) {
    this.base = base;
    this.#bytes = new Uint8Array(capacity);
  }

  /** Address of what is emitted next. */
  get here(): number {
    return this.base + this.#length;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  emit(mnemonic: string, fields: Fields): void {
    this.raw(encodeWord(mnemonic, fields), encodingOf(mnemonic).length);
    this.emitted.set(mnemonic, (this.emitted.get(mnemonic) ?? 0) + 1);
  }

  /** Emits an instruction whose immediate follows. */
  emitUnfinished(mnemonic: string, fields: Fields): Fixup {
    const fixup = { mnemonic, fields, address: this.here };
    this.emit(mnemonic, fields);
    return fixup;
  }

  /** Points a jump or branch here, or to another address. */
  patchTarget(fixup: Fixup, target = this.here): void {
    this.patchImmediate(fixup, target - fixup.address);
  }

  patchImmediate({ mnemonic, fields, address }: Fixup, imm: number): void {
    this.#write(address, encodeWord(mnemonic, { ...fields, imm }), encodingOf(mnemonic).length);
  }

  /** Any 16- or 32-bit word, whatever it means. */
  raw(word: number, length: 2 | 4): void {
    this.#write(this.here, word, length);
    this.#length += length;
  }

  /** Leaves a gap of zeros, to an even address. */
  skip(bytes: number): void {
    this.#grow(bytes);
    this.#length += bytes & ~1;
  }

  #write(address: number, word: number, length: 2 | 4): void {
    this.#grow(4);
    const view = new DataView(this.#bytes.buffer);
    if (length === 2) view.setUint16(address - this.base, word, true);
    else view.setUint32(address - this.base, word, true);
  }

  #grow(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(this.#bytes.length * 2 + more);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
