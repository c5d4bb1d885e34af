import assert from "node:assert/strict";
import { test } from "node:test";
import { McapConstants, McapIndexedReader } from "@mcap/core";
import { instant } from "../../src/base/brand.ts";
import { UserError } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import type { Digest } from "../../src/machine/machine-interface.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { RECORDING_VERSION } from "../../src/replay/recording-message.ts";
import type { RecordingReader } from "../../src/replay/recording-reader.ts";
import { Timeline } from "../../src/replay/timeline.ts";
import { FakeMachine } from "./fake-machine.ts";
import { advance, digestsAt, drive, eventsOf, headerFor, MemoryRecording, reopen, SMALL, ZSTD } from "./support.ts";

const SEED = 201;
const GUEST = { waits: true };
const { Opcode } = McapConstants;

/** A recording that was flushed now and then, as a writer's timer does. */
function record(steps: number): { bytes: Uint8Array; recording: MemoryRecording; end: number } {
  const machine = new FakeMachine(SEED, GUEST);
  const recording = new MemoryRecording(headerFor(machine));
  const timeline = Timeline.record(machine, recording, SMALL);
  timeline.history.addBookmark({ instant: instant(0), name: "the beginning" });
  for (let at = 0; at < steps; at += 1500) {
    advance(timeline, new Prng(SEED + at), at);
    recording.writer.flush();
  }
  timeline.close();
  return { bytes: recording.bytes, recording, end: timeline.end };
}

const whole = record(30_000);
const expectedDigests = new Map<number, Digest>();

/** The digest of a straight run, remembered: many of the files below end at the same instants. */
function expectedDigest(at: number): Digest {
  let digest = expectedDigests.get(at);
  if (digest === undefined) {
    digest = digestsAt(new FakeMachine(SEED, GUEST), eventsOf(whole.recording), [at]).get(at)!;
    expectedDigests.set(at, digest);
  }
  return digest;
}

/** Opens a file that may be damaged: the reading, or the UserError that refuses it. Anything else is a failure. */
function open(bytes: Uint8Array, where: string): RecordingReader | UserError {
  try {
    return reopen(bytes);
  } catch (error) {
    if (!(error instanceof UserError)) throw new Error(`${where}: not a user error`, { cause: error });
    assert.match(error.message, /^The [^\n]+\.$/, where);
    return error;
  }
}

/** What was opened replays to its end, and that is a state of the run. */
function checkReplay(reading: RecordingReader, where: string): Timeline {
  const replay = Timeline.open(new FakeMachine(SEED, GUEST), reading, SMALL);
  drive(replay.seek(reading.end));
  // Events at the last instant itself may be among what is missing.
  if (reading.complete) assert.equal(replay.machine.digest(), expectedDigest(reading.end), where);
  drive(replay.seek(instant(Math.max(0, reading.end - 1))));
  if (reading.end > 0) assert.equal(replay.machine.digest(), expectedDigest(reading.end - 1), where);
  return replay;
}

interface Place {
  readonly offset: number;
  readonly opcode: number;
  readonly length: number;
}

function recordsOf(bytes: Uint8Array): Place[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places: Place[] = [];
  for (let offset = 8; offset < bytes.length - 8; ) {
    const length = 9 + Number(view.getBigUint64(offset + 1, true));
    places.push({ offset, opcode: bytes[offset], length });
    offset += length;
  }
  return places;
}

test("MCAP's own reader reads a recording, checksums and all", async () => {
  const { bytes, recording } = whole;
  const reader = await McapIndexedReader.Initialize({
    readable: {
      size: async () => BigInt(bytes.length),
      read: async (offset, size) => bytes.slice(Number(offset), Number(offset + size)),
    },
    decompressHandlers: { zstd: (data, size) => ZSTD.decompress(data, Number(size)) },
  });
  const counts = new Map<string, number>();
  for await (const message of reader.readMessages({ validateCrcs: true })) {
    const topic = reader.channelsById.get(message.channelId)!.topic;
    counts.set(topic, (counts.get(topic) ?? 0) + 1);
  }
  for (const kind of ["event", "output", "digest", "checkpoint", "bookmark"]) {
    assert.equal(counts.get(kind), recording.messages.filter((message) => message.kind === kind).length, kind);
  }
  let pages = 0;
  for (const message of recording.messages) if (message.kind === "pages") pages += message.pages.length;
  assert.equal(counts.get("page"), pages);
  assert.equal(reader.statistics?.attachmentCount, 2);
  assert.equal(BigInt([...counts.values()].reduce((a, b) => a + b)), reader.statistics?.messageCount);
});

