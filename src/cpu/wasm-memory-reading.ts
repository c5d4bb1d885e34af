import { physicalOfHost } from "../memory/frame-code.ts";
import type { MemoryLayout } from "../memory/layout.ts";
import * as layout from "../memory/layout.ts";
import { LOAD_OPCODES, STORE_OPCODES } from "../memory/translation-code.ts";
import type { Local } from "../wasm/code.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import { type WasmFrame, WasmReading, type WasmValue } from "./wasm-reading.ts";

export interface WasmMemoryFrame extends WasmFrame {
  readonly where: MemoryLayout;
}

/** What the address of an access or of a jump must be a multiple for. */
export type Aligned = "load" | "store" | "jump";

/**
 * The A extension on plain RAM, where the interpreter and regions do the same. What happens to an address that is not
 * aligned, or not plain RAM, is theirs.
 */
export abstract class WasmMemoryReading extends WasmReading {
  readonly #frame: WasmMemoryFrame;

  constructor(frame: WasmMemoryFrame) {
    super(frame);
    this.#frame = frame;
  }

  /** Leaves the host address of plain RAM on the stack, or does not go on. */
  protected abstract plainHost(size: 4 | 8, address: WasmValue, access: "read" | "write"): void;

  /** Goes on only if the address is a multiple of `size`. */
  protected abstract requireAligned(size: 4 | 8, address: WasmValue, use: Aligned): void;

  loadReserved(size: 4 | 8, address: WasmValue): WasmValue {
    const { code, scratch } = this.#frame;
    this.requireAligned(size, address, "load");
    const host = scratch.take(I32);
    this.plainHost(size, address, "read");
    code.tee(host).memory(LOAD_OPCODES.signed[size], 0);
    const value = this.fresh(I64);
    code.i32(0);
    this.#pushPhysical(host);
    code.memory(OP.i64_store, layout.RESERVATION);
    return value;
  }

  storeConditional(size: 4 | 8, address: WasmValue, value: WasmValue): WasmValue {
    const { code, scratch } = this.#frame;
    this.requireAligned(size, address, "store");
    const failed = scratch.take(I32);
    const host = scratch.take(I32);
    code.i32(1).set(failed);
    code.i32(0).memory(OP.i64_load, layout.RESERVATION).i64(-1n).op(OP.i64_ne);
    code.if();
    this.plainHost(size, address, "write");
    code.set(host);
    this.#pushPhysical(host);
    code.i32(0).memory(OP.i64_load, layout.RESERVATION).op(OP.i64_ne).tee(failed).op(OP.i32_eqz);
    code.if();
    code.get(host);
    this.push(value);
    code.memory(STORE_OPCODES[size], 0);
    code.end();
    code.end();
    code.i32(0).i64(-1n).memory(OP.i64_store, layout.RESERVATION);
    return { local: failed };
  }

  atomic(size: 4 | 8, address: WasmValue, update: (old: WasmValue) => WasmValue): WasmValue {
    const { code, scratch } = this.#frame;
    this.requireAligned(size, address, "store");
    const host = scratch.take(I32);
    this.plainHost(size, address, "write");
    code.tee(host).memory(LOAD_OPCODES.signed[size], 0);
    const old = this.fresh(I64);
    const updated = update(old);
    code.get(host);
    this.push(updated);
    code.memory(STORE_OPCODES[size], 0);
    return old;
  }

  prefetch(): void {}
  fence(): void {}

  /** Leaves the physical address of a host address of RAM on the stack. */
  #pushPhysical(host: Local): void {
    physicalOfHost(this.#frame.code, this.#frame.where, host);
  }
}
