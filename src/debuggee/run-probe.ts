import type { Program } from "../assembler/program.ts";
import type { Instant, PhysicalAddress } from "../base/brand.ts";
import { effectsOf } from "../isa/effects.ts";
import type { MachineConfiguration } from "../machine/configuration.ts";
import type { MachineEvent } from "../machine/inlet.ts";
import type { HartView, MachineLike } from "../machine/machine-interface.ts";
import { decodeState, withoutTime } from "../machine/state-codec.ts";
import type { MachineStop } from "../machine/stop.ts";
import { lowerBound } from "../replay/number-column.ts";
import { snapshotOf } from "../replay/state-difference.ts";
import type { Timeline } from "../replay/timeline.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { codeWord, type FlowKind, flowOf } from "./code.ts";
import type { DivergentPlace } from "./divergence-protocol.ts";
import { Inspector } from "./inspector.ts";
import { type Cell, cellValue, placeOf } from "./origin-cells.ts";
import { OriginChain } from "./origin-chain.ts";
import { instructionAt } from "./origin-flow.ts";
import type { OriginEnd, OriginPlace, OriginStep } from "./origin-protocol.ts";
import { ProgramMap } from "./program-map.ts";
import { cameBetween } from "./trap-context.ts";

/** What a run is, before anything of it is run again. All of this file is plain data: it crosses between threads. */
export interface RunAbout {
  /** Equal ones are of the same programs. */
  readonly programs: string;
  readonly configuration: MachineConfiguration;
  readonly first: number;
  readonly end: number;
  readonly ended: MachineStop | undefined;
  readonly events: number;
  /** Numbers, since reset, of the first console byte and the first frame that are known. */
  readonly printedFrom: number;
  readonly framesFrom: number;
  /** Instants of checkpoints and digests. */
  readonly marks: readonly number[];
}

export interface PrintedBytes {
  readonly bytes: Uint8Array;
  readonly instants: Float64Array;
}

/** A state at a glance. */
export interface RunLook {
  readonly instant: number;
  /** Of everything that a guest can see, but for how late it is: equal ones mean the same whatever the time and the turns. */
  readonly digest: string;
  readonly hart: number;
  readonly pc: bigint;
}

/** Steps one by one. */
export interface RunTrace {
  readonly from: number;
  /** For each instant of [from, to]: the hart that is next, its privilege and its pc. */
  readonly harts: Uint8Array;
  readonly privileges: Uint8Array;
  readonly pcs: BigUint64Array;
  /** What the last trap to the hart's privilege interrupted; all ones: it was no interrupt, or there is no such trap. */
  readonly interrupted: BigUint64Array;
}

/** One step back on the way of a value. */
export interface RunHop {
  /** Before the step; where there is none, where the way ends. */
  readonly at: DivergentPlace;
  readonly step?: OriginStep;
  /** Of the step's operands. */
  readonly cells: readonly Cell[];
  /** What the values of the operands are called, where they may be addresses of the program. */
  readonly symbols: readonly (string | undefined)[];
  readonly end?: OriginEnd;
}

/** What an instruction reads before it is executed. */
export interface RunReads {
  readonly at: DivergentPlace;
  readonly kind: FlowKind;
  readonly operands: readonly {
    readonly cell: Cell;
    readonly place: OriginPlace;
    readonly value: bigint | undefined;
  }[];
}

export interface NamedValue {
  readonly hart?: number;
  readonly device?: string;
  readonly name: string;
  readonly value: bigint | number | string;
}

/** A whole state, but for the contents of pages. */
export interface RunState {
  readonly look: RunLook;
  readonly registers: readonly NamedValue[];
  readonly devices: readonly NamedValue[];
  /** Of RAM and, behind it, of disks: hash of each page that is not as at first. */
  readonly pages: ReadonlyMap<number, bigint>;
  /** Ticks that mtime is ahead of what follows from the instant. */
  readonly ticksAhead: bigint;
}

/** One of two runs that are held against each other. It answers what the search for their difference asks. */
export class RunProbe {
  readonly timeline: Timeline;
  readonly map: ProgramMap;
  readonly inspector: Inspector;

  readonly #identity: string;
  readonly #said: readonly number[];

  /** `identity`: of what was loaded, the same for the same programs. `said`: outputs before the run's first instant, by device. */
  constructor(timeline: Timeline, programs: readonly Program[], identity: string, said: readonly number[] = [0, 0]) {
    this.#said = said;
    this.timeline = timeline;
    this.map = new ProgramMap(programs);
    this.inspector = new Inspector(timeline.machine, this.map);
    this.#identity = identity;
  }

  about(): RunAbout {
    const { timeline } = this;
    const { events, outputs, frames } = timeline.run;
    return {
      programs: this.#identity,
      configuration: timeline.machine.configuration,
      first: timeline.first,
      end: timeline.end,
      ended: timeline.ended,
      events: events.length,
      printedFrom: this.#said[CONSOLE] + outputs.firstHeld,
      framesFrom: this.#said[NETWORK] + frames.firstHeld,
      marks: timeline.history.checkpoints,
    };
  }

