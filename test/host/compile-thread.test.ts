import assert from "node:assert/strict";
import { test } from "node:test";
import type { CompilerSetup, RegionCompiler } from "../../src/cpu/region-compiler.ts";
import { makeCompileThread } from "../../src/host/compile-thread.ts";
import { guest, loop } from "../cpu/hot-guest.ts";
import { Guest } from "../machine/guests.ts";

const PAUSE_MS = 5;
const PATIENCE_MS = 30_000;
const LOOPS = 60;

const SOURCE = guest(`
again:
${Array.from({ length: LOOPS }, (_, index) => loop(12, `addi s3, s3, ${index}\nxor s4, s4, s3\nsd s4, ${8 * index}(s0)`)).join("\n")}
  j    again
`);

/** Sleeps without letting the event loop run. */
function sleep(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}

test("regions are made by another thread while the machine's never comes to its event loop", () => {
  let made = 0;
  let thread: RegionCompiler | undefined;
  const compiler = (setup: CompilerSetup): RegionCompiler => {
    const inner = makeCompileThread(setup);
    thread = inner;
    return {
      get isReady() {
        return inner.isReady;
      },
      get isGone() {
        return inner.isGone;
      },
      order: (order) => inner.order(order),
      collect: () => {
        const collected = inner.collect();
        made += collected?.orders ?? 0;
        return collected;
      },
    };
  };
  const hot = new Guest(SOURCE, "translator", {}, [], "on", compiler);
  const judge = new Guest(SOURCE, "interpreter");
  const deadline = performance.now() + PATIENCE_MS;
  while (!thread?.isReady && performance.now() < deadline) sleep();
  while (made < LOOPS && performance.now() < deadline) {
    for (const one of [hot, judge]) one.step(1000);
    assert.equal(hot.machine.digest(), judge.machine.digest());
    sleep();
  }
  assert.ok(made >= LOOPS, `${made} regions came back`);
});
