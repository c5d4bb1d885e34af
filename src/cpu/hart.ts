import type { VirtualAddress } from "../base/brand.ts";
import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";

export const MACHINE_MODE = 3;
export const NO_RESERVATION = 0xffff_ffff_ffff_ffffn;

/** A synchronous exception that an instruction met: mcause and mtval. */
export interface Exception {
  readonly cause: number;
  readonly tval: bigint;
}

/**
 * A hart's state, which lies in the hart window of the machine's memory so that generated code and TypeScript work on
 * the same words. Register values are unsigned 64-bit bigints here.
 */
export class Hart {
  readonly id: number;
  readonly #words: BigUint64Array;
  readonly #view: DataView;
  readonly #window: Uint8Array;

  constructor(id: number, memory: PhysicalMemory) {
    this.id = id;
    this.#view = memory.view;
    this.#words = new BigUint64Array(memory.memory.buffer, layout.HART_WINDOW, layout.HART_WINDOW_BYTES / 8);
    this.#window = memory.bytes.subarray(layout.HART_WINDOW, layout.HART_WINDOW + layout.HART_WINDOW_BYTES);
  }

  register(index: number): bigint {
    return this.#words[index];
  }

  setRegister(index: number, value: bigint): void {
    if (index !== 0) this.#words[index] = value;
  }

  /** Unsigned 64 bits. */
  floatRegister(index: number): bigint {
    return this.#words[layout.FLOAT_REGISTERS / 8 + index];
  }

  setFloatRegister(index: number, value: bigint): void {
    this.#words[layout.FLOAT_REGISTERS / 8 + index] = value;
  }

  /** Accrued floating-point flags and dynamic rounding mode, as in the CSR. */
  get fcsr(): number {
    return this.#view.getInt32(layout.FCSR, true);
  }

  set fcsr(value: number) {
    this.#view.setInt32(layout.FCSR, value, true);
  }

  /** mstatus.FS is off: whatever touches floating-point state is an illegal instruction. */
  get floatIsOff(): boolean {
    return (this.#words[layout.MSTATUS / 8] & layout.MSTATUS_FS_DIRTY) === 0n;
  }

  /** Floating-point state has changed: mstatus.FS says so. */
  markFloatDirty(): void {
    this.#words[layout.MSTATUS / 8] |= layout.MSTATUS_FS_DIRTY;
  }

  get pc(): VirtualAddress {
    return this.#words[layout.PC / 8] as VirtualAddress;
  }

  set pc(value: bigint) {
    this.#words[layout.PC / 8] = value;
  }

  /** Physical address of the reservation set, or NO_RESERVATION. */
  get reservation(): bigint {
    return this.#words[layout.RESERVATION / 8];
  }

  set reservation(address: bigint) {
    this.#words[layout.RESERVATION / 8] = address;
  }

  get privilege(): 0 | 1 | 3 {
    return this.#view.getInt32(layout.PRIVILEGE, true) as 0 | 1 | 3;
  }

  set privilege(mode: 0 | 1 | 3) {
    this.#view.setInt32(layout.PRIVILEGE, mode, true);
  }

  get waiting(): boolean {
    return this.#view.getInt32(layout.WAITING, true) !== 0;
  }

  set waiting(value: boolean) {
    this.#view.setInt32(layout.WAITING, value ? 1 : 0, true);
  }

  /** Steps so far that retired nothing. */
  get exceptionCount(): bigint {
    return this.#words[layout.EXCEPTION_COUNT / 8];
  }

  set exceptionCount(count: bigint) {
    this.#words[layout.EXCEPTION_COUNT / 8] = count;
  }

  csrSlot(slot: number): bigint {
    return this.#words[layout.CSR_SLOTS / 8 + slot];
  }

  setCsrSlot(slot: number, value: bigint): void {
    this.#words[layout.CSR_SLOTS / 8 + slot] = value;
  }

  /** A copy of the whole window: everything that makes up the hart. */
  save(): Uint8Array {
    return this.#window.slice();
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
