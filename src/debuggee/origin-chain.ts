import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import { csrName } from "../isa/csrs.ts";
import type { HartView, MachineLike, TraceFilter } from "../machine/machine-interface.ts";
import type { HistoryLike, Motion, TimelineLike } from "../replay/timeline-interface.ts";
import type { CodeWord } from "./code.ts";
import type { Inspector } from "./inspector.ts";
import { lastMemoryWrite } from "./memory-writes.ts";
import {
  bytesOf,
  type Cell,
  cellValue,
  isMemory,
  type MemoryCell,
  memoryCell,
  placeOf,
  type Ranges,
  splitRanges,
} from "./origin-cells.ts";
import { OriginEnds } from "./origin-ends.ts";
import { accessedMemory, flowInto, instructionAt, plainOperand } from "./origin-flow.ts";
import { callLeap, cycleOf, loopLeap, omitted, type TakenStep } from "./origin-leaps.ts";
import type { Origin, OriginEnd, OriginOperand, OriginPlace, OriginStep } from "./origin-protocol.ts";
import { stepSentence } from "./origin-text.ts";
import type { ProgramMap } from "./program-map.ts";

export interface OriginParts {
  readonly timeline: TimelineLike;
  readonly machine: MachineLike;
  readonly map: ProgramMap;
  readonly inspector: Inspector;
  readonly history?: HistoryLike | undefined;
}

export interface ChainOptions {
  /** How deep operands are unfolded that the chain does not follow. */
  readonly depth: number;
  /** Steps of one chain. */
  readonly most: number;
  /** "load": ends at the first load that does not bring back what was saved on the stack. */
  readonly until?: "load";
}

/** Steps that are walked for all chains of a tree together: for each that may be told, and at least so many. */
const WALKED_FOR_EACH = 8;
const LEAST_WALKED = 1024;

/** One step back, or none. */
export type Hop = (TakenStep & { readonly end?: OriginEnd }) | { readonly step?: undefined; readonly end: OriginEnd };

/** Follows one value back through registers and memory. The timeline is left anywhere; whoever asks puts it back. */
export class OriginChain {
  readonly #parts: OriginParts;
  readonly #ends: OriginEnds;
  readonly #symbolize = (address: bigint) => this.#parts.map.symbolize(address);
  #stepsLeft: number | undefined;

  constructor(parts: OriginParts) {
    this.#parts = parts;
    this.#ends = new OriginEnds({ machine: parts.machine, map: parts.map, history: parts.history });
  }

