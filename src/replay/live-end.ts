import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import type { Edit } from "../machine/inlet.ts";
import type { Departing, Digest } from "../machine/machine-interface.ts";
import type { MachineStop } from "../machine/stop.ts";
import { DamagedPages } from "./checkpoint-file.ts";
import type { SavedState } from "./checkpoint-store.ts";
import { type PageHost, PageWaits, runPresent } from "./page-waits.ts";
import type { Playback } from "./playback.ts";
import type { Recorder } from "./recorder.ts";

/** How far a live run goes between two yields, some ten milliseconds. What happens does not depend on it. */
export interface TurnLength {
  /** The most steps that the next turn may take. */
  readonly steps: number;
  /** Turns so far, by the time that they took: a guest that was fast a moment ago may take ten times as long for its steps. */
  readonly elapsed: number;
  begin(): void;
  /** It took so many. */
  end(taken: number): void;
}

/**
 * A checkpoint of a fast guest is this many turns from the one before it, and one turn more for so many pages that it saved,
 * up to a bound: so taking them costs some hundredths of the time, and going back to one some tenths of a second.
 */
const LEAST_CHECKPOINT_TURNS = 3;
const PAGES_PER_TURN = 100;
const MOST_CHECKPOINT_TURNS = 16;

/** Where nobody has a clock. */
class FixedTurns implements TurnLength {
  readonly steps: number;
  elapsed = 0;

  constructor(steps: number) {
    this.steps = steps;
  }

  begin(): void {}

  end(taken: number): void {
    this.elapsed += taken / this.steps;
  }
}

/** The newest state of a live run, while somebody travels in its past. */
interface Tip {
  readonly saved: SavedState;
  readonly digest: Digest;
}

/** The open end of a live run: where history is made and recorded. */
export class LiveEnd {
  readonly #playback: Playback;
  readonly #recorder: Recorder | undefined;
  readonly #turns: TurnLength;
  /** Absent where no page is brought while the run goes on. */
  readonly #waits: PageWaits | undefined;
  readonly #areElsewhere: boolean;
  /** Undefined while the machine stands here. */
  #tip: Tip | undefined;
  /** The next checkpoint is taken when both have come. */
  #due: { readonly instant: number; readonly turns: number };

