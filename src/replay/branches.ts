import { assert } from "../base/assert.ts";
import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import type { Edit } from "../machine/inlet.ts";
import type { MachineLike, TracedWrite } from "../machine/machine-interface.ts";
import type { MachineStop } from "../machine/stop.ts";
import { type ComparedRun, type Comparison, compareRuns } from "./comparison.ts";
import type { RecordingSink } from "./recording-message.ts";
import type { Scan } from "./scan.ts";
import type { Timeline } from "./timeline.ts";
import type {
  Bookmark,
  BranchState,
  HistoryLike,
  Hit,
  Motion,
  RegisterQuestion,
  TimelineLike,
  TravelOptions,
  TravelStop,
} from "./timeline-interface.ts";

/** Each holds checkpoints and output of its own, within the bounds of a timeline. */
const MOST_BRANCHES = 8;
/** The run that is recorded, or was. */
export const RECORDING = 0;

interface Branch {
  readonly id: number;
  readonly timeline: Timeline;
  readonly inputs: boolean;
  name: string | undefined;
  /** The run that it left, or what that one had left when it is no longer there. */
  parent: number;
  /** Up to here it is the same as its parent. */
  common: Instant;
  edits: number;
}

/**
 * A recording, or a live run, with the branches that were taken from it. All of them share one machine, which is in the
 * hands of one timeline at a time; travellers see that one. The others stand where they were left.
 */
export class Branches implements TimelineLike {
  readonly machine: MachineLike;
  readonly history: HistoryLike;
  readonly #recording: Timeline;
  readonly #branches: Branch[] = [];
  #current: Branch | undefined;
  #lastId = RECORDING;

  constructor(recording: Timeline) {
    this.machine = recording.machine;
    this.#recording = recording;
    this.history = new CurrentHistory(() => this.#timeline.history);
  }

  get #timeline(): Timeline {
    return this.#current?.timeline ?? this.#recording;
  }

  get now(): Instant {
    return this.#timeline.now;
  }

  get first(): Instant {
    return this.#timeline.first;
  }

  get end(): Instant {
    return this.#timeline.end;
  }

  get live(): boolean {
    return this.#timeline.live;
  }

  get ended(): MachineStop | undefined {
    return this.#timeline.ended;
  }

  get branch(): BranchState | undefined {
    return this.#current && stateOf(this.#current);
  }

  /** What the guest has printed in the run that is recorded, whatever branch is looked at. */
  get recordingHistory(): HistoryLike {
    return this.#recording.history;
  }

  seek(instant: Instant): Motion<void> {
    return this.#timeline.seek(instant);
  }

  forward(options: TravelOptions): Motion<TravelStop> {
    return this.#timeline.forward(options);
  }

  backward(options: TravelOptions): Motion<TravelStop> {
    return this.#timeline.backward(options);
  }

  findLast(options: TravelOptions, before: Instant): Motion<Hit | undefined> {
    return this.#timeline.findLast(options, before);
  }

  toLastRegisterWrite(question: RegisterQuestion, before: Instant): Motion<TracedWrite | undefined> {
    return this.#timeline.toLastRegisterWrite(question, before);
  }

  scan(scan: Scan, from: Instant, to: Instant): Motion<Instant> {
    return this.#timeline.scan(scan, from, to);
  }

  prepare(): Motion<void> {
    return this.#timeline.prepare();
  }

  input(bytes: Uint8Array): boolean {
    return this.#timeline.input(bytes);
  }

  /** The network is the recorded run's alone. */
  receive(frame: Uint8Array): boolean {
    return this.#recording.receive(frame);
  }

  /** So is the host's clock. */
  idle(ticks: number): void {
    this.#recording.idle(ticks);
  }

