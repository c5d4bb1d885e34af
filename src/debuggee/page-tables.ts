import type { PhysicalAddress } from "../base/brand.ts";
import type { MachineLike, Translation } from "../machine/machine-interface.ts";

/** Page tables as people read them: privileged manual chapters "Sv39", "Sv48", "Sv57", Svnapot and Svpbmt. */

export type PagedScheme = "Sv39" | "Sv48" | "Sv57";

const LEVELS: Readonly<Record<PagedScheme, number>> = { Sv39: 3, Sv48: 4, Sv57: 5 };
/** Values of satp.MODE. */
const SCHEMES: Readonly<Record<number, PagedScheme>> = { 8: "Sv39", 9: "Sv48", 10: "Sv57" };
export const ENTRIES = 512;
const ENTRY_BYTES = 8;
const PAGE_BITS = 12n;
const INDEX_BITS = 9n;
/** Flags of an entry, from bit 0 on. */
const FLAGS = ["V", "R", "W", "X", "U", "G", "A", "D"] as const;
const MEMORY_TYPES: Readonly<Record<number, string>> = { 1: "NC: not cached", 2: "IO: device", 3: "PBMT reserved" };

/** Translation as satp has it. */
export interface AddressSpace {
  readonly satp: bigint;
  readonly scheme: PagedScheme | "bare";
  readonly asid: number;
  /** Physical address of the root table; 0 when bare. */
  readonly root: bigint;
}

/** One entry of a page table, taken apart. */
export interface PageEntry {
  readonly level: number;
  /** Position in its table. */
  readonly index: number;
  /** Physical address of the entry itself. */
  readonly address: bigint;
  /** Undefined where there is no memory. */
  readonly value: bigint | undefined;
  readonly kind: "table" | "page" | "invalid" | "no memory";
  /** Flags that are set, `["V", "R", …]`. */
  readonly flags: readonly string[];
  /** Where the next table or the page lies. */
  readonly target: bigint | undefined;
  /** Bytes that the entry is for: those of its page, or those that its table is for. */
  readonly bytes: bigint;
  /** First virtual address that it is for, sign-extended. */
  readonly virtual: bigint;
  /** Whatever else the entry says: memory type, contiguous pages, reserved combinations. */
  readonly notes: readonly string[];
}

export function addressSpaceOf(satp: bigint): AddressSpace {
  const scheme = SCHEMES[Number(satp >> 60n)];
  if (scheme === undefined) return { satp, scheme: "bare", asid: 0, root: 0n };
  return {
    satp,
    scheme,
    asid: Number((satp >> 44n) & 0xffffn),
    root: (satp & ((1n << 44n) - 1n)) << PAGE_BITS,
  };
}

export function levelsOf(scheme: PagedScheme): number {
  return LEVELS[scheme];
}

/** Bytes that one entry of a level is for. */
function entryBytes(level: number): bigint {
  return 1n << (PAGE_BITS + INDEX_BITS * BigInt(level));
}

function decodeEntry(scheme: PagedScheme, at: Pick<PageEntry, "level" | "address" | "value">, base: bigint): PageEntry {
  const { level, address, value } = at;
  const index = Number((address % 4096n) / BigInt(ENTRY_BYTES));
  const bytes = entryBytes(level);
  const virtual = canonical(scheme, base + BigInt(index) * bytes);
  const shared = { level, index, address, value, bytes, virtual };
  if (value === undefined) return { ...shared, kind: "no memory", flags: [], target: undefined, notes: [] };
  const flags = FLAGS.filter((_, bit) => (value >> BigInt(bit)) & 1n);
  if (!flags.includes("V")) return { ...shared, kind: "invalid", flags, target: undefined, notes: [] };
  const isPage = flags.some((flag) => flag === "R" || flag === "X" || flag === "W");
  const kind = isPage ? "page" : "table";
  const notes: string[] = [];
  if (flags.includes("W") && !flags.includes("R")) notes.push("reserved: W without R");
  if (!isPage && level === 0) notes.push("reserved: a table below level 0");
  if (!isPage && flags.some((flag) => flag === "D" || flag === "A" || flag === "U"))
    notes.push("reserved: D, A or U of a table");
  const memoryType = MEMORY_TYPES[Number((value >> 61n) & 3n)];
  if (memoryType !== undefined) notes.push(memoryType);
  const ppn = (value >> 10n) & ((1n << 44n) - 1n);
  const isNapot = value >> 63n === 1n;
  // The lowest bits of the number of a contiguous range say how large it is: 64 KiB is the one size that there is.
  const isRange = isNapot && isPage && level === 0 && (ppn & 0xfn) === 8n;
  if (isRange) notes.push("N: 64 KiB contiguous");
  else if (isNapot) notes.push("reserved: N");
  const software = Number((value >> 8n) & 3n);
  if (software !== 0) notes.push(`RSW ${software}`);
  const target = (isRange ? ppn & ~0xfn : ppn) << PAGE_BITS;
  if (isPage && !isRange && target % bytes !== 0n) notes.push("misaligned page");
  return { ...shared, bytes: isRange ? 16n * bytes : bytes, kind, flags, target, notes };
}

