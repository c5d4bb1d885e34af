import { assert } from "../base/assert.ts";

/**
 * Where everything lies in the machine's one WebAssembly memory, in bytes. The window of the hart that has its turn is
 * at 0, so that generated code reaches registers by constant address; the others are parked behind the words that
 * generated code and TypeScript exchange. RAM comes last, because its size is configured.
 */

/** The hart's window: what generated code and the TypeScript routines share. */
export const HART_WINDOW = 0x0000;
export const HART_WINDOW_BYTES = 0x800;

/** x0 to x31, 8 bytes each; x0's slot is never written. */
export const REGISTERS = 0x000;
/** Writes to x0 go here. */
export const REGISTER_SINK = 0x100;
export const PC = 0x108;
/** Physical address of the reservation set, or all ones when there is none. */
export const RESERVATION = 0x110;
/** 3, 1 or 0, as in the manual. i32. */
export const PRIVILEGE = 0x118;
/** 1 while the hart stands at wfi. i32. */
export const WAITING = 0x11c;
/** Steps that ended in a synchronous exception: minstret does not count them. i64. */
export const EXCEPTION_COUNT = 0x120;
/** Floating-point flags that have accrued (bits 4:0) and the dynamic rounding mode (bits 7:5), as in fcsr. i32. */
export const FCSR = 0x128;
/** Steps that this hart has taken, up to date between slices. i64. */
export const STEP_COUNT = 0x130;
/** CSRs that hold state, 8 bytes each, at CSR_SLOTS + 8 * slot (cpu/csr-file.ts gives the slots). */
export const CSR_SLOTS = 0x200;
export const CSR_SLOT_COUNT = 64;
/** mstatus has the first slot: generated code looks at FS before a floating-point instruction and marks it behind one. */
export const MSTATUS = CSR_SLOTS;
export const MSTATUS_FS_DIRTY = 3n << 13n;
/** f0 to f31, 8 bytes each; a single is boxed in ones, as the manual has it. */
export const FLOAT_REGISTERS = 0x400;

/** Communication between generated code and TypeScript: no machine state, neither saved nor digested. */
export const EXCHANGE = 0x1000;
/** Steps left of the slice, counted before the step that is being executed. i32. */
export const BUDGET = 0x1000;
/** Steps that a yield took out of the budget, to be added again by whoever reads BUDGET. i32. */
export const CARRY = 0x1004;
/** Outcome of the slow path of an access: one of STATUS_*. i32. */
export const STATUS = 0x1008;
/** mcause of the exception that was met (without the interrupt bit), and its mtval. i32, i64. */
export const TRAP_CAUSE = 0x100c;
export const TRAP_VALUE = 0x1010;
/** A TRAP_CAUSE that is no exception of the guest's: a page is absent, TRAP_VALUE is its number. Nobody takes it as a trap. */
export const ABSENT_PAGE_CAUSE = 63;

export const STATUS_DONE = 0;
/** TRAP_CAUSE and TRAP_VALUE say what. */
export const STATUS_FAULT = 1;
/** Done, and the engine must come back after this instruction: interrupts, stops or the end may have come about. */
export const STATUS_YIELD = 2;
/** Of a system instruction: done, PC holds what comes next, and addresses may mean something else there. */
export const STATUS_MOVED = 3;

