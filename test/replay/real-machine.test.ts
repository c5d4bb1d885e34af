import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assemble } from "../../src/assembler/assemble.ts";
import type { Program } from "../../src/assembler/program.ts";
import { type Instant, instant, type PhysicalAddress } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import type { Edit, MachineEvent } from "../../src/machine/inlet.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS, type StopConditions } from "../../src/machine/stop.ts";
import { Timeline, type TimelineOptions } from "../../src/replay/timeline.ts";
import type { Hit } from "../../src/replay/timeline-interface.ts";
import { digestsAt, drive, eventsOf, findAll, headerFor, MemoryRecording, reopen, ScriptedInlet } from "./support.ts";

/** Guests whose runs are longer than this are followed so far only. */
const STEPS = 100_000;
const OPTIONS: TimelineOptions = {
  sliceSteps: 7_000,
  spacingSteps: 20_000,
  travelSpacingSteps: 20_000,
  nearSteps: 64,
  eagerPages: 0,
  recorder: { fileSpacingSteps: 60_000, restSpacingSteps: 30_000, pageBytesPerStep: 100 },
};

const FOLDERS = ["samples", "demo"].map((name) => fileURLToPath(new URL(`../../guest/${name}/`, import.meta.url)));

interface Guest {
  readonly name: string;
  readonly program: Program;
  readonly input: Uint8Array;
  readonly clock: "virtual" | "paced";
}

function guests(): Guest[] {
  const found: Guest[] = [];
  for (const folder of FOLDERS) {
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".s"))) {
      const { program, errors } = assemble(readFileSync(join(folder, file), "utf8"), {
        file: join(folder, file),
        include: (name) => ({ name, text: readFileSync(join(folder, basename(name)), "utf8") }),
      });
      assert(program !== undefined, `${file}: ${errors[0]?.message}`);
      const input = join(folder, file.replace(/\.s$/, ".input"));
      const guest = { program, input: existsSync(input) ? readFileSync(input) : Uint8Array.of(0x71) };
      found.push({ ...guest, name: file, clock: "virtual" });
      if (file === "timer.s" || file === "echo.s") found.push({ ...guest, name: `${file}, paced`, clock: "paced" });
    }
  }
  return found;
}

function machineFor(guest: Guest): Machine {
  const last = Math.max(...guest.program.segments.map((segment) => segment.physicalAddress + segment.memoryBytes));
  const memoryBytes = last - 0x8000_0000 > 4 << 20 ? 32 << 20 : 4 << 20;
  const machine = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes, clock: guest.clock });
  machine.load(guest.program);
  return machine;
}

/** A live run with pieces of the input, idle time and travels into the past at random moments. */
function live(guest: Guest, prng: Prng) {
  const machine = machineFor(guest);
  const recording = new MemoryRecording(headerFor(machine));
  const timeline = Timeline.record(machine, recording, OPTIONS);
  let typed = 0;
  const type = () => {
    const length = 1 + prng.below(3);
    timeline.input(guest.input.subarray(typed % guest.input.length, (typed % guest.input.length) + length));
    typed += length;
  };
  while (timeline.end < STEPS) {
    const limit = instant(Math.min(STEPS, timeline.end + 1 + prng.below(30_000)));
    const motion = timeline.forward({ stops: NO_STOPS, limit });
    const stop = drive(motion, ({ waitingTicks }) => {
      if (waitingTicks === undefined) type();
      else timeline.idle(Math.min(waitingTicks, 1 + prng.below(waitingTicks)));
    });
    if (stop.kind !== "reached") break;
    if (prng.below(3) === 0) type();
    if (prng.below(3) === 0) drive(timeline.seek(instant(prng.below(timeline.end))));
    if (prng.below(5) === 0 && timeline.now === timeline.end) {
      timeline.edit({ target: "register", hart: 0, register: 31, value: prng.next64() });
    }
    if (timeline.now !== timeline.end) drive(timeline.seek(timeline.end));
  }
  return { timeline, recording, machine };
}

/** Instants at which a straight run meets `stops`, from hit to hit. */
function straightHits(guest: Guest, events: readonly MachineEvent[], end: Instant, stops: StopConditions): number[] {
  const machine = machineFor(guest);
  machine.inlet = new ScriptedInlet(events);
  machine.setStops(stops);
  const hits: number[] = [];
  for (let departing = false; ; ) {
    const stop = machine.run(end, { departing });
    if (stop.kind === "watch") hits.push(stop.hits[0].instant);
    else if (stop.kind === "breakpoint" || stop.kind === "exception") hits.push(machine.instant);
    else return hits;
    departing = stop.kind !== "watch";
  }
}

/** Places that the guest comes by now and then: pcs of a straight run at random instants, and where its sp points. */
function somePlaces(guest: Guest, events: readonly MachineEvent[], end: Instant, prng: Prng): StopConditions[] {
  const machine = machineFor(guest);
  machine.inlet = new ScriptedInlet(events);
  const at = Array.from({ length: 2 }, () => prng.below(end)).sort((a, b) => a - b);
  const stops: StopConditions[] = [{ ...NO_STOPS, exceptions: [2, 3, 4, 5, 6, 7, 11] }];
  for (const where of at) {
    machine.run(instant(where), { departing: true });
    const hart = machine.harts[0];
    stops.push({ ...NO_STOPS, breakpoints: [hart.pc] });
    const address = guest.program.segments.find(({ writable }) => writable)?.virtualAddress;
    if (address === undefined) continue;
    const watched = BigInt.asUintN(64, address + BigInt(prng.below(8) * 8)) as typeof address;
    const place = Number(watched) as PhysicalAddress;
    stops.push({ ...NO_STOPS, watches: [{ address: place, length: 8, access: prng.pick(["write", "readWrite"]) }] });
  }
  return stops;
}

