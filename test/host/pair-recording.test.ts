import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import test from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { Bell } from "../../src/host/motion-driver.ts";
import { RecordedPairLog } from "../../src/host/pair-log.ts";
import { PairLogWriter } from "../../src/host/pair-log-codec.ts";
import { openPairRecording } from "../../src/host/pair-recording.ts";
import { openRecording } from "../../src/host/recorded-session.ts";
import { RecordingFile } from "../../src/host/recording-file.ts";
import { DIVERGENCE_SOURCES } from "../../src/lockstep/divergence-sources.ts";
import { Machine } from "../../src/machine/machine.ts";
import { EventLog } from "../../src/replay/event-log.ts";
import { FrameLog } from "../../src/replay/frame-log.ts";
import { OutputLog } from "../../src/replay/output-log.ts";
import { recordedImage } from "../../src/replay/recorded-image.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { computing } from "../lockstep/guests.ts";
import { Guest, program, SMALL, WORKER } from "../machine/guests.ts";
import { PairRecorder } from "./pair-recorder.ts";
import { HEARD, recordPair, replayed, temporaryFolder } from "./recorded-pairs.ts";

const COMPUTING = computing(100);

/** Echoes in capitals until a q comes, and says the time's low bits inside only. */
const ECHO = `
  .equ UART, 0x10000000
_start:
  li   s0, UART
1:
  rdtime s1
  lbu  t0, 5(s0)
  andi t0, t0, 1
  beqz t0, 1b
  lbu  t0, 0(s0)
  li   t1, 'q'
  beq  t0, t1, 2f
  addi t0, t0, -32
  sb   t0, 0(s0)
  j    1b
2:
  li   t0, 0x100000
  li   t1, 0x5555
  sw   t1, 0(t0)
`;

function alone(source: string): string {
  const guest = new Guest(source);
  guest.run();
  return guest.output;
}

test("both machines of a pair are recorded, and each replays exactly, whatever they differ in", async (t) => {
  const folder = temporaryFolder(t);
  for (const diverge of [[], ...DIVERGENCE_SOURCES.map((source) => [source]), DIVERGENCE_SOURCES]) {
    const path = join(folder, `worker-${diverge.join("-")}.hindcast`);
    const { output, paths } = await recordPair(path, WORKER, { diverge, configuration: { harts: 4 } });
    assert.equal(paths.length, 2);
    assert.equal(paths[0], path);
    for (const each of paths) {
      const run = replayed(each);
      assert.equal(run.first, 0);
      assert.equal(run.output, output, each);
      assert.ok(run.verified >= 1);
    }
  }
});

test("input that came at different instants comes there again", async (t) => {
  const path = join(temporaryFolder(t), "echo.hindcast");
  const { output, paths } = await recordPair(path, ECHO, { input: "hindcastq", diverge: ["time", "memory"] });
  assert.equal(output, "HINDCAST");
  for (const each of paths) assert.equal(replayed(each).output, "HINDCAST", each);
});

test("a secondary that is resynchronised goes on in a recording that begins where the primary was", async (t) => {
  const folder = temporaryFolder(t);
  const expected = alone(COMPUTING);
  let resynchronised = 0;
  for (let faultSeed = 0; faultSeed < 12; faultSeed++) {
    const faults = (["flip-register", "flip-memory"] as const).map((kind, index) => ({
      ...{ kind, role: "secondary" as const, instant: 10_000 + 20_000 * faultSeed + index },
    }));
    const path = join(folder, `flip-${faultSeed}.hindcast`);
    const options = { faults, faultSeed, options: { slackSteps: 20_000 } };
    const { output, paths, pair } = await recordPair(path, COMPUTING, options);
    assert.equal(output, expected);
    const { resynchronisations } = pair.report();
    assert.equal(paths.length, 2 + resynchronisations);
    for (const each of paths) replayed(each);
    if (resynchronisations === 0) continue;
    resynchronised++;
    const later = join(folder, `flip-${faultSeed}.B.2.hindcast`);
    assert.equal(paths[2], later);
    const { first, output: rest } = replayed(later);
    assert.ok(first > 0);
    assert.ok(expected.endsWith(rest));
    const session = openRecording(later);
    const seek = session.timeline.seek(0 as typeof session.timeline.first);
    assert.throws(() => seek.next(), /the run goes from [\d,]+ to/);
    session.close();
    // The program is in the member's first recording.
    rmSync(join(folder, `flip-${faultSeed}.B.hindcast`));
    assert.throws(() => openRecording(later), /What the run began with is in .*flip-\d+\.B\.hindcast/);
  }
  assert.ok(resynchronised >= 2, `${resynchronised} flips were heard`);
});

