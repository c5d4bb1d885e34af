import { assert } from "../base/assert.ts";
import type { Instant, VirtualAddress } from "../base/brand.ts";
import { type BreakpointSetting, BreakpointSlots } from "../cpu/breakpoint-slots.ts";
import type { DataAccess } from "../cpu/data-access.ts";
import type { DecodedPages } from "../cpu/decoded-pages.ts";
import type { Turn } from "../cpu/hart.ts";
import { EXCEPTION } from "../isa/causes.ts";
import { MAX_WATCHES } from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { STEPS_PER_TICK } from "./memory-map.ts";
import { type MachineStop, NO_STOPS, type StopConditions, type WatchHit } from "./stop.ts";

/** What stops are set in; made behind the lookout, whose slots it needs. */
export interface LookoutParts {
  readonly decoded: DecodedPages;
  readonly data: DataAccess;
  /** Pages of RAM that are executed at a virtual page now. */
  readonly executedAt: (virtualPage: bigint) => Iterable<number>;
  readonly flushTranslations: () => void;
}

const MACHINE_MODE = 3;
const NO_FILTERS: BreakpointSetting["filters"] = new Map();

/** What the machine looks out for, and how the engine hears of it. */
export class Lookout {
  readonly slots: BreakpointSlots;
  /** Breakpoints where an instruction can begin. */
  #breakpoints: ReadonlySet<bigint> = new Set();
  readonly #parts: () => LookoutParts;
  readonly #turn: Turn;
  #stops: StopConditions = NO_STOPS;
  /** Interrupts that were taken, and "page not ready", that nobody has heard of. */
  #arrivals: MachineStop[] = [];

  /** `outdated` hears of addresses where translations no longer look for a breakpoint in the right way. */
  constructor(
    memory: PhysicalMemory,
    table: WebAssembly.Table,
    turn: Turn,
    outdated: (address: bigint) => void,
    parts: () => LookoutParts,
  ) {
    this.#parts = parts;
    this.#turn = turn;
    const { csrs } = turn;
    const host = {
      where: memory.layout,
      csrAddress: (csr: number) => csrs.plainAddress(csr),
      hasFloat: csrs.has("F"),
      stepsPerTick: STEPS_PER_TICK,
    };
    this.slots = new BreakpointSlots(memory, table, host, outdated);
  }

  /** Cheap when only breakpoints change: searches do so at every hit that they pass over. */
  set(stops: StopConditions): void {
    assert(stops.watches.length <= MAX_WATCHES, `more than ${MAX_WATCHES} watches`);
    const { decoded, data, executedAt, flushTranslations } = this.#parts();
    const old = this.#stops;
    this.#stops = stops;
    this.#arrivals = this.#arrivals.filter((stop) =>
      stop.kind === "exception" ? this.isForException(stop.cause) : stops.interrupts === true,
    );
    if (stops.breakpoints !== old.breakpoints || stops.filters !== old.filters) {
      // No instruction begins at an odd address.
      const addresses = new Set(stops.breakpoints.filter((address) => (address & 1n) === 0n));
      this.#breakpoints = addresses;
      decoded.setBreakpoints({ addresses, filters: stops.filters ?? NO_FILTERS }, executedAt);
    }
    if (stops.watches === old.watches || (stops.watches.length === 0 && old.watches.length === 0)) return;
    data.setWatches(
      stops.watches.map(({ address, length, access }) => ({
        first: BigInt(address),
        last: BigInt(address + length - 1),
        access,
      })),
    );
    flushTranslations();
  }

  /** See Breakpoints of cpu/engine.ts. */
  stopAt(pc: bigint, left: number): boolean {
    return this.#breakpoints.has(pc) && this.slots.stopAt(pc, left);
  }

  isForException(cause: number): boolean {
    return this.#stops.exceptions.includes(cause);
  }

  /** The hart that has its turn has been interrupted: it stands in its handler. */
  interrupted(): void {
    if (this.#stops.interrupts !== true) return;
    const { hart, csrs } = this.#turn;
    const [cause, pc] = hart.privilege === MACHINE_MODE ? (["mcause", "mepc"] as const) : (["scause", "sepc"] as const);
    this.#arrivals.push({
      kind: "interrupt",
      hart: hart.id,
      cause: Number(BigInt.asUintN(63, csrs.get(cause))),
      pc: csrs.get(pc) as VirtualAddress,
    });
  }

  /** A hart has been told that a page is not ready: it stands in its handler. */
  told(hart: number, tval: bigint): void {
    const cause = EXCEPTION.pageNotReady;
    if (this.isForException(cause)) this.#arrivals.push({ kind: "exception", hart, cause, tval });
  }

  /** What a hart met on arrival since the last time. */
  takeArrival(): MachineStop | undefined {
    return this.#arrivals.shift();
  }

  /** The machine stands elsewhere. */
  forget(): void {
    this.#arrivals = [];
  }

  /** Watched accesses of the step that was taken at `instant`; undefined when there were none. */
  takeWatchHits(instant: Instant): WatchHit[] | undefined {
    const { data } = this.#parts();
    const accesses = data.watched;
    if (accesses.length === 0) return undefined;
    data.watched = [];
    const hart = this.#turn.hart.id;
    return accesses.map(({ watch, access, address, size, pc }) => ({
      ...{ watch, access, size, hart, instant },
      address: address as VirtualAddress,
      pc: pc as VirtualAddress,
    }));
  }
}
