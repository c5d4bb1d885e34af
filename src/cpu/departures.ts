import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { Departure } from "./region-code.ts";

/**
 * After so many departures for unknown addresses from one place, in times of what makes a region large, its region is made
 * anew, and once more, and once more.
 */
const HABITS = [0.5, 2, 8];

/** They are compared one after the other. */
const MOST_TARGETS = 8;

/** A jump to an address in a register: its number in layout.DEPARTURES, and the addresses where it went. */
interface KnownDeparture {
  readonly number: number;
  readonly targets: Set<bigint>;
}

/** Where jumps to addresses in registers go, as large regions say when they leave. */
export class Departures {
  readonly #memory: PhysicalMemory;
  readonly #habits: readonly number[];
  /** By offset in RAM of the instruction. */
  readonly #known = new Map<number, KnownDeparture>();

  /** `hotEntries`: what makes a region large. */
  constructor(memory: PhysicalMemory, hotEntries: number) {
    this.#memory = memory;
    this.#habits = HABITS.map((times) => Math.ceil(times * hotEntries));
  }

  /** Where an instruction shall say where it goes; undefined: it is known well enough. */
  departureFor(offset: number): Departure | undefined {
    let known = this.#known.get(offset);
    if (known === undefined) {
      if (this.#known.size >= layout.DEPARTURE_COUNT) return undefined;
      known = { number: this.#known.size, targets: new Set() };
      this.#known.set(offset, known);
    }
    const count = this.#memory.view.getInt32(addressOf(known) + layout.DEPARTURE.count, true);
    const habit = this.#habits.find((limit) => limit > count);
    return habit === undefined ? undefined : { number: known.number, habit };
  }

  /** Addresses where an instruction was seen to go. */
  targets(offset: number): bigint[] {
    const known = this.#known.get(offset);
    if (known === undefined) return [];
    const { view } = this.#memory;
    const at = addressOf(known);
    const count = Math.min(view.getInt32(at + layout.DEPARTURE.count, true), layout.DEPARTURE_TARGETS);
    for (let index = 0; index < count && known.targets.size < MOST_TARGETS; index++) {
      known.targets.add(view.getBigUint64(at + layout.DEPARTURE.targets + index * 8, true));
    }
    return [...known.targets];
  }

  clear(): void {
    this.#known.clear();
    this.#memory.bytes.fill(0, layout.DEPARTURES, layout.DEPARTURES + DEPARTURES_BYTES);
  }
}

const DEPARTURES_BYTES = layout.DEPARTURE_COUNT * layout.DEPARTURE_BYTES;

function addressOf({ number }: KnownDeparture): number {
  return layout.DEPARTURES + number * layout.DEPARTURE_BYTES;
}
