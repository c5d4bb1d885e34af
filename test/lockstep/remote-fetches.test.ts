/** What one machine of a pair lacks is ready in neither: the teaching kernel, whose secondary is replaced while it computes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import type { Instant } from "../../src/base/brand.ts";
import { loadBoot } from "../../src/host/boot-files.ts";
import { Bell, eventLoopTurn } from "../../src/host/motion-driver.ts";
import { pairFile } from "../../src/host/pair-files.ts";
import type { PairReport } from "../../src/host/pair-report.ts";
import { openRecording } from "../../src/host/recorded-session.ts";
import { differ } from "../../src/lockstep/divergence-sources.ts";
import type { Fault } from "../../src/lockstep/fault.ts";
import type { LockstepOptions } from "../../src/lockstep/options.ts";
import { isPageEvent, type MachineEvent } from "../../src/machine/inlet.ts";
import { KERNEL, kernelMachine } from "../async-pages/kernel-machine.ts";
import { PairRecorder } from "../host/pair-recorder.ts";
import { replayed, temporaryFolder } from "../host/recorded-pairs.ts";
import { LocalPair, type PairMachine } from "./local-pair.ts";

const NIGHTLY = process.env.HINDCAST_NIGHTLY !== undefined;

interface World {
  readonly harts: number;
  readonly seed: number;
  readonly options?: Partial<LockstepOptions>;
  readonly faults?: readonly Fault[];
  readonly differs?: boolean;
  readonly recorder?: PairRecorder;
}

const TYPED = ["sums 1 200 20000 &", "sums 2 200 20000 &", "sums 3 100 20000 &", "sums 4 300 20000 &", "wait", "exit"];

/** Without the shell's prompts. Who says something first is chance's. */
function resultsIn(output: string): readonly string[] {
  return [...output.matchAll(/sums \d+: \d+/g)].map(([result]) => result).sort();
}

/** What they say on one machine that has everything. */
function expected(): readonly string[] {
  const machine = kernelMachine(1, "virtual", "auto");
  let output = "";
  machine.outlet = {
    consoleOutput: (_, byte) => {
      output += String.fromCharCode(byte);
    },
  };
  const typed = TYPED.map((line) => new TextEncoder().encode(`${line}\n`));
  machine.inlet = {
    take: (instant) => {
      const bytes = typed.shift();
      return bytes && { kind: "console-input", instant, bytes };
    },
    horizon: () => Number.POSITIVE_INFINITY,
  };
  const stop = machine.run(MOST_STEPS as Instant, { departing: false });
  assert.equal(stop.kind, "finished");
  return resultsIn(output);
}

const MOST_STEPS = 1e9;
const EXPECTED = expected();

/** The kernel with four processes that go through memory; the secondary dies in their midst, and another one joins. */
async function run({ harts, seed, options, faults, differs = false, recorder }: World): Promise<PairReport> {
  const machine = (): PairMachine => {
    const made = kernelMachine(harts, "virtual", "auto");
    if (recorder === undefined) return { machine: made };
    const { recorded } = loadBoot({ kernel: KERNEL }, made.configuration);
    return { machine: made, record: recorder.of(made, recorded, KERNEL) };
  };
  const { skew } = differ(kernelMachine(harts, "virtual", "auto").configuration, differs ? ["time"] : [], seed);
  let output = "";
  let now = 0;
  const pair = new LocalPair({
    ...{ primary: machine(), secondary: { ...machine(), skew }, newSecondary: () => ({ ...machine(), skew }) },
    onConsole: (bytes) => {
      output += String.fromCharCode(...bytes);
    },
    onFrame: () => {},
    nowMs: () => now++ / 4,
    faults: faults ?? [{ kind: "kill", role: "secondary", instant: 1_500_000 + 300_000 * (seed % 16) + seed }],
    options: { digestSteps: 100_000, digestMs: 0, pagesInFlight: 1, ...options },
  });
  for (const line of TYPED) pair.input({ kind: "console-input", bytes: new TextEncoder().encode(`${line}\n`) });
  const motion = pair.forward(Number.MAX_SAFE_INTEGER);
  for (let look = motion.next(); !look.done; look = motion.next()) {
    assert.equal(pair.failure, undefined);
    if (recorder !== undefined) await eventLoopTurn();
    assert.ok(now < 4_000_000, `the pair does not come to its end: ${output}\n${JSON.stringify(pair.report())}`);
  }
  await Promise.all(pair.recordings.map((recording) => recording.close()));
  assert.deepEqual(resultsIn(output), EXPECTED, output);
  return pair.report();
}

