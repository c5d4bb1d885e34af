import type { Decoded } from "../isa/instruction.ts";
import type { BreakpointCheck } from "./breakpoint-slots.ts";
import { controlFlow } from "./control-flow.ts";
import { staysInRegion } from "./region-system.ts";
import type { PatchedFormat } from "./translated-code.ts";

/** An instruction at its place. Addresses within a region are distances from its entry, in bytes: small integers. */
export interface Placed {
  readonly decoded: Decoded;
  readonly pc: number;
  /** Of its first byte in RAM. */
  readonly place: number;
  /** A breakpoint may stand there. */
  readonly breakpoint?: BreakpointCheck | undefined;
  /** Its immediate changes now and then: the translation looks for it in RAM. */
  readonly patched?: PatchedFormat;
}

/** Code as it has been executed in the address space that the region is for. */
export interface ExecutedCode {
  /** Undefined where nothing was executed yet, or where the interpreter must do what is to be done. */
  at(pc: number): Placed | undefined;
  /** How often jumps have arrived there. */
  arrivals(pc: number): number;
  /** Where the instruction, which jumps to an address in a register, was seen to go. */
  targets(placed: Placed): readonly number[];
}

/** From the end of a block to another, or out of the region to a pc. */
export interface Edge {
  to: Block | undefined;
  readonly exit: number;
  /** Which of a dispatch header's targets is meant, when `to` is one. */
  choice?: number;
}

export type Ending =
  | { readonly kind: "jump"; readonly edge: Edge }
  /** The last instruction is the branch. */
  | { readonly kind: "branch"; readonly taken: Edge; readonly otherwise: Edge }
  /** The last instruction jumps to an address in a register; some of the places where it goes are known. */
  | { readonly kind: "indirect"; readonly known: readonly { readonly target: number; readonly edge: Edge }[] }
  /** The interpreter must execute what stands here. */
  | { readonly kind: "leave"; readonly pc: number }
  /** Header of a loop with several entries: goes where its state says. */
  | { readonly kind: "dispatch"; readonly edges: readonly Edge[]; readonly state: number };

/** Instructions that are executed one after the other, in one context of inlined calls. */
export interface Block {
  readonly context: Context;
  readonly pc: number;
  instructions: Placed[];
  ending: Ending;
}

/** A call that was inlined, seen from inside: where it returns to. */
export interface Context {
  readonly id: number;
  readonly parent: Context | undefined;
  readonly returnsTo: number;
  readonly entry: number;
  readonly depth: number;
}

export interface Region {
  readonly entry: Block;
  readonly blocks: readonly Block[];
}

/** Outside of all inlined calls. */
export const ROOT: Context = { id: 0, parent: undefined, returnsTo: 0, entry: 0, depth: 0 };

/** How far a region grows. */
export interface GrowthLimits {
  readonly instructions: number;
  /** Instructions that a call may bring in. */
  readonly inlined: number;
  /** A branch that was taken less often than this leads out of the region. */
  readonly arrivals: number;
  /** Jumps to addresses in registers go on in the region where they were seen to go. */
  readonly followsTargets: boolean;
}

/**
 * The region that is made first. Most code never becomes as hot as to earn more: bringing in calls would make the same
 * code again and again.
 */
export const SMALL: GrowthLimits = { instructions: 100, inlined: 0, arrivals: 30, followsTargets: false };

/**
 * The region of what is hot enough for the best code. It is a function of WebAssembly: beyond this size V8 optimises it
 * late or not at all. Calls, measured by the prototype: 100 instructions lose a third of the speed, more win nothing.
 */
export const LARGE: GrowthLimits = { instructions: 3000, inlined: 400, arrivals: 0, followsTargets: true };
const MOST_DEPTH = 6;
/** Longer straight lines are cut, so that the step budget is looked at now and then. */
const MOST_IN_BLOCK = 200;
/** A callee is worth bringing in when jumps have arrived there this often. */
const HOT_CALLEE_ARRIVALS = 32;
const RETURN_ADDRESS = 1;
const ALTERNATE_LINK = 5;

