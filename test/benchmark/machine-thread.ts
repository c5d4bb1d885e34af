import { resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { connectDebuggee, type RemoteDebuggee } from "../../src/host/debuggee-client.ts";
import { nodePort } from "../../src/host/port.ts";

/** As users have it: the bundle, which the benchmark makes anew. */
const WORKER = resolve(import.meta.dirname, "../../dist/machine-worker.js");
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 12 };

/** A machine's thread, which is gone when `use` has ended. */
export async function withDebuggee<Result>(use: (debuggee: RemoteDebuggee) => Promise<Result>): Promise<Result> {
  const worker = new Worker(WORKER, { resourceLimits: RESOURCE_LIMITS });
  try {
    return await use(connectDebuggee(nodePort(worker), () => {}));
  } finally {
    await worker.terminate();
  }
}

/** Milliseconds, and what it gave. */
export async function timed<T>(action: () => Promise<T>): Promise<[number, T]> {
  const started = performance.now();
  const result = await action();
  return [performance.now() - started, result];
}
