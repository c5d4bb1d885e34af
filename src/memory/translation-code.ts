import { Code, type Local } from "../wasm/code.ts";
import type { ModuleBuilder } from "../wasm/module.ts";
import { I32, I64, OP, type Opcode, VOID } from "../wasm/opcodes.ts";
import { physicalOfHost, toFrame, touchFrame } from "./frame-code.ts";
import type { MemoryLayout } from "./layout.ts";
import * as layout from "./layout.ts";
import { defineTranslate } from "./walk-code.ts";

/** Indices of the functions that the fast path of an access falls back to, in the module that is being built. */
export interface SlowPath {
  /** (va i64, size i32) -> value i64, zero-extended; STATUS says what became of it. */
  readonly load: number;
  /** (va i64, size i32, value i64) -> status i32. */
  readonly store: number;
  /** (va i64, size i32) -> host address of plain readable RAM, whose read tag is then set, or 0. */
  readonly readable: number;
  /** (va i64, size i32) -> host address of plain writable RAM, whose write tag is then set, or 0. */
  readonly writable: number;
}

/** What the slow path asks of TypeScript. */
export interface SlowPathImports {
  /** (va i64, size i32) -> value i64: any load, in full. */
  readonly load: number;
  /** (va i64, size i32, value i64) -> status i32: any store, in full. */
  readonly store: number;
  /**
   * (low half of va i32, high half i32, write i32) -> FrameOffset i32, or -1 when the page is not RAM on all of which
   * this access is allowed, or absent: then the load or store in full finds out what happens.
   */
  readonly translate: number;
}

export const LOAD_OPCODES: Record<"signed" | "unsigned", Record<1 | 2 | 4 | 8, Opcode>> = {
  signed: { 1: OP.i64_load8_s, 2: OP.i64_load16_s, 4: OP.i64_load32_s, 8: OP.i64_load },
  unsigned: { 1: OP.i64_load8_u, 2: OP.i64_load16_u, 4: OP.i64_load32_u, 8: OP.i64_load },
};
export const STORE_OPCODES: Record<1 | 2 | 4 | 8, Opcode> = {
  1: OP.i64_store8,
  2: OP.i64_store16,
  4: OP.i64_store32,
  8: OP.i64_store,
};

/** Leaves on the stack the address of the translation entry for `va` in the table that is in force. */
export function entryAddress(code: Code, va: Local): void {
  const indexMask = (layout.TRANSLATION_ENTRIES - 1) * layout.TRANSLATION_ENTRY_BYTES;
  code.get(va).op(OP.i32_wrap_i64).i32(7).op(OP.i32_shr_u).i32(indexMask).op(OP.i32_and);
  code.i32(0).memory(OP.i32_load, layout.TRANSLATION_BASE).op(OP.i32_add);
}

/**
 * Leaves on the stack 1 when an access of `size` bytes at `va` is on the fast path, and the entry in `entry`.
 */
export function fastPathCheck(code: Code, va: Local, entry: Local, tag: number, size: number): void {
  entryAddress(code, va);
  code
    .tee(entry)
    .memory(OP.i64_load, tag)
    .get(va)
    .op(OP.i64_xor)
    .i64(BigInt(layout.PAGE_BYTES - size))
    .op(OP.i64_le_u);
}

/** Leaves the host address of `va` on the stack, once the check has passed. */
export function hostAddress(code: Code, va: Local, entry: Local): void {
  code.get(va).op(OP.i32_wrap_i64).get(entry).memory(OP.i32_load, layout.ENTRY.addend).op(OP.i32_add);
}

/**
 * An invalid tag names a page of another index than its entry's, so that no address which selects the entry matches.
 * Bit 62 is set as well: it can never be a page in memory.
 */
export function invalidTag(entryIndex: number): bigint {
  return (BigInt(entryIndex ^ 1) << 12n) | (1n << 62n);
}

/**
 * The slow path, in WebAssembly as far as plain RAM is concerned: it fills the entry and is accessed; watched pages,
 * pages with code and page tables are looked at closely and accessed without being filled; everything else is the
 * caller's imports.
 */
