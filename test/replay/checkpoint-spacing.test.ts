import assert from "node:assert/strict";
import { test } from "node:test";
import { instant } from "../../src/base/brand.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { FakeMachine } from "./fake-machine.ts";
import { drive, headerFor, MemoryRecording, SMALL } from "./support.ts";

/** Instants of the digests of a live run, which are those of its regular checkpoints. */
function checkpointsAt(turnSteps: number, steps: number): number[] {
  const machine = new FakeMachine(1, {});
  const recording = new MemoryRecording(headerFor(machine));
  const turns = {
    steps: turnSteps,
    elapsed: 0,
    begin: () => {},
    end: (taken: number) => {
      turns.elapsed += taken / turnSteps;
    },
  };
  const timeline = Timeline.record(machine, recording, { ...SMALL, turns });
  drive(timeline.forward({ stops: NO_STOPS, limit: instant(steps) }), () => void timeline.input(Uint8Array.of(65)));
  return recording.messages.flatMap((message) => (message.kind === "digest" ? [message.instant] : []));
}

test("checkpoints of a live run are some turns apart when it is fast, and a fixed number of steps when it is not", () => {
  const gaps = (turnSteps: number) => {
    const at = checkpointsAt(turnSteps, 100_000);
    return at.slice(1).map((value, index) => value - at[index]);
  };
  for (const gap of gaps(100)) assert.ok(gap >= SMALL.spacingSteps! && gap < 2 * SMALL.spacingSteps!, `${gap}`);
  const [, ...fast] = gaps(4_000);
  assert.ok(fast.length > 2);
  for (const gap of fast) assert.ok(gap >= 3 * 4_000 && gap <= 30 * 4_000, `${gap}`);
});
