import type { AccessSize } from "../isa/semantics.ts";
import type { MemoryLayout } from "../memory/layout.ts";
import * as layout from "../memory/layout.ts";
import type { Code, Local } from "../wasm/code.ts";
import { OP } from "../wasm/opcodes.ts";
import type { Span } from "./known-ram.ts";

/**
 * Accesses of regions whose data addresses are physical: RAM is one window, in which the host address is the address with
 * a constant added. A page may be stored to without anybody's attention when its flags say that it is dirty, and nothing
 * else: what would make the slow path withhold a write tag is a flag.
 */
export class RamWindow {
  readonly #code: Code;
  readonly #where: MemoryLayout;
  readonly #leave: () => void;

  constructor(code: Code, where: MemoryLayout, leave: () => void) {
    this.#code = code;
    this.#where = where;
    this.#leave = leave;
  }

  /** Goes on only if the bytes around an address are RAM; see Span for what lies in `span`. */
  requireRam(address: Local, { first, end }: Span): void {
    const { ramBase, ramBytes } = this.#where;
    const code = this.#code;
    code
      .get(address)
      .i64(BigInt(first - ramBase))
      .op(OP.i64_add);
    code.i64(BigInt(ramBytes - (end - first))).op(OP.i64_gt_u);
    this.#leaveIf();
  }

  /**
   * Goes on only if nobody looks for stores to these bytes of RAM, which are no more than a page. `aligned`: an access of
   * that size, which then has no second page.
   */
  requireQuiet(address: Local, { first, end }: Span, aligned: AccessSize | undefined): void {
    const code = this.#code;
    if (aligned !== undefined && aligned > 1) {
      code.get(address).op(OP.i32_wrap_i64);
      if (first % aligned !== 0) code.i32(first).op(OP.i32_add);
      code.i32(aligned - 1).op(OP.i32_and);
      this.#leaveIf();
    }
    this.#requireQuietPage(address, first);
    if (aligned === undefined) this.#requireQuietPage(address, end - 1);
  }

  /** Leaves on the stack what with `offset` gives the host address of what lies `distance` behind an address in RAM. */
  pushIndex(address: Local): void {
    this.#code
      .get(address)
      .op(OP.i32_wrap_i64)
      .i32(-this.#where.ramBase | 0)
      .op(OP.i32_add);
  }

  offset(distance: number): number {
    return this.#where.ram + distance;
  }

  #requireQuietPage(address: Local, distance: number): void {
    const code = this.#code;
    code.get(address).op(OP.i32_wrap_i64);
    code.i32((distance - this.#where.ramBase) | 0).op(OP.i32_add);
    code.i32(12).op(OP.i32_shr_u).memory(OP.i32_load8_u, this.#where.pageFlags);
    code.i32(layout.PAGE_FLAG.dirty).op(OP.i32_ne);
    this.#leaveIf();
  }

  #leaveIf(): void {
    this.#code.if();
    this.#leave();
    this.#code.end();
  }
}