test("a killed primary's recording is good up to its end; the survivor's goes on, and the joiner has one", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "killed.hindcast");
  const faults = [{ kind: "kill" as const, role: "primary" as const, instant: 40_000 }];
  const options = { faults, options: { silenceMs: 50, lagSteps: 4_000 }, diverge: ["harts", "memory"] as const };
  const { output, paths, pair } = await recordPair(path, COMPUTING, options);
  assert.equal(output, alone(COMPUTING));
  assert.equal(pair.report().takeOvers, 1);
  assert.deepEqual(
    paths.map((each) => basename(each)),
    ["killed.hindcast", "killed.B.hindcast", "killed.C.hindcast"],
  );
  const [first, second, third] = paths.map(replayed);
  assert.ok(first.end < second.end);
  assert.equal(second.output, output);
  assert.ok(third.first > 0);
  assert.ok(output.endsWith(third.output));
});

test("the recordings of a pair open as one, by the path of any of them", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "one.hindcast");
  const { paths, pair: run } = await recordPair(path, COMPUTING, HEARD);
  const report = run.report();
  assert.equal(report.resynchronisations, 1);
  for (const each of paths) {
    const pair = await openPairRecording(each);
    assert.ok(pair !== undefined);
    assert.deepEqual(pair.missing, []);
    assert.deepEqual(
      pair.members.map(({ member, stretches }) => [member, stretches.map((stretch) => stretch.path)]),
      [
        ["A", [paths[0]]],
        ["B", [paths[1], paths[2]]],
      ],
    );
    const [, second] = pair.members[1].stretches;
    assert.deepEqual(second.start, { member: "A", stretch: 1, instant: second.first });
    const { summary } = pair.log;
    assert.equal(summary.outputsReleased, report.outputsReleased);
    assert.equal(summary.resynchronisations, 1);
    assert.equal(summary.divergences.length, 1);
    assert.equal(summary.divergences[0].what, report.divergences[0].what);
    assert.deepEqual(summary.divergences[0].primary, { member: "A", stretch: 1 });
    assert.deepEqual(summary.divergences[0].secondary, { member: "B", stretch: 1 });
    assert.equal(summary.digests.equal, report.digests.equal);
    assert.equal(summary.digests.different, report.digests.different);
  }
  assert.equal(await openPairRecording(await ordinary(folder)), undefined);
});

