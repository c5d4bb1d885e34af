import type { PhysicalAddress } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import { CSRS } from "../isa/csrs.ts";
import { FLOAT_REGISTERS, REGISTERS } from "../isa/registers.ts";
import { TURN_STEPS } from "../machine/harts.ts";
import { isPageEvent, type MachineEvent } from "../machine/inlet.ts";
import { type ChainEnd, flippedBit, ParallelChain, type Source, shown } from "./divergence-chain.ts";
import { type Abouts, type Askers, type ComparedOutputs, compareOutputs } from "./divergence-outputs.ts";
import type {
  DivergenceFinding,
  Divergent,
  DivergentPlace,
  FindOptions,
  HarmlessShift,
  SideBySide,
  SidePair,
  StatesDiffer,
  ValueInBoth,
} from "./divergence-protocol.ts";
import {
  compareStates,
  differencesOf,
  differingPages,
  eventContents,
  firstOtherEvent,
  firstStateDifference,
  statesAt,
} from "./divergence-states.ts";
import type { Cell } from "./origin-cells.ts";
import type { RunState } from "./run-probe.ts";

/** Values that a finding lists. */
const MOST_DIFFERENCES = 64;
/** Outputs before a place that are tried as beginnings of a common way. */
const MOST_ALIGNED = 3;

const NAMES: SidePair<string> = { left: "A", right: "B" };

/** Where two runs part: of one program, or of two builds of it. Throws a UserError when they cannot be compared. */
export async function findDivergence(askers: Askers, options: FindOptions = {}): Promise<DivergenceFinding> {
  const [left, right] = await Promise.all([askers.left.about(), askers.right.about()]);
  const abouts = { left, right };
  refuseOthers(abouts);
  return new Finder(askers, abouts, options).find();
}

/** The states at two instants, side by side. */
export async function compareSides(askers: Askers, at: SidePair<number>): Promise<SideBySide> {
  const [left, right] = await Promise.all([askers.left.about(), askers.right.about()]);
  refuseOthers({ left, right });
  for (const [about, instant] of [
    [left, at.left],
    [right, at.right],
  ] as const) {
    if (Number.isSafeInteger(instant) && instant >= about.first && instant <= about.end) continue;
    const range = `${about.first.toLocaleString("en-US")} to ${about.end.toLocaleString("en-US")}`;
    throw new UserError("instant-out-of-range", `There is no instant ${instant}: the run goes from ${range}.`, 2);
  }
  return compareStates(askers, { left, right }, at);
}

/** Boards whose states have nothing to do with each other. */
function refuseOthers({ left, right }: Abouts): void {
  const [one, other] = [left.configuration, right.configuration];
  const refuse = (what: string, a: string | number, b: string | number) => {
    throw new UserError(
      "diff-machines",
      `The machines differ in their ${what}: ${a} in the first, ${b} in the second.`,
      2,
    );
  };
  if (one.memoryBytes !== other.memoryBytes) refuse("memory", mebibytes(one.memoryBytes), mebibytes(other.memoryBytes));
  if (one.harts !== other.harts) refuse("number of harts", one.harts, other.harts);
  if (one.isa !== other.isa) refuse("instruction set", one.isa, other.isa);
  if (one.modes !== other.modes) refuse("privilege modes", one.modes, other.modes);
  if (one.network !== other.network) refuse("network", one.network ? "one" : "none", other.network ? "one" : "none");
  const sizes = (disks: typeof one.disks) => disks.map(({ sizeBytes }) => `${sizeBytes} bytes`).join(", ") || "none";
  if (sizes(one.disks) !== sizes(other.disks)) refuse("disks", sizes(one.disks), sizes(other.disks));
}

function mebibytes(bytes: number): string {
  return `${bytes / (1024 * 1024)} MiB`;
}

class Finder {
  readonly #askers: Askers;
  readonly #abouts: Abouts;
  readonly #options: FindOptions;
  readonly #names: SidePair<string>;
  readonly #start: SidePair<number>;
  readonly #notes: string[] = [];