test("a whole recording says what it holds", () => {
  const reading = reopen(whole.bytes);
  assert.equal(reading.complete, true);
  assert.deepEqual(reading.warnings, []);
  assert.deepEqual(reading.header, headerFor(new FakeMachine(SEED, GUEST)));
  assert.deepEqual(reading.bookmarks, [{ instant: 0, name: "the beginning" }]);
  const replay = checkReplay(reading, "whole");
  assert.deepEqual(replay.history.bookmarks, reading.bookmarks);
});

test("torn at every thousandth byte, at every byte of the beginning and around every record", () => {
  const { bytes } = whole;
  const cuts = new Set<number>();
  for (let cut = 0; cut < bytes.length; cut += 1000) cuts.add(cut);
  for (let cut = 0; cut < 1000; cut++) cuts.add(cut);
  for (const { offset } of recordsOf(bytes)) for (const by of [-1, 0, 1, 9, 10]) cuts.add(offset + by);
  for (let by = 1; by < 60; by++) cuts.add(bytes.length - by);
  // With the summary of the run everything is there; what then is missing is only MCAP's index.
  const summary = recordsOf(bytes).findLast(({ opcode }) => opcode === Opcode.METADATA)!;
  const summaryEnd = summary.offset + summary.length;
  let lastEnd = -1;
  let refused = 0;
  const ends = new Set<number>();
  for (const cut of [...cuts].filter((at) => at >= 0 && at < bytes.length).sort((a, b) => a - b)) {
    const reading = open(bytes.slice(0, cut), `cut at ${cut}`);
    if (reading instanceof UserError) {
      refused++;
      assert.equal(lastEnd, -1, `cut at ${cut} was refused though a shorter file opened`);
      continue;
    }
    assert.equal(reading.complete, false, `cut at ${cut}`);
    assert.match(
      reading.warnings[0],
      cut >= summaryEnd ? /index is missing .*where the run/ : /good up to instant [\d,]+/,
    );
    assert.ok(reading.end >= lastEnd, `cut at ${cut} ends at ${reading.end}, a shorter file at ${lastEnd}`);
    lastEnd = reading.end;
    if (!ends.has(reading.end)) checkReplay(reading, `cut at ${cut}`);
    ends.add(reading.end);
  }
  assert.equal(lastEnd, whole.end);
  assert.ok(refused > 100 && ends.size > 15, `${refused} refused, ${ends.size} ends`);
});

test("a byte that was changed is told, or changes nothing", () => {
  const prng = new Prng(5);
  const { bytes } = whole;
  const places = Array.from({ length: 400 }, () => prng.below(bytes.length));
  for (const { offset } of recordsOf(bytes)) if (prng.below(5) === 0) places.push(offset, offset + 9 + prng.below(30));
  let told = 0;
  for (const place of places) {
    const damaged = bytes.slice();
    damaged[place] ^= 1 << prng.below(8);
    const where = `byte ${place}`;
    const reading = open(damaged, where);
    if (reading instanceof UserError) {
      told++;
      continue;
    }
    const { checkpoints } = reading.checkpoints;
    const hasDamagedPages = checkpoints.some((stored) => reading.checkpoints.damageOf(stored) !== undefined);
    if (!reading.complete || reading.warnings.length > 0 || hasDamagedPages) told++;
    assert.equal(reading.end === whole.end || reading.warnings.length > 0, true, where);
    if (prng.below(16) === 0) checkReplay(reading, where);
  }
  // The rest are in indices and times that nothing here depends on.
  assert.ok(told > places.length / 2, `${told} of ${places.length} were told`);
});

test("damaged pages are told when somebody travels there, and travelling works without them", () => {
  const { bytes } = whole;
  const reading = reopen(bytes);
  const stored = reading.checkpoints.checkpoints[1];
  const damaged = bytes.slice();
  damaged[stored.chunks[0].offset + 60] ^= 0xff;
  const replay = Timeline.open(new FakeMachine(SEED, GUEST), reopen(damaged), { ...SMALL, sliceSteps: 50 });
  drive(replay.seek(stored.instant));
  assert.match(replay.warnings[0], /damaged at byte \d+ .*cannot be used/);
  assert.equal(replay.machine.digest(), expectedDigest(stored.instant));
});

test("a missing or damaged index: everything is read from the beginning instead", () => {
  const { bytes } = whole;
  const dataEnd = recordsOf(bytes).find(({ opcode }) => opcode === Opcode.DATA_END)!;
  const reading = open(bytes.slice(0, dataEnd.offset + dataEnd.length), "no index");
  assert.ok(!(reading instanceof UserError) && !reading.complete && reading.end === whole.end);
  const damaged = bytes.slice();
  damaged[dataEnd.offset + dataEnd.length + 40] ^= 1;
  const walked = reopen(damaged);
  assert.equal(walked.end, whole.end);
  assert.match(walked.warnings[0], /index is missing or damaged/);
  checkReplay(walked, "damaged index");
});

