import { assert, unreachable } from "../base/assert.ts";
import { effectsOf } from "../isa/effects.ts";
import type { MemoryLayout } from "../memory/layout.ts";
import * as layout from "../memory/layout.ts";
import { entryAddress } from "../memory/translation-code.ts";
import { Code, type Label, type Local } from "../wasm/code.ts";
import { ModuleBuilder } from "../wasm/module.ts";
import { F64, I32, I64, OP } from "../wasm/opcodes.ts";
import type { BreakpointCheck } from "./breakpoint-slots.ts";
import { FILTER_FUNCTION } from "./condition-code.ts";
import { LAST_ROUNDING_MODE } from "./float-format.ts";
import type { InterpreterFunctions } from "./interpreter-module.ts";
import { KnownRam, type RamCheck } from "./known-ram.ts";
import { importing } from "./lazy-imports.ts";
import type { Block, Edge, Placed } from "./region.ts";
import { ANSWER, REGION_EXPORT, REGION_FUNCTION, REGION_TABLE } from "./region-function.ts";
import type { Node, RegionGraph } from "./region-graph.ts";
import { FRM_SHIFT, RegionLocals } from "./region-locals.ts";
import { type Continuation, emitInstruction, type RegionFrame } from "./region-reading.ts";
import { RamWindow } from "./region-window.ts";
import { ScratchLocals } from "./wasm-reading.ts";

/** A place in layout.DEPARTURES, and the departures from there after which the region shall be made anew. */
export interface Departure {
  readonly number: number;
  readonly habit: number;
}

/** A page that a region has code of: it must be executed from where it was when the region was made. */
export interface GuardedPage {
  readonly virtualPage: bigint;
  readonly decodedPage: number;
}

/** Where a region counts how often it is entered, and the count at which it asks to be made anew. */
export interface EntryCount {
  readonly address: number;
  readonly limit: number;
}

/**
 * "window": data addresses are physical, nothing is watched or absent (RamWindow). "tables": through translation entries, right
 * wherever. "guarded": the same, as long as something is.
 */
export type RegionForm = "window" | "tables" | "guarded";

/** What a region's function is made from. */
export interface RegionPlan {
  readonly graph: RegionGraph;
  readonly where: MemoryLayout;
  readonly functions: InterpreterFunctions;
  readonly instructionAlignment: 2 | 4;
  /** Virtual address of the entry. */
  readonly entry: bigint;
  readonly pages: readonly GuardedPage[];
  readonly entries: EntryCount;
  readonly form: RegionForm;
  /** Slot of the translation at a distance from the entry, or the slot that will have it; 0: none is known. */
  readonly slotFor: (pc: number) => number;
  /** Where an instruction that jumps to an address in a register says where it went; undefined: it need not. */
  readonly departureFor: (placed: Placed) => Departure | undefined;
}

/**
 * The module with the functions of regions of one machine. Its imports are those that `InterpreterFunctions` names, the
 * memory, the table.
 */
export function regionModule(plans: readonly RegionPlan[]): {
  bytes: Uint8Array<ArrayBuffer>;
  imported: readonly number[];
} {
  const [{ where, functions: all }] = plans;
  const module = new ModuleBuilder({ name: "memory", minimumPages: where.wasmPages });
  module.importTable(REGION_TABLE);
  const imports = new Map<number, number>();
  const functions = importing(all, (index) => {
    let imported = imports.get(index);
    if (imported === undefined) {
      imported = module.importFunction(`function ${index}`, all.exported.get(index)!.type);
      imports.set(index, imported);
    }
    return imported;
  });
  const types = { region: module.typeOf(REGION_FUNCTION), filter: module.typeOf(FILTER_FUNCTION) };
  // Imports come before definitions, and which there are shows while the functions are written.
  const bodies = plans.map((plan) => new RegionBody({ ...plan, functions }, types).write());
  bodies.forEach((body, index) => {
    module.defineFunction(REGION_FUNCTION, body, REGION_EXPORT + index);
  });
  return { bytes: module.finish(), imported: [...imports.keys()] };
}

