import * as layout from "../memory/layout.ts";
import { Code } from "../wasm/code.ts";
import type { ModuleBuilder } from "../wasm/module.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import { csrAddress } from "./csr-file.ts";
import { type ContextFunctions, STATUS } from "./system-frame.ts";

const MACHINE_MODE = 3;

/**
 * Changes of the context in force: by a look at what TypeScript has selected before (layout.SELECTIONS). It is asked when
 * that does not help.
 */
export function defineContextCode(module: ModuleBuilder, selectContext: number): ContextFunctions {
  const find = defineFind(module);
  const enter = defineEnter(module);
  return { find, enter, select: defineSelect(module, { find, enter, selectContext }) };
}

function defineFind(module: ModuleBuilder): number {
  const code = new Code([I64, I32]);
  const [satp, control] = [code.parameter(0), code.parameter(1)];
  const at = code.local(I32);
  const { SELECTION, SELECTION_FACTORS, SELECTION_BYTES, SELECTION_BUCKETS_LOG2 } = layout;
  code
    .get(satp)
    .op(OP.i32_wrap_i64)
    .i32(SELECTION_FACTORS.satp | 0)
    .op(OP.i32_mul);
  code
    .get(control)
    .i32(SELECTION_FACTORS.control | 0)
    .op(OP.i32_mul, OP.i32_add);
  code.i32(32 - SELECTION_BUCKETS_LOG2).op(OP.i32_shr_u);
  code
    .i32(2 * SELECTION_BYTES)
    .op(OP.i32_mul)
    .set(at);
  for (const place of [layout.SELECTIONS, layout.SELECTIONS + SELECTION_BYTES]) {
    code
      .get(at)
      .memory(OP.i64_load, place + SELECTION.satp)
      .get(satp)
      .op(OP.i64_eq);
    code
      .get(at)
      .memory(OP.i32_load, place + SELECTION.control)
      .get(control)
      .op(OP.i32_eq, OP.i32_and);
    code.get(at).memory(OP.i32_load, place + SELECTION.epoch);
    code.i32(0).memory(OP.i32_load, layout.SELECTION_EPOCH).op(OP.i32_eq, OP.i32_and);
    code.if();
    code
      .get(at)
      .memory(OP.i32_load, place + SELECTION.table)
      .op(OP.return);
    code.end();
  }
  code.i32(0);
  return module.defineFunction({ parameters: [I64, I32], results: [I32] }, code);
}

function defineEnter(module: ModuleBuilder): number {
  const code = new Code([I32]);
  const table = code.parameter(0);
  const [old, clock] = [code.local(I32), code.local(I32)];
  const context = (field: number): number => layout.TABLE_CONTEXT + field;
  code.i32(0).memory(OP.i32_load, layout.TRANSLATION_BASE).tee(old).get(table).op(OP.i32_eq);
  code.if();
  code.op(OP.return);
  code.end();
  const count = (counter: number): void => {
    code.i32(0).i32(0).memory(OP.i64_load, counter).i64(1n).op(OP.i64_add).memory(OP.i64_store, counter);
  };
  count(layout.CONTEXT_HITS);
  code.get(old).memory(OP.i32_load, context(layout.CONTEXT.space));
  code.get(table).memory(OP.i32_load, context(layout.CONTEXT.space)).op(OP.i32_ne);
  code.if();
  count(layout.SPACE_SWITCHES);
  code.end();
  code.i32(0).get(table).memory(OP.i32_store, layout.TRANSLATION_BASE);
  code.i32(0).get(table).memory(OP.i32_load, context(layout.CONTEXT.isTranslated));
  code.memory(OP.i32_store, layout.DATA_IS_TRANSLATED);
  code.i32(0).i32(0).memory(OP.i32_load, layout.CONTEXT_CLOCK).i32(1).op(OP.i32_add).tee(clock);
  code.memory(OP.i32_store, layout.CONTEXT_CLOCK);
  code.get(table).get(clock).memory(OP.i32_store, context(layout.CONTEXT.lastUsed));
  return module.defineFunction({ parameters: [I32], results: [] }, code);
}

function defineSelect(
  module: ModuleBuilder,
  { find, enter, selectContext }: { readonly find: number; readonly enter: number; readonly selectContext: number },
): number {
  const code = new Code([]);
  const [status, privilege, table] = [code.local(I32), code.local(I32), code.local(I32)];
  const otherwise = code.block();
  code.i32(0).memory(OP.i32_load, csrAddress("mstatus")).tee(status);
  code.i32(Number(STATUS.mprv)).op(OP.i32_and).branchIf(otherwise);
  code.i64(0n);
  code.i32(0).memory(OP.i64_load, csrAddress("satp"));
  code.i32(0).memory(OP.i32_load, layout.PRIVILEGE).tee(privilege).i32(MACHINE_MODE).op(OP.i32_eq, OP.select);
  code
    .get(status)
    .i32(Number(STATUS.sum | STATUS.mxr))
    .op(OP.i32_and)
    .get(privilege)
    .op(OP.i32_or);
  code.call(find).tee(table).op(OP.i32_eqz).branchIf(otherwise);
  code.get(table).call(enter).op(OP.return);
  code.end();
  code.call(selectContext);
  return module.defineFunction({ parameters: [], results: [] }, code);
}
