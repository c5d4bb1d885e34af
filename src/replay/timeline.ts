import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import type { Edit, Inlet, Outlet } from "../machine/inlet.ts";
import type { Checkpoint, Departing, MachineLike, TracedWrite, WrittenPages } from "../machine/machine-interface.ts";
import { type MachineStop, NO_STOPS, type StopConditions } from "../machine/stop.ts";
import { HITS_PER_YIELD, lastHit, type SearchOptions } from "./backward-search.ts";
import type { CheckpointFile } from "./checkpoint-file.ts";
import { CHECKPOINT_BOUNDS, CheckpointStore, type SavedState } from "./checkpoint-store.ts";
import { DigestLog } from "./digest-log.ts";
import { DivergenceError } from "./divergence.ts";
import { EventLog } from "./event-log.ts";
import { FrameLog } from "./frame-log.ts";
import { FurtherInputs } from "./further-inputs.ts";
import { History } from "./history.ts";
import { HitRun, hitOf } from "./hit-run.ts";
import { LiveEnd, type TurnLength } from "./live-end.ts";
import { LiveStops } from "./live-stops.ts";
import { lowerBound } from "./number-column.ts";
import { OutputLog } from "./output-log.ts";
import type { PageHost } from "./page-waits.ts";
import { Playback, type PlaybackOptions, type Run } from "./playback.ts";
import { restoreStart } from "./recorded-start.ts";
import { Recorder, type RecorderOptions } from "./recorder.ts";
import type { RecordingSink } from "./recording-message.ts";
import type { RecordingReader } from "./recording-reader.ts";
import { RegisterSearch } from "./register-search.ts";
import { copyRun } from "./run-copy.ts";
import { type Scan, scanStretch } from "./scan.ts";
import { TimelineInlet } from "./timeline-inlet.ts";
import type {
  Bookmark,
  BookmarkKeeper,
  Hit,
  Motion,
  RegisterQuestion,
  TimelineLike,
  TravelOptions,
  TravelStop,
} from "./timeline-interface.ts";
import { TimelineOutlet } from "./timeline-outlet.ts";

export interface TimelineOptions extends Partial<PlaybackOptions> {
  /** Bound of console output in memory, in bytes. */
  readonly outputLogBytes?: number;
  readonly recorder?: Partial<RecorderOptions>;
  /** Of live runs; absent: `sliceSteps`. */
  readonly turns?: TurnLength;
  /** Live runs: brings pages that the machine has put away. "elsewhere": who leads the run brings them, and is told of stops for them. */
  readonly pages?: PageHost | "elsewhere";
  /** Bound of the frames that a live run receives, in bytes. */
  readonly mostFrameBytes?: number;
  /** Recordings: the bookmarks that are known; absent: those that the recording itself holds. */
  readonly bookmarks?: readonly Bookmark[];
  /** Keeps bookmarks that the recording cannot: all of a finished one, and those that come and go behind one that was removed. */
  readonly bookmarkKeeper?: BookmarkKeeper;
  /** Recordings: the run is known to have gone as far, with nothing in it behind the recording's own end. */
  readonly knownEnd?: Instant | undefined;
  /** Recordings: what the run is known to have ended by, where the recording does not say. */
  readonly knownReason?: MachineStop | undefined;
  /** Live runs: hears each frame that the guest sends, once, in the midst of the step that sends it. */
  readonly onFrame?: (frame: Uint8Array) => void;
  /** Live runs: somebody else decides what comes from outside and when, and hears what the guest says, at the newest instant. */
  readonly doors?: Doors;
  /** The state at reset, of a run that begins with another one. */
  readonly reset?: Checkpoint;
}

export interface Doors {
  readonly inlet: Inlet;
  readonly outlet: Outlet;
}

const PLAYBACK_OPTIONS: PlaybackOptions = {
  sliceSteps: 500_000,
  spacingSteps: 2_000_000,
  travelSpacingSteps: 50_000_000,
  // Eight MiB take some twenty milliseconds to read; code that is not translated by pages runs slower while some are absent.
  eagerPages: 2048,
  stepsPerPage: 10_000,
  nearSteps: 1024,
  bounds: CHECKPOINT_BOUNDS,
};

