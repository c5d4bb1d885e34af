import assert from "node:assert/strict";
import { test } from "node:test";
import { instant } from "../../src/base/brand.ts";
import { UserError } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { DiskPacker, PackedDisk, PIECE_BYTES } from "../../src/replay/packed-disk.ts";
import { Timeline, type TimelineOptions } from "../../src/replay/timeline.ts";
import { program, SMALL as SMALL_MACHINE } from "../machine/guests.ts";
import { GUEST_SECTORS, virtioGuest } from "../machine/virtio-guest.ts";
import { digestsAt, drive, headerFor, MemoryRecording, reopen, ZSTD } from "./support.ts";

const OPTIONS: TimelineOptions = {
  sliceSteps: 700,
  spacingSteps: 2_000,
  travelSpacingSteps: 2_000,
  stepsPerPage: 1,
  nearSteps: 16,
  recorder: { fileSpacingSteps: 5_000, restSpacingSteps: 3_000, pageBytesPerStep: 1000 },
};
const IMAGE = Uint8Array.from({ length: GUEST_SECTORS * 512 }, (_, index) => (index * 7) >> 5);

function pack(bytes: Uint8Array): Uint8Array {
  const packer = new DiskPacker(ZSTD);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) packer.add(bytes.subarray(at, at + PIECE_BYTES));
  return packer.finish();
}

function machineFor(transport: "modern" | "legacy"): Machine {
  const image = new PackedDisk(pack(IMAGE), IMAGE.length, ZSTD);
  const disks = [{ sizeBytes: IMAGE.length, readOnly: false }];
  const machine = new Machine({ ...SMALL_MACHINE, disks, seed: 3, virtio: transport }, "auto", [image]);
  machine.load(program(virtioGuest({ transport, entropy: true, rounds: 240 })));
  return machine;
}

for (const transport of ["modern", "legacy"] as const) {
  test(`a guest with a disk and entropy, ${transport}: recorded, replayed, and travelled from memory and from the file`, () => {
    const prng = new Prng(17);
    const machine = machineFor(transport);
    const recording = new MemoryRecording(headerFor(machine));
    const timeline = Timeline.record(machine, recording, OPTIONS);
    for (;;) {
      const limit = instant(timeline.end + 1 + prng.below(6_000));
      const stop = drive(timeline.forward({ stops: NO_STOPS, limit }));
      if (stop.kind !== "reached") break;
      if (prng.below(2) === 0) drive(timeline.seek(instant(prng.below(timeline.end))));
      drive(timeline.seek(timeline.end));
    }
    const { end } = timeline;
    const instants = [...Array.from({ length: 12 }, () => prng.below(end + 1)), end];
    const expected = digestsAt(machineFor(transport), [], instants);
    assert.equal(machine.digest(), expected.get(end));
    timeline.close();
    const reading = reopen(recording.bytes);
    assert.deepEqual([reading.complete, reading.warnings], [true, []]);
    assert.ok(reading.checkpoints.checkpoints.length >= 3);
    const ramPages = SMALL_MACHINE.memoryBytes / 4096;
    const stored = reading.checkpoints.checkpoints.flatMap(({ chunks }) => chunks.flatMap(({ pages }) => [...pages]));
    assert.ok(
      stored.some((page) => page >= ramPages),
      "blocks of the disk are in the file",
    );
    const replay = Timeline.open(machineFor(transport), reading, OPTIONS);
    for (const travelled of [timeline, replay]) {
      for (const at of instants) {
        drive(travelled.seek(instant(at)));
        assert.equal(travelled.machine.digest(), expected.get(at), `instant ${at}`);
      }
    }
    drive(replay.seek(replay.first));
    drive(replay.forward({ stops: NO_STOPS }));
    assert.equal(replay.machine.digest(), expected.get(end));
    assert.ok(replay.verifiedDigests > 0);
  });
}

test("a packed disk reads as its image at any place; zeros cost next to nothing", () => {
  const prng = new Prng(1);
  const bytes = new Uint8Array(PIECE_BYTES * 5 + 1234);
  for (let at = PIECE_BYTES; at < PIECE_BYTES * 2; at++) bytes[at] = prng.below(256);
  bytes.fill(7, PIECE_BYTES * 4 + 100);
  const packed = pack(bytes);
  assert.ok(packed.length < PIECE_BYTES + 1000);
  const disk = new PackedDisk(packed, bytes.length, ZSTD);
  for (let count = 0; count < 200; count++) {
    const offset = prng.below(bytes.length);
    const length = prng.below(PIECE_BYTES * 2);
    assert.equal(Buffer.compare(disk.read(offset, length), bytes.subarray(offset, offset + length)), 0);
  }
  assert.equal(pack(new Uint8Array(64 * 2 ** 20)).length, 1024 + 2);
});

test("a packed disk that is damaged is refused with a sentence, and never read beyond its end", () => {
  const bytes = Uint8Array.from({ length: PIECE_BYTES * 2 }, (_, index) => index >> 3);
  const packed = pack(bytes);
  const refused = (damaged: Uint8Array, sizeBytes = bytes.length) => {
    try {
      const disk = new PackedDisk(damaged, sizeBytes, ZSTD);
      for (let at = 0; at < sizeBytes; at += PIECE_BYTES) disk.read(at, PIECE_BYTES);
      return false;
    } catch (error) {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, /A disk in the recording cannot be read/);
      return true;
    }
  };
  assert.equal(refused(packed), false);
  for (let length = 0; length < packed.length; length += 7) assert.ok(refused(packed.subarray(0, length)));
  assert.ok(refused(packed, PIECE_BYTES * 3));
  const prng = new Prng(2);
  for (let count = 0; count < 300; count++) {
    const damaged = packed.slice();
    damaged[prng.below(damaged.length)] ^= 1 << prng.below(8);
    refused(damaged);
  }
});
