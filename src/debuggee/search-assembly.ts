import { assert } from "../base/assert.ts";
import type { HitTest } from "./hit-history.ts";
import type { SegmentResult } from "./search-protocol.ts";
import { thinned } from "./search-tally.ts";

/** Marks of one search in all, 8 bytes each; beyond it every second one goes. */
const MOST_MARKS = 1 << 16;

export interface Part {
  readonly from: number;
  readonly to: number;
  result: SegmentResult | undefined;
  /** Of its steps, while it is being searched. */
  fraction: number;
}

export interface KnownPart {
  readonly part: Part & { readonly result: SegmentResult };
  /** How many of its first rows are none: the value is that of the last row before it, or what that was is not known. */
  readonly skipped: number;
  readonly count: number;
}

/** Rows of one part, by their numbers in it. */
export interface PartRows {
  readonly part: Part & { readonly result: SegmentResult };
  readonly first: number;
  readonly count: number;
  /** Those of them that are wanted, oldest first; absent: all. */
  readonly picked?: readonly number[];
}

/** Rows that a hit condition lets pass are looked up together when no more than so many others lie between two of them. */
const NEAR_ROWS = 64;

/**
 * What is known of a search, put together from its segments. Rows are numbered from the newest. A series begins each segment with
 * the value that it has there: that is a row only where it differs from the one before.
 */
export class Assembly {
  /** What is counted begins before the stretch when the numbers of hits matter. */
  readonly countedFrom: number;
  readonly from: number;
  readonly #test: HitTest | undefined;
  readonly #isSeries: boolean;
  /** Oldest first. */
  readonly #parts: Part[] = [];

  constructor(from: number, test: HitTest | undefined, isSeries: boolean) {
    this.from = from;
    this.countedFrom = test === undefined ? from : 0;
    this.#test = test;
    this.#isSeries = isSeries;
  }

  get to(): number {
    return this.#parts.at(-1)?.to ?? this.countedFrom;
  }

  /** Where an extension begins: at the line of output that had no end yet, else behind everything. */
  get extendsFrom(): number {
    return this.#open?.result?.open?.from ?? this.to;
  }

  /**
   * Adds what is to be searched behind everything else: the new parts, newest first. A line of output that had no end yet is
   * looked at again; all must have been searched then.
   */
  extend(to: number, cuts: readonly number[]): Part[] {
    if (to <= this.to) return [];
    this.#dropOpen();
    const start = this.to;
    const inner = cuts.filter((cut) => cut > start && cut < to);
    if (this.from > start && this.from < to) inner.push(this.from);
    const bounds = [start, ...[...new Set(inner)].sort((a, b) => a - b), to];
    const added = bounds.slice(1).map((end, index): Part => {
      return { from: bounds[index], to: end, result: undefined, fraction: 0 };
    });
    this.#parts.push(...added);
    return added.reverse();
  }

