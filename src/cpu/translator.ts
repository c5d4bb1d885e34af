import { assert } from "../base/assert.ts";
import { instructionLength } from "../isa/decode.ts";
import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { IMPORT_MODULE } from "../wasm/module.ts";
import type { AddressTranslation } from "./address-translation.ts";
import type { BreakpointCheck } from "./breakpoint-slots.ts";
import { CodeHistory, type Translated } from "./code-history.ts";
import type { BreakpointChange, DecodedPages, Translations } from "./decoded-pages.ts";
import { type InterpreterFunctions, OPERATION } from "./interpreter-module.ts";
import { type ExecutedCode, growRegion, type Placed, type Region } from "./region.ts";
import { type Departure, type GuardedPage, type RegionForm, regionModule } from "./region-code.ts";
import { ANSWER, REGION_EXPORT, REGION_TABLE } from "./region-function.ts";
import { analyseRegion } from "./region-graph.ts";
import { type Difference, TranslatedCode } from "./translated-code.ts";

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

/**
 * Turns hot code into WebAssembly, and takes translations away when their instructions are overwritten or get a
 * breakpoint. A translation belongs to virtual addresses, but is found by the physical place of its entry, like decoded
 * instructions; it guards at its entry that its pages are where they were when it was made.
 */
export class Translator implements Translations {
  readonly #parts: TranslatorParts;
  /** Answers that no translation is there (yet). */
  readonly #absent: unknown;
  /** By offset in RAM of what they are for. */
  readonly #slots = new Map<number, number>();
  /** By page of RAM. */
  readonly #translated = new Map<number, Set<Translated>>();
  readonly #bySlot = new Map<number, Translated>();
  readonly #history: CodeHistory;
  /** What is known of jumps to addresses in registers, by offset in RAM of the instruction. */
  readonly #departures = new Map<number, KnownDeparture>();
  #nextSlot = layout.BREAKPOINT_SLOTS;

  constructor(parts: TranslatorParts) {
    this.#parts = parts;
    this.#absent = absentFunction();
    this.#history = new CodeHistory(parts.memory, parts.hotArrivals);
  }

  /** Jumps have arrived at an address often. It is executed now, so that its page has an execute tag. */
  translate(pc: bigint): void {
    if (this.#bySlot.size + this.#history.size >= MOST_REGIONS || this.#nextSlot >= MOST_SLOTS) this.dropAll();
    const { memory, functions, exports, table, instructionAlignment } = this.#parts;
    const code = new CodeAround(this.#parts, pc, this.#departures, this.#history);
    const entry = code.ramOffset(0);
    if (entry === undefined || this.#revive(pc, entry) || code.at(0) === undefined) return;
    const decodedPage = memory.decodedPointers[entry >>> 12];
    assert(decodedPage !== 0, "what is translated has been decoded");
    const arrival = arrivalAt(decodedPage, entry);
    if (!this.#history.mayTranslate(entry, arrival)) return;
    const region = growRegion(code);
    if (region.entry.instructions.length === 0) return;
    const made = new TranslatedCode(memory, region, (distance) => code.ramOffset(distance));
    const guarded = code.pagesOf(region);
    const graph = analyseRegion(region);
    const form = this.#formNow();
    const { bytes, imported } = regionModule({
      ...{ graph, where: memory.layout, functions, instructionAlignment, entry: pc },
      ...{ pages: guarded, form },
      slotFor: (distance) => this.#slotFor(code.ramOffset(distance)),
      departureFor: ({ ramOffset }) => this.#departureFor(ramOffset),
    });
    const imports: Record<string, WebAssembly.ImportValue> = { memory: memory.memory, [REGION_TABLE]: table };
    for (const index of imported) {
      imports[`function ${index}`] = exports[functions.exportName(index)] as WebAssembly.ImportValue;
    }
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { [IMPORT_MODULE]: imports });
    const slot = this.#slotFor(entry);
    const callable = instance.exports[REGION_EXPORT];
    this.#install({
      slot,
      entry: pc,
      entryOffset: entry,
      arrival,
      code: made,
      guarded,
      form,
      checks: checksOf(region, pc),
      callable,
    });
  }

  #formNow(): RegionForm {
    const { view } = this.#parts.memory;
    if (view.getInt32(layout.DATA_IS_TRANSLATED, true) !== 0) return "tables";
    return view.getInt32(layout.WATCH_TABLE, true) === 0 ? "window" : "watched";
  }

