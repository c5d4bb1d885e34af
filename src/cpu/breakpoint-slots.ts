import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { IMPORT_MODULE } from "../wasm/module.ts";
import type { HitCounter, HitFilter } from "./condition.ts";
import { type ConditionHost, FILTER_EXPORT, filterModule } from "./condition-code.ts";

/** Breakpoints by address, and the filters of those that have one. */
export interface BreakpointSetting {
  readonly addresses: ReadonlySet<bigint>;
  readonly filters: ReadonlyMap<bigint, readonly HitFilter[]>;
}

/** How generated code asks for the breakpoint at an address. */
export interface BreakpointCheck {
  readonly slot: number;
  /** Registers that the filter may look at (FilterModule.reads): they must be in the hart window. */
  readonly reads: bigint;
}

interface Slot {
  readonly number: number;
  /** Of all filters that were ever here, so that translations need not change with them. */
  reads: bigint;
}

interface Filter {
  readonly callable: unknown;
  readonly reads: bigint;
}

/** Filters of more functions are kept than there can be breakpoints with slots, so that switching between lists is cheap. */
const MOST_FILTERS = 4 * layout.BREAKPOINT_SLOTS;

/**
 * What generated code looks at where there is a breakpoint: a word that says whether to stop, and a function in the table for
 * those that depend on a condition. An address keeps its slot when its breakpoint goes, because translations go on
 * looking at it.
 */
export class BreakpointSlots {
  readonly #memory: PhysicalMemory;
  readonly #table: WebAssembly.Table;
  readonly #host: ConditionHost;
  /** Translations that look at a slot must go: it will be another address's, or they do not spill what it needs. */
  readonly #outdated: (address: bigint) => void;
  readonly #slots = new Map<bigint, Slot>();
  readonly #free: number[] = Array.from({ length: layout.BREAKPOINT_SLOTS - 1 }, (_, index) => index + 1).reverse();
  readonly #filters = new Map<readonly HitFilter[], Filter | undefined>();
  #counters: HitCounter[] = [];
  /** Counters that take part now. */
  #active: HitCounter[] = [];
  #setting: BreakpointSetting = { addresses: new Set(), filters: new Map() };

  constructor(
    memory: PhysicalMemory,
    table: WebAssembly.Table,
    host: ConditionHost,
    outdated: (address: bigint) => void,
  ) {
    this.#memory = memory;
    this.#table = table;
    this.#host = host;
    this.#outdated = outdated;
  }

  /** Undefined: nothing need be looked at; 0: the interpreter must look. */
  checkOf(address: bigint): BreakpointCheck | 0 | undefined {
    const slot = this.#slots.get(address);
    if (slot !== undefined) return { slot: slot.number, reads: slot.reads };
    return this.#setting.addresses.has(address) ? 0 : undefined;
  }

  /** 0: the address has none. */
  numberOf(address: bigint): number {
    return this.#slots.get(address)?.number ?? 0;
  }

  /** What generated code decides, for a hart at the address of a breakpoint with so many steps left. */
  stopAt(address: bigint, left: number): boolean {
    const slot = this.#slots.get(address);
    if (slot === undefined) return true;
    const word = this.#memory.view.getInt32(layout.BREAKPOINT_WORDS + slot.number * 4, true);
    if (word !== layout.BREAKPOINT.filter) return true;
    return this.#table.get(slot.number)(BigInt.asIntN(64, address), left - 1) !== 0;
  }

  set(setting: BreakpointSetting): void {
    const { addresses, filters } = setting;
    for (const address of this.#setting.addresses) {
      const slot = this.#slots.get(address);
      if (slot !== undefined && !addresses.has(address)) this.#put(slot, layout.BREAKPOINT.off);
    }
    this.#setting = setting;
    this.#active = [];
    this.#number(filters);
    for (const address of addresses) {
      const slot = this.#slots.get(address) ?? this.#allocate(address);
      if (slot === undefined) continue;
      const wanted = filters.get(address);
      const filter = wanted && this.#filter(address, wanted);
      if (wanted === undefined || filter === undefined) {
        this.#put(slot, layout.BREAKPOINT.stop);
        continue;
      }
      for (const { counter } of wanted) if (counter !== undefined) this.#active.push(counter);
      if ((filter.reads & ~slot.reads) !== 0n) {
        slot.reads |= filter.reads;
        this.#outdated(address);
      }
      this.#table.set(slot.number, filter.callable);
      this.#put(slot, layout.BREAKPOINT.filter);
    }
  }

