import type { Instant } from "../base/brand.ts";
import type { PageNotReadyNotice } from "../machine/inlet.ts";
import type { LatentWork } from "../machine/latent-work.ts";
import type { Departing, MachineLike, RunOptions } from "../machine/machine-interface.ts";
import type { MachineStop } from "../machine/stop.ts";

/** Who brings pages to a live run while it goes on, and counts what that costs. */
export interface PageHost {
  /** The guest is told of a page that is not ready, where it can be; else the machine waits. */
  readonly tells: boolean;
  /** Takes what has come. False, at next to no cost, when nothing has since it was asked last. */
  poll(): boolean;
  /** Stands still until something comes, a few milliseconds at most. */
  wait(): void;
  told(token: number, work: LatentWork): void;
  ready(token: number): void;
  /** The machine stands still for this; undefined: because its whole guest waits for pages that it was told of. */
  stands(work: LatentWork | undefined): void;
  goesOn(): void;
}

/** How the guest hears. */
export interface PageInlet {
  queueNotReady(notice: PageNotReadyNotice): void;
  queueReady(token: number): void;
  /** Something waits to be taken. */
  readonly pending: boolean;
}

/** So often the machine stands still before whoever drives it may look at the world. */
const MOST_WAITS = 4;
/** A part of a turn, half a millisecond or so, after which the machine looks for pages that have come; and the least. */
const POLLS_PER_TURN = 16;
const LEAST_POLL_STEPS = 20_000;
/** A paced guest that waits for pages sleeps no longer than a millisecond at a time. */
const MOST_WAITING_TICKS = 10_000;

/**
 * A live run whose pages may be absent: tells the guest, where it can be told, and delivers the pages as they come; else waits. What
 * the guest was told of and has not come yet stays known while somebody travels in the past.
 */
export class PageWaits {
  readonly #machine: MachineLike;
  readonly #host: PageHost;
  readonly #inlet: PageInlet;
  readonly #turnSteps: () => number;
  /** Pages by the tokens that stand for them. */
  readonly #told = new Map<number, number>();
  /** They may be here, whatever the host has heard: it could have had one when it was asked for, or somebody has brought it. */
  #mayBeHere = false;
  #isStanding = false;
  /** Where it stood before a step: breakpoints have been looked at there, and count once. */
  #stoodAt = -1;

  constructor(machine: MachineLike, host: PageHost, inlet: PageInlet, turnSteps: () => number) {
    this.#machine = machine;
    this.#host = host;
    this.#inlet = inlet;
    this.#turnSteps = turnSteps;
  }

