import { type MessagePort, parentPort, receiveMessageOnPort } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { compileRegions, interpreterFunctions, WarmUp } from "../cpu/region-compiler.ts";
import { decodeOrder, type EncodedOrder, type RegionOrder } from "../cpu/region-order.ts";
import type { FromCompiler, ToCompileThread } from "./compile-protocol.ts";

/** The compiler's thread: makes regions for the machines of the thread that started it. */
assert(parentPort !== null, "the compiler runs in a worker");
parentPort.on("message", ({ port, setup }: ToCompileThread) => {
  const functions = interpreterFunctions(setup);
  const warmUp = new WarmUp(setup);
  const answer = (message: FromCompiler) => port.postMessage(message);
  const make = (orders: readonly RegionOrder[]) => {
    const compiled = compileRegions(orders, setup, functions);
    warmUp.call(orders.length, compiled);
    answer({ orders: orders.length, compiled });
  };
  port.on("message", (first: EncodedOrder) => make(withWaiting(port, first).map(decodeOrder)));
  answer("ready");
});

/** Modules of several functions cost less than several modules: what waits already goes along. */
const MOST_TOGETHER = 16;

function withWaiting(port: MessagePort, first: EncodedOrder): EncodedOrder[] {
  const orders = [first];
  while (orders.length < MOST_TOGETHER) {
    const next = receiveMessageOnPort(port);
    if (next === undefined) break;
    orders.push(next.message as EncodedOrder);
  }
  return orders;
}
