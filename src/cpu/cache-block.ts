import { CACHE_BLOCK_BYTES } from "../isa/cache-block.ts";
import type { SystemOperation } from "../isa/semantics.ts";
import { ABSENT_PAGE_CAUSE } from "../memory/layout.ts";
import type { CsrFile } from "./csr-file.ts";
import { type Exception, type Hart, MACHINE_MODE } from "./hart.ts";
import type { DataPort } from "./oracle-reading.ts";

export type CacheBlockOperation = Extract<SystemOperation, `cbo.${string}`>;

/** Fields of menvcfg, one for each kind of operation (privileged manual, section 3.1.18). */
export const ENABLE: Readonly<Record<CacheBlockOperation, bigint>> = {
  "cbo.inval": 3n << 4n,
  "cbo.clean": 1n << 6n,
  "cbo.flush": 1n << 6n,
  "cbo.zero": 1n << 7n,
};

const WORD_BYTES = 8;

/** Whether this privilege may use the operation; otherwise it is an illegal instruction. */
export function permitsCacheBlock(hart: Hart, csrs: CsrFile, operation: CacheBlockOperation): boolean {
  const enable = ENABLE[operation];
  if (hart.privilege === MACHINE_MODE) return true;
  if ((csrs.get("menvcfg") & enable) === 0n) return false;
  return hart.privilege === 1 || !csrs.has("Supervisor") || (csrs.get("senvcfg") & enable) !== 0n;
}

/**
 * What a cache-block operation does to memory. There is no cache: all but cbo.zero only need the right to be at the
 * address, which is that of a load or of a store. A fault is that of a store; it has changed nothing, and its address is
 * the block's, as with QEMU.
 */
export function executeCacheBlock(
  data: DataPort,
  operation: CacheBlockOperation,
  address: bigint,
): Exception | undefined {
  const block = address & ~BigInt(CACHE_BLOCK_BYTES - 1);
  if (operation === "cbo.zero") return data.zero(block, CACHE_BLOCK_BYTES);
  const unread = data.probeRead(block, WORD_BYTES);
  // What is absent is no fault, and its value is a page's number: whether the access is allowed shows when the page is there.
  if (unread === undefined || unread.cause === ABSENT_PAGE_CAUSE) return unread;
  const unwritten = data.probeWrite(block, WORD_BYTES);
  return unwritten === undefined || unwritten.cause === ABSENT_PAGE_CAUSE ? unwritten : { ...unwritten, tval: block };
}
