import { assert } from "../base/assert.ts";
import { causeName, EXCEPTION, EXCEPTION_CAUSES, INTERRUPT_CAUSES } from "./causes.ts";
import { type Csr, constant, csr, csrIsReadOnly, field, fieldValue, whole } from "./csr.ts";
import {
  CAUSE_FIELDS,
  COUNTER_ENABLE_FIELDS,
  ENVIRONMENT_FIELDS,
  EXCEPTION_PC_FIELDS,
  family,
  interruptFields,
  legalEnvironment,
  legalTrapVector,
  MACHINE_CSRS,
  STATUS_FIELDS,
  TRAP_VECTOR_FIELDS,
} from "./machine-csrs.ts";

export {
  type Csr,
  type CsrExtension,
  type CsrField,
  type CsrPrivilege,
  csrIsReadOnly,
  csrPrivilege,
  csrWriteMask,
  fieldMask,
  fieldValue,
} from "./csr.ts";

/** Counters that every privilege may read (Zicntr, Zihpm). */
const COUNTERS: readonly Csr[] = [
  csr(0xc00, "cycle", "Zicntr", "Cycles that the hart has run: mcycle, read-only.", constant("Cycles.")),
  csr(0xc01, "time", "Zicntr", "Time: mtime of the CLINT, read-only.", constant("Ticks of 10 MHz.")),
  csr(0xc02, "instret", "Zicntr", "Instructions that the hart has retired: minstret, read-only.", constant("Count.")),
  ...family(0xc03, "hpmcounter", 3, 31, 1, "Event counter, read-only; always zero here.", "Zicntr"),
];

const SUPERVISOR_STATUS = new Set(["SIE", "SPIE", "UBE", "SPP", "VS", "FS", "XS", "SUM", "MXR", "UXL", "SD"]);

const SUPERVISOR_CSRS: readonly Csr[] = [
  csr(0x100, "sstatus", "Supervisor", "What supervisor mode sees of mstatus.", [
    ...STATUS_FIELDS.filter(({ name }) => SUPERVISOR_STATUS.has(name)),
  ]),
  csr(0x104, "sie", "Supervisor", "Which delegated interrupts are enabled.", supervisorInterrupts("IE")),
  csr(0x105, "stvec", "Supervisor", "Where traps to supervisor mode go.", TRAP_VECTOR_FIELDS, {
    legalize: legalTrapVector,
  }),
  csr(0x106, "scounteren", "Supervisor", "Which counters user mode may read.", COUNTER_ENABLE_FIELDS),
  csr(0x10a, "senvcfg", "Supervisor", "Environment of user mode.", ENVIRONMENT_FIELDS, {
    legalize: legalEnvironment,
  }),
  csr(0x140, "sscratch", "Supervisor", "A word for the trap handler.", whole("Anything.")),
  csr(0x141, "sepc", "Supervisor", "Address of the instruction that trapped.", EXCEPTION_PC_FIELDS),
  csr(0x142, "scause", "Supervisor", "Why the last trap to supervisor mode was taken.", CAUSE_FIELDS),
  csr(0x143, "stval", "Supervisor", "The faulting address or instruction; 0 for none.", whole("Address.")),
  csr(0x144, "sip", "Supervisor", "Which delegated interrupts are pending.", supervisorInterrupts("IP")),
  csr(0x14d, "stimecmp", "Sstc", "The supervisor timer interrupt is pending from this time on.", whole("Time.")),
  csr(0x180, "satp", "Supervisor", "Address translation: the page table's root.", [
    field("MODE", [63, 60], "Translation scheme.", { values: { 0: "bare", 8: "Sv39", 9: "Sv48", 10: "Sv57" } }),
    field("ASID", [59, 44], "Address space."),
    field("PPN", [43, 0], "Page number of the root page table."),
  ]),
  csr(
    0x302,
    "medeleg",
    "Supervisor",
    "Which exceptions supervisor mode handles.",
    EXCEPTION_CAUSES.filter(({ code }) => code !== EXCEPTION.ecallFromMachine).map(({ code, name, id }) =>
      field(id.replaceAll("-", "_"), code, `${name}.`, { values: { 0: "machine", 1: "supervisor" } }),
    ),
  ),
  csr(
    0x303,
    "mideleg",
    "Supervisor",
    "Which interrupts supervisor mode handles.",
    INTERRUPT_CAUSES.filter(({ name }) => name.startsWith("Supervisor")).map(({ code, name, id }) =>
      field(id.replaceAll("-", "_"), code, `${name}.`, { values: { 0: "machine", 1: "supervisor" } }),
    ),
  ),
];

const FLOAT_CSRS: readonly Csr[] = [
  csr(0x001, "fflags", "F", "Floating-point exceptions that have occurred.", floatFlags()),
  csr(0x002, "frm", "F", "Floating-point rounding mode.", [roundingMode(0)]),
  csr(0x003, "fcsr", "F", "Floating-point rounding mode and exceptions.", [roundingMode(5), ...floatFlags()]),
];

