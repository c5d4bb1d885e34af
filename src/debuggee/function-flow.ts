import { registersOf } from "../isa/effects.ts";
import { type CodeWord, flowOf, isCall, staticSuccessors } from "./code.ts";
import type { FunctionExtent } from "./program-map.ts";

/**
 * What can be said about registers at an address inside a function by following its instructions from its entry: how
 * far the stack pointer has moved, and where the entry's values of the return address and of the saved registers are.
 */
export interface EntryState {
  /** Registers that equal the stack pointer at entry plus a constant: `sp` itself, and a frame pointer. */
  readonly relative: ReadonlyMap<number, bigint>;
  /** Registers that still hold what they held at entry. */
  readonly intact: ReadonlySet<number>;
  /** Registers whose value at entry was saved, by offset from the stack pointer at entry. */
  readonly saved: ReadonlyMap<number, bigint>;
  /**
   * The stack pointer has been exchanged for one that is not known, as trap handlers do: `relative` and `saved` count
   * from what it was then, instead of from entry.
   */
  readonly onOtherStack: boolean;
}

interface WorkingState {
  readonly relative: Map<number, bigint>;
  readonly constants: Map<number, bigint>;
  readonly intact: Set<number>;
  readonly saved: Map<number, bigint>;
  readonly onOtherStack: boolean;
}

const SP = 2;
/** Instructions of one function that are followed at most; a longer one is analysed as far as that. */
const MOST_INSTRUCTIONS = 20_000;
/** Where paths meet, what is known can shrink a few times; then it is settled. */
const MOST_VISITS = 4 * MOST_INSTRUCTIONS;
/** Registers that a callee may change (psABI): ra, t0-t6, a0-a7. */
const CALLER_SAVED = [1, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31];

/**
 * The states of one function, address by address: a data-flow analysis. Where paths meet, that is known which is known
 * on all of them; only the stack pointer is believed to the first path, because compilers and people alike keep it the
 * same on all, and a path through a call that never returns must not spoil it.
 */
export class FunctionFlow {
  readonly #states = new Map<bigint, WorkingState>();

