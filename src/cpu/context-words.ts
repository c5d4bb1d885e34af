import type { FrameOffset } from "../base/brand.ts";
import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { type AccessContext, PTE } from "./page-walk.ts";

const SUPERVISOR = 1;
const USER = 0;
const LARGE_PART_BYTES = 0x20_0000;

/** Puts what generated code must know of a context into its table (CONTEXT in memory/layout.ts). */
export function writeContext(memory: PhysicalMemory, table: number, data: AccessContext): void {
  const { view } = memory;
  const { ramBase, ramBytes } = memory.layout;
  const at = table + layout.TABLE_CONTEXT;
  const open = data.pmp.openPart(ramBase, ramBytes, data.privilege);
  // Supervisor mode with SUM may access both kinds of pages.
  const isUserAsked = data.privilege === USER || !data.sum;
  const read = PTE.valid | PTE.read | PTE.accessed;
  const write = read | PTE.write | PTE.dirty;
  const mask = isUserAsked ? PTE.user : 0;
  const wanted = data.privilege === USER ? PTE.user : 0;
  const { readMask, readWanted, writeMask, writeWanted, openFirst, openBytes, isBare } = layout.CONTEXT;
  view.setInt32(at + readMask, read | mask, true);
  view.setInt32(at + readWanted, read | wanted, true);
  view.setInt32(at + writeMask, write | mask, true);
  view.setInt32(at + writeWanted, write | wanted, true);
  view.setUint32(at + openFirst, open.first - ramBase, true);
  view.setUint32(at + openBytes, open.bytes, true);
  view.setInt32(at + isBare, data.levels === 0 ? 1 : 0, true);
}

/** Where a walk in full came to. */
export interface WalkEnd {
  /** Halves of the virtual address. */
  readonly low: number;
  readonly high: number;
  /** The entry that maps the page, and its table's level. */
  readonly leaf: FrameOffset;
  readonly level: number;
  /** Offset in RAM of the page. */
  readonly page: number;
  readonly write: boolean;
}

/**
 * Remembers where a walk for data came to, so that generated code finds neighbouring pages by itself. What physical memory
 * protection restricts is left out, so that only walks in full have to mind it.
 */
export function rememberWalk(memory: PhysicalMemory, table: number, data: AccessContext, end: WalkEnd): void {
  const place = end.level === 0 ? tableOfLastLevel(memory, data, end) : partOfLargePage(memory, table, end);
  if (place === undefined) return;
  const { view } = memory;
  const index = ((end.low >>> 21) | (end.high << 11)) & (layout.WALK_ENTRIES - 1);
  const at = table + layout.TABLE_WALKS + index * layout.WALK_ENTRY_BYTES;
  view.setUint32(at + layout.WALK.tag, ((end.low & ~(LARGE_PART_BYTES - 1)) | 1) >>> 0, true);
  view.setInt32(at + layout.WALK.tag + 4, end.high, true);
  view.setUint32(at + layout.WALK.place, place, true);
  view.setUint32(at + layout.WALK.source, end.level === 0 ? 0 : (end.leaf | 1) >>> 0, true);
}

function tableOfLastLevel(memory: PhysicalMemory, { pmp }: AccessContext, { leaf }: WalkEnd): number | undefined {
  const table = (leaf - (leaf % layout.PAGE_BYTES)) as FrameOffset;
  return pmp.allowsPage(memory.addressOf(table), "read", SUPERVISOR) ? table : undefined;
}

/** The 2 MiB around the page, which are aligned in RAM as physical memory is if RAM begins at a multiple of that. */
function partOfLargePage(memory: PhysicalMemory, table: number, { page, write }: WalkEnd): number | undefined {
  if (memory.layout.ramBase % LARGE_PART_BYTES !== 0) return undefined;
  const at = table + layout.TABLE_CONTEXT;
  const first = page - (page % LARGE_PART_BYTES);
  const open = memory.view.getUint32(at + layout.CONTEXT.openFirst, true);
  const openBytes = memory.view.getUint32(at + layout.CONTEXT.openBytes, true);
  if (first < open || first + LARGE_PART_BYTES > open + openBytes) return undefined;
  const { large, readable, writable } = layout.WALK_LARGE;
  return first + large + readable + (write ? writable : 0);
}
