import assert from "node:assert/strict";
import { test } from "node:test";
import type { Program } from "../../src/assembler/program.ts";
import { type Instant, instant, type PhysicalAddress } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { lastMemoryWrite } from "../../src/debuggee/memory-writes.ts";
import { DEFAULT_CONFIGURATION, FULL_ISA, type MachineConfiguration } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import { NO_STOPS, type StopConditions } from "../../src/machine/stop.ts";
import { Timeline, type TimelineOptions } from "../../src/replay/timeline.ts";
import type { Hit } from "../../src/replay/timeline-interface.ts";
import { program, SMALL as SMALL_MACHINE, symbol } from "../machine/guests.ts";
import { randomGuest } from "../machine/random-guest.ts";
import { counted, drive, findAll, headerFor, MemoryRecording, reopen } from "./support.ts";

const OPTIONS: TimelineOptions = {
  sliceSteps: 1000,
  spacingSteps: 3000,
  travelSpacingSteps: 3000,
  nearSteps: 64,
  recorder: { fileSpacingSteps: 5000, restSpacingSteps: 5000, pageBytesPerStep: 1000 },
};

/** Writes one word once, one all the time, and one now and then, always the same. */
const GUEST = `
        li      s1, 60
        la      t0, once
        la      t1, always
        la      t2, same
        li      t3, 7
        sd      t3, 0(t0)
loop:   addi    s0, s0, 1
        sd      s0, 0(t1)
        andi    t4, s0, 1023
        bnez    t4, loop
        srli    t5, s0, 10
        bgtu    t5, s1, loop
silent: sd      zero, 0(t2)
        j       loop
        .bss
        .balign 4096
once:   .zero   4096
always: .zero   4096
same:   .zero   4096
        .balign 4096
`;

function recorded(source: Program, steps: number, configuration: Partial<MachineConfiguration> = {}) {
  const make = () => {
    const machine = new Machine({ ...DEFAULT_CONFIGURATION, ...SMALL_MACHINE, ...configuration });
    machine.load(source);
    return machine;
  };
  const machine = make();
  const recording = new MemoryRecording(headerFor(machine));
  const timeline = Timeline.record(machine, recording, OPTIONS);
  const prng = new Prng(steps);
  while (timeline.end < steps) {
    const limit = Math.min(steps, timeline.end + 1 + prng.below(9000));
    if (drive(timeline.forward({ stops: NO_STOPS, limit: instant(limit) })).kind !== "reached") break;
    // Who travels meanwhile writes pages that were written long ago, and leaves no trace of it.
    if (prng.below(4) === 0) drive(timeline.seek(instant(prng.below(timeline.end))));
  }
  timeline.close();
  const replayed = make();
  const count = counted(replayed);
  const reading = reopen(recording.bytes);
  return { replay: Timeline.open(replayed, reading, OPTIONS), count, checkpoints: reading.checkpoints };
}

function watch(address: number, length = 8): StopConditions {
  return { ...NO_STOPS, watches: [{ address: address as PhysicalAddress, length, access: "write" }] };
}

test("the last write of a word is found without replaying what did not write its page, also when it changed nothing", () => {
  const source = program(GUEST);
  const { replay, count, checkpoints } = recorded(source, 400_000);
  assert.ok(checkpoints.checkpoints.length > 40);
  const last = (name: string, before: number) => {
    count.steps = 0;
    const stops = watch(Number(symbol(source, name)));
    return drive(replay.findLast({ stops, accept: () => true }, before as Instant))?.instant;
  };
  const sought = { once: last("once", replay.end), steps: count.steps };
  assert.ok(sought.once !== undefined && sought.once < 20);
  assert.ok(sought.steps <= 15_000, `${sought.steps} steps`);
  const silent = symbol(source, "silent");
  const all = drive(
    findAll(
      replay,
      { stops: { ...NO_STOPS, breakpoints: [silent] }, accept: () => true },
      instant(0),
      replay.end,
      1000,
    ),
  ).map((hit) => hit.instant);
  assert.ok(all.length > 50 && all[all.length - 1] < 300_000, `${all.length} writes, the last at ${all.at(-1)}`);
  for (const before of [replay.end, all[30] + 1, all[30], all[3], all[0]]) {
    const expected = all.filter((at) => at < before).at(-1);
    assert.equal(last("same", before), expected);
  }
  last("same", replay.end);
  assert.ok(count.steps <= 15_000, `${count.steps} steps`);
});

