import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import test from "node:test";
import { openRecording } from "../../src/host/recorded-session.ts";
import { DIVERGENCE_SOURCES } from "../../src/lockstep/divergence-sources.ts";
import { Guest, WORKER } from "../machine/guests.ts";
import { computing, recordPair, replayed, temporaryFolder } from "./recorded-pairs.ts";

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
