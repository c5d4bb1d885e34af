import assert from "node:assert/strict";
import test from "node:test";
import type { LogEntry } from "../../src/lockstep/entry.ts";
import { Follower, newFollowerCounters } from "../../src/lockstep/follower.ts";
import { LOCKSTEP_OPTIONS } from "../../src/lockstep/options.ts";
import type { Replica } from "../../src/lockstep/replica.ts";
import { type Program, ToyMachine } from "./toy-machine.ts";

const PROGRAM: Program = { seed: 7, length: 400 };

/** What a primary writes that runs to `until` in one slice. */
function logOf(primary: Replica, until: number): LogEntry[] {
  for (let number = 0; number < 200; number++) {
    primary.queue({ number, event: { kind: "console-input", bytes: Uint8Array.of(number) } });
  }
  for (let stop = primary.run(until); stop.kind === "waiting" && stop.ticks !== undefined; stop = primary.run(until)) {
    primary.queue({ number: undefined, event: { kind: "idle-jump", ticks: stop.ticks } });
  }
  const place = primary.devices.map(() => 0);
  const entries: LogEntry[] = [];
  for (const happening of primary.drain()) {
    const sequence = entries.length + 1;
    if (happening.kind === "input") entries.push({ ...happening, sequence, place: [...place] });
    else {
      const { run } = happening;
      entries.push({ kind: "output", sequence, run });
      place[run.device] = run.number + (primary.devices[run.device] === "stream" ? run.bytes.length : 1);
    }
  }
  entries.push({ kind: "digest", sequence: entries.length + 1, instant: until, place, digest: primary.digest() });
  entries.push({ kind: "progress", sequence: entries.length + 1, instant: until, rest: "running" });
  return entries;
}

test("a machine that is alike agrees, in however small pieces it follows", () => {
  for (const budget of [1, 3, 100, 10_000]) {
    const secondary = new ToyMachine(PROGRAM, 0, false);
    const counters = newFollowerCounters();
    const start = { sequence: 0, instant: 0, counts: secondary.counts.map(() => 0), inputs: 0 };
    // No slack at all: what is said within a long slice of the primary must not count as late.
    const follower = new Follower(secondary, { ...LOCKSTEP_OPTIONS, slackSteps: 0 }, start, counters);
    const primary = new ToyMachine(PROGRAM, 0, false);
    for (const entry of logOf(primary, 1_500)) follower.feed(entry);
    while (follower.advance(budget));
    assert.equal(follower.divergence, undefined, `${budget} steps at a time`);
    assert.equal(follower.inner, undefined);
    assert.equal(counters.digestsEqual, 1);
    assert.deepEqual(follower.matched, primary.counts);
    assert.ok(primary.counts[0] > 50 && secondary.instant === 1_500);
  }
});
