/** How long output waits: from the step that says it to the sink's having it, by the clock of whoever gives turns. */
import assert from "node:assert/strict";
import test from "node:test";
import { SharedTaken } from "../../src/host/shared-taken.ts";
import { LocalArbiter } from "../../src/lockstep/arbiter.ts";
import { localChannel } from "../../src/lockstep/channel.ts";
import { Link } from "../../src/lockstep/link.ts";
import { CONSOLE, MACHINE_DEVICES, MachineReplica } from "../../src/lockstep/machine-replica.ts";
import { LOCKSTEP_OPTIONS } from "../../src/lockstep/options.ts";
import { CountingSink, InputQueue } from "../../src/lockstep/outside.ts";
import { Primary } from "../../src/lockstep/primary.ts";
import type { OutputRun } from "../../src/lockstep/replica.ts";
import { pageCountOf } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { program, SMALL } from "../machine/guests.ts";

const TURN_STEPS = 10_000;
const STEPS_PER_MS = 1_000;
/** Says a letter at the instant SAYS_AT, in the midst of its first turn. */
const SAYS_AT = 5_000;
const SAYING = `
_start:
  li t0, ${(SAYS_AT - 4) / 2}
  lui s0, 0x10000
  li t1, 'x'
1:
  addi t0, t0, -1
  bnez t0, 1b
  sb t1, 0(s0)
2: j 2b
`;

/** Has what it was offered when that is said. */
class LateSink {
  readonly #sink = new CountingSink(MACHINE_DEVICES, () => {});
  readonly #clock: () => number;
  readonly isImmediate: boolean;
  #takenMs = 0;
  taken = this.#sink.taken.slice();
  offers = 0;

  constructor(isImmediate: boolean, clock: () => number) {
    this.isImmediate = isImmediate;
    this.#clock = clock;
  }

  get takenAgoMs(): number {
    return this.#clock() - this.#takenMs;
  }

  offer(runs: readonly OutputRun[]): void {
    if (runs.length > 0) this.offers++;
    this.#sink.offer(runs);
  }

  take(takenMs: number): void {
    this.#takenMs = takenMs;
    this.taken = this.#sink.taken.slice();
  }
}

/** A paired primary whose turns take as long as their steps do; `acknowledge` is what its secondary says. */
function paired(isImmediate: boolean) {
  const machine = new Machine(SMALL, "interpreter");
  machine.load(program(SAYING));
  const replica = new MachineReplica(machine);
  let nowMs = 100;
  const run = replica.run.bind(replica);
  replica.run = (until) => {
    const before = replica.instant;
    const stop = run(until);
    nowMs += (replica.instant - before) / STEPS_PER_MS;
    return stop;
  };
  const [there, here] = localChannel();
  const shape = { devices: MACHINE_DEVICES.length, pageCount: pageCountOf(machine.configuration) };
  const clock = () => nowMs;
  const sink = new LateSink(isImmediate, clock);
  const primary = new Primary(
    {
      ...{ member: "A", replica, sink, inputs: new InputQueue(), options: LOCKSTEP_OPTIONS },
      ...{ arbiter: new LocalArbiter({ term: 1, primary: "A", secondary: "B" }), clock },
    },
    { term: 1, nextInput: 0, sequence: 0 },
  );
  primary.pair(new Link(there, shape, LOCKSTEP_OPTIONS, nowMs), "B", nowMs);
  const secondary = new Link(here, shape, LOCKSTEP_OPTIONS, nowMs);
  return {
    ...{ primary, replica, sink },
    turn: () => primary.turn(nowMs, TURN_STEPS),
    acknowledge: () => {
      const matched = MACHINE_DEVICES.map((_, device) => (device === CONSOLE ? 1 : 0));
      const entries = secondary.receive(nowMs).flatMap((message) => (message.kind === "log" ? message.entries : []));
      const { sequence } = entries.at(-1)!;
      const through = { received: sequence, consumed: sequence, at: replica.instant };
      secondary.send({ kind: "acknowledge", snapshot: 0, ...through, matched, turnSteps: 0 }, nowMs);
    },
  };
}

test("output waits from the step that says it until the sink has it, however long turns are", () => {
  const { primary, sink, turn, acknowledge } = paired(true);
  turn();
  assert.equal(sink.offers, 0);
  acknowledge();
  const { latency } = primary.statistics;
  // Said at 105 ms, offered when this turn begins, at 110; the sink has it at 112, and the turn at 120 finds that.
  turn();
  assert.deepEqual([sink.offers, latency.count], [1, 0]);
  sink.take(112);
  turn();
  assert.deepEqual([latency.count, latency.quantile(0.5)!.toFixed(2)], [1, "7.00"]);
});

test("a sink whose way leads through the event loop is let out before the next steps, another one not", () => {
  for (const isImmediate of [false, true]) {
    const { replica, sink, turn, acknowledge } = paired(isImmediate);
    turn();
    acknowledge();
    const before = replica.instant;
    turn();
    assert.equal(sink.offers, 1);
    assert.equal(replica.instant > before, isImmediate);
  }
});

test("what a sink has taken is known in other threads, with when", () => {
  const writer = SharedTaken.create(MACHINE_DEVICES.length);
  const reader = new SharedTaken(writer.buffer);
  assert.deepEqual(reader.counts, [0, 0, 0]);
  writer.write([7, 2 ** 40, 1]);
  assert.deepEqual(reader.counts, [7, 2 ** 40, 1]);
  assert.ok(reader.agoMs >= 0 && reader.agoMs < 1_000);
  // Who comes later finds it as well.
  assert.deepEqual(new SharedTaken(writer.buffer).counts, [7, 2 ** 40, 1]);
  // In the midst of writing there is what was there before.
  Atomics.add(new Int32Array(writer.buffer, 0, 1), 0, 1);
  new Float64Array(writer.buffer, 8)[1] = 8;
  assert.deepEqual(reader.counts, [7, 2 ** 40, 1]);
});
