import { assert, unreachable } from "../base/assert.ts";
import type { Instant, PhysicalAddress, VirtualAddress } from "../base/brand.ts";
import { AddressTranslation, type ContextChange } from "../cpu/address-translation.ts";
import { DataAccess } from "../cpu/data-access.ts";
import { type CodeObserver, DecodedPages } from "../cpu/decoded-pages.ts";
import { Dependents } from "../cpu/dependents.ts";
import { type EngineParts, MAX_SLICE_STEPS } from "../cpu/engine.ts";
import type { CacheGroupReport } from "../cpu/group-counters.ts";
import type { Exception, Hart, Turn } from "../cpu/hart.ts";
import { functionTable } from "../cpu/interpreter.ts";
import type { MakeCompiler } from "../cpu/region-compiler.ts";
import { Reservations } from "../cpu/reservations.ts";
import { takeException, takeInterrupt } from "../cpu/trap.ts";
import type { WriteTrace } from "../cpu/write-trace.ts";
import { parseInstructionSet } from "../isa/instruction-set.ts";
import { replayHint } from "../isa/replay-hints.ts";
import { ABSENT_PAGE_CAUSE, HART_NUMBER, PAGE_BYTES } from "../memory/layout.ts";
import { PhysicalMemory } from "../memory/physical-memory.ts";
import { Board } from "./board.ts";
import { boardOutputs } from "./board-outputs.ts";
import { checkConfiguration } from "./check-configuration.ts";
import { Clock } from "./clock.ts";
import type { CacheGroupChoice, EngineChoice, MachineConfiguration } from "./configuration.ts";
import { BoardMemory } from "./device-memory.ts";
import { type DiskImage, Disks } from "./disks.ts";
import { type Engines, makeEngines } from "./engines.ts";
import { canHandle } from "./handler-check.ts";
import { editHart } from "./hart-edit.ts";
import { type HartSurroundings, Harts } from "./harts.ts";
import { DROPPING_OUTLET, type Edit, type Inlet, type MachineEvent, type Outlet, SILENT_INLET } from "./inlet.ts";
import { MachineIsolation } from "./isolation.ts";
import { Lookout } from "./lookout.ts";
import type {
  AbsentPages,
  Checkpoint,
  CheckpointParts,
  Departing,
  Digest,
  HartView,
  Image,
  MachineLike,
  RunOptions,
  Translation,
  WrittenPages,
} from "./machine-interface.ts";
import { RAM_BASE } from "./memory-map.ts";
import { Onlooker } from "./onlooker.ts";
import { OutsideWrites } from "./outside-writes.ts";
import { PageNotices } from "./page-notices.ts";
import { digestOf } from "./pages.ts";
import { RamBytes } from "./ram-bytes.ts";
import { editMemory, placeSegments } from "./ram-edit.ts";
import { observeRam } from "./ram-observer.ts";
import { RamVersions } from "./ram-versions.ts";
import type { Residency, ResidencyCounters } from "./residency.ts";
import { decodeState, encodeState } from "./state-codec.ts";
import type { MachineStop, StopConditions } from "./stop.ts";
import { Timers } from "./timers.ts";
import { uninitialisedMemory } from "./uninitialised-memory.ts";
import { WalkJournal } from "./walk-journal.ts";

/**
 * The emulated board (MachineLike says what it promises). `run` owns the switch on stop reasons; what it calls computes.
 */