  events(from: number, count: number): MachineEvent[] {
    const { events } = this.timeline.run;
    const found: MachineEvent[] = [];
    for (let index = from; index < Math.min(from + count, events.length); index++) found.push(events.at(index));
    return found;
  }

  /** Console bytes from a number on; fewer than asked for where there are no more, or they are not held. */
  printed(number: number, length: number): PrintedBytes {
    const cursor = this.timeline.run.outputs.from(number - this.#said[CONSOLE]);
    const bytes = new Uint8Array(length);
    const instants = new Float64Array(length);
    let count = 0;
    for (let next = cursor.next(); next !== undefined && count < length; next = cursor.next()) {
      bytes[count] = next.byte;
      instants[count++] = next.instant;
      if (count === length) break;
    }
    return { bytes: bytes.slice(0, count), instants: instants.slice(0, count) };
  }

  /** Bytes that had been printed at an instant. */
  printedBefore(instant: number): number {
    const { outputs } = this.timeline.run;
    return this.#said[CONSOLE] + (outputs.countBefore(instant) ?? outputs.firstHeld);
  }

  /** Frames that the guest sent, each with its instant. */
  frames(number: number, count: number): { instant: number; bytes: Uint8Array }[] {
    const from = number - this.#said[NETWORK];
    const { frames } = this.timeline.run;
    const found: { instant: number; bytes: Uint8Array }[] = [];
    for (let index = from; index < Math.min(from + count, frames.length); index++) {
      found.push({ instant: frames.instantOf(index), bytes: frames.at(index) ?? new Uint8Array(0) });
    }
    return found;
  }

  /** States at some instants, ascending. */
  *look(instants: readonly number[]): Motion<RunLook[]> {
    const looks: RunLook[] = [];
    for (const instant of instants) {
      yield* this.timeline.seek(instant as Instant);
      looks.push(lookAt(this.timeline.machine));
      yield { instant: instant as Instant, fraction: undefined };
    }
    return looks;
  }

  /** Events of instants in [from, to]. */
  eventsWithin(from: number, to: number): MachineEvent[] {
    const { events } = this.timeline.run;
    const found: MachineEvent[] = [];
    for (let index = lowerBound(events.length, (at) => events.instantAt(at) >= from); index < events.length; index++) {
      if (events.instantAt(index) > to) break;
      found.push(events.at(index));
    }
    return found;
  }

  *trace(from: number, to: number): Motion<RunTrace> {
    const length = to - from + 1;
    const trace: RunTrace = {
      ...{ from, harts: new Uint8Array(length), privileges: new Uint8Array(length) },
      ...{ pcs: new BigUint64Array(length), interrupted: new BigUint64Array(length) },
    };
    let at = 0;
    yield* this.timeline.trace(from as Instant, to as Instant, ({ currentHart, harts }) => {
      const hart = harts[currentHart];
      trace.harts[at] = currentHart;
      trace.pcs[at] = hart.pc;
      trace.privileges[at] = hart.privilege;
      trace.interrupted[at++] = interruptedBy(hart);
    });
    return trace;
  }

  /** Names of code that are the same in another build, each with the instruction's mnemonic behind it. */
  codeNames(pcs: readonly bigint[]): string[] {
    return pcs.map((pc) => `${this.#codeName(pc)}\t${this.#mnemonic(pc)}`);
  }

  /** As the program was loaded. */
  #mnemonic(pc: bigint): string {
    for (const { virtualAddress, bytes } of this.map.programs.flatMap((program) => program.segments)) {
      const offset = Number(pc - virtualAddress);
      if (offset < 0 || offset >= bytes.length) continue;
      return codeWord(pc, [...bytes.subarray(offset, offset + 4)])?.decoded?.instruction.mnemonic ?? "";
    }
    return "";
  }

