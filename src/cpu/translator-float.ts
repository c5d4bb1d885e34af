import { assert } from "../base/assert.ts";
import type { FloatSize } from "../isa/float-semantics.ts";
import { type Decoded, DYNAMIC_ROUNDING } from "../isa/instruction.ts";
import * as layout from "../memory/layout.ts";
import type { Code } from "../wasm/code.ts";
import { i32, load32, push } from "../wasm/expression.ts";
import { I32, OP } from "../wasm/opcodes.ts";
import { LAST_ROUNDING_MODE, ROUND } from "./float-format.ts";
import type { RegionLocals } from "./region-locals.ts";
import { boxed, type FloatFrame, type FloatSource, WasmFloat } from "./wasm-float.ts";
import type { WasmValue } from "./wasm-reading.ts";

type TranslatorFloatFrame = FloatFrame & { readonly leave: () => void; readonly locals: RegionLocals };

/** Floating point in the translator's reading; what is illegal is left to the interpreter. */
export class TranslatorFloat extends WasmFloat {
  readonly #code: Code;
  readonly #frame: TranslatorFloatFrame;
  readonly #decoded: Decoded;

  constructor(frame: TranslatorFloatFrame, decoded: Decoded) {
    super(frame);
    this.#code = frame.code;
    this.#frame = frame;
    this.#decoded = decoded;
  }

  require(): void {
    this.#frame.locals.requireFloat();
  }

  get mode(): WasmValue {
    const { scratch, locals, leave } = this.#frame;
    const { rm } = this.#decoded;
    const mode = scratch.take(I32);
    if (rm === DYNAMIC_ROUNDING) {
      const silent = locals.silent("dynamic");
      this.#code.i32(0).set(mode);
      this.#code.get(silent).op(OP.i32_eqz);
      this.#code.if();
      push(this.#code, i32.shiftRight(load32(layout.FCSR), 5));
      this.#code.tee(mode).i32(LAST_ROUNDING_MODE).op(OP.i32_gt_u);
      this.#code.if();
      leave();
      this.#code.end();
      this.#code.end();
      return { local: mode, silent };
    }
    assert(rm <= LAST_ROUNDING_MODE, "a reserved rounding mode is no instruction");
    this.#code.i32(rm).set(mode);
    if (rm === ROUND.nearestEven) return { local: mode, silent: locals.silent("static") };
    const silent = scratch.take(I32);
    this.#code.i32(0).set(silent);
    return { local: mode, silent };
  }

  writeRd(size: FloatSize, value: WasmValue): void {
    push(this.#code, boxed(size, value));
    this.#code.set(this.#frame.locals.writtenFloat(this.#decoded.rd));
  }

  protected pushSource(source: FloatSource): void {
    this.#code.get(this.#frame.locals.readFloat(this.#decoded[source]));
  }
}
