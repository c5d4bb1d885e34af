import type { VirtualAddress } from "../base/brand.ts";
import { MAX_HARTS } from "../machine/configuration.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import type { FrameRules, RegisterRule } from "../symbols/call-frames.ts";
import { type CodeWord, callsBefore, fetch, readNumber } from "./code.ts";
import { type EntryState, FunctionFlow } from "./function-flow.ts";
import type { FunctionExtent, ProgramMap } from "./program-map.ts";
import type { Frame } from "./protocol.ts";
import { type Privilege, trapEntries, trapInto } from "./trap-context.ts";

/** A frame with what is known of its registers. */
export interface UnwoundFrame {
  readonly pc: bigint;
  /** The frame's stack pointer: of a caller, as it is when the call returns. Undefined when it is not known. */
  readonly sp: bigint | undefined;
  /** Address that names the frame's function and line: inside the call instruction for callers. */
  readonly lookup: bigint;
  readonly confidence: "certain" | "guess";
  /** The frame was interrupted or has trapped, rather than having called. */
  readonly interrupted: boolean;
  /** Why, of a frame that was interrupted: the trap's name. */
  readonly trap?: string;
  register(index: number): bigint | undefined;
}

const RA = 1;
const SP = 2;
const S0 = 8;
/** Callers that are shown; deeper ones are a runaway recursion, whose end tells nothing more. */
export const MOST_FRAMES = 200;
/** Words of the stack that are scanned for a return address when everything else has failed. */
const SCANNED_WORDS = 64;
/** Functions whose analysis is kept. */
const MOST_KNOWN_FLOWS = 1000;
/** Of a longer function only the beginning is compared; where code changes, it is hardly there. */
const MOST_COMPARED_BYTES = 1 << 16;
/** Of a page-table entry: user mode may use the page. */
const USER_PAGE = 1n << 4n;
/** Registers that survive calls: sp, gp, tp, s0, s1, s2-s11. */
const KEPT = new Set([2, 3, 4, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27]);

/** A function's analysis, and the code that it was made from. */
interface KnownFlow {
  readonly flow: FunctionFlow;
  readonly code: readonly (number | undefined)[];
  isCurrent: boolean;
}

/**
 * Finds the callers of where a hart stands. Call-frame information is believed; without it the function's own
 * instructions are followed from its entry, then a chain of frame pointers, then whatever on the stack looks like a
 * return address, and from the first such step on every frame is marked a guess.
 */
export class FrameFinder {
  readonly #machine: MachineLike;
  readonly #map: ProgramMap;
  readonly #flows = new Map<bigint, KnownFlow>();
  /** In whose address space memory is read. */
  #hart = 0;

  constructor(machine: MachineLike, map: ProgramMap) {
    this.#machine = machine;
    this.#map = map;
  }

