import { type Csr, decodeCsr } from "../isa/csrs.ts";
import type { HartView, MachineLike } from "../machine/machine-interface.ts";
import { RAM_BASE } from "../machine/memory-map.ts";
import { csrGroups, csrSummary, pendingInterrupts, protections } from "./csr-groups.ts";
import type { DebuggeeParts } from "./debuggee-parts.ts";
import { errors } from "./errors.ts";
import { currentHart } from "./hart-turns.ts";
import type { Inspector } from "./inspector.ts";
import type {
  AddressSpaceReport,
  CsrReport,
  CsrValue,
  HartReport,
  MachineOverview,
  MemoryRegion,
  PageEntryReport,
  PageTableQuestion,
  PageTableReport,
  TranslationReport,
} from "./machine-protocol.ts";
import { addressSpaceOf, levelsOf, type PageEntry, readTable, sizeText, walkEntries } from "./page-tables.ts";
import type { ProgramMap } from "./program-map.ts";

const SATP = 0x180;
const MSTATUS = 0x300;
const MSTATUS_SUM = 1n << 18n;
const MSTATUS_MXR = 1n << 19n;
/** Address spaces that are remembered; of a guest with more the oldest are forgotten. */
const MOST_SPACES = 64;
const PRIVILEGES = { 0: "U", 1: "S", 3: "M" } as const;

/** Describes the machine as a whole, for the Machine view. */
export class MachineReporter {
  readonly #machine: MachineLike;
  readonly #map: ProgramMap;
  readonly #inspector: Inspector;
  /** Values of satp that harts had at stops, the newest last. */
  readonly #seen = new Set<bigint>();

  readonly #residency: DebuggeeParts["residency"];

  constructor(machine: MachineLike, map: ProgramMap, inspector: Inspector, residency?: DebuggeeParts["residency"]) {
    this.#residency = residency;
    this.#machine = machine;
    this.#map = map;
    this.#inspector = inspector;
  }

