import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import { effectsOf, registersOf } from "../isa/effects.ts";
import { abiName } from "../isa/registers.ts";
import type { HartView, MachineLike } from "../machine/machine-interface.ts";
import { NO_STOPS, type WatchHit } from "../machine/stop.ts";
import type { Motion, TimelineLike } from "../replay/timeline-interface.ts";
import { type CodeWord, fetch, readNumber } from "./code.ts";
import { unsignedOfSize } from "./expression-types.ts";
import type { Inspector } from "./inspector.ts";
import { physicalRanges } from "./physical-ranges.ts";
import type { ProgramMap } from "./program-map.ts";
import type { SourcePosition, WriteFound } from "./protocol.ts";

export type { WriteFound } from "./protocol.ts";

export interface OriginStep {
  /** State before the instruction. */
  readonly instant: number;
  readonly pc: bigint;
  readonly symbol: string;
  readonly source?: SourcePosition;
  /** `ld a5, 8(s1)` */
  readonly text: string;
  /** What the register held afterwards. */
  readonly value: bigint;
}

export interface Origin {
  /** The register that was asked for, by its ABI name. */
  readonly register: string;
  readonly value: bigint;
  /** Newest first: moves and additions on the way, and last the instruction where the value begins. */
  readonly steps: readonly OriginStep[];
  /**
   * "load": the value came from memory at `address`. "constant": from the program text. "computed": from more than one
   * value. "limit": not found within the bound; "start": older than the recording.
   */
  readonly kind: "load" | "constant" | "computed" | "limit" | "start";
  readonly address?: bigint;
  readonly size?: number;
}

export interface OriginParts {
  readonly timeline: TimelineLike;
  readonly machine: MachineLike;
  readonly map: ProgramMap;
  readonly inspector: Inspector;
}

const SP = 2;
const S0 = 8;
/** Instructions looked back over for one write of a register: a second's work, and pointers are used soon. */
const MOST_STEPS_BACK = 100_000;
const FIRST_WINDOW = 256;
const WINDOW_GROWTH = 4;
/** Moves and reloads that are followed. */
const MOST_HOPS = 64;
/** An index or offset, beside which the other operand of an addition is the pointer. */
const LARGEST_OFFSET = 1n << 24n;

/** Where values came from. Motions leave the timeline anywhere; whoever asks puts it back. */
export class Origins {
  readonly #parts: OriginParts;

  constructor(parts: OriginParts) {
    this.#parts = parts;
  }

  /**
   * Who wrote any of these bytes last, before an instant. The bytes are those that the address means in a hart's address
   * space now: a page that was moved since is followed no farther back than to where it lies.
   */
  *lastWrite(
    address: bigint,
    length: number,
    before: number,
    space: number | "physical",
  ): Motion<WriteFound | undefined> {
    const { timeline, machine, map } = this.#parts;
    const watches = physicalRanges(machine, address, length, space).map((range) => ({
      ...range,
      access: "write" as const,
    }));
    let value = 0n;
    let access: WatchHit | undefined;
    const found = yield* timeline.findLast(
      {
        stops: { ...NO_STOPS, watches },
        // The last write accepted is the one found; the machine stands behind it, so memory holds what it wrote.
        accept: ({ stop }) => {
          access = stop.kind === "watch" ? stop.hits.find((hit) => hit.access === "write") : undefined;
          if (access === undefined) return false;
          value = readNumber(machine, access.address, unsignedOfSize(access.size).size, access.hart) ?? 0n;
          return true;
        },
      },
      before as Instant,
    );
    if (found === undefined) return undefined;
    assert(access !== undefined, "a write was found that nobody accepted");
    const { pc, hart, size } = access;
    const source = map.position(pc);
    return {
      instant: found.instant,
      hart,
      pc,
      symbol: map.describe(pc),
      ...(source !== undefined && { source }),
      address: access.address,
      size,
      value,
    };
  }

