import { assert } from "../base/assert.ts";
import type { DecodedPages } from "../cpu/decoded-pages.ts";
import { EXCEPTION_CODES } from "../isa/causes.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { Bus, RefusedAccess } from "./bus.ts";
import type { Isolation } from "./machine-interface.ts";
import type { RamVersions } from "./ram-versions.ts";
import { NO_STOPS, type StopConditions } from "./stop.ts";

export interface IsolationParts {
  readonly bus: Bus;
  readonly decoded: DecodedPages;
  readonly versions: RamVersions;
  readonly memory: PhysicalMemory;
}

/** See `Isolation`; the machine asks for `active` wherever something would happen by itself. */
export class MachineIsolation implements Isolation {
  readonly #parts: IsolationParts;
  #active = false;
  #outside: StopConditions = NO_STOPS;

  constructor(parts: IsolationParts) {
    this.#parts = parts;
  }

  get active(): boolean {
    return this.#active;
  }

  get hintsStop(): boolean {
    return this.#active || this.#outside.replayHints === true;
  }

  get refused(): RefusedAccess | undefined {
    return this.#parts.bus.refused;
  }

  /** What the machine stops at while it is not isolated. */
  outside(stops: StopConditions): void {
    this.#outside = stops;
    this.#apply();
  }

  enter(): void {
    assert(!this.#active, "the machine is isolated already");
    this.#parts.bus.refused = undefined;
    this.#put(true);
  }

  leave(): void {
    this.#put(false);
  }

  changedUnseen(): readonly number[] {
    return this.#parts.versions.changedUnseen();
  }

  #put(active: boolean): void {
    this.#active = active;
    this.#parts.bus.closed = active;
    this.#apply();
  }

  #apply(): void {
    const { decoded, memory } = this.#parts;
    decoded.stopAtHints(this.hintsStop);
    memory.setTrapStops(this.#active ? EXCEPTION_CODES : this.#outside.exceptions);
  }
}
