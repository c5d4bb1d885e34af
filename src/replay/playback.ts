import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import type { Departing, MachineLike } from "../machine/machine-interface.ts";
import { type MachineStop, NO_STOPS, type StopConditions } from "../machine/stop.ts";
import { type CheckpointFile, DamagedPages, type FileState } from "./checkpoint-file.ts";
import type { CheckpointBounds, CheckpointStore, SavedState } from "./checkpoint-store.ts";
import type { DigestLog } from "./digest-log.ts";
import { type Divergence, DivergenceError } from "./divergence.ts";
import type { EventLog } from "./event-log.ts";
import type { FrameLog } from "./frame-log.ts";
import { DamagedFile } from "./mcap-input.ts";
import type { OutputLog } from "./output-log.ts";
import { runPresent } from "./page-waits.ts";
import type { StoredCheckpoint } from "./payload.ts";
import { PAGE_BYTES } from "./recording-writer.ts";
import type { TimelineInlet } from "./timeline-inlet.ts";
import type { Motion } from "./timeline-interface.ts";
import type { TimelineOutlet } from "./timeline-outlet.ts";

export interface PlaybackOptions {
  /** Most steps between two yields: some ten milliseconds of work. */
  readonly sliceSteps: number;
  /** Least steps between two checkpoints of a live run: some ten milliseconds of a slow guest. */
  readonly spacingSteps: number;
  /**
   * Steps between two checkpoints that are laid on a long way through the past. The file has some as close: on the way
   * to a place only those near it are worth their pages.
   */
  readonly travelSpacingSteps: number;
  /**
   * Least steps between two checkpoints for each page that the first of them saved: a guest that writes all over its
   * memory gets them farther apart, ten times as far at most, so that saving pages takes a small part of its time.
   */
  readonly stepsPerPage: number;
  /** Distance of the nearest of the checkpoints that are laid before a place of arrival; each next is eight times as far. */
  readonly nearSteps: number;
  readonly bounds: CheckpointBounds;
  /** A checkpoint of the file with more pages to be read than this has them read when the machine needs them. */
  readonly eagerPages: number;
}

/** What is known of the run that is played. */
export interface Run {
  readonly events: EventLog;
  readonly outputs: OutputLog;
  /** Frames that the guest sent. */
  readonly frames: FrameLog;
  readonly digests: DigestLog;
  /** Checkpoints that are not in memory. */
  readonly file: CheckpointFile | undefined;
}

/**
 * Going back through all of them replays eight steps for each; a smaller factor costs a guest that writes all over its memory more
 * on its way there than it saves behind.
 */
const NEAR_FACTOR = 8;
/** So many of the checkpoints that are nearest to a place of arrival are laid whatever they cost. */
const ALWAYS_NEAR = 3;
/** The others, when saving their pages takes no more than this part of the time that it took to run there. */
const MOST_SAVING_SHARE = 1 / 4;
/** A machine that has run for so many slices since pages became absent is given the others as well, some now and then: see `fetchSome`. */
const SLICES_UNTIL_FETCH = 200;
const SLICES_PER_FETCH = 20;
/** Read in some milliseconds. */
const PAGES_PER_FETCH = 128;
/** Checkpoints of a guest that writes a lot are this much farther apart at most. */
const MOST_SPACING_FACTOR = 10;

/**
 * A machine that repeats a known run: restores checkpoints, runs on from them, and holds what it does against the
 * record as it goes. It knows the past only; making history is the timeline's.
 */
export class Playback {
  readonly machine: MachineLike;
  readonly run: Run;
  readonly options: PlaybackOptions;
  readonly store: CheckpointStore;
  readonly inlet: TimelineInlet;
  readonly outlet: TimelineOutlet;
  /** Sentences about what went wrong and could be got round. */
  readonly warnings: string[] = [];
  /** The newest instant known, past which nothing is repeated. */
  end: Instant;
  /** How far a search has come when the machine is at an instant, 0..1. */
  fractionAt: ((instant: Instant) => number) | undefined;
  /** Digests that were computed again and found equal. */
  verifiedDigests = 0;
  #agreedAt: Instant;
  /** Steps since pages became absent, or were last fetched. */
  #absentSteps = 0;
  #stops: StopConditions = NO_STOPS;

  /** `store` has the state that the run begins with. */
  constructor(
    machine: MachineLike,
    run: Run,
    inlet: TimelineInlet,
    outlet: TimelineOutlet,
    end: Instant,
    options: PlaybackOptions,
    store: CheckpointStore,
  ) {
    this.machine = machine;
    this.run = run;
    this.inlet = inlet;
    this.outlet = outlet;
    this.end = end;
    this.options = options;
    this.#agreedAt = machine.instant;
    this.store = store;
  }

  get now(): Instant {
    return this.machine.instant;
  }

  /** It stands at the first instant, and has had none of the events that this has for whoever comes there from elsewhere. */
  get isAsOpened(): boolean {
    const { events } = this.run;
    return this.inlet.taken === 0 && events.length > 0 && events.instantAt(0) === this.now;
  }