export function defineSlowPath(module: ModuleBuilder, where: MemoryLayout, imports: SlowPathImports): SlowPath {
  const parts: SlowPathParts = {
    module,
    where,
    imports,
    translate: defineTranslate(module, where, imports.translate),
    watched: defineWatched(module),
    fill: defineFill(module, where),
  };
  return {
    load: defineSlowLoad(parts),
    store: defineSlowStore(parts),
    readable: definePlain(parts, "read"),
    writable: definePlain(parts, "write"),
  };
}

interface SlowPathParts {
  readonly module: ModuleBuilder;
  readonly where: MemoryLayout;
  readonly imports: SlowPathImports;
  /** (va i64, write i32) -> FrameOffset i32, or -1: see SlowPathImports. */
  readonly translate: number;
  readonly watched: number;
  readonly fill: number;
}

/** (physical address i64, size i32, access i32) -> 1 when a watch with that access bit overlaps the bytes. */
function defineWatched(module: ModuleBuilder): number {
  const code = new Code([I64, I32, I32]);
  const [va, size, access] = [code.parameter(0), code.parameter(1), code.parameter(2)];
  const entry = code.local(I32);
  const left = code.local(I32);
  const last = code.local(I64);
  code.get(va).get(size).i32(1).op(OP.i32_sub, OP.i64_extend_i32_u, OP.i64_add).set(last);
  code.i32(0).memory(OP.i32_load, layout.WATCH_TABLE).set(left);
  const loop = code.loop();
  code.get(left).op(OP.i32_eqz);
  code.if();
  code.i32(0).op(OP.return);
  code.end();
  code
    .get(entry)
    .memory(OP.i32_load, layout.WATCH_TABLE + 16 + 16)
    .get(access)
    .op(OP.i32_and);
  code.if();
  code
    .get(entry)
    .memory(OP.i64_load, layout.WATCH_TABLE + 16)
    .get(last)
    .op(OP.i64_le_u);
  code
    .get(entry)
    .memory(OP.i64_load, layout.WATCH_TABLE + 16 + 8)
    .get(va)
    .op(OP.i64_ge_u, OP.i32_and);
  code.if();
  code.i32(1).op(OP.return);
  code.end();
  code.end();
  code.get(entry).i32(layout.WATCH_ENTRY_BYTES).op(OP.i32_add).set(entry);
  code.get(left).i32(1).op(OP.i32_sub).set(left);
  code.branch(loop);
  code.end();
  code.op(OP.unreachable);
  return module.defineFunction({ parameters: [I64, I32, I32], results: [I32] }, code);
}

/**
 * (va i64, host i32, write i32): sets the read tag, and the write tag when asked. The other becomes invalid when it was
 * another page's. The execute tag goes with `decoded` and may be another page's: code and data do not get into each
 * other's way.
 */
function defineFill(module: ModuleBuilder, where: MemoryLayout): number {
  const code = new Code([I64, I32, I32]);
  const [va, host, write] = [code.parameter(0), code.parameter(1), code.parameter(2)];
  const entry = code.local(I32);
  const tag = code.local(I64);
  const invalid = code.local(I64);
  entryAddress(code, va);
  code.set(entry);
  code.get(va).i64(-4096n).op(OP.i64_and).set(tag);
  // The invalid tag of this entry: another index, and bit 62.
  code
    .get(tag)
    .i64(4096n)
    .op(OP.i64_xor)
    .i64(0xff_f000n)
    .op(OP.i64_and)
    .i64(1n << 62n)
    .op(OP.i64_or)
    .set(invalid);
  for (const other of [layout.ENTRY.readTag, layout.ENTRY.writeTag]) {
    code.get(entry).memory(OP.i64_load, other).get(tag).op(OP.i64_ne);
    code.if();
    code.get(entry).get(invalid).memory(OP.i64_store, other);
    code.end();
  }
  code.get(entry).get(tag).memory(OP.i64_store, layout.ENTRY.readTag);
  code.get(write);
  code.if();
  code.get(entry).get(tag).memory(OP.i64_store, layout.ENTRY.writeTag);
  code.get(host).i32(where.ram).op(OP.i32_sub).i32(12).op(OP.i32_shr_u).i32(1);
  code.memory(OP.i32_store8, where.writeTagged);
  code.end();
  touchFrame(code, where, host);
  code.get(entry).get(host).get(va).op(OP.i32_wrap_i64, OP.i32_sub).memory(OP.i32_store, layout.ENTRY.addend);
  noteUse(code, va);
  return module.defineFunction({ parameters: [I64, I32, I32], results: [] }, code);
}