/** The entries of one table. `base` is the first virtual address that the table is for. */
export function readTable(
  machine: MachineLike,
  scheme: PagedScheme,
  { table, level, base }: { readonly table: bigint; readonly level: number; readonly base: bigint },
): PageEntry[] {
  const bytes = machine.peekPhysical(Number(table) as PhysicalAddress, ENTRIES * ENTRY_BYTES);
  return Array.from({ length: ENTRIES }, (_, index) => {
    const address = table + BigInt(index * ENTRY_BYTES);
    return decodeEntry(scheme, { level, address, value: littleEndian(bytes, index * ENTRY_BYTES) }, base);
  });
}

/** The entries that a walk met, taken apart. */
export function walkEntries(address: bigint, { scheme, entries }: Translation): PageEntry[] {
  if (scheme === "bare") return [];
  return entries.map(({ level, address: at, value }) => {
    const tableBytes = entryBytes(level + 1);
    return decodeEntry(scheme, { level, address: BigInt(at), value }, address - (address % tableBytes));
  });
}

/** `4 KiB`, `2 MiB`, `1 GiB`. */
export function sizeText(bytes: bigint): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let size = bytes;
  let unit = 0;
  for (; size >= 1024n && size % 1024n === 0n && unit + 1 < units.length; unit++) size /= 1024n;
  return `${size} ${units[unit]}`;
}

/** `V R W - - - A D` */
function flagsText(flags: readonly string[]): string {
  return FLAGS.map((flag) => (flags.includes(flag) ? flag : "-")).join(" ");
}

/** What one entry says, in one line. */
export function entryText({ kind, flags, target, bytes, notes, value }: PageEntry): string {
  const more = notes.length === 0 ? "" : `, ${notes.join(", ")}`;
  if (value === undefined) return "no memory";
  const bits = `0x${value.toString(16)}`;
  if (kind === "invalid") return `${bits}  not valid`;
  const leads =
    kind === "table" ? `table 0x${target?.toString(16)}` : `page 0x${target?.toString(16)}, ${sizeText(bytes)}`;
  return `${bits}  ${flagsText(flags)}  ${leads}${more}`;
}

/** The walk of an address, a line a level, and where it ends. */
export function walkText(address: bigint, translation: Translation): string {
  const { scheme, physicalAddress, problem } = translation;
  const end =
    physicalAddress === undefined
      ? `not mapped: ${problem ?? "no entry"}`
      : `physical address 0x${physicalAddress.toString(16)}`;
  if (scheme === "bare") return `0x${address.toString(16)}: no translation here, ${end}`;
  const lines = walkEntries(address, translation).map((entry) => {
    const place = `level ${entry.level} [${entry.index}]`.padEnd(14);
    return `  ${place} at 0x${entry.address.toString(16)}: ${entryText(entry)}`;
  });
  return [`0x${address.toString(16)} in ${scheme}:`, ...lines, end].join("\n");
}

/** `0x80201040 (Sv39, page of 2 MiB)` */
export function translationText({ scheme, physicalAddress, pageBytes }: Translation): string {
  const how = scheme === "bare" ? "no translation here" : `${scheme}, page of ${sizeText(BigInt(pageBytes))}`;
  return `0x${(physicalAddress ?? 0).toString(16)} (${how})`;
}

/** Virtual addresses are sign-extended from the highest bit that is translated. */
function canonical(scheme: PagedScheme, address: bigint): bigint {
  const bits = Number(PAGE_BITS + INDEX_BITS * BigInt(LEVELS[scheme]));
  return BigInt.asUintN(64, BigInt.asIntN(bits, address));
}

function littleEndian(bytes: readonly (number | undefined)[], at: number): bigint | undefined {
  let value = 0n;
  for (let i = ENTRY_BYTES - 1; i >= 0; i--) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value = (value << 8n) | BigInt(byte);
  }
  return value;
}
