import type { Code, Local } from "../wasm/code.ts";
import { I32, OP } from "../wasm/opcodes.ts";
import type { MemoryLayout } from "./layout.ts";

/** Where pages are in frames of their own, all of this writes what there was before there were frames, or nothing. */

/** Turns the offset in RAM in `offset` (i64) into a FrameOffset, or leaves through `otherwise` where the page is in no frame. */
export function toFrame(code: Code, where: MemoryLayout, offset: Local, otherwise: { depth: number }): void {
  if (!where.isMapped) return;
  const frame = code.local(I32);
  code.get(offset).op(OP.i32_wrap_i64).i32(12).op(OP.i32_shr_u).i32(2).op(OP.i32_shl);
  code.memory(OP.i32_load, where.frameOf).tee(frame).i32(0).op(OP.i32_lt_s).branchIf(otherwise);
  code.get(frame).i32(12).op(OP.i32_shl, OP.i64_extend_i32_u);
  code.get(offset).i64(4095n).op(OP.i64_and, OP.i64_or).set(offset);
}

/** Leaves on the stack the physical address of what is at a host address in a frame that holds a page. */
export function physicalOfHost(code: Code, where: MemoryLayout, host: Local): void {
  const { ramBase, ram, isMapped } = where;
  if (!isMapped) {
    code
      .get(host)
      .op(OP.i64_extend_i32_u)
      .i64(BigInt(ramBase - ram))
      .op(OP.i64_add);
    return;
  }
  code.get(host).i32(ram).op(OP.i32_sub).i32(12).op(OP.i32_shr_u).i32(2).op(OP.i32_shl);
  code
    .memory(OP.i32_load, where.pageOf)
    .op(OP.i64_extend_i32_u)
    .i64(12n)
    .op(OP.i64_shl)
    .i64(BigInt(ramBase))
    .op(OP.i64_add);
  // Frames begin at multiples of a page.
  code.get(host).i32(4095).op(OP.i32_and, OP.i64_extend_i32_u, OP.i64_or);
}

/** Notes that the frame at a host address is in use: a tag is given to it. */
export function touchFrame(code: Code, where: MemoryLayout, host: Local): void {
  if (!where.isMapped) return;
  code.get(host).i32(where.ram).op(OP.i32_sub).i32(12).op(OP.i32_shr_u).i32(1).memory(OP.i32_store8, where.touched);
}
