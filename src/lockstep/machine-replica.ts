import { type Instant, instant as instantOf } from "../base/brand.ts";
import { runsOf } from "../base/runs.ts";
import { PLACE } from "../machine/absent-leaf.ts";
import { AbsentVersion } from "../machine/absent-version.ts";
import type { Edit, Inlet, MachineEvent, Outlet } from "../machine/inlet.ts";
import type { Checkpoint, CheckpointParts, MachineLike } from "../machine/machine-interface.ts";
import { STEPS_PER_TICK } from "../machine/memory-map.ts";
import type { MachineStop } from "../machine/stop.ts";
import {
  type AbsentHashes,
  type Counts,
  type DeviceKind,
  type ForeignState,
  type Happening,
  hasReached,
  type OutputRun,
  type Replica,
  type ReplicaInput,
  type ReplicaStop,
  type Snapshot,
} from "./replica.ts";

/** What a machine says: bytes of its console, frames of its network card, and how it ended. */
export const MACHINE_DEVICES: readonly DeviceKind[] = ["stream", "datagrams", "datagrams"];
export const CONSOLE = 0;
export const NETWORK = 1;
const END = 2;

/** Console bytes that are gathered into one output: a latency of some bytes, and not one entry of the log for each. */
const MOST_RUN_BYTES = 4096;

const NO_PAGES = new Uint8Array(0);

/** What happens to a machine, and is no part of what the pair agrees on. */
export interface MachineFault {
  readonly instant: number;
  /** Asked when the machine is there. */
  readonly edit: (machine: MachineLike) => Edit | undefined;
}

/** How a machine of its own differs from its partner, again and again after it has taken over the partner's state. */
export interface MachineSkew {
  /** Ticks that mtime is ahead of the partner's. */
  readonly ticks: number;
}

/** Who has a replica's machine, when it is not the replica itself: somebody who keeps a record of what it does. */
export interface ReplicaHost {
  /** It can go on from a state of which pages are still on their way. */
  readonly toleratesAbsentPages: boolean;
  /** What the machine is told, and who hears it, where history is made. */
  connect(inlet: Inlet, outlet: Outlet): void;
  /** Undefined: the machine may not go on now. */
  run(until: Instant): MachineStop | undefined;
  /** It has another state from here on: its partner's, or a former one of its own. `counts`: how much had been said. */
  replace(checkpoint: Checkpoint, counts: Counts, isForeign: boolean): void;
}

/** A real machine behind the protocol: its inlet and its outlet are taken, or its host's. */
export class MachineReplica implements Replica {
  readonly machine: MachineLike;
  readonly devices = MACHINE_DEVICES;
  readonly stepsPerTick = STEPS_PER_TICK;
  readonly toleratesAbsentPages: boolean;
  /** By page, not 0: it is still on its way. The hashes of its state, and those that have come. */
  #absent: Uint8Array = NO_PAGES;
  #absentCount = 0;
  #hashes: BigUint64Array | undefined;
  #arrived = new Map<number, Uint8Array>();
  /** The last run ended for an absent page: an input may be half delivered. */
  #waitsForPage = false;
  readonly #skew: MachineSkew;
  readonly #faults: MachineFault[];
  readonly #host: ReplicaHost | undefined;
  #counts: number[] = MACHINE_DEVICES.map(() => 0);
  #queue: { readonly input: ReplicaInput; readonly place: Counts | undefined }[] = [];
  #scheduled: { readonly instant: number; readonly input: ReplicaInput }[] = [];
  #skewDue: boolean;
  /** Interrupts of this instant have been decided: input that comes now is for the next one. */
  #closedAt = -1;
  /** The machine was last given an event: while it waits for a page to do it, nothing of this instant is decided. */
  #isGiven = false;
  #happenings: Happening[] = [];
  #printed: number[] = [];
  #printedAt = 0;
  #printedLast = 0;
  #stop: MachineStop | undefined;
  #waitingTicks: number | undefined;

