import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { type Instant, instant, physicalAddress, virtualAddress } from "../../src/base/brand.ts";
import { ByteReader, ByteWriter, MalformedBytes } from "../../src/base/byte-cursor.ts";
import { Prng } from "../../src/base/prng.ts";
import type { MachineEvent } from "../../src/machine/inlet.ts";
import { DigestLog } from "../../src/replay/digest-log.ts";
import { EventLog } from "../../src/replay/event-log.ts";
import { FrameLog } from "../../src/replay/frame-log.ts";
import { OutputLog } from "../../src/replay/output-log.ts";
import { decodeEvent, decodeOutput, encodeEvent, encodeOutput } from "../../src/replay/payload.ts";
import { decodeImage, encodeImage } from "../../src/replay/recorded-image.ts";
import { sha256 } from "../../src/replay/sha256.ts";

test("SHA-256 agrees with another implementation at every length around its blocks", () => {
  const prng = new Prng(1);
  for (const length of [...Array.from({ length: 200 }, (_, index) => index), 4096, 100_003]) {
    const bytes = Uint8Array.from({ length }, () => prng.below(256));
    assert.equal(sha256(bytes), createHash("sha256").update(bytes).digest("hex"), `${length} bytes`);
  }
});

test("varints: round trip, and whatever is no varint is refused", () => {
  const values = [0, 1, 127, 128, 2 ** 32 - 1, 2 ** 32, 2 ** 49, Number.MAX_SAFE_INTEGER];
  const writer = new ByteWriter(1);
  for (const value of values) writer.varint(value);
  const reader = new ByteReader(writer.take());
  assert.deepEqual(
    values.map(() => reader.varint()),
    values,
  );
  reader.end();
  assert.throws(() => new ByteReader(new Uint8Array(9).fill(0x80)).varint(), MalformedBytes);
  assert.throws(() => new ByteReader(new Uint8Array(8).fill(0xff)).varint(), MalformedBytes);
  assert.throws(() => new ByteReader(Uint8Array.of(0x80)).varint(), MalformedBytes);
  assert.throws(() => new ByteReader(Uint8Array.of(1)).u32(), MalformedBytes);
});

const EVENTS: readonly MachineEvent[] = [
  { kind: "console-input", instant: instant(5), bytes: Uint8Array.of(1, 2, 255) },
  { kind: "idle-jump", instant: instant(5), ticks: 12_345_678_901 },
  { kind: "edit", instant: instant(6), edit: { target: "register", hart: 3, register: 31, value: 2n ** 64n - 1n } },
  { kind: "edit", instant: instant(6), edit: { target: "pc", hart: 0, value: 0x8000_0000n } },
  { kind: "edit", instant: instant(7), edit: { target: "csr", hart: 0, csr: 0x305, value: 1n } },
  { kind: "network-input", instant: instant(8), frame: Uint8Array.of(0x52, 0x54, 0) },
  {
    kind: "edit",
    instant: instant(9),
    edit: { target: "memory", address: physicalAddress(2 ** 53 - 8), bytes: Uint8Array.of(9) },
  },
  {
    kind: "edit",
    instant: instant(9),
    edit: { target: "float-register", hart: 7, register: 10, value: 0xffff_ffff_3f80_0000n },
  },
];

test("events: every kind goes through its payload", () => {
  for (const event of EVENTS) assert.deepEqual(decodeEvent(event.instant, encodeEvent(event)), event);
  assert.throws(() => decodeEvent(instant(0), Uint8Array.of(77)), MalformedBytes);
  assert.throws(() => decodeEvent(instant(0), Uint8Array.of()), MalformedBytes);
  const jump = encodeEvent(EVENTS[1]);
  assert.throws(() => decodeEvent(instant(0), Uint8Array.of(...jump, 0)), MalformedBytes);
});

