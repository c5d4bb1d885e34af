import assert from "node:assert/strict";
import test from "node:test";
import { DIVERGENCE_SOURCES, type DivergenceSource, differ } from "../../src/lockstep/divergence-sources.ts";
import type { Fault } from "../../src/lockstep/fault.ts";
import type { MachineConfiguration } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import type { MachineStop } from "../../src/machine/stop.ts";
import { Guest, program, SMALL, WORKER } from "../machine/guests.ts";
import { computing, MEETING_HARTS, meeting, meetingSays, rhythm, rhythmSays } from "./guests.ts";
import { LocalPair, type PairMachine, type PairParts } from "./local-pair.ts";

const NIGHTLY = process.env.HINDCAST_NIGHTLY !== undefined;

const COMPUTING = computing(100);

interface Run {
  readonly pair: LocalPair;
  readonly output: string;
  readonly machines: readonly Machine[];
}

interface Options extends Partial<PairParts> {
  readonly configuration?: Partial<MachineConfiguration>;
  /** Of the other, if that is another. */
  readonly secondConfiguration?: Partial<MachineConfiguration>;
  readonly diverge?: readonly DivergenceSource[];
  readonly second?: string;
  readonly limit?: number;
  readonly inputs?: readonly string[];
  readonly onRun?: (machine: Machine, steps: number, stop: MachineStop) => void;
}

/** Runs a pair to its end, on a clock that goes on by a millisecond at each look. */
function run(
  source: string,
  {
    configuration,
    secondConfiguration,
    diverge = [],
    second = source,
    limit,
    inputs = [],
    onRun,
    ...parts
  }: Options = {},
): Run {
  const board = { ...SMALL, ...configuration };
  const differing = differ({ ...SMALL, ...(secondConfiguration ?? configuration) }, diverge, 3);
  const machines: Machine[] = [];
  const make = (of: MachineConfiguration): Machine => {
    const machine = new Machine(of);
    machines.push(machine);
    if (onRun !== undefined) listen(machine, onRun);
    return machine;
  };
  const primary = make(board);
  primary.load(program(source));
  const secondary = make(differing.configuration);
  secondary.load(program(second));
  let output = "";
  let now = 0;
  const newSecondary = (): PairMachine => ({ machine: make(differing.configuration), skew: differing.skew });
  const pair = new LocalPair({
    ...{ primary: { machine: primary }, secondary: { machine: secondary, skew: differing.skew }, newSecondary },
    onConsole: (bytes) => {
      output += String.fromCharCode(...bytes);
    },
    onFrame: () => {},
    nowMs: () => now++,
    ...parts,
  });
  for (const input of inputs) pair.input({ kind: "console-input", bytes: new TextEncoder().encode(input) });
  const motion = pair.forward(limit ?? Number.MAX_SAFE_INTEGER);
  for (let look = motion.next(); !look.done; look = motion.next()) {
    if (look.value.waitingTicks !== undefined) pair.idle(look.value.waitingTicks);
    assert.equal(pair.failure, undefined);
    assert.ok(now < 10_000_000, `the pair does not come to its end: ${JSON.stringify(pair.report())}`);
  }
  return { pair, output, machines };
}

function listen(machine: Machine, onRun: NonNullable<Options["onRun"]>): void {
  const go = machine.run.bind(machine);
  machine.run = (until, options) => {
    const before = machine.instant;
    const stop = go(until, options);
    onRun(machine, machine.instant - before, stop);
    return stop;
  };
}

/** What one machine alone says. */
function alone(source: string): string {
  const guest = new Guest(source);
  guest.run();
  return guest.output;
}

test("two machines that are alike agree on everything, digests included", () => {
  const { pair, output } = run(WORKER, { options: { digestSteps: 20_000 } });
  assert.equal(output, alone(WORKER));
  const report = pair.report();
  assert.equal(report.innerDivergences, 0);
  assert.equal(report.resynchronisations, 0);
  assert.ok(report.digests.equal > 2, JSON.stringify(report.digests));
  assert.equal(report.digests.different, 0);
});

