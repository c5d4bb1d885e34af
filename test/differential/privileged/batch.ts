import { join } from "node:path";
import { assert } from "../../../src/base/assert.ts";
import { Prng } from "../../../src/base/prng.ts";
import { DEFAULT_CONFIGURATION } from "../../../src/machine/configuration.ts";
import { Emitter } from "../random/emitter.ts";
import type { Batch, Suite } from "../random/suite.ts";
import { generatePrivilegedCase } from "./generator.ts";
import * as plan from "./memory-plan.ts";
import { PageTables } from "./page-tables.ts";
import { lockedProtection } from "./protection.ts";
import { labels } from "./report.ts";
import { SERVICES } from "./segment.ts";

const CASES_PER_BATCH = 64;
/** As far as the last slot. */
const MEMORY_BYTES = 16 * 1024 * 1024;

// Header, in bytes; known to harness.S too.
const HEADER_COUNT = 0;
const HEADER_TABLE = 8;
const HEADER_VERBOSE = 16;
const HEADER_DEPARTURES = 24;
const HEADER_LOCKED = 32;
const HEADER_FLOAT = 64;
const TABLE_OFFSET = 0x100;

/** Generates the cases of these seeds into one image behind the harness. */
function makeBatch(seeds: readonly number[], verbose: boolean): Batch {
  const bytes = new Uint8Array(plan.SLOTS - plan.BATCH + CASES_PER_BATCH * plan.SLOT_BYTES);
  const view = new DataView(bytes.buffer);
  const word = (address: number, value: bigint) => {
    view.setBigUint64(address - plan.BATCH, BigInt.asUintN(64, value), true);
  };
  const put = (address: number, values: readonly bigint[]) => {
    for (const [position, value] of values.entries()) word(address + position * 8, value);
  };
  word(plan.BATCH + HEADER_COUNT, BigInt(seeds.length));
  word(plan.BATCH + HEADER_TABLE, BigInt(plan.BATCH + TABLE_OFFSET));
  word(plan.BATCH + HEADER_VERBOSE, verbose ? 1n : 0n);
  const number = Math.floor(seeds[0] / CASES_PER_BATCH);
  const has = { pbmt: hasEntryExtensions(number), float: hasFloat(number) };
  word(plan.BATCH + HEADER_FLOAT, has.float ? 1n : 0n);
  // Locked until the machine is reset, so that one choice holds for all the cases that a batch may have.
  const locked = lockedProtection(new Prng(number));
  put(plan.BATCH + HEADER_LOCKED, [locked.configuration, ...locked.addresses]);
  const pattern = new Prng(0);
  for (let offset = 0; offset < plan.WINDOW_BYTES * (plan.POOL_PAGES + 1); offset += 8) {
    word(plan.PATTERN + offset, pattern.next64());
  }
  placeHandlers(view);
  placeFunctions(view);

  const emitted = new Map<string, number>();
  const programs: Batch["programs"][number][] = [];
  seeds.forEach((seed, index) => {
    const slot = plan.SLOTS + (seed % CASES_PER_BATCH) * plan.SLOT_BYTES;
    const prng = new Prng(seed);
    const emitter = new Emitter(slot, plan.CODE_BYTES);
    const tables = new PageTables(prng, new DataView(bytes.buffer, slot - plan.BATCH, plan.SLOT_BYTES), slot);
    const { registers, service, segments, notes } = generatePrivilegedCase(prng, emitter, tables, slot, has);
    assert(emitter.bytes.length <= plan.CODE_BYTES, `case ${seed} is too long`);
    bytes.set(emitter.bytes, slot - plan.BATCH);
    put(slot + plan.SLOT_REGISTERS, registers);
    word(slot + plan.SLOT_SEGMENTS, BigInt(segments.length));
    word(slot + plan.SLOT_SERVICE, BigInt(service));
    segments.forEach((words, segment) => {
      put(slot + plan.SLOT_SEGMENT_TABLE + segment * plan.SEGMENT_BYTES, words);
    });
    const watched = [...tables.watched].sort((a, b) => a - b);
    assert(plan.SLOT_WATCH_TABLE + watched.length * 8 <= plan.SLOT_TABLES, `case ${seed} has too many entries`);
    word(slot + plan.SLOT_WATCHES, BigInt(watched.length));
    put(slot + plan.SLOT_WATCH_TABLE, watched.map(BigInt));
    word(plan.BATCH + TABLE_OFFSET + index * 8, BigInt(slot));
    for (const [mnemonic, count] of emitter.emitted) emitted.set(mnemonic, (emitted.get(mnemonic) ?? 0) + count);
    const entries = watched.map((address) => `entry at ${address.toString(16)}`);
    programs.push({ address: slot, code: emitter.bytes, notes, watched: entries });
  });
  return { seeds, bytes, emitted, programs };
}