/** Grows a region from a hot jump target, breadth first over executed code; calls become part of it. */
export function growRegion(code: ExecutedCode, limits: GrowthLimits = LARGE): Region {
  return new Growth(code, limits).grow();
}

class Growth {
  readonly #code: ExecutedCode;
  readonly #limits: GrowthLimits;
  readonly #blocks = new Map<number, Block>();
  readonly #queue: { context: Context; pc: number }[] = [];
  readonly #contexts = new Map<string, Context>();
  readonly #sizes = new Map<number, number>();
  readonly #pending: { edge: Edge; key: number }[] = [];
  readonly #starts = new Set<number>();
  #total = 0;

  constructor(code: ExecutedCode, limits: GrowthLimits) {
    this.#code = code;
    this.#limits = limits;
  }

  grow(): Region {
    this.#start(ROOT, 0);
    for (const { context, pc } of this.#queue) {
      if (this.#total > this.#limits.instructions && this.#blocks.size > 0) break;
      this.#blocks.set(key(context, pc), this.#block(context, pc));
    }
    for (const block of this.#blocks.values()) this.#cut(block);
    for (const { edge, key: name } of this.#pending) edge.to = this.#blocks.get(name);
    const entry = this.#blocks.get(key(ROOT, 0))!;
    return { entry, blocks: [...this.#blocks.values()] };
  }

  #start(context: Context, pc: number): void {
    const name = key(context, pc);
    if (this.#starts.has(name)) return;
    this.#starts.add(name);
    this.#queue.push({ context, pc });
  }

  #edge(context: Context, pc: number): Edge {
    const edge: Edge = { to: undefined, exit: pc };
    if (this.#code.at(pc) === undefined) return edge;
    this.#start(context, pc);
    this.#pending.push({ edge, key: key(context, pc) });
    return edge;
  }

  #taken(context: Context, target: number): Edge {
    if (this.#code.arrivals(target) < this.#limits.arrivals) return { to: undefined, exit: target };
    return this.#edge(context, target);
  }

  #block(context: Context, start: number): Block {
    const instructions: Placed[] = [];
    const end = (ending: Ending): Block => {
      this.#total += instructions.length;
      return { context, pc: start, instructions, ending };
    };
    let pc = start;
    for (;;) {
      if (pc !== start && this.#starts.has(key(context, pc)))
        return end({ kind: "jump", edge: this.#edge(context, pc) });
      const placed = this.#code.at(pc);
      if (placed === undefined) return end({ kind: "jump", edge: { to: undefined, exit: pc } });
      if (instructions.length >= MOST_IN_BLOCK) return end({ kind: "jump", edge: this.#edge(context, pc) });
      const flow = controlFlow(placed.decoded);
      if (flow === "system" && !staysInRegion(placed.decoded)) return end({ kind: "leave", pc });
      instructions.push(placed);
      const next = pc + placed.decoded.length;
      const { rd, imm } = placed.decoded;
      switch (flow) {
        case "next":
        case "system":
          pc = next;
          continue;
        case "branch":
          return end({
            kind: "branch",
            taken: this.#taken(context, pc + imm),
            otherwise: this.#edge(context, next),
          });
        case "jump":
          return end({ kind: "jump", edge: this.#jump(context, pc + imm, next, rd) });
        default:
          return end({ kind: "indirect", known: this.#known(context, placed, next) });
      }
    }
  }

  /** A call that is not brought in goes out; one of a function that is being executed goes to the code that is there. */
  #jump(context: Context, target: number, next: number, rd: number): Edge {
    if (!isLink(rd)) return this.#edge(context, target);
    for (let caller: Context | undefined = context; caller !== undefined; caller = caller.parent) {
      if (caller.entry === target) return this.#edge(caller, target);
    }
    if (!this.#canInline(context, target)) return { to: undefined, exit: target };
    return this.#edge(this.#inlined(context, target, next), target);
  }

  /** Where a jump to an address in a register goes: a return to the caller that was brought in, and what was seen. */
  #known(context: Context, placed: Placed, next: number): { target: number; edge: Edge }[] {
    const { rd, rs1, imm } = placed.decoded;
    const seen = this.#limits.followsTargets ? this.#code.targets(placed) : [];
    if (isLink(rd)) {
      return seen
        .filter((target) => this.#canInline(context, target))
        .map((target) => ({ target, edge: this.#edge(this.#inlined(context, target, next), target) }));
    }
    const returns = rd === 0 && isLink(rs1) && imm === 0;
    if (returns && context.parent !== undefined) {
      const target = context.returnsTo;
      return [{ target, edge: this.#edge(context.parent, target) }];
    }
    return seen.map((target) => ({ target, edge: this.#edge(context, target) }));
  }

  #inlined(caller: Context, target: number, returnsTo: number): Context {
    const name = `${caller.id} ${returnsTo} ${target}`;
    let context = this.#contexts.get(name);
    if (context === undefined) {
      const id = this.#contexts.size + 1;
      context = { id, parent: caller, returnsTo, entry: target, depth: caller.depth + 1 };
      this.#contexts.set(name, context);
    }
    return context;
  }

  #canInline(context: Context, target: number): boolean {
    const { inlined, instructions } = this.#limits;
    if (inlined === 0) return false;
    if (context.depth >= MOST_DEPTH || this.#code.at(target) === undefined) return false;
    if (this.#code.arrivals(target) < HOT_CALLEE_ARRIVALS) return false;
    for (let caller: Context | undefined = context; caller !== undefined; caller = caller.parent) {
      if (caller.entry === target) return false;
    }
    const size = this.#size(target, []);
    return size <= inlined && this.#total + size <= instructions;
  }

  /** Executed instructions that are reachable from an entry, calls included; infinite for recursion. */
  #size(entry: number, callers: readonly number[]): number {
    const known = this.#sizes.get(entry);
    if (known !== undefined) return known;
    if (callers.includes(entry) || callers.length > MOST_DEPTH) return Number.POSITIVE_INFINITY;
    const seen = new Set<number>();
    const open = [entry];
    let size = 0;
    while (open.length > 0 && size <= this.#limits.inlined) {
      let pc = open.pop()!;
      for (let placed = this.#code.at(pc); placed !== undefined && !seen.has(pc); placed = this.#code.at(pc)) {
        seen.add(pc);
        size++;
        const { rd, imm, length } = placed.decoded;
        const flow = controlFlow(placed.decoded);
        if (flow === "branch") open.push(pc + imm);
        if (flow === "jump" && isLink(rd)) {
          if (this.#code.arrivals(pc + imm) >= HOT_CALLEE_ARRIVALS) size += this.#size(pc + imm, [...callers, entry]);
        } else if (flow === "jump") {
          pc += imm;
          continue;
        }
        if (flow === "indirect") break;
        pc += length;
      }
    }
    this.#sizes.set(entry, size);
    return size;
  }

  /** Another block may begin in the midst of one that was made before: this one then ends there. */
  #cut(block: Block): void {
    for (let index = 1; index < block.instructions.length; index++) {
      const { pc } = block.instructions[index];
      const name = key(block.context, pc);
      if (!this.#blocks.has(name)) continue;
      block.instructions = block.instructions.slice(0, index);
      const edge: Edge = { to: undefined, exit: pc };
      this.#pending.push({ edge, key: name });
      block.ending = { kind: "jump", edge };
      return;
    }
  }
}

/** Distances are less than half of 2 ** 40, and contexts few. In most regions this is a small integer. */
function key(context: Context, pc: number): number {
  return context.id * 2 ** 40 + pc;
}

function isLink(register: number): boolean {
  return register === RETURN_ADDRESS || register === ALTERNATE_LINK;
}

/** Edges out of a block, in the order in which its code takes them. */
export function edgesOf({ ending }: Pick<Block, "ending">): readonly Edge[] {
  switch (ending.kind) {
    case "jump":
      return [ending.edge];
    case "branch":
      return [ending.taken, ending.otherwise];
    case "indirect":
      return ending.known.map(({ edge }) => edge);
    case "dispatch":
      return ending.edges;
    default:
      return [];
  }
}
