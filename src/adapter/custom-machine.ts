/** The part of custom-protocol.ts that is about the machine as a whole. Types only, as there. */

/** What the Machine view shows. Addresses and values are `0x…`; `hart` counts from 0, as the manual does. */
export interface MachineBody {
  instant: number;
  harts: HartBody[];
  /** Address spaces that harts were in at stops of this session, those of now first. */
  spaces: AddressSpaceBody[];
  devices: DeviceBody[];
  /** By address. */
  memory: MemoryRegionBody[];
  translation?: CacheGroupBody;
  /** Of a live run that keeps fewer pages of memory than the guest has. */
  residency?: ResidencyBody;
}

/** `…Ms`: milliseconds. */
export interface ResidencyBody {
  /** Pages that the machine has room for, that the guest has, and that are in the machine now. */
  frames: number;
  pages: number;
  resident: number;
  /** Since the machine began. */
  putAway: number;
  broughtIn: number;
  /** The guest is told of pages that are not ready, where it can be. */
  asyncPages: boolean;
  /** What a page from the file takes longer, as was asked for. */
  pageInLatencyMs: number;
  /** Bytes of pages that are put away: as they are, packed in memory, packed in the file. */
  stored: { raw: number; compressed: number; file: number };
  /** In which all of the guest waited for pages that it was told of. */
  idleMs: number;
  /** By what had to be done. `told`: the guest was told; `beside`: it went on and needed not be; `waited`: a hart stood still. */
  works: {
    work: "page-in" | "decompression" | "remote-fetch" | "recording-read" | "checkpoint-copy" | "translation";
    told: number;
    beside: number;
    waited: number;
    hiddenMs: number;
    waitedMs: number;
    mostMs: number;
  }[];
  warning?: string;
}

export interface DeviceBody {
  name: string;
  address: string;
  registers: { name: string; value: string }[];
}

export interface MemoryRegionBody {
  start: string;
  /** A device does not say how far it reaches. */
  end?: string;
  name: string;
  kind: "memory" | "device" | "program";
  detail: string;
}

/** The caches of translations, one element for each address space: what they have done in this session. */
export interface CacheGroupBody {
  cacheGroup: "on" | "off";
  /** Address spaces, and their contexts of privilege and permission, that have translations now. */
  elements: number;
  contexts: number;
  mostContexts: number;
  /** Changes of the address space. */
  switches: number;
  /** Changes of the context that found it in the group, or not. */
  hits: number;
  misses: number;
  /** Contexts that made room for others. */
  evictions: number;
  fences: number;
  /** Missing translations found by generated code, and by a walk in full. */
  fills: number;
  walks: number;
  /** What stores to page tables made void: single translations, and contexts. */
  droppedTranslations: number;
  voidedContexts: number;
  /** Times that everything became void. */
  flushes: number;
  /** Times that checkpoints took back the permission to store unnoticed. */
  checkpoints: number;
}

export interface HartBody {
  id: number;
  /** The last stop was about it. */
  stopped: boolean;
  /** The next step is its. */
  turn: boolean;
  pc: string;
  symbol: string;
  place?: string;
  privilege: "M" | "S" | "U";
  waiting: boolean;
  space?: AddressSpaceBody;
  /** Interrupts that are pending. */
  pending: string[];
}

export interface AddressSpaceBody {
  satp: string;
  scheme: "bare" | "Sv39" | "Sv48" | "Sv57";
  asid: number;
  /** Physical address of the root table. */
  root: string;
  harts: number[];
}

export interface HartArguments {
  /** Default: the hart that stopped last. */
  hart?: number;
}

export interface CsrsBody {
  groups: { name: string; csrs: CsrBody[] }[];
  /** Physical memory protection: the entries that are on. */
  protection: { entry: number; mode: string; start: string; last: string; permissions: string; locked: boolean }[];
}

export interface CsrBody {
  name: string;
  number: number;
  value: string;
  meaning: string;
  description: string;
  fields: { name: string; bits: string; value: string; meaning?: string; description: string }[];
}

export interface TranslateArguments extends HartArguments {
  /** A number or an expression that `evaluate` knows. */
  address: string;
}

export interface TranslationBody {
  address: string;
  symbol?: string;
  hart: number;
  space: AddressSpaceBody;
  /** The walk, the root's entry first. */
  entries: PageEntryBody[];
  physicalAddress?: string;
  /** Bytes of the page; 0 when there is no translation or the address is not mapped. */
  pageBytes: number;
  problem?: string;
  /** Who may do what there: a sentence. */
  access: string;
}

export interface PageEntryBody {
  level: number;
  index: number;
  /** Physical address of the entry itself. */
  address: string;
  /** Absent where there is no memory. */
  value?: string;
  kind: "table" | "page" | "invalid" | "no memory";
  /** Of V R W X U G A D those that are set. */
  flags: string[];
  ppn?: string;
  /** Where the next table or the page lies. */
  target?: string;
  /** Bytes of addresses that the entry is for. */
  bytes: string;
  /** The first of them. */
  virtual: string;
  symbol?: string;
  notes: string[];
}

/** One table of an address space; without `table` its root. */
export interface PageTableArguments {
  satp: string;
  table?: string;
  level?: number;
  /** First virtual address that the table is for. */
  base?: string;
}

export interface PageTableBody {
  scheme: "bare" | "Sv39" | "Sv48" | "Sv57";
  level: number;
  table: string;
  /** Entries that are not zero; pages that go on in a row are one entry with their `count`. */
  entries: (PageEntryBody & { count: number })[];
}