/** Address of the translation table that is in force (TRANSLATION_POOL). i32. */
export const TRANSLATION_BASE = 0x1018;
/** Slot of the translation that wants to be made anew (ANSWER.known in cpu/region-function.ts). i32. */
export const WANTS_TRANSLATION = 0x1020;
/** 0: data addresses are physical and everything is allowed; 1: whoever misses asks `translate`. i32. */
export const DATA_IS_TRANSLATED = 0x101c;
/** Where the last translation came from, for the entry that is filled with it: see TABLE_SOURCES. u32. */
export const TRANSLATION_SOURCE = 0x1024;
/** Translations that generated code found by itself, counted. i64. */
export const GENERATED_FILLS = 0x1028;
/** Bit n: an exception with cause n is not taken by generated code, because somebody wants to see it first. i64. */
export const TRAP_STOPS = 0x1030;
/** mip as it was when generated code was entered; a bit that it shows may be gone (PENDING_IS_OLD, and mtime may wrap), none has come since. i32. */
export const PENDING_INTERRUPTS = 0x1038;
/** 1: fences and writes to satp flush, so that they are for TypeScript. i32. */
export const FENCES_FLUSH = 0x103c;
/** Selections of another epoch are void (SELECTIONS). i32. */
export const SELECTION_EPOCH = 0x1040;
/** Counts changes of context, so that each knows when it was last in force. u32. */
export const CONTEXT_CLOCK = 0x1044;
/** Counters of cpu/group-counters.ts: contexts found again, changes of address space, fences. i64 each. */
export const CONTEXT_HITS = 0x1048;
export const SPACE_SWITCHES = 0x1050;
export const FENCES = 0x1058;
/** STEP_COUNT and the instant as they will be when the budget is used up, and what mtime is ahead of the instant. i64. */
export const STEPS_AT_END = 0x1060;
export const INSTANT_AT_END = 0x1068;
export const TICK_OFFSET = 0x1070;
/** The record of the system instruction that a translation is executing. */
export const SYSTEM_RECORD = 0x1080;
/** Number of the hart that has its turn. i32. */
export const HART_NUMBER = 0x1078;
/** 1: a device has been accessed since PENDING_INTERRUPTS was written, so that a line may have fallen. i32. */
export const PENDING_IS_OLD = 0x107c;

/** What the watches cover: i32 count, then from +16 entries of 24 bytes {first i64, last i64, access i32}. */
export const WATCH_TABLE = 0x1100;
/** Not 0 when there are watches or absent pages: RAM is not to be accessed without a look at a tag or at the page's flags. i32. */
export const RAM_IS_GUARDED = WATCH_TABLE + 4;
export const WATCH_ENTRY_BYTES = 24;
/** More would make every access to a watched page slow; a debugger's user sets a handful. */
export const MAX_WATCHES = 64;

/**
 * A word for each slot of a breakpoint (cpu/breakpoint-slots.ts): one of BREAKPOINT. i32. Translations look at it wherever
 * there is, or has been, a breakpoint within them; so setting one again and taking it away changes no code.
 */
export const BREAKPOINT_WORDS = 0x1800;
/** Numbers of slots fit a byte of a record; slot 0 is none. */
export const BREAKPOINT_SLOTS = 256;
export const BREAKPOINT = { off: 0, stop: 1, filter: 2 } as const;
/** Counters of hits, see cpu/condition-code.ts: hits left that are skipped (i32), and the instant of the last hit (i64). */
export const HIT_COUNTERS = 0x1c00;
export const HIT_COUNTER_COUNT = 32;
export const HIT_COUNTER_BYTES = 16;
export const HIT_COUNTER = { left: 0, instant: 8 } as const;
/** Entries of HIT_LOG that are filled. i32. */
export const HIT_LOG_LENGTH = 0x1e00;

/** Number of the CSR whose writes are noted, while a trace is made. i32. */
export const NOTED_CSR = 0x1e08;
/** Of a filtered trace: a record whose writes are not noted, and the least stack pointer of a hart whose are. i32, i64. */
export const UNNOTED_RECORD = 0x1e0c;
export const NOTED_STACK = 0x1e10;
/**
 * While a trace is made (cpu/write-trace.ts): the steps that were left of the slice behind the last step that wrote a
 * register, or -1. i32 each: x0 to x31, the sink, f0 to f31, the noted CSR, traps by the privilege that they went to.
 */
export const WRITE_NOTES = 0x1e80;
export const WRITE_NOTE = { integer: 0, float: 33, csr: 65, trap: 66 } as const;
export const WRITE_NOTE_COUNT = 70;

/** Windows of the harts that do not have their turn, in the order of the harts. */
export const HART_PARKING = 0x2000;
/** As many as the plan of the board has room for, in the tables of this layout. */
export const MAX_PARKED_HARTS = 8;

/** Bytes that TypeScript wants hashed are copied here. */
export const SCRATCH = HART_PARKING + MAX_PARKED_HARTS * HART_WINDOW_BYTES;
export const SCRATCH_BYTES = 0xa000;

