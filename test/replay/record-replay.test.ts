import assert from "node:assert/strict";
import { test } from "node:test";
import { instant } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { CheckpointFile } from "../../src/replay/checkpoint-file.ts";
import type { RecordingMessage } from "../../src/replay/recording-message.ts";
import { RecordingWriter } from "../../src/replay/recording-writer.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { FakeMachine, pcOf } from "./fake-machine.ts";
import {
  digestsAt,
  drive,
  eventsOf,
  findAll,
  headerFor,
  liveRun,
  MemoryRecording,
  reopen,
  SMALL,
  type Story,
  ZSTD,
} from "./support.ts";

const STORIES: readonly Story[] = [
  { seed: 1, guest: {}, steps: 30_000 },
  { seed: 2, guest: { waits: true }, steps: 30_000 },
  { seed: 3, guest: { waits: true, printsEvery: 2 }, steps: 20_000 },
  { seed: 4, guest: { finishesAt: 17_123 }, steps: 30_000 },
  { seed: 5, guest: { trapsAt: 12_345 }, steps: 30_000 },
  { seed: 6, guest: { waits: true, printsEvery: 200 }, steps: 40_000 },
];

for (const story of STORIES) {
  const machine = () => new FakeMachine(story.seed, story.guest);

  test(`story ${story.seed}: recorded, reopened, replayed: every digest, every byte`, () => {
    const { timeline, recording } = liveRun(story);
    const end = timeline.end;
    const live = timeline.machine.digest();
    timeline.close();
    const reading = reopen(recording.bytes);
    assert.equal(reading.complete, true);
    assert.deepEqual(reading.warnings, []);
    assert.equal(reading.end, end);
    assert.equal(reading.events.length, eventsOf(recording).length);
    const replay = Timeline.open(machine(), reading, SMALL);
    const stop = drive(replay.forward({ stops: NO_STOPS }));
    assert.equal(stop.kind, story.guest.finishesAt ? "finished" : story.guest.trapsAt ? "unhandled-trap" : "end");
    assert.equal(replay.now, end);
    assert.equal(replay.machine.digest(), live);
    // All but those that an edit at the same instant made unreachable.
    assert.ok(replay.verifiedDigests >= end / 2000 / 2, `${replay.verifiedDigests} digests were verified`);
    assert.equal(replay.history.frameCount, timeline.history.frameCount);
    assert.deepEqual(replay.history.outputBytes(0, 1e9), timeline.history.outputBytes(0, 1e9));
  });

  test(`story ${story.seed}: any instant, by seeking in a live run and in its recording, is that of a straight run`, () => {
    const { timeline, recording, prng } = liveRun(story);
    const instants = Array.from({ length: 60 }, () => prng.below(timeline.end + 1));
    const expected = digestsAt(machine(), eventsOf(recording), instants);
    const check = (travelled: Timeline) => {
      for (const at of instants) {
        drive(travelled.seek(instant(at)));
        assert.equal(travelled.now, at);
        assert.equal(travelled.machine.digest(), expected.get(at), `instant ${at}`);
      }
    };
    check(timeline);
    timeline.close();
    check(timeline);
    check(Timeline.open(machine(), reopen(recording.bytes), SMALL));
  });

  test(`story ${story.seed}: from every checkpoint of the file, forwards and backwards`, () => {
    const { timeline, recording } = liveRun(story);
    timeline.close();
    const reading = reopen(recording.bytes);
    const instants = reading.checkpoints.checkpoints.map((stored) => stored.instant);
    assert.ok(instants.length >= 2, `${instants.length} checkpoints`);
    const expected = digestsAt(machine(), eventsOf(recording), [...instants, timeline.end]);
    for (const order of [instants, [...instants].reverse()]) {
      // Room for few checkpoints: nearly every one has to come from the file, on the base of another.
      const bounds = { count: 4, bytes: 1 << 30 };
      const replay = Timeline.open(machine(), reopen(recording.bytes), { ...SMALL, sliceSteps: 50, bounds });
      for (const at of order) {
        drive(replay.seek(at));
        assert.equal(replay.machine.digest(), expected.get(at), `checkpoint at ${at}`);
        drive(replay.seek(instant(Math.min(at + 700, timeline.end))));
        drive(replay.seek(instant(Math.max(at - 700, 0))));
      }
      drive(replay.seek(timeline.end));
      assert.equal(replay.machine.digest(), expected.get(timeline.end));
    }
  });
}

