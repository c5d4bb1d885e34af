import type { PairRun, PairSide, PairStop, Stopped } from "../debuggee/protocol.ts";
import { withDivergence } from "./lockstep-text.ts";
import type { Motion } from "./motions.ts";
import type { Pair } from "./pair.ts";
import type { Seat } from "./seat.ts";

/** How far a live pair is let run for a step to have history to go through: doubled for one that needs more. */
const AHEAD_STEPS = 20_000;
const MOST_AHEAD_STEPS = 50_000_000;

/**
 * What makes new history, which two machines in lockstep do together: runs of both from their newest instants, and a little
 * of one ahead of a step, which then goes through what is recorded like any other.
 */
export class LiveRuns {
  readonly #pair: Pair;
  #running = false;
  #isPaused = false;

  constructor(pair: Pair) {
    this.#pair = pair;
  }

  get isRunning(): boolean {
    return this.#running;
  }

  async pause(): Promise<void> {
    this.#isPaused = true;
    await this.#pair.source.pauseRun?.();
  }

  /** The newest instant of what the seat looks at, where both can go on from; undefined: it is not there that they do. */
  async endOf(seat: Seat): Promise<number | undefined> {
    const { end, live, branch } = await seat.debuggee.timeline({ most: 0 });
    return live && branch === undefined && this.#pair.source.run !== undefined ? end : undefined;
  }

  /** Both until one comes to a stop; the stops of both sides, in which who was not the cause moved along. */
  async run(seat: Seat, other: Seat): Promise<Readonly<Record<PairSide, Stopped>>> {
    const stop = await this.#go(seat, other, { stopsAtDivergence: seat.stopsAtDivergence || other.stopsAtDivergence });
    const { divergence, by } = stop;
    if (divergence !== undefined) {
      await this.#pair.refresh();
      const [here, there] = [
        await this.#pair.goTo(seat, divergence[seat.side]),
        await this.#pair.goTo(other, divergence[other.side]),
      ];
      return both(seat, withDivergence(here, divergence), other, { ...withDivergence(there, divergence), along: true });
    }
    const cause = by === undefined ? seat : by === seat.side ? seat : other;
    const led = cause === seat ? other : seat;
    let along = stop[led.side];
    if (by !== undefined) {
      const { place } = await this.#pair.corresponding(cause, stop[cause.side].instant);
      if (place.instant !== along.instant || !led.isIn(place)) along = await this.#pair.goTo(led, place);
    }
    return both(cause, stop[cause.side], led, { ...along, along: true });
  }

  /** A step; where it needs history that there is not yet, both machines make some. */
  async step(seat: Seat, motion: Motion): Promise<Stopped> {
    const { instant } = seat.position;
    let stopped = await motion(seat.debuggee);
    for (let ahead = AHEAD_STEPS; stopped.reason === "end" && ahead <= MOST_AHEAD_STEPS; ahead *= 2) {
      if (!this.#pair.situation.live || (await this.endOf(seat)) !== stopped.instant) break;
      const other = this.#pair.other(seat);
      const { position: here } = seat;
      const there = other.position;
      const stop = await this.#go(seat, other, { stopsAtDivergence: true, ahead });
      // There is no more of it, or it is another's state from here on.
      const isEnd = stop[seat.side].instant === stopped.instant || !seat.isIn(here);
      if (!isEnd) await seat.debuggee.seek(instant);
      await this.#pair.goTo(other, there);
      if (isEnd || this.#isPaused) return stop[seat.side];
      stopped = await motion(seat.debuggee);
    }
    return stopped;
  }

  async #go(seat: Seat, other: Seat, how: PairRun): Promise<PairStop> {
    this.#running = true;
    this.#isPaused = false;
    try {
      for (const each of [seat, other]) await this.#toEnd(each);
      const stop = await this.#pair.source.run!(how);
      for (const each of [seat, other]) each.hasRun(stop.stretches[each.side], stop[each.side]);
      return stop;
    } finally {
      this.#running = false;
    }
  }

  async #toEnd(seat: Seat): Promise<void> {
    const newest = this.#pair.newestStretch(seat);
    if (!seat.isIn(newest)) await seat.open(newest);
    const { branch } = await seat.debuggee.timeline({ most: 0 });
    if (branch !== undefined) await seat.debuggee.switchBranch(0);
    const { now, end } = await seat.debuggee.timeline({ most: 0 });
    if (now !== end) await seat.debuggee.seek(end);
  }
}

function both(a: Seat, ofA: Stopped, b: Seat, ofB: Stopped): Readonly<Record<PairSide, Stopped>> {
  a.stopped = ofA;
  b.stopped = ofB;
  return a.side === "left" ? { left: ofA, right: ofB } : { left: ofB, right: ofA };
}