/**
 * Translation tables, one for each access context (cpu/cache-group.ts): 4096 entries of 32 bytes, indexed by bits 23:12 of
 * the virtual address. A tag is the virtual page address for which the access is allowed on the fast path;
 * `(va ^ tag) <= 4096 - size`, unsigned, settles page, permission and that the access stays within the page, all at once.
 * Data and code share an entry's index, not its contents: read and write tags go with the addend, the execute tag with the
 * decoded page.
 */
export const TRANSLATION_POOL = 0x10000;
export const TRANSLATION_ENTRIES = 4096;
export const TRANSLATION_ENTRY_BYTES = 32;
export const ENTRY = {
  readTag: 0,
  writeTag: 8,
  executeTag: 16,
  /** Host address of the page minus the low 32 bits of its virtual address. i32. */
  addend: 24,
  /** Address of the decoded page. i32. */
  decoded: 28,
} as const;

/**
 * Behind a table's entries: for each of them the FrameOffset of the page-table entry that mapped the page for data, with
 * bit 0 set; 0 when none did. u32. Then the same for the page that is executed.
 */
export const TABLE_SOURCES = TRANSLATION_ENTRIES * TRANSLATION_ENTRY_BYTES;
export const EXECUTE_SOURCES = TABLE_SOURCES + TRANSLATION_ENTRIES * 4;
/**
 * Then where walks have ended (memory/walk-code.ts), by bits 29:21 of the virtual address, 16 bytes each: what a table of the
 * last level maps, or a part of a large page. Enough for 1 GiB.
 */
export const TABLE_WALKS = EXECUTE_SOURCES + TRANSLATION_ENTRIES * 4;
export const WALK_ENTRIES = 512;
export const WALK_ENTRY_BYTES = 16;
export const WALK = {
  /** The virtual address without bits 20:0, with bit 0 set. */
  tag: 0,
  /** FrameOffset of the table; or offset in RAM of 2 MiB of a large page, with flags of WALK_LARGE. u32. */
  place: 8,
  /** Of a large page: see TABLE_SOURCES. */
  source: 12,
} as const;
export const WALK_LARGE = { large: 1, readable: 2, writable: 4 } as const;
/** Then what translations of this context come from, apart from page tables. */
export const TABLE_CONTEXT = TABLE_WALKS + WALK_ENTRIES * WALK_ENTRY_BYTES;
export const CONTEXT = {
  /** Bit n is set when entries 64n to 64n + 63 may be valid: a flush passes over the others. i64. */
  used: 0,
  /** An entry of the last level permits a load, or a store, when under the mask its low bits are what is wanted. i32. */
  readMask: 8,
  readWanted: 12,
  writeMask: 16,
  writeWanted: 20,
  /** The part of RAM that the PMP leaves to this context: offset and length. u32. */
  openFirst: 24,
  openBytes: 28,
  /** Data addresses are physical. i32. */
  isBare: 32,
  /** CONTEXT_CLOCK when the context was last put in force. u32. */
  lastUsed: 36,
  /** A number for the address space. i32. */
  space: 40,
  /** What DATA_IS_TRANSLATED is while the context is in force. i32. */
  isTranslated: 44,
} as const;
/** Not a power of two, so that the same entry of two tables does not compete for one set of the host's caches. */
export const TRANSLATION_TABLE_BYTES = TABLE_CONTEXT + 64;
/**
 * Some hundred processes have two or three contexts each. What is not used of a table costs nothing: the host gives
 * memory by pages.
 */
export const TRANSLATION_TABLES = 512;

/**
 * Places in translations where they leave for an address in a register that they do not know: how often that happened
 * (i32), and the last four addresses (i64 each). What is seen here the next translation of the region knows.
 */
export const DEPARTURES = TRANSLATION_POOL + TRANSLATION_TABLES * TRANSLATION_TABLE_BYTES;
export const DEPARTURE_COUNT = 8192;
export const DEPARTURE_BYTES = 40;
export const DEPARTURE = { count: 0, targets: 8 } as const;
export const DEPARTURE_TARGETS = 4;

/**
 * Contexts that generated code can put in force by itself: buckets of two, by a hash of what they follow from while the
 * rest (MPRV, menvcfg, physical memory protection) is as it was.
 */
