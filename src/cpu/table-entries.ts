import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { TranslationTables } from "./translation-tables.ts";

/** More translations than this of one entry (a large page has hundreds) are not listed: when it changes, all go. */
const MOST_LISTED = 64;
/** More entries than this are forgotten together with every translation; a map of them must not grow for ever. */
const MOST_ENTRIES = 1 << 18;

/** Translations that came from an entry, each as table * TRANSLATION_ENTRIES + entry; "all": too many, or not a leaf. */
type Users = number[] | "all";

/**
 * Page-table entries that cached translations came from. A store to one of them drops what came from it, in every
 * table, so that a cached translation is always what a walk would give now: `sfence.vma` and a change of satp have
 * nothing to do, and nothing that a guest can see depends on what happens to be cached. (The manual would allow stale
 * translations until the fence; a machine that is restored from a checkpoint could not have the same ones.)
 */
export class TableEntries {
  readonly #memory: PhysicalMemory;
  readonly #tables: TranslationTables;
  readonly #users = new Map<number, Users>();

  constructor(memory: PhysicalMemory, tables: TranslationTables) {
    this.#memory = memory;
    this.#tables = tables;
  }

  /** The entry at an offset of RAM led to others. */
  branch(entry: number): void {
    if (this.#isKnown(entry)) return;
    this.#add(entry, "all");
  }

  /** A translation in the current table, for the page of a virtual address, comes from the leaf at an offset of RAM. */
  leaf(entry: number, translationEntry: number): void {
    const user = this.#tables.current.index * layout.TRANSLATION_ENTRIES + translationEntry;
    const users = this.#isKnown(entry) ? this.#users.get(entry) : undefined;
    if (users === undefined) this.#add(entry, [user]);
    else if (users !== "all" && !users.includes(user)) {
      if (users.length < MOST_LISTED) users.push(user);
      else this.#users.set(entry, "all");
    }
  }

  /** Bytes of RAM on a page with the flag `table` were written. */
  overwritten(offset: number, size: number): void {
    const { tableEntries } = this.#memory;
    const last = Math.floor((offset + size - 1) / ENTRY_BYTES);
    for (let number = Math.floor(offset / ENTRY_BYTES); number <= last; number++) {
      const bits = tableEntries[number >>> 3];
      if (bits === 0) {
        number |= 7;
        continue;
      }
      if ((bits & (1 << (number & 7))) !== 0) this.#changed(number);
    }
  }

  #changed(number: number): void {
    const entry = number * ENTRY_BYTES;
    const users = this.#users.get(entry) ?? "all";
    this.#users.delete(entry);
    this.#memory.tableEntries[number >>> 3] &= ~(1 << (number & 7));
    if (users === "all") this.#tables.flushAll();
    else for (const user of users) this.#drop(user);
    this.#unflag(Math.floor(entry / layout.PAGE_BYTES));
  }

  #drop(user: number): void {
    this.#tables.dropEntry(Math.floor(user / layout.TRANSLATION_ENTRIES), user % layout.TRANSLATION_ENTRIES);
  }

  #isKnown(entry: number): boolean {
    return (this.#memory.tableEntries[entry >>> 6] & (1 << ((entry >>> 3) & 7))) !== 0;
  }

  #add(entry: number, users: Users): void {
    const { tableEntries, flags } = this.#memory;
    this.#users.set(entry, users);
    tableEntries[entry >>> 6] |= 1 << ((entry >>> 3) & 7);
    const page = entry >>> 12;
    if ((flags[page] & layout.PAGE_FLAG.table) !== 0) return;
    flags[page] |= layout.PAGE_FLAG.table;
    // Stores to this page must take the slow path from now on.
    this.#tables.flushWrites();
  }

  #unflag(page: number): void {
    const { tableEntries, flags } = this.#memory;
    const first = page * layout.TABLE_ENTRY_BYTES;
    for (let at = first; at < first + layout.TABLE_ENTRY_BYTES; at++) if (tableEntries[at] !== 0) return;
    flags[page] &= ~layout.PAGE_FLAG.table;
  }

  /** To be called before a walk, so that what it notes stays together. */
  makeRoom(): void {
    if (this.#users.size < MOST_ENTRIES) return;
    for (const entry of this.#users.keys()) {
      this.#memory.tableEntries[entry >>> 6] = 0;
      this.#memory.flags[entry >>> 12] &= ~layout.PAGE_FLAG.table;
    }
    this.#users.clear();
    this.#tables.flushAll();
  }
}

const ENTRY_BYTES = 8;
