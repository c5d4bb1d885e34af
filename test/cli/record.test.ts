import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { AppendFile } from "../../src/host/append-file.ts";
import { finish } from "../../src/host/motion-driver.ts";
import { openRecording } from "../../src/host/recorded-session.ts";
import { FileByteSource } from "../../src/host/recording-source.ts";
import { ZSTD } from "../../src/host/zstd.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { recordedImage } from "../../src/replay/recorded-image.ts";
import { RecordingReader } from "../../src/replay/recording-reader.ts";
import { RecordingWriter } from "../../src/replay/recording-writer.ts";
import { GUEST_SECTORS, virtioGuest } from "../machine/virtio-guest.ts";
import { assertRefused, command, end, file, folder, hindcast, hindcastJson, lastLine, start } from "./command.ts";
import { DAMAGE, ECHO, ENDLESS, FILLS, FLOOD, HELLO, NOISE, SEVEN, TRAP } from "./guests.ts";

const at = (name: string) => join(folder, name);

/** Replays a recording to its end in this process; what it holds. Throws when anything is not as recorded. */
function assertReplays(path: string) {
  const { reader, timeline, machine, close } = openRecording(path);
  const stop = finish(timeline.forward({ stops: NO_STOPS }));
  assert.equal(machine.instant, reader.end, "replayed to its last instant");
  close();
  return { reader, stop, verified: timeline.verifiedDigests };
}

test("record, info, replay", async () => {
  const path = at("hello.hindcast");
  const recorded = await hindcastJson("record", HELLO(), "-o", path);
  assert.equal(recorded.exitCode, 0);
  assert.equal(recorded.before, "hello, world\n");
  assert.equal(recorded.json.recording, path);
  assert.equal(recorded.json.bytes, statSync(path).size);
  const info = (await hindcastJson("info", path)).json;
  assert.equal(info.complete, true);
  assert.deepEqual(info.warnings, []);
  assert.equal(info.outputs, 13);
  assert.equal(info.instants, recorded.json.instant);
  assert.deepEqual(info.reason, { reason: "exit", exitCode: 0 });
  const { exitCode, before, json } = await hindcastJson("replay", path);
  assert.equal(exitCode, 0);
  assert.equal(before, "hello, world\n", "the replay prints what the guest printed");
  assert.equal(json.reason, "exit");
  assert.equal(json.instant, info.instants);
  assert.match(json.digest as string, /^[0-9a-f]{32}$/);
  assert.ok((json.verified as number) > 0, "the digest at the end was compared");
});

test("a machine that waits for its writer, with nothing else to wait for, goes on when there is room", async () => {
  const { exitCode, json, stderr } = await hindcastJson(
    "record",
    FILLS(),
    "--memory",
    "256M",
    "-o",
    at("fills.hindcast"),
  );
  assert.equal(exitCode, 0, stderr);
  assert.equal(json.reason, "exit");
});

test("the guest's exit code is the command's, recorded or not", async () => {
  const { exitCode, json } = await hindcastJson("record", SEVEN(), "-o", at("seven.hindcast"));
  assert.equal(exitCode, 7);
  assert.equal(json.exitCode, 7);
});

test("a trap that nobody handles is where the recording ends", async () => {
  const { exitCode, json } = await hindcastJson("record", TRAP(), "-o", at("trap.hindcast"));
  assert.equal(exitCode, 1);
  assert.equal(json.reason, "trap");
  const replayed = await hindcastJson("replay", at("trap.hindcast"));
  assert.equal(replayed.exitCode, 0);
  assert.equal(replayed.json.reason, "trap");
});

test("a replay can stop on the way", async () => {
  await hindcast("record", HELLO(), "-o", at("print.hindcast"));
  const part = await hindcastJson("replay", at("print.hindcast"), "--to", "30");
  assert.equal(part.json.instant, 30);
  assert.ok(part.before.length > 1 && part.before.length < 13, JSON.stringify(part.before));
  assert.equal("hello, world".startsWith(part.before.trimEnd()), true);
});

test("without -o the recording goes beside the program", async () => {
  const { json } = await hindcastJson("record", SEVEN());
  const [name] = readdirSync(at(".hindcast")).filter((name) => name.startsWith("seven-"));
  assert.equal(json.recording, join(folder, ".hindcast", name));
  assertReplays(json.recording as string);
});

test("what was typed is in the recording", async () => {
  const input = file("typed", "abcq");
  await hindcast("record", ECHO(), "--input", input, "-o", at("typed.hindcast"));
  const { reader, stop } = assertReplays(at("typed.hindcast"));
  assert.equal(reader.events.length, 1);
  assert.deepEqual(stop, { kind: "finished", exitCode: 3, reset: false });
});