export const SELECTIONS = DEPARTURES + DEPARTURE_COUNT * DEPARTURE_BYTES;
export const SELECTION_BUCKETS_LOG2 = 11;
export const SELECTION_BYTES = 24;
export const SELECTION = {
  /** satp; 0 where the privilege does not translate. i64. */
  satp: 0,
  /** The privilege, and SUM and MXR as in mstatus. i32. */
  control: 8,
  /** i32. */
  epoch: 12,
  /** Address of the translation table. i32. */
  table: 16,
} as const;
export const SELECTION_FACTORS = { satp: 0x9e37_79b1, control: 0x85eb_ca6b } as const;

/** CSRs that generated code accesses by itself (cpu/csr-words.ts): for each number the place in CSR_WORDS, or 0; u8. */
export const CSR_NUMBERS = SELECTIONS + 2 ** SELECTION_BUCKETS_LOG2 * 2 * SELECTION_BYTES;
export const CSR_WORDS = CSR_NUMBERS + 4096;
export const CSR_WORD_BYTES = 32;
export const MOST_CSR_WORDS = 96;
export const CSR_WORD = {
  /** Of what is stored, in the hart window. i32. */
  address: 0,
  /** cpu/csr-words.ts. i32. */
  flags: 4,
  readable: 8,
  writable: 16,
  /** Of a word in the hart window that masks it further. i32. */
  maskAddress: 24,
  /** Bit of the counter-enable registers. i32. */
  counterBit: 28,
} as const;

/** Hits that were skipped: the instant (f64) and the number of the counter (i32), 16 bytes each. */
export const HIT_LOG = CSR_WORDS + MOST_CSR_WORDS * CSR_WORD_BYTES;
export const HIT_LOG_ENTRIES = 4096;

/**
 * Decoded pages: 2048 records and two that mark the end, 16 bytes each; behind them, for each halfword, how often a jump
 * has arrived there and the slot of its translation.
 */
export const DECODED_POOL = HIT_LOG + HIT_LOG_ENTRIES * 16;
export const RECORD_BYTES = 16;
export const ARRIVALS = (2048 + 2) * RECORD_BYTES;
export const ARRIVAL_BYTES = 8;
export const ARRIVAL = {
  /** i32. */
  count: 0,
  /** i32; 0: there is no translation. */
  slot: 4,
} as const;
export const DECODED_PAGE_BYTES = ARRIVALS + 2048 * ARRIVAL_BYTES;
/** 4 MiB of code decoded at once, 48 MiB of records; when all are used the pool starts afresh. */
export const DECODED_PAGES = 1024;

export const RECORD = {
  operation: 0,
  /** Length of the instruction times 8: the distance to the next record. */
  advance: 1,
  /** Register numbers times 8. */
  rs1: 2,
  rs2: 3,
  /** Address of the destination: of x[rd], of f[rd], or REGISTER_SINK. u16. */
  rd: 4,
  /** The operation under a breakpoint. */
  replaced: 6,
  /** The operation of an instruction that straddles two pages. */
  straddling: 7,
  immediate: 8,
  /** Third source of a fused multiplication, times 8; and the rounding mode field. */
  rs3: 12,
  rm: 13,
  /** Bits of fcsr that are NX alone when rounding is to nearest even and NX is set; 0 where that cannot be. */
  roundingMask: 14,
  /** Slot of the one breakpoint that stands here; 0 when there are several, or none has a slot. */
  breakpoint: 15,
} as const;

export const PAGE_BYTES = 4096;
export const WASM_PAGE_BYTES = 0x10000;

/** Flags of a page of RAM that is in a frame, one byte each. */
export const PAGE_FLAG = {
  /** Written since the flags were last cleared. */
  dirty: 1,
  /** Has decoded records: stores must look whether they hit one. */
  code: 2,
  watchedRead: 4,
  watchedWrite: 8,
  /** Holds page-table entries that cached translations came from: stores must look whether they hit one. */
  table: 16,
  /** A parked hart has reserved bytes of it: a store may break the reservation. */
  reserved: 32,
  /** Its contents have not come yet: no tag is given, and every access goes to TypeScript. */
  absent: 64,
} as const;

