import { UserError } from "../base/errors.ts";
import type { SearchState } from "../debuggee/search-protocol.ts";
import type { Searches } from "../debuggee/searches.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { eventLoopTurn, finish } from "./motion-driver.ts";

/** Requests come in bursts: views that a stop has updated ask for this and that. */
const QUIET_MS = 25;
const EVENT_INTERVAL_MS = 100;

/** What is driven of the searches. */
type BackgroundWork = Pick<Searches, "hasWork" | "work" | "suspend" | "onWork">;

/**
 * Drives what searches have to do on the debuggee's own machine, while nobody else wants it, and tells how far they are. When they have
 * nothing to do, it prepares the steps back from where the debuggee has come to stand.
 */
export class BackgroundSearches {
  readonly #searches: BackgroundWork;
  readonly #prepare: () => Motion<void>;
  readonly #isFree: () => boolean;
  readonly #tell: (state: SearchState) => void;
  #work: Motion<void> | undefined;
  /** Going back from here takes longer than it need take. */
  #isUnprepared = false;
  #isPreparing = false;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #isDriving = false;
  /** States that were held back, by search. */
  readonly #held = new Map<number, SearchState>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    searches: BackgroundWork,
    isFree: () => boolean,
    tell: (state: SearchState) => void,
    prepare: () => Motion<void>,
  ) {
    this.#searches = searches;
    this.#prepare = prepare;
    this.#isFree = isFree;
    this.#tell = tell;
    searches.onWork = () => this.goOn();
  }

  /** Somebody wants the machine: it is where the debuggee stands when this returns. */
  suspend(): void {
    const work = this.#work;
    if (work === undefined) return;
    this.#work = undefined;
    if (this.#isPreparing) {
      // It was not finished, and will be needed as much in a moment.
      this.#isUnprepared = true;
      work.return();
    } else {
      this.#searches.suspend();
      finish(work);
    }
  }

  /** The debuggee has come to stand somewhere. */
  arrived(): void {
    clearTimeout(this.#rest);
    this.#isUnprepared = false;
    this.#rest = setTimeout(() => {
      this.#isUnprepared = true;
      this.goOn();
    }, QUIET_MS);
  }

  get #hasWork(): boolean {
    return this.#searches.hasWork || this.#isUnprepared;
  }

  /** Whoever wanted the machine is done with it. */
  goOn(): void {
    if (!this.#isDriving && this.#isFree() && this.#hasWork) void this.#drive();
  }

  async #drive(): Promise<void> {
    this.#isDriving = true;
    try {
      await eventLoopTurn();
      while (this.#isFree() && this.#hasWork) {
        this.#isPreparing = !this.#searches.hasWork;
        if (this.#isPreparing) this.#isUnprepared = false;
        const work = this.#isPreparing ? this.#prepare() : this.#searches.work();
        this.#work = work;
        while (this.#work === work && !this.#isDone(work)) await eventLoopTurn();
        if (this.#work === work) this.#work = undefined;
        else await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      }
    } finally {
      this.#work = undefined;
      this.#isDriving = false;
    }
  }

  #isDone(work: Motion<void>): boolean {
    try {
      return work.next().done === true;
    } catch (error) {
      // Whoever goes there hears of it.
      if (this.#isPreparing && error instanceof UserError) return true;
      throw error;
    }
  }

  /** An event of a search: told at once when it is done, else at most every so often. */
  event(state: SearchState): void {
    this.#held.set(state.id, state);
    if (state.done) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), EVENT_INTERVAL_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const state of this.#held.values()) this.#tell(state);
    this.#held.clear();
  }

  close(): void {
    this.suspend();
    this.#isUnprepared = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#rest);
  }
}
