import type { DeviceState } from "./device.ts";
import type { VirtioDevice, VirtioQueues } from "./virtio-device.ts";
import type { Chain } from "./virtio-queue.ts";

const RECEIVE_QUEUE = 0;
const TRANSMIT_QUEUE = 1;

const VIRTIO_NET_F_MAC = 1n << 5n;
const VIRTIO_NET_F_STATUS = 1n << 16n;
const VIRTIO_F_VERSION_1 = 1n << 32n;
const VIRTIO_NET_S_LINK_UP = 1;

/** struct virtio_net_hdr; before the standard, and without mergeable buffers, it had no num_buffers. */
const HEADER_BYTES = 12;
const LEGACY_HEADER_BYTES = 10;
const NUM_BUFFERS = 10;

/** 1500 bytes behind an Ethernet header, with a VLAN's tag: longer ones are dropped, both ways. */
const MOST_FRAME_BYTES = 1518;
const LEAST_FRAME_BYTES = 14;
/** Frames that wait for the driver to give buffers; more are dropped, as any card does. */
const MOST_WAITING_FRAMES = 64;

/** What QEMU gives its first card. */
export const GUEST_MAC: readonly number[] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

/** Network card (virtio 1.2, section 5.1), one pair of queues, nothing offloaded. The link is always up. */
export class VirtioNet implements VirtioDevice {
  readonly kind = "network";
  readonly id = 1;
  readonly features = VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS;
  readonly queueSizes = [256, 256];
  readonly #output: (frame: Uint8Array) => void;
  #queues!: VirtioQueues;
  /** Frames without buffer, oldest first. */
  #waiting: Uint8Array[] = [];

  /** `output` hears every frame that the guest sends. */
  constructor(output: (frame: Uint8Array) => void) {
    this.#output = output;
  }

  attach(queues: VirtioQueues): void {
    this.#queues = queues;
  }

  configuration(): Uint8Array {
    return Uint8Array.of(...GUEST_MAC, VIRTIO_NET_S_LINK_UP, 0);
  }

  notified(queue: number): void {
    if (queue === RECEIVE_QUEUE) this.#deliver();
    else if (queue === TRANSMIT_QUEUE) this.#queues.serve(TRANSMIT_QUEUE, (chain) => this.#transmit(chain));
  }

  /** A frame from the network. A card without a driver hears nothing. */
  receive(frame: Uint8Array): void {
    if (!this.#queues.started || frame.length > MOST_FRAME_BYTES || frame.length < LEAST_FRAME_BYTES) return;
    if (this.#waiting.length >= MOST_WAITING_FRAMES) return;
    this.#waiting.push(frame);
    this.#deliver();
  }

  reset(): void {
    this.#waiting = [];
  }

  save(): DeviceState {
    return { waiting: this.#waiting.map((frame) => hexOf(frame)) };
  }

  restore(state: DeviceState): void {
    this.#waiting = (state.waiting as readonly string[]).map(bytesOf);
  }

  get #headerBytes(): number {
    return this.#queues.accepted(VIRTIO_F_VERSION_1) ? HEADER_BYTES : LEGACY_HEADER_BYTES;
  }

  #deliver(): void {
    while (this.#waiting.length > 0) {
      const chain = this.#queues.take(RECEIVE_QUEUE);
      if (chain === undefined) return;
      const frame = this.#waiting.shift()!;
      const header = new Uint8Array(this.#headerBytes);
      if (header.length > NUM_BUFFERS) header[NUM_BUFFERS] = 1;
      chain.write(0, header);
      // A frame that its buffer has no room for is lost, and the driver sees one of no length.
      const fits = header.length + frame.length <= chain.writableBytes;
      if (fits) chain.write(header.length, frame);
      this.#queues.finish(
        RECEIVE_QUEUE,
        chain,
        Math.min(header.length + (fits ? frame.length : 0), chain.writableBytes),
      );
    }
  }

  #transmit(chain: Chain): number {
    const length = chain.readableBytes - this.#headerBytes;
    if (length >= LEAST_FRAME_BYTES && length <= MOST_FRAME_BYTES) this.#output(chain.read(this.#headerBytes, length));
    return 0;
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hexOf(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += HEX[byte];
  return hex;
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) =>
    Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16),
  );
}
