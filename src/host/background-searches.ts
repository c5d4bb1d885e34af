import type { SearchState } from "../debuggee/search-protocol.ts";
import type { Searches } from "../debuggee/searches.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { eventLoopTurn, finish } from "./motion-driver.ts";

/** Requests come in bursts: views that a stop has updated ask for this and that. */
const QUIET_MS = 25;
const EVENT_INTERVAL_MS = 100;

/** Drives what searches have to do on the debuggee's own machine, while nobody else wants it, and tells how far they are. */
export class BackgroundSearches {
  readonly #searches: Searches;
  readonly #isFree: () => boolean;
  readonly #tell: (state: SearchState) => void;
  #work: Motion<void> | undefined;
  #isDriving = false;
  /** States that were held back, by search. */
  readonly #held = new Map<number, SearchState>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(searches: Searches, isFree: () => boolean, tell: (state: SearchState) => void) {
    this.#searches = searches;
    this.#isFree = isFree;
    this.#tell = tell;
    searches.onWork = () => this.goOn();
  }

  /** Somebody wants the machine: it is where the debuggee stands when this returns. */
  suspend(): void {
    const work = this.#work;
    if (work === undefined) return;
    this.#work = undefined;
    this.#searches.suspend();
    finish(work);
  }

  /** Whoever wanted the machine is done with it. */
  goOn(): void {
    if (!this.#isDriving && this.#isFree() && this.#searches.hasWork) void this.#drive();
  }

  async #drive(): Promise<void> {
    this.#isDriving = true;
    try {
      await eventLoopTurn();
      while (this.#isFree() && this.#searches.hasWork) {
        const work = this.#searches.work();
        this.#work = work;
        while (this.#work === work && work.next().done !== true) await eventLoopTurn();
        if (this.#work === work) this.#work = undefined;
        else await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      }
    } finally {
      this.#work = undefined;
      this.#isDriving = false;
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
    clearTimeout(this.#timer);
  }
}
