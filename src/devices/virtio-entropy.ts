import { Prng } from "../base/prng.ts";
import type { DeviceState } from "./device.ts";
import type { VirtioDevice, VirtioQueues } from "./virtio-device.ts";

const QUEUE_SIZE = 64;
/** A device may give less than there is room for; drivers ask for some hundred bytes. */
const MOST_BYTES = 64 * 1024;

/**
 * Entropy device (virtio 1.2, section 5.4): the numbers follow from the machine's seed, so that a run can be repeated.
 * They are as good as a simulation needs, and no secret.
 */
export class VirtioEntropy implements VirtioDevice {
  readonly kind = "entropy";
  readonly id = 4;
  readonly features = 0n;
  readonly queueSizes = [QUEUE_SIZE];
  readonly #random: Prng;
  readonly #mask: number;
  #queues!: VirtioQueues;

  /** `mask` is combined with every word: two machines of one state that have different ones draw different numbers. */
  constructor(seed: number, mask = 0) {
    this.#random = new Prng(seed);
    this.#mask = mask;
  }

  attach(queues: VirtioQueues): void {
    this.#queues = queues;
  }

  configuration(): Uint8Array {
    return new Uint8Array(0);
  }

  notified(queue: number): void {
    this.#queues.serve(queue, (chain) => {
      const words = new Uint32Array(Math.ceil(Math.min(chain.writableBytes, MOST_BYTES) / 4));
      for (let index = 0; index < words.length; index++) words[index] = this.#random.next32() ^ this.#mask;
      const bytes = new Uint8Array(words.buffer).subarray(0, Math.min(chain.writableBytes, MOST_BYTES));
      chain.write(0, bytes);
      return bytes.length;
    });
  }

  /** The stream of numbers goes on: a driver that begins again shall not get the same ones. */
  reset(): void {}

  save(): DeviceState {
    return { random: this.#random.save() };
  }

  restore(state: DeviceState): void {
    this.#random.restore(state.random as readonly number[]);
  }
}
