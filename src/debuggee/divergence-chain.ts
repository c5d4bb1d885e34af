import { firstParting } from "./divergence-flow.ts";
import type { Abouts, Askers } from "./divergence-outputs.ts";
import type { DivergenceCause, DivergenceLink, DivergentPlace, SidePair, ValueInBoth } from "./divergence-protocol.ts";
import type { Cell } from "./origin-cells.ts";
import type { OriginEnd, OriginOperand } from "./origin-protocol.ts";
import type { RunHop } from "./run-probe.ts";

/** Steps back in both runs before it is given up. */
const MOST_LINKS = 512;
const HOPS_BETWEEN_LEAPS = 32;
/** Steps of the longest cycle that is told once. */
const LONGEST_CYCLE = 8;

/** Something that holds different values in both runs, and where it does. */
export interface Difference {
  readonly cell: SidePair<Cell>;
  readonly at: SidePair<number>;
  readonly hart: SidePair<number>;
  /** Who has read it there. */
  readonly reader: SidePair<DivergentPlace>;
  readonly value: ValueInBoth;
  /** Of memory that was read at different addresses, in two builds: the register that held the address. */
  readonly pointer?: Difference;
}

/** Where a difference comes in. */
export interface Source {
  readonly left: DivergentPlace;
  readonly right: DivergentPlace;
  readonly cause: DivergenceCause;
  readonly values: readonly ValueInBoth[];
  readonly why: string;
}

export interface ChainEnd {
  readonly links: readonly DivergenceLink[];
  /** Absent: it was given up. */
  readonly source?: Source;
}

export interface ChainParts {
  readonly askers: Askers;
  readonly abouts: Abouts;
  readonly names: SidePair<string>;
  /** Where the states differ first is known: what takes long is not worth it. */
  readonly hasFallback: boolean;
  /** Pairs of instants at which the runs are at the same place, the newest before a pair first. */
  readonly alignedBefore: (at: SidePair<number>) => Promise<SidePair<number>[]>;
  /** Where both are, by where one of them is. */
  readonly counterparts: (at: Partial<SidePair<number>>) => Promise<SidePair<DivergentPlace>>;
  readonly tell: (what: string, fraction: number | undefined) => void;
}

/** Follows a difference back in both runs at once, through the values that it came from and the branches that led there. */
export class ParallelChain {
  readonly #parts: ChainParts;
  readonly #links: DivergenceLink[] = [];
  readonly #sameProgram: boolean;
  /** Where the data came through, with all that the links leave out. */
  readonly #passed: (bigint | undefined)[] = [];
  #hops = 0;
  #leapsFrom = 0;
  #soughtWayOut = false;

  constructor(parts: ChainParts) {
    this.#parts = parts;
    this.#sameProgram = parts.abouts.left.programs === parts.abouts.right.programs;
  }

