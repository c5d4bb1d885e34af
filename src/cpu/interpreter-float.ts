import type { FloatSize } from "../isa/float-semantics.ts";
import { DYNAMIC_ROUNDING } from "../isa/instruction.ts";
import * as layout from "../memory/layout.ts";
import { i32, load32, push } from "../wasm/expression.ts";
import { I32, OP } from "../wasm/opcodes.ts";
import { FLAG, LAST_ROUNDING_MODE } from "./float-format.ts";
import { emitMarkDirty } from "./float-rounding-code.ts";
import type { InterpreterFrame } from "./interpreter-reading.ts";
import { boxed, type FloatSource, WasmFloat } from "./wasm-float.ts";
import type { WasmValue } from "./wasm-reading.ts";
import { noteFloatWrite } from "./write-notes-code.ts";

const FS = Number(layout.MSTATUS_FS_DIRTY);

/** Floating point in the interpreter's reading. What is an illegal instruction the oracle repeats, and raises it. */
export class InterpreterFloat extends WasmFloat {
  readonly #frame: InterpreterFrame;

  constructor(frame: InterpreterFrame) {
    super(frame);
    this.#frame = frame;
  }

  require(): void {
    push(this.#frame.code, i32.eqz(i32.and(load32(layout.MSTATUS), FS)));
    this.#frame.code.branchIf(this.#frame.repeat);
  }

  get mode(): WasmValue {
    const { code, scratch, record, repeat } = this.#frame;
    const [mode, silent] = [scratch.take(I32), scratch.take(I32)];
    code.i32(0).set(mode);
    push(code, load32(layout.FCSR));
    code.get(record).memory(OP.i32_load8_u, layout.RECORD.roundingMask);
    code.op(OP.i32_and).i32(FLAG.inexact).op(OP.i32_eq).tee(silent).op(OP.i32_eqz);
    code.if();
    code.get(record).memory(OP.i32_load8_u, layout.RECORD.rm).tee(mode).i32(DYNAMIC_ROUNDING).op(OP.i32_eq);
    code.if();
    push(code, i32.shiftRight(load32(layout.FCSR), 5));
    code.tee(mode).i32(LAST_ROUNDING_MODE).op(OP.i32_gt_u).branchIf(repeat);
    code.end();
    code.end();
    return { local: mode, silent };
  }

  writeRd(size: FloatSize, value: WasmValue): void {
    const { code, record } = this.#frame;
    code.get(record).memory(OP.i32_load16_u, layout.RECORD.rd);
    push(code, boxed(size, value));
    code.memory(OP.i64_store, 0);
    if (this.#frame.traced) noteFloatWrite(this.#frame);
    emitMarkDirty(code);
  }

  protected isBoxed(): boolean {
    return false;
  }

  protected pushSource(source: FloatSource): void {
    const { code, record } = this.#frame;
    code.get(record).memory(OP.i32_load8_u, layout.RECORD[source]).memory(OP.i64_load, layout.FLOAT_REGISTERS);
  }
}
