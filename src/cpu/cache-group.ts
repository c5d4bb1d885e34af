import { assert } from "../base/assert.ts";
import * as layout from "../memory/layout.ts";
import type { Maintenance } from "../memory/maintenance-code.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { invalidTag } from "../memory/translation-code.ts";
import { writeContext } from "./context-words.ts";
import { GroupCounters } from "./group-counters.ts";
import type { AccessContext } from "./page-walk.ts";

/** How a context accesses memory: by data accesses, and by fetches. */
export interface ContextAccess {
  readonly data: AccessContext;
  readonly fetch: AccessContext;
}

/** One table of translation entries, and the context that it serves. */
export interface TranslationTable {
  readonly index: number;
  /** Address in the machine's memory. */
  readonly address: number;
  /** What names the address space, and the context in it: see AddressTranslation. */
  space: number;
  variant: number;
  data: AccessContext;
  fetch: AccessContext;
  /** Of the group's generations, those that this table has followed. */
  writes: number;
  everything: number;
  /** All of it is void, whatever the group's generation. */
  isVoid: boolean;
  /** Rises whenever the table becomes empty: what was noted of an earlier life means nothing. */
  life: number;
}

/** The translations of one address space: a table for each context in which it is accessed. */
interface CacheElement {
  /** Few: a search through them takes no map. */
  readonly contexts: TranslationTable[];
  readonly number: number;
}

/**
 * The cache group: an element for each address space (root and scheme of satp), found again when a hart comes back to it,
 * so that neither a trap nor a switch of address space flushes anything. Elements stay valid because page tables are
 * watched (TableEntries). The least recently used context makes room; an element goes with its last.
 *
 * Flushing is a matter of generations: tables that are not in force follow when they next are.
 */
export class CacheGroup {
  readonly counters: GroupCounters;
  readonly #memory: PhysicalMemory;
  readonly #maintenance: () => Maintenance;
  readonly #tables: TranslationTable[] = [];
  readonly #elements = new Map<number, CacheElement>();
  /** Tables that serve no context any more. */
  readonly #idle: TranslationTable[] = [];
  /** There is a table in force; TRANSLATION_BASE says which, because generated code changes it too. */
  #isSelected = false;
  #elementNumber = 0;
  #writes = 0;
  #everything = 0;

  constructor(memory: PhysicalMemory, maintenance: () => Maintenance) {
    this.#memory = memory;
    this.#maintenance = maintenance;
    this.counters = new GroupCounters(memory);
  }

  get current(): TranslationTable {
    assert(this.#isSelected, "no translation table is in force");
    const base = this.#memory.view.getInt32(layout.TRANSLATION_BASE, true);
    return this.#tables[(base - layout.TRANSLATION_POOL) / layout.TRANSLATION_TABLE_BYTES];
  }

  get elements(): number {
    return this.#elements.size;
  }

  get contexts(): number {
    let count = 0;
    for (const { contexts } of this.#elements.values()) count += contexts.length;
    return count;
  }

  /** Tables of which something may be valid. */
  get valid(): readonly TranslationTable[] {
    return this.#tables.filter((table) => !this.#isEmpty(table));
  }

  /** Puts the table of a context in force; `access` describes it when there is none yet. */
  select(space: number, variant: number, access: () => ContextAccess): TranslationTable {
    const old = this.#isSelected ? this.current : undefined;
    let table = old;
    if (old === undefined || old.space !== space || old.variant !== variant) {
      table = this.#find(space, variant) ?? this.#make(space, variant, access());
      this.#memory.view.setInt32(layout.TRANSLATION_BASE, table.address, true);
      this.#isSelected = true;
      if (old?.space !== space) this.counters.countSwitch();
    }
    assert(table !== undefined, "a context has a table");
    this.#touch(table);
    this.#follow(table);
    return table;
  }

  /**
   * The table in force can be put there by generated code from now on, when the hart's state gives this key; until what it
   * would have to follow has come over the group, or `forgetSelections` is called.
   */
  rememberSelection(satpLow: number, satpHigh: number, control: number): void {
    const { view } = this.#memory;
    const { satp, control: controlFactor } = layout.SELECTION_FACTORS;
    const hash = (Math.imul(satpLow, satp) + Math.imul(control, controlFactor)) >>> 0;
    const bucket = layout.SELECTIONS + (hash >>> (32 - layout.SELECTION_BUCKETS_LOG2)) * 2 * layout.SELECTION_BYTES;
    const epoch = view.getInt32(layout.SELECTION_EPOCH, true);
    const isFree = (at: number): boolean =>
      view.getInt32(at + layout.SELECTION.epoch, true) !== epoch ||
      (view.getInt32(at + layout.SELECTION.satp, true) === satpLow &&
        view.getInt32(at + layout.SELECTION.satp + 4, true) === satpHigh &&
        view.getInt32(at + layout.SELECTION.control, true) === control);
    const second = bucket + layout.SELECTION_BYTES;
    // Two others: the first one moves, so that the one that came last is the one to go.
    if (!isFree(bucket)) this.#memory.bytes.copyWithin(second, bucket, second);
    view.setInt32(bucket + layout.SELECTION.satp, satpLow, true);
    view.setInt32(bucket + layout.SELECTION.satp + 4, satpHigh, true);
    view.setInt32(bucket + layout.SELECTION.control, control, true);
    view.setInt32(bucket + layout.SELECTION.epoch, epoch, true);
    view.setInt32(bucket + layout.SELECTION.table, this.current.address, true);
  }

  /** What selections do not name has changed, or some table must follow before it is in force again. */
  forgetSelections(): void {
    const { view } = this.#memory;
    view.setInt32(layout.SELECTION_EPOCH, view.getInt32(layout.SELECTION_EPOCH, true) + 1, true);
  }

  #touch(table: TranslationTable): void {
    const { view } = this.#memory;
    const now = view.getUint32(layout.CONTEXT_CLOCK, true) + 1;
    view.setUint32(layout.CONTEXT_CLOCK, now, true);
    view.setUint32(table.address + layout.TABLE_CONTEXT + layout.CONTEXT.lastUsed, now, true);
  }

  #lastUsed({ address }: TranslationTable): number {
    return this.#memory.view.getUint32(address + layout.TABLE_CONTEXT + layout.CONTEXT.lastUsed, true);
  }

