import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { BreakpointCheck } from "./breakpoint-slots.ts";
import type { GrowthLimits } from "./region.ts";
import type { GuardedPage, RegionForm } from "./region-code.ts";
import { type Difference, type PatchedFormat, patchedFormat, type TranslatedCode } from "./translated-code.ts";

/** A translation, in the table or kept for when its code is there again. */
export interface Translated {
  readonly slot: number;
  /** Virtual address of its entry. */
  readonly entry: bigint;
  readonly entryOffset: number;
  /** Address of what the decoded page knows of jumps that arrive at its entry. */
  readonly arrival: number;
  readonly code: TranslatedCode;
  readonly guarded: readonly GuardedPage[];
  /** Where it looks for breakpoints, by virtual address. */
  readonly checks: ReadonlyMap<bigint, BreakpointCheck>;
  readonly form: RegionForm;
  readonly limits: GrowthLimits;
  readonly callable: unknown;
}

/** Code that changes again and again is left to the interpreter for twice as long each time, up to this often. */
const MOST_DOUBLINGS = 8;
/** Code that has changed this often is not brought into the translations of its callers, which would change with it. */
const RESTLESS_CHANGES = 2;
/** A compiler that uses its buffer again, a static key, a breakpoint: two or three versions; each costs kilobytes. */
const MOST_VERSIONS = 8;
/** Those that have been kept for longest are forgotten. */
export const MOST_RETIRED = 1536;
/** Entries and immediates that are known to change. Who comes after that many is forgotten as if new. */
const MOST_KNOWN = 8192;
/** Jumps that arrive at an entry before it is looked whether an old translation fits: changes come several at a time. */
const TRIAL_ARRIVALS = 2;

/** What is known of an entry whose code has changed. */
interface Entry {
  changes: number;
  /** Newest last. */
  readonly versions: Translated[];
  /** While a trial is due: the arrivals counted if no old translation fits. */
  counted: number | undefined;
}

/**
 * What became of code that was translated: translations whose code is gone, for when it is there again; entries whose code
 * changes too often to be translated each time; immediates that are patched, for which translations look in RAM.
 */
export class CodeHistory {
  readonly #memory: PhysicalMemory;
  readonly #hotArrivals: number;
  /** By offset in RAM. */
  readonly #entries = new Map<number, Entry>();
  readonly #patched = new Set<number>();
  /** Kept translations by page of RAM. */
  readonly #retired = new Map<number, Set<Translated>>();
  /** In the order in which they were retired. */
  readonly #order = new Set<Translated>();

  constructor(memory: PhysicalMemory, hotArrivals: number) {
    this.#memory = memory;
    this.#hotArrivals = hotArrivals;
  }

