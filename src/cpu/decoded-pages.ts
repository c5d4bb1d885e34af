import { assert } from "../base/assert.ts";
import { decode, instructionLength } from "../isa/decode.ts";
import type { Decoded } from "../isa/instruction.ts";
import type { InstructionSet } from "../isa/instruction-set.ts";
import * as layout from "../memory/layout.ts";
import { PAGE_BYTES } from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { FIRST_INSTRUCTION, OPERATION } from "./interpreter-module.ts";

const GRANULE_BYTES = 64;

/**
 * The predecoded records of executed code, a page of records for a page of RAM. Records are made when an instruction
 * is executed first and cleared when a store hits its bytes, so that they are always what memory says and `fence.i`
 * has nothing to do. An instruction that straddles two pages is a record of the first; both pages are then marked as
 * code.
 */
export class DecodedPages {
  readonly #memory: PhysicalMemory;
  readonly #isa: InstructionSet;
  /** Offsets of RAM at which a breakpoint stands. */
  #breakpoints: ReadonlySet<number> = new Set();
  #used = 0;
  readonly #flushTags: () => void;

  /** `flushTags` makes every translation entry invalid. */
  constructor(memory: PhysicalMemory, isa: InstructionSet, flushTags: () => void) {
    this.#memory = memory;
    this.#isa = isa;
    this.#flushTags = flushTags;
  }

  /** Address of the decoded page for a page of RAM, made when there is none. */
  page(ramPage: number): number {
    const known = this.#memory.decodedPointers[ramPage];
    if (known !== 0) return known;
    if (this.#used === layout.DECODED_PAGES) this.clear();
    const address = layout.DECODED_POOL + this.#used++ * layout.DECODED_PAGE_BYTES;
    for (const end of [2048, 2049]) {
      const record = address + end * layout.RECORD_BYTES;
      this.#memory.bytes[record + layout.RECORD.operation] = OPERATION.pageEnd;
    }
    this.#memory.decodedPointers[ramPage] = address;
    return address;
  }

  /**
   * Decodes the instruction at an offset of RAM into its record. False when its bytes reach past the end of RAM, where
   * nothing can be fetched.
   */
  decodeAt(offset: number): boolean {
    const { bytes, view, ram } = this.#memory;
    const fetched = this.fetch(offset);
    if (fetched === undefined) return false;
    const record = this.page(offset >>> 12) + ((offset & (PAGE_BYTES - 1)) >>> 1) * layout.RECORD_BYTES;
    this.#markCode(offset, fetched.length);
    assert(ram.length > offset, "the instruction is in RAM");
    const { decoded } = fetched;
    const operation = decoded === undefined ? OPERATION.illegal : decoded.index + FIRST_INSTRUCTION;
    const broken = this.#breakpoints.has(offset);
    bytes[record + layout.RECORD.operation] = broken ? OPERATION.breakpoint : operation;
    bytes[record + layout.RECORD.replaced] = operation;
    bytes[record + layout.RECORD.advance] = fetched.length * 8;
    if (decoded === undefined) return true;
    bytes[record + layout.RECORD.rs1] = decoded.rs1 * 8;
    bytes[record + layout.RECORD.rs2] = decoded.rs2 * 8;
    view.setUint16(record + layout.RECORD.rd, decoded.rd === 0 ? layout.REGISTER_SINK : decoded.rd * 8, true);
    view.setInt32(record + layout.RECORD.immediate, decoded.imm, true);
    return true;
  }

  /** The instruction at an offset of RAM; undefined when not all of it lies in RAM. */
  fetch(offset: number): { length: 2 | 4; word: number; decoded: Decoded | undefined } | undefined {
    const { ram, view, layout: where } = this.#memory;
    if (offset < 0 || offset + 2 > ram.length) return undefined;
    const low = view.getUint16(where.ram + offset, true);
    const length = instructionLength(low);
    if (length === 2) return { length, word: low, decoded: this.#decode(low) };
    if (offset + 4 > ram.length) return undefined;
    const word = view.getUint32(where.ram + offset, true);
    return { length, word, decoded: this.#decode(word) };
  }

  /** Undefined also for an instruction that the harts do not have. */
  #decode(word: number): Decoded | undefined {
    const decoded = decode(word);
    return decoded !== undefined && this.#isa.executes(decoded) ? decoded : undefined;
  }

  /** Bytes of RAM were written: records that they belong to are cleared. */
  overwritten(offset: number, size: number): void {
    const { flags, codeGranules } = this.#memory;
    const last = offset + size - 1;
    for (let page = offset >>> 12; page <= last >>> 12; page++) {
      if ((flags[page] & layout.PAGE_FLAG.code) === 0 || codeGranules[page] === 0n) continue;
      const from = Math.max(offset, page * PAGE_BYTES);
      const to = Math.min(last, page * PAGE_BYTES + PAGE_BYTES - 1);
      // A four-byte instruction may begin in the halfword before the first byte written. (`& ~1` would make an offset
      // beyond 2 GiB negative.)
      for (let at = Math.max(0, from - (from & 1) - 2); at <= to; at += 2) this.#clearRecord(at);
    }
  }

  /** Breakpoints stand at offsets of RAM; records change at once, and only those that must. */
  setBreakpoints(offsets: ReadonlySet<number>): void {
    const old = this.#breakpoints;
    this.#breakpoints = offsets;
    for (const offset of old) if (!offsets.has(offset)) this.#putOperation(offset, (replaced) => replaced);
    for (const offset of offsets) if (!old.has(offset)) this.#putOperation(offset, () => OPERATION.breakpoint);
  }

  /** Forgets everything. */
  clear(): void {
    const { bytes, decodedPointers, codeGranules, flags } = this.#memory;
    bytes.fill(0, layout.DECODED_POOL, layout.DECODED_POOL + this.#used * layout.DECODED_PAGE_BYTES);
    decodedPointers.fill(0);
    codeGranules.fill(0n);
    for (let page = 0; page < flags.length; page++) flags[page] &= ~layout.PAGE_FLAG.code;
    this.#used = 0;
    this.#flushTags();
  }

  #clearRecord(offset: number): void {
    this.#putOperation(offset, () => OPERATION.undecoded);
  }

  /** Gives a decoded record another operation; one that is not decoded stays so. */
  #putOperation(offset: number, operation: (replaced: number) => number): void {
    const page = this.#memory.decodedPointers[offset >>> 12];
    if (page === 0) return;
    const { bytes } = this.#memory;
    const record = page + ((offset & (PAGE_BYTES - 1)) >>> 1) * layout.RECORD_BYTES;
    if (bytes[record + layout.RECORD.operation] === OPERATION.undecoded) return;
    bytes[record + layout.RECORD.operation] = operation(bytes[record + layout.RECORD.replaced]);
  }

  #markCode(offset: number, length: number): void {
    const { flags, codeGranules } = this.#memory;
    for (const byte of [offset, offset + length - 1]) {
      const page = byte >>> 12;
      codeGranules[page] |= 1n << BigInt(((byte & (PAGE_BYTES - 1)) / GRANULE_BYTES) | 0);
      if ((flags[page] & layout.PAGE_FLAG.code) !== 0) continue;
      flags[page] |= layout.PAGE_FLAG.code;
      // Stores to this page must take the slow path from now on.
      this.#flushTags();
    }
  }
}
