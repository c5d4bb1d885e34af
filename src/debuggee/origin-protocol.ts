import type { SourcePosition } from "./protocol.ts";

/** Something that holds a value, and can be asked where it came from. */
export interface OriginPlace {
  readonly kind: "register" | "csr" | "memory";
  /** `a0`, `mscratch`, `queue+0x8`, or the bare address. */
  readonly name: string;
  /** Of memory: as the instruction named it, and where it lies. */
  readonly address?: bigint;
  readonly physical?: bigint;
  readonly length?: number;
}

/** What an instruction made a value of. To follow it from there: ask for `place` at the step's instant on its hart. */
export interface OriginOperand {
  readonly place: OriginPlace;
  /** Before the step; undefined where looking would change it (a device). */
  readonly value: bigint | undefined;
  /** "address": it decided where, not what. "rest": bytes that the step left as they were. */
  readonly role: "value" | "address" | "rest";
  /** Where it came from, as far as it was asked to be unfolded. */
  readonly origin?: Origin;
}

/** One instruction that the value came through. */
export interface OriginStep {
  /** The state before the instruction. */
  readonly instant: number;
  readonly hart: number;
  readonly pc: bigint;
  readonly symbol: string;
  readonly source?: SourcePosition;
  /** `ld a5,8(s1)` */
  readonly text: string;
  /** What it wrote, and what that held from then on. */
  readonly place: OriginPlace;
  readonly value: bigint;
  /**
   * "copy": of a register. "load" and "store". "exchange": memory or a CSR, whose old value goes elsewhere. "offset": a constant was
   * added. "computed": of one value or several. "constant": of none.
   */
  readonly how: "copy" | "load" | "store" | "exchange" | "offset" | "computed" | "constant";
  /** What it did, in one line: `a5 was loaded from queue+0x8 (8 bytes)`. */
  readonly sentence: string;
  readonly operands: readonly OriginOperand[];
  /** The operand that the chain goes on with; absent: it ends here. */
  readonly follows?: number;
  /** What there is to know beside: `It wrote 4 of the 8 bytes.` */
  readonly note?: string;
  /** Steps are left out that would come next, because they are of the same kind. */
  readonly omitted?: OmittedSteps;
}

/**
 * "again": the last `steps` steps come over and over, as in a loop. "calls": functions that were called saved the register and restored
 * it. `since` is the instant of the step that is told next.
 */
export interface OmittedSteps {
  readonly why: "again" | "calls";
  readonly steps: number;
  readonly since: number;
  readonly sentence: string;
}

/** Why a chain ends. */
export type OriginEndKind =
  /** The program's text says so. */
  | "constant"
  /** Made of several values, none of which it plainly is: pick one. */
  | "computed"
  /** Read from a device; "input" when it is a byte that the console received. */
  | "device"
  | "input"
  /** Written to memory by a device, in answer to the guest or to an event. */
  | "dma"
  | "edit"
  /** Not written since reset: what was loaded into memory, or a register's value at reset. */
  | "image"
  | "reset"
  /** A CSR that a trap wrote. */
  | "trap"
  /** Bits that a page-table walk has set. */
  | "walk"
  /** A CSR that counts or follows from other state by itself. */
  | "csr"
  /** A store-conditional's success or failure. */
  | "reservation"
  /** A load, where a chain was to end at one. */
  | "load"
  /** As many steps as were asked for; the last place can be asked on. */
  | "limit";

export interface OriginEnd {
  readonly kind: OriginEndKind;
  /** One sentence. */
  readonly sentence: string;
  /** To travel to: of an input, an edit, a trap. */
  readonly instant?: number;
  /** Of a device, and of memory from reset. */
  readonly address?: bigint;
  readonly device?: string;
  readonly symbol?: string;
  /** Of "limit": where to ask on, and at which instant. */
  readonly place?: OriginPlace;
}

/** Where a value came from. */
export interface Origin {
  readonly place: OriginPlace;
  /** When and on which hart it was asked for. */
  readonly instant: number;
  readonly hart: number;
  readonly value: bigint | undefined;
  /** Newest first. */
  readonly steps: readonly OriginStep[];
  readonly end: OriginEnd;
}

export interface OriginOptions {
  /** The state that is asked about; default: now. */
  readonly at?: number;
  /** Bytes of memory, where the question does not say by itself. */
  readonly length?: number;
  /** How deep the operands are unfolded that a chain does not follow. */
  readonly depth?: number;
  /** Steps of one chain; default 64. */
  readonly most?: number;
}