/** Notes of the entry for `va` that it is used, and which page-table entry it came from. */
function noteUse(code: Code, va: Local): void {
  const table = code.local(I32);
  const index = code.local(I32);
  const used = layout.TABLE_CONTEXT + layout.CONTEXT.used;
  code.i32(0).memory(OP.i32_load, layout.TRANSLATION_BASE).tee(table);
  code.get(table).memory(OP.i64_load, used).i64(1n);
  code.get(va).i64(12n).op(OP.i64_shr_u, OP.i32_wrap_i64);
  code.i32(layout.TRANSLATION_ENTRIES - 1).op(OP.i32_and);
  code.tee(index).i32(6).op(OP.i32_shr_u, OP.i64_extend_i32_u, OP.i64_shl, OP.i64_or).memory(OP.i64_store, used);
  code.get(table).get(index).i32(2).op(OP.i32_shl, OP.i32_add);
  code.i32(0).memory(OP.i32_load, layout.TRANSLATION_SOURCE).memory(OP.i32_store, layout.TABLE_SOURCES);
}

function defineSlowLoad({ module, where, imports, translate, watched, fill }: SlowPathParts): number {
  const code = new Code([I64, I32]);
  const [va, size] = [code.parameter(0), code.parameter(1)];
  const { offset, flags, host } = ramLocals(code);
  code.i32(0).i32(layout.STATUS_DONE).memory(OP.i32_store, layout.STATUS);
  const notPlain = code.block();
  ramOffset(code, where, translate, { va, size, offset }, "read", notPlain);
  pageFlagsOf(code, where, offset, size, flags);
  code.get(offset).op(OP.i32_wrap_i64).i32(where.ram).op(OP.i32_add).set(host);
  code
    .get(flags)
    .i32(layout.PAGE_FLAG.watchedRead | layout.PAGE_FLAG.absent)
    .op(OP.i32_and);
  code.if();
  code.get(flags).i32(layout.PAGE_FLAG.absent).op(OP.i32_and).branchIf(notPlain);
  physicalOfHost(code, where, host);
  code.get(size).i32(WATCH_READ).call(watched).branchIf(notPlain);
  code.else();
  withinPage(code, va, size);
  code.if();
  code.get(va).get(host).i32(0).call(fill);
  code.end();
  code.end();
  bySize(code, size, I64, (bytes) => code.get(host).memory(LOAD_OPCODES.unsigned[bytes], 0));
  code.op(OP.return);
  code.end();
  code.get(va).get(size).call(imports.load);
  return module.defineFunction({ parameters: [I64, I32], results: [I64] }, code);
}

/** Pages to which no write tag is given: every store to them is looked at. */
const WRITE_TAG_WITHHELD =
  layout.PAGE_FLAG.watchedWrite |
  layout.PAGE_FLAG.code |
  layout.PAGE_FLAG.table |
  layout.PAGE_FLAG.reserved |
  layout.PAGE_FLAG.absent;

