import type { Instant } from "../base/brand.ts";
import type { MachineEvent } from "../machine/inlet.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import type { EventLog } from "./event-log.ts";
import type { OutputLog } from "./output-log.ts";
import { differenceOf, type Snapshot, type StateDifference, snapshotOf } from "./state-difference.ts";
import type { Motion } from "./timeline-interface.ts";

/** A run that is compared: it is traced with the machine in its hands. */
export interface ComparedRun {
  readonly end: Instant;
  /** The guest has ended: nothing will follow. */
  readonly ended: boolean;
  readonly events: EventLog;
  readonly outputs: OutputLog;
  /** Goes to `from`, looks, and steps on to `to`, looking at each state. */
  trace(from: Instant, to: Instant, look: (machine: MachineLike) => void): Motion<void>;
}

/** What printed a byte, in one of the runs. */
export interface Printed {
  readonly instant: Instant;
  readonly hart: number;
  /** The line that the byte belongs to, as far as it was printed. */
  readonly line: string;
}

export interface OutputComparison {
  /** Bytes that both have printed alike since they parted. */
  readonly equalBytes: number;
  /** The first byte that differs, or that one of them has and the other has not. Absent: no difference so far. */
  readonly difference?: { readonly offset: number; readonly recording?: Printed; readonly branch?: Printed };
  /** The first byte that both have printed alike, but at other instants. */
  readonly moved?: { readonly offset: number; readonly recording: Instant; readonly branch: Instant };
}

/** Where a step of one run is of another hart or at another pc than that of the other. */
export interface PathsPart {
  readonly instant: Instant;
  readonly recording: { readonly hart: number; readonly pc: bigint };
  readonly branch: { readonly hart: number; readonly pc: bigint };
  /** Every step up to here was compared; else samples only, and the steps before this one back to the last sample. */
  readonly exact: boolean;
}

/** A register that is not among those that differed at the beginning. */
export interface FirstEffect {
  readonly instant: Instant;
  readonly hart: number;
  readonly register: number;
  readonly recording: bigint;
  readonly branch: bigint;
}

/** A branch, held against the run that it left. All at equal instants of both. */
export interface Comparison {
  /** The first event that is not in both; absent: there is none, and the runs are the same as far as both go. */
  readonly parted?: { readonly instant: Instant; readonly recording?: MachineEvent; readonly branch?: MachineEvent };
  /** Up to here both have come. */
  readonly comparedTo: Instant;
  readonly outputs: OutputComparison;
  readonly pathsPart?: PathsPart;
  /** The first step that gave another register another value, as far as steps were compared one by one. */
  readonly firstEffect?: FirstEffect;
  /** Steps were compared one by one up to here. */
  readonly steppedTo: Instant;
  /** From here on the states are the same again. */
  readonly rejoined?: Instant;
  /** What differs at the instant that was asked for. */
  readonly at: StateDifference;
}

/** Steps that are compared one by one: some seconds of work. */
const MOST_STEPS = 150_000;
/** Steps of one stretch that is gone through in each of the runs; the first ones are shorter, most runs part soon. */
const FIRST_STRETCH = 512;
const MOST_STRETCH = 16_384;
/** Places that are looked at beyond. */
const SAMPLES = 64;
const REGISTERS = 32;
/** Bytes that are compared between two yields. */
const BYTES_PER_TURN = 64 * 1024;
const LONGEST_LINE = 200;

/** Compares a branch with its recording. `at`: where to list what differs (absent: the end of what both have). */
export function* compareRuns(
  recording: ComparedRun,
  branch: ComparedRun,
  common: { readonly events: number; readonly outputBytes: number },
  at: Instant | undefined,
): Motion<Comparison> {
  const comparedTo = Math.min(recording.end, branch.end) as Instant;
  const parted = firstOtherEvent(recording, branch, common.events);
  const pair = new Pair(recording, branch);
  const outputs = yield* compareOutputs(pair, common.outputBytes);
  const paths =
    parted === undefined || parted.instant > comparedTo ? undefined : yield* pair.paths(parted.instant, comparedTo);
  const [left, right] = yield* pair.both(at ?? comparedTo, snapshotOf);
  return {
    ...(parted !== undefined && { parted }),
    comparedTo,
    outputs,
    steppedTo: comparedTo,
    ...paths,
    at: pair.difference(left, right),
  };
}

