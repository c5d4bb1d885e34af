import type { AddressUse } from "../debuggee/protocol.ts";
import { errors } from "./errors.ts";

const LAST_ADDRESS = 2n ** 64n - 1n;

/** Memory references are addresses in hexadecimal: they mean the same in every session. */
export function toReference(address: bigint): string {
  return `0x${BigInt.asUintN(64, address).toString(16)}`;
}

/** `phys:0x80000000`: an address as it is on the bus. */
export function toPhysicalReference(address: bigint): string {
  return `phys:${toReference(address)}`;
}

/** What a reference means; undefined: an address of the hart that stopped last. */
export function addressUse(reference: string): AddressUse | undefined {
  return PHYSICAL.test(reference.trim()) ? "physical" : undefined;
}

const PHYSICAL = /^phys:/i;

/** An address as it is written, with `phys:` or without: no expression. */
export function isReference(text: string): boolean {
  return /^\s*(phys:)?(0x[0-9a-f]+|\d+)\s*$/i.test(text);
}

/** The address of a reference plus an offset in bytes, which DAP allows to be negative. */
export function fromReference(reference: string, offset = 0): bigint {
  const text = reference.trim().replace(PHYSICAL, "");
  if (!/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text) || BigInt(text) > LAST_ADDRESS) throw errors.badReference(reference);
  return BigInt.asUintN(64, BigInt(text) + BigInt(offset));
}

/** 1,234,567: as instants are shown everywhere. */
export function formatInstant(instant: number): string {
  return String(instant).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Bytes from base64; throws a UserError. */
export function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    throw errors.badBase64();
  }
}

/** `String.fromCharCode` takes its bytes as arguments, and the stack bounds how many. */
const BASE64_PIECE_BYTES = 8192;

export function toBase64(bytes: Uint8Array): string {
  let letters = "";
  for (let at = 0; at < bytes.length; at += BASE64_PIECE_BYTES) {
    letters += String.fromCharCode(...bytes.subarray(at, at + BASE64_PIECE_BYTES));
  }
  return btoa(letters);
}

/**
 * Numbers that stand for objects until the machine moves. They are never used twice, so that a client that asks late is
 * told so instead of being shown another object.
 */
export class Handles<T> {
  readonly #objects = new Map<number, T>();
  #next = 1;

  create(object: T): number {
    this.#objects.set(this.#next, object);
    return this.#next++;
  }

  get(handle: number): T | undefined {
    return this.#objects.get(handle);
  }

  clear(): void {
    this.#objects.clear();
  }
}
