import { assert } from "./assert.ts";

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/**
 * A count of steps since reset, over all harts; names a state of the machine exactly. A safe integer: enough for a
 * hundred days at a thousand million steps a second.
 */
export type Instant = Branded<number, "Instant">;

/** An address on the machine's bus, in bytes; below 2^53, which the 56 bits of Sv39's physical addresses that the
 * `virt` board populates never reach. */
export type PhysicalAddress = Branded<number, "PhysicalAddress">;

/** An address as the hart computes it: an unsigned 64-bit integer, in bytes. */
export type VirtualAddress = Branded<bigint, "VirtualAddress">;

/**
 * Where a byte of RAM lies in the machine's memory now, counted from the first frame. Where every page has a frame of its own it
 * is the byte's offset in RAM; else no page's neighbours need be neighbours here.
 */
export type FrameOffset = Branded<number, "FrameOffset">;

export const RESET_INSTANT = 0 as Instant;

export function instant(value: number): Instant {
  assert(Number.isSafeInteger(value) && value >= 0, `not an instant: ${value}`);
  return value as Instant;
}

export function physicalAddress(value: number): PhysicalAddress {
  assert(Number.isSafeInteger(value) && value >= 0, `not a physical address: ${value}`);
  return value as PhysicalAddress;
}

export function virtualAddress(value: bigint): VirtualAddress {
  return BigInt.asUintN(64, value) as VirtualAddress;
}

export function frameOffset(value: number): FrameOffset {
  assert(Number.isSafeInteger(value) && value >= 0, `not an offset: ${value}`);
  return value as FrameOffset;
}
