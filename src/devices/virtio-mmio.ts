import type { BusMasterContext, Device, DeviceState } from "./device.ts";
import type { VirtioDevice, VirtioQueues } from "./virtio-device.ts";
import { type Chain, VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC, Virtqueue } from "./virtio-queue.ts";

/** "modern" is version 2 of the registers (virtio 1.0 and later), "legacy" version 1, as before the standard. */
export type VirtioTransport = "modern" | "legacy";

// Registers (virtio 1.2, sections 4.2.2 and 4.2.4), in the specification's order. Some are there in one version only.
const MAGIC_VALUE = 0x000;
const VERSION = 0x004;
const DEVICE_ID = 0x008;
const VENDOR_ID = 0x00c;
const DEVICE_FEATURES = 0x010;
const DEVICE_FEATURES_SEL = 0x014;
const DRIVER_FEATURES = 0x020;
const DRIVER_FEATURES_SEL = 0x024;
const GUEST_PAGE_SIZE = 0x028; // legacy
const QUEUE_SEL = 0x030;
const QUEUE_NUM_MAX = 0x034;
const QUEUE_NUM = 0x038;
const QUEUE_ALIGN = 0x03c; // legacy
const QUEUE_PFN = 0x040; // legacy
const QUEUE_READY = 0x044; // modern, like all that follow except for the interrupt, the status and notifications
const QUEUE_NOTIFY = 0x050;
const INTERRUPT_STATUS = 0x060;
const INTERRUPT_ACK = 0x064;
const STATUS = 0x070;
const QUEUE_AREAS = 0x080; // descriptor, driver and device area: 16 bytes apart, low half and high half
const QUEUE_AREAS_END = 0x0a8;
const SHARED_MEMORY = 0x0b0; // length and base of a region
const SHARED_MEMORY_END = 0x0c0;
const CONFIG_GENERATION = 0x0fc;
const CONFIGURATION = 0x100;
/** Registers that are written often, and only set something in the device. */
const KEPT_TO_ITSELF: ReadonlySet<number> = new Set([
  ...[DEVICE_FEATURES_SEL, DRIVER_FEATURES_SEL, DRIVER_FEATURES, QUEUE_SEL, QUEUE_NUM, INTERRUPT_ACK],
]);

/** "virt" */
const MAGIC = 0x7472_6976;
/** "HIND" */
const VENDOR = 0x444e_4948;
export const VIRTIO_SLOT_BYTES = 0x1000;

const INTERRUPT_USED_BUFFER = 1 << 0;
const INTERRUPT_CONFIGURATION = 1 << 1;

const STATUS_DRIVER_OK = 1 << 2;
const STATUS_FEATURES_OK = 1 << 3;
const STATUS_NEEDS_RESET = 1 << 6;
const STATUS_FAILED = 1 << 7;

const VIRTIO_F_ANY_LAYOUT = 1n << 27n;
const VIRTIO_F_VERSION_1 = 1n << 32n;
const TRANSPORT_FEATURES: Readonly<Record<VirtioTransport, bigint>> = {
  modern: VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1,
  legacy: VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_ANY_LAYOUT,
};

/** Until a legacy driver says otherwise. */
const LEGACY_PAGE_BYTES = 4096;

/** One slot of virtio over MMIO (virtio 1.2, section 4.2) with a device in it: registers, features, queues, interrupt. */
export class VirtioMmio implements Device, VirtioQueues {
  readonly name: string;
  readonly base: number;
  readonly sizeBytes = VIRTIO_SLOT_BYTES;
  readonly #context: BusMasterContext;
  readonly #transport: VirtioTransport;
  readonly #device: VirtioDevice;
  readonly #offered: bigint;
  readonly #queues: readonly Virtqueue[];
  readonly #queueAlign: number[];
  readonly #queuePfn: number[];
  #deviceFeaturesSel = 0;
  #driverFeaturesSel = 0;
  #accepted = 0n;
  #guestPageBytes = LEGACY_PAGE_BYTES;
  #queueSel = 0;
  #interruptStatus = 0;
  #status = 0;
  #configGeneration = 0;
  /** What the driver did that no driver may; "" when nothing. */
  #problem = "";

