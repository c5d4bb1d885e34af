import type { FrameOffset } from "../base/brand.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { AccessKind, Pmp } from "./pmp.ts";

/** Levels of page tables by satp.MODE; 0 is bare. */
export const SATP_LEVELS: Readonly<Record<number, number>> = { 0: 0, 8: 3, 9: 4, 10: 5 };
export const SATP_SCHEMES = { 0: "bare", 8: "Sv39", 9: "Sv48", 10: "Sv57" } as const;

/** Bits of the low half of a page-table entry (privileged manual, section 4.4.1). */
export const PTE = { valid: 1, read: 2, write: 4, execute: 8, user: 16, global: 32, accessed: 64, dirty: 128 } as const;
/** In the high half: page number bits 53 to 32, reserved bits 60 to 54, PBMT, N. */
const PPN_HIGH = 0x3f_ffff;
const RESERVED_SHIFT = 22;
const RESERVED_MASK = 0x7f;
const PBMT_SHIFT = 29;
const NAPOT_SHIFT = 31;
/** The only size of Svnapot: 64 KiB, told by 1000 in the low bits of the page number. */
const NAPOT_MASK = 0xf;
const NAPOT_64K = 0x8;
const PBMT_RESERVED = 3;

const SUPERVISOR = 1;
const USER = 0;

/** How a hart's accesses of one kind are translated and permitted: everything that the outcome depends on, but memory. */
export interface AccessContext {
  /** Levels of the page table; 0: addresses are physical. */
  readonly levels: number;
  /** Physical address of the root table. */
  readonly root: number;
  readonly privilege: 0 | 1 | 3;
  readonly sum: boolean;
  readonly mxr: boolean;
  /** Svadu: entries get their A and D bits here; otherwise an access that needs them is a page fault. */
  readonly updatesAccessed: boolean;
  readonly hasNapot: boolean;
  readonly hasPbmt: boolean;
  readonly pmp: Pmp;
}

/** "absent": a table is not there yet (`absentPage`), and nothing has been changed. */
export type WalkOutcome = "mapped" | "page-fault" | "access-fault" | "absent";

/** Where an entry is that a walk has changed, and the low half that it had before. */
export type EntryUpdated = (entry: FrameOffset, before: number) => void;

/** What a walk tells of the entries that it met. */
export interface WalkObserver {
  /** The entry led to another table. */
  branch(entry: FrameOffset): void;
  /** The entry maps the page, in a table of that level; 0 is the last. */
  leaf(entry: FrameOffset, level: number): void;
}

/**
 * Walks page tables as privileged manual section 4.3.2 has it. Plain numbers: it runs at every miss. The result of the
 * last walk is in the fields.
 */
export class PageWalk {
  readonly #memory: PhysicalMemory;
  /** After "mapped": the physical address, exact below 2^53. */
  physical = 0;
  /** Bytes of the page that the leaf maps. */
  pageBytes = 0;
  absentPage = -1;

  readonly #updated: EntryUpdated | undefined;

  /** `updated` hears of entries whose A or D bit a walk has set; without it walks leave memory alone. */
  constructor(memory: PhysicalMemory, updated: EntryUpdated | undefined) {
    this.#memory = memory;
    this.#updated = updated;
  }

  /** Translates the address `high * 2^32 + low` (halves of any sign). */
  walk(low: number, high: number, access: AccessKind, context: AccessContext, observer?: WalkObserver): WalkOutcome {
    const { levels, pmp } = context;
    if (levels === 0) {
      this.physical = (high >>> 0) * 2 ** 32 + (low >>> 0);
      this.pageBytes = 0;
      return "mapped";
    }
    if (!isCanonical(high, levels)) return "page-fault";
    const { ramBase, ramBytes } = this.#memory.layout;
    let table = context.root;
    for (let level = levels - 1; level >= 0; level--) {
      const address = table + virtualPageNumber(low, high, level) * 8;
      const offset = address - ramBase;
      if (!(offset >= 0 && offset <= ramBytes - 8) || !pmp.allows(address, 8, "read", SUPERVISOR))
        return "access-fault";
      this.absentPage = this.#memory.lacking(offset, 8);
      if (this.absentPage >= 0) return "absent";
      const { view, layout } = this.#memory;
      const entry = this.#memory.place(offset);
      const bits = view.getUint32(layout.ram + entry, true);
      const upper = view.getUint32(layout.ram + entry + 4, true);
      if (!isWellFormed(bits, upper, context)) return "page-fault";
      const pageNumber = entryPageNumber(bits, upper);
      if ((bits & (PTE.read | PTE.execute)) !== 0) {
        if (!permits(bits, access, context)) return "page-fault";
        return this.#leaf({ low, high, level, bits, upper, pageNumber, address, entry }, access, context, observer);
      }
      const reserved = PTE.dirty | PTE.accessed | PTE.user;
      if ((bits & reserved) !== 0 || upper >>> PBMT_SHIFT !== 0) return "page-fault";
      observer?.branch(entry);
      table = pageNumber * 4096;
    }
    return "page-fault";
  }

