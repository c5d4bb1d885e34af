import type { FrameOffset } from "../base/brand.ts";
import * as layout from "../memory/layout.ts";
import type { Maintenance } from "../memory/maintenance-code.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { CacheGroup, type TranslationTable } from "./cache-group.ts";
import { rememberWalk } from "./context-words.ts";
import type { CacheGroupReport } from "./group-counters.ts";
import type { Exception } from "./hart.ts";
import {
  type AccessContext,
  type EntryUpdated,
  PageWalk,
  SATP_LEVELS,
  type WalkObserver,
  type WalkOutcome,
} from "./page-walk.ts";
import type { AccessKind, Pmp } from "./pmp.ts";
import { TableEntries } from "./table-entries.ts";

/** What the translation of a hart's addresses follows from. Numbers, because it is looked at on every trap. */
export interface TranslationState {
  readonly privilege: 0 | 1 | 3;
  /** Low half of mstatus. */
  readonly status: number;
  readonly satpLow: number;
  readonly satpHigh: number;
  /** High half of menvcfg. */
  readonly environmentHigh: number;
  /** The hart has Svnapot. */
  readonly hasNapot: boolean;
  readonly pmp: Pmp;
}

const MSTATUS_MPP_SHIFT = 11;
const MSTATUS_MPRV = 1 << 17;
const MSTATUS_SUM = 1 << 18;
const MSTATUS_MXR = 1 << 19;
const MENVCFG_ADUE_HIGH = 1 << 29;
const MENVCFG_PBMTE_HIGH = 1 << 30;
const SATP_PPN_HIGH = 0xfff;

const PAGE_FAULTS: Readonly<Record<AccessKind, number>> = { execute: 12, read: 13, write: 15 };
const ACCESS_FAULTS: Readonly<Record<AccessKind, number>> = { execute: 1, read: 5, write: 7 };

/** Distinct settings of PMP that are told apart; a guest that plays through more starts afresh. */
const MOST_PROTECTIONS = 256;

/** Whether cached translations outlive a change of address space and a fence. They are right either way. */
export type CacheGroupChoice = "on" | "off";

interface TranslationParts {
  /** Hears of each entry whose A or D bit the hart has set by itself. */
  readonly updated: EntryUpdated;
  /** Hears that memory from which translations came has changed. */
  readonly remapped: () => void;
  /** Default: on. */
  readonly choice?: CacheGroupChoice;
}

/** How the instruction that changes what translation follows from does so. */
export type ContextChange = "satp" | "fence";

/**
 * Addresses as the hart that has its turn uses them: finds the table for its present context, answers misses, and keeps
 * every cached translation equal to what a walk would give (TableEntries). A context is all that translations and
 * permissions follow from: root and scheme of satp, the privilege of data accesses (MPRV) and of fetches, SUM, MXR, the
 * extensions that menvcfg switches, and physical memory protection.
 */
export class AddressTranslation implements WalkObserver {
  readonly #memory: PhysicalMemory;
  readonly #remapped: () => void;
  readonly #group: CacheGroup;
  readonly #choice: CacheGroupChoice;
  readonly #entries: TableEntries;
  readonly #walk: PageWalk;
  readonly #protections = new Map<string, number>();
  /** The protection that was asked for last, and its number. */
  #lastPmp: Pmp | undefined;
  #lastNumber = 0;
  /** What selections of generated code take for granted. */
  #selectedRest = 0;
  #absentAddress: bigint | undefined;
  /** The entry that maps the page, by the walk that is under way. */
  #leaf: Leaf | undefined;

  constructor(memory: PhysicalMemory, maintenance: () => Maintenance, parts: TranslationParts) {
    const { updated, remapped, choice = "on" } = parts;
    this.#memory = memory;
    this.#remapped = remapped;
    this.#choice = choice;
    memory.view.setInt32(layout.FENCES_FLUSH, choice === "off" ? 1 : 0, true);
    this.#group = new CacheGroup(memory, maintenance);
    this.#entries = new TableEntries(memory, this.#group);
    this.#walk = new PageWalk(memory, updated);
  }