  /** Where the value that a register holds now came from. */
  *registerOrigin(register: number, hart: number): Motion<Origin> {
    const { timeline, machine } = this.#parts;
    const steps: OriginStep[] = [];
    const view = machine.harts[hart];
    const asked = { register: abiName(register), value: view.register(register), steps };
    let current = register;
    for (let hop = 0; hop < MOST_HOPS; hop++) {
      if (current === 0) return { ...asked, kind: "constant" };
      const value = view.register(current);
      const writer = yield* this.#lastRegisterWrite(current, hart);
      if (writer === "limit" || writer === "start") return { ...asked, kind: writer };
      // The timeline now stands before the instruction that wrote the register.
      steps.push(this.#step(writer, value));
      const next = this.#source(writer, view);
      if (next.kind === "register") {
        current = next.register;
        continue;
      }
      if (next.kind === "constant" || next.kind === "computed") return { ...asked, kind: next.kind };
      const { address, size } = next;
      const store = next.kind === "reload" ? yield* this.lastWrite(address, size, timeline.now, hart) : undefined;
      const saved = store && (yield* this.#savedRegister(store));
      if (store === undefined || saved === undefined) return { ...asked, kind: "load", address, size };
      steps.push(this.#step(saved.code, store.value));
      current = saved.register;
    }
    return { ...asked, kind: "limit" };
  }

  #step(code: CodeWord, value: bigint): OriginStep {
    const { timeline, map, inspector } = this.#parts;
    const source = map.position(code.address);
    return {
      instant: timeline.now,
      pc: code.address,
      symbol: map.describe(code.address),
      ...(source !== undefined && { source }),
      text: inspector.instructionText(code.word, code.address),
      value,
    };
  }

  /** Goes to the last instruction before now that wrote a register, looking back over windows that grow. */
  *#lastRegisterWrite(register: number, hart: number): Motion<CodeWord | "limit" | "start"> {
    const { timeline } = this.#parts;
    const end = timeline.now;
    let to: number = end;
    for (let size = FIRST_WINDOW; to > timeline.first; size *= WINDOW_GROWTH) {
      if (end - to >= MOST_STEPS_BACK) return "limit";
      const from = Math.max(timeline.first, to - size, end - MOST_STEPS_BACK);
      const found = yield* this.#lastRegisterWriteIn(from, to, register, hart);
      if (found !== undefined) {
        yield* timeline.seek(found.instant as Instant);
        return found.code;
      }
      to = from;
    }
    return "start";
  }

  *#lastRegisterWriteIn(from: number, to: number, register: number, hart: number) {
    const { timeline, machine } = this.#parts;
    const view = machine.harts[hart];
    let found: { readonly instant: number; readonly code: CodeWord } | undefined;
    yield* timeline.seek(from as Instant);
    for (let instant = from; instant < to; instant++) {
      const code = fetch(machine, view.pc, hart);
      const isWriter = code?.decoded !== undefined && registersOf(code.decoded).writes === register;
      const retired = view.csr(MINSTRET);
      const stop = yield* timeline.forward({ stops: NO_STOPS, limit: (instant + 1) as Instant });
      if (timeline.now === instant) {
        assert(stop.kind !== "reached", "a step that went nowhere");
        break;
      }
      // An instruction that traps writes nothing.
      if (isWriter && view.csr(MINSTRET) !== retired) found = { instant, code };
    }
    return found;
  }

  /** What an instruction made the register's value from. */
  #source({ decoded }: CodeWord, view: HartView): Source {
    assert(decoded !== undefined, "a register was written by no instruction");
    const { instruction, rs1, rs2, imm } = decoded;
    const { memory, size } = effectsOf(instruction);
    if (memory !== "none") {
      const from = BigInt.asUintN(64, view.register(rs1) + (memory === "load" ? BigInt(imm) : 0n));
      // What a function saves on its stack and loads again is still the same value.
      const isReload = (rs1 === SP || rs1 === S0) && instruction.mnemonic === "ld";
      return { kind: isReload ? "reload" : "load", address: from, size: size || 8 };
    }
    switch (instruction.mnemonic) {
      case "addi":
        return { kind: "register", register: rs1 };
      case "add":
        return this.#addend(view, rs1, rs2);
      case "lui":
      case "auipc":
      case "jal":
      case "jalr":
        return { kind: "constant" };
      default:
        return { kind: "computed" };
    }
  }

  /** Of an addition the operand that is a pointer, when the other one is a small number. */
  #addend(view: HartView, a: number, b: number): Source {
    if (a === 0 || b === 0) return { kind: "register", register: a === 0 ? b : a };
    const isSmall = (register: number) => {
      const value = BigInt.asIntN(64, view.register(register));
      return value > -LARGEST_OFFSET && value < LARGEST_OFFSET;
    };
    if (isSmall(a) === isSmall(b)) return { kind: "computed" };
    return { kind: "register", register: isSmall(a) ? b : a };
  }

  /**
   * Goes to a store and says which register it saved in its own stack frame. Undefined for any other write: that one is
   * where the value in memory begins, and perhaps the one that should not have been.
   */
  *#savedRegister(store: WriteFound): Motion<{ readonly code: CodeWord; readonly register: number } | undefined> {
    const { timeline, machine } = this.#parts;
    yield* timeline.seek(store.instant as Instant);
    const code = fetch(machine, store.pc, store.hart);
    if (code?.decoded === undefined || code.decoded.instruction.mnemonic !== "sd") return undefined;
    const { rs1, rs2 } = code.decoded;
    return rs1 === SP || rs1 === S0 ? { code, register: rs2 } : undefined;
  }
}

const MINSTRET = 0xb02;

type Source =
  | { readonly kind: "register"; readonly register: number }
  | { readonly kind: "reload"; readonly address: bigint; readonly size: number }
  | { readonly kind: "load"; readonly address: bigint; readonly size: number }
  | { readonly kind: "constant" }
  | { readonly kind: "computed" };