  /** Files may have been moved, and lines added before the function. */
  #codeName(pc: bigint): string {
    const line = this.map.position(pc)?.line;
    const extent = this.map.functionAt(pc);
    const first = extent && this.map.position(extent.start)?.line;
    if (line === undefined || first === undefined) return extent?.name ?? this.map.describe(pc);
    return `${extent!.name} ${line - first}`;
  }

  /** What wrote a cell last before an instant. */
  *hop(cell: Cell, hart: number, instant: number): Motion<RunHop> {
    yield* this.timeline.seek(instant as Instant);
    const { timeline, map, inspector } = this;
    const { machine, history } = timeline;
    const { step, end, ...rest } = yield* new OriginChain({ timeline, machine, map, inspector, history }).hop(
      cell,
      hart,
    );
    const cells = "cells" in rest ? rest.cells : [];
    if (end?.kind === "edit" && end.instant !== undefined) yield* timeline.seek(end.instant as Instant);
    const symbols = (step?.operands ?? []).map(({ value }) => (value === undefined ? undefined : map.symbolize(value)));
    return {
      ...{ at: this.placeNow(step?.hart), cells, symbols },
      ...(step !== undefined && { step }),
      ...(end !== undefined && { end }),
    };
  }

  /** What decides where the instruction at an instant goes, and what it stores or computes with. */
  *reads(instant: number, hart: number): Motion<RunReads> {
    yield* this.timeline.seek(instant as Instant);
    const { machine } = this.timeline;
    const view = machine.harts[hart];
    const code = instructionAt(machine, view);
    const at = this.placeNow(hart);
    if (code?.decoded === undefined) return { at, kind: "trap", operands: [] };
    const { readsRs1, readsRs2 } = effectsOf(code.decoded.instruction);
    const numbers = [readsRs2 ? code.decoded.rs2 : 0, readsRs1 ? code.decoded.rs1 : 0].filter((number) => number !== 0);
    const operands = numbers.map((number) => {
      const cell: Cell = { kind: "integer", number };
      return { cell, place: placeOf(cell, () => undefined), value: view.register(number) };
    });
    return { at, kind: flowOf(code).kind, operands };
  }

  /** What a cell holds at some instants, ascending. */
  *values(cell: Cell, hart: number, instants: readonly number[]): Motion<(bigint | undefined)[]> {
    const values: (bigint | undefined)[] = [];
    const { machine } = this.timeline;
    for (const instant of instants) {
      yield* this.timeline.seek(instant as Instant);
      values.push(cellValue(machine, machine.harts[hart], cell));
    }
    return values;
  }

  *state(instant: number): Motion<RunState> {
    const { machine } = this.timeline;
    yield* this.timeline.seek(instant as Instant);
    const { registers, devices, checkpoint } = snapshotOf(machine);
    const pages = new Map<number, bigint>();
    for (const { page, version } of checkpoint.pages.changedSince(undefined)) {
      if (version !== undefined) pages.set(page, version.hash);
    }
    return {
      look: lookAt(machine),
      registers,
      devices: [...devices.values()],
      pages,
      ticksAhead: decodeState(checkpoint.state).tickOffset,
    };
  }

  /** Contents of pages of RAM. */
  *pages(instant: number, pages: readonly number[], firstAddress: number): Motion<Uint8Array[]> {
    yield* this.timeline.seek(instant as Instant);
    return pages.map((page) => {
      const bytes = this.timeline.machine.peekPhysical(
        (firstAddress + page * PAGE_BYTES) as PhysicalAddress,
        PAGE_BYTES,
      );
      return Uint8Array.from(bytes, (byte) => byte ?? 0);
    });
  }

  /** Where a run stands; `hart` absent: the one that has its turn. */
  *place(instant: number, hart?: number): Motion<DivergentPlace> {
    yield* this.timeline.seek(instant as Instant);
    return this.placeNow(hart);
  }

  placeNow(hart = this.timeline.machine.currentHart): DivergentPlace {
    const { machine } = this.timeline;
    const view = machine.harts[hart];
    const code = instructionAt(machine, view);
    const text =
      code === undefined ? "(nothing that can be executed)" : this.inspector.instructionText(code.word, view.pc);
    return { instant: machine.instant, hart, ...this.map.place(view.pc), code: this.#codeName(view.pc), text };
  }
}

const CONSOLE = 0;
const NETWORK = 1;
const PAGE_BYTES = 4096;
const NOTHING_INTERRUPTED = 2n ** 64n - 1n;
const [SEPC, SCAUSE, MEPC, MCAUSE] = [0x141, 0x142, 0x341, 0x342];

function interruptedBy(hart: HartView): bigint {
  const [cause, pc] = hart.privilege === 3 ? [MCAUSE, MEPC] : [SCAUSE, SEPC];
  return cameBetween(hart.csr(cause) ?? 0n) ? (hart.csr(pc) ?? NOTHING_INTERRUPTED) : NOTHING_INTERRUPTED;
}

/** The digest of a state in which the time and what is left of the turn are those of any other. */
function lookAt(machine: MachineLike): RunLook {
  const checkpoint = machine.checkpoint();
  const { currentHart, harts, instant } = machine;
  const digest = machine.digest({ ...checkpoint, state: withoutTime(checkpoint.state) });
  return { instant, digest, hart: currentHart, pc: harts[currentHart].pc };
}

type Answer<Result> = Promise<Result extends Motion<infer Value> ? Value : Result>;

/** The same from elsewhere: a thread that has the run to itself. */
export type RunAsker = {
  readonly [Name in Exclude<keyof RunProbe, "timeline" | "map" | "inspector" | "placeNow">]: (
    ...args: Parameters<RunProbe[Name]>
  ) => Answer<ReturnType<RunProbe[Name]>>;
};
