import { assert } from "../base/assert.ts";
import type { DeviceBus } from "../cpu/data-access.ts";
import type { Device } from "../devices/device.ts";
import type { AccessSize } from "../isa/semantics.ts";

/** Finds the device that an address belongs to. */
export class Bus implements DeviceBus {
  readonly #devices: readonly Device[];
  /** While it is closed no device answers. */
  closed = false;
  /** What was asked of a device while the bus was closed, first. */
  refused: RefusedAccess | undefined;

  constructor(devices: readonly Device[]) {
    this.#devices = [...devices].sort((a, b) => a.base - b.base);
    this.#devices.forEach((device, index) => {
      const next = this.#devices[index + 1];
      assert(next === undefined || device.base + device.sizeBytes <= next.base, `${device.name} overlaps`);
    });
  }

  load(address: bigint, size: AccessSize): bigint | undefined {
    const device = this.#find(address, size, "read");
    return device?.read(Number(address) - device.base, size);
  }

  store(address: bigint, size: AccessSize, value: bigint): boolean {
    const device = this.#find(address, size, "write");
    return device?.write(Number(address) - device.base, size, value) ?? false;
  }

  /** Whether a store may make a device read or write RAM. */
  reachesMemory(address: bigint, size: AccessSize): boolean {
    if (this.closed) return false;
    const device = this.#find(address, size, "write");
    return device?.reachesMemory?.(Number(address) - device.base) === true;
  }

  accepts(address: bigint, size: AccessSize): boolean {
    return this.#find(address, size, "write") !== undefined;
  }

  #find(address: bigint, size: number, access: "read" | "write"): Device | undefined {
    const device = this.#devices.find(
      ({ base, sizeBytes }) => address >= base && address + BigInt(size) <= BigInt(base + sizeBytes),
    );
    if (!this.closed) return device;
    if (device !== undefined) this.refused ??= { device: device.name, address, size, access };
    return undefined;
  }
}

export interface RefusedAccess {
  readonly device: string;
  /** Physical. */
  readonly address: bigint;
  readonly size: number;
  readonly access: "read" | "write";
}