test("stepping back one by one is seeking", () => {
  const story: Story = { seed: 11, guest: { waits: true }, steps: 9000 };
  const { timeline, recording } = liveRun(story);
  const instants = Array.from({ length: 2500 }, (_, index) => timeline.end - index);
  const expected = digestsAt(new FakeMachine(story.seed, story.guest), eventsOf(recording), instants);
  for (const at of instants) {
    drive(timeline.seek(instant(at)));
    assert.equal(timeline.machine.digest(), expected.get(at), `instant ${at}`);
  }
});

test("going back while live, and on: history is made where it had stopped", () => {
  const seed = 21;
  const guest = { waits: true };
  const { timeline, recording, prng } = liveRun({ seed, guest, steps: 3000 });
  for (let round = 0; round < 30; round++) {
    const { end } = timeline;
    drive(timeline.seek(instant(prng.below(end + 1))));
    if (timeline.now < end)
      assert.throws(() => timeline.edit({ target: "pc", hart: 0, value: 0n }), /cannot be changed/);
    // Input waits until the machine is at its newest instant again.
    const events = timeline.history.events.length;
    timeline.input(Uint8Array.of(65 + round));
    const way = prng.below(3);
    if (way === 0) drive(timeline.seek(end));
    else if (way === 1) drive(timeline.forward({ stops: NO_STOPS, limit: end }));
    assert.equal(timeline.history.events.length, events);
    const type = () => void timeline.input(Uint8Array.of(10));
    drive(timeline.forward({ stops: NO_STOPS, limit: instant(end + 1 + prng.below(900)) }), type);
    assert.ok(timeline.history.events.length > events, "the input was delivered");
  }
  const { end } = timeline;
  const live = timeline.machine.digest();
  timeline.close();
  assert.equal(digestsAt(new FakeMachine(seed, guest), eventsOf(recording), [end]).get(end), live);
  const replay = Timeline.open(new FakeMachine(seed, guest), reopen(recording.bytes), SMALL);
  drive(replay.seek(end));
  assert.equal(replay.machine.digest(), live);
});

test("a finished recording takes no input and no edits", () => {
  const { timeline, recording } = liveRun({ seed: 31, guest: {}, steps: 2000 });
  timeline.close();
  const replay = Timeline.open(new FakeMachine(31), reopen(recording.bytes), SMALL);
  assert.equal(replay.live, false);
  assert.equal(replay.input(Uint8Array.of(1)), false);
  assert.throws(() => replay.edit({ target: "pc", hart: 0, value: 0n }), { code: "edit-finished" });
  assert.throws(() => drive(replay.seek((replay.end + 1) as typeof replay.end)), { code: "instant-out-of-range" });
  assert.deepEqual(drive(replay.forward({ stops: NO_STOPS })), { kind: "end" });
  assert.deepEqual(drive(replay.forward({ stops: NO_STOPS })), { kind: "end" });
});

test("an unhandled trap ends a run, and an edit lets it go on", () => {
  const guest = { trapsAt: 5000 };
  const { timeline, recording } = liveRun({ seed: 41, guest, steps: 9000 });
  assert.equal(timeline.ended?.kind, "unhandled-trap");
  assert.equal(timeline.now, 5000);
  drive(timeline.seek(instant(4990)));
  assert.equal(drive(timeline.forward({ stops: NO_STOPS })).kind, "unhandled-trap");
  timeline.edit({ target: "register", hart: 0, register: 7, value: 1n });
  assert.equal(timeline.ended, undefined);
  drive(timeline.forward({ stops: NO_STOPS, limit: instant(9000) }));
  assert.equal(timeline.now, 9000);
  const live = timeline.machine.digest();
  timeline.close();
  const replay = Timeline.open(new FakeMachine(41, guest), reopen(recording.bytes), SMALL);
  drive(replay.seek(instant(9000)));
  assert.equal(replay.machine.digest(), live);
});

test("an abandoned motion leaves the timeline at a true instant", () => {
  const story: Story = { seed: 51, guest: { waits: true }, steps: 20_000 };
  const { timeline, recording, prng } = liveRun(story);
  const motions = [
    () => timeline.backward({ stops: { ...NO_STOPS, breakpoints: [], exceptions: [99] } }),
    () => timeline.findLast({ stops: { ...NO_STOPS, exceptions: [99] } }, timeline.end),
    () => timeline.scan({ stops: NO_STOPS, visit: () => 1 }, timeline.first, timeline.end),
    () => timeline.seek(instant(prng.below(15_000))),
    () => timeline.prepare(),
    () => timeline.forward({ stops: NO_STOPS, limit: timeline.end }),
  ];
  let abandoned = 0;
  for (let round = 0; round < 90; round++) {
    const motion = motions[round % motions.length]();
    const before = timeline.now;
    const isForward = round % motions.length === motions.length - 1;
    let finished = false;
    for (let turns = prng.below(12); turns >= 0 && !finished; turns--) finished = motion.next().done ?? false;
    motion.return(undefined as never);
    if (!finished) abandoned++;
    if (!finished && !isForward) assert.equal(timeline.now, before, `round ${round}`);
    const straight = digestsAt(new FakeMachine(story.seed, story.guest), eventsOf(recording), [timeline.now]);
    assert.equal(timeline.machine.digest(), straight.get(timeline.now), `round ${round} at ${timeline.now}`);
    if (round % 20 === 19) drive(timeline.seek(instant(prng.below(timeline.end))));
  }
  assert.ok(abandoned >= 40, `${abandoned} motions were abandoned under way`);
});

