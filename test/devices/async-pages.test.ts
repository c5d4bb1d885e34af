import assert from "node:assert/strict";
import { test } from "node:test";
import { AREA_BYTES, AsyncPages } from "../../src/devices/async-pages.ts";

const BASE = 0x102000;
const RAM = 0x8000_0000;

function board() {
  const ram = new Uint8Array(0x10_000);
  const view = new DataView(ram.buffer);
  let attentions = 0;
  const contains = (address: number, length: number) => address >= RAM && address + length <= RAM + ram.length;
  const device = new AsyncPages(BASE, 2, {
    time: () => 0n,
    setTime: () => {},
    attention: () => attentions++,
    memory: {
      contains,
      read: (address, length) =>
        contains(address, length) ? ram.slice(address - RAM, address - RAM + length) : undefined,
      write: (address, bytes) => {
        ram.set(bytes, address - RAM);
        return true;
      },
    },
  });
  const word = (offset: number) => view.getUint32(offset, true);
  const put = (offset: number, value: number) => view.setUint32(offset, value, true);
  return { device, word, put, attentions: () => attentions };
}

/** Hart 0 has its area at the beginning of RAM. */
function registered() {
  const all = board();
  assert.ok(all.device.write(0, 8, BigInt(RAM)));
  return all;
}

test("a hart has an area when it lies in RAM and is aligned; 0 takes it away", () => {
  const { device } = board();
  for (const [value, area] of [
    [RAM + 128, RAM + 128],
    [RAM + 64, 0],
    [RAM + 0x10_000, 0],
    [RAM + 0x10_000 - AREA_BYTES, RAM + 0x10_000 - AREA_BYTES],
    [0, 0],
    [0x1000, 0],
  ]) {
    assert.ok(device.write(8, 8, BigInt(value)));
    assert.equal(device.read(8, 8), BigInt(area));
    assert.equal(device.area(1), area);
  }
  assert.ok(device.write(0, 8, 2n ** 64n - 128n));
  assert.equal(device.area(0), 0);
  assert.equal(device.read(16, 8), 0n);
  assert.equal(device.write(0, 4, 0n), false);
  assert.equal(device.read(0, 4), undefined);
});

test("a token is in the area until the kernel takes it, and no other is given meanwhile", () => {
  const { device, word, put } = registered();
  assert.equal(device.takes(1, true), false);
  assert.equal(device.takes(0, true), true);
  assert.ok(device.give(0, device.nextToken));
  assert.equal(word(0), 1);
  assert.equal(device.takes(0, true), false);
  put(0, 0);
  assert.equal(device.takes(0, true), true);
  assert.equal(device.nextToken, 2);
  assert.equal(device.give(0, 1), false, "it is given out");
  assert.equal(device.give(0, 0), false);
});

test("in supervisor mode it must be allowed", () => {
  const { device, put } = registered();
  assert.equal(device.takes(0, false), false);
  put(4, 1);
  assert.equal(device.takes(0, false), true);
});

test("a page that is ready is said once, in the order in which they come, and interrupts", () => {
  const { device, word, put, attentions } = registered();
  for (const token of [1, 2, 3]) {
    device.give(0, token);
    put(0, 0);
  }
  assert.equal(device.takeInterrupt(), false);
  for (const token of [3, 7, 3, 1]) device.ready(token);
  assert.equal(word(8), 2);
  assert.deepEqual([word(16), word(20), word(24)], [3, 1, 0]);
  assert.deepEqual(device.given, [{ token: 2, hart: 0 }]);
  assert.equal(attentions(), 2);
  assert.equal(device.takeInterrupt(), true);
  assert.equal(device.takeInterrupt(), false);
});

test("tokens that are out and those in the ring have room in it", () => {
  const { device, word, put } = registered();
  for (let token = 1; token <= 16; token++) {
    assert.equal(device.takes(0, true), true, `${token}`);
    device.give(0, token);
    put(0, 0);
  }
  assert.equal(device.takes(0, true), false);
  for (let token = 1; token <= 16; token++) device.ready(token);
  assert.equal(word(8), 16);
  assert.equal(device.takes(0, true), false);
  put(12, 5);
  assert.equal(device.takes(0, true), true);
  // Nonsense of the guest's is no room.
  put(12, 17);
  assert.equal(device.takes(0, true), false);
});

test("the ring goes round, and so do its counts", () => {
  const { device, word, put } = registered();
  put(8, 0xffff_ffff);
  put(12, 0xffff_ffff);
  device.give(0, 5);
  device.ready(5);
  assert.equal(word(16 + 4 * 15), 5);
  assert.equal(word(8), 0);
  assert.equal(word(12), 0xffff_ffff);
});

test("a token of a hart that has no area any more is not said", () => {
  const { device, word } = registered();
  device.give(0, 1);
  device.write(0, 8, 0n);
  device.ready(1);
  assert.equal(word(8), 0);
  assert.deepEqual(device.given, []);
  assert.equal(device.takeInterrupt(), false);
});

test("its state comes back", () => {
  const { device } = registered();
  device.give(0, 9);
  const other = board().device;
  other.restore(JSON.parse(JSON.stringify(device.save())));
  assert.deepEqual(other.save(), device.save());
  assert.equal(other.nextToken, 10);
  assert.deepEqual(other.given, [{ token: 9, hart: 0 }]);
});