for (const guest of guests()) {
  test(`${guest.name}: recorded, replayed, travelled and searched as a straight run has it`, () => {
    const seed = guest.name.length * 7 + 1;
    const prng = new Prng(seed);
    const { timeline, recording, machine } = live(guest, prng);
    const { end } = timeline;
    const liveDigest = machine.digest();
    const events = eventsOf(recording);
    const instants = [...Array.from({ length: 7 }, () => prng.below(end + 1)), end];
    const expected = digestsAt(machineFor(guest), events, instants);
    assert.equal(expected.get(end), liveDigest, "the live run, with all its travels, is the straight run");

    const places = somePlaces(guest, events, end, prng);
    timeline.close();
    const reading = reopen(recording.bytes);
    assert.equal(reading.complete, true);
    const replay = Timeline.open(machineFor(guest), reading, OPTIONS);
    for (const travelled of [timeline, replay]) {
      for (const at of instants) {
        drive(travelled.seek(instant(at)));
        assert.equal(travelled.machine.digest(), expected.get(at), `seed ${seed}: instant ${at}`);
      }
      drive(travelled.seek(travelled.first));
      drive(travelled.forward({ stops: NO_STOPS }));
      assert.equal(travelled.now, end);
      assert.equal(travelled.machine.digest(), liveDigest);
    }
    assert.ok(replay.verifiedDigests > 0);
    for (const stops of places) {
      const hits = straightHits(guest, events, end, stops);
      const before = instant(prng.below(end + 1));
      const accept = prng.pick([undefined, (hit: Hit) => hit.instant % 3 === 0]);
      const wanted = hits.findLast((at) => at < before && (accept === undefined || at % 3 === 0));
      const found = drive(replay.findLast(accept ? { stops, accept } : { stops }, before));
      assert.equal(found?.instant, wanted, `seed ${seed}: findLast before ${before}`);
      const most = drive(findAll(replay, { stops }, instant(0), end, 50)).map((hit) => hit.instant);
      assert.deepEqual(most, hits.slice(0, 50), `seed ${seed}: findAll`);
      const output = replay.history.instantOfOutput(prng.below(Math.max(1, replay.history.outputLength)));
      if (output !== undefined) drive(replay.seek(output));
    }
  });
}

test("the instant of a byte is the state before the store that printed it", () => {
  const guest = guests().find(({ name }) => name === "hello.s");
  assert(guest !== undefined);
  const machine = machineFor(guest);
  const timeline = Timeline.record(machine, undefined, OPTIONS);
  drive(timeline.forward({ stops: NO_STOPS }));
  const { history } = timeline;
  const text = new TextDecoder().decode(history.outputBytes(0, 1000));
  assert.match(text, /\S+/);
  for (let offset = 0; offset < history.outputLength; offset++) {
    const at = history.instantOfOutput(offset)!;
    drive(timeline.seek(at));
    assert.equal(history.outputLengthAt(at), offset);
    assert.equal(history.outputLengthAt((at + 1) as Instant), offset + 1);
    const { pc } = machine.harts[0];
    const word = machine.peek(pc, 4).reduce<number>((value, byte, index) => value | (byte! << (8 * index)), 0);
    assert.equal(word & 0x7f, 0x23, "a store");
  }
});

// The run took the edit first and then the input's interrupt, a replay the other way round: mepc, or pc, was another.
test("a waiting guest whose pc or CSRs are edited, and who then gets input, is replayed as it ran", () => {
  const guest = guests().find(({ name }) => name === "echo.s");
  assert(guest !== undefined);
  const edits: Edit[] = [
    { target: "pc", hart: 0, value: guest.program.entry },
    { target: "csr", hart: 0, csr: MSTATUS, value: MSTATUS_MIE },
    { target: "csr", hart: 0, csr: MIE, value: 0xfffn },
    { target: "register", hart: 0, register: 5, value: 77n },
  ];
  for (const edit of edits) {
    const machine = machineFor(guest);
    const recording = new MemoryRecording(headerFor(machine));
    const timeline = Timeline.record(machine, recording, OPTIONS);
    const type = () => timeline.input(Uint8Array.of(0x61));
    const forward = (steps: number) =>
      drive(timeline.forward({ stops: NO_STOPS, limit: instant(timeline.end + steps) }), type);
    while (!machine.harts[0].waiting) forward(1);
    timeline.edit(edit);
    type();
    forward(1);
    const replayed = digestsAt(machineFor(guest), eventsOf(recording), [timeline.end]);
    assert.equal(replayed.get(timeline.end), machine.digest(), `after an edit of ${edit.target}`);
  }
});

const MSTATUS = 0x300;
const MSTATUS_MIE = 8n;
const MIE = 0x304;
