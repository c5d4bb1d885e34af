import assert from "node:assert/strict";
import { test } from "node:test";
import { instant } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { FakeMachine, pcOf } from "./fake-machine.ts";
import {
  digestsAt,
  drive,
  eventsOf,
  headerFor,
  liveRun,
  MemoryRecording,
  reopen,
  SMALL,
  type Story,
} from "./support.ts";

const STORIES: readonly Story[] = [
  { seed: 1, guest: {}, steps: 20_000 },
  { seed: 2, guest: { waits: true, printsEvery: 3 }, steps: 20_000 },
  { seed: 4, guest: { finishesAt: 17_123, printsEvery: 5 }, steps: 30_000 },
  { seed: 5, guest: { trapsAt: 12_345 }, steps: 30_000 },
  { seed: 6, guest: { waits: true, printsEvery: 200, sendsEvery: 90 }, steps: 20_000 },
];

/** A live run with input and frames at random moments, and without edits. */
function untouchedRun({ seed, guest, steps }: Story) {
  const prng = new Prng(seed);
  const machine = new FakeMachine(seed, guest);
  const recording = new MemoryRecording(headerFor(machine));
  const timeline = Timeline.record(machine, recording, SMALL);
  const type = () => void timeline.input(Uint8Array.from({ length: 1 + prng.below(4) }, () => prng.below(256)));
  while (timeline.end < steps) {
    const limit = instant(Math.min(steps, timeline.end + 1 + prng.below(1500)));
    if (drive(timeline.forward({ stops: NO_STOPS, limit }), type).kind !== "reached") break;
    const what = prng.below(4);
    if (what === 0) type();
    else if (what === 1) timeline.idle(prng.below(300));
    else if (what === 2) timeline.receive(Uint8Array.from({ length: 14 + prng.below(20) }, () => prng.below(256)));
  }
  return { timeline, recording, prng };
}

/** A run, saved as a recording of its own. */
function saved(timeline: Timeline): MemoryRecording {
  const recording = new MemoryRecording(headerFor(timeline.machine));
  const { now } = timeline;
  drive(timeline.copyTo(recording));
  assert.equal(timeline.now, now);
  return recording;
}

const type = (branch: Timeline) => () => void branch.input(Uint8Array.of(7));

for (const story of STORIES) {
  const machine = () => new FakeMachine(story.seed, story.guest);

  test(`story ${story.seed}: a branch in which nothing is changed is the recording, digest by digest and byte by byte`, () => {
    const { timeline, recording, prng } = untouchedRun(story);
    const { end } = timeline;
    const instants = Array.from({ length: 30 }, () => prng.below(end + 1));
    const expected = digestsAt(machine(), eventsOf(recording), [...instants, end]);
    timeline.close();
    for (const origin of [0, prng.below(end), prng.below(end), end]) {
      const replay = Timeline.open(machine(), reopen(recording.bytes), SMALL);
      drive(replay.seek(instant(origin)));
      const branch = replay.fork(true);
      assert.equal(branch.now, origin);
      assert.equal(branch.end, origin);
      while (branch.end < end) {
        const limit = instant(Math.min(end, branch.end + 1 + prng.below(3000)));
        const stop = drive(branch.forward({ stops: NO_STOPS, limit }));
        if (branch.end < limit) assert.equal(stop.kind, timeline.ended?.kind);
        if (prng.below(2) === 0) drive(branch.seek(instant(prng.below(branch.end + 1))));
      }
      assert.equal(branch.end, end);
      for (const at of [...instants, end]) {
        drive(branch.seek(instant(at)));
        assert.equal(branch.machine.digest(), expected.get(at), `origin ${origin}, instant ${at}`);
      }
      assert.deepEqual(branch.history.events, replay.history.events);
      assert.equal(branch.history.frameCount, replay.history.frameCount);
      const { outputLength } = replay.history;
      assert.equal(branch.history.outputLength, outputLength);
      assert.deepEqual(branch.history.outputBytes(0, outputLength), replay.history.outputBytes(0, outputLength));
    }
  });

  test(`story ${story.seed}: branch, edit, run, travel, drop it: the recording is as it was, and the branch is a run of its own`, () => {
    const { timeline, recording, prng } = liveRun(story);
    const { end } = timeline;
    timeline.close();
    const instants = Array.from({ length: 20 }, () => prng.below(end + 1));
    const expected = digestsAt(machine(), eventsOf(recording), instants);
    const before = recording.bytes;
    const replay = Timeline.open(machine(), reopen(recording.bytes), SMALL);
    for (let round = 0; round < 6; round++) {
      const origin = instant(prng.below(end + 1));
      drive(replay.seek(origin));
      const digest = replay.machine.digest();
      const branch = replay.fork(round % 2 === 0);
      branch.edit({ target: "register", hart: 0, register: prng.below(4), value: BigInt(prng.next32()) });
      if (round % 3 === 0) branch.edit({ target: "pc", hart: 0, value: pcOf(prng.below(60)) });
      drive(branch.forward({ stops: NO_STOPS, limit: instant(origin + 2 + prng.below(9000)) }), type(branch));
      if (branch.end > origin) {
        drive(branch.seek(instant(prng.below(branch.end))));
        // A branch of the branch, from where it stands.
        const twig = branch.fork(true);
        twig.edit({ target: "register", hart: 0, register: 1, value: 5n });
        drive(twig.forward({ stops: NO_STOPS, limit: instant(twig.now + 3000) }), type(twig));
        const middle = instant(Math.floor((twig.origin! + twig.end) / 2));
        const straight = digestsAt(machine(), eventsOf(saved(twig)), [middle, twig.end]);
        for (const at of [middle, twig.end]) {
          drive(twig.seek(at));
          assert.equal(twig.machine.digest(), straight.get(at), `a branch of a branch at ${at}`);
        }
        twig.park();
        branch.unpark();
      }
      const marks = Array.from({ length: 6 }, () => prng.below(branch.end + 1)).concat(branch.end);
      const copy = saved(branch);
      const straight = digestsAt(machine(), eventsOf(copy), marks);
      for (const at of marks) {
        drive(branch.seek(instant(at)));
        assert.equal(branch.machine.digest(), straight.get(at), `round ${round}: the branch at ${at}`);
      }
      const reading = reopen(copy.bytes);
      assert.deepEqual([reading.complete, reading.warnings, reading.end], [true, [], branch.end]);
      assert.deepEqual(reading.outputs.bytes(0, 1e9), branch.history.outputBytes(0, 1e9));
      const again = Timeline.open(machine(), reading, SMALL);
      for (const at of marks) {
        drive(again.seek(instant(at)));
        assert.equal(again.machine.digest(), straight.get(at), `round ${round}: the saved branch at ${at}`);
      }
      drive(again.seek(instant(0)));
      drive(again.forward({ stops: NO_STOPS }));
      assert.ok(again.verifiedDigests > 0);
      branch.park();
      replay.unpark();
      assert.equal(replay.now, origin);
      assert.equal(replay.machine.digest(), digest);
      for (const at of instants) {
        drive(replay.seek(instant(at)));
        assert.equal(replay.machine.digest(), expected.get(at), `round ${round}: the recording at ${at}`);
      }
    }
    assert.deepEqual(recording.bytes, before);
    assert.deepEqual(drive(replay.forward({ stops: NO_STOPS })).kind === "reached", false);
  });
}