/** So that dirty pages are found in a time that does not depend on the size of RAM, about: 512 groups in a gibibyte. */
export const DIRTY_GROUP_PAGES = 512;

/** Bytes of the bits for a page's doublewords. */
export const TABLE_ENTRY_BYTES = PAGE_BYTES / 64;

/** The parts whose place depends on the size of RAM. */
export interface MemoryLayout {
  readonly ramBase: number;
  readonly ramBytes: number;
  readonly ramPages: number;
  /** Room for pages of RAM. What follows is by frame where it does not say that it is by page. */
  readonly frames: number;
  readonly frameBytes: number;
  /** False: page n is in frame n, and the three tables that follow do not exist. */
  readonly isMapped: boolean;
  /** i32 a page: its frame, or -1. */
  readonly frameOf: number;
  /** i32 a frame: its page, or -1. */
  readonly pageOf: number;
  /** One byte a frame: 0 when its page has not been used lately; then no tag leads to it, nor does any walk that is remembered. */
  readonly touched: number;
  /** One byte of PAGE_FLAG a frame. */
  readonly pageFlags: number;
  /** One byte for DIRTY_GROUP_PAGES frames: not 0 when one of them may be dirty. */
  readonly dirtyGroups: number;
  /** One byte a frame: not 0 when some translation table has had a write tag for it. */
  readonly writeTagged: number;
  /** i32 a frame: address of its decoded page, or 0. */
  readonly decodedPointers: number;
  /** i64 a frame: bit n is set when 64-byte granule n holds a decoded instruction. */
  readonly codeGranules: number;
  /** 64 bytes a frame: bit n is set when a cached translation came from the page-table entry in doubleword n. */
  readonly tableEntries: number;
  /** Host address of the first frame. */
  readonly ram: number;
  readonly wasmPages: number;
}

/** WebAssembly's memory has 32-bit addresses; what is left of 4 GiB beside RAM serves the tables. */
export const MAX_RAM_BYTES = 3 * 1024 * 1024 * 1024;

/** `frames`: fewer than pages, perhaps; absent: page n has frame n. */
export function layoutFor(ramBase: number, ramBytes: number, frames?: number): MemoryLayout {
  assert(ramBytes > 0 && ramBytes % PAGE_BYTES === 0 && ramBytes <= MAX_RAM_BYTES, `RAM of ${ramBytes} bytes`);
  const ramPages = ramBytes / PAGE_BYTES;
  const isMapped = frames !== undefined;
  const count = frames ?? ramPages;
  assert(count > 0 && count <= ramPages, `${count} frames`);
  const frameOf = alignUp(DECODED_POOL + DECODED_PAGES * DECODED_PAGE_BYTES, 64);
  const pageOf = alignUp(frameOf + (isMapped ? ramPages * 4 : 0), 64);
  const touched = alignUp(pageOf + (isMapped ? count * 4 : 0), 64);
  const pageFlags = alignUp(touched + (isMapped ? count : 0), 64);
  const dirtyGroups = alignUp(pageFlags + count, 64);
  const writeTagged = alignUp(dirtyGroups + Math.ceil(count / DIRTY_GROUP_PAGES), 64);
  const decodedPointers = alignUp(writeTagged + count, 64);
  const codeGranules = alignUp(decodedPointers + count * 4, 64);
  const tableEntries = alignUp(codeGranules + count * 8, 64);
  const ram = alignUp(tableEntries + count * TABLE_ENTRY_BYTES, WASM_PAGE_BYTES);
  const frameBytes = count * PAGE_BYTES;
  // One WebAssembly page behind RAM, so that an eight-byte access at RAM's last byte stays inside the memory.
  const wasmPages = alignUp(ram + frameBytes, WASM_PAGE_BYTES) / WASM_PAGE_BYTES + 1;
  return {
    ...{ ramBase, ramBytes, ramPages, frames: count, frameBytes, isMapped, frameOf, pageOf, touched, pageFlags },
    ...{ dirtyGroups, writeTagged, decodedPointers, codeGranules, tableEntries, ram, wasmPages },
  };
}

function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