/**
 * A run opened for travel: a live one that is being recorded, or a recording. See `TimelineLike` for what each motion
 * promises. Memory: checkpoints, digests and console output within their stated bounds; events without one, since all
 * of them are needed.
 */
export class Timeline implements TimelineLike {
  readonly machine: MachineLike;
  readonly history: History;
  /** Where it left another run, for a branch. */
  readonly origin: Instant | undefined;
  readonly #options: TimelineOptions;
  readonly #inputs: FurtherInputs | undefined;
  readonly #playback: Playback;
  readonly #registerSearch: RegisterSearch;
  readonly #recorder: Recorder | undefined;
  /** Undefined on a finished recording. */
  #live: LiveEnd | undefined;
  #ended: MachineStop | undefined;
  /** Where a motion arrived at an exception: it was seen, and going on takes it. */
  #exceptionSeenAt = -1;
  #moving = false;
  /** Where it stands while another timeline has the machine. */
  #parked: SavedState | undefined;

  /** With `fork`: a branch of another timeline, where the machine stands. */
  private constructor(
    machine: MachineLike,
    run: Run,
    end: Instant,
    options: TimelineOptions,
    { sink, fork }: { sink?: RecordingSink | undefined; fork?: Fork } = {},
  ) {
    this.#options = options;
    this.origin = fork?.saved.checkpoint.instant;
    this.#inputs = fork?.inputs;
    const isWaiting = () => machine.harts.every((hart) => hart.waiting);
    const inlet = new TimelineInlet(run.events, isWaiting, (event) => this.#recorder?.event(event), {
      mostFrameBytes: options.mostFrameBytes,
      further: fork?.inputs,
      source: options.doors?.inlet,
    });
    const outlet = new TimelineOutlet(run.outputs, run.frames, {
      onByte: (at, byte) => {
        this.#recorder?.output(at, byte);
        options.doors?.outlet.consoleOutput(at, byte);
      },
      onFrame: (at, frame) => {
        this.#recorder?.frame(at, frame);
        options.onFrame?.(frame);
        options.doors?.outlet.networkOutput?.(at, frame);
      },
      isAnswered: () => options.doors?.outlet.isAnswered ?? false,
    });
    this.machine = machine;
    const playing = { ...PLAYBACK_OPTIONS, ...options };
    const store = fork?.store ?? storeOf(machine, playing);
    this.#playback = new Playback(machine, run, inlet, outlet, end, playing, store);
    this.#playback.connect();
    if (fork !== undefined) this.#playback.restore(fork.saved);
    this.#registerSearch = new RegisterSearch(this.#playback);
    if (sink !== undefined) this.#recorder = this.#recorderTo(sink, machine.writtenPages);
    this.history = new History(run, store, this.#keeper(options.bookmarkKeeper));
  }

