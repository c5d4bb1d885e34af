import assert from "node:assert/strict";
import type { BusMasterContext, DeviceMemory } from "../../src/devices/device.ts";
import type { VirtioDevice } from "../../src/devices/virtio-device.ts";
import { VirtioMmio, type VirtioTransport } from "../../src/devices/virtio-mmio.ts";

export const RAM = 0x8000_0000;
export const RAM_BYTES = 1024 * 1024;

export const REGISTER = {
  magic: 0x00,
  version: 0x04,
  deviceId: 0x08,
  deviceFeatures: 0x10,
  deviceFeaturesSel: 0x14,
  driverFeatures: 0x20,
  driverFeaturesSel: 0x24,
  guestPageSize: 0x28,
  queueSel: 0x30,
  queueNumMax: 0x34,
  queueNum: 0x38,
  queueAlign: 0x3c,
  queuePfn: 0x40,
  queueReady: 0x44,
  queueNotify: 0x50,
  interruptStatus: 0x60,
  interruptAck: 0x64,
  status: 0x70,
  queueDesc: 0x80,
  queueDriver: 0x90,
  queueDevice: 0xa0,
  configGeneration: 0xfc,
  config: 0x100,
} as const;

export const STATUS = {
  acknowledge: 1,
  driver: 2,
  driverOk: 4,
  featuresOk: 8,
  needsReset: 0x40,
  failed: 0x80,
} as const;
export const FEATURE = { indirect: 1n << 28n, eventIdx: 1n << 29n, version1: 1n << 32n } as const;
export const DESC = { next: 1, write: 2, indirect: 4 } as const;

/** RAM as a device sees it, without a machine. */
export class FakeMemory implements DeviceMemory {
  readonly bytes = new Uint8Array(RAM_BYTES);
  readonly view = new DataView(this.bytes.buffer);

  contains(address: number, length: number): boolean {
    return length > 0 && address >= RAM && address + length <= RAM + RAM_BYTES;
  }

  read(address: number, length: number): Uint8Array | undefined {
    return this.contains(address, length) ? this.bytes.slice(address - RAM, address - RAM + length) : undefined;
  }

  write(address: number, bytes: Uint8Array): boolean {
    if (!this.contains(address, bytes.length)) return false;
    this.bytes.set(bytes, address - RAM);
    return true;
  }
}

export function contextOf(memory: DeviceMemory): BusMasterContext {
  return { time: () => 0n, setTime: () => {}, attention: () => {}, memory };
}

/** A part of a buffer: bytes for the device, or room for it to write. */
export type Part = { readonly bytes: Uint8Array } | { readonly room: number };

interface Ring {
  readonly size: number;
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
  nextDescriptor: number;
  added: number;
  seen: number;
}

/** A driver as the specification wants it: negotiates, builds rings in a fake RAM, and collects what was used. */
export class Driver {
  readonly memory = new FakeMemory();
  readonly slot: VirtioMmio;
  readonly transport: VirtioTransport;
  readonly rings: Ring[] = [];
  #free = RAM;

  constructor(device: VirtioDevice, transport: VirtioTransport = "modern") {
    this.transport = transport;
    this.slot = new VirtioMmio("under test", 0x1000_1000, transport, device, contextOf(this.memory));
  }

  read(offset: number, size = 4): number {
    return Number(this.slot.read(offset, size));
  }

  write(offset: number, value: number, size = 4): void {
    assert.equal(this.slot.write(offset, size, BigInt(value >>> 0)), true);
  }

  offered(): bigint {
    return [0, 1].reduce((features, word) => {
      this.write(REGISTER.deviceFeaturesSel, word);
      return features | (BigInt(this.read(REGISTER.deviceFeatures)) << BigInt(word * 32));
    }, 0n);
  }