test("a scan for writes passes over what did not write the page at its ends, and misses none", () => {
  const source = program(GUEST);
  const { replay, count } = recorded(source, 400_000);
  const stops = watch(Number(symbol(source, "same")));
  const scan = (from: number, to: number) => {
    const seen: number[] = [];
    const visit = ({ instant: at }: Hit) => {
      seen.push(at);
      return 1;
    };
    count.steps = 0;
    assert.equal(drive(replay.scan({ stops, visit }, from as Instant, to as Instant)), to);
    return seen;
  };
  const all = scan(0, replay.end);
  assert.ok(all.length > 50 && count.steps < 360_000, `${all.length} writes in ${count.steps} steps`);
  const prng = new Prng(8);
  for (let n = 0; n < 30; n++) {
    const from = prng.below(replay.end);
    const to = from + 1 + prng.below(replay.end - from);
    assert.deepEqual(
      scan(from, to),
      all.filter((at) => at >= from && at < to),
      `${from} to ${to}`,
    );
  }
});

test("an edit at the very instant of a checkpoint of the file is found as the last write", () => {
  const source = program(GUEST);
  const machine = new Machine(SMALL_MACHINE);
  machine.load(source);
  const recording = new MemoryRecording(headerFor(machine));
  const recorder = { ...OPTIONS.recorder, restSpacingSteps: 1 };
  const timeline = Timeline.record(machine, recording, { ...OPTIONS, recorder });
  const address = Number(symbol(source, "once")) as PhysicalAddress;
  const edits = [50_000, 100_000, 150_000];
  for (const at of edits) {
    drive(timeline.forward({ stops: NO_STOPS, limit: instant(at) }));
    timeline.edit({ target: "memory", address, bytes: Uint8Array.of(1) });
  }
  drive(timeline.forward({ stops: NO_STOPS, limit: instant(250_000) }));
  timeline.close();
  const replayed = new Machine(SMALL_MACHINE);
  replayed.load(source);
  const reading = reopen(recording.bytes);
  const stored = reading.checkpoints.checkpoints.map((checkpoint) => checkpoint.instant);
  for (const at of edits) assert.ok(stored.includes(at as Instant), `no checkpoint at ${at}`);
  const replay = Timeline.open(replayed, reading, OPTIONS);
  for (const before of [...edits, 50_001, 120_000, 220_000, 249_999]) {
    const last = drive(lastMemoryWrite(replay, [{ address, length: 8 }], before));
    assert.equal(last?.instant, edits.filter((at) => at <= before).at(-1), `before ${before}`);
    assert.equal(last?.kind, "outside");
  }
  assert.equal(drive(lastMemoryWrite(replay, [{ address, length: 8 }], 49_999))?.kind, "step");
});

for (const mode of ["machine", "supervisor", "user"] as const) {
  test(`last writes of random guests are the last of all, ${mode} mode`, () => {
    for (let seed = 1; seed <= 3; seed++) {
      const prng = new Prng(seed);
      const harts = 1 + prng.below(2);
      const text = randomGuest(prng, { harts, mode });
      const source = program(`.equ RAM_END, ${RAM_BASE + SMALL_MACHINE.memoryBytes}\n${text}`);
      const modes = mode === "machine" ? "m" : "msu";
      const { replay } = recorded(source, 60_000, { harts, isa: FULL_ISA, modes });
      const pages = SMALL_MACHINE.memoryBytes / 4096;
      for (let n = 0; n < 40; n++) {
        const stops = watch(RAM_BASE + prng.below(pages) * 4096, 4096);
        const before = instant(1 + prng.below(replay.end));
        // A search for reads passes over nothing.
        const everything = {
          ...stops,
          watches: stops.watches.map((each) => ({ ...each, access: "readWrite" as const })),
        };
        const accept = ({ stop }: Hit) => stop.kind === "watch" && stop.hits.some(({ access }) => access === "write");
        const all = drive(findAll(replay, { stops: everything, accept }, instant(0), before, 1e6));
        const found = drive(replay.findLast({ stops, accept: () => true }, before));
        assert.equal(found?.instant, all.at(-1)?.instant, `seed ${seed}, before ${before}`);
      }
    }
  });
}
