import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import test from "node:test";
import { assemble } from "../../src/assembler/assemble.ts";
import { instant, type PhysicalAddress, physicalAddress } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { type EngineChoice, FULL_ISA, type MachineConfiguration } from "../../src/machine/configuration.ts";
import type { Edit } from "../../src/machine/inlet.ts";
import { Machine } from "../../src/machine/machine.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import { NO_STOPS } from "../../src/machine/stop.ts";
import { Branches, RECORDING } from "../../src/replay/branches.ts";
import { DiskPacker, PackedDisk, PIECE_BYTES } from "../../src/replay/packed-disk.ts";
import { Timeline, type TimelineOptions } from "../../src/replay/timeline.ts";
import type { Progress } from "../../src/replay/timeline-interface.ts";
import { program, SMALL as SMALL_MACHINE } from "../machine/guests.ts";
import { type GuestShape, randomGuest } from "../machine/random-guest.ts";
import { GUEST_SECTORS, virtioGuest } from "../machine/virtio-guest.ts";
import { digestsAt, drive, eventsOf, headerFor, MemoryRecording, reopen, ZSTD } from "./support.ts";

/** `SEEDS=n` for more. */
const SEEDS = Number(process.env.SEEDS ?? 2);
const STEPS = 20_000;
const OPTIONS: TimelineOptions = {
  sliceSteps: 700,
  spacingSteps: 2_000,
  stepsPerPage: 1,
  nearSteps: 16,
  recorder: { fileSpacingSteps: 5_000, restSpacingSteps: 3_000, pageBytesPerStep: 1000 },
};

interface Subject {
  readonly name: string;
  make(seed: number): Machine;
}

const SHAPES: readonly GuestShape[] = [
  { harts: 1, mode: "machine" },
  { harts: 1, mode: "user" },
  { harts: 3, mode: "supervisor" },
];

const ENGINES = ["translator", "interpreter"] as const satisfies readonly EngineChoice[];

const SUBJECTS: readonly Subject[] = [
  ...SHAPES.flatMap((shape) => ENGINES.map((engine) => randomSubject(shape, engine))),
  { name: "a disk and entropy", make: machineWithDisk },
  sample("echo.s", "paced"),
  sample("timer.s", "paced"),
  sample("echo.s", "virtual"),
];

function randomSubject(shape: GuestShape, engine: EngineChoice): Subject {
  return {
    name: `${shape.harts} hart(s) in ${shape.mode} mode, ${engine}`,
    make: (seed) => {
      const guest = program(
        `.equ RAM_END, ${RAM_BASE + SMALL_MACHINE.memoryBytes}\n${randomGuest(new Prng(seed), shape)}`,
      );
      const modes = shape.mode === "machine" ? "m" : "msu";
      const machine = new Machine({ ...SMALL_MACHINE, harts: shape.harts, isa: FULL_ISA, modes }, engine);
      machine.load(guest);
      return machine;
    },
  };
}

function machineWithDisk(seed: number): Machine {
  const image = Uint8Array.from({ length: GUEST_SECTORS * 512 }, (_, index) => (index * 7) >> 5);
  const packer = new DiskPacker(ZSTD);
  for (let at = 0; at < image.length; at += PIECE_BYTES) packer.add(image.subarray(at, at + PIECE_BYTES));
  const disks = [{ sizeBytes: image.length, readOnly: false }];
  const disk = new PackedDisk(packer.finish(), image.length, ZSTD);
  const machine = new Machine({ ...SMALL_MACHINE, disks, seed }, "auto", [disk]);
  machine.load(program(virtioGuest({ transport: "modern", entropy: true, rounds: 240 })));
  return machine;
}

function sample(name: string, clock: MachineConfiguration["clock"]): Subject {
  return {
    name: `${name}, ${clock}`,
    make: () => {
      const machine = new Machine({ ...SMALL_MACHINE, clock, modes: "m" });
      const text = (file: string) => readFileSync(new URL(`../../guest/samples/${file}`, import.meta.url), "utf8");
      const include = (file: string) => ({ name: file, text: text(basename(file)) });
      machine.load(assemble(text(name), { file: name, include }).program ?? assert.fail(`${name} does not assemble`));
      return machine;
    },
  };
}

/** What a guest that waits is given. */
function outside(timeline: { input(bytes: Uint8Array): boolean; idle(ticks: number): void }, prng: Prng) {
  return ({ waitingTicks }: Progress) => {
    if (waitingTicks === undefined) timeline.input(Uint8Array.of(32 + prng.below(90)));
    else timeline.idle(1 + prng.below(waitingTicks));
  };
}

