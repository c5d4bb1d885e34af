import { type VirtualAddress, virtualAddress } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import type { Places } from "./places.ts";
import { parseAddress } from "./quantities.ts";

/** A range of memory that a question is about. */
export interface Range {
  readonly address: VirtualAddress;
  /** The address is physical. Else it is one of the address space that some hart was in. */
  readonly isPhysical: boolean;
  readonly length: number;
  /** As the user named it. */
  readonly text: string;
}

const PHYSICAL_MARK = "phys:";

/**
 * `0x80001000`, `phys:0x80001000`, `pool`, `pool+8`, `pool-0x10`; the symbol's size, or an aligned word, when `length` is
 * undefined.
 */
export function parseRange(text: string, length: number | undefined, places: Places): Range {
  const isPhysical = text.startsWith(PHYSICAL_MARK);
  const number = parseAddress(isPhysical ? text.slice(PHYSICAL_MARK.length) : text);
  if (number !== undefined) return { ...range(number, length ?? alignedSize(number), text), isPhysical };
  const match = /^(.+?)(?:([+-])([0-9a-fx_]+))?$/i.exec(text);
  const offset = match?.[3] === undefined ? 0n : parseAddress(match[3]);
  const symbol = places.symbols.named(match?.[1] ?? text);
  if (symbol === undefined || offset === undefined) throw unknownPlace(text, places);
  const address = match?.[2] === "-" ? symbol.address - offset : symbol.address + offset;
  const isWhole = offset === 0n && symbol.size > 0 && symbol.kind === "object";
  return range(address, length ?? (isWhole ? symbol.size : alignedSize(address)), text);
}

function range(address: bigint, length: number, text: string): Range {
  return { address: virtualAddress(address), length, text, isPhysical: false };
}

/** A bare address means the word there: 8 bytes at a multiple of 8, 4 at one of 4, … . */
function alignedSize(address: bigint): number {
  return [8, 4, 2].find((size) => address % BigInt(size) === 0n) ?? 1;
}

function unknownPlace(text: string, places: Places): UserError {
  const wanted = text.toLowerCase();
  const near = [...places.symbols.names()].find((name) => name.toLowerCase().includes(wanted));
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  return new UserError("unknown-place", `${text} is neither an address nor a symbol of the program.${hint}`, 2);
}
