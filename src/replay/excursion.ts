import { AssertionFailure, assert } from "../base/assert.ts";
import { type Instant, type VirtualAddress, virtualAddress } from "../base/brand.ts";
import { decode, instructionLength } from "../isa/decode.ts";
import type { Decoded } from "../isa/instruction.ts";
import { type ReplayHint, replayHint } from "../isa/replay-hints.ts";
import { type Edit, type Inlet, type MachineEvent, type Outlet, SILENT_INLET } from "../machine/inlet.ts";
import type { HartView, Isolation, MachineLike } from "../machine/machine-interface.ts";
import type { MachineStop } from "../machine/stop.ts";
import type { CheckEnd, CheckOutcome } from "./check.ts";
import { formatGuest } from "./guest-format.ts";
import { runPresent } from "./page-waits.ts";

/** Enough to walk a list of some ten thousand elements; a check that loops for ever costs some milliseconds. */
export const MOST_CHECK_STEPS = 1_000_000;
const MOST_LOGS = 1000;
const MOST_NESTED = 64;
const LONGEST_STRING = 4096;
/** Steps until it is first looked whether the check has left its function; each look is four times as far away. */
const FIRST_LOOK_STEPS = 256;
const LOOK_FACTOR = 4;
/** Bytes that a string is read by. */
const STRING_PART = 64;
const HINT_BYTES = 4n;
/** Load and store access fault: what an access to a device is while none answers. */
const ACCESS_FAULTS: readonly number[] = [5, 7];
const CALLS: readonly string[] = ["jal", "jalr"];
const UTF8 = new TextDecoder();

const RA = 1;
const SP = 2;
const A0 = 10;
const FA0 = 10;

/**
 * Where a called function returns to. No address of Sv39, Sv48 or Sv57, nor of the bus, in any mode: fetching there is
 * an exception, which nothing else in a guest raises.
 */
const RETURN_ADDRESS = 0x5a43_4845_434b_5a00n;
/** Bytes below the stack pointer that are left alone: the psABI has no red zone, but leaf code by hand may. */
const STACK_GAP = 256n;

export interface CallArguments {
  /** a0 to a7. */
  readonly integers: readonly bigint[];
  /** fa0 to fa7, as register bits. */
  readonly floats?: readonly bigint[];
}

/** An open block: what can tell that it was left. */
interface Block {
  readonly pc: bigint;
  readonly sp: bigint;
}

/**
 * Excursions from a replay: at an instant, the state is saved, a piece of the guest runs with nothing around it, the state
 * is restored and its digest held against the one before. The timeline has not moved, and no step of it was counted.
 *
 * Machines in the past only: what calls this sees to it.
 */
export class Excursions {
  readonly #machine: MachineLike;
  readonly #isolation: Isolation;
  readonly #mostSteps: number;
  #verified = 0;

  constructor(machine: MachineLike, mostSteps = MOST_CHECK_STEPS) {
    const { isolation } = machine;
    assert(isolation !== undefined, "a machine that can be isolated");
    this.#machine = machine;
    this.#isolation = isolation;
    this.#mostSteps = mostSteps;
  }

  /** Excursions so far, each with its state restored and the digest equal. */
  get verified(): number {
    return this.#verified;
  }

  /** Bytes of RAM are looked at that the digests took on trust; the pages that are not as they should be. */
  changedUnseen(): readonly number[] {
    return this.#isolation.changedUnseen();
  }