/** Names that the assembler knows and no hart of this machine has. */
const OTHER_CSRS: readonly Csr[] = [
  ...(
    [
      [0x310, "mstatush"],
      [0x31a, "menvcfgh"],
      [0x15d, "stimecmph"],
      [0xb80, "mcycleh"],
      [0xb82, "minstreth"],
      [0xc80, "cycleh"],
      [0xc81, "timeh"],
      [0xc82, "instreth"],
    ] as const
  ).map(([number, name]) =>
    csr(
      number,
      name,
      "RV32",
      "Upper half of a register on 32-bit harts.",
      csrIsReadOnly(number) ? constant("Bits.") : whole("Bits."),
    ),
  ),
  ...upperCounters(0xb83, "mhpmcounter"),
  ...upperCounters(0xc83, "hpmcounter"),
  csr(0x34a, "mtinst", "Hypervisor", "The trapping instruction, transformed.", whole("Instruction.")),
  csr(0x34b, "mtval2", "Hypervisor", "The faulting guest physical address.", whole("Address.")),
  ...(
    [
      [0x7a0, "tselect", "Selects a trigger."],
      [0x7a1, "tdata1", "Trigger: type and data."],
      [0x7a2, "tdata2", "Trigger: data."],
      [0x7a3, "tdata3", "Trigger: data."],
      [0x7a4, "tinfo", "Types that the trigger can have."],
      [0x7a5, "tcontrol", "Triggers in trap handlers."],
      [0x7a8, "mcontext", "Context that triggers compare."],
      [0x7b0, "dcsr", "Debug mode: control and status."],
      [0x7b1, "dpc", "Debug mode: program counter."],
      [0x7b2, "dscratch0", "Debug mode: scratch."],
      [0x7b3, "dscratch1", "Debug mode: scratch."],
    ] as const
  ).map(([number, name, description]) => csr(number, name, "Debug", description, whole("Bits."))),
];

/** Every CSR that has a name, ordered by number. `extension` says which hart has it. */
export const CSRS: readonly Csr[] = [
  ...MACHINE_CSRS,
  ...COUNTERS,
  ...SUPERVISOR_CSRS,
  ...FLOAT_CSRS,
  ...OTHER_CSRS,
].sort((a, b) => a.number - b.number);

const byName = new Map(CSRS.map((entry) => [entry.name, entry]));
const byNumber = new Map(CSRS.map((entry) => [entry.number, entry]));

assert(byName.size === CSRS.length, "two CSRs share a name");
assert(byNumber.size === CSRS.length, "two CSRs share a number");

/** A CSR by its name in lower case. */
export function findCsr(name: string): Csr | undefined {
  return byName.get(name);
}

export function csrByNumber(number: number): Csr | undefined {
  return byNumber.get(number);
}

/** `mstatus` for 0x300; a number without a name as itself, `0x7c0`. */
export function csrName(number: number): string {
  return byNumber.get(number)?.name ?? `0x${number.toString(16)}`;
}

export interface DecodedCsrField {
  readonly name: string;
  readonly high: number;
  readonly low: number;
  readonly value: bigint;
  /** What the value means, where it has a name: `M` for MPP = 3. */
  readonly meaning: string | undefined;
  readonly description: string;
}

/** A register value, field by field, the highest bits first. Empty for registers that are one number. */
export function decodeCsr(entry: Csr, value: bigint): DecodedCsrField[] {
  const fields = entry.fields.length === 1 && entry.fields[0].name === "value" ? [] : entry.fields;
  return [...fields]
    .sort((a, b) => b.high - a.high)
    .map((part) => {
      const bits = fieldValue(part, value);
      const isCode = entry.fields === CAUSE_FIELDS && part.name === "Code";
      return {
        name: part.name,
        high: part.high,
        low: part.low,
        value: bits,
        meaning: isCode ? causeName(value) : part.values?.[Number(bits)],
        description: part.description,
      };
    });
}

function upperCounters(number: number, name: string): Csr[] {
  return family(number, name, 3, 31, 1, "Upper half of an event counter on 32-bit harts.", "RV32").map((entry) => ({
    ...entry,
    name: `${entry.name}h`,
  }));
}

function supervisorInterrupts(suffix: "IP" | "IE") {
  return interruptFields(suffix).filter(({ name }) => name.startsWith("S"));
}

function floatFlags() {
  return [
    field("NV", 4, "Invalid operation."),
    field("DZ", 3, "Divide by zero."),
    field("OF", 2, "Overflow."),
    field("UF", 1, "Underflow."),
    field("NX", 0, "Inexact."),
  ];
}

function roundingMode(low: number) {
  return field("frm", [low + 2, low], "Rounding mode.", {
    values: { 0: "RNE", 1: "RTZ", 2: "RDN", 3: "RUP", 4: "RMM" },
  });
}