  /** From an output: `left` and `right` are about to say it. */
  async fromPlaces(at: SidePair<number>): Promise<ChainEnd> {
    const { askers } = this.#parts;
    const [left, right] = await Promise.all([askers.left.place(at.left), askers.right.place(at.right)]);
    const isSame = this.#isSamePlace(left, right);
    const next = isSame ? await this.#readDifference({ left, right }) : undefined;
    if (next !== undefined) return this.follow(next);
    if (isSame) return { links: this.#links };
    return this.#end(await this.#flow({ left, right }));
  }

  async follow(difference: Difference): Promise<ChainEnd> {
    let at: Difference | Source | undefined = difference;
    while (at !== undefined && !("cause" in at)) {
      if (this.#hops++ >= MOST_LINKS) return { links: this.#links };
      this.#parts.tell(`following ${at.value.name} back`, undefined);
      at = (await this.#leap(at)) ?? (await this.#wayOut(at)) ?? (await this.#hop(at));
    }
    return this.#end(at);
  }

  async #end(at: Difference | Source | undefined): Promise<ChainEnd> {
    if (at === undefined) return { links: this.#links };
    return "cause" in at ? { links: this.#links, source: at } : this.follow(at);
  }

  /** One step back in both. */
  async #hop(difference: Difference): Promise<Difference | Source | undefined> {
    const { askers } = this.#parts;
    const { cell, at, hart } = difference;
    const [left, right] = await Promise.all([
      askers.left.hop(cell.left, hart.left, at.left),
      askers.right.hop(cell.right, hart.right, at.right),
    ]);
    const edited = await this.#edited(difference, left, right);
    if (edited !== undefined) return edited;
    // Who wrote memory is part of what was written.
    const isSameHart = cell.left.kind !== "memory" || left.at.hart === right.at.hart;
    if (left.step !== undefined && right.step !== undefined && isSameHart && this.#isSamePlace(left.at, right.at)) {
      return this.#sameStep(difference, left, right);
    }
    if (left.step === undefined && right.step === undefined) return this.#bothEnd(difference, left, right);
    return this.#otherWriter(difference, left, right);
  }

  /** Both executed the same instruction: one of its operands differs, or it is what brought the difference in. */
  #sameStep(difference: Difference, left: RunHop, right: RunHop): Difference | Source {
    const place = { left: left.at, right: right.at };
    const written = { ...difference.value, left: left.step!.value, right: right.step!.value };
    this.#link({ kind: "data", ...place, value: written, sentence: left.step!.sentence });
    const index = this.#differing(left, right);
    if (index !== undefined) return this.#operand(index, left, right);
    return this.#sourceOfStep(place, left, right, written);
  }

  #operand(index: number, left: RunHop, right: RunHop): Difference {
    const [one, other] = [left.step!.operands[index], right.step!.operands[index]];
    const address = left.step!.operands.findIndex(({ role }) => role === "address");
    const hasPointer = !this.#sameProgram && one.place.kind === "memory" && address >= 0 && address !== index;
    return {
      ...(hasPointer && right.cells[address] !== undefined && { pointer: this.#operand(address, left, right) }),
      cell: { left: left.cells[index], right: right.cells[index] },
      at: { left: left.at.instant, right: right.at.instant },
      hart: { left: left.at.hart, right: right.at.hart },
      reader: { left: left.at, right: right.at },
      value: inBoth(one, other, left.at.hart),
    };
  }

  /** The operand to go on with: an address first, since what is read elsewhere is something else. */
  #differing(left: RunHop, right: RunHop): number | undefined {
    const [ours, theirs] = [left.step!.operands, right.step!.operands];
    const count = Math.min(ours.length, theirs.length);
    const differs = (index: number) => {
      const [one, other] = [ours[index], theirs[index]];
      if (one.value === undefined || other.value === undefined || one.value === other.value) return false;
      const name = left.symbols[index];
      // The same place of another build.
      return this.#sameProgram || name === undefined || name !== right.symbols[index];
    };
    const within = (role: OriginOperand["role"]) => (index: number) => ours[index].role === role && differs(index);
    const indices = Array.from({ length: count }, (_, index) => index);
    // Stacks of two builds lie anywhere.
    const address = this.#sameProgram ? indices.find(within("address")) : undefined;
    return address ?? indices.find(within("value")) ?? indices.find(within("rest"));
  }

  /** Equal operands, different results. */
  #sourceOfStep(place: SidePair<DivergentPlace>, left: RunHop, right: RunHop, value: ValueInBoth): Source {
    const { names } = this.#parts;
    const end = left.end ?? right.end;
    const read = `${names.left} read ${shown(value.left)}, ${names.right} read ${shown(value.right)}`;
    if (end?.kind === "reservation") {
      return source(
        place,
        "order",
        [value],
        `A store-conditional succeeded in one of them only: the harts came in another order (${place.left.text}).`,
      );
    }
    if (end?.kind === "device" || end?.kind === "input") {
      const cause = end.device === "clint" || end.device === "rtc" ? "time" : end.kind === "input" ? "input" : "device";
      const what = cause === "time" ? "The time was read" : `${end.device ?? "A device"} was read`;
      const where = `\`${place.left.text}\` in ${place.left.symbol}`;
      return source(place, cause, [value], `${what} by ${where} and differs: ${read}.`);
    }
    if (!this.#sameProgram) {
      const texts = `\`${place.left.text}\` in ${names.left}, \`${place.right.text}\` in ${names.right}`;
      return source(place, "program", [value], `The programs differ at ${place.left.symbol}: ${texts}.`);
    }
    return source(
      place,
      "unknown",
      [value],
      `\`${place.left.text}\` gave another result though nothing that it reads differs.`,
    );
  }

  /** No instruction has written it in either of them. */
  #bothEnd({ value, reader, pointer }: Difference, left: RunHop, right: RunHop): Difference | Source {
    const { names } = this.#parts;
    const [one, other] = [left.end!, right.end!];
    const differs = `${names.left} has ${shown(value.left)}, ${names.right} has ${shown(value.right)}`;
    switch (one.kind) {
      case "dma": {
        const place = { left: left.at, right: right.at };
        const isEntropy = /entropy/.test(one.device ?? "");
        const cause = isEntropy ? "entropy" : /network|console/.test(one.device ?? "") ? "input" : "device";
        const what = isEntropy
          ? "another word from the entropy device"
          : `other bytes from the ${one.device ?? "device"}`;
        return source(place, cause, [value], `${names.right} was given ${what} in ${value.name}: ${differs}.`);
      }
      case "csr":
        return csrSource(reader, value, differs);
      case "trap":
        return source(reader, "trap", [value], `Traps differ: ${one.sentence} ${other.sentence}`);
      default: {
        // Of two builds, constants lie elsewhere: another one was read.
        if (pointer !== undefined && pointer.value.left !== pointer.value.right) return pointer;
        const isLoaded = (end: OriginEnd) => end.kind === "image" && end.symbol !== undefined;
        if (!this.#sameProgram && (isLoaded(one) || isLoaded(other))) {
          return source(reader, "program", [value], `The programs begin with other data in ${value.name}: ${differs}.`);
        }
        const what = value.what === "memory" ? "memory that nobody has written" : "what nobody has set since reset";
        return source(
          reader,
          "uninitialised",
          [value],
          `\`${reader.left.text}\` reads ${value.name}, ${what}: ${differs}.`,
        );
      }
    }
  }

