import assert from "node:assert/strict";
import test from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { LocalArbiter } from "../../src/lockstep/arbiter.ts";
import type { LogEntry } from "../../src/lockstep/entry.ts";
import { Follower, newFollowerCounters } from "../../src/lockstep/follower.ts";
import { MACHINE_DEVICES, MachineReplica } from "../../src/lockstep/machine-replica.ts";
import { decodeMessage, encodeMessage } from "../../src/lockstep/message.ts";
import { LOCKSTEP_OPTIONS } from "../../src/lockstep/options.ts";
import { CountingSink, InputQueue } from "../../src/lockstep/outside.ts";
import { Primary } from "../../src/lockstep/primary.ts";
import type { InputEvent } from "../../src/lockstep/replica.ts";
import { DROPPING_OUTLET, type MachineEvent, SILENT_INLET } from "../../src/machine/inlet.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { kernelMachine } from "../async-pages/kernel-machine.ts";

/** The kernel with a program that computes, and where it is in user mode. */
function running(): MachineReplica {
  const replica = new MachineReplica(kernelMachine(1, "virtual", "auto"));
  replica.run(500_000);
  replica.queue({ number: 0, event: { kind: "console-input", bytes: new TextEncoder().encode("sums 1 20 500000\n") } });
  replica.run(1_500_000);
  for (let step = 0; step < 10_000 && replica.machine.harts[0].privilege !== 0; step++)
    replica.run(replica.instant + 1);
  assert.equal(replica.machine.harts[0].privilege, 0);
  return replica;
}

const notReady = (token: number): InputEvent => ({
  ...{ kind: "page-not-ready", hart: 0, address: 0x4000_1000n, token, page: 600, work: "remote-fetch" },
});

test("what a primary tells its guest of pages takes effect in the secondary at the same places", () => {
  const primary = running();
  primary.queue({ number: undefined, event: notReady(1) });
  primary.run(primary.instant + 50_000);
  assert.deepEqual(primary.tokens, [1]);
  primary.queue({ number: undefined, event: { kind: "page-ready", token: 1 } });
  primary.run(primary.instant + 500_000);
  assert.deepEqual(primary.tokens, []);
  const entries: LogEntry[] = [];
  const place = MACHINE_DEVICES.map(() => 0);
  for (const happening of primary.drain()) {
    const sequence = entries.length + 1;
    if (happening.kind === "input") entries.push({ ...happening, sequence, place: [...place] });
    else {
      entries.push({ kind: "output", sequence, run: happening.run });
      const { device, number, bytes } = happening.run;
      place[device] = number + (MACHINE_DEVICES[device] === "stream" ? bytes.length : 1);
    }
  }
  const { instant } = primary;
  entries.push({ kind: "digest", sequence: entries.length + 1, instant, place, digest: primary.digest() });
  entries.push({ kind: "progress", sequence: entries.length + 1, instant, rest: "running" });
  const message = decodeMessage(encodeMessage({ kind: "log", entries }));
  assert.ok(message.kind === "log");
  assert.deepEqual(message.entries, entries);
  const secondary = new MachineReplica(kernelMachine(1, "virtual", "auto"));
  const counters = newFollowerCounters();
  const start = { sequence: 0, instant: 0, counts: secondary.counts.map(() => 0), inputs: 0 };
  const follower = new Follower(secondary, LOCKSTEP_OPTIONS, start, counters);
  for (const entry of message.entries) follower.feed(entry);
  while (follower.advance(30_000));
  assert.equal(follower.divergence, undefined);
  assert.equal(follower.inner, undefined);
  assert.equal(counters.digestsEqual, 1);
  assert.equal(secondary.instant, instant);
});

test("who takes over says that pages are ready which the guest was told of, or is about to be", () => {
  const replica = running();
  replica.queue({ number: undefined, event: notReady(1) });
  replica.run(replica.instant + 50_000);
  assert.deepEqual(replica.tokens, [1]);
  replica.drain();
  const parts = {
    ...{ member: "B", replica, sink: new CountingSink(MACHINE_DEVICES, () => {}), inputs: new InputQueue() },
    ...{ arbiter: new LocalArbiter({ term: 2, primary: "B", secondary: undefined }), options: LOCKSTEP_OPTIONS },
  };
  const inputs = [{ number: undefined, event: notReady(2) }];
  const primary = new Primary(parts, { term: 2, nextInput: 1, sequence: 9, inputs });
  // Its guest may sleep, and is about to be woken: it does not pass for one that waits for somebody outside.
  assert.equal(primary.willGoOn, true);
  for (let nowMs = 0; nowMs < 20; nowMs++) primary.turn(nowMs, 20_000);
  assert.equal(primary.willGoOn, false);
  assert.deepEqual(replica.tokens, []);
  assert.equal(replica.queued, 0);
});

test("the recording of a member says nothing of pages by itself: the log does", () => {
  for (const hasDoors of [true, false]) {
    const { machine } = running();
    const events: MachineEvent[] = [{ ...notReady(1), instant: machine.instant } as MachineEvent];
    machine.inlet = { take: () => events.shift(), horizon: () => Number.POSITIVE_INFINITY };
    machine.run(machine.instant, { departing: false });
    assert.equal(machine.asyncPages?.given.length, 1);
    const doors = { inlet: SILENT_INLET, outlet: DROPPING_OUTLET };
    const timeline = Timeline.record(machine, undefined, { ...(hasDoors && { doors }) });
    timeline.advance((machine.instant + 100_000) as Instant);
    assert.equal(machine.asyncPages?.given.length, hasDoors ? 1 : 0);
  }
});
