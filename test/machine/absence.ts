import assert from "node:assert/strict";
import type { Program } from "../../src/assembler/program.ts";
import type { PhysicalAddress } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { PLACE } from "../../src/machine/absent-leaf.ts";
import { type EngineChoice, FULL_ISA, type MachineConfiguration } from "../../src/machine/configuration.ts";
import type { DiskImage } from "../../src/machine/disks.ts";
import type { MachineEvent } from "../../src/machine/inlet.ts";
import type { Checkpoint, Digest, MachineLike, PageSource, PageVersion } from "../../src/machine/machine-interface.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import type { Residency } from "../../src/machine/residency.ts";
import type { StopConditions } from "../../src/machine/stop.ts";
import { PAGE_BYTES } from "../../src/memory/layout.ts";
import { Guest, program, ScriptedInlet } from "./guests.ts";
import { lateCompiler } from "./late-compiler.ts";
import { type GuestShape, randomGuest } from "./random-guest.ts";
import { randomEvents } from "./storm.ts";

const MEMORY_BYTES = 128 * 1024;

export interface Subject {
  readonly program: Program | string;
  readonly configuration: Partial<MachineConfiguration>;
  readonly disks?: readonly DiskImage[];
  readonly events?: readonly MachineEvent[];
}

export interface Plan {
  readonly engine: EngineChoice;
  /** Instants up to which it runs. */
  readonly steps: number;
  readonly legs: readonly number[];
  /** Changes a byte of what is provided: must be found. */
  readonly planted?: boolean;
}

export interface Outcome {
  /** Stops for absent RAM, and for absent blocks of a disk. */
  readonly absences: number;
  readonly blocks: number;
}

/** A random guest of test/machine/random-guest.ts with input and edits. */
export function randomSubject(prng: Prng, steps: number): Subject {
  const shape: GuestShape = {
    harts: prng.pick([1, 1, 2, 4]),
    mode: prng.pick(["machine", "supervisor", "supervisor", "user"]),
  };
  const guest = program(`.equ RAM_END, ${RAM_BASE + MEMORY_BYTES}\n${randomGuest(prng, shape)}`);
  const modes = shape.mode === "machine" ? prng.pick(["m", "mu", "msu"] as const) : "msu";
  return {
    program: guest,
    configuration: { memoryBytes: MEMORY_BYTES, isa: `${FULL_ISA}_svadu`, harts: shape.harts, modes },
    events: randomEvents(prng, guest, shape.harts, steps),
  };
}

/** The guest on an interpreter that has everything, and on the engine in question; with what both say, and who gives them input. */
export function twoGuests(prng: Prng, subject: Subject, engine: EngineChoice, residency?: Residency) {
  const inlets = [0, 1].map(() => new ScriptedInlet(subject.events ?? []));
  const said: string[][] = [[], []];
  const [judge, other] = inlets.map((inlet, index) => {
    const compiler = index === 1 && prng.below(3) === 0 ? lateCompiler(prng.below(1000)) : undefined;
    const guest = new Guest(
      subject.program,
      index === 0 ? "interpreter" : engine,
      subject.configuration,
      subject.disks,
      "on",
      compiler,
      index === 0 ? undefined : residency,
    );
    guest.machine.inlet = inlet;
    guest.machine.outlet = {
      consoleOutput: (instant, byte) => said[index].push(`${instant} ${byte}`),
      networkOutput: (instant, frame) => said[index].push(`${instant} ${frame.join()}`),
    };
    return guest;
  });
  return { judge, other, inlets, said };
}

/**
 * Two machines go through one run: in one, everything is there; the other is given its state with pages absent, again and again,
 * and gets them when it stops for them. At every stop, states must be equal.
 */
