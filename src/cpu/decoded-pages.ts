import type { FrameOffset } from "../base/brand.ts";
import { decode, instructionLength } from "../isa/decode.ts";
import { effectsOf } from "../isa/effects.ts";
import { type Decoded, DYNAMIC_ROUNDING } from "../isa/instruction.ts";
import type { InstructionSet } from "../isa/instruction-set.ts";
import { REPLAY_HINT_LOW, replayHint } from "../isa/replay-hints.ts";
import * as layout from "../memory/layout.ts";
import { PAGE_BYTES } from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { BreakpointCheck, BreakpointSetting, BreakpointSlots } from "./breakpoint-slots.ts";
import { FLAG, ROUND } from "./float-format.ts";
import { END_RECORD, FIRST_INSTRUCTION, OPERATION } from "./interpreter-module.ts";
import { PlacedBreakpoints } from "./placed-breakpoints.ts";

const GRANULE_BYTES = 64;

/** Words that were taken apart: programs say the same again and again. */
const MOST_WORDS = 1 << 14;

/** Translations that were made of decoded instructions. */
export interface Translations {
  /** Bytes of the decoded instruction at an offset of RAM were written. True: its record is wanted still. */
  rewritten(offset: number): boolean;
  /** A frame holds another page. */
  replaced(frame: number): void;
  /** A breakpoint comes to the decoded instruction at an offset of RAM, or leaves it; undefined: it is a stopping HINT now, or no longer. */
  breakpointChanged(offset: number, change: BreakpointChange | undefined): void;
}

/** A breakpoint on an address comes, or goes. */
export interface BreakpointChange {
  readonly address: bigint;
  readonly stands: boolean;
}

/** Who must hear of what happens to decoded code. */
export interface CodeObserver {
  /** A page has code now: stores to it must be looked at. */
  becameCode(page: number): void;
  translations(): Translations | undefined;
  /** All decoded pages are gone. */
  cleared(): void;
}

/**
 * The predecoded records of executed code, a page of records for a frame. Records are made when an instruction
 * is executed first and cleared when a store hits its bytes, so that they are always what memory says and `fence.i`
 * has nothing to do. They belong to frames and serve all address spaces; an instruction that straddles two pages
 * has a record for where these are in neighbouring frames, and is left to the oracle elsewhere.
 */
export class DecodedPages {
  readonly #memory: PhysicalMemory;
  readonly #isa: InstructionSet;
  readonly #breakpoints: PlacedBreakpoints;
  readonly #observer: CodeObserver;
  readonly #slots: BreakpointSlots;
  /** Offsets of RAM at which a HINT for replay was decoded. */
  readonly #hints = new Set<number>();
  #stopsAtHints = false;
  readonly #words = new Map<number, Decoded>();
  #used = 0;

  constructor(memory: PhysicalMemory, isa: InstructionSet, observer: CodeObserver, slots: BreakpointSlots) {
    this.#memory = memory;
    this.#isa = isa;
    this.#observer = observer;
    this.#slots = slots;
    this.#breakpoints = new PlacedBreakpoints((offset, address, stands) => this.#mark(offset, { address, stands }));
  }

  /** Address of the decoded page for a frame, whose page is about to be executed at a virtual page. */
  page(frame: number, virtualPage: bigint): number {
    const address = this.#page(frame);
    this.#breakpoints.mapped(virtualPage, frame);
    return address;
  }