  edit(edit: Edit): void {
    this.#timeline.edit(edit);
    if (this.#current !== undefined) this.#current.edits++;
  }

  // ---- branches

  get branches(): readonly BranchState[] {
    return this.#branches.map(stateOf);
  }

  /**
   * Leaves the run that is looked at, where it stands, and goes on in a branch. `inputs`: what came from outside later on is
   * given to the branch as well. Of too many branches the oldest that nobody has named goes.
   */
  start(inputs: boolean): BranchState {
    this.#makeRoom();
    const timeline = this.#timeline.fork(inputs);
    this.#current = {
      ...{ id: ++this.#lastId, timeline, inputs, name: undefined, edits: 0 },
      parent: this.#current?.id ?? RECORDING,
      common: timeline.origin!,
    };
    this.#branches.push(this.#current);
    return stateOf(this.#current);
  }

  /** Goes over to a branch, or to the recording, where it was left. Returns up to where both runs are the same. */
  switchTo(id: number): Instant {
    const target = id === RECORDING ? undefined : this.#find(id);
    const common = this.#common(this.#current, target);
    if (target === this.#current) return common;
    this.#timeline.park();
    this.#current = target;
    this.#timeline.unpark();
    return common;
  }

  /** Drops a branch. Whoever stands in it stands in the run that it had left, where that was left. */
  discard(id: number): Instant {
    const branch = this.#find(id);
    const common = this.#current === branch ? this.switchTo(branch.parent) : this.now;
    this.#branches.splice(this.#branches.indexOf(branch), 1);
    for (const other of this.#branches) {
      if (other.parent !== id) continue;
      other.parent = branch.parent;
      other.common = Math.min(other.common, branch.common) as Instant;
    }
    return common;
  }

  /** Gives a branch a name, under which it stays until it is discarded. */
  keep(id: number, name: string): BranchState {
    const branch = this.#find(id);
    if (name.trim() === "") throw new UserError("branch-name", "A branch that is kept needs a name.", 2);
    if (this.#branches.some((other) => other !== branch && other.name === name.trim())) {
      throw new UserError("branch-name", `There is a branch named “${name.trim()}” already.`, 2);
    }
    branch.name = name.trim();
    return stateOf(branch);
  }

  /** Writes a branch as a recording of its own. */
  *copyTo(id: number, sink: RecordingSink): Motion<void> {
    const branch = this.#find(id);
    yield* this.#visiting(() => this.#on(branch.timeline, branch.timeline.copyTo(sink)));
  }

  /** Holds a branch against the recording, or against another branch; nobody moves. */
  *compare(id: number, { at, against = RECORDING }: { at?: Instant; against?: number } = {}): Motion<Comparison> {
    const branch = this.#find(id);
    const other = against === RECORDING ? undefined : this.#find(against);
    const common = this.#common(branch, other);
    const [left, right] = [other?.timeline ?? this.#recording, branch.timeline];
    const most = Math.min(left.end, right.end);
    if (at !== undefined && !(at >= 0 && at <= most)) {
      throw new UserError("instant-out-of-range", `Both runs have the instants 0 to ${most}, and not ${at}.`, 2);
    }
    return yield* this.#visiting(() =>
      compareRuns(this.#compared(left), this.#compared(right), left.loggedBefore(common), at),
    );
  }

  /** Ends the recording. */
  close(): void {
    this.switchTo(RECORDING);
    this.#branches.length = 0;
    this.#recording.close();
  }

  #find(id: number): Branch {
    const branch = this.#branches.find((one) => one.id === id);
    if (branch !== undefined) return branch;
    const all = this.#branches.map((one) => one.id).join(", ");
    const others = all === "" ? "there are none" : `there are ${all}`;
    throw new UserError("no-branch", `There is no branch ${id}: ${others}.`, 2);
  }

  #makeRoom(): void {
    if (this.#branches.length < MOST_BRANCHES) return;
    const oldest = this.#branches.find((branch) => branch.name === undefined && branch !== this.#current);
    if (oldest === undefined) {
      throw new UserError("branches", `There are ${MOST_BRANCHES} branches, and all are kept: discard one first.`);
    }
    this.discard(oldest.id);
  }

  /** Up to where two runs are the same: the least instant at which one was left on the way from the one to the other. */
  #common(one: Branch | undefined, other: Branch | undefined): Instant {
    const [left, right] = [this.#way(one), this.#way(other)];
    const apart = [...left, ...right].filter((branch) => !(left.includes(branch) && right.includes(branch)));
    const { end } = one?.timeline ?? this.#recording;
    return apart.reduce<Instant>((least, { common }) => Math.min(least, common) as Instant, end);
  }

  /** A branch, and those that it came from. */
  #way(branch: Branch | undefined): Branch[] {
    const way: Branch[] = [];
    for (let at = branch; at !== undefined; at = this.#branches.find(({ id }) => id === at!.parent)) way.push(at);
    return way;
  }

  #compared(timeline: Timeline): ComparedRun {
    const { events, outputs } = timeline.run;
    const { end, ended } = timeline;
    const isOver = ended !== undefined && ended.kind !== "reached";
    return {
      ...{ end, ended: isOver, events, outputs },
      trace: (from, to, look) => this.#on(timeline, timeline.trace(from, to, look)),
    };
  }

  /** A motion of one timeline, with the machine in its hands. */
  *#on<Result>(timeline: Timeline, motion: Motion<Result>): Motion<Result> {
    for (const other of [this.#recording, ...this.#branches.map((branch) => branch.timeline)]) {
      if (other !== timeline) other.park();
    }
    timeline.unpark();
    return yield* motion;
  }

  /** Puts the machine back into the hands that it was in. */
  *#visiting<Result>(body: () => Motion<Result>): Motion<Result> {
    const { now } = this;
    const current = this.#timeline;
    try {
      return yield* body();
    } finally {
      for (const { timeline } of this.#branches) if (timeline !== current) timeline.park();
      if (this.#recording !== current) this.#recording.park();
      current.unpark();
      assert(this.now === now, "a comparison has moved the timeline");
    }
  }
}

function stateOf({ id, name, parent, timeline, inputs, edits }: Branch): BranchState {
  const { origin, now, end } = timeline;
  return { id, ...(name !== undefined && { name }), parent, origin: origin!, now, end, inputs, edits };
}

/** The history of whatever run is looked at. */
class CurrentHistory implements Required<HistoryLike> {
  readonly #of: () => HistoryLike;

  constructor(of: () => HistoryLike) {
    this.#of = of;
  }

  get events() {
    return this.#of().events;
  }

  get outputLength() {
    return this.#of().outputLength;
  }

  get firstOutputHeld() {
    return this.#of().firstOutputHeld ?? 0;
  }

  get frameCount() {
    return this.#of().frameCount ?? 0;
  }

  get checkpoints() {
    return this.#of().checkpoints;
  }

  get bookmarks() {
    return this.#of().bookmarks;
  }

  instantOfOutput(offset: number) {
    return this.#of().instantOfOutput(offset);
  }

  outputLengthAt(instant: Instant) {
    return this.#of().outputLengthAt?.(instant);
  }

  instantOfFrame(number: number) {
    return this.#of().instantOfFrame?.(number);
  }

  frameCountAt(instant: Instant) {
    return this.#of().frameCountAt?.(instant) ?? 0;
  }

  outputBytes(offset: number, length: number) {
    return this.#of().outputBytes(offset, length);
  }

  lines(from: Instant, to: Instant) {
    return this.#of().lines?.(from, to) ?? [];
  }

  addBookmark(bookmark: Bookmark) {
    this.#of().addBookmark(bookmark);
  }

  removeBookmark(bookmark: Bookmark) {
    this.#of().removeBookmark(bookmark);
  }

  renameBookmark(bookmark: Bookmark, name: string) {
    this.#of().renameBookmark(bookmark, name);
  }

  marks(from: Instant, to: Instant, most: number) {
    return this.#of().marks?.(from, to, most) ?? { marks: [], total: 0 };
  }
}
