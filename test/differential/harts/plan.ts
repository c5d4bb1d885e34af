// Where the harness of several harts and its scripts lie in memory. Known to harness.S too.

export const COMMON = 0x8001_0000;
/** Words of the common memory that are compared: counters, locks with what they guard, and two sums of each hart. */
export const COMPARED_WORDS = 256;
export const LOCKS = COMMON + 0x100;
export const LOCK_BYTES = 32;
export const SUMS = COMMON + 0x400;
export const SUMS_BYTES = 16;
export const MAILBOXES = COMMON + 0x1000;
export const MAILBOX_BYTES = 64;
export const MAILBOX_DONE = 16;

/** Pages that aliases are mapped to, and how many words of each are compared. */
export const PAGES = 0x8002_0000;
export const PAGE_BYTES = 0x1000;
export const PAGE_COUNT = 8;
export const PAGES_WORDS = 4;
export const ALIASES = 4;

export const ROOT = 0x8003_0000;
export const MIDDLE_TABLE = 0x8003_1000;
export const LOW_TABLE = 0x8003_2000;

export const BATCH = 0x8004_0000;
export const BATCH_VERBOSE = 72;
export const SCRIPTS = BATCH + 0x1000;
export const SCRIPT_BYTES = 0x4000;