/** Indices of the types of functions that are called through the table. */
interface FunctionTypes {
  readonly region: number;
  readonly filter: number;
}

class RegionBody {
  readonly #plan: RegionPlan;
  readonly #types: FunctionTypes;
  readonly #code: Code;
  readonly #locals: RegionLocals;
  readonly #scratch: ScratchLocals;
  readonly #states: readonly Local[];
  readonly #loops = new Map<Node, Label>();
  readonly #merges = new Map<Node, Label>();
  readonly #frame: RegionFrame;
  readonly #ram: { readonly window: RamWindow; readonly known: KnownRam } | undefined;
  #epilogue!: Label;
  /** Of the instruction that is being written: what leaving before it costs, and its pc. */
  #stepsBefore = 0;
  #current = 0;

  constructor(plan: RegionPlan, types: FunctionTypes) {
    this.#plan = plan;
    this.#types = types;
    this.#code = new Code([]);
    this.#locals = new RegionLocals(this.#code, floatTypeOf(plan.graph));
    this.#scratch = new ScratchLocals(this.#code);
    this.#states = Array.from({ length: plan.graph.stateCount }, () => this.#code.local(I32));
    const { where, functions, entry: base, instructionAlignment } = plan;
    const leave = () => this.#leave(this.#stepsBefore, this.#current, "interpret");
    if (plan.form === "window") {
      this.#ram = { window: new RamWindow(this.#code, where, leave), known: new KnownRam(plan.graph) };
    }
    this.#frame = {
      ...{ code: this.#code, scratch: this.#scratch, locals: this.#locals, window: this.#ram?.window },
      ...{ arithmetic: functions.arithmetic, float: functions.float, where, base, instructionAlignment, leave },
      systemFrame: (pc) => ({
        ...{ code: this.#code, scratch: this.#scratch, locals: this.#locals, functions: functions.system, pc, leave },
        ...{ stepsBefore: this.#stepsBefore, leaveBehind: () => this.#leaveBehind() },
      }),
      singles: new Set(),
    };
  }

  /**
   * Guards, registers into locals, the region's blocks, and one epilogue for every way out: separate ones would make the
   * code more than twice as large.
   */
  write(): Code {
    const code = this.#code;
    const [start] = this.#plan.graph.nodes;
    // Which locals there are shows while the blocks are written; their loads come in front.
    const body = code.detached(() => {
      this.#epilogue = code.block();
      this.#emitTree(start);
      code.end();
    });
    this.#emitGuards();
    this.#locals.emitLoad(code);
    code.attach(body);
    this.#locals.emitStore(code);
    this.#emitDeparture();
    return code;
  }

  #emitGuards(): void {
    const code = this.#code;
    const { entry, pages } = this.#plan;
    const passed = code.block();
    const failed = code.block();
    code.i32(0).memory(OP.i64_load, layout.PC).i64(BigInt.asIntN(64, entry)).op(OP.i64_ne).branchIf(failed);
    for (const { virtualPage, decodedPage } of pages) {
      const index = Number((virtualPage >> 12n) & BigInt(layout.TRANSLATION_ENTRIES - 1));
      const at = index * layout.TRANSLATION_ENTRY_BYTES;
      code
        .i32(0)
        .memory(OP.i32_load, layout.TRANSLATION_BASE)
        .memory(OP.i64_load, at + layout.ENTRY.executeTag);
      code.i64(BigInt.asIntN(64, virtualPage)).op(OP.i64_ne).branchIf(failed);
      code
        .i32(0)
        .memory(OP.i32_load, layout.TRANSLATION_BASE)
        .memory(OP.i32_load, at + layout.ENTRY.decoded);
      code.i32(decodedPage).op(OP.i32_ne).branchIf(failed);
    }
    if (this.#locals.usesFloat) {
      const dirty = Number(layout.MSTATUS_FS_DIRTY);
      code
        .i32(0)
        .memory(OP.i32_load, layout.MSTATUS)
        .i32(dirty)
        .op(OP.i32_and)
        .i32(dirty)
        .op(OP.i32_ne)
        .branchIf(failed);
    }
    if (this.#locals.usesMode) {
      code.i32(0).memory(OP.i32_load, layout.FCSR).i32(FRM_SHIFT).op(OP.i32_shr_u);
      code.i32(LAST_ROUNDING_MODE).op(OP.i32_gt_u).branchIf(failed);
    }
    this.#emitFormGuard();
    code.branch(passed);
    code.end();
    code.i32(ANSWER.interpret).op(OP.return);
    code.end();
    this.#emitEntryCount();
  }

  #emitEntryCount(): void {
    const { entries, slotFor } = this.#plan;
    const code = this.#code;
    const count = this.#scratch.take(I32);
    code.i32(0);
    code.i32(0).memory(OP.i32_load, entries.address).i32(1).op(OP.i32_add).tee(count);
    code.memory(OP.i32_store, entries.address);
    code.get(count).i32(entries.limit).op(OP.i32_eq);
    code.if();
    code.i32(0).i32(slotFor(0)).memory(OP.i32_store, layout.WANTS_TRANSLATION);
    code.i32(ANSWER.known).op(OP.return);
    code.end();
  }