  get group(): CacheGroup {
    return this.#group;
  }

  /** A hart has written satp, or waits for stores to page tables. With the group, translations are right as they are. */
  changed(how: ContextChange): void {
    if (how === "fence") this.#group.counters.countFence();
    if (this.#choice === "off") this.#group.flushAll();
  }

  report(): CacheGroupReport {
    const group = this.#group;
    const { counters } = group;
    const { generatedFills, switches, hits, fences } = counters;
    const { walks, misses, evictions, ...voided } = counters;
    return {
      ...{ cacheGroup: this.#choice, elements: group.elements, contexts: group.contexts },
      ...{ mostContexts: layout.TRANSLATION_TABLES, switches, hits, misses, evictions, fences },
      ...{ fills: generatedFills, walks, ...voided },
    };
  }

  /** Puts the context in force that follows from the state of the hart whose turn it is. */
  select(state: TranslationState): void {
    const table = this.#group.select(this.#spaceOf(state), this.#variantOf(state), () => ({
      data: accessContext(state, "data"),
      fetch: accessContext(state, "fetch"),
    }));
    const { view } = this.#memory;
    const isTranslated = isPlain(table.data) ? 0 : 1;
    view.setInt32(layout.DATA_IS_TRANSLATED, isTranslated, true);
    view.setInt32(table.address + layout.TABLE_CONTEXT + layout.CONTEXT.isTranslated, isTranslated, true);
    this.#rememberSelection(state);
  }

  /** Generated code selects by satp, privilege, SUM and MXR: as long as nothing else is another. */
  #rememberSelection({ privilege, status, satpLow, satpHigh, environmentHigh, pmp }: TranslationState): void {
    const rest = (this.#protection(pmp) << 8) | (environmentFlags(environmentHigh) << 4);
    if (rest !== this.#selectedRest) this.#group.forgetSelections();
    this.#selectedRest = rest;
    if ((status & MSTATUS_MPRV) !== 0) return;
    const isTranslated = privilege !== 3;
    const control = (status & (MSTATUS_SUM | MSTATUS_MXR)) | privilege;
    this.#group.rememberSelection(isTranslated ? satpLow : 0, isTranslated ? satpHigh : 0, control);
  }

  /**
   * The exception that fetching at an address in supervisor mode would meet; undefined for none. Of the page itself it does not
   * matter whether it is absent: of the tables that lead there it does.
   */
  supervisorFetchFault(state: TranslationState, pc: bigint): Exception | undefined {
    const supervisor = { ...state, privilege: 1 } as const;
    const table = this.#group.peek(this.#spaceOf(supervisor), this.#variantOf(supervisor));
    if (table !== undefined && this.#executesIn(table, pc)) return undefined;
    const memory = this.#memory;
    const { pmp } = state;
    const walk = new PageWalk(memory, undefined);
    const context = accessContext(supervisor, "fetch");
    const outcome = walk.walk(Number(pc & 0xffff_ffffn), Number(pc >> 32n), "execute", context);
    if (outcome === "absent") return absent(walk.absentPage);
    if (outcome === "page-fault") return { cause: PAGE_FAULTS.execute, tval: pc };
    const isMemory = outcome === "mapped" && memory.ramOffset(BigInt(walk.physical), 2) >= 0;
    if (isMemory && pmp.allows(walk.physical, 2, "execute", 1)) return undefined;
    return { cause: ACCESS_FAULTS.execute, tval: pc };
  }

  /** A number for the address space. Small, where the root is in RAM: numbers of 31 bits are found faster. */
  #spaceOf({ privilege, satpHigh, satpLow, status }: TranslationState): number {
    const isTranslated = privilege !== 3 || dataPrivilegeOf(privilege, status) !== 3;
    const levels = isTranslated ? levelsOf(satpHigh) : 0;
    if (levels === 0) return 0;
    const page = rootPage(satpHigh, satpLow);
    const { ramBase, ramPages } = this.#memory.layout;
    const ramPage = page - ramBase / layout.PAGE_BYTES;
    return ramPage >= 0 && ramPage < ramPages ? ramPage * 16 + levels : -(page * 16 + levels);
  }

  /** A number for the context in it: what permissions and the walk depend on beside the root. */
  #variantOf({ privilege, status, environmentHigh, pmp }: TranslationState): number {
    const flags =
      ((status & MSTATUS_SUM) !== 0 ? 1 : 0) |
      ((status & MSTATUS_MXR) !== 0 ? 2 : 0) |
      environmentFlags(environmentHigh);
    return (this.#protection(pmp) << 8) | (flags << 4) | (dataPrivilegeOf(privilege, status) << 2) | privilege;
  }

  /** What the slow path of generated code asks (SlowPathImports.translate). */
  placeForCode(low: number, high: number, write: number): number {
    const access = write === 0 ? "read" : "write";
    const { data } = this.#group.current;
    return this.#pageToFill(low, high, access, data);
  }

  /**
   * Physical address of `size` bytes, which lie in one page, for a load or store of the current hart; else the exception.
   * May be no RAM. Of RAM all bytes are there.
   */
  locate(address: bigint, size: number, access: AccessKind): number | Exception {
    const { data, fetch } = this.#group.current;
    const context = access === "execute" ? fetch : data;
    const low = Number(address & 0xffff_ffffn);
    const high = Number(address >> 32n);
    const outcome = this.#walk.walk(low, high, access, context);
    if (outcome === "page-fault") return { cause: PAGE_FAULTS[access], tval: address };
    if (outcome === "absent") return this.#absent(this.#walk.absentPage, address);
    const { physical } = this.#walk;
    if (outcome === "access-fault" || !context.pmp.allows(physical, size, access, context.privilege)) {
      return { cause: ACCESS_FAULTS[access], tval: address };
    }
    const lacking = this.#lacking(physical, size);
    return lacking < 0 ? physical : this.#absent(lacking, address);
  }

  #absent(page: number, address: bigint): Exception {
    this.#absentAddress = address;
    return absent(page);
  }

  /** The address that could last not be located because a page is absent; it is told once. */
  takeAbsentAddress(): bigint | undefined {
    const address = this.#absentAddress;
    this.#absentAddress = undefined;
    return address;
  }

  /** Whether neighbouring pages need not be neighbours in memory, or not be allowed alike. */
  get splitsPages(): boolean {
    return !isPlain(this.#group.current.data);
  }

  /**
   * Gives the page of pc an execute tag that leads to the decoded page which `decodedPage` names for a frame. False
   * when the page cannot have one: fetching there faults, or is allowed on a part of the page only.
   */
  fillExecute(pc: bigint, decodedPage: (frame: number, virtualPage: bigint) => number): boolean {
    const table = this.#group.current;
    const low = Number(pc & 0xffff_f000n);
    const place = this.#pageToFill(low, Number(pc >> 32n), "execute", table.fetch);
    if (place < 0) return false;
    const page = pc & ~0xfffn;
    const { life } = table;
    const decoded = decodedPage(place >>> 12, page);
    // Making room for a decoded page flushes everything: what the walk has noted belongs to a life that is over.
    if (table.life !== life) this.#pageToFill(low, Number(pc >> 32n), "execute", table.fetch);
    const index = (low >>> 12) & (layout.TRANSLATION_ENTRIES - 1);
    const entry = table.address + index * layout.TRANSLATION_ENTRY_BYTES;
    const { view } = this.#memory;
    view.setBigUint64(entry + layout.ENTRY.executeTag, page, true);
    view.setInt32(entry + layout.ENTRY.decoded, decoded, true);
    this.#noteExecuted(table, index);
    return true;
  }

  /** Whether the page of an address has an execute tag in the context that is in force. */
  executes(pc: bigint): boolean {
    return this.#executesIn(this.#group.current, pc);
  }

  #executesIn({ address }: TranslationTable, pc: bigint): boolean {
    const index = Number((pc >> 12n) & BigInt(layout.TRANSLATION_ENTRIES - 1));
    const entry = address + index * layout.TRANSLATION_ENTRY_BYTES;
    return this.#memory.view.getBigUint64(entry + layout.ENTRY.executeTag, true) === (pc & ~0xfffn);
  }

  /** The decoded page that the context in force executes at a virtual page; undefined when it has no execute tag. */
  executedNow(page: bigint): number | undefined {
    const index = Number((page >> 12n) & BigInt(layout.TRANSLATION_ENTRIES - 1));
    const entry = this.#group.current.address + index * layout.TRANSLATION_ENTRY_BYTES;
    const { view } = this.#memory;
    if (view.getBigUint64(entry + layout.ENTRY.executeTag, true) !== page) return undefined;
    return view.getInt32(entry + layout.ENTRY.decoded, true);
  }

  /** Decoded pages that some context executes at a virtual page now. */
  executedAt(page: bigint): number[] {
    const index = Number((page >> 12n) & BigInt(layout.TRANSLATION_ENTRIES - 1));
    const { view } = this.#memory;
    return this.#group.valid
      .map(({ address }) => address + index * layout.TRANSLATION_ENTRY_BYTES)
      .filter((entry) => view.getBigUint64(entry + layout.ENTRY.executeTag, true) === page)
      .map((entry) => view.getInt32(entry + layout.ENTRY.decoded, true));
  }

  /** Bytes of RAM were written by whatever way. */
  overwritten(place: FrameOffset, size: number): void {
    const { flags } = this.#memory;
    const last = (place + size - 1) >>> 12;
    for (let frame = place >>> 12; frame <= last; frame++) {
      if ((flags[frame] & layout.PAGE_FLAG.table) === 0) continue;
      this.#entries.overwritten(place, size);
      this.#remapped();
      return;
    }
  }

  /** A frame holds another page, or none, and no translation is left that came from it. */
  withdrawn(frame: number): void {
    this.#entries.withdrawn(frame);
  }

  branch(entry: FrameOffset): void {
    this.#entries.branch(entry);
  }

  leaf(entry: FrameOffset, level: number): void {
    this.#leaf = { entry, level };
    this.#entries.leaf(entry, level);
  }

  /**
   * Where it is when the access is allowed on all of its page, with what the page came from noted; else -1. What it came
   * from is left for the entry that is filled with it.
   */
  #pageToFill(low: number, high: number, access: AccessKind, context: AccessContext): FrameOffset | -1 {
    this.#group.counters.walks++;
    this.#entries.makeRoom();
    this.#leaf = undefined;
    const outcome: WalkOutcome = this.#walk.walk(low, high, access, context, this);
    if (outcome !== "mapped") return -1;
    const { physical } = this.#walk;
    const { ramBase, ramBytes } = this.#memory.layout;
    const offset = physical - ramBase;
    const page = offset - (offset % layout.PAGE_BYTES);
    if (!(offset >= 0 && offset < ramBytes)) return -1;
    if (!context.pmp.allowsPage(ramBase + page, access, context.privilege)) return -1;
    if (this.#lacking(ramBase + page, layout.PAGE_BYTES) >= 0) return -1;
    const leaf = this.#leaf as Leaf | undefined;
    const source = leaf === undefined ? 0 : leaf.entry + 1;
    this.#memory.view.setUint32(layout.TRANSLATION_SOURCE, source, true);
    if (leaf !== undefined && access !== "execute" && this.#walk.pageBytes !== NAPOT_PAGE_BYTES) {
      const end = { low, high, leaf: leaf.entry, level: leaf.level, page, write: access === "write" };
      rememberWalk(this.#memory, this.#group.current.address, context, end);
    }
    return this.#memory.place(offset);
  }

  /** See PhysicalMemory.lacking; of what is no RAM nothing can be. */
  #lacking(physical: number, size: number): number {
    const { absentCount, layout: where } = this.#memory;
    if (absentCount === 0) return -1;
    const offset = physical - where.ramBase;
    return offset >= 0 && offset <= where.ramBytes - size ? this.#memory.lacking(offset, size) : -1;
  }

  /** As generated code does for data (noteUse in memory/translation-code.ts): CONTEXT.used and where the page came from. */
  #noteExecuted({ address }: TranslationTable, entry: number): void {
    const { view } = this.#memory;
    // The low half of the bits is for the first 32 groups of 64 entries.
    const used = address + layout.TABLE_CONTEXT + layout.CONTEXT.used + (entry < 2048 ? 0 : 4);
    view.setInt32(used, view.getInt32(used, true) | (1 << ((entry >>> 6) & 31)), true);
    const source = view.getUint32(layout.TRANSLATION_SOURCE, true);
    view.setUint32(address + layout.EXECUTE_SOURCES + entry * 4, source, true);
  }

  #protection(pmp: Pmp): number {
    if (pmp !== this.#lastPmp) {
      this.#lastNumber = this.#numberOf(pmp);
      this.#lastPmp = pmp;
    }
    return this.#lastNumber;
  }

  #numberOf(pmp: Pmp): number {
    const known = this.#protections.get(pmp.key);
    if (known !== undefined) return known;
    if (this.#protections.size >= MOST_PROTECTIONS) {
      this.#protections.clear();
      this.#group.forget();
    }
    const number = this.#protections.size;
    this.#protections.set(pmp.key, number);
    return number;
  }
}

