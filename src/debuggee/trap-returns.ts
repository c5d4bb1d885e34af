import type { VirtualAddress } from "../base/brand.ts";
import type { HartView, MachineLike } from "../machine/machine-interface.ts";
import type { ProgramMap } from "./program-map.ts";
import { allTrapEntries } from "./trap-context.ts";

/** A handler's ways out lie this far behind its beginning at most: entry code is written in one piece. */
const HANDLER_BYTES = 4096;
/** `mret` is 0x30200073, `sret` 0x10200073: their first three bytes, and the last of each. */
const TRAP_RETURN = [0x73, 0x00, 0x20];
const MRET = 0x30;
const SRET = 0x10;

/**
 * Addresses of mret and sret in some bytes, by their bits at every even offset: a kernel is too large to be decoded for
 * this. Bits that only look like one of them, in data or across two instructions, are never executed, or are looked at
 * again there.
 */
export function findTrapReturns(bytes: ArrayLike<number | undefined>, start: bigint, most: number): bigint[] {
  const found: bigint[] = [];
  for (let at = 0; at + 4 <= bytes.length && found.length < most; at += 2) {
    if (bytes[at] !== TRAP_RETURN[0] || bytes[at + 1] !== TRAP_RETURN[1] || bytes[at + 2] !== TRAP_RETURN[2]) continue;
    if (bytes[at + 3] === MRET || bytes[at + 3] === SRET) found.push(start + BigInt(at));
  }
  return found;
}

/**
 * Where a hart's handlers end: the places that the programs know of, and those behind the hart's trap vectors, as memory
 * is now. A kernel runs at virtual addresses that its image knows nothing of, and a list of symbols has no code.
 */
export function trapReturns(machine: MachineLike, map: ProgramMap, hart: HartView): ReadonlySet<bigint> {
  const found = new Set(map.trapReturns);
  for (const entry of allTrapEntries(hart)) {
    const bytes = machine.peek(entry as VirtualAddress, HANDLER_BYTES, hart.id);
    for (const address of findTrapReturns(bytes, entry, HANDLER_BYTES)) found.add(address);
  }
  return found;
}