test("events: the log gives back what it got, idle jumps apart from what a user did", () => {
  const log = new EventLog();
  for (const event of EVENTS) log.push(event);
  assert.deepEqual(
    EVENTS.map((_, index) => log.at(index)),
    EVENTS,
  );
  assert.equal(log.instantAt(2), 6);
  assert.deepEqual(
    log.others,
    EVENTS.filter(({ kind }) => kind !== "idle-jump"),
  );
  assert.throws(() => log.push(EVENTS[0]), /after a later one/);
});

test("outputs: payload and hostile payloads", () => {
  const decoded = decodeOutput(encodeOutput(Uint8Array.of(65, 66, 67), Uint8Array.of(0x80, 0x01, 5)));
  assert.deepEqual([...decoded.bytes, ...decoded.deltas], [65, 66, 67, 0x80, 0x01, 5]);
  assert.throws(() => decodeOutput(encodeOutput(Uint8Array.of(65, 66), Uint8Array.of())), MalformedBytes);
  assert.throws(() => decodeOutput(encodeOutput(Uint8Array.of(65), Uint8Array.of(1))), MalformedBytes);
  assert.throws(() => decodeOutput(Uint8Array.of(0)), MalformedBytes);
  assert.throws(() => decodeOutput(Uint8Array.of(0xff, 0xff, 0xff, 0x7f, 1)), MalformedBytes);
});

test("outputs: what goes on from a part of a log, wherever the part ends, has a block of its own to write in", () => {
  const block = 65_536;
  const log = new OutputLog(100_000);
  for (let number = 0; number < 3 * block; number++) log.append(number * 2, number % 50 === 0 ? 10 : 65);
  for (const length of [10, block, block + 5, 2 * block, 3 * block]) {
    const part = log.upTo(length, 1_000_000);
    for (let number = 0; number < 2 * block + 5; number++) part.append(1_000_000 + number, 66);
    assert.equal(part.length, length + 2 * block + 5);
  }
  assert.equal(log.length, 3 * block);
});

test("frames: what was sent before an instant, and contents within the bound", () => {
  const log = new FrameLog(1000);
  for (let index = 0; index < 100; index++)
    log.push(instant(Math.floor(index / 3) * 10), new Uint8Array(100).fill(index));
  assert.equal(log.length, 100);
  assert.deepEqual(
    [0, 1, 10, 11, 320, 1000].map((at) => log.countBefore(at)),
    [0, 3, 3, 6, 96, 100],
  );
  assert.ok(log.firstHeld >= 90 && log.firstHeld < 95, `${log.firstHeld}`);
  assert.equal(log.at(log.firstHeld - 1), undefined);
  for (let index = log.firstHeld; index < 100; index++) assert.equal(log.at(index)![0], index);
  assert.equal(log.at(100), undefined);
  assert.equal(log.instantOf(50), 160);
  assert.throws(() => log.push(instant(5), new Uint8Array(1)), /after a later one/);
});

interface Printed {
  readonly instant: number;
  readonly byte: number;
}

function print(log: OutputLog, prng: Prng, count: number): Printed[] {
  let at = 0;
  return Array.from({ length: count }, () => {
    at += prng.below(20) === 0 ? prng.below(1_000_000) : prng.below(3);
    const printed = { instant: at, byte: prng.below(40) === 0 ? 0x0a : 0x20 + prng.below(0x5f) };
    log.append(printed.instant, printed.byte);
    return printed;
  });
}

test("outputs: the log against a plain list", () => {
  const prng = new Prng(3);
  const log = new OutputLog();
  const printed = print(log, prng, 200_000);
  assert.equal(log.length, printed.length);
  assert.equal(log.lines, printed.filter(({ byte }) => byte === 0x0a).length);
  for (let round = 0; round < 300; round++) {
    const offset = prng.pick([prng.below(printed.length), 65_535, 65_536, 131_072, 0, printed.length - 1]);
    assert.equal(log.instantOf(offset), printed[offset].instant);
    const bytes = printed.slice(offset, offset + 100).map(({ byte }) => byte);
    assert.deepEqual([...log.bytes(offset, 100)], bytes);
    const at = printed[offset].instant + prng.below(3);
    const before = printed.findIndex((other) => other.instant >= at);
    assert.equal(log.countBefore(at), before < 0 ? printed.length : before);
  }
  assert.equal(log.instantOf(printed.length), undefined);
  const cursor = log.from(65_000);
  for (let offset = 65_000; offset < 70_000; offset++) assert.deepEqual(cursor.next(), { offset, ...printed[offset] });
});