  /** Takes the machine over from whatever else it repeated. */
  connect(): void {
    this.machine.inlet = this.inlet;
    this.machine.outlet = this.outlet;
    this.#stops = NO_STOPS;
    this.machine.setStops(NO_STOPS);
  }

  setStops(stops: StopConditions): void {
    if (this.#stops === stops) return;
    this.#stops = stops;
    this.machine.setStops(stops);
  }

  /** The present state; not kept unless somebody adds it to the store. */
  save(): SavedState {
    return {
      checkpoint: this.machine.checkpoint(),
      events: this.inlet.taken,
      outputBytes: this.outlet.printed,
      framesSent: this.outlet.framesSent,
    };
  }

  /** Saves the present state for travellers; `target` is where somebody goes. */
  keep(target: Instant): SavedState {
    const saved = this.save();
    this.store.add(saved, [this.end, target]);
    return saved;
  }

  /** Steps from a checkpoint that was just kept to the next regular one. */
  spacingAfter(saved: SavedState): number {
    const { spacingSteps, stepsPerPage } = this.options;
    const forPages = this.pagesOf(saved) * stepsPerPage;
    return Math.floor(Math.min(Math.max(spacingSteps, forPages), spacingSteps * MOST_SPACING_FACTOR));
  }

  /** Pages that a state which was just kept saved, about. */
  pagesOf(saved: SavedState): number {
    return this.store.bytesOf(saved) / PAGE_BYTES;
  }

  restore(saved: SavedState): void {
    this.machine.restore(saved.checkpoint);
    this.#absentSteps = -SLICES_UNTIL_FETCH * this.options.sliceSteps;
    this.inlet.goTo(saved.events);
    this.outlet.goTo(saved);
    this.#agreedAt = saved.checkpoint.instant;
  }

  /** Runs at most a slice of the known past, and checks what it did. Divergence is thrown. */
  slice(until: Instant, departing: Departing): MachineStop {
    const { instant } = this.machine;
    const { digests } = this.run;
    assert(until <= this.end, `instant ${until} is not in the past`);
    const bound = Math.min(until, instant + this.options.sliceSteps, digests.nextAfter(instant));
    try {
      const stop = runPresent(this.machine, bound as Instant, { departing });
      this.#verify(stop);
      this.fetchSome(this.now - instant);
      return stop;
    } catch (error) {
      if (!(error instanceof DamagedPages)) throw error;
      this.comeAgain(error);
      return this.slice(until, this.now === instant ? departing : false);
    }
  }

  /**
   * Who goes on from a state with absent pages does not want to pay for them for ever: when it has gone some way, they come in by and
   * by. `steps` were taken just now.
   */
  fetchSome(steps: number): void {
    const { absentPages, residency } = this.machine;
    // One that keeps fewer pages than its guest has would put away others for them.
    if (absentPages === undefined || absentPages.count === 0 || residency !== undefined) return;
    this.#absentSteps += steps;
    if (this.#absentSteps < SLICES_PER_FETCH * this.options.sliceSteps) return;
    this.#absentSteps = 0;
    absentPages.bringSome(PAGES_PER_FETCH);
  }

  /**
   * Pages that were left in the file turn out to be damaged now that the machine needs one: it comes to the same instant from a state
   * that needs none of them, all at once.
   */
  comeAgain(error: DamagedPages): void {
    const here = this.now;
    const stored = this.run.file?.ownerOf(error.chunk);
    if (stored === undefined) throw error;
    this.#giveUp(stored, error);
    // Only states behind the checkpoint that the pages were saved for can have them.
    this.store.dropAfter(stored.instant - 1);
    const stops = this.#stops;
    this.setStops(NO_STOPS);
    this.restore(this.store.atOrBefore(here));
    while (this.now < here) this.slice(here, true);
    this.setStops(stops);
  }

  #giveUp(stored: StoredCheckpoint, error: unknown): void {
    const reason = unusable(error);
    if (reason === undefined) throw error;
    this.run.file?.dropFrom(stored);
    this.warnings.push(
      `${reason} The recording's checkpoints from instant ${stored.instant.toLocaleString("en-US")} on ` +
        "cannot be used, and travelling there takes longer.",
    );
  }

  /**
   * Runs on to `target`, without stops, and lays checkpoints: those that were made are returned. `thorough`: also where they cost
   * more than somebody who only wants to be at `target` is likely to gain.
   */
  *runTo(target: Instant, thorough = false): Motion<SavedState[]> {
    const { travelSpacingSteps, sliceSteps } = this.options;
    const kept: SavedState[] = [];
    this.setStops(NO_STOPS);
    let keptAt: number = this.now;
    let regularMark = this.now + travelSpacingSteps;
    let yieldedAt: number = this.now;
    do {
      const mark = Math.min(regularMark, this.#nextNearMark(target));
      this.slice(Math.min(target, mark) as Instant, true);
      if (this.now === mark && mark < target) {
        if (thorough || this.#isWorthSaving(target - mark, mark - keptAt)) {
          kept.push(this.keep(target));
          keptAt = mark;
        }
        regularMark = mark + travelSpacingSteps;
      }
      if (this.now - yieldedAt >= sliceSteps) {
        yieldedAt = this.now;
        yield this.progress();
      }
    } while (this.now < target);
    return kept;
  }

  /** To `instant`, by the shortest way. */
  *goTo(instant: Instant): Motion<void> {
    const saved = yield* this.stateAtOrBefore(instant);
    const isNearer = this.now <= instant && this.now >= saved.checkpoint.instant;
    if (!isNearer) this.restore(saved);
    yield* this.runTo(instant);
  }

  /** The latest checkpoint at `instant` or earlier: of those in memory, or brought there from the file. */
  *stateAtOrBefore(instant: Instant): Motion<SavedState> {
    const { file } = this.run;
    for (;;) {
      const inMemory = this.store.atOrBefore(instant);
      const stored = file?.atOrBefore(instant);
      const gain = (stored?.instant ?? 0) - inMemory.checkpoint.instant;
      // Reading pages takes about as long as running some steps.
      if (file === undefined || stored === undefined || gain <= this.options.sliceSteps) return inMemory;
      try {
        const saved = yield* this.#load(file, stored);
        this.store.add(saved, [this.end, instant]);
        return saved;
      } catch (error) {
        this.#giveUp(stored, error);
      }
    }
  }

  progress(): { instant: Instant; fraction: number | undefined } {
    return { instant: this.now, fraction: this.fractionAt?.(this.now) };
  }

  diverged(divergence: Omit<Divergence, "lastAgreement">): DivergenceError {
    const lastAgreement = Math.max(this.#agreedAt, this.outlet.agreedAt) as Instant;
    // Checkpoints that were made on the way may be of the wrong run.
    this.store.dropAfter(this.#agreedAt);
    return new DivergenceError({ ...divergence, lastAgreement });
  }

  *#load(file: CheckpointFile, stored: StoredCheckpoint): Motion<SavedState> {
    const { initial } = this.store;
    let base: FileState = { checkpoint: initial.checkpoint, stored: undefined };
    for (const { checkpoint, events } of this.store.states) {
      const state = { checkpoint, stored: file.find(checkpoint.instant, events) };
      if (state.stored !== undefined && file.distance(stored, state) < file.distance(stored, base)) base = state;
    }
    const digest = this.run.digests.find(stored.instant, stored.events);
    const choices = { digest, eagerPages: this.options.eagerPages };
    const reading = file.load(stored, base, initial.checkpoint, this.machine, choices);
    for (;;) {
      const { done, value } = reading.next();
      if (done) {
        const { events, outputBytes, framesSent } = stored;
        return { checkpoint: value, events, outputBytes, framesSent };
      }
      yield this.progress();
    }
  }

  /** The next place before `target` at which a checkpoint makes going back from there instant. */
  #nextNearMark(target: Instant): number {
    const distance = target - this.now;
    const { nearSteps, travelSpacingSteps } = this.options;
    let mark = Number.POSITIVE_INFINITY;
    for (let before = nearSteps; before < distance && before < travelSpacingSteps; before *= NEAR_FACTOR) {
      mark = target - before;
    }
    return mark;
  }

  /**
   * Whether a checkpoint so many steps before a place of arrival is worth its pages. Those nearest to it always are: going back a
   * step needs them, and only the first of them has more pages than are written in so few steps.
   */
  #isWorthSaving(before: number, stepsSince: number): boolean {
    const { nearSteps, stepsPerPage } = this.options;
    if (before <= nearSteps * NEAR_FACTOR ** (ALWAYS_NEAR - 1)) return true;
    const pages = this.machine.writtenPages?.unsaved() ?? 0;
    return pages * stepsPerPage <= stepsSince * MOST_SAVING_SHARE;
  }

  /** Holds what the machine did against what is known: digests, outputs, and that it went on. */
  #verify(stop: MachineStop): void {
    const { instant } = this.machine;
    const { mismatch } = this.outlet;
    if (mismatch !== undefined) throw this.diverged({ what: "output", ...mismatch });
    const isOver = stop.kind === "finished" || stop.kind === "unhandled-trap" || stop.kind === "waiting";
    if (isOver && instant < this.end) {
      throw this.diverged({ what: "stop", instant, expected: `going on to instant ${this.end}`, got: stop.kind });
    }
    const expected = this.run.digests.find(instant, this.inlet.taken);
    if (expected === undefined || this.#agreedAt === instant) return;
    const missing = this.outlet.missingBefore(instant);
    if (missing !== undefined) throw this.diverged({ what: "output", ...missing });
    const got = this.machine.digest();
    if (got !== expected) throw this.diverged({ what: "digest", instant, expected, got });
    this.#agreedAt = instant;
    this.verifiedDigests++;
  }
}

/** Why a checkpoint could not be read from its file; undefined: that is not what went wrong. */
function unusable(error: unknown): string | undefined {
  if (error instanceof DamagedPages) return unusable(error.cause);
  if (error instanceof DamagedFile) return `The recording is damaged at byte ${error.offset} (${error.message}).`;
  // The file is gone, or its disk.
  return error instanceof UserError ? error.message : undefined;
}