  /** Where what a cell holds now came from. */
  *follow(cell: Cell, hart: number, options: ChainOptions): Motion<Origin> {
    const { timeline } = this.#parts;
    const asked = { place: this.#place(cell), instant: timeline.now, hart, value: this.#value(cell, hart) };
    this.#stepsLeft ??= Math.max(LEAST_WALKED, options.most * WALKED_FOR_EACH);
    const taken: TakenStep[] = [];
    const end = yield* this.#chase(cell, hart, options, taken);
    const steps: OriginStep[] = [];
    for (const { step, cells } of taken) {
      steps.push(options.depth === 0 ? step : yield* this.#unfold(step, cells, options));
    }
    return { ...asked, steps, end };
  }

  *#chase(from: Cell, hart: number, options: ChainOptions, taken: TakenStep[]): Motion<OriginEnd> {
    let [cell, on] = [from, hart];
    for (;;) {
      const last = taken.at(-1);
      if (last !== undefined && options.until === "load" && isLoad(last) && !last.flow.onStack) {
        return this.#ends.load(cell);
      }
      if (taken.length >= options.most || this.#stepsLeft === 0) return this.#ends.limit(taken.length, cell);
      const hop = (yield* this.#leap(cell, on, taken)) ?? (yield* this.hop(cell, on));
      if (options.until === "load" && last !== undefined && isLoad(last) && !(hop.step && isSave(hop))) {
        return this.#ends.load(cell);
      }
      if (hop.step === undefined) return hop.end;
      taken.push(hop);
      this.#stepsLeft = (this.#stepsLeft ?? 0) - 1;
      const { step, cells, end } = hop;
      if (end !== undefined) return end;
      assert(step.follows !== undefined, "a chain goes on nowhere");
      cell = cells[step.follows];
      on = step.hart;
      foldCycle(taken);
    }
  }

  /** Over steps that are like the last ones; undefined: there are none, or it is not certain. */
  *#leap(cell: Cell, hart: number, taken: readonly TakenStep[]): Motion<Hop | undefined> {
    const { timeline, machine } = this.#parts;
    const last = taken.at(-1);
    if (last === undefined || (cell.kind !== "integer" && cell.kind !== "float")) return undefined;
    const at = timeline.now;
    const leap = loopLeap(machine, taken) ?? (yield* callLeap(timeline, taken));
    yield* timeline.seek(at);
    if (leap === undefined) return undefined;
    const hop = yield* this.#registerHop(cell, hart, leap.filter);
    const { step } = hop;
    const isGood =
      step === undefined ? leap.why === "again" : step.pc !== last.step.pc && step.value === (leap.value ?? step.value);
    if (!isGood) {
      yield* timeline.seek(at);
      return undefined;
    }
    const since = step?.instant ?? hop.end?.instant ?? timeline.first;
    // Turns of a longer cycle may have been left out there before.
    const steps = Math.max(leap.steps, last.step.omitted?.steps ?? 0);
    last.step = { ...last.step, omitted: omitted(leap.why, steps, since) };
    return hop;
  }

  /** Operands that the chain does not follow, each with where it came from. */
  *#unfold(step: OriginStep, cells: readonly Cell[], options: ChainOptions): Motion<OriginStep> {
    const operands: OriginOperand[] = [];
    for (const [index, operand] of step.operands.entries()) {
      const isOther = index !== step.follows && operand.role !== "address" && operand.value !== undefined;
      if (!isOther || this.#stepsLeft === 0) {
        operands.push(operand);
        continue;
      }
      yield* this.#parts.timeline.seek(step.instant as Instant);
      operands.push({
        ...operand,
        origin: yield* this.follow(cells[index], step.hart, { ...options, depth: options.depth - 1 }),
      });
    }
    return { ...step, operands };
  }

  /** To the step that wrote a cell last, before which the timeline then stands. */
  *hop(cell: Cell, hart: number): Motion<Hop> {
    switch (cell.kind) {
      case "memory":
        return yield* this.#memoryHop(cell);
      case "csr":
        return yield* this.#csrHop(cell, hart);
      default:
        return yield* this.#registerHop(cell, hart);
    }
  }

  *#registerHop(
    cell: Extract<Cell, { kind: "integer" | "float" | "csr" }>,
    hart: number,
    filter?: TraceFilter,
  ): Motion<Hop> {
    const { timeline } = this.#parts;
    if (cell.kind === "integer" && cell.number === 0) return { end: this.#ends.zero() };
    const value = this.#value(cell, hart);
    const at = timeline.now;
    const place = cell.kind === "csr" ? ({ kind: "csr" } as const) : { kind: cell.kind, number: cell.number };
    const csr = cell.kind === "csr" ? { csr: cell.number } : {};
    const question = { hart, place, ...csr, ...(filter !== undefined && { filter }) };
    const write = yield* timeline.toLastRegisterWrite(question, at);
    const edit = this.#ends.lastEdit(cell, hart, at);
    if (edit !== undefined && (write === undefined || edit > write.instant)) {
      return { end: this.#ends.registerEdit(cell, edit) };
    }
    if (write === undefined) return { end: this.#ends.reset(cell, hart, value) };
    if (filter === undefined) return this.#step(cell, hart, value ?? 0n);
    // The last write is another, and has left another value.
    yield* timeline.seek((write.instant + 1) as Instant);
    const left = this.#value(cell, hart) ?? 0n;
    yield* timeline.seek(write.instant as Instant);
    return this.#step(cell, hart, left);
  }

  *#csrHop(cell: Extract<Cell, { kind: "csr" | "integer" | "float" }>, hart: number): Motion<Hop> {
    const { timeline, machine } = this.#parts;
    const name = csrName(cell.number);
    if (FOLLOWING.test(name)) return { end: this.#ends.csr(cell.number) };
    const privilege = TRAP_CSRS[name];
    const at = timeline.now;
    const value = this.#value(cell, hart);
    const byTrap =
      privilege === undefined
        ? undefined
        : yield* timeline.toLastRegisterWrite({ hart, place: { kind: "trap", privilege } }, at);
    yield* timeline.seek(at);
    if (byTrap === undefined) return yield* this.#registerHop(cell, hart);
    const byStep = yield* timeline.toLastRegisterWrite({ hart, place: { kind: "csr" }, csr: cell.number }, at);
    const edit = this.#ends.lastEdit(cell, hart, at) ?? -1;
    const later = Math.max(byStep?.instant ?? -1, edit);
    // An interrupt comes behind a step of the instant before, and in front of one of the same.
    if (later > byTrap.instant || (byTrap.interrupt && byStep?.instant === byTrap.instant)) {
      yield* timeline.seek(at);
      return yield* this.#registerHop(cell, hart);
    }
    yield* timeline.seek(at);
    const view = machine.harts[hart];
    const csrOf = (suffix: string) => view.csr(CSR_NUMBERS[`${privilege === 3 ? "m" : "s"}${suffix}`]) ?? 0n;
    const [cause, pc] = [csrOf("cause"), csrOf("epc")];
    const isInterrupt = byTrap.interrupt === true;
    assert(value !== undefined, "a CSR that there is not");
    return { end: this.#ends.trap(cell.number, hart, byTrap.instant, cause, { pc, isInterrupt }) };
  }

  *#memoryHop(cell: MemoryCell): Motion<Hop> {
    const { timeline, machine } = this.#parts;
    if (!isMemory(machine, cell.ranges)) return { end: this.#ends.device(cell.ranges, 0n) };
    const value = cellValue(machine, machine.harts[0], cell);
    const writer = yield* lastMemoryWrite(timeline, cell.ranges, timeline.now);
    if (writer === undefined) return { end: this.#ends.image(cell, value) };
    yield* timeline.seek(writer.instant as Instant);
    if (writer.kind === "outside") return { end: this.#ends.outside(writer.write) };
    return this.#step(cell, writer.hit.hart, value ?? 0n);
  }

  /** The instruction that a hart is about to execute, which writes a cell. */
  #step(cell: Cell, hart: number, value: bigint): Hop {
    const { timeline, machine, map, inspector } = this.#parts;
    const view = machine.harts[hart];
    const code = instructionAt(machine, view);
    assert(code?.decoded !== undefined, "something was written by no instruction");
    const at = map.place(code.address);
    const { symbol } = at;
    const text = inspector.instructionText(code.word, code.address);
    if (cell.kind === "memory") {
      const dma = this.#deviceTold(cell, code, view);
      if (dma !== undefined) return { end: this.#ends.dma(dma, text, symbol, timeline.now) };
    }
    const flow = flowInto(cell.kind, code.decoded, view, machine);
    const { rest, note } = cell.kind === "memory" ? this.#uncovered(cell, code, view) : NO_REST;
    const all = [...flow.operands, ...rest.map((each) => ({ cell: each, role: "rest" as const }))];
    const operands = all.map(({ cell: each, role }) => ({
      place: this.#place(each),
      value: this.#value(each, hart),
      role,
    }));
    const cells = all.map(({ cell: each }) => each);
    const values = operands.filter(({ role }) => role === "value").map((operand) => operand.value);
    const { mnemonic } = code.decoded.instruction;
    const follows = plainOperand(mnemonic, values, value);
    const how = flow.how === "copy" && values[0] !== value ? "computed" : flow.how;
    const place = this.#place(cell);
    const step: OriginStep = {
      ...{ instant: timeline.now, hart, ...at, text },
      ...{ place, value, how, sentence: stepSentence(how, place, operands, code.decoded), operands },
      ...(follows !== undefined && { follows }),
      ...(note !== undefined && { note }),
    };
    const hop = { step, cells, flow, written: cell };
    if (follows !== undefined) {
      const next = cells[follows];
      // A device answers once: what it said is the value.
      if (next.kind === "memory" && !isMemory(machine, next.ranges)) {
        return { ...hop, end: this.#ends.device(next.ranges, value) };
      }
      return hop;
    }
    if (flow.isReservation) return { ...hop, end: this.#ends.reservation(text) };
    if (values.length > 0) return { ...hop, end: this.#ends.computed(text, operands) };
    return { ...hop, end: this.#ends.constant(text, symbol, CALLS.test(mnemonic)) };
  }

  /** The device's register that the instruction stores to, when it is a device that wrote the memory. */
  #deviceTold(cell: MemoryCell, code: CodeWord, view: HartView): bigint | undefined {
    const target = this.#stored(code, view);
    if (target === undefined || isMemory(this.#parts.machine, target)) return undefined;
    assert(bytesOf(splitRanges(cell.ranges, target).shared) === 0, "a device where there is memory");
    return BigInt(target[0].address);
  }

  /** What of a cell the store at hand has left as it was. */
  #uncovered(cell: MemoryCell, code: CodeWord, view: HartView) {
    const { shared, rest } = splitRanges(cell.ranges, this.#stored(code, view) ?? cell.ranges);
    if (rest.length === 0) return NO_REST;
    const note = `It wrote ${bytesOf(shared)} of the ${cell.length} bytes; the others are older.`;
    const first = cell.ranges[0].address as number;
    const cells = rest.map((range): Cell => {
      const [one] = splitRanges(cell.ranges, [range]).shared;
      const address = BigInt.asUintN(64, cell.address + BigInt(one.address - first));
      return { kind: "memory", address, length: one.length, ranges: [one] };
    });
    return { rest: cells, note };
  }

  /** Where the instruction at hand stores, physically. */
  #stored({ decoded }: CodeWord, view: HartView): Ranges | undefined {
    assert(decoded !== undefined, "memory was written by no instruction");
    const { machine } = this.#parts;
    if (decoded.instruction.mnemonic !== "cbo.zero") return accessedMemory(decoded, view, machine)?.ranges;
    const block = view.register(decoded.rs1) & ~BigInt(CACHE_BLOCK_BYTES - 1);
    return memoryCell(machine, block, CACHE_BLOCK_BYTES, view.id).ranges;
  }

  #place(cell: Cell): OriginPlace {
    return placeOf(cell, this.#symbolize);
  }

  #value(cell: Cell, hart: number): bigint | undefined {
    const { machine } = this.#parts;
    return cellValue(machine, machine.harts[hart], cell);
  }
}

const CACHE_BLOCK_BYTES = 64;
const CALLS = /^jalr?$/;
const NO_REST: { readonly rest: readonly Cell[]; readonly note?: string } = { rest: [] };

/** CSRs that traps write, by the privilege that the traps go to. */
const TRAP_CSRS: Readonly<Record<string, 1 | 3 | undefined>> = {
  ...{ mepc: 3, mcause: 3, mtval: 3 },
  ...{ sepc: 1, scause: 1, stval: 1 },
};
const CSR_NUMBERS: Readonly<Record<string, number>> = { mepc: 0x341, mcause: 0x342, sepc: 0x141, scause: 0x142 };
/** CSRs that change by themselves, or are views of others. */
const FOLLOWING =
  /^([ms]status|[ms]i[ep]|f(flags|rm|csr)|m?(cycle|instret|hpmcounter\d+)|time|m(vendor|arch|imp|hart)id)$/;

function isLoad({ step }: TakenStep): boolean {
  return step.how === "load";
}

/** A register saved on the stack. */
function isSave({ step, flow }: TakenStep): boolean {
  return step.how === "store" && flow.onStack;
}

/** Of a cycle that the chain goes through again and again two turns are told. */
function foldCycle(taken: TakenStep[]): void {
  const length = cycleOf(taken);
  if (length === undefined) return;
  const [last] = taken.splice(-length).slice(-1);
  const kept = taken[taken.length - 1];
  kept.step = { ...kept.step, omitted: omitted("again", length, last.step.instant) };
}
