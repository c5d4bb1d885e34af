import type { Device, DeviceContext, DeviceState } from "./device.ts";

/** Commands, in the low half of the word (SiFive's test finisher, as on QEMU's `virt`). */
const FINISHER_FAIL = 0x3333;
const FINISHER_PASS = 0x5555;
const FINISHER_RESET = 0x7777;

export interface Finished {
  readonly exitCode: number;
  readonly reset: boolean;
}

/** Ends the run when the guest writes it: the upper half of a failing word is the exit code. */
export class Finisher implements Device {
  readonly name = "test finisher";
  readonly base: number;
  readonly sizeBytes = 0x1000;
  finished: Finished | undefined;
  readonly #context: DeviceContext;

  constructor(base: number, context: DeviceContext) {
    this.base = base;
    this.#context = context;
  }

  read(_offset: number, sizeBytes: number): bigint | undefined {
    return sizeBytes === 2 || sizeBytes === 4 ? 0n : undefined;
  }

  write(offset: number, sizeBytes: number, value: bigint): boolean {
    if (sizeBytes !== 2 && sizeBytes !== 4) return false;
    if (offset !== 0) return true;
    const command = Number(value & 0xffffn);
    const code = Number((value >> 16n) & 0xffffn);
    if (command === FINISHER_PASS) this.finished = { exitCode: 0, reset: false };
    else if (command === FINISHER_FAIL) this.finished = { exitCode: code, reset: false };
    else if (command === FINISHER_RESET) this.finished = { exitCode: 0, reset: true };
    this.#context.attention();
    return true;
  }

  nextDeadline(): undefined {
    return undefined;
  }

  save(): DeviceState {
    if (this.finished === undefined) return { finished: 0 };
    return { finished: 1, exitCode: this.finished.exitCode, reset: this.finished.reset ? 1 : 0 };
  }

  restore(state: DeviceState): void {
    this.finished = state.finished === 1 ? { exitCode: Number(state.exitCode), reset: state.reset === 1 } : undefined;
  }
}
