import type { FloatSize } from "../isa/float-semantics.ts";
import { type Decoded, DYNAMIC_ROUNDING } from "../isa/instruction.ts";
import * as layout from "../memory/layout.ts";
import type { Code } from "../wasm/code.ts";
import { i32, load32, push } from "../wasm/expression.ts";
import { I32, OP } from "../wasm/opcodes.ts";
import { FLAG, LAST_ROUNDING_MODE, ROUND } from "./float-format.ts";
import { emitMarkDirty } from "./float-rounding-code.ts";
import { boxed, type FloatFrame, type FloatSource, WasmFloat } from "./wasm-float.ts";
import type { WasmValue } from "./wasm-reading.ts";

const FS = Number(layout.MSTATUS_FS_DIRTY);
/** frm and NX in fcsr: with rounding to nearest even and NX set, rounding leaves no trace but the result. */
const FRM = 7 << 5;

/** Floating point in the translator's reading. Registers stay in memory; what is illegal is left to the interpreter. */
export class TranslatorFloat extends WasmFloat {
  readonly #code: Code;
  readonly #frame: FloatFrame & { readonly leave: () => void };
  readonly #decoded: Decoded;

  constructor(frame: FloatFrame & { readonly leave: () => void }, decoded: Decoded) {
    super(frame);
    this.#code = frame.code;
    this.#frame = frame;
    this.#decoded = decoded;
  }

  require(): void {
    push(this.#code, i32.eqz(i32.and(load32(layout.MSTATUS), FS)));
    this.#leaveIf();
  }

  get mode(): WasmValue {
    const { scratch } = this.#frame;
    const { rm } = this.#decoded;
    const [mode, silent] = [scratch.take(I32), scratch.take(I32)];
    if (rm !== DYNAMIC_ROUNDING) {
      if (rm > LAST_ROUNDING_MODE) {
        this.#code.i32(1);
        this.#leaveIf();
      }
      this.#code.i32(rm).set(mode);
      if (rm === ROUND.nearestEven) push(this.#code, i32.and(load32(layout.FCSR), FLAG.inexact));
      else this.#code.i32(0);
      this.#code.set(silent);
      return { local: mode, silent };
    }
    this.#code.i32(0).set(mode);
    push(this.#code, i32.eq(i32.and(load32(layout.FCSR), FRM | FLAG.inexact), FLAG.inexact));
    this.#code.tee(silent).op(OP.i32_eqz);
    this.#code.if();
    push(this.#code, i32.shiftRight(load32(layout.FCSR), 5));
    this.#code.tee(mode).i32(LAST_ROUNDING_MODE).op(OP.i32_gt_u);
    this.#leaveIf();
    this.#code.end();
    return { local: mode, silent };
  }

  writeRd(size: FloatSize, value: WasmValue): void {
    this.#code.i32(0);
    push(this.#code, boxed(size, value));
    this.#code.memory(OP.i64_store, layout.FLOAT_REGISTERS + this.#decoded.rd * 8);
    emitMarkDirty(this.#code);
  }

  protected pushSource(source: FloatSource): void {
    this.#code.i32(0).memory(OP.i64_load, layout.FLOAT_REGISTERS + this.#decoded[source] * 8);
  }

  #leaveIf(): void {
    this.#code.if();
    this.#frame.leave();
    this.#code.end();
  }
}
