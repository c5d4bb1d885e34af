import type { MakeCompiler } from "../cpu/region-compiler.ts";

/**
 * Makes compilers that tell how long each region took, from its order to its being made, in ms. `nowMs`: the clock of whoever makes them,
 * since a machine that stands still looks for none.
 */
export function meteredCompiler(make: MakeCompiler, nowMs: () => number, made: (tookMs: number) => void): MakeCompiler {
  return (setup) => {
    const inner = make(setup);
    /** When those that have not come back were ordered. They come back in that order. */
    const orderedMs: number[] = [];
    return {
      get isReady() {
        return inner.isReady;
      },
      get isGone() {
        return inner.isGone;
      },
      order: (order) => {
        orderedMs.push(nowMs());
        inner.order(order);
      },
      collect: () => {
        const regions = inner.collect();
        const madeMs = regions?.madeMs ?? nowMs();
        for (const atMs of orderedMs.splice(0, regions?.orders ?? 0)) made(Math.max(0, madeMs - atMs));
        return regions;
      },
    };
  };
}