test("a guest that can be told of pages that the secondary lacks is told in both machines, which stay the same", async () => {
  let [told, beside, waited] = [0, 0, 0];
  for (let seed = 0; seed < (NIGHTLY ? 200 : 8); seed++) {
    const report = await run({ harts: 1 + (seed % 4), seed });
    assert.deepEqual(report.divergences, []);
    assert.equal(report.joined, 1);
    assert.equal(report.innerDivergences, 0, JSON.stringify(report.inner));
    assert.ok(report.digests.equal > 0, JSON.stringify(report.digests));
    for (const work of report.works) {
      assert.equal(work.work, "remote-fetch");
      told += work.told;
      beside += work.beside;
      waited += work.waited;
    }
  }
  // What cannot be told goes ahead of the log, so that nobody waits.
  assert.ok(told > 0 && beside > 0 && waited === 0, JSON.stringify({ told, beside, waited }));
});

test("machines that differ on purpose are told nothing: what the second lacks goes ahead", async () => {
  for (let seed = 0; seed < (NIGHTLY ? 100 : 4); seed++) {
    const options = { slackSteps: 200_000, lagSteps: 400_000, fetches: "ahead" } as const;
    const report = await run({ harts: 1 + (seed % 4), seed, differs: true, options });
    assert.deepEqual(report.divergences, []);
    const [work] = report.works;
    assert.ok(work.told === 0 && work.beside > 0, JSON.stringify(work));
  }
});

test("a machine that is repaired says the same with pages that are not ready", async () => {
  let resynchronised = 0;
  for (let seed = 0; seed < (NIGHTLY ? 100 : 4); seed++) {
    const faults = (["flip-register", "flip-memory"] as const).map((kind, index): Fault => {
      return { kind, role: "secondary", instant: 2_000_000 + 200_000 * (seed % 16) + 2 * seed + index };
    });
    const report = await run({
      harts: 1 + (seed % 4),
      seed,
      faults,
      options: { slackSteps: 200_000, lagSteps: 400_000 },
    });
    resynchronised += report.resynchronisations;
  }
  assert.ok(!NIGHTLY || resynchronised > 0);
});

test("what both were told is in both recordings, which replay", async (t) => {
  const path = join(temporaryFolder(t), "pair.hindcast");
  const report = await run({ harts: 2, seed: 7, recorder: new PairRecorder(path, new Bell()) });
  assert.equal(report.innerDivergences, 0, JSON.stringify(report.inner));
  const [told] = report.works.map((work) => work.told);
  assert.ok(told > 0);
  // The second died, and the third has the events since it joined.
  const [primary, joined] = [path, pairFile(path, "C", 1)].map((file) => {
    const { end, verified, output } = replayed(file);
    assert.ok(verified > 0 && end > 5_000_000, `${file}: ${verified} digests up to ${end}`);
    assert.ok(output.includes(EXPECTED.at(-1)!));
    return eventsOf(file);
  });
  const notices = primary.filter(({ kind }) => kind === "page-not-ready");
  assert.equal(notices.length, told);
  assert.deepEqual(joined.filter(isPageEvent), primary.filter(isPageEvent));
});

function eventsOf(path: string): readonly MachineEvent[] {
  const session = openRecording(path);
  try {
    return [...session.timeline.history.events];
  } finally {
    session.close();
  }
}

test("a guest that shall not be told waits, in the secondary", async () => {
  const { works, innerDivergences } = await run({ harts: 2, seed: 1, options: { fetches: "waited" } });
  assert.deepEqual([works[0].told, works[0].beside, works[0].waited > 0, innerDivergences], [0, 0, true, 0]);
});