  /** After so many steps the machine shall ask whether pages have come. */
  get pollSteps(): number {
    if (this.#told.size === 0) return Number.POSITIVE_INFINITY;
    return Math.max(LEAST_POLL_STEPS, Math.floor(this.#turnSteps() / POLLS_PER_TURN));
  }

  /** Work in which no page is missing, and for which all of the machine stands still. */
  during(work: LatentWork, doIt: () => void): void {
    // What it stood still for before, and will again, is another wait.
    this.#goOn();
    this.#stand(work);
    try {
      doIt();
    } finally {
      this.#goOn();
    }
  }

  /** Tells of pages that have come. */
  poll(): void {
    if (this.#told.size === 0 || (!this.#host.poll() && !this.#mayBeHere)) return;
    this.#mayBeHere = false;
    const { absentPages } = this.#machine;
    for (const [token, page] of this.#told) {
      // It may have been put away again since it came.
      if (absentPages?.bring(page) === false) absentPages.request(page);
      else {
        this.#told.delete(token);
        this.#host.ready(token);
        this.#inlet.queueReady(token);
      }
    }
  }

  /** As `Machine.run` without its "absent"; "reached" also where the machine stands still for a while. */
  run(until: Instant, departing: Departing): MachineStop {
    const machine = this.#machine;
    const start = machine.instant;
    this.#mayBeHere = true;
    for (let waits = 0; ; ) {
      const isHere = machine.instant === start && departing !== false;
      const has = machine.instant === this.#stoodAt ? "breakpoint" : false;
      const stop = machine.run(until, { departing: isHere ? departing : has });
      this.#stoodAt = -1;
      if (stop.kind === "absent") {
        if (this.#tell(stop)) continue;
        this.#stoodAt = machine.instant;
        waits = this.#await(stop, waits);
      } else if (stop.kind === "waiting" && this.#told.size > 0) {
        if (machine.configuration.clock === "paced") return this.#pacedWait(stop);
        waits = this.#awaitAny(waits);
      } else {
        this.#goOn();
        return stop;
      }
      if (waits >= MOST_WAITS) return { kind: "reached" };
    }
  }

  /** False: it cannot be told, or need not be, because the page is there. */
  #tell({ page, notice }: Extract<MachineStop, { kind: "absent" }>): boolean {
    if (notice === undefined || !this.#host.tells) return false;
    const { absentPages } = this.#machine;
    const work = absentPages!.request(page);
    this.#goOn();
    this.#told.set(notice.token, page);
    this.#mayBeHere = true;
    this.#host.told(notice.token, work);
    this.#inlet.queueNotReady({ kind: "page-not-ready", ...notice, page, work });
    return true;
  }

  #await(stop: Extract<MachineStop, { kind: "absent" }>, waits: number): number {
    const { absentPages } = this.#machine;
    // Once it has what telling needs, its guest is told of the page, and of those to come.
    const page = this.#host.tells ? (stop.needs ?? stop.page) : stop.page;
    if (page !== stop.page) absentPages!.request(stop.page);
    const work = absentPages!.request(page);
    this.#mayBeHere = true;
    // A kernel's own page, mostly. Of a guest that is never told there is nothing to choose from.
    if (this.#host.tells && this.#isToldOfOthers) absentPages?.spare?.(page);
    this.#stand(work);
    for (let waited = waits; waited < MOST_WAITS; waited++) {
      this.#host.wait();
      this.#host.poll();
      if (!absentPages!.bring(page)) continue;
      this.#goOn();
      return waited;
    }
    return MOST_WAITS;
  }

  get #isToldOfOthers(): boolean {
    const { asyncPages, harts } = this.#machine;
    return asyncPages !== undefined && harts.some((_, hart) => asyncPages.area(hart) !== undefined);
  }

  #awaitAny(waits: number): number {
    this.#stand(undefined);
    for (let waited = waits; waited < MOST_WAITS; waited++) {
      this.#host.wait();
      this.poll();
      if (!this.#inlet.pending) continue;
      this.#goOn();
      return waited;
    }
    return MOST_WAITS;
  }

  #pacedWait(stop: Extract<MachineStop, { kind: "waiting" }>): MachineStop {
    this.poll();
    if (this.#inlet.pending) return { kind: "reached" };
    return { kind: "waiting", ticks: Math.min(stop.ticks ?? MOST_WAITING_TICKS, MOST_WAITING_TICKS) };
  }

  #stand(work: LatentWork | undefined): void {
    if (this.#isStanding) return;
    this.#isStanding = true;
    this.#host.stands(work);
  }

  #goOn(): void {
    if (!this.#isStanding) return;
    this.#isStanding = false;
    this.#host.goesOn();
  }
}

/** As `Machine.run`, for a machine that nobody can be told of: what it needs and lacks is fetched at once. */
export function runPresent(machine: MachineLike, until: Instant, options: RunOptions): MachineStop {
  const start = machine.instant;
  for (;;) {
    const departing = machine.instant === start ? options.departing : "breakpoint";
    const stop = machine.run(until, { ...options, departing });
    if (stop.kind !== "absent" || machine.absentPages === undefined) return stop;
    machine.absentPages.bringNow(stop.page);
  }
}