  /** The table of a context, when there is one with something in it. */
  peek(space: number, variant: number): TranslationTable | undefined {
    const table = this.#elements.get(space)?.contexts.find((candidate) => candidate.variant === variant);
    return table === undefined || this.#isEmpty(table) ? undefined : table;
  }

  /** Every translation of every context is void. */
  flushAll(): void {
    this.counters.flushes++;
    this.#everything++;
    this.forgetSelections();
    this.#followNow();
  }

  /** The next store to each page takes the slow path. */
  flushWrites(): void {
    this.#writes++;
    this.forgetSelections();
    this.#followNow();
  }

  /** The next store to the page in a frame takes the slow path, in every context. */
  withholdWrites(frame: number): void {
    // Most pages that become code, or page tables, were never stored to by a tag.
    if (this.#memory.writeTagged[frame] !== 0) this.flushWrites();
  }

  /** A checkpoint was made or restored. */
  beginInterval(): void {
    this.counters.checkpoints++;
    this.flushWrites();
  }

  /** Every translation of one context is void, if it still lives the life given. */
  voidContext(index: number, life: number): void {
    const table = this.#tables[index];
    if (table.life !== life || this.#isEmpty(table)) return;
    table.isVoid = true;
    this.counters.voidedContexts++;
    if (table === this.current) this.#follow(table);
    else this.forgetSelections();
  }

  /** Forgets all contexts: whatever named them means something else now. */
  forget(): void {
    this.#elements.clear();
    for (const table of this.#tables) Object.assign(table, { isVoid: true, space: NO_SPACE });
    this.#idle.splice(0, this.#idle.length, ...this.#tables);
    this.#isSelected = false;
    this.forgetSelections();
  }

  /** The entry of a table comes from the page-table entry at `source` (TABLE_SOURCES): makes it invalid if so. */
  dropIfFrom(index: number, entry: number, source: number): void {
    const { view } = this.#memory;
    const { address } = this.#tables[index];
    const { readTag, writeTag, executeTag } = layout.ENTRY;
    const isData = view.getUint32(address + layout.TABLE_SOURCES + entry * 4, true) === source;
    const isCode = view.getUint32(address + layout.EXECUTE_SOURCES + entry * 4, true) === source;
    if (isData) this.#invalidate(address, entry, [readTag, writeTag]);
    if (isCode) this.#invalidate(address, entry, [executeTag]);
    if (isData || isCode) this.counters.droppedTranslations++;
  }

  /** Whether a table still lives the life in which something was noted of it. */
  lives(index: number, life: number): boolean {
    return this.#tables[index].life === life;
  }

  /** Drops what comes from a large page, which can be at any entry. */
  dropAllFrom(index: number, source: number): void {
    for (let entry = 0; entry < layout.TRANSLATION_ENTRIES; entry++) this.dropIfFrom(index, entry, source);
    const { view } = this.#memory;
    const first = this.#tables[index].address + layout.TABLE_WALKS;
    for (let walk = first; walk < first + layout.WALK_ENTRIES * layout.WALK_ENTRY_BYTES; walk += WALK_BYTES) {
      if (view.getUint32(walk + layout.WALK.source, true) === source) view.setBigUint64(walk, 0n, true);
    }
  }

  #invalidate(table: number, entry: number, tags: readonly number[]): void {
    const at = table + entry * layout.TRANSLATION_ENTRY_BYTES;
    for (const tag of tags) {
      this.#memory.view.setBigUint64(at + tag, invalidTag(entry), true);
    }
  }

  #find(space: number, variant: number): TranslationTable | undefined {
    const element = this.#elements.get(space);
    if (element !== undefined) {
      for (const table of element.contexts) {
        if (table.variant !== variant) continue;
        this.counters.countHit();
        return table;
      }
    }
    this.counters.misses++;
    return undefined;
  }

  #isEmpty(table: TranslationTable): boolean {
    return table.isVoid || table.everything !== this.#everything;
  }

