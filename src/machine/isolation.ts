import { assert } from "../base/assert.ts";
import type { DecodedPages } from "../cpu/decoded-pages.ts";
import type { Bus, RefusedAccess } from "./bus.ts";
import type { Checkpoint, Digest, Isolation } from "./machine-interface.ts";
import { digestOf, Pages } from "./pages.ts";
import type { RamVersions } from "./ram-versions.ts";

export interface IsolationParts {
  readonly bus: Bus;
  readonly decoded: DecodedPages;
  readonly versions: RamVersions;
}

/** See `Isolation`; the machine asks for `active` wherever something would happen by itself. */
export class MachineIsolation implements Isolation {
  readonly #parts: IsolationParts;
  #active = false;
  /** Outside of isolation, the machine stops at HINTs for replay. */
  #stopsAtHints = false;

  constructor(parts: IsolationParts) {
    this.#parts = parts;
  }

  get active(): boolean {
    return this.#active;
  }

  get hintsStop(): boolean {
    return this.#active || this.#stopsAtHints;
  }

  get refused(): RefusedAccess | undefined {
    return this.#parts.bus.refused;
  }

  stopAtHints(stops: boolean): void {
    this.#stopsAtHints = stops;
    this.#parts.decoded.stopAtHints(this.hintsStop);
  }

  enter(): void {
    assert(!this.#active, "the machine is isolated already");
    this.#parts.bus.refused = undefined;
    this.#put(true);
  }

  leave(): void {
    this.#put(false);
  }

  digestOf({ state, pages }: Checkpoint): Digest {
    assert(pages instanceof Pages, "a checkpoint of another machine");
    return digestOf(pages.sums, this.#parts.versions.hash(state));
  }

  changedUnseen(): readonly number[] {
    return this.#parts.versions.changedUnseen();
  }

  #put(active: boolean): void {
    this.#active = active;
    this.#parts.bus.closed = active;
    this.#parts.decoded.stopAtHints(this.hintsStop);
  }
}
