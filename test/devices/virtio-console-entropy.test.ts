import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtioConsole } from "../../src/devices/virtio-console.ts";
import { VirtioEntropy } from "../../src/devices/virtio-entropy.ts";
import { Driver, REGISTER } from "./virtio-driver.ts";

const [RECEIVE, TRANSMIT] = [0, 1];

function console() {
  const sent: number[] = [];
  const device = new VirtioConsole((byte) => sent.push(byte));
  return { device, driver: new Driver(device), text: () => String.fromCharCode(...sent) };
}

const ascii = (text: string) => new TextEncoder().encode(text);

test("what the driver sends is sent, part by part", () => {
  const { driver, text } = console();
  driver.start();
  driver.add(TRANSMIT, [{ bytes: ascii("hello, ") }, { bytes: ascii("world") }]);
  driver.notify(TRANSMIT);
  assert.equal(text(), "hello, world");
  assert.deepEqual(driver.used(TRANSMIT), [{ id: 0, written: 0 }]);
});

test("the emergency register prints without any queue", () => {
  const { driver, text } = console();
  driver.write(REGISTER.config + 8, 0x21, 4);
  assert.equal(text(), "!");
});

test("input waits for buffers, fills them in order, and asks for an interrupt", () => {
  const { device, driver } = console();
  assert.equal(device.active, false);
  driver.start();
  assert.equal(device.active, true);
  device.receive(ascii("abcdefg"));
  const first = driver.add(RECEIVE, [{ room: 3 }]);
  driver.notify(RECEIVE);
  const second = driver.add(RECEIVE, [{ room: 2 }, { room: 10 }]);
  driver.notify(RECEIVE);
  assert.deepEqual(driver.used(RECEIVE), [
    { id: first.head, written: 3 },
    { id: second.head, written: 4 },
  ]);
  assert.deepEqual(driver.at(first.addresses[0], 3), ascii("abc"));
  assert.deepEqual(driver.at(second.addresses[0], 2), ascii("de"));
  assert.deepEqual(driver.at(second.addresses[1], 2), ascii("fg"));
  assert.equal(driver.read(REGISTER.interruptStatus), 1);
  driver.add(RECEIVE, [{ room: 8 }]);
  driver.notify(RECEIVE);
  device.receive(ascii("h"));
  assert.equal(driver.used(RECEIVE).length, 1, "a buffer that waits is filled when input comes");
});

test("input that waits is saved", () => {
  const { device, driver } = console();
  driver.start();
  device.receive(ascii("abc"));
  const other = console();
  other.driver.slot.restore(JSON.parse(JSON.stringify(driver.slot.save())));
  assert.deepEqual(other.driver.slot.save(), driver.slot.save());
  assert.deepEqual(other.driver.slot.save().received, [97, 98, 99]);
});

test("more than a console sends at once breaks it", () => {
  const { driver } = console();
  driver.start();
  driver.add(TRANSMIT, [{ bytes: new Uint8Array(65_537) }]);
  driver.notify(TRANSMIT);
  assert.ok(driver.needsReset);
});

function entropy(seed: number) {
  const driver = new Driver(new VirtioEntropy(seed));
  driver.start();
  const draw = (length: number) => {
    const { addresses } = driver.add(0, [{ room: length }]);
    driver.notify(0);
    assert.deepEqual(
      driver.used(0).map(({ written }) => written),
      [length],
    );
    return driver.at(addresses[0], length);
  };
  return { driver, draw };
}

test("entropy follows from the seed, differs from seed to seed, and never comes twice", () => {
  const [first, again, other] = [entropy(1), entropy(1), entropy(2)];
  const bytes = first.draw(33);
  assert.deepEqual(again.draw(33), bytes);
  assert.notDeepEqual(other.draw(33), bytes);
  assert.notDeepEqual(first.draw(33), bytes);
  first.driver.start();
  again.draw(33);
  assert.deepEqual(first.draw(33), again.draw(33), "a reset does not begin the stream again");
});

test("entropy goes on from what was saved", () => {
  const first = entropy(7);
  first.draw(12);
  const state = JSON.parse(JSON.stringify(first.driver.slot.save()));
  const bytes = first.draw(40);
  const other = entropy(9);
  other.draw(12);
  other.driver.slot.restore(state);
  assert.deepEqual(other.draw(40), bytes);
});
