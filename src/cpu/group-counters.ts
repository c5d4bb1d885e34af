import { CONTEXT_HITS, FENCES, GENERATED_FILLS, SPACE_SWITCHES } from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";

/** What the cache group has done since the machine was made. No state of the machine: nothing follows from it. */
export class GroupCounters {
  readonly #memory: PhysicalMemory;
  /** Searches for a context that did not find it. */
  misses = 0;
  /** Contexts that made room for others. */
  evictions = 0;
  /** Walks in full for a translation that was missing. */
  walks = 0;
  /** Translations dropped because the entry that they came from was stored to. */
  droppedTranslations = 0;
  /** Contexts that became void because a table was taken from under them. */
  voidedContexts = 0;
  /** Times that everything became void. */
  flushes = 0;
  /** Times that checkpoints took back the permission to store without being noticed. */
  checkpoints = 0;

  constructor(memory: PhysicalMemory) {
    this.#memory = memory;
  }

  /** Missing translations that generated code found by itself. */
  get generatedFills(): number {
    return this.#word(GENERATED_FILLS);
  }

  /** Changes of context that found it. */
  get hits(): number {
    return this.#word(CONTEXT_HITS);
  }

  /** Changes from one address space to another. */
  get switches(): number {
    return this.#word(SPACE_SWITCHES);
  }

  /** sfence.vma, and the like. */
  get fences(): number {
    return this.#word(FENCES);
  }

  countHit(): void {
    this.#count(CONTEXT_HITS);
  }

  countSwitch(): void {
    this.#count(SPACE_SWITCHES);
  }

  countFence(): void {
    this.#count(FENCES);
  }

  #word(address: number): number {
    return Number(this.#memory.view.getBigUint64(address, true));
  }

  /** Generated code counts in the same words. */
  #count(address: number): void {
    const { view } = this.#memory;
    view.setBigUint64(address, view.getBigUint64(address, true) + 1n, true);
  }
}

/** The cache group as the user is shown it. */
export interface CacheGroupReport {
  /** Off: every write of satp and every fence flushes everything. */
  readonly cacheGroup: "on" | "off";
  /** Address spaces, and their contexts of privilege and permission, that have translations now. */
  readonly elements: number;
  readonly contexts: number;
  readonly mostContexts: number;
  readonly switches: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  readonly fences: number;
  /** Translations that were missing: found by generated code, and by a walk in full. */
  readonly fills: number;
  readonly walks: number;
  readonly droppedTranslations: number;
  readonly voidedContexts: number;
  readonly flushes: number;
  readonly checkpoints: number;
}
