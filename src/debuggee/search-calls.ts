import { virtualAddress } from "../base/brand.ts";
import type { HartView } from "../machine/machine-interface.ts";
import type { StopConditions } from "../machine/stop.ts";
import type { Hit } from "../replay/timeline-interface.ts";
import { fetch, flowOf } from "./code.ts";
import { type Parameter, parametersOf } from "./parameters.ts";
import { COST, type Finder, type FinderTask, placeOf, type SearchParts } from "./search-finder.ts";
import { placeToHit, stopsAt } from "./search-hits.ts";
import type { CallFound } from "./search-protocol.ts";
import { hex } from "./value-format.ts";

const RA = 1;
const SP = 2;
const A0 = 10;
const FA0 = 10;
const SATP = 0x180;
/** Harts with floating point have it. */
const FCSR = 0x003;
/** Numbers below it are counts, and shown as such. */
const SMALL = 1n << 20n;

/** A listed call that has not returned. */
interface OpenCall {
  /** Its number in the list. */
  readonly index: number;
  readonly hart: number;
  readonly returnAddress: bigint;
  readonly sp: bigint;
  /** User programs live at the same addresses, each in its own space. */
  readonly space: bigint | undefined;
}

/**
 * Calls are arrivals at a function's first instruction. They are counted as such; how a call went on is found out for those that are
 * listed, by waiting at their return addresses.
 */
export function callFinder(given: FinderTask<"calls">): Finder {
  const { parts, question, task, tally } = given;
  const place = placeToHit(parts, { at: { kind: "function", name: question.function } });
  const stops = stopsAt(parts, place, task.settled, tally.counter);
  if (task.list !== undefined) return new CallList(given, stops);
  return {
    stops,
    visit: ({ instant }) => {
      tally.count(instant);
      return COST.hit;
    },
  };
}

class CallList implements Finder {
  stops: StopConditions;
  /** Calls return behind the segment, too. */
  readonly scanTo: number;
  readonly #given: FinderTask<"calls">;
  /** At the function's first instructions. */
  readonly #atEntries: StopConditions;
  readonly #entries: ReadonlySet<bigint>;
  readonly #parameters: readonly Parameter[];
  readonly #hasFloat: boolean;
  #open: OpenCall[] = [];
  /** The last listed call has begun. */
  #lastAt: number | undefined;
  #isBehind = false;

  constructor(given: FinderTask<"calls">, stops: StopConditions) {
    const { parts, task } = given;
    this.#given = given;
    this.#atEntries = stops;
    this.#entries = new Set(stops.breakpoints);
    this.stops = stops;
    this.#hasFloat = parts.machine.harts[0].csr(FCSR) !== undefined;
    this.#parameters = parametersOf(parts.map, stops.breakpoints[0]);
    this.scanTo = Math.min(parts.timeline.end, task.to + (task.mostStepsToReturn ?? 0));
  }

  visit({ instant, stop }: Hit): number | "end" {
    if (stop.kind !== "breakpoint") return COST.hit;
    const { hart: id, pc } = stop;
    const { tally, task } = this.#given;
    const hart = this.#given.parts.machine.harts[id];
    this.#passed(hart, pc, instant);
    const isEntry = this.#entries.has(pc) && !tally.isOver && instant < task.to;
    if (isEntry && tally.count(instant)) this.#called(hart, instant);
    if (tally.isOver) this.#lastAt ??= instant;
    return this.#isOver(instant) ? "end" : COST.row;
  }

  nextLook(now: number): number {
    const end = this.#given.task.to;
    if (now < end) return end;
    return this.#limit > now ? this.#limit : Number.POSITIVE_INFINITY;
  }

  look(): number | "end" {
    const { instant } = this.#given.parts.machine;
    // Behind the segment only returns count.
    if (instant >= this.#given.task.to && !this.#isBehind) {
      this.#isBehind = true;
      this.#stopAtReturns();
    }
    return this.#isOver(instant) || instant >= this.#limit ? "end" : COST.hit;
  }

  /** So far returns are waited for. */
  get #limit(): number {
    const { to, mostStepsToReturn = 0 } = this.#given.task;
    return (this.#lastAt ?? to) + mostStepsToReturn;
  }

