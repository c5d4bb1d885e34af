import type { Instant, VirtualAddress } from "../base/brand.ts";
import type { MachineLike, TraceFilter } from "../machine/machine-interface.ts";
import type { Motion, TimelineLike } from "../replay/timeline-interface.ts";
import type { Cell } from "./origin-cells.ts";
import { instructionAt, type ValueFlow } from "./origin-flow.ts";
import type { OmittedSteps, OriginStep } from "./origin-protocol.ts";

/** A step that a chain has taken. */
export interface TakenStep {
  step: OriginStep;
  readonly cells: readonly Cell[];
  readonly flow: ValueFlow;
  /** What it wrote. */
  readonly written: Cell;
}

/** Steps of the longest cycle that is told once. */
const LONGEST_CYCLE = 8;
const SP = 2;

/** How far the next hop leaps, and what it leaves out. */
export interface Leap {
  readonly filter: TraceFilter;
  readonly why: OmittedSteps["why"];
  readonly steps: number;
  /** The register holds this when the write that is found has been done; undefined: whatever. */
  readonly value?: bigint;
}

/** An instruction that has written its own operand twice in a row: a loop, whose other turns are as good as these. */
export function loopLeap(machine: MachineLike, taken: readonly TakenStep[]): Leap | undefined {
  const [before, last] = taken.slice(-2);
  if (before === undefined || last === undefined || !isOwnOperand(before) || !isOwnOperand(last)) return undefined;
  if (before.step.pc !== last.step.pc || before.step.hart !== last.step.hart) return undefined;
  const { pc, hart } = last.step;
  const isBare = machine.harts[hart].privilege === 3;
  const except = isBare ? Number(pc) : machine.translate(pc as VirtualAddress, hart).physicalAddress;
  return except === undefined ? undefined : { filter: { except }, why: "again", steps: 1 };
}

function isOwnOperand({ step, cells, written }: TakenStep): boolean {
  const operand = step.follows === undefined ? undefined : cells[step.follows];
  return operand !== undefined && isSameRegister(operand, written);
}

function isSameRegister(a: Cell, b: Cell): boolean {
  return (a.kind === "integer" || a.kind === "float") && a.kind === b.kind && a.number === b.number;
}

/**
 * A register that two functions in a row have saved and restored: by the calling convention, so did all that were called from the
 * same place, and their frames lie below its stack pointer. The timeline stands before the older one's save; it is left anywhere.
 */
export function* callLeap(timeline: TimelineLike, taken: readonly TakenStep[]): Motion<Leap | undefined> {
  const [newer, newerSave, older, save] = taken.slice(-4);
  if (save === undefined || !isRestored(newer, newerSave) || !isRestored(older, save)) return undefined;
  if (!isSameRegister(newer.written, older.written)) return undefined;
  const { hart, instant } = save.step;
  const write = yield* timeline.toLastRegisterWrite(
    { hart, place: { kind: "integer", number: SP } },
    instant as Instant,
  );
  const { machine } = timeline;
  const view = machine.harts[hart];
  const decoded = write === undefined ? undefined : instructionAt(machine, view)?.decoded;
  if (decoded?.instruction.mnemonic !== "addi" || decoded.rs1 !== SP || decoded.imm >= 0) return undefined;
  return { filter: { fromStack: view.register(SP) }, why: "calls", steps: 2, value: save.step.value };
}

function isRestored(load: TakenStep, save: TakenStep): boolean {
  if (load.step.how !== "load" || save.step.how !== "store" || !load.flow.onStack || !save.flow.onStack) return false;
  const saved = save.step.follows === undefined ? undefined : save.cells[save.step.follows];
  return saved !== undefined && isSameRegister(saved, load.written);
}

/** Steps of the cycle that the last steps have gone through three times; undefined: there is none. */
export function cycleOf(taken: readonly TakenStep[]): number | undefined {
  const at = (back: number) => taken[taken.length - 1 - back];
  for (let length = 1; length <= LONGEST_CYCLE && length * 3 <= taken.length; length++) {
    let isCycle = true;
    for (let back = 0; back < length * 2 && isCycle; back++) {
      const [one, other] = [at(back).step, at(back + length).step];
      isCycle = one.pc === other.pc && one.hart === other.hart && one.place.kind === other.place.kind;
    }
    if (isCycle) return length;
  }
  return undefined;
}

export function omitted(why: OmittedSteps["why"], steps: number, since: number): OmittedSteps {
  const sentence =
    why === "calls"
      ? `Functions that were called since instant ${since} saved and restored it as well.`
      : steps === 1
        ? `So did the same instruction, over and over, since instant ${since}.`
        : `These ${steps} steps come over and over, since instant ${since}.`;
  return { why, steps, since, sentence };
}
