import type { VirtualAddress } from "../base/brand.ts";
import type { HartView } from "../machine/machine-interface.ts";
import { NO_STOPS } from "../machine/stop.ts";
import type { Hit, Motion } from "../replay/timeline-interface.ts";
import { callsBefore, fetch, flowOf, isCall, staticSuccessors, successor } from "./code.ts";
import { errors } from "./errors.ts";
import { HartTurns } from "./hart-turns.ts";
import type { FunctionExtent } from "./program-map.ts";
import type { StepKind } from "./protocol.ts";
import { distance, MOST_STACK_SHIFT, PendingCall, SP, STEPPED, type StepEnd, type StepParts } from "./step-parts.ts";
import {
  type Context,
  contextOf,
  isIn,
  type Privilege,
  trapEntries,
  trapInto,
  wasInterrupted,
} from "./trap-context.ts";
import type { Arrival } from "./travel.ts";

/** Steps back inside a line that are taken one by one; a loop on one line is then left by a search. */
const MOST_SINGLE_STEPS = 40;
/** Instructions of a function that are looked through for ways into a line. */
const MOST_FUNCTION_INSTRUCTIONS = 20_000;

/** What lay before a state, seen from its frame. */
type Before =
  /** The instruction executed before in the same activation; a callee or handler in between has been skipped. */
  | { readonly kind: "same" }
  /** The call that began this activation. */
  | { readonly kind: "caller" }
  /** The instruction that trapped, or after which the interrupt was taken, whose handler this is. */
  | { readonly kind: "interrupted" }
  /** The last instruction of a callee or handler that has just returned, as was wished; `site` called or trapped. */
  | { readonly kind: "callee"; readonly site: bigint }
  | Exclude<StepEnd, { readonly kind: "stepped" }>;

const SATP = 0x180;

const START = { kind: "end", stop: { kind: "start" } } as const;

/**
 * Steps backward, the mirror of stepping forward: over a line goes to the beginning of the line that was executed
 * before in the same activation, or, from a function's first line, to the beginning of the caller's line.
 */
export class BackwardStepper {
  readonly #parts: StepParts;
  readonly #hart: HartView;
  readonly #id: number;
  readonly #turns: HartTurns;

  constructor(parts: StepParts, hart: number) {
    this.#parts = parts;
    this.#id = hart;
    this.#hart = parts.machine.harts[hart];
    this.#turns = new HartTurns(parts, hart);
  }

  *step(kind: StepKind, granularity: "line" | "instruction"): Motion<StepEnd> {
    if (this.#now === this.#parts.timeline.first) return START;
    if (kind === "out") return yield* this.#out();
    return yield* granularity === "line" ? this.#line(kind) : this.#instruction(kind);
  }

  get #now(): number {
    return this.#parts.timeline.now;
  }

