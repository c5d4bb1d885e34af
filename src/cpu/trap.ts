import type { CsrFile } from "./csr-file.ts";
import { type Exception, type Hart, MACHINE_MODE } from "./hart.ts";

const MSTATUS_MIE = 1n << 3n;
const MSTATUS_MPIE = 1n << 7n;
const MSTATUS_MPP_SHIFT = 11n;
const MSTATUS_MPP = 3n << MSTATUS_MPP_SHIFT;
const INTERRUPT = 1n << 63n;
const TVEC_MODE_VECTORED = 1n;
const TVEC_BASE = ~3n;

/** Interrupts in the order in which machine mode takes them (privileged manual, section 3.1.9). */
const INTERRUPT_PRIORITY = [11n, 3n, 7n, 9n, 1n, 5n];

/** Where an exception would continue: traps to machine mode. */
export function exceptionVector(csrs: CsrFile): bigint {
  return BigInt.asUintN(64, csrs.get("mtvec") & TVEC_BASE);
}

/** Takes a synchronous exception of the instruction at pc. One step, which retires nothing. */
export function takeException(hart: Hart, csrs: CsrFile, exception: Exception): void {
  const vector = exceptionVector(csrs);
  enterTrap(hart, csrs, BigInt(exception.cause), exception.tval);
  hart.pc = vector;
  hart.exceptionCount += 1n;
}

/** Whether an interrupt would be taken now. */
export function interruptDue(csrs: CsrFile): boolean {
  return (csrs.get("mstatus") & MSTATUS_MIE) !== 0n && csrs.pendingInterrupts() !== 0n;
}

/** Takes the interrupt that comes first, when one is due; no step. False when none is. */
export function takeInterrupt(hart: Hart, csrs: CsrFile): boolean {
  const pending = csrs.pendingInterrupts();
  if (pending === 0n) return false;
  hart.waiting = false;
  if (!interruptDue(csrs)) return false;
  const code = INTERRUPT_PRIORITY.find((candidate) => (pending >> candidate) & 1n);
  if (code === undefined) return false;
  enterTrap(hart, csrs, INTERRUPT | code, 0n);
  const vectored = (csrs.get("mtvec") & 3n) === TVEC_MODE_VECTORED;
  hart.pc = exceptionVector(csrs) + (vectored ? 4n * code : 0n);
  return true;
}

/** mret: back to mepc with the privilege and interrupt enable from before the trap. */
export function returnFromMachineTrap(hart: Hart, csrs: CsrFile): void {
  const status = csrs.get("mstatus");
  const enabled = (status & MSTATUS_MPIE) !== 0n ? MSTATUS_MIE : 0n;
  // A hart with machine mode only keeps MPP at machine mode.
  csrs.set("mstatus", (status & ~MSTATUS_MIE) | enabled | MSTATUS_MPIE);
  hart.privilege = MACHINE_MODE;
  hart.pc = csrs.get("mepc");
}

function enterTrap(hart: Hart, csrs: CsrFile, cause: bigint, tval: bigint): void {
  const status = csrs.get("mstatus");
  const saved = (status & MSTATUS_MIE) !== 0n ? MSTATUS_MPIE : 0n;
  const previous = BigInt(hart.privilege) << MSTATUS_MPP_SHIFT;
  csrs.set("mstatus", (status & ~(MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP)) | saved | previous);
  csrs.set("mepc", hart.pc);
  csrs.set("mcause", cause);
  csrs.set("mtval", tval);
  hart.privilege = MACHINE_MODE;
}
