import * as layout from "../memory/layout.ts";
import type { Code, Local } from "../wasm/code.ts";
import { F64, I32, I64, OP } from "../wasm/opcodes.ts";
import { FLAG } from "./float-format.ts";

/** frm in fcsr; rounding to nearest even is 0. */
export const FRM_SHIFT = 5;
const FRM = 7 << FRM_SHIFT;

/** The page that a base register was last used with: its tag, and what makes a host address of an address in it. */
export interface CachedPage {
  readonly tag: Local;
  readonly addend: Local;
}

/**
 * The tag as long as no page is known. It is no page's address: any of these is one that a guest may try, and where it
 * matched, the guest would have the host's own memory.
 */
const NO_PAGE = BigInt(layout.PAGE_BYTES / 2);

/** The locals of a region's function that live from its beginning to its end. */
export class RegionLocals {
  readonly code: Code;
  readonly floatType: typeof I64 | typeof F64;
  /** Steps left, less what the potential of the current place says. */
  readonly budget: Local;
  /** Address of the translation table in force. */
  readonly table: Local;
  /** Where the function leaves to, the slot that serves it or 0, and what it answers. */
  readonly exitPc: Local;
  readonly exitSlot: Local;
  readonly answer: Local;
  readonly #registers = new Map<number, Local>();
  readonly #written = new Set<number>();
  readonly #pages = new Map<string, CachedPage>();
  readonly #floats = new Map<number, Local>();
  readonly #writtenFloats = new Set<number>();
  readonly #silent = new Map<"dynamic" | "static", Local>();
  #mode: Local | undefined;
  /** Some instruction touches floating-point state. */
  usesFloat = false;

  /** `floatType`: what most instructions want of floating-point registers, bits or numbers. */
  constructor(code: Code, floatType: typeof I64 | typeof F64) {
    this.code = code;
    this.floatType = floatType;
    this.budget = code.local(I32);
    this.table = code.local(I32);
    this.exitPc = code.local(I64);
    this.exitSlot = code.local(I32);
    this.answer = code.local(I32);
  }

  /** The local of a register other than x0. */
  read(register: number): Local {
    let local = this.#registers.get(register);
    if (local === undefined) {
      local = this.code.local(I64);
      this.#registers.set(register, local);
    }
    return local;
  }

  /** Likewise, of one that is written. */
  written(register: number): Local {
    this.#written.add(register);
    return this.read(register);
  }

  /** The local of a floating-point register, with its 64 bits. */
  readFloat(register: number): Local {
    let local = this.#floats.get(register);
    if (local === undefined) {
      local = this.code.local(this.floatType);
      this.#floats.set(register, local);
    }
    return local;
  }

  /** Likewise, of one that is written. */
  writtenFloat(register: number): Local {
    this.#writtenFloats.add(register);
    return this.readFloat(register);
  }

  /** The region must not be entered but with mstatus.FS dirty: then no instruction need look at it or change it. */
  requireFloat(): void {
    this.usesFloat = true;
  }

  /** The dynamic rounding mode. The region must not be entered while it is a reserved one. */
  get mode(): Local {
    this.#mode ??= this.code.local(I32);
    return this.#mode;
  }

  get usesMode(): boolean {
    return this.#mode !== undefined;
  }

  /**
   * 1 when rounding to nearest even has left no trace but its result ever since the region was entered, because NX was set:
   * by the dynamic rounding mode, or by a static one.
   */
  silent(mode: "dynamic" | "static"): Local {
    let local = this.#silent.get(mode);
    if (local === undefined) {
      local = this.code.local(I32);
      this.#silent.set(mode, local);
    }
    return local;
  }

  pageOf(base: number, access: "read" | "write"): CachedPage {
    const name = `${base} ${access}`;
    let page = this.#pages.get(name);
    if (page === undefined) {
      page = { tag: this.code.local(I64), addend: this.code.local(I32) };
      this.#pages.set(name, page);
    }
    return page;
  }

  /** Fills the locals, once all code that uses them has been seen. */
  emitLoad(code: Code): void {
    code.i32(0).memory(OP.i32_load, layout.BUDGET).set(this.budget);
    code.i32(0).memory(OP.i32_load, layout.TRANSLATION_BASE).set(this.table);
    for (const [register, local] of this.#registers) {
      code
        .i32(0)
        .memory(OP.i64_load, layout.REGISTERS + register * 8)
        .set(local);
    }
    for (const [register, local] of this.#floats) {
      code
        .i32(0)
        .memory(this.floatType === F64 ? OP.f64_load : OP.i64_load, layout.FLOAT_REGISTERS + register * 8)
        .set(local);
    }
    if (this.#mode !== undefined) {
      code.i32(0).memory(OP.i32_load, layout.FCSR).i32(FRM_SHIFT).op(OP.i32_shr_u).set(this.#mode);
    }
    for (const [mode, local] of this.#silent) {
      const bits = mode === "dynamic" ? FRM | FLAG.inexact : FLAG.inexact;
      code.i32(0).memory(OP.i32_load, layout.FCSR).i32(bits).op(OP.i32_and);
      code.i32(FLAG.inexact).op(OP.i32_eq).set(local);
    }
    for (const { tag } of this.#pages.values()) code.i64(NO_PAGE).set(tag);
  }

  get #floatStore(): typeof OP.f64_store | typeof OP.i64_store {
    return this.floatType === F64 ? OP.f64_store : OP.i64_store;
  }

  /** Puts registers where somebody looks at them: bit n for x[n], bit 32 + n for f[n]. */
  emitSpill(registers: bigint): void {
    const { code } = this;
    for (let register = 1; register < 32; register++) {
      if (((registers >> BigInt(register)) & 1n) === 0n) continue;
      code
        .i32(0)
        .get(this.read(register))
        .memory(OP.i64_store, layout.REGISTERS + register * 8);
    }
    for (let register = 0; register < 32; register++) {
      if (((registers >> BigInt(32 + register)) & 1n) === 0n) continue;
      code
        .i32(0)
        .get(this.readFloat(register))
        .memory(this.#floatStore, layout.FLOAT_REGISTERS + register * 8);
    }
  }

  /** Puts everything back where the interpreter finds it. */
  emitStore(code: Code): void {
    for (const register of this.#written) {
      code
        .i32(0)
        .get(this.read(register))
        .memory(OP.i64_store, layout.REGISTERS + register * 8);
    }
    for (const register of this.#writtenFloats) {
      code
        .i32(0)
        .get(this.readFloat(register))
        .memory(this.#floatStore, layout.FLOAT_REGISTERS + register * 8);
    }
    code.i32(0).get(this.exitPc).memory(OP.i64_store, layout.PC);
    code.i32(0).get(this.budget).memory(OP.i32_store, layout.BUDGET);
  }
}
