import type { MessagePort } from "node:worker_threads";
import type { SwapOrder } from "./swap-jobs.ts";

/** What the store's thread is given once. */
export interface SwapSetup {
  readonly port: MessagePort;
  /** One number: answers that were given. Who waits for one sleeps on it. */
  readonly answered: Int32Array<SharedArrayBuffer>;
  /** Pages are given back no sooner than so many milliseconds after they were asked for. */
  readonly latencyMs: number;
}

/** Answered by one `SwapAnswer` each. */
export type ToSwapWorker = SwapOrder;
