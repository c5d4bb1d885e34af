import { assert } from "../../src/base/assert.ts";
import {
  type Instant,
  type PhysicalAddress,
  physicalAddress,
  type VirtualAddress,
  virtualAddress,
} from "../../src/base/brand.ts";
import { ByteReader, ByteWriter } from "../../src/base/byte-cursor.ts";
import { DEFAULT_CONFIGURATION, type MachineConfiguration } from "../../src/machine/configuration.ts";
import {
  DROPPING_OUTLET,
  type Edit,
  type Inlet,
  type MachineEvent,
  type Outlet,
  SILENT_INLET,
} from "../../src/machine/inlet.ts";
import type {
  Checkpoint,
  CheckpointParts,
  Departing,
  Digest,
  HartView,
  MachineLike,
  PageTable,
  PageVersion,
  RunOptions,
  Translation,
  WrittenPages,
} from "../../src/machine/machine-interface.ts";
import { type MachineStop, NO_STOPS, type StopConditions, type WatchHit } from "../../src/machine/stop.ts";
import { sha256 } from "../../src/replay/sha256.ts";

/** What a fake guest does besides computing; all of it follows from the seed. */
export interface FakeGuest {
  /** The guest stops to wait for input now and then. */
  readonly waits?: boolean;
  /** The step at this instant writes the finisher. */
  readonly finishesAt?: number;
  /** The step at this instant raises a trap that has no handler, unless register 7 is 1. */
  readonly trapsAt?: number;
  /** One instruction in so many prints a byte. */
  readonly printsEvery?: number;
  /** One instruction in so many sends a frame. */
  readonly sendsEvery?: number;
}

const PAGE = 4096;
const PAGES = 24;
const CODE = 0x8000_0000n;
/** Instructions of the program; its pcs are these times four. */
export const PROGRAM_LENGTH = 64;
const INPUT_HANDLER = 60;
const TIMER_HANDLER = 61;
const TRAP_HANDLER = 62;
export const CAUSES = [2, 5, 7];

export const pcOf = (index: number): VirtualAddress => virtualAddress(CODE + BigInt(index * 4));
/** An address that the guest accesses now and then. */
export const dataAddress = (index: number): PhysicalAddress => physicalAddress((index % 8) * 8);

/**
 * A machine whose program is chance out of a seed: it computes, stores, prints, traps, waits and is interrupted, all as
 * a function of its state and its inlet. It keeps every promise of MachineLike, so that what is built on those can be
 * tested without the real one, and fast.
 */
export class FakeMachine implements MachineLike {
  readonly configuration: MachineConfiguration;
  readonly harts: readonly HartView[];
  readonly currentHart = 0;
  readonly #guest: FakeGuest;
  inlet: Inlet = SILENT_INLET;
  outlet: Outlet = DROPPING_OUTLET;
  #instant = 0;
  #x: number;
  #pc = 0;
  #registers = new Uint32Array(8);
  #pages: (PageVersion | undefined)[] = new Array(PAGES).fill(undefined);
  #dirty = new Map<number, Uint8Array>();
  #written = new Set<number>();
  #input: number[] = [];
  #enabled = 0;
  #deadline = 700;
  #skipped = 0;
  #waiting = 0;
  #finished = 0;
  #settled = false;
  #stops: StopConditions = NO_STOPS;
  #hits: WatchHit[] = [];