  /** The machine has moved, and code may be different: what was concluded from it is compared with it again. */
  forget(): void {
    for (const known of this.#flows.values()) known.isCurrent = false;
  }

  current(hart: number): UnwoundFrame {
    this.#hart = hart;
    const view = this.#machine.harts[hart];
    return {
      pc: view.pc,
      sp: view.register(SP),
      lookup: view.pc,
      confidence: "certain",
      interrupted: false,
      register: (index) => view.register(index),
    };
  }

  unwind(hart: number, most = MOST_FRAMES): UnwoundFrame[] {
    const frames = [this.current(hart)];
    let { privilege }: { privilege: Privilege } = this.#machine.harts[hart];
    // A trap's registers tell where the innermost one to their privilege mode came from, and of that one only.
    const known = new Set<Privilege>([1, 3]);
    while (frames.length < most) {
      const frame = frames[frames.length - 1];
      const mode = privilege !== 0 && known.has(privilege) ? privilege : undefined;
      let caller: UnwoundFrame | undefined;
      if (!this.#isOutermost(frame)) {
        const isHandler = mode !== undefined && this.#isTrapHandler(frame, hart, mode);
        caller = isHandler ? this.#interruptedBy(frame, hart, mode) : this.#caller(frame);
        // Whoever came from a less privileged mode began on an empty stack: the trap is all that is before it.
        if (
          caller === undefined &&
          !isHandler &&
          mode !== undefined &&
          trapInto(this.#machine.harts[hart], mode).from < mode
        ) {
          caller = this.#interruptedBy(frame, hart, mode);
        }
      }
      if (caller === undefined || (caller.pc === frame.pc && caller.sp === frame.sp)) break;
      if (caller.interrupted && mode !== undefined) {
        known.delete(mode);
        privilege = trapInto(this.#machine.harts[hart], mode).from;
      }
      frames.push(caller);
    }
    return frames;
  }

  /**
   * A number that is the same for all states of one activation of a function, and smaller for deeper ones: its stack
   * pointer at entry. Undefined where that cannot be computed.
   */
  frameBase(hart: number): bigint | undefined {
    const frame = this.current(hart);
    const rules = this.#map.callFrames.rulesAt(frame.pc);
    if (rules !== undefined) return cfaOf(rules, frame);
    const extent = this.#map.functionAt(frame.pc);
    return extent && this.#entrySp(extent, frame);
  }

  describe(frames: readonly UnwoundFrame[]): Frame[] {
    return frames.map(({ pc, sp, lookup, confidence, trap }, level) => ({
      level,
      pc,
      name: this.#name(pc, lookup),
      ...sourceOf(this.#map, lookup),
      confidence,
      ...(trap !== undefined && { trap }),
      sp: sp ?? 0n,
    }));
  }

  /** A caller's pc may already belong to the next function, when a call is the last thing that a function does. */
  #name(pc: bigint, lookup: bigint): string {
    const extent = this.#map.functionAt(lookup);
    if (extent === undefined) return this.#map.describe(pc);
    const offset = pc - extent.start;
    return offset === 0n ? extent.name : `${extent.name}+0x${offset.toString(16)}`;
  }

  /** Nothing called the code that a program starts with. */
  #isOutermost(frame: UnwoundFrame): boolean {
    const extent = this.#map.functionAt(frame.lookup);
    return extent !== undefined && this.#isEntryPoint(extent);
  }

  #caller(frame: UnwoundFrame): UnwoundFrame | undefined {
    const extent = this.#map.functionAt(frame.lookup);
    const rules = this.#map.callFrames.rulesAt(frame.lookup);
    if (rules !== undefined) return this.#callerByRules(frame, rules);
    return (
      (extent && this.#callerByFlow(frame, extent)) ??
      this.#callerByFramePointer(frame) ??
      this.#callerByReturnAddress(frame) ??
      this.#callerByScan(frame)
    );
  }

  // ---- call-frame information

  #callerByRules(frame: UnwoundFrame, rules: FrameRules): UnwoundFrame | undefined {
    const cfa = cfaOf(rules, frame);
    if (cfa === undefined) return undefined;
    const pcRule = rules.registers.get(rules.returnAddressRegister);
    if (pcRule?.kind === "undefined") return undefined;
    const pc = this.#byRule(pcRule, rules.returnAddressRegister, frame, cfa);
    if (pc === undefined || pc === 0n || !this.#map.symbols.isExecutable(pc)) return undefined;
    const register = (index: number): bigint | undefined => {
      if (index === SP) return cfa;
      const rule = rules.registers.get(index);
      if (rule === undefined && !KEPT.has(index)) return undefined;
      return this.#byRule(rule, index, frame, cfa);
    };
    // The rules are right, yet memory may be damaged: what they lead to must be a place where a call returns to.
    const certain = frame.confidence === "certain" && this.#isReturnAddress(pc);
    return this.#calledFrom(pc, cfa, certain ? "certain" : "guess", register);
  }

  #byRule(rule: RegisterRule | undefined, index: number, frame: UnwoundFrame, cfa: bigint): bigint | undefined {
    switch (rule?.kind) {
      case undefined:
      case "same":
        return frame.register(index);
      case "saved":
        return readNumber(this.#machine, cfa + rule.offset, 8, this.#hart);
      case "value":
        return BigInt.asUintN(64, cfa + rule.offset);
      case "register":
        return frame.register(rule.register);
      case "undefined":
        return undefined;
    }
  }

  // ---- without it

  #flow(extent: FunctionExtent): FunctionFlow {
    // Harts may be in address spaces of their own.
    const key = extent.start * BigInt(MAX_HARTS) + BigInt(this.#hart);
    const known = this.#flows.get(key);
    if (known?.isCurrent) return known.flow;
    const length = Number(extent.end - extent.start);
    const code = this.#machine.peek(extent.start as VirtualAddress, Math.min(length, MOST_COMPARED_BYTES), this.#hart);
    if (known !== undefined && code.length === known.code.length && code.every((byte, i) => byte === known.code[i])) {
      known.isCurrent = true;
      return known.flow;
    }
    if (this.#flows.size >= MOST_KNOWN_FLOWS) this.#flows.clear();
    const flow = new FunctionFlow(extent, (address) => this.#fetch(address));
    this.#flows.set(key, { flow, code, isCurrent: true });
    return flow;
  }

  #entrySp(extent: FunctionExtent, frame: UnwoundFrame): bigint | undefined {
    const state = this.#flow(extent).at(frame.pc);
    return state === undefined || state.onOtherStack ? undefined : this.#base(state, frame);
  }

  /** What the stack pointer was where the state counts from. */
  #base(state: EntryState, frame: UnwoundFrame): bigint | undefined {
    for (const [register, offset] of state.relative) {
      const value = frame.register(register);
      if (value !== undefined) return BigInt.asUintN(64, value - offset);
    }
    return undefined;
  }

  #callerByFlow(frame: UnwoundFrame, extent: FunctionExtent): UnwoundFrame | undefined {
    const state = this.#flow(extent).at(frame.pc);
    const entrySp = this.#entrySp(extent, frame);
    if (state === undefined || entrySp === undefined) return undefined;
    const register = (index: number): bigint | undefined => {
      if (index === SP) return entrySp;
      if (state.intact.has(index)) return frame.register(index);
      const slot = state.saved.get(index);
      return slot === undefined ? undefined : readNumber(this.#machine, entrySp + slot, 8, this.#hart);
    };
    const pc = register(RA);
    if (pc === undefined || !this.#isReturnAddress(pc)) return undefined;
    const kept = (index: number) => (KEPT.has(index) ? register(index) : undefined);
    return this.#calledFrom(pc, entrySp, "guess", kept);
  }

  /** The convention of compilers with frame pointers: s0 is the stack pointer at entry, below it ra and the old s0. */
  #callerByFramePointer(frame: UnwoundFrame): UnwoundFrame | undefined {
    const framePointer = frame.register(S0);
    if (framePointer === undefined || framePointer % 8n !== 0n || framePointer < 16n) return undefined;
    if (frame.sp !== undefined && framePointer <= frame.sp) return undefined;
    const pc = readNumber(this.#machine, framePointer - 8n, 8, this.#hart);
    if (pc === undefined || !this.#isReturnAddress(pc)) return undefined;
    const older = readNumber(this.#machine, framePointer - 16n, 8, this.#hart);
    return this.#calledFrom(pc, framePointer, "guess", (index) =>
      index === SP ? framePointer : index === S0 ? older : undefined,
    );
  }

  #callerByReturnAddress(frame: UnwoundFrame): UnwoundFrame | undefined {
    const pc = frame.register(RA);
    if (pc === undefined || !this.#isReturnAddress(pc)) return undefined;
    // Inside the function's own calls ra is what the last one of them left, not the way to the caller.
    const extent = this.#map.functionAt(frame.lookup);
    if (extent !== undefined && pc > extent.start && pc <= extent.end) return undefined;
    return this.#calledFrom(pc, frame.sp, "guess", (index) => (KEPT.has(index) ? frame.register(index) : undefined));
  }

  #callerByScan(frame: UnwoundFrame): UnwoundFrame | undefined {
    const { sp } = frame;
    if (sp === undefined || sp % 8n !== 0n) return undefined;
    for (let word = 0n; word < BigInt(SCANNED_WORDS); word++) {
      const slot = sp + word * 8n;
      const pc = readNumber(this.#machine, slot, 8, this.#hart);
      if (pc === undefined) return undefined;
      if (!this.#isReturnAddress(pc)) continue;
      const above = slot + 8n;
      return this.#calledFrom(pc, above, "guess", (index) => (index === SP ? above : undefined));
    }
    return undefined;
  }

  #calledFrom(
    pc: bigint,
    sp: bigint | undefined,
    confidence: "certain" | "guess",
    register: (index: number) => bigint | undefined,
  ): UnwoundFrame {
    return { pc, sp, lookup: pc - 1n, confidence, interrupted: false, register };
  }

  // ---- traps

  /** The function that the trap vector points into: whoever runs in it was not called. */
  #isTrapHandler(frame: UnwoundFrame, hart: number, mode: 1 | 3): boolean {
    const [base] = trapEntries(this.#machine.harts[hart], mode);
    const extent = this.#map.functionAt(frame.lookup);
    return base !== undefined && extent !== undefined && base >= extent.start && base < extent.end;
  }

  #interruptedBy(frame: UnwoundFrame, hart: number, mode: 1 | 3): UnwoundFrame | undefined {
    const { pc, name: trap, from, scratch } = trapInto(this.#machine.harts[hart], mode);
    if (pc === undefined || (from === 0 && !this.#isUserCode(pc, hart))) return undefined;
    // A user program need not be known by its symbols; what trapped in its own mode is code that is.
    const isCode = this.#map.symbols.isExecutable(pc) || (from < mode && pc !== 0n && this.#fetch(pc) !== undefined);
    if (!isCode) return undefined;
    const extent = this.#map.functionAt(frame.lookup);
    const state = extent && this.#flow(extent).at(frame.pc);
    const base = state && this.#base(state, frame);
    // A handler that has exchanged its stack pointer has left the interrupted one in the scratch register; some clear it.
    const sp = state?.onOtherStack ? (scratch === 0n ? undefined : scratch) : base;
    const register = (index: number): bigint | undefined => {
      if (index === SP) return sp;
      if (state?.intact.has(index)) return frame.register(index);
      const slot = state?.saved.get(index);
      return slot === undefined || base === undefined
        ? undefined
        : readNumber(this.#machine, base + slot, 8, this.#hart);
    };
    return { pc, sp, lookup: pc, confidence: "guess", interrupted: true, trap, register };
  }

  /**
   * Whether user mode may run code at an address. Every sret leaves "from user mode" behind: in code that no trap has led to,
   * such as a kernel thread, the registers tell of a trap that is long over, and of the kernel's own code.
   */
  #isUserCode(pc: bigint, hart: number): boolean {
    const { entries, scheme } = this.#machine.translate(BigInt.asUintN(64, pc) as VirtualAddress, hart);
    const leaf = entries.at(-1)?.value;
    return scheme === "bare" || (leaf !== undefined && (leaf & USER_PAGE) !== 0n);
  }

  // ---- what a return address looks like

  #isReturnAddress(address: bigint): boolean {
    return this.#map.symbols.isExecutable(address - 1n) && callsBefore(this.#machine, address, this.#hart).length > 0;
  }

  #fetch(address: bigint): CodeWord | undefined {
    return fetch(this.#machine, address, this.#hart);
  }

  #isEntryPoint(extent: FunctionExtent): boolean {
    return this.#map.programs.some(({ entry }) => entry >= extent.start && entry < extent.end);
  }
}

function cfaOf(rules: FrameRules, frame: UnwoundFrame): bigint | undefined {
  const base = frame.register(rules.cfa.register);
  return base === undefined ? undefined : BigInt.asUintN(64, base + rules.cfa.offset);
}

function sourceOf(map: ProgramMap, address: bigint): Pick<Frame, "source"> {
  const source = map.position(address);
  return source === undefined ? {} : { source };
}