  #followNow(): void {
    if (this.#isSelected) this.#follow(this.current);
  }

  /** Does to a table what has come over the group. */
  #follow(table: TranslationTable): void {
    if (this.#isEmpty(table)) {
      this.#maintenance().flushTags(table.address);
      table.life++;
    } else if (table.writes !== this.#writes) this.#maintenance().flushWriteTags(table.address);
    table.writes = this.#writes;
    table.everything = this.#everything;
    table.isVoid = false;
  }

  #make(space: number, variant: number, access: ContextAccess): TranslationTable {
    const table = Object.assign(this.#vacant(access), { ...access, space, variant, isVoid: true });
    writeContext(this.#memory, table.address, access.data);
    let element = this.#elements.get(space);
    if (element === undefined) {
      element = { contexts: [], number: ++this.#elementNumber };
      this.#elements.set(space, element);
    }
    this.#memory.view.setInt32(table.address + layout.TABLE_CONTEXT + layout.CONTEXT.space, element.number, true);
    element.contexts.push(table);
    return table;
  }

  /** A table that serves no context. */
  #vacant(access: ContextAccess): TranslationTable {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const index = this.#tables.length;
    const oldest = index < FEW_TABLES ? undefined : this.#oldest();
    if (index < layout.TRANSLATION_TABLES && (oldest === undefined || !this.#isForgotten(oldest))) {
      const address = layout.TRANSLATION_POOL + index * layout.TRANSLATION_TABLE_BYTES;
      // Zeros are a valid tag of the first entry alone: they name the page at 0.
      this.#invalidate(address, 0, [layout.ENTRY.readTag, layout.ENTRY.writeTag, layout.ENTRY.executeTag]);
      const table: TranslationTable = {
        ...{ index, address, ...access, space: NO_SPACE, variant: 0 },
        ...{ writes: 0, everything: 0, isVoid: true, life: 0 },
      };
      this.#tables.push(table);
      return table;
    }
    assert(oldest !== undefined, "the pool has tables");
    const element = this.#elements.get(oldest.space);
    assert(element !== undefined, "a table that is not idle serves a context");
    this.counters.evictions++;
    this.forgetSelections();
    element.contexts.splice(element.contexts.indexOf(oldest), 1);
    if (element.contexts.length === 0) this.#elements.delete(oldest.space);
    return oldest;
  }

  #oldest(): TranslationTable {
    return this.#tables.reduce((a, b) => (this.#lastUsed(b) < this.#lastUsed(a) ? b : a));
  }

  /** A process has ended, most likely, or sleeps for so long that it can bear to begin afresh. */
  #isForgotten(table: TranslationTable): boolean {
    const now = this.#memory.view.getUint32(layout.CONTEXT_CLOCK, true);
    return now - this.#lastUsed(table) > FORGOTTEN_AFTER;
  }
}

const NO_SPACE = -1;
/**
 * Tables that cost too little to be sparing with them. Beyond them the pool grows only for contexts that come in turns
 * with those that are there; a guest that starts one process after another gets along with these.
 */
export const FEW_TABLES = 48;
/** Changes of context: some thousand system calls and page faults. */
export const FORGOTTEN_AFTER = 16384;
const WALK_BYTES = layout.WALK_ENTRY_BYTES;