  /**
   * What the guest's own code has to check or to say at this step: a block that begins here, or a `hindcast_log` or
   * `hindcast_fail` outside of any. Undefined: nothing.
   */
  compiledHere(): CheckOutcome | undefined {
    const { machine, hart, pc } = this.#here();
    const said = { instant: machine.instant, hart: hart.id, pc, caller: this.#caller(), droppedLogs: 0, steps: 0 };
    switch (this.#hintHere()) {
      case "block":
        return this.#block();
      case "log":
        return { ...said, end: { kind: "passed" }, logs: [this.#render()] };
      case "fail":
        return { ...said, end: { kind: "failed", message: this.#render() }, logs: [] };
      default:
        return undefined;
    }
  }

  /** Calls a function of the guest by the psABI, on the stack of the hart that has its turn. */
  call(address: bigint, { integers, floats = [] }: CallArguments): CheckOutcome {
    assert(integers.length <= 8 && floats.length <= 8, "arguments in registers");
    const { hart } = this.#here();
    const sp = (hart.register(SP) - STACK_GAP) & ~0xfn;
    const registers = [[RA, RETURN_ADDRESS], [SP, sp], ...integers.map((value, index) => [A0 + index, value] as const)];
    const edits = registers.map(([register, value]): Edit => {
      return {
        target: "register",
        hart: hart.id,
        register: Number(register),
        value: BigInt.asUintN(64, BigInt(value)),
      };
    });
    const floatEdits = floats.map((value, index): Edit => {
      return { target: "float-register", hart: hart.id, register: FA0 + index, value };
    });
    const begin: Edit = { target: "pc", hart: hart.id, value: address };
    return this.#run([begin, ...edits, ...floatEdits], {
      blocks: [],
      logs: [],
      droppedLogs: 0,
      isCall: true,
      highest: sp,
    });
  }

  /** Runs the block that begins here. Undefined when none does: no jump skips it. */
  #block(): CheckOutcome | undefined {
    const start = this.#behindJump();
    if (start === undefined) return undefined;
    const { pc, hart } = this.#here();
    const sp = hart.register(SP);
    const begin: Edit = { target: "pc", hart: hart.id, value: start };
    return this.#run([begin], { blocks: [{ pc, sp }], logs: [], droppedLogs: 0, isCall: false, highest: sp });
  }

  #run(start: readonly Edit[], excursion: Excursion): CheckOutcome {
    const machine = this.#machine;
    const isolation = this.#isolation;
    const { inlet, outlet, instant } = machine;
    const { pc, hart } = this.#here();
    const saved = machine.checkpoint();
    const before = machine.digest(saved);
    let end: CheckEnd;
    let steps: number;
    machine.outlet = NOTHING_LEAVES;
    isolation.enter();
    try {
      this.#change(start);
      end = this.#toItsEnd(excursion, instant);
      steps = machine.instant - instant;
    } finally {
      isolation.leave();
      machine.inlet = inlet;
      machine.outlet = outlet;
      machine.restore(saved);
    }
    const after = machine.digest();
    assert(
      machine.instant === instant && after === before,
      `a check at instant ${instant} left another state: digest ${before} before it, ${after} after it`,
    );
    this.#verified++;
    return { instant, hart: hart.id, pc, end, logs: excursion.logs, droppedLogs: excursion.droppedLogs, steps };
  }

  #toItsEnd(excursion: Excursion, from: Instant): CheckEnd {
    const machine = this.#machine;
    const last = from + this.#mostSteps;
    let look = FIRST_LOOK_STEPS;
    let departing = false;
    for (;;) {
      const stop = runPresent(machine, Math.min(from + look, last) as Instant, { departing });
      departing = false;
      const { pc, hart } = this.#here();
      switch (stop.kind) {
        case "reached":
          if (hart.register(SP) > excursion.highest) return { kind: "left", pc };
          if (machine.instant >= last) return { kind: "limit", steps: this.#mostSteps, pc };
          look *= LOOK_FACTOR;
          break;
        case "breakpoint": {
          const answer = this.#hint(excursion);
          if (answer === "on") departing = true;
          else if (answer !== "moved") return answer;
          break;
        }
        default:
          return this.#stopped(stop, pc);
      }
    }
  }

  /** "on": it is executed as the no-op that it is; "moved": pc is where to go on. */
  #hint(excursion: Excursion): "on" | "moved" | CheckEnd {
    const { blocks, logs, isCall } = excursion;
    const { pc, hart } = this.#here();
    switch (this.#hintHere()) {
      case "block": {
        const start = this.#behindJump();
        if (start === undefined) return "on";
        const sp = hart.register(SP);
        // Deeper in the stack it is nested; otherwise it was left, and begins again before it has ended.
        if (blocks.some((block) => block.pc === pc && block.sp <= sp)) return { kind: "repeated", pc };
        if (blocks.length >= MOST_NESTED) return { kind: "nested", blocks: MOST_NESTED, pc };
        blocks.push({ pc, sp });
        this.#change([{ target: "pc", hart: hart.id, value: start }]);
        return "moved";
      }
      case "end":
        blocks.pop();
        return blocks.length === 0 && !isCall ? { kind: "passed" } : "on";
      case "inReplay": {
        const next = this.#decodeAt(pc + HINT_BYTES);
        if (next?.instruction.mnemonic !== "addi" || next.rs1 !== 0 || next.imm !== 0) return "on";
        this.#change([
          { target: "register", hart: hart.id, register: next.rd, value: 1n },
          { target: "pc", hart: hart.id, value: pc + HINT_BYTES + BigInt(next.length) },
        ]);
        return "moved";
      }
      case "log":
        if (logs.length < MOST_LOGS) logs.push(this.#render());
        else excursion.droppedLogs++;
        return "on";
      case "fail":
        return { kind: "failed", message: this.#render() };
      case undefined:
        return "on";
    }
  }

