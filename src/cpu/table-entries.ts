import type { FrameOffset } from "../base/brand.ts";
import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { CacheGroup } from "./cache-group.ts";

/** Noted pages and entries of upper levels; with more, everything is forgotten: they must not grow for ever. */
const MOST_NOTED = 1 << 18;

/** Tables that used something, with the life in which they did (TranslationTable). */
type Users = Map<number, number>;

/** An entry above the last level, or one of a large page. */
interface UpperEntry {
  readonly isLeaf: boolean;
  readonly users: Users;
}

/**
 * Page-table entries that cached translations came from. A store to one of them drops what came from it, in every
 * context, so that a cached translation is always what a walk would give now: `sfence.vma` and a change of satp have
 * nothing to do, and nothing that a guest can see depends on what happens to be cached. (The manual would allow stale
 * translations until the fence; a machine that is restored from a checkpoint could not have the same ones.)
 *
 * Generated code notes entries of the last level by itself: each translation says where it came from (TABLE_SOURCES), and
 * there are only eight places in a table for what such an entry maps. What is noted here is which contexts to look into:
 * the users of each table of the last level, and of each entry above.
 */
export class TableEntries {
  readonly #memory: PhysicalMemory;
  readonly #group: CacheGroup;
  /** By frame. */
  readonly #lastTables = new Map<number, Users>();
  readonly #upper = new Map<FrameOffset, UpperEntry>();

  constructor(memory: PhysicalMemory, group: CacheGroup) {
    this.#memory = memory;
    this.#group = group;
  }

  /** The entry led to another table, for the current context. */
  branch(entry: FrameOffset): void {
    this.#useUpper(entry, false);
  }

  /** A translation of the current context comes from the entry, in a table of that level. */
  leaf(entry: FrameOffset, level: number): void {
    if (level > 0) {
      this.#useUpper(entry, true);
      return;
    }
    const frame = entry >>> 12;
    let users = this.#lastTables.get(frame);
    if (users === undefined) {
      users = new Map();
      this.#lastTables.set(frame, users);
    }
    this.#use(users);
    this.#mark(entry);
  }

  /** Bytes of RAM on a page with the flag `table` were written. */
  overwritten(place: FrameOffset, size: number): void {
    const { tableEntries } = this.#memory;
    const last = Math.floor((place + size - 1) / ENTRY_BYTES);
    for (let number = Math.floor(place / ENTRY_BYTES); number <= last; number++) {
      const bits = tableEntries[number >>> 3];
      if (bits === 0) {
        number |= 7;
        continue;
      }
      if ((bits & (1 << (number & 7))) !== 0) this.#changed(number);
    }
  }

  /** The tables in a frame are none any more; nothing that came from them is left in any context. */
  withdrawn(frame: number): void {
    const { flags, tableEntries } = this.#memory;
    this.#lastTables.delete(frame);
    if ((flags[frame] & layout.PAGE_FLAG.table) === 0) return;
    flags[frame] &= ~layout.PAGE_FLAG.table;
    const first = frame * layout.TABLE_ENTRY_BYTES;
    for (let at = first; at < first + layout.TABLE_ENTRY_BYTES; at++) {
      for (let bits = tableEntries[at], entry = at * ENTRY_BYTES * 8; bits !== 0; bits >>>= 1, entry += ENTRY_BYTES) {
        if ((bits & 1) !== 0) this.#upper.delete(entry as FrameOffset);
      }
      tableEntries[at] = 0;
    }
  }

  /** To be called before a walk, so that what it notes stays together. */
  makeRoom(): void {
    if (this.#upper.size + this.#lastTables.size < MOST_NOTED) return;
    const { flags, tableEntries } = this.#memory;
    for (const frame of this.#lastTables.keys()) flags[frame] &= ~layout.PAGE_FLAG.table;
    for (const entry of this.#upper.keys()) flags[entry >>> 12] &= ~layout.PAGE_FLAG.table;
    tableEntries.fill(0);
    this.#lastTables.clear();
    this.#upper.clear();
    this.#group.flushAll();
  }

  #changed(number: number): void {
    const entry = (number * ENTRY_BYTES) as FrameOffset;
    const frame = Math.floor(entry / layout.PAGE_BYTES);
    this.#memory.tableEntries[number >>> 3] &= ~(1 << (number & 7));
    const source = entry + 1;
    const upper = this.#upper.get(entry);
    if (upper !== undefined) {
      this.#upper.delete(entry);
      for (const [table, life] of upper.users) {
        if (!upper.isLeaf) this.#group.voidContext(table, life);
        else if (this.#group.lives(table, life)) this.#group.dropAllFrom(table, source);
      }
    }
    for (const [table, life] of this.#lastTables.get(frame) ?? []) {
      if (!this.#group.lives(table, life)) continue;
      // The entry's place in its table gives nine bits of the page's number; the others are unknown.
      for (let at = number % ENTRIES; at < layout.TRANSLATION_ENTRIES; at += ENTRIES) {
        this.#group.dropIfFrom(table, at, source);
      }
    }
    this.#unflag(frame);
  }

  #useUpper(entry: FrameOffset, isLeaf: boolean): void {
    let upper = this.#upper.get(entry);
    if (upper === undefined) {
      upper = { isLeaf, users: new Map() };
      this.#upper.set(entry, upper);
    }
    this.#use(upper.users);
    this.#mark(entry);
  }

  #use(users: Users): void {
    const { index, life } = this.#group.current;
    users.set(index, life);
  }

  #mark(entry: FrameOffset): void {
    const { tableEntries, flags } = this.#memory;
    tableEntries[entry >>> 6] |= 1 << ((entry >>> 3) & 7);
    const frame = entry >>> 12;
    if ((flags[frame] & layout.PAGE_FLAG.table) !== 0) return;
    flags[frame] |= layout.PAGE_FLAG.table;
    // Stores to this page must take the slow path from now on.
    this.#group.withholdWrites(frame);
  }

  /** Users of the page stay noted: they still know it as a table, and go on where it gets the flag again. */
  #unflag(frame: number): void {
    const { tableEntries, flags } = this.#memory;
    const first = frame * layout.TABLE_ENTRY_BYTES;
    for (let at = first; at < first + layout.TABLE_ENTRY_BYTES; at++) if (tableEntries[at] !== 0) return;
    flags[frame] &= ~layout.PAGE_FLAG.table;
  }
}

const ENTRY_BYTES = 8;
/** Of one page table. */
const ENTRIES = 512;
