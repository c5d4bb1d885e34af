import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type DiskChoice, parseDiskChoice } from "../../src/base/disk-choice.ts";
import { openDisks } from "../../src/host/disk-files.ts";
import { openLive } from "../../src/host/live-session.ts";
import { finish } from "../../src/host/motion-driver.ts";
import { openRecording } from "../../src/host/recorded-session.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { GUEST_SECTORS, virtioGuest } from "../machine/virtio-guest.ts";

const folder = mkdtempSync(join(tmpdir(), "hindcast-disks-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const CHOICES: [string, DiskChoice | undefined][] = [
  ["a.img", { path: "a.img", external: false, readOnly: false }],
  ["a,b.img,readonly", { path: "a,b.img", external: false, readOnly: true }],
  ["/x/a.img,external,readonly", { path: "/x/a.img", external: true, readOnly: true }],
  ["blank:64M", { blankBytes: 64 * 2 ** 20, readOnly: false }],
  ["blank:1024,readonly", { blankBytes: 1024, readOnly: true }],
  ["blank:100", undefined],
  ["blank:0", undefined],
  ["blank:much", undefined],
  ["blank:1M,external", undefined],
  [",readonly", undefined],
  ["", undefined],
];

for (const [text, expected] of CHOICES) {
  test(`a disk written as ${JSON.stringify(text)}`, () => assert.deepEqual(parseDiskChoice(text), expected));
}

const IMAGE = Uint8Array.from({ length: GUEST_SECTORS * 512 }, (_, index) => (index * 5) >> 4);
const guest = file("guest.s", virtioGuest({ transport: "modern", entropy: true, rounds: 40 }));

/** Records the guest on a disk; the digest and console at the end, and the recording. */
async function record(name: string, ...disks: string[]) {
  const recordTo = join(folder, name);
  const choices = disks.map((text) => parseDiskChoice(text)!);
  const session = openLive({ program: guest, recordTo, disks: choices, seed: 4 }, () => {});
  const stop = finish(session.timeline.forward({ stops: NO_STOPS }));
  assert.equal(stop.kind, "finished");
  const digest = session.machine.digest();
  session.timeline.close();
  await session.recording.close();
  return { path: recordTo, digest };
}

function replay(path: string): string {
  const session = openRecording(path);
  finish(session.timeline.forward({ stops: NO_STOPS }));
  const digest = session.machine.digest();
  session.close();
  return digest;
}

test("a disk is in the recording: the file is only read, and not needed any more", async () => {
  const image = file("embedded.img", IMAGE);
  const { path, digest } = await record("embedded.hindcast", image);
  assert.deepEqual(readFileSync(image), Buffer.from(IMAGE));
  rmSync(image);
  assert.equal(replay(path), digest);
});

test("a large disk that is mostly empty makes a small recording; so does a blank one", async () => {
  const image = file("sparse.img", IMAGE);
  truncateSync(image, 64 * 2 ** 20);
  const sparse = await record("sparse.hindcast", image);
  assert.ok(statSync(sparse.path).size < 200_000, `${statSync(sparse.path).size} bytes`);
  assert.equal(replay(sparse.path), sparse.digest);
  const blank = await record("blank.hindcast", "blank:8G");
  assert.ok(statSync(blank.path).size < 200_000);
  assert.equal(replay(blank.path), blank.digest);
});

test("a disk that stays outside is verified when the recording is opened", async () => {
  const image = file("external.img", IMAGE);
  const { path, digest } = await record("external.hindcast", `${image},external`);
  assert.equal(replay(path), digest);
  const changed = IMAGE.slice();
  changed[5000] ^= 1;
  writeFileSync(image, changed);
  assert.throws(() => replay(path), /external\.img has changed since it was recorded as a disk/);
  writeFileSync(image, IMAGE);
  assert.equal(replay(path), digest);
  renameSync(image, `${image}.moved`);
  assert.throws(() => replay(path), /cannot read the disk image .*external\.img/);
});

test("a file that changes under the machine ends the run with a sentence", () => {
  const image = file("moving.img", IMAGE);
  const { images } = openDisks([{ path: image, external: true, readOnly: false }], true);
  assert.deepEqual(images[0].read(100, 50), IMAGE.subarray(100, 150));
  const larger = file("large.img", new Uint8Array(1 << 20).fill(3));
  const [disk] = openDisks([{ path: larger, external: false, readOnly: false }], false).images;
  assert.equal(disk.read(0, 1)[0], 3);
  truncateSync(larger, 1 << 19);
  assert.throws(() => disk.read(900_000, 100), /large\.img was changed while the machine ran on it/);
});

test("what cannot be a disk is refused by name", () => {
  const open = (path: string) => openDisks([{ path, external: false, readOnly: false }], true);
  assert.throws(() => open(join(folder, "missing.img")), /cannot read the disk image .*missing\.img/);
  assert.throws(() => open(folder), /is not a file: name a disk image/);
  assert.throws(() => open(file("empty.img", "")), /is empty: name a disk image, or blank:64M/);
});

test("a file that ends within a sector is rounded up, with zeros", () => {
  const image = file("odd.img", IMAGE.subarray(0, 700));
  const { configurations, images } = openDisks([{ path: image, external: false, readOnly: true }], true);
  assert.deepEqual(configurations, [{ sizeBytes: 1024, readOnly: true }]);
  assert.equal(images[0].read(512, 512).length, 700 - 512);
});