  /** Decodes the instruction at a place into its record. */
  decodeAt(offset: FrameOffset): void {
    const { bytes, view, layout: where } = this.#memory;
    const record = this.#page(offset >>> 12) + ((offset & (PAGE_BYTES - 1)) >>> 1) * layout.RECORD_BYTES;
    const low = view.getUint16(where.ram + offset, true);
    const length = instructionLength(low);
    const fits = offset + length <= where.frameBytes;
    const word = length === 4 && fits ? view.getUint32(where.ram + offset, true) : low;
    this.#markCode(offset, fits ? length : 2);
    const decoded = fits ? this.decode(word) : undefined;
    const crosses = (offset & (PAGE_BYTES - 1)) + length > PAGE_BYTES;
    // Of one that reaches into the next virtual page, the engine sees the rest.
    if (low === REPLAY_HINT_LOW && (crosses || replayHint(word) !== undefined)) this.#hints.add(offset);
    else if (this.#hints.size > 0) this.#hints.delete(offset);
    let operation: number = decoded === undefined ? OPERATION.illegal : decoded.index + FIRST_INSTRUCTION;
    if (crosses) {
      bytes[record + layout.RECORD.straddling] = operation;
      operation = OPERATION.straddling;
    }
    bytes[record + layout.RECORD.operation] = this.#stopsAt(offset) ? OPERATION.breakpoint : operation;
    bytes[record + layout.RECORD.replaced] = operation;
    bytes[record + layout.RECORD.breakpoint] = this.#slotAt(offset);
    bytes[record + layout.RECORD.advance] = length * 8;
    if (decoded === undefined) return;
    bytes[record + layout.RECORD.rs1] = decoded.rs1 * 8;
    bytes[record + layout.RECORD.rs2] = decoded.rs2 * 8;
    view.setUint16(record + layout.RECORD.rd, destination(decoded), true);
    view.setInt32(record + layout.RECORD.immediate, decoded.imm, true);
    bytes[record + layout.RECORD.rs3] = decoded.rs3 * 8;
    bytes[record + layout.RECORD.rm] = decoded.rm;
    bytes[record + layout.RECORD.roundingMask] = roundingMask(decoded.rm);
  }

  ensureDecoded(offset: number): void {
    if (this.#decodedRecord(offset) === 0) this.decodeAt(offset as FrameOffset);
  }

  /** The interpreter must look at a HINT there each time: no translation may go on over it. */
  isStoppingHint(offset: number): boolean {
    return this.#stopsAtHints && this.#hints.has(offset);
  }

  /** Addresses of the breakpoints on the instruction at an offset of RAM. */
  breakpointsAt(offset: number): Iterable<bigint> {
    return this.#breakpoints.at(offset);
  }

  /** A word taken apart, if the harts have that instruction. */
  decode(word: number): Decoded | undefined {
    const known = this.#words.get(word);
    if (known !== undefined) return known;
    const decoded = decode(word);
    if (decoded === undefined || !this.#isa.executes(decoded)) return undefined;
    if (this.#words.size === MOST_WORDS) this.#words.clear();
    this.#words.set(word, decoded);
    return decoded;
  }

  /** Bytes of RAM were written: records that they belong to are cleared, or decoded again. */
  overwritten(offset: FrameOffset, size: number): void {
    const { flags, codeGranules } = this.#memory;
    const last = offset + size - 1;
    for (let page = offset >>> 12; page <= last >>> 12; page++) {
      if ((flags[page] & layout.PAGE_FLAG.code) === 0 || codeGranules[page] === 0n) continue;
      const from = Math.max(offset, page * PAGE_BYTES);
      const to = Math.min(last, page * PAGE_BYTES + PAGE_BYTES - 1);
      // A four-byte instruction may begin in the halfword before the first byte written. (`& ~1` would make an offset
      // beyond 2 GiB negative.)
      for (let at = Math.max(0, from - (from & 1) - 2); at <= to; at += 2) this.#rewritten(at);
    }
  }

  /** A frame holds another page, of which nothing has been decoded: that is no change of its code. */
  replaced(frame: number): void {
    const { bytes, decodedPointers, codeGranules, flags } = this.#memory;
    if ((flags[frame] & layout.PAGE_FLAG.code) === 0) return;
    flags[frame] &= ~layout.PAGE_FLAG.code;
    codeGranules[frame] = 0n;
    this.#observer.translations()?.replaced(frame);
    const page = decodedPointers[frame];
    if (page !== 0) bytes.fill(0, page, page + END_RECORD);
    if (page !== 0) bytes.fill(0, page + layout.ARRIVALS, page + layout.DECODED_PAGE_BYTES);
    // An instruction that begins in the frame before ends here.
    if (frame > 0) this.#rewritten(frame * PAGE_BYTES - 2);
  }

  /** Where breakpoints stand, by virtual address; records change at once, and only those that must. */
  setBreakpoints(setting: BreakpointSetting, places: (virtualPage: bigint) => Iterable<number>): void {
    this.#slots.set(setting);
    this.#breakpoints.set(setting.addresses, places);
  }

  /** How a translation of the instruction at an address is to look for a breakpoint: see BreakpointSlots. */
  breakpointCheck(address: bigint): BreakpointCheck | 0 | undefined {
    return this.#slots.checkOf(address);
  }

  /** Whether the HINTs for replay are as breakpoints; records of those that have been executed change at once. */
  stopAtHints(stops: boolean): void {
    if (stops === this.#stopsAtHints) return;
    this.#stopsAtHints = stops;
    for (const offset of this.#hints) this.#mark(offset);
  }

  /** The frame that a decoded page is for. */
  frameOf(decodedPage: number): number {
    return this.#memory.view.getUint32(decodedPage + END_RECORD + layout.RECORD.immediate, true);
  }

  /** Forgets everything. */
  clear(): void {
    const { bytes, decodedPointers, codeGranules, flags } = this.#memory;
    bytes.fill(0, layout.DECODED_POOL, layout.DECODED_POOL + this.#used * layout.DECODED_PAGE_BYTES);
    decodedPointers.fill(0);
    codeGranules.fill(0n);
    for (let page = 0; page < flags.length; page++) flags[page] &= ~layout.PAGE_FLAG.code;
    this.#used = 0;
    this.#breakpoints.forgetPlaces();
    this.#hints.clear();
    this.#observer.cleared();
  }

  #page(frame: number): number {
    const known = this.#memory.decodedPointers[frame];
    if (known !== 0) return known;
    if (this.#used === layout.DECODED_PAGES) this.clear();
    const address = layout.DECODED_POOL + this.#used++ * layout.DECODED_PAGE_BYTES;
    for (const end of [END_RECORD, END_RECORD + layout.RECORD_BYTES]) {
      this.#memory.bytes[address + end + layout.RECORD.operation] = OPERATION.pageEnd;
    }
    this.#memory.view.setUint32(address + END_RECORD + layout.RECORD.immediate, frame, true);
    this.#memory.decodedPointers[frame] = address;
    return address;
  }

  #stopsAt(offset: number): boolean {
    return this.#breakpoints.standsAt(offset) || this.isStoppingHint(offset);
  }

  /** Whether the engines stop at an offset is another now, perhaps; `change` undefined: because of a HINT. */
  #mark(offset: number, change?: BreakpointChange): void {
    const record = this.#decodedRecord(offset);
    if (record === 0) return;
    this.#observer.translations()?.breakpointChanged(offset, change);
    const { bytes } = this.#memory;
    const replaced = bytes[record + layout.RECORD.replaced];
    bytes[record + layout.RECORD.operation] = this.#stopsAt(offset) ? OPERATION.breakpoint : replaced;
    bytes[record + layout.RECORD.breakpoint] = this.#slotAt(offset);
  }

  #slotAt(offset: number): number {
    const address = this.isStoppingHint(offset) ? undefined : this.#breakpoints.onlyAt(offset);
    return address === undefined ? 0 : this.#slots.numberOf(address);
  }

  #rewritten(offset: number): void {
    const record = this.#decodedRecord(offset);
    if (record === 0) return;
    if (this.#observer.translations()?.rewritten(offset)) this.decodeAt(offset as FrameOffset);
    else this.#memory.bytes[record + layout.RECORD.operation] = OPERATION.undecoded;
  }

  /** The record of a decoded instruction, or 0. */
  #decodedRecord(offset: number): number {
    const { bytes, decodedPointers } = this.#memory;
    const page = decodedPointers[offset >>> 12];
    if (page === 0) return 0;
    const record = page + ((offset & (PAGE_BYTES - 1)) >>> 1) * layout.RECORD_BYTES;
    return bytes[record + layout.RECORD.operation] === OPERATION.undecoded ? 0 : record;
  }

  #markCode(offset: number, length: number): void {
    const { flags, codeGranules } = this.#memory;
    for (const byte of [offset, offset + length - 1]) {
      const page = byte >>> 12;
      codeGranules[page] |= 1n << BigInt(((byte & (PAGE_BYTES - 1)) / GRANULE_BYTES) | 0);
      if ((flags[page] & layout.PAGE_FLAG.code) !== 0) continue;
      flags[page] |= layout.PAGE_FLAG.code;
      // Stores to this page must take the slow path from now on.
      this.#observer.becameCode(page);
    }
  }
}

/** Address of the register that the instruction writes. */
function destination(decoded: Decoded): number {
  if (effectsOf(decoded.instruction).writesFloatRd) return layout.FLOAT_REGISTERS + decoded.rd * 8;
  return decoded.rd === 0 ? layout.REGISTER_SINK : decoded.rd * 8;
}

/** See RECORD.roundingMask. */
function roundingMask(rm: number): number {
  if (rm === DYNAMIC_ROUNDING) return FRM_BITS | FLAG.inexact;
  return rm === ROUND.nearestEven ? FLAG.inexact : 0;
}

/** frm in fcsr. */
const FRM_BITS = 7 << 5;
