import assert from "node:assert/strict";
import test from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { Bell, drive, finish } from "../../src/host/motion-driver.ts";
import type { Motion, Progress } from "../../src/replay/timeline-interface.ts";

function* counting(turns: number, seen: { cleanedUp?: boolean }, extra?: Partial<Progress>): Motion<number> {
  try {
    for (let turn = 0; turn < turns; turn++) yield { instant: turn as Instant, fraction: undefined, ...extra };
    return turns;
  } finally {
    seen.cleanedUp = true;
  }
}

test("drives to the end and gives the result", async () => {
  const outcome = await drive(counting(3, {}), { stop: () => false, bell: new Bell() });
  assert.deepEqual(outcome, { finished: true, value: 3 });
  assert.equal(finish(counting(4, {})), 4);
});

test("the event loop turns at every yield", async () => {
  let turns = 0;
  const count = () => {
    turns++;
    if (turns < 1000) setImmediate(count);
  };
  setImmediate(count);
  await drive(counting(50, {}), { stop: () => false, bell: new Bell() });
  assert.ok(turns >= 40, `${turns} turns of the event loop in 50 yields`);
});

test("a stop abandons the motion, which cleans up after itself", async () => {
  const seen: { cleanedUp?: boolean } = {};
  let yields = 0;
  const outcome = await drive(counting(1e9, seen), {
    stop: () => yields > 5,
    bell: new Bell(),
    onProgress: () => {
      yields++;
      return undefined;
    },
  });
  assert.deepEqual(outcome, { finished: false });
  assert.equal(seen.cleanedUp, true);
  assert.equal(yields, 6);
});

for (const reason of ["waiting", "writerBehind"] as const) {
  test(`sleeps while ${reason}, until the bell rings`, async () => {
    const bell = new Bell();
    let yields = 0;
    const driving = drive(counting(3, {}, { [reason]: true }), {
      stop: () => false,
      bell,
      onProgress: () => {
        yields++;
        return undefined;
      },
    });
    for (let ring = 1; ring <= 3; ring++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      assert.equal(yields, ring, "asked once for each ring");
      bell.ring();
    }
    assert.deepEqual(await driving, { finished: true, value: 3 });
  });
}

test("a stop reaches a motion that sleeps", async () => {
  const bell = new Bell();
  let stop = false;
  const driving = drive(counting(1e9, {}, { waiting: true }), { stop: () => stop, bell });
  setTimeout(() => {
    stop = true;
    bell.ring();
  }, 5);
  assert.deepEqual(await driving, { finished: false });
});

test("a ring that came before the sleep is not lost, and counts once", async () => {
  const bell = new Bell();
  bell.ring();
  bell.ring();
  await bell.rest();
  const asleep = Symbol("asleep");
  const timeout = new Promise((resolve) => setTimeout(resolve, 10, asleep));
  assert.equal(await Promise.race([bell.rest(1000), timeout]), asleep);
  bell.ring();
});

test("a sleep can be bounded", async () => {
  await new Bell().rest(1);
});