  /** The machine is about to run from an instant on; `aside`: away from its history, so that no hit counts. */
  begin(instant: number, aside: boolean): void {
    const { view } = this.#memory;
    for (const counter of this.#active) {
      const at = layout.HIT_COUNTERS + this.#counters.indexOf(counter) * layout.HIT_COUNTER_BYTES;
      view.setInt32(at + layout.HIT_COUNTER.left, aside ? 0 : Math.min(counter.toSkip(instant), MOST_SKIPPED), true);
      view.setBigInt64(at + layout.HIT_COUNTER.instant, -1n, true);
    }
  }

  /** The machine has run: counters hear of the hits that it has not stopped for. */
  end(): void {
    if (this.#active.length === 0) return;
    const { view } = this.#memory;
    const length = view.getInt32(layout.HIT_LOG_LENGTH, true);
    if (length === 0) return;
    view.setInt32(layout.HIT_LOG_LENGTH, 0, true);
    const instants = this.#counters.map((): number[] => []);
    for (let entry = 0; entry < length; entry++) {
      const at = layout.HIT_LOG + entry * 16;
      instants[view.getInt32(at + 8, true)].push(view.getFloat64(at, true));
    }
    instants.forEach((list, number) => {
      if (list.length > 0) this.#counters[number].skipped(Float64Array.from(list));
    });
  }

  #put({ number }: Slot, word: number): void {
    this.#memory.view.setInt32(layout.BREAKPOINT_WORDS + number * 4, word, true);
  }

  #allocate(address: bigint): Slot | undefined {
    if (this.#free.length === 0) this.#reclaim();
    const number = this.#free.pop();
    if (number === undefined) return undefined;
    const slot = { number, reads: 0n };
    this.#slots.set(address, slot);
    return slot;
  }

  /** Slots of addresses without a breakpoint are wanted for others. */
  #reclaim(): void {
    for (const [address, { number }] of this.#slots) {
      if (this.#setting.addresses.has(address)) continue;
      this.#outdated(address);
      this.#slots.delete(address);
      this.#free.push(number);
    }
  }

  #filter(address: bigint, wanted: readonly HitFilter[]): Filter | undefined {
    if (this.#filters.has(wanted)) return this.#filters.get(wanted);
    if (this.#filters.size >= MOST_FILTERS) this.#filters.clear();
    const filter = this.#compile(address, wanted);
    this.#filters.set(wanted, filter);
    return filter;
  }

  /** Undefined: the breakpoint must stop, and whoever set it decides. */
  #compile(address: bigint, wanted: readonly HitFilter[]): Filter | undefined {
    const parts = wanted.map(({ condition, counter }) => ({
      condition,
      counter: counter && this.#counters.indexOf(counter),
    }));
    // There are more counters than numbers.
    if (parts.some(({ counter }) => counter === -1)) return undefined;
    const module = filterModule(this.#host, address, parts);
    if (module === undefined) return undefined;
    const { memory } = this.#memory;
    try {
      const instance = new WebAssembly.Instance(new WebAssembly.Module(module.bytes), { [IMPORT_MODULE]: { memory } });
      return { callable: instance.exports[FILTER_EXPORT], reads: module.reads };
    } catch (error) {
      // Generated code may be forbidden where the machine runs.
      if (error instanceof WebAssembly.CompileError) return undefined;
      throw error;
    }
  }

  /** Gives numbers to the counters of filters. They are in the functions: when they run out, both begin afresh. */
  #number(filters: BreakpointSetting["filters"]): void {
    const wanted = [...filters.values()].flat().flatMap(({ counter }) => counter ?? []);
    const fresh = wanted.filter((counter) => !this.#counters.includes(counter));
    if (this.#counters.length + fresh.length > layout.HIT_COUNTER_COUNT) {
      this.#filters.clear();
      this.#counters = wanted.slice(0, layout.HIT_COUNTER_COUNT);
    } else this.#counters.push(...fresh);
  }
}

const MOST_SKIPPED = 2 ** 31 - 1;