export function absence(seed: number, subject: Subject, { engine, steps, legs, planted = false }: Plan): Outcome {
  const prng = new Prng(seed);
  const { judge, other, inlets, said } = twoGuests(prng, subject, engine);
  let [absences, blocks] = [0, 0];
  // Code and translations of another time, on pages that will be absent.
  other.run(prng.below(steps));
  judge.run(prng.below(Math.floor(steps / 4)));
  const source = new Map<number, Uint8Array>();
  let truth = new Map<number, Uint8Array>();
  const ramPages = (subject.configuration.memoryBytes ?? 1024 * 1024) / PAGE_BYTES;
  const places = new RandomPlaces(prng, other.machine.checkpoint(), source);
  const adopt = () => {
    const checkpoint = judge.machine.checkpoint();
    source.clear();
    const isByPlaces = prng.below(2) === 0;
    if (isByPlaces) truth = new Map(versionsOf(checkpoint).map(([page, { bytes }]) => [page, bytes]));
    const imported = isByPlaces
      ? places.import(other.machine, checkpoint, judge.machine.digest())
      : other.machine.importCheckpoint(withAbsent(prng, checkpoint, source), undefined);
    other.machine.restore(imported, prng.pick([0, 3, undefined]));
    inlets[1].rewind(checkpoint.instant);
    said[1] = [...said[0]];
  };
  const compare = (what: string) => {
    assert.equal(other.machine.instant, judge.machine.instant, what);
    assert.equal(other.machine.digest(), judge.machine.digest(), what);
    assert.deepEqual(said[1], said[0], what);
  };
  const run = (until: number): boolean => {
    for (;;) {
      const stop = other.run(until);
      const what = `seed ${seed}, to ${until}, ${stop.kind} at ${other.machine.instant}`;
      if (stop.kind !== "absent") {
        const expected = judge.run(until);
        assert.deepEqual(stop, expected, what);
        compare(what);
        return stop.kind === "reached";
      }
      if (stop.page < ramPages) absences++;
      else blocks++;
      assert.ok(truth.has(stop.page) && !source.has(stop.page), `${what}: it is absent`);
      if (stop.page < ramPages) {
        const at = (RAM_BASE + stop.page * PAGE_BYTES) as PhysicalAddress;
        assert.equal(other.machine.readPhysical(at, 8), undefined, what);
        assert.deepEqual(other.machine.peekPhysical(at, 1), [undefined], what);
      }
      if (judge.machine.instant < other.machine.instant) judge.run(other.machine.instant);
      // An event of this instant may be what needs it: the judge has had it then.
      const isEvent = subject.events?.some(({ instant }) => instant === other.machine.instant) === true;
      if (!isEvent) compare(what);
      const provided = [stop.page, ...[...truth.keys()].filter(() => prng.below(12) === 0)];
      for (const page of provided) {
        const bytes = truth.get(page)!.slice();
        if (planted) bytes[prng.below(bytes.length)] ^= 4;
        source.set(page, bytes);
        if (prng.below(4) === 0) other.machine.absentPages?.bringSome(prng.below(4));
        if (prng.below(2) === 0 && other.machine.absentPages?.bring(page) === false) assert.fail(what);
      }
    }
  };
  const withAbsent = (random: Prng, checkpoint: Checkpoint, from: Map<number, Uint8Array>) => {
    truth = new Map();
    const pages: { page: number; bytes: Uint8Array }[] = [];
    const hashes = new Map<number, bigint>();
    const share = random.pick([1, 2, 2, 4]);
    for (const [page, version] of versionsOf(checkpoint)) {
      if (random.below(4) >= share) pages.push({ page, bytes: version.bytes });
      else {
        truth.set(page, version.bytes);
        hashes.set(page, version.hash);
      }
    }
    const { instant, state } = checkpoint;
    return { instant, state, pages, absent: { hashes, source: { read: (page: number) => from.get(page) } } };
  };
  judge.run(judge.machine.instant);
  adopt();
  compare(`seed ${seed}, adopted`);
  while (judge.machine.instant < steps) {
    const move = prng.below(16);
    if (move === 0) adopt();
    else if (move === 1) {
      const stops = randomStops(prng);
      for (const guest of [judge, other]) guest.machine.setStops(stops);
    } else if (move === 2 && other.machine.absentPages?.count !== 0) {
      // A checkpoint of a machine with absent pages is a state like any other.
      const checkpoint = other.machine.checkpoint();
      other.machine.restore(checkpoint, prng.pick([0, 3, undefined]));
      compare(`seed ${seed}, saved`);
    } else if (!run(Math.min(steps, judge.machine.instant + prng.pick(legs)))) {
      if (judge.machine.harts.some(({ waiting }) => waiting) || said.length > 2) break;
      if (judge.run(judge.machine.instant + 1).kind !== "reached") break;
      other.machine.setStops(NO_STOPS);
      judge.machine.setStops(NO_STOPS);
      adopt();
    }
  }
  return { absences, blocks };
}

function versionsOf({ pages }: Checkpoint): [number, PageVersion][] {
  return [...pages.changedSince(undefined)].flatMap(({ page, version }) =>
    version === undefined ? [] : [[page, version]],
  );
}

/** States of one machine for another one, as a recording's file has them: by places, told apart from an earlier state, in chunks that come together. */
class RandomPlaces {
  readonly #prng: Prng;
  readonly #initial: Checkpoint;
  readonly #sources: PageSource[];
  /** What was imported last, and what it was on the machine that it came from. */
  #base: { readonly imported: Checkpoint; readonly original: Checkpoint } | undefined;

  constructor(prng: Prng, initial: Checkpoint, from: ReadonlyMap<number, Uint8Array>) {
    this.#prng = prng;
    this.#initial = initial;
    const read = (page: number) => from.get(page);
    const has = (page: number) => from.has(page);
    this.#sources = Array.from({ length: 4 }, () => {
      const together = Array.from({ length: prng.below(12) }, () => prng.below(initial.pages.pageCount));
      return { read, ...(prng.below(2) === 0 && { has }), ...(prng.below(2) === 0 && { together }) };
    });
  }

  import(machine: MachineLike, checkpoint: Checkpoint, digest: Digest): Checkpoint {
    const prng = this.#prng;
    const { instant, state, pages } = checkpoint;
    const base = prng.below(4) === 0 ? undefined : this.#base;
    const numbers = new Uint32Array(pages.pageCount);
    for (let page = 0; page < pages.pageCount; page++) {
      const version = pages.get(page);
      const isKept = version?.hash === base?.original.pages.get(page)?.hash;
      if (isKept && prng.below(4) > 0) numbers[page] = PLACE.unchanged;
      else if (version === undefined) numbers[page] = PLACE.none;
      else if (version.hash === this.#initial.pages.get(page)?.hash) numbers[page] = PLACE.initial;
      else numbers[page] = PLACE.sources + prng.below(this.#sources.length);
    }
    const absent = { places: { numbers, sources: this.#sources }, initial: this.#initial.pages, digest };
    const imported = machine.importCheckpoint({ instant, state, pages: [], absent }, base?.imported);
    this.#base = { imported, original: checkpoint };
    return imported;
  }
}

const NO_STOPS: StopConditions = { breakpoints: [], watches: [], exceptions: [] };

function randomStops(prng: Prng): StopConditions {
  const watches = Array.from({ length: prng.below(3) }, () => ({
    address: (RAM_BASE + prng.below(MEMORY_BYTES)) as PhysicalAddress,
    length: prng.pick([1, 8, 64, 4096]),
    access: prng.pick(["read", "write", "readWrite"] as const),
  }));
  return { ...NO_STOPS, watches };
}
