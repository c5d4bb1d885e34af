import type { PhysicalAddress, VirtualAddress } from "../base/brand.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { accessContext, type TranslationState } from "./address-translation.ts";
import { entryPageNumber, isCanonical, PTE, SATP_SCHEMES, virtualPageNumber } from "./page-walk.ts";

/** How an address is translated, level by level. */
export interface Translation {
  /** "bare": addresses are physical, no table was read. */
  readonly scheme: "bare" | "Sv39" | "Sv48" | "Sv57";
  /** Entries as the walk met them, the root's first. */
  readonly entries: readonly PageTableEntry[];
  /** Undefined when the address is not mapped: the last entry, or the address itself, says why. */
  readonly physicalAddress: PhysicalAddress | undefined;
  /** Bytes of the page: 4 KiB, 64 KiB (Svnapot), 2 MiB, 1 GiB, …; 0 when bare or not mapped. */
  readonly pageBytes: number;
  /** Why it is not mapped, in a few words; undefined when it is. */
  readonly problem: string | undefined;
}

export interface PageTableEntry {
  /** 2, 1, 0 for Sv39. */
  readonly level: number;
  readonly address: PhysicalAddress;
  /** The entry's 64 bits; undefined when there is no RAM at its address. */
  readonly value: bigint | undefined;
}

const NAPOT_PAGE_BYTES = 0x10000;

/**
 * Walks the tables for somebody who looks on: by whatever privilege the hart has, without minding permissions, and
 * without a trace in memory.
 */
export function describeTranslation(
  memory: PhysicalMemory,
  state: TranslationState,
  address: VirtualAddress,
): Translation {
  const mode = (state.satpHigh >>> 28) as keyof typeof SATP_SCHEMES;
  const low = Number(address & 0xffff_ffffn);
  const high = Number(address >> 32n);
  // Data accesses of machine mode are translated only by the privilege that MPRV lends it.
  const { levels, root } = accessContext(state, "data");
  if (levels === 0) return bare(Number(address));
  const scheme = SATP_SCHEMES[mode];
  const entries: PageTableEntry[] = [];
  const unmapped = (problem: string): Translation => ({
    ...{ scheme, entries, physicalAddress: undefined, pageBytes: 0, problem },
  });
  if (!isCanonical(high, levels)) return unmapped("the upper bits of the address are not all equal");
  let table = root;
  for (let level = levels - 1; level >= 0; level--) {
    const at = table + virtualPageNumber(low, high, level) * 8;
    const offset = memory.ramOffset(BigInt(at), 8);
    const value = offset < 0 ? undefined : memory.look(offset, 8);
    entries.push({ level, address: at as PhysicalAddress, value });
    if (offset >= 0 && value === undefined) return unmapped("the table has not arrived yet");
    if (value === undefined) return unmapped("the table lies outside memory");
    const bits = Number(value & 0xffn);
    if ((bits & PTE.valid) === 0) return unmapped("the entry is not valid");
    if ((bits & (PTE.read | PTE.write)) === PTE.write)
      return unmapped("the entry may be written but not read: reserved");
    const pageNumber = entryPageNumber(Number(value & 0xffff_ffffn), Number(value >> 32n));
    if ((bits & (PTE.read | PTE.execute)) === 0) {
      table = pageNumber * 4096;
      continue;
    }
    const isNapot = value >> 63n === 1n;
    const pageBytes = isNapot ? NAPOT_PAGE_BYTES : 4096 * 512 ** level;
    if (!isNapot && (pageNumber * 4096) % pageBytes !== 0) return unmapped("the large page is not aligned");
    const base = Math.floor((pageNumber * 4096) / pageBytes) * pageBytes;
    const within = Number(address & BigInt(pageBytes - 1));
    return { scheme, entries, physicalAddress: (base + within) as PhysicalAddress, pageBytes, problem: undefined };
  }
  return unmapped("the last table leads to another one");
}

function bare(address: number): Translation {
  const physicalAddress = address as PhysicalAddress;
  return { scheme: "bare", entries: [], physicalAddress, pageBytes: 0, problem: undefined };
}
