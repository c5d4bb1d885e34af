import { assert } from "../base/assert.ts";
import type { FloatSize } from "../isa/float-semantics.ts";
import { type Decoded, DYNAMIC_ROUNDING } from "../isa/instruction.ts";
import type { Code } from "../wasm/code.ts";
import { push } from "../wasm/expression.ts";
import { F64, I32, OP } from "../wasm/opcodes.ts";
import { LAST_ROUNDING_MODE, ROUND } from "./float-format.ts";
import type { RegionLocals } from "./region-locals.ts";
import { boxed, type FloatFrame, type FloatSource, WasmFloat } from "./wasm-float.ts";
import type { WasmValue } from "./wasm-reading.ts";

type TranslatorFloatFrame = FloatFrame & {
  readonly leave: () => void;
  readonly locals: RegionLocals;
  readonly singles: Set<number>;
};

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
    const { scratch, locals } = this.#frame;
    const { rm } = this.#decoded;
    if (rm === DYNAMIC_ROUNDING) return { local: locals.mode, silent: locals.silent("dynamic") };
    assert(rm <= LAST_ROUNDING_MODE, "a reserved rounding mode is no instruction");
    const mode = scratch.take(I32);
    this.#code.i32(rm).set(mode);
    if (rm === ROUND.nearestEven) return { local: mode, silent: locals.silent("static") };
    const silent = scratch.take(I32);
    this.#code.i32(0).set(silent);
    return { local: mode, silent };
  }

  writeRd(size: FloatSize, value: WasmValue): void {
    const { singles } = this.#frame;
    if (size === "single") singles.add(this.#decoded.rd);
    else singles.delete(this.#decoded.rd);
    push(this.#code, boxed(size, value));
    if (this.#frame.locals.floatType === F64) this.#code.op(OP.f64_reinterpret_i64);
    this.#code.set(this.#frame.locals.writtenFloat(this.#decoded.rd));
  }

  protected isBoxed(source: FloatSource): boolean {
    return this.#frame.singles.has(this.#decoded[source]);
  }

  protected pushSource(source: FloatSource): void {
    this.#code.get(this.#frame.locals.readFloat(this.#decoded[source]));
    if (this.#frame.locals.floatType === F64) this.#code.op(OP.i64_reinterpret_f64);
  }
}
