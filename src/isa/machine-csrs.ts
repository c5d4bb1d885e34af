import { type Csr, type CsrField, constant, csr, field, whole } from "./csr.ts";

const PRIVILEGE_NAMES = { 0: "U", 1: "S", 3: "M" };
const XLEN_NAMES = { 1: "32", 2: "64", 3: "128" };
const STATE_NAMES = { 0: "off", 1: "initial", 2: "clean", 3: "dirty" };
const ENABLE_NAMES = { 0: "disabled", 1: "enabled" };
const PENDING_NAMES = { 0: "no", 1: "pending" };
const MTVEC_RESERVED_MODES = 2n;

/** mstatus, and sstatus as the part of it that supervisor mode sees (privileged manual section 3.1.6). */
export const STATUS_FIELDS: readonly CsrField[] = [
  field("SIE", 1, "Interrupts are taken in supervisor mode.", { extension: "Supervisor", values: ENABLE_NAMES }),
  field("MIE", 3, "Interrupts are taken in machine mode.", { values: ENABLE_NAMES }),
  field("SPIE", 5, "SIE before the trap to supervisor mode.", { extension: "Supervisor", values: ENABLE_NAMES }),
  field("UBE", 6, "User mode is big-endian.", { access: "read-only" }),
  field("MPIE", 7, "MIE before the trap to machine mode.", { values: ENABLE_NAMES }),
  field("SPP", 8, "Privilege before the trap to supervisor mode.", {
    extension: "Supervisor",
    values: PRIVILEGE_NAMES,
  }),
  field("VS", [10, 9], "State of the vector registers.", { extension: "V", values: STATE_NAMES }),
  field("MPP", [12, 11], "Privilege before the trap to machine mode.", {
    extension: "User",
    values: PRIVILEGE_NAMES,
  }),
  field("FS", [14, 13], "State of the floating-point registers.", { extension: "F", values: STATE_NAMES }),
  field("XS", [16, 15], "State of custom extensions.", { access: "read-only", values: STATE_NAMES }),
  field("MPRV", 17, "Loads and stores use the privilege in MPP.", { extension: "User" }),
  field("SUM", 18, "Supervisor mode may access user pages.", { extension: "Supervisor" }),
  field("MXR", 19, "Loads may read executable pages.", { extension: "Supervisor" }),
  field("TVM", 20, "Accesses to satp and sfence.vma trap in supervisor mode.", { extension: "Supervisor" }),
  field("TW", 21, "wfi traps below machine mode.", { extension: "User" }),
  field("TSR", 22, "sret traps in supervisor mode.", { extension: "Supervisor" }),
  field("UXL", [33, 32], "Register width in user mode.", { access: "read-only", values: XLEN_NAMES }),
  field("SXL", [35, 34], "Register width in supervisor mode.", { access: "read-only", values: XLEN_NAMES }),
  field("SBE", 36, "Supervisor mode is big-endian.", { access: "read-only" }),
  field("MBE", 37, "Machine mode is big-endian.", { access: "read-only" }),
  field("SD", 63, "FS, VS or XS is dirty.", { access: "read-only" }),
];

/** Interrupt bits, named as in mip (suffix "P") and mie (suffix "E"). */
export function interruptFields(suffix: "IP" | "IE"): readonly CsrField[] {
  const pending = suffix === "IP";
  const values = pending ? PENDING_NAMES : ENABLE_NAMES;
  const machine = pending ? ("read-only" as const) : ("read-write" as const);
  return [
    field(`SS${suffix}`, 1, "Supervisor software interrupt.", { extension: "Supervisor", values }),
    field(`MS${suffix}`, 3, "Machine software interrupt, from the CLINT.", { access: machine, values }),
    field(`ST${suffix}`, 5, "Supervisor timer interrupt.", { extension: "Supervisor", values }),
    field(`MT${suffix}`, 7, "Machine timer interrupt, from the CLINT.", { access: machine, values }),
    field(`SE${suffix}`, 9, "Supervisor external interrupt.", { extension: "Supervisor", values }),
    field(`ME${suffix}`, 11, "Machine external interrupt, from the PLIC.", { access: machine, values }),
  ];
}

export const TRAP_VECTOR_FIELDS: readonly CsrField[] = [
  field("BASE", [63, 2], "Address of the trap handler, without its two low bits."),
  field("MODE", [1, 0], "Where interrupts go.", { values: { 0: "direct", 1: "vectored" } }),
];

/** A reserved mode leaves the register as it was, as QEMU does. */
export function legalTrapVector(written: bigint, old: bigint): bigint {
  return (written & 3n) >= MTVEC_RESERVED_MODES ? old : written;
}

