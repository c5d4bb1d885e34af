import { assert } from "../base/assert.ts";
import { CSRS, type Csr, type CsrExtension, csrIsReadOnly, csrWriteMask, findCsr } from "../isa/csrs.ts";
import type { InstructionSet } from "../isa/instruction-set.ts";
import { CSR_SLOT_COUNT, CSR_SLOTS, MSTATUS } from "../memory/layout.ts";
import type { TranslationState } from "./address-translation.ts";
import { LAST_FLOAT_CSR, readFloatCsr, withDirtySummary, writeFloatCsr } from "./float-csrs.ts";
import type { Hart } from "./hart.ts";
import { SATP_LEVELS } from "./page-walk.ts";
import { PMP_CONFIGURATION, PMP_ENTRIES, Pmp } from "./pmp.ts";

/** What CSRs show of the world around the hart. All values are those before the step that is being executed. */
export interface HartEnvironment {
  /** Steps that this hart has taken. */
  steps(): bigint;
  /** mtime, in ticks. */
  time(): bigint;
  /** Interrupts that devices raise for this hart, as bits of mip. */
  interruptLines(): number;
}

/** CSRs that hold state of their own. The order is the order of the slots in the hart window: append only. */
const STORED = [
  "mstatus",
  "mie",
  "mtvec",
  "mcounteren",
  "menvcfg",
  "mscratch",
  "mepc",
  "mcause",
  "mtval",
  // These two hold the difference between the counter and what the hart counts.
  "mcycle",
  "minstret",
  // What software has set of mip; devices and the supervisor timer come on top.
  "mip",
  "medeleg",
  "mideleg",
  "stvec",
  "scounteren",
  "senvcfg",
  "sscratch",
  "sepc",
  "scause",
  "stval",
  "satp",
  "stimecmp",
  "pmpcfg0",
  "pmpcfg2",
  ...Array.from({ length: PMP_ENTRIES }, (_, entry) => `pmpaddr${entry}` as const),
] as const;

export type Stored = (typeof STORED)[number];

const SLOTS: ReadonlyMap<string, number> = new Map(STORED.map((name, slot) => [name, slot]));
/** The same as an object: looked at a million times a second. */
const SLOT = Object.fromEntries(SLOTS) as Readonly<Record<Stored, number>>;
assert(STORED.length <= CSR_SLOT_COUNT, "CSR slots");
assert(CSR_SLOTS + 8 * slotOf("mstatus") === MSTATUS, "the slot of mstatus");

/** A CSR as this hart has it. */
interface Implemented {
  readonly csr: Csr;
  readonly slot: number;
  readonly writeMask: bigint;
}

const MSTATUS_SIE = 1 << 1;
const MSTATUS_MIE = 1 << 3;
const MSTATUS_MPP = 3n << 11n;
const MSTATUS_TVM = 1n << 20n;
const MSTATUS_SD = 1n << 63n;
const PROTECTION_SLOTS = STORED.flatMap((name, slot) => (name.startsWith("pmp") ? [slot] : []));
/** Both registers widths are 64 bits, for ever. */
const MSTATUS_XL64 = (2n << 32n) | (2n << 34n);
const COUNTEREN_TM = 1n << 1n;
const MIP_SSIP = 1 << 1;
const MIP_STIP = 1 << 5;
const MIP_SEIP = 1 << 9;

/** These hold addresses of instructions only. */
const EXCEPTION_PC = new Set(["mepc", "sepc"]);

function writeMask(csr: Csr, isa: InstructionSet): bigint {
  const mask = csrWriteMask(csr, isa.csrExtensions);
  return EXCEPTION_PC.has(csr.name) ? mask & ~BigInt(isa.instructionAlignment - 1) : mask;
}

/** Writes to these may make an interrupt due, or change when the next comes by itself. */
const OF_INTERRUPTS = numbers("mstatus", "sstatus", "mie", "sie", "mip", "sip", "mideleg");
const OF_TIMERS = numbers("stimecmp", "menvcfg");
const OF_TRANSLATION = numbers(
  ...["mstatus", "sstatus", "satp", "menvcfg", "pmpcfg0", "pmpcfg2"],
  ...Array.from({ length: PMP_ENTRIES }, (_, entry) => `pmpaddr${entry}`),
);
const OF_PROTECTION = numbers("pmpcfg0", "pmpcfg2", ...Array.from({ length: PMP_ENTRIES }, (_, i) => `pmpaddr${i}`));

