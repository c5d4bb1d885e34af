import { assert } from "../base/assert.ts";
import type { VirtualAddress } from "../base/brand.ts";
import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { CsrFile } from "./csr-file.ts";

export const MACHINE_MODE = 3;
export const NO_RESERVATION = 0xffff_ffff_ffff_ffffn;

/** A synchronous exception that an instruction met: mcause and mtval. */
export interface Exception {
  readonly cause: number;
  readonly tval: bigint;
}

/** The hart whose turn it is, and its CSRs. */
export interface Turn {
  readonly hart: Hart;
  readonly csrs: CsrFile;
}

/**
 * A hart's state. While it has its turn it lies in the hart window, so that generated code and TypeScript work on the
 * same words, else in the hart's parking place. Register values are unsigned 64-bit bigints here.
 */
export class Hart {
  readonly id: number;
  readonly #words: BigUint64Array;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #parking: number;
  /** Where the state lies now. */
  #base: number;

  constructor(id: number, memory: PhysicalMemory) {
    assert(id < layout.MAX_PARKED_HARTS, "a hart too many");
    this.id = id;
    this.#view = memory.view;
    this.#bytes = memory.bytes;
    this.#parking = layout.HART_PARKING + id * layout.HART_WINDOW_BYTES;
    this.#base = this.#parking;
    this.#words = new BigUint64Array(memory.memory.buffer, 0, (this.#parking + layout.HART_WINDOW_BYTES) / 8);
  }

  /** The turn begins: the state moves into the window, which must be free. */
  enter(): void {
    this.#move(layout.HART_WINDOW);
  }

  /** The turn ends. */
  park(): void {
    this.#move(this.#parking);
  }

  #move(to: number): void {
    assert(this.#base !== to, "the hart is there already");
    this.#bytes.copyWithin(to, this.#base, this.#base + layout.HART_WINDOW_BYTES);
    this.#base = to;
  }

  get #window(): Uint8Array {
    return this.#bytes.subarray(this.#base, this.#base + layout.HART_WINDOW_BYTES);
  }

  register(index: number): bigint {
    return this.#words[this.#base / 8 + index];
  }

  setRegister(index: number, value: bigint): void {
    if (index !== 0) this.#words[this.#base / 8 + index] = value;
  }

  /** Unsigned 64 bits. */
  floatRegister(index: number): bigint {
    return this.#words[(this.#base + layout.FLOAT_REGISTERS) / 8 + index];
  }

  setFloatRegister(index: number, value: bigint): void {
    this.#words[(this.#base + layout.FLOAT_REGISTERS) / 8 + index] = value;
  }

  /** Accrued floating-point flags and dynamic rounding mode, as in the CSR. */
  get fcsr(): number {
    return this.#view.getInt32(this.#base + layout.FCSR, true);
  }

  set fcsr(value: number) {
    this.#view.setInt32(this.#base + layout.FCSR, value, true);
  }

  /** mstatus.FS is off: whatever touches floating-point state is an illegal instruction. */
  get floatIsOff(): boolean {
    return (this.#words[(this.#base + layout.MSTATUS) / 8] & layout.MSTATUS_FS_DIRTY) === 0n;
  }

  /** Floating-point state has changed: mstatus.FS says so. */
  markFloatDirty(): void {
    this.#words[(this.#base + layout.MSTATUS) / 8] |= layout.MSTATUS_FS_DIRTY;
  }

  get pc(): VirtualAddress {
    return this.#words[(this.#base + layout.PC) / 8] as VirtualAddress;
  }

  set pc(value: bigint) {
    this.#words[(this.#base + layout.PC) / 8] = value;
  }

  /** Physical address of the reservation set, or NO_RESERVATION. */
  get reservation(): bigint {
    return this.#words[(this.#base + layout.RESERVATION) / 8];
  }

  set reservation(address: bigint) {
    this.#words[(this.#base + layout.RESERVATION) / 8] = address;
  }

  /** Likewise, without a bigint: asked for every hart at every change of turns. */
  get hasReservation(): boolean {
    const at = this.#base + layout.RESERVATION;
    return (this.#view.getInt32(at, true) & this.#view.getInt32(at + 4, true)) !== -1;
  }

  get privilege(): 0 | 1 | 3 {
    return this.#view.getInt32(this.#base + layout.PRIVILEGE, true) as 0 | 1 | 3;
  }

  set privilege(mode: 0 | 1 | 3) {
    this.#view.setInt32(this.#base + layout.PRIVILEGE, mode, true);
  }

  get waiting(): boolean {
    return this.#view.getInt32(this.#base + layout.WAITING, true) !== 0;
  }

  set waiting(value: boolean) {
    this.#view.setInt32(this.#base + layout.WAITING, value ? 1 : 0, true);
  }

  /** Steps so far that retired nothing. */
  get exceptionCount(): bigint {
    return this.#words[(this.#base + layout.EXCEPTION_COUNT) / 8];
  }

  set exceptionCount(count: bigint) {
    this.#words[(this.#base + layout.EXCEPTION_COUNT) / 8] = count;
  }

  /** Steps that this hart has taken, up to the slice that is under way. */
  get stepCount(): bigint {
    return this.#words[(this.#base + layout.STEP_COUNT) / 8];
  }

  set stepCount(count: bigint) {
    this.#words[(this.#base + layout.STEP_COUNT) / 8] = count;
  }

  csrSlot(slot: number): bigint {
    return this.#words[(this.#base + layout.CSR_SLOTS) / 8 + slot];
  }

  /** Half of a CSR's word: its low 32 bits, or its high ones; a signed 32-bit integer. */
  csrHalf(slot: number, half: "low" | "high"): number {
    return this.#view.getInt32(this.#base + layout.CSR_SLOTS + slot * 8 + (half === "low" ? 0 : 4), true);
  }

  setCsrSlot(slot: number, value: bigint): void {
    this.#words[(this.#base + layout.CSR_SLOTS) / 8 + slot] = value;
  }

  /** The whole window, as it is now and will be: everything that makes up the hart. */
  get state(): Uint8Array {
    return this.#window;
  }

  restore(saved: Uint8Array): void {
    this.#window.set(saved);
  }

  clear(): void {
    this.#window.fill(0);
    this.reservation = NO_RESERVATION;
    this.privilege = MACHINE_MODE;
  }
}
