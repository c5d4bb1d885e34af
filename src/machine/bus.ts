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

  load(address: number, size: AccessSize): bigint | undefined {
    const device = this.#find(address, size, "read");
    return device?.read(address - device.base, size);
  }

  store(address: number, size: AccessSize, value: bigint): boolean {
    const device = this.#find(address, size, "write");
    return device?.write(address - device.base, size, value) ?? false;
  }

  /** Whether a store may make a device read or write RAM. */
  reachesMemory(address: number, size: AccessSize): boolean {
    if (this.closed) return false;
    const device = this.#find(address, size, "write");
    return device?.reachesMemory?.(address - device.base) === true;
  }

  accepts(address: number, size: AccessSize): boolean {
    return this.#find(address, size, "write") !== undefined;
  }

  #find(address: number, size: number, access: "read" | "write"): Device | undefined {
    let device: Device | undefined;
    for (const each of this.#devices) {
      if (address < each.base || address + size > each.base + each.sizeBytes) continue;
      device = each;
      break;
    }
    if (!this.closed) return device;
    if (device !== undefined) this.refused ??= { device: device.name, address: BigInt(address), size, access };
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
