import type { Device, DeviceContext, DeviceState } from "./device.ts";

const MSIP = 0x0000;
const MTIMECMP = 0x4000;
const MTIME = 0xbff8;
/** What software writes to mtimecmp to have no timer. */
const NEVER = 0xffff_ffff_ffff_ffffn;
const MTIME_WRAPS = 1n << 64n;

/** Core-local interruptor: software interrupts (msip), and a timer interrupt for each hart when mtime >= mtimecmp. */
export class Clint implements Device {
  readonly name = "clint";
  readonly base: number;
  readonly sizeBytes = 0x10000;
  readonly #context: DeviceContext;
  readonly #msip: number[];
  readonly #mtimecmp: bigint[];

  constructor(base: number, harts: number, context: DeviceContext) {
    this.base = base;
    this.#context = context;
    this.#msip = Array.from({ length: harts }, () => 0);
    // The manual leaves mtimecmp undefined at reset; all ones keeps the timer quiet until software sets it.
    this.#mtimecmp = Array.from({ length: harts }, () => NEVER);
  }

  softwareInterrupt(hart: number): boolean {
    return this.#msip[hart] !== 0;
  }

  timerInterrupt(hart: number): boolean {
    return this.#context.time() >= this.#mtimecmp[hart];
  }

  /** mtimecmp of a hart, in ticks; undefined when software wants no timer. */
  timerDeadline(hart: number): bigint | undefined {
    return this.#mtimecmp[hart] === NEVER ? undefined : this.#mtimecmp[hart];
  }

  read(offset: number, sizeBytes: number): bigint | undefined {
    if (sizeBytes !== 4 && sizeBytes !== 8) return undefined;
    if (offset < MTIMECMP) {
      return sizeBytes === 4 ? BigInt(this.#msip[(offset - MSIP) / 4] ?? 0) : undefined;
    }
    const doubleWord = this.#doubleWord(offset & ~7);
    if (sizeBytes === 8) return doubleWord;
    return (doubleWord >> (offset & 4 ? 32n : 0n)) & 0xffff_ffffn;
  }

  write(offset: number, sizeBytes: number, value: bigint): boolean {
    if (sizeBytes !== 4 && sizeBytes !== 8) return false;
    this.#context.attention();
    if (offset < MTIMECMP) {
      if (sizeBytes !== 4) return false;
      const hart = (offset - MSIP) / 4;
      if (hart < this.#msip.length) this.#msip[hart] = Number(value & 1n);
      return true;
    }
    const at = offset & ~7;
    const merged = sizeBytes === 8 ? value : mergeHalf(this.#doubleWord(at), offset & 4 ? 32n : 0n, value);
    if (at === MTIME) this.#context.setTime(merged);
    const hart = (at - MTIMECMP) / 8;
    if (hart < this.#mtimecmp.length) this.#mtimecmp[hart] = merged;
    return true;
  }

  /** A deadline that has passed comes round again once mtime has wrapped: beyond 64 bits. */
  nextDeadline(): bigint {
    const now = this.#context.time();
    const ahead = this.#mtimecmp.map((deadline) => (deadline > now ? deadline : deadline + MTIME_WRAPS));
    return ahead.reduce((first, deadline) => (deadline < first ? deadline : first));
  }

  save(): DeviceState {
    return { msip: [...this.#msip], mtimecmp: this.#mtimecmp.map(String) };
  }

  restore(state: DeviceState): void {
    for (let hart = 0; hart < this.#msip.length; hart++) {
      this.#msip[hart] = Number((state.msip as readonly number[])[hart]);
      this.#mtimecmp[hart] = BigInt((state.mtimecmp as readonly string[])[hart]);
    }
  }

  #doubleWord(offset: number): bigint {
    return offset === MTIME ? this.#context.time() : (this.#mtimecmp[(offset - MTIMECMP) / 8] ?? 0n);
  }
}

function mergeHalf(old: bigint, shift: bigint, half: bigint): bigint {
  return (old & ~(0xffff_ffffn << shift)) | ((half & 0xffff_ffffn) << shift);
}
