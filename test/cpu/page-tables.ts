import { frameOffset } from "../../src/base/brand.ts";
import { type AccessContext, PTE, virtualPageNumber } from "../../src/cpu/page-walk.ts";
import { Pmp } from "../../src/cpu/pmp.ts";
import { PhysicalMemory } from "../../src/memory/physical-memory.ts";

export const RAM_BASE = 0x8000_0000;
/** Where the tables begin that a test makes: a page for each level, the root's first. */
export const ROOT = RAM_BASE + 0x1_0000;

export const { valid: V, read: R, write: W, execute: X, user: U, global: G, accessed: A, dirty: D } = PTE;
/** A leaf that allows everything to supervisor mode. */
export const KERNEL_PAGE = V | R | W | X | A | D;

/** No entry at all: machine mode may do everything, others nothing; that is why tests of translation have one for all. */
export const UNPROTECTED = pmp([{ configuration: 0x1f, address: (1n << 54n) - 1n }]);

export function pmp(entries: readonly { configuration: number; address: bigint }[]): Pmp {
  const all = Array.from({ length: 16 }, (_, index) => entries[index] ?? { configuration: 0, address: 0n });
  return new Pmp(
    all.map(({ configuration }) => configuration),
    all.map(({ address }) => address),
  );
}

export function context(changes: Partial<AccessContext> = {}): AccessContext {
  return {
    ...{ levels: 3, root: ROOT, privilege: 1, sum: false, mxr: false, updatesAccessed: false },
    ...{ hasNapot: true, hasPbmt: true, pmp: UNPROTECTED },
    ...changes,
  };
}

export function smallMemory(): PhysicalMemory {
  return new PhysicalMemory(RAM_BASE, 1024 * 1024);
}

export function entryOf(physical: bigint, bits: number, upper = 0n): bigint {
  return ((physical >> 12n) << 10n) | BigInt(bits) | upper;
}

/** Leads `address` through tables of `levels` levels to `entry` on the level `at`; gives the offset of that entry. */
export function place(memory: PhysicalMemory, levels: number, address: bigint, at: number, entry: bigint): number {
  const [low, high] = halves(address);
  let table = ROOT - RAM_BASE;
  for (let level = levels - 1; level > at; level--) {
    const next = table + 4096;
    memory.write(frameOffset(table + virtualPageNumber(low, high, level) * 8), 8, entryOf(BigInt(next + RAM_BASE), V));
    table = next;
  }
  const offset = table + virtualPageNumber(low, high, at) * 8;
  memory.write(frameOffset(offset), 8, entry);
  return offset;
}

export function halves(address: bigint): [low: number, high: number] {
  return [Number(BigInt.asUintN(32, address)), Number(BigInt.asUintN(32, address >> 32n))];
}