test("the log says what became of each entry, in order, page by page", async (t) => {
  const path = join(temporaryFolder(t), "log.hindcast");
  const { output, pair: run } = await recordPair(path, COMPUTING, HEARD);
  const { log } = (await openPairRecording(path))!;
  const all = log.entries(0, log.count);
  assert.equal(all.length, log.count);
  const pages = [];
  for (let from = 0; from < log.count; from += 7) pages.push(...log.entries(from, 7));
  assert.deepEqual(pages, all);
  const outputs = log.entries(0, log.count, { kinds: ["output"] });
  assert.equal(log.countOf({ kinds: ["output"] }), outputs.length);
  const console = outputs.filter(({ device }) => device === 0);
  assert.equal(console.map(({ bytes }) => new TextDecoder().decode(bytes)).join(""), output);
  for (const { state, latencyMs, secondaryInstant, primaryInstant } of console) {
    assert.ok(state === "released" || state === "mismatched" || state === "resynchronised", state);
    assert.ok(latencyMs! >= 0);
    assert.ok(primaryInstant !== undefined);
    // What was in the state that the secondary took over it has never said.
    assert.ok(secondaryInstant !== undefined || state === "resynchronised", state);
  }
  assert.equal(outputs.filter(({ state }) => state === "mismatched").length, 1);
  const sequences = outputs.map(({ sequence }) => sequence!);
  assert.deepEqual(
    sequences,
    [...sequences].sort((a, b) => a - b),
  );
  const story = log.entries(0, 20, { kinds: ["fault", "divergence", "resynchronise", "resynchronised", "paired"] });
  const kinds = story.map(({ kind }) => kind).filter((kind) => kind !== "fault");
  assert.deepEqual(kinds, ["paired", "divergence", "resynchronise", "resynchronised"]);
  assert.ok(story.some(({ kind, text }) => kind === "fault" && text?.startsWith("flip-")));
  const [divergence] = run.report().divergences;
  const place = { from: divergence.primaryInstant, to: divergence.primaryInstant + 1 };
  assert.ok(log.entries(0, 9, { instants: place, states: ["mismatched"] }).length === 1);
  assert.equal(log.countOf({ member: "B", kinds: ["divergence"] }), 1);
  assert.equal(log.countOf({ text: "FLIP-" }), story.filter(({ kind }) => kind === "fault").length);
});

test("a pair of which a recording is gone says so, and opens", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "torn.hindcast");
  const faults = [{ kind: "kill" as const, role: "primary" as const, instant: 40_000 }];
  await recordPair(path, COMPUTING, { faults, options: { silenceMs: 50, lagSteps: 4_000 } });
  const whole = (await openPairRecording(join(folder, "torn.C.hindcast")))!;
  assert.deepEqual(whole.opened, { member: "C", stretch: 1 });
  assert.equal(whole.members.length, 3);
  assert.equal(whole.log.summary.takeOvers, 1);
  assert.equal(whole.log.summary.joined, 1);
  assert.match(whole.missing.join(), /torn\.hindcast is good up to instant/);
  rmSync(path);
  const rest = (await openPairRecording(join(folder, "torn.B.hindcast")))!;
  assert.match(rest.missing.join(), /torn\.hindcast is not there/);
  assert.deepEqual(
    rest.members.map(({ member }) => member),
    ["B", "C"],
  );
  assert.ok(rest.log.count > 0);
});

test("a million entries are looked at without being made", () => {
  const writer = new PairLogWriter();
  const messages: { instant: Instant; bytes: Uint8Array }[] = [];
  const rounds = 250_000;
  for (let round = 0; round < rounds; round++) {
    const instant = round * 100;
    const run = { device: 0, number: round, instant, lastInstant: instant, bytes: Uint8Array.of(0x61 + (round % 26)) };
    writer.add({ kind: "entry", entry: { kind: "output", sequence: round + 1, run } }, instant + 9, round);
    const place = [round + 1, 0, 0];
    writer.add({ kind: "acknowledge", through: round + 1, at: instant, matched: place }, instant + 9, round);
    const left = { device: 0, number: round, units: 1, latencyMs: 0.5 };
    writer.add({ kind: "release", ...left }, instant + 9, round);
    writer.add({ kind: "held", held: round % 2 === 0 }, instant + 9, round);
    if (writer.length > 16_384) messages.push({ instant: instant as Instant, bytes: writer.take() });
  }
  messages.push({ instant: 0 as Instant, bytes: writer.take() });
  const bytes = messages.reduce((sum, message) => sum + message.bytes.length, 0);
  assert.ok(bytes < rounds * 4 * 12, `${bytes} bytes`);
  const header = { pair: "1", member: "A", role: "primary" as const, stretch: 1, timeMs: 0, said: [0, 0, 0] };
  const outputs = new OutputLog();
  for (let round = 0; round < rounds; round++) outputs.append(round * 100, 0x61 + (round % 26));
  const reader = { outputs, frames: new FrameLog(), events: new EventLog(), lockstep: messages };
  const log = new RecordedPairLog([{ header, reader, first: 0, last: rounds * 100 }]);
  assert.equal(log.count, rounds * 4);
  const [row] = log.entries(500_000, 1);
  assert.equal(row.kind, "output");
  assert.equal(row.sequence, 125_001);
  assert.equal(row.state, "released");
  assert.equal(row.latencyMs, 0.5);
  assert.equal(log.countOf({ kinds: ["held"] }), rounds);
});

