import type { HartView } from "../machine/machine-interface.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { type CodeWord, callsBefore, type Flow, fetch, flowOf, isCall, staticSuccessors, successor } from "./code.ts";
import { errors } from "./errors.ts";
import { HartTurns } from "./hart-turns.ts";
import type { Leg } from "./judge.ts";
import type { FunctionExtent } from "./program-map.ts";
import type { StepKind } from "./protocol.ts";
import { PendingCall, RA, SP, STEPPED, type StepEnd, type StepParts } from "./step-parts.ts";
import { type Context, contextBehind, contextOf, isIn, sameContext, wasInterrupted } from "./trap-context.ts";
import { trapReturns } from "./trap-returns.ts";
import type { Arrival } from "./travel.ts";

/** Instructions of one line that are looked at together; a line that is longer is run in several pieces. */
const MOST_LINE_INSTRUCTIONS = 4096;
/** Handlers that use the interrupted stack stay within this distance below it. */
const HANDLER_STACK = 1n << 16n;
/** Times that one instruction may fault and be tried again: for each of its pages once, with interrupts in between. */
const MOST_RETRIES = 16;

/** How a stretch of code was left. */
type Left =
  /** To elsewhere in the function, or on into whatever follows it. */
  | { readonly kind: "flow" }
  /** Back to the caller, or out of a handler. */
  | { readonly kind: "returned" }
  /** Into a callee or a handler, as was wished. */
  | { readonly kind: "entered" }
  | Exclude<StepEnd, { readonly kind: "stepped" }>;

export interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/**
 * Steps forward. Lines run at full speed: breakpoints stand where control can leave the line, and only what cannot be
 * foreseen (returns, jumps through registers, and calls to be entered) is taken instruction by instruction.
 */
