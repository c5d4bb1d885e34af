import { UserError } from "../base/errors.ts";

/** Hits of one breakpoint that are remembered: 128 MiB of instants. A count beyond it cannot be told exactly. */
const MOST_HITS = 1 << 24;

/**
 * When a breakpoint was hit. Hit counts are those of history, not of the session: the hit at an instant has the same
 * number whether one came to it forwards or backwards, because all hits before it are known.
 */
export class HitHistory {
  #instants = new Float64Array(64);
  #length = 0;
  #covered = 0;

  /** All hits before this instant are known. */
  get covered(): number {
    return this.#covered;
  }

  /** From now on all hits before `instant` count as known. */
  cover(instant: number): void {
    this.#covered = Math.max(this.#covered, instant);
  }

  /** The number of the hit at an instant, counted from 1; it is remembered when it was not known. */
  numberOf(instant: number): number {
    const at = this.#firstFrom(instant);
    if (at === this.#length || this.#instants[at] !== instant) this.#insert(at, instant);
    return at + 1;
  }

  /** The last hit before an instant whose number passes a test. */
  lastBefore(instant: number, test: Pick<HitTest, "passes">): number | undefined {
    for (let at = this.#firstFrom(instant) - 1; at >= 0; at--) if (test.passes(at + 1)) return this.#instants[at];
    return undefined;
  }

  /** What happened from this instant on is void: the user has changed the state there. */
  truncate(instant: number): void {
    this.#length = this.#firstFrom(instant);
    this.#covered = Math.min(this.#covered, instant);
  }

  get count(): number {
    return this.#length;
  }

  /** Hits that are known before an instant. */
  countBefore(instant: number): number {
    return this.#firstFrom(instant);
  }

  /** No hit more can be remembered. */
  get isFull(): boolean {
    return this.#length >= MOST_HITS;
  }

  /** Remembers hits, given in order, as far as there is room. */
  merge(instants: Float64Array): void {
    if (instants.length === 0) return;
    let at = this.#firstFrom(instants[0]);
    for (const instant of instants) {
      while (at < this.#length && this.#instants[at] < instant) at++;
      if (at === this.#length || this.#instants[at] !== instant) {
        if (this.isFull) return;
        this.#insert(at, instant);
      }
      at++;
    }
  }

  #firstFrom(instant: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#instants[middle] < instant) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(at: number, instant: number): void {
    if (this.#length >= MOST_HITS) {
      throw new UserError("hits-too-many", `More than ${MOST_HITS} hits of this breakpoint cannot be counted.`);
    }
    if (this.#length === this.#instants.length) {
      const grown = new Float64Array(this.#length * 2);
      grown.set(this.#instants);
      this.#instants = grown;
    }
    this.#instants.copyWithin(at + 1, at, this.#length);
    this.#instants[at] = instant;
    this.#length++;
  }
}

/** DAP's hitCondition: a comparison with the number of the hit. */
export interface HitTest {
  passes(number: number): boolean;
  /** The first number from this one on that passes; undefined when none does. */
  firstFrom(number: number): number | undefined;
  /** How many of the numbers from 1 to this one pass. */
  count(last: number): number;
  /** The number that passes behind so many others. */
  at(rank: number): number;
}

const HIT_CONDITION = /^\s*(>=|<=|={1,3}|>|<|%)?\s*([0-9]+)\s*$/;

/** `5` is the fifth hit; `> 5`, `>= 5`, `< 5`, `<= 5`, `== 5` compare; `% 5` is every fifth. Undefined when malformed. */
export function parseHitCondition(text: string): HitTest | undefined {
  const match = HIT_CONDITION.exec(text);
  if (match === null) return undefined;
  const limit = Number(match[2]);
  switch (match[1]) {
    case ">":
      return between(limit + 1, Number.POSITIVE_INFINITY);
    case ">=":
      return between(limit, Number.POSITIVE_INFINITY);
    case "<":
      return between(0, limit - 1);
    case "<=":
      return between(0, limit);
    case "%":
      if (limit === 0) return undefined;
      return {
        passes: (number) => number % limit === 0,
        firstFrom: (number) => Math.ceil(number / limit) * limit,
        count: (last) => Math.floor(last / limit),
        at: (rank) => (rank + 1) * limit,
      };
    default:
      return between(limit, limit);
  }
}

function between(first: number, last: number): HitTest {
  return {
    passes: (number) => number >= first && number <= last,
    firstFrom: (number) => (number > last || first > last ? undefined : Math.max(number, first)),
    count: (most) => Math.max(0, Math.min(most, last) - Math.max(first, 1) + 1),
    at: (rank) => Math.max(first, 1) + rank,
  };
}
