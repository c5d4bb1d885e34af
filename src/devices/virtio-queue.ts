import type { DeviceMemory } from "./device.ts";

/** Features of the queues themselves (virtio 1.2, section 6). */
export const VIRTIO_F_INDIRECT_DESC = 1n << 28n;
export const VIRTIO_F_EVENT_IDX = 1n << 29n;

const DESCRIPTOR_BYTES = 16;
const DESC_F_NEXT = 1 << 0;
const DESC_F_WRITE = 1 << 1;
const DESC_F_INDIRECT = 1 << 2;
const AVAIL_F_NO_INTERRUPT = 1 << 0;

/** Both rings begin with flags and idx, two bytes each. */
const RING_INDEX = 2;
const RING_ENTRIES = 4;
const AVAIL_ENTRY_BYTES = 2;
const USED_ENTRY_BYTES = 8;

const DESCRIPTOR_AREA = 0;
const DRIVER_AREA = 1;
const DEVICE_AREA = 2;

/**
 * Most descriptors of a chain that goes through an indirect table. The specification says the queue's size; Linux's
 * drivers make longer ones when a table has room for them, and QEMU takes as many as this.
 */
const LONGEST_CHAIN = 1024;

/** What a queue is told by the transport that it belongs to. */
export interface QueueHost {
  readonly memory: DeviceMemory;
  accepted(feature: bigint): boolean;
  /** The driver did what no driver may: nothing goes on until it resets the device. */
  fail(problem: string): void;
  /** The driver wants to know that a buffer was used. */
  interrupt(): void;
}

interface Segment {
  readonly address: number;
  readonly length: number;
}

/** A buffer that the driver made available: bytes for the device to read, then bytes for it to write. All are RAM. */
export class Chain {
  readonly head: number;
  readonly readableBytes: number;
  readonly writableBytes: number;
  readonly #memory: DeviceMemory;
  readonly #readable: readonly Segment[];
  readonly #writable: readonly Segment[];

  constructor(head: number, memory: DeviceMemory, readable: readonly Segment[], writable: readonly Segment[]) {
    this.head = head;
    this.#memory = memory;
    this.#readable = readable;
    this.#writable = writable;
    this.readableBytes = total(readable);
    this.writableBytes = total(writable);
  }

  /** A copy of what is to be read; fewer bytes where the readable part ends. The caller bounds `length`. */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.readableBytes - offset)));
    for (const { address, at, size } of pieces(this.#readable, offset, bytes.length)) {
      const piece = this.#memory.read(address, size);
      if (piece !== undefined) bytes.set(piece, at);
    }
    return bytes;
  }

  /** What does not fit into the writable part is left out. */
  write(offset: number, bytes: Uint8Array): void {
    for (const { address, at, size } of pieces(this.#writable, offset, bytes.length)) {
      this.#memory.write(address, bytes.subarray(at, at + size));
    }
  }
}

function total(segments: readonly Segment[]): number {
  return segments.reduce((sum, { length }) => sum + length, 0);
}

/** The stretches of memory that hold bytes `offset` to `offset + length` of the segments together. */
function* pieces(segments: readonly Segment[], offset: number, length: number) {
  let start = 0;
  for (const segment of segments) {
    const from = Math.max(start, offset);
    const to = Math.min(start + segment.length, offset + length);
    if (from < to) yield { address: segment.address + from - start, at: from - offset, size: to - from };
    start += segment.length;
    if (start >= offset + length) return;
  }
}

/**
 * A split virtqueue (virtio 1.2, section 2.7) from the device's side. Its registers are what the driver wrote, looked at
 * whenever the queue is used: nothing about them, or about what is in the driver's memory, is believed.
 */
export class Virtqueue {
  readonly maxSize: number;
  size = 0;
  ready = false;
  /**
   * Physical addresses of the descriptor table, the driver area (available ring) and the device area (used ring), each
   * as low and high word, which is how the driver writes them.
   */
  readonly areaWords = [0, 0, 0, 0, 0, 0];
  /** How many buffers were taken and used since the queue became ready, modulo 2^16 like the rings' own counts. */
  taken = 0;
  used = 0;
  readonly #host: QueueHost;

  constructor(maxSize: number, host: QueueHost) {
    this.maxSize = maxSize;
    this.#host = host;
  }

  reset(): void {
    this.size = 0;
    this.areaWords.fill(0);
    this.start(false);
  }

  start(ready: boolean): void {
    this.ready = ready;
    this.taken = 0;
    this.used = 0;
  }