/** A live run with input and idle time at random moments. */
function record(machine: Machine, prng: Prng): { recording: MemoryRecording; end: number } {
  const recording = new MemoryRecording(headerFor(machine));
  const timeline = Timeline.record(machine, recording, OPTIONS);
  while (timeline.end < STEPS) {
    const limit = instant(Math.min(STEPS, timeline.end + 1 + prng.below(3000)));
    if (drive(timeline.forward({ stops: NO_STOPS, limit }), outside(timeline, prng)).kind !== "reached") break;
    if (prng.below(3) === 0) timeline.input(Uint8Array.of(prng.below(256)));
    if (prng.below(5) === 0) timeline.receive(Uint8Array.from({ length: 60 }, () => prng.below(256)));
  }
  timeline.close();
  return { recording, end: timeline.end };
}

function randomEdit(machine: Machine, prng: Prng): Edit {
  const hart = prng.below(machine.harts.length);
  switch (prng.below(5)) {
    case 0:
      return { target: "pc", hart, value: machine.harts[hart].pc + BigInt(4 * prng.below(4)) };
    case 1:
      return { target: "csr", hart, csr: prng.pick([0x304, 0x340, 0x341, 0x300]), value: prng.next64() };
    case 2: {
      const address = physicalAddress(RAM_BASE + prng.below(SMALL_MACHINE.memoryBytes - 8)) as PhysicalAddress;
      return {
        target: "memory",
        address,
        bytes: Uint8Array.from({ length: 1 + prng.below(8) }, () => prng.below(256)),
      };
    }
    default:
      return { target: "register", hart, register: 1 + prng.below(31), value: prng.next64() };
  }
}

function run(branches: Branches, prng: Prng, to: number): void {
  while (branches.end < to) {
    const limit = instant(Math.min(to, branches.end + 1 + prng.below(4000)));
    const motion = branches.forward({ stops: NO_STOPS, limit });
    for (let turns = 0; ; turns++) {
      const { done, value } = motion.next();
      if (done && value.kind !== "reached") return;
      if (done) break;
      // Nobody waits with a branch: its clock goes on by itself.
      assert.equal(value.waitingTicks, undefined);
      if (value.waiting) branches.input(Uint8Array.of(32 + prng.below(90)));
      // An edit has made it deaf.
      if (turns < 2000) continue;
      motion.return(undefined as never);
      return;
    }
    if (prng.below(3) === 0) drive(branches.seek(instant(prng.below(branches.end + 1))));
    if (prng.below(3) === 0 && branches.now === branches.end)
      branches.edit(randomEdit(branches.machine as Machine, prng));
    drive(branches.seek(branches.end));
  }
}

for (const { name, make } of SUBJECTS) {
  for (let seed = 1; seed <= SEEDS; seed++) {
    test(`branches of ${name}, seed ${seed}`, () => {
      const prng = new Prng(seed * 1000 + 7);
      const { recording, end } = record(make(seed), prng);
      const { bytes } = recording;
      const instants = [...Array.from({ length: 12 }, () => prng.below(end + 1)), end];
      const expected = digestsAt(make(seed), eventsOf(recording), instants);
      const branches = new Branches(Timeline.open(make(seed), reopen(bytes), OPTIONS));

      // Nothing is changed: nothing is different.
      drive(branches.seek(instant(prng.below(end + 1))));
      const same = branches.start(true);
      while (branches.end < end) {
        const limit = instant(Math.min(end, branches.end + 1 + prng.below(6000)));
        drive(branches.forward({ stops: NO_STOPS, limit }));
      }
      for (const at of instants) {
        drive(branches.seek(instant(at)));
        assert.equal(branches.machine.digest(), expected.get(at), `nothing changed, instant ${at}`);
      }
      assert.equal(drive(branches.compare(same.id)).parted, undefined);
      branches.discard(same.id);

      for (let round = 0; round < 3; round++) {
        drive(branches.seek(instant(prng.below(end + 1))));
        const { id, origin } = branches.start(prng.below(2) === 0);
        for (let count = 1 + prng.below(2); count > 0; count--) {
          branches.edit(randomEdit(branches.machine as Machine, prng));
        }
        run(branches, prng, origin + 1 + prng.below(STEPS / 2));
        const copy = new MemoryRecording(headerFor(branches.machine));
        drive(branches.copyTo(id, copy));
        const places = [origin, ...Array.from({ length: 4 }, () => prng.below(branches.end + 1)), branches.end];
        const straight = digestsAt(make(seed), eventsOf(copy), places);
        const again = Timeline.open(make(seed), reopen(copy.bytes), OPTIONS);
        drive(again.forward({ stops: NO_STOPS }));
        assert.equal(again.now, branches.end);
        for (const at of places) {
          drive(branches.seek(instant(at)));
          drive(branches.compare(id, { at: instant(Math.min(at, end)) }));
          assert.equal(branches.machine.digest(), straight.get(at), `round ${round}: the branch at ${at}`);
        }
        if (prng.below(2) === 0) branches.discard(id);
        else branches.switchTo(RECORDING);
        for (const at of instants) {
          drive(branches.seek(instant(at)));
          assert.equal(branches.machine.digest(), expected.get(at), `round ${round}: the recording at ${at}`);
        }
      }
      assert.deepEqual(recording.bytes, bytes);
    });
  }
}