  /** Something from outside has changed it in one of them, behind the last step that wrote it. */
  async #edited(difference: Difference, left: RunHop, right: RunHop): Promise<Source | undefined> {
    const isEdit = (hop: RunHop) => hop.end?.kind === "edit";
    if (isEdit(left) === isEdit(right)) return undefined;
    const { names } = this.#parts;
    const [edited, name] = isEdit(left) ? [left, names.left] : [right, names.right];
    const { value } = difference;
    const instant = edited.end?.instant ?? edited.at.instant;
    const bit = flippedBit(value);
    const what = bit === undefined ? "was changed from outside" : `had bit ${bit} flipped`;
    const why = `${value.name} ${what} in ${name} at instant ${instant}, by no instruction: ${shown(value.left)} in ${names.left}, ${shown(value.right)} in ${names.right}.`;
    const place = await this.#parts.counterparts(isEdit(left) ? { left: instant } : { right: instant });
    return source(place, "edit", [value], why);
  }

  /** Other instructions wrote it: other harts, or they went other ways before. */
  async #otherWriter(difference: Difference, left: RunHop, right: RunHop): Promise<Difference | Source | undefined> {
    const { names } = this.#parts;
    const { value, reader } = difference;
    const byHart = left.step !== undefined && right.step !== undefined && left.at.hart !== right.at.hart;
    const isShared =
      value.what === "memory" && (byHart || left.at.hart !== reader.left.hart || right.at.hart !== reader.right.hart);
    const wrote = (hop: RunHop, name: string) =>
      hop.step === undefined
        ? `in ${name} nobody had written it`
        : `in ${name} hart ${hop.at.hart} wrote ${shown(hop.step.value)} in ${hop.at.symbol} at instant ${hop.at.instant}`;
    const both = `${wrote(left, names.left)}, ${wrote(right, names.right)}`;
    if (isShared) {
      const why = `\`${reader.left.text}\` in ${reader.left.symbol} came to ${value.name} in another order of harts: ${both}.`;
      return source(reader, "order", [value], why);
    }
    this.#link({
      kind: "data",
      left: left.at,
      right: right.at,
      value,
      sentence: `${value.name} was written elsewhere: ${both}`,
    });
    // One of them may have come by without writing it: the ways part anywhere before it is read.
    return this.#flow(reader);
  }

  /** A loop that they went round another number of times: what decided that. Once, since it may take long to find none. */
  async #wayOut({ reader }: Difference): Promise<Difference | Source | undefined> {
    if (this.#soughtWayOut || this.#parts.hasFallback || cycleIn(this.#passed) === undefined) return undefined;
    this.#soughtWayOut = true;
    return this.#flow(reader);
  }

  /** They are at different places: back to where their ways part, and on with what decided it. */
  async #flow(at: SidePair<DivergentPlace>): Promise<Difference | Source | undefined> {
    const { askers, abouts, alignedBefore, tell, names } = this.#parts;
    const to = { left: at.left.instant, right: at.right.instant };
    const hart = { left: at.left.hart, right: at.right.hart };
    for (const from of await alignedBefore(to)) {
      const parting = await firstParting(askers, abouts, { from, to, hart }, (fraction) =>
        tell("looking for where the ways part", fraction),
      );
      if (parting === undefined) continue;
      const [left, right] = await Promise.all([
        askers.left.reads(parting.left, hart.left),
        askers.right.reads(parting.right, hart.right),
      ]);
      const place = { left: left.at, right: right.at };
      this.#link({ kind: "flow", ...place, sentence: `the ways part behind \`${left.at.text}\` in ${left.at.symbol}` });
      const difference = this.#differingRead(left.operands, right.operands, place);
      if (difference !== undefined && parting.isDecided) return difference;
      if (!this.#sameProgram) {
        const line = left.at.source === undefined ? "" : `, line ${left.at.source.line}`;
        return source(place, "program", [], `The programs go different ways behind ${left.at.symbol}${line}.`);
      }
      return source(
        place,
        "trap",
        [],
        `Behind \`${left.at.text}\` in ${left.at.symbol} one of ${names.left} and ${names.right} took a trap that the other did not take.`,
      );
    }
    return undefined;
  }

  async #readDifference(place: SidePair<DivergentPlace>): Promise<Difference | undefined> {
    const { askers } = this.#parts;
    const [left, right] = await Promise.all([
      askers.left.reads(place.left.instant, place.left.hart),
      askers.right.reads(place.right.instant, place.right.hart),
    ]);
    return this.#differingRead(left.operands, right.operands, place);
  }

  #differingRead(
    left: Awaited<ReturnType<Askers["left"]["reads"]>>["operands"],
    right: Awaited<ReturnType<Askers["left"]["reads"]>>["operands"],
    reader: SidePair<DivergentPlace>,
  ): Difference | undefined {
    const index = left.findIndex(({ value }, at) => right[at] !== undefined && value !== right[at].value);
    if (index < 0) return undefined;
    const [one, other] = [left[index], right[index]];
    return {
      cell: { left: one.cell, right: other.cell },
      at: { left: reader.left.instant, right: reader.right.instant },
      hart: { left: reader.left.hart, right: reader.right.hart },
      reader,
      value: { what: "register", name: one.place.name, hart: reader.left.hart, left: one.value, right: other.value },
    };
  }

  /** Out of a loop: to where the value differs first, when the runs go through it at the same pace. */
  async #leap(difference: Difference): Promise<Difference | undefined> {
    if (this.#hops < this.#leapsFrom || cycleIn(this.#passed) === undefined) return undefined;
    // Where it cannot be left, trying at every turn would cost more than going round.
    this.#leapsFrom = this.#hops + HOPS_BETWEEN_LEAPS;
    const { askers, alignedBefore } = this.#parts;
    const { cell, at, hart } = difference;
    const shift = at.right - at.left;
    const valuesAt = async (instant: number) => {
      const [[left], [right]] = await Promise.all([
        askers.left.values(cell.left, hart.left, [instant]),
        askers.right.values(cell.right, hart.right, [instant + shift]),
      ]);
      return { left, right };
    };
    const areEqual = async (instant: number) => {
      const { left, right } = await valuesAt(instant);
      return left === right;
    };
    let low: number | undefined;
    for (const { left, right } of await alignedBefore(at)) {
      if (right - left !== shift || !(await areEqual(left))) continue;
      low = left;
      break;
    }
    if (low === undefined) return undefined;
    let high = at.left;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (await areEqual(middle)) low = middle;
      else high = middle;
    }
    if (high === at.left) return undefined;
    const value = { ...difference.value, ...(await valuesAt(high)) };
    this.#link({ kind: "data", value, sentence: `a loop has carried ${value.name} since instant ${high}` });
    return { ...difference, value, at: { left: high, right: high + shift } };
  }

  #isSamePlace(left: DivergentPlace, right: DivergentPlace): boolean {
    if (this.#sameProgram) return left.pc === right.pc;
    return mnemonic(left) === mnemonic(right) && (left.symbol === right.symbol || left.code === right.code);
  }

  /** Of a cycle that comes round again and again two turns are told. */
  #link(link: DivergenceLink): void {
    const links = this.#links;
    links.push(link);
    this.#passed.push(link.kind === "data" ? link.left?.pc : undefined);
    const length = cycleIn(links.map(({ left, kind }) => (kind === "data" ? left?.pc : undefined)));
    if (length === undefined) return;
    const [since] = links.splice(-length).slice(-1);
    const kept = links[links.length - 1];
    const omitted = { steps: length, left: since.left!.instant, right: since.right!.instant };
    links[links.length - 1] = { ...kept, omitted };
  }
}

