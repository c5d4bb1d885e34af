import type { Instant } from "../base/brand.ts";
import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { STEPS_PER_TICK } from "./memory-map.ts";

/**
 * Where the machine stands in time: the instant, in steps, and mtime, in ticks, which follows from it and from the idle
 * jumps so far. Never from the host.
 */
export class Clock {
  readonly #memory: PhysicalMemory;
  #instant = 0;
  #tickOffset = 0n;
  /** While an engine runs: the instant at which its budget is used up. */
  #sliceEnd: number | undefined;
  /** mtime at a tick of the instant's, since every look at an interrupt asks for it. */
  #knownTick = -1;
  #knownTime = 0n;

  /** In memory stands how many steps are left of a slice; generated code finds there what time follows from. */
  constructor(memory: PhysicalMemory) {
    this.#memory = memory;
  }

  get instant(): Instant {
    return this.#instant as Instant;
  }

  /** What mtime is ahead of the instant's ticks; of the machine's state. */
  get tickOffset(): bigint {
    return this.#tickOffset;
  }

  get inSlice(): boolean {
    return this.#sliceEnd !== undefined;
  }

  /** The instant of the state before the step being executed. */
  get stepInstant(): Instant {
    return (
      this.#sliceEnd === undefined ? this.#instant : this.#sliceEnd - this.#memory.view.getInt32(layout.BUDGET, true)
    ) as Instant;
  }

  /** mtime before the step being executed. */
  get time(): bigint {
    const tick = Math.floor(this.stepInstant / STEPS_PER_TICK);
    if (tick !== this.#knownTick) {
      this.#knownTime = BigInt.asUintN(64, BigInt(tick) + this.#tickOffset);
      this.#knownTick = tick;
    }
    return this.#knownTime;
  }

  set time(ticks: bigint) {
    this.#setOffset(BigInt.asIntN(64, this.#tickOffset + ticks - this.time));
  }

  /** Time passes in which no step is taken. */
  idle(ticks: bigint): void {
    this.#setOffset(this.#tickOffset + ticks);
  }

  beginSlice(steps: number): void {
    this.#sliceEnd = this.#instant + steps;
    this.#memory.view.setBigInt64(layout.INSTANT_AT_END, BigInt(this.#sliceEnd), true);
  }

  endSlice(): void {
    this.#sliceEnd = undefined;
  }

  taken(steps: number): void {
    this.#instant += steps;
  }

  restore(instant: number, tickOffset: bigint): void {
    this.#instant = instant;
    this.#setOffset(tickOffset);
  }

  /** The first instant at which mtime is `time`, which is to come. */
  instantOf(time: bigint): number {
    // By difference: software may have set mtime to anything, so that what it is ahead of the instant can be negative.
    const ticks = Number(time - this.time);
    return (Math.floor(this.#instant / STEPS_PER_TICK) + ticks) * STEPS_PER_TICK;
  }

  #setOffset(ticks: bigint): void {
    this.#tickOffset = ticks;
    this.#memory.view.setBigInt64(layout.TICK_OFFSET, ticks, true);
    this.#knownTick = -1;
  }
}
