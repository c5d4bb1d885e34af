import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import type { MachineConfiguration } from "../../src/machine/configuration.ts";
import type { DiskImage } from "../../src/machine/disks.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { Checkpoint } from "../../src/machine/machine-interface.ts";
import { Guest, ScriptedInlet, SMALL } from "./guests.ts";
import { GUEST_SECTORS, virtioGuest } from "./virtio-guest.ts";

const IMAGE_BYTES = GUEST_SECTORS * 512;

/** An image that counts its sectors, and fails the test when it is read beyond its end. */
function countingImage(sizeBytes = IMAGE_BYTES): DiskImage {
  const bytes = Uint8Array.from({ length: sizeBytes }, (_, index) => (index % 512 === 0 ? index >> 9 : 0));
  return {
    sizeBytes,
    read(offset, length) {
      assert.ok(offset < sizeBytes);
      return bytes.slice(offset, offset + length);
    },
  };
}

const ONE_DISK: Partial<MachineConfiguration> = { disks: [{ sizeBytes: IMAGE_BYTES, readOnly: false }], seed: 5 };

function guest(source: string, configuration: Partial<MachineConfiguration> = {}, image = countingImage()): Guest {
  return new Guest(source, "auto", { ...ONE_DISK, ...configuration }, [image]);
}

for (const transport of ["modern", "legacy"] as const) {
  test(`a guest works on a disk with random numbers, ${transport}; both engines agree`, () => {
    const source = virtioGuest({ transport, entropy: true, rounds: 16 });
    const image = countingImage();
    const [auto, oracle] = (["auto", "oracle"] as const).map((engine) => {
      return new Guest(source, engine, { ...ONE_DISK, virtio: transport }, [image]);
    });
    assert.deepEqual(auto.run(), { kind: "finished", exitCode: 0, reset: false });
    oracle.run();
    assert.equal(auto.output.split("\n").length, 4);
    assert.equal(auto.output.slice(0, 17), "0000000000000040\n");
    assert.equal(oracle.output, auto.output);
    assert.equal(oracle.machine.digest(), auto.machine.digest());
    assert.deepEqual([...image.read(512, 1)], [1], "the image is as it was");
  });
}

test("another seed gives another run", () => {
  const source = virtioGuest({ transport: "modern", entropy: true, rounds: 16 });
  const [first, second] = [5, 6].map((seed) => guest(source, { seed }));
  first.run();
  second.run();
  assert.notEqual(first.output, second.output);
});

test("a run goes on alike from any checkpoint: disk, rings and random numbers", () => {
  const source = virtioGuest({ transport: "modern", entropy: true, rounds: 40 });
  const straight = guest(source);
  straight.run();
  const end = straight.machine.instant;
  const digest = straight.machine.digest();

  const prng = new Prng(11);
  const travelled = guest(source);
  const states: { checkpoint: Checkpoint; digest: string }[] = [];
  for (let count = 0; count < 12; count++) {
    travelled.run(travelled.machine.instant + prng.below(end / 12));
    // The digest before the checkpoint, of what is not saved yet, is the one after it.
    const before = travelled.machine.digest();
    states.push({ checkpoint: travelled.machine.checkpoint(), digest: before });
    assert.equal(travelled.machine.digest(), before);
  }
  for (let count = 0; count < 30; count++) {
    const state = prng.pick(states);
    travelled.machine.restore(state.checkpoint);
    assert.equal(travelled.machine.digest(), state.digest);
    travelled.run(travelled.machine.instant + prng.below(end / 4));
  }
  travelled.machine.restore(prng.pick(states).checkpoint);
  travelled.run();
  assert.equal(travelled.machine.instant, end);
  assert.equal(travelled.machine.digest(), digest);
});