  #isOver(instant: number): boolean {
    const { tally, task } = this.#given;
    return (tally.isOver || instant >= task.to) && this.#open.length === 0;
  }

  #called(hart: HartView, instant: number): void {
    const { parts, tally } = this.#given;
    const returnAddress = hart.register(RA);
    const call: OpenCall = {
      index: tally.listed.length,
      hart: hart.id,
      returnAddress,
      sp: hart.register(SP),
      space: spaceOf(hart),
    };
    this.#open.push(call);
    const values = this.#parameters.map(({ name, register, isFloat }) => ({
      name,
      value: isFloat ? hart.floatRegister(register) : hart.register(register),
    }));
    const found: CallFound = { arguments: values, returnAddress };
    tally.listed.push({
      ...placeOf(parts, instant, hart.id, hart.pc),
      text: this.#text(found, "has not returned"),
      call: found,
    });
    this.#stopAtReturns();
  }

  /** A hart stands somewhere: calls return there, or their caller is about to call again, and they never will. */
  #passed(hart: HartView, pc: bigint, instant: number): void {
    const sp = hart.register(SP);
    const space = spaceOf(hart);
    const kept: OpenCall[] = [];
    for (const call of this.#open) {
      const isFrame = call.hart === hart.id && call.sp === sp && call.space === space;
      if (isFrame && call.returnAddress === pc) this.#returned(call, hart, instant);
      else if (isFrame && this.#isCallTo(call.returnAddress, pc)) this.#left(call);
      else kept.push(call);
    }
    if (kept.length === this.#open.length) return;
    this.#open = kept;
    this.#stopAtReturns();
  }

  #isCallTo(returnAddress: bigint, pc: bigint): boolean {
    if (pc + 2n !== returnAddress && pc + 4n !== returnAddress) return false;
    const code = fetch(this.#given.parts.machine, pc, this.#given.parts.machine.currentHart);
    if (code === undefined || pc + BigInt(code.length) !== returnAddress) return false;
    return ["call", "indirect call"].includes(flowOf(code).kind);
  }

  #returned({ index }: OpenCall, hart: HartView, instant: number): void {
    const value = hart.register(A0);
    const floatValue = this.#hasFloat ? { floatValue: hart.floatRegister(FA0) } : {};
    this.#change(index, (call) => ({ ...call, returned: { instant, value, ...floatValue } }), undefined);
  }

  #left({ index }: OpenCall): void {
    this.#change(index, (call) => call, "left without returning");
  }

  #change(index: number, how: (call: CallFound) => CallFound, otherwise: string | undefined): void {
    const { listed } = this.#given.tally;
    const row = listed[index];
    const call = how(row.call!);
    const number = call.returned && {
      number: Number(BigInt.asIntN(64, call.returned.value)),
      bits: call.returned.value,
    };
    listed[index] = { ...row, ...number, call, text: this.#text(call, otherwise) };
  }

  /** `work(a0 = 3, a1 = 0x80001000 <cells>) = 12` */
  #text({ arguments: values, returned }: CallFound, otherwise: string | undefined): string {
    const { parts, question } = this.#given;
    const given = values.map(({ name, value }) => `${name} = ${valueText(parts, value)}`).join(", ");
    const result = returned === undefined ? ` (${otherwise})` : ` = ${valueText(parts, returned.value)}`;
    return `${question.function.trim()}(${given})${result}`;
  }

  #stopAtReturns(): void {
    const { tally } = this.#given;
    const wanted = new Set(tally.isOver || this.#isBehind ? [] : this.#atEntries.breakpoints);
    for (const { returnAddress } of this.#open) {
      for (const distance of [0n, 2n, 4n]) wanted.add(virtualAddress(returnAddress - distance));
    }
    this.stops = { ...this.#atEntries, breakpoints: [...wanted] };
  }
}

/** User mode has as many address spaces as programs; a kernel is in all of them. */
function spaceOf(hart: HartView): bigint | undefined {
  return hart.privilege === 0 ? hart.csr(SATP) : undefined;
}

function valueText({ map }: SearchParts, value: bigint): string {
  const number = BigInt.asIntN(64, value);
  if (number > -SMALL && number < SMALL) return String(number);
  const name = map.symbolize(value);
  return name === undefined ? hex(value) : `${hex(value)} <${name}>`;
}
