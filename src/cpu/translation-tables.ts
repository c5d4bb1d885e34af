import { assert } from "../base/assert.ts";
import * as layout from "../memory/layout.ts";
import type { Maintenance } from "../memory/maintenance-code.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { invalidTag } from "../memory/translation-code.ts";
import type { AccessContext } from "./page-walk.ts";

/** One table of translation entries, and what it is for. */
export interface TranslationTable {
  readonly index: number;
  /** Address in the machine's memory. */
  readonly address: number;
  /** What names the address space, and the context in it: see AddressTranslation. */
  space: number;
  variant: number;
  data: AccessContext;
  fetch: AccessContext;
  lastUsed: number;
  /** To be flushed before it is used again. */
  stale: "no" | "writes" | "all";
}

/**
 * The tables of translation entries, one for each context that is alive: found again when a hart comes back to it, so
 * that neither a trap nor a switch of address space flushes anything. The least recently used makes room. Tables that
 * are not in force are flushed when they next are.
 */
export class TranslationTables {
  readonly #memory: PhysicalMemory;
  readonly #maintenance: () => Maintenance;
  readonly #tables: TranslationTable[] = [];
  readonly #spaces = new Map<number, Map<number, TranslationTable>>();
  #current: TranslationTable | undefined;
  #clock = 0;

  constructor(memory: PhysicalMemory, maintenance: () => Maintenance) {
    this.#memory = memory;
    this.#maintenance = maintenance;
  }

  get current(): TranslationTable {
    assert(this.#current !== undefined, "no translation table is in force");
    return this.#current;
  }

  /** Tables in use. */
  get all(): readonly TranslationTable[] {
    return this.#tables;
  }

  /** Puts the table of a context in force; `contexts` describes it when there is none yet. */
  select(
    space: number,
    variant: number,
    contexts: () => { data: AccessContext; fetch: AccessContext },
  ): TranslationTable {
    const table = this.#spaces.get(space)?.get(variant) ?? this.#make(space, variant, contexts());
    table.lastUsed = ++this.#clock;
    this.#current = table;
    this.#memory.view.setInt32(layout.TRANSLATION_BASE, table.address, true);
    if (table.stale !== "no") this.#flush(table);
    return table;
  }

  /** Every translation of every context is void. */
  flushAll(): void {
    this.#void("all");
  }

  /** The next store to each page takes the slow path. */
  flushWrites(): void {
    this.#void("writes");
  }

  /** Forgets all contexts: whatever named them means something else now. */
  forget(): void {
    this.#spaces.clear();
    for (const table of this.#tables) {
      table.stale = "all";
      table.space = NO_SPACE;
      table.lastUsed = 0;
    }
  }

  /** Makes one entry of a table invalid. */
  dropEntry(table: number, entry: number): void {
    const at = this.#tables[table].address + entry * layout.TRANSLATION_ENTRY_BYTES;
    const { readTag, writeTag, executeTag } = layout.ENTRY;
    for (const tag of [readTag, writeTag, executeTag]) {
      this.#memory.view.setBigUint64(at + tag, invalidTag(entry), true);
    }
  }

  #void(what: "writes" | "all"): void {
    for (const table of this.#tables) {
      if (table.stale !== "all") table.stale = what;
      if (table === this.#current) this.#flush(table);
    }
  }

  #flush(table: TranslationTable): void {
    const maintenance = this.#maintenance();
    if (table.stale === "all") maintenance.flushTags(table.address);
    else maintenance.flushWriteTags(table.address);
    table.stale = "no";
  }

  #make(
    space: number,
    variant: number,
    { data, fetch }: { data: AccessContext; fetch: AccessContext },
  ): TranslationTable {
    const table = this.#vacant();
    Object.assign(table, { space, variant, data, fetch, stale: "all" });
    let variants = this.#spaces.get(space);
    if (variants === undefined) {
      variants = new Map();
      this.#spaces.set(space, variants);
    }
    variants.set(variant, table);
    return table;
  }

  #vacant(): TranslationTable {
    if (this.#tables.length < layout.TRANSLATION_TABLES) {
      const index = this.#tables.length;
      const address = layout.TRANSLATION_POOL + index * layout.TRANSLATION_TABLE_BYTES;
      const nothing = undefined as unknown as AccessContext;
      const table: TranslationTable = {
        ...{ index, address, space: NO_SPACE, variant: 0, data: nothing, fetch: nothing, lastUsed: 0, stale: "all" },
      };
      this.#tables.push(table);
      return table;
    }
    const oldest = this.#tables.reduce((a, b) => (b.lastUsed < a.lastUsed ? b : a));
    const variants = this.#spaces.get(oldest.space);
    variants?.delete(oldest.variant);
    if (variants?.size === 0) this.#spaces.delete(oldest.space);
    return oldest;
  }
}

const NO_SPACE = -1;