test("memory of a long, chatty run stays within its bounds", () => {
  const prng = new Prng(7);
  const machine = new FakeMachine(7, { printsEvery: 1 });
  const bounds = { count: 12, bytes: 600_000 };
  const timeline = Timeline.record(machine, undefined, { ...SMALL, bounds, outputLogBytes: 300_000 });
  // One may hold all of memory beside the bound.
  const most = bounds.bytes + machine.configuration.memoryBytes + 4096;
  for (let at = 0; at < 600_000; at += 50_000) {
    drive(timeline.forward({ stops: NO_STOPS, limit: instant(at) }));
    const { count, bytes } = timeline.checkpointMemory;
    assert.ok(count <= 12 && bytes <= most, `${count} checkpoints of ${bytes} bytes`);
  }
  assert.ok(timeline.history.outputLength > 400_000);
  assert.ok(timeline.history.firstOutputHeld > 100_000);
  // What is no longer held is not told wrong, and travelling through it still works.
  assert.equal(timeline.history.instantOfOutput(10), undefined);
  drive(timeline.seek(instant(prng.below(1000))));
  drive(timeline.seek(instant(200_000)));
  drive(timeline.seek(timeline.end));
});

// Input that came while the user looked at the first instruction of a timer's handler was once recorded for that very
// instant; replay then took the input's interrupt, which has precedence, instead of the timer's.
test("what comes at an instant whose interrupt was taken already does not change that", () => {
  const seed = 61;
  const search = liveRun({ seed, guest: {}, steps: 12_000 }).timeline;
  const timerHandler = { ...NO_STOPS, breakpoints: [pcOf(61)] };
  const taken = drive(findAll(search, { stops: timerHandler }, search.first, search.end, 100));
  assert.ok(taken.length > 5, `${taken.length} timer interrupts`);
  for (const what of ["input", "pc", "idle"] as const) {
    const machine = new FakeMachine(seed);
    const recording = new MemoryRecording(headerFor(machine));
    const timeline = Timeline.record(machine, recording, SMALL);
    let handled = 0;
    while (handled < 12) {
      assert.equal(drive(timeline.forward({ stops: timerHandler })).kind, "breakpoint");
      handled++;
      if (what === "input") timeline.input(Uint8Array.of(handled));
      else if (what === "idle") timeline.idle(10_000);
      else timeline.edit({ target: "pc", hart: 0, value: pcOf(handled) });
      drive(timeline.forward({ stops: NO_STOPS, limit: instant(timeline.now + 20) }));
    }
    const live = machine.digest();
    const { end } = timeline;
    timeline.close();
    assert.equal(digestsAt(new FakeMachine(seed), eventsOf(recording), [end]).get(end), live, what);
    const replay = Timeline.open(new FakeMachine(seed), reopen(recording.bytes), SMALL);
    drive(replay.forward({ stops: NO_STOPS }));
    assert.equal(replay.machine.digest(), live, what);
  }
});

test("preparing lays checkpoints close behind, and changes nothing", () => {
  const { timeline } = liveRun({ seed: 71, guest: {}, steps: 9_999 });
  const digest = timeline.machine.digest();
  drive(timeline.prepare());
  assert.equal(timeline.now, 9_999);
  assert.equal(timeline.machine.digest(), digest);
  const near = timeline.history.checkpoints.filter((at) => at >= 9_999 - 16 && at < 9_999);
  assert.equal(near.length, 1);
});

