import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { HEARD, recordPair, replayed } from "../host/recorded-pairs.ts";
import { computing } from "../lockstep/guests.ts";
import { command, end, file, folder, hindcast, hindcastJson, lastLine, start } from "./command.ts";
import { ECHO, ENDLESS, HELLO, NOISE } from "./guests.ts";

const at = (name: string) => join(folder, name);

/** Long enough that what happens to a thread happens while the other one runs. */
const COMPUTING = () => file("computing.s", `  .globl _start\n${computing(20_000)}`);
/** Flips of which one is heard. */
const FLIPS = ["--fault", "flip-memory@10000000", "--fault", "flip-register@30000000", "--fault-seed", "1"];

interface Lockstep {
  readonly missing: readonly string[];
  readonly members: readonly { readonly member: string; readonly stretches: readonly { readonly path: string }[] }[];
  readonly divergences: readonly object[];
  readonly resynchronisations: number;
  readonly takeOvers: number;
  readonly outputsReleased: number;
  readonly entries: number;
}

async function pairOf(path: string): Promise<Lockstep> {
  return (await hindcastJson("info", path)).json.lockstep as Lockstep;
}

for (const hosting of [[], ["--processes"]] as const) {
  const where = hosting.length > 0 ? "processes" : "threads";

  test(`in ${where}: both machines are recorded, also what follows a resynchronisation, and every file replays`, async () => {
    const path = at(`flips-${where}.hindcast`);
    const run = await hindcastJson("lockstep", COMPUTING(), ...FLIPS, "-o", path, ...hosting);
    assert.equal(run.exitCode, 0, run.stderr);
    assert.equal(run.json.recording, path);
    assert.match(run.stderr, /Recorded both machines into .*B\.2\.hindcast/);
    const pair = await pairOf(path);
    assert.deepEqual(pair.missing, []);
    assert.equal(pair.resynchronisations, 1);
    assert.equal(pair.divergences.length, 1);
    assert.equal(pair.outputsReleased, 20_001);
    const [first, second] = pair.members;
    assert.equal(second.stretches.length, 2);
    const told = replayed(first.stretches[0].path);
    assert.equal(told.output, run.before.trimEnd());
    for (const stretch of second.stretches) assert.ok(replayed(stretch.path).verified >= 1);
    const { stdout } = await hindcast("info", second.stretches[1].path);
    assert.match(stdout, /lockstep +machine B, its state number 2/);
    assert.match(stdout, /divergence +console byte [\d,]+ \(data\), instants/);
    assert.match(stdout, /the pair +resynchronised once/);
  });

  test(`in ${where}: a machine that is killed leaves a recording, and so do the survivor and who joins it`, async () => {
    const path = at(`killed-${where}.hindcast`);
    // Long enough for the thread that writes to have begun.
    const guest = file("longer.s", `  .globl _start\n${computing(200_000)}`);
    const kill = ["--fault", "kill:primary@400000000"];
    const run = await hindcastJson("lockstep", guest, ...kill, "-o", path, ...hosting);
    assert.equal(run.exitCode, 0, run.stderr);
    const pair = await pairOf(at(`killed-${where}.B.hindcast`));
    assert.equal(pair.takeOvers, 1);
    const [killed, survivor, ...joined] = pair.members.map(({ stretches }) => replayed(stretches.at(-1)!.path));
    assert.ok(killed.end < survivor.end);
    const said = run.before.trimEnd();
    assert.equal(survivor.output, said);
    // The guest is over before anybody has joined, perhaps.
    for (const { first, output } of joined) assert.ok(first > 0 && said.endsWith(output));
  });

  test(`in ${where}: a killed process leaves two recordings that open`, async () => {
    const path = at(`dead-${where}.hindcast`);
    const child = start("lockstep", NOISE(), "-o", path, ...hosting);
    let heard = 0;
    const isHeard = new Promise<void>((resolve) => {
      child.stdout.on("data", (bytes: Uint8Array) => {
        heard += bytes.length;
        if (heard > 200_000) resolve();
      });
    });
    await isHeard;
    // What is a quarter of a second old is in the file.
    await new Promise((resolve) => setTimeout(resolve, 600));
    child.kill("SIGKILL");
    await end(child);
    const pair = await pairOf(path);
    // Processes that are left without theirs may still end their recordings in good order.
    assert.ok(where === "processes" || pair.missing.length === 2, pair.missing.join());
    for (const { stretches } of pair.members) assert.ok(replayed(stretches[0].path).end > 10_000);
    assert.ok(pair.entries > 10);
  });
}

