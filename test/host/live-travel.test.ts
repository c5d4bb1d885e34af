import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { instant } from "../../src/base/brand.ts";
import { Bell, drive } from "../../src/host/motion-driver.ts";
import { RecordingFile } from "../../src/host/recording-file.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { FakeMachine } from "../replay/fake-machine.ts";
import { digestsAt, headerFor, SMALL } from "../replay/support.ts";

const folder = mkdtempSync(join(tmpdir(), "hindcast-live-"));
after(() => rmSync(folder, { recursive: true }));

test("a run that is being recorded travels by the checkpoints that its writer has put into the file", async () => {
  const bell = new Bell();
  const machine = new FakeMachine(7);
  const recording = RecordingFile.create(join(folder, "live.hindcast"), headerFor(machine), () => bell.ring());
  const { checkpoints } = recording;
  assert(checkpoints !== undefined);
  const options = { ...SMALL, sliceSteps: 50, bounds: { count: 3, bytes: 1 << 30 } };
  const timeline = Timeline.record(machine, recording, options, checkpoints);
  const run = () => drive(timeline.forward({ stops: NO_STOPS, limit: instant(40_000) }), { bell, stop: () => false });
  await run();
  while (recording.backlogBytes > 0) await bell.rest(5000);
  assert.ok(checkpoints.checkpoints.length >= 5, `${checkpoints.checkpoints.length} checkpoints in the file`);
  const loaded = checkpoints.checkpoints.map((stored) => stored.instant);
  const expected = digestsAt(new FakeMachine(7), [], loaded);
  for (const at of loaded.reverse()) {
    await drive(timeline.seek(at), { bell, stop: () => false });
    assert.equal(machine.digest(), expected.get(at));
  }
  assert.deepEqual(timeline.warnings, []);
  timeline.close();
  await recording.close();
  assert.equal(recording.failure, undefined);
  // The file is closed: travelling goes on, by what is in memory.
  await drive(timeline.seek(instant(20_123)), { bell, stop: () => false });
  assert.equal(machine.digest(), digestsAt(new FakeMachine(7), [], [20_123]).get(20_123));
});
