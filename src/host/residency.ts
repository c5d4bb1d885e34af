import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { UserError } from "../base/errors.ts";
import type { MakeCompiler } from "../cpu/region-compiler.ts";
import type { MachineConfiguration } from "../machine/configuration.ts";
import { LatentMeter } from "../machine/latent-meter.ts";
import type { LatentWork } from "../machine/latent-work.ts";
import type { Residency, ResidencyCounters, ResidencyReport } from "../machine/residency.ts";
import { PAGE_BYTES } from "../memory/layout.ts";
import type { PageHost } from "../replay/page-waits.ts";
import { meteredCompiler } from "./metered-compiler.ts";
import { steadyMs } from "./steady-clock.ts";
import { SwapStore } from "./swap-store.ts";

/** As the user gives it. */
export interface ResidencyChoice {
  /** Bytes of RAM that are kept; absent: all. */
  readonly residentBytes?: number | undefined;
  /** Absent: the guest is told. */
  readonly asyncPages?: boolean | undefined;
  readonly pageInLatencyMs?: number | undefined;
}

/** What one instruction needs at once, the areas of eight harts, and some room to go on with. */
export const LEAST_RESIDENT_BYTES = 256 * 1024;
/** Packed pages in memory may take half as much again as the pages that are kept. */
const COMPRESSED_SHARE = 1 / 2;
/** The thread is heard of within some microseconds; one that has died, within this. */
const WAIT_MS = 5;

/** A machine's pages beyond those that it keeps, with the store that has them and what is known of waiting for them. */
export class HostResidency implements PageHost {
  readonly residency: Residency;
  readonly tells: boolean;
  readonly #store: SwapStore;
  readonly #meter = new LatentMeter(() => performance.now());
  readonly #latencyMs: number;

  private constructor(frames: number, choice: ResidencyChoice) {
    this.#latencyMs = choice.pageInLatencyMs ?? 0;
    this.tells = choice.asyncPages ?? true;
    const memoryBytes = frames * PAGE_BYTES * COMPRESSED_SHARE;
    this.#store = new SwapStore({ memoryBytes, latencyMs: this.#latencyMs, collectGarbage });
    this.residency = { frames, store: this.#store };
  }

  /** Undefined: all pages are kept. */
  static of(choice: ResidencyChoice, { memoryBytes }: MachineConfiguration): HostResidency | undefined {
    const { residentBytes, pageInLatencyMs } = choice;
    if (residentBytes === undefined) {
      if (pageInLatencyMs === undefined) return undefined;
      throw new UserError("resident", "A latency of page-ins needs a bound of what is resident, as --resident 32M.", 2);
    }
    if (residentBytes < LEAST_RESIDENT_BYTES) {
      throw new UserError("resident", "At least 256K of the guest's memory must be resident.", 2);
    }
    if (residentBytes >= memoryBytes) return undefined;
    keepHeapSmall();
    return new HostResidency(Math.floor(residentBytes / PAGE_BYTES), choice);
  }

  /** Compilers whose work is counted with the rest. */
  metered(make: MakeCompiler): MakeCompiler {
    return meteredCompiler(make, steadyMs, (tookMs) => this.#meter.beside("translation", tookMs));
  }

  poll(): boolean {
    return this.#store.poll();
  }

  wait(): void {
    this.#store.wait(WAIT_MS);
  }

  told(token: number, work: LatentWork): void {
    this.#meter.told(token, work);
  }

  ready(token: number): void {
    this.#meter.ready(token);
  }

  stands(work: LatentWork | undefined): void {
    this.#meter.stands(work);
  }

  goesOn(): void {
    this.#meter.goesOn();
  }

  /** Milliseconds in which the machine has stood still. */
  get stoodMs(): number {
    return this.#meter.stoodMs;
  }

  report(counters: ResidencyCounters): ResidencyReport {
    const { warning } = this.#store;
    return {
      ...counters,
      asyncPages: this.tells,
      pageInLatencyMs: this.#latencyMs,
      stored: this.#store.bytes,
      idleMs: this.#meter.idleMs,
      works: this.#meter.works,
      ...(warning !== undefined && { warning }),
    };
  }

  async close(): Promise<void> {
    await this.#store.close();
  }
}

/**
 * V8 takes twice what its heap has in it, and three times 16 MiB for what is new: some 130 MB for the objects of a quarter of a million
 * pages. Who asked for little memory gets more collections instead, which cost nothing that was measured (docs/performance.md). It is the
 * whole process's.
 */
function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=25");
}

let collect: (() => void) | undefined;

/** Node gives the collector to who asks for it by a flag, and a flag can be set at any time. */
function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}