/** A CSR as generated code accesses it, if what is stored and masks are all there is to it. */
export interface StoredCsr {
  readonly number: number;
  readonly name: string;
  /** Address in the hart window. */
  readonly address: number;
  /** Bits that a write changes; 0 where it takes more than that. */
  readonly writeMask: bigint;
}

/** CSRs of a hart that hold state. */
export function storedCsrs(isa: InstructionSet): readonly StoredCsr[] {
  return CSRS.filter(({ name, extension }) => isa.csrExtensions.has(extension) && SLOTS.has(name)).map((csr) => {
    const { number, name, legalize } = csr;
    const isPlain = legalize === undefined && !COMPUTED.has(name) && !OF_TRANSLATION.has(number);
    const hasEffects = OF_INTERRUPTS.has(number) || OF_TIMERS.has(number);
    const mask = isPlain && !hasEffects ? writeMask(csr, isa) : 0n;
    return { number, name, address: csrAddress(name as Stored), writeMask: mask };
  });
}

/** Bits of sstatus, which is a part of mstatus. */
export function supervisorStatusMasks(isa: InstructionSet): { readonly readable: bigint; readonly writable: bigint } {
  const writable = isa.csrExtensions.has("Supervisor") ? writeMask(findCsr("sstatus")!, isa) : 0n;
  return { writable, readable: writable | MSTATUS_SD | (3n << 32n) };
}

/** Whose value is not what is stored. */
const COMPUTED: ReadonlySet<string> = new Set(["mcycle", "minstret", "mip"]);

/** What a write calls for. */
export interface WriteEffects {
  /** Whether an interrupt is due must be looked at. */
  readonly interrupts: boolean;
  /** The next interrupt by a timer may come at another time. */
  readonly timers: boolean;
  /** Addresses may mean something else now. */
  readonly translation: boolean;
}

/** The control and status registers of one hart, by number. */
export class CsrFile {
  readonly #hart: Hart;
  readonly #environment: HartEnvironment;
  readonly #isa: InstructionSet;
  readonly #schemes: ReadonlySet<number>;
  readonly #implemented: ReadonlyMap<number, Implemented>;
  readonly #supervisorStatus: { readonly readable: bigint; readonly writable: bigint };
  #pmp: Pmp | undefined;
  /** What `#pmp` was made from. */
  readonly #pmpHalves = new Int32Array(PROTECTION_SLOTS.length * 2);

