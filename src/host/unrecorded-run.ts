import { type Instant, instant } from "../base/brand.ts";
import type { MachineEvent, PageNotReadyNotice } from "../machine/inlet.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import { type PageHost, type PageInlet, PageWaits, runPresent } from "../replay/page-waits.ts";
import type { Motion, TravelStop } from "../replay/timeline-interface.ts";
import { AdaptiveTurns } from "./turn-length.ts";

/** Frames that wait for the guest: more are refused, and their senders wait. */
const MOST_FRAMES = 512;

const NOT_DEPARTING = { departing: false } as const;

/** A live machine that nobody records: the same motions as a timeline's, and no past. */
export class UnrecordedRun implements PageInlet {
  readonly machine: MachineLike;
  readonly #turns: AdaptiveTurns;
  readonly #pending: Uint8Array[] = [];
  readonly #frames: Uint8Array[] = [];
  readonly #notices: PageNotReadyNotice[] = [];
  readonly #readyTokens: number[] = [];
  readonly #waits: PageWaits | undefined;
  #pendingTicks = 0;

  /** `pages` brings what the machine has put away. */
  constructor(machine: MachineLike, nowMs: () => number, pages?: PageHost) {
    this.machine = machine;
    this.#turns = new AdaptiveTurns(nowMs);
    this.#waits = pages && new PageWaits(machine, pages, this, () => this.#turns.steps);
    machine.inlet = {
      take: (now) => this.#take(now),
      horizon: (now) => now + (this.#waits?.pollSteps ?? Number.POSITIVE_INFINITY),
    };
  }

  /** See `PageInlet`. */
  queueNotReady(notice: PageNotReadyNotice): void {
    this.#notices.push(notice);
  }

  queueReady(token: number): void {
    this.#readyTokens.push(token);
  }

  get pending(): boolean {
    return this.#isArriving || this.#pendingTicks > 0 || this.#notices.length > 0;
  }

  get #isArriving(): boolean {
    return this.#pending.length > 0 || this.#frames.length > 0 || this.#readyTokens.length > 0;
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
      const stop = this.#waits?.run(instant(until), false) ?? runPresent(this.machine, instant(until), NOT_DEPARTING);
      this.#turns.end(this.machine.instant - before);
      if (stop.kind === "reached" && this.machine.instant >= limit) return stop;
      if (stop.kind !== "reached" && stop.kind !== "waiting") return stop;
      const waiting = stop.kind === "waiting" && !this.pending;
      yield {
        instant: this.machine.instant,
        fraction: undefined,
        waiting,
        ...(stop.kind === "waiting" && stop.ticks !== undefined ? { waitingTicks: stop.ticks } : {}),
      };
    }
  }

  #take(now: Instant): MachineEvent | undefined {
    const notice = this.#notices.shift();
    if (notice !== undefined) return { ...notice, instant: now };
    this.#waits?.poll();
    const token = this.#readyTokens.shift();
    if (token !== undefined) return { kind: "page-ready", instant: now, token };
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
