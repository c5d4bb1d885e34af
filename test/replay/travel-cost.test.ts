import assert from "node:assert/strict";
import { test } from "node:test";
import { type Instant, instant } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Recorder, type RecorderOptions } from "../../src/replay/recorder.ts";
import type { RecordingMessage } from "../../src/replay/recording-message.ts";
import { Timeline, type TimelineOptions } from "../../src/replay/timeline.ts";
import { FakeMachine } from "./fake-machine.ts";
import { counted, digestsAt, drive, eventsOf, liveRun, reopen, SMALL, type Story } from "./support.ts";

const STORY: Story = { seed: 41, guest: {}, steps: 120_000 };
const OPTIONS: TimelineOptions = { ...SMALL, travelSpacingSteps: 20_000 };
const BOUNDS = { count: 24, bytes: 400_000 };

function openedRun(options = OPTIONS) {
  const { timeline, recording, prng } = liveRun(STORY, options);
  timeline.close();
  const reading = reopen(recording.bytes);
  const machine = new FakeMachine(STORY.seed, STORY.guest);
  const replay = Timeline.open(machine, reading, options);
  const stored = reading.checkpoints.checkpoints.map((checkpoint) => checkpoint.instant);
  const gaps = [...stored, replay.end].map((at, index) => at - (stored[index - 1] ?? 0));
  return { replay, prng, count: counted(machine), largestGap: Math.max(...gaps), recording };
}

test("a seek replays no more than lies between two checkpoints of the file, wherever it begins", () => {
  const { replay, prng, count, largestGap } = openedRun();
  assert.ok(largestGap < STORY.steps / 10, `checkpoints ${largestGap} apart`);
  for (let n = 0; n < 300; n++) {
    const at = prng.below(replay.end + 1);
    count.steps = 0;
    drive(replay.seek(instant(at)));
    const most = largestGap + SMALL.sliceSteps!;
    assert.ok(count.steps <= most, `${count.steps} steps to ${at}, at most ${most}`);
  }
});

test("the first step back from a place that was sought replays some steps; a walk back passes a checkpoint of the file once", () => {
  const { replay, prng, count, largestGap } = openedRun();
  for (let n = 0; n < 60; n++) {
    const at = 2000 + prng.below(replay.end - 2000);
    drive(replay.seek(instant(at)));
    let walked = 0;
    for (let back = 1; back <= 1200; back += back < 24 ? 1 : 97) {
      count.steps = 0;
      drive(replay.seek(instant(at - back)));
      if (back === 1) assert.ok(count.steps <= SMALL.nearSteps!, `${count.steps} steps from ${at}`);
      walked += Math.max(0, count.steps - 8 * back);
    }
    assert.ok(walked <= largestGap, `${walked} steps more than were gone back from ${at}`);
  }
});

test("random travel keeps to the bounds of memory, and every state is that of a straight run", () => {
  const { replay, prng, recording } = openedRun({ ...OPTIONS, bounds: BOUNDS });
  const places = Array.from({ length: 150 }, () => prng.below(replay.end + 1));
  const expected = digestsAt(new FakeMachine(STORY.seed, STORY.guest), eventsOf(recording), places);
  const initial = replay.checkpointMemory.bytes;
  for (const at of places) {
    drive(replay.seek(instant(at)));
    assert.equal(replay.machine.digest(), expected.get(at), `instant ${at}`);
    const { count, bytes } = replay.checkpointMemory;
    // The newest and the initial one are kept whatever they take.
    assert.ok(
      count <= BOUNDS.count && bytes - initial <= BOUNDS.bytes + 24 * 4096,
      `${count} checkpoints, ${bytes} bytes`,
    );
  }
});

