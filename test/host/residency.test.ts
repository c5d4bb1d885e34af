import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { type LiveSession, openLive } from "../../src/host/live-session.ts";
import { eventLoopTurn } from "../../src/host/motion-driver.ts";
import { openRecording } from "../../src/host/recorded-session.ts";
import type { ResidencyChoice } from "../../src/host/residency.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Branches } from "../../src/replay/branches.ts";
import type { Motion } from "../../src/replay/timeline-interface.ts";

const KERNEL = join(import.meta.dirname, "../../guest/kernel/prebuilt/kernel.elf");
const MEMORY_BYTES = 12 * 2 ** 20;
const RESIDENT_BYTES = 2 * 2 ** 20;
const NEVER = 1e12 as Instant;

const folder = mkdtempSync(join(tmpdir(), "residency-test-"));
after(() => rmSync(folder, { recursive: true }));
let recordings = 0;

async function opened(choice: ResidencyChoice, input: string): Promise<LiveSession> {
  const recordTo = join(folder, `${++recordings}.hindcast`);
  const session = openLive({ kernel: KERNEL, memoryBytes: MEMORY_BYTES, recordTo, startTime: 0, ...choice }, () => {});
  session.timeline.input(new TextEncoder().encode(input));
  return session;
}

/** Goes on until it is at its end, or `isEnough`; the event loop turns at every yield, as hosts have it. */
async function drive<Result>(motion: Motion<Result>, isEnough = () => false): Promise<Result | undefined> {
  for (;;) {
    const turn = motion.next();
    if (turn.done) return turn.value;
    await eventLoopTurn();
    if (!isEnough()) continue;
    motion.return(undefined as Result);
    return undefined;
  }
}

const toTheEnd = (session: LiveSession) => drive(session.timeline.forward({ stops: NO_STOPS, limit: NEVER }));

function consoleOf({ timeline }: LiveSession): string {
  return new TextDecoder().decode(Uint8Array.from(timeline.history.outputBytes(0, timeline.history.outputLength)));
}

async function closed(session: LiveSession): Promise<string> {
  if (session.timeline.live) session.timeline.close();
  await session.recording.close();
  await session.residency?.close();
  return session.recording.path;
}

/** Lines without prompts, in no order: who comes first is another question. */
function linesOf(session: LiveSession): string[] {
  return consoleOf(session).replaceAll("$ ", "").split("\n").sort();
}

/** Runs the recording again, with the digests that it has. */
async function replayed(path: string, choice: ResidencyChoice = {}): Promise<void> {
  const session = openRecording(path, choice);
  try {
    await drive(session.timeline.forward({ stops: NO_STOPS }));
    assert.equal(session.timeline.now, session.timeline.end);
    assert.ok(session.timeline.verifiedDigests > 0, "no digest was compared");
  } finally {
    session.close();
  }
}

const COMMANDS = "walk 700 2 &\nwalk 500 2 &\nwait\nexit\n";

test("a guest with a quarter of its memory says what it says with all of it, told or not; recordings replay with and without", async () => {
  const whole = await opened({}, COMMANDS);
  await toTheEnd(whole);
  const said = linesOf(whole);
  assert.match(said.join("\n"), /walk: 700 pages, sum/);
  const pathOfWhole = await closed(whole);
  await replayed(pathOfWhole, { residentBytes: RESIDENT_BYTES });
  for (const asyncPages of [true, false]) {
    const session = await opened({ residentBytes: RESIDENT_BYTES, asyncPages }, COMMANDS);
    await toTheEnd(session);
    assert.deepEqual(linesOf(session), said);
    const report = session.residency!.report(session.machine.residency!);
    const told = report.works.reduce((sum, work) => sum + work.told, 0);
    const waited = report.works.reduce((sum, work) => sum + work.waited, 0);
    assert.equal(told > 0, asyncPages, "the guest was told");
    assert.ok(told + waited > 100, `${told} and ${waited} pages`);
    const events = session.timeline.history.events.filter(({ kind }) => kind.startsWith("page-")).length;
    assert.equal(events > 0, asyncPages);
    const path = await closed(session);
    await replayed(path);
    await replayed(path, { residentBytes: RESIDENT_BYTES });
  }
});

const SLOW = { residentBytes: RESIDENT_BYTES, pageInLatencyMs: 5 };

/** A guest some of whose processes wait for pages at the newest instant, which the timeline has left for nowhere. */
async function inFlight(): Promise<LiveSession> {
  const session = await opened(SLOW, "walk 700 1 &\nwalk 500 1 &\nwait\nexit\n");
  const { machine, timeline } = session;
  const isWaiting = () => machine.asyncPages.given.length > 0;
  await drive(timeline.forward({ stops: NO_STOPS, limit: NEVER }), isWaiting);
  assert.ok(isWaiting(), "nobody waits for a page");
  return session;
}

test("who travels while pages are on their way, and comes back, finds them delivered", async () => {
  const session = await inFlight();
  const { timeline, machine } = session;
  const end = timeline.end;
  for (const part of [0, 0.3, 0.9]) {
    await drive(timeline.seek(Math.floor(end * part) as Instant));
    await drive(timeline.backward({ stops: NO_STOPS, limit: Math.floor((end * part) / 2) as Instant }));
  }
  await drive(timeline.seek(end));
  assert.ok(machine.asyncPages.given.length > 0, "what was told is forgotten");
  await toTheEnd(session);
  assert.match(consoleOf(session), /walk: 700 pages, sum.*ended/s);
  await replayed(await closed(session));
});

test("a branch that is left while pages are on their way runs to its end, and so does the run that it left", async () => {
  const session = await inFlight();
  const branches = new Branches(session.timeline);
  const end = session.timeline.end;
  branches.start(false);
  await drive(branches.forward({ stops: NO_STOPS, limit: (end + 200e6) as Instant }));
  const inBranch = new TextDecoder().decode(
    Uint8Array.from(branches.history.outputBytes(0, branches.history.outputLength)),
  );
  assert.match(inBranch, /walk: 500 pages, sum/);
  branches.switchTo(0);
  assert.equal(session.timeline.now, end);
  await toTheEnd(session);
  assert.match(consoleOf(session), /walk: 700 pages, sum.*ended/s);
  await replayed(await closed(session));
});

test("a recording that ends while pages are on their way is a good one", async () => {
  const session = await inFlight();
  await replayed(await closed(session));
});
