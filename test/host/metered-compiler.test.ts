import assert from "node:assert/strict";
import test from "node:test";
import type { CompilerSetup, MadeRegions, RegionCompiler } from "../../src/cpu/region-compiler.ts";
import type { EncodedOrder } from "../../src/cpu/region-order.ts";
import { meteredCompiler } from "../../src/host/metered-compiler.ts";
import { LatentMeter } from "../../src/machine/latent-meter.ts";

test("each region is timed from its order to its being made, however many come back together", () => {
  const orders: EncodedOrder[] = [];
  let ready: number | undefined;
  let madeMs: number | undefined;
  const inner: RegionCompiler = {
    isReady: true,
    isGone: false,
    order: (order) => void orders.push(order),
    collect: () => (ready === undefined ? undefined : ({ orders: ready, madeMs } as MadeRegions)),
  };
  let nowMs = 0;
  const meter = new LatentMeter(() => nowMs);
  const make = meteredCompiler(
    () => inner,
    () => nowMs,
    (tookMs) => meter.beside("translation", tookMs),
  );
  const compiler = make({} as CompilerSetup);
  assert.equal(compiler.isReady, true);
  for (const at of [0, 3, 5]) {
    nowMs = at;
    compiler.order(at as unknown as EncodedOrder);
  }
  assert.equal(orders.length, 3);
  nowMs = 10;
  assert.equal(compiler.collect(), undefined);
  assert.deepEqual(meter.works, []);
  ready = 2;
  compiler.collect();
  // Made at 11, while the machine stood still, and found long after.
  [nowMs, madeMs] = [5_000, 11];
  ready = 1;
  compiler.collect();
  const counted = { told: 0, beside: 3, waited: 0, hiddenMs: 23, waitedMs: 0, mostMs: 10 };
  assert.deepEqual(meter.works, [{ work: "translation", ...counted }]);
});
