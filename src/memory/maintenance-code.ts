import { Code, type Local } from "../wasm/code.ts";
import type { ModuleBuilder } from "../wasm/module.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import * as layout from "./layout.ts";

/** Odd 64-bit constants with about half their bits set (fractional parts of square roots of primes, made odd). */
const LANE_FACTOR = 0x9e37_79b9_7f4a_7c15n;
const WORD_FACTOR = 0xc2b2_ae3d_27d4_eb4fn;
const FOLD_FACTOR = 0xbf58_476d_1ce4_e5b9n;
const LANE_SEEDS = [0x6a09_e667_f3bc_c909n, 0xbb67_ae85_84ca_a73bn, 0x3c6e_f372_fe94_f82bn, 0xa54f_f53a_5f1d_36f1n];
const LANES = LANE_SEEDS.length;
export const HASH_BLOCK_BYTES = LANES * 8;

export interface Maintenance {
  /** Makes every write tag of the table at `table` invalid: the next store to each page takes the slow path. */
  flushWriteTags(table: number): void;
  /** Makes every tag of the table at `table` invalid, and forgets where walks ended. */
  flushTags(table: number): void;
  /** The first eight bytes from `host` on that have a bit of `mask`, or `end`. Both are multiples of eight. */
  findBits(host: number, end: number, mask: bigint): number;
  /** Hash of `length` bytes at `host`; length is a multiple of HASH_BLOCK_BYTES. */
  hash(host: number, length: number): bigint;
}

export interface Summation {
  /**
   * Adds to the two sums at `sums` what pages contribute whose hashes lie from `host` up to `end`, as `contribution` of
   * machine/pages.ts says it; a hash of 0 stands for none. `place` is that of the first page.
   */
  addContributions(host: number, end: number, place: bigint, sums: number): void;
}

/** Binds the hash of a page to its number: (page + 1) times this. */
export const PLACE_FACTOR = 0x9e37_79b9_7f4a_7c15n;
/** Makes the second sum independent of the first. */
export const SECOND_SUM = 0xd1b5_4a32_d192_ed03n;
/** Finalizer of splitmix64 (Steele, Lea, Flood 2014): shifts and factors. */
export const MIX = { shifts: [30n, 27n, 31n], factors: [0xbf58_476d_1ce4_e5b9n, 0x94d0_49bb_1331_11ebn] } as const;

export function defineMaintenance(module: ModuleBuilder): void {
  const { readTag, writeTag, executeTag } = layout.ENTRY;
  defineFlush(module, "flushWriteTags", [writeTag]);
  defineFlush(module, "flushTags", [readTag, writeTag, executeTag]);
  defineFindBits(module);
  defineHash(module);
  defineContributions(module);
}

function defineContributions(module: ModuleBuilder): void {
  const code = new Code([I32, I32, I64, I32]);
  const [host, end, place, sums] = [code.parameter(0), code.parameter(1), code.parameter(2), code.parameter(3)];
  const [hash, mixed] = [code.local(I64), code.local(I64)];
  /** Of what is on the stack. */
  const addMixed = (offset: number) => {
    code.set(mixed);
    MIX.factors.forEach((factor, at) => {
      code.get(mixed).get(mixed).i64(MIX.shifts[at]).op(OP.i64_shr_u, OP.i64_xor).i64(factor).op(OP.i64_mul).set(mixed);
    });
    code.get(sums).get(sums).memory(OP.i64_load, offset);
    code.get(mixed).get(mixed).i64(MIX.shifts[2]).op(OP.i64_shr_u, OP.i64_xor, OP.i64_add).memory(OP.i64_store, offset);
  };
  const done = code.block();
  const loop = code.loop();
  code.get(host).get(end).op(OP.i32_ge_u).branchIf(done);
  const none = code.block();
  code.get(host).memory(OP.i64_load, 0).tee(hash).op(OP.i64_eqz).branchIf(none);
  code.get(hash).get(place).op(OP.i64_add);
  addMixed(0);
  code.get(hash).get(place).op(OP.i64_xor).i64(SECOND_SUM).op(OP.i64_add);
  addMixed(8);
  code.end();
  code.get(host).i32(8).op(OP.i32_add).set(host);
  code.get(place).i64(PLACE_FACTOR).op(OP.i64_add).set(place).branch(loop);
  code.end();
  code.end();
  module.defineFunction({ parameters: [I32, I32, I64, I32], results: [] }, code, "addContributions");
}

function defineFindBits(module: ModuleBuilder): void {
  const code = new Code([I32, I32, I64]);
  const [at, end, mask] = [code.parameter(0), code.parameter(1), code.parameter(2)];
  const found = code.block();
  const loop = code.loop();
  code.get(at).get(end).op(OP.i32_ge_u).branchIf(found);
  code.get(at).memory(OP.i64_load, 0).get(mask).op(OP.i64_and, OP.i64_eqz, OP.i32_eqz).branchIf(found);
  code.get(at).i32(8).op(OP.i32_add).set(at).branch(loop);
  code.end();
  code.end();
  code.get(at);
  module.defineFunction({ parameters: [I32, I32, I64], results: [I32] }, code, "findBits");
}

