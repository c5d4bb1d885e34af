import { type PhysicalAddress, type VirtualAddress, virtualAddress } from "../base/brand.ts";
import type { TranslationState } from "../cpu/address-translation.ts";
import { describeTranslation } from "../cpu/translation-view.ts";
import { PAGE_BYTES } from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import type { Translation } from "./machine-interface.ts";
import { RAM_BASE } from "./memory-map.ts";

/** Looks at memory without any trace: what `MachineLike` promises of peek and translate. */
export class Onlooker {
  readonly #memory: PhysicalMemory;
  readonly #stateOf: (hart: number) => TranslationState;

  /** `stateOf`: what the translation of a hart's addresses follows from now. */
  constructor(memory: PhysicalMemory, stateOf: (hart: number) => TranslationState) {
    this.#memory = memory;
    this.#stateOf = stateOf;
  }

  peek(address: VirtualAddress, length: number, hart: number): (number | undefined)[] {
    const bytes: (number | undefined)[] = [];
    while (bytes.length < length) {
      const at = virtualAddress(address + BigInt(bytes.length));
      const inPage = Math.min(length - bytes.length, PAGE_BYTES - Number(at & 0xfffn));
      const { physicalAddress } = this.translate(at, hart);
      for (let index = 0; index < inPage; index++) {
        bytes.push(physicalAddress === undefined ? undefined : this.#byteAt(physicalAddress + index));
      }
    }
    return bytes;
  }

  peekPhysical(address: PhysicalAddress, length: number): (number | undefined)[] {
    return Array.from({ length }, (_, index) => this.#byteAt(address + index));
  }

  readPhysical(address: PhysicalAddress, size: 1 | 2 | 4 | 8): bigint | undefined {
    const offset = this.#memory.ramOffset(BigInt(address), size);
    return offset < 0 ? undefined : this.#memory.look(offset, size);
  }

  translate(address: VirtualAddress, hart: number): Translation {
    return describeTranslation(this.#memory, this.#stateOf(hart), address);
  }

  translateIn(satp: bigint, address: VirtualAddress): Translation {
    const [satpLow, satpHigh] = [Number(satp & 0xffff_ffffn), Number(satp >> 32n)];
    // As supervisor mode does it, whatever harts are doing.
    const state = { ...this.#stateOf(0), privilege: 1 as const, status: 0, satpLow, satpHigh };
    return describeTranslation(this.#memory, state, address);
  }

  #byteAt(physical: number): number | undefined {
    const offset = physical - RAM_BASE;
    const value = offset >= 0 && offset < this.#memory.layout.ramBytes ? this.#memory.look(offset, 1) : undefined;
    return value === undefined ? undefined : Number(value);
  }
}
