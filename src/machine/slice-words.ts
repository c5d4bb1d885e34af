import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";

/** Tells generated code when the slice ends, so that it reads counters and time by itself. */
export function writeSliceEnd({ view }: PhysicalMemory, instant: number): void {
  view.setBigInt64(layout.INSTANT_AT_END, BigInt(instant), true);
}

/** Likewise what mtime is ahead of the instant. */
export function writeTickOffset({ view }: PhysicalMemory, ticks: bigint): void {
  view.setBigInt64(layout.TICK_OFFSET, ticks, true);
}

/** Tells generated code which exceptions somebody wants to see before they are taken. */
export function writeTrapStops({ view }: PhysicalMemory, causes: readonly number[]): void {
  const bits = causes.reduce((all, cause) => all | (1n << BigInt(cause)), 0n);
  view.setBigUint64(layout.TRAP_STOPS, BigInt.asUintN(64, bits), true);
}
