import { type MessagePort, parentPort } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { compileRegions, WarmUp } from "../cpu/region-compiler.ts";
import { decodeOrder, type EncodedOrder, type RegionOrder } from "../cpu/region-order.ts";
import type { FromCompiler, MachineBox, ToCompileThread } from "./compile-protocol.ts";

/** The compiler's thread: makes regions for the machines of the thread that started it, or of threads that it names. */
assert(parentPort !== null, "the compiler runs in a worker");
listen(parentPort);

function listen(port: MessagePort): void {
  port.on("message", (message: ToCompileThread) => {
    if ("clients" in message) listen(message.clients);
    else serve(message);
  });
}

function serve({ port, setup, answered }: MachineBox): void {
  const warmUp = new WarmUp(setup);
  const answer = (message: FromCompiler) => {
    port.postMessage(message);
    Atomics.add(answered, 0, 1);
  };
  const make = (orders: readonly RegionOrder[]) => {
    const compiled = compileRegions(orders, setup);
    warmUp.call(orders.length, compiled);
    answer({ orders: orders.length, compiled });
  };
  port.on("message", (orders: EncodedOrder[]) => make(orders.map(decodeOrder)));
  answer("ready");
}
