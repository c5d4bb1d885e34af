import assert from "node:assert/strict";
import { test } from "node:test";
import { type BlockStore, VirtioBlock } from "../../src/devices/virtio-block.ts";
import { DESC, Driver, FEATURE, type Part, REGISTER } from "./virtio-driver.ts";

const [IN, OUT, FLUSH, GET_ID, DISCARD, WRITE_ZEROES] = [0, 1, 4, 8, 11, 13];
const [OK, IOERR, UNSUPP] = [0, 1, 2];
const SECTORS = 20;

class MemoryStore implements BlockStore {
  readonly bytes = Uint8Array.from({ length: SECTORS * 512 }, (_, index) => index >> 9);
  readonly sizeBytes = this.bytes.length;

  read(offset: number, length: number): Uint8Array {
    assert.ok(offset + length <= this.sizeBytes);
    return this.bytes.slice(offset, offset + length);
  }
  write(offset: number, bytes: Uint8Array): void {
    assert.ok(offset + bytes.length <= this.sizeBytes);
    this.bytes.set(bytes, offset);
  }
}

function disk({ readOnly = false, transport = "modern" as "modern" | "legacy", features = 0n } = {}) {
  const store = new MemoryStore();
  const driver = new Driver(new VirtioBlock(store, readOnly, "hindcast-disk-3"), transport);
  driver.start(features, 16);
  const header = (type: number, sector: bigint | number): Part => {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setUint32(0, type, true);
    new DataView(bytes.buffer).setBigUint64(8, BigInt(sector), true);
    return { bytes };
  };
  /** Does a request; gives its status, what the device says it wrote, and what is in each part now. */
  const request = (type: number, sector: bigint | number, ...data: Part[]) => {
    const parts = [header(type, sector), ...data, { room: 1 }];
    const { addresses } = driver.add(0, parts, (features & FEATURE.indirect) !== 0n);
    const status = addresses[addresses.length - 1];
    driver.memory.write(status, Uint8Array.of(0xff));
    driver.notify(0);
    const [{ written }] = driver.used(0);
    const now = parts.map((part, index) =>
      driver.at(addresses[index], "bytes" in part ? part.bytes.length : part.room),
    );
    return { status: driver.at(status, 1)[0], written, data: now.slice(1, -1) };
  };
  return { store, driver, header, request };
}

test("the configuration tells capacity, limits and block size", () => {
  const { driver } = disk();
  assert.equal(driver.read(REGISTER.config), SECTORS);
  assert.equal(driver.read(REGISTER.config + 8), 65_536);
  assert.equal(driver.read(REGISTER.config + 12), 254);
  assert.equal(driver.read(REGISTER.config + 20), 512);
});

for (const transport of ["modern", "legacy"] as const) {
  for (const features of [0n, FEATURE.indirect | FEATURE.eventIdx]) {
    test(`sectors are read and written, ${transport}, features ${features.toString(16)}`, () => {
      const { request, store } = disk({ transport, features });
      const read = request(IN, 2, { room: 512 }, { room: 512 });
      assert.deepEqual([read.status, read.written], [OK, 1025]);
      assert.deepEqual([read.data[0][0], read.data[1][0], read.data[1][511]], [2, 3, 3]);
      const write = request(
        OUT,
        19,
        { bytes: new Uint8Array(200).fill(0xaa) },
        { bytes: new Uint8Array(312).fill(0xbb) },
      );
      assert.deepEqual([write.status, write.written], [OK, 1]);
      assert.deepEqual(
        [store.bytes[19 * 512], store.bytes[19 * 512 + 199], store.bytes[19 * 512 + 200]],
        [0xaa, 0xaa, 0xbb],
      );
      assert.deepEqual(
        request(IN, 19, { room: 512 }).data[0].subarray(198, 202),
        Uint8Array.of(0xaa, 0xaa, 0xbb, 0xbb),
      );
      assert.equal(request(FLUSH, 0).status, OK);
    });
  }
}

test("the id is the serial, with zeros behind it", () => {
  const { request } = disk();
  const { status, written, data } = request(GET_ID, 0, { room: 20 });
  assert.deepEqual([status, written], [OK, 21]);
  assert.equal(new TextDecoder().decode(data[0]), "hindcast-disk-3\0\0\0\0\0");
  assert.equal(request(GET_ID, 0, { room: 4 }).data[0].length, 4);
});