test("what one engine recorded, another replays", async () => {
  const path = at("oracle.hindcast");
  await hindcast("record", ECHO(), "--input", file("typed", "zq"), "--engine", "oracle", "-o", path);
  const { exitCode, json } = await hindcastJson("replay", path, "--engine", "interpreter");
  assert.equal(exitCode, 0);
  assert.ok((json.verified as number) > 0);
});

test("Ctrl-C keeps the recording, complete", async () => {
  const path = at("interrupted.hindcast");
  const child = start("record", ENDLESS(), "-o", path, "--json");
  child.stdout.once("data", () => child.kill("SIGINT"));
  const ended = await end(child);
  assert.equal(ended.exitCode, 130);
  const { reader } = assertReplays(path);
  assert.equal(reader.complete, true);
  assert.equal(reader.end, lastLine(ended).json.instant);
  assert.equal(existsSync(`${path}.lock`), false);
});

test("kill -9 leaves a recording that opens, says so, and replays to its last instant", async () => {
  const path = at("killed.hindcast");
  const child = start("record", NOISE(), "-o", path);
  // The writer's thread has had time for a few of its flushes, four a second.
  child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), 900)).resume();
  await once(child, "exit");
  const { reader } = assertReplays(path);
  assert.equal(reader.complete, false);
  assert.equal(reader.warnings.length, 1);
  assert.match(reader.warnings[0], /cut short/);
  assert.ok(reader.outputs.length > 1000, "what was printed until shortly before is there");
  // The dead process's lock keeps nobody out.
  assert.equal((await hindcast("record", HELLO(), "-o", path)).exitCode, 0);
});

