import type { DeviceState } from "./device.ts";
import type { VirtioDevice, VirtioQueues } from "./virtio-device.ts";
import type { Chain } from "./virtio-queue.ts";

/** What a disk holds, in bytes; the machine keeps it and what was written to it. Never asked for what is beyond its end. */
export interface BlockStore {
  /** A multiple of 512. */
  readonly sizeBytes: number;
  read(offset: number, length: number): Uint8Array;
  write(offset: number, bytes: Uint8Array): void;
}

export const SECTOR_BYTES = 512;

const VIRTIO_BLK_F_SIZE_MAX = 1n << 1n;
const VIRTIO_BLK_F_SEG_MAX = 1n << 2n;
const VIRTIO_BLK_F_RO = 1n << 5n;
const VIRTIO_BLK_F_BLK_SIZE = 1n << 6n;
const VIRTIO_BLK_F_FLUSH = 1n << 9n;
const VIRTIO_BLK_F_WRITE_ZEROES = 1n << 14n;

const VIRTIO_BLK_T_IN = 0;
const VIRTIO_BLK_T_OUT = 1;
const VIRTIO_BLK_T_FLUSH = 4;
const VIRTIO_BLK_T_GET_ID = 8;
const VIRTIO_BLK_T_WRITE_ZEROES = 13;

const VIRTIO_BLK_S_OK = 0;
const VIRTIO_BLK_S_IOERR = 1;
const VIRTIO_BLK_S_UNSUPP = 2;

// Configuration space (virtio 1.2, section 5.2.4).
const CAPACITY = 0;
const SIZE_MAX = 8;
const SEG_MAX = 12;
const BLK_SIZE = 20;
const MAX_WRITE_ZEROES_SECTORS = 48;
const MAX_WRITE_ZEROES_SEG = 52;
const CONFIGURATION_BYTES = 60;

/** type, reserved, sector. */
const HEADER_BYTES = 16;
const ID_BYTES = 20;
/** sector, number of sectors, flags. */
const RANGE_BYTES = 16;

const QUEUE_SIZE = 256;
/** What a driver may put into a request, besides its header and its status. */
const MOST_SEGMENTS = QUEUE_SIZE - 2;
const MOST_SEGMENT_BYTES = 64 * 1024;
/** So a request has less than 16 MiB, and one notification a bounded amount of work. */
const MOST_REQUEST_BYTES = MOST_SEGMENTS * MOST_SEGMENT_BYTES;
const MOST_ZEROED_BYTES = 4 * 1024 * 1024;

/** What becomes of a request: its status, and how many bytes of data it wrote from the beginning of its buffer. */
interface Answer {
  readonly status: number;
  readonly written: number;
}

const OK: Answer = { status: VIRTIO_BLK_S_OK, written: 0 };
const FAILED: Answer = { status: VIRTIO_BLK_S_IOERR, written: 0 };

/** Block device (virtio 1.2, section 5.2). A write is on the disk when it is done, so that a flush has nothing to do. */
export class VirtioBlock implements VirtioDevice {
  readonly kind = "block";
  readonly id = 2;
  readonly features: bigint;
  readonly queueSizes = [QUEUE_SIZE];
  readonly #store: BlockStore;
  readonly #readOnly: boolean;
  readonly #serial: string;
  readonly #configuration: Uint8Array;
  #queues!: VirtioQueues;

