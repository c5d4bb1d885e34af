import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzDevice } from "./fuzz-device.ts";
import { TARGETS } from "./subjects.ts";

/** The quick form; `npm run fuzz` goes on from here. */
const SEEDS = 60;

for (const target of TARGETS) {
  test(`${target.name}: whatever a guest does, ${SEEDS} seeds`, () => {
    for (let seed = 0; seed < SEEDS; seed++) fuzzDevice(target, seed);
  });
}

test("a fault is found: a device whose state is not all there", () => {
  const uart = TARGETS.find(({ name }) => name === "uart")!;
  const forgetful = {
    ...uart,
    make: () => {
      const subject = uart.make();
      const { device } = subject;
      const restore = device.restore.bind(device);
      device.restore = (state) => restore({ ...state, scratch: 0 });
      return subject;
    },
  };
  assert.throws(() => {
    for (let seed = 0; seed < SEEDS; seed++) fuzzDevice(forgetful, seed);
  }, /uart, seed \d+: restored into itself it is another/);
});
