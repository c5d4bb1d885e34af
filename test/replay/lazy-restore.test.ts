import assert from "node:assert/strict";
import { test } from "node:test";
import { type Instant, instant, type PhysicalAddress } from "../../src/base/brand.ts";
import { UserError } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { PAGE_BYTES } from "../../src/memory/layout.ts";
import { RecordingReader } from "../../src/replay/recording-reader.ts";
import { Timeline, type TimelineOptions } from "../../src/replay/timeline.ts";
import { Guest, SMALL, symbol, XORSHIFT } from "../machine/guests.ts";
import { digestsAt, drive, headerFor, MemoryRecording, ZSTD } from "./support.ts";

const OPTIONS: TimelineOptions = {
  ...{ sliceSteps: 5_000, spacingSteps: 10_000, travelSpacingSteps: 20_000, nearSteps: 64, eagerPages: 8 },
  recorder: { fileSpacingSteps: 40_000, restSpacingSteps: 20_000, pageBytesPerStep: 100 },
};

const PAGES = 700;

/** Fills its pages with numbers, then stirs words that they choose themselves, here and there. */
const SOURCE = `
_start:
  la   s0, pages
  li   s1, 88172645463325252
  li   s2, ${PAGES * 512}
  mv   t0, s0
1:
  call draw
  sd   s1, 0(t0)
  addi t0, t0, 8
  addi s2, s2, -1
  bnez s2, 1b
  li   s2, 30000
2:
  call draw
  li   t1, ${PAGES * 512}
  remu t1, s1, t1
  slli t1, t1, 3
  add  t1, t1, s0
  ld   t2, 0(t1)
  add  s1, s1, t2
  sd   s1, 0(t1)
  addi s2, s2, -1
  bnez s2, 2b
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
3:
  j    3b
draw:
${XORSHIFT}
  ret
  .bss
  .balign 4096
pages: .zero 4096 * ${PAGES}
`;

const CONFIGURATION = { ...SMALL, memoryBytes: 4 * 1024 * 1024 };
const newGuest = () => new Guest(SOURCE, "auto", CONFIGURATION);

const recorded = (() => {
  const { machine } = newGuest();
  const recording = new MemoryRecording(headerFor(machine));
  const timeline = Timeline.record(machine, recording, OPTIONS);
  drive(timeline.forward({ stops: NO_STOPS }));
  timeline.close();
  return { bytes: recording.bytes, end: timeline.end };
})();

/** `isClosed`: when the file cannot be read any more. */
function open(bytes = recorded.bytes, isClosed = () => false) {
  const read = (offset: number, length: number) => {
    if (isClosed()) throw new UserError("file-closed", "The file has been closed.");
    return bytes.subarray(offset, offset + length);
  };
  const reading = new RecordingReader({ sizeBytes: bytes.length, read }, ZSTD);
  const guest = newGuest();
  return { guest, replay: Timeline.open(guest.machine, reading, OPTIONS), stored: reading.checkpoints.checkpoints };
}

function straight(instants: number[]) {
  return digestsAt(newGuest().machine, [], instants);
}

test("behind a checkpoint of the file a machine runs while most pages are still there, and is what it was", () => {
  const { stored } = open();
  const places = stored
    .slice(0, -1)
    .filter(({ chunks }) => chunks.some(({ pages }) => pages.length > 100))
    .map((at) => at.instant + 3);
  assert.ok(places.length > 3, `${places.length} places`);
  const expected = straight([...places, recorded.end]);
  for (const place of places) {
    const { replay } = open();
    const { machine } = replay;
    drive(replay.seek(instant(place)));
    const { count } = machine.absentPages!;
    assert.ok(count > PAGES / 4, `${count} pages are absent at ${place}`);
    assert.equal(machine.digest(), expected.get(place), `at ${place}`);
    assert.equal(machine.absentPages!.count, count, "a digest needs no pages");
    drive(replay.forward({ stops: NO_STOPS }));
    assert.equal(machine.digest(), expected.get(recorded.end));
    assert.ok(replay.verifiedDigests > 0 || place > (stored.at(-2)?.instant ?? 0));
  }
});