  constructor(askers: Askers, abouts: Abouts, options: FindOptions) {
    this.#askers = askers;
    this.#abouts = abouts;
    this.#options = options;
    this.#names = options.names ?? NAMES;
    const first = Math.max(abouts.left.first, abouts.right.first);
    this.#start = options.agreed ?? { left: first, right: first };
  }

  async find(): Promise<DivergenceFinding> {
    this.#tell("comparing what was said", undefined);
    const outputs = await compareOutputs(this.#askers, this.#abouts);
    this.#notes.push(...outputs.notes);
    const states = await this.#firstState(outputs);
    const common = { equalOutputs: outputs.equal, notes: this.#notes };
    if (outputs.difference === undefined && states === undefined) {
      const end = Math.min(this.#abouts.left.end, this.#abouts.right.end);
      const shift = await this.#shift(outputs, undefined);
      return { kind: "none", lastAgreement: { left: end, right: end }, chain: [], shift, ...common };
    }
    const { difference: output } = outputs;
    const { causal = true } = this.#options;
    const chain = output !== undefined && causal ? await this.#chain(output, states) : undefined;
    // What a device has stored and gives back cannot be followed through it.
    const isOpaque = chain?.source === undefined || (OPAQUE.has(chain.source.cause) && states?.equalAt !== undefined);
    const found = isOpaque ? undefined : await this.#divergent(chain.source!);
    if (found === undefined && output !== undefined && causal) this.#notes.push(NOT_FOLLOWED);
    const inside = states?.divergent;
    const divergent = found ?? inside;
    // That two programs are two is known.
    const isTold = inside !== undefined && !(inside.cause === "program" && states?.equalAt === undefined);
    const isOther = isTold && found !== undefined && !isSamePlace(found, inside);
    return {
      kind: "difference",
      level: output === undefined ? "inside" : "output",
      lastAgreement: await this.#lastAgreement(states, found),
      ...(divergent !== undefined && { divergent }),
      ...(isOther && { inside }),
      ...(output !== undefined && { output }),
      chain: chain?.links ?? [],
      shift: await this.#shift(outputs, divergent),
      ...common,
    };
  }

  async #lastAgreement(states: StatesFound | undefined, found: Divergent | undefined): Promise<SidePair<number>> {
    if (states?.equalAt !== undefined) return { left: states.equalAt, right: states.equalAt };
    if (found === undefined) return this.#start;
    const [aligned] = await this.#alignedBefore({ left: found.left.instant, right: found.right.instant });
    return aligned ?? this.#start;
  }

  /** What differs from the beginning, harmlessly, or in time. */
  async #shift({ moved, mostSteps }: ComparedOutputs, found: Divergent | undefined): Promise<HarmlessShift> {
    const [start, later] = [await this.#atStart(), found && (await statesAt(this.#askers, instantsOf(found)))];
    const turns = [this.#abouts.left, this.#abouts.right].map(
      (about) => about.configuration.variation?.turnSteps ?? TURN_STEPS,
    );
    const pages = differingPages(start.left, start.right).length;
    const ahead = ({ left, right }: SidePair<RunState>) => right.ticksAhead - left.ticksAhead;
    const ticks = later === undefined ? ahead(start) : ahead(later);
    return {
      ...(ticks !== 0n && { ticks }),
      ...(turns[0] !== turns[1] && { turnSteps: { left: turns[0], right: turns[1] } }),
      ...(pages > 0 && { pages }),
      movedOutputs: moved,
      mostSteps,
    };
  }

  async #firstState({ difference, firstMoved }: ComparedOutputs): Promise<StatesFound | undefined> {
    const { left, right } = this.#abouts;
    const other = await firstOtherEvent(this.#askers, this.#abouts);
    const suspects = [other, difference, firstMoved].flatMap((each) =>
      each === undefined ? [] : [typeof each === "number" ? each : Math.min(each.left, each.right)],
    );
    if (this.#start.left !== this.#start.right) return undefined;
    const bounds = { from: this.#start.left, to: Math.min(left.end, right.end), suspects, marks: left.marks };
    const found = await firstStateDifference(this.#askers, bounds, (fraction) =>
      this.#tell("comparing states", fraction),
    );
    if (found === undefined) return undefined;
    return { ...found, divergent: await this.#stateDivergent(found.equalAt, found.differentAt) };
  }

  /** What the step from an instant where the states were equal to the next has done, or what came from outside there. */
  async #stateDivergent(equalAt: number | undefined, differentAt: number): Promise<Divergent> {
    const at = { left: differentAt, right: differentAt };
    const differ = await differencesOf(this.#askers, at, this.#abouts.left.configuration);
    const event = await this.#otherEvent(differentAt);
    const before = equalAt ?? differentAt;
    const [left, right] = await Promise.all([this.#askers.left.place(before), this.#askers.right.place(before)]);
    const place = event === undefined ? { left, right } : await this.#arrival(differentAt);
    const listed = listOf(differ);
    if (event !== undefined) return { ...place, ...listed, ...this.#eventWhy(event, differ) };
    if (equalAt === undefined) {
      const isProgram = this.#abouts.left.programs !== this.#abouts.right.programs;
      const why = isProgram
        ? "The programs are different ones, so that the states differ from the beginning."
        : "The states differ from the beginning: in what was in memory before anything was executed, or in their devices.";
      return { ...place, ...listed, cause: isProgram ? "program" : "uninitialised", why };
    }
    const source = await this.#sourceOfStep(differ, { left, right }, differentAt);
    return { ...place, ...listed, cause: source.cause, why: source.why };
  }

  async #arrival(at: number) {
    const [left, right] = await Promise.all([this.#askers.left.place(at), this.#askers.right.place(at)]);
    return { left, right };
  }

  async #otherEvent(at: number): Promise<OtherEvent | undefined> {
    const [left, right] = await Promise.all([
      this.#askers.left.eventsWithin(at, at),
      this.#askers.right.eventsWithin(at, at),
    ]);
    const texts = { left: left.map(eventContents), right: right.map(eventContents) };
    const ours = left.find((_, index) => !texts.right.includes(texts.left[index]));
    const theirs = right.find((_, index) => !texts.left.includes(texts.right[index]));
    if (ours === undefined && theirs === undefined) return undefined;
    return { instant: at, ...(ours && { left: ours }), ...(theirs && { right: theirs }) };
  }

  #eventWhy({ instant, left, right }: OtherEvent, differ: StatesDiffer): Pick<Divergent, "cause" | "why"> {
    const event = right ?? left!;
    const name = right === undefined ? this.#names.left : this.#names.right;
    const at = `at instant ${instant}`;
    if (event.kind === "idle-jump") {
      return { cause: "time", why: `mtime was moved on by ${event.ticks} ticks in ${name} ${at}.` };
    }
    if (isPageEvent(event)) {
      const what = event.kind === "page-ready" ? "ready" : "not ready";
      return { cause: "input", why: `${name} was told ${at} that a page is ${what}, and the other was not.` };
    }
    if (event.kind !== "edit") {
      const what = event.kind === "console-input" ? "Console input" : "A frame";
      return { cause: "input", why: `${what} came in ${name} ${at}, and not in the other.` };
    }
    const [value] = [...differ.registers, ...differ.words];
    if (value === undefined) return { cause: "edit", why: `Something was changed from outside in ${name} ${at}.` };
    const bit = flippedBit(value);
    const what = bit === undefined ? "was changed from outside" : `had bit ${bit} flipped`;
    const both = `${shown(value.left)} in ${this.#names.left}, ${shown(value.right)} in ${this.#names.right}`;
    return { cause: "edit", why: `${value.name} ${what} in ${name} ${at}, by no instruction: ${both}.` };
  }

  /** Equal states, one step, different states. */
  async #sourceOfStep(
    differ: StatesDiffer,
    place: Pick<Divergent, "left" | "right">,
    behind: number,
  ): Promise<Pick<Source, "cause" | "why">> {
    const [left, right] = await this.#bothPlaces(behind);
    if (left.hart !== right.hart && differ.registers.length === 0 && differ.pages === 0) {
      const turn = `${this.#names.left} goes on with hart ${left.hart}, ${this.#names.right} with hart ${right.hart}`;
      return { cause: "order", why: `The harts take other turns from here on: ${turn}.` };
    }
    const pcs = differ.registers.find(({ what, hart }) => what === "pc" && hart === place.left.hart);
    if (
      pcs !== undefined &&
      left.hart === right.hart &&
      differ.registers.some(({ name }) => /^[ms]cause$|^[ms]epc$/.test(name))
    ) {
      const why = `One of them takes a trap behind \`${place.left.text}\` that the other one does not take: ${this.#names.left} goes on at ${left.symbol}, ${this.#names.right} at ${right.symbol}.`;
      return { cause: "trap", why };
    }
    const cell = cellOf(differ);
    if (cell !== undefined) {
      const chain = this.#newChain();
      const { source } = await chain.follow({
        cell: { left: cell.cell, right: cell.cell },
        at: { left: behind, right: behind },
        hart: { left: cell.hart ?? place.left.hart, right: cell.hart ?? place.right.hart },
        reader: place,
        value: cell.value,
      });
      if (source !== undefined) return source;
    }
    return {
      cause: "unknown",
      why: `\`${place.left.text}\` in ${place.left.symbol} had another effect, though nothing differed before it.`,
    };
  }

  async #bothPlaces(at: number) {
    return Promise.all([this.#askers.left.place(at), this.#askers.right.place(at)]);
  }

  #newChain(agreed?: number): ParallelChain {
    return new ParallelChain({
      askers: this.#askers,
      abouts: this.#abouts,
      names: this.#names,
      hasFallback: agreed !== undefined,
      alignedBefore: (at) => this.#alignedBefore(at, agreed),
      counterparts: (at) => this.#counterparts(at),
      tell: (what, fraction) => this.#tell(what, fraction),
    });
  }

  async #chain(output: NonNullable<DivergenceFinding["output"]>, states: StatesFound | undefined): Promise<ChainEnd> {
    return this.#newChain(states?.equalAt).fromPlaces({ left: output.left, right: output.right });
  }

  /** Where both are, by where one of them is: as far apart as they were when they said the same last. */
  async #counterparts(at: Partial<SidePair<number>>): Promise<SidePair<DivergentPlace>> {
    const known = at.left ?? at.right!;
    const side = at.left === undefined ? "right" : "left";
    const printed = await this.#askers[side].printedBefore(known);
    const { left: ours, right: theirs } = this.#abouts;
    const isKnown = printed > Math.max(ours.printedFrom, theirs.printedFrom);
    const shift = isKnown ? await this.#shiftOfByte(printed - 1) : this.#start.right - this.#start.left;
    const other = side === "left" ? known + shift : known - shift;
    const { first, end } = this.#abouts[side === "left" ? "right" : "left"];
    const counterpart = Math.min(Math.max(other, first), end);
    const [left, right] = side === "left" ? [known, counterpart] : [counterpart, known];
    const places = await Promise.all([this.#askers.left.place(left), this.#askers.right.place(right)]);
    return { left: places[0], right: places[1] };
  }

  async #shiftOfByte(number: number): Promise<number> {
    const [left, right] = await Promise.all([
      this.#askers.left.printed(number, 1),
      this.#askers.right.printed(number, 1),
    ]);
    return left.instants.length === 1 && right.instants.length === 1 ? right.instants[0] - left.instants[0] : 0;
  }

  /** Console bytes that both said alike, the newest first; where the states were equal; where the runs begin. */
  async #alignedBefore({ left, right }: SidePair<number>, agreed?: number): Promise<SidePair<number>[]> {
    const pairs: SidePair<number>[] = [];
    const [ours, theirs] = [this.#abouts.left, this.#abouts.right];
    const [before, others] = await Promise.all([
      this.#askers.left.printedBefore(left),
      this.#askers.right.printedBefore(right),
    ]);
    const to = Math.min(before, others);
    const from = Math.max(ours.printedFrom, theirs.printedFrom, to - MOST_ALIGNED);
    const count = Math.max(0, to - from);
    const [a, b] = await Promise.all([this.#askers.left.printed(from, count), this.#askers.right.printed(from, count)]);
    for (let index = Math.min(a.instants.length, b.instants.length) - 1; index >= 0; index--) {
      if (a.bytes[index] === b.bytes[index]) pairs.push({ left: a.instants[index], right: b.instants[index] });
    }
    if (agreed !== undefined && agreed < left && agreed < right) pairs.push({ left: agreed, right: agreed });
    pairs.push(this.#start);
    return pairs.sort((one, other) => other.left - one.left);
  }

  async #divergent({ left, right, cause, why, values }: Source): Promise<Divergent> {
    const isEdit = cause === "edit";
    const behind = (at: Divergent["left"], end: number) => (isEdit ? at.instant : Math.min(at.instant + 1, end));
    const at = {
      left: behind(left, this.#abouts.left.end),
      right: behind(right, this.#abouts.right.end),
    };
    const differ = await differencesOf(this.#askers, at, this.#abouts.left.configuration, await this.#pagesAtStart());
    const { differences, more } = listOf(differ);
    const others = differences.filter((each) => !values.some((value) => isSameCell(value, each)));
    return { left, right, cause, why, differences: [...values, ...others].slice(0, MOST_DIFFERENCES), more };
  }

  #startStates: Promise<SidePair<RunState>> | undefined;

  #atStart(): Promise<SidePair<RunState>> {
    this.#startStates ??= statesAt(this.#askers, this.#start);
    return this.#startStates;
  }

  /** Pages that differed from the beginning say nothing. */
  async #pagesAtStart(): Promise<ReadonlySet<number>> {
    const { left, right } = await this.#atStart();
    return new Set(differingPages(left, right));
  }

  #tell(what: string, fraction: number | undefined): void {
    this.#options.onProgress?.(what, fraction);
  }
}

const NOT_FOLLOWED =
  "The way back from the output could not be followed to its beginning: the first difference of states is shown instead.";

const OPAQUE: ReadonlySet<string> = new Set(["device", "unknown"]);

interface OtherEvent {
  readonly instant: number;
  readonly left?: MachineEvent;
  readonly right?: MachineEvent;
}

interface StatesFound {
  readonly equalAt: number | undefined;
  readonly differentAt: number;
  readonly divergent: Divergent;
}

function isSameCell({ name, hart, address }: ValueInBoth, other: ValueInBoth): boolean {
  return address === undefined ? name === other.name && hart === other.hart : address === other.address;
}

function instantsOf({ left, right }: Divergent): SidePair<number> {
  return { left: left.instant, right: right.instant };
}

function isSamePlace(one: Divergent, other: Divergent): boolean {
  return one.left.instant === other.left.instant && one.right.instant === other.right.instant;
}

function listOf({
  registers,
  words,
  pages,
  pagesListed,
  devices,
}: StatesDiffer): Pick<Divergent, "differences" | "more"> {
  const all = [...registers, ...words, ...devices];
  const differences = all.slice(0, MOST_DIFFERENCES);
  return { differences, more: all.length - differences.length + (pages - pagesListed) };
}

/** What to ask the origin of, of what differs: a register, a CSR, a word of memory. */
function cellOf({ registers, words }: StatesDiffer): { cell: Cell; hart?: number; value: ValueInBoth } | undefined {
  for (const value of registers) {
    const integer = REGISTERS.find(({ abiName }) => abiName === value.name)?.number;
    const float = FLOAT_REGISTERS.find(({ abiName }) => abiName === value.name)?.number;
    if (integer !== undefined) return { cell: { kind: "integer", number: integer }, hart: value.hart!, value };
    if (float !== undefined) return { cell: { kind: "float", number: float }, hart: value.hart!, value };
  }
  const [word] = words;
  if (word !== undefined) {
    const address = word.address as PhysicalAddress;
    const cell: Cell = { kind: "memory", address: BigInt(address), length: 8, ranges: [{ address, length: 8 }] };
    return { cell, value: word };
  }
  for (const value of registers) {
    const number = CSRS.find(({ name }) => name === value.name)?.number;
    if (number !== undefined) return { cell: { kind: "csr", number }, hart: value.hart!, value };
  }
  return undefined;
}