  /** Negotiates these features (VERSION_1 goes without saying) and sets up all queues. */
  start(features = 0n, queueSize = 8): void {
    const wanted = this.transport === "modern" ? features | FEATURE.version1 : features;
    this.write(REGISTER.status, 0);
    this.write(REGISTER.status, STATUS.acknowledge | STATUS.driver);
    for (const word of [0, 1]) {
      this.write(REGISTER.driverFeaturesSel, word);
      this.write(REGISTER.driverFeatures, Number((wanted >> BigInt(word * 32)) & 0xffff_ffffn));
    }
    const modern = this.transport === "modern";
    if (modern) {
      this.write(REGISTER.status, STATUS.acknowledge | STATUS.driver | STATUS.featuresOk);
      assert.notEqual(this.read(REGISTER.status) & STATUS.featuresOk, 0, "the features were refused");
    } else {
      this.write(REGISTER.guestPageSize, 4096);
    }
    this.rings.length = 0;
    for (let queue = 0; ; queue++) {
      this.write(REGISTER.queueSel, queue);
      if (this.read(REGISTER.queueNumMax) === 0) break;
      this.rings.push(this.#placeRing(queueSize));
    }
    this.write(REGISTER.status, this.read(REGISTER.status) | STATUS.driverOk);
  }

  /** Memory that nothing else uses. */
  allocate(length: number, align = 16): number {
    const address = Math.ceil(this.#free / align) * align;
    this.#free = address + length;
    assert.ok(this.#free <= RAM + RAM_BYTES, "the test is out of memory");
    return address;
  }

  place(bytes: Uint8Array): number {
    const address = this.allocate(Math.max(1, bytes.length));
    this.memory.bytes.set(bytes, address - RAM);
    return address;
  }

  at(address: number, length: number): Uint8Array {
    return this.memory.bytes.slice(address - RAM, address - RAM + length);
  }

  /** Writes one descriptor into a table. */
  describe(table: number, index: number, address: number, length: number, flags: number, next = 0): void {
    const at = table + index * 16 - RAM;
    this.memory.view.setBigUint64(at, BigInt(address), true);
    this.memory.view.setUint32(at + 8, length, true);
    this.memory.view.setUint16(at + 12, flags, true);
    this.memory.view.setUint16(at + 14, next, true);
  }

  /** Makes a buffer available; gives the head and the addresses of its parts. */
  add(queue: number, parts: readonly Part[], indirect = false): { head: number; addresses: number[] } {
    const ring = this.rings[queue];
    const addresses = parts.map((part) => ("bytes" in part ? this.place(part.bytes) : this.allocate(part.room)));
    const head = ring.nextDescriptor % ring.size;
    const table = indirect ? this.allocate(parts.length * 16) : ring.descriptors;
    const first = indirect ? 0 : head;
    parts.forEach((part, index) => {
      const last = index === parts.length - 1;
      const at = indirect ? index : (first + index) % ring.size;
      const flags = (last ? 0 : DESC.next) | ("room" in part ? DESC.write : 0);
      const length = "bytes" in part ? part.bytes.length : part.room;
      this.describe(table, at, addresses[index], length, flags, indirect ? index + 1 : (at + 1) % ring.size);
    });
    if (indirect) this.describe(ring.descriptors, head, table, parts.length * 16, DESC.indirect);
    ring.nextDescriptor += indirect ? 1 : parts.length;
    this.offer(queue, head);
    return { head, addresses };
  }

  /** Makes a chain available that begins at descriptor `head`. */
  offer(queue: number, head: number): void {
    const ring = this.rings[queue];
    this.memory.view.setUint16(ring.available + 4 + 2 * (ring.added % ring.size) - RAM, head, true);
    ring.added++;
    this.memory.view.setUint16(ring.available + 2 - RAM, ring.added & 0xffff, true);
  }

  notify(queue: number): void {
    this.write(REGISTER.queueNotify, queue);
  }

  /** What the device has given back since the last look. */
  used(queue: number): { id: number; written: number }[] {
    const ring = this.rings[queue];
    const end = this.memory.view.getUint16(ring.used + 2 - RAM, true);
    const entries: { id: number; written: number }[] = [];
    for (; (ring.seen & 0xffff) !== end; ring.seen++) {
      const at = ring.used + 4 + 8 * (ring.seen % ring.size) - RAM;
      entries.push({ id: this.memory.view.getUint32(at, true), written: this.memory.view.getUint32(at + 4, true) });
    }
    return entries;
  }

  get needsReset(): boolean {
    return (this.read(REGISTER.status) & STATUS.needsReset) !== 0;
  }

  #placeRing(size: number): Ring {
    this.write(REGISTER.queueNum, size);
    const descriptors = this.allocate(16 * size, 4096);
    let [available, used] = [descriptors + 16 * size, 0];
    if (this.transport === "legacy") {
      used = Math.ceil((available + 6 + 2 * size) / 4096) * 4096;
      this.allocate(used + 6 + 8 * size - available, 1);
      this.write(REGISTER.queueAlign, 4096);
      this.write(REGISTER.queuePfn, descriptors / 4096);
    } else {
      available = this.allocate(6 + 2 * size);
      used = this.allocate(6 + 8 * size);
      [descriptors, available, used].forEach((address, area) => {
        this.write(REGISTER.queueDesc + area * 16, address);
        this.write(REGISTER.queueDesc + area * 16 + 4, 0);
      });
      this.write(REGISTER.queueReady, 1);
    }
    return { size, descriptors, available, used, nextDescriptor: 0, added: 0, seen: 0 };
  }
}