  /** The next buffer; undefined when there is none, or when the driver has broken the queue. */
  take(): Chain | undefined {
    if (!this.ready) return undefined;
    const { size } = this;
    if (size === 0 || size > this.maxSize || (size & (size - 1)) !== 0) return this.#fail(`has an impossible size`);
    const driver = this.#area(DRIVER_AREA);
    const index = this.#read16(driver + RING_INDEX);
    if (index === undefined) return this.#fail("has its available ring outside of RAM");
    const waiting = (index - this.taken) & 0xffff;
    if (waiting === 0) return undefined;
    if (waiting > size) return this.#fail("has more buffers available than descriptors");
    const head = this.#read16(driver + RING_ENTRIES + AVAIL_ENTRY_BYTES * (this.taken % size));
    if (head === undefined) return this.#fail("has its available ring outside of RAM");
    const chain = this.#walk(head);
    if (chain === undefined) return undefined;
    this.taken = (this.taken + 1) & 0xffff;
    // avail_event, behind the used ring: the driver is to notify of the very next buffer.
    if (this.#host.accepted(VIRTIO_F_EVENT_IDX)) {
      const told = this.#write(
        this.#area(DEVICE_AREA) + RING_ENTRIES + USED_ENTRY_BYTES * size,
        Uint8Array.of(this.taken, this.taken >> 8),
      );
      if (!told) return this.#fail("has its used ring outside of RAM");
    }
    return chain;
  }

  /** Gives a buffer back, `written` bytes of whose writable part are new. */
  finish(chain: Chain, written: number): void {
    const driver = this.#area(DRIVER_AREA);
    const device = this.#area(DEVICE_AREA);
    const before = this.used;
    const entry = new Uint8Array(USED_ENTRY_BYTES);
    const view = new DataView(entry.buffer);
    view.setUint32(0, chain.head, true);
    view.setUint32(4, written, true);
    this.used = (this.used + 1) & 0xffff;
    const done =
      this.#write(device + RING_ENTRIES + USED_ENTRY_BYTES * (before % this.size), entry) &&
      this.#write(device + RING_INDEX, Uint8Array.of(this.used, this.used >> 8));
    if (!done) return this.#fail("has its used ring outside of RAM");
    // used_event, behind the available ring, names the buffer whose use the driver waits for.
    const wanted = this.#host.accepted(VIRTIO_F_EVENT_IDX)
      ? this.#read16(driver + RING_ENTRIES + AVAIL_ENTRY_BYTES * this.size) === before
      : ((this.#read16(driver) ?? 0) & AVAIL_F_NO_INTERRUPT) === 0;
    if (wanted) this.#host.interrupt();
  }

  #walk(head: number): Chain | undefined {
    const readable: Segment[] = [];
    const writable: Segment[] = [];
    let table = this.#area(DESCRIPTOR_AREA);
    let entries = this.size;
    let longest = this.size;
    let indirect = false;
    let index = head;
    for (let count = 0; ; count++) {
      if (index >= entries) return this.#fail("names a descriptor beyond its table");
      if (count >= longest) return this.#fail("has a chain of descriptors that is too long or a circle");
      const descriptor = this.#descriptor(table + index * DESCRIPTOR_BYTES);
      if (descriptor === undefined) return this.#fail("has descriptors outside of RAM");
      const { address, length, flags, next } = descriptor;
      if ((flags & DESC_F_INDIRECT) !== 0) {
        const allowed = !indirect && (flags & DESC_F_NEXT) === 0 && this.#host.accepted(VIRTIO_F_INDIRECT_DESC);
        if (!allowed) return this.#fail("has an indirect descriptor where none may be");
        if (length === 0 || length % DESCRIPTOR_BYTES !== 0) return this.#fail("has an indirect table of a bad length");
        indirect = true;
        table = address;
        entries = length / DESCRIPTOR_BYTES;
        longest = LONGEST_CHAIN;
        index = 0;
        continue;
      }
      if (length > 0) {
        if (!this.#host.memory.contains(address, length)) return this.#fail("has a buffer outside of RAM");
        const isWritable = (flags & DESC_F_WRITE) !== 0;
        if (!isWritable && writable.length > 0) return this.#fail("has a readable buffer behind a writable one");
        (isWritable ? writable : readable).push({ address, length });
      }
      if ((flags & DESC_F_NEXT) === 0) return new Chain(head, this.#host.memory, readable, writable);
      index = next;
    }
  }

  /** Above 2^53 the number is not exact, and far outside of RAM either way. */
  #area(index: number): number {
    return this.areaWords[index * 2] + this.areaWords[index * 2 + 1] * 2 ** 32;
  }

  #descriptor(address: number) {
    const bytes = this.#host.memory.read(address, DESCRIPTOR_BYTES);
    if (bytes === undefined) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return {
      address: view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32,
      length: view.getUint32(8, true),
      flags: view.getUint16(12, true),
      next: view.getUint16(14, true),
    };
  }

  #read16(address: number): number | undefined {
    const bytes = this.#host.memory.read(address, 2);
    return bytes === undefined ? undefined : bytes[0] | (bytes[1] << 8);
  }

  #write(address: number, bytes: Uint8Array): boolean {
    return this.#host.memory.write(address, bytes);
  }

  #fail(problem: string): undefined {
    this.#host.fail(problem);
  }
}
