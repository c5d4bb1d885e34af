import type { Prng } from "../../src/base/prng.ts";
import type { Arbiter, Tenure } from "../../src/lockstep/arbiter.ts";
import type { Channel } from "../../src/lockstep/channel.ts";
import type { OutputSink } from "../../src/lockstep/outside.ts";
import type { Counts, OutputRun } from "../../src/lockstep/replica.ts";

/** A channel on a simulated clock that does to frames what its mood says. */
export interface ChannelMood {
  readonly drop: number;
  readonly double: number;
  /** Milliseconds on the way, at most; different ones reorder. */
  readonly delayMs: number;
}

export class SimulatedChannel {
  readonly #random: Prng;
  readonly #now: () => number;
  readonly #queues: { dueMs: number; frame: Uint8Array }[][] = [[], []];
  mood: ChannelMood;
  /** Nothing gets through until then. */
  brokenUntilMs = 0;

  constructor(random: Prng, now: () => number, mood: ChannelMood) {
    this.#random = random;
    this.#now = now;
    this.mood = mood;
  }

  end(own: 0 | 1): Channel {
    return { send: (frame) => this.#send(1 - own, frame), receive: () => this.#receive(own) };
  }

  /** A frame that nobody sent. */
  inject(to: 0 | 1, frame: Uint8Array): void {
    this.#queues[to].push({ dueMs: this.#now(), frame });
  }

  #send(to: number, frame: Uint8Array): void {
    if (this.#now() < this.brokenUntilMs) return;
    const copies = this.#random.below(100) < this.mood.double ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random.below(100) < this.mood.drop) continue;
      const dueMs = this.#now() + this.#random.below(this.mood.delayMs + 1);
      this.#queues[to].push({ dueMs, frame: frame.slice() });
    }
  }

  #receive(own: number): Uint8Array | undefined {
    const queue = this.#queues[own];
    const index = queue.findIndex(({ dueMs }) => dueMs <= this.#now());
    return index < 0 ? undefined : queue.splice(index, 1)[0].frame;
  }
}

/** A sink at the end of a socket: what it was offered arrives later, or never, should the process die before that. */
export class LateSink implements OutputSink {
  readonly #random: Prng;
  readonly #now: () => number;
  readonly #lives: () => boolean;
  readonly #arrive: (run: OutputRun) => Counts;
  readonly #queue: { readonly dueMs: number; readonly run: OutputRun }[] = [];
  taken: Counts;

  /** `arrive` gives what has arrived by then, by device. */
  constructor(random: Prng, now: () => number, lives: () => boolean, arrive: (run: OutputRun) => Counts, none: Counts) {
    this.#random = random;
    this.#now = now;
    this.#lives = lives;
    this.#arrive = arrive;
    this.taken = none;
  }

  offer(runs: readonly OutputRun[]): void {
    const dueMs = Math.max(this.#queue.at(-1)?.dueMs ?? 0, this.#now() + this.#random.below(12));
    for (const run of runs) this.#queue.push({ dueMs, run });
  }

  turn(): void {
    while (this.#lives() && this.#queue.length > 0 && this.#queue[0].dueMs <= this.#now()) {
      this.taken = [...this.#arrive(this.#queue.shift()!.run)];
    }
  }
}

/** An arbiter that answers late, and sometimes not at all. */
export class SimulatedArbiter {
  readonly #random: Prng;
  readonly #now: () => number;
  #tenure: Tenure;
  #answers: { dueMs: number; give: () => void }[] = [];

  constructor(random: Prng, now: () => number, tenure: Tenure) {
    this.#random = random;
    this.#now = now;
    this.#tenure = tenure;
  }

  get tenure(): Tenure {
    return this.#tenure;
  }

  /** As seen by one member: an answer to who is no more, or stands still, is not heard. */
  seenBy(listens: () => boolean): Arbiter {
    const answer = (give: (tenure: Tenure) => void, tenure: Tenure) => {
      if (this.#random.below(8) === 0) return;
      const dueMs = this.#now() + this.#random.below(10);
      this.#answers.push({ dueMs, give: () => listens() && give(tenure) });
    };
    // The request takes its time as well: what is written is decided when it arrives.
    const ask = (decide: () => void) => {
      if (this.#random.below(8) === 0) return;
      this.#answers.push({ dueMs: this.#now() + this.#random.below(10), give: decide });
    };
    return {
      read: (give) => ask(() => answer(give, this.#tenure)),
      testAndSet: (expected, next, give) =>
        ask(() => {
          if (this.#tenure.term === expected) this.#tenure = next;
          answer(give, this.#tenure);
        }),
    };
  }

  turn(): void {
    const due = this.#answers.filter(({ dueMs }) => dueMs <= this.#now());
    this.#answers = this.#answers.filter(({ dueMs }) => dueMs > this.#now());
    for (const { give } of due) give();
  }
}