  get #open(): Part | undefined {
    return this.#parts.find(({ result }) => result?.open !== undefined);
  }

  /** Forgets what was found from the line on that had no end yet. Behind it there is nothing else. */
  #dropOpen(): void {
    const part = this.#open;
    if (part?.result?.open === undefined) return;
    const { open, ...result } = part.result;
    const { every, instants, starts, passed } = result.marks;
    const first = <T>(items: readonly T[]) => items.slice(0, Math.ceil(open.rows / every));
    const marks = { every, instants: first(instants), starts: first(starts), passed: first(passed) };
    const kept = { ...part, to: open.from, result: { ...result, to: open.from, rows: open.rows, marks } };
    this.#parts.splice(this.#parts.indexOf(part), Number.POSITIVE_INFINITY, ...(open.from > part.from ? [kept] : []));
  }

  /** A result of a part or of a piece of it. */
  add(result: SegmentResult): void {
    const index = this.#parts.findIndex(({ from, to }) => from <= result.from && result.from < to);
    const part = this.#parts[index];
    assert(part !== undefined && part.result === undefined && result.to <= part.to, "a result that nobody asked for");
    const pieces: Part[] = [{ from: result.from, to: result.to, result, fraction: 1 }];
    if (part.from < result.from) pieces.unshift({ from: part.from, to: result.from, result: undefined, fraction: 0 });
    if (result.to < part.to) pieces.push({ from: result.to, to: part.to, result: undefined, fraction: 0 });
    this.#parts.splice(index, 1, ...pieces);
    this.#thin();
  }

  /** Of a task, how much of what is left of it is done. */
  progress({ from, to }: Pick<Part, "from" | "to">, fraction: number): void {
    const part = this.#parts.find((each) => each.result === undefined && each.from >= from && each.to <= to);
    if (part !== undefined) part.fraction = fraction;
  }

  get isDone(): boolean {
    return this.#parts.every(({ result }) => result !== undefined);
  }

  get fraction(): number {
    const total = this.to - this.countedFrom;
    if (total <= 0) return 1;
    return this.#parts.reduce((sum, { from, to, fraction }) => sum + (to - from) * fraction, 0) / total;
  }

  get searchedFrom(): number {
    return this.known[0]?.part.from ?? this.to;
  }

  get restored(): number {
    return this.#parts.reduce((sum, { result }) => sum + (result?.restored ?? 0), 0);
  }

  get problem(): string | undefined {
    return this.#parts.find(({ result }) => result?.problem !== undefined)?.result?.problem;
  }

  get rows(): number {
    if (this.#test === undefined) return this.known.reduce((sum, { count }) => sum + count, 0);
    return this.isDone ? this.#test.count(this.#counted(this.to)) - this.#test.count(this.#counted(this.from)) : 0;
  }

  /** Where rows `first`, `first + 1`, … are to be had, newest part first; each of its rows oldest first. */
  locate(first: number, count: number): PartRows[] {
    const test = this.#test;
    if (test === undefined) return this.#locate(first, count);
    const end = test.count(this.#counted(this.to));
    const found: PartRows[] = [];
    const last = Math.min(first + count, this.rows);
    for (let row = first; row < last; row++) {
      const [one] = this.#locate(this.#counted(this.to) - test.at(end - 1 - row), 1);
      const newer = found.at(-1);
      if (newer?.part === one.part && newer.first - one.first <= NEAR_ROWS) {
        const picked = [one.first, ...(newer.picked ?? [])];
        found[found.length - 1] = {
          part: one.part,
          first: one.first,
          count: newer.first + newer.count - one.first,
          picked,
        };
      } else found.push({ ...one, picked: [one.first] });
    }
    return found;
  }

  #locate(first: number, count: number): PartRows[] {
    const found: PartRows[] = [];
    let newer = 0;
    for (const { part, skipped, count: rows } of this.known.reverse()) {
      const start = Math.max(first, newer);
      const end = Math.min(first + count, newer + rows);
      if (start < end) found.push({ part, first: skipped + newer + rows - end, count: end - start });
      newer += rows;
    }
    return found;
  }

  /** Of known rows, as far as they are kept. */
  get instants(): number[] {
    const test = this.#test;
    if (test !== undefined && !this.isDone) return [];
    return this.known.flatMap(({ part, skipped }) => {
      const { every, instants } = part.result.marks;
      const before = test === undefined ? 0 : this.#counted(part.from);
      return instants.filter((_, mark) => {
        if (mark * every < skipped || part.to <= this.from) return false;
        return test === undefined || test.passes(before + mark * every + 1);
      });
    });
  }

  /** The known part that an instant is in; undefined: none is. */
  partAt(instant: number): KnownPart | undefined {
    return this.known.find(({ part }) => part.from <= instant && instant < part.to);
  }

  /** Rows (before a hit condition) in the known parts that are newer than one. */
  rowsBehind(part: Part): number {
    const known = this.known;
    const index = known.findIndex((candidate) => candidate.part === part);
    return known.slice(index + 1).reduce((sum, { count }) => sum + count, 0);
  }

  /** Of so many newest rows before the hit condition, how many it lets pass. */
  passing(newest: number): number {
    const test = this.#test;
    if (test === undefined) return newest;
    const all = this.#counted(this.to);
    return test.count(all) - Math.max(test.count(all - newest), test.count(this.#counted(this.from)));
  }

  /** The newest parts without a gap, oldest first, with what of each counts. */
  get known(): KnownPart[] {
    const firstKnown = this.#parts.findLastIndex(({ result }) => result === undefined) + 1;
    let last: string | undefined;
    let isFirst = true;
    return this.#parts.slice(firstKnown).map((part) => {
      const result = part.result!;
      const { first } = result.series ?? {};
      const isOldest = isFirst && firstKnown > 0;
      const skipped = this.#isSeries && first !== undefined && (isOldest || (!isFirst && first === last)) ? 1 : 0;
      if (first !== undefined) isFirst = false;
      last = result.series?.last ?? last;
      return { part: part as Part & { readonly result: SegmentResult }, skipped, count: result.rows - skipped };
    });
  }

  /** Rows in the parts before an instant at which one begins. */
  #counted(before: number): number {
    return this.#parts.reduce((sum, { to, result }) => sum + (to <= before ? (result?.rows ?? 0) : 0), 0);
  }

  #thin(): void {
    const marksOf = ({ result }: Part) => result?.marks.instants.length ?? 0;
    while (this.#parts.reduce((sum, part) => sum + marksOf(part), 0) > MOST_MARKS) {
      for (const part of this.#parts) {
        if (part.result === undefined || marksOf(part) <= 1) continue;
        part.result = { ...part.result, marks: thinned(part.result.marks) };
      }
    }
  }
}