test("outputs: lines in a stretch of time, all of them or about as many as wanted", () => {
  const prng = new Prng(4);
  const log = new OutputLog();
  const printed = print(log, prng, 150_000);
  const starts = printed.flatMap((_, offset) => (offset === 0 || printed[offset - 1].byte === 0x0a ? [offset] : []));
  const end = printed[printed.length - 1].instant + 1;
  for (let round = 0; round < 60; round++) {
    const from = prng.below(end);
    const to = from + prng.below(end - from + 1);
    const expected = starts.filter((offset) => printed[offset].instant >= from && printed[offset].instant < to);
    const all = log.lineStarts(from, to, 1e6);
    assert.deepEqual(
      all.starts.map(({ offset }) => offset),
      expected,
    );
    assert.equal(all.total, expected.length);
    const most = 1 + prng.below(50);
    const some = log.lineStarts(from, to, most);
    assert.ok(some.starts.length <= most + 3, `${some.starts.length} of at most ${most}`);
    if (expected.length > 0 && most >= 3) assert.ok(some.starts.length >= Math.min(expected.length, most) / 2);
    for (const { offset } of some.starts) assert.ok(expected.includes(offset));
  }
});

test("outputs: beyond the bound the oldest are no longer held, and nothing is told wrong", () => {
  const prng = new Prng(5);
  const log = new OutputLog(500_000);
  const printed = print(log, prng, 600_000);
  const { firstHeld } = log;
  assert.ok(firstHeld > 200_000 && firstHeld < 500_000, `held from ${firstHeld}`);
  assert.equal(log.length, printed.length);
  assert.equal(log.instantOf(firstHeld - 1), undefined);
  assert.equal(log.instantOf(firstHeld), printed[firstHeld].instant);
  assert.equal(log.bytes(0, firstHeld).length, 0);
  assert.equal(log.countBefore(printed[1000].instant), undefined);
  assert.equal(log.countBefore(Number.POSITIVE_INFINITY), printed.length);
  for (const { offset } of log.lineStarts(0, Number.POSITIVE_INFINITY, 100).starts) assert.ok(offset >= firstHeld);
});

test("digests: found by instant and events; thinned in memory beyond the bound", () => {
  const log = new DigestLog();
  const entry = (at: number, events: number) => ({ instant: at as Instant, events, digest: `${at}/${events}` });
  for (const digest of [entry(0, 0), entry(10, 1), entry(10, 2), entry(30, 2)]) log.push(digest);
  assert.equal(log.find(instant(10), 2), "10/2");
  assert.equal(log.find(instant(10), 3), undefined);
  assert.equal(log.nextAfter(0), 10);
  assert.equal(log.nextAfter(10), 30);
  assert.equal(log.nextAfter(30), Number.POSITIVE_INFINITY);
  for (let at = 31; at < 200_000; at++) log.push(entry(at, 2));
  assert.ok(log.entries.length <= 65_536);
  assert.equal(log.nextAfter(199_990) - 199_990 <= 8, true);
});

test("memory images go through their bytes", () => {
  const segments = [
    { physicalAddress: 0x8000_0000, bytes: Uint8Array.of(1, 2, 3), memoryBytes: 4096 },
    { physicalAddress: 0x8010_0000, bytes: new Uint8Array(0), memoryBytes: 1 },
  ];
  const image = { entry: virtualAddress(0x8000_0000n), argument: 0x8100_0000n, information: 7n, segments };
  const bytes = encodeImage(image);
  assert.deepEqual(decodeImage(bytes), image);
  for (let cut = 0; cut < bytes.length; cut++) {
    assert.throws(() => decodeImage(bytes.subarray(0, cut)), { code: "recording-image" });
  }
});