test("input is in both recordings", async () => {
  const path = at("typed.hindcast");
  const input = file("typed.txt", "hello q");
  const run = await hindcastJson("lockstep", ECHO(), "--input", input, "-o", path, "--diverge", "time,memory");
  assert.equal(run.before.trimEnd(), "hello q");
  for (const { stretches } of (await pairOf(path)).members) assert.equal(replayed(stretches[0].path).output, "hello q");
});

test("a full disk ends the pair with a sentence, and what was recorded opens", async () => {
  const path = at("full-pair.hindcast");
  const quoted = command("lockstep", NOISE(), "-o", path, "--json").map((part) => `'${part}'`);
  const child = spawn("sh", ["-c", `ulimit -f 400; exec ${quoted.join(" ")}`], { cwd: folder });
  child.stdin.end();
  const ended = await end(child);
  assert.equal(ended.exitCode, 3, ended.stderr);
  assert.equal(lastLine(ended).json.reason, "recording-failed");
  assert.match(ended.stderr, /The recording stopped growing: the file would grow beyond the limit/);
  assert.doesNotMatch(ended.stderr, /^ {4}at /m);
  for (const { stretches } of (await pairOf(path)).members) assert.ok(replayed(stretches[0].path).end > 10_000);
});

test("what is no recording is not replaced, and an older pair is, with all that it had", async () => {
  const path = at("again.hindcast");
  assert.equal((await hindcast("lockstep", COMPUTING(), ...FLIPS, "-o", path)).exitCode, 0);
  assert.ok(existsSync(at("again.B.2.hindcast")));
  assert.equal((await hindcast("lockstep", HELLO(), "-o", path)).exitCode, 0);
  assert.ok(!existsSync(at("again.B.2.hindcast")), "the older pair's recording is gone");
  assert.equal((await pairOf(path)).members.length, 2);
  writeFileSync(at("mine.B.hindcast"), "not a recording");
  const { exitCode, stderr } = await hindcast("lockstep", HELLO(), "-o", at("mine.hindcast"));
  assert.notEqual(exitCode, 0);
  assert.match(stderr, /mine\.B\.hindcast exists and is not a recording/);
});

test("each side is searched, marked and branched like any recording, also one that begins later", async () => {
  const path = at("sides.hindcast");
  await recordPair(path, computing(100), HEARD);
  const later = at("sides.B.2.hindcast");
  const { first } = replayed(later);
  const count = async (recording: string, ...more: string[]) => {
    const { json, stderr } = await hindcastJson("query", recording, "hits", "round", "--count", ...more);
    assert.ok(Number.isSafeInteger(json.total), stderr);
    return json.total as number;
  };
  assert.equal(await count(path), 100);
  const rounds = await count(later, "--threads", "1");
  assert.ok(rounds > 0 && rounds < 100);
  assert.equal(await count(later, "--threads", "2"), rounds);
  const write = await hindcastJson("query", later, "last-write", "table");
  assert.equal(write.exitCode, 0, write.stderr);
  assert.equal((await hindcast("bookmark", later, "mine", "--at", String(first + 5))).exitCode, 0);
  assert.match((await hindcast("info", later)).stdout, /bookmark +mine/);
  const early = await hindcast("bookmark", later, "early", "--at", String(first - 1));
  assert.equal(early.exitCode, 2, early.stdout);
  const branch = at("sides-branch.hindcast");
  const branched = await hindcast(...["branch", later, "--at", String(first + 1000), "--set", "s1=5", "-o", branch]);
  assert.equal(branched.exitCode, 0, branched.stderr);
  assert.ok(replayed(branch).first === first);
  assert.equal((await hindcastJson("info", branch)).json.lockstep, undefined);
  assert.equal((await hindcast("replay", later, "--to", String(first - 1))).exitCode, 2);
});

test("an endless pair that is recorded is ended by Ctrl+C in good order", async () => {
  const path = at("interrupted.hindcast");
  const child = start("lockstep", ENDLESS(), "-o", path, "--json");
  child.stdout.once("data", () => setTimeout(() => child.kill("SIGINT"), 300));
  const { exitCode } = await end(child);
  assert.equal(exitCode, 130);
  const pair = await pairOf(path);
  assert.deepEqual(pair.missing, []);
  for (const { stretches } of pair.members) replayed(stretches[0].path);
});
