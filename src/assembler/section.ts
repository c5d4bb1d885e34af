import { assert } from "../base/assert.ts";
import type { Expression } from "./expression.ts";
import type { Span } from "./source.ts";

/**
 * A section under construction: a row of chunks. A chunk is a run of bytes whose layout is known as soon as they are
 * emitted, followed by a tail whose size may depend on where other things come to lie: a branch that may have to grow,
 * an alignment, a gap of computed size. (GNU `as` calls them frags.)
 */
export class Section {
  readonly name: string;
  flags: SectionFlags;
  /** Bytes, a power of two. */
  alignment = 1;
  readonly chunks: Chunk[] = [];
  readonly fixups: Fixup[] = [];
  readonly rows: SourceRow[] = [];
  /** Set by layout: address of the first byte, size in bytes. */
  address = 0n;
  size = 0;
  #bytes = new Uint8Array(256);
  #length = 0;
  #last: Chunk;

  constructor(name: string, flags: SectionFlags) {
    this.name = name;
    this.flags = flags;
    this.#last = this.#open(undefined, 0);
  }

  #open(rigid: Chunk | undefined, rigidOffset: number): Chunk {
    const chunk: Chunk = {
      section: this,
      index: this.chunks.length,
      start: this.#length,
      length: 0,
      tail: undefined,
      tailSize: 0,
      offset: 0,
      leader: rigid,
      leaderOffset: rigidOffset,
    };
    this.chunks.push(chunk);
    this.#last = chunk;
    return chunk;
  }

  /** Where the next byte goes. */
  get here(): Place {
    return { chunk: this.#last, offset: this.#last.length };
  }

  /** Nothing has been put here. */
  get empty(): boolean {
    return this.chunks.length === 1 && this.#last.length === 0;
  }

  /** Appends the low `size` bytes of `value`, little-endian; gives the place of the first. */
  emit(size: 1 | 2 | 4 | 8, value: number | bigint): Place {
    const place = this.here;
    const at = this.#reserve(size);
    if (typeof value === "number" && size <= 4) {
      for (let index = 0; index < size; index++) this.#bytes[at + index] = value >>> (8 * index);
    } else {
      const bits = BigInt.asUintN(64, BigInt(value));
      let low = Number(bits & 0xffff_ffffn);
      for (let index = 0; index < size; index++) {
        if (index === 4) low = Number(bits >> 32n);
        this.#bytes[at + index] = low & 0xff;
        low >>>= 8;
      }
    }
    return place;
  }

  emitBytes(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Ends the chunk with a tail of unknown size, or of a known one (`rigid`: labels on both sides keep their distance). */
  end(tail: Tail, size: number, rigid: boolean): void {
    const chunk = this.#last;
    chunk.tail = tail;
    chunk.tailSize = size;
    if (rigid) this.#open(chunk.leader ?? chunk, chunk.leaderOffset + chunk.length + size);
    else this.#open(undefined, 0);
  }

  bytesOf(chunk: Chunk): Uint8Array {
    return this.#bytes.subarray(chunk.start, chunk.start + chunk.length);
  }

  #reserve(size: number): number {
    const at = this.#length;
    if (at + size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, at + size));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#length += size;
    this.#last.length += size;
    return at;
  }
}

export interface SectionFlags {
  /** Has a place in memory. */
  readonly allocated: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  /** Occupies no bytes in a file: `.bss`. */
  readonly noBits: boolean;
}

export interface Chunk {
  readonly section: Section;
  readonly index: number;
  /** First byte in the section's buffer, and number of bytes. */
  readonly start: number;
  length: number;
  tail: Tail | undefined;
  tailSize: number;
  /** Set by layout: distance of the first byte from the section's. */
  offset: number;
  /** First chunk of those that keep their distance whatever happens, and the distance; undefined: this one leads. */
  readonly leader: Chunk | undefined;
  readonly leaderOffset: number;
}

/** A place between two bytes, wherever layout puts it. */
export interface Place {
  readonly chunk: Chunk;
  readonly offset: number;
}

/** Address of a place, once layout has been done. */
export function addressOf(place: Place): bigint {
  return place.chunk.section.address + BigInt(place.chunk.offset + place.offset);
}

export type Tail =
  | {
      readonly kind: "branch";
      readonly branch: Branch;
    }
  | {
      readonly kind: "align";
      readonly alignment: number;
      /** Undefined: no-operations in code, zeros elsewhere. */
      readonly fill: number | undefined;
      readonly fillSize: number;
      /** Skip nothing when more bytes than this were needed. */
      readonly most: number;
      /** Fill with no-operations. */
      readonly code: boolean;
      /** Only an odd address is aligned; others are as good as the instructions that led there. */
      readonly onlyOdd: boolean;
    }
  | { readonly kind: "fill"; readonly value: number }
  /** `count` units of `unit` bytes. */
  | {
      readonly kind: "space";
      readonly count: Expression;
      readonly unit: number;
      readonly value: bigint;
      readonly span: Span;
    }
  | { readonly kind: "org"; readonly target: Expression; readonly value: number; readonly span: Span }
  | { readonly kind: "leb128"; readonly value: Expression; readonly signed: boolean; readonly span: Span };

/** A jump or branch to a label that has its size chosen by layout. */
export interface Branch {
  readonly target: Expression;
  readonly span: Span;
  /** The 32-bit instruction with a distance of zero. */
  readonly word: number;
  readonly conditional: boolean;
  /** The 16-bit form with a distance of zero, when there is one. */
  readonly compressed: number | undefined;
}

export type FixupKind =
  | "data8"
  | "data16"
  | "data32"
  | "data64"
  | "hi20"
  | "lo12"
  | "lo12-store"
  | "pcrel-hi20"
  | "pcrel-lo12"
  | "pcrel-lo12-store"
  | "branch"
  | "jump";

/** Bytes that are known only when everything has its address. */
export interface Fixup {
  readonly kind: FixupKind;
  readonly place: Place;
  readonly value: Expression;
  readonly span: Span;
}

/** A row of the line table to be. `file` counts the files of the line table; `span` is where the statement stands. */
export interface SourceRow {
  readonly place: Place;
  readonly span: Span;
  readonly file: number;
  readonly line: number;
  readonly column: number;
}

export function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && 2 ** Math.round(Math.log2(value)) === value;
}

/** Raises a section's alignment. */
export function alignSection(section: Section, alignment: number): void {
  assert(isPowerOfTwo(alignment), `alignment ${alignment}`);
  section.alignment = Math.max(section.alignment, alignment);
}
