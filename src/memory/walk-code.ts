import { Code, type Local } from "../wasm/code.ts";
import type { ModuleBuilder } from "../wasm/module.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import { toFrame } from "./frame-code.ts";
import type { MemoryLayout } from "./layout.ts";
import * as layout from "./layout.ts";

/** Bits 63 to 54 of a page-table entry: N, PBMT and reserved ones. With any of them it is TypeScript's business. */
const PTE_UPPER_SHIFT = 54n;
/** The page number in bits 53 to 10. */
const PTE_PAGE_NUMBER = 0x3f_ffff_ffff_fc00n;
const PTE_TO_ADDRESS_SHIFT = 2n;

/** Addresses that one table of the last level maps, less one. */
const LAST_LEVEL_MASK = 0x1f_ffff;

/**
 * The usual miss of a translation table, settled without leaving WebAssembly: the address of the table of the last level,
 * or of a large page, is known from an earlier walk (WALK), so that one entry is left to be read. It holds when that entry
 * permits the access, has its A and D bits and leads to RAM that the PMP leaves open. For everything else, faults among
 * it, `walk` is called: TypeScript, which goes through all levels and remembers where it came to (cpu/page-walk.ts).
 *
 * (va i64, write i32) -> FrameOffset i32, or -1. TRANSLATION_SOURCE says what the translation came from.
 */
export function defineTranslate(module: ModuleBuilder, where: MemoryLayout, walk: number): number {
  const code = new Code([I64, I32]);
  const [va, write] = [code.parameter(0), code.parameter(1)];
  const table = code.local(I32);
  const known = code.local(I32);
  const place = code.local(I32);
  const source = code.local(I32);
  const page = code.local(I64);
  code.i32(0).memory(OP.i32_load, layout.TRANSLATION_BASE).set(table);
  const otherwise = code.block();
  const context = (field: number): Code => code.get(table).memory(OP.i32_load, layout.TABLE_CONTEXT + field);
  context(layout.CONTEXT.isBare);
  code.if();
  code.get(va).i64(-4096n).op(OP.i64_and).i64(BigInt(where.ramBase)).op(OP.i64_sub).set(page);
  code.else();
  findWalk(code, { va, table, known }, otherwise);
  code
    .get(known)
    .memory(OP.i32_load, layout.TABLE_WALKS + layout.WALK.place)
    .tee(place);
  code.i32(layout.WALK_LARGE.large).op(OP.i32_and);
  code.if();
  code.get(place).i32(layout.WALK_LARGE.writable).i32(layout.WALK_LARGE.readable).get(write).op(OP.select);
  code.op(OP.i32_and, OP.i32_eqz).branchIf(otherwise);
  code.get(place).i32(~LAST_LEVEL_MASK).op(OP.i32_and);
  code
    .get(va)
    .op(OP.i32_wrap_i64)
    .i32(LAST_LEVEL_MASK & -4096);
  code.op(OP.i32_and, OP.i32_or, OP.i64_extend_i32_u).set(page);
  code
    .get(known)
    .memory(OP.i32_load, layout.TABLE_WALKS + layout.WALK.source)
    .set(source);
  code.else();
  readEntry(code, where, { va, write, table, place, source, page }, otherwise);
  code.end();
  code.end();
  code.get(page);
  context(layout.CONTEXT.openFirst).op(OP.i64_extend_i32_u, OP.i64_sub);
  context(layout.CONTEXT.openBytes).op(OP.i64_extend_i32_u, OP.i64_ge_u).branchIf(otherwise);
  toFrame(code, where, page, otherwise);
  code.i32(0).get(source).memory(OP.i32_store, layout.TRANSLATION_SOURCE);
  markSource(code, where, source);
  code.i32(0).i32(0).memory(OP.i64_load, layout.GENERATED_FILLS).i64(1n).op(OP.i64_add);
  code.memory(OP.i64_store, layout.GENERATED_FILLS);
  code.get(page).op(OP.i32_wrap_i64).get(va).op(OP.i32_wrap_i64).i32(4095).op(OP.i32_and, OP.i32_or, OP.return);
  code.end();
  code.get(va).op(OP.i32_wrap_i64);
  code.get(va).i64(32n).op(OP.i64_shr_u, OP.i32_wrap_i64);
  code.get(write).call(walk);
  return module.defineFunction({ parameters: [I64, I32], results: [I32] }, code);
}