test("other versions are refused by name", () => {
  const { bytes } = whole;
  const text = Buffer.from(bytes).indexOf("formatVersion");
  const other = bytes.slice();
  // The value: a length of one, then the digit.
  other[text + "formatVersion".length + 4] = "7".charCodeAt(0);
  const refused = open(other, "version 7");
  assert.ok(refused instanceof UserError);
  assert.equal(refused.code, "recording-version");
  assert.match(refused.message, new RegExp(`version 7 .*reads version ${RECORDING_VERSION}`));
});

test("what is no recording is refused", () => {
  const prng = new Prng(9);
  const garbage = Uint8Array.from({ length: 5000 }, () => prng.below(256));
  const codeOf = (bytes: Uint8Array) => {
    const refused = open(bytes, "no recording");
    assert.ok(refused instanceof UserError);
    return refused.code;
  };
  assert.equal(codeOf(new Uint8Array(0)), "recording-empty");
  assert.equal(codeOf(garbage), "recording-not");
  assert.equal(codeOf(new Uint8Array(100)), "recording-not");
  assert.equal(codeOf(whole.bytes.slice(0, 8)), "recording-torn-header");
  const magicOnly = garbage.slice();
  magicOnly.set(whole.bytes.subarray(0, 8));
  assert.match(codeOf(magicOnly), /^recording-(damaged|torn-header)$/);
  const otherProfile = whole.bytes.slice();
  otherProfile[8 + 9 + 4] ^= 1;
  assert.equal(codeOf(otherProfile), "recording-not");
});

test("hostile lengths are not believed", () => {
  const { bytes } = whole;
  const places = recordsOf(bytes);
  for (const { offset, opcode, length } of places) {
    for (const claimed of [2n ** 63n, 2n ** 53n, 2n ** 40n, BigInt(bytes.length), 0n]) {
      const hostile = bytes.slice();
      new DataView(hostile.buffer).setBigUint64(offset + 1, claimed, true);
      open(hostile, `record ${opcode} at ${offset} claims ${claimed} bytes`);
    }
    // Every length inside of a record: 32 bits of ones anywhere.
    for (let at = offset + 9; at < offset + Math.min(length, 60); at += 3) {
      const hostile = bytes.slice();
      hostile.fill(0xff, at, at + 4);
      open(hostile, `ones at ${at}`);
    }
    if (offset > 6000) break;
  }
  // A chunk that claims to expand to a terabyte.
  const chunk = places.find(({ opcode }) => opcode === Opcode.CHUNK)!;
  const hostile = bytes.slice();
  new DataView(hostile.buffer).setBigUint64(chunk.offset + 9 + 16, 2n ** 40n, true);
  const reading = open(hostile, "a chunk of a terabyte");
  assert.ok(!(reading instanceof UserError));
  assert.match(reading.warnings[0], /damaged at byte/);
});

test("a replay that leaves its recording says where, what was expected and since when", () => {
  const reading = reopen(whole.bytes);
  // The same image on a machine whose program differs: caught before the first step.
  const other = () => Timeline.open(new FakeMachine(SEED + 1, GUEST), reopen(whole.bytes), SMALL);
  assert.throws(other, { code: "diverged", message: /diverged at instant 0: digest recorded [0-9a-f]{32}, replayed/ });
  // A guest that does otherwise later on.
  const strays = Timeline.open(new FakeMachine(SEED, { ...GUEST, finishesAt: 7777 }), reading, SMALL);
  const before = strays.now;
  const goesOn = () => drive(strays.forward({ stops: NO_STOPS }));
  assert.throws(goesOn, {
    code: "diverged",
    message: /at instant 7,778: stop recorded going on .* finished; last agr/,
  });
  assert.equal(strays.machine.digest(), expectedDigest(strays.now));
  drive(strays.seek(strays.first));
  assert.throws(() => drive(strays.findLast({ stops: NO_STOPS }, instant(7900))), { code: "diverged" });
  assert.equal(strays.now, before, "a search that meets a divergence leaves the timeline where it was");
  const chatty = Timeline.open(new FakeMachine(SEED, { ...GUEST, printsEvery: 10 }), reopen(whole.bytes), SMALL);
  assert.throws(() => drive(chatty.forward({ stops: NO_STOPS })), /output recorded .* replayed .* last agreement at/);
  const digest = chatty.machine.digest();
  assert.equal(digest, expectedDigest(chatty.now));
  // One that sends other frames, at other instants, or none.
  for (const sendsEvery of [75, 149, 2 ** 31]) {
    const sender = Timeline.open(new FakeMachine(SEED, { ...GUEST, sendsEvery }), reopen(whole.bytes), SMALL);
    assert.throws(() => drive(sender.forward({ stops: NO_STOPS })), /output recorded .*frame.* replayed/);
  }
});