function defineSlowStore({ module, where, imports, translate, watched, fill }: SlowPathParts): number {
  const code = new Code([I64, I32, I64]);
  const [va, size, value] = [code.parameter(0), code.parameter(1), code.parameter(2)];
  const { offset, flags, host } = ramLocals(code);
  const notPlain = code.block();
  ramOffset(code, where, translate, { va, size, offset }, "write", notPlain);
  pageFlagsOf(code, where, offset, size, flags);
  code.get(offset).op(OP.i32_wrap_i64).i32(where.ram).op(OP.i32_add).set(host);
  code.get(flags).i32(WRITE_TAG_WITHHELD).op(OP.i32_and);
  code.if();
  code
    .get(flags)
    .i32(layout.PAGE_FLAG.reserved | layout.PAGE_FLAG.absent)
    .op(OP.i32_and)
    .branchIf(notPlain);
  code.get(flags).i32(layout.PAGE_FLAG.watchedWrite).op(OP.i32_and);
  code.if();
  physicalOfHost(code, where, host);
  code.get(size).i32(WATCH_WRITE).call(watched).branchIf(notPlain);
  code.end();
  // Nothing depends on whether bytes are stored that are there already.
  const unchanged = code.block();
  change(code, host, size, value);
  code.op(OP.i64_eqz).branchIf(unchanged);
  meetsCode(code, where, offset, size);
  code.if();
  meetsDecoded(code, where, offset, size);
  code.branchIf(notPlain);
  code.end();
  code.get(flags).i32(layout.PAGE_FLAG.table).op(OP.i32_and);
  code.if();
  meetsTableEntry(code, where, offset, size);
  code.branchIf(notPlain);
  code.end();
  code.end();
  code.else();
  withinPage(code, va, size);
  // Filling sets the read tag as well, and reads of a page where they are watched must go on coming here.
  code.get(flags).i32(layout.PAGE_FLAG.watchedRead).op(OP.i32_and, OP.i32_eqz, OP.i32_and);
  code.if();
  code.get(va).get(host).i32(1).call(fill);
  code.end();
  code.end();
  markDirty(code, where, offset, size);
  bySize(code, size, VOID, (bytes) => code.get(host).get(value).memory(STORE_OPCODES[bytes], 0));
  code.i32(layout.STATUS_DONE).op(OP.return);
  code.end();
  code.get(va).get(size).get(value).call(imports.store);
  return module.defineFunction({ parameters: [I64, I32, I64], results: [I32] }, code);
}

/** Host address of RAM on which nothing special lies, or 0. */
function definePlain({ module, where, translate, fill }: SlowPathParts, access: "read" | "write"): number {
  const code = new Code([I64, I32]);
  const [va, size] = [code.parameter(0), code.parameter(1)];
  const { offset, flags, host } = ramLocals(code);
  const { watchedRead, absent } = layout.PAGE_FLAG;
  const special = access === "read" ? watchedRead | absent : watchedRead | WRITE_TAG_WITHHELD;
  const notPlain = code.block();
  ramOffset(code, where, translate, { va, size, offset }, access, notPlain);
  pageFlagsOf(code, where, offset, size, flags);
  code.get(flags).i32(special).op(OP.i32_and).branchIf(notPlain);
  code.get(offset).op(OP.i32_wrap_i64).i32(where.ram).op(OP.i32_add).set(host);
  code
    .get(va)
    .get(host)
    .i32(access === "write" ? 1 : 0)
    .call(fill);
  if (access === "write") markDirty(code, where, offset, size);
  code.get(host).op(OP.return);
  code.end();
  code.i32(0);
  return module.defineFunction({ parameters: [I64, I32], results: [I32] }, code);
}

const WATCH_READ = 1;
const WATCH_WRITE = 2;
/** The access bits of a watch table entry. */
export const WATCH_ACCESS = { read: WATCH_READ, write: WATCH_WRITE, readWrite: WATCH_READ | WATCH_WRITE } as const;

function ramLocals(code: Code): { offset: Local; flags: Local; host: Local } {
  return { offset: code.local(I64), flags: code.local(I32), host: code.local(I32) };
}

/**
 * Sets `offset` to va's FrameOffset, or leaves through `otherwise` when not all bytes are in RAM or the access must be
 * looked at in full: two pages that follow each other need not do so in RAM once addresses are translated, nor in frames.
 */