test("the history: bookmarks recorded and found again, marks thinned, bookmarks never", () => {
  const { timeline, recording } = liveRun({ seed: 81, guest: { printsEvery: 3 }, steps: 20_000 });
  timeline.history.addBookmark({ instant: instant(15_000), name: "later" });
  timeline.history.addBookmark({ instant: instant(500), name: "früher" });
  timeline.close();
  const replay = Timeline.open(new FakeMachine(81, { printsEvery: 3 }), reopen(recording.bytes), SMALL);
  for (const { history } of [timeline, replay]) {
    assert.deepEqual(history.bookmarks, [
      { instant: 500, name: "früher" },
      { instant: 15_000, name: "later" },
    ]);
    const all = history.marks(instant(0), instant(20_001), 1_000_000);
    assert.equal(all.total, all.marks.length);
    const happened = history.events.length + history.frameCount;
    assert.equal(all.marks.filter(({ kind }) => kind === "event").length, happened);
    assert.ok(all.marks.some(({ label }) => /^packet in: .*, \d+ bytes$/.test(label)));
    assert.ok(all.marks.some(({ label }) => /^packet out: .*, \d+ bytes$/.test(label)));
    assert.deepEqual(
      all.marks.map((mark) => mark.instant),
      all.marks.map((mark) => mark.instant).sort((a, b) => a - b),
    );
    const output = all.marks.filter(({ kind }) => kind === "output");
    const text = new TextDecoder().decode(history.outputBytes(0, history.outputLength));
    assert.deepEqual(
      output.map(({ label }) => label),
      text
        .split("\n")
        .slice(0, output.length)
        .map((line) => line.slice(0, 80)),
    );
    const some = history.marks(instant(0), instant(20_001), 30);
    assert.equal(some.total, all.total);
    assert.ok(some.marks.length <= 36, `${some.marks.length} marks`);
    assert.equal(some.marks.filter(({ kind }) => kind === "bookmark").length, 2);
  }
  const edited = timeline.history.marks(instant(0), instant(1), 0);
  assert.ok(edited.marks.every(({ kind }) => kind === "bookmark" || edited.marks.length <= 4));
});

test("a live run travels far by the checkpoints that have reached its file", () => {
  const seed = 91;
  const machine = new FakeMachine(seed);
  const parts: Uint8Array[] = [];
  const bytes = () => Buffer.concat(parts);
  const file = CheckpointFile.of(
    {
      get sizeBytes() {
        return bytes().length;
      },
      read: (offset, length) => bytes().subarray(offset, offset + length),
    },
    ZSTD,
  );
  const sink = { write: (written: Uint8Array) => void parts.push(written.slice()) };
  const writer = new RecordingWriter(sink, headerFor(machine), ZSTD, (stored) => file.add(structuredClone(stored)));
  const post = (message: RecordingMessage) => writer.write(structuredClone(message));
  // Hardly any room in memory, so that nearly everything has to come from the file.
  const options = { ...SMALL, sliceSteps: 50, bounds: { count: 4, bytes: 1 << 30 } };
  const timeline = Timeline.record(machine, { post, backlogBytes: 0 }, options, file);
  drive(timeline.forward({ stops: NO_STOPS, limit: instant(60_000) }));
  assert.ok(file.checkpoints.length >= 8, `${file.checkpoints.length} checkpoints in the file`);
  const prng = new Prng(seed);
  const instants = Array.from({ length: 40 }, () => prng.below(60_000));
  const expected = digestsAt(new FakeMachine(seed), [], [...instants, 60_000]);
  for (const at of instants) {
    let steps = 0;
    let last: number | undefined;
    for (const progress of { [Symbol.iterator]: () => timeline.seek(instant(at)) }) {
      // What is more than some slices at once is a checkpoint that was restored.
      const ran = progress.instant - (last ?? progress.instant);
      if (ran > 0 && ran < 500) steps += ran;
      last = progress.instant;
    }
    assert.ok(steps <= 9000, `${steps} steps to ${at}`);
    assert.equal(timeline.machine.digest(), expected.get(at));
  }
  drive(timeline.seek(timeline.end));
  drive(timeline.forward({ stops: NO_STOPS, limit: instant(60_000) }));
  assert.equal(machine.digest(), expected.get(60_000));
});

test("its first instant has the events that came there, for who has just opened it as for who comes back", () => {
  const machine = new FakeMachine(1, {});
  const recording = new MemoryRecording(headerFor(machine));
  const timeline = Timeline.record(machine, recording, SMALL);
  const before = machine.digest();
  timeline.edit({ target: "register", hart: 0, register: 2, value: 77n });
  const edited = machine.digest();
  timeline.advance(instant(500));
  timeline.close();
  const replay = Timeline.open(new FakeMachine(1, {}), reopen(recording.bytes), SMALL);
  const digestAt = (at: number) => {
    drive(replay.seek(instant(at)));
    return replay.machine.digest();
  };
  assert.notEqual(before, edited);
  assert.equal(digestAt(0), edited);
  digestAt(300);
  assert.equal(digestAt(0), edited);
});
