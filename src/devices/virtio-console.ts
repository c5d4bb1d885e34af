import { ByteQueue } from "./byte-queue.ts";
import type { DeviceState } from "./device.ts";
import type { VirtioDevice, VirtioQueues } from "./virtio-device.ts";
import type { Chain } from "./virtio-queue.ts";

const RECEIVE = 0;
const TRANSMIT = 1;
const QUEUE_SIZE = 64;
const VIRTIO_CONSOLE_F_EMERG_WRITE = 1n << 2n;

// Configuration space (virtio 1.2, section 5.3.4): cols and rows, max_nr_ports, emerg_wr.
const EMERG_WR = 8;
const CONFIGURATION_BYTES = 12;

/** Console drivers send a page or less at once. */
const MOST_BYTES = 64 * 1024;

/** Console device with one port (virtio 1.2, section 5.3). Input waits, however much, until the driver has a buffer. */
export class VirtioConsole implements VirtioDevice {
  readonly kind = "console";
  readonly id = 3;
  readonly features = VIRTIO_CONSOLE_F_EMERG_WRITE;
  readonly queueSizes = [QUEUE_SIZE, QUEUE_SIZE];
  readonly #send: (byte: number) => void;
  readonly #received = new ByteQueue();
  #queues!: VirtioQueues;

  constructor(send: (byte: number) => void) {
    this.#send = send;
  }

  attach(queues: VirtioQueues): void {
    this.#queues = queues;
  }

  /** A driver has the console in its hands: input is for it. */
  get active(): boolean {
    return this.#queues.running && this.#queues.started;
  }

  /** Bytes arrive for the guest. */
  receive(bytes: Iterable<number>): void {
    this.#received.push(bytes);
    this.#deliver();
  }

  configuration(): Uint8Array {
    return new Uint8Array(CONFIGURATION_BYTES);
  }

  writeConfiguration(offset: number, bytes: Uint8Array): void {
    if (offset === EMERG_WR) this.#send(bytes[0]);
  }

  notified(queue: number): void {
    if (queue === RECEIVE) this.#deliver();
    else this.#queues.serve(TRANSMIT, (chain) => this.#transmit(chain));
  }

  /** What nobody has taken still waits. */
  reset(): void {}

  save(): DeviceState {
    return { received: this.#received.contents() };
  }

  restore(state: DeviceState): void {
    this.#received.clear();
    this.#received.push(state.received as readonly number[]);
  }

  #deliver(): void {
    // Buffers without room are given back empty; there are at most as many as the queue holds.
    for (let count = QUEUE_SIZE; count > 0 && this.#received.length > 0; count--) {
      const chain = this.#queues.take(RECEIVE);
      if (chain === undefined) return;
      const bytes: number[] = [];
      while (bytes.length < chain.writableBytes && this.#received.length > 0) bytes.push(this.#received.shift()!);
      chain.write(0, Uint8Array.from(bytes));
      this.#queues.finish(RECEIVE, chain, bytes.length);
    }
  }

  #transmit(chain: Chain): number {
    if (chain.readableBytes > MOST_BYTES) this.#queues.fail(TRANSMIT, `sends more than ${MOST_BYTES} bytes at once`);
    else for (const byte of chain.read(0, MOST_BYTES)) this.#send(byte);
    return 0;
  }
}
