import { causeName, EXCEPTION, INTERRUPT_BIT } from "../isa/causes.ts";
import type { HartView } from "../machine/machine-interface.ts";
import type { CodeWord } from "./code.ts";

/** Traps as stepping and stack walks see them: where they lead, why, from which privilege mode and back to which. */

export type Privilege = HartView["privilege"];

const SATP = 0x180;
const MSTATUS = 0x300;

/** The registers of a trap to a privilege mode. */
interface TrapRegisters {
  readonly vector: number;
  readonly epc: number;
  readonly cause: number;
  readonly scratch: number;
  /** Of mstatus: the lowest bit of the previous privilege, and how many bits it has. */
  readonly previous: { readonly low: bigint; readonly bits: number };
}

const MACHINE: TrapRegisters = {
  vector: 0x305,
  epc: 0x341,
  cause: 0x342,
  scratch: 0x340,
  previous: { low: 11n, bits: 2 },
};
const SUPERVISOR: TrapRegisters = {
  vector: 0x105,
  epc: 0x141,
  cause: 0x142,
  scratch: 0x140,
  previous: { low: 8n, bits: 1 },
};
/** With a vector in vectored mode, interrupts go to as many addresses behind its base. */
const VECTORS = 16;

function registersOf(privilege: 1 | 3): TrapRegisters {
  return privilege === 1 ? SUPERVISOR : MACHINE;
}

/** Where traps to a privilege mode lead, as the hart's vector stands now; nothing where it has none. */
export function trapEntries(hart: HartView, privilege: 1 | 3): bigint[] {
  const vector = hart.csr(registersOf(privilege).vector);
  if (vector === undefined || vector === 0n) return [];
  const base = vector & ~3n;
  const count = (vector & 3n) === 1n ? VECTORS : 1;
  return Array.from({ length: count }, (_, i) => base + BigInt(i) * 4n);
}

/** Where traps of any kind may lead. */
export function allTrapEntries(hart: HartView): bigint[] {
  return [...trapEntries(hart, 3), ...trapEntries(hart, 1)];
}

/** The trap whose handler runs in a privilege mode; of several that are nested there, the innermost. */
export function trapInto(hart: HartView, privilege: 1 | 3) {
  const { epc, cause, scratch, previous } = registersOf(privilege);
  const why = hart.csr(cause) ?? 0n;
  return {
    pc: hart.csr(epc),
    name: causeName(why),
    interrupt: cameBetween(why),
    from: previousPrivilege(hart, previous),
    scratch: hart.csr(scratch),
  };
}

/** Where the instruction is that met what is told on arrival: the hart stands in its handler already, in supervisor mode. */
export function arrivedFrom(hart: HartView): bigint {
  return hart.csr(SUPERVISOR.epc) ?? hart.pc;
}

/** A trap with this cause comes between two steps and is none: an interrupt, or that a page is not ready. */
export function cameBetween(cause: bigint): boolean {
  return (cause & INTERRUPT_BIT) !== 0n || cause === BigInt(EXCEPTION.pageNotReady);
}

/** The trap that the hart has just taken came between two steps. */
export function wasInterrupted(hart: HartView): boolean {
  return hart.privilege !== 0 && trapInto(hart, hart.privilege).interrupt;
}

function previousPrivilege(hart: HartView, { low, bits }: TrapRegisters["previous"]): Privilege {
  const value = Number(((hart.csr(MSTATUS) ?? 0n) >> low) & ((1n << BigInt(bits)) - 1n));
  return value === 3 ? 3 : value === 1 ? 1 : 0;
}

/**
 * Where code runs: the privilege mode, and for user mode the address space, because programs live at the same addresses
 * each in its own. A kernel's code is the same in all of them, and changes satp itself.
 */
export interface Context {
  readonly privilege: Privilege;
  readonly satp: bigint | undefined;
}

export function contextOf(hart: HartView): Context {
  return contextAs(hart, hart.privilege);
}

function contextAs(hart: HartView, privilege: Privilege): Context {
  return { privilege, satp: privilege === 0 ? hart.csr(SATP) : undefined };
}

export function isIn(context: Context, hart: HartView): boolean {
  return hart.privilege === context.privilege && (context.satp === undefined || hart.csr(SATP) === context.satp);
}

/** Where the instruction at the hart's pc goes on, traps aside: mret and sret leave for another context. */
export function contextBehind(hart: HartView, code: CodeWord | undefined): Context {
  switch (code?.decoded?.instruction.mnemonic) {
    case "mret":
      return contextAs(hart, previousPrivilege(hart, MACHINE.previous));
    case "sret":
      return contextAs(hart, previousPrivilege(hart, SUPERVISOR.previous));
    default:
      return contextOf(hart);
  }
}

export function sameContext(a: Context, b: Context): boolean {
  return a.privilege === b.privilege && a.satp === b.satp;
}
