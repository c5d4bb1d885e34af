import assert from "node:assert/strict";
import { test } from "node:test";
import { type CompilerSetup, compileRegions, type RegionCompiler } from "../../src/cpu/region-compiler.ts";
import { decodeOrder, type EncodedOrder } from "../../src/cpu/region-order.ts";
import { Guest } from "../machine/guests.ts";

/** Keeps what was ordered until it is opened; then may be gone for good. */
class HeldCompiler {
  readonly orders: EncodedOrder[] = [];
  isOpen = false;
  isGone = false;

  make(setup: CompilerSetup): RegionCompiler {
    const waiting: EncodedOrder[] = [];
    const isGone = () => this.isGone;
    return {
      get isReady() {
        return !isGone();
      },
      get isGone() {
        return isGone();
      },
      order: (order) => {
        this.orders.push(order);
        waiting.push(structuredClone(order));
      },
      collect: () => {
        if (!this.isOpen || this.isGone || waiting.length === 0) return undefined;
        const orders = waiting.splice(0);
        return { orders: orders.length, first: 0, compiled: compileRegions(orders.map(decodeOrder), setup) };
      },
    };
  }

  guest(): Guest {
    return new Guest(LOOP, "translator", {}, [], "on", (setup) => this.make(setup));
  }

  get large(): number {
    return this.orders.filter(({ entries }) => entries.limit === 0).length;
  }
}

const LOOP = `
_start:
  la   s0, data
1:
  ld   t0, 0(s0)
  addi t0, t0, 1
  sd   t0, 0(s0)
  addi s1, s1, 1
  j    1b
  .data
  .balign 4096
data:
  .space 4096
`;
const ROUND = 5;

for (const rounds of [1, 400]) {
  test(`a small region that is ready ${rounds} rounds late becomes a large one`, () => {
    const compiler = new HeldCompiler();
    const guest = compiler.guest();
    guest.run(5 * ROUND);
    guest.run((5 + rounds) * ROUND);
    assert.equal(compiler.orders.length, 1);
    compiler.isOpen = true;
    for (let instant = 5_000; instant < 50_000; instant += 1000) guest.run(instant);
    assert.equal(compiler.large, 1);
  });
}

test("what a compiler that is gone was asked for is made at once when it is hot again", () => {
  const compiler = new HeldCompiler();
  const guest = compiler.guest();
  guest.run(100 * ROUND);
  assert.equal(compiler.orders.length, 1);
  compiler.isGone = true;
  const { Module } = WebAssembly;
  let made = 0;
  WebAssembly.Module = new Proxy(Module, {
    construct: (target, [bytes]: [BufferSource]) => {
      made++;
      return new target(bytes);
    },
  });
  try {
    for (let instant = 5_000; instant < 50_000; instant += 1000) guest.run(instant);
  } finally {
    WebAssembly.Module = Module;
  }
  assert.equal(compiler.orders.length, 1);
  assert.equal(made, 2, "a small region and a large one");
});
