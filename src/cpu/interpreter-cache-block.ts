import { CACHE_BLOCK_BYTES } from "../isa/cache-block.ts";
import * as layout from "../memory/layout.ts";
import { fastPathCheck, hostAddress } from "../memory/translation-code.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import { ENABLE } from "./cache-block.ts";
import { csrAddress } from "./csr-file.ts";
import { MACHINE_MODE } from "./hart.ts";
import type { InterpreterFrame } from "./interpreter-reading.ts";

const WORD_BYTES = 8;

/**
 * cbo.zero of plain RAM from machine and supervisor mode, by which kernels clear their pages: done here, and on to the
 * next instruction. Whatever else it is, the code behind this asks the system routine.
 */
export function emitZeroBlock(frame: InterpreterFrame): void {
  const { code, record, scratch, slowPath, next } = frame;
  const [block, entry, host] = [scratch.take(I64), scratch.take(I32), scratch.take(I32)];
  const rest = code.block();
  code.i32(0).memory(OP.i32_load, layout.PRIVILEGE).i32(MACHINE_MODE).op(OP.i32_ne);
  code.if();
  code.i32(0).memory(OP.i32_load, layout.PRIVILEGE).op(OP.i32_eqz).branchIf(rest);
  code.i32(0).memory(OP.i64_load, csrAddress("menvcfg")).i64(ENABLE["cbo.zero"]).op(OP.i64_and, OP.i64_eqz);
  code.branchIf(rest);
  code.end();
  code.get(record).memory(OP.i32_load8_u, layout.RECORD.rs1).memory(OP.i64_load, layout.REGISTERS);
  code.i64(BigInt(-CACHE_BLOCK_BYTES)).op(OP.i64_and).set(block);
  fastPathCheck(code, block, entry, layout.ENTRY.writeTag, WORD_BYTES);
  code.if(I32);
  hostAddress(code, block, entry);
  code.else();
  code.get(block).i32(WORD_BYTES).call(slowPath.writable).tee(host).op(OP.i32_eqz).branchIf(rest);
  code.get(host);
  code.end();
  code.set(host);
  for (let offset = 0; offset < CACHE_BLOCK_BYTES; offset += WORD_BYTES) {
    code.get(host).i64(0n).memory(OP.i64_store, offset);
  }
  code.get(record).get(record).memory(OP.i32_load8_u, layout.RECORD.advance).op(OP.i32_add).set(record);
  code.branch(next);
  code.end();
}
