/** A trap cause: privileged manual, table of mcause values (section 3.1.15). */
export interface Cause {
  /** The exception code, without the interrupt bit. */
  readonly code: number;
  readonly interrupt: boolean;
  /** The manual's name: "Load access fault". */
  readonly name: string;
  /** Short and stable, for settings and scripts: `load-access-fault`. */
  readonly id: string;
  /** What it means for the person who meets it, and what mtval holds. */
  readonly description: string;
}

/** Set in mcause when the trap is an interrupt. */
export const INTERRUPT_BIT = 1n << 63n;

export const EXCEPTION_CAUSES: readonly Cause[] = [
  exception(
    0,
    "Instruction address misaligned",
    "A jump to an address that is no multiple of 4, on a hart without compressed instructions. mtval holds it.",
  ),
  exception(
    1,
    "Instruction access fault",
    "Instructions were fetched where there is no memory. mtval holds the address.",
  ),
  exception(2, "Illegal instruction", "These bits are no instruction that the hart has. mtval holds the bits."),
  exception(3, "Breakpoint", "The program executed ebreak. mtval holds its address."),
  exception(4, "Load address misaligned", "A reserved load from an unaligned address. mtval holds the address."),
  exception(5, "Load access fault", "A load from where there is no memory and no device. mtval holds the address."),
  exception(
    6,
    "Store/AMO address misaligned",
    "A conditional store or atomic operation on an unaligned address. mtval holds the address.",
  ),
  exception(
    7,
    "Store/AMO access fault",
    "A store or atomic operation where there is no memory and no device. mtval holds the address.",
  ),
  exception(8, "Environment call from U-mode", "ecall in user mode: a system call."),
  exception(9, "Environment call from S-mode", "ecall in supervisor mode: a call to the SBI."),
  exception(11, "Environment call from M-mode", "ecall in machine mode."),
  exception(12, "Instruction page fault", "No page to execute at this virtual address. mtval holds the address."),
  exception(13, "Load page fault", "No readable page at this virtual address. mtval holds the address."),
  exception(15, "Store/AMO page fault", "No writable page at this virtual address. mtval holds the address."),
  exception(
    24,
    "Page not ready",
    "Hindcast's own: the page is there for the guest, but the machine has to fetch it first. stval holds the address.",
  ),
];

export const INTERRUPT_CAUSES: readonly Cause[] = [
  interrupt(1, "Supervisor software interrupt", "Raised by software for supervisor mode through mip.SSIP."),
  interrupt(3, "Machine software interrupt", "Another hart, or this one, wrote msip in the CLINT."),
  interrupt(5, "Supervisor timer interrupt", "The timer of supervisor mode ran out."),
  interrupt(7, "Machine timer interrupt", "mtime has reached mtimecmp."),
  interrupt(9, "Supervisor external interrupt", "A device interrupts supervisor mode through the PLIC."),
  interrupt(11, "Machine external interrupt", "A device interrupts machine mode through the PLIC."),
];

const exceptions = new Map(EXCEPTION_CAUSES.map((cause) => [cause.code, cause]));
const interrupts = new Map(INTERRUPT_CAUSES.map((cause) => [cause.code, cause]));
const byId = new Map([...EXCEPTION_CAUSES, ...INTERRUPT_CAUSES].map((cause) => [cause.id, cause]));

/** The cause that a value of mcause names; undefined for reserved codes. */
export function causeOf(mcause: bigint): Cause | undefined {
  const code = Number(BigInt.asUintN(63, mcause));
  return (mcause & INTERRUPT_BIT) === 0n ? exceptions.get(code) : interrupts.get(code);
}

/** `Load access fault`; for a reserved code `Reserved exception 24`. */
export function causeName(mcause: bigint): string {
  const cause = causeOf(mcause);
  if (cause !== undefined) return cause.name;
  const kind = (mcause & INTERRUPT_BIT) === 0n ? "exception" : "interrupt";
  return `Reserved ${kind} ${BigInt.asUintN(63, mcause)}`;
}

/** A cause by its short name, `load-access-fault`. */
export function findCause(id: string): Cause | undefined {
  return byId.get(id);
}

/** Codes of the exceptions that the harts raise, by what they are. */
export const EXCEPTION = {
  instructionAddressMisaligned: 0,
  instructionAccessFault: 1,
  illegalInstruction: 2,
  breakpoint: 3,
  loadAddressMisaligned: 4,
  loadAccessFault: 5,
  storeAddressMisaligned: 6,
  storeAccessFault: 7,
  ecallFromUser: 8,
  ecallFromSupervisor: 9,
  ecallFromMachine: 11,
  instructionPageFault: 12,
  loadPageFault: 13,
  storePageFault: 15,
  pageNotReady: 24,
} as const;

/** Codes of the interrupts, which are also their bits in mip and mie. */
export const INTERRUPT = {
  supervisorSoftware: 1,
  machineSoftware: 3,
  supervisorTimer: 5,
  machineTimer: 7,
  supervisorExternal: 9,
  machineExternal: 11,
} as const;

/** Of `EXCEPTION_CAUSES`. */
export const EXCEPTION_CODES: readonly number[] = EXCEPTION_CAUSES.map(({ code }) => code);

/** What instructions raise: all but what comes between two steps. */
export const INSTRUCTION_EXCEPTION_CODES: readonly number[] = EXCEPTION_CODES.filter(
  (code) => code !== EXCEPTION.pageNotReady,
);

function exception(code: number, name: string, description: string): Cause {
  return { code, interrupt: false, name, id: identifier(name), description };
}

function interrupt(code: number, name: string, description: string): Cause {
  return { code, interrupt: true, name, id: identifier(name), description };
}

function identifier(name: string): string {
  return name.toLowerCase().replace("/amo", "").replaceAll(" ", "-");
}