  get #sp(): bigint {
    return this.#hart.register(SP);
  }

  /** Searches the past for the last hit of this hart at some addresses that is accepted. */
  #find(breakpoints: readonly bigint[], accept: () => boolean, before: number) {
    const stops = { ...NO_STOPS, breakpoints: breakpoints as readonly VirtualAddress[] };
    const isOurs = ({ stop }: Hit) => stop.kind === "breakpoint" && stop.hart === this.#id && accept();
    return this.#parts.traveller.findLast({ stops, accept: isOurs }, before);
  }

  // ---- by instruction

  *#instruction(kind: "over" | "into"): Motion<StepEnd> {
    if (kind === "into") return this.#end(yield* this.#one());
    return this.#end(yield* this.#back("over"));
  }

  /** Exactly one step of the hart, whatever happened in it and in those of others since. */
  *#one(): Motion<Arrival> {
    const here = this.#now;
    if (!(yield* this.#turns.back())) return START;
    return (yield* this.#watched(here)) ?? { kind: "limit" };
  }

  /** To the instruction before in the same activation, unless there is something to stop at on the way. */
  *#back(kind: "over" | "into"): Motion<Before> {
    const here = this.#now;
    const before = yield* this.#locate(kind);
    return (yield* this.#watched(here)) ?? before;
  }

  /**
   * The timeline has gone from `here` to an earlier instant, and nobody has looked for what the user wants to stop at
   * in between: does so. Undefined when there is nothing; the timeline then stands where it stood.
   */
  *#watched(here: number): Motion<(StepEnd & { readonly kind: "hit" | "end" }) | undefined> {
    const { traveller } = this.#parts;
    const limit = this.#now;
    if (limit === here || !traveller.hasStops) return undefined;
    yield* traveller.seek(here);
    const arrival = yield* traveller.backward({ limit });
    return arrival.kind === "hit" || arrival.kind === "end" ? arrival : undefined;
  }

  /**
   * Goes silently to the instruction before in the same activation. "into" stops at the end of a callee, or of a handler
   * of an exception, that has lines, instead of going over it; interrupts are always gone over, as forwards.
   */
  *#locate(kind: "over" | "into"): Motion<Before> {
    const { machine, map, traveller } = this.#parts;
    const after = { pc: this.#hart.pc, sp: this.#sp, context: contextOf(this.#hart) };
    if (!(yield* this.#turns.back())) return START;
    const code = fetch(machine, this.#hart.pc, this.#id);
    const flow = code && flowOf(code);
    // An instruction that did not lead where it leads by itself: the hart went to a handler instead.
    if (code === undefined || successor(code, this.#hart) !== after.pc) return { kind: "interrupted" };
    switch (flow?.kind) {
      case "call":
      case "indirect call":
        return { kind: "caller" };
      case "return": {
        const calls = callsBefore(machine, after.pc, this.#id).map(({ address }) => address);
        if (calls.length === 0) return { kind: "same" };
        if (kind === "into" && map.lines.at(this.#hart.pc) !== undefined) return { kind: "callee", site: calls[0] };
        const call = yield* this.#findCall(calls, after);
        if (call !== undefined) yield* traveller.seek(call);
        return { kind: "same" };
      }
      case "trap return": {
        const handlerEnd = this.#now;
        const follow = kind === "into" && !wasInterrupted(this.#hart) && map.lines.at(this.#hart.pc) !== undefined;
        if (!(yield* this.#toTrap(after))) return { kind: "same" };
        if (!follow) return { kind: "same" };
        const site = this.#hart.pc;
        yield* traveller.seek(handlerEnd);
        return { kind: "callee", site };
      }
      default:
        return { kind: "same" };
    }
  }

  /** The instant of the call that has just returned to a place with a stack pointer. */
  *#findCall(
    calls: readonly bigint[],
    { pc, sp, context }: { readonly pc: bigint; readonly sp: bigint; readonly context: Context },
  ): Motion<number | undefined> {
    const returned = this.#now + 1;
    const find = (breakpoints: readonly bigint[], accept: () => boolean, before: number) =>
      this.#find(breakpoints, () => isIn(context, this.#hart) && accept(), before);
    let nearSp = sp;
    const near = yield* find(
      calls,
      () => {
        if (distance(this.#sp, sp) > MOST_STACK_SHIFT) return false;
        nearSp = this.#sp;
        return true;
      },
      returned,
    );
    // Searches accept in the order of time within a segment, so the last one accepted is the one found.
    if (near === undefined || nearSp === sp) return near?.instant;
    // Either the callee moved the stack pointer for us, or this is a deeper activation, which has returned before.
    const shifted = nearSp;
    const deeper = yield* find([pc], () => distance(this.#sp, shifted) <= MOST_STACK_SHIFT, returned);
    if (deeper === undefined || deeper.instant < near.instant) return near.instant;
    return (yield* find(calls, () => this.#sp === sp, near.instant))?.instant;
  }

  /**
   * From the mret or sret of a handler to the instruction that trapped, or after which the interrupt was taken. False
   * when it cannot be found; the timeline then stands where it stood.
   */
  *#toTrap({ sp, context }: { readonly sp: bigint; readonly context: Context }): Motion<boolean> {
    const { traveller } = this.#parts;
    const end = this.#now;
    const { privilege } = this.#hart;
    if (privilege === 0) return false;
    const isEntry = () => {
      const { from } = trapInto(this.#hart, privilege);
      const space = context.satp === undefined || this.#hart.csr(SATP) === context.satp;
      return this.#sp === sp && this.#hart.privilege === privilege && from === context.privilege && space;
    };
    const entry = yield* this.#find(trapEntries(this.#hart, privilege), isEntry, end);
    if (entry === undefined) return false;
    yield* traveller.seek(entry.instant);
    if (yield* this.#turns.back()) return true;
    yield* traveller.seek(end);
    return false;
  }

  /** Where traps to the privilege mode that the hart is in lead, as its vector stands now. */
  #trapEntries(privilege: Privilege): bigint[] {
    return privilege === 0 ? [] : trapEntries(this.#hart, privilege);
  }

  // ---- out

  /** To the call instruction in the caller, or to what the handler interrupted. */
  *#out(): Motion<StepEnd> {
    const { frames, machine } = this.#parts;
    const [, caller] = frames.unwind(this.#id, 2);
    if (caller?.interrupted) return yield* this.#outOfHandler();
    if (caller === undefined) return yield* this.#outByEntry();
    const sp = caller.sp ?? this.#sp;
    const context = contextOf(this.#hart);
    const breakpoints = callsBefore(machine, caller.pc, this.#id).map(({ address }) => address);
    const arrival = yield* this.#parts.traveller.backward({
      hart: this.#id,
      breakpoints,
      accept: () => this.#sp === sp && isIn(context, this.#hart),
    });
    return arrival.kind === "own" || arrival.kind === "limit" ? STEPPED : arrival;
  }

  /** Nothing on the stack tells the caller, but the past does: the function was entered. */
  *#outByEntry(): Motion<StepEnd> {
    const extent = this.#parts.map.functionAt(this.#hart.pc);
    if (extent === undefined || this.#hart.pc === extent.start) return yield* this.#fromEntry();
    const sp = this.#sp;
    const context = contextOf(this.#hart);
    const arrival = yield* this.#parts.traveller.backward({
      hart: this.#id,
      breakpoints: [extent.start],
      accept: () => this.#sp >= sp && isIn(context, this.#hart),
    });
    if (arrival.kind !== "own") return arrival.kind === "limit" ? STEPPED : arrival;
    return yield* this.#fromEntry();
  }

  *#fromEntry(): Motion<StepEnd> {
    if (this.#now === this.#parts.timeline.first) throw errors.noCaller();
    return this.#end(yield* this.#one());
  }

  #end(arrival: Arrival | Before): StepEnd {
    return arrival.kind === "hit" || arrival.kind === "end" ? arrival : STEPPED;
  }

  /** To what the handler interrupted: its first instruction, and one more. */
  *#outOfHandler(): Motion<StepEnd> {
    const { traveller } = this.#parts;
    const { privilege } = this.#hart;
    const entries = this.#trapEntries(privilege);
    if (!entries.includes(this.#hart.pc)) {
      const accept = () => this.#hart.privilege === privilege;
      const arrival = yield* traveller.backward({ hart: this.#id, breakpoints: entries, accept });
      if (arrival.kind !== "own") return this.#end(arrival);
    }
    return this.#end(yield* this.#one());
  }

  // ---- by line

  *#line(kind: "over" | "into"): Motion<StepEnd> {
    const { lines } = this.#parts.map;
    if (lines.at(this.#hart.pc) === undefined) return yield* this.#instruction(kind);
    let before = yield* this.#back(kind);
    for (;;) {
      if (before.kind === "hit" || before.kind === "end") return before;
      if (lines.at(this.#hart.pc) === undefined) {
        // The caller has no lines: there is nowhere better to come to rest.
        if (before.kind === "caller" || before.kind === "interrupted") return STEPPED;
      } else {
        const end = yield* this.#toBeginning(kind);
        if (end !== undefined) return end;
        if (lines.beginsStatement(this.#hart.pc)) return STEPPED;
      }
      // Jumped into the middle of a line, where stepping forward would not have stopped: on to the line before.
      before = yield* this.#back(kind);
    }
  }

  /**
   * From somewhere in a line to where this stay on the line began: the first instruction of the line that was executed
   * without leaving it (callees and handlers aside) until now. Undefined when it has arrived there.
   */
  *#toBeginning(kind: "over" | "into"): Motion<StepEnd | undefined> {
    const { lines } = this.#parts.map;
    let line = lines.at(this.#hart.pc);
    let steps = 0;
    for (;;) {
      const here = this.#now;
      if (here === this.#parts.timeline.first) return undefined;
      if (kind === "over" && steps++ === MOST_SINGLE_STEPS && (yield* this.#leapToBeginning())) {
        return yield* this.#watched(here);
      }
      const before = yield* this.#locate(kind);
      if (before.kind === "hit" || before.kind === "end") return before;
      const there = lines.at(this.#hart.pc);
      // A callee belongs to the line that called it, which need not be the one that it returned to.
      const from = before.kind === "callee" ? lines.at(before.site) : before.kind === "same" ? there : undefined;
      if (from === undefined || from.line !== line?.line || from.path !== line.path) {
        yield* this.#parts.traveller.seek(here);
        return undefined;
      }
      const seen = yield* this.#watched(here);
      if (seen !== undefined) return seen;
      if (before.kind === "callee") {
        // The line called something that has lines: into it, to the beginning of its last line.
        line = there;
        steps = 0;
      }
    }
  }

  /**
   * The same by a search, for loops on one line: back to the last instruction outside that led into the line, and to
   * where it led. Silent; false when it cannot be done, and nothing has moved.
   */
  *#leapToBeginning(): Motion<boolean> {
    const { map, frames, traveller, machine } = this.#parts;
    const extent = map.functionAt(this.#hart.pc);
    const line = map.lines.at(this.#hart.pc);
    if (extent === undefined || line === undefined) return false;
    const onLine = (address: bigint) => {
      const span = map.lines.at(address);
      return span !== undefined && span.line === line.line && span.path === line.path;
    };
    const ways = this.#waysInto(extent, onLine);
    if (ways === undefined) return false;
    const base = frames.frameBase(this.#id);
    const accept = () => {
      const here = frames.frameBase(this.#id);
      if (base !== undefined && here !== undefined && here !== base) return false;
      const { pc } = this.#hart;
      if (onLine(pc)) return true;
      const code = fetch(machine, pc, this.#id);
      if (code === undefined) return false;
      const leadsTo = isCall(flowOf(code)) ? pc + BigInt(code.length) : successor(code, this.#hart);
      return leadsTo !== undefined && onLine(leadsTo);
    };
    const context = contextOf(this.#hart);
    const way = yield* this.#find(ways, () => isIn(context, this.#hart) && accept(), this.#now);
    if (way === undefined) return false;
    yield* traveller.seek(way.instant);
    if (!onLine(this.#hart.pc)) yield* this.#intoLine();
    return true;
  }

  /** Stands at the instruction that leads into the line: one step forward, or to the return of its call. */
  *#intoLine(): Motion<void> {
    const { traveller, machine } = this.#parts;
    const code = fetch(machine, this.#hart.pc, this.#id);
    if (code === undefined || !isCall(flowOf(code))) {
      yield* traveller.seek(this.#now + 1);
      return;
    }
    const back = code.address + BigInt(code.length);
    const pending = new PendingCall(code.address, back, this.#sp);
    const accept = () => pending.isOver(this.#hart.pc, this.#sp);
    yield* traveller.forward({ hart: this.#id, breakpoints: [code.address, back], accept, silent: true });
  }

  /** Instructions of the function that may lead into a line from outside; its entry, when the line begins there. */
  #waysInto(extent: FunctionExtent, onLine: (address: bigint) => boolean): bigint[] | undefined {
    const ways: bigint[] = onLine(extent.start) ? [extent.start] : [];
    let address = extent.start;
    for (let count = 0; address < extent.end; count++) {
      if (count === MOST_FUNCTION_INSTRUCTIONS) return undefined;
      const code = fetch(this.#parts.machine, address, this.#id);
      if (code === undefined) break;
      const leads = flowOf(code).kind === "indirect jump" || staticSuccessors(code).some(onLine);
      if (leads && !onLine(address)) ways.push(address);
      address += BigInt(code.length);
    }
    return ways;
  }
}
