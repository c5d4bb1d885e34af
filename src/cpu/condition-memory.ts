import { toFrame } from "../memory/frame-code.ts";
import type { MemoryLayout } from "../memory/layout.ts";
import * as layout from "../memory/layout.ts";
import { entryAddress, keepWithinPage } from "../memory/translation-code.ts";
import { Code, type Label, type Local } from "../wasm/code.ts";
import type { ModuleBuilder } from "../wasm/module.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import { csrAddress } from "./csr-file.ts";
import { PTE } from "./page-walk.ts";

const SATP_MODE_SHIFT = 60n;
/** satp.MODE of three levels; each next mode has one more. */
const SATP_SV39 = 8n;
const PAGE_NUMBER_BITS = (1n << 44n) - 1n;

/** Functions that find memory for conditions. */
export interface ConditionMemory {
  /** (virtual address i64, size i32) -> host address i32, or 0 where TypeScript must look. */
  readonly virtual: number;
  /** The same by physical address. */
  readonly physical: number;
}

/**
 * Reading memory for somebody who looks on, as describeTranslation does: no permission counts, and nothing is left behind, no
 * translation and no A bit. A translation that the guest itself has cached serves; else the page tables are walked.
 */
export function defineConditionMemory(module: ModuleBuilder, where: MemoryLayout): ConditionMemory {
  const physical = definePhysical(module, where);
  return { physical, virtual: defineVirtual(module, where, physical) };
}

function definePhysical(module: ModuleBuilder, where: MemoryLayout): number {
  const code = new Code([I64, I32]);
  const [address, size] = [code.parameter(0), code.parameter(1)];
  const outside = code.block();
  place(code, where, address, size, outside);
  code.i32(where.ram).op(OP.i32_add, OP.return);
  code.end();
  code.i32(0);
  return module.defineFunction({ parameters: [I64, I32], results: [I32] }, code);
}

/** Leaves the FrameOffset on the stack (i32), or goes to `outside`: there too where a page is absent. */
function place(code: Code, where: MemoryLayout, address: Local, size: Local, outside: Label): void {
  code.get(address).i64(BigInt(where.ramBase)).op(OP.i64_sub);
  code.i64(BigInt(where.ramBytes)).get(size).op(OP.i64_extend_i32_u, OP.i64_sub, OP.i64_gt_u).branchIf(outside);
  if (where.isMapped) {
    const offset = code.local(I64);
    keepWithinPage(code, address, size, outside);
    code.get(address).i64(BigInt(where.ramBase)).op(OP.i64_sub).set(offset);
    toFrame(code, where, offset, outside);
    code.get(offset).op(OP.i32_wrap_i64);
    return;
  }
  for (const last of [0, 1]) {
    code.get(address).i64(BigInt(where.ramBase)).op(OP.i64_sub, OP.i32_wrap_i64);
    if (last === 1) code.get(size).op(OP.i32_add).i32(1).op(OP.i32_sub);
    code.i32(12).op(OP.i32_shr_u).memory(OP.i32_load8_u, where.pageFlags);
    code.i32(layout.PAGE_FLAG.absent).op(OP.i32_and).branchIf(outside);
  }
  code.get(address).i64(BigInt(where.ramBase)).op(OP.i64_sub, OP.i32_wrap_i64);
}

function defineVirtual(module: ModuleBuilder, where: MemoryLayout, physical: number): number {
  const code = new Code([I64, I32]);
  const [va, size] = [code.parameter(0), code.parameter(1)];
  const [entry, table, eight] = [code.local(I32), code.local(I32), code.local(I32)];
  const [shift, address, value, mask] = [code.local(I64), code.local(I64), code.local(I64), code.local(I64)];
  code.i32(0).memory(OP.i32_load, layout.TRANSLATION_BASE);
  code.memory(OP.i32_load, layout.TABLE_CONTEXT + layout.CONTEXT.isBare);
  code.if();
  code.get(va).get(size).call(physical).op(OP.return);
  code.end();
  const unknown = code.block();
  keepWithinPage(code, va, size, unknown);
  entryAddress(code, va);
  code.tee(entry).memory(OP.i64_load, layout.ENTRY.readTag).get(va).op(OP.i64_xor).i64(4096n).op(OP.i64_lt_u);
  code.if();
  code.get(va).op(OP.i32_wrap_i64).get(entry).memory(OP.i32_load, layout.ENTRY.addend).op(OP.i32_add, OP.return);
  code.end();
  walk();
  code.end();
  code.i32(0);
  return module.defineFunction({ parameters: [I64, I32], results: [I32] }, code);

  function walk(): void {
    const satp = csrAddress("satp");
    code.i32(8).set(eight);
    // Bits of the address below the index of the level; its own 9 bits above.
    code.i32(0).memory(OP.i64_load, satp).i64(SATP_MODE_SHIFT).op(OP.i64_shr_u).i64(SATP_SV39).op(OP.i64_sub);
    code.tee(shift).i64(2n).op(OP.i64_gt_u).branchIf(unknown);
    code.get(shift).i64(9n).op(OP.i64_mul).i64(30n).op(OP.i64_add).set(shift);
    // All bits above those that are translated are equal to the highest of these.
    code.i64(55n).get(shift).op(OP.i64_sub).set(mask);
    code.get(va).get(mask).op(OP.i64_shl).get(mask).op(OP.i64_shr_s).get(va).op(OP.i64_ne).branchIf(unknown);
    code.i32(0).memory(OP.i64_load, satp).i64(PAGE_NUMBER_BITS).op(OP.i64_and).i64(12n).op(OP.i64_shl).set(address);
    const level = code.loop();
    code.get(address);
    code.get(va).get(shift).op(OP.i64_shr_u).i64(511n).op(OP.i64_and).i64(3n).op(OP.i64_shl, OP.i64_add).set(address);
    place(code, where, address, eight, unknown);
    code.tee(table).memory(OP.i64_load, where.ram).set(value);
    code.get(value).i64(BigInt(PTE.valid)).op(OP.i64_and, OP.i64_eqz).branchIf(unknown);
    code
      .get(value)
      .i64(BigInt(PTE.read | PTE.write))
      .op(OP.i64_and);
    code.i64(BigInt(PTE.write)).op(OP.i64_eq).branchIf(unknown);
    code.get(value).i64(10n).op(OP.i64_shr_u).i64(PAGE_NUMBER_BITS).op(OP.i64_and).i64(12n).op(OP.i64_shl).set(address);
    code
      .get(value)
      .i64(BigInt(PTE.read | PTE.execute))
      .op(OP.i64_and, OP.i64_eqz);
    code.if();
    code.get(shift).i64(9n).op(OP.i64_sub).tee(shift).i64(12n).op(OP.i64_ge_s).branchIf(level);
    code.branch(unknown);
    code.end();
    code.end();
    // Svnapot's pages are rare enough.
    code.get(value).i64(0n).op(OP.i64_lt_s).branchIf(unknown);
    code.i64(1n).get(shift).op(OP.i64_shl).i64(1n).op(OP.i64_sub).tee(mask);
    code.get(address).op(OP.i64_and, OP.i64_eqz, OP.i32_eqz).branchIf(unknown);
    code.get(va).get(mask).op(OP.i64_and).get(address).op(OP.i64_or).get(size).call(physical).op(OP.return);
  }
}