export class Machine implements MachineLike {
  readonly configuration: MachineConfiguration;
  inlet: Inlet = SILENT_INLET;
  outlet: Outlet = DROPPING_OUTLET;
  readonly #memory: PhysicalMemory;
  readonly #harts: Harts;
  readonly #translation: AddressTranslation;
  readonly #reservations: Reservations;
  readonly #dependents: Dependents;
  readonly #data: DataAccess;
  readonly #decoded: DecodedPages;
  readonly #lookout: Lookout;
  readonly #onlooker: Onlooker;
  readonly #ram: RamBytes;
  readonly #devices: BoardMemory;
  readonly #board: Board;
  readonly #versions: RamVersions;
  readonly #engines: Engines;
  readonly harts: readonly HartView[];

  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #turn: Turn;
  #attention = false;
  /** Interrupts that are due at this instant have been taken. */
  #settled = false;
  /** What was taken from the inlet and needs an absent page. */
  #held: MachineEvent | undefined;
  #heldFor = -1;
  /** A page was lacking that there is room for now. */
  #hasAdmitted = false;
  readonly #journal: WalkJournal;
  readonly absentPages: AbsentPages;
  readonly asyncPages: PageNotices;
  readonly isolation: MachineIsolation;
  readonly writtenPages: WrittenPages;
  readonly registerWrites: WriteTrace;
  readonly outsideWrites = new OutsideWrites();