test("what a disk holds is part of the digest, also when it differs in nothing else", () => {
  const source = virtioGuest({ transport: "modern", entropy: false, rounds: 2 });
  const machine = guest(source);
  machine.run();
  const checkpoint = machine.machine.checkpoint();
  const digest = machine.machine.digest();
  const parts = { instant: checkpoint.instant, state: checkpoint.state };
  const ramPages = SMALL.memoryBytes / 4096;
  const blocks = [...checkpoint.pages.changedSince(undefined)].filter(({ page }) => page >= ramPages);
  assert.ok(blocks.length > 0);
  for (const { page, version } of blocks) {
    const changed = version!.bytes.slice();
    changed[4095] ^= 1;
    machine.machine.restore(
      machine.machine.importCheckpoint({ ...parts, pages: [{ page, bytes: changed }] }, checkpoint),
    );
    assert.notEqual(machine.machine.digest(), digest);
    // A block of zeros is not the image's.
    const zeros = { page, bytes: new Uint8Array(4096) };
    const zeroed = machine.machine.importCheckpoint({ ...parts, pages: [zeros] }, checkpoint);
    assert.ok(zeroed.pages.get(page) !== undefined);
    machine.machine.restore(checkpoint);
    assert.equal(machine.machine.digest(), digest);
  }
});

test("blocks written before and after checkpoints are shared, not copied", () => {
  const source = virtioGuest({ transport: "modern", entropy: true, rounds: 24 });
  const machine = guest(source);
  machine.run(2_000);
  const first = machine.machine.checkpoint();
  assert.equal(machine.machine.checkpoint().pages, first.pages, "nothing has changed");
  const saved = [...first.pages.changedSince(undefined)].map(({ page, version }) => ({
    page,
    bytes: version!.bytes.slice(),
  }));
  machine.run();
  for (const { page, bytes } of saved) assert.deepEqual(first.pages.get(page)?.bytes, bytes, "what is saved stays");
});

test("a disk may end within a block and within its image's last sector", () => {
  const sizeBytes = 4096 * 7 + 512 * 3;
  const image = countingImage(sizeBytes - 100);
  const source = virtioGuest({ transport: "modern", entropy: false, rounds: 4 }).replace(
    "andi s8, s3, 63",
    "li s8, 58",
  );
  const odd = guest(source, { disks: [{ sizeBytes, readOnly: false }] }, image);
  assert.equal(odd.run().kind, "finished");
  assert.equal(odd.output.slice(0, 17), "000000000000003b\n");
  odd.machine.restore(odd.machine.checkpoint());
});

test("disks that are impossible are refused by name", () => {
  const make = (...disks: MachineConfiguration["disks"]) =>
    new Machine(
      { ...SMALL, disks },
      "auto",
      disks.map(() => countingImage()),
    );
  const disk = { sizeBytes: 512, readOnly: false };
  assert.throws(() => make(disk, disk, disk, disk, disk, disk), /6 disks is not possible/);
  assert.throws(() => make({ ...disk, sizeBytes: 100 }), /whole sectors of 512 bytes/);
  assert.throws(() => make({ ...disk, sizeBytes: 0 }), /whole sectors/);
  assert.throws(() => make(disk, { ...disk, sizeBytes: 64 * 2 ** 30 }), /up to 64 GiB/);
});

/** Sleeps until the clock's alarm, a second and a half after the start, and prints how far it is then. */
const ALARM = `
  li   t0, 0x0c000000
  li   t1, 1
  sw   t1, 44(t0)                   # priority of source 11
  li   t2, 0x0c002000
  li   t3, 1 << 11
  sw   t3, 0(t2)
  csrw mie, t3
  li   t0, 0x101000
  lw   t1, 0(t0)
  lw   t2, 4(t0)
  slli t2, t2, 32
  slli t1, t1, 32
  srli t1, t1, 32
  or   s0, t1, t2                   # now
  li   t3, 1500000000
  add  t1, s0, t3
  srli t2, t1, 32
  sw   t2, 0x0c(t0)
  sw   t1, 0x08(t0)
  li   t1, 1
  sw   t1, 0x10(t0)
1:
  wfi
  li   t2, 0x0c200004
  lw   t3, 0(t2)
  beqz t3, 1b
  lw   t1, 0(t0)
  subw t1, t1, s0
  li   t4, 1500001000
  sltu s1, t1, t4                   # within a microsecond
  li   t4, 0x100000
  li   t5, 0x5555
  sw   t5, 0(t4)
`;

