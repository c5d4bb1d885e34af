import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { VirtioNet } from "../../src/devices/virtio-net.ts";
import { DESC, Driver, FEATURE, RAM, REGISTER, STATUS } from "./virtio-driver.ts";

const [RECEIVE, TRANSMIT] = [0, 1];
const MAC = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
const TRANSPORTS = ["modern", "legacy"] as const;

function card(transport: (typeof TRANSPORTS)[number] = "modern") {
  const sent: Uint8Array[] = [];
  const device = new VirtioNet((frame) => sent.push(frame));
  const driver = new Driver(device, transport);
  return { sent, device, driver, headerBytes: transport === "modern" ? 12 : 10 };
}

const frameOf = (length: number, seed = 1) => Uint8Array.from({ length }, (_, index) => index * seed);

for (const transport of TRANSPORTS) {
  test(`${transport}: what it is, as a driver reads it`, () => {
    const { driver } = card(transport);
    assert.equal(driver.read(REGISTER.deviceId), 1);
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map((index) => driver.read(REGISTER.config + index, 1)),
      MAC,
    );
    assert.equal(driver.read(REGISTER.config + 6, 2), 1, "the link is up");
    // MAC and STATUS, nothing offloaded, no control queue.
    assert.equal(driver.offered() & 0xff_ffffn, (1n << 5n) | (1n << 16n));
  });

  test(`${transport}: frames leave without the header, however the buffer is cut`, () => {
    const { driver, sent, headerBytes } = card(transport);
    driver.start();
    const frame = frameOf(100);
    const whole = Uint8Array.from([...new Uint8Array(headerBytes), ...frame]);
    for (const cuts of [[], [headerBytes], [5, 50], [headerBytes + 14]]) {
      const ends = [...cuts, whole.length];
      driver.add(
        TRANSMIT,
        ends.map((end, index) => ({ bytes: whole.slice(ends[index - 1] ?? 0, end) })),
      );
      driver.notify(TRANSMIT);
      assert.deepEqual(sent.pop(), frame);
    }
    assert.equal(driver.used(TRANSMIT).length, 4);
  });

  test(`${transport}: a frame arrives behind a header, in the first buffer`, () => {
    const { driver, device, headerBytes } = card(transport);
    driver.start();
    const { head, addresses } = driver.add(RECEIVE, [{ room: headerBytes }, { room: 1600 }]);
    driver.notify(RECEIVE);
    device.receive(frameOf(1514));
    assert.deepEqual(driver.used(RECEIVE), [{ id: head, written: headerBytes + 1514 }]);
    assert.deepEqual(driver.at(addresses[1], 1514), frameOf(1514));
    const header = new Uint8Array(headerBytes);
    if (transport === "modern") header[10] = 1;
    assert.deepEqual(driver.at(addresses[0], headerBytes), header);
    assert.equal(driver.slot.interrupt(), true);
  });
}

test("frames wait for buffers, some of them, and are saved", () => {
  const { driver, device } = card();
  driver.start();
  for (let index = 0; index < 100; index++) device.receive(frameOf(20, index));
  const other = card();
  other.driver.start();
  other.device.restore(JSON.parse(JSON.stringify(device.save())));
  for (const { driver: each } of [{ driver }, other]) {
    const received: number[] = [];
    for (let index = 0; index < 100; index++) {
      const { addresses } = each.add(RECEIVE, [{ room: 1526 }]);
      each.notify(RECEIVE);
      if (each.used(RECEIVE).length > 0) received.push(each.at(addresses[0] + 13, 1)[0]);
    }
    assert.deepEqual(
      received,
      Array.from({ length: 64 }, (_, index) => index),
    );
  }
});

test("a card without a driver hears nothing, a reset one forgets", () => {
  const { driver, device } = card();
  device.receive(frameOf(60));
  driver.start();
  assert.deepEqual(device.save(), { waiting: [] });
  device.receive(frameOf(60));
  driver.write(REGISTER.status, 0);
  assert.deepEqual(device.save(), { waiting: [] });
});