  #leaf(leaf: Leaf, access: AccessKind, context: AccessContext, observer: WalkObserver | undefined): WalkOutcome {
    const { low, high, level, bits, upper, pageNumber, address, entry } = leaf;
    const pages = 512 ** level;
    if (pageNumber % pages !== 0) return "page-fault";
    const isNapot = upper >>> NAPOT_SHIFT !== 0;
    if (isNapot && (level !== 0 || ((pageNumber % 16) & NAPOT_MASK) !== NAPOT_64K)) return "page-fault";
    const wanted = PTE.accessed | (access === "write" ? PTE.dirty : 0);
    if ((bits & wanted) !== wanted) {
      if (!context.updatesAccessed) return "page-fault";
      const { view, layout } = this.#memory;
      if (!context.pmp.allows(address, 8, "write", SUPERVISOR)) return "access-fault";
      if (this.#updated !== undefined) {
        view.setUint32(layout.ram + entry, bits | wanted, true);
        this.#memory.markDirty(entry, 8);
        this.#updated(entry, bits);
      }
    }
    observer?.leaf(entry, level);
    let within = 0;
    for (let lower = level - 1; lower >= 0; lower--) within = within * 512 + virtualPageNumber(low, high, lower);
    const base = isNapot ? pageNumber - NAPOT_64K + ((low >>> 12) & NAPOT_MASK) : pageNumber + within;
    this.physical = base * 4096 + (low & 0xfff);
    this.pageBytes = isNapot ? 0x10000 : pages * 4096;
    return "mapped";
  }
}

interface Leaf {
  readonly low: number;
  readonly high: number;
  readonly level: number;
  readonly bits: number;
  readonly upper: number;
  readonly pageNumber: number;
  readonly address: number;
  readonly entry: FrameOffset;
}

/** All bits above the translated ones equal the highest of them. */
export function isCanonical(high: number, levels: number): boolean {
  const above = (high | 0) >> (12 + 9 * levels - 1 - 32);
  return above === 0 || above === -1;
}

/** The nine bits of the virtual page number that index the table of a level. */
export function virtualPageNumber(low: number, high: number, level: number): number {
  const shift = 12 + 9 * level;
  if (shift >= 32) return (high >>> (shift - 32)) & 0x1ff;
  if (shift + 9 <= 32) return (low >>> shift) & 0x1ff;
  return ((low >>> shift) | (high << (32 - shift))) & 0x1ff;
}

/** The page number in an entry, given its halves. */
export function entryPageNumber(low: number, high: number): number {
  return (high & PPN_HIGH) * 2 ** 22 + (low >>> 10);
}

function isWellFormed(bits: number, upper: number, context: AccessContext): boolean {
  if ((bits & PTE.valid) === 0 || (bits & (PTE.read | PTE.write)) === PTE.write) return false;
  if (((upper >>> RESERVED_SHIFT) & RESERVED_MASK) !== 0) return false;
  const pbmt = (upper >>> PBMT_SHIFT) & 3;
  if (pbmt !== 0 && (!context.hasPbmt || pbmt === PBMT_RESERVED)) return false;
  return context.hasNapot || upper >>> NAPOT_SHIFT === 0;
}

function permits(bits: number, access: AccessKind, { privilege, sum, mxr }: AccessContext): boolean {
  if ((bits & PTE.user) !== 0) {
    if (privilege !== USER && (access === "execute" || !sum)) return false;
  } else if (privilege === USER) {
    return false;
  }
  if (access === "execute") return (bits & PTE.execute) !== 0;
  if (access === "write") return (bits & PTE.write) !== 0;
  return (bits & PTE.read) !== 0 || (mxr && (bits & PTE.execute) !== 0);
}