test("one recording is written by one process; readers are welcome meanwhile", async () => {
  const path = at("busy.hindcast");
  const child = start("record", ENDLESS(), "-o", path);
  const ended = end(child);
  while (!existsSync(path) || statSync(path).size === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  await assertRefused(["record", HELLO(), "-o", path], 3, "recording-locked", /is being recorded by process \d+/);
  const { json } = await hindcastJson("info", path);
  const { warnings } = json as { warnings: string[] };
  assert.equal(warnings.length, 1, "nor is it said to be cut short");
  assert.match(warnings[0], new RegExp(`still being recorded, by process ${child.pid}`));
  child.kill("SIGINT");
  assert.equal((await ended).exitCode, 130);
  assert.equal(assertReplays(path).reader.complete, true, "the second writer has done no harm");
});

test("a full disk ends the run with a sentence, and what was recorded opens", async () => {
  const path = at("full.hindcast");
  // The shell's limit on the size of files (in blocks of 512 bytes) stands for a disk that fills up.
  const quoted = command("record", NOISE(), "-o", path, "--json").map((part) => `'${part}'`);
  const child = spawn("sh", ["-c", `ulimit -f 400; exec ${quoted.join(" ")}`], { cwd: folder });
  child.stdin.end();
  const ended = await end(child);
  assert.equal(ended.exitCode, 3, ended.stderr);
  const { json } = lastLine(ended);
  assert.equal(json.reason, "recording-failed");
  assert.match(ended.stderr, /The recording stopped growing: the file would grow beyond the limit/);
  assert.match(ended.stderr, /kept in/);
  assert.doesNotMatch(ended.stderr, /^ {4}at /m);
  const { reader } = assertReplays(path);
  assert.equal(reader.complete, false);
  assert.ok(reader.outputs.length > 10_000);
});

test("a disk that is full from the start ends the run as well", async () => {
  const { exitCode, stderr } = await hindcast("record", ENDLESS(), "-o", "/dev/full");
  assert.equal(exitCode, 3);
  assert.match(stderr, /no space is left on the device/);
});

test("a console flooded into a closed pipe keeps the recording", async () => {
  const path = at("flood.hindcast");
  const child = start("record", FLOOD(), "-o", path);
  child.stdout.once("data", () => child.stdout.destroy());
  child.stderr.resume();
  const [exitCode] = await once(child, "exit");
  assert.equal(exitCode, 141);
  assert.equal(assertReplays(path).reader.complete, true);
});

test("a recording replaces an older one, and nothing else", async () => {
  const path = at("again.hindcast");
  await hindcast("record", SEVEN(), "-o", path);
  assert.equal((await hindcast("record", HELLO(), "-o", path)).exitCode, 0);
  assert.equal(assertReplays(path).reader.outputs.length, 13);
  const precious = file("thesis.txt", "ten years of work");
  await assertRefused(["record", HELLO(), "-o", precious], 3, "recording-not-replaced", /is not a recording/);
  assert.equal(readFileSync(precious, "utf8"), "ten years of work");
  const program = HELLO();
  await assertRefused(["record", program, "-o", program], 2, "recording-is-program", /cannot replace the program/);
  await assertRefused(
    ["record", program, "-o", at("none/x.hindcast")],
    3,
    "recording-unwritable",
    /no such file or folder/,
  );
});

test("a replay that does not do what was recorded says where and since when", async () => {
  // What a later version with a mistake in its engine would do: the same events and digests, another program.
  const path = at("recorded.hindcast");
  await hindcast("record", DAMAGE(), "-o", path);
  const reader = new RecordingReader(new FileByteSource(path), ZSTD);
  const images = reader.header.images.map((image) => {
    if (image.role === "source" || image.bytes === undefined) return image;
    const bytes = Buffer.from(image.bytes);
    // li t0, 1000 becomes li t0, 999, in the source as in memory.
    if (image.role === "program") return recordedImage(image.role, image.name, edited(bytes, "1000", " 999"));
    const before = Buffer.from("9302803e", "hex");
    const after = Buffer.from("9302703e", "hex");
    return recordedImage(image.role, image.name, edited(bytes, before, after));
  });
  const other = at("other.hindcast");
  const sink = new AppendFile(openSync(other, "w"));
  const writer = new RecordingWriter(sink, { ...reader.header, images }, ZSTD);
  for (const { instant, digest, events } of reader.digests.entries.slice(1)) {
    writer.write({ kind: "digest", instant, digest, events });
  }
  writer.write({ kind: "end", instant: reader.end, reason: undefined });
  sink.close();

  const { exitCode, json, stderr } = await hindcastJson("replay", other);
  assert.equal(exitCode, 1, stderr);
  assert.equal(json.reason, "diverged");
  const { lastAgreement, what, instant } = json.divergence as Record<string, unknown>;
  assert.equal(lastAgreement, 0);
  assert.ok(["digest", "stop", "output"].includes(what as string));
  assert.ok((instant as number) > 0);
  assert.match(stderr, /diverged at instant [\d,]+: \w+ recorded .*, replayed .*; last agreement at 0/);
});

function edited(bytes: Buffer, before: Buffer | string, after: Buffer | string): Uint8Array {
  const offset = bytes.indexOf(before);
  assert.ok(offset >= 0, `${before} is not in the image`);
  bytes.set(Buffer.from(after), offset);
  return Uint8Array.from(bytes);
}

test("a torn recording opens with a warning, wherever it was torn", async () => {
  const whole = at("whole.hindcast");
  await hindcast("record", NOISE(), "--limit", "100000", "-o", whole);
  const size = statSync(whole).size;
  for (const share of [0.7, 0.4]) {
    const torn = at("torn.hindcast");
    writeFileSync(torn, readFileSync(whole));
    truncateSync(torn, Math.floor(size * share));
    assert.equal(assertReplays(torn).reader.complete, false);
  }
  const { exitCode, json } = await hindcastJson("info", at("torn.hindcast"));
  assert.equal(exitCode, 0);
  assert.equal(json.complete, false);
  assert.match((json.warnings as string[])[0], /cut short|damaged/);
  const headless = file("headless.hindcast", readFileSync(whole).subarray(0, 100));
  await assertRefused(["replay", headless], 3, "recording-torn-header", /nothing of the run can be replayed/);
});

test("a guest with disks: run, recorded, told by info, replayed; the file is only read", async () => {
  const guest = file("disk-guest.s", virtioGuest({ transport: "legacy", entropy: false, rounds: 16 }));
  const image = Uint8Array.from({ length: GUEST_SECTORS * 512 }, (_, index) => index >> 5);
  // It works on the last disk that it finds.
  const disk = file("disk.img", image);
  const options = ["--virtio", "legacy", "--start-time", "2026-01-31", "--disk", "blank:1M", "--disk", disk];
  const run = await hindcastJson("run", guest, ...options);
  assert.equal(run.exitCode, 0, run.stderr);
  const path = at("disks.hindcast");
  const recorded = await hindcastJson("record", guest, ...options, "-o", path);
  assert.equal(recorded.exitCode, 0, recorded.stderr);
  assert.equal(recorded.before, run.before);
  assert.deepEqual(readFileSync(at("disk.img")), Buffer.from(image));
  const { configuration, images } = (await hindcastJson("info", path)).json as {
    configuration: Record<string, unknown>;
    images: Record<string, unknown>[];
  };
  assert.equal(configuration.startTime, 1_769_817_600);
  assert.deepEqual(configuration.disks, [
    { sizeBytes: 2 ** 20, readOnly: false },
    { sizeBytes: GUEST_SECTORS * 512, readOnly: false },
  ]);
  const disks = images
    .filter(({ role }) => role === "disk")
    .map(({ name, bytes, embedded }) => [name, bytes, embedded]);
  assert.deepEqual(disks, [
    ["blank:1048576", 2 ** 20, false],
    [at("disk.img"), GUEST_SECTORS * 512, true],
  ]);
  writeFileSync(at("disk.img"), "something else");
  const replayed = await hindcastJson("replay", path);
  assert.equal(replayed.exitCode, 0, replayed.stderr);
  assert.equal(replayed.before, run.before);
});
