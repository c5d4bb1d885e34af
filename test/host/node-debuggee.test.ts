import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import type { Worker } from "node:worker_threads";
import { UserError } from "../../src/base/errors.ts";
import type { DebuggeeEvent } from "../../src/debuggee/protocol.ts";
import { finish } from "../../src/host/motion-driver.ts";
import { type NodeDebuggee, startDebuggee } from "../../src/host/node-debuggee.ts";
import { openRecording } from "../../src/host/recorded-session.ts";
import { holderOf } from "../../src/host/recording-lock.ts";
import { FileByteSource } from "../../src/host/recording-source.ts";
import { RemoteFault } from "../../src/host/rpc.ts";
import { ZSTD } from "../../src/host/zstd.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { GATEWAY } from "../../src/network/addresses.ts";
import { udpPacket } from "../../src/network/udp.ts";
import { RecordingReader } from "../../src/replay/recording-reader.ts";
import { sendingGuest } from "../network/guest-program.ts";
import { guestAt, guestFrames } from "../network/support.ts";

const folder = mkdtempSync(join(tmpdir(), "hindcast-worker-"));
const open: NodeDebuggee[] = [];
after(async () => {
  await Promise.all(open.map((debuggee) => debuggee.dispose()));
  rmSync(folder, { recursive: true });
});

const PRELUDE = ".equ UART, 0x10000000\n.globl _start\n_start:\n";
const GUESTS = {
  // Counts for ever in `counter`.
  counting: `${PRELUDE} la a0, counter\nagain: addi t0, t0, 1\n sd t0, 0(a0)\n j again\n.bss\n.balign 8\ncounter: .space 8\nother: .space 8\n`,
  // Waits for a key without asking again and again, prints it, and ends with a q.
  keys: `${PRELUDE}
    li   t0, UART
    li   t1, 1
    sb   t1, 1(t0)              # interrupt when a byte waits
    li   t1, 0x0c000000
    li   t2, 1
    sw   t2, 40(t1)             # PLIC: priority of the UART
    li   t1, 0x0c002000
    li   t2, 1 << 10
    sw   t2, 0(t1)              # and enabled for machine mode
    li   t1, 1 << 11
    csrw mie, t1
again:
    lbu  t1, 5(t0)
    andi t1, t1, 1
    bnez t1, key
    wfi
    j    again
key:
    lbu  a0, 0(t0)
    sb   a0, 0(t0)
    li   t2, 'q'
    bne  a0, t2, again
    li   t0, 0x100000
    li   t1, 0x5555
    sw   t1, 0(t0)
`,
};

async function launch(guest: keyof typeof GUESTS, name: string, options: object = {}) {
  const program = join(folder, `${guest}.s`);
  writeFileSync(program, GUESTS[guest]);
  const events: DebuggeeEvent[] = [];
  const debuggee = await startDebuggee((event) => events.push(event));
  open.push(debuggee);
  const recordTo = join(folder, `${name}.hindcast`);
  const result = await debuggee.launch({ program, recordTo, stopOnEntry: false, ...options });
  const printed = () =>
    events
      .filter((event) => event.type === "output")
      .map(({ bytes }) => new TextDecoder().decode(bytes))
      .join("");
  return { debuggee, result, events, printed, recordTo };
}