function firstOtherEvent(recording: ComparedRun, branch: ComparedRun, common: number): Comparison["parted"] {
  const most = Math.max(recording.events.length, branch.events.length);
  for (let index = common; index < most; index++) {
    const left = index < recording.events.length ? recording.events.at(index) : undefined;
    const right = index < branch.events.length ? branch.events.at(index) : undefined;
    if (left !== undefined && right !== undefined && isSame(left, right)) continue;
    // An event beyond the end of the other run may come there yet.
    const isOpen = (event: MachineEvent | undefined, { end, ended }: ComparedRun) =>
      event === undefined || (!ended && event.instant > end);
    if (isOpen(left, branch) && isOpen(right, recording)) return undefined;
    const instant = Math.min(left?.instant ?? Number.POSITIVE_INFINITY, right?.instant ?? Number.POSITIVE_INFINITY);
    return {
      instant: instant as Instant,
      ...(left?.instant === instant && { recording: left }),
      ...(right?.instant === instant && { branch: right }),
    };
  }
  return undefined;
}

function isSame(left: MachineEvent, right: MachineEvent): boolean {
  return left.instant === right.instant && textOf(left) === textOf(right);
}

function textOf(event: MachineEvent): string {
  return JSON.stringify(event, (_key, value: unknown) =>
    typeof value === "bigint" ? `${value}` : value instanceof Uint8Array ? [...value].join() : value,
  );
}

function* compareOutputs(pair: Pair, from: number): Motion<OutputComparison> {
  const { recording, branch } = pair;
  const [left, right] = [recording.outputs.from(from), branch.outputs.from(from)];
  // What one of them no longer holds cannot be compared.
  const start = Math.max(left.offset, right.offset);
  const [first, second] = [recording.outputs.from(start), branch.outputs.from(start)];
  let moved: OutputComparison["moved"];
  for (let offset = start; ; offset++) {
    const a = first.next();
    const b = second.next();
    const equalBytes = offset - from;
    if (a === undefined || b === undefined) {
      const extra = a ?? b;
      const other = a === undefined ? recording : branch;
      const isMissing = extra !== undefined && (other.ended || extra.instant < other.end);
      const difference = isMissing ? yield* pair.printed(offset, a?.instant, b?.instant) : undefined;
      return { equalBytes, ...(difference && { difference }), ...(moved && { moved }) };
    }
    if (a.byte !== b.byte) {
      return { equalBytes, difference: yield* pair.printed(offset, a.instant, b.instant), ...(moved && { moved }) };
    }
    if (a.instant !== b.instant) moved ??= { offset, recording: a.instant, branch: b.instant };
    if (equalBytes % BYTES_PER_TURN === BYTES_PER_TURN - 1) yield { instant: a.instant, fraction: undefined };
  }
}

/** The states of a stretch: for each the hart that is next, its pc, and the registers of the hart that had the step before. */
class Trace {
  readonly harts: Uint8Array;
  readonly pcs: BigUint64Array;
  readonly lastHarts: Uint8Array;
  readonly registers: BigUint64Array;
  /** Digest of the last state. */
  digest = "";
  #count = 0;

  constructor(length: number) {
    this.harts = new Uint8Array(length);
    this.lastHarts = new Uint8Array(length);
    this.pcs = new BigUint64Array(length);
    this.registers = new BigUint64Array(length * REGISTERS);
  }

  add(machine: MachineLike): void {
    const at = this.#count++;
    const { currentHart } = machine;
    const last = at === 0 ? currentHart : this.harts[at - 1];
    this.harts[at] = currentHart;
    this.lastHarts[at] = last;
    this.pcs[at] = machine.harts[currentHart].pc;
    const hart = machine.harts[last];
    for (let index = 1; index < REGISTERS; index++) this.registers[at * REGISTERS + index] = hart.register(index);
    if (this.#count === this.harts.length) this.digest = machine.digest();
  }

  place(at: number): { readonly hart: number; readonly pc: bigint } {
    return { hart: this.harts[at], pc: this.pcs[at] };
  }
}

type Paths = Pick<Comparison, "pathsPart" | "firstEffect" | "steppedTo" | "rejoined">;

class Pair {
  readonly recording: ComparedRun;
  readonly branch: ComparedRun;
  #machine: MachineLike | undefined;

