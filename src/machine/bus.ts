import { assert } from "../base/assert.ts";
import type { Exception } from "../cpu/hart.ts";
import type { Device } from "../devices/device.ts";
import type { AccessSize } from "../isa/semantics.ts";

/** Finds the device that an address belongs to. */
export class Bus {
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

  /** `attempt` does what may make a device read or write RAM: as a whole, or not at all. */
  store(address: number, size: AccessSize, value: bigint, attempt: Attempting): boolean | Exception {
    const device = this.#find(address, size, "write");
    if (device === undefined) return false;
    const offset = address - device.base;
    if (device.reachesMemory?.(offset) !== true) return device.write(offset, size, value);
    return attempt(() => device.write(offset, size, value));
  }

  accepts(address: number, size: AccessSize): boolean {
    return this.#find(address, size, "write") !== undefined;
  }

  #find(address: number, size: number, access: "read" | "write"): Device | undefined {
    const device = this.#devices.find(({ base, sizeBytes }) => address >= base && address + size <= base + sizeBytes);
    if (!this.closed) return device;
    if (device !== undefined) this.refused ??= { device: device.name, address: BigInt(address), size, access };
    return undefined;
  }
}

type Attempting = (work: () => boolean) => boolean | Exception;

export interface RefusedAccess {
  readonly device: string;
  /** Physical. */
  readonly address: bigint;
  readonly size: number;
  readonly access: "read" | "write";
}