async function ordinary(folder: string): Promise<string> {
  const path = join(folder, "ordinary.hindcast");
  const machine = new Machine(SMALL);
  const image = program(COMPUTING);
  machine.load(image);
  const images = [recordedImage("program", "guest.s", new TextEncoder().encode(COMPUTING))];
  const file = RecordingFile.create(path, { tool: "test", configuration: machine.configuration, images }, () => {});
  const timeline = Timeline.record(machine, file);
  timeline.close();
  await file.close();
  return path;
}

test("a recorded machine runs on while pages of its new state are on their way, and what it did replays", async (t) => {
  const source = computing(100, { tableBytes: 256 * 1024 });
  let [steps, waits, repaired] = [0, 0, 0];
  for (let faultSeed = 0; faultSeed < 4; faultSeed++) {
    const path = join(temporaryFolder(t), "x.hindcast");
    const { pair, output, paths } = await recordPair(path, source, {
      faults: [{ kind: "flip-register", role: "secondary", instant: 15_000 + 20_000 * faultSeed }],
      faultSeed,
      options: { slackSteps: 20_000, pagesInFlight: 4, lagSteps: 50_000 },
      onMachine: (machine) => {
        const go = machine.run.bind(machine);
        machine.run = (until, options) => {
          const before = machine.instant;
          const stop = go(until, options);
          if (stop.kind === "absent") waits++;
          if (machine.absentPages.count > 0) steps += machine.instant - before;
          return stop;
        };
      },
    });
    repaired += pair.report().resynchronisations;
    const said = paths.map((each) => replayed(each));
    assert.equal(said[0].output, output);
    for (const { verified } of said) assert.ok(verified > 0);
    assert.deepEqual((await openPairRecording(path))?.missing, []);
  }
  assert.ok(repaired > 0, "no flip was heard");
  assert.ok(waits > repaired && steps > 0, `${waits} waits, ${steps} steps while pages were absent`);
});

test("a stretch whose start had not come as a whole when its process was killed is told of, and the rest opens", async (t) => {
  const path = join(temporaryFolder(t), "x.hindcast");
  const { paths } = await recordPair(path, computing(100), HEARD);
  const second = paths.find((each) => each.endsWith("x.B.2.hindcast"))!;
  const bytes = readFileSync(second);
  // The first chunk, and all that follows, was never written.
  let at = MAGIC_BYTES;
  while (bytes[at] !== CHUNK_OPCODE) at += RECORD_HEADER_BYTES + Number(bytes.readBigUInt64LE(at + 1));
  writeFileSync(second, bytes.subarray(0, at));
  const opened = await openPairRecording(path);
  assert.deepEqual(
    opened?.members.map(({ stretches }) => stretches.length),
    [1, 1],
  );
  assert.match(opened?.missing.join() ?? "", /x\.B\.2\.hindcast ends before the state that it begins with had come/);
});

test("who waits for what was recorded finds what ended stretches saw, also before the next one has begun", async (t) => {
  const path = join(temporaryFolder(t), "x.hindcast");
  const machine = new Machine(SMALL);
  machine.load(program(COMPUTING));
  const recording = new PairRecorder(path, new Bell()).of(machine, [], "guest.s")("A", undefined);
  recording.run(1000 as Instant);
  recording.saw({ kind: "fault", text: "an event of this stretch" });
  recording.replace(machine.checkpoint(), [0, 0, 0, 0], false);
  await recording.written();
  assert.equal((await openPairRecording(path))?.log.summary.counts.fault, 1);
  await recording.close();
});

/** Of MCAP: https://mcap.dev/spec */
const MAGIC_BYTES = 8;
const RECORD_HEADER_BYTES = 9;
const CHUNK_OPCODE = 0x06;
