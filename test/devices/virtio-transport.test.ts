import assert from "node:assert/strict";
import { test } from "node:test";
import type { VirtioDevice, VirtioQueues } from "../../src/devices/virtio-device.ts";
import { EmptyVirtioSlots } from "../../src/devices/virtio-mmio.ts";
import { DESC, Driver, FEATURE, type Part, RAM, RAM_BYTES, REGISTER, STATUS } from "./virtio-driver.ts";

/** A device that gives back what it reads, byte by byte plus one, and has eight bytes of configuration. */
class Echo implements VirtioDevice {
  readonly kind = "echo";
  readonly id = 42;
  readonly features = 1n << 3n;
  readonly queueSizes = [16, 8];
  readonly config = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  queues!: VirtioQueues;
  notifications = 0;

  attach(queues: VirtioQueues): void {
    this.queues = queues;
  }
  configuration(): Uint8Array {
    return this.config;
  }
  writeConfiguration(offset: number, bytes: Uint8Array): void {
    this.config.set(bytes, offset);
  }
  notified(queue: number): void {
    this.notifications++;
    this.queues.serve(queue, (chain) => {
      const bytes = chain.read(0, 4096).map((byte) => byte + 1);
      chain.write(0, bytes);
      return Math.min(bytes.length, chain.writableBytes);
    });
  }
  reset(): void {}
  save() {
    return { config: [...this.config] };
  }
  restore(state: { config?: unknown }): void {
    this.config.set(state.config as number[]);
  }
}

function started(features = 0n, transport: "modern" | "legacy" = "modern") {
  const device = new Echo();
  const driver = new Driver(device, transport);
  driver.start(features);
  return { device, driver };
}

const bytes = (...values: number[]): Part => ({ bytes: Uint8Array.from(values) });

test("registers say what it is, in both versions", () => {
  for (const [transport, version] of [["modern", 2] as const, ["legacy", 1] as const]) {
    const driver = new Driver(new Echo(), transport);
    assert.equal(driver.read(REGISTER.magic), 0x7472_6976);
    assert.equal(driver.read(REGISTER.version), version);
    assert.equal(driver.read(REGISTER.deviceId), 42);
    const expected = FEATURE.indirect | FEATURE.eventIdx | (1n << 3n);
    assert.equal(driver.offered(), transport === "modern" ? expected | FEATURE.version1 : expected | (1n << 27n));
    for (const [queue, most] of [16, 8, 0].entries()) {
      driver.write(REGISTER.queueSel, queue);
      assert.equal(driver.read(REGISTER.queueNumMax), most);
    }
    assert.equal(driver.slot.read(REGISTER.magic, 2), undefined, "registers are words");
    assert.equal(driver.slot.read(REGISTER.config + 1, 1), 2n);
    assert.equal(driver.slot.read(REGISTER.config, 8), 0x0807_0605_0403_0201n);
    assert.equal(driver.slot.read(0xffc, 4), 0n, "beyond the configuration there is nothing");
  }
});

test("empty slots answer with device 0", () => {
  const slots = new EmptyVirtioSlots(0x1000_1000, 3, "modern");
  assert.deepEqual(
    [0x2000, 0x2004, 0x2008].map((offset) => slots.read(offset, 4)),
    [0x7472_6976n, 2n, 0n],
  );
  assert.equal(slots.write(0x2070, 4, 1n), true);
  assert.equal(slots.read(0x2070, 4), 0n);
});

test("FEATURES_OK is refused for features that are not offered, and without VERSION_1", () => {
  const driver = new Driver(new Echo());
  for (const [low, high] of [
    [1 << 3, 0],
    [1 << 4, 1],
    [0, 3],
  ]) {
    driver.write(REGISTER.status, 0);
    driver.write(REGISTER.driverFeaturesSel, 0);
    driver.write(REGISTER.driverFeatures, low);
    driver.write(REGISTER.driverFeaturesSel, 1);
    driver.write(REGISTER.driverFeatures, high);
    driver.write(REGISTER.status, STATUS.acknowledge | STATUS.driver | STATUS.featuresOk);
    assert.equal(driver.read(REGISTER.status) & STATUS.featuresOk, 0);
  }
});