test("whoever looks at memory sees what was there, wherever somebody has been", () => {
  const prng = new Prng(5);
  const { guest, replay } = open();
  const first = (Number(symbol(guest.program, "pages")) - RAM_BASE) / PAGE_BYTES;
  const places = Array.from({ length: 40 }, () => prng.below(recorded.end + 1));
  const expected = straight(places);
  const judge = newGuest();
  for (const place of places) {
    drive(replay.seek(instant(place)));
    if (prng.below(4) === 0) {
      judge.machine.restore(new Guest(SOURCE, "auto", CONFIGURATION).machine.checkpoint());
      judge.machine.run(place as Instant, { departing: true });
      const address = (RAM_BASE + (first + prng.below(PAGES)) * PAGE_BYTES) as PhysicalAddress;
      assert.deepEqual(replay.machine.peekPhysical(address, 64), judge.machine.peekPhysical(address, 64));
    }
    assert.equal(replay.machine.digest(), expected.get(place), `at ${place}`);
  }
});

test("pages that turn out to be damaged when they are needed are got round, with a warning", () => {
  const { stored } = open();
  const chunks = stored.flatMap((checkpoint) => checkpoint.chunks.map(({ offset }) => ({ offset, checkpoint })));
  const prng = new Prng(7);
  let warned = 0;
  for (const { offset, checkpoint } of chunks.slice(0, 12)) {
    const bytes = recorded.bytes.slice();
    bytes[offset + 80] ^= 0xff;
    const { replay } = open(bytes);
    const places = [checkpoint.instant + 5, prng.below(recorded.end), recorded.end, checkpoint.instant + 40_000];
    const inside = places.filter((place) => place <= recorded.end);
    const expected = straight(inside);
    for (const place of inside) {
      drive(replay.seek(instant(place)));
      drive(replay.forward({ stops: NO_STOPS, limit: instant(Math.min(recorded.end, place + 2_000)) }));
      drive(replay.seek(instant(place)));
      assert.equal(replay.machine.digest(), expected.get(place), `chunk at ${offset}, instant ${place}`);
    }
    warned += replay.warnings.length > 0 ? 1 : 0;
  }
  assert.ok(warned > 0, "damage was met");
});

test("a branch that meets damaged pages of its recording goes on from what is known of it", () => {
  const { stored } = open();
  const straightOn = straight([recorded.end]);
  let warned = 0;
  const chunks = stored.flatMap((checkpoint) => checkpoint.chunks.map(({ offset }) => ({ offset, checkpoint })));
  for (const { offset, checkpoint } of chunks.slice(0, 8)) {
    const bytes = recorded.bytes.slice();
    bytes[offset + 80] ^= 0xff;
    const { replay } = open(bytes);
    drive(replay.seek(instant(checkpoint.instant + 1)));
    const before = replay.warnings.length;
    const branch = replay.fork(false);
    drive(branch.forward({ stops: NO_STOPS }));
    assert.equal(branch.machine.digest(), straightOn.get(recorded.end), `chunk at ${offset}`);
    warned += branch.warnings.length > before ? 1 : 0;
    drive(branch.seek(instant(checkpoint.instant + 10)));
    drive(branch.seek(branch.end));
    assert.equal(branch.machine.digest(), straightOn.get(recorded.end), `chunk at ${offset}, again`);
  }
  assert.ok(warned > 0, "damage was met");
});

test("pages that nobody needs come in by and by while the machine runs on", () => {
  const { replay, stored } = open();
  const place = stored.findIndex(({ chunks }) => chunks.length > 0) + 1;
  drive(replay.seek(instant(stored[place].instant + 1)));
  const { absentPages } = replay.machine;
  assert.ok(absentPages!.count > 0);
  for (let at = replay.now; absentPages!.count > 0; at = replay.now) {
    drive(replay.forward({ stops: NO_STOPS, limit: instant(at + 50_000) }));
    assert.ok(replay.now > at, `${absentPages!.count} pages are still absent at the end`);
  }
  const digest = replay.machine.digest();
  assert.equal(digest, straight([replay.now]).get(replay.now));
});

test("a file that cannot be read any more while pages are still in it is told of, and got round", () => {
  let closed = false;
  const { replay, stored } = open(recorded.bytes, () => closed);
  const { machine } = replay;
  const place = stored[stored.findIndex(({ chunks }) => chunks.length > 0) + 1].instant + 1;
  drive(replay.seek(instant(place)));
  assert.ok(machine.absentPages!.count > 0);
  closed = true;
  for (const instantOf of [recorded.end, place + 500, 100_000, recorded.end]) {
    drive(replay.seek(instant(instantOf)));
    assert.equal(machine.digest(), straight([instantOf]).get(instantOf));
  }
  assert.match(replay.warnings.join(" "), /The file has been closed/);
});