  constructor(
    machine: MachineLike,
    skew: MachineSkew = { ticks: 0 },
    faults: readonly MachineFault[] = [],
    host?: ReplicaHost,
  ) {
    this.#host = host;
    this.machine = machine;
    this.#skew = skew;
    this.#skewDue = skew.ticks > 0;
    this.toleratesAbsentPages = machine.absentPages !== undefined && (host?.toleratesAbsentPages ?? true);
    this.#faults = [...faults].sort((a, b) => a.instant - b.instant);
    const inlet: Inlet = {
      take: (instant) => this.#take(instant),
      horizon: (instant) => this.#horizon(instant),
      takeNotice: (instant) => this.#takeNotice(instant),
    };
    const outlet = this.#outlet();
    host?.connect(inlet, outlet);
    if (host !== undefined) return;
    machine.inlet = inlet;
    machine.outlet = outlet;
  }

  get instant(): number {
    return this.machine.instant;
  }

  get isWhole(): boolean {
    return this.#absentCount === 0 && !this.#waitsForPage;
  }

  get counts(): Counts {
    return this.#counts;
  }

  get queued(): number {
    return this.#queue.length;
  }

  get tokens(): readonly number[] {
    return this.machine.asyncPages?.given.map(({ token }) => token) ?? [];
  }

  /** How the guest ended. */
  get ending(): MachineStop | undefined {
    return this.#stop;
  }

  get time(): bigint {
    return this.machine.time;
  }

  /** A paced machine that waits: the ticks of idle time until its timer goes off. */
  get waitingTicks(): number | undefined {
    return this.#waitingTicks;
  }