/** What each service's vectors consist of: an illegal word for exception 2, ebreak for 3, ecall for 9. */
const SERVICE_WORDS = { 9: 0x0000_0073, 3: 0x0010_0073, 2: 0xffff_ffff } as const;
const SRET = 0x1020_0073;

function placeHandlers(view: DataView): void {
  SERVICES.forEach((service, set) => {
    const first = plan.HANDLERS + set * plan.HANDLER_SET_BYTES - plan.BATCH;
    for (let offset = 0; offset < 64 * 4; offset += 4) view.setUint32(first + offset, SERVICE_WORDS[service], true);
  });
  view.setUint32(plan.HANDLER_SRET - plan.BATCH, SRET, true);
}

const C_RET = 0x8082;

/**
 * Each page of functions adds its number: to a0 by an instruction whose halves are the last two bytes of a page and the
 * first two of the next, to a1 in the middle, to a2 at the end.
 */
function placeFunctions(view: DataView): void {
  for (let page = 0; page < plan.FUNCTION_PAGES; page++) {
    const base = plan.FUNCTIONS + page * plan.PAGE - plan.BATCH;
    const half = (offset: number, value: number) => view.setUint16(base + offset, value, true);
    const number = page + 1;
    half(0x000, (number << 4) | 5);
    half(0x002, C_RET);
    half(plan.FUNCTION_CHANGED, 0x0585 + (number - 1) * 4);
    half(plan.FUNCTION_CHANGED + 2, C_RET);
    const word = view.getBigUint64(base + plan.FUNCTION_CHANGED, true);
    view.setBigUint64(plan.FUNCTION_WORDS + page * 8 - plan.BATCH, word, true);
    half(0xffc, 0x0605 + (number - 1) * 4);
    half(0xffe, 0x0513);
  }
}

/** Four machines take turns, batch by batch: with and without the extensions of page-table entries, and floating point. */
function hasEntryExtensions(batch: number): boolean {
  return batch % 2 === 0;
}

function hasFloat(batch: number): boolean {
  return batch % 4 >= 2;
}

const ENTRY_EXTENSIONS = ["svnapot", "svpbmt"];
const EXTENSIONS = ["zba", "zbb", "zbc", "zbs", "sstc", "svinval"];

function isa(batch: number): string {
  const base = hasFloat(batch) ? "rv64imafdc" : "rv64imac";
  const entries = hasEntryExtensions(batch) ? ENTRY_EXTENSIONS : [];
  return [base, "zicsr", "zifencei", ...EXTENSIONS, "svadu", "sv57", ...entries].join("_");
}

/** A hart like ours. Svpbmt is enabled when it is there, whatever menvcfg says, and so is the hardware's update of A and D. */
function qemuCpu(batch: number): string {
  const absent = ["h", "Zihintpause", "debug"];
  const present = [...EXTENSIONS];
  (hasFloat(batch) ? present : absent).push("f", "d");
  (hasEntryExtensions(batch) ? present : absent).push(...ENTRY_EXTENSIONS);
  const switches = [...absent.map((name) => `${name}=off`), ...present.map((name) => `${name}=on`)];
  return ["rv64", ...switches, "pmu-num=0", "marchid=0", "mimpid=0"].join(",");
}

/** Guests of all three modes, with page tables, delegation and memory protection. */
export const PRIVILEGED_SUITE: Suite = {
  harness: join(import.meta.dirname, "harness.S"),
  casesPerBatch: CASES_PER_BATCH,
  address: plan.BATCH,
  machine: (batch) => ({
    configuration: { ...DEFAULT_CONFIGURATION, memoryBytes: MEMORY_BYTES, modes: "msu", isa: isa(batch) },
    // With a second hart, which sleeps, QEMU executes atomic operations as such instead of as a load and a store.
    qemu: ["-cpu", qemuCpu(batch), "-smp", "2"],
  }),
  makeBatch,
  forQemu: (bytes) => new DataView(bytes.buffer).setBigUint64(HEADER_DEPARTURES, 1n, true),
  labels,
};