  constructor(name: string, base: number, transport: VirtioTransport, device: VirtioDevice, context: BusMasterContext) {
    this.name = name;
    this.base = base;
    this.#transport = transport;
    this.#device = device;
    this.#context = context;
    this.#offered = TRANSPORT_FEATURES[transport] | device.features;
    this.#queues = device.queueSizes.map((maxSize, queue) => {
      return new Virtqueue(maxSize, {
        memory: context.memory,
        accepted: (feature) => this.accepted(feature),
        fail: (problem) => this.fail(queue, problem),
        interrupt: () => this.#interrupt(INTERRUPT_USED_BUFFER),
      });
    });
    this.#queueAlign = this.#queues.map(() => 0);
    this.#queuePfn = this.#queues.map(() => 0);
    device.attach(this);
  }

  /** Level of the interrupt line. */
  interrupt(): boolean {
    return this.#interruptStatus !== 0;
  }

  get running(): boolean {
    if (this.#problem !== "" || (this.#status & STATUS_FAILED) !== 0) return false;
    // Drivers from before the standard use their queues before they say so (section 3.1.2).
    return this.#transport === "legacy" || this.started;
  }

  get started(): boolean {
    return (this.#status & STATUS_DRIVER_OK) !== 0;
  }

  accepted(features: bigint): boolean {
    return (this.#accepted & features) === features;
  }

  take(queue: number): Chain | undefined {
    return this.running ? this.#queues[queue].take() : undefined;
  }

  finish(queue: number, chain: Chain, written: number): void {
    this.#queues[queue].finish(chain, written);
  }

  serve(queue: number, answer: (chain: Chain) => number): void {
    // What the device writes may lie over the available ring, which then never ends: no honest driver has more waiting.
    for (let count = this.#queues[queue].size; count > 0; count--) {
      const chain = this.take(queue);
      if (chain === undefined) return;
      const written = answer(chain);
      if (this.running) this.finish(queue, chain, written);
    }
  }

  configurationChanged(): void {
    this.#configGeneration = (this.#configGeneration + 1) >>> 0;
    if (this.started) this.#interrupt(INTERRUPT_CONFIGURATION);
  }

  fail(queue: number, problem: string): void {
    if (this.#problem !== "") return;
    this.#problem = `queue ${queue} ${problem}`;
    // Section 2.1.2; a legacy driver knows nothing of it and waits.
    if (this.started) this.#interrupt(INTERRUPT_CONFIGURATION);
  }

  read(offset: number, sizeBytes: number): bigint | undefined {
    if (offset >= CONFIGURATION) return this.#readConfiguration(offset - CONFIGURATION, sizeBytes);
    if (sizeBytes !== 4) return undefined;
    return BigInt(this.#readRegister(offset) >>> 0);
  }

  write(offset: number, sizeBytes: number, value: bigint): boolean {
    if (offset >= CONFIGURATION) {
      this.#writeConfiguration(offset - CONFIGURATION, sizeBytes, value);
      return true;
    }
    if (sizeBytes !== 4) return false;
    const word = Number(value & 0xffff_ffffn);
    if (this.#transport === "legacy") this.#writeLegacy(offset, word);
    else this.#writeModern(offset, word);
    return true;
  }

  reachesMemory(offset: number): boolean {
    return offset < CONFIGURATION && !KEPT_TO_ITSELF.has(offset);
  }

  nextDeadline(): undefined {
    return undefined;
  }

  save(): DeviceState {
    return {
      status: this.#status,
      problem: this.#problem,
      interruptStatus: this.#interruptStatus,
      acceptedFeatures: String(this.#accepted),
      deviceFeaturesSel: this.#deviceFeaturesSel,
      driverFeaturesSel: this.#driverFeaturesSel,
      configGeneration: this.#configGeneration,
      guestPageBytes: this.#guestPageBytes,
      queueSel: this.#queueSel,
      queueSize: this.#queues.map(({ size }) => size),
      queueReady: this.#queues.map(({ ready }) => (ready ? 1 : 0)),
      queueAreas: this.#queues.flatMap(({ areaWords }) => areaWords),
      queueTaken: this.#queues.map(({ taken }) => taken),
      queueUsed: this.#queues.map(({ used }) => used),
      queueAlign: [...this.#queueAlign],
      queuePfn: [...this.#queuePfn],
      ...this.#device.save(),
    };
  }

  restore(state: DeviceState): void {
    const numbers = (name: string) => state[name] as readonly number[];
    this.#status = Number(state.status);
    this.#problem = String(state.problem);
    this.#interruptStatus = Number(state.interruptStatus);
    this.#accepted = BigInt(state.acceptedFeatures as string);
    this.#deviceFeaturesSel = Number(state.deviceFeaturesSel);
    this.#driverFeaturesSel = Number(state.driverFeaturesSel);
    this.#configGeneration = Number(state.configGeneration);
    this.#guestPageBytes = Number(state.guestPageBytes);
    this.#queueSel = Number(state.queueSel);
    this.#queues.forEach((queue, index) => {
      queue.size = numbers("queueSize")[index];
      queue.ready = numbers("queueReady")[index] === 1;
      for (let word = 0; word < 6; word++) queue.areaWords[word] = numbers("queueAreas")[index * 6 + word];
      queue.taken = numbers("queueTaken")[index];
      queue.used = numbers("queueUsed")[index];
      this.#queueAlign[index] = numbers("queueAlign")[index];
      this.#queuePfn[index] = numbers("queuePfn")[index];
    });
    this.#device.restore(state);
  }

  #readRegister(offset: number): number {
    const legacy = this.#transport === "legacy";
    const queue = this.#queues[this.#queueSel];
    switch (offset) {
      case MAGIC_VALUE:
        return MAGIC;
      case VERSION:
        return legacy ? 1 : 2;
      case DEVICE_ID:
        return this.#device.id;
      case VENDOR_ID:
        return VENDOR;
      case DEVICE_FEATURES:
        return featureWord(this.#offered, this.#deviceFeaturesSel);
      case QUEUE_NUM_MAX:
        return queue?.maxSize ?? 0;
      case QUEUE_PFN:
        return legacy ? (this.#queuePfn[this.#queueSel] ?? 0) : 0;
      case QUEUE_READY:
        return !legacy && queue?.ready ? 1 : 0;
      case INTERRUPT_STATUS:
        return this.#interruptStatus;
      case STATUS:
        return this.#status | (!legacy && this.#problem !== "" ? STATUS_NEEDS_RESET : 0);
      case CONFIG_GENERATION:
        return legacy ? 0 : this.#configGeneration;
      default:
        // A region of shared memory that is not there has all ones for length and base (section 4.2.2).
        return !legacy && offset >= SHARED_MEMORY && offset < SHARED_MEMORY_END ? -1 : 0;
    }
  }

  /** Registers that are there in both versions. */
  #writeCommon(offset: number, value: number): void {
    switch (offset) {
      case DEVICE_FEATURES_SEL:
        this.#deviceFeaturesSel = value;
        break;
      case DRIVER_FEATURES_SEL:
        this.#driverFeaturesSel = value;
        break;
      case DRIVER_FEATURES:
        this.#acceptFeatures(value);
        break;
      case QUEUE_SEL:
        this.#queueSel = value;
        break;
      case QUEUE_NUM:
        if (this.#queueSel < this.#queues.length) this.#queues[this.#queueSel].size = value;
        break;
      case QUEUE_NOTIFY:
        if (this.running && value < this.#queues.length && this.#queues[value].ready) this.#device.notified(value);
        break;
      case INTERRUPT_ACK:
        this.#interruptStatus &= ~value;
        this.#context.attention();
        break;
      case STATUS:
        this.#writeStatus(value & 0xff);
        break;
      default: // Registers that are read-only, and what lies between them.
        break;
    }
  }

  #writeModern(offset: number, value: number): void {
    const queue = this.#queues[this.#queueSel];
    if (offset === QUEUE_READY) {
      const ready = (value & 1) !== 0;
      if (queue !== undefined && queue.ready !== ready) queue.start(ready);
    } else if (offset >= QUEUE_AREAS && offset < QUEUE_AREAS_END) {
      const register = (offset - QUEUE_AREAS) / 4;
      // Each area has four words, two of them unused.
      if (queue !== undefined && register % 4 < 2)
        queue.areaWords[Math.floor(register / 4) * 2 + (register % 4)] = value;
    } else {
      this.#writeCommon(offset, value);
    }
  }

  #writeLegacy(offset: number, value: number): void {
    switch (offset) {
      case GUEST_PAGE_SIZE:
        this.#guestPageBytes = value;
        break;
      case QUEUE_ALIGN:
        if (this.#queueSel < this.#queues.length) this.#queueAlign[this.#queueSel] = value;
        break;
      case QUEUE_PFN:
        if (this.#queueSel < this.#queues.length) this.#placeLegacy(this.#queueSel, value);
        break;
      default:
        this.#writeCommon(offset, value);
    }
  }

  /** The three areas of a legacy queue lie behind one another, the used ring at the next multiple of QueueAlign. */
  #placeLegacy(index: number, pfn: number): void {
    const queue = this.#queues[index];
    const table = pfn * this.#guestPageBytes;
    const available = table + queue.size * 16;
    const end = available + 2 * (3 + queue.size);
    const align = Math.max(1, this.#queueAlign[index]);
    this.#queuePfn[index] = pfn;
    [table, available, Math.ceil(end / align) * align].forEach((address, area) => {
      queue.areaWords[area * 2] = address % 2 ** 32;
      queue.areaWords[area * 2 + 1] = Math.floor(address / 2 ** 32);
    });
    queue.start(pfn !== 0);
  }

  #acceptFeatures(word: number): void {
    // Section 2.2.1: the choice is made once.
    const settled = this.#transport === "legacy" ? STATUS_DRIVER_OK : STATUS_FEATURES_OK;
    if ((this.#status & settled) !== 0 || this.#driverFeaturesSel > 1) return;
    const shift = BigInt(this.#driverFeaturesSel * 32);
    this.#accepted = (this.#accepted & ~(0xffff_ffffn << shift)) | (BigInt(word) << shift);
    // A legacy driver is not told that it asked for too much.
    if (this.#transport === "legacy") this.#accepted &= this.#offered;
  }

  #writeStatus(value: number): void {
    if (value === 0) return this.#reset();
    let status = value & ~STATUS_NEEDS_RESET;
    if (this.#transport === "modern" && (status & ~this.#status & STATUS_FEATURES_OK) !== 0) {
      const possible = (this.#accepted & ~this.#offered) === 0n && this.accepted(VIRTIO_F_VERSION_1);
      if (!possible) status &= ~STATUS_FEATURES_OK;
    }
    this.#status = status;
  }

  #reset(): void {
    this.#status = 0;
    this.#problem = "";
    this.#interruptStatus = 0;
    this.#accepted = 0n;
    this.#deviceFeaturesSel = 0;
    this.#driverFeaturesSel = 0;
    this.#guestPageBytes = LEGACY_PAGE_BYTES;
    this.#queueSel = 0;
    for (const queue of this.#queues) queue.reset();
    this.#queueAlign.fill(0);
    this.#queuePfn.fill(0);
    this.#device.reset();
    this.#context.attention();
  }

  #readConfiguration(offset: number, sizeBytes: number): bigint {
    const bytes = this.#device.configuration();
    let value = 0n;
    for (let index = 0; index < sizeBytes; index++) {
      value |= BigInt(bytes[offset + index] ?? 0) << BigInt(index * 8);
    }
    return value;
  }

  #writeConfiguration(offset: number, sizeBytes: number, value: bigint): void {
    if (offset + sizeBytes > this.#device.configuration().length) return;
    const bytes = Uint8Array.from({ length: sizeBytes }, (_, index) => Number((value >> BigInt(index * 8)) & 0xffn));
    this.#device.writeConfiguration?.(offset, bytes);
  }

  #interrupt(cause: number): void {
    this.#interruptStatus |= cause;
    this.#context.attention();
  }
}

function featureWord(features: bigint, select: number): number {
  return select > 1 ? 0 : Number((features >> BigInt(select * 32)) & 0xffff_ffffn);
}

/** Slots without a device: they say that they are virtio, and that there is nothing (section 4.2.3.1.1). */
export class EmptyVirtioSlots implements Device {
  readonly name = "virtio-empty";
  readonly base: number;
  readonly sizeBytes: number;
  readonly #transport: VirtioTransport;

  constructor(base: number, slots: number, transport: VirtioTransport) {
    this.base = base;
    this.sizeBytes = slots * VIRTIO_SLOT_BYTES;
    this.#transport = transport;
  }

  read(offset: number, sizeBytes: number): bigint | undefined {
    const register = offset % VIRTIO_SLOT_BYTES;
    if (register < CONFIGURATION && sizeBytes !== 4) return undefined;
    if (register === MAGIC_VALUE) return BigInt(MAGIC);
    if (register === VERSION) return this.#transport === "legacy" ? 1n : 2n;
    return register === VENDOR_ID ? BigInt(VENDOR) : 0n;
  }

  write(offset: number, sizeBytes: number, _value: bigint): boolean {
    return offset % VIRTIO_SLOT_BYTES >= CONFIGURATION || sizeBytes === 4;
  }

  nextDeadline(): undefined {
    return undefined;
  }

  save(): DeviceState {
    return {};
  }

  restore(): void {}
}
