/**
 * `npm run bench:lockstep`: what a pair costs beside one machine (time and processor time: both machines are on one thread),
 * how long output waits, what the log needs, how long the primary stands still for a resynchronisation of 256 MiB of which
 * 1 % differs, and how long a take-over takes. On a machine that does nothing else.
 */
import { assemble } from "../../src/assembler/assemble.ts";
import { makeCompileThread } from "../../src/host/compile-thread.ts";
import type { PairReport } from "../../src/host/pair-report.ts";
import { DEFAULT_CONFIGURATION } from "../../src/machine/configuration.ts";
import { Machine } from "../../src/machine/machine.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { LocalPair, type PairParts } from "../lockstep/local-pair.ts";
import { timeResyncs } from "./lockstep-resync.ts";

const MIB = 2 ** 20;
const EXIT = "  li t0, 0x100000\n  li t1, 0x5555\n  sw t1, 0(t0)\n";

/** Arithmetic and memory, and a letter every ten million steps. */
const INTEGER = `
_start:
  li s0, 0x10000000
  li s1, 40
r:
  li t0, 2000000
  la t2, table
1:
  mul t1, t0, t0
  add t1, t1, s1
  sd t1, 0(t2)
  addi t0, t0, -1
  bnez t0, 1b
  li t0, 'i'
  sb t0, 0(s0)
  addi s1, s1, -1
  bnez s1, r
${EXIT}
  .bss
table: .zero 8
`;

/** A letter every hundred steps or so. */
const CONSOLE = INTEGER.replace("li s1, 40", "li s1, 400000").replace("li t0, 2000000", "li t0, 20");

/** 240 MiB written, then 640 pages (1 %) again and again with the time in them, and a letter that follows from the time. */
const LARGE = `
_start:
  li a0, 0x80100000
  li a1, 0x8f100000
1:
  sd a0, 0(a0)
  li t0, 4096
  add a0, a0, t0
  blt a0, a1, 1b
  li s0, 0x10000000
  li s1, 30
r:
  li a0, 0x80100000
  li t3, 640
  rdtime s2
2:
  sd s2, 8(a0)
  li t0, 4096 * 96
  add a0, a0, t0
  addi t3, t3, -1
  bnez t3, 2b
  li t4, 6000000
3:
  addi t4, t4, -1
  bnez t4, 3b
  rdtime t0
  andi t0, t0, 15
  addi t0, t0, 'a'
  sb t0, 0(s0)
  addi s1, s1, -1
  bnez s1, r
${EXIT}
`;

function machine(source: string, memoryBytes: number): Machine {
  const made = new Machine({ ...DEFAULT_CONFIGURATION, memoryBytes }, "auto", [], "on", makeCompileThread);
  made.load(assemble(source, { file: "guest.s" }).program!);
  return made;
}

interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
}

function measure(run: () => void): Cost {
  const [started, before] = [performance.now(), process.cpuUsage()];
  run();
  const { user, system } = process.cpuUsage(before);
  return { ms: performance.now() - started, cpuMs: (user + system) / 1000 };
}

function alone(source: string, memoryBytes: number): Cost {
  const only = machine(source, memoryBytes);
  only.setStops(NO_STOPS);
  return measure(() => void only.run(Number.MAX_SAFE_INTEGER as never, { departing: false }));
}

function pair(source: string, memoryBytes: number, parts: Partial<PairParts> = {}): Cost & { report: PairReport } {
  const made = new LocalPair({
    primary: { machine: machine(source, memoryBytes) },
    secondary: { machine: machine(source, memoryBytes) },
    onConsole: () => {},
    onFrame: () => {},
    nowMs: () => performance.now(),
    ...parts,
  });
  const motion = made.forward(Number.MAX_SAFE_INTEGER);
  const cost = measure(() => {
    while (!motion.next().done);
  });
  return { ...cost, report: made.report() };
}

const shown = (value: number | undefined) => (value === undefined ? "-" : value.toFixed(value < 10 ? 2 : 0));

for (const [name, source] of [
  ["integer", INTEGER],
  ["console", CONSOLE],
] as const) {
  const one = alone(source, 16 * MIB);
  const two = pair(source, 16 * MIB);
  const { latencyMs, bytesSent, digests } = two.report;
  console.log(
    `${name}: one machine ${shown(one.ms)} ms (${shown(one.cpuMs)} ms of processor), a pair ${shown(two.ms)} ms ` +
      `(${shown(two.cpuMs)}), ${shown(two.cpuMs / one.cpuMs)} times the processor's; output waits ${shown(latencyMs.median)} ms, ` +
      `p99 ${shown(latencyMs.p99)} ms; ${shown((bytesSent * 8) / two.ms / 1000)} Mbit/s; ${digests.equal} digests equal`,
  );
}

const median = (times: readonly number[]) => shown([...times].sort((a, b) => a - b)[times.length >> 1]);
const skewed = { machine: machine(LARGE, 256 * MIB), skew: { ticks: 3 } };
let large: PairReport | undefined;
const times = timeResyncs(() => {
  large = pair(LARGE, 256 * MIB, { secondary: skewed }).report;
});
const { resynchronisations, pagesSent, latencyMs: waited } = large!;
console.log(
  `256 MiB, 1 % differing: ${resynchronisations} resynchronisations, ${shown(pagesSent / resynchronisations)} pages each; ` +
    `the primary stands still ${median(times.pauses.slice(1))} ms (median), ${shown(Math.max(...times.pauses.slice(1)))} ms at most; ` +
    `the secondary runs after ${median(times.untilRun)} ms and is whole after ${median(times.untilWhole)} ms; ` +
    `output waited ${shown(waited.median)} ms (median), p99 ${shown(waited.p99)} ms`,
);

const killed = pair(INTEGER, 16 * MIB, { faults: [{ kind: "kill", role: "primary", instant: 50_000_000 }] });
const whole = pair(INTEGER, 16 * MIB);
console.log(`take-over: ${killed.report.takeOvers}; a run with one took ${shown(killed.ms - whole.ms)} ms longer`);
