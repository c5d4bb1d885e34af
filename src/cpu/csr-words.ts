import { assert } from "../base/assert.ts";
import { findCsr } from "../isa/csrs.ts";
import type { InstructionSet } from "../isa/instruction-set.ts";
import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { csrAddress, storedCsrs, supervisorStatusMasks } from "./csr-file.ts";

/** What generated code must mind of a CSR, beside what it loads and stores (CSR_WORD.flags). */
export const CSR_FLAG = {
  /** It may be written here. */
  writable: 1,
  /** What is read and written is masked by another word. */
  masked: 2,
  /** mstatus or a part of it: SD is computed, and a write may change what addresses mean. */
  status: 4,
  satp: 8,
  /** A write may make an interrupt due. */
  interrupts: 16,
  /** Lower privileges need the leave of the counter-enable registers. */
  counter: 32,
  steps: 64,
  retired: 128,
  time: 256,
  /** What devices, timers and software say that is pending, and not a stored word. */
  pending: 512,
} as const;

/** A CSR that generated code accesses by itself. */
interface CsrWord {
  readonly name: string;
  readonly address: number;
  readonly flags: number;
  readonly readable?: bigint;
  readonly writable?: bigint;
  readonly maskAddress?: number;
  readonly counterBit?: number;
}

const EVERY_BIT = 0xffff_ffff_ffff_ffffn;
/** By which TypeScript reads and writes them: they hold what devices and timers say, or a difference. */
const LEFT_OUT: ReadonlySet<string> = new Set(["mip", "mcycle", "minstret", "stimecmp"]);

/**
 * Says which CSRs of a hart generated code accesses by itself, and how. All harts of a machine have the same. What is not
 * among them, or is written where it may only be read here, is for executeSystem.
 */
export function writeCsrWords(memory: PhysicalMemory, isa: InstructionSet): void {
  const words = [...storedWords(isa), ...viewWords(isa), ...counterWords(isa)];
  assert(words.length < layout.MOST_CSR_WORDS, "CSR words");
  const { view, bytes } = memory;
  words.forEach(({ name, address, flags, readable, writable, maskAddress, counterBit }, index) => {
    const at = layout.CSR_WORDS + (index + 1) * layout.CSR_WORD_BYTES;
    bytes[layout.CSR_NUMBERS + findCsr(name)!.number] = index + 1;
    view.setInt32(at + layout.CSR_WORD.address, address, true);
    view.setInt32(at + layout.CSR_WORD.flags, flags, true);
    view.setBigUint64(at + layout.CSR_WORD.readable, readable ?? EVERY_BIT, true);
    view.setBigUint64(at + layout.CSR_WORD.writable, writable ?? 0n, true);
    view.setInt32(at + layout.CSR_WORD.maskAddress, maskAddress ?? 0, true);
    view.setInt32(at + layout.CSR_WORD.counterBit, counterBit ?? 0, true);
  });
}

function storedWords(isa: InstructionSet): CsrWord[] {
  return storedCsrs(isa)
    .filter(({ name }) => !LEFT_OUT.has(name))
    .map(({ name, address, writeMask }): CsrWord => {
      if (name === "mstatus") return { name, address, flags: CSR_FLAG.status };
      if (name === "satp") {
        return { name, address, flags: CSR_FLAG.satp | CSR_FLAG.writable, writable: EVERY_BIT };
      }
      return { name, address, flags: writeMask === 0n ? 0 : CSR_FLAG.writable, writable: writeMask };
    });
}

/** CSRs that are views of others. */
function viewWords(isa: InstructionSet): CsrWord[] {
  if (!isa.csrExtensions.has("Supervisor")) return [];
  const { writable, interrupts, status, masked, pending } = CSR_FLAG;
  const [mie, mideleg] = [csrAddress("mie"), csrAddress("mideleg")];
  return [
    {
      ...{ name: "sstatus", address: csrAddress("mstatus"), flags: status | writable | interrupts },
      ...supervisorStatusMasks(isa),
    },
    // What is delegated is what supervisor mode may enable.
    { name: "sie", address: mie, maskAddress: mideleg, flags: masked | writable | interrupts, writable: EVERY_BIT },
    { name: "sip", address: layout.PENDING_INTERRUPTS, maskAddress: mideleg, flags: pending | masked },
  ];
}

/** Below machine mode they take the leave of mcounteren, and in user mode that of scounteren, which needs supervisor mode. */
function counterWords(isa: InstructionSet): CsrWord[] {
  if (!isa.csrExtensions.has("Zicntr") || !isa.csrExtensions.has("Supervisor")) return [];
  const { counter, steps, time, retired } = CSR_FLAG;
  return [
    { name: "cycle", address: csrAddress("mcycle"), flags: counter | steps, counterBit: 1 },
    { name: "time", address: 0, flags: counter | time, counterBit: 2 },
    { name: "instret", address: csrAddress("minstret"), flags: counter | retired, counterBit: 4 },
  ];
}
