import type { MessagePort } from "node:worker_threads";

/** What the store's thread is given once. `SwapOrder`s come by the port, and are answered there by one `SwapAnswer` each. */
export interface SwapSetup {
  readonly port: MessagePort;
  /** Of `SwapSlots`, for pages. */
  readonly slots: SharedArrayBuffer;
  /** One number: orders that were given, wherever. The thread sleeps on it. */
  readonly ordered: Int32Array<SharedArrayBuffer>;
  /** One number: answers that were given. Who waits for one sleeps on it. */
  readonly answered: Int32Array<SharedArrayBuffer>;
  /** Pages are given back no sooner than so many milliseconds after they were asked for. */
  readonly latencyMs: number;
}
