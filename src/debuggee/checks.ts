import type { Program } from "../assembler/program.ts";
import { assert } from "../base/assert.ts";
import { UserError } from "../base/errors.ts";
import { REPLAY_HINT_LOW, replayHint } from "../isa/replay-hints.ts";
import { linesOf, problemOf, tellingPc } from "../replay/check.ts";
import { Excursions } from "../replay/excursion.ts";
import type { TimelineLike } from "../replay/timeline-interface.ts";
import type { ElfProgram } from "../symbols/elf.ts";
import type { CallArgument } from "./expression.ts";

/** What a guest's own code found at an instant. */
export interface CompiledFinding {
  readonly pc: bigint;
  readonly logs: readonly string[];
  /** Undefined: nothing is wrong. */
  readonly problem: string | undefined;
}

/** Excursions after which all of RAM is looked at, each time so many times more: it takes some hundredths of a second. */
const FIRST_LOOK = 16;
const LOOK_FACTOR = 16;

/** A call that did not come to its end: a finding of whoever asked for it. */
const CHECK_PROBLEM = "check";
const MOST_ARGUMENTS = 8;

/** Replay-only checks in the recorded past: blocks that the guest has compiled in, and functions that are called. */
export class Checks {
  readonly #timeline: TimelineLike;
  readonly #excursions: Excursions | undefined;
  readonly #place: (pc: bigint) => string;
  readonly #functionName: (pc: bigint) => string | undefined;
  readonly #programs: readonly Program[];
  /** The guest's programs have blocks, as far as their files tell. */
  readonly #hasHints: boolean;
  #compiledOn = true;
  #nextLook = FIRST_LOOK;
  /** What functions that were called have logged. */
  #logs: string[] = [];

  constructor(
    timeline: TimelineLike,
    programs: readonly Program[],
    { place, functionName }: { place: (pc: bigint) => string; functionName: (pc: bigint) => string | undefined },
  ) {
    this.#timeline = timeline;
    this.#excursions = timeline.machine.isolation && new Excursions(timeline.machine);
    this.#place = place;
    this.#functionName = functionName;
    this.#programs = programs;
    this.#hasHints = programs.some(hasHints);
  }

  /** Whether the guest's blocks run. */
  get compiledOn(): boolean {
    return this.#compiledOn && this.#excursions !== undefined;
  }

  set compiledOn(on: boolean) {
    this.#compiledOn = on;
  }

  /** A motion could come to one of the guest's blocks. */
  get mayStop(): boolean {
    return this.compiledOn && this.#hasHints;
  }

  /** Checks so far, each with the state restored and its digest equal. */
  get verified(): number {
    return this.#excursions?.verified ?? 0;
  }

  /** The machine stands in what has been recorded, or in a branch: only there is anything checked. */
  get inPast(): boolean {
    return this.#timeline.branch !== undefined || this.#timeline.now < this.#timeline.end || !this.#timeline.live;
  }

  /** What the guest has compiled in at the step that is next. */
  compiledHere(): CompiledFinding | undefined {
    if (!this.compiledOn || !this.inPast) return undefined;
    const outcome = this.#excursions!.compiledHere();
    if (outcome === undefined) return undefined;
    this.#lookAtMemory();
    const pc = tellingPc(outcome, this.#functionName);
    return { pc, logs: linesOf(outcome), problem: problemOf(outcome.end, this.#place) };
  }

  /** Calls a function of the guest; its value as in a0. Throws a UserError that says what became of it otherwise. */
  call(address: bigint, values: readonly CallArgument[], hasFloat: boolean): bigint {
    if (this.#excursions === undefined || !this.inPast) throw problem("Functions are called in the recorded past only");
    const inFloats = hasFloat && this.#passesFloats(address);
    const floats = inFloats ? values.filter(({ isFloat }) => isFloat) : [];
    const integers = inFloats ? values.filter(({ isFloat }) => !isFloat) : values;
    if (floats.length > MOST_ARGUMENTS || integers.length > MOST_ARGUMENTS) {
      throw problem(`A call has at most ${MOST_ARGUMENTS} arguments of a kind`);
    }
    const outcome = this.#excursions.call(address, {
      integers: integers.map(({ bits }) => bits),
      floats: floats.map(({ bits }) => bits),
    });
    this.#lookAtMemory();
    this.#logs.push(...linesOf(outcome));
    const { end } = outcome;
    if (end.kind === "returned") return end.value;
    throw problem(problemOf(end, this.#place) ?? "the call has not returned");
  }

  /** Whether doubles go in floating-point registers: what the file that has the function says of its ABI; lp64d where it says nothing. */
  #passesFloats(address: bigint): boolean {
    const has = ({ virtualAddress, memoryBytes }: Program["segments"][number]) =>
      address >= virtualAddress && address < virtualAddress + BigInt(memoryBytes);
    const program: (Program & Partial<Pick<ElfProgram, "info">>) | undefined = this.#programs.find(({ segments }) =>
      segments.some(has),
    );
    const abi = program?.info?.floatAbi;
    return abi === undefined || abi === "double" || abi === "quad";
  }

  /** Digests take on trust which pages of RAM were written to; now and then that is checked. */
  #lookAtMemory(): void {
    if (this.verified < this.#nextLook) return;
    this.#nextLook = this.verified * LOOK_FACTOR;
    const changed = this.#excursions!.changedUnseen();
    assert(
      changed.length === 0,
      `checks have left ${changed.length} pages of RAM changed: ${changed.slice(0, 8).join(", ")}`,
    );
  }

  /** What was logged by calls since the last time. */
  takeLogs(): readonly string[] {
    const logs = this.#logs;
    this.#logs = [];
    return logs;
  }
}

/** The sentence of a call that came to no end; undefined for any other error. */
export function checkProblem(error: unknown): string | undefined {
  return error instanceof UserError && error.code === CHECK_PROBLEM ? error.message : undefined;
}

function problem(text: string): UserError {
  return new UserError(CHECK_PROBLEM, text);
}

function hasHints({ segments }: Program): boolean {
  return segments.some(({ bytes }) => {
    for (let at = 0; at + 4 <= bytes.length; at += 2) {
      if (bytes[at] !== (REPLAY_HINT_LOW & 0xff) || bytes[at + 1] !== REPLAY_HINT_LOW >> 8) continue;
      if (replayHint(REPLAY_HINT_LOW | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) !== undefined) return true;
    }
    return false;
  });
}