for (const clock of ["virtual", "paced"] as const) {
  test(`the alarm of the real-time clock wakes a hart that waits, ${clock} clock`, () => {
    const sleeper = new Guest(ALARM, "auto", { startTime: 1_769_860_800, clock });
    let stop = sleeper.run();
    if (clock === "paced") {
      assert.equal(stop.kind, "waiting");
      const { ticks } = stop as { ticks?: number };
      assert.ok(ticks! > 14_999_990 && ticks! <= 15_000_000, `${ticks} ticks`);
      let given = false;
      sleeper.machine.inlet = {
        take: (instant) => {
          if (given) return undefined;
          given = true;
          return { kind: "idle-jump", instant, ticks: ticks! };
        },
        horizon: () => Number.POSITIVE_INFINITY,
      };
      stop = sleeper.run();
    }
    assert.equal(stop.kind, "finished");
    assert.equal(sleeper.register(8), 1_769_860_800_000_000_000n, "s0: the time at the start");
    assert.equal(sleeper.register(9), 1n, "s1: it slept as long as it should");
  });
}

test("the alarm interrupts a hart that works, at the same instant however the run is cut", () => {
  const source = ALARM.replace("  wfi\n", "").replaceAll("1500000000", "100000").replaceAll("1500001000", "101000");
  const configuration = { startTime: 1_769_860_800 };
  const whole = new Guest(source, "auto", configuration);
  whole.run();
  const cut = new Guest(source, "oracle", configuration);
  for (let until = 7; cut.run(until).kind === "reached"; until += 7) {
    if (until % 5 === 0) cut.machine.restore(cut.machine.checkpoint());
  }
  assert.equal(whole.register(9), 1n);
  assert.equal(cut.machine.instant, whole.machine.instant);
  assert.equal(cut.machine.digest(), whole.machine.digest());
});

/** Gives the virtio console in slot 0 a driver, then waits for ever. */
const CONSOLE_DRIVER = `
  li   t0, 0x10001000
  li   t1, 3
  sw   t1, 0x70(t0)
  li   t1, 1
  sw   t1, 0x24(t0)
  sw   t1, 0x20(t0)
  li   t1, 11
  sw   t1, 0x70(t0)
  li   t1, 15
  sw   t1, 0x70(t0)
1:
  j    1b
`;

test("input goes to the virtio console once a driver has it, to the UART before", () => {
  const machine = new Guest(CONSOLE_DRIVER, "auto", { console: "virtio" }).machine;
  const bytes = (text: string) => new TextEncoder().encode(text);
  machine.inlet = new ScriptedInlet([
    { kind: "console-input", instant: 3 as Instant, bytes: bytes("ab") },
    { kind: "console-input", instant: 30 as Instant, bytes: bytes("cd") },
  ]);
  machine.run(50 as Instant, { departing: false });
  const stateAt = (address: number) => machine.describeDevices().find((device) => device.address === address)?.state;
  // Nobody listens to the UART: there the bytes wait on the line.
  assert.deepEqual([stateAt(0x1000_0000)?.line, stateAt(0x1000_1000)?.received], ["97 98", "99 100"]);
});

test("without being asked for there is no virtio console; the slots are filled from the first", () => {
  const kinds = (configuration: Partial<MachineConfiguration>, disks: DiskImage[] = []) =>
    new Guest("_start:\n  nop\n", "auto", configuration, disks).machine
      .describeDevices()
      .map(({ name }) => name)
      .filter((name) => name.startsWith("virtio"));
  assert.deepEqual(kinds({}), ["virtio0 entropy", "virtio-empty"]);
  const { disks } = ONE_DISK;
  const both = kinds({ disks: [...disks!, ...disks!], console: "virtio" }, [countingImage(), countingImage()]);
  assert.deepEqual(both, ["virtio0 block", "virtio1 block", "virtio2 console", "virtio3 entropy", "virtio-empty"]);
});
