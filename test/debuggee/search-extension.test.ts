import assert from "node:assert/strict";
import test from "node:test";
import { Debuggee } from "../../src/debuggee/debuggee.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { headerFor, MemoryRecording, reopen } from "../replay/support.ts";
import { finish, program } from "./harness.ts";

test("a file that is still being written has the trap at which the run is known to have ended", () => {
  const loaded = program("_start: li t0, 3\n nop\n nop\n ld a0, 8(t0)\n");
  const make = () => {
    const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes: 1 << 20, modes: "m" });
    machine.load(loaded);
    return machine;
  };
  const machine = make();
  const recording = new MemoryRecording(headerFor(machine));
  const live = Timeline.record(machine, recording);
  finish(live.forward({ stops: NO_STOPS }));
  const { end, ended } = live;
  assert.equal(ended?.kind, "unhandled-trap");
  recording.writer.flush();
  const rows = (timeline: Timeline) => {
    const { history } = timeline;
    const debuggee = new Debuggee({ timeline, history, programs: [loaded], emit: () => {} });
    const list = { first: 0, count: 10 };
    const task = { question: { kind: "traps" as const }, settled: {}, from: 0, to: end, mostMarks: 10, list };
    return finish(debuggee.searchEngine.segment(task)).listed;
  };
  const reading = reopen(recording.bytes);
  assert.equal(reading.reason, undefined);
  const there = Timeline.open(make(), reading, { knownEnd: end, knownReason: ended });
  const found = rows(there);
  assert.equal(found.at(-1)?.instant, end);
  assert.deepEqual(found, rows(live));
});