export const CAUSE_FIELDS: readonly CsrField[] = [
  field("Interrupt", 63, "The trap was an interrupt.", { values: { 0: "exception", 1: "interrupt" } }),
  field("Code", [62, 0], "Which exception or interrupt."),
];

/** The lowest bit of an exception program counter is always zero; the hart clears the next one where it has no C. */
export const EXCEPTION_PC_FIELDS: readonly CsrField[] = [
  field("value", [63, 1], "The address, without its lowest bit."),
];

const COUNTER_BITS: readonly CsrField[] = [
  field("CY", 0, "cycle"),
  field("TM", 1, "time"),
  field("IR", 2, "instret"),
  field("HPM", [31, 3], "hpmcounter3 to hpmcounter31"),
];

export const COUNTER_ENABLE_FIELDS = COUNTER_BITS.map((entry) => ({
  ...entry,
  description: `The next lower privilege may read ${entry.description}.`,
}));

/** misa's bit of an extension letter. */
function misaBit(letter: string): number {
  return letter.charCodeAt(0) - "A".charCodeAt(0);
}

const MISA_FIELDS: readonly CsrField[] = [
  field("MXL", [63, 62], "Register width in machine mode.", { access: "read-only", values: XLEN_NAMES }),
  ...[
    ["V", "Vectors."],
    ["U", "User mode."],
    ["S", "Supervisor mode."],
    ["M", "Multiplication and division."],
    ["I", "Base integer instructions."],
    ["H", "Hypervisor."],
    ["F", "Single-precision floating point."],
    ["D", "Double-precision floating point."],
    ["C", "Compressed instructions."],
    ["A", "Atomic instructions."],
  ].map(([letter, description]) =>
    field(letter, misaBit(letter), description, { access: "read-only", values: { 0: "no", 1: "yes" } }),
  ),
];

/** menvcfg, and senvcfg for user mode: what the instructions of Zicbom and Zicboz may do below. */
export const ENVIRONMENT_FIELDS: readonly CsrField[] = [
  field("FIOM", 0, "Fences of device accesses also order memory accesses."),
  field("CBIE", [5, 4], "What cbo.inval does.", {
    extension: "Zicbom",
    values: { 0: "traps", 1: "flushes", 3: "invalidates" },
  }),
  field("CBCFE", 6, "cbo.clean and cbo.flush work.", { extension: "Zicbom", values: { 0: "trap", 1: "work" } }),
  field("CBZE", 7, "cbo.zero works.", { extension: "Zicboz", values: { 0: "traps", 1: "works" } }),
];

const CBIE = 3n << 4n;
const CBIE_RESERVED = 2n << 4n;

/** The reserved value of CBIE leaves the field as it was. */
export function legalEnvironment(written: bigint, old: bigint): bigint {
  return (written & CBIE) === CBIE_RESERVED ? (written & ~CBIE) | (old & CBIE) : written;
}

/** Eight configurations of PMP entries from `first` on, a byte each. */
function protectionFields(first: number): readonly CsrField[] {
  const modes = { 0: "off", 1: "TOR", 2: "NA4", 3: "NAPOT" };
  return Array.from({ length: 8 }, (_, index) => {
    const [entry, low] = [first + index, index * 8];
    return [
      field(`R${entry}`, low, `Entry ${entry}: loads are allowed.`),
      field(`W${entry}`, low + 1, `Entry ${entry}: stores are allowed.`),
      field(`X${entry}`, low + 2, `Entry ${entry}: fetches are allowed.`),
      field(`A${entry}`, [low + 4, low + 3], `Entry ${entry}: how its address is meant.`, { values: modes }),
      field(`L${entry}`, low + 7, `Entry ${entry}: locked until reset, and binds machine mode.`),
    ];
  }).flat();
}

/** Configuration bytes that would allow stores without loads, which is reserved, stay as they were. */
function legalProtection(written: bigint, old: bigint): bigint {
  let legal = 0n;
  for (let shift = 0n; shift < 64n; shift += 8n) {
    const byte = (written >> shift) & 0xffn;
    legal |= ((byte & 3n) === 2n ? (old >> shift) & 0xffn : byte) << shift;
  }
  return legal;
}

const PROTECTION_ADDRESS: readonly CsrField[] = [field("value", [53, 0], "Bits 55 to 2 of an address.")];