  constructor(store: BlockStore, readOnly: boolean, serial: string) {
    this.#store = store;
    this.#readOnly = readOnly;
    this.#serial = serial;
    this.features =
      VIRTIO_BLK_F_SIZE_MAX |
      VIRTIO_BLK_F_SEG_MAX |
      VIRTIO_BLK_F_BLK_SIZE |
      VIRTIO_BLK_F_FLUSH |
      (readOnly ? VIRTIO_BLK_F_RO : VIRTIO_BLK_F_WRITE_ZEROES);
    this.#configuration = new Uint8Array(CONFIGURATION_BYTES);
    const view = new DataView(this.#configuration.buffer);
    view.setBigUint64(CAPACITY, BigInt(store.sizeBytes / SECTOR_BYTES), true);
    view.setUint32(SIZE_MAX, MOST_SEGMENT_BYTES, true);
    view.setUint32(SEG_MAX, MOST_SEGMENTS, true);
    view.setUint32(BLK_SIZE, SECTOR_BYTES, true);
    if (readOnly) return;
    view.setUint32(MAX_WRITE_ZEROES_SECTORS, MOST_ZEROED_BYTES / SECTOR_BYTES, true);
    view.setUint32(MAX_WRITE_ZEROES_SEG, 1, true);
  }

  attach(queues: VirtioQueues): void {
    this.#queues = queues;
  }

  configuration(): Uint8Array {
    return this.#configuration;
  }

  notified(queue: number): void {
    this.#queues.serve(queue, (chain) => this.#request(queue, chain));
  }

  reset(): void {}

  /** What the disk holds is saved like RAM. */
  save(): DeviceState {
    return {};
  }

  restore(): void {}

  #request(queue: number, chain: Chain): number {
    if (chain.readableBytes < HEADER_BYTES || chain.writableBytes === 0) {
      this.#queues.fail(queue, "has a request without a header or without room for its status");
      return 0;
    }
    const { status, written } = this.#answer(chain);
    const statusAt = chain.writableBytes - 1;
    chain.write(statusAt, Uint8Array.of(status));
    return written === statusAt ? written + 1 : written;
  }

  #answer(chain: Chain): Answer {
    const header = viewOf(chain.read(0, HEADER_BYTES));
    const sector = header.getBigUint64(8, true);
    switch (header.getUint32(0, true)) {
      case VIRTIO_BLK_T_IN:
        return this.#in(chain, sector);
      case VIRTIO_BLK_T_OUT:
        return this.#out(chain, sector);
      case VIRTIO_BLK_T_FLUSH:
        return OK;
      case VIRTIO_BLK_T_GET_ID:
        return this.#getId(chain);
      case VIRTIO_BLK_T_WRITE_ZEROES:
        return this.#writeZeroes(chain);
      default:
        return { status: VIRTIO_BLK_S_UNSUPP, written: 0 };
    }
  }

  #in(chain: Chain, sector: bigint): Answer {
    const length = chain.writableBytes - 1;
    const offset = this.#place(sector, length);
    if (offset === undefined) return FAILED;
    chain.write(0, this.#store.read(offset, length));
    return { status: VIRTIO_BLK_S_OK, written: length };
  }

  #out(chain: Chain, sector: bigint): Answer {
    const length = chain.readableBytes - HEADER_BYTES;
    const offset = this.#place(sector, length);
    if (offset === undefined || this.#readOnly) return FAILED;
    this.#store.write(offset, chain.read(HEADER_BYTES, length));
    return OK;
  }

  #getId(chain: Chain): Answer {
    const id = new Uint8Array(ID_BYTES);
    new TextEncoder().encodeInto(this.#serial, id);
    const length = Math.min(ID_BYTES, chain.writableBytes - 1);
    chain.write(0, id.subarray(0, length));
    return { status: VIRTIO_BLK_S_OK, written: length };
  }

  #writeZeroes(chain: Chain): Answer {
    if (this.#readOnly) return { status: VIRTIO_BLK_S_UNSUPP, written: 0 };
    // One range, as the configuration space says; it may be unmapped, which is the same here.
    if (chain.readableBytes !== HEADER_BYTES + RANGE_BYTES) return FAILED;
    const range = viewOf(chain.read(HEADER_BYTES, RANGE_BYTES));
    const length = range.getUint32(8, true) * SECTOR_BYTES;
    const offset = this.#place(range.getBigUint64(0, true), length);
    if (offset === undefined || length > MOST_ZEROED_BYTES) return FAILED;
    this.#store.write(offset, new Uint8Array(length));
    return OK;
  }

  /** Where a request's data are, in bytes; undefined when they are no whole sectors of this disk, or too many. */
  #place(sector: bigint, length: number): number | undefined {
    if (length % SECTOR_BYTES !== 0 || length > MOST_REQUEST_BYTES) return undefined;
    const end = sector * BigInt(SECTOR_BYTES) + BigInt(length);
    return end > BigInt(this.#store.sizeBytes) ? undefined : Number(sector) * SECTOR_BYTES;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
