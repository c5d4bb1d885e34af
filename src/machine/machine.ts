import { assert, unreachable } from "../base/assert.ts";
import type { Instant, PhysicalAddress, VirtualAddress } from "../base/brand.ts";
import { CsrFile } from "../cpu/csr-file.ts";
import { DataAccess } from "../cpu/data-access.ts";
import { DecodedPages } from "../cpu/decoded-pages.ts";
import { type Engine, type EngineParts, MAX_SLICE_STEPS } from "../cpu/engine.ts";
import { type Exception, Hart } from "../cpu/hart.ts";
import { Interpreter, instantiateInterpreter } from "../cpu/interpreter.ts";
import type { InterpreterExports } from "../cpu/interpreter-module.ts";
import { Oracle } from "../cpu/oracle.ts";
import { exceptionVector, takeException, takeInterrupt } from "../cpu/trap.ts";
import { BUDGET, MAX_RAM_BYTES, MAX_WATCHES, PAGE_BYTES } from "../memory/layout.ts";
import { PhysicalMemory } from "../memory/physical-memory.ts";
import { Board } from "./board.ts";
import type { EngineChoice, MachineConfiguration } from "./configuration.ts";
import { errors } from "./errors.ts";
import { DROPPING_OUTLET, type Edit, type Inlet, type MachineEvent, type Outlet, SILENT_INLET } from "./inlet.ts";
import type {
  Checkpoint,
  CheckpointParts,
  Digest,
  HartView,
  Image,
  MachineLike,
  RunOptions,
  Translation,
} from "./machine-interface.ts";
import { RAM_BASE, STEPS_PER_TICK } from "./memory-map.ts";
import { mix } from "./pages.ts";
import { RamVersions } from "./ram-versions.ts";
import { decodeState, encodeState } from "./state-codec.ts";
import { type MachineStop, NO_STOPS, type StopConditions, type WatchHit } from "./stop.ts";

/** The only instruction set that this version's hart has. */
export const SUPPORTED_ISA = "rv64imac_zicsr_zifencei";

/**
 * The emulated board (MachineLike says what it promises). `run` owns the switch on stop reasons; what it calls computes.
 */
export class Machine implements MachineLike {
  readonly configuration: MachineConfiguration;
  inlet: Inlet = SILENT_INLET;
  outlet: Outlet = DROPPING_OUTLET;
  readonly #memory: PhysicalMemory;
  readonly #hart: Hart;
  readonly #csrs: CsrFile;
  readonly #data: DataAccess;
  readonly #decoded: DecodedPages;
  readonly #board: Board;
  readonly #versions: RamVersions;
  readonly #engine: Engine;
  readonly #exports: InterpreterExports;
  readonly harts: readonly HartView[];

  #instant = 0;
  #tickOffset = 0n;
  /** While an engine runs: the instant at which its budget is used up. */
  #sliceEnd: number | undefined;
  #attention = false;
  /** Interrupts that are due at this instant have been taken. */
  #settled = false;
  #stops: StopConditions = NO_STOPS;
  #breakpoints: ReadonlySet<bigint> = new Set();