  #recorderTo(sink: RecordingSink, writtenPages?: WrittenPages): Recorder {
    const { initial } = this.#playback.store;
    const { recorder, reset } = this.#options;
    return new Recorder(sink, { reset: reset ?? initial.checkpoint, start: initial }, recorder, writtenPages);
  }

  /** The recording takes bookmarks in while it is open; what it has is never taken away there, but beside it. */
  #keeper(beside: BookmarkKeeper | undefined): BookmarkKeeper {
    let removed = false;
    return {
      add: (bookmark) => {
        if (this.live && !removed) this.#recorder?.bookmark(bookmark.instant, bookmark.name);
        else beside?.add(bookmark);
      },
      remove: (bookmark) => {
        // What is added from now on may be the same again, and must come behind this.
        removed = true;
        beside?.remove(bookmark);
      },
    };
  }

  /**
   * A live run of a machine at reset, or in another state with `reset` among the options. `sink` takes the recording, if there is to be one; `file` has the checkpoints
   * that have reached it, if it can be read while it is written.
   */
  static record(
    machine: MachineLike,
    sink?: RecordingSink,
    options: TimelineOptions = {},
    file?: CheckpointFile,
  ): Timeline {
    const outputs = new OutputLog(options.outputLogBytes);
    const run = { events: new EventLog(), outputs, frames: new FrameLog(), digests: new DigestLog(), file };
    const timeline = new Timeline(machine, run, machine.instant, options, { sink });
    timeline.#live = new LiveEnd(timeline.#playback, timeline.#recorder, options.turns, options.pages);
    return timeline;
  }

  /** A recording, and a machine at reset that was built from its header. Throws a DivergenceError when it is another. */
  static open(machine: MachineLike, reading: RecordingReader, options: TimelineOptions = {}): Timeline {
    const { events, outputs, frames, digests, checkpoints: file } = reading;
    const end = Math.max(reading.end, options.knownEnd ?? reading.end) as Instant;
    const reset = reading.header.start && restoreStart(machine, reading);
    const opening = { ...options, ...(reset && { reset }) };
    const timeline = new Timeline(machine, { events, outputs, frames, digests, file }, end, opening);
    timeline.#ended = reading.reason ?? options.knownReason;
    timeline.history.restore(options.bookmarks ?? reading.bookmarks);
    const { first } = reading;
    const recorded = reading.header.start?.digest ?? digests.find(first, 0);
    const got = machine.digest();
    if (recorded !== undefined && recorded !== got) {
      throw timeline.#playback.diverged({ what: "digest", instant: first, expected: recorded, got });
    }
    return timeline;
  }

  /**
   * A run that leaves this one where it stands, to be changed there and run on: with what came before in common, and a
   * newest end of its own that nobody records. This timeline is parked; `inputs`: the branch is given what came from
   * outside later on as well.
   */
  fork(inputs: boolean): Timeline {
    assert(!this.#moving, "a branch during a motion");
    this.park();
    const { run, store, warnings } = this.#playback;
    const saved = this.#parked!;
    const { events, outputBytes, framesSent } = saved;
    const { instant } = saved.checkpoint;
    const fork: Fork = {
      saved,
      store: store.upTo(instant, events),
      inputs: inputs ? FurtherInputs.of(run.events, events, this.#inputs) : FurtherInputs.none(),
    };
    const common: Run = {
      events: run.events.upTo(events),
      outputs: run.outputs.upTo(outputBytes, instant),
      frames: run.frames.upTo(framesSent),
      digests: run.digests.upTo(instant, events),
      file: run.file?.upTo(instant, events),
    };
    // Bookmarks of a branch are its own, and what its guest sends leaves for nowhere.
    const { recorder, bookmarks, bookmarkKeeper, onFrame, doors, ...options } = this.#options;
    const branch = new Timeline(this.machine, common, instant, options, { fork });
    branch.#live = new LiveEnd(branch.#playback, undefined, options.turns, options.pages);
    branch.#playback.warnings.push(...warnings);
    branch.#playback.keep(instant);
    branch.#exceptionSeenAt = this.#exceptionSeenAt;
    branch.history.restore(this.history.bookmarks.filter((bookmark) => bookmark.instant <= instant));
    return branch;
  }

  /** What is known of the run, for those that compare it with another. */
  get run(): Pick<Run, "events" | "outputs" | "frames"> {
    return this.#playback.run;
  }

  /** Events and bytes of output that came before an instant. */
  loggedBefore(instant: Instant): { events: number; outputBytes: number } {
    const { events, outputs } = this.#playback.run;
    const before = lowerBound(events.length, (index) => events.instantAt(index) >= instant);
    return { events: before, outputBytes: outputs.countBefore(instant) ?? outputs.firstHeld };
  }

  /** Goes to `from` and on to `to` step by step, with a look at each state; the timeline stays where it is. */
  *trace(from: Instant, to: Instant, look: (machine: MachineLike) => void): Motion<void> {
    const playback = this.#playback;
    const { machine } = this;
    yield* this.#excursion(false, function* () {
      yield* playback.goTo(from);
      playback.setStops(NO_STOPS);
      look(machine);
      for (let steps = 1; playback.now < to; steps++) {
        playback.slice((playback.now + 1) as Instant, true);
        look(machine);
        if (steps % STEPS_PER_YIELD === 0) yield playback.progress();
      }
    });
  }

  /** Writes what is known of the run as a recording of its own, which ends where this one ends now. The timeline stays. */
  *copyTo(sink: RecordingSink): Motion<void> {
    const playback = this.#playback;
    const { run, store } = playback;
    const recorder = this.#recorderTo(sink);
    yield* this.#excursion(false, () => this.#copy(recorder, run, store));
    for (const { instant, name } of this.history.bookmarks) recorder.bookmark(instant, name);
    recorder.end(this.end, this.#ended);
  }

  *#copy(recorder: Recorder, run: Run, store: CheckpointStore): Motion<void> {
    const playback = this.#playback;
    yield* playback.goTo(this.end);
    const last = { instant: this.end, events: run.events.length, digest: playback.machine.digest() };
    for (const _ of copyRun(run, store.states, last, recorder)) {
      do yield { ...playback.progress(), ...(recorder.isBehind && { writerBehind: true }) };
      while (recorder.isBehind);
    }
  }

  /** Another timeline takes the machine over. What comes from outside waits meanwhile. */
  park(): void {
    assert(!this.#moving, "parked during a motion");
    if (this.#parked !== undefined) return;
    if (this.now === this.end) this.#live?.leave();
    this.#parked = this.#playback.save();
  }

  /** Takes the machine over, where it was left. */
  unpark(): void {
    const parked = this.#parked;
    if (parked === undefined) return;
    this.#parked = undefined;
    this.#playback.connect();
    this.#playback.restore(parked);
    if (this.now === this.end) this.#live?.arrive();
  }

  /** Further inputs of the run that a branch left are still to come. */
  get inputsToCome(): boolean {
    return this.#inputs?.next !== undefined;
  }

  get now(): Instant {
    return this.#parked?.checkpoint.instant ?? this.machine.instant;
  }

  get first(): Instant {
    return this.#playback.store.initial.checkpoint.instant;
  }

  get end(): Instant {
    return this.#playback.end;
  }

  get live(): boolean {
    return this.#live !== undefined;
  }

  get ended(): MachineStop | undefined {
    return this.#ended;
  }

  /** Sentences about the recording that came up on the way. */
  get warnings(): readonly string[] {
    return this.#playback.warnings;
  }

  /** Digests of the recording that replay has computed again and found equal. */
  get verifiedDigests(): number {
    return this.#playback.verifiedDigests;
  }

  /** Checkpoints in memory and the bytes that they hold, for status and tests. */
  get checkpointMemory(): { count: number; bytes: number } {
    return this.#playback.store;
  }

  *seek(instant: Instant): Motion<void> {
    if (!(instant >= this.first && instant <= this.end)) throw outOfRange(instant, this.first, this.end);
    const playback = this.#playback;
    if (instant === this.now && !playback.isAsOpened) return;
    yield* this.#excursion(true, function* () {
      yield* playback.goTo(instant);
    });
  }

  *forward(options: TravelOptions): Motion<TravelStop> {
    this.#begin();
    try {
      return yield* this.#forward(options);
    } catch (error) {
      if (error instanceof DivergenceError) {
        this.#playback.restore(this.#playback.store.atOrBefore(error.divergence.lastAgreement));
      }
      throw error;
    } finally {
      this.#finish();
    }
  }

  *backward(options: TravelOptions): Motion<TravelStop> {
    const playback = this.#playback;
    const lowest = Math.max(this.first, options.limit ?? this.first) as Instant;
    const search = searchOptions(options);
    const before = this.now;
    if (before <= lowest) return { kind: options.limit === undefined || lowest === this.first ? "start" : "reached" };
    const found = yield* this.#excursion(true, function* () {
      const found = yield* lastHit(playback, search, lowest, before);
      if (found !== undefined) playback.store.add(found.anchor, [playback.end, found.hit.instant]);
      yield* playback.goTo(found?.hit.instant ?? lowest);
      return found;
    });
    if (found === undefined) return { kind: lowest === this.first ? "start" : "reached" };
    if (found.hit.stop.kind === "exception") this.#exceptionSeenAt = this.now;
    return found.hit.stop;
  }

  *findLast(options: TravelOptions, before: Instant): Motion<Hit | undefined> {
    const playback = this.#playback;
    const lowest = Math.max(this.first, options.limit ?? this.first) as Instant;
    const highest = Math.min(before, this.end) as Instant;
    if (highest <= lowest) return undefined;
    const found = yield* this.#excursion(false, () => lastHit(playback, searchOptions(options), lowest, highest));
    return found?.hit;
  }

  *toLastRegisterWrite(question: RegisterQuestion, before: Instant): Motion<TracedWrite | undefined> {
    const playback = this.#playback;
    const search = this.#registerSearch;
    const { first } = this;
    const highest = Math.min(before, this.end) as Instant;
    return yield* this.#excursion(true, function* () {
      const found = yield* search.last(question, first, highest);
      yield* playback.goTo((found?.instant ?? first) as Instant);
      return found;
    });
  }

  *scan(scan: Scan, from: Instant, to: Instant): Motion<Instant> {
    const playback = this.#playback;
    const first = Math.max(from, this.first) as Instant;
    const last = Math.min(to, this.end) as Instant;
    if (last <= first) return to;
    const reached = yield* this.#excursion(false, () => scanStretch(playback, scan, first, last));
    return reached === last ? to : reached;
  }

  /**
   * Lays checkpoints close behind where the timeline stands, so that the next steps back are instant. For idle moments;
   * the timeline stays where it is.
   */
  *prepare(): Motion<void> {
    const playback = this.#playback;
    const { now } = this;
    if (now === this.first) return;
    yield* this.#excursion(false, function* () {
      playback.restore(yield* playback.stateAtOrBefore((now - 1) as Instant));
      yield* playback.runTo(now);
    });
  }

  input(bytes: Uint8Array): boolean {
    if (this.live) this.#playback.inlet.queueInput(bytes);
    return this.live;
  }

  receive(frame: Uint8Array): boolean {
    return this.live && this.origin === undefined && this.#playback.inlet.queueFrame(frame);
  }

  /** A sentence once no more frames are taken, because the run has had as many as it may. */
  get networkFailure(): string | undefined {
    if (!this.#playback.inlet.framesExhausted) return undefined;
    return "The network is silent from here on: the guest has received as much as a run can hold.";
  }

  /** Frames that were received and that the guest has not been given. */
  get framesWaiting(): number {
    return this.#playback.inlet.queuedFrames;
  }

  idle(ticks: number): void {
    if (this.live) this.#playback.inlet.queueIdle(ticks);
  }

  edit(edit: Edit): void {
    assert(!this.#moving, "an edit during a motion");
    if (this.#live === undefined) throw new UserError("edit-finished", "A finished recording cannot be changed.");
    if (this.now !== this.end) {
      throw new UserError("edit-in-past", "What has happened cannot be changed: go to the newest instant to edit.");
    }
    this.#live.arrive();
    this.#live.edit(edit);
    if (this.#ended?.kind === "unhandled-trap") this.#ended = undefined;
  }

  /**
   * A turn of new history, up to `limit` at most, for who leads the machine through it by himself: a member of a pair. Undefined: the
   * writer has fallen behind, and the machine waits for it.
   */
  advance(limit: Instant): MachineStop | undefined {
    assert(this.#live !== undefined && !this.#moving, "history is made by a live run that rests");
    this.#live.arrive();
    if (this.#live.writerIsBehind) return undefined;
    const stop = this.#live.slice(limit, false);
    if (stop.kind === "finished" || stop.kind === "unhandled-trap") this.#ended = stop;
    return stop;
  }

  /** Whether somebody else makes history: motions then end where it does. */
  isLed = false;

  /** Ends the recording in good order; from here on the timeline is that of a finished one. */
  close(): void {
    assert(!this.#moving, "closed during a motion");
    this.#live?.close(this.#ended);
    this.#live = undefined;
  }

  *#forward(options: TravelOptions): Motion<TravelStop> {
    const playback = this.#playback;
    const { machine } = this;
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const seen = this.#exceptionSeenAt === this.now ? "step" : "breakpoint";
    const slice = (until: Instant, departing: Departing) =>
      this.#live?.isHere ? this.#live.slice(until, departing) : playback.slice(until, departing);
    // In a live run replay-only code is skipped, as on hardware; a branch is somebody's look at a replay.
    const liveStops = new LiveStops();
    const setStops = (stops: StopConditions) =>
      playback.setStops(this.#live?.isHere && this.origin === undefined ? liveStops.of(stops) : stops);
    const run = new HitRun(machine, options.stops, setStops, slice, options.departing === false ? "nothing" : seen);
    for (let looked = 0; ; ) {
      if (this.now >= limit) return { kind: "reached" };
      if (this.now === this.end) {
        if (this.#live === undefined || this.isLed) return this.#ended ?? { kind: "end" };
        this.#live.arrive();
        if (this.#live.writerIsBehind) {
          yield { ...playback.progress(), writerBehind: true };
          continue;
        }
      }
      const bound = this.#live?.isHere ? limit : Math.min(limit, this.end);
      const stop = run.next(bound as Instant);
      const hit = hitOf(stop, machine);
      if (hit !== undefined) {
        if (options.accept?.(hit, machine) ?? true) {
          if (stop.kind === "exception") this.#exceptionSeenAt = this.now;
          return stop;
        }
        run.passOver(stop);
        if (++looked % HITS_PER_YIELD === 0) yield playback.progress();
      } else if (stop.kind === "reached") {
        if (this.now < limit) yield playback.progress();
      } else if (stop.kind === "waiting") {
        const isHastened = this.origin !== undefined && !this.#live?.inputPending && this.#live?.hasten(stop.ticks);
        if (isHastened) yield playback.progress();
        else if (!this.#live?.inputPending) yield { ...playback.progress(), waiting: true, ...waitingTicks(stop) };
      } else {
        this.#ended = stop;
        return stop;
      }
    }
  }

  #begin(): void {
    assert(!this.#moving, "a motion is under way");
    this.#moving = true;
  }

  /** After every motion: no stops are left behind, and a live run at its newest instant is ready to go on. */
  #finish(): void {
    const playback = this.#playback;
    this.#moving = false;
    playback.fractionAt = undefined;
    playback.setStops(NO_STOPS);
    if (this.now === this.end) this.#live?.arrive();
    if (this.#live?.isHere) this.#live.rest();
  }

  /**
   * A motion through the past. Unless it comes to its end and `stays`, the timeline is put back where it was: when it
   * is abandoned, and when something is thrown.
   */
  *#excursion<Result>(stays: boolean, body: () => Motion<Result>): Motion<Result> {
    this.#begin();
    this.#live?.leave();
    const origin = this.#playback.save();
    let isThere = false;
    try {
      const result = yield* body();
      isThere = stays;
      return result;
    } finally {
      if (!isThere) this.#playback.restore(origin);
      this.#finish();
    }
  }
}

/** Single steps between two yields. */
const STEPS_PER_YIELD = 1024;

/** What a branch begins with. */
interface Fork {
  readonly saved: SavedState;
  readonly store: CheckpointStore;
  readonly inputs: FurtherInputs;
}

function storeOf(machine: MachineLike, { nearSteps, bounds }: PlaybackOptions): CheckpointStore {
  const initial = { checkpoint: machine.checkpoint(), events: 0, outputBytes: 0, framesSent: 0 };
  return new CheckpointStore(initial, nearSteps, bounds);
}

/** A paced machine's timer is due after so many ticks. */
function waitingTicks(stop: Extract<MachineStop, { kind: "waiting" }>): { waitingTicks?: number } {
  return stop.ticks === undefined ? {} : { waitingTicks: stop.ticks };
}

function searchOptions(options: TravelOptions): SearchOptions {
  return { stops: options.stops, accept: options.accept ?? (() => true) };
}

function outOfRange(instant: number, first: Instant, end: Instant): UserError {
  return new UserError(
    "instant-out-of-range",
    `There is no instant ${instant}: the run goes from ${first.toLocaleString("en-US")} to ${end.toLocaleString("en-US")}.`,
    2,
  );
}