function ramOffset(
  code: Code,
  where: MemoryLayout,
  translate: number,
  { va, size, offset }: { readonly va: Local; readonly size: Local; readonly offset: Local },
  access: "read" | "write",
  otherwise: { depth: number },
): void {
  code.i32(0).memory(OP.i32_load, layout.DATA_IS_TRANSLATED);
  code.if();
  keepWithinPage(code, va, size, otherwise);
  code
    .get(va)
    .i32(access === "write" ? 1 : 0)
    .call(translate)
    .op(OP.i64_extend_i32_u)
    .tee(offset);
  code.i64(0xffff_ffffn).op(OP.i64_eq).branchIf(otherwise);
  code.else();
  if (where.isMapped) keepWithinPage(code, va, size, otherwise);
  code.i32(0).i32(0).memory(OP.i32_store, layout.TRANSLATION_SOURCE);
  code.get(va).i64(BigInt(where.ramBase)).op(OP.i64_sub).tee(offset);
  code.i64(BigInt(where.ramBytes)).get(size).op(OP.i64_extend_i32_u, OP.i64_sub, OP.i64_gt_u);
  code.branchIf(otherwise);
  toFrame(code, where, offset, otherwise);
  code.end();
}

/** The flags of the first and the last byte's page, or-ed. */
function pageFlagsOf(code: Code, where: MemoryLayout, offset: Local, size: Local, flags: Local): void {
  pageIndex(code, offset);
  code.memory(OP.i32_load8_u, where.pageFlags);
  lastPageIndex(code, offset, size);
  code.memory(OP.i32_load8_u, where.pageFlags).op(OP.i32_or).set(flags);
}

function pageIndex(code: Code, offset: Local): void {
  code.get(offset).op(OP.i32_wrap_i64).i32(12).op(OP.i32_shr_u);
}

function lastByte(code: Code, offset: Local, size: Local): void {
  code.get(offset).op(OP.i32_wrap_i64).get(size).op(OP.i32_add).i32(1).op(OP.i32_sub);
}

function lastPageIndex(code: Code, offset: Local, size: Local): void {
  lastByte(code, offset, size);
  code.i32(12).op(OP.i32_shr_u);
}

/** Leaves through `otherwise` where an access reaches into the next page, which need not be a neighbour in memory. */
export function keepWithinPage(code: Code, va: Local, size: Local, otherwise: { depth: number }): void {
  withinPage(code, va, size);
  code.op(OP.i32_eqz).branchIf(otherwise);
}

function withinPage(code: Code, va: Local, size: Local): void {
  code.get(va).op(OP.i32_wrap_i64).i32(4095).op(OP.i32_and);
  code.i32(4096).get(size).op(OP.i32_sub, OP.i32_le_u);
}

function markDirty(code: Code, where: MemoryLayout, offset: Local, size: Local): void {
  const page = code.local(I32);
  for (const index of [() => pageIndex(code, offset), () => lastPageIndex(code, offset, size)]) {
    index();
    code.tee(page).get(page).memory(OP.i32_load8_u, where.pageFlags).i32(layout.PAGE_FLAG.dirty).op(OP.i32_or);
    code.memory(OP.i32_store8, where.pageFlags);
    code.get(page).i32(Math.log2(layout.DIRTY_GROUP_PAGES)).op(OP.i32_shr_u);
    code.i32(1).memory(OP.i32_store8, where.dirtyGroups);
  }
}

/** Leaves 1 on the stack when the first or last byte lies in a 64-byte granule that holds decoded instructions. */
function meetsCode(code: Code, where: MemoryLayout, offset: Local, size: Local): void {
  const byte = code.local(I32);
  const test = (): void => {
    code.tee(byte).i32(12).op(OP.i32_shr_u).i32(3).op(OP.i32_shl).memory(OP.i64_load, where.codeGranules);
    code.get(byte).i32(6).op(OP.i32_shr_u).i32(63).op(OP.i32_and, OP.i64_extend_i32_u, OP.i64_shr_u, OP.i32_wrap_i64);
    code.i32(1).op(OP.i32_and);
  };
  code.get(offset).op(OP.i32_wrap_i64);
  test();
  lastByte(code, offset, size);
  test();
  code.op(OP.i32_or);
}