for (const transport of ["modern", "legacy"] as const) {
  for (const features of [0n, FEATURE.indirect, FEATURE.eventIdx, FEATURE.indirect | FEATURE.eventIdx]) {
    test(`buffers come back in order, ${transport}, features ${features.toString(16)}`, () => {
      const { driver } = started(features, transport);
      const indirect = (features & FEATURE.indirect) !== 0n;
      for (let round = 0; round < 70_000; round += round < 40 ? 1 : 9_973) {
        // The rings' counts wrap at 2^16: the driver and the device agree on where they are.
        const parts = [bytes(1, round & 0xff), bytes(3), { room: 2 }, { room: 5 }];
        const { head, addresses } = driver.add(0, parts, indirect);
        driver.notify(0);
        assert.deepEqual(driver.used(0), [{ id: head, written: 3 }]);
        assert.deepEqual([...driver.at(addresses[2], 2)], [2, (round + 1) & 0xff]);
        assert.equal(driver.at(addresses[3], 1)[0], 4);
      }
    });
  }
}

test("the rings' counts wrap at 2^16", () => {
  const { driver } = started(FEATURE.eventIdx);
  const { addresses } = driver.add(1, [bytes(7), { room: 1 }]);
  driver.notify(1);
  for (let count = 1; count < 70_000; count++) {
    driver.offer(1, 0);
    driver.notify(1);
  }
  assert.equal(driver.read(REGISTER.status) & STATUS.needsReset, 0);
  assert.equal(driver.memory.view.getUint16(driver.rings[1].used + 2 - RAM, true), 70_000 & 0xffff);
  assert.equal(driver.at(addresses[1], 1)[0], 8);
});

test("the interrupt is raised for used buffers, acknowledged, and can be suppressed", () => {
  const { driver } = started();
  const once = () => {
    driver.add(0, [bytes(1)]);
    driver.notify(0);
    const status = driver.read(REGISTER.interruptStatus);
    assert.equal(driver.slot.interrupt(), status !== 0);
    driver.write(REGISTER.interruptAck, status);
    assert.equal(driver.slot.interrupt(), false);
    return status;
  };
  assert.equal(once(), 1);
  driver.memory.view.setUint16(driver.rings[0].available - RAM, 1, true);
  assert.equal(once(), 0);
});

test("with EVENT_IDX the interrupt comes for the buffer that the driver named", () => {
  const { driver } = started(FEATURE.eventIdx);
  const ring = driver.rings[0];
  driver.memory.view.setUint16(ring.available + 4 + 2 * ring.size - RAM, 2, true);
  const statuses = [0, 1, 2, 3].map(() => {
    driver.add(0, [bytes(1)]);
    driver.notify(0);
    const status = driver.read(REGISTER.interruptStatus);
    driver.write(REGISTER.interruptAck, status);
    return status;
  });
  assert.deepEqual(statuses, [0, 0, 1, 0]);
  assert.equal(driver.memory.view.getUint16(ring.used + 4 + 8 * ring.size - RAM, true), 4, "avail_event");
});

test("nothing is served before DRIVER_OK, after FAILED, and for queues that are not ready", () => {
  const { device, driver } = started();
  driver.add(0, [bytes(1)]);
  const status = driver.read(REGISTER.status);
  driver.write(REGISTER.status, status & ~STATUS.driverOk);
  driver.notify(0);
  driver.write(REGISTER.status, status | STATUS.failed);
  driver.notify(0);
  driver.write(REGISTER.status, status);
  driver.notify(7);
  driver.write(REGISTER.queueSel, 0);
  driver.write(REGISTER.queueReady, 0);
  driver.notify(0);
  assert.equal(device.notifications, 0);
  assert.deepEqual(driver.used(0), []);
});

