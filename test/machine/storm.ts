import assert from "node:assert/strict";
import type { Program } from "../../src/assembler/program.ts";
import type { Instant, PhysicalAddress, VirtualAddress } from "../../src/base/brand.ts";
import { Prng } from "../../src/base/prng.ts";
import { type EngineChoice, FULL_ISA, type MachineConfiguration } from "../../src/machine/configuration.ts";
import type { Edit, MachineEvent } from "../../src/machine/inlet.ts";
import type { Machine } from "../../src/machine/machine.ts";
import type { Checkpoint, Departing, Digest } from "../../src/machine/machine-interface.ts";
import { RAM_BASE } from "../../src/machine/memory-map.ts";
import type { Condition, HitFilter, MachineStop, StopConditions, Watch, WatchHit } from "../../src/machine/stop.ts";
import { PAGE_BYTES } from "../../src/memory/layout.ts";
import { Guest, program, ScriptedInlet, symbol } from "./guests.ts";
import { lateCompiler } from "./late-compiler.ts";
import { type GuestShape, randomGuest, SLOTS, slotWord } from "./random-guest.ts";
import { DATA_PAGES } from "./random-guest-frame.ts";

const MEMORY_BYTES = 128 * 1024;
const EXCEPTIONS = Array.from({ length: 16 }, (_, cause) => cause);
/** Steps after which the oracle saves, so that its digests need not hash all that was ever written. */
const SAVING_STEPS = 64;

export interface Outcome {
  /** How often each kind of stop was met. */
  readonly stops: ReadonlyMap<string, number>;
  /** Steps of the guest. */
  readonly steps: number;
}

/** An access, and the physical addresses of its bytes: in two parts when it reaches into another page. */
interface Access {
  readonly hit: Omit<WatchHit, "watch">;
  readonly parts: readonly { readonly first: number; readonly last: number }[];
}

interface Subject {
  readonly program: Program;
  readonly configuration: Partial<MachineConfiguration>;
}

/** Of the two machines that go through a run; checkpoints travel between them. */
export type Engines = readonly [EngineChoice, EngineChoice];

/** What the step at one instant does, found by taking it alone. */
interface TracedStep {
  readonly digest: Digest;
  readonly hart: number;
  readonly pc: VirtualAddress;
  readonly exception: { readonly cause: number; readonly tval: bigint } | undefined;
  readonly accesses: readonly Access[];
}

/** A condition on the instant that a trace can foretell, and a counter that skips the first hits of each run. */
class StormFilter {
  readonly filter: HitFilter;
  readonly #divisor: number;
  readonly #remainder: number;
  readonly #skips: number;
  #left = 0;
  #foretold: number[] = [];
  #skipped: number[] = [];

