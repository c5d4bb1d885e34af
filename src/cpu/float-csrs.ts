import { MSTATUS_FS_DIRTY } from "../memory/layout.ts";
import type { Hart } from "./hart.ts";

// fflags, frm and fcsr are three views of one word, whose numbers are the lowest: nothing else is up to here.
const FFLAGS = 1;
const FRM = 2;
export const LAST_FLOAT_CSR = 3;

const FLAGS_MASK = 0x1f;
const FCSR_MASK = 0xff;
const MODE_SHIFT = 5;

/** mstatus.SD. Nothing but floating point has a state that could be dirty here. */
const SD = 1n << 63n;

export function readFloatCsr(hart: Hart, csr: number): bigint {
  if (csr === FFLAGS) return BigInt(hart.fcsr & FLAGS_MASK);
  return BigInt(csr === FRM ? hart.fcsr >> MODE_SHIFT : hart.fcsr);
}

/** A reserved rounding mode can be written: the instruction that uses it is what traps. */
export function writeFloatCsr(hart: Hart, csr: number, value: bigint): void {
  const bits = Number(value & BigInt(FCSR_MASK));
  if (csr === FFLAGS) hart.fcsr = (hart.fcsr & ~FLAGS_MASK) | (bits & FLAGS_MASK);
  else if (csr === FRM) hart.fcsr = ((bits << MODE_SHIFT) & FCSR_MASK) | (hart.fcsr & FLAGS_MASK);
  else hart.fcsr = bits;
  hart.markFloatDirty();
}

/** mstatus, or sstatus, as it reads: SD says whether FS is dirty. */
export function withDirtySummary(status: bigint): bigint {
  const dirty = (status & MSTATUS_FS_DIRTY) === MSTATUS_FS_DIRTY;
  return dirty ? status | SD : status & ~SD;
}