/** Steps of the cycle that the last steps have gone through three times. */
function cycleIn(pcs: readonly (bigint | undefined)[]): number | undefined {
  for (let length = 1; length <= LONGEST_CYCLE && length * 3 <= pcs.length; length++) {
    const tail = pcs.slice(-length * 3);
    if (tail.every((pc, index) => pc !== undefined && pc === tail[index % length])) return length;
  }
  return undefined;
}

function source(
  place: SidePair<DivergentPlace>,
  cause: DivergenceCause,
  values: readonly ValueInBoth[],
  why: string,
): Source {
  return { left: place.left, right: place.right, cause, values, why };
}

function csrSource(place: SidePair<DivergentPlace>, value: ValueInBoth, differs: string): Source {
  if (value.name === "time") {
    return source(
      place,
      "time",
      [value],
      `The time was read by \`${place.left.text}\` in ${place.left.symbol} and differs: ${differs}.`,
    );
  }
  return source(
    place,
    "counter",
    [value],
    `${value.name} was read by \`${place.left.text}\` in ${place.left.symbol} and differs: ${differs}.`,
  );
}

function inBoth({ place, value }: OriginOperand, other: OriginOperand, hart: number): ValueInBoth {
  const { kind, name, physical } = place;
  return {
    ...{ what: kind, name, left: value, right: other.value },
    ...(kind === "memory" ? { address: Number(physical) } : { hart }),
  };
}

export function shown(value: ValueInBoth["left"]): string {
  return typeof value === "bigint" ? `0x${value.toString(16)}` : `${value ?? "nothing"}`;
}

/** The number of the one bit in which two values differ. */
export function flippedBit({ left, right }: ValueInBoth): number | undefined {
  if (typeof left !== "bigint" || typeof right !== "bigint") return undefined;
  const difference = left ^ right;
  return difference !== 0n && (difference & (difference - 1n)) === 0n ? difference.toString(2).length - 1 : undefined;
}

function mnemonic({ text }: DivergentPlace): string {
  return text.split(/\s/, 1)[0];
}
