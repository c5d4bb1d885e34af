import { type Instant, instant } from "../base/brand.ts";
import type { MachineEvent } from "../machine/inlet.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import type { Motion, TravelStop } from "../replay/timeline-interface.ts";
import { AdaptiveTurns } from "./turn-length.ts";

/** Frames that wait for the guest: more are refused, and their senders wait. */
const MOST_FRAMES = 512;

/** A live machine that nobody records: the same motions as a timeline's, and no past. */
export class UnrecordedRun {
  readonly machine: MachineLike;
  readonly #turns: AdaptiveTurns;
  readonly #pending: Uint8Array[] = [];
  readonly #frames: Uint8Array[] = [];
  #pendingTicks = 0;

  constructor(machine: MachineLike, nowMs: () => number) {
    this.machine = machine;
    this.#turns = new AdaptiveTurns(nowMs);
    machine.inlet = {
      take: (now) => this.#take(now),
      horizon: () => Number.POSITIVE_INFINITY,
    };
  }

  /** Console input that takes effect where the machine stands between two turns. */
  input(bytes: Uint8Array): void {
    this.#pending.push(bytes);
  }

  /** A network frame, likewise. False when too many wait already. */
  receive(frame: Uint8Array): boolean {
    if (this.#frames.length >= MOST_FRAMES) return false;
    this.#frames.push(frame);
    return true;
  }

  /** Frames that the guest has not been given. */
  get framesWaiting(): number {
    return this.#frames.length;
  }

  /** Lets `ticks` of mtime pass for a paced guest that waits. */
  idle(ticks: number): void {
    this.#pendingTicks += ticks;
  }

  /** Runs until the guest ends, or `limit`. */
  *forward(limit: number): Motion<TravelStop> {
    for (;;) {
      const before = this.machine.instant;
      const until = Math.min(limit, before + this.#turns.steps);
      this.#turns.begin();
      const stop = this.machine.run(instant(until), { departing: false });
      this.#turns.end(this.machine.instant - before);
      if (stop.kind === "reached" && this.machine.instant >= limit) return stop;
      if (stop.kind !== "reached" && stop.kind !== "waiting") return stop;
      const isIdle = this.#pending.length === 0 && this.#frames.length === 0 && this.#pendingTicks === 0;
      const waiting = stop.kind === "waiting" && isIdle;
      yield {
        instant: this.machine.instant,
        fraction: undefined,
        waiting,
        ...(stop.kind === "waiting" && stop.ticks !== undefined ? { waitingTicks: stop.ticks } : {}),
      };
    }
  }

  #take(now: Instant): MachineEvent | undefined {
    const bytes = this.#pending.shift();
    if (bytes !== undefined) return { kind: "console-input", instant: now, bytes };
    const frame = this.#frames.shift();
    if (frame !== undefined) return { kind: "network-input", instant: now, frame };
    if (this.#pendingTicks === 0) return undefined;
    const ticks = this.#pendingTicks;
    this.#pendingTicks = 0;
    return { kind: "idle-jump", instant: now, ticks };
  }
}
