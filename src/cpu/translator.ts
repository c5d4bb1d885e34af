import { assert } from "../base/assert.ts";
import * as layout from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { IMPORT_MODULE } from "../wasm/module.ts";
import type { AddressTranslation } from "./address-translation.ts";
import type { BreakpointCheck } from "./breakpoint-slots.ts";
import { CodeHistory, MOST_RETIRED, type Translated } from "./code-history.ts";
import type { BreakpointChange, DecodedPages, Translations } from "./decoded-pages.ts";
import { Departures } from "./departures.ts";
import { arrivalAt, CodeAround } from "./executed-code.ts";
import { type GrowthLimits, growRegion, LARGE, type Region, SMALL } from "./region.ts";
import type { Departure, RegionForm } from "./region-code.ts";
import { type CompiledRegions, type CompilerSetup, compileRegions, type RegionCompiler } from "./region-compiler.ts";
import { ANSWER, REGION_EXPORT, REGION_TABLE } from "./region-function.ts";
import { encodeOrder, exitsOf, type RegionOrder } from "./region-order.ts";
import { type Difference, TranslatedCode } from "./translated-code.ts";

/** What the translator works with. */
export interface TranslatorParts {
  readonly memory: PhysicalMemory;
  readonly decoded: DecodedPages;
  readonly translation: AddressTranslation;
  /** Exports of the interpreter's instance, where translations take its functions from. */
  readonly exports: WebAssembly.Exports;
  /** Through which translations are called; slot 0 is nobody's. */
  readonly table: WebAssembly.Table;
  readonly setup: CompilerSetup;
  /** Jumps that arrive somewhere before it is translated. */
  readonly hotArrivals: number;
  /** Entries into its small region before it has a large one. */
  readonly hotEntries: number;
  /** Undefined: regions are made at once. */
  readonly compiler: RegionCompiler | undefined;
}

/**
 * Each costs V8 some ten to a hundred kilobytes. When there are more, those that have been in the table for longest leave
 * it, but are kept for a while (CodeHistory): what is entered meanwhile comes back, the rest is forgotten. So a program
 * that has left its old code behind does not pay for it for ever, and hot code is not made again.
 */
export const MOST_REGIONS = 4096;
const MOST_IN_TABLE = MOST_REGIONS - MOST_RETIRED;
const LEAVE_AT_ONCE = MOST_REGIONS / 4;
/** Likewise, of what translations lead to or have led to: each place has a slot for good. */
const MOST_SLOTS = 1 << 16;
const TABLE_GROWTH = 1024;

/** What is being made elsewhere. */
type Pending = Omit<Translated, "callable">;

