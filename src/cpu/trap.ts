import { INTERRUPT_BIT } from "../isa/causes.ts";
import type { CsrFile } from "./csr-file.ts";
import { type Exception, type Hart, MACHINE_MODE, NO_RESERVATION } from "./hart.ts";

const MSTATUS_SIE = 1n << 1n;
const MSTATUS_MIE = 1n << 3n;
const MSTATUS_SPIE = 1n << 5n;
const MSTATUS_MPIE = 1n << 7n;
const MSTATUS_SPP = 1n << 8n;
const MSTATUS_MPP_SHIFT = 11n;
const MSTATUS_MPP = 3n << MSTATUS_MPP_SHIFT;
const MSTATUS_MPRV = 1n << 17n;
const TVEC_MODE = 3n;
const TVEC_MODE_VECTORED = 1n;
const TVEC_BASE = ~3n;

const SUPERVISOR_MODE = 1;

/** Interrupts in the order in which they are taken (privileged manual, section 3.1.9). */
const INTERRUPT_PRIORITY = [11, 3, 7, 9, 1, 5];

/** The privilege that handles a trap. */
export type TrapTarget = "machine" | "supervisor";

/** Who handles an exception that is met at the hart's present privilege. */
export function exceptionTarget(hart: Hart, csrs: CsrFile, cause: number): TrapTarget {
  const delegated = (csrs.get("medeleg") >> BigInt(cause)) & 1n;
  return hart.privilege <= SUPERVISOR_MODE && delegated === 1n ? "supervisor" : "machine";
}

/** Where an exception continues. */
export function exceptionVector(csrs: CsrFile, target: TrapTarget): bigint {
  return BigInt.asUintN(64, csrs.get(target === "machine" ? "mtvec" : "stvec") & TVEC_BASE);
}

/** Takes a synchronous exception of the instruction at pc. One step, which retires nothing. */
export function takeException(hart: Hart, csrs: CsrFile, exception: Exception): void {
  const target = exceptionTarget(hart, csrs, exception.cause);
  enterTrap(hart, csrs, target, BigInt(exception.cause), exception.tval);
  hart.pc = exceptionVector(csrs, target);
  hart.exceptionCount += 1n;
}

/** An exception that no instruction raised, for supervisor mode: no step. */
export function takeNotice(hart: Hart, csrs: CsrFile, cause: number, tval: bigint): void {
  enterTrap(hart, csrs, "supervisor", BigInt(cause), tval);
  hart.pc = exceptionVector(csrs, "supervisor");
}

/** Takes the interrupt that comes first, when one is due; no step. False when none is. */
export function takeInterrupt(hart: Hart, csrs: CsrFile): boolean {
  if (hart.waiting && csrs.pendingInterrupts() !== 0) hart.waiting = false;
  const due = csrs.dueInterrupts();
  if (due === undefined) return false;
  const target = due.machine !== 0 ? "machine" : "supervisor";
  const candidates = due[target];
  const code = INTERRUPT_PRIORITY.find((candidate) => ((candidates >> candidate) & 1) !== 0);
  if (code === undefined) return false;
  enterTrap(hart, csrs, target, INTERRUPT_BIT | BigInt(code), 0n);
  const isVectored = (csrs.get(target === "machine" ? "mtvec" : "stvec") & TVEC_MODE) === TVEC_MODE_VECTORED;
  hart.pc = BigInt.asUintN(64, exceptionVector(csrs, target) + (isVectored ? 4n * BigInt(code) : 0n));
  return true;
}

/** mret: back to mepc with the privilege and interrupt enable from before the trap. */
export function returnFromMachineTrap(hart: Hart, csrs: CsrFile): void {
  const status = csrs.get("mstatus");
  const previous = Number((status & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT) as 0 | 1 | 3;
  const enabled = (status & MSTATUS_MPIE) !== 0n ? MSTATUS_MIE : 0n;
  const kept = status & ~(MSTATUS_MIE | MSTATUS_MPP | (previous === MACHINE_MODE ? 0n : MSTATUS_MPRV));
  csrs.set("mstatus", kept | enabled | MSTATUS_MPIE | leastPrivilege(csrs));
  hart.privilege = previous;
  hart.reservation = NO_RESERVATION;
  hart.pc = csrs.get("mepc");
}

/** sret: back to sepc. */
export function returnFromSupervisorTrap(hart: Hart, csrs: CsrFile): void {
  const status = csrs.get("mstatus");
  const enabled = (status & MSTATUS_SPIE) !== 0n ? MSTATUS_SIE : 0n;
  csrs.set("mstatus", (status & ~(MSTATUS_SIE | MSTATUS_SPP | MSTATUS_MPRV)) | enabled | MSTATUS_SPIE);
  hart.privilege = (status & MSTATUS_SPP) !== 0n ? SUPERVISOR_MODE : 0;
  hart.reservation = NO_RESERVATION;
  hart.pc = csrs.get("sepc");
}

/** After mret MPP holds the least privilege that the hart has. */
function leastPrivilege(csrs: CsrFile): bigint {
  return csrs.has("User") ? 0n : MSTATUS_MPP;
}

/**
 * A trap and the return from one drop the reservation, as the manual lets any hart do: no sc of one program succeeds by the
 * lr of another.
 */
function enterTrap(hart: Hart, csrs: CsrFile, target: TrapTarget, cause: bigint, tval: bigint): void {
  hart.reservation = NO_RESERVATION;
  const status = csrs.get("mstatus");
  if (target === "machine") {
    const saved = (status & MSTATUS_MIE) !== 0n ? MSTATUS_MPIE : 0n;
    const previous = BigInt(hart.privilege) << MSTATUS_MPP_SHIFT;
    csrs.set("mstatus", (status & ~(MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP)) | saved | previous);
    csrs.set("mepc", hart.pc);
    csrs.set("mcause", cause);
    csrs.set("mtval", tval);
    hart.privilege = MACHINE_MODE;
    return;
  }
  const saved = (status & MSTATUS_SIE) !== 0n ? MSTATUS_SPIE : 0n;
  const previous = hart.privilege === SUPERVISOR_MODE ? MSTATUS_SPP : 0n;
  csrs.set("mstatus", (status & ~(MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP)) | saved | previous);
  csrs.set("sepc", hart.pc);
  csrs.set("scause", cause);
  csrs.set("stval", tval);
  hart.privilege = SUPERVISOR_MODE;
}
