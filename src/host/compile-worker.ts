import { type MessagePort, parentPort } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { WarmUp } from "../cpu/region-compiler.ts";
import type { EncodedOrder } from "../cpu/region-order.ts";
import type { FromCompiler, MachineBox, ToCompileThread } from "./compile-protocol.ts";
import { SharedRegions } from "./shared-regions.ts";
import { steadyMs } from "./steady-clock.ts";

/** The compiler's thread: makes regions for the machines of the thread that started it, or of threads that it names. */
assert(parentPort !== null, "the compiler runs in a worker");
listen(parentPort);

function listen(port: MessagePort): void {
  port.on("message", (message: ToCompileThread) => {
    if ("clients" in message) listen(message.clients);
    else serve(message);
  });
}

const regions = new SharedRegions();

function serve({ port, setup, answered }: MachineBox): void {
  const client = regions.join(setup);
  port.on("close", () => regions.leave(client));
  const warmUp = new WarmUp(setup);
  const answer = (message: FromCompiler) => {
    port.postMessage(message);
    Atomics.add(answered, 0, 1);
  };
  port.on("message", (orders: EncodedOrder[]) => {
    const made = regions.make(client, orders, ({ orders: count, compiled }) => warmUp.call(count, compiled));
    for (const each of made) answer({ ...each, madeMs: steadyMs() });
  });
  answer("ready");
}
