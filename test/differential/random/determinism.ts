import assert from "node:assert/strict";
import { type Instant, instant } from "../../../src/base/brand.ts";
import type { Prng } from "../../../src/base/prng.ts";
import type { CacheGroupChoice, EngineChoice, MachineConfiguration } from "../../../src/machine/configuration.ts";
import { Machine } from "../../../src/machine/machine.ts";
import type { Checkpoint, Digest, Image } from "../../../src/machine/machine-interface.ts";
import { NO_STOPS } from "../../../src/machine/stop.ts";
import { Timeline } from "../../../src/replay/timeline.ts";
import { lateCompiler } from "../../machine/late-compiler.ts";
import { drive, headerFor, MemoryRecording, reopen } from "../../replay/support.ts";
import { runOurs } from "../our-machine.ts";

/** Instants of one run at which states are compared. */
const LOOKS = 40;
/** Checkpoints of one run that are gone back to. */
const RETURNS = 12;
const MOST_STEPS = 100_000_000;

/** Guests of these tests need neither input nor a host: what they do follows from their image. */
export interface Subject {
  readonly image: Image;
  readonly configuration: MachineConfiguration;
}

/**
 * One guest, whole: the oracle goes straight through it, and its states at random instants are those of the translator
 * that comes by in random slices, goes back to checkpoints and on in an interpreter, and those of a recording. `planted`:
 * the translator gets another guest, which must be found.
 */
export function assertDeterminism(subject: Subject, prng: Prng, planted = subject): void {
  const { machine: whole, failure } = runOurs(subject.image, "interpreter", MOST_STEPS, subject.configuration);
  assert.equal(failure, undefined);
  const end = whole.instant;
  const looks = [...Array.from({ length: LOOKS }, () => instant(prng.below(end + 1))), end].sort((a, b) => a - b);
  const oracle = machineOf(subject, "oracle");
  const expected = new Map<Instant, Digest>();
  for (const at of looks) {
    oracle.run(at, { departing: false });
    expected.set(at, oracle.digest());
  }
  assert.equal(whole.digest(), expected.get(end), "the interpreter's run in one piece");
  wander(planted, prng, looks, expected);
  record(subject, prng, looks, expected);
}

function machineOf(
  { image, configuration }: Subject,
  engine: EngineChoice,
  cacheGroup?: CacheGroupChoice,
  compiler?: ConstructorParameters<typeof Machine>[4],
): Machine {
  const machine = new Machine(configuration, engine, [], cacheGroup, compiler);
  machine.load(image);
  return machine;
}

function wander(subject: Subject, prng: Prng, looks: readonly Instant[], expected: ReadonlyMap<Instant, Digest>): void {
  const machines = [
    machineOf(subject, "translator", "on", lateCompiler(prng.below(1000))),
    machineOf(subject, "interpreter", "off"),
  ];
  const saved: Checkpoint[][] = [[], []];
  let at = 0;
  let returns = 0;
  const compare = (where: Instant, how: string) => {
    const digest = expected.get(where);
    if (digest !== undefined) assert.equal(machines[at].digest(), digest, `${how} instant ${where}`);
  };
  for (let next = 0; next < looks.length; ) {
    const machine = machines[at];
    // Some way towards the next look, or all of it.
    const distance = looks[next] - machine.instant;
    const until = instant(looks[next] - (prng.below(3) === 0 ? prng.below(distance + 1) : 0));
    machine.run(until, { departing: prng.below(2) === 0 });
    compare(machine.instant, "run to");
    if (machine.instant === looks[next]) next++;
    if (prng.below(3) > 0) continue;
    const checkpoint = machine.checkpoint();
    saved[at].push(checkpoint);
    if (prng.below(3) === 0) {
      // On in the other machine.
      const other = 1 - at;
      const pages = [...checkpoint.pages.changedSince(undefined)].map(({ page, version }) => ({
        page,
        bytes: version?.bytes.slice(),
      }));
      const imported = machines[other].importCheckpoint({ ...checkpoint, pages }, undefined);
      machines[other].restore(imported);
      at = other;
      compare(imported.instant, "imported at");
    } else if (returns < RETURNS && prng.below(2) === 0) {
      returns++;
      const back = prng.pick(saved[at]);
      machine.restore(back);
      compare(back.instant, "restored at");
      next = looks.findIndex((look) => look >= back.instant);
    }
  }
}

function record(subject: Subject, prng: Prng, looks: readonly Instant[], expected: ReadonlyMap<Instant, Digest>): void {
  const machine = machineOf(subject, "auto");
  const recording = new MemoryRecording(headerFor(machine));
  const timeline = Timeline.record(machine, recording);
  drive(timeline.forward({ stops: NO_STOPS }));
  assert.equal(timeline.end, looks.at(-1));
  timeline.close();
  const replay = Timeline.open(machineOf(subject, "auto"), reopen(recording.bytes));
  for (let count = 0; count < 8; count++) {
    const at = prng.pick(looks);
    drive(replay.seek(at));
    assert.equal(replay.machine.digest(), expected.get(at), `replayed to instant ${at}`);
  }
}
