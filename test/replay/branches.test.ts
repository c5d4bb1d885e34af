import assert from "node:assert/strict";
import { test } from "node:test";
import { type Instant, instant } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import type { MachineEvent } from "../../src/machine/inlet.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Branches, RECORDING } from "../../src/replay/branches.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { type FakeGuest, FakeMachine, pcOf } from "./fake-machine.ts";
import {
  digestsAt,
  drive,
  eventsOf,
  headerFor,
  liveRun,
  MemoryRecording,
  reopen,
  ScriptedInlet,
  SMALL,
} from "./support.ts";

function opened(
  seed: number,
  guest: FakeGuest,
  steps = 12_000,
): { branches: Branches; bytes: Uint8Array; events: MachineEvent[] } {
  const { timeline, recording } = liveRun({ seed, guest, steps });
  timeline.close();
  const replay = Timeline.open(new FakeMachine(seed, guest), reopen(recording.bytes), SMALL);
  return { branches: new Branches(replay), bytes: recording.bytes, events: eventsOf(recording) };
}

function run(branches: Branches, steps: number): void {
  const limit = instant(branches.end + steps);
  drive(branches.forward({ stops: NO_STOPS, limit }), () => void branches.input(Uint8Array.of(9)));
}

/** pc and bytes printed of every instant, on a machine of its own. */
function everyState(machine: FakeMachine, events: readonly MachineEvent[], end: number) {
  const printed: { instant: number; byte: number }[] = [];
  machine.inlet = new ScriptedInlet(events);
  machine.outlet = { consoleOutput: (at, byte) => void printed.push({ instant: at, byte }) };
  machine.run(instant(0), { departing: true });
  const pcs: bigint[] = [machine.harts[0].pc];
  while (machine.instant < end) {
    machine.run(instant(machine.instant + 1), { departing: true });
    pcs.push(machine.harts[0].pc);
  }
  return { pcs, printed };
}

for (let seed = 100; seed < 116; seed++) {
  test(`a comparison says what two straight runs say, seed ${seed}`, () => {
    const guest: FakeGuest = { printsEvery: 7, waits: seed % 3 === 0 };
    const prng = new Prng(seed);
    const { branches, events } = opened(seed, guest, 5000);
    const origin = instant(prng.below(branches.end));
    drive(branches.seek(origin));
    const { id } = branches.start(true);
    const kind = seed % 4;
    if (kind === 0)
      branches.edit({ target: "register", hart: 0, register: prng.below(4), value: BigInt(prng.next32()) });
    if (kind === 1) branches.edit({ target: "pc", hart: 0, value: pcOf(prng.below(60)) });
    if (kind === 2) branches.edit({ target: "memory", address: 16 as never, bytes: Uint8Array.of(prng.below(256)) });
    run(branches, 1 + prng.below(4000));
    const { now, end } = branches;
    const copy = new MemoryRecording(headerFor(branches.machine));
    drive(branches.copyTo(id, copy));
    const comparison = drive(branches.compare(id));
    assert.deepEqual([branches.now, branches.end, branches.branch?.id], [now, end, id]);

    const length = reopen(copy.bytes).end;
    const whole = recordingEnd(branches);
    const machine = () => new FakeMachine(seed, guest);
    const left = everyState(machine(), events, whole);
    const right = everyState(machine(), eventsOf(copy), length);
    const both = Math.min(whole, length);
    assert.equal(comparison.comparedTo, both);
    const parting = left.pcs.findIndex((pc, at) => at <= both && pc !== right.pcs[at]);
    assert.equal(comparison.pathsPart?.instant, parting < 0 || parting > both ? undefined : parting);
    const isEqualAt = (at: number) =>
      digestsAt(machine(), events, [at]).get(at) === digestsAt(machine(), eventsOf(copy), [at]).get(at);
    assert.equal(comparison.at.equal, isEqualAt(both));
    if (comparison.pathsPart !== undefined) assert.equal(comparison.pathsPart.exact, true);
    const firstByte = left.printed.findIndex(({ byte, instant: at }, index) => {
      const other = right.printed[index];
      return other === undefined ? at < length : other.byte !== byte;
    });
    const extra = right.printed[left.printed.length];
    const expected =
      firstByte >= 0 ? firstByte : extra !== undefined && extra.instant < whole ? left.printed.length : -1;
    assert.equal(comparison.outputs.difference?.offset ?? -1, expected);
    if (expected >= 0) {
      assert.equal(comparison.outputs.difference?.recording?.instant, left.printed[expected]?.instant);
      assert.equal(comparison.outputs.difference?.branch?.instant, right.printed[expected]?.instant);
    }
    const { rejoined } = comparison;
    if (rejoined !== undefined) {
      assert.deepEqual([isEqualAt(rejoined - 1), isEqualAt(rejoined)], [false, true]);
    }
    const { firstEffect } = comparison;
    if (firstEffect !== undefined)
      assert.ok(firstEffect.instant > origin && firstEffect.recording !== firstEffect.branch);
  });
}