  /** The machine stands at the newest instant: at reset, or where a branch begins. */
  constructor(playback: Playback, recorder: Recorder | undefined, turns?: TurnLength, pages?: PageHost | "elsewhere") {
    this.#playback = playback;
    this.#recorder = recorder;
    this.#turns = turns ?? new FixedTurns(playback.options.sliceSteps);
    this.#areElsewhere = pages === "elsewhere";
    if (typeof pages === "object") {
      this.#waits = new PageWaits(playback.machine, pages, playback.inlet, () => this.#turns.steps);
    }
    this.#due = {
      instant: playback.now + playback.options.spacingSteps,
      turns: this.#turns.elapsed + LEAST_CHECKPOINT_TURNS,
    };
    const saved = playback.save();
    if (playback.run.digests.find(playback.now, saved.events) === undefined) this.#digest(saved);
    this.#goLive();
    // Whoever was to bring these pages is not here, and they are. Who is told from outside what happens is told that as well.
    if (playback.inlet.hasSource) return;
    for (const { token } of playback.machine.asyncPages?.given ?? []) playback.inlet.queueReady(token);
  }

  /** The machine stands at the newest instant, ready to make history. */
  get isHere(): boolean {
    return this.#tip === undefined;
  }

  get writerIsBehind(): boolean {
    return this.#recorder?.isBehind ?? false;
  }

  /** Something from outside waits to be delivered. */
  get inputPending(): boolean {
    return this.#playback.inlet.pending;
  }

  /**
   * The guest of a branch waits. What the run that it left was given next is given to it now; else a paced clock lets
   * the time pass until its timer, since nobody outside waits with it. False: only the user can go on.
   */
  hasten(ticks: number | undefined): boolean {
    const { inlet } = this.#playback;
    if (inlet.hasten()) return true;
    if (ticks === undefined) return false;
    inlet.queueIdle(ticks);
    return true;
  }

  /** Somebody is about to travel: keeps the newest state. */
  leave(): void {
    if (this.#tip !== undefined) return;
    const playback = this.#playback;
    this.rest();
    const saved = playback.keep(playback.now);
    this.#tip = { saved, digest: playback.machine.digest(saved.checkpoint) };
    this.#recorder?.departed();
    playback.inlet.goTo(playback.inlet.taken);
    playback.outlet.goTo(this.#tip.saved);
  }

  /** Back to the newest state. When the machine has come there by replay, it must be the same. */
  arrive(): void {
    if (this.#tip === undefined) return;
    const { saved, digest } = this.#tip;
    const playback = this.#playback;
    if (playback.now === playback.end && playback.inlet.taken === saved.events) {
      const got = playback.machine.digest();
      if (got !== digest) throw playback.diverged({ what: "digest", instant: playback.now, expected: digest, got });
    }
    playback.restore(saved);
    this.#recorder?.arrived();
    this.#tip = undefined;
    this.#goLive();
  }

  /** One slice of new history, up to `limit` at most. */
  slice(limit: number, departing: Departing): MachineStop {
    assert(this.isHere, "history is made at the newest instant only");
    const playback = this.#playback;
    const before = playback.now;
    const { elapsed } = this.#turns;
    this.#turns.begin();
    const until = Math.min(limit, before + this.#turns.steps) as Instant;
    let stop: MachineStop = { kind: "reached" };
    let damaged: DamagedPages | undefined;
    try {
      stop = this.#run(until, departing);
    } catch (error) {
      if (!(error instanceof DamagedPages)) throw error;
      damaged = error;
    }
    this.#turns.end(playback.now - before);
    this.#recorder?.ran(playback.now - before, this.#turns.elapsed - elapsed);
    playback.end = playback.now;
    this.#recorder?.flushOutput();
    // An event may be done by half: nothing is decided here, and there is no state to save.
    if (stop.kind === "absent") return stop;
    playback.inlet.close(playback.now);
    if (damaged !== undefined) this.#comeAgain(damaged);
    else playback.fetchSome(playback.now - before);
    if (playback.now < this.#due.instant || this.#turns.elapsed < this.#due.turns) return stop;
    if (this.#waits === undefined) this.#checkpoint();
    else this.#waits.during("checkpoint-copy", () => this.#checkpoint());
    return stop;
  }

  #run(until: Instant, departing: Departing): MachineStop {
    const { machine } = this.#playback;
    if (this.#waits !== undefined) return this.#waits.run(until, departing);
    return this.#areElsewhere ? machine.run(until, { departing }) : runPresent(machine, until, { departing });
  }

  /** A branch needs pages of the recording that cannot be read: it comes to where it stands by what it has of itself. */
  #comeAgain(error: DamagedPages): void {
    this.leave();
    const { digest } = this.#tip!;
    this.#playback.comeAgain(error);
    this.#tip = { saved: this.#playback.save(), digest };
    this.arrive();
  }

  /** Changes the state where the machine stands. */
  edit(edit: Edit): void {
    assert(this.isHere, "edits are made at the newest instant only");
    const { inlet, machine } = this.#playback;
    inlet.queueEdit(edit);
    const before = inlet.taken;
    runPresent(machine, machine.instant, { departing: true });
    assert(inlet.taken > before, "the machine did not take an edit");
    this.#playback.end = this.#playback.now;
  }

  /** The machine comes to rest: people come back to such places. */
  rest(): void {
    this.#recorder?.flushOutput();
    if (this.#recorder?.wantsCheckpoint(this.#playback.now, true)) this.#recorder.checkpoint(this.#playback.save());
  }

  /** Ends the recording. */
  close(reason: MachineStop | undefined): void {
    this.leave();
    const { saved, digest } = this.#tip!;
    this.#digest(saved, digest);
    // Who opens the recording goes there, and who searches need not go to see what was written last.
    this.#recorder?.checkpoint(saved);
    this.#recorder?.end(this.#playback.end, reason);
  }

  #goLive(): void {
    this.#playback.inlet.goLive(this.#playback.now);
    // Of a branch too: whoever has the machine has the pages that its guest waits for.
    this.#playback.inlet.arrivals = this.#waits;
    this.#playback.outlet.goLive();
  }

  #checkpoint(): void {
    const playback = this.#playback;
    const saved = playback.keep(playback.now);
    this.#digest(saved);
    if (this.#recorder?.wantsCheckpoint(playback.now, false)) this.#recorder.checkpoint(saved);
    const turns = Math.min(LEAST_CHECKPOINT_TURNS + playback.pagesOf(saved) / PAGES_PER_TURN, MOST_CHECKPOINT_TURNS);
    this.#due = { instant: playback.now + playback.spacingAfter(saved), turns: this.#turns.elapsed + turns };
  }

  #digest({ checkpoint, events }: SavedState, digest: Digest = this.#playback.machine.digest(checkpoint)): void {
    const { instant } = checkpoint;
    this.#playback.run.digests.push({ instant, events, digest });
    this.#recorder?.digest(instant, digest, events);
  }
}