test("the configuration can be written inside of its bounds, and its changes are told", () => {
  const { device, driver } = started();
  driver.write(REGISTER.config + 2, 0xbbaa, 2);
  driver.write(REGISTER.config + 8, 0xff, 1);
  assert.deepEqual([...device.config], [1, 2, 0xaa, 0xbb, 5, 6, 7, 8]);
  const generation = driver.read(REGISTER.configGeneration);
  device.queues.configurationChanged();
  assert.notEqual(driver.read(REGISTER.configGeneration), generation);
  assert.equal(driver.read(REGISTER.interruptStatus), 2);
});

/** What no driver may do: how it is brought about, and what is said of it. */
const CRIMES: Record<string, { features?: bigint; commit: (driver: Driver) => void; problem: RegExp }> = {
  "a descriptor beyond the table": {
    commit: (driver) => driver.offer(0, 8),
    problem: /beyond its table/,
  },
  "a chain that is a circle": {
    commit: (driver) => {
      driver.describe(driver.rings[0].descriptors, 0, RAM, 16, DESC.next, 1);
      driver.describe(driver.rings[0].descriptors, 1, RAM, 16, DESC.next, 0);
      driver.offer(0, 0);
    },
    problem: /too long or a circle/,
  },
  "a buffer outside of RAM": {
    commit: (driver) => {
      driver.describe(driver.rings[0].descriptors, 0, RAM + RAM_BYTES - 8, 16, 0);
      driver.offer(0, 0);
    },
    problem: /buffer outside of RAM/,
  },
  "a buffer at the end of the address space": {
    commit: (driver) => {
      driver.describe(driver.rings[0].descriptors, 0, 0, 0xffff_ffff, 0);
      driver.memory.view.setBigUint64(driver.rings[0].descriptors - RAM, 0xffff_ffff_ffff_fff0n, true);
      driver.offer(0, 0);
    },
    problem: /buffer outside of RAM/,
  },
  "a readable buffer behind a writable one": {
    commit: (driver) => driver.add(0, [{ room: 4 }, bytes(1)]),
    problem: /readable buffer behind a writable one/,
  },
  "an indirect table that was not agreed on": {
    commit: (driver) => driver.add(0, [bytes(1)], true),
    problem: /indirect descriptor where none may be/,
  },
  "an indirect table of a bad length": {
    features: FEATURE.indirect,
    commit: (driver) => {
      driver.describe(driver.rings[0].descriptors, 0, RAM, 24, DESC.indirect);
      driver.offer(0, 0);
    },
    problem: /bad length/,
  },
  "an indirect table in an indirect table": {
    features: FEATURE.indirect,
    commit: (driver) => {
      const table = driver.allocate(16);
      driver.describe(table, 0, table, 16, DESC.indirect);
      driver.describe(driver.rings[0].descriptors, 0, table, 16, DESC.indirect);
      driver.offer(0, 0);
    },
    problem: /indirect descriptor where none may be/,
  },
  "an indirect table that is a circle": {
    features: FEATURE.indirect,
    commit: (driver) => {
      const table = driver.allocate(16);
      driver.describe(table, 0, table, 16, DESC.next, 0);
      driver.describe(driver.rings[0].descriptors, 0, table, 16, DESC.indirect);
      driver.offer(0, 0);
    },
    problem: /too long or a circle/,
  },
  "an indirect table outside of RAM": {
    features: FEATURE.indirect,
    commit: (driver) => {
      driver.describe(driver.rings[0].descriptors, 0, 0x1000, 0xffff_fff0, DESC.indirect);
      driver.offer(0, 0);
    },
    problem: /descriptors outside of RAM/,
  },
  "more buffers than descriptors": {
    commit: (driver) => driver.memory.view.setUint16(driver.rings[0].available + 2 - RAM, 9, true),
    problem: /more buffers available/,
  },
  "a size that is no power of two": {
    commit: (driver) => {
      driver.write(REGISTER.queueSel, 0);
      driver.write(REGISTER.queueNum, 6);
    },
    problem: /impossible size/,
  },
  "a size beyond the largest": {
    commit: (driver) => {
      driver.write(REGISTER.queueSel, 0);
      driver.write(REGISTER.queueNum, 0x8000_0000);
    },
    problem: /impossible size/,
  },
  "an available ring nowhere": {
    commit: (driver) => {
      driver.write(REGISTER.queueSel, 0);
      driver.write(REGISTER.queueDriver + 4, 0xffff_ffff);
    },
    problem: /available ring outside/,
  },
  "descriptors nowhere": {
    commit: (driver) => {
      driver.write(REGISTER.queueSel, 0);
      driver.write(REGISTER.queueDesc, 0x1000);
      driver.offer(0, 0);
    },
    problem: /descriptors outside/,
  },
  "a used ring in ROM": {
    commit: (driver) => {
      driver.write(REGISTER.queueSel, 0);
      driver.write(REGISTER.queueDevice, 0x1000);
      driver.add(0, [bytes(1)]);
    },
    problem: /used ring outside/,
  },
};