/** Leaves an i64 on the stack which is not 0 when storing the value would change something. */
function change(code: Code, host: Local, size: Local, value: Local): void {
  bySize(code, size, I64, (bytes) => code.get(host).memory(LOAD_OPCODES.unsigned[bytes], 0));
  code.get(value).op(OP.i64_xor);
  // Of the value, the low bytes.
  code.i64(64n).get(size).op(OP.i64_extend_i32_u).i64(3n).op(OP.i64_shl, OP.i64_sub, OP.i64_shl);
}

/**
 * Leaves 1 on the stack when a record is decoded which one of the bytes may belong to: one of their own or that of the
 * halfword before them. At the beginning of a page this does not look.
 */
function meetsDecoded(code: Code, where: MemoryLayout, offset: Local, size: Local): void {
  const [from, record, end, met] = [code.local(I32), code.local(I32), code.local(I32), code.local(I32)];
  code.i32(1).set(met);
  const known = code.block();
  code.get(offset).op(OP.i32_wrap_i64).i32(4095).op(OP.i32_and).tee(from).i32(2).op(OP.i32_lt_u).branchIf(known);
  code.get(from).get(size).op(OP.i32_add).i32(layout.PAGE_BYTES).op(OP.i32_gt_u).branchIf(known);
  pageIndex(code, offset);
  code.i32(2).op(OP.i32_shl).memory(OP.i32_load, where.decodedPointers).tee(record).op(OP.i32_eqz).branchIf(known);
  const halfword = (): void => {
    code.i32(1).op(OP.i32_shr_u).i32(layout.RECORD_BYTES).op(OP.i32_mul).get(record).op(OP.i32_add);
  };
  code.get(from).get(size).op(OP.i32_add).i32(1).op(OP.i32_sub);
  halfword();
  code.set(end);
  code.get(from).i32(2).op(OP.i32_sub);
  halfword();
  code.set(record);
  const loop = code.loop();
  code.get(record).memory(OP.i32_load8_u, layout.RECORD.operation).branchIf(known);
  code.get(record).i32(layout.RECORD_BYTES).op(OP.i32_add).tee(record).get(end).op(OP.i32_le_u).branchIf(loop);
  code.end();
  code.i32(0).set(met);
  code.end();
  code.get(met);
}

/** Leaves 1 on the stack when the first or last byte belongs to a page-table entry that a cached translation came from. */
function meetsTableEntry(code: Code, where: MemoryLayout, offset: Local, size: Local): void {
  const byte = code.local(I32);
  const test = (): void => {
    // One bit for each doubleword of RAM: its byte is offset / 64, its place in it the doubleword's number.
    code.tee(byte).i32(6).op(OP.i32_shr_u).memory(OP.i32_load8_u, where.tableEntries);
    code.get(byte).i32(3).op(OP.i32_shr_u).i32(7).op(OP.i32_and, OP.i32_shr_u).i32(1).op(OP.i32_and);
  };
  code.get(offset).op(OP.i32_wrap_i64);
  test();
  lastByte(code, offset, size);
  test();
  code.op(OP.i32_or);
}

function bySize(code: Code, size: Local, result: typeof I64 | typeof VOID, emit: (bytes: 1 | 2 | 4 | 8) => void): void {
  const choose = (sizes: readonly (1 | 2 | 4 | 8)[]): void => {
    const [bytes, ...rest] = sizes;
    if (rest.length === 0) {
      emit(bytes);
      return;
    }
    code.get(size).i32(bytes).op(OP.i32_eq);
    code.if(result);
    emit(bytes);
    code.else();
    choose(rest);
    code.end();
  };
  choose([8, 4, 1, 2]);
}