/** The last instant that a file holds so far. */
function endOf(recording: string): number {
  const source = new FileByteSource(recording);
  try {
    return new RecordingReader(source, ZSTD).end;
  } catch (error) {
    // Not even the header has reached it yet.
    if (error instanceof UserError) return 0;
    throw error;
  } finally {
    source.close();
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const isUserError = (code: string) => (error: unknown) => error instanceof UserError && error.code === code;

test("launch, run, pause within 100 ms, close; the recording replays", async () => {
  const { debuggee, result, events, recordTo } = await launch("counting", "run");
  assert.equal(result.live, true);
  assert.equal(result.recording, recordTo);
  assert.equal(result.entered.reason, "entry");
  assert.equal(result.hasLines, true);
  const running = debuggee.resume();
  while (!events.some((event) => event.type === "status" && event.running && event.instant > 1e6)) await pause(20);
  await assert.rejects(debuggee.frames(0), isUserError("running"), "questions about a state that is none yet");
  await assert.rejects(debuggee.resume(), isUserError("running"));
  assert.equal((await debuggee.timeline({ most: 10 })).live, true, "but the timeline may be asked");
  const asked = performance.now();
  await debuggee.pause();
  const stopped = await running;
  assert.ok(performance.now() - asked < 100, `${performance.now() - asked} ms`);
  assert.equal(stopped.reason, "pause");
  assert.ok(stopped.instant > 1_000_000);
  const statuses = events.filter((event) => event.type === "status");
  assert.ok(statuses.some(({ running, stepsPerSecond }) => running && stepsPerSecond > 1_000_000));
  assert.equal(statuses.at(-1)?.running, false);
  assert.equal(statuses.at(-1)?.instant, stopped.instant);
  await debuggee.pause();
  await debuggee.close();
  const session = openRecording(recordTo);
  assert.equal(session.reader.complete, true);
  finish(session.timeline.forward({ stops: NO_STOPS }));
  assert.equal(session.machine.instant, stopped.instant);
  session.close();
});

test("a search is cancelled at once, and leaves the debuggee where it was", async () => {
  const { debuggee, events } = await launch("counting", "search");
  const running = debuggee.resume();
  // Whoever does not look for messages until he has searched all of it is done before he hears of the end that is asked for.
  while (!events.some((event) => event.type === "status" && event.instant > 2e8)) await pause(20);
  await debuggee.pause();
  const { instant } = await running;
  const other = (await debuggee.evaluate("&other", 0, 0)).bits!;
  const searching = debuggee.lastWrite(other, 8);
  const outcome = assert.rejects(searching, isUserError("cancelled"));
  await debuggee.pause();
  await outcome;
  assert.equal((await debuggee.timeline({ most: 1 })).now, instant);
  const counter = (await debuggee.evaluate("&counter", 0, 0)).bits!;
  const write = await debuggee.lastWrite(counter, 8);
  assert.ok(write !== undefined && instant - write.instant <= 3);
  // A register that nothing has written is looked for all the way back.
  const following = assert.rejects(debuggee.origin("s11", 0), isUserError("cancelled"));
  await debuggee.pause();
  await following;
  assert.equal((await debuggee.timeline({ most: 1 })).now, instant);
  assert.equal((await debuggee.origin("s11", 0)).end.kind, "reset");
  await debuggee.close();
});

test("a guest that waits for a key takes no time, and gets it at once", async () => {
  const { debuggee, printed, events } = await launch("keys", "keys");
  const running = debuggee.resume();
  await pause(300);
  const before = process.cpuUsage();
  await pause(400);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 300_000, `${(user + system) / 1000} ms of processor time in 400 ms of waiting`);
  await debuggee.input(new TextEncoder().encode("ab"));
  const asked = performance.now();
  while (printed() !== "ab") {
    assert.ok(performance.now() - asked < 2000, `the guest has printed ${JSON.stringify(printed())}`);
    await pause(2);
  }
  await debuggee.input(new TextEncoder().encode("q"));
  const stopped = await running;
  assert.equal(stopped.reason, "finished");
  assert.equal(stopped.exitCode, 0);
  assert.equal(printed(), "abq");
  assert.equal(events.filter((event) => event.type === "failure").length, 0);
  await debuggee.close();
});

test("a recording opens for travel, with what the guest printed", async () => {
  const { debuggee, recordTo } = await launch("keys", "travel");
  const running = debuggee.resume();
  await debuggee.input(new TextEncoder().encode("xyq"));
  await running;
  await debuggee.close();
  const events: DebuggeeEvent[] = [];
  const second = await startDebuggee((event) => events.push(event));
  open.push(second);
  const result = await second.launch({ recording: recordTo, stopOnEntry: true });
  assert.equal(result.live, false);
  const output = events.filter((event) => event.type === "output");
  assert.equal(output.map(({ bytes }) => new TextDecoder().decode(bytes)).join(""), "xyq");
  assert.equal((await second.resume()).instant, result.end);
  assert.equal((await second.seek(3)).instant, 3);
  await second.close();
});

test("a full disk pauses the run, once, with a sentence; going on is possible", async () => {
  const { debuggee, events } = await launch("counting", "full", { recordTo: "/dev/full" });
  const stopped = await debuggee.resume();
  assert.equal(stopped.reason, "pause");
  const failures = events.filter((event) => event.type === "failure");
  assert.equal(failures.length, 1);
  assert.equal(failures[0].fatal, false);
  assert.match(failures[0].message, /no space is left on the device.*going on is possible, unrecorded/);
  const running = debuggee.resume();
  while (!events.some((event) => event.type === "status" && event.instant > stopped.instant + 1e6)) await pause(20);
  await debuggee.pause();
  assert.ok((await running).instant > stopped.instant);
  assert.equal((await debuggee.seek(5)).instant, 5, "and so is travel, in memory");
  assert.equal(events.filter((event) => event.type === "failure").length, 1);
  await debuggee.close();
});

test("mistakes in a launch are told, and can be corrected", async () => {
  const debuggee = await startDebuggee(() => {});
  open.push(debuggee);
  await assert.rejects(debuggee.frames(0), isUserError("not-launched"));
  const nowhere = join(folder, "nowhere.s");
  await assert.rejects(debuggee.launch({ program: nowhere, stopOnEntry: true }), isUserError("file-not-found"));
  await assert.rejects(debuggee.launch({ stopOnEntry: true }), isUserError("launch-what"));
  const program = join(folder, "counting.s");
  const recordTo = join(folder, "corrected.hindcast");
  assert.equal((await debuggee.launch({ program, recordTo, stopOnEntry: true })).live, true);
  await assert.rejects(debuggee.launch({ program, stopOnEntry: true }), isUserError("launched-twice"));
  const other = await startDebuggee(() => {});
  open.push(other);
  const second = other.launch({ program, recordTo, stopOnEntry: true });
  await assert.rejects(second, isUserError("recording-locked"), "two windows on one recording");
  await debuggee.close();
});

test("when the machine's thread dies, whatever waits is told, and the recording opens", async () => {
  const started = once(process, "worker") as Promise<[Worker]>;
  const { debuggee, events, recordTo } = await launch("counting", "dies");
  const [worker] = await started;
  const running = debuggee.resume();
  const outcome = assert.rejects(
    running,
    (error) => error instanceof RemoteFault && /ended by itself/.test(error.message),
  );
  // The first digest comes after ten million steps, and reaches the file with the writer's next flush.
  while (endOf(recordTo) === 0) await pause(50);
  // The thread ends as if it had run out of memory.
  await worker.terminate();
  await outcome;
  assert.deepEqual(
    events.filter((event) => event.type === "failure").map(({ fatal }) => fatal),
    [true],
  );
  await assert.rejects(debuggee.frames(0), /what was recorded until then is kept/);
  const session = openRecording(recordTo);
  finish(session.timeline.forward({ stops: NO_STOPS }));
  assert.ok(
    session.machine.instant > 1_000_000,
    `replayed to ${session.machine.instant} of ${session.reader.end}; ${session.warnings}`,
  );
  session.close();
  assert.equal(holderOf(recordTo), undefined, "a restart may record to the same file");
});

test("a session with a network: packets are on its timeline, and its clock is paced", async () => {
  const server = createSocket("udp4");
  server.on("message", (data, from) => server.send(data, from.port, from.address));
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  const destination = { address: GATEWAY, port: server.address().port };
  const [frame] = guestFrames(udpPacket({ source: guestAt(1000), destination, data: Uint8Array.of(1, 2, 99) }));
  const program = join(folder, "sending.s");
  writeFileSync(program, sendingGuest([frame, frame]));
  const events: DebuggeeEvent[] = [];
  const debuggee = await startDebuggee((event) => events.push(event));
  open.push(debuggee);
  const recordTo = join(folder, "network.hindcast");
  await debuggee.launch({ program, recordTo, stopOnEntry: false, net: "user" });
  const stopped = await debuggee.resume();
  assert.equal(stopped.reason, "finished");
  const { marks } = await debuggee.timeline({ from: 0, to: stopped.instant, most: 100 });
  const packets = marks.map(({ label }) => label).filter((label) => label.startsWith("packet"));
  assert.deepEqual(
    packets.map((label) => label.replace(/:\d+/g, "")),
    [1, 2].flatMap(() => [
      "packet out: UDP 10.0.2.15 to 10.0.2.2, 45 bytes",
      "packet in: UDP 10.0.2.2 to 10.0.2.15, 45 bytes",
    ]),
  );
  await debuggee.close();
  server.close();
  const refused = startDebuggee(() => {}).then(async (other) => {
    open.push(other);
    await other.launch({ program, recordTo, stopOnEntry: false, net: "bridge" });
  });
  await assert.rejects(refused, { code: "net-options" });
});

test("status events count the checks and calls whose state was restored with an equal digest", async () => {
  const events: DebuggeeEvent[] = [];
  const debuggee = await startDebuggee((event) => events.push(event));
  open.push(debuggee);
  const program = join(import.meta.dirname, "..", "..", "guest", "checks", "ring.S");
  await debuggee.launch({ program, recordTo: join(folder, "ring.hindcast"), stopOnEntry: false });
  const checks = () => events.filter((event) => event.type === "status").at(-1)?.checks;
  assert.equal((await debuggee.resume()).reason, "exception");
  assert.equal(checks(), 0, "where history is made none runs");
  const stopped = await debuggee.reverseContinue();
  assert.match(stopped.description, /Replay-only check failed/);
  const before = checks()!;
  assert.ok(before > 0);
  assert.equal((await debuggee.evaluate("count_broken(ring)", 0, 0, "look")).bits, 1n);
  assert.equal(checks(), before + 1);
  await debuggee.close();
});

test("lines of output are searched in a live run and in its recording alike", async () => {
  const guest = `${PRELUDE} li t0, UART\n li t1, 'a'\n sb t1, 0(t0)\n li t1, 10\n sb t1, 0(t0)\n li t1, 'b'\n sb t1, 0(t0)\n li t1, 10\n sb t1, 0(t0)
 li t0, 0x100000\n li t1, 0x5555\n sw t1, 0(t0)\n`;
  const program = join(folder, "prints.s");
  const recording = join(folder, "prints.hindcast");
  writeFileSync(program, guest);
  for (const options of [{ program, recordTo: recording }, { recording }]) {
    const debuggee = await startDebuggee(() => {});
    open.push(debuggee);
    await debuggee.launch({ ...options, stopOnEntry: false });
    await debuggee.resume();
    const { id } = await debuggee.startSearch({ kind: "outputs" });
    while (!(await debuggee.searches()).find((search) => search.id === id)?.done) await pause(20);
    const rows = await debuggee.searchRows(id, 0, 10);
    assert.deepEqual(
      rows.map(({ text }) => text),
      ["b", "a"],
    );
    await debuggee.close();
  }
});
