import { assert } from "../base/assert.ts";
import type { DeviceBus } from "../cpu/data-access.ts";
import type { Device } from "../devices/device.ts";
import type { AccessSize } from "../isa/semantics.ts";

/** Finds the device that an address belongs to. */
export class Bus implements DeviceBus {
  readonly #devices: readonly Device[];

  constructor(devices: readonly Device[]) {
    this.#devices = [...devices].sort((a, b) => a.base - b.base);
    this.#devices.forEach((device, index) => {
      const next = this.#devices[index + 1];
      assert(next === undefined || device.base + device.sizeBytes <= next.base, `${device.name} overlaps`);
    });
  }

  load(address: bigint, size: AccessSize): bigint | undefined {
    const device = this.#find(address, size);
    return device?.read(Number(address) - device.base, size);
  }

  store(address: bigint, size: AccessSize, value: bigint): boolean {
    const device = this.#find(address, size);
    return device?.write(Number(address) - device.base, size, value) ?? false;
  }

  accepts(address: bigint, size: AccessSize): boolean {
    return this.#find(address, size) !== undefined;
  }

  #find(address: bigint, size: number): Device | undefined {
    return this.#devices.find(
      ({ base, sizeBytes }) => address >= base && address + BigInt(size) <= BigInt(base + sizeBytes),
    );
  }
}