test("a live run is branched, stays as it was, and goes on as if nothing had been", () => {
  const story: Story = { seed: 9, guest: { waits: true, printsEvery: 9 }, steps: 9000 };
  const { timeline, recording, prng } = untouchedRun(story);
  for (let round = 0; round < 8; round++) {
    const { end } = timeline;
    const atEnd = round % 2 === 0;
    if (!atEnd) drive(timeline.seek(instant(prng.below(end))));
    const { now } = timeline;
    const posted = recording.messages.filter(({ kind }) => kind === "event" || kind === "output").length;
    const branch = timeline.fork(true);
    branch.edit({ target: "register", hart: 0, register: 2, value: 99n });
    drive(branch.forward({ stops: NO_STOPS, limit: instant(now + 4000) }), type(branch));
    // What comes from the network waits for the live run.
    assert.equal(branch.receive(Uint8Array.of(1, 2, 3)), false);
    branch.park();
    timeline.unpark();
    assert.equal(timeline.now, now);
    assert.equal(timeline.end, end);
    assert.equal(recording.messages.filter(({ kind }) => kind === "event" || kind === "output").length, posted);
    if (!atEnd) drive(timeline.seek(end));
    timeline.input(Uint8Array.of(65 + round));
    const more = () => void timeline.input(Uint8Array.of(66));
    drive(timeline.forward({ stops: NO_STOPS, limit: instant(end + 500) }), more);
  }
  const { end } = timeline;
  const live = timeline.machine.digest();
  timeline.close();
  const straight = digestsAt(new FakeMachine(story.seed, story.guest), eventsOf(recording), [end]);
  assert.equal(straight.get(end), live);
});

test("a guest of a branch that waits is given the recording's next input at once", () => {
  const guest = { waits: true };
  const { timeline, recording } = untouchedRun({ seed: 13, guest, steps: 20_000 });
  timeline.close();
  const given = timeline.history.events;
  assert.ok(given.length > 10);
  const replay = Timeline.open(new FakeMachine(13, guest), reopen(recording.bytes), SMALL);
  const branch = replay.fork(true);
  // Another way through the program, on which it waits at other instants.
  branch.edit({ target: "pc", hart: 0, value: pcOf(33) });
  let waited = 0;
  for (let turns = 0; turns < 5000 && waited === 0; turns++) {
    drive(branch.forward({ stops: NO_STOPS, limit: instant(branch.end + 100) }), () => {
      waited++;
      branch.input(Uint8Array.of(1));
    });
  }
  // It had to wait for the user only when nothing was left of the recording's input.
  assert.equal(branch.inputsToCome, false);
  const console = (events: typeof given) =>
    events.flatMap((event) => (event.kind === "console-input" ? [...event.bytes] : []));
  const inBranch = console(branch.history.events);
  const recorded = console(given);
  assert.deepEqual(inBranch.slice(0, recorded.length), recorded, "in their order");
});

test("a branch without the recording's input waits for the user's", () => {
  const { timeline, recording } = untouchedRun({ seed: 13, guest: { waits: true }, steps: 20_000 });
  timeline.close();
  const replay = Timeline.open(new FakeMachine(13, { waits: true }), reopen(recording.bytes), SMALL);
  const branch = replay.fork(false);
  let waited = 0;
  drive(branch.forward({ stops: NO_STOPS, limit: instant(20_000) }), () => {
    waited++;
    branch.input(Uint8Array.of(2));
  });
  assert.ok(waited > 3);
  assert.ok(branch.history.events.every((event) => event.kind !== "console-input" || event.bytes[0] === 2));
});