  constructor(prng: Prng) {
    this.#divisor = 1 + prng.below(5);
    this.#remainder = prng.below(this.#divisor);
    this.#skips = prng.pick([0, 0, 1, 3, 1000]);
    const constant = (value: number): Condition => ({ kind: "constant", value: BigInt(value) });
    const left: Condition = {
      ...{ kind: "binary", operator: "remainder-unsigned" },
      ...{ left: { kind: "instant" }, right: constant(this.#divisor) },
    };
    const right = constant(this.#remainder);
    const condition: Condition = { kind: "compare", operator: "==", signed: false, left, right };
    const counter = {
      toSkip: () => this.#skips,
      skipped: (instants: Float64Array) => this.#skipped.push(...instants),
    };
    this.filter = this.#skips === 0 ? { condition } : { condition, counter };
  }

  begin(): void {
    this.#left = this.#skips;
    this.#foretold = [];
    this.#skipped = [];
  }

  /** The hart has come to the breakpoint. */
  shows(instant: number): boolean {
    if (instant % this.#divisor !== this.#remainder) return false;
    if (this.#left === 0) return true;
    this.#left--;
    this.#foretold.push(instant);
    return false;
  }

  check(what: string): void {
    assert.deepEqual(this.#skipped, this.#foretold, `hits skipped ${what}`);
  }
}

/** A run, step by step; `end` is why it ends after the last, if it does so by itself. */
interface Trace {
  readonly steps: readonly TracedStep[];
  readonly output: ReadonlyMap<number, number>;
  readonly end: MachineStop;
}

/**
 * One random guest, under random input and edits: the oracle takes it step by step and notes everything. Then the
 * fast engines go through the same run by random slices, with random stops, checkpoints taken and restored at random,
 * in one machine and in another; every stop must be the one that the notes foretell, every state the one noted.
 * `planted`: the fast engines' run has one event more, which must be found.
 */
export function storm(seed: number, steps: number, moves: number, engines: Engines, planted = false): Outcome {
  const prng = new Prng(seed);
  const shape: GuestShape = {
    harts: prng.pick([1, 1, 2, 4]),
    mode: prng.pick(["machine", "machine", "supervisor", "user"]),
  };
  const guest: Subject = {
    program: program(`.equ RAM_END, ${RAM_BASE + MEMORY_BYTES}\n${randomGuest(prng, shape)}`),
    configuration: {
      memoryBytes: MEMORY_BYTES,
      isa: FULL_ISA,
      harts: shape.harts,
      modes: shape.mode === "machine" ? prng.pick(["m", "mu", "msu"]) : "msu",
    },
  };
  const events = randomEvents(prng, guest.program, shape.harts, steps);
  const trace = traced(guest, events, steps);
  if (planted) plant(events, trace.steps.length - 1);
  return new Storm(prng, guest, events, trace, engines).blow(moves);
}

/**
 * Early in the run: breakpoints and restores hold many a run back so that it never sees the trace's last part, and there
 * a fault would be found by most seeds only. Changes mscratch, which guests seldom look at.
 */
function plant(events: MachineEvent[], steps: number): void {
  const instant = Math.floor(steps / 32) as Instant;
  const fault: MachineEvent = {
    ...{ kind: "edit", instant },
    edit: { target: "csr", hart: 0, csr: 0x340, value: 0x1234_5678_9abc_def1n },
  };
  const later = events.findIndex((event) => event.instant > instant);
  events.splice(later < 0 ? events.length : later, 0, fault);
}

function traced(subject: Subject, events: readonly MachineEvent[], most: number): Trace {
  const judge = new Guest(subject.program, "oracle", subject.configuration);
  judge.machine.inlet = new ScriptedInlet(events);
  const output = new Map<number, number>();
  judge.machine.outlet = { consoleOutput: (instant, byte) => output.set(instant, byte) };
  judge.stops({
    watches: Array.from({ length: MEMORY_BYTES / PAGE_BYTES }, (_, page) => ({
      address: (RAM_BASE + page * PAGE_BYTES) as PhysicalAddress,
      ...{ length: PAGE_BYTES, access: "readWrite" },
    })),
    exceptions: EXCEPTIONS,
  });
  const { machine } = judge;
  const steps: TracedStep[] = [];
  let end: MachineStop = { kind: "reached" };
  judge.run(0);
  while (steps.length < most) {
    const [digest, hart] = [machine.digest(), machine.currentHart];
    const { pc } = machine.harts[hart];
    const next = steps.length + 1;
    let stop = judge.run(next, false);
    const exception = stop.kind === "exception" ? { cause: stop.cause, tval: stop.tval } : undefined;
    if (exception !== undefined) stop = judge.run(next, true);
    const accesses = stop.kind === "watch" ? accessesOf(machine, stop.hits) : [];
    steps.push({ digest, hart, pc, exception, accesses });
    if (machine.instant !== next) {
      end = stop;
      break;
    }
    if (next % SAVING_STEPS === 0) machine.checkpoint();
  }
  if (end.kind === "reached")
    steps.push({ digest: machine.digest(), hart: 0, pc: 0n as never, exception: undefined, accesses: [] });
  return { steps, output, end };
}

export function randomEvents(prng: Prng, guest: Program, harts: number, steps: number): MachineEvent[] {
  const instants = Array.from({ length: prng.below(12) }, () => prng.below(steps) as Instant).sort((a, b) => a - b);
  return instants.map((instant): MachineEvent => {
    if (prng.below(2) === 0) return { kind: "edit", instant, edit: randomEdit(prng, guest, prng.below(harts)) };
    const bytes = Uint8Array.from({ length: 1 + prng.below(20) }, () => 0x61 + prng.below(26));
    return { kind: "console-input", instant, bytes };
  });
}

function randomEdit(prng: Prng, guest: Program, hart: number): Edit {
  switch (prng.below(5)) {
    case 0:
      return { target: "register", hart, register: 18 + prng.below(4), value: prng.next64() };
    case 1:
      return { target: "pc", hart, value: symbol(guest, "loop") };
    case 2: {
      const [csr, value] = prng.pick([
        [0x300, BigInt(prng.below(256))],
        [0x304, 0x880n],
        [0x340, prng.next64()],
        [0xb00, prng.next64()],
        [0xb02, 5n],
      ] as const);
      return { target: "csr", hart, csr, value };
    }
    case 3: {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, slotWord(prng), true);
      return { target: "memory", address: Number(symbol(guest, prng.pick(SLOTS))) as PhysicalAddress, bytes };
    }
    default: {
      const at = Number(symbol(guest, "data")) + prng.below(DATA_PAGES * 4096);
      return {
        target: "memory",
        address: at as PhysicalAddress,
        bytes: Uint8Array.of(prng.below(256), prng.below(256)),
      };
    }
  }
}

/** The guest's tables lead anywhere: what a watch of each page saw tells where an access really went. */
function accessesOf(machine: Machine, hits: readonly WatchHit[]): Access[] {
  const accesses: Access[] = [];
  for (let at = 0; at < hits.length; ) {
    const { watch, ...hit } = hits[at];
    const inPage = Number(hit.address & BigInt(PAGE_BYTES - 1));
    const straddles = inPage + hit.size > PAGE_BYTES;
    const other = straddles && hits[at + 1]?.access === hit.access ? hits[at + 1].watch : undefined;
    const isOther = other !== undefined && machine.translate(hit.address).physicalAddress === pageAt(other) + inPage;
    const [page, next] = isOther ? [other, watch] : [watch, other ?? watch];
    const first = pageAt(page) + inPage;
    const [last, left] = [first + hit.size - 1, inPage + hit.size - PAGE_BYTES];
    const parts = straddles
      ? [
          { first, last: pageAt(page) + PAGE_BYTES - 1 },
          { first: pageAt(next), last: pageAt(next) + left - 1 },
        ]
      : [{ first, last }];
    accesses.push({ hit, parts });
    at += other === undefined ? 1 : 2;
  }
  return accesses;
}

function pageAt(number: number): number {
  return RAM_BASE + number * PAGE_BYTES;
}

class Storm {
  readonly #prng: Prng;
  readonly #program: Program;
  readonly #trace: Trace;
  readonly #inlets: readonly ScriptedInlet[];
  readonly #guests: readonly Guest[];
  /** Checkpoints that each machine has. */
  readonly #saved: Checkpoint[][];
  readonly #kinds = new Map<string, number>();
  #now = 0;
  /** Index of the machine that is where the run is. */
  #at = 0;
  #stops: StopConditions = { breakpoints: [], watches: [], exceptions: [] };
  readonly #filters = new Map<VirtualAddress, StormFilter>();

  constructor(prng: Prng, subject: Subject, events: readonly MachineEvent[], trace: Trace, engines: Engines) {
    this.#prng = prng;
    this.#program = subject.program;
    this.#trace = trace;
    this.#inlets = [0, 1].map(() => new ScriptedInlet(events));
    this.#guests = [0, 1].map((index) => {
      // What is cached must not show: the run goes back and forth between a machine that keeps it and one that does not.
      const cacheGroup = index === 0 ? "on" : "off";
      const compiler = index === 1 ? lateCompiler(prng.below(1000)) : undefined;
      const guest = new Guest(subject.program, engines[index], subject.configuration, [], cacheGroup, compiler);
      guest.machine.inlet = this.#inlets[index];
      guest.machine.outlet = {
        consoleOutput: (instant, byte) => assert.equal(byte, trace.output.get(instant), `output at ${instant}`),
      };
      return guest;
    });
    this.#saved = [[], []];
  }

  blow(moves: number): Outcome {
    this.#run(0, false);
    this.#save();
    for (let move = 0; move < moves; move++) {
      const dice = this.#prng.below(12);
      if (dice === 0) this.#save();
      else if (dice === 1 || this.#isOver()) this.#restore();
      else if (dice === 2) this.#travel();
      else if (dice < 5) this.#chooseStops();
      else
        this.#run(
          this.#now + this.#prng.pick([0, 1, 1, 2, 7, 60, 300, 2000]),
          this.#prng.pick([true, false, "breakpoint"]),
        );
    }
    return { stops: this.#kinds, steps: this.#trace.steps.length - 1 };
  }

  get #guest(): Guest {
    return this.#guests[this.#at];
  }

  #isOver(): boolean {
    return this.#now === this.#trace.steps.length - 1;
  }

  #run(target: number, departing: Departing): void {
    const { machine } = this.#guest;
    // Where the guest goes on for ever, the trace does not.
    const until = this.#trace.end.kind === "reached" ? Math.min(target, this.#trace.steps.length - 1) : target;
    const looks = this.#prng.below(4) === 0;
    const from = this.#now;
    for (const filter of this.#filters.values()) filter.begin();
    const expected = this.#foretold(until, departing);
    const stop = machine.run(until as Instant, {
      departing,
      ...(looks ? { beforeDeparture: (instant: Instant) => this.#look(instant) } : {}),
    });
    const what = `from ${from} to ${until}, departing ${departing}`;
    assert.deepEqual(stop, expected.stop, what);
    for (const filter of this.#filters.values()) filter.check(what);
    assert.equal(machine.instant, expected.instant, what);
    this.#now = expected.instant;
    this.#kinds.set(stop.kind, (this.#kinds.get(stop.kind) ?? 0) + 1);
    this.#compare(what);
  }

  #look(instant: Instant): void {
    const { machine } = this.#guest;
    assert.equal(machine.digest(), this.#trace.steps[instant].digest, `before departure from ${instant}`);
    if (this.#prng.below(2) === 0) machine.checkpoint();
  }

  #compare(what: string): void {
    const { digest, hart, pc } = this.#trace.steps[this.#now];
    const { machine } = this.#guest;
    if (pc !== 0n) assert.equal(machine.currentHart, hart, `hart at ${this.#now}, ${what}`);
    if (pc !== 0n) assert.equal(machine.harts[hart].pc.toString(16), pc.toString(16), `pc at ${this.#now}, ${what}`);
    assert.equal(machine.digest(), digest, `state at ${this.#now}, ${what}`);
  }

  /** What a run must stop for, out of the trace. */
  #foretold(until: number, departing: Departing): { stop: MachineStop; instant: number } {
    const { steps, end } = this.#trace;
    const last = steps.length - 1;
    for (let instant = this.#now; ; instant++) {
      if (instant === last && end.kind === "finished") return { stop: end, instant };
      if (instant >= until) return { stop: { kind: "reached" }, instant };
      const passes = departing !== false && instant === this.#now;
      const { hart, pc, exception, accesses } = steps[instant];
      if (!passes && this.#stops.breakpoints.includes(pc) && (this.#filters.get(pc)?.shows(instant) ?? true)) {
        return { stop: { kind: "breakpoint", hart, pc }, instant };
      }
      if (
        (!passes || departing === "breakpoint") &&
        exception !== undefined &&
        this.#stops.exceptions.includes(exception.cause)
      ) {
        return { stop: { kind: "exception", hart, ...exception }, instant };
      }
      if (instant === last) return { stop: end, instant };
      const hits = accesses.flatMap((access) => this.#hits(access));
      if (hits.length > 0) return { stop: { kind: "watch", hits }, instant: instant + 1 };
    }
  }

  #hits({ hit, parts }: Access): WatchHit[] {
    return this.#stops.watches.flatMap((watch, index) => {
      const end = watch.address + watch.length;
      const overlaps = parts.some(({ first, last }) => watch.address <= last && end > first);
      const wanted = watch.access === "readWrite" || watch.access === hit.access;
      return overlaps && wanted ? [{ watch: index, ...hit }] : [];
    });
  }

  /** Stops at places that the run comes by, or nearly. */
  #chooseStops(): void {
    const prng = this.#prng;
    const { steps } = this.#trace;
    const pick = <T>(most: number, choose: () => T | undefined): T[] =>
      Array.from({ length: prng.below(most + 1) }, choose).filter((chosen) => chosen !== undefined);
    const breakpoints = pick(3, () =>
      prng.below(8) === 0 ? symbol(this.#program, prng.pick(SLOTS)) : prng.pick(steps).pc,
    );
    this.#filters.clear();
    for (const address of breakpoints) if (prng.below(2) === 0) this.#filters.set(address, new StormFilter(prng));
    this.#stops = {
      breakpoints,
      filters: new Map([...this.#filters].map(([address, { filter }]) => [address, [filter]])),
      watches: pick(3, () => this.#watch()),
      exceptions: pick(2, () => prng.pick([0, 1, 2, 3, 4, 5, 6, 7, 11])),
    };
    for (const guest of this.#guests) guest.machine.setStops(this.#stops);
  }

  #watch(): Watch | undefined {
    const prng = this.#prng;
    const from = prng.below(this.#trace.steps.length);
    const access = this.#trace.steps.slice(from).find(({ accesses }) => accesses.length > 0)?.accesses[0];
    if (access === undefined) return undefined;
    const address = (prng.pick(access.parts).first + prng.below(12) - 6) as PhysicalAddress;
    return { address, length: prng.pick([1, 1, 2, 4, 8, 64, 4096]), access: prng.pick(["read", "write", "readWrite"]) };
  }

  #save(): void {
    this.#saved[this.#at].push(this.#guest.machine.checkpoint());
    this.#compare("after a checkpoint");
  }

  #restore(): void {
    const checkpoint = this.#prng.pick(this.#saved[this.#at]);
    this.#guest.machine.restore(checkpoint);
    this.#arrive(checkpoint, "restored");
  }

  /** Goes on in the other machine, from a checkpoint that goes there in parts. */
  #travel(): void {
    const checkpoint = this.#guest.machine.checkpoint();
    const other = 1 - this.#at;
    const base = this.#saved[other].at(-1);
    // The bases differ between the machines, so that all pages of the checkpoint travel, and those that became zero.
    const changed = new Map([...checkpoint.pages.changedSince(undefined)].map(({ page, version }) => [page, version]));
    for (const { page } of base?.pages.changedSince(undefined) ?? [])
      if (!changed.has(page)) changed.set(page, undefined);
    const pages = [...changed].map(([page, version]) => ({ page, bytes: version?.bytes.slice() }));
    const { machine } = this.#guests[other];
    const imported = machine.importCheckpoint({ instant: checkpoint.instant, state: checkpoint.state, pages }, base);
    machine.restore(imported);
    this.#at = other;
    this.#saved[other].push(imported);
    this.#arrive(imported, "imported");
  }

  #arrive({ instant }: Checkpoint, what: string): void {
    this.#now = instant;
    this.#inlets[this.#at].rewind(instant);
    this.#compare(what);
  }
}