  /** Where the form does not fit, another one is asked for. */
  #emitFormGuard(): void {
    const code = this.#code;
    const { form, slotFor } = this.#plan;
    if (form === "tables") return;
    code.i32(0).memory(OP.i32_load, layout.RAM_IS_GUARDED);
    if (form === "window") code.i32(0).memory(OP.i32_load, layout.DATA_IS_TRANSLATED).op(OP.i32_or);
    else code.op(OP.i32_eqz);
    code.if();
    code.i32(0).i32(slotFor(0)).memory(OP.i32_store, layout.WANTS_TRANSLATION);
    code.i32(ANSWER.known).op(OP.return);
    code.end();
  }

  /** A node and what it dominates: merges become blocks around it that jumps leave, loops become loops. */
  #emitTree(node: Node): void {
    const code = this.#code;
    const merges = node.children.filter((child) => child.isMerge).sort((a, b) => b.order - a.order);
    if (node.isLoop) this.#loops.set(node, code.loop());
    for (const merge of merges) this.#merges.set(merge, code.block());
    this.#emitNode(node);
    for (const merge of merges.reverse()) {
      code.end();
      this.#emitTree(merge);
    }
    if (node.isLoop) code.end();
    if (node.isLoop) code.op(OP.unreachable);
  }

  #emitNode(node: Node): void {
    const code = this.#code;
    const { block } = node;
    if (node.isChecked) {
      code
        .get(this.#locals.budget)
        .i32(node.potential + node.longest)
        .op(OP.i32_lt_s);
      code.if();
      this.#leave(node.potential, block.pc, "interpret");
      code.end();
    }
    let continuation: Continuation = { kind: "next" };
    this.#ram?.known.enter(node);
    this.#frame.singles.clear();
    block.instructions.forEach((placed, index) => {
      this.#stepsBefore = node.potential + index;
      this.#current = placed.pc;
      if (placed.breakpoint !== undefined) this.#emitBreakpoint(placed, placed.breakpoint);
      for (const check of this.#ram?.known.pass(block.instructions, index) ?? []) this.#emitCheck(check, placed);
      continuation = emitInstruction(this.#frame, placed);
    });
    this.#emitEnding(node, continuation);
  }

  /** Leaves before an instruction where a breakpoint stands, unless its filter says that this is no hit. */
  #emitBreakpoint({ pc }: Placed, { slot, reads }: BreakpointCheck): void {
    const code = this.#code;
    const { locals } = this.#frame;
    const passed = code.block();
    const word = this.#scratch.take(I32);
    code
      .i32(0)
      .memory(OP.i32_load, layout.BREAKPOINT_WORDS + slot * 4)
      .tee(word)
      .op(OP.i32_eqz)
      .branchIf(passed);
    code.get(word).i32(layout.BREAKPOINT.filter).op(OP.i32_eq);
    code.if();
    locals.emitSpill(reads);
    code.i64(BigInt.asIntN(64, this.#plan.entry + BigInt(pc)));
    code
      .get(locals.budget)
      .i32(this.#stepsBefore + 1)
      .op(OP.i32_sub);
    code.i32(slot).callIndirect(this.#types.filter).op(OP.i32_eqz).branchIf(passed);
    code.end();
    this.#frame.leave();
    code.end();
  }

  #emitCheck({ base, span, access }: RamCheck, { decoded }: Placed): void {
    const window = this.#ram!.window;
    if (base === 0) {
      // Where RAM does not begin at 0, what is near it is none.
      if (access === "read") this.#frame.leave();
      return;
    }
    const address = this.#locals.read(base);
    if (access === "read") {
      window.requireRam(address, span);
      return;
    }
    const { size } = effectsOf(decoded.instruction);
    window.requireQuiet(address, span, size !== 0 && span.end - span.first === size ? size : undefined);
  }

  #emitEnding(node: Node, continuation: Continuation): void {
    const code = this.#code;
    const { ending } = node.block;
    switch (ending.kind) {
      case "jump":
        this.#goTo(node, ending.edge);
        return;
      case "branch": {
        assert(continuation.kind === "branch", "the last instruction of the block branches");
        const { local } = continuation.condition;
        code.get(local);
        if (local.type === I64) code.op(OP.i64_eqz, OP.i32_eqz);
        code.if();
        this.#goTo(node, ending.taken);
        code.end();
        this.#goTo(node, ending.otherwise);
        return;
      }
      case "indirect": {
        assert(continuation.kind === "jump", "the last instruction of the block jumps");
        code.get(continuation.target.local).set(this.#locals.exitPc);
        for (const { target, edge } of ending.known) {
          code
            .get(this.#locals.exitPc)
            .i64(BigInt.asIntN(64, this.#plan.entry + BigInt(target)))
            .op(OP.i64_eq);
          code.if();
          this.#goTo(node, edge);
          code.end();
        }
        this.#spend(node.potential + node.block.instructions.length);
        code.i32(0).set(this.#locals.exitSlot).i32(ANSWER.jumped).set(this.#locals.answer);
        this.#noteDeparture(node.block.instructions[node.block.instructions.length - 1]);
        code.branch(this.#epilogue);
        return;
      }
      case "leave":
        this.#leave(node.potential + node.block.instructions.length, ending.pc, "interpret");
        return;
      case "dispatch":
        ending.edges.forEach((edge, choice) => {
          if (choice < ending.edges.length - 1) {
            code.get(this.#states[ending.state]).i32(choice).op(OP.i32_eq);
            code.if();
          }
          this.#goTo(node, edge);
          if (choice < ending.edges.length - 1) code.end();
        });
        return;
      default:
        unreachable(ending, "ending of a block");
    }
  }

  /** Remembers where a jump to an address in a register has gone, and speaks up when that has become a habit. */
  #noteDeparture(placed: Placed): void {
    const departure = this.#plan.departureFor(placed);
    if (departure === undefined) return;
    const code = this.#code;
    const { exitPc, answer } = this.#locals;
    const at = layout.DEPARTURES + departure.number * layout.DEPARTURE_BYTES;
    const count = this.#scratch.take(I32);
    code
      .i32(0)
      .memory(OP.i32_load, at + layout.DEPARTURE.count)
      .i32(1)
      .op(OP.i32_add)
      .set(count);
    code
      .i32(0)
      .get(count)
      .memory(OP.i32_store, at + layout.DEPARTURE.count);
    code
      .get(count)
      .i32(layout.DEPARTURE_TARGETS - 1)
      .op(OP.i32_and)
      .i32(3)
      .op(OP.i32_shl);
    code.get(exitPc).memory(OP.i64_store, at + layout.DEPARTURE.targets);
    code.get(count).i32(departure.habit).op(OP.i32_eq);
    code.if();
    code.i32(ANSWER.known).set(answer);
    code.i32(0).i32(this.#plan.slotFor(0)).memory(OP.i32_store, layout.WANTS_TRANSLATION);
    code.end();
  }

  #goTo(node: Node, edge: Edge): void {
    const code = this.#code;
    const done = node.potential + node.block.instructions.length;
    if (edge.to === undefined) {
      this.#leave(done, edge.exit, "jumped");
      return;
    }
    const next = this.#plan.graph.nodeOf.get(edge.to)!;
    this.#spend(done - next.potential);
    if (edge.to.ending.kind === "dispatch") this.#choose(edge, edge.to);
    if (next.order <= node.order) code.branch(this.#loops.get(next)!);
    else if (next.isMerge) code.branch(this.#merges.get(next)!);
    else this.#emitTree(next);
  }

  #choose(edge: Edge, header: Block): void {
    assert(header.ending.kind === "dispatch" && edge.choice !== undefined, "a jump to a header says where it goes on");
    this.#code.i32(edge.choice).set(this.#states[header.ending.state]);
  }

  #spend(steps: number): void {
    if (steps === 0) return;
    const { budget } = this.#locals;
    this.#code.get(budget).i32(steps).op(OP.i32_sub).set(budget);
  }

  #leave(steps: number, pc: number, answer: keyof typeof ANSWER): void {
    const { exitPc, exitSlot, answer: answerLocal } = this.#locals;
    this.#spend(steps);
    this.#code.i64(BigInt.asIntN(64, this.#plan.entry + BigInt(pc))).set(exitPc);
    this.#code.i32(answer === "jumped" ? this.#plan.slotFor(pc) : 0).set(exitSlot);
    this.#code.i32(ANSWER[answer]).set(answerLocal).branch(this.#epilogue);
  }

  /** Leaves behind the current instruction; PC says where to. On the stack: whether the caller must look first. */
  #leaveBehind(): void {
    const { exitPc, exitSlot, answer } = this.#locals;
    const code = this.#code;
    const yields = this.#scratch.take(I32);
    code.set(yields);
    this.#spend(this.#stepsBefore + 1);
    code.i32(0).memory(OP.i64_load, layout.PC).set(exitPc);
    code.i32(0).set(exitSlot);
    code.i32(ANSWER.yield).i32(ANSWER.jumped).get(yields).op(OP.select).set(answer).branch(this.#epilogue);
  }

  /** Straight into the next region where there is one, by its slot or by what a jump arrives at; else back. */
  #emitDeparture(): void {
    const code = this.#code;
    const { exitSlot, exitPc, answer } = this.#locals;
    const entry = this.#scratch.take(I32);
    code.get(exitSlot);
    code.if();
    code.get(exitSlot).returnCallIndirect(this.#types.region);
    code.end();
    code.get(answer).op(OP.i32_eqz);
    code.if();
    entryAddress(code, exitPc);
    code.tee(entry).memory(OP.i64_load, layout.ENTRY.executeTag).get(exitPc).op(OP.i64_xor).i64(4096n).op(OP.i64_lt_u);
    code.if();
    code.get(entry).memory(OP.i32_load, layout.ENTRY.decoded);
    code.get(exitPc).op(OP.i32_wrap_i64).i32(4095).op(OP.i32_and).i32(2).op(OP.i32_shl, OP.i32_add);
    code.memory(OP.i32_load, layout.ARRIVALS + layout.ARRIVAL.slot).tee(exitSlot);
    code.if();
    code.get(exitSlot).returnCallIndirect(this.#types.region);
    code.end();
    code.end();
    code.end();
    code.get(answer);
  }
}

/** Doubles are numbers in locals; singles, boxed in ones, are bits. */
function floatTypeOf({ nodes }: RegionGraph): typeof I64 | typeof F64 {
  let doubles = 0;
  for (const { block } of nodes) {
    for (const { decoded } of block.instructions) {
      const { extension } = decoded.instruction;
      doubles += extension === "D" ? 1 : extension === "F" ? -1 : 0;
    }
  }
  return doubles > 0 ? F64 : I64;
}
