import { UserError } from "../base/errors.ts";
import type { Stopped } from "../debuggee/protocol.ts";
import type { Debuggee } from "./environment.ts";
import { errors } from "./errors.ts";

/** A way to move the machine, until it stands still again. */
export type Motion = (debuggee: Debuggee) => Promise<Stopped>;

/** A held-down step key asks for steps faster than they are shown; more than this waiting would run on after it is let go. */
const WAITING_LIMIT = 16;
/** How long a motion may take to come to rest after `pause`, when the session wants to end. */
const REST_TIMEOUT_MS = 2000;

/** Well below the 100 ms within which a pause has to come through. */
const PAUSE_AGAIN_MS = 20;

export interface MotionListener {
  /** The machine stands still. Nothing else moves until this returns. */
  stopped(stopped: Stopped): void;
  /** The motion did not happen; the machine stands where it stood. */
  failed(error: unknown): void;
}

/**
 * One motion at a time. Steps that come while a step goes on wait for it; whatever else comes then is refused. A pause
 * ends the motion and forgets what waits.
 */
export class Motions {
  readonly #listener: MotionListener;
  #current: Promise<void> | undefined;
  /** Ends, and never fails, when the search that goes on does. */
  #search: Promise<void> | undefined;
  #cancelSearch: (() => void) | undefined;
  #steps: { readonly debuggee: Debuggee; readonly motion: Motion }[] = [];
  #currentIsStep = false;
  /** Motions of a debuggee that was thrown away report to nobody. */
  #generation = 0;

  constructor(listener: MotionListener) {
    this.#listener = listener;
  }

  get moving(): boolean {
    return this.#current !== undefined;
  }

  /** Throws when the machine is moving: nothing that stands still can be asked about then. Waits for a search to end. */
  async rest(): Promise<void> {
    while (this.#search !== undefined) await this.#search;
    if (this.moving) throw errors.running();
  }

  /**
   * Runs a question that takes long, during which the machine goes elsewhere and comes back: nobody else may look. `cancel`
   * ends it where the debuggee's `pause` does not.
   */
  async search<T>(question: () => Promise<T>, cancel?: () => void): Promise<T> {
    await this.rest();
    const answer = question();
    const search = answer.then(
      () => {},
      () => {},
    );
    this.#search = search;
    this.#cancelSearch = cancel;
    try {
      return await answer;
    } finally {
      this.#search = undefined;
      this.#cancelSearch = undefined;
    }
  }

  /** Throws when `start` would refuse; ask before answering the request. */
  check(kind: "step" | "other"): void {
    if (this.#search !== undefined) throw errors.searching();
    if (!this.moving) return;
    if (kind === "other" || !this.#currentIsStep) throw errors.running();
    if (this.#steps.length >= WAITING_LIMIT) throw errors.tooManySteps();
  }

  start(debuggee: Debuggee, motion: Motion, kind: "step" | "other"): void {
    this.check(kind);
    if (this.moving) {
      this.#steps.push({ debuggee, motion });
      return;
    }
    this.#currentIsStep = kind === "step";
    this.#current = this.#run(debuggee, motion, this.#generation);
  }

  /**
   * Ends the motion or the search that goes on now. Some consist of several requests, and a pause between two of them
   * finds nothing to end: so it is asked for again until it has come to rest.
   */
  async pause(debuggee: Debuggee): Promise<void> {
    this.#steps = [];
    let rested = false;
    const rest = Promise.all([this.#current, this.#search]).then(() => {
      rested = true;
    });
    do {
      if (this.#cancelSearch === undefined) await debuggee.pause();
      else this.#cancelSearch();
      await within(PAUSE_AGAIN_MS, rest);
    } while (!rested);
  }

  /** Brings the machine to rest and reports nothing of it: the debuggee is about to be closed. */
  async abandon(debuggee: Debuggee): Promise<void> {
    this.#generation++;
    const current = this.#current;
    const rest = this.pause(debuggee).catch(() => {});
    await within(REST_TIMEOUT_MS, Promise.all([current, rest]));
    this.#current = undefined;
  }

  async #run(debuggee: Debuggee, motion: Motion, generation: number): Promise<void> {
    let outcome: { stopped: Stopped } | { error: unknown };
    try {
      outcome = { stopped: await motion(debuggee) };
    } catch (error) {
      outcome = { error };
    }
    if (generation !== this.#generation) return;
    this.#current = undefined;
    // A step that ended at a breakpoint, or failed, was not what the steps behind it were meant to follow.
    const next = "stopped" in outcome && outcome.stopped.reason === "step" ? this.#steps.shift() : undefined;
    if (next === undefined) this.#steps = [];
    if ("stopped" in outcome) this.#listener.stopped(outcome.stopped);
    else this.#listener.failed(outcome.error);
    if (next !== undefined && generation === this.#generation) this.start(next.debuggee, next.motion, "step");
  }
}

/** True for what `pause` makes of a search. */
export function isCancelled(error: unknown): boolean {
  return error instanceof UserError && error.code === "cancelled";
}

/** Resolves with the promise, or after `ms` without it. */
export async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