  /**
   * A translation has learnt where it goes: another takes its place. Or its form does not fit the present context: then it
   * is kept for when it does again.
   */
  renew(slot: number): void {
    const translated = this.#bySlot.get(slot);
    if (translated === undefined) return;
    this.#drop(translated);
    if (!this.#isOfForm(translated)) this.#history.keep(translated);
    this.translate(translated.entry);
  }

  /**
   * Bytes of the instruction at an offset of RAM were written. True when a translation lives on, because they are the same
   * to it: then the record of the instruction must be kept up to date, so that this hears of the next change.
   */
  rewritten(offset: number): boolean {
    this.#countAfresh(offset);
    let lives = false;
    for (const translated of this.#with(offset)) {
      const difference = translated.code.difference(offset);
      if (difference === "none") lives = true;
      else this.#retire(translated, offset, difference);
    }
    this.#tryAgain(offset);
    return lives;
  }

  /** A breakpoint comes to the instruction at an offset of RAM, or leaves it; undefined: it is a stopping HINT, or no longer. */
  breakpointChanged(offset: number, change: BreakpointChange | undefined): void {
    // Translations that look whether it stands serve on.
    const isSeen = ({ checks }: Translated) => change !== undefined && (!change.stands || checks.has(change.address));
    for (const translated of this.#with(offset)) if (!isSeen(translated)) this.#retire(translated, offset, "none");
    if (!change?.stands) this.#countAfresh(offset);
    // A translation that goes up to the breakpoint gives way to the one that goes on behind it.
    for (const old of this.#history.withPresent(offset)) {
      const present = this.#bySlot.get(old.slot);
      if (present === undefined || present.code.has(offset) || !this.#fits(old)) continue;
      this.#drop(present);
      this.#history.keep(present);
    }
    this.#tryAgain(offset);
  }

  /** Translations must no longer look for a breakpoint at an address as they do. */
  checkOutdated(address: bigint): void {
    for (const translated of [...this.#bySlot.values()]) {
      if (!translated.checks.has(address)) continue;
      this.#drop(translated);
      this.#history.discarded(translated);
    }
  }

  /** Translations that have the instruction at an offset of RAM. */
  #with(offset: number): Translated[] {
    return [...(this.#translated.get(offset >>> 12) ?? [])].filter(({ code }) => code.has(offset));
  }

  #retire(translated: Translated, offset: number, difference: Difference): void {
    this.#drop(translated);
    this.#history.retire(translated, offset, difference);
  }

  /** Old translations that have the instruction as it is now may fit again. */
  #tryAgain(offset: number): void {
    for (const old of this.#history.withPresent(offset)) if (!this.#bySlot.has(old.slot)) this.#history.tryAgain(old);
  }

  /** An old translation whose code is there again. */
  #revive(pc: bigint, entryOffset: number): boolean {
    const found = this.#history.versions(entryOffset).find((old) => old.entry === pc && this.#fits(old));
    if (found === undefined) return false;
    // Changes are told of decoded instructions only.
    for (const offset of found.code.offsets) this.#parts.decoded.ensureDecoded(offset);
    this.#history.revived(found);
    this.#install(found);
    return true;
  }

  #isOfForm({ form }: Translated): boolean {
    return form === "tables" || form === this.#formNow();
  }

  /** Whether an old translation's code is there, where it was, and looks for the breakpoints that are there. */
  #fits(translated: Translated): boolean {
    const { code, guarded, checks } = translated;
    const { translation, decoded } = this.#parts;
    if (!this.#isOfForm(translated) || !code.isThere()) return false;
    for (const offset of code.offsets) {
      if (decoded.isStoppingHint(offset)) return false;
      for (const address of decoded.breakpointsAt(offset)) if (!checks.has(address)) return false;
    }
    for (const [address, { slot, reads }] of checks) {
      const check = decoded.breakpointCheck(address);
      if (check === undefined || check === 0 || check.slot !== slot || (check.reads & ~reads) !== 0n) return false;
    }
    return guarded.every(({ virtualPage, decodedPage }) => translation.executedNow(virtualPage) === decodedPage);
  }

  /** All translations go; the decoded pages may be gone already. */
  dropAll(): void {
    for (const there of this.#translated.values()) for (const translated of there) this.#forget(translated);
    this.#translated.clear();
    this.#slots.clear();
    this.#bySlot.clear();
    this.#departures.clear();
    this.#history.clear();
    this.#parts.memory.bytes.fill(0, layout.DEPARTURES, layout.DEPARTURES + DEPARTURES_BYTES);
    this.#nextSlot = layout.BREAKPOINT_SLOTS;
  }

  #install(translated: Translated): void {
    const { slot, arrival, code, callable } = translated;
    for (const page of code.pages) {
      let there = this.#translated.get(page);
      if (there === undefined) {
        there = new Set();
        this.#translated.set(page, there);
      }
      there.add(translated);
    }
    this.#parts.table.set(slot, callable);
    this.#parts.memory.view.setInt32(arrival + layout.ARRIVAL.slot, slot, true);
    this.#bySlot.set(slot, translated);
  }

  /** What was hot and could not have a translation, because of a breakpoint perhaps, may get one now. */
  #countAfresh(offset: number): void {
    const { memory, hotArrivals } = this.#parts;
    const count = arrivalAt(memory.decodedPointers[offset >>> 12], offset) + layout.ARRIVAL.count;
    if (memory.view.getInt32(count, true) >= hotArrivals) memory.view.setInt32(count, 0, true);
  }

  #drop(translated: Translated): void {
    for (const page of translated.code.pages) {
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
  readonly #history: CodeHistory;

  constructor(
    parts: TranslatorParts,
    origin: bigint,
    departures: ReadonlyMap<number, KnownDeparture>,
    history: CodeHistory,
  ) {
    this.#parts = parts;
    this.#origin = origin;
    this.#originInPage = Number(origin & 0xfffn);
    this.#departures = departures;
    this.#history = history;
  }

  at(pc: number): Placed | undefined {
    if (this.#instructions.has(pc)) return this.#instructions.get(pc);
    const placed = this.#read(pc);
    this.#instructions.set(pc, placed);
    return placed;
  }

  arrivals(pc: number): number {
    const page = this.#pageOf(pc);
    if (page === undefined || this.#history.isRestless(this.ramOffset(pc)!)) return 0;
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
    if (breakpoint === 0 || decoded.isStoppingHint(ramOffset)) return undefined;
    if (operation === OPERATION.breakpoint) operation = memory.bytes[record + layout.RECORD.replaced];
    if (operation === OPERATION.straddling) {
      if (this.#pageOf(pc + 2)?.ramPage !== page.ramPage + 1) return undefined;
    } else if (operation <= OPERATION.straddling) return undefined;
    const host = memory.layout.ram + ramOffset;
    const low = memory.view.getUint16(host, true);
    const instruction = decoded.decode(instructionLength(low) === 2 ? low : memory.view.getUint32(host, true));
    if (instruction === undefined) return undefined;
    const patched = this.#history.patchedFormat(ramOffset, instruction.word);
    return { decoded: instruction, pc, ramOffset, ...(patched && { patched }), ...(breakpoint && { breakpoint }) };
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

/** Where a region looks for breakpoints, by address. */
function checksOf({ blocks }: Region, entry: bigint): Map<bigint, BreakpointCheck> {
  const checks = new Map<bigint, BreakpointCheck>();
  for (const { instructions } of blocks) {
    for (const { pc, breakpoint } of instructions) {
      if (breakpoint !== undefined) checks.set(BigInt.asUintN(64, entry + BigInt(pc)), breakpoint);
    }
  }
  return checks;
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
