import { assert } from "../base/assert.ts";
import { instructionLength } from "../isa/decode.ts";
import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { IMPORT_MODULE } from "../wasm/module.ts";
import type { AddressTranslation } from "./address-translation.ts";
import type { DecodedPages } from "./decoded-pages.ts";
import { type InterpreterFunctions, OPERATION } from "./interpreter-module.ts";
import { type ExecutedCode, growRegion, type Placed, type Region } from "./region.ts";
import { type Departure, type GuardedPage, regionModule } from "./region-code.ts";
import { ANSWER, REGION_EXPORT, REGION_TABLE } from "./region-function.ts";
import { analyseRegion } from "./region-graph.ts";

/** What the translator works with. */
export interface TranslatorParts {
  readonly memory: PhysicalMemory;
  readonly decoded: DecodedPages;
  readonly translation: AddressTranslation;
  readonly functions: InterpreterFunctions;
  /** Exports of the interpreter's instance, where translations take `functions` from. */
  readonly exports: WebAssembly.Exports;
  /** Through which translations are called; slot 0 is nobody's. */
  readonly table: WebAssembly.Table;
  readonly instructionAlignment: 2 | 4;
  /** Jumps that arrive somewhere before it is translated. */
  readonly hotArrivals: number;
}

/**
 * Each costs V8 some ten to a hundred kilobytes. When there are more, all go, and what is still hot comes again: a program
 * that has left its old code behind does not pay for it for ever.
 */
export const MOST_REGIONS = 4096;
/** Likewise, of what translations lead to or have led to: each place has a slot for good. */
const MOST_SLOTS = 1 << 16;
const TABLE_GROWTH = 1024;

/**
 * After so many departures for unknown addresses from one place, in times of what makes a jump's target hot, its region
 * is made anew, and once more, and once more.
 */
const HABITS = [0.5, 2, 8];

/** They are compared one after the other. */
const MOST_TARGETS = 8;

/** A jump to an address in a register: its number in layout.DEPARTURES, and the addresses where it went. */
interface KnownDeparture {
  readonly number: number;
  readonly targets: Set<bigint>;
}

/** Code that changes again and again is left to the interpreter for twice as long each time, up to this often. */
const MOST_DOUBLINGS = 8;

/** A translation in the table. */
interface Translated {
  readonly slot: number;
  /** Virtual address of its entry. */
  readonly entry: bigint;
  readonly entryOffset: number;
  /** Address of what the decoded page knows of jumps that arrive at its entry. */
  readonly arrival: number;
  /** Offsets in RAM of its instructions. */
  readonly offsets: ReadonlySet<number>;
  /** Virtual addresses at which it looks whether a breakpoint stands there. */
  readonly checked: ReadonlySet<bigint>;
}

/**
 * Turns hot code into WebAssembly, and takes translations away when their instructions are overwritten or get a
 * breakpoint. A translation belongs to virtual addresses, but is found by the physical place of its entry, like decoded
 * instructions; it guards at its entry that its pages are where they were when it was made.
 */
export class Translator {
  readonly #parts: TranslatorParts;
  /** Answers that no translation is there (yet). */
  readonly #absent: unknown;
  /** By offset in RAM of what they are for. */
  readonly #slots = new Map<number, number>();
  /** By page of RAM. */
  readonly #translated = new Map<number, Set<Translated>>();
  readonly #bySlot = new Map<number, Translated>();
  /** How often the code of a translation has changed, by offset in RAM of its entry. */
  readonly #changes = new Map<number, number>();
  /** What is known of jumps to addresses in registers, by offset in RAM of the instruction. */
  readonly #departures = new Map<number, KnownDeparture>();
  #nextSlot = layout.BREAKPOINT_SLOTS;

  constructor(parts: TranslatorParts) {
    this.#parts = parts;
    this.#absent = absentFunction();
  }