const BAD: [name: string, type: number, sector: bigint | number, data: Part[], status: number][] = [
  ["read behind the end", IN, SECTORS, [{ room: 512 }], IOERR],
  ["read over the end", IN, SECTORS - 1, [{ room: 1024 }], IOERR],
  ["write behind the end", OUT, SECTORS, [{ bytes: new Uint8Array(512) }], IOERR],
  ["read at the end of all numbers", IN, 0xffff_ffff_ffff_ffffn, [{ room: 512 }], IOERR],
  ["a sector whose bytes wrap", IN, 1n << 55n, [{ room: 512 }], IOERR],
  ["read half a sector", IN, 0, [{ room: 256 }], IOERR],
  ["write half a sector", OUT, 0, [{ bytes: new Uint8Array(100) }], IOERR],
  ["discard", DISCARD, 0, [{ bytes: new Uint8Array(16) }], UNSUPP],
  ["an unknown request", 0xffff_fffe, 0, [{ room: 512 }], UNSUPP],
  ["zero without a range", WRITE_ZEROES, 0, [], IOERR],
];

for (const [name, type, sector, data, expected] of BAD) {
  test(`${name} fails, and changes nothing`, () => {
    const { request, store, driver } = disk();
    assert.equal(request(type, sector, ...data).status, expected);
    assert.deepEqual(store.bytes, new MemoryStore().bytes);
    assert.equal(driver.needsReset, false);
    assert.equal(request(IN, 0, { room: 512 }).status, OK);
  });
}

test("sectors are zeroed, within the disk", () => {
  const { request, store } = disk();
  const range = (sector: number, count: number): Part => {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(sector), true);
    new DataView(bytes.buffer).setUint32(8, count, true);
    return { bytes };
  };
  assert.equal(request(WRITE_ZEROES, 0, range(4, 2)).status, OK);
  assert.deepEqual(
    [3, 4, 5, 6].map((sector) => store.bytes[sector * 512 + 7]),
    [3, 0, 0, 6],
  );
  assert.equal(request(WRITE_ZEROES, 0, range(19, 2)).status, IOERR);
  assert.equal(request(WRITE_ZEROES, 0, range(0, 0xffff_ffff)).status, IOERR);
});

test("a read-only disk says so and refuses writes", () => {
  const { request, store, driver } = disk({ readOnly: true });
  assert.notEqual(driver.offered() & (1n << 5n), 0n);
  assert.equal(request(OUT, 0, { bytes: new Uint8Array(512).fill(9) }).status, IOERR);
  assert.equal(request(WRITE_ZEROES, 0, { bytes: new Uint8Array(16) }).status, UNSUPP);
  assert.equal(store.bytes[0], 0);
});

test("a request without header or status breaks the device", () => {
  for (const parts of [[{ room: 1 }], [{ bytes: new Uint8Array(15) }, { room: 1 }], [{ bytes: new Uint8Array(16) }]]) {
    const { driver } = disk();
    driver.add(0, parts);
    driver.notify(0);
    assert.ok(driver.needsReset);
  }
});

test("a request that names the same memory again and again is refused before anything is read", () => {
  const store: BlockStore = {
    sizeBytes: 2 ** 30,
    read: () => assert.fail("nothing was to be read"),
    write: () => assert.fail("nothing was to be written"),
  };
  const driver = new Driver(new VirtioBlock(store, false, ""));
  driver.start(0n, 64);
  const half = driver.allocate(0x8_0000);
  const parts = [{ bytes: new Uint8Array(16) }, ...Array.from({ length: 40 }, () => ({ room: 1 })), { room: 1 }];
  const { addresses } = driver.add(0, parts);
  for (let index = 1; index <= 40; index++) {
    driver.describe(driver.rings[0].descriptors, index, half, 0x8_0000, DESC.next | DESC.write, index + 1);
  }
  driver.notify(0);
  assert.equal(driver.at(addresses[41], 1)[0], IOERR);
  assert.equal(driver.needsReset, false);
});
