import { assert } from "../base/assert.ts";
import { CSRS, type Csr, csrIsReadOnly, csrWriteMask, findCsr } from "../isa/csrs.ts";
import type { InstructionSet } from "../isa/instruction-set.ts";
import { CSR_SLOT_COUNT } from "../memory/layout.ts";
import type { Hart } from "./hart.ts";

/** What CSRs show of the world around the hart. All values are those before the step that is being executed. */
export interface HartEnvironment {
  /** Steps that this hart has taken. */
  steps(): bigint;
  /** mtime, in ticks. */
  time(): bigint;
  /** Interrupts that devices raise for this hart, as bits of mip. */
  interruptLines(): bigint;
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
] as const;

type Stored = (typeof STORED)[number];

const SLOTS: ReadonlyMap<string, number> = new Map(STORED.map((name, slot) => [name, slot]));
assert(STORED.length <= CSR_SLOT_COUNT, "CSR slots");

/** A CSR as this hart has it. */
interface Implemented {
  readonly csr: Csr;
  readonly slot: number;
  readonly writeMask: bigint;
}

/** These hold addresses of instructions only. */
const EXCEPTION_PC = new Set(["mepc", "sepc"]);

function implemented(isa: InstructionSet): ReadonlyMap<number, Implemented> {
  const extensions = isa.csrExtensions;
  const mask = (csr: Csr) =>
    EXCEPTION_PC.has(csr.name)
      ? csrWriteMask(csr, extensions) & ~BigInt(isa.instructionAlignment - 1)
      : csrWriteMask(csr, extensions);
  return new Map(
    CSRS.filter((csr) => extensions.has(csr.extension)).map((csr) => [
      csr.number,
      { csr, slot: SLOTS.get(csr.name) ?? -1, writeMask: mask(csr) },
    ]),
  );
}

export const CSR = {
  mstatus: number("mstatus"),
  mie: number("mie"),
  mip: number("mip"),
} as const;

/** The control and status registers of one hart, by number. */
export class CsrFile {
  readonly #isa: InstructionSet;
  readonly #implemented: ReadonlyMap<number, Implemented>;
  readonly #hart: Hart;
  readonly #environment: HartEnvironment;

  constructor(hart: Hart, environment: HartEnvironment, isa: InstructionSet) {
    this.#isa = isa;
    this.#implemented = implemented(isa);
    this.#hart = hart;
    this.#environment = environment;
  }

  reset(): void {
    for (const { csr, slot } of this.#implemented.values()) if (slot >= 0) this.#hart.setCsrSlot(slot, csr.reset);
  }

  /** Whether an access at this privilege is legal; an illegal one is an illegal-instruction exception. */
  permits(csr: number, access: "read" | "write"): boolean {
    if (!this.#implemented.has(csr)) return false;
    if (((csr >> 8) & 3) > this.#hart.privilege) return false;
    return access === "read" || !csrIsReadOnly(csr);
  }

  /** Undefined when the hart has no such CSR. Unsigned. */
  read(csr: number): bigint | undefined {
    const entry = this.#implemented.get(csr);
    if (entry === undefined) return undefined;
    switch (entry.csr.name) {
      case "mcycle":
      case "cycle":
        return BigInt.asUintN(64, this.#environment.steps() + this.get("mcycle"));
      case "minstret":
      case "instret":
        return BigInt.asUintN(64, this.#environment.steps() - this.#hart.exceptionCount + this.get("minstret"));
      case "time":
        return this.#environment.time();
      case "mip":
        return this.#environment.interruptLines();
      case "misa":
        return this.#isa.misa;
      case "mhartid":
        return BigInt(this.#hart.id);
      default:
        return entry.slot >= 0 ? this.#hart.csrSlot(entry.slot) : entry.csr.reset;
    }
  }

  /** Writes what the register keeps of `value`. `ownSteps`: 1 for an instruction, 0 for somebody outside. */
  write(csr: number, value: bigint, ownSteps = 1n): void {
    const entry = this.#implemented.get(csr);
    assert(entry !== undefined, `write to CSR ${csr}`);
    if (entry.slot < 0) return;
    // The instruction behind the write reads the value written: the write's own step is not counted.
    const steps = this.#environment.steps() + ownSteps;
    if (entry.csr.name === "mcycle") this.set("mcycle", value - steps);
    else if (entry.csr.name === "minstret") this.set("minstret", value - (steps - this.#hart.exceptionCount));
    else {
      const old = this.#hart.csrSlot(entry.slot);
      const masked = (old & ~entry.writeMask) | (value & entry.writeMask);
      this.#hart.setCsrSlot(entry.slot, entry.csr.legalize?.(masked, old) ?? masked);
    }
  }

  /** The stored word of a CSR, as it is. */
  get(name: Stored): bigint {
    return this.#hart.csrSlot(slotOf(name));
  }

  set(name: Stored, value: bigint): void {
    this.#hart.setCsrSlot(slotOf(name), BigInt.asUintN(64, value));
  }

  /** Interrupts that are pending and enabled one by one; whether they are taken, mstatus.MIE says. */
  pendingInterrupts(): bigint {
    const enabled = this.get("mie");
    return enabled === 0n ? 0n : this.#environment.interruptLines() & enabled;
  }
}

function slotOf(name: Stored): number {
  return STORED.indexOf(name);
}

function number(name: string): number {
  const csr = findCsr(name);
  assert(csr !== undefined, `no CSR ${name}`);
  return csr.number;
}