  /**
   * `diskImages`: the images of the configuration's disks. `compiler` makes hot code into WebAssembly elsewhere. `residency`: how many
   * pages of RAM are kept; absent: all.
   */
  constructor(
    configuration: MachineConfiguration,
    engine: EngineChoice = "auto",
    diskImages: readonly DiskImage[] = [],
    cacheGroup: CacheGroupChoice = "on",
    compiler?: MakeCompiler,
    residency?: Residency,
  ) {
    checkConfiguration(configuration);
    const isa = parseInstructionSet(configuration.isa, configuration.modes);
    this.configuration = configuration;
    const memory = new PhysicalMemory(RAM_BASE, configuration.memoryBytes, residency?.frames);
    this.#memory = memory;
    this.#clock = new Clock(memory);
    const disks = new Disks(configuration.disks, diskImages, memory.layout.ramPages);
    this.#ram = new RamBytes({ memory, versions: () => this.#versions, dependents: () => this.#dependents });
    this.#devices = new BoardMemory({
      ...{ memory, bytes: this.#ram, clock: this.#clock, disks, outsideWrites: this.outsideWrites },
      others: () => ({ board: this.#board, data: this.#data }),
    });
    this.#board = new Board(
      configuration,
      disks.stores,
      {
        time: () => this.#clock.time,
        setTime: (ticks) => {
          this.#clock.time = ticks;
        },
        attention: () => {
          this.#attention = true;
          this.#timers.changed();
        },
        memory: this.#devices,
      },
      boardOutputs({
        ...{ devices: () => this.#devices, clock: this.#clock, outlet: () => this.outlet },
        attention: () => {
          this.#attention = true;
        },
      }),
    );
    const surroundings: HartSurroundings = {
      time: () => this.#clock.time,
      interruptLines: (hart) => this.#board.interruptLines(hart),
      stepsOfSlice: () => this.#clock.stepInstant - this.#clock.instant,
      turnChanged: () => {
        this.#reservations.turnOf(this.#turn.hart);
        this.#contextChanged();
      },
    };
    this.#harts = new Harts(configuration.harts, memory, isa, surroundings, configuration.variation?.turnSteps);
    this.#turn = this.#harts.turn;
    this.#timers = new Timers(this.#clock, this.#harts, this.#board, configuration.clock === "virtual");
    this.#translation = new AddressTranslation(memory, () => this.#engines.exports, {
      updated: (entry, before) => {
        this.#journal.note(this.#clock.stepInstant, entry, before);
        this.#dependents.written(entry, 8);
        this.outsideWrites.note("walk", memory.addressOf(entry), 8, this.#clock.stepInstant);
      },
      // The store has taken away the page that is being executed: the next instruction must be fetched anew.
      remapped: () => {
        if (!this.#translation.executes(this.#turn.hart.pc)) this.#attention = true;
      },
      choice: cacheGroup,
    });
    const { group } = this.#translation;
    const table = functionTable();
    this.#lookout = new Lookout(
      memory,
      table,
      this.#turn,
      (address) => this.#engines.translator?.checkOutdated(address),
      () => ({
        decoded: this.#decoded,
        data: this.#data,
        executedAt: (page) => this.#executedAt(page),
        flushTranslations: () => group.flushAll(),
      }),
    );
    const observer: CodeObserver = {
      becameCode: (page) => group.withholdWrites(page),
      translations: () => this.#engines.translator,
      cleared: () => {
        this.#engines.translator?.dropAll();
        group.flushAll();
      },
    };
    this.#decoded = new DecodedPages(memory, isa, observer, this.#lookout.slots);
    const harts = this.#harts.all.map(({ hart }) => hart);
    this.#reservations = new Reservations(memory, group, harts);
    this.#dependents = new Dependents(memory, this.#decoded, this.#translation, this.#reservations);
    this.#journal = new WalkJournal(memory, harts, this.#dependents);
    const { bus } = this.#board;
    const attempt = (work: () => boolean) => this.#devices.attempt(work);
    this.#data = new DataAccess({
      turn: this.#turn,
      memory,
      translation: this.#translation,
      dependents: this.#dependents,
      bus: {
        load: (address, size) => bus.load(address, size),
        accepts: (address, size) => bus.accepts(address, size),
        store: (address, size, value) => bus.store(address, size, value, attempt),
      },
    });
    const parts: EngineParts = {
      turn: this.#turn,
      memory,
      decoded: this.#decoded,
      translation: this.#translation,
      data: this.#data,
      isa,
      takeAttention: () => this.#takeAttention(),
      contextChanged: (how) => this.#contextChanged(how),
      timersChanged: () => this.#timers.changed(),
      endTurn: () => this.#harts.endTurn(),
    };
    const stopping = {
      stopAt: (pc: bigint, left: number) =>
        (!this.isolation.active && this.#lookout.stopAt(pc, left)) || this.#isStoppingHint(pc),
    };
    this.#engines = makeEngines(engine, {
      ...{ parts, table, harts: configuration.harts, compiler },
      ...{ breakpoints: () => stopping, instant: () => this.instant },
    });
    this.registerWrites = this.#engines.trace;
    const ramObserver = observeRam({
      ...{ turn: this.#turn, decoded: this.#decoded, translation: this.#translation, dependents: this.#dependents },
      ...{ reservations: this.#reservations, instant: () => this.instant },
      isKept: (page) => this.#board.asyncPages.hasAreaOn(RAM_BASE + page * PAGE_BYTES, PAGE_BYTES),
    });
    this.#versions = new RamVersions(memory, this.#engines.exports, ramObserver, disks, residency?.store);
    this.#onlooker = new Onlooker(memory, (hart) => this.#harts.all[hart].csrs.translationState());
    this.writtenPages = this.#versions;
    this.absentPages = this.#versions;
    this.asyncPages = new PageNotices({
      ...{ harts: this.#harts.all, turn: this.#turn, device: this.#board.asyncPages },
      ...{ devices: this.#devices, translation: this.#translation },
      told: ({ hart }, address) => {
        if (hart === this.#turn.hart) this.#contextChanged();
        this.#lookout.told(hart.id, address);
        this.#traceTrap(hart, true);
      },
    });
    this.harts = this.#harts.views();
    this.isolation = new MachineIsolation({
      bus: this.#board.bus,
      decoded: this.#decoded,
      versions: this.#versions,
      memory,
    });
    this.#harts.reset();
    const memorySeed = configuration.variation?.memorySeed;
    if (memorySeed !== undefined) this.load(uninitialisedMemory(configuration.memoryBytes, memorySeed));
  }

  get instant(): Instant {
    return this.#clock.instant;
  }

  get currentHart(): number {
    return this.#turn.hart.id;
  }

  get time(): bigint {
    return this.#clock.time;
  }

  /** Places a program in memory and points the harts at it. A hart finds its number in a0, as firmware hands it over. */
  load(image: Image): void {
    placeSegments(image, this.configuration.memoryBytes, this.#ram, this.#versions);
    for (const { hart } of this.#harts.all) {
      // Bit 0 of an address to jump to is always dropped.
      hart.pc = image.entry & ~1n;
      hart.setRegister(REGISTER_A0, BigInt(hart.id));
      hart.setRegister(REGISTER_A1, image.argument ?? 0n);
      hart.setRegister(REGISTER_A2, image.information ?? 0n);
    }
  }

  setStops(stops: StopConditions): void {
    this.isolation.outside(stops);
    this.#lookout.set(stops);
  }

  run(until: Instant, options: RunOptions): MachineStop {
    this.#lookout.slots.begin(this.instant, this.isolation.active);
    try {
      return this.#runSlices(until, options);
    } finally {
      this.#lookout.slots.end();
    }
  }

  #runSlices(until: Instant, options: RunOptions): MachineStop {
    const start = this.instant;
    for (;;) {
      const interrupted = this.#settle();
      const taken = this.#lookout.takeArrival();
      if (taken !== undefined) return taken;
      if (this.#held !== undefined) {
        const absent = this.#absent(this.#heldFor);
        if (absent !== undefined) return absent;
        continue;
      }
      const { finished } = this.#board.finisher;
      if (finished !== undefined) return { kind: "finished", ...finished };
      if (this.instant >= until) return { kind: "reached" };
      if (this.#turn.hart.waiting) return this.#waiting();
      options.beforeDeparture?.(this.instant);
      // An interrupt taken here has led to another state than the one that the user resumes from.
      const departing = this.instant === start && !interrupted ? options.departing : false;
      const at = this.instant;
      let stop: MachineStop | undefined;
      do {
        this.#hasAdmitted = false;
        stop = this.#slice(until, departing);
        // Where no step has been taken, this instant has been departed from already.
      } while (this.#hasAdmitted && this.instant === at);
      if (stop !== undefined) return stop;
    }
  }

  checkpoint(): Checkpoint {
    return { instant: this.instant, state: this.#encodeState(), pages: this.#versions.save() };
  }

  restore(checkpoint: Checkpoint, mostCopied?: number): void {
    const state = decodeState(checkpoint.state);
    assert(state.instant === checkpoint.instant, "a checkpoint of another instant than it says");
    this.#clock.restore(state.instant, state.tickOffset);
    this.#timers.changed();
    this.#harts.restore(state.harts, state.turn, state.turnLeft);
    this.#board.restore(state.devices);
    this.#versions.restore(checkpoint.pages, mostCopied);
    this.#data.watched = [];
    this.#lookout.forget();
    this.#attention = false;
    this.#settled = true;
    this.#held = undefined;
    this.#ram.forget();
  }

  importCheckpoint(parts: CheckpointParts, base: Checkpoint | undefined): Checkpoint {
    return { instant: parts.instant, state: parts.state, pages: this.#versions.import(parts, base?.pages) };
  }

  digest(checkpoint?: Checkpoint): Digest {
    const state = this.#versions.hash(checkpoint?.state ?? this.#encodeState());
    return digestOf(this.#versions.sums(checkpoint?.pages), state);
  }

  peek(address: VirtualAddress, length: number, hart = this.currentHart): (number | undefined)[] {
    return this.#onlooker.peek(address, length, hart);
  }

  peekPhysical(address: PhysicalAddress, length: number): (number | undefined)[] {
    return this.#onlooker.peekPhysical(address, length);
  }

  readPhysical(address: PhysicalAddress, size: 1 | 2 | 4 | 8): bigint | undefined {
    return this.#onlooker.readPhysical(address, size);
  }

  translate(address: VirtualAddress, hart = this.currentHart): Translation {
    return this.#onlooker.translate(address, hart);
  }

  translateIn(satp: bigint, address: VirtualAddress): Translation {
    return this.#onlooker.translateIn(satp, address);
  }

  get residency(): ResidencyCounters | undefined {
    return this.#versions.counters;
  }

  get cacheGroup(): CacheGroupReport {
    return this.#translation.report();
  }

  describeDevices(): { name: string; address: number; state: Record<string, number | string> }[] {
    return this.#board.describe();
  }

  /** One slice of the engine, up to the next thing that may happen by itself. Undefined: nothing to stop for. */
  #slice(until: number, departing: Departing): MachineStop | undefined {
    const isolated = this.isolation.active;
    const deadline = isolated ? Number.POSITIVE_INFINITY : this.#timers.deadline;
    const horizon = Math.min(until, this.inlet.horizon(this.instant), deadline);
    assert(horizon > this.instant, "an event for this instant was not delivered");
    // What is due here was made so by an edit: it is taken behind the next step, however long the slice was to be.
    const most = isolated || this.#turn.csrs.dueInterrupts() === undefined ? MAX_SLICE_STEPS : 1;
    const steps = Math.min(horizon - this.instant, isolated ? most : this.#harts.left, most);
    this.#clock.beginSlice(steps);
    this.#memory.view.setInt32(HART_NUMBER, this.#turn.hart.id, true);
    const stop = this.#engines.engine.run(steps, departing !== false);
    this.#clock.endSlice();
    this.#taken(stop.executed);
    switch (stop.kind) {
      case "paused":
        return this.#takeWatchHits();
      case "breakpoint":
        return { kind: "breakpoint", hart: this.#turn.hart.id, pc: this.#turn.hart.pc };
      case "exception":
        return this.#exception(stop.exception, departing === true && stop.executed === 0);
      default:
        return unreachable(stop, "engine stop");
    }
  }

  /**
   * Interrupts are taken between steps: behind input and idle jumps, before the user's edits. Events are in their order:
   * what a waiting guest gets after an edit finds it done. True when an interrupt was taken.
   */
  #settle(): boolean {
    let interrupted = false;
    for (;;) {
      const event = this.#held ?? this.inlet.take(this.instant);
      this.#held = undefined;
      if (event !== undefined && event.kind !== "edit" && event.kind !== "page-not-ready") {
        const outcome = this.#devices.attempt(() => this.#apply(event), event.kind === "page-ready");
        if (outcome === undefined) continue;
        this.#hold(event, Number(outcome.tval));
        return interrupted;
      }
      if (!this.#settled && !this.isolation.active) {
        this.#board.timePassed();
        this.#harts.passTurn();
        if (takeInterrupt(this.#turn.hart, this.#turn.csrs)) {
          this.#contextChanged();
          this.#lookout.interrupted();
          interrupted = true;
          this.#traceTrap(this.#turn.hart, true);
        }
      }
      this.#settled = true;
      if (event !== undefined) {
        const lacking = event.kind === "edit" ? this.#edit(event.edit) : this.asyncPages.deliver(event);
        interrupted ||= event.kind === "page-not-ready";
        if (lacking < 0) continue;
        this.#hold(event, lacking);
        return interrupted;
      } else if (!this.#passIdleTime()) return interrupted;
    }
  }

  /** The event is taken again when the machine is next asked to run. */
  #hold(event: MachineEvent, page: number): void {
    this.#held = event;
    this.#heldFor = page;
  }

  #apply(event: Exclude<MachineEvent, { kind: "edit" | "page-not-ready" }>): void {
    assert(event.instant === this.instant, "an event of another instant");
    this.#settled = false;
    if (event.kind === "console-input") this.#board.receive(event.bytes);
    else if (event.kind === "network-input") this.#board.receiveFrame(event.frame);
    else if (event.kind === "page-ready") this.#board.asyncPages.ready(event.token);
    else this.#clock.idle(BigInt(event.ticks));
    this.#timers.changed();
  }

  /** The page that is absent and that it needs, or -1. */
  #edit(edit: Edit): number {
    this.#timers.changed();
    if (edit.target === "memory") {
      const lacking = editMemory(edit, this.#memory, this.#ram);
      if (lacking === undefined) this.outsideWrites.note("edit", edit.address, edit.bytes.length, this.instant);
      return lacking ?? -1;
    }
    const core = this.#harts.all[edit.hart];
    if (core === undefined) return -1;
    editHart(core, edit);
    if (edit.target === "csr" && core.hart === this.#turn.hart) this.#contextChanged();
    if (!this.isolation.active) this.#harts.passTurn();
    return -1;
  }

  /** A virtual clock jumps to the timer interrupt that a waiting hart waits for. True when it did. */
  #passIdleTime(): boolean {
    if (!this.#turn.hart.waiting || this.isolation.active || this.configuration.clock === "paced") return false;
    const ticks = this.#timers.ticksToWake;
    if (ticks === undefined) return false;
    this.#clock.idle(ticks);
    this.#timers.changed();
    this.#settled = false;
    return true;
  }

  #waiting(): MachineStop {
    const ticks = this.#timers.ticksToWake;
    return ticks === undefined ? { kind: "waiting" } : { kind: "waiting", ticks: Number(ticks) };
  }

  #exception(exception: Exception, departing: boolean): MachineStop | undefined {
    const { hart, csrs } = this.#turn;
    if (exception.cause === ABSENT_PAGE_CAUSE) {
      const telling = this.isolation.active ? {} : this.asyncPages.notice();
      const stop = this.#absent(Number(exception.tval));
      return stop && { ...stop, ...telling };
    }
    if (this.isolation.active || (!departing && this.#lookout.isForException(exception.cause))) {
      return { kind: "exception", hart: hart.id, ...exception };
    }
    const handled = canHandle(this.#turn, { translation: this.#translation, memory: this.#memory }, exception.cause);
    if (typeof handled === "object") return this.#absent(Number(handled.tval));
    if (!handled) return { kind: "unhandled-trap", hart: hart.id, ...exception };
    takeException(hart, csrs, exception);
    this.#contextChanged();
    this.#traceTrap(this.#turn.hart, false);
    this.#taken(1);
    return undefined;
  }

  /** The step is not taken. Undefined: the page was lacking only because it had no frame. */
  #absent(page: number): Extract<MachineStop, { kind: "absent" }> | undefined {
    this.#journal.undo(this.instant);
    this.#hasAdmitted = this.#versions.admit(page);
    if (this.#hasAdmitted) return undefined;
    const failure = this.#versions.failureOf(page);
    if (failure !== undefined) throw failure;
    return { kind: "absent", page };
  }

  #traceTrap({ id, privilege }: Hart, isInterrupt: boolean): void {
    if (this.registerWrites.tracing !== undefined) this.registerWrites.trap(id, privilege, this.instant, isInterrupt);
  }

  /** Steps were taken by the hart that has its turn. */
  #taken(steps: number): void {
    if (steps === 0) return;
    this.#settled = false;
    this.#clock.taken(steps);
    this.#harts.taken(steps);
  }

  #contextChanged(how?: ContextChange): void {
    if (how !== undefined) this.#translation.changed(how);
    if (how === "fence") return;
    this.#translation.select(this.#turn.csrs.translationState());
  }

  /** Watched accesses of the step just taken. */
  #takeWatchHits(): MachineStop | undefined {
    const hits = this.#lookout.takeWatchHits((this.instant - 1) as Instant);
    if (hits === undefined) return undefined;
    if (this.isolation.active) return undefined;
    this.#settle();
    return { kind: "watch", hits };
  }

  #takeAttention(): boolean {
    const wanted = this.#attention || this.#data.watched.length > 0;
    this.#attention = false;
    return wanted;
  }

  #encodeState(): Uint8Array {
    return encodeState({
      instant: this.instant,
      tickOffset: this.#clock.tickOffset,
      ...this.#harts.turnState,
      harts: this.#harts.all.map(({ hart }) => hart.state),
      devices: this.#board.save(),
    });
  }

  #isStoppingHint(pc: bigint): boolean {
    if (!this.isolation.hintsStop) return false;
    const fetched = this.#engines.oracle.fetch(pc);
    return "word" in fetched && replayHint(fetched.word) !== undefined;
  }

  /** Frames that some context executes at a virtual page now. */
  #executedAt(virtualPage: bigint): Iterable<number> {
    return this.#translation.executedAt(virtualPage).map((decodedPage) => this.#decoded.frameOf(decodedPage));
  }
}

const [REGISTER_A0, REGISTER_A1, REGISTER_A2] = [10, 11, 12];