interface Leaf {
  readonly entry: FrameOffset;
  readonly level: number;
}

/** Of Svnapot: its entries are looked at in full each time. */
const NAPOT_PAGE_BYTES = 0x10000;

/** What ends an access to a page that is not there: `Machine` makes a stop of it. */
function absent(page: number): Exception {
  return { cause: layout.ABSENT_PAGE_CAUSE, tval: BigInt(page) };
}

/** The context of a hart's data accesses, or of its fetches. */
export function accessContext(state: TranslationState, use: "data" | "fetch"): AccessContext {
  const { status, satpHigh, satpLow, environmentHigh, hasNapot, pmp } = state;
  const privilege = privilegeOf(state, use);
  return {
    levels: privilege === 3 ? 0 : levelsOf(satpHigh),
    root: rootPage(satpHigh, satpLow) * 4096,
    privilege,
    sum: (status & MSTATUS_SUM) !== 0,
    mxr: (status & MSTATUS_MXR) !== 0,
    updatesAccessed: (environmentHigh & MENVCFG_ADUE_HIGH) !== 0,
    hasPbmt: (environmentHigh & MENVCFG_PBMTE_HIGH) !== 0,
    hasNapot,
    pmp,
  };
}

function privilegeOf({ privilege, status }: TranslationState, use: "data" | "fetch"): 0 | 1 | 3 {
  return use === "fetch" ? privilege : dataPrivilegeOf(privilege, status);
}

/** MPRV lends data accesses the privilege in MPP. */
function dataPrivilegeOf(privilege: 0 | 1 | 3, status: number): 0 | 1 | 3 {
  return (status & MSTATUS_MPRV) === 0 ? privilege : (((status >>> MSTATUS_MPP_SHIFT) & 3) as 0 | 1 | 3);
}

function levelsOf(satpHigh: number): number {
  return SATP_LEVELS[satpHigh >>> 28] ?? 0;
}

function rootPage(satpHigh: number, satpLow: number): number {
  return (satpHigh & SATP_PPN_HIGH) * 2 ** 32 + (satpLow >>> 0);
}

function environmentFlags(environmentHigh: number): number {
  return ((environmentHigh & MENVCFG_ADUE_HIGH) !== 0 ? 4 : 0) | ((environmentHigh & MENVCFG_PBMTE_HIGH) !== 0 ? 8 : 0);
}

/** Addresses are physical and nothing is forbidden. */
function isPlain({ levels, privilege, pmp }: AccessContext): boolean {
  return levels === 0 && privilege === 3 && !pmp.hasLocked && !pmp.hasEdges;
}