/** Sets `known` to what is to be added to TABLE_WALKS for the end of an earlier walk to the neighbourhood of `va`. */
function findWalk(
  code: Code,
  { va, table, known }: { readonly va: Local; readonly table: Local; readonly known: Local },
  otherwise: { depth: number },
): void {
  code.get(va).i64(21n).op(OP.i64_shr_u, OP.i32_wrap_i64);
  code.i32(layout.WALK_ENTRIES - 1).op(OP.i32_and);
  code.i32(layout.WALK_ENTRY_BYTES).op(OP.i32_mul).get(table).op(OP.i32_add).tee(known);
  code.memory(OP.i64_load, layout.TABLE_WALKS + layout.WALK.tag);
  code.get(va).i64(~BigInt(LAST_LEVEL_MASK)).op(OP.i64_and).i64(1n).op(OP.i64_or);
  code.op(OP.i64_ne).branchIf(otherwise);
}

interface EntryLocals {
  readonly va: Local;
  readonly write: Local;
  readonly table: Local;
  /** Of the table of the last level. */
  readonly place: Local;
  readonly source: Local;
  readonly page: Local;
}

/** Reads the entry of the last level for `va`; sets `page` to the offset from RAM's beginning of the page that it maps. */
function readEntry(
  code: Code,
  where: MemoryLayout,
  { va, write, table, place, source, page }: EntryLocals,
  otherwise: { depth: number },
): void {
  const entry = place;
  const bits = code.local(I64);
  code.get(place);
  code.get(va).op(OP.i32_wrap_i64).i32(9).op(OP.i32_shr_u).i32(0xff8).op(OP.i32_and, OP.i32_or).set(entry);
  // On a page without the flag stores would not be noticed; it gets the flag in TypeScript.
  code.get(entry).i32(12).op(OP.i32_shr_u).memory(OP.i32_load8_u, where.pageFlags);
  code.i32(layout.PAGE_FLAG.table).op(OP.i32_and, OP.i32_eqz).branchIf(otherwise);
  code.get(entry).memory(OP.i64_load, where.ram).set(bits);
  code.get(bits).op(OP.i32_wrap_i64);
  const { readMask, readWanted, writeMask, writeWanted } = layout.CONTEXT;
  for (const [forWrite, forRead] of [
    [writeMask, readMask],
    [writeWanted, readWanted],
  ]) {
    code.get(table).memory(OP.i32_load, layout.TABLE_CONTEXT + forWrite);
    code.get(table).memory(OP.i32_load, layout.TABLE_CONTEXT + forRead);
    code.get(write).op(OP.select);
    code.op(forWrite === writeMask ? OP.i32_and : OP.i32_ne);
  }
  code.branchIf(otherwise);
  code.get(bits).i64(PTE_UPPER_SHIFT).op(OP.i64_shr_u, OP.i64_eqz, OP.i32_eqz).branchIf(otherwise);
  code.get(bits).i64(PTE_PAGE_NUMBER).op(OP.i64_and).i64(PTE_TO_ADDRESS_SHIFT).op(OP.i64_shl);
  code.i64(BigInt(where.ramBase)).op(OP.i64_sub).set(page);
  code.get(entry).i32(1).op(OP.i32_or).set(source);
}

/** Sets the bit of a page-table entry that a cached translation comes from. */
function markSource(code: Code, where: MemoryLayout, source: Local): void {
  const byte = code.local(I32);
  code.get(source);
  code.if();
  code.get(source).i32(6).op(OP.i32_shr_u).tee(byte);
  code.get(byte).memory(OP.i32_load8_u, where.tableEntries);
  code.i32(1).get(source).i32(3).op(OP.i32_shr_u).i32(7).op(OP.i32_and, OP.i32_shl, OP.i32_or);
  code.memory(OP.i32_store8, where.tableEntries);
  code.end();
}
