import { assert } from "../../../src/base/assert.ts";
import type { Prng } from "../../../src/base/prng.ts";
import * as plan from "./memory-plan.ts";

// Page tables of a case, built in its slot (privileged manual, sections 12.3 to 12.6).

export const V = 1n << 0n;
export const R = 1n << 1n;
export const W = 1n << 2n;
export const X = 1n << 3n;
export const U = 1n << 4n;
export const G = 1n << 5n;
export const A = 1n << 6n;
export const D = 1n << 7n;
const RSW_SHIFT = 8n;
const PBMT_SHIFT = 61n;
const N = 1n << 63n;
/** A page of 64 KiB is said by the lowest bits of its number. */
const NAPOT_64K = 8n;

/** Of Sv57: all levels but the root, and one for a pointer that is spoiled. */
const TABLES_OF_AREA = 5;
/** Of Sv57: a path to the harness, and another branch for user mode down to the lowest level. */
const TABLES_OF_SYSTEM = 6;

const INDEX_BITS = 9;
const ENTRY_BYTES = 8;

export interface Scheme {
  readonly name: string;
  readonly levels: number;
  /** satp.MODE. */
  readonly mode: bigint;
}

export const SCHEMES: readonly Scheme[] = [
  { name: "Sv39", levels: 3, mode: 8n },
  { name: "Sv48", levels: 4, mode: 9n },
  { name: "Sv57", levels: 5, mode: 10n },
];

export type Content = "pool" | "functions" | "nowhere" | "strongbox";

/** A virtual page that cases access. */
export interface Area {
  /** Of its first byte, unsigned. */
  readonly address: bigint;
  readonly content: Content;
  /** What the page after it leads to: the same, or nothing. */
  readonly straddles: boolean;
  /** The entry that maps it, and the level that it is on; absent where the walk ends before. */
  readonly entry?: { readonly address: number; readonly level: number };
}

/** Writes tables into one slot. */
export class PageTables {
  readonly #prng: Prng;
  readonly #view: DataView;
  readonly #slot: number;
  #next = plan.SLOT_TABLES;
  /** Addresses of entries that are compared at the end. */
  readonly watched = new Set<number>();
  readonly notes: string[] = [];
  /** Tables that only lead to areas, and pointers to them. */
  readonly ofAreas: number[] = [];
  readonly pointers: number[] = [];

  /** `view` is of the slot's bytes, `slot` its address. */
  constructor(prng: Prng, view: DataView, slot: number) {
    this.#prng = prng;
    this.#view = view;
    this.#slot = slot;
  }

  /** Where the next table will be. */
  get next(): number {
    return this.#slot + this.#next;
  }

  /** For the tables of one area more, and of so many address spaces behind. */
  hasRoom(spaces: number): boolean {
    return this.#next + (TABLES_OF_AREA + spaces * TABLES_OF_SYSTEM) * plan.PAGE <= plan.SLOT_BYTES;
  }

  allocate(): number {
    const table = this.#slot + this.#next;
    this.#next += plan.PAGE;
    assert(this.#next <= plan.SLOT_BYTES, "page tables beyond the slot");
    return table;
  }

  read(address: number): bigint {
    return this.#view.getBigUint64(address - this.#slot, true);
  }

  write(address: number, entry: bigint): void {
    this.#view.setBigUint64(address - this.#slot, BigInt.asUintN(64, entry), true);
    this.watched.add(address);
  }

  /** Address of the entry for `address` on `level`; tables on the way are made. Undefined: a leaf is in the way. */
  entryAddress(root: number, scheme: Scheme, address: bigint, level: number): number | undefined {
    let table = root;
    for (let at = scheme.levels - 1; ; at--) {
      const entry = table + indexOf(address, at) * ENTRY_BYTES;
      if (at === level) return entry;
      const value = this.read(entry);
      if (value === 0n) {
        table = this.allocate();
        this.write(entry, pointer(table) | (this.#prng.below(6) === 0 ? G : 0n));
        this.pointers.push(entry);
      } else {
        if ((value & (R | W | X)) !== 0n || (value & V) === 0n || value >> 54n !== 0n || (value & (U | A | D)) !== 0n) {
          return undefined;
        }
        table = Number((value >> 10n) << 12n);
      }
    }
  }

  map(root: number, scheme: Scheme, address: number, physical: number, level: number, flags: bigint): void {
    const entry = this.entryAddress(root, scheme, BigInt(address), level);
    assert(entry !== undefined, "a system mapping met a leaf");
    this.write(entry, leaf(physical, flags));
  }
}

export function indexOf(address: bigint, level: number): number {
  return Number((address >> BigInt(12 + INDEX_BITS * level)) & 511n);
}

export function pointer(table: number): bigint {
  return (BigInt(table) >> 2n) | V;
}

export function leaf(physical: number, flags: bigint): bigint {
  return (BigInt(physical) >> 2n) | flags;
}

/** Bytes of a page on a level. */
export function pageBytes(level: number): number {
  return plan.PAGE * 2 ** (INDEX_BITS * level);
}

/** Neither memory nor a device on either machine. */
const NOWHERE = [0x9000_0000, 0x1_0000_0000, 0xff_0000_0000, 0xff_ffff_ffff_f000];

const PERMISSIONS: readonly [number, bigint][] = [
  [30, R | W],
  [20, R | W | X],
  [14, R],
  [14, R | X],
  [10, X],
  [4, W],
  [3, W | X],
];

/** A leaf as a guest might write it: mostly sensible, now and then what the manual reserves. */
export function randomLeaf(prng: Prng, content: Content, level: number): bigint {
  const oneIn = (count: number) => prng.below(count) === 0;
  const size = pageBytes(level);
  let physical: number;
  if (content === "nowhere") physical = prng.pick(NOWHERE);
  else {
    const first = { pool: plan.POOL, functions: plan.FUNCTIONS, strongbox: plan.STRONGBOX }[content];
    const pages = { pool: plan.POOL_PAGES, functions: plan.FUNCTION_PAGES, strongbox: plan.STRONGBOX_PAGES }[content];
    physical = level > 0 ? first : first + prng.below(pages) * plan.PAGE;
  }
  physical -= physical % size;
  let entry = leaf(physical, oneIn(20) ? 0n : V) | weighted(prng, PERMISSIONS);
  if (oneIn(2)) entry |= U;
  if (oneIn(5)) entry |= G;
  if (!oneIn(4)) entry |= A;
  if (!oneIn(3)) entry |= D;
  entry |= BigInt(prng.below(4)) << RSW_SHIFT;
  // A superpage that begins in the middle of one.
  if (level > 0 && oneIn(12)) entry |= 1n << BigInt(10 + prng.below(INDEX_BITS * level));
  if (oneIn(16)) entry |= BigInt(1 + prng.below(2)) << PBMT_SHIFT;
  // QEMU 7.2 sets A and D before it looks at N.
  if (level > 0 && oneIn(30)) entry |= N | A | D;
  return entry;
}

/** An entry of a 64-KiB page that is the whole pool, or one that the manual reserves. */
export function napotLeaf(prng: Prng): bigint {
  const flags = V | A | D | weighted(prng, PERMISSIONS) | (prng.below(2) === 0 ? U : 0n);
  const size = prng.below(10) === 0 ? BigInt(prng.below(16)) : NAPOT_64K;
  return leaf(plan.POOL, flags) | (size << 10n) | N;
}

export function weighted<T>(prng: Prng, choices: readonly (readonly [number, T])[]): T {
  let choice = prng.below(choices.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, value] of choices) {
    choice -= weight;
    if (choice < 0) return value;
  }
  return choices[0][1];
}
