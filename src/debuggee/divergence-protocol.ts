import type { SourcePosition } from "./protocol.ts";

/** Of the two runs that are held against each other. */
export interface SidePair<Value> {
  readonly left: Value;
  readonly right: Value;
}

/** Where a run stands: the state before the instruction. */
export interface DivergentPlace {
  readonly instant: number;
  readonly hart: number;
  readonly pc: bigint;
  readonly symbol: string;
  readonly source?: SourcePosition;
  /** Function and line, counted from the function's first one: the same in another build. */
  readonly code: string;
  /** `ld a5,8(s1)` */
  readonly text: string;
}

/** One value in both runs. */
export interface ValueInBoth {
  readonly what: "register" | "csr" | "pc" | "memory" | "device" | "hart" | "event";
  /** `a0`, `mscratch`, `queue+0x8`, `virtio-entropy random`. */
  readonly name: string;
  readonly hart?: number;
  /** Of memory, physical. */
  readonly address?: number;
  readonly left: bigint | number | string | undefined;
  readonly right: bigint | number | string | undefined;
}

/** What brought the difference in. */
export type DivergenceCause =
  /** Both executed one instruction with the same operands, and it gave another result: a device, a counter, the time. */
  | "device"
  | "entropy"
  | "time"
  | "counter"
  /** Input, a frame: at another place, or with other contents. */
  | "input"
  /** Something from outside the program changed a register, or memory: an edit, or a bit that flipped. */
  | "edit"
  /** Memory, or a register, that nobody has written since reset. */
  | "uninitialised"
  /** Another program: its text, its constants or its initial data. */
  | "program"
  /** Harts came to the same memory in another order. */
  | "order"
  /** A trap that one of them took. */
  | "trap"
  /** An instruction gave another result though nothing that it reads differed: nobody can tell. */
  | "unknown";

/** One step of the way from the difference that was seen back to the one that brought it in. */
export interface DivergenceLink {
  /** "data": the value came through these instructions. "flow": they went different ways here. */
  readonly kind: "data" | "flow";
  readonly left?: DivergentPlace;
  readonly right?: DivergentPlace;
  /** What differs there. */
  readonly value?: ValueInBoth;
  readonly sentence: string;
  /** The last `steps` links come over and over, back to these instants. */
  readonly omitted?: SidePair<number> & { readonly steps: number };
}

/** Where a difference comes in. */
export interface Divergent {
  readonly left: DivergentPlace;
  readonly right: DivergentPlace;
  readonly cause: DivergenceCause;
  /** Of the states behind the instruction, the first of them. */
  readonly differences: readonly ValueInBoth[];
  /** How many more there are. */
  readonly more: number;
  /** One sentence. */
  readonly why: string;
}

/** The first output that differs. */
export interface OutputDifference {
  /** Before the step that said it; where one of them says nothing, where it ends. */
  readonly left: number;
  readonly right: number;
  /** 0: console. 1: network card. 2: how the guest ended. */
  readonly device: number;
  /** Number of the byte, or frame. */
  readonly number: number;
  /** Absent: this side does not say it. */
  readonly leftBytes?: Uint8Array;
  readonly rightBytes?: Uint8Array;
  /** The lines that the bytes belong to, or how they ended. */
  readonly leftText?: string;
  readonly rightText?: string;
}

/** What differs from the beginning on, or again and again, and was passed over. */
export interface HarmlessShift {
  /** Ticks that the right one's mtime is ahead at the beginning. */
  readonly ticks?: bigint;
  /** Steps of a hart's turn. */
  readonly turnSteps?: SidePair<number>;
  /** Pages of memory that differed at the beginning. */
  readonly pages?: number;
  /** Outputs that both said alike, but at other instants; and how far apart they were at the most. */
  readonly movedOutputs: number;
  readonly mostSteps: number;
}

/** Where two runs part. */
export interface DivergenceFinding {
  readonly kind: "none" | "difference";
  /** "output": what they say differs. "inside": it does not, but their states do. */
  readonly level?: "inside" | "output";
  /** The newest pair of instants that are known to correspond. */
  readonly lastAgreement: SidePair<number>;
  /** What the difference that matters comes from. */
  readonly divergent?: Divergent;
  /** The first instruction after which the states differ, at equal instants, shifts aside. Absent: there is none, or it is `divergent`. */
  readonly inside?: Divergent;
  readonly output?: OutputDifference;
  /** From the output back to `divergent`, newest first. */
  readonly chain: readonly DivergenceLink[];
  readonly shift: HarmlessShift;
  /** Outputs that both said alike. */
  readonly equalOutputs: number;
  /** What there is to know beside. */
  readonly notes: readonly string[];
}

/** What differs between two states. */
export interface StatesDiffer {
  /** Nothing that a guest can see differs. */
  readonly equal: boolean;
  /** Of harts: registers, CSRs, pc, privilege. */
  readonly registers: readonly ValueInBoth[];
  /** The first words of eight bytes of RAM that differ, by address. */
  readonly words: readonly ValueInBoth[];
  /** Pages of RAM that differ, and those of them that were looked at for `words`. */
  readonly pages: number;
  readonly pagesListed: number;
  /** Blocks of disks that differ. */
  readonly blocks: number;
  readonly devices: readonly ValueInBoth[];
}

/** Two states, side by side. */
export interface SideBySide extends StatesDiffer {
  readonly left: DivergentPlace;
  readonly right: DivergentPlace;
}

export interface FindOptions {
  /** What the two are called in sentences. Default: A and B. */
  readonly names?: SidePair<string>;
  /** Instants where the two are known to agree; absent: where they begin. */
  readonly agreed?: SidePair<number>;
  /** False: stop at the first difference of states, and follow no chain. Default true. */
  readonly causal?: boolean;
  readonly onProgress?: (what: string, fraction: number | undefined) => void;
}
