/** Following a value back, as the adapter says it: part of custom-protocol.ts, whose conventions hold. */

export interface OriginArguments {
  /** What `evaluate` knows: a register, a CSR, memory; of another value the memory that it is the address of. Or `phys:0x…`. */
  place: string;
  /** Bytes of memory; default: the size of what the expression names, else 8. */
  length?: number;
  /** The state that is asked about; default: the current one. */
  instant?: number;
  /** Default: the hart that stopped last. */
  hart?: number;
  /** How deep operands are unfolded that the chain does not follow; default 0. */
  depth?: number;
  /** Steps of one chain; default 64. */
  most?: number;
}

/** Where a value came from, newest step first. */
export interface OriginBody {
  place: OriginPlaceBody;
  instant: number;
  hart: number;
  /** Absent where looking would change it. */
  value?: string;
  steps: OriginStepBody[];
  end: OriginEndBody;
}

export interface OriginPlaceBody {
  kind: "register" | "csr" | "memory";
  /** What to show: `a0`, `queue+0x8`. */
  name: string;
  /** Of memory: as the instruction named it, and `phys:0x…` where it lies. */
  address?: string;
  physical?: string;
  length?: number;
  /** Arguments of a request that follows what the place holds there: so another operand is picked. */
  ask: { place: string; instant: number; hart: number; length?: number };
}

export interface OriginStepBody {
  /** The state before the instruction: seeking there stops at it. */
  instant: number;
  hart: number;
  pc: string;
  symbol: string;
  source?: { path: string; line: number; column: number };
  /** `ld a5,8(s1)` */
  text: string;
  /** What it wrote, and what that held from then on. */
  place: OriginPlaceBody;
  value: string;
  how: "copy" | "load" | "store" | "exchange" | "offset" | "computed" | "constant";
  /** For people: `a5 was loaded from queue+0x8 (8 bytes)`. */
  sentence: string;
  operands: OriginOperandBody[];
  /** The operand that the chain goes on with; absent: it ends here. */
  follows?: number;
  /** `It wrote 2 of the 8 bytes; the others are older.` */
  note?: string;
  /** Steps are left out that would come next, because they are of the same kind: a loop's, or what calls saved and restored. */
  omitted?: { why: "again" | "calls"; steps: number; since: number; sentence: string };
}

export interface OriginOperandBody {
  place: OriginPlaceBody;
  value?: string;
  /** "address": it decided where, not what. "rest": bytes that the step left as they were. */
  role: "value" | "address" | "rest";
  /** Unfolded, as far as `depth` said. */
  origin?: OriginBody;
}

export interface OriginEndBody {
  kind:
    | "constant"
    | "computed"
    | "device"
    | "input"
    | "dma"
    | "edit"
    | "image"
    | "reset"
    | "trap"
    | "walk"
    | "csr"
    | "reservation"
    | "load"
    | "limit";
  sentence: string;
  /** To travel to: of an input, an edit, a trap. */
  instant?: number;
  address?: string;
  device?: string;
  symbol?: string;
  /** Of "limit": what to ask for next. */
  place?: OriginPlaceBody;
}