  /** The HINT that the next step would execute. */
  #hintHere(): ReplayHint | undefined {
    const word = this.#word(this.#here().pc);
    return word === undefined ? undefined : replayHint(word);
  }

  #stopped(stop: MachineStop, pc: bigint): CheckEnd {
    switch (stop.kind) {
      case "exception": {
        const { cause, tval } = stop;
        const { hart } = this.#here();
        if (pc === RETURN_ADDRESS) {
          return { kind: "returned", value: hart.register(A0), floatValue: hart.floatRegister(FA0) };
        }
        const { refused } = this.#isolation;
        if (refused === undefined || !ACCESS_FAULTS.includes(cause)) return { kind: "trap", cause, tval, pc };
        return { kind: "device", device: refused.device, access: refused.access, address: refused.address, pc };
      }
      case "waiting":
        return { kind: "waits", pc };
      default:
        // Devices end a guest, and none has answered; watches and unhandled traps are exceptions or nothing here.
        throw new AssertionFailure(`a check stopped with ${stop.kind}`);
    }
  }

  /** Edits the hart, where it stands. */
  #change(edits: readonly Edit[]): void {
    const machine = this.#machine;
    machine.inlet = new EditsOnly(edits, machine.instant);
    runPresent(machine, machine.instant, { departing: true });
    machine.inlet = SILENT_INLET;
  }

  #here(): { machine: MachineLike; hart: HartView; pc: VirtualAddress } {
    const machine = this.#machine;
    const hart = machine.harts[machine.currentHart];
    return { machine, hart, pc: hart.pc };
  }

  /** Where the block of the HINT at pc begins: behind the jump over it. */
  #behindJump(): bigint | undefined {
    const { pc } = this.#here();
    const next = this.#decodeAt(pc + HINT_BYTES);
    if (next?.instruction.mnemonic !== "jal" || next.rd !== 0) return undefined;
    return BigInt.asUintN(64, pc + HINT_BYTES + BigInt(next.length));
  }

  /** The call whose return address ra is; undefined where ra is none. */
  #caller(): bigint | undefined {
    const ra = this.#here().hart.register(RA);
    for (const length of [4, 2]) {
      const address = BigInt.asUintN(64, ra - BigInt(length));
      const call = this.#decodeAt(address);
      if (call?.length === length && call.rd === RA && CALLS.includes(call.instruction.mnemonic)) return address;
    }
    return undefined;
  }

  #decodeAt(address: bigint): Decoded | undefined {
    const word = this.#word(address);
    return word === undefined ? undefined : decode(word);
  }

  /** The instruction at an address; undefined where there is none. */
  #word(address: bigint): number | undefined {
    const bytes = this.#machine.peek(virtualAddress(address), 4);
    const [low0, low1] = bytes;
    if (low0 === undefined || low1 === undefined) return undefined;
    const low = low0 | (low1 << 8);
    if (instructionLength(low) === 2) return low;
    const [, , high0, high1] = bytes;
    return high0 === undefined || high1 === undefined ? undefined : (low | (high0 << 16) | (high1 << 24)) >>> 0;
  }

  /** The text of `hindcast_log` or `hindcast_fail`: format in a0, arguments at a1. */
  #render(): string {
    const { hart } = this.#here();
    const format = this.#string(hart.register(A0));
    if (format === undefined) return `<no format at 0x${hart.register(A0).toString(16)}>`;
    return formatGuest(format, {
      argument: (index) => this.#doubleWord(hart.register(A0 + 1) + BigInt(index * 8)),
      string: (address) => this.#string(address),
    });
  }

  #doubleWord(address: bigint): bigint | undefined {
    const bytes = this.#machine.peek(virtualAddress(address), 8);
    if (bytes.includes(undefined)) return undefined;
    return bytes.reduceRight((value: bigint, byte) => (value << 8n) | BigInt(byte!), 0n);
  }

  #string(address: bigint): string | undefined {
    const bytes: number[] = [];
    while (bytes.length < LONGEST_STRING) {
      for (const byte of this.#machine.peek(virtualAddress(address + BigInt(bytes.length)), STRING_PART)) {
        if (byte === undefined) return bytes.length === 0 ? undefined : UTF8.decode(Uint8Array.from(bytes));
        if (byte === 0) return UTF8.decode(Uint8Array.from(bytes));
        bytes.push(byte);
      }
    }
    return UTF8.decode(Uint8Array.from(bytes));
  }
}

/** What an excursion keeps account of. */
interface Excursion {
  /** Open ones, innermost last. */
  readonly blocks: Block[];
  readonly logs: string[];
  droppedLogs: number;
  /** A function called from outside, which may have blocks within it. */
  readonly isCall: boolean;
  /** Above it, the frame in which the excursion began is gone. */
  readonly highest: bigint;
}

/** Edits at one instant, and nothing else. */
class EditsOnly implements Inlet {
  readonly #edits: Edit[];
  readonly #instant: Instant;

  constructor(edits: readonly Edit[], instant: Instant) {
    this.#edits = [...edits];
    this.#instant = instant;
  }

  take(): MachineEvent | undefined {
    const edit = this.#edits.shift();
    return edit && { kind: "edit", instant: this.#instant, edit };
  }

  horizon(): number {
    return Number.POSITIVE_INFINITY;
  }
}

/** With the bus closed no device has anything to say. */
const NOTHING_LEAVES: Outlet = {
  consoleOutput: () => {
    throw new AssertionFailure("a check has printed through a device");
  },
  networkOutput: () => {
    throw new AssertionFailure("a check has sent a frame");
  },
};
