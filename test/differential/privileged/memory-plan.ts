// Where the harness and its cases lie in memory. Known to harness.S too.

export const PAGE = 0x1000;

/** Pages that data accesses go to. What lies around their boundaries is compared. */
export const POOL = 0x8001_0000;
export const POOL_PAGES = 16;
/** Compared around each page boundary of the pool. */
export const WINDOW_BYTES = 256;

/** The image of a batch begins with its header. */
export const BATCH = 0x8002_2000;
/** What the windows hold when a case begins. */
export const PATTERN = BATCH + 0x1000;
/** The page of supervisor mode's handlers: vectors that raise an exception each, one set for each kind, and an sret. */
export const HANDLERS = 0x8002_5000;
export const HANDLER_SET_BYTES = 0x400;
export const HANDLER_SRET = HANDLERS + 0xf00;
/** Pages with code to call, reached by all sorts of mappings. */
export const FUNCTIONS = 0x8002_6000;
export const FUNCTION_PAGES = 4;
/** Offset in such a page of what cases may change, and where the harness finds what was there. */
export const FUNCTION_CHANGED = 0x100;
export const FUNCTION_WORDS = BATCH + 0x2400;
/** Pages that entries of the PMP that are locked for a whole batch lie over. Nothing else is here. */
export const STRONGBOX = 0x8002_a000;
export const STRONGBOX_PAGES = 3;

/** Of the cases. A slot lies within one page of 2 MiB. */
export const SLOTS = 0x8020_0000;
export const SLOT_BYTES = 0x2_0000;
/** The slot's code comes first, aligned to its size: the lowest bits of an address say where in it one is. */
export const CODE_BYTES = 0x4000;
export const SLOT_REGISTERS = 0x4000;
export const SLOT_SEGMENTS = 0x4100;
export const SLOT_WATCHES = 0x4108;
export const SLOT_SERVICE = 0x4110;
export const SLOT_SEGMENT_TABLE = 0x4200;
export const SEGMENT_BYTES = 0x200;
export const SLOT_WATCH_TABLE = 0x6000;
export const SLOT_TABLES = 0x8000;

/** From the physical address of code, which supervisor mode uses too, to the address that user mode has for it. */
export const USER_DISTANCE = 0x4000_0000;

export const MEGAPAGE = 0x20_0000;
