import { Prng } from "../../src/base/prng.ts";
import { type CompilerSetup, compileRegions, type RegionCompiler } from "../../src/cpu/region-compiler.ts";
import { decodeOrder, type EncodedOrder } from "../../src/cpu/region-order.ts";

/** Makes regions from messages, as a thread would, and gives them back sooner or later, some at a time, at random. */
export function lateCompiler(seed: number): (setup: CompilerSetup) => RegionCompiler {
  return (setup) => {
    const prng = new Prng(seed);
    const waiting: EncodedOrder[] = [];
    return {
      get isReady() {
        return prng.below(8) > 0;
      },
      isGone: false,
      order: (order) => waiting.push(structuredClone(order)),
      collect: () => {
        if (waiting.length === 0 || prng.below(3) > 0) return undefined;
        const orders = waiting.splice(0, 1 + prng.below(waiting.length));
        return { orders: orders.length, first: 0, compiled: compileRegions(orders.map(decodeOrder), setup) };
      },
    };
  };
}