  isRestless(entryOffset: number): boolean {
    return (this.#entries.get(entryOffset)?.changes ?? 0) >= RESTLESS_CHANGES;
  }

  /** The format of a word whose immediate translations must look for in RAM. */
  patchedFormat(offset: number, word: number): PatchedFormat | undefined {
    return this.#patched.has(offset) ? patchedFormat(word) : undefined;
  }

  /** A translation leaves the table, and may come back. `difference`: what happened at an offset; none: a breakpoint. */
  retire(translated: Translated, offset: number, difference: Difference): void {
    const { entryOffset, code } = translated;
    // Where only an immediate has changed, or what was brought in and will not be again, the next translation will last.
    let counted = this.#hotArrivals;
    if (difference === "other") {
      const owner = code.ownerOf(offset) ?? entryOffset;
      const changed = this.#entry(owner);
      changed.changes++;
      if (owner === entryOffset) counted *= 2 - 2 ** Math.min(changed.changes, MOST_DOUBLINGS);
    } else if (difference === "immediate") {
      if (this.#patched.size >= MOST_KNOWN) this.#patched.clear();
      this.#patched.add(offset);
    }
    this.keep(translated);
    this.#entry(entryOffset).counted = counted;
    this.#setArrivals(translated, this.#hotArrivals - TRIAL_ARRIVALS);
  }

  /** A translation leaves the table for good, and the next of its entry may come soon. */
  discarded(translated: Translated): void {
    this.#entry(translated.entryOffset).counted = this.#hotArrivals;
    this.#setArrivals(translated, this.#hotArrivals - TRIAL_ARRIVALS);
  }

  /** Keeps a translation that left the table. */
  keep(translated: Translated): void {
    const entry = this.#entry(translated.entryOffset);
    const [oldest] = this.#order;
    if (this.#order.size >= MOST_RETIRED) this.#forget(this.#entry(oldest.entryOffset), oldest);
    if (entry.versions.length >= MOST_VERSIONS) this.#forget(entry, entry.versions[0]);
    entry.versions.push(translated);
    this.#order.add(translated);
    for (const page of translated.code.pages) {
      let there = this.#retired.get(page);
      if (there === undefined) {
        there = new Set();
        this.#retired.set(page, there);
      }
      there.add(translated);
    }
  }

  /** Kept translations that have the instruction at an offset as it is now. */
  withPresent(offset: number): Iterable<Translated> {
    const there = this.#retired.get(offset >>> 12);
    const found: Translated[] = [];
    for (const translated of there ?? []) {
      const { code } = translated;
      if (code.has(offset) && code.difference(offset) === "none") found.push(translated);
    }
    return found;
  }

  /** Looks soon whether an old translation fits. Its entry has none now. */
  tryAgain(translated: Translated): void {
    const entry = this.#entry(translated.entryOffset);
    const count = this.#memory.view.getInt32(translated.arrival + layout.ARRIVAL.count, true);
    entry.counted ??= Math.min(count, this.#hotArrivals - 1);
    this.#setArrivals(translated, this.#hotArrivals - TRIAL_ARRIVALS);
  }

  /** The kept translations of an entry, newest first. */
  versions(entryOffset: number): Translated[] {
    return this.#entries.get(entryOffset)?.versions.toReversed() ?? [];
  }

  /** A kept translation goes back into the table. */
  revived(translated: Translated): void {
    const entry = this.#entry(translated.entryOffset);
    entry.counted = undefined;
    this.#forget(entry, translated);
  }

  /** No old translation fits; false when the entry has to become hot again first. */
  mayTranslate(entryOffset: number, arrival: number): boolean {
    const entry = this.#entries.get(entryOffset);
    const counted = entry?.counted;
    if (entry === undefined || counted === undefined) return true;
    entry.counted = undefined;
    if (counted >= this.#hotArrivals) return true;
    this.#memory.view.setInt32(arrival + layout.ARRIVAL.count, counted, true);
    return false;
  }

  clear(): void {
    this.#entries.clear();
    this.#patched.clear();
    this.#retired.clear();
    this.#order.clear();
  }

  #entry(offset: number): Entry {
    let entry = this.#entries.get(offset);
    if (entry === undefined) {
      if (this.#entries.size >= MOST_KNOWN) this.#forgetOldest();
      entry = { changes: 0, versions: [], counted: undefined };
      this.#entries.set(offset, entry);
    }
    return entry;
  }

  #forgetOldest(): void {
    const [[offset, entry]] = this.#entries;
    for (const translated of [...entry.versions]) this.#forget(entry, translated);
    this.#entries.delete(offset);
  }

  #forget(entry: Entry, translated: Translated): void {
    entry.versions.splice(entry.versions.indexOf(translated), 1);
    this.#order.delete(translated);
    for (const page of translated.code.pages) {
      const there = this.#retired.get(page);
      there?.delete(translated);
      if (there?.size === 0) this.#retired.delete(page);
    }
  }

  #setArrivals({ arrival }: Translated, count: number): void {
    this.#memory.view.setInt32(arrival + layout.ARRIVAL.count, Math.max(0, count), true);
  }
}
