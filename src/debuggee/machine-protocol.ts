/** What the Machine view shows, as plain data. Addresses and values are bigint, as in protocol.ts. */

import type { CacheGroupReport } from "../machine/machine-interface.ts";
import type { ResidencyReport } from "../machine/residency.ts";

export type { ResidencyReport, WorkReport } from "../machine/residency.ts";

export interface MachineOverview {
  readonly instant: number;
  readonly harts: readonly HartReport[];
  /** Address spaces that harts were in at stops of this session, those of now first. */
  readonly spaces: readonly AddressSpaceReport[];
  readonly devices: readonly DeviceReport[];
  readonly memory: readonly MemoryRegion[];
  /** What the caches of translations have done in this session, travels through time included; absent: there are none. */
  readonly translation?: CacheGroupReport;
  /** Where pages are, and what it cost that they are not all in the machine; absent: they are. */
  readonly residency?: ResidencyReport;
}

export interface HartReport {
  readonly id: number;
  /** The last stop was about it. */
  readonly stopped: boolean;
  /** The next step is its. */
  readonly turn: boolean;
  readonly pc: bigint;
  /** `main+0x12`, or the bare address. */
  readonly symbol: string;
  /** `main.c:14` */
  readonly place?: string;
  readonly privilege: "M" | "S" | "U";
  readonly waiting: boolean;
  /** Undefined where harts do not translate addresses. */
  readonly space?: AddressSpaceReport;
  /** Interrupts that are pending, with what keeps them from being taken. */
  readonly pending: readonly string[];
}

export interface AddressSpaceReport {
  readonly satp: bigint;
  readonly scheme: "bare" | "Sv39" | "Sv48" | "Sv57";
  readonly asid: number;
  /** Physical address of the root table; 0 when bare. */
  readonly root: bigint;
  /** Harts that are in it now. */
  readonly harts: readonly number[];
}

export interface DeviceReport {
  readonly name: string;
  readonly address: bigint;
  readonly registers: readonly { readonly name: string; readonly value: string }[];
}

export interface MemoryRegion {
  readonly start: bigint;
  /** The first address behind it; undefined where a device does not say how far it reaches. */
  readonly end?: bigint;
  readonly name: string;
  readonly kind: "memory" | "device" | "program";
  readonly detail: string;
}

export interface CsrReport {
  readonly groups: readonly CsrGroup[];
  /** Physical memory protection, entry by entry; those that are off are left out. */
  readonly protection: readonly ProtectionReport[];
}

export interface CsrGroup {
  readonly name: string;
  readonly csrs: readonly CsrValue[];
}

export interface CsrValue {
  readonly name: string;
  readonly number: number;
  readonly value: bigint;
  /** What it says, in a few words: a symbol, a cause, the fields that are set. */
  readonly meaning: string;
  readonly description: string;
  /** The highest bits first; empty for registers that are one number. */
  readonly fields: readonly CsrFieldValue[];
}

export interface CsrFieldValue {
  readonly name: string;
  /** `12:11`, `3` */
  readonly bits: string;
  readonly value: bigint;
  readonly meaning?: string;
  readonly description: string;
}

export interface ProtectionReport {
  readonly entry: number;
  /** `TOR`, `NA4`, `NAPOT` */
  readonly mode: string;
  readonly start: bigint;
  /** The last address in it. */
  readonly last: bigint;
  /** `RWX`, `R--` */
  readonly permissions: string;
  readonly locked: boolean;
}

export interface TranslationReport {
  readonly address: bigint;
  /** `0x80001000 <main>` has a name, most numbers have none. */
  readonly symbol?: string;
  readonly hart: number;
  readonly space: AddressSpaceReport;
  /** The walk, the root's entry first. */
  readonly entries: readonly PageEntryReport[];
  readonly physicalAddress?: bigint;
  /** Bytes of the page; 0 when bare or not mapped. */
  readonly pageBytes: number;
  readonly problem?: string;
  /** Who may do what there, a sentence; and what keeps the hart from it now. */
  readonly access: string;
}

export interface PageEntryReport {
  readonly level: number;
  readonly index: number;
  /** Physical address of the entry itself. */
  readonly address: bigint;
  readonly value?: bigint;
  readonly kind: "table" | "page" | "invalid" | "no memory";
  /** Of V R W X U G A D those that are set. */
  readonly flags: readonly string[];
  /** Physical page number in the entry. */
  readonly ppn?: bigint;
  /** Where the next table or the page lies. */
  readonly target?: bigint;
  /** Bytes of addresses that the entry is for. */
  readonly bytes: bigint;
  /** First virtual address that it is for. */
  readonly virtual: bigint;
  readonly symbol?: string;
  readonly notes: readonly string[];
}

/** One table of an address space. Without `table` the root. */
export interface PageTableQuestion {
  readonly satp: bigint;
  readonly table?: bigint;
  readonly level?: number;
  /** First virtual address that the table is for. */
  readonly base?: bigint;
}

export interface PageTableReport {
  readonly scheme: "bare" | "Sv39" | "Sv48" | "Sv57";
  readonly level: number;
  readonly table: bigint;
  /** Entries that are not zero. Pages in a row, alike and contiguous in memory, are one with `count` above 1. */
  readonly entries: readonly (PageEntryReport & { readonly count: number })[];
}