for (const [name, { features, commit, problem }] of Object.entries(CRIMES)) {
  test(`${name}: the device needs a reset, says so, and works again after it`, () => {
    const { driver } = started(features);
    commit(driver);
    driver.notify(0);
    assert.ok(driver.needsReset);
    assert.equal(driver.read(REGISTER.interruptStatus) & 2, 2, "the driver is told");
    assert.match(String(driver.slot.save().problem), problem);
    driver.add(1, [bytes(1)]);
    driver.notify(1);
    assert.deepEqual(driver.used(1), [], "nothing goes on");
    driver.start();
    assert.equal(driver.needsReset, false);
    const { head } = driver.add(0, [bytes(1)]);
    driver.notify(0);
    assert.equal(driver.used(0)[0].id, head);
  });
}

test("a device that writes over the available ring ends all the same", () => {
  const { device, driver } = started();
  const ring = driver.rings[0];
  // The buffer's writable part is the ring's own count, which the echo makes one larger each time.
  const index = driver.place(Uint8Array.of(1));
  driver.describe(ring.descriptors, 0, ring.available + 2, 1, DESC.next, 1);
  driver.describe(ring.descriptors, 1, ring.available + 2, 1, DESC.write);
  driver.describe(ring.descriptors, 2, index, 1, 0);
  driver.offer(0, 0);
  driver.notify(0);
  assert.equal(device.notifications, 1);
  assert.equal(driver.used(0).length, ring.size);
});

test("empty parts are passed over", () => {
  const { driver } = started();
  const { addresses } = driver.add(0, [bytes(), bytes(1), { room: 0 }, { room: 1 }]);
  driver.notify(0);
  assert.deepEqual(driver.used(0), [{ id: 0, written: 1 }]);
  assert.equal(driver.at(addresses[3], 1)[0], 2);
});

test("what is saved goes on where it was, and is what is saved again", () => {
  const { driver } = started(FEATURE.eventIdx);
  driver.add(0, [bytes(1), { room: 1 }]);
  driver.notify(0);
  const state = driver.slot.save();
  // The other one has come as far in its memory, and knows the rest from what was saved.
  const { driver: other } = started(FEATURE.eventIdx);
  other.add(0, [bytes(1), { room: 1 }]);
  other.slot.restore(JSON.parse(JSON.stringify(state)));
  assert.deepEqual(other.slot.save(), state);
  other.memory.bytes.set(driver.memory.bytes);
  for (const each of [driver, other]) {
    each.add(0, [bytes(5), { room: 1 }]);
    each.notify(0);
  }
  assert.equal(Buffer.compare(other.memory.bytes, driver.memory.bytes), 0);
  assert.deepEqual(other.slot.save(), driver.slot.save());
});