  run(until: number): ReplicaStop {
    if (this.#stop !== undefined) return { kind: "ended" };
    const stop =
      this.#host === undefined
        ? this.machine.run(instantOf(until), { departing: false })
        : this.#host.run(instantOf(until));
    if (stop === undefined) return { kind: "held" };
    if (stop.kind !== "absent" || !this.#isGiven) this.#closedAt = this.machine.instant;
    this.#waitingTicks = stop.kind === "waiting" ? stop.ticks : undefined;
    this.#waitsForPage = stop.kind === "absent";
    switch (stop.kind) {
      case "reached":
        return { kind: "reached" };
      case "absent":
        return stop;
      case "waiting":
        return stop.ticks === undefined ? { kind: "waiting" } : { kind: "waiting", ticks: stop.ticks };
      default:
        this.#end(stop);
        return { kind: "ended" };
    }
  }

  queue(input: ReplicaInput, place?: Counts): void {
    this.#queue.push({ input, place });
  }

  schedule(instant: number, input: ReplicaInput): void {
    this.#scheduled.push({ instant, input });
  }

  withdraw(): readonly ReplicaInput[] {
    const inputs = [...this.#scheduled, ...this.#queue];
    this.#scheduled = [];
    this.#queue = [];
    return inputs.map(({ input }) => input);
  }

  drain(): readonly Happening[] {
    this.#flushPrinted();
    const happenings = this.#happenings;
    this.#happenings = [];
    return happenings;
  }

  /**
   * By way of a checkpoint, though a digest needs none: so the next one, at which the partner's resynchronisation makes this
   * machine pause, saves what was written since, and not all that was ever written.
   */
  digest(): string {
    return this.machine.digest(this.machine.checkpoint());
  }

  snapshot(): MachineSnapshot {
    // Input that was held for a page which has come is taken first: nobody gives it to this state again.
    if (this.#waitsForPage && this.#absentCount === 0) this.run(this.instant);
    return new MachineSnapshot(this.machine, this.machine.checkpoint());
  }

  restore(snapshot: MachineSnapshot, counts: Counts): void {
    this.#replace(snapshot.checkpoint, counts, false);
  }

  adopt({ instant: at, state, pages, base, digest }: ForeignState, counts: Counts, absent?: AbsentHashes): boolean {
    const [instant, before] = [instantOf(at), (base as MachineSnapshot).checkpoint];
    let parts: CheckpointParts;
    const arrived = new Map<number, Uint8Array>();
    if (absent === undefined) {
      parts = { instant, state, pages: [...pages].map(([page, bytes]) => ({ page, bytes })) };
    } else {
      const numbers = new Uint32Array(before.pages.pageCount);
      for (const [from, to] of runsOf(absent.marks)) numbers.fill(PLACE.sources, from, to);
      for (const page of pages.keys()) numbers[page] = PLACE.none;
      const sources = [{ read: (page: number) => arrived.get(page), work: "remote-fetch" as const }];
      const places = { numbers, sources, hashes: absent.hashes };
      parts = { instant, state, pages: [], absent: { places, initial: before.pages, digest: undefined } };
    }
    const checkpoint = this.machine.importCheckpoint(parts, before);
    this.#replace(checkpoint, counts, true);
    this.#skewDue = this.#skew.ticks > 0;
    this.#absent = absent?.marks ?? NO_PAGES;
    this.#absentCount = absent?.count ?? 0;
    this.#hashes = absent?.hashes;
    this.#arrived = arrived;
    return this.machine.digest(checkpoint) === digest;
  }

  provide(page: number, bytes: Uint8Array | undefined): boolean {
    const { absentPages } = this.machine;
    if ((this.#absent[page] ?? 0) === 0) return true;
    if (bytes === undefined || absentPages === undefined) return false;
    if (absentPages.hashOf(bytes) !== this.#hashes?.[page]) return false;
    this.#absent[page] = 0;
    this.#absentCount--;
    // Of a message that holds little else, and is nobody else's.
    this.#arrived.set(page, bytes);
    absentPages.bring(page);
    return true;
  }

  withhold(marks: Uint8Array): boolean {
    if (!this.toleratesAbsentPages) return false;
    this.machine.absentPages!.withhold(marks);
    return true;
  }

  release(page: number): void {
    this.machine.absentPages?.bringNow(page);
  }

  #replace(checkpoint: Checkpoint, counts: Counts, isForeign: boolean): void {
    if (this.#host === undefined) this.machine.restore(checkpoint);
    else this.#host.replace(checkpoint, counts, isForeign);
    this.#counts = [...counts];
    this.#queue = [];
    this.#scheduled = [];
    this.#happenings = [];
    this.#printed = [];
    this.#stop = undefined;
    this.#absent = NO_PAGES;
    this.#absentCount = 0;
    this.#waitsForPage = false;
    this.#closedAt = this.machine.instant;
  }

  #take(instant: Instant): MachineEvent | undefined {
    const event = this.#takeNotice(instant) ?? this.#next(instant);
    this.#isGiven = event !== undefined;
    if (event !== undefined) return event;
    this.#closedAt = instant;
    return this.#takeFault(instant);
  }

  /** Behind what has been decided at this instant, and before its next step. */
  #takeNotice(instant: Instant): MachineEvent | undefined {
    const first = this.#scheduled[0];
    if (this.#skewDue || first?.instant !== instant || first.input.event.kind !== "page-not-ready") return undefined;
    this.#isGiven = true;
    return this.#deliver(instant, this.#scheduled.shift()!.input);
  }

  #next(instant: Instant): MachineEvent | undefined {
    if (this.#skewDue) {
      this.#skewDue = false;
      return { kind: "idle-jump", instant, ticks: this.#skew.ticks };
    }
    if (!this.#isOpen(instant)) return undefined;
    if (this.#scheduled[0]?.instant === instant) return this.#deliver(instant, this.#scheduled.shift()!.input);
    if (this.#queue.length === 0 || !this.#isInPlace(this.#queue[0].place)) return undefined;
    return this.#deliver(instant, this.#queue.shift()!.input);
  }

  /** A fault comes behind everything else of its instant, as an edit by the user does. */
  #takeFault(instant: Instant): MachineEvent | undefined {
    while (this.#faults.length > 0 && this.#faults[0].instant <= instant) {
      const edit = this.#faults.shift()!.edit(this.machine);
      if (edit !== undefined) return { kind: "edit", instant, edit };
    }
    return undefined;
  }

  #deliver(instant: Instant, input: ReplicaInput): MachineEvent {
    this.#flushPrinted();
    this.#happenings.push({ kind: "input", instant, input });
    return { ...input.event, instant };
  }

  #horizon(instant: number): number {
    if (this.#skewDue) return instant + 1;
    let horizon = this.#faults.length > 0 ? Math.max(this.#faults[0].instant, instant + 1) : Number.POSITIVE_INFINITY;
    const due = this.#scheduled[0]?.instant ?? -1;
    if (due > instant) horizon = Math.min(horizon, due);
    const next = this.#queue[0];
    return next !== undefined && this.#isInPlace(next.place) ? Math.min(horizon, instant + 1) : horizon;
  }

  /** Which interrupts are taken here is still open: input takes effect before. */
  #isOpen(instant: number): boolean {
    return this.#closedAt !== instant || this.#isWaiting();
  }

  #isInPlace(place: Counts | undefined): boolean {
    return place === undefined || hasReached(this.#counts, place);
  }

  #isWaiting(): boolean {
    return this.machine.harts.every(({ waiting }) => waiting);
  }

  #outlet(): Outlet {
    const replica = this;
    return {
      consoleOutput: (instant, byte) => this.#print(instant, byte),
      networkOutput: (instant, frame) => {
        this.#flushPrinted();
        const said = { number: this.#counts[NETWORK]++, instant, lastInstant: instant };
        this.#say({ device: NETWORK, ...said, bytes: frame.slice() });
      },
      get isAnswered() {
        return replica.#queue.length > 0;
      },
    };
  }

  #print(instant: number, byte: number): void {
    if (this.#printed.length === 0) this.#printedAt = instant;
    this.#printedLast = instant;
    this.#printed.push(byte);
    this.#counts[CONSOLE]++;
    if (this.#printed.length >= MOST_RUN_BYTES) this.#flushPrinted();
  }

  #flushPrinted(): void {
    if (this.#printed.length === 0) return;
    const bytes = Uint8Array.from(this.#printed);
    this.#printed = [];
    const number = this.#counts[CONSOLE] - bytes.length;
    this.#say({ device: CONSOLE, number, instant: this.#printedAt, lastInstant: this.#printedLast, bytes });
  }

  #say(run: OutputRun): void {
    this.#happenings.push({ kind: "output", run });
  }

  /** How a guest ends is said as well: a partner that ends otherwise differs in what it says. */
  #end(stop: MachineStop): void {
    this.#stop = stop;
    this.#flushPrinted();
    const text = JSON.stringify(stop, (_, value) => (typeof value === "bigint" ? `0x${value.toString(16)}` : value));
    // The step that wrote the finisher has been taken; the one that traps never is.
    const instant = stop.kind === "finished" ? Math.max(0, this.instant - 1) : this.instant;
    const said = { number: this.#counts[END]++, instant, lastInstant: instant };
    this.#say({ device: END, ...said, bytes: new TextEncoder().encode(text) });
  }
}

export class MachineSnapshot implements Snapshot {
  readonly #machine: MachineLike;
  readonly checkpoint: Checkpoint;

  constructor(machine: MachineLike, checkpoint: Checkpoint) {
    this.#machine = machine;
    this.checkpoint = checkpoint;
  }

  get instant(): number {
    return this.checkpoint.instant;
  }

  get state(): Uint8Array {
    return this.checkpoint.state;
  }

  get pageCount(): number {
    return this.checkpoint.pages.pageCount;
  }

  get digest(): string {
    return this.#machine.digest(this.checkpoint);
  }

  hashOf(page: number): bigint | undefined {
    return this.checkpoint.pages.get(page)?.hash;
  }

  bytesOf(page: number): Uint8Array | undefined {
    return this.checkpoint.pages.get(page)?.bytes;
  }

  isEmpty(first: number, count: number): boolean {
    return this.checkpoint.pages.isEmpty?.(first, count) === true;
  }

  isAbsent(page: number): boolean {
    const version = this.checkpoint.pages.get(page);
    return version instanceof AbsentVersion && !version.isHere;
  }
}