function recordingEnd(branches: Branches): Instant {
  const current = branches.branch!.id;
  branches.switchTo(RECORDING);
  const { end } = branches;
  branches.switchTo(current);
  return end;
}

test("what differs at an instant is listed: the register that was changed, and the word", () => {
  const { branches } = opened(7, {});
  drive(branches.seek(instant(3000)));
  const before = branches.machine.harts[0].register(2);
  const { id } = branches.start(true);
  branches.edit({ target: "register", hart: 0, register: 2, value: before ^ 1n });
  branches.edit({ target: "memory", address: 4096 as never, bytes: Uint8Array.of(0xab, 0xcd) });
  const { at, parted } = drive(branches.compare(id, { at: instant(3000) }));
  assert.equal(at.equal, false);
  // The fake machine has eight registers, which answer to thirty-two names.
  assert.deepEqual(
    at.registers.map(({ name, recording, branch }) => [name, recording, branch]),
    ["sp", "a0", "s2", "s10"].map((name) => [name, before, before ^ 1n]),
  );
  assert.equal(at.differingWords, 1);
  assert.equal(at.words[0].address, 0x8000_1000);
  assert.equal(at.words[0].branch & 0xffffn, 0xcdabn);
  assert.equal(parted?.instant, 3000);
  assert.equal(parted?.recording, undefined);
  const earlier = drive(branches.compare(id, { at: instant(2999) }));
  assert.equal(earlier.at.equal, true);
});

test("branches are listed, named, left, come back to and dropped", () => {
  const { branches } = opened(8, { waits: true });
  drive(branches.seek(instant(5000)));
  const digest = branches.machine.digest();
  const first = branches.start(true);
  branches.edit({ target: "register", hart: 0, register: 1, value: 1n });
  run(branches, 700);
  const inFirst = branches.machine.digest();
  const second = branches.start(true);
  run(branches, 300);
  assert.deepEqual(
    branches.branches.map(({ id, parent, origin }) => [id, parent, origin]),
    [
      [first.id, RECORDING, 5000],
      [second.id, first.id, 5700],
    ],
  );
  assert.equal(branches.switchTo(RECORDING), 5000);
  assert.equal(branches.branch, undefined);
  assert.equal(branches.now, 5000);
  assert.equal(branches.machine.digest(), digest);
  assert.equal(branches.live, false);
  assert.equal(branches.switchTo(second.id), 5000);
  assert.equal(branches.end, 6000);
  assert.equal(branches.switchTo(first.id), 5700);
  assert.equal(branches.machine.digest(), inFirst);
  assert.equal(branches.keep(first.id, " fixed ").name, "fixed");
  assert.throws(() => branches.keep(second.id, "fixed"), { code: "branch-name" });
  assert.throws(() => branches.switchTo(9), { code: "no-branch" });
  branches.discard(first.id);
  assert.equal(branches.now, 5000);
  assert.deepEqual(
    branches.branches.map(({ id, parent }) => [id, parent]),
    [[second.id, RECORDING]],
  );
  assert.equal(branches.switchTo(second.id), 5000);
  drive(branches.seek(instant(5900)));
  branches.discard(second.id);
  assert.equal(branches.machine.digest(), digest);
});

test("of too many branches the oldest unnamed one goes; when all are kept, one more is refused", () => {
  const { branches } = opened(9, {});
  drive(branches.seek(instant(100)));
  for (let count = 0; count < 12; count++) {
    branches.start(true);
    branches.switchTo(RECORDING);
  }
  assert.deepEqual(
    branches.branches.map(({ id }) => id),
    [5, 6, 7, 8, 9, 10, 11, 12],
  );
  for (const { id } of branches.branches) branches.keep(id, `kept ${id}`);
  assert.throws(() => branches.start(true), { code: "branches" });
  assert.equal(branches.now, 100);
});

test("a comparison that is abandoned leaves everybody where he was", () => {
  const { branches } = opened(10, { printsEvery: 5 });
  const prng = new Prng(10);
  drive(branches.seek(instant(2000)));
  const recorded = branches.machine.digest();
  const { id } = branches.start(false);
  branches.edit({ target: "register", hart: 0, register: 1, value: 77n });
  run(branches, 5000);
  const digest = branches.machine.digest();
  for (let round = 0; round < 40; round++) {
    const motion =
      round % 2 === 0 ? branches.compare(id) : branches.copyTo(id, new MemoryRecording(headerFor(branches.machine)));
    for (let turns = prng.below(40); turns > 0; turns--) if (motion.next().done) break;
    motion.return(undefined as never);
    assert.equal(branches.machine.digest(), digest, `round ${round}`);
  }
  branches.switchTo(RECORDING);
  assert.equal(branches.machine.digest(), recorded);
});
