import * as layout from "../memory/layout.ts";
import type { Code, Local } from "../wasm/code.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";

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

  constructor(code: Code) {
    this.code = code;
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
    for (const { tag } of this.#pages.values()) code.i64(NO_PAGE).set(tag);
  }

  /** Puts everything back where the interpreter finds it. */
  emitStore(code: Code): void {
    for (const register of this.#written) {
      code
        .i32(0)
        .get(this.read(register))
        .memory(OP.i64_store, layout.REGISTERS + register * 8);
    }
    code.i32(0).get(this.exitPc).memory(OP.i64_store, layout.PC);
    code.i32(0).get(this.budget).memory(OP.i32_store, layout.BUDGET);
  }
}