  constructor(configuration: MachineConfiguration, engine: EngineChoice = "auto") {
    checkConfiguration(configuration);
    this.configuration = configuration;
    const memory = new PhysicalMemory(RAM_BASE, configuration.memoryBytes);
    this.#memory = memory;
    this.#board = new Board(
      configuration.harts,
      {
        time: () => this.time,
        setTime: (ticks) => this.#setTime(ticks),
        attention: () => {
          this.#attention = true;
        },
        memory: {
          read: (address, length) => this.#deviceRead(address, length),
          write: (address, bytes) => this.#deviceWrite(address, bytes),
        },
      },
      (byte) => this.outlet.consoleOutput(this.#stepInstant() as Instant, byte),
    );
    this.#hart = new Hart(0, memory);
    this.#csrs = new CsrFile(this.#hart, {
      steps: () => BigInt(this.#stepInstant()),
      time: () => this.time,
      interruptLines: () => this.#board.interruptLines(0),
    });
    this.#decoded = new DecodedPages(memory, () => this.#exports.flushTags());
    this.#data = new DataAccess(this.#hart, memory, this.#decoded, this.#board.bus);
    const parts: EngineParts = {
      hart: this.#hart,
      csrs: this.#csrs,
      memory,
      decoded: this.#decoded,
      data: this.#data,
      takeAttention: () => this.#takeAttention(),
    };
    this.#exports = instantiateInterpreter(() => parts, memory);
    const oracle = new Oracle(parts, () => this.#breakpoints);
    this.#engine = engine === "oracle" ? oracle : new Interpreter(parts, oracle, this.#exports);
    this.#versions = new RamVersions(memory, this.#exports, this.#decoded);
    this.harts = [this.#hartView(this.#hart)];
    this.#hart.clear();
    this.#csrs.reset();
    this.#exports.flushTags();
  }

  get instant(): Instant {
    return this.#instant as Instant;
  }

  /** mtime follows from the instant, never from the host. */
  get time(): bigint {
    return BigInt.asUintN(64, BigInt(Math.floor(this.#stepInstant() / STEPS_PER_TICK)) + this.#tickOffset);
  }

  /** Places a program in memory and points the hart at it. The hart id is in a0, as firmware hands it over. */
  load(image: Image): void {
    for (const { physicalAddress, bytes, memoryBytes } of image.segments) {
      const offset = physicalAddress - RAM_BASE;
      if (offset < 0 || offset + memoryBytes > this.configuration.memoryBytes) {
        const ramLast = RAM_BASE + this.configuration.memoryBytes - 1;
        throw errors.imageOutsideMemory(physicalAddress, physicalAddress + memoryBytes - 1, RAM_BASE, ramLast);
      }
      if (memoryBytes === 0) continue;
      this.#memory.ram.set(bytes, offset);
      this.#memory.ram.fill(0, offset + bytes.length, offset + memoryBytes);
      this.#memory.markDirty(offset, memoryBytes);
      this.#decoded.overwritten(offset, memoryBytes);
    }
    // Bit 0 of an address to jump to is always dropped.
    this.#hart.pc = image.entry & ~1n;
    this.#hart.setRegister(REGISTER_A0, BigInt(this.#hart.id));
    this.#hart.setRegister(REGISTER_A1, image.argument ?? 0n);
    this.#hart.setRegister(REGISTER_A2, image.information ?? 0n);
  }

  /** Cheap when only breakpoints change: searches do so at every hit that they pass over. */
  setStops(stops: StopConditions): void {
    assert(stops.watches.length <= MAX_WATCHES, `more than ${MAX_WATCHES} watches`);
    const old = this.#stops;
    this.#stops = stops;
    if (stops.breakpoints !== old.breakpoints) {
      // No instruction begins at an odd address, or outside RAM.
      const isPossible = (address: bigint) => (address & 1n) === 0n && this.#memory.ramOffset(address, 2) >= 0;
      this.#breakpoints = new Set(stops.breakpoints.filter(isPossible));
      this.#decoded.setBreakpoints(
        new Set([...this.#breakpoints].map((address) => this.#memory.ramOffset(address, 2))),
      );
    }
    if (stops.watches === old.watches || (stops.watches.length === 0 && old.watches.length === 0)) return;
    this.#data.setWatches(
      stops.watches.map(({ address, length, access }) => ({
        first: address,
        last: BigInt.asUintN(64, address + BigInt(length - 1)),
        access,
      })),
    );
    this.#exports.flushTags();
  }

  run(until: Instant, options: RunOptions): MachineStop {
    const start = this.#instant;
    for (;;) {
      const interrupted = this.#settle();
      const { finished } = this.#board.finisher;
      if (finished !== undefined) return { kind: "finished", ...finished };
      if (this.#instant >= until) return { kind: "reached" };
      if (this.#hart.waiting) return this.#waiting();
      options.beforeDeparture?.(this.#instant as Instant);
      // An interrupt taken here has led to another state than the one that the user resumes from.
      const departing = options.departing && this.#instant === start && !interrupted;
      const stop = this.#slice(until, departing);
      if (stop !== undefined) return stop;
    }
  }

  checkpoint(): Checkpoint {
    return { instant: this.instant, state: this.#encodeState(), pages: this.#versions.save() };
  }

  restore(checkpoint: Checkpoint): void {
    const state = decodeState(checkpoint.state);
    assert(state.instant === checkpoint.instant, "a checkpoint of another instant than it says");
    this.#instant = state.instant;
    this.#tickOffset = state.tickOffset;
    this.#hart.restore(state.harts[0]);
    this.#board.restore(state.devices);
    this.#versions.restore(checkpoint.pages);
    this.#data.watched = [];
    this.#attention = false;
    this.#settled = true;
  }

  importCheckpoint(parts: CheckpointParts, base: Checkpoint | undefined): Checkpoint {
    return { instant: parts.instant, state: parts.state, pages: this.#versions.import(parts.pages, base?.pages) };
  }

  digest(): Digest {
    const state = this.#versions.hash(this.#encodeState());
    const [first, second] = this.#versions.sums();
    const high = mix(first ^ state);
    const low = mix(second + mix(state ^ high));
    return [high, low].map((half) => half.toString(16).padStart(16, "0")).join("");
  }

  peek(address: VirtualAddress, length: number): (number | undefined)[] {
    const offset = this.#memory.ramOffset(address, 1);
    return Array.from({ length }, (_, index) => {
      const at = offset >= 0 ? offset + index : this.#memory.ramOffset(address + BigInt(index), 1);
      return at >= 0 ? this.#memory.ram[at] : undefined;
    });
  }

  peekPhysical(address: PhysicalAddress, length: number): (number | undefined)[] {
    return Array.from({ length }, (_, index) => {
      const at = this.#memory.ramOffset(BigInt(address + index), 1);
      return at >= 0 ? this.#memory.ram[at] : undefined;
    });
  }

  translate(address: VirtualAddress): Translation {
    const physicalAddress = Number(address) as PhysicalAddress;
    return { scheme: "bare", entries: [], physicalAddress, pageBytes: 0, problem: undefined };
  }

  describeDevices(): { name: string; address: number; state: Record<string, number | string> }[] {
    return this.#board.devices.map((device) => ({
      name: device.name,
      address: device.base,
      state: Object.fromEntries(
        Object.entries(device.save()).map(([name, value]) => [
          name,
          typeof value === "object" ? value.join(" ") : value,
        ]),
      ),
    }));
  }

  /** One slice of the engine, up to the next thing that may happen by itself. Undefined: nothing to stop for. */
  #slice(until: number, departing: boolean): MachineStop | undefined {
    const horizon = Math.min(until, this.inlet.horizon(this.instant), this.#deadline());
    assert(horizon > this.#instant, "an event for this instant was not delivered");
    const steps = Math.min(horizon - this.#instant, MAX_SLICE_STEPS);
    this.#sliceEnd = this.#instant + steps;
    const stop = this.#engine.run(steps, departing);
    this.#sliceEnd = undefined;
    if (stop.executed > 0) this.#settled = false;
    this.#instant += stop.executed;
    switch (stop.kind) {
      case "paused":
        return this.#takeWatchHits();
      case "breakpoint":
        return { kind: "breakpoint", hart: this.#hart.id, pc: this.#hart.pc };
      case "exception":
        return this.#exception(stop.exception, departing && stop.executed === 0);
      default:
        return unreachable(stop, "engine stop");
    }
  }

  /**
   * Interrupts are taken between steps: input and idle jumps first, then interrupts, then the user's edits. True when an
   * interrupt was taken.
   */
  #settle(): boolean {
    let interrupted = false;
    for (;;) {
      const edits: Edit[] = [];
      for (;;) {
        const event = this.inlet.take(this.instant);
        if (event === undefined) break;
        if (event.kind === "edit") edits.push(event.edit);
        else this.#apply(event);
      }
      if (!this.#settled && takeInterrupt(this.#hart, this.#csrs)) interrupted = true;
      this.#settled = true;
      for (const edit of edits) this.#edit(edit);
      if (!this.#passIdleTime()) return interrupted;
    }
  }

  #apply(event: Exclude<MachineEvent, { kind: "edit" }>): void {
    assert(event.instant === this.#instant, "an event of another instant");
    this.#settled = false;
    if (event.kind === "console-input") this.#board.uart.receive(event.bytes);
    else this.#tickOffset += BigInt(event.ticks);
  }

  /**
   * A hart whose pc or CSRs were changed no longer waits, as the manual lets it (wfi may always go on): where it goes on,
   * and what wakes it, is another now. Were it to wait, an event of the same instant would be taken after the edit by
   * the run and before it by a replay.
   */
  #edit(edit: Edit): void {
    switch (edit.target) {
      case "register":
        this.#hart.setRegister(edit.register, BigInt.asUintN(64, edit.value));
        break;
      case "pc":
        this.#hart.pc = BigInt.asUintN(64, edit.value) & ~1n;
        this.#hart.waiting = false;
        break;
      case "csr":
        if (this.#csrs.read(edit.csr) === undefined) break;
        this.#csrs.write(edit.csr, BigInt.asUintN(64, edit.value), 0n);
        this.#hart.waiting = false;
        break;
      case "memory": {
        const offset = this.#memory.ramOffset(edit.address, edit.bytes.length);
        if (offset < 0 || edit.bytes.length === 0) break;
        this.#memory.ram.set(edit.bytes, offset);
        this.#memory.markDirty(offset, edit.bytes.length);
        this.#decoded.overwritten(offset, edit.bytes.length);
        break;
      }
      default:
        unreachable(edit, "edit");
    }
  }

  /** A virtual clock jumps to the timer interrupt that a waiting hart waits for. True when it did. */
  #passIdleTime(): boolean {
    if (!this.#hart.waiting || this.configuration.clock === "paced") return false;
    const ticks = this.#ticksToTimer();
    if (ticks === undefined) return false;
    this.#tickOffset += ticks;
    this.#settled = false;
    return true;
  }

  /** Ticks until the timer wakes the waiting hart; undefined when it never will. */
  #ticksToTimer(): bigint | undefined {
    if ((this.#csrs.get("mie") & MIE_MTIE) === 0n) return undefined;
    const deadline = this.#board.clint.timerDeadline(this.#hart.id);
    return deadline === undefined || deadline <= this.time ? undefined : deadline - this.time;
  }

  #waiting(): MachineStop {
    const ticks = this.#ticksToTimer();
    return ticks === undefined ? { kind: "waiting" } : { kind: "waiting", ticks: Number(ticks) };
  }

  /** The instant at which a timer interrupt becomes pending, so that no slice runs past it. */
  #deadline(): number {
    // By difference: software may have set mtime to anything, so that what it is ahead of the instant can be negative.
    const ticks = Number(this.#board.clint.nextDeadline() - this.time);
    return (Math.floor(this.#instant / STEPS_PER_TICK) + ticks) * STEPS_PER_TICK;
  }

  #exception(exception: Exception, departing: boolean): MachineStop | undefined {
    if (!departing && this.#stops.exceptions.includes(exception.cause)) {
      return { kind: "exception", hart: this.#hart.id, ...exception };
    }
    if (this.#memory.ramOffset(exceptionVector(this.#csrs), 2) < 0) {
      return { kind: "unhandled-trap", hart: this.#hart.id, ...exception };
    }
    takeException(this.#hart, this.#csrs, exception);
    this.#instant++;
    this.#settled = false;
    return undefined;
  }

  /** Watched accesses of the step just taken. */
  #takeWatchHits(): MachineStop | undefined {
    const accesses = this.#data.watched;
    if (accesses.length === 0) return undefined;
    this.#data.watched = [];
    const hits = accesses.map(
      ({ watch, access, address, size, pc }): WatchHit => ({
        ...{ watch, access, size, hart: this.#hart.id },
        instant: (this.#instant - 1) as Instant,
        address: address as VirtualAddress,
        pc: pc as VirtualAddress,
      }),
    );
    this.#settle();
    return { kind: "watch", hits };
  }

  #takeAttention(): boolean {
    const wanted = this.#attention || this.#data.watched.length > 0;
    this.#attention = false;
    return wanted;
  }

  /** The instant of the state before the step being executed. */
  #stepInstant(): number {
    if (this.#sliceEnd === undefined) return this.#instant;
    return this.#sliceEnd - this.#memory.view.getInt32(BUDGET, true);
  }

  #deviceRead(address: number, length: number): Uint8Array | undefined {
    const offset = length === 0 ? -1 : this.#memory.ramOffset(BigInt(address), length);
    return offset < 0 ? undefined : this.#memory.ram.slice(offset, offset + length);
  }

  #deviceWrite(address: number, bytes: Uint8Array): boolean {
    const offset = bytes.length === 0 ? -1 : this.#memory.ramOffset(BigInt(address), bytes.length);
    if (offset < 0) return false;
    this.#memory.ram.set(bytes, offset);
    this.#memory.markDirty(offset, bytes.length);
    this.#decoded.overwritten(offset, bytes.length);
    return true;
  }

  #setTime(ticks: bigint): void {
    this.#tickOffset = BigInt.asIntN(64, this.#tickOffset + ticks - this.time);
  }

  #encodeState(): Uint8Array {
    return encodeState({
      instant: this.#instant,
      tickOffset: this.#tickOffset,
      harts: [this.#hart.save()],
      devices: this.#board.save(),
    });
  }

  #hartView(hart: Hart): HartView {
    return {
      id: hart.id,
      get pc() {
        return hart.pc;
      },
      register: (index) => hart.register(index),
      floatRegister: (index) => hart.floatRegister(index),
      csr: (number) => this.#csrs.read(number),
      get privilege() {
        return hart.privilege;
      },
      get waiting() {
        return hart.waiting;
      },
    };
  }
}

const REGISTER_A0 = 10;
const REGISTER_A1 = 11;
const REGISTER_A2 = 12;
const MIE_MTIE = 1n << 7n;

function checkConfiguration({ memoryBytes, harts, isa }: MachineConfiguration): void {
  if (!(Number.isInteger(memoryBytes / PAGE_BYTES) && memoryBytes > 0 && memoryBytes <= MAX_RAM_BYTES)) {
    throw errors.memorySize(memoryBytes);
  }
  if (harts !== 1) throw errors.harts(harts);
  if (isa !== SUPPORTED_ISA) throw errors.isa(isa, SUPPORTED_ISA);
}