/** Says in capitals what it reads, up to a q. */
const UPPER = `
  .equ UART, 0x10000000
_start:
  li   s0, UART
1:
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

test("input comes to both at the same instant, and is answered once", () => {
  for (const diverge of [[], DIVERGENCE_SOURCES]) {
    const { pair, output } = run(UPPER, { inputs: ["hindcastq"], diverge });
    assert.equal(output, "HINDCAST");
    assert.equal(pair.report().resynchronisations, 0);
  }
});

test("inputs that came together take effect at one instant, in both", () => {
  const { pair, output } = run(UPPER, { inputs: ["hind", "cast", "q"] });
  assert.equal(output, "HINDCAST");
  const report = pair.report();
  assert.equal(report.innerDivergences, 0, JSON.stringify(report.inner));
});

test("machines that differ inside all the time are not resynchronised while they say the same", () => {
  const rounds = NIGHTLY ? 25_000 : 120;
  const { pair, output, machines } = run(meeting(rounds), {
    ...{
      configuration: { harts: MEETING_HARTS },
      diverge: DIVERGENCE_SOURCES,
      options: { digestSteps: NIGHTLY ? 2_000_000 : 200_000 },
    },
  });
  assert.equal(output, meetingSays(rounds));
  const report = pair.report();
  assert.ok(pair.machine.instant > (NIGHTLY ? 1e9 : 4e6), `${pair.machine.instant} steps`);
  assert.equal(report.resynchronisations, 0, JSON.stringify(report.divergences));
  assert.ok(report.inner !== undefined, "the difference inside is known");
  // Where one does the same work in fewer steps, a digest's instant is another place of it: nothing to compare.
  const { different, skipped, equal } = report.digests;
  assert.ok(different + skipped > 0 && equal === 0, JSON.stringify(report.digests));
  assert.ok(report.outputsMatched > 0);
  const [first, second] = machines;
  assert.notEqual(first.digest(), second.digest());
});

test("on a paced clock a machine that waits where its partner works is not resynchronised while they say the same", () => {
  // The one in whose memory lies something has little to do in each round, and waits; the other works longer than the timer runs.
  for (const [first, second] of [
    [undefined, 7],
    [7, undefined],
  ]) {
    const { pair, output } = run(rhythm(60, 20_000), {
      configuration: { clock: "paced", ...(first !== undefined && { variation: { memorySeed: first } }) },
      secondConfiguration: { clock: "paced", ...(second !== undefined && { variation: { memorySeed: second } }) },
      options: { digestSteps: 200_000 },
    });
    assert.equal(output, rhythmSays(60));
    const report = pair.report();
    assert.equal(report.resynchronisations, 0, JSON.stringify(report.divergences));
    assert.deepEqual(report.divergences, []);
    assert.ok(report.inner !== undefined, "the difference inside is known");
  }
});

test("a bit that flips in the secondary is repaired, and the outside hears what one machine says", () => {
  let repaired = 0;
  const expected = alone(COMPUTING);
  for (let faultSeed = 0; faultSeed < 12; faultSeed++) {
    const faults: Fault[] = (["flip-register", "flip-memory"] as const).map((kind, index) => ({
      ...{ kind, role: "secondary", instant: 10_000 + 20_000 * faultSeed + index },
    }));
    const { pair, output } = run(COMPUTING, { faults, faultSeed, options: { slackSteps: 20_000 } });
    assert.equal(output, expected, `seed ${faultSeed}`);
    repaired += pair.report().resynchronisations;
  }
  // The rest met what nobody looks at any more.
  assert.ok(repaired >= 2, `${repaired} flips were heard`);
});

test("a secondary runs on while pages of its new state are still on their way, those first that it waits for", () => {
  const source = computing(100, { tableBytes: 256 * 1024 });
  const expected = alone(source);
  let [repaired, steps, waits] = [0, 0, 0];
  for (let faultSeed = 0; faultSeed < 6; faultSeed++) {
    const { pair, output } = run(source, {
      faults: [{ kind: "flip-register", role: "secondary", instant: 15_000 + 20_000 * faultSeed }],
      faultSeed,
      options: { slackSteps: 20_000, pagesInFlight: 4, lagSteps: 50_000 },
      onRun: (machine, taken, stop) => {
        if (stop.kind === "absent") waits++;
        if (machine.absentPages.count > 0) steps += taken;
      },
    });
    assert.equal(output, expected, `seed ${faultSeed}`);
    repaired += pair.report().resynchronisations;
  }
  assert.ok(repaired > 0, "no flip was heard");
  assert.ok(waits > repaired && steps > 0, `${waits} waits, ${steps} steps while pages were absent`);
});

test("a primary that is killed is survived by the secondary: every output once; a new secondary joins", () => {
  const expected = alone(COMPUTING);
  for (const instant of [1, 5_000, 40_000]) {
    const faults: Fault[] = [{ kind: "kill", role: "primary", instant }];
    const { pair, output } = run(COMPUTING, { faults, options: { silenceMs: 50, lagSteps: 4_000 } });
    assert.equal(output, expected, `killed at ${instant}`);
    const report = pair.report();
    assert.equal(report.takeOvers, 1);
    assert.equal(report.joined, 1);
    assert.equal(report.members[0], "B");
  }
});

test("a member that stands still is taken for dead; when it wakes it knows that it lost", () => {
  const expected = alone(COMPUTING);
  for (const role of ["primary", "secondary"] as const) {
    const faults: Fault[] = [{ kind: "freeze", role, instant: 5_000 }];
    const { pair, output } = run(COMPUTING, { faults, options: { silenceMs: 50, lagSteps: 4_000 } });
    assert.equal(output, expected);
    assert.equal(pair.report().takeOvers, role === "primary" ? 1 : 0);
  }
});

test("entries that are lost, doubled or late change nothing", () => {
  const expected = alone(COMPUTING);
  const kinds = ["lose-entry", "delay-entry", "double-entry", "slow-channel"] as const;
  for (const kind of kinds) {
    const { pair, output } = run(COMPUTING, { faults: [{ kind, role: "primary", instant: 2_000 }] });
    assert.equal(output, expected, kind);
    assert.equal(pair.report().resynchronisations, 0, kind);
  }
});

test("two programs are compared up to the first difference", () => {
  const { pair } = run(COMPUTING, {
    second: computing(100, { seed: 2 }),
    newSecondary: undefined,
    options: { onDivergence: "stop" },
  });
  assert.equal(pair.difference?.what, "data");
  const same = run(COMPUTING, { second: COMPUTING, newSecondary: undefined, options: { onDivergence: "stop" } });
  assert.equal(same.pair.difference, undefined);
});

test("how a guest ends is a part of what it says", () => {
  const ends = (code: number) => `_start: li t0, 0x100000\n li t1, (${code} << 16) | 0x3333\n sw t1, 0(t0)\n`;
  const { pair } = run(ends(1), { second: ends(2), newSecondary: undefined, options: { onDivergence: "stop" } });
  assert.equal(pair.difference?.device, 2);
});
