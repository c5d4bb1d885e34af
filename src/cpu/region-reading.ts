import { assert } from "../base/assert.ts";
import { effectsOf } from "../isa/effects.ts";
import type { AccessSize, Semantics, Signedness, SystemOperation } from "../isa/semantics.ts";
import * as layout from "../memory/layout.ts";
import { LOAD_OPCODES, STORE_OPCODES } from "../memory/translation-code.ts";
import { I32, I64, OP } from "../wasm/opcodes.ts";
import type { FloatFunctions } from "./float-code.ts";
import { emitDivide, emitMultiplyHigh, emitRemainder } from "./inline-arithmetic.ts";
import type { Placed } from "./region.ts";
import type { RegionLocals } from "./region-locals.ts";
import { emitSystem, type SystemFrame } from "./region-system.ts";
import type { RamWindow } from "./region-window.ts";
import { TranslatorFloat } from "./translator-float.ts";
import { type WasmMemoryFrame, WasmMemoryReading } from "./wasm-memory-reading.ts";
import type { WasmValue } from "./wasm-reading.ts";

/** What the instructions of a region's function share. */
export interface RegionFrame extends WasmMemoryFrame {
  readonly float: FloatFunctions;
  readonly locals: RegionLocals;
  /** Floating-point registers to which the block has written a single. */
  readonly singles: Set<number>;
  /** Address of the region's entry: `Placed.pc` counts from it. */
  readonly base: bigint;
  /** Bytes. */
  readonly instructionAlignment: 2 | 4;
  /** Leaves the function before the current instruction, which the interpreter shall execute. Emitted wherever it may. */
  readonly leave: () => void;
  /** What a system instruction at an address needs. */
  readonly systemFrame: (pc: bigint) => SystemFrame;
  /** Where data addresses are physical; what `load` and `store` access has been checked then. */
  readonly window: RamWindow | undefined;
}

/** Where an instruction goes on, as the code that was emitted for it has it. */
export type Continuation =
  | { readonly kind: "next" }
  | { readonly kind: "branch"; readonly condition: WasmValue }
  | { readonly kind: "jump"; readonly target: WasmValue };

/** Emits one instruction; its operands are constants, its registers locals. */
export function emitInstruction(frame: RegionFrame, placed: Placed): Continuation {
  frame.scratch.releaseAll();
  const reading = new RegionReading(frame, placed);
  placed.decoded.instruction.semantics(reading);
  return reading.continuation;
}

/**
 * The translator's reading of the instruction table. Whatever is not usual leaves before the instruction has done
 * anything, and the interpreter repeats it: misses, faults, devices, and memory that somebody has an eye on.
 */
class RegionReading extends WasmMemoryReading implements Semantics<WasmValue> {
  readonly #frame: RegionFrame;
  readonly #placed: Placed;
  readonly float: TranslatorFloat;
  continuation: Continuation = { kind: "next" };

  constructor(frame: RegionFrame, placed: Placed) {
    super(frame);
    this.#frame = frame;
    this.#placed = placed;
    this.float = new TranslatorFloat(frame, placed.decoded);
  }

