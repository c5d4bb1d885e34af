import assert from "node:assert/strict";
import test from "node:test";
import { LockstepPair } from "../../src/host/lockstep-pair.ts";
import { Bell } from "../../src/host/motion-driver.ts";
import { DIVERGENCE_SOURCES, differ } from "../../src/lockstep/divergence-sources.ts";
import { program, SMALL } from "../machine/guests.ts";
import { MEETING_HARTS, meeting, meetingSays } from "./guests.ts";

const NIGHTLY = process.env.HINDCAST_NIGHTLY !== undefined;
/** Some 39,000 steps each: 100 million in all, and 1,000 million of a night. */
const ROUNDS = NIGHTLY ? 27_000 : 2_700;
const STEPS = NIGHTLY ? 1e9 : 1e8;

test("machines whose registers and memory differ for a long run are not resynchronised", async () => {
  const configuration = { ...SMALL, harts: MEETING_HARTS };
  const image = program(meeting(ROUNDS));
  const differing = differ(configuration, DIVERGENCE_SOURCES, 3);
  const other = { configuration: differing.configuration, skew: differing.skew, image, disks: [] };
  let output = "";
  const bell = new Bell();
  const pair = new LockstepPair({
    primary: { configuration, image, disks: [] },
    secondary: other,
    joiner: other,
    options: { digestSteps: 1_000_000 },
    onConsole: (bytes) => {
      output += String.fromCharCode(...bytes);
    },
    onFrame: () => {},
    onChange: () => bell.ring(),
  });
  while (pair.end === undefined) {
    assert.equal(pair.failure, undefined);
    await bell.rest();
  }
  await pair.close();
  const report = await pair.report();
  assert.equal(output, meetingSays(ROUNDS));
  assert.ok((pair.speaker?.instant ?? 0) > STEPS, `${pair.speaker?.instant} steps`);
  assert.deepEqual([report.resynchronisations, report.takeOvers, report.joined], [0, 0, 0], JSON.stringify(report));
  assert.ok(report.inner !== undefined, "the difference inside is known");
  assert.ok(report.digests.different + report.digests.skipped > 0 && report.digests.equal === 0);
  assert.equal(report.outputsMatched > 0, true);
});
