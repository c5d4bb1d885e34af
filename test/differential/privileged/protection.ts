import type { Prng } from "../../../src/base/prng.ts";
import * as plan from "./memory-plan.ts";

// Random entries of the PMP (privileged manual, section 3.7).

const R = 1;
const W = 2;
const X = 4;
const TOR = 1 << 3;
const NA4 = 2 << 3;
const NAPOT = 3 << 3;
const LOCKED = 1 << 7;

const ENTRIES = 16;
/** Entries that say that the harness goes on: below and above it the random ones. */
const FIRST_ENTRIES = 3;
/** Locked for a whole batch, when they are. */
const LOCKED_ENTRIES = 13;

/** W without R is reserved. */
const PERMISSIONS = [0, R, X, R | W, R | X, R | W | X] as const;

export interface Protection {
  /** pmpaddr0 to pmpaddr15. */
  readonly addresses: readonly bigint[];
  /** pmpcfg0 and pmpcfg2. */
  readonly configuration: readonly [bigint, bigint];
  /** How it cuts up the pool: not at all, into pages, into pieces of at least 8 bytes, or smaller ones. */
  readonly grain: "none" | "page" | "coarse" | "fine";
}

export function randomProtection(prng: Prng, slot: number, tables: readonly number[]): Protection {
  const addresses: bigint[] = Array.from({ length: ENTRIES }, () => 0n);
  const bytes: number[] = Array.from({ length: ENTRIES }, () => 0);
  let entry = 0;
  const put = (address: bigint, configuration: number) => {
    addresses[entry] = address;
    bytes[entry] = configuration;
    entry++;
  };
  // Tables that a walk may not read. QEMU 7.2 does not ask whether it may write them, hence both or neither.
  if (prng.below(4) === 0 && tables.length > 0)
    put(napot(prng.pick(tables), plan.PAGE), NAPOT | prng.pick([0, X, R | W]));
  put(napot(slot, plan.SLOT_BYTES), NAPOT | R | W | X);
  put(napot(plan.HANDLERS, plan.PAGE), NAPOT | prng.pick([R | X, X, R | W | X]));
  const grain = prng.pick(["none", "page", "coarse", "fine"] as const);
  const count = prng.below(LOCKED_ENTRIES - FIRST_ENTRIES - 2);
  for (let index = 0; index < count; index++) put(...randomEntry(prng, grain, addresses[entry - 1]));
  entry = LOCKED_ENTRIES - 1;
  // Without this one, what no entry covers is denied.
  if (prng.below(5) > 0) put((1n << 54n) - 1n, NAPOT | R | W | X);
  else put(napot(0x8000_0000, 0x1_0000), NAPOT | R | W | X);
  return { addresses, configuration: [pack(bytes.slice(0, 8)), pack(bytes.slice(8))], grain };
}

/** pmpaddr13 to pmpaddr15 and pmpcfg2, for the strongbox: locked until reset, for machine mode too. */
export function lockedProtection(prng: Prng): {
  readonly addresses: readonly bigint[];
  readonly configuration: bigint;
} {
  const pages = [0, 1, 2].map((page) => napot(plan.STRONGBOX + page * plan.PAGE, plan.PAGE));
  const bytes = [0, 0, 0, 0, 0, ...pages.map(() => LOCKED | NAPOT | prng.pick(PERMISSIONS))];
  return { addresses: pages, configuration: pack(bytes) };
}

/** An entry over pool or functions. Functions are executed: QEMU 7.2 wants all of such a page to be covered. */
export function randomEntry(prng: Prng, grain: Protection["grain"], before: bigint): [bigint, number] {
  const permissions = prng.pick(PERMISSIONS);
  if (grain === "none" || prng.below(4) === 0) {
    const page = plan.FUNCTIONS + prng.below(plan.FUNCTION_PAGES) * plan.PAGE;
    return [napot(page, plan.PAGE), NAPOT | permissions];
  }
  const page = plan.POOL + prng.below(plan.POOL_PAGES) * plan.PAGE;
  if (grain === "page") return [napot(page, plan.PAGE), NAPOT | permissions];
  const offset = prng.below(2) === 0 ? prng.below(16) * 8 : plan.PAGE - 8 - prng.below(15) * 8;
  if (prng.below(8) === 0) return [BigInt((page + offset) / 4), permissions];
  if (grain === "fine" && prng.below(2) === 0) return [BigInt((page + offset) / 4 + prng.below(2)), NA4 | permissions];
  // From the end of the entry before, which lies anywhere: below the functions, whatever that is.
  if (prng.below(3) === 0 && before < BigInt(plan.BATCH / 4) && before >= BigInt(plan.POOL / 4)) {
    return [BigInt((page + offset) / 4), TOR | permissions];
  }
  const size = 8 << prng.below(8);
  return [napot(page + offset - ((page + offset) % size), size), NAPOT | permissions];
}

function napot(address: number, bytes: number): bigint {
  return BigInt(address / 4) | (BigInt(bytes / 8) - 1n);
}

function pack(bytes: readonly number[]): bigint {
  return bytes.reduce((word, byte, index) => word | (BigInt(byte) << BigInt(index * 8)), 0n);
}