export const MACHINE_CSRS: readonly Csr[] = [
  csr(0xf11, "mvendorid", "Machine", "JEDEC number of the vendor; 0 for none.", constant("Vendor.")),
  csr(0xf12, "marchid", "Machine", "Number of the microarchitecture; 0 for none.", constant("Microarchitecture.")),
  csr(0xf13, "mimpid", "Machine", "Version of the implementation; 0 for none.", constant("Version.")),
  csr(0xf14, "mhartid", "Machine", "Number of the hart that reads it.", constant("Hart.")),
  csr(0xf15, "mconfigptr", "Machine", "Address of a configuration structure; 0 for none.", constant("Address.")),

  csr(0x300, "mstatus", "Machine", "State of the hart: interrupt enable, and what a trap saved.", STATUS_FIELDS),
  csr(0x301, "misa", "Machine", "Register width and extensions of the hart.", MISA_FIELDS),
  csr(0x304, "mie", "Machine", "Which interrupts are enabled.", interruptFields("IE")),
  csr(0x305, "mtvec", "Machine", "Where traps to machine mode go.", TRAP_VECTOR_FIELDS, { legalize: legalTrapVector }),
  csr(0x306, "mcounteren", "Machine", "Which counters lower privileges may read.", COUNTER_ENABLE_FIELDS),
  csr(
    0x30a,
    "menvcfg",
    "User",
    "Environment of lower privileges.",
    [
      ...ENVIRONMENT_FIELDS,
      field("ADUE", 61, "Page-table entries get their A and D bits from the hart.", { extension: "Svadu" }),
      field("PBMTE", 62, "Page-table entries may give memory types (Svpbmt).", { extension: "Svpbmt" }),
      field("STCE", 63, "stimecmp exists in supervisor mode.", { extension: "Sstc" }),
    ],
    { legalize: legalEnvironment },
  ),
  csr(
    0x320,
    "mcountinhibit",
    "Machine",
    "Which counters stand still. This machine's counters always run.",
    COUNTER_BITS.map((entry) => ({ ...entry, access: "read-only", description: `Stops ${entry.description}.` })),
  ),

  csr(0x340, "mscratch", "Machine", "A word for the trap handler.", whole("Anything.")),
  csr(0x341, "mepc", "Machine", "Address of the instruction that trapped, or before which an interrupt was taken.", [
    ...EXCEPTION_PC_FIELDS,
  ]),
  csr(0x342, "mcause", "Machine", "Why the last trap to machine mode was taken.", CAUSE_FIELDS),
  csr(0x343, "mtval", "Machine", "The faulting address or the illegal instruction's bits; 0 for none.", [
    field("value", [63, 0], "Address or instruction."),
  ]),
  csr(0x344, "mip", "Machine", "Which interrupts are pending.", interruptFields("IP")),

  csr(0xb00, "mcycle", "Machine", "Cycles that the hart has run: here, steps.", whole("Cycles.")),
  csr(0xb02, "minstret", "Machine", "Instructions that the hart has retired.", whole("Instructions.")),
  ...family(0xb03, "mhpmcounter", 3, 31, 1, "Event counter; always zero here.", "Machine"),
  ...family(0x323, "mhpmevent", 3, 31, 1, "Selects the event of a counter; always zero here.", "Machine"),

  // A hart with 64-bit registers has the even configuration registers only, eight entries in each.
  ...[0, 2].map((number) =>
    csr(
      0x3a0 + number,
      `pmpcfg${number}`,
      "Machine",
      `Physical memory protection: entries ${number * 4} to ${number * 4 + 7}.`,
      protectionFields(number * 4),
      { legalize: legalProtection },
    ),
  ),
  ...Array.from({ length: 16 }, (_, entry) =>
    csr(0x3b0 + entry, `pmpaddr${entry}`, "Machine", "Physical memory protection: an address.", PROTECTION_ADDRESS),
  ),
  ...family(0x3a4, "pmpcfg", 4, 14, 2, "Physical memory protection: entries beyond the sixteenth.", "Pmp64"),
  ...family(0x3c0, "pmpaddr", 16, 63, 1, "Physical memory protection: entries beyond the sixteenth.", "Pmp64"),
  ...family(0x3a1, "pmpcfg", 1, 15, 2, "Physical memory protection: four entries.", "RV32"),
];

/** Registers `name<first>` to `name<last>`, numbered on from `number` by `step`; they read as zero. */
export function family(
  number: number,
  name: string,
  first: number,
  last: number,
  step: number,
  description: string,
  extension: Csr["extension"],
): Csr[] {
  const members: Csr[] = [];
  for (let index = first; index <= last; index += step) {
    members.push(csr(number + index - first, `${name}${index}`, extension, description, constant("Always zero.")));
  }
  return members;
}