/** Entries of a table that one bit of CONTEXT.used stands for. */
const USED_GROUP_BYTES = 64 * layout.TRANSLATION_ENTRY_BYTES;

/** Flushes tags of the groups of entries that are used. When all tags go, the ends of walks go too, and nothing is used. */
function defineFlush(module: ModuleBuilder, name: string, tags: readonly number[]): void {
  const code = new Code([I32]);
  const table = code.parameter(0);
  const entry = code.local(I32);
  const end = code.local(I32);
  const used = code.local(I64);
  const invalid = code.local(I64);
  code
    .get(table)
    .memory(OP.i64_load, layout.TABLE_CONTEXT + layout.CONTEXT.used)
    .set(used);
  const done = code.block();
  const groups = code.loop();
  code.get(used).op(OP.i64_eqz).branchIf(done);
  code.get(used).op(OP.i64_ctz, OP.i32_wrap_i64).i32(USED_GROUP_BYTES).op(OP.i32_mul).tee(entry);
  code.i32(USED_GROUP_BYTES).op(OP.i32_add).set(end);
  code.get(used).get(used).i64(1n).op(OP.i64_sub, OP.i64_and).set(used);
  const loop = code.loop();
  // Entry index = offset / 32; invalid tag = (index ^ 1) << 12, with bit 62.
  code.get(entry).i32(7).op(OP.i32_shl).i32(4096).op(OP.i32_xor, OP.i64_extend_i32_u);
  code
    .i64(1n << 62n)
    .op(OP.i64_or)
    .set(invalid);
  for (const tag of tags) code.get(entry).get(table).op(OP.i32_add).get(invalid).memory(OP.i64_store, tag);
  code.get(entry).i32(layout.TRANSLATION_ENTRY_BYTES).op(OP.i32_add).tee(entry);
  code.get(end).op(OP.i32_lt_u).branchIf(loop);
  code.end();
  code.branch(groups);
  code.end();
  code.end();
  if (tags.length > 1) {
    code
      .get(table)
      .i64(0n)
      .memory(OP.i64_store, layout.TABLE_CONTEXT + layout.CONTEXT.used);
    clearWalks(code, table);
  }
  module.defineFunction({ parameters: [I32], results: [] }, code, name);
}

function clearWalks(code: Code, table: Local): void {
  const at = code.local(I32);
  const end = code.local(I32);
  code
    .get(table)
    .tee(at)
    .i32(layout.WALK_ENTRIES * layout.WALK_ENTRY_BYTES)
    .op(OP.i32_add)
    .set(end);
  const loop = code.loop();
  code
    .get(at)
    .i64(0n)
    .memory(OP.i64_store, layout.TABLE_WALKS + layout.WALK.tag);
  code.get(at).i32(layout.WALK_ENTRY_BYTES).op(OP.i32_add).tee(at).get(end).op(OP.i32_lt_u).branchIf(loop);
  code.end();
}

/**
 * Four independent multiply-rotate lanes, folded at the end: one multiplication a word, all four in flight at once. Not
 * cryptographic: it tells states apart, it does not resist an attacker.
 */
function defineHash(module: ModuleBuilder): void {
  const code = new Code([I32, I32]);
  const [host, length] = [code.parameter(0), code.parameter(1)];
  const lanes = LANE_SEEDS.map(() => code.local(I64));
  const end = code.local(I32);
  const sum = code.local(I64);
  LANE_SEEDS.forEach((seed, lane) => {
    code.i64(seed).set(lanes[lane]);
  });
  code.get(host).get(length).op(OP.i32_add).set(end);
  const done = code.block();
  const loop = code.loop();
  code.get(host).get(end).op(OP.i32_ge_u).branchIf(done);
  lanes.forEach((local, lane) => {
    code
      .get(host)
      .memory(OP.i64_load, lane * 8)
      .i64(WORD_FACTOR)
      .op(OP.i64_mul);
    code.get(local).op(OP.i64_xor).i64(29n).op(OP.i64_rotl).i64(LANE_FACTOR).op(OP.i64_mul).set(local);
  });
  code.get(host).i32(HASH_BLOCK_BYTES).op(OP.i32_add).set(host);
  code.branch(loop);
  code.end();
  code.end();
  code.get(length).op(OP.i64_extend_i32_u).set(sum);
  lanes.forEach((local, lane) => {
    code
      .get(sum)
      .get(local)
      .i64(BigInt(7 + lane * 6))
      .op(OP.i64_rotl, OP.i64_xor);
    code.i64(FOLD_FACTOR).op(OP.i64_mul).set(sum);
    code.get(sum).get(sum).i64(31n).op(OP.i64_shr_u, OP.i64_xor).set(sum);
  });
  code.get(sum);
  module.defineFunction({ parameters: [I32, I32], results: [I64] }, code, "hash");
}