test("frames that are too long or too short are dropped, both ways, and a small buffer loses its frame", () => {
  const { driver, device, sent } = card();
  driver.start(0n, 16);
  for (const length of [0, 5, 12, 12 + 13, 12 + 1519, 100_000]) {
    driver.add(TRANSMIT, [{ bytes: new Uint8Array(length) }]);
  }
  driver.notify(TRANSMIT);
  assert.equal(driver.used(TRANSMIT).length, 6);
  assert.deepEqual(sent, []);
  for (const length of [0, 13, 1519, 70_000]) device.receive(new Uint8Array(length));
  assert.deepEqual(device.save(), { waiting: [] });
  const small = driver.add(RECEIVE, [{ room: 40 }]);
  const tiny = driver.add(RECEIVE, [{ room: 4 }]);
  const right = driver.add(RECEIVE, [{ room: 72 }]);
  for (const seed of [1, 2, 3]) device.receive(frameOf(60, seed));
  assert.deepEqual(driver.used(RECEIVE), [
    { id: small.head, written: 12 },
    { id: tiny.head, written: 4 },
    { id: right.head, written: 72 },
  ]);
  assert.deepEqual(driver.at(right.addresses[0] + 12, 60), frameOf(60, 3));
  assert.equal(driver.needsReset, false);
});

for (let seed = 1; seed <= 10; seed++) {
  test(`seed ${seed}: rings and registers full of chance`, () => {
    const prng = new Prng(seed);
    const address = () => prng.pick([RAM + prng.below(0x10_0000), RAM + 0x10_0000 - prng.below(64), prng.next32(), 0]);
    let frames = 0;
    for (let round = 0; round < 12; round++) {
      const subject = card(TRANSPORTS[round % 2]);
      const features = prng.pick([0n, FEATURE.indirect, FEATURE.eventIdx, FEATURE.indirect | FEATURE.eventIdx]);
      subject.driver.start(features, prng.pick([8, 64, 256]));
      hammer(subject, prng, address);
      for (let write = 0; write < 50; write++) {
        const value = BigInt(prng.pick([prng.below(4), prng.next32()]));
        subject.driver.slot.write(prng.pick(Object.values(REGISTER)), 4, value);
        subject.device.receive(frameOf(14 + prng.below(1500)));
      }
      frames += subject.sent.length;
    }
    assert.ok(frames > 3, `${frames} frames`);
  });
}

/** Sends and receives, until chance in descriptors or rings has broken the card. */
function hammer({ driver, device, sent }: ReturnType<typeof card>, prng: Prng, address: () => number): void {
  for (let turn = 0; turn < 60 && !driver.needsReset; turn++) {
    if (prng.below(3) > 0) driver.add(TRANSMIT, [{ bytes: new Uint8Array(prng.below(1600)) }]);
    if (prng.below(3) > 0) driver.add(RECEIVE, [{ room: 1 + prng.below(1600) }, { room: 1 + prng.below(16) }]);
    for (const queue of [RECEIVE, TRANSMIT]) {
      const ring = driver.rings[queue];
      if (prng.below(4) === 0) {
        const length = prng.pick([0, 12, 60, 1526, 70_000, 2 ** 32 - 1, 16 * prng.below(9)]);
        const flags = prng.pick([0, DESC.next, DESC.write, DESC.next | DESC.write, DESC.indirect, prng.below(8)]);
        driver.describe(ring.descriptors, prng.below(ring.size), address(), length, flags, prng.below(ring.size + 1));
        driver.offer(queue, prng.below(16) === 0 ? prng.below(0x1_0000) : prng.below(ring.size));
      }
      driver.notify(queue);
      device.receive(frameOf(14 + prng.below(1500), turn));
    }
  }
  for (const frame of sent) assert.ok(frame.length >= 14 && frame.length <= 1518);
  assert.ok((device.save().waiting as readonly string[]).length <= 64);
  if (prng.below(2) === 0) {
    driver.write(REGISTER.status, prng.pick([0, STATUS.failed]));
    device.receive(frameOf(60));
  }
}
