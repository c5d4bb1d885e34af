import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { UserError } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { Bell } from "../../src/host/motion-driver.ts";
import { RecordingFile } from "../../src/host/recording-file.ts";
import { lockPath } from "../../src/host/recording-lock.ts";
import { FileByteSource } from "../../src/host/recording-source.ts";
import { ZSTD } from "../../src/host/zstd.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { imageBytes, packedImage, recordedImage } from "../../src/replay/recorded-image.ts";
import type { RecordingHeader, RecordingMessage } from "../../src/replay/recording-message.ts";
import { RecordingReader } from "../../src/replay/recording-reader.ts";

const folder = mkdtempSync(join(tmpdir(), "hindcast-recording-"));
after(() => rmSync(folder, { recursive: true }));

const HEADER: RecordingHeader = {
  tool: "hindcast test",
  configuration: DEFAULT_CONFIGURATION,
  images: [recordedImage("program", "/somewhere/guest.s", Uint8Array.of(1, 2, 3))],
};
const SEED = 20_260_131;

/** Console output of `length` random bytes, one a step. */
function output(instant: number, length: number, prng: Prng): RecordingMessage {
  const bytes = Uint8Array.from({ length }, () => prng.below(256));
  return { kind: "output", instant: instant as Instant, bytes, deltas: new Uint8Array(length - 1).fill(1) };
}

const at = (name: string) => join(folder, name);

function read(path: string): RecordingReader {
  const source = new FileByteSource(path);
  const reader = new RecordingReader(source, ZSTD);
  source.close();
  return reader;
}

test("what is posted is in the file, in order; the backlog grows and shrinks again", async () => {
  const bell = new Bell();
  let rooms = 0;
  const recording = RecordingFile.create(at("order.hindcast"), HEADER, () => {
    rooms++;
    bell.ring();
  });
  const prng = new Prng(SEED);
  const expected: number[] = [];
  for (let index = 0; index < 400; index++) {
    const message = output(index * 10_000, 1000, prng) as RecordingMessage & { kind: "output" };
    expected.push(...message.bytes);
    recording.post(message);
  }
  assert.ok(recording.backlogBytes > 400_000, "the machine sees how far the writer is behind");
  while (recording.backlogBytes > 0) await bell.rest(5000);
  assert.ok(rooms > 0);
  assert.ok(recording.fileBytes > 0);
  recording.post({ kind: "end", instant: 4_000_000 as Instant, reason: undefined });
  await recording.close();
  await recording.close();
  assert.equal(recording.fileBytes, statSync(at("order.hindcast")).size);
  const reader = read(at("order.hindcast"));
  assert.equal(reader.complete, true);
  assert.deepEqual([...reader.outputs.bytes(0, reader.outputs.length)], expected);
  assert.equal(existsSync(lockPath(at("order.hindcast"))), false);
});

test("images come whole, those in one buffer too; what was packed is handed over", async () => {
  const together = new Uint8Array(100).map((_, index) => index);
  const prng = new Prng(SEED);
  const large = Uint8Array.from({ length: 100_000 }, () => prng.below(100));
  const packed = packedImage("file", "/large", large, ZSTD);
  const images = [
    recordedImage("program", "/one", together.subarray(0, 40)),
    recordedImage("source", "/two", together.subarray(40)),
    packed,
  ];
  const recording = RecordingFile.create(at("images.hindcast"), { ...HEADER, images }, () => {});
  recording.post(output(5, 100, new Prng(SEED)));
  await recording.close();
  assert.equal(recording.failure, undefined);
  const found = read(at("images.hindcast")).header.images;
  assert.deepEqual([...found[0].bytes!, ...found[1].bytes!], [...together]);
  assert.deepEqual(imageBytes(found[2], ZSTD), Buffer.from(large));
  assert.equal(packed.bytes?.length, 0);
});

test("without an end, and without being closed, the file opens after a quarter of a second", async () => {
  const recording = RecordingFile.create(at("open.hindcast"), HEADER, () => {});
  recording.post(output(5, 100, new Prng(SEED)));
  await new Promise((resolve) => setTimeout(resolve, 1200));
  const reader = read(at("open.hindcast"));
  assert.equal(reader.complete, false);
  assert.equal(reader.outputs.length, 100);
  assert.equal(reader.end, 104);
  await recording.close();
});

test("a failed disk is a sentence; nothing is held up and nothing is thrown", async () => {
  const bell = new Bell();
  const recording = RecordingFile.create("/dev/full", HEADER, () => bell.ring());
  const prng = new Prng(SEED);
  for (let index = 0; index < 1000 && recording.failure === undefined; index++) {
    recording.post(output(index * 1000, 100, prng));
    await bell.rest(5);
  }
  assert.match(recording.failure ?? "", /stopped growing: no space is left on the device.*kept in \/dev\/full/);
  assert.equal(recording.backlogBytes, 0);
  recording.post(output(5_000_000, 100, prng));
  assert.equal(recording.backlogBytes, 0, "what comes now is dropped");
  await recording.close();
});

test("a second recording to the same file is refused while the first goes on, and replaces it afterwards", async () => {
  const first = RecordingFile.create(at("twice.hindcast"), HEADER, () => {});
  const second = () => RecordingFile.create(at("twice.hindcast"), HEADER, () => {});
  assert.throws(second, (error) => error instanceof UserError && error.code === "recording-locked");
  first.post({ kind: "end", instant: 1 as Instant, reason: undefined });
  await first.close();
  const old = new FileByteSource(at("twice.hindcast"));
  const before = readFileSync(at("twice.hindcast"));
  const next = second();
  next.post({ kind: "end", instant: 2 as Instant, reason: undefined });
  await next.close();
  assert.equal(read(at("twice.hindcast")).end, 2);
  assert.deepEqual(Buffer.from(old.read(0, old.sizeBytes)), before, "whoever had the old one open still has it");
  old.close();
});

test("a place that cannot be written is refused before anything starts", () => {
  for (const path of [at("none/x.hindcast"), folder]) {
    assert.throws(
      () => RecordingFile.create(path, HEADER, () => {}),
      (error) => error instanceof UserError && /^recording-/.test(error.code),
      path,
    );
  }
  assert.equal(existsSync(lockPath(folder)), false);
});