  constructor(seed: number, guest: FakeGuest = {}) {
    this.configuration = { ...DEFAULT_CONFIGURATION, memoryBytes: PAGES * PAGE, seed };
    this.#guest = guest;
    this.#x = (seed * 2654435761 + 12345) >>> 0;
    const machine = this;
    const hart: HartView = {
      id: 0,
      get pc() {
        return pcOf(machine.#pc);
      },
      register: (index) => BigInt(this.#registers[index % 8]),
      floatRegister: () => 0n,
      csr: () => undefined,
      privilege: 3,
      get waiting() {
        return machine.#waiting === 1;
      },
    };
    this.harts = [hart];
  }

  get instant(): Instant {
    return this.#instant as Instant;
  }

  get time(): bigint {
    return BigInt(this.#instant + this.#skipped);
  }

  readonly writtenPages: WrittenPages = {
    unsaved: () => this.#dirty.size,
    take: () => {
      const pages = [...this.#written].sort((a, b) => a - b);
      this.#written.clear();
      return pages;
    },
    pagesOf: (address, length) => {
      const pages = Array.from({ length: PAGES }, (_, page) => page);
      return pages.filter((page) => address < (page + 1) * PAGE && address + length > page * PAGE);
    },
  };

  setStops(stops: StopConditions): void {
    this.#stops = stops;
  }

  run(until: Instant, { departing, beforeDeparture }: RunOptions): MachineStop {
    const start = this.#instant;
    for (;;) {
      this.#settle();
      if (this.#finished) return { kind: "finished", exitCode: 3, reset: false };
      if (this.#instant >= until) return { kind: "reached" };
      if (this.#waiting) return { kind: "waiting" };
      beforeDeparture?.(this.instant);
      const horizon = Math.min(until, this.inlet.horizon(this.instant));
      assert(horizon > this.#instant, "an event for this instant was not delivered");
      while (this.#instant < horizon && !this.#waiting && !this.#finished) {
        if (!this.#settled) this.#interrupt();
        const stop = this.#step(this.#instant === start ? departing : false);
        if (stop !== undefined) return stop;
      }
    }
  }

  checkpoint(): Checkpoint {
    this.#save();
    return { instant: this.instant, state: this.#encode(), pages: new FakePages([...this.#pages]) };
  }

  restore({ instant, state, pages }: Checkpoint): void {
    const reader = new ByteReader(state);
    this.#instant = reader.varint();
    assert(this.#instant === instant, "a checkpoint of another instant");
    this.#x = reader.u32();
    this.#pc = reader.varint();
    for (let index = 0; index < 8; index++) this.#registers[index] = reader.u32();
    this.#enabled = reader.u8();
    this.#deadline = reader.varint();
    this.#skipped = reader.varint();
    this.#waiting = reader.u8();
    this.#finished = reader.u8();
    this.#input = [...reader.rest()];
    this.#pages = Array.from({ length: PAGES }, (_, page) => pages.get(page));
    this.#dirty.clear();
    this.#settled = true;
  }

  importCheckpoint({ instant, state, pages }: CheckpointParts, base: Checkpoint | undefined): Checkpoint {
    const versions = Array.from({ length: PAGES }, (_, page) => base?.pages.get(page));
    for (const { page, bytes } of pages) versions[page] = bytes === undefined ? undefined : versionOf(bytes);
    return { instant, state, pages: new FakePages(versions) };
  }

  digest(checkpoint?: Checkpoint): Digest {
    const hashes = Array.from({ length: PAGES }, (_, page) => {
      if (checkpoint !== undefined) return checkpoint.pages.get(page)?.hash ?? 0n;
      const dirty = this.#dirty.get(page);
      return (dirty === undefined ? this.#pages[page] : versionOf(dirty))?.hash ?? 0n;
    });
    const writer = new ByteWriter();
    writer.bytes(checkpoint?.state ?? this.#encode());
    for (const hash of hashes) writer.big64(hash);
    return sha256(writer.view()).slice(0, 32);
  }

  peek(address: VirtualAddress, length: number): (number | undefined)[] {
    return Array.from({ length }, (_, index) => this.#byte(Number(address) + index));
  }

  peekPhysical(address: PhysicalAddress, length: number): (number | undefined)[] {
    return Array.from({ length }, (_, index) => this.#byte(address + index));
  }

  readPhysical(address: PhysicalAddress, size: 1 | 2 | 4 | 8): bigint | undefined {
    const bytes = this.peekPhysical(address, size);
    if (bytes.includes(undefined)) return undefined;
    return bytes.reduceRight((value: bigint, byte) => (value << 8n) | BigInt(byte!), 0n);
  }

  translateIn(_satp: bigint, address: VirtualAddress): Translation {
    return this.translate(address);
  }

  translate(address: VirtualAddress): Translation {
    const physicalAddress = Number(address) as PhysicalAddress;
    return { scheme: "bare", entries: [], physicalAddress, pageBytes: 0, problem: undefined };
  }

  describeDevices(): never[] {
    return [];
  }

  #step(departs: Departing): MachineStop | undefined {
    const pc = pcOf(this.#pc);
    if (!departs && this.#stops.breakpoints.includes(pc)) return { kind: "breakpoint", hart: 0, pc };
    const h = mix(this.#x ^ Math.imul(this.#pc + 1, 0x9e3779b1));
    const cause = this.#causeOf(h);
    if (cause !== undefined) {
      if (departs !== true && this.#stops.exceptions.includes(cause))
        return { kind: "exception", hart: 0, cause, tval: BigInt(h) };
      if (this.#guest.trapsAt === this.#instant && this.#registers[7] !== 1) {
        return { kind: "unhandled-trap", hart: 0, cause, tval: 0n };
      }
    }
    // Registers have a say in what comes next, so that no difference in memory or input stays hidden.
    this.#x = (h + this.#registers[h & 3]) >>> 0;
    this.#pc = cause === undefined ? (h >>> 8) % INPUT_HANDLER : TRAP_HANDLER;
    if (cause === undefined) this.#execute(h, pc);
    if (this.#guest.finishesAt === this.#instant) this.#finished = 1;
    this.#instant++;
    this.#settled = false;
    if (this.#hits.length === 0) return undefined;
    const hits = this.#hits;
    this.#hits = [];
    this.#settle();
    return { kind: "watch", hits };
  }

  #causeOf(h: number): number | undefined {
    if (this.#guest.trapsAt === this.#instant && this.#registers[7] !== 1) return CAUSES[0];
    return h % 97 === 0 ? CAUSES[(h >>> 16) % CAUSES.length] : undefined;
  }

  #execute(h: number, pc: VirtualAddress): void {
    const register = (h >>> 4) & 3;
    const operation = (h >>> 24) % 16;
    if (operation < 8) this.#registers[register] = Math.imul(this.#registers[(h >>> 6) & 3] ^ h, 0x85ebca6b);
    else if (operation < 10) this.#store(h, register, pc);
    else if (operation < 12) this.#registers[register] ^= this.#load(h, pc);
    else if (operation === 12) this.#enabled = (h >>> 3) & 1;
    else if (operation === 13 && this.#input.length > 0) this.#registers[register] ^= this.#input.shift()!;
    else if (operation === 14 && this.#guest.waits && h % 31 === 0 && this.#input.length === 0) this.#waiting = 1;
    if ((h >>> 12) % (this.#guest.printsEvery ?? 20) === 0) {
      const byte = h % 11 === 0 ? 0x0a : 0x20 + (this.#registers[0] % 0x5f);
      this.outlet.consoleOutput(this.instant, byte);
    }
    if ((h >>> 11) % (this.#guest.sendsEvery ?? 150) === 0) {
      const frame = Uint8Array.from({ length: 14 + (h % 60) }, (_, index) => this.#registers[index % 8]);
      this.outlet.networkOutput?.(this.instant, frame);
    }
  }

  #address(h: number): number {
    // Most accesses are all over memory, some to a few words that tests watch; every eighth store wipes a page's word.
    return h % 5 === 0 ? ((h >>> 9) % 8) * 8 : (h >>> 5) % (PAGES * PAGE - 4);
  }

  #store(h: number, register: number, pc: VirtualAddress): void {
    const address = this.#address(h);
    const value = h % 8 === 0 ? 0 : this.#registers[register];
    for (let index = 0; index < 4; index++) this.#write(address + index, (value >>> (index * 8)) & 0xff);
    this.#watch(address, "write", pc);
  }

  #load(h: number, pc: VirtualAddress): number {
    const address = this.#address(h);
    this.#watch(address, "read", pc);
    return this.#byte(address) | (this.#byte(address + 3) << 8);
  }

  #watch(address: number, access: "read" | "write", pc: VirtualAddress): void {
    this.#stops.watches.forEach((watch, index) => {
      const first = Number(watch.address);
      if (watch.access !== "readWrite" && watch.access !== access) return;
      if (address + 4 <= first || address >= first + watch.length) return;
      const at = { instant: this.instant, hart: 0, pc };
      this.#hits.push({ watch: index, ...at, access, address: virtualAddress(BigInt(address)), size: 4 });
    });
  }

  #byte(address: number): number {
    const page = Math.floor(physicalAddress(address) / PAGE);
    return (this.#dirty.get(page) ?? this.#pages[page]?.bytes)?.[address % PAGE] ?? 0;
  }

  #write(address: number, value: number): void {
    const page = Math.floor(address / PAGE);
    let bytes = this.#dirty.get(page);
    if (bytes === undefined) {
      bytes = this.#pages[page]?.bytes.slice() ?? new Uint8Array(PAGE);
      this.#dirty.set(page, bytes);
    }
    bytes[address % PAGE] = value;
  }

  #save(): void {
    for (const [page, bytes] of this.#dirty) {
      this.#written.add(page);
      const version = versionOf(bytes);
      if (version?.hash !== this.#pages[page]?.hash) this.#pages[page] = version;
    }
    this.#dirty.clear();
  }

  #settle(): void {
    for (;;) {
      const event = this.inlet.take(this.instant);
      if (event === undefined) break;
      assert(event.instant === this.#instant, "an event of another instant");
      if (event.kind === "edit") {
        this.#interrupt();
        this.#edit(event.edit);
      } else this.#apply(event);
    }
    this.#interrupt();
  }

  #apply(event: Exclude<MachineEvent, { kind: "edit" }>): void {
    assert(event.kind !== "page-not-ready" && event.kind !== "page-ready", "it knows nothing of pages");
    this.#settled = false;
    if (event.kind === "console-input") this.#input.push(...event.bytes);
    else if (event.kind === "network-input") this.#input.push(...event.frame);
    else this.#skipped += event.ticks;
  }

  /** Input comes before the timer: taking them in another order than the run did shows at once. */
  #interrupt(): void {
    if (this.#settled) return;
    this.#settled = true;
    if (this.#input.length > 0) this.#waiting = 0;
    if (!this.#enabled || this.#waiting) return;
    const isInput = this.#input.length > 0;
    if (!isInput && this.time < this.#deadline) return;
    if (!isInput) this.#deadline = Number(this.time) + 500 + (this.#x % 500);
    this.#pc = isInput ? INPUT_HANDLER : TIMER_HANDLER;
    this.#enabled = 0;
  }

  #edit(edit: Edit): void {
    if (edit.target === "register") this.#registers[edit.register % 8] = Number(BigInt.asUintN(32, edit.value));
    else if (edit.target === "pc") this.#pc = Number(edit.value - CODE) / 4;
    else if (edit.target === "memory") {
      edit.bytes.forEach((byte, index) => void this.#write(Number(edit.address) + index, byte));
    }
  }

  #encode(): Uint8Array {
    const writer = new ByteWriter();
    writer.varint(this.#instant);
    writer.u32(this.#x);
    writer.varint(this.#pc);
    for (const register of this.#registers) writer.u32(register);
    writer.u8(this.#enabled);
    writer.varint(this.#deadline);
    writer.varint(this.#skipped);
    writer.u8(this.#waiting);
    writer.u8(this.#finished);
    writer.bytes(Uint8Array.from(this.#input));
    return writer.take();
  }
}

class FakePages implements PageTable {
  readonly pageCount = PAGES;
  readonly #versions: readonly (PageVersion | undefined)[];

  constructor(versions: readonly (PageVersion | undefined)[]) {
    this.#versions = versions;
  }

  get(page: number): PageVersion | undefined {
    return this.#versions[page];
  }

  heldSince(base: PageTable | undefined): number {
    return [...this.changedSince(base)].filter(({ version }) => version !== undefined).length;
  }

  *changedSince(base: PageTable | undefined): Iterable<{ page: number; version: PageVersion | undefined }> {
    for (let page = 0; page < PAGES; page++) {
      if (this.get(page) !== base?.get(page)) yield { page, version: this.get(page) };
    }
  }
}

/** Undefined for a page of zeros. */
function versionOf(bytes: Uint8Array): PageVersion | undefined {
  let low = 0;
  let high = 0x811c9dc5;
  for (let index = 0; index < bytes.length; index += 4) {
    const word = bytes[index] | (bytes[index + 1] << 8) | (bytes[index + 2] << 16) | (bytes[index + 3] << 24);
    low |= word;
    high = mix(high ^ word);
  }
  if (low === 0) return undefined;
  return { bytes: bytes.slice(), hash: BigInt(high) * 0x1_0000_0001n };
}

/** Finalizer of MurmurHash3. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
