import { join } from "node:path";
import { assert } from "../../../src/base/assert.ts";
import { Prng } from "../../../src/base/prng.ts";
import { DEFAULT_CONFIGURATION } from "../../../src/machine/configuration.ts";
import type { Batch, Suite } from "../random/suite.ts";
import * as plan from "./plan.ts";
import { pageWord, randomScripts } from "./script.ts";

const HARTS = [2, 4, 8];
/** As far as the last script. */
const MEMORY_BYTES = 1024 * 1024;

export function hartsOf(seed: number): number {
  return HARTS[seed % HARTS.length];
}

// Page tables: what is at its own address, and aliases behind an address of their own.
const VALID = 1n;
const LEAF = 0xcfn;
const GIGABYTE = 0x4000_0000;
const entry = (physical: number, flags: bigint) => (BigInt(physical) >> 2n) | flags;

/** One seed makes one batch: the harts do nothing else. */
function makeBatch(seeds: readonly number[], verbose: boolean): Batch {
  assert(seeds.length === 1, "one seed at a time");
  const bytes = new Uint8Array(plan.SCRIPTS - plan.COMMON + Math.max(...HARTS) * plan.SCRIPT_BYTES);
  const view = new DataView(bytes.buffer);
  const word = (address: number, value: bigint) => view.setBigUint64(address - plan.COMMON, value, true);
  const harts = hartsOf(seeds[0]);
  const scripts = randomScripts(new Prng(seeds[0]), harts);

  word(plan.ROOT, entry(0, LEAF));
  word(plan.ROOT + 8, entry(plan.MIDDLE_TABLE, VALID));
  word(plan.ROOT + 16, entry(2 * GIGABYTE, LEAF));
  word(plan.MIDDLE_TABLE, entry(plan.LOW_TABLE, VALID));
  for (let alias = 0; alias < plan.ALIASES; alias++) {
    word(plan.LOW_TABLE + alias * 8, entry(plan.PAGES + alias * plan.PAGE_BYTES, LEAF));
  }
  for (let page = 0; page < plan.PAGE_COUNT; page++) {
    for (let index = 0; index < plan.PAGES_WORDS; index++) {
      word(plan.PAGES + page * plan.PAGE_BYTES + index * 8, pageWord(page, index));
    }
  }
  word(plan.BATCH, BigInt(harts));
  word(plan.BATCH + plan.BATCH_VERBOSE, verbose ? 1n : 0n);
  scripts.words.forEach((words, hart) => {
    const at = plan.SCRIPTS + hart * plan.SCRIPT_BYTES;
    assert(words.length * 8 <= plan.SCRIPT_BYTES, "a script is too long");
    word(plan.BATCH + 8 + hart * 8, BigInt(at));
    // Nobody has written to a mailbox yet.
    word(plan.MAILBOXES + hart * plan.MAILBOX_BYTES + plan.MAILBOX_DONE, 1n);
    for (const [index, value] of words.entries()) word(at + index * 8, value);
  });
  return { seeds, bytes, emitted: new Map(), programs: [] };
}

/** What the harness must report, word by word, by a model that takes the scripts one after the other. */
export function expectedReport(seed: number): string[] {
  const { outcome } = randomScripts(new Prng(seed), hartsOf(seed));
  return addresses().map((address) => (outcome.get(address) ?? 0n).toString(16).padStart(16, "0"));
}

function addresses(): number[] {
  const common = Array.from({ length: plan.COMPARED_WORDS }, (_, index) => plan.COMMON + index * 8);
  const pages = Array.from({ length: plan.PAGE_COUNT * plan.PAGES_WORDS }, (_, index) => {
    const page = Math.floor(index / plan.PAGES_WORDS);
    return plan.PAGES + page * plan.PAGE_BYTES + (index % plan.PAGES_WORDS) * 8;
  });
  return [...common, ...pages];
}

/** Several harts with locks, reservations, mail between them and mappings that change; the seed says how many. */
export const HARTS_SUITE: Suite = {
  harness: join(import.meta.dirname, "harness.S"),
  casesPerBatch: 1,
  address: plan.COMMON,
  machine: (batch) => ({
    configuration: { ...DEFAULT_CONFIGURATION, harts: hartsOf(batch), memoryBytes: MEMORY_BYTES, modes: "msu" },
    qemu: ["-cpu", "rv64", "-smp", String(hartsOf(batch))],
  }),
  makeBatch,
  labels: () => addresses().map((address) => `memory 0x${address.toString(16)}`),
};