  constructor(extent: FunctionExtent, fetch: (address: bigint) => CodeWord | undefined) {
    const queue: { address: bigint; state: WorkingState }[] = [{ address: extent.start, state: entryState() }];
    let visits = 0;
    for (let next = queue.pop(); next !== undefined && visits < MOST_VISITS; next = queue.pop()) {
      const { address } = next;
      if (address < extent.start || address >= extent.end) continue;
      const known = this.#states.get(address);
      if (known === undefined && this.#states.size >= MOST_INSTRUCTIONS) continue;
      const state = known === undefined ? next.state : met(known, next.state);
      if (state === known) continue;
      visits++;
      this.#states.set(address, state);
      const code = fetch(address);
      if (code?.decoded === undefined) continue;
      const after = applied(code, state);
      // The fall-through is taken from the stack last, so first: it is the path that a reader would follow.
      for (const successor of staticSuccessors(code).reverse()) queue.push({ address: successor, state: after });
    }
  }

  /** Undefined for addresses that no direct path reaches. */
  at(address: bigint): EntryState | undefined {
    return this.#states.get(address);
  }
}

function entryState(): WorkingState {
  return {
    relative: new Map([[SP, 0n]]),
    constants: new Map(),
    intact: new Set(Array.from({ length: 31 }, (_, i) => i + 1)),
    saved: new Map(),
    onOtherStack: false,
  };
}

/** The stack pointer becomes something unknown. What was saved on the old stack cannot be found from the new one. */
function otherStack(before: WorkingState): WorkingState {
  const state = copy(before);
  forget(state, SP);
  return { ...state, relative: new Map([[SP, 0n]]), saved: new Map(), onOtherStack: true };
}

/** The state behind an instruction. States are shared between addresses: what changes is a copy. */
function applied(code: CodeWord, before: WorkingState): WorkingState {
  const { decoded } = code;
  if (decoded === undefined) return before;
  if (isCall(flowOf(code))) return forgetAll(before, CALLER_SAVED);
  const { rd, rs1, rs2, imm, instruction } = decoded;
  switch (instruction.mnemonic) {
    case "sd":
      return afterSave(before, rs1, rs2, BigInt(imm));
    case "ld":
      return restored(before, { rd, base: rs1, offset: BigInt(imm) });
    case "addi":
      if (rd === rs1 && imm === 0) return before;
      return assigned(before, rd, sum(before, rs1, BigInt(imm)), constant(before, rs1, BigInt(imm)));
    case "addiw": {
      const value = constant(before, rs1, BigInt(imm));
      return assigned(before, rd, undefined, value === undefined ? undefined : BigInt.asIntN(32, value));
    }
    case "lui":
      return assigned(before, rd, undefined, BigInt.asIntN(32, BigInt(imm)));
    case "add":
      return assigned(before, rd, addition(before, rs1, rs2), undefined);
    default: {
      const { writes } = registersOf(decoded);
      if (writes === SP) return otherStack(before);
      return writes === undefined ? before : forgetAll(before, [writes]);
    }
  }
}

function copy(state: WorkingState): WorkingState {
  return {
    relative: new Map(state.relative),
    constants: new Map(state.constants),
    intact: new Set(state.intact),
    saved: new Map(state.saved),
    onOtherStack: state.onOtherStack,
  };
}

/** What is known on both ways: the first state itself when the second takes nothing away from it. */
function met(first: WorkingState, second: WorkingState): WorkingState {
  const keeps = <K>(a: ReadonlyMap<K, bigint>, b: ReadonlyMap<K, bigint>) =>
    [...a].filter(([key, value]) => b.get(key) === value);
  const relative = [...first.relative].filter(
    ([register, offset]) => register === SP || second.relative.get(register) === offset,
  );
  const constants = keeps(first.constants, second.constants);
  const saved = keeps(first.saved, second.saved);
  const intact = [...first.intact].filter((register) => second.intact.has(register));
  const same =
    relative.length === first.relative.size &&
    constants.length === first.constants.size &&
    saved.length === first.saved.size &&
    intact.length === first.intact.size;
  if (same) return first;
  return {
    relative: new Map(relative),
    constants: new Map(constants),
    saved: new Map(saved),
    intact: new Set(intact),
    onOtherStack: first.onOtherStack,
  };
}

function forgetAll(before: WorkingState, registers: readonly number[]): WorkingState {
  const known = registers.filter(
    (register) => before.relative.has(register) || before.constants.has(register) || before.intact.has(register),
  );
  if (known.length === 0) return before;
  const state = copy(before);
  for (const register of known) forget(state, register);
  return state;
}

function forget(state: WorkingState, register: number): void {
  state.relative.delete(register);
  state.constants.delete(register);
  state.intact.delete(register);
}

function assigned(
  before: WorkingState,
  rd: number,
  relative: bigint | undefined,
  value: bigint | undefined,
): WorkingState {
  if (rd === 0) return before;
  const state = copy(before);
  forget(state, rd);
  if (relative !== undefined) state.relative.set(rd, relative);
  if (value !== undefined) state.constants.set(rd, value);
  return state;
}

function sum(state: WorkingState, register: number, addend: bigint): bigint | undefined {
  const base = state.relative.get(register);
  return base === undefined ? undefined : base + addend;
}

function constant(state: WorkingState, register: number, addend: bigint): bigint | undefined {
  const base = register === 0 ? 0n : state.constants.get(register);
  return base === undefined ? undefined : base + addend;
}

/** `mv`, and the large frames that need their size in a register. */
function addition(state: WorkingState, a: number, b: number): bigint | undefined {
  const [x, y] = [a, b].map((register) => constant(state, register, 0n));
  if (y !== undefined) return sum(state, a, y);
  return x === undefined ? undefined : sum(state, b, x);
}

function afterSave(before: WorkingState, base: number, register: number, offset: bigint): WorkingState {
  const slot = sum(before, base, offset);
  if (slot === undefined) return before;
  const state = copy(before);
  // Whatever was saved in a slot that is overwritten is lost.
  for (const [other, at] of state.saved) if (at === slot && other !== register) state.saved.delete(other);
  if (state.intact.has(register) && !state.saved.has(register)) state.saved.set(register, slot);
  return state;
}

function restored(
  before: WorkingState,
  { rd, base, offset }: { rd: number; base: number; offset: bigint },
): WorkingState {
  if (rd === 0) return before;
  const slot = sum(before, base, offset);
  const isSaved = slot !== undefined && before.saved.get(rd) === slot;
  if (rd === SP && !isSaved) return otherStack(before);
  const state = copy(before);
  forget(state, rd);
  if (!isSaved) return state;
  state.intact.add(rd);
  if (rd === SP) state.relative.set(SP, 0n);
  return state;
}