export class ForwardStepper {
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
    if (kind === "out") return yield* this.#out();
    return yield* granularity === "line" ? this.#line(kind) : this.#instruction(kind);
  }

  /**
   * Until the range is left, at least by one instruction, as a debugger with line tables of its own steps: into callees and handlers that have lines,
   * over all others.
   */
  *range(range: Range): Motion<StepEnd> {
    const { pc } = this.#hart;
    if (pc < range.start || pc >= range.end) return yield* this.#instruction("into");
    const left = yield* this.#leave(range, "into");
    return left.kind === "flow" || left.kind === "returned" || left.kind === "entered" ? STEPPED : left;
  }

  // ---- by instruction

  *#instruction(kind: "over" | "into"): Motion<StepEnd> {
    const arrival = yield* kind === "into" ? this.#one() : this.#oneOver();
    return arrival.kind === "own" || arrival.kind === "limit" ? STEPPED : arrival;
  }

  /** To the state behind the hart's next step. */
  #one(): Motion<Arrival> {
    return this.#turns.forward();
  }

  #fetch(address: bigint): CodeWord | undefined {
    return fetch(this.#parts.machine, address, this.#id);
  }

  /** A leg whose own places count for this hart only, and in one context: other programs run at the same addresses. */
  #within(context: Context, { accept, ...leg }: Leg): Motion<Arrival> {
    return this.#parts.traveller.forward({
      ...leg,
      hart: this.#id,
      accept: (hit) => isIn(context, this.#hart) && (accept?.(hit) ?? true),
    });
  }

  /** One instruction, with the callee or the handler that it leads to. */
  *#oneOver(): Motion<Arrival> {
    for (let tries = 0; ; tries++) {
      const code = this.#fetch(this.#hart.pc);
      if (code !== undefined && isCall(flowOf(code))) return yield* this.#runCall(code);
      const { pc } = this.#hart;
      const sp = this.#sp;
      const next = code === undefined ? undefined : successor(code, this.#hart);
      const behind = code === undefined ? [] : [code.address, code.address + BigInt(code.length)];
      const context = contextBehind(this.#hart, code);
      const arrival = yield* this.#one();
      if (arrival.kind !== "limit" || this.#hart.pc === next) return arrival;
      const back = yield* this.#throughHandler(sp, next === undefined ? behind : [next], context);
      // A page that was missing is there now: the instruction has yet to be executed.
      const again = (back.kind === "own" || back.kind === "limit") && this.#hart.pc === pc && pc !== next;
      if (!again || tries === MOST_RETRIES) return back;
    }
  }

  /** From a call to the state behind it. */
  #runCall(code: CodeWord): Motion<Arrival> {
    const back = code.address + BigInt(code.length);
    const pending = new PendingCall(code.address, back, this.#sp);
    return this.#within(contextOf(this.#hart), {
      breakpoints: [code.address, back],
      accept: () => pending.isOver(this.#hart.pc, this.#sp),
    });
  }

  /**
   * From inside a handler to where the hart goes on in the context that was interrupted: one of the places expected, or
   * wherever its mret or sret leads.
   */
  *#throughHandler(sp: bigint, expected: readonly bigint[], context: Context): Motion<Arrival> {
    const { traveller } = this.#parts;
    const isBack = () => expected.includes(this.#hart.pc) && isIn(context, this.#hart);
    for (;;) {
      const arrival = yield* traveller.forward({
        hart: this.#id,
        breakpoints: [...expected, ...this.#trapReturns],
        accept: () => this.#sp === sp && (isBack() || this.#returnTarget(context) !== undefined),
      });
      if (arrival.kind !== "own" || isBack()) return arrival;
      const target = this.#returnTarget(context);
      const returned = yield* this.#one();
      // The next trap may be waiting already.
      if (returned.kind !== "limit" || this.#hart.pc === target) return returned;
    }
  }

  /** Where the mret or sret at pc leads, if to a context; undefined for any other, and for other instructions. */
  #returnTarget(context: Context): bigint | undefined {
    const code = this.#fetch(this.#hart.pc);
    if (code === undefined || flowOf(code).kind !== "trap return") return undefined;
    return sameContext(contextBehind(this.#hart, code), context) ? successor(code, this.#hart) : undefined;
  }

  // ---- out

  *#out(): Motion<StepEnd> {
    const { frames } = this.#parts;
    const [, caller] = frames.unwind(this.#id, 2);
    if (caller === undefined) throw errors.noCaller();
    const sp = this.#sp;
    const context = contextOf(this.#hart);
    if (!caller.interrupted) {
      const least = caller.sp ?? sp;
      const arrival = yield* this.#within(context, { breakpoints: [caller.pc], accept: () => this.#sp >= least });
      return arrival.kind === "own" || arrival.kind === "limit" ? STEPPED : arrival;
    }
    const arrival = yield* this.#within(context, {
      breakpoints: [...this.#trapReturns],
      // A nested handler returns from deeper on the same stack.
      accept: () => this.#sp >= sp || this.#sp < sp - HANDLER_STACK,
    });
    if (arrival.kind !== "own") return arrival.kind === "limit" ? STEPPED : arrival;
    const returned = yield* this.#one();
    return returned.kind === "own" || returned.kind === "limit" ? STEPPED : returned;
  }

  // ---- by line

  *#line(kind: "over" | "into"): Motion<StepEnd> {
    const { lines } = this.#parts.map;
    const origin = lines.at(this.#hart.pc);
    if (origin === undefined) return yield* this.#instruction(kind);
    for (;;) {
      const range = lines.lineAround(this.#hart.pc) ?? this.#singleInstruction();
      const left = yield* this.#leave(range, kind);
      if (left.kind === "returned" || left.kind === "entered") return STEPPED;
      if (left.kind !== "flow") return left;
      const here = lines.at(this.#hart.pc);
      if (here === undefined) continue;
      const differs = here.line !== origin.line || here.path !== origin.path;
      if (differs && lines.beginsStatement(this.#hart.pc)) return STEPPED;
    }
  }

  #singleInstruction(): Range {
    const { pc } = this.#hart;
    return { start: pc, end: pc + BigInt(this.#fetch(pc)?.length ?? 2) };
  }

  /** Runs until the range is left for good: callees and handlers come back to it. */
  *#leave(range: Range, kind: "over" | "into"): Motion<Left> {
    const extent = this.#parts.map.functionAt(this.#hart.pc);
    for (;;) {
      const { pc } = this.#hart;
      if (pc < range.start || pc >= range.end) return { kind: "flow" };
      const code = this.#fetch(pc);
      const flow = code && flowOf(code);
      const left =
        code === undefined || flow === undefined || this.#needsCare(flow, kind)
          ? yield* this.#carefully(code, flow, kind, extent)
          : yield* this.#runInside(range, kind, code, extent);
      if (left !== undefined) return left;
    }
  }

  /** Where control goes cannot be told from the instruction alone, or it goes where the user wants to follow. */
  #needsCare(flow: Flow, kind: "over" | "into"): boolean {
    switch (flow.kind) {
      case "return":
      case "indirect jump":
      case "trap return":
        return true;
      case "call":
      case "indirect call":
      case "trap":
        return kind === "into";
      default:
        return false;
    }
  }

  /** One instruction that needs care. Undefined: go on from where it led. */
  *#carefully(
    code: CodeWord | undefined,
    flow: Flow | undefined,
    kind: "over" | "into",
    extent: FunctionExtent | undefined,
  ): Motion<Left | undefined> {
    const { machine, map } = this.#parts;
    const sp = this.#sp;
    const next = code && successor(code, this.#hart);
    const context = contextBehind(this.#hart, code);
    const arrival = yield* this.#one();
    if (arrival.kind !== "limit") return asLeft(arrival);
    if (this.#hart.pc !== next) {
      const entered = kind === "into" && !wasInterrupted(this.#hart) && map.lines.at(this.#hart.pc) !== undefined;
      if (entered) return { kind: "entered" };
      const expected =
        next !== undefined ? [next] : code === undefined ? [] : [code.address, ...staticSuccessors(code)];
      const back = yield* this.#throughHandler(sp, expected, context);
      if (back.kind !== "own" && back.kind !== "limit") return asLeft(back);
      // A page that was missing is there now, or the hart was interrupted first: look at the instruction again.
      if (this.#hart.pc === code?.address && code.address !== next) return undefined;
    }
    switch (flow?.kind) {
      case "return":
      case "trap return":
        return { kind: "returned" };
      case "call":
      case "indirect call": {
        if (map.lines.at(this.#hart.pc) !== undefined) return { kind: "entered" };
        if (code === undefined) return undefined;
        const back = code.address + BigInt(code.length);
        const pending = new PendingCall(code.address, back, sp);
        const over = yield* this.#within(context, {
          breakpoints: [code.address, back],
          accept: () => pending.isOver(this.#hart.pc, this.#sp),
        });
        return over.kind === "own" || over.kind === "limit" ? undefined : asLeft(over);
      }
      default:
        return yield* this.#afterJump(kind, extent, machine.harts[this.#id].register(RA));
    }
  }

  /**
   * A jump to the beginning of another function is a call whose return the callee does for us: over it means to the
   * caller. Labels are not functions; jumping between them is how assembly is written.
   */
  *#afterJump(kind: "over" | "into", from: FunctionExtent | undefined, ra: bigint): Motion<Left | undefined> {
    const { map, machine } = this.#parts;
    const { pc } = this.#hart;
    const to = map.functionAt(pc);
    if (to === undefined || from === undefined || !to.declared) return undefined;
    if (to.start !== pc || to.start === from.start) return undefined;
    if (kind === "into" && map.lines.at(pc) !== undefined) return { kind: "entered" };
    if (callsBefore(machine, ra, this.#id).length === 0) return undefined;
    const sp = this.#sp;
    const leg = { breakpoints: [ra], accept: () => this.#sp >= sp };
    const arrival = yield* this.#within(contextOf(this.#hart), leg);
    return arrival.kind === "own" || arrival.kind === "limit" ? { kind: "returned" } : asLeft(arrival);
  }

  /** A stretch of the range at full speed, callees and handlers included. Undefined: look again where it stopped. */
  *#runInside(
    range: Range,
    kind: "over" | "into",
    first: CodeWord,
    extent: FunctionExtent | undefined,
  ): Motion<Left | undefined> {
    const { frames, traveller } = this.#parts;
    const trapReturns = this.#trapReturns;
    const plan = this.#plan(range, kind);
    const startSp = this.#sp;
    const context = contextOf(this.#hart);
    let base = frames.frameBase(this.#id);
    let pending: PendingCall | undefined;
    const call = plan.calls.get(first.address);
    if (call !== undefined) pending = new PendingCall(first.address, call, startSp);
    const isTrapReturn = (pc: bigint) => trapReturns.has(pc);
    const accept = (): boolean => {
      const { pc } = this.#hart;
      const sp = this.#sp;
      const inside = isIn(context, this.#hart);
      if (pending !== undefined) {
        if (!inside || !pending.isOver(pc, sp)) return false;
        pending = undefined;
        base = frames.frameBase(this.#id) ?? base;
      } else if (isTrapReturn(pc) && !(inside && plan.careful.has(pc))) {
        return sp === startSp && this.#leadsAstray(range, plan, context);
      } else if (!inside || !this.#isSameActivation(base, extent)) {
        return false;
      }
      const back = plan.calls.get(pc);
      if (back !== undefined) {
        pending = new PendingCall(pc, back, sp);
        return false;
      }
      return plan.exits.has(pc) || plan.careful.has(pc);
    };
    const arrival = yield* traveller.forward({
      hart: this.#id,
      breakpoints: [
        ...plan.exits.keys(),
        ...plan.careful,
        ...plan.calls.keys(),
        ...plan.calls.values(),
        ...trapReturns,
      ],
      exceptions: kind === "into",
      accept: (hit) =>
        hit.stop.kind === "exception" ? isIn(context, this.#hart) && this.#isSameActivation(base, extent) : accept(),
    });
    if (arrival.kind !== "own") return asLeft(arrival);
    if (arrival.hit.stop.kind === "exception") return yield* this.#intoHandler();
    if (isTrapReturn(this.#hart.pc) && !(isIn(context, this.#hart) && plan.careful.has(this.#hart.pc))) {
      const returned = yield* this.#one();
      return returned.kind === "limit" ? { kind: "flow" } : asLeft(returned);
    }
    return plan.exits.get(this.#hart.pc) === "jump"
      ? yield* this.#afterJump(kind, extent, this.#hart.register(RA))
      : undefined;
  }

  /** Stands before an exception that the user wants to follow: where the handler has no lines, it is run through. */
  *#intoHandler(): Motion<Left | undefined> {
    const sp = this.#sp;
    const code = this.#fetch(this.#hart.pc);
    const expected = code === undefined ? [] : [code.address, ...staticSuccessors(code)];
    const context = contextBehind(this.#hart, code);
    const arrival = yield* this.#one();
    if (arrival.kind !== "limit") return asLeft(arrival);
    if (this.#parts.map.lines.at(this.#hart.pc) !== undefined) return { kind: "entered" };
    const back = yield* this.#throughHandler(sp, expected, context);
    return back.kind === "own" || back.kind === "limit" ? undefined : asLeft(back);
  }

  /** A handler is about to go on where nobody waits for it, on our stack: a trap that the program recovers from. */
  #leadsAstray(range: Range, plan: Plan, context: Context): boolean {
    const target = this.#returnTarget(context);
    if (target === undefined) return false;
    return !(target >= range.start && target < range.end) && !plan.exits.has(target);
  }

  /** Not a deeper activation of the same function, in a recursion or in a handler. */
  #isSameActivation(base: bigint | undefined, extent: FunctionExtent | undefined): boolean {
    const { pc } = this.#hart;
    if (base === undefined || extent === undefined || pc < extent.start || pc >= extent.end) return true;
    const here = this.#parts.frames.frameBase(this.#id);
    return here === undefined || here === base;
  }

  #plan(range: Range, kind: "over" | "into"): Plan {
    const plan: Plan = { exits: new Map(), careful: new Set(), calls: new Map() };
    let address = range.start;
    for (let count = 0; address < range.end; count++) {
      const code = this.#fetch(address);
      if (code === undefined || count === MOST_LINE_INSTRUCTIONS) {
        plan.exits.set(address, "flow");
        break;
      }
      const flow = flowOf(code);
      const next = address + BigInt(code.length);
      if (this.#needsCare(flow, kind)) plan.careful.add(address);
      else if (isCall(flow)) plan.calls.set(address, next);
      for (const target of this.#needsCare(flow, kind) && !isCall(flow) ? [] : staticSuccessors(code)) {
        if (target >= range.start && target < range.end) continue;
        plan.exits.set(target, flow.kind === "jump" ? "jump" : "flow");
      }
      address = next;
    }
    return plan;
  }

  get #sp(): bigint {
    return this.#hart.register(SP);
  }

  /** Where handlers of traps of this hart end. */
  get #trapReturns(): ReadonlySet<bigint> {
    return trapReturns(this.#parts.machine, this.#parts.map, this.#hart);
  }
}

/** Where control can leave a range, and how. */
interface Plan {
  /** Addresses outside the range that it may go on at. */
  readonly exits: Map<bigint, "flow" | "jump">;
  /** Instructions that are taken one by one. */
  readonly careful: Set<bigint>;
  /** Calls to run over: instruction -> return address. */
  readonly calls: Map<bigint, bigint>;
}

/** An end that is not the step's own. The own ones have been dealt with before. */
function asLeft(arrival: Arrival): Left {
  return arrival.kind === "own" || arrival.kind === "limit" ? { kind: "flow" } : arrival;
}