  constructor(hart: Hart, environment: HartEnvironment, isa: InstructionSet) {
    this.#hart = hart;
    this.#environment = environment;
    this.#isa = isa;
    const extensions = isa.csrExtensions;
    this.#schemes = schemesOf(isa);
    this.#implemented = new Map(
      CSRS.filter((csr) => extensions.has(csr.extension)).map((csr) => [
        csr.number,
        { csr, slot: SLOTS.get(csr.name) ?? -1, writeMask: writeMask(csr, isa) },
      ]),
    );
    this.#supervisorStatus = supervisorStatusMasks(isa);
  }

  reset(): void {
    for (const { csr, slot } of this.#implemented.values()) if (slot >= 0) this.#hart.setCsrSlot(slot, csr.reset);
    const hasUser = this.has("User");
    const widths = this.has("Supervisor") ? MSTATUS_XL64 : 2n << 32n;
    this.set("mstatus", hasUser ? widths : MSTATUS_MPP);
    this.stateReplaced();
  }

  /** The hart's window was written as a whole. */
  stateReplaced(): void {
    if (this.#pmp === undefined) return;
    // Protection is seldom what differs, and expensive to read anew for who restores states by the thousand.
    const isSame = PROTECTION_SLOTS.every(
      (slot, index) =>
        this.#hart.csrHalf(slot, "low") === this.#pmpHalves[index * 2] &&
        this.#hart.csrHalf(slot, "high") === this.#pmpHalves[index * 2 + 1],
    );
    if (!isSame) this.#pmp = undefined;
  }

  has(extension: CsrExtension): boolean {
    return this.#isa.csrExtensions.has(extension);
  }

  /** Whether an access at this privilege is legal; an illegal one is an illegal-instruction exception. */
  permits(csr: number, access: "read" | "write"): boolean {
    if (!this.#implemented.has(csr)) return false;
    const { privilege } = this.#hart;
    if (csr <= LAST_FLOAT_CSR && this.#hart.floatIsOff) return false;
    if (((csr >> 8) & 3) > privilege || (access === "write" && csrIsReadOnly(csr))) return false;
    if (privilege === 3) return true;
    if (csr === CSR.satp) return (this.get("mstatus") & MSTATUS_TVM) === 0n;
    if (csr === CSR.stimecmp) return this.#hasSupervisorTimer() && (this.get("mcounteren") & COUNTEREN_TM) !== 0n;
    if (csr >= FIRST_COUNTER && csr <= LAST_COUNTER) return this.#permitsCounter(csr - FIRST_COUNTER);
    return true;
  }

  /** Undefined when the hart has no such CSR. Unsigned. */
  read(csr: number): bigint | undefined {
    const entry = this.#implemented.get(csr);
    if (entry === undefined) return undefined;
    switch (entry.csr.name) {
      case "mstatus":
        return withDirtySummary(this.get("mstatus"));
      case "sstatus":
        return withDirtySummary(this.get("mstatus")) & this.#supervisorStatus.readable;
      case "misa":
        return this.#isa.misa;
      case "mcycle":
      case "cycle":
        return BigInt.asUintN(64, this.#environment.steps() + this.get("mcycle"));
      case "minstret":
      case "instret":
        return BigInt.asUintN(64, this.#environment.steps() - this.#hart.exceptionCount + this.get("minstret"));
      case "time":
        return this.#environment.time();
      case "mip":
        return BigInt(this.#pending());
      case "sip":
        return BigInt(this.#pending() & this.#low(SLOT.mideleg));
      case "sie":
        return BigInt(this.#low(SLOT.mie) & this.#low(SLOT.mideleg));
      case "fflags":
      case "frm":
      case "fcsr":
        return readFloatCsr(this.#hart, csr);
      case "mhartid":
        return BigInt(this.#hart.id);
      default:
        return entry.slot >= 0 ? this.#hart.csrSlot(entry.slot) : entry.csr.reset;
    }
  }

  /**
   * What a read-modify-write modifies: of mip only what software has set, or a line that a device holds would stay in it
   * (privileged manual, section 3.1.9).
   */
  readToModify(csr: number): bigint {
    if (csr !== CSR.mip && csr !== CSR.sip) return this.read(csr) ?? 0n;
    const stored = BigInt(this.#low(SLOT.mip) | (this.#pending() & MIP_STIP));
    return csr === CSR.mip ? stored : stored & this.get("mideleg");
  }

  /**
   * Writes what the register keeps of `value`. `ownSteps`: 1 for an instruction, 0 for somebody outside. Says what the
   * write calls for.
   */
  write(csr: number, value: bigint, ownSteps = 1n): WriteEffects {
    const entry = this.#implemented.get(csr);
    assert(entry !== undefined, `write to CSR ${csr}`);
    this.#writeEntry(entry, BigInt.asUintN(64, value), ownSteps);
    if (OF_PROTECTION.has(csr)) this.#pmp = undefined;
    return {
      interrupts: OF_INTERRUPTS.has(csr),
      timers: OF_TIMERS.has(csr),
      translation: OF_TRANSLATION.has(csr),
    };
  }

  /** Where the word of a CSR lies when reading it gives just that word; undefined for all others. */
  plainAddress(csr: number): number | undefined {
    const entry = this.#implemented.get(csr);
    if (entry === undefined || entry.slot < 0) return undefined;
    if (COMPUTED.has(entry.csr.name) || entry.csr.name === "mstatus") return undefined;
    return CSR_SLOTS + 8 * entry.slot;
  }

  /** The stored word of a CSR, as it is. */
  get(name: Stored): bigint {
    return this.#hart.csrSlot(slotOf(name));
  }

  set(name: Stored, value: bigint): void {
    this.#hart.setCsrSlot(slotOf(name), BigInt.asUintN(64, value));
  }

  /** Interrupts that are pending and enabled one by one: what ends a wait. Bits of mip. */
  pendingInterrupts(): number {
    const enabled = this.#low(SLOT.mie);
    return enabled === 0 ? 0 : this.#pending() & enabled;
  }

  /** Likewise, enabled or not. */
  allPendingInterrupts(): number {
    return this.#pending();
  }

  /** Interrupts that would be taken now, by the privilege that takes them (privileged manual, section 3.1.9). */
  dueInterrupts(): { readonly machine: number; readonly supervisor: number } | undefined {
    const { privilege } = this.#hart;
    const status = this.#low(SLOT.mstatus);
    const enabled = this.#low(SLOT.mie);
    const delegated = this.#low(SLOT.mideleg);
    const toMachine = privilege < 3 || (status & MSTATUS_MIE) !== 0 ? enabled & ~delegated : 0;
    const toSupervisor = privilege < 1 || (privilege === 1 && (status & MSTATUS_SIE) !== 0) ? enabled & delegated : 0;
    if ((toMachine | toSupervisor) === 0) return undefined;
    const pending = this.#pending();
    const due = { machine: pending & toMachine, supervisor: pending & toSupervisor };
    return (due.machine | due.supervisor) === 0 ? undefined : due;
  }

  /** mtime from which the supervisor timer interrupt is pending; undefined when the hart has no such timer. */
  supervisorDeadline(): bigint | undefined {
    return this.#hasSupervisorTimer() ? this.get("stimecmp") : undefined;
  }

  /** Physical memory protection as it is set. */
  get pmp(): Pmp {
    this.#pmp ??= this.#readPmp();
    return this.#pmp;
  }

  #readPmp(): Pmp {
    PROTECTION_SLOTS.forEach((slot, index) => {
      this.#pmpHalves[index * 2] = this.#hart.csrHalf(slot, "low");
      this.#pmpHalves[index * 2 + 1] = this.#hart.csrHalf(slot, "high");
    });
    return new Pmp(
      Array.from({ length: PMP_ENTRIES }, (_, entry) => this.#protection(entry)),
      Array.from({ length: PMP_ENTRIES }, (_, entry) => this.get(`pmpaddr${entry}` as Stored)),
    );
  }

  /** What the translation of the hart's addresses follows from. */
  translationState(): TranslationState {
    return {
      privilege: this.#hart.privilege,
      status: this.#low(SLOT.mstatus),
      satpLow: this.#low(SLOT.satp),
      satpHigh: this.#hart.csrHalf(SLOT.satp, "high"),
      environmentHigh: this.#hart.csrHalf(SLOT.menvcfg, "high"),
      hasNapot: this.#isa.has("svnapot"),
      pmp: this.pmp,
    };
  }

  #writeEntry({ csr, slot, writeMask }: Implemented, value: bigint, ownSteps: bigint): void {
    // The instruction behind the write reads the value written: the write's own step is not counted.
    const steps = this.#environment.steps() + ownSteps;
    switch (csr.name) {
      case "fflags":
      case "frm":
      case "fcsr":
        writeFloatCsr(this.#hart, csr.number, value);
        return;
      case "mcycle":
        this.set("mcycle", value - steps);
        return;
      case "minstret":
        this.set("minstret", value - (steps - this.#hart.exceptionCount));
        return;
      case "mstatus":
        this.#setStatus(value, writeMask);
        return;
      case "sstatus":
        this.#setStatus(value, this.#supervisorStatus.writable);
        return;
      case "mip":
        this.#setPending(value, MIP_SSIP | MIP_SEIP | (this.#hasSupervisorTimer() ? 0 : MIP_STIP));
        return;
      case "sip":
        this.#setPending(value, MIP_SSIP & this.#low(SLOT.mideleg));
        return;
      case "sie": {
        const delegated = this.get("mideleg");
        this.set("mie", (this.get("mie") & ~delegated) | (value & delegated & writeMask));
        return;
      }
      case "satp":
        if (this.#schemes.has(Number(value >> 60n))) this.set("satp", value);
        return;
      default:
        if (slot >= 0) this.#setSlot(csr, slot, value, writeMask);
    }
  }

  #setSlot(csr: Csr, slot: number, value: bigint, writeMask: bigint): void {
    const old = this.#hart.csrSlot(slot);
    const mask = OF_PROTECTION.has(csr.number) ? writeMask & ~this.#lockedBits(csr.number) : writeMask;
    const masked = (old & ~mask) | (value & mask);
    this.#hart.setCsrSlot(slot, csr.legalize?.(masked, old) ?? masked);
  }

  /** Bits of a PMP register that a lock holds until reset. A locked TOR entry also holds the address below it. */
  #lockedBits(csr: number): bigint {
    const { locked, mode } = PMP_CONFIGURATION;
    if (csr >= CSR.pmpaddr0) {
      const entry = csr - CSR.pmpaddr0;
      const above = entry + 1 < PMP_ENTRIES ? this.#protection(entry + 1) : 0;
      const holdsBase = (above & locked) !== 0 && (above & mode) === MODE_TOR;
      return (this.#protection(entry) & locked) !== 0 || holdsBase ? -1n : 0n;
    }
    const first = (csr - CSR.pmpcfg0) * 4;
    let bits = 0n;
    for (let index = 0; index < 8; index++) {
      if ((this.#protection(first + index) & locked) !== 0) bits |= 0xffn << BigInt(index * 8);
    }
    return bits;
  }

  #protection(entry: number): number {
    const word = this.get(entry < 8 ? "pmpcfg0" : "pmpcfg2");
    return Number((word >> BigInt((entry % 8) * 8)) & 0xffn);
  }

  #setStatus(value: bigint, mask: bigint): void {
    const old = this.get("mstatus");
    let written = (old & ~mask) | (value & mask);
    if (!this.#canHoldPrivilege((written & MSTATUS_MPP) >> 11n)) {
      written = (written & ~MSTATUS_MPP) | (old & MSTATUS_MPP);
    }
    this.set("mstatus", written);
  }

  /** mstatus.MPP keeps its value when it is given a privilege that there is not. */
  #canHoldPrivilege(privilege: bigint): boolean {
    if (privilege === 3n) return true;
    if (privilege === 0n) return this.has("User");
    return privilege === 1n && this.has("Supervisor");
  }

  #setPending(value: bigint, mask: number): void {
    this.set("mip", BigInt((this.#low(SLOT.mip) & ~mask) | (Number(value & 0xfffn) & mask)));
  }

  #pending(): number {
    const software = this.#low(SLOT.mip);
    const lines = this.#environment.interruptLines();
    if (!this.#hasSupervisorTimer()) return software | lines;
    const timer = this.#environment.time() >= this.get("stimecmp") ? MIP_STIP : 0;
    return (software & ~MIP_STIP) | lines | timer;
  }

  #hasSupervisorTimer(): boolean {
    // STCE is the highest bit.
    return this.#hart.csrHalf(SLOT.menvcfg, "high") < 0;
  }

  #permitsCounter(counter: number): boolean {
    const bit = 1n << BigInt(counter);
    if ((this.get("mcounteren") & bit) === 0n) return false;
    return this.#hart.privilege === 1 || !this.has("Supervisor") || (this.get("scounteren") & bit) !== 0n;
  }

  #low(slot: number): number {
    return this.#hart.csrHalf(slot, "low");
  }
}

/** Where generated code finds the stored word of a CSR of the hart whose turn it is. */
export function csrAddress(name: Stored): number {
  return CSR_SLOTS + 8 * slotOf(name);
}

function slotOf(name: Stored): number {
  return SLOT[name];
}

function number(name: string): number {
  const csr = findCsr(name);
  assert(csr !== undefined, `no CSR ${name}`);
  return csr.number;
}

function numbers(...names: readonly string[]): ReadonlySet<number> {
  return new Set(names.map(number));
}

const MODE_TOR = 1 << 3;
const FIRST_COUNTER = 0xc00;
const LAST_COUNTER = 0xc1f;

export const CSR = {
  sstatus: number("sstatus"),
  sip: number("sip"),
  satp: number("satp"),
  stimecmp: number("stimecmp"),
  mip: number("mip"),
  pmpcfg0: number("pmpcfg0"),
  pmpaddr0: number("pmpaddr0"),
} as const;

/** What system instructions depend on of the hart (SystemChoices in system-frame.ts). */
export function systemChoices(isa: InstructionSet): { readonly schemes: number; readonly leastPrivilege: bigint } {
  const schemes = [...schemesOf(isa)].reduce((bits, scheme) => bits | (1 << scheme), 0);
  return { schemes, leastPrivilege: isa.csrExtensions.has("User") ? 0n : MSTATUS_MPP };
}

/** Values of satp.MODE that the hart takes: a scheme brings the smaller ones. */
function schemesOf(isa: InstructionSet): ReadonlySet<number> {
  const levels = isa.has("sv57") ? 5 : isa.has("sv48") ? 4 : 3;
  const schemes = Object.entries(SATP_LEVELS).filter(([, count]) => count <= levels);
  return new Set(schemes.map(([mode]) => Number(mode)));
}
