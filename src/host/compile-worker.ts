import { parentPort } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { compileRegions, interpreterFunctions, WarmUp } from "../cpu/region-compiler.ts";
import { decodeOrder, type EncodedOrder, type RegionOrder } from "../cpu/region-order.ts";
import type { FromCompiler, ToCompileThread } from "./compile-protocol.ts";

/** The compiler's thread: makes regions for the machines of the thread that started it. */
assert(parentPort !== null, "the compiler runs in a worker");
parentPort.on("message", ({ port, setup, answered }: ToCompileThread) => {
  const functions = interpreterFunctions(setup);
  const warmUp = new WarmUp(setup);
  const answer = (message: FromCompiler) => {
    port.postMessage(message);
    Atomics.add(answered, 0, 1);
  };
  const make = (orders: readonly RegionOrder[]) => {
    const compiled = compileRegions(orders, setup, functions);
    warmUp.call(orders.length, compiled);
    answer({ orders: orders.length, compiled });
  };
  port.on("message", (orders: EncodedOrder[]) => make(orders.map(decodeOrder)));
  answer("ready");
});