  get rs1(): WasmValue {
    return this.#register(this.#placed.decoded.rs1);
  }
  get rs2(): WasmValue {
    return this.#register(this.#placed.decoded.rs2);
  }
  get imm(): WasmValue {
    const { decoded, place, patched } = this.#placed;
    if (patched === undefined) return this.constant(BigInt(decoded.imm));
    const { code, where } = this.#frame;
    code.i32(0).memory(OP.i64_load32_s, where.ram + place);
    if (patched === "I") code.i64(20n).op(OP.i64_shr_s);
    else code.i64(-4096n).op(OP.i64_and);
    return this.fresh(I64);
  }
  get pc(): WasmValue {
    return this.constant(this.#frame.base + BigInt(this.#placed.pc));
  }
  get nextPc(): WasmValue {
    return this.constant(this.#frame.base + BigInt(this.#placed.pc + this.#placed.decoded.length));
  }

  writeRd(value: WasmValue): void {
    const { rd } = this.#placed.decoded;
    if (rd === 0) return;
    this.push(value);
    this.#frame.code.set(this.#frame.locals.written(rd));
  }

  override multiplyHigh(a: WasmValue, b: WasmValue, signedness: "signed" | "unsigned" | "mixed"): WasmValue {
    const { code, scratch } = this.#frame;
    emitMultiplyHigh(code, [a.local, b.local], signedness, () => scratch.take(I64));
    return this.fresh(I64);
  }
  override divide(a: WasmValue, b: WasmValue, signedness: Signedness): WasmValue {
    emitDivide(this.#frame.code, a.local, b.local, signedness);
    return this.fresh(I64);
  }
  override remainder(a: WasmValue, b: WasmValue, signedness: Signedness): WasmValue {
    emitRemainder(this.#frame.code, a.local, b.local, signedness);
    return this.fresh(I64);
  }

  load(size: AccessSize, extension: Signedness, address: WasmValue): WasmValue {
    const opcode = LOAD_OPCODES[extension][size];
    if (this.#frame.window === undefined) {
      this.plainHost(size, address, "read");
      this.#frame.code.memory(opcode, 0);
    } else this.#frame.code.memory(opcode, this.#pushIndex(this.#frame.window));
    return this.fresh(I64);
  }

  store(size: AccessSize, address: WasmValue, value: WasmValue): void {
    const { code, window } = this.#frame;
    let offset = 0;
    if (window === undefined) this.plainHost(size, address, "write");
    else offset = this.#pushIndex(window);
    this.push(value);
    code.memory(STORE_OPCODES[size], offset);
  }

  jump(target: WasmValue): void {
    assert(this.continuation.kind === "next", "an instruction jumps once");
    if (this.#frame.instructionAlignment > 2) this.requireAligned(4, target);
    this.continuation = { kind: "jump", target };
  }

  branch(condition: WasmValue, target: WasmValue): void {
    assert(this.continuation.kind === "next", "an instruction jumps once");
    if (this.#frame.instructionAlignment > 2) {
      this.pushCondition(condition);
      this.#frame.code.if();
      this.requireAligned(4, target);
      this.#frame.code.end();
    }
    this.continuation = { kind: "branch", condition };
  }

  system(operation: SystemOperation): void {
    const { decoded, pc } = this.#placed;
    emitSystem(this.#frame.systemFrame(this.#frame.base + BigInt(pc)), decoded, operation);
  }

  #register(register: number): WasmValue {
    return register === 0 ? this.constant(0n) : { local: this.#frame.locals.read(register) };
  }

  /** An index into memory on the stack, and the offset from it, for what lies at rs1 + imm. */
  #pushIndex(window: RamWindow): number {
    const { instruction, imm } = this.#placed.decoded;
    assert(effectsOf(instruction).address === "rs1 + imm", "loads and stores go to rs1 + imm");
    window.pushIndex(this.rs1.local);
    return window.offset(imm);
  }

  /**
   * Leaves the host address of plain RAM on the stack. The page that a base register was last used with is in locals, so
   * that most accesses need not look into the translation table; misaligned ones, which may leave their page, do.
   */
  protected plainHost(size: AccessSize, address: WasmValue, access: "read" | "write"): void {
    const { code, locals, scratch, leave, window } = this.#frame;
    if (window !== undefined) {
      const span = { first: 0, end: size };
      window.requireRam(address.local, span);
      if (access === "write") window.requireQuiet(address.local, span, size);
      window.pushIndex(address.local);
      code.i32(window.offset(0)).op(OP.i32_add);
      return;
    }
    const { tag, addend } = locals.pageOf(this.#placed.decoded.rs1, access);
    const entry = scratch.take(I32);
    const va = address.local;
    const mostDistance = BigInt(layout.PAGE_BYTES - size);
    const alignedInPage = BigInt(-layout.PAGE_BYTES | (size - 1));
    code.get(va).i64(alignedInPage).op(OP.i64_and).get(tag).op(OP.i64_ne);
    code.if();
    const indexMask = (layout.TRANSLATION_ENTRIES - 1) * layout.TRANSLATION_ENTRY_BYTES;
    code.get(va).op(OP.i32_wrap_i64).i32(7).op(OP.i32_shr_u).i32(indexMask).op(OP.i32_and);
    code.get(locals.table).op(OP.i32_add).tee(entry);
    code.memory(OP.i64_load, access === "read" ? layout.ENTRY.readTag : layout.ENTRY.writeTag).tee(tag);
    code.get(va).op(OP.i64_xor).i64(mostDistance).op(OP.i64_gt_u);
    code.if();
    leave();
    code.end();
    code.get(entry).memory(OP.i32_load, layout.ENTRY.addend).set(addend);
    code.end();
    code.get(va).op(OP.i32_wrap_i64).get(addend).op(OP.i32_add);
  }

  protected requireAligned(size: 4 | 8, address: WasmValue): void {
    const { code, leave } = this.#frame;
    code
      .get(address.local)
      .i64(BigInt(size - 1))
      .op(OP.i64_and, OP.i64_eqz, OP.i32_eqz);
    code.if();
    leave();
    code.end();
  }
}
