import { LatentMeter } from "../machine/latent-meter.ts";
import type { LatentWork } from "../machine/latent-work.ts";
import type { WorkReport } from "../machine/residency.ts";
import { PAGES_AHEAD } from "./page-transfer.ts";
import type { Replica, ReplicaStop } from "./replica.ts";

const WORK: LatentWork = "remote-fetch";
const NO_PAGES = new Uint8Array(0);

export interface RemoteFetchParts {
  readonly replica: Replica;
  /** Sends pages of the snapshot that is on its way, and says the number of their last frame. */
  readonly send: (pages: readonly number[]) => number;
  readonly nowMs: () => number;
  /** For tests alone: see `PlantedMistake`. */
  readonly forgetsTokens: boolean;
}

/**
 * What one of a pair lacks is ready in neither: the primary does without the pages that the secondary has still to fetch. Where its guest
 * needs one and can be told, it is told, and so is the secondary's, by the log; both run somebody else while the page
 * is on its way. Where it cannot, the page is sent before what the log says of its use, and no machine waits for it.
 */
export class RemoteFetches {
  readonly #parts: RemoteFetchParts;
  readonly #meter: LatentMeter;
  /** By page, 1: the secondary lacks it, and it has not been sent. */
  #lacking = NO_PAGES;
  /** Pages on their way to the secondary: the last frame that each is in; undefined: it is sent behind the log of this turn. */
  readonly #journeys = new Map<number, number | undefined>();
  /** Pages by the tokens that stand for them. */
  readonly #told = new Map<number, number>();
  #isStanding = false;
  /** The guest is told, where it can be: the secondary does what this machine does. */
  tells = false;

  constructor(parts: RemoteFetchParts) {
    this.#parts = parts;
    this.#meter = new LatentMeter(parts.nowMs);
  }

  /** The guest has been told of pages, and not yet that they are ready. */
  get isTold(): boolean {
    return this.#told.size > 0;
  }

  get works(): readonly WorkReport[] {
    return this.#meter.works;
  }

  /** In which all of the guest waited for pages that it was told of. */
  get idleMs(): number {
    return this.#meter.idleMs;
  }

  /** The secondary goes on without the pages with a mark, 1. */
  begin(marks: Uint8Array): void {
    this.end();
    if (this.#parts.replica.withhold?.(marks) === true) this.#lacking = marks.slice();
  }

  /** It has turned out that the secondary lacks none but those with a mark, 1. */
  narrow(marks: Uint8Array): void {
    if (this.#lacking.length === 0) return;
    const lacking = this.#lacking;
    for (let page = 0; page < lacking.length; page++) lacking[page] &= marks[page];
    this.#parts.replica.withhold?.(lacking);
  }

  /** The secondary lacks nothing any more, or is gone: what the guest waits for is here. */
  end(): void {
    if (!this.#parts.forgetsTokens) for (const token of this.#told.keys()) this.#ready(token);
    this.#told.clear();
    this.#journeys.clear();
    if (this.#lacking.length > 0) this.#parts.replica.withhold?.(NO_PAGES);
    this.#lacking = NO_PAGES;
  }

  /** The machine has stopped for a page. False: for one that it does not have either. */
  meet({ page, notice, needs }: Extract<ReplicaStop, { kind: "absent" }>): boolean {
    const { replica } = this.#parts;
    if (!this.tells) return this.#goAhead(page);
    // What telling needs goes ahead, and the same access is met again.
    if (needs !== undefined && this.#goAhead(needs)) return true;
    const isLacking = this.#lacking[page] === 1;
    if (!isLacking && !this.#journeys.has(page)) return false;
    if (notice !== undefined && !this.#told.has(notice.token)) {
      if (isLacking) this.#order(page);
      this.#told.set(notice.token, page);
      this.#meter.told(notice.token, WORK);
      const event = { kind: "page-not-ready", ...notice, page, work: WORK } as const;
      replica.schedule(replica.instant, { number: undefined, event });
      return true;
    }
    return this.#goAhead(page);
  }

  /** The secondary has asked for these pages, and they have been sent. */
  sent(pages: readonly number[]): void {
    for (const page of pages) {
      if (this.#lacking[page] !== 1) continue;
      this.#lacking[page] = 0;
      this.#parts.replica.release?.(page);
    }
  }

  /** The log of this turn is on its way. */
  logged(): void {
    const pages = [...this.#journeys].flatMap(([page, frame]) => (frame === undefined ? [page] : []));
    if (pages.length > 0) this.#send(pages);
  }

  /** The secondary has had all frames up to this one. */
  arrived(frame: number): void {
    for (const [page, last] of this.#journeys) {
      if (last === undefined || last > frame) continue;
      this.#journeys.delete(page);
      this.#parts.replica.release?.(page);
      for (const [token, told] of this.#told) if (told === page) this.#ready(token);
    }
  }

  /** All of the guest waits, or not. */
  stands(isWaiting: boolean): void {
    const isStanding = isWaiting && this.isTold;
    if (isStanding === this.#isStanding) return;
    this.#isStanding = isStanding;
    if (isStanding) this.#meter.stands(undefined);
    else this.#meter.goesOn();
  }

  /** The page is there before what the log says of its use. False: this machine does not have it either. */
  #goAhead(page: number): boolean {
    const isOrdered = this.#journeys.has(page);
    if (this.#lacking[page] === 1 || (isOrdered && this.#journeys.get(page) === undefined)) {
      this.#send([page]);
      // Nobody waits for it, however long it takes.
      this.#meter.beside(WORK, 0);
    } else if (!isOrdered) return false;
    this.#parts.replica.release?.(page);
    return true;
  }

  /** To be sent once the secondary has been told of it; with those that are often needed next. */
  #order(first: number): void {
    for (let page = first; page < Math.min(first + PAGES_AHEAD, this.#lacking.length); page++) {
      if (this.#lacking[page] !== 1) continue;
      this.#lacking[page] = 0;
      this.#journeys.set(page, undefined);
    }
  }

  #send(pages: readonly number[]): void {
    const frame = this.#parts.send(pages);
    for (const page of pages) {
      this.#lacking[page] = 0;
      this.#journeys.set(page, frame);
    }
  }

  #ready(token: number): void {
    this.#told.delete(token);
    this.#meter.ready(token);
    this.#parts.replica.queue({ number: undefined, event: { kind: "page-ready", token } });
  }
}
