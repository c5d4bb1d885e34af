import type { DeviceState } from "./device.ts";
import type { Chain } from "./virtio-queue.ts";

/**
 * What stands behind a virtio transport: the device of one type (virtio 1.2, section 5). It never sees registers or
 * rings; requests are done within the store that notifies, so there is nothing in flight between two steps.
 */
export interface VirtioDevice {
  /** For views and messages: "block". */
  readonly kind: string;
  /** Device type (section 5): 1 network, 2 block, 3 console, 4 entropy. */
  readonly id: number;
  /** Features offered besides those of transport and queues, as bits. */
  readonly features: bigint;
  /** Most descriptors of each queue: powers of two, at most 1024. */
  readonly queueSizes: readonly number[];
  /** Called once, before anything else. */
  attach(queues: VirtioQueues): void;
  /** The configuration space as it is now. Its length never changes. */
  configuration(): Uint8Array;
  /** The driver writes to the configuration space, inside of it. Absent: nothing there can be written. */
  writeConfiguration?(offset: number, bytes: Uint8Array): void;
  /** The driver says that there are new buffers in a queue. */
  notified(queue: number): void;
  /** The driver resets the device, or begins again. What the device is (a disk's contents) stays. */
  reset(): void;
  /** Plain data; names must differ from the transport's (`virtio-mmio.ts`). */
  save(): DeviceState;
  restore(state: DeviceState): void;
}

/** What a device does with the queues of its transport. */
export interface VirtioQueues {
  /** The driver takes part: it has said DRIVER_OK (a legacy one need not), and nothing is broken. */
  readonly running: boolean;
  /** The driver has said DRIVER_OK. */
  readonly started: boolean;
  /** The driver accepted all of these feature bits. */
  accepted(features: bigint): boolean;
  /** The next buffer of a queue; undefined: none now. Each one taken is finished before the step is over. */
  take(queue: number): Chain | undefined;
  /** `written`: bytes written to the writable part, from its beginning. */
  finish(queue: number, chain: Chain, written: number): void;
  /** Takes buffers as long as there are any (at most as many as the queue has room for); `answer` says what it wrote. */
  serve(queue: number, answer: (chain: Chain) => number): void;
  /** The configuration space has changed by itself. */
  configurationChanged(): void;
  /** The driver did what no driver may: DEVICE_NEEDS_RESET. `problem` ends the sentence "queue 0 …". */
  fail(queue: number, problem: string): void;
}