  /** Jumps have arrived at an address often. It is executed now, so that its page has an execute tag. */
  translate(pc: bigint): void {
    if (this.#bySlot.size >= MOST_REGIONS || this.#nextSlot >= MOST_SLOTS) this.dropAll();
    const { memory, functions, exports, table, instructionAlignment } = this.#parts;
    const code = new CodeAround(this.#parts, pc, this.#departures);
    const entry = code.ramOffset(0);
    if (entry === undefined || code.at(0) === undefined) return;
    const region = growRegion(code);
    if (region.entry.instructions.length === 0) return;
    const graph = analyseRegion(region);
    const { bytes, imported } = regionModule({
      ...{ graph, where: memory.layout, functions, instructionAlignment, entry: pc },
      pages: code.pagesOf(region),
      slotFor: (distance) => this.#slotFor(code.ramOffset(distance)),
      departureFor: ({ ramOffset }) => this.#departureFor(ramOffset),
    });
    const imports: Record<string, WebAssembly.ImportValue> = { memory: memory.memory, [REGION_TABLE]: table };
    for (const index of imported) {
      imports[`function ${index}`] = exports[functions.exportName(index)] as WebAssembly.ImportValue;
    }
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { [IMPORT_MODULE]: imports });
    this.#install(pc, entry, region, instance.exports[REGION_EXPORT]);
  }

  /** A translation has learnt where it goes: another takes its place. */
  renew(slot: number): void {
    const translated = this.#bySlot.get(slot);
    if (translated === undefined) return;
    this.#drop(translated);
    this.translate(translated.entry);
  }

  /** The instruction at an offset of RAM is another now, or must not be passed unseen. */
  changed(offset: number): void {
    this.#countAfresh(offset);
    const there = this.#translated.get(offset >>> 12);
    if (there === undefined) return;
    for (const translated of [...there]) {
      if (!translated.offsets.has(offset)) continue;
      this.#drop(translated);
      this.#distrust(translated);
    }
  }

  /** A breakpoint lies at an offset of RAM, or no longer does. Translations that look whether it does may stay. */
  breakpointChanged(offset: number, address: bigint, stands: boolean): void {
    if (!stands) this.#countAfresh(offset);
    else this.#dropWhere(offset, ({ offsets, checked }) => offsets.has(offset) && !checked.has(address));
  }

  /** Translations must no longer look for a breakpoint at an address as they do. */
  checkOutdated(address: bigint): void {
    for (const translated of [...this.#bySlot.values()]) if (translated.checked.has(address)) this.#drop(translated);
  }

  #dropWhere(offset: number, condition: (translated: Translated) => boolean): void {
    for (const translated of [...(this.#translated.get(offset >>> 12) ?? [])]) {
      if (condition(translated)) this.#drop(translated);
    }
  }

  #distrust({ entryOffset, arrival }: Translated): void {
    const changes = Math.min((this.#changes.get(entryOffset) ?? 0) + 1, MOST_DOUBLINGS);
    this.#changes.set(entryOffset, changes);
    const patience = this.#parts.hotArrivals * (2 ** changes - 2);
    this.#parts.memory.view.setInt32(arrival + layout.ARRIVAL.count, -patience, true);
  }

  /** All translations go; the decoded pages may be gone already. */
  dropAll(): void {
    for (const there of this.#translated.values()) for (const translated of there) this.#forget(translated);
    this.#translated.clear();
    this.#slots.clear();
    this.#bySlot.clear();
    this.#departures.clear();
    this.#changes.clear();
    this.#parts.memory.bytes.fill(0, layout.DEPARTURES, layout.DEPARTURES + DEPARTURES_BYTES);
    this.#nextSlot = layout.BREAKPOINT_SLOTS;
  }

  #install(pc: bigint, entry: number, region: Region, callable: unknown): void {
    const slot = this.#slotFor(entry);
    const offsets = new Set(
      region.blocks.flatMap(({ instructions }) => instructions.map(({ ramOffset }) => ramOffset)),
    );
    const { memory } = this.#parts;
    const decodedPage = memory.decodedPointers[entry >>> 12];
    assert(decodedPage !== 0, "what is translated has been decoded");
    const arrival = arrivalAt(decodedPage, entry);
    const checked = new Set(
      region.blocks.flatMap(({ instructions }) =>
        instructions.flatMap((placed) => (placed.breakpoint ? BigInt.asUintN(64, pc + BigInt(placed.pc)) : [])),
      ),
    );
    const translated: Translated = { slot, entry: pc, entryOffset: entry, arrival, offsets, checked };
    for (const page of new Set([...offsets].map((offset) => offset >>> 12))) {
      let there = this.#translated.get(page);
      if (there === undefined) {
        there = new Set();
        this.#translated.set(page, there);
      }
      there.add(translated);
    }
    this.#parts.table.set(slot, callable);
    memory.view.setInt32(arrival + layout.ARRIVAL.slot, slot, true);
    this.#bySlot.set(slot, translated);
  }

  /** What was hot and could not have a translation, because of a breakpoint perhaps, may get one now. */
  #countAfresh(offset: number): void {
    const { memory, hotArrivals } = this.#parts;
    const count = arrivalAt(memory.decodedPointers[offset >>> 12], offset) + layout.ARRIVAL.count;
    if (memory.view.getInt32(count, true) >= hotArrivals) memory.view.setInt32(count, 0, true);
  }

  #drop(translated: Translated): void {
    for (const page of new Set([...translated.offsets].map((offset) => offset >>> 12))) {
      const there = this.#translated.get(page);
      there?.delete(translated);
      if (there?.size === 0) this.#translated.delete(page);
    }
    this.#forget(translated);
    this.#bySlot.delete(translated.slot);
  }

  #forget({ slot, arrival }: Translated): void {
    const { memory, table } = this.#parts;
    table.set(slot, this.#absent);
    memory.view.setInt32(arrival + layout.ARRIVAL.slot, 0, true);
    memory.view.setInt32(arrival + layout.ARRIVAL.count, 0, true);
  }

  #departureFor(offset: number): Departure | undefined {
    let known = this.#departures.get(offset);
    if (known === undefined) {
      if (this.#departures.size >= layout.DEPARTURE_COUNT) return undefined;
      known = { number: this.#departures.size, targets: new Set() };
      this.#departures.set(offset, known);
    }
    const at = layout.DEPARTURES + known.number * layout.DEPARTURE_BYTES;
    const count = this.#parts.memory.view.getInt32(at + layout.DEPARTURE.count, true);
    const habit = HABITS.map((times) => Math.ceil(times * this.#parts.hotArrivals)).find((limit) => limit > count);
    return habit === undefined ? undefined : { number: known.number, habit };
  }

  /** The slot of the translation for an offset of RAM, whether there is one already or not; 0 for no place in RAM. */
  #slotFor(offset: number | undefined): number {
    if (offset === undefined) return 0;
    let slot = this.#slots.get(offset);
    if (slot === undefined) {
      const { table } = this.#parts;
      slot = this.#nextSlot++;
      if (slot >= table.length) table.grow(TABLE_GROWTH);
      table.set(slot, this.#absent);
      this.#slots.set(offset, slot);
    }
    return slot;
  }
}

const DEPARTURES_BYTES = layout.DEPARTURE_COUNT * layout.DEPARTURE_BYTES;

/** Where a virtual page is executed from. */
interface ExecutedPage extends GuardedPage {
  readonly ramPage: number;
}

/** Executed code as it is seen from an address, in the context in force. */
class CodeAround implements ExecutedCode {
  readonly #parts: TranslatorParts;
  readonly #origin: bigint;
  readonly #originInPage: number;
  readonly #pages = new Map<number, ExecutedPage | undefined>();
  readonly #instructions = new Map<number, Placed | undefined>();
  readonly #departures: ReadonlyMap<number, KnownDeparture>;

  constructor(parts: TranslatorParts, origin: bigint, departures: ReadonlyMap<number, KnownDeparture>) {
    this.#parts = parts;
    this.#origin = origin;
    this.#originInPage = Number(origin & 0xfffn);
    this.#departures = departures;
  }

  at(pc: number): Placed | undefined {
    if (this.#instructions.has(pc)) return this.#instructions.get(pc);
    const placed = this.#read(pc);
    this.#instructions.set(pc, placed);
    return placed;
  }

  arrivals(pc: number): number {
    const page = this.#pageOf(pc);
    if (page === undefined) return 0;
    const arrival = arrivalAt(page.decodedPage, this.#originInPage + pc);
    const { view } = this.#parts.memory;
    // What has a translation is hot, and its arrivals are counted no more.
    if (view.getInt32(arrival + layout.ARRIVAL.slot, true) !== 0) return Number.POSITIVE_INFINITY;
    return view.getInt32(arrival + layout.ARRIVAL.count, true);
  }

  targets({ ramOffset }: Placed): number[] {
    const known = this.#departures.get(ramOffset);
    if (known === undefined) return [];
    const at = layout.DEPARTURES + known.number * layout.DEPARTURE_BYTES;
    const { view } = this.#parts.memory;
    const count = Math.min(view.getInt32(at + layout.DEPARTURE.count, true), layout.DEPARTURE_TARGETS);
    for (let index = 0; index < count && known.targets.size < MOST_TARGETS; index++) {
      known.targets.add(view.getBigUint64(at + layout.DEPARTURE.targets + index * 8, true));
    }
    const distances = [...known.targets].map((target) => Number(BigInt.asIntN(64, target - this.#origin)));
    return distances.filter((distance) => Number.isSafeInteger(distance) && this.at(distance) !== undefined);
  }

  /** Undefined where nothing is executed. */
  ramOffset(pc: number): number | undefined {
    const page = this.#pageOf(pc);
    return page && page.ramPage * layout.PAGE_BYTES + ((this.#originInPage + pc) & 0xfff);
  }

  /** The pages that a region has instructions on. */
  pagesOf({ blocks }: Region): GuardedPage[] {
    const pages = new Set<ExecutedPage>();
    for (const { instructions } of blocks) {
      for (const { pc, decoded } of instructions) {
        pages.add(this.#pageOf(pc)!);
        pages.add(this.#pageOf(pc + decoded.length - 1)!);
      }
    }
    return [...pages];
  }

  #read(pc: number): Placed | undefined {
    const ramOffset = this.ramOffset(pc);
    const page = this.#pageOf(pc);
    if (ramOffset === undefined || page === undefined) return undefined;
    const { memory, decoded } = this.#parts;
    const record = page.decodedPage + (ramOffset & 4095) * (layout.RECORD_BYTES / 2);
    let operation = memory.bytes[record + layout.RECORD.operation];
    const breakpoint = decoded.breakpointCheck(this.#address(pc));
    if (breakpoint === 0) return undefined;
    if (operation === OPERATION.breakpoint) operation = memory.bytes[record + layout.RECORD.replaced];
    if (operation === OPERATION.straddling) {
      if (this.#pageOf(pc + 2)?.ramPage !== page.ramPage + 1) return undefined;
    } else if (operation <= OPERATION.straddling) return undefined;
    const host = memory.layout.ram + ramOffset;
    const low = memory.view.getUint16(host, true);
    const instruction = decoded.decode(instructionLength(low) === 2 ? low : memory.view.getUint32(host, true));
    return instruction && { decoded: instruction, pc, ramOffset, breakpoint };
  }

  #pageOf(pc: number): ExecutedPage | undefined {
    // Pages by their distance from the origin's, so that small integers serve.
    const number = Math.floor((this.#originInPage + pc) / layout.PAGE_BYTES);
    if (this.#pages.has(number)) return this.#pages.get(number);
    const virtualPage = this.#address(pc) & ~0xfffn;
    const decodedPage = this.#parts.translation.executedNow(virtualPage);
    const page = decodedPage && { virtualPage, decodedPage, ramPage: this.#parts.decoded.ramPageOf(decodedPage) };
    this.#pages.set(number, page || undefined);
    return page || undefined;
  }

  #address(pc: number): bigint {
    return BigInt.asUintN(64, this.#origin + BigInt(pc));
  }
}

/** Address of what a decoded page knows of jumps that arrive at an offset in RAM. */
function arrivalAt(decodedPage: number, offset: number): number {
  return decodedPage + layout.ARRIVALS + (offset & (layout.PAGE_BYTES - 1)) * (layout.ARRIVAL_BYTES / 2);
}

/** A function of WebAssembly that answers ANSWER.jumped: tables hold no others. */
function absentFunction(): unknown {
  // (module (func (export "f") (result i32) i32.const 0))
  const bytes = Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7f],
    ...[0x03, 0x02, 0x01, 0x00],
    ...[0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00],
    ...[0x0a, 0x06, 0x01, 0x04, 0x00, 0x41, ANSWER.jumped, 0x0b],
  ]);
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.f;
}