  /** The machine stands still: notes the address spaces that harts are in. */
  visit(): void {
    for (const hart of this.#machine.harts) {
      const satp = hart.csr(SATP);
      if (satp === undefined || addressSpaceOf(satp).scheme === "bare") continue;
      this.#seen.delete(satp);
      this.#seen.add(satp);
    }
    for (const satp of this.#seen) {
      if (this.#seen.size <= MOST_SPACES) break;
      this.#seen.delete(satp);
    }
  }

  overview(instant: number, focus: number): MachineOverview {
    const { residency } = this.#machine;
    const spaces = [...this.#seen].reverse().map((satp) => this.#space(satp));
    return {
      instant,
      harts: this.#machine.harts.map((hart) => this.#hart(hart, focus)),
      spaces: [...spaces.filter(({ harts }) => harts.length > 0), ...spaces.filter(({ harts }) => harts.length === 0)],
      devices: this.#machine.describeDevices().map(({ name, address, state }) => ({
        name,
        address: BigInt(address),
        registers: Object.entries(state).map(([key, value]) => ({ name: key, value: String(value) })),
      })),
      memory: this.#memory(),
      ...(this.#machine.cacheGroup !== undefined && { translation: this.#machine.cacheGroup }),
      ...(residency !== undefined && this.#residency !== undefined && { residency: this.#residency(residency) }),
    };
  }

  #hart(hart: HartView, focus: number): HartReport {
    const { id, pc, privilege, waiting } = hart;
    const position = this.#map.position(pc);
    const satp = hart.csr(SATP);
    return {
      id,
      stopped: id === focus,
      turn: id === currentHart(this.#machine),
      pc,
      symbol: this.#map.describe(pc),
      ...(position !== undefined && { place: `${position.path.replace(/^.*[\\/]/, "")}:${position.line}` }),
      privilege: PRIVILEGES[privilege],
      waiting,
      ...(satp !== undefined && { space: this.#space(satp) }),
      pending: pendingInterrupts(hart),
    };
  }

  #space(satp: bigint): AddressSpaceReport {
    const harts = this.#machine.harts.filter((hart) => hart.csr(SATP) === satp).map(({ id }) => id);
    return { ...addressSpaceOf(satp), harts };
  }

  /** RAM with the programs in it, and the devices, by address. */
  #memory(): MemoryRegion[] {
    const start = BigInt(RAM_BASE);
    const bytes = BigInt(this.#machine.configuration.memoryBytes);
    const ram: MemoryRegion = { start, end: start + bytes, name: "RAM", kind: "memory", detail: sizeText(bytes) };
    const devices = this.#machine
      .describeDevices()
      .map(({ name, address }): MemoryRegion => ({ start: BigInt(address), name, kind: "device", detail: "device" }));
    const [main] = this.#map.programs;
    const programs = (main?.segments ?? []).map((segment): MemoryRegion => {
      const at = BigInt(segment.physicalAddress);
      const use = `${segment.executable ? "code" : segment.writable ? "data" : "constants"}`;
      const linked = segment.virtualAddress === at ? "" : `, linked to 0x${segment.virtualAddress.toString(16)}`;
      return {
        start: at,
        end: at + BigInt(segment.memoryBytes),
        name: main.name.replace(/^.*[\\/]/, ""),
        kind: "program",
        detail: `${use}, ${segment.memoryBytes.toLocaleString("en-US")} bytes${linked}`,
      };
    });
    return [ram, ...devices, ...programs].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  }

  csrs(id: number): CsrReport {
    const hart = this.#machine.harts[id];
    const groups = csrGroups((number) => hart.csr(number) !== undefined).map(({ name, csrs }) => ({
      name,
      csrs: csrs.map((csr) => this.#csr(csr, hart.csr(csr.number) ?? 0n)),
    }));
    return { groups, protection: protections(hart) };
  }

  #csr(csr: Csr, value: bigint): CsrValue {
    const symbol = this.#map.symbolize(value);
    const summary = csrSummary(csr, value);
    return {
      name: csr.name,
      number: csr.number,
      value,
      meaning: symbol === undefined ? summary : [`<${symbol}>`, summary].filter((part) => part !== "").join(" "),
      description: csr.description,
      fields: decodeCsr(csr, value).map(({ name, high, low, value: bits, meaning, description }) => ({
        name,
        bits: high === low ? String(low) : `${high}:${low}`,
        value: bits,
        ...(meaning !== undefined && { meaning }),
        description,
      })),
    };
  }

  translation(address: bigint, id: number): TranslationReport {
    const hart = this.#inspector.hart(id);
    const translation = this.#inspector.translate(address, id);
    const { physicalAddress, pageBytes, problem, scheme } = translation;
    // In machine mode satp may hold an address space that does not count.
    const satp = scheme === "bare" ? 0n : (hart.csr(SATP) ?? 0n);
    const entries = walkEntries(address, translation);
    const symbol = this.#map.symbolize(address);
    return {
      address,
      ...(symbol !== undefined && { symbol }),
      hart: id,
      space: this.#space(satp),
      entries: entries.map((entry) => reported(entry)),
      ...(physicalAddress !== undefined && { physicalAddress: BigInt(physicalAddress) }),
      pageBytes,
      ...(problem !== undefined && { problem }),
      access: physicalAddress === undefined ? "" : accessSentence(hart, entries.at(-1)),
    };
  }

  pageTable({ satp, table, level, base }: PageTableQuestion): PageTableReport {
    const { scheme, root } = addressSpaceOf(satp);
    if (scheme === "bare") return { scheme, level: 0, table: 0n, entries: [] };
    const top = levelsOf(scheme) - 1;
    const at = { table: table ?? root, level: level ?? top, base: base ?? 0n };
    if (!(Number.isInteger(at.level) && at.level >= 0 && at.level <= top)) throw errors.noLevel(at.level, scheme);
    const used = readTable(this.#machine, scheme, at).filter(({ value }) => value !== 0n);
    const named = used.map((entry) => ({ ...reported(entry), ...this.#symbolOf(entry), count: 1 }));
    return { scheme, level: at.level, table: at.table, entries: runs(named) };
  }

  #symbolOf({ kind, virtual }: PageEntry): { readonly symbol?: string } {
    const symbol = kind === "page" ? this.#map.symbolize(virtual) : undefined;
    return symbol === undefined ? {} : { symbol };
  }
}

function reported(entry: PageEntry): PageEntryReport {
  const { value, target, ...shared } = entry;
  return {
    ...shared,
    ...(value !== undefined && { value, ppn: (value >> 10n) & ((1n << 44n) - 1n) }),
    ...(target !== undefined && { target }),
  };
}

/** Pages in a row that are alike and contiguous in memory are told once. */
function runs(entries: readonly (PageEntryReport & { readonly count: number })[]) {
  const merged: (PageEntryReport & { readonly count: number })[] = [];
  for (const entry of entries) {
    const last = merged.at(-1);
    if (last !== undefined && continues(last, entry)) merged[merged.length - 1] = { ...last, count: last.count + 1 };
    else merged.push(entry);
  }
  return merged;
}

function continues(run: PageEntryReport & { readonly count: number }, next: PageEntryReport): boolean {
  return (
    run.kind === "page" &&
    next.kind === "page" &&
    next.index === run.index + run.count &&
    next.notes.length === 0 &&
    run.notes.length === 0 &&
    next.target === (run.target ?? 0n) + BigInt(run.count) * run.bytes &&
    next.flags.join() === run.flags.join()
  );
}

/** What the page permits to whom, and what that means for the hart where it stands. */
function accessSentence(hart: HartView, page: PageEntry | undefined): string {
  if (page === undefined) return "Addresses are physical here: physical memory protection alone decides.";
  const { flags } = page;
  const can = [
    ["R", "read"],
    ["W", "written"],
    ["X", "executed"],
  ].flatMap(([flag, word]) => (flags.includes(flag) ? [word] : []));
  const whose = flags.includes("U") ? "user mode" : "supervisor mode";
  const permitted = `Can be ${can.join(", ")} by ${whose}.`;
  const status = hart.csr(MSTATUS) ?? 0n;
  const now: string[] = [];
  if (hart.privilege === 0 && !flags.includes("U")) now.push("the hart is in user mode, for which the page is not");
  if (hart.privilege === 1 && flags.includes("U")) {
    now.push(
      (status & MSTATUS_SUM) === 0n
        ? "the hart is in supervisor mode without SUM, so it faults"
        : "SUM lets supervisor mode load and store here",
    );
  }
  if (!flags.includes("R") && flags.includes("X") && (status & MSTATUS_MXR) !== 0n) now.push("MXR lets loads read it");
  if (!flags.includes("A")) now.push("A is clear, so the first access faults or sets it");
  else if (flags.includes("W") && !flags.includes("D")) now.push("D is clear, so the first store faults or sets it");
  return now.length === 0 ? permitted : `${permitted} Now: ${now.join("; ")}.`;
}