test("on a long way to a place, only the checkpoints nearest to it are laid whatever their pages cost", () => {
  const laid = (stepsPerPage: number) => {
    const { replay } = openedRun({
      ...OPTIONS,
      stepsPerPage,
      recorder: { fileSpacingSteps: 1e9, fileSpacingTurns: 1e9 },
    });
    drive(replay.seek(instant(replay.end - 1)));
    // All but the state at reset.
    return replay.checkpointMemory.count - 1;
  };
  assert.ok(laid(1) > 4, `${laid(1)}`);
  assert.equal(laid(1e9), 3);
});

/** Instants of the checkpoints that a file takes of a machine that takes `turnSteps` a turn. */
function stored(turnSteps: number, turns: number, options: Partial<RecorderOptions>): number[] {
  const machine = new FakeMachine(9);
  const instants: number[] = [];
  const sink = {
    backlogBytes: 0,
    post: (message: RecordingMessage) => void (message.kind === "checkpoint" && instants.push(message.instant)),
  };
  const reset = machine.checkpoint();
  const start = { checkpoint: reset, events: 0, outputBytes: 0, framesSent: 0 };
  const recorder = new Recorder(sink, { reset, start }, options);
  for (let turn = 0; turn < turns; turn++) {
    const before = machine.instant;
    machine.run((before + turnSteps) as Instant, { departing: true });
    recorder.ran(machine.instant - before, 1);
    if (!recorder.wantsCheckpoint(machine.instant, false)) continue;
    const logs = { events: 0, outputBytes: 0, framesSent: 0 };
    recorder.checkpoint({ checkpoint: machine.checkpoint(), ...logs });
  }
  return instants;
}

test("checkpoints of the file are as many turns apart, however many steps a turn takes", () => {
  const options = { pageBytesPerTurn: 1e9, leastSpacingShare: 0 };
  for (const turnSteps of [3, 50, 400]) {
    const instants = stored(turnSteps, 100, { ...options, fileSpacingTurns: 10 });
    assert.deepEqual(
      instants,
      Array.from({ length: 10 }, (_, index) => (index + 1) * 10 * turnSteps),
    );
  }
});

test("in a long run the number of checkpoints grows with its logarithm", () => {
  const options = { pageBytesPerTurn: 1e9, fileSpacingTurns: 1, leastSpacingShare: 1 / 16 };
  const numbers = [100, 200, 400, 800, 1600].map((turns) => stored(5, turns, options).length);
  const grown = numbers.slice(1).map((number, index) => number - numbers[index]);
  for (const more of grown) assert.ok(more >= 8 && more <= 14, `${numbers}`);
});

test("a guest that writes everywhere gets checkpoints farther apart, within the bytes that a turn or a step may take", () => {
  for (const allowed of [{ pageBytesPerTurn: 5000 }, { pageBytesPerStep: 12.5 }]) {
    const options = { pageBytesPerTurn: 0, pageBytesPerStep: 0, leastSpacingShare: 0, fileSpacingTurns: 1, ...allowed };
    const few = stored(400, 200, options).length;
    const many = stored(400, 200, { ...options, pageBytesPerTurn: 1e9 }).length;
    // A page or more each, of a million bytes.
    assert.equal(many, 200);
    assert.ok(few >= 10 && few <= 1_000_000 / 4096, `${few} checkpoints`);
  }
});

test("what prepares for steps back changes neither the place nor the state", () => {
  const { replay, prng, count } = openedRun();
  const random = new Prng(3);
  for (let n = 0; n < 30; n++) {
    const limit = 3000 + prng.below(replay.end - 3000);
    drive(replay.seek(instant(random.below(1000))));
    drive(replay.forward({ stops: NO_STOPS, limit: instant(limit) }));
    const digest = replay.machine.digest();
    drive(replay.prepare());
    assert.equal(replay.now, limit);
    assert.equal(replay.machine.digest(), digest);
    count.steps = 0;
    drive(replay.seek(instant(limit - 1)));
    assert.ok(count.steps <= SMALL.nearSteps!, `${count.steps} steps`);
  }
});