/** No count of entries comes to it again. */
const NEVER = 0;

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
  readonly #departures: Departures;
  /** Slots of what is being made elsewhere. */
  readonly #pending = new Map<number, Pending>();
  /** Likewise, in the order in which they come back; those that are not pending any more are not wanted. */
  readonly #ordered: Pending[] = [];
  #nextSlot = layout.BREAKPOINT_SLOTS;
  /** The host has refused to compile generated code: the interpreter serves alone. */
  #isForbidden = false;

  constructor(parts: TranslatorParts) {
    this.#parts = parts;
    this.#absent = absentFunction();
    this.#history = new CodeHistory(parts.memory, parts.hotArrivals);
    this.#departures = new Departures(parts.memory, parts.hotEntries);
  }

  /** Jumps have arrived at an address often. It is executed now, so that its page has an execute tag. */
  translate(pc: bigint): void {
    this.collect();
    this.#translate(pc, SMALL);
  }

  /**
   * A translation is entered so often that it is worth a large region, or has learnt where it goes: another takes its place.
   * Or its form does not fit the present context: then it is kept for when it does again.
   */
  renew(slot: number): void {
    this.collect();
    const translated = this.#bySlot.get(slot);
    if (translated === undefined) return;
    const { entry, limits } = translated;
    if (this.#isOfForm(translated)) {
      this.#translate(entry, LARGE);
      return;
    }
    this.#drop(translated);
    this.#history.keep(translated);
    this.#translate(entry, limits);
  }

  #formNow(): RegionForm {
    const { view } = this.#parts.memory;
    if (view.getInt32(layout.DATA_IS_TRANSLATED, true) !== 0) return "tables";
    return view.getInt32(layout.RAM_IS_GUARDED, true) === 0 ? "window" : "guarded";
  }

  #translate(pc: bigint, limits: GrowthLimits): void {
    if (this.#isForbidden) return;
    this.#makeRoom();
    const { memory, hotEntries } = this.#parts;
    const code = new CodeAround(this.#parts, pc, this.#departures, this.#history);
    const entryOffset = code.place(0);
    if (entryOffset === undefined) return;
    const decodedPage = memory.decodedPointers[entryOffset >>> 12];
    assert(decodedPage !== 0, "what is translated has been decoded");
    const slot = this.#slotFor(entryOffset);
    if (this.#pending.has(slot)) return;
    const arrival = arrivalAt(decodedPage, entryOffset);
    if (!this.#bySlot.has(slot)) {
      if (this.#revive(pc, entryOffset) || !this.#history.mayTranslate(entryOffset, arrival)) return;
    }
    const region = code.at(0) && growRegion(code, limits);
    if (region === undefined || region.entry.instructions.length === 0) {
      // A system instruction, or one that was changed and has not been executed since.
      if (!this.#bySlot.has(slot)) this.#countFrom(0, { arrival });
      return;
    }
    const made = new TranslatedCode(memory, region, (distance) => code.place(distance));
    const guarded = code.pagesOf(region);
    const form = this.#formNow();
    const checks = checksOf(region, pc);
    const order: RegionOrder = {
      ...{ region, entry: pc, pages: guarded, form, checks },
      entries: { address: arrival + layout.ARRIVAL.count, limit: limits === LARGE ? NEVER : hotEntries },
      slots: this.#slotsFor(region, code),
      departures: limits.followsTargets ? this.#departuresOf(region) : new Map(),
    };
    this.#make({ slot, entry: pc, entryOffset, arrival, code: made, guarded, form, checks, limits }, order);
  }

  #makeRoom(): void {
    if (this.#nextSlot >= MOST_SLOTS) this.dropAll();
    if (this.#bySlot.size < MOST_IN_TABLE) return;
    // In the order in which they came into the table.
    for (const translated of [...this.#bySlot.values()].slice(0, LEAVE_AT_ONCE)) {
      this.#drop(translated);
      this.#history.keep(translated);
      this.#history.tryAgain(translated);
    }
  }

  /** Puts what has been made elsewhere into the table, if what it was made of is still there. */
  collect(): void {
    const { compiler } = this.#parts;
    if (compiler === undefined || this.#ordered.length === 0) return;
    if (compiler.isGone) this.#abandon();
    for (let made = compiler.collect(); made !== undefined; made = compiler.collect()) {
      const { orders, first, compiled } = made;
      const functions = this.#instantiate(compiled);
      this.#ordered.splice(0, orders).forEach((pending, index) => {
        if (this.#pending.get(pending.slot) !== pending) return;
        this.#pending.delete(pending.slot);
        if (this.#isRight(pending)) this.#made({ ...pending, callable: functions(first + index) });
        else this.#countFrom(0, pending);
      });
    }
  }

  /** Nothing comes back any more: what was ordered has to become hot again. */
  #abandon(): void {
    for (const [slot, pending] of this.#pending) if (!this.#bySlot.has(slot)) this.#countFrom(0, pending);
    this.#pending.clear();
    this.#ordered.length = 0;
  }

  #made(translated: Translated): void {
    if (this.#isOfForm(translated)) {
      this.#replace(translated);
      return;
    }
    // The context may be another by now, and come back.
    this.#history.keep(translated);
    if (!this.#bySlot.has(translated.slot)) this.#history.tryAgain(translated);
  }

  #make(pending: Pending, order: RegionOrder): void {
    const { setup, compiler } = this.#parts;
    if (compiler?.isReady) {
      compiler.order(encodeOrder(order));
      this.#pending.set(pending.slot, pending);
      this.#ordered.push(pending);
      return;
    }
    let compiled: CompiledRegions;
    try {
      compiled = compileRegions([order], setup);
    } catch (error) {
      if (!(error instanceof WebAssembly.CompileError)) throw error;
      this.#isForbidden = true;
      return;
    }
    this.#replace({ ...pending, callable: this.#instantiate(compiled)(0) });
  }

  /** Gives the functions by their index. */
  #instantiate({ module, imported }: CompiledRegions): (index: number) => unknown {
    const { memory, setup, exports, table } = this.#parts;
    const imports: Record<string, WebAssembly.ImportValue> = { memory: memory.memory, [REGION_TABLE]: table };
    for (const index of imported) {
      imports[`function ${index}`] = exports[setup.functions.exported.get(index)!.name] as WebAssembly.ImportValue;
    }
    const instance = new WebAssembly.Instance(module, { [IMPORT_MODULE]: imports });
    return (index) => instance.exports[REGION_EXPORT + index];
  }

  #replace(translated: Translated): void {
    const present = this.#bySlot.get(translated.slot);
    if (present !== undefined) this.#drop(present);
    this.#install(translated);
  }

  #slotsFor(region: Region, code: CodeAround): Map<number, number> {
    return new Map([...exitsOf(region)].map((distance) => [distance, this.#slotFor(code.place(distance))]));
  }

  #departuresOf({ blocks }: Region): Map<number, Departure> {
    const departures = new Map<number, Departure>();
    for (const { ending, instructions } of blocks) {
      if (ending.kind !== "indirect") continue;
      const { place } = instructions[instructions.length - 1];
      const departure = this.#departures.departureFor(place);
      if (departure !== undefined) departures.set(place, departure);
    }
    return departures;
  }

  /**
   * Bytes of the instruction at an offset of RAM were written. True when a translation lives on, because they are the same
   * to it: then the record of the instruction must be kept up to date, so that this hears of the next change.
   */
  rewritten(offset: number): boolean {
    this.#countAfresh(offset);
    let lives = false;
    for (const translated of this.#translated.get(offset >>> 12) ?? []) {
      if (!translated.code.has(offset)) continue;
      const difference = translated.code.difference(offset);
      if (difference === "none") lives = true;
      else this.#retire(translated, offset, difference);
    }
    this.#tryAgain(offset);
    return lives;
  }

  /** A frame holds another page: its translations serve again if the page that they are of should come back here. */
  replaced(frame: number): void {
    for (const translated of [...(this.#translated.get(frame) ?? [])]) {
      this.#drop(translated);
      this.#history.keep(translated);
    }
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
    this.#history.revived(found);
    this.#install(found);
    return true;
  }

  #isOfForm({ form }: Translated): boolean {
    return form === "tables" || form === this.#formNow();
  }

  /** Whether an old translation is right, and in its context. */
  #fits(translated: Translated): boolean {
    const { translation } = this.#parts;
    if (!this.#isOfForm(translated) || !this.#isRight(translated)) return false;
    const { guarded } = translated;
    return guarded.every(({ virtualPage, decodedPage }) => translation.executedNow(virtualPage) === decodedPage);
  }

  /** Whether the code that a translation was made of is there, and it looks for the breakpoints that are there. */
  #isRight({ code, checks }: Pending): boolean {
    const { decoded } = this.#parts;
    if (!code.isThere()) return false;
    for (const offset of code.offsets) {
      if (decoded.isStoppingHint(offset)) return false;
      for (const address of decoded.breakpointsAt(offset)) if (!checks.has(address)) return false;
    }
    for (const [address, { slot, reads }] of checks) {
      const check = decoded.breakpointCheck(address);
      if (check === undefined || check === 0 || check.slot !== slot || (check.reads & ~reads) !== 0n) return false;
    }
    return true;
  }

  /** All translations go; the decoded pages may be gone already. */
  dropAll(): void {
    for (const there of this.#translated.values()) for (const translated of there) this.#forget(translated);
    this.#translated.clear();
    this.#slots.clear();
    this.#bySlot.clear();
    this.#departures.clear();
    this.#history.clear();
    this.#pending.clear();
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
    // Changes are told of decoded instructions only.
    for (const offset of code.offsets) this.#parts.decoded.ensureDecoded(offset);
    this.#parts.table.set(slot, callable);
    this.#parts.memory.view.setInt32(arrival + layout.ARRIVAL.slot, slot, true);
    this.#bySlot.set(slot, translated);
    // While it was being made, arrivals were counted on.
    this.#countFrom(0, translated);
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

  #forget(translated: Translated): void {
    const { slot, arrival } = translated;
    const { memory, table } = this.#parts;
    table.set(slot, this.#absent);
    memory.view.setInt32(arrival + layout.ARRIVAL.slot, 0, true);
    this.#countFrom(0, translated);
  }

  /** Arrivals before there is a translation, entries into it from then on. */
  #countFrom(count: number, { arrival }: Pick<Pending, "arrival">): void {
    this.#parts.memory.view.setInt32(arrival + layout.ARRIVAL.count, count, true);
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