  constructor(recording: ComparedRun, branch: ComparedRun) {
    this.recording = recording;
    this.branch = branch;
  }

  difference(recording: Snapshot, branch: Snapshot): StateDifference {
    return differenceOf(recording, branch, this.#machine!.configuration);
  }

  /** The same look at both, at one instant. */
  *both<Result>(at: Instant, look: (machine: MachineLike) => Result): Motion<[Result, Result]> {
    const seen: Result[] = [];
    for (const run of [this.recording, this.branch]) {
      yield* run.trace(at, at, (machine) => {
        this.#machine = machine;
        seen.push(look(machine));
      });
    }
    return [seen[0], seen[1]];
  }

  *printed(
    offset: number,
    recording: Instant | undefined,
    branch: Instant | undefined,
  ): Motion<NonNullable<OutputComparison["difference"]>> {
    const left = yield* printedBy(this.recording, offset, recording);
    const right = yield* printedBy(this.branch, offset, branch);
    return { offset, ...(left && { recording: left }), ...(right && { branch: right }) };
  }

  /** Where the paths part, what shows first, and whether the runs come together again: between `from` and `to`. */
  *paths(from: Instant, to: Instant): Motion<Paths> {
    let stretch = FIRST_STRETCH;
    let at = from;
    let firstEffect: FirstEffect | undefined;
    let changed: ReadonlySet<number> | undefined;
    while (at < to && at - from < MOST_STEPS) {
      const end = Math.min(to, at + stretch) as Instant;
      const [left, right] = yield* this.#traces(at, end);
      changed ??= differingRegisters(left, right, 0);
      firstEffect ??= effectIn(left, right, at, changed);
      const parted = partingOf(left, right);
      const effect = firstEffect && { firstEffect };
      if (parted !== undefined) {
        const instant = (at + parted) as Instant;
        const pathsPart = { instant, recording: left.place(parted), branch: right.place(parted), exact: true };
        return { pathsPart, ...effect, steppedTo: instant };
      }
      if (left.digest === right.digest) {
        const rejoined = yield* this.#firstEqual(at, end);
        if (this.#sameEventsAfter(rejoined)) return { ...effect, steppedTo: to, rejoined };
      }
      at = end;
      stretch = Math.min(MOST_STRETCH, stretch * 4);
    }
    const effect = firstEffect && { firstEffect };
    return { ...(yield* this.#sampledPaths(at, to)), ...effect, steppedTo: at };
  }

  *#sampledPaths(from: Instant, to: Instant): Motion<Pick<Paths, "pathsPart" | "rejoined">> {
    let last = from;
    for (let sample = 1; sample <= SAMPLES && from < to; sample++) {
      const at = (from + Math.ceil(((to - from) * sample) / SAMPLES)) as Instant;
      const [left, right] = yield* this.both(at, lookAtPath);
      if (left.digest === right.digest && this.#sameEventsAfter(at)) {
        return { rejoined: yield* this.#firstEqual(last, at) };
      }
      if (left.path !== right.path) return { pathsPart: yield* this.#partingIn(last, at) };
      last = at;
    }
    return {};
  }

  /** Where they part between two places: together at the first, apart at the second. */
  *#partingIn(together: Instant, apart: Instant): Motion<PathsPart> {
    let [low, high] = [together as number, apart as number];
    while (high - low > MOST_STRETCH) {
      const middle = Math.floor((low + high) / 2);
      const [left, right] = yield* this.both(middle as Instant, lookAtPath);
      if (left.path === right.path) low = middle;
      else high = middle;
    }
    const [left, right] = yield* this.#traces(low as Instant, high as Instant);
    const parted = partingOf(left, right)!;
    const instant = (low + parted) as Instant;
    return { instant, recording: left.place(parted), branch: right.place(parted), exact: false };
  }

  /** The first instant with equal states; they stay equal, since what follows is a function of the state. */
  *#firstEqual(different: Instant, equal: Instant): Motion<Instant> {
    let [low, high] = [different as number, equal as number];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      const [left, right] = yield* this.both(middle as Instant, (machine) => machine.digest());
      if (left === right) high = middle;
      else low = middle;
    }
    return high as Instant;
  }

  #sameEventsAfter(at: Instant): boolean {
    const to = Math.min(this.recording.end, this.branch.end);
    const [left, right] = [this.recording, this.branch].map(({ events }) => eventsWithin(events, at, to));
    return left.length === right.length && left.every((event, index) => isSame(event, right[index]));
  }

  *#traces(from: Instant, to: Instant): Motion<[Trace, Trace]> {
    const traces = [new Trace(to - from + 1), new Trace(to - from + 1)] as const;
    yield* this.recording.trace(from, to, (machine) => traces[0].add(machine));
    yield* this.branch.trace(from, to, (machine) => traces[1].add(machine));
    return [traces[0], traces[1]];
  }
}

function lookAtPath(machine: MachineLike): { readonly path: string; readonly digest: string } {
  const { currentHart, harts } = machine;
  return { path: `${currentHart} ${harts.map(({ pc }) => pc).join(" ")}`, digest: machine.digest() };
}

/** Index of the first state whose next steps are not of one hart at one pc. */
function partingOf(left: Trace, right: Trace): number | undefined {
  for (let at = 0; at < left.pcs.length; at++) {
    if (left.pcs[at] !== right.pcs[at] || left.harts[at] !== right.harts[at]) return at;
  }
  return undefined;
}

function differingRegisters(left: Trace, right: Trace, at: number): Set<number> {
  const found = new Set<number>();
  for (let index = 1; index < REGISTERS; index++) {
    if (left.registers[at * REGISTERS + index] !== right.registers[at * REGISTERS + index]) found.add(index);
  }
  return found;
}

function effectIn(left: Trace, right: Trace, from: Instant, changed: ReadonlySet<number>): FirstEffect | undefined {
  for (let at = 0; at < left.pcs.length; at++) {
    for (const register of differingRegisters(left, right, at)) {
      if (changed.has(register) || left.lastHarts[at] !== right.lastHarts[at]) continue;
      const [recording, branch] = [left, right].map(({ registers }) => registers[at * REGISTERS + register]);
      return { instant: (from + at) as Instant, hart: left.lastHarts[at], register, recording, branch };
    }
    // Beyond the parting, nothing is the effect of one step.
    if (left.pcs[at] !== right.pcs[at] || left.harts[at] !== right.harts[at]) return undefined;
  }
  return undefined;
}

function* printedBy(run: ComparedRun, offset: number, instant: Instant | undefined): Motion<Printed | undefined> {
  if (instant === undefined) return undefined;
  let hart = 0;
  yield* run.trace(instant, instant, (machine) => {
    hart = machine.currentHart;
  });
  return { instant, hart, line: lineAround(run.outputs, offset) };
}

function lineAround(outputs: OutputLog, offset: number): string {
  const start = Math.max(outputs.firstHeld, offset - LONGEST_LINE);
  const bytes = outputs.bytes(start, LONGEST_LINE * 2);
  const at = offset - start;
  const first = bytes.lastIndexOf(0x0a, at - 1) + 1;
  const end = bytes.indexOf(0x0a, at);
  const text = new TextDecoder().decode(bytes.subarray(at === 0 ? 0 : first, end < 0 ? undefined : end));
  return text.replace(/\p{Cc}/gu, "");
}

/** Events of instants in (after, to]. */
function eventsWithin(events: EventLog, after: number, to: number): MachineEvent[] {
  const found: MachineEvent[] = [];
  for (let index = events.length - 1; index >= 0 && events.instantAt(index) > after; index--) {
    if (events.instantAt(index) <= to) found.push(events.at(index));
  }
  return found.reverse();
}
