import type { CompilerSetup, RegionCompiler } from "../cpu/region-compiler.ts";

export type MakeCompiler = (setup: CompilerSetup) => RegionCompiler;

/** Makes compilers that tell how long each region took, from its order to its coming back, in ms. */
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
        for (const atMs of orderedMs.splice(0, regions?.orders ?? 0)) made(nowMs() - atMs);
        return regions;
      },
    };
  };
}
