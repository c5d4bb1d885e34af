import type { AddressTranslation } from "../cpu/address-translation.ts";
import type { Exception, Turn } from "../cpu/hart.ts";
import { exceptionTarget, exceptionVector } from "../cpu/trap.ts";
import { ABSENT_PAGE_CAUSE } from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";

/**
 * Whether the handler of an exception of the hart that has its turn can be fetched. One of supervisor mode that cannot is machine
 * mode's business, unless supervisor mode was to handle just that as well: then the hart would trap for ever. What cannot be told
 * because of an absent page is an exception that says so.
 */
export function canHandle(
  { hart, csrs }: Turn,
  { translation, memory }: { readonly translation: AddressTranslation; readonly memory: PhysicalMemory },
  cause: number,
): boolean | Exception {
  if (exceptionTarget(hart, csrs, cause) === "supervisor") {
    const vector = exceptionVector(csrs, "supervisor");
    const fault = translation.supervisorFetchFault(csrs.translationState(), vector);
    if (fault === undefined) return true;
    if (fault.cause === ABSENT_PAGE_CAUSE) return fault;
    if (((csrs.get("medeleg") >> BigInt(fault.cause)) & 1n) === 1n) return false;
  }
  return memory.ramOffset(exceptionVector(csrs, "machine"), 2) >= 0;
}
