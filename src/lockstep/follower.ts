import { Clocks } from "./clocks.ts";
import type { InnerDivergence, OutputDivergence } from "./divergence.ts";
import type { LogEntry, Rest } from "./entry.ts";
import type { LockstepOptions } from "./options.ts";
import { OutputMatcher } from "./output-matcher.ts";
import { PendingOutputs } from "./pending-outputs.ts";
import {
  type Counts,
  hasReached,
  type OutputRun,
  type Replica,
  type ReplicaInput,
  type ReplicaStop,
  sameCounts,
} from "./replica.ts";
import type { Tap } from "./tap.ts";

/** Where a follower begins: behind this entry of the log, both machines in the same state. */
export interface FollowerStart {
  readonly sequence: number;
  readonly instant: number;
  readonly counts: Counts;
  /** Number of the next input. */
  readonly inputs: number;
}

type Step = Extract<LogEntry, { kind: "input" | "digest" }>;

/** What is counted while two machines follow one log. */
export interface FollowerCounters {
  digestsEqual: number;
  digestsDifferent: number;
  /** Digests whose instant the secondary had passed, or came to while pages were still absent. */
  digestsSkipped: number;
  outputsMatched: number;
  innerDivergences: number;
}

export function newFollowerCounters(): FollowerCounters {
  return { digestsEqual: 0, digestsDifferent: 0, digestsSkipped: 0, outputsMatched: 0, innerDivergences: 0 };
}

/**
 * A secondary's way through the log. While nothing is known of a difference inside it is *aligned*: inputs take effect at
 * the primary's instants. From the first sign of one on, inputs have their place in the order of inputs and outputs instead,
 * and instants are compared by how far apart the same output was last (`shift`).
 */
export class Follower {
  readonly #replica: Replica;
  readonly #options: LockstepOptions;
  readonly #counters: FollowerCounters;
  readonly #tap: Tap | undefined;
  readonly #matcher: OutputMatcher;
  /** Outputs of the primary that may not have left, and the secondary's own: what a survivor has to release. */
  #unreleased: PendingOutputs;
  readonly #own: PendingOutputs;
  readonly #agenda: Step[] = [];
  #received: number;
  #known: { instant: number; rest: Rest };
  #inputs: number;
  /** So many inputs, the first of the agenda, are in the replica's hands. */
  #handedOver = 0;
  /** The replica cannot go on by itself. */
  #resting = false;
  /** The idle time that it waits for; undefined: none would help it. */
  #waitsFor: number | undefined;
  /** Idle time of its own, in the replica's hands. */
  #idle: ReplicaInput | undefined;
  readonly #clocks: Clocks;
  /** What it has said and the log has not, and what its clock was then. */
  #ahead: { readonly run: OutputRun; readonly ticks: number } | undefined;
  #absentPage: number | undefined;
  #held = false;
  #inner: InnerDivergence | undefined;
  #shift = 0;
  #lastAgreement: number;
  #divergence: OutputDivergence | undefined;

  constructor(replica: Replica, options: LockstepOptions, start: FollowerStart, counters: FollowerCounters, tap?: Tap) {
    this.#tap = tap;
    this.#replica = replica;
    this.#options = options;
    this.#counters = counters;
    this.#received = start.sequence;
    this.#known = { instant: start.instant, rest: "running" };
    this.#inputs = start.inputs;
    this.#lastAgreement = start.instant;
    this.#clocks = new Clocks(replica.stepsPerTick, start.instant);
    this.#unreleased = new PendingOutputs(replica.devices);
    this.#own = new PendingOutputs(replica.devices);
    this.#matcher = new OutputMatcher(replica.devices, start.counts, (primary, secondary) => {
      this.#counters.outputsMatched++;
      // How far apart they can be; exact where both began or ended there.
      const [least, most] = [secondary[0] - primary[1], secondary[1] - primary[0]];
      if (least > this.#shift || most < this.#shift) this.#part("timing");
      this.#shift = Math.max(least, Math.min(most, this.#shift));
    });
  }

  /** What an output of the secondary differs in; set once. */
  get divergence(): OutputDivergence | undefined {
    return this.#divergence;
  }

  get inner(): InnerDivergence | undefined {
    return this.#inner;
  }

  get lastAgreement(): number {
    return this.#lastAgreement;
  }

  /** Sequence number of the newest entry. */
  get received(): number {
    return this.#received;
  }

  /** Everything up to this entry has been gone through. */
  get consumed(): number {
    return this.#agenda.length === 0 ? this.#received : this.#agenda[0].sequence - 1;
  }

  /** How far it is, in the primary's instants. */
  get at(): number {
    const isDone = this.#resting && this.#agenda.length === 0 && this.#matcher.oldestExpected() === undefined;
    if (isDone) return this.#known.instant;
    return Math.max(0, Math.min(this.#known.instant, this.#replica.instant - this.#shift));
  }

  get matched(): Counts {
    return this.#matcher.matched;
  }

  /** The page that it needs to go on. */
  get absentPage(): number | undefined {
    return this.#absentPage;
  }

  /** Number of the input behind the last one of the log. */
  get inputs(): number {
    return this.#inputs;
  }

  feed(entry: LogEntry): void {
    this.#received = entry.sequence;
    switch (entry.kind) {
      case "output":
        this.#unreleased.push(entry.run, 0);
        this.#matcher.expect(entry.run);
        break;
      case "progress":
        this.#known = { instant: entry.instant, rest: entry.rest };
        break;
      case "input":
        if (entry.input.number !== undefined) this.#inputs = entry.input.number + 1;
        this.#clocks.passed("heard", idleTicksOf(entry.input));
        this.#agenda.push(entry);
        break;
      case "digest":
        this.#agenda.push(entry);
        break;
    }
  }

  /** The primary has released so much. */
  released(counts: Counts): void {
    this.#unreleased.drop(counts);
  }

  /**
   * It takes the place of a follower that has had the same entries, from an earlier state on: what was said before its own
   * state, and has perhaps not left, is this one's to release.
   */
  succeed(former: Follower): void {
    this.#unreleased = former.#unreleased;
  }

  /** Goes on through the log, some `budget` steps at most. True when something has happened. */
  advance(budget: number): boolean {
    const end = this.#replica.instant + budget;
    let moved = false;
    this.#absentPage = undefined;
    for (;;) {
      this.#judge();
      if (this.#divergence !== undefined || this.#replica.instant >= end) return moved;
      const goesOn = this.#inner === undefined ? this.#advanceAligned(end) : this.#advanceByOrder(end);
      if (!goesOn) break;
      moved = true;
    }
    this.#judge();
    return moved;
  }

  /** The pair is over: what the survivor has to release, in order, and the inputs that it has still to be given. */
  takeOver(): { outputs: OutputRun[]; inputs: ReplicaInput[] } {
    this.#replica.withdraw();
    this.#collect();
    const { matched } = this.#matcher;
    this.#own.drop(matched);
    return {
      outputs: [...this.#unreleased.below(matched), ...this.#own.take(undefined).map(({ run }) => run)],
      inputs: this.#agenda.flatMap((step) => (step.kind === "input" ? [step.input] : [])),
    };
  }

  #advanceAligned(end: number): boolean {
    const replica = this.#replica;
    const next = this.#agenda[0];
    if (next?.kind === "input") this.#scheduleAt(next.instant);
    // How a guest ends may show in what its next step would be.
    const known = this.#known.instant + (this.#known.rest === "ended" && !this.#resting ? 1 : 0);
    const limit = Math.min(known, next?.instant ?? Number.POSITIVE_INFINITY);
    if (next?.kind === "input" && replica.instant === next.instant) {
      if (this.#run(next.instant)) return true;
      // It does not wait where the primary does, and has decided already what this instant's interrupts are.
      if (this.#absentPage === undefined && !this.#resting && !this.#held) this.#part("timing");
      return this.#inner !== undefined;
    }
    if (replica.instant < limit) {
      const moved = this.#run(Math.min(limit, end));
      // The primary went on where this one cannot.
      if (this.#resting && replica.instant < Math.min(limit, this.#known.instant)) this.#part("timing");
      return moved || this.#inner !== undefined;
    }
    if (next?.kind !== "digest" || replica.instant !== next.instant) return false;
    this.#compare(next);
    return true;
  }

  /** Everything that came at one instant takes effect there. */
  #scheduleAt(instant: number): void {
    for (;;) {
      const step = this.#agenda[this.#handedOver];
      if (step?.kind !== "input" || step.instant !== instant) return;
      this.#replica.schedule(instant, step.input);
      this.#handedOver++;
    }
  }

  #advanceByOrder(end: number): boolean {
    const replica = this.#replica;
    const next = this.#agenda[0];
    const slack = this.#options.slackSteps;
    let limit = this.#known.instant + this.#shift + (this.#known.rest === "running" ? 0 : slack);
    if (next?.kind === "digest" && replica.instant === next.instant) {
      this.#compare(next);
      return true;
    }
    const behind = this.#ticksBehind;
    let isGiven = behind >= (this.#waitsFor ?? Number.POSITIVE_INFINITY) && this.#passTime(behind);
    if (next?.kind === "digest") {
      // Who does the same work in fewer steps never comes to that instant before the log has gone on: it must not wait for it.
      const isPast = replica.instant > next.instant || replica.instant - this.#shift >= next.instant;
      if (isPast || this.#resting) {
        this.#counters.digestsSkipped++;
        this.#agenda.shift();
        return true;
      }
      limit = Math.min(limit, next.instant);
    } else if (next?.kind === "input") {
      const due = next.instant + this.#shift;
      const isDue = replica.instant >= due || this.#resting;
      const place = placeOf(next);
      const isInPlace = place === undefined || hasReached(replica.counts, place);
      limit = isDue ? Math.max(limit, due + slack) : Math.min(limit, due);
      const ticks = idleTicksOf(next.input);
      if (ticks > 0) {
        // It waits elsewhere, and for another time: it is given what its partner's clock is ahead, where it waits.
        if (isDue && isInPlace && !isGiven) {
          this.#consume();
          this.#clocks.passed("partner", ticks);
          return true;
        }
      } else if (isDue && !isGiven) {
        // What its partner had waited by then it has waited as well.
        if (isInPlace && this.#handedOver === 0) isGiven = this.#passTime(behind);
        if (!isGiven && this.#handedOver === 0) {
          replica.queue(next.input, place);
          this.#handedOver = 1;
        }
        isGiven ||= isInPlace;
      }
    }
    // The partner went on where this one waits: all the time that it waits for has passed there, or need not pass.
    if (!isGiven && this.#matcher.oldestExpected() !== undefined) isGiven = this.#passTime(this.#waitsFor ?? 0);
    if (!isGiven && (this.#resting || replica.instant >= limit) && this.#handedOver === 0) return false;
    return this.#run(Math.min(Math.max(limit, replica.instant), end));
  }

  /** How far the clock of one who waits for his timer is behind the partner's, as far as that goes in the log. */
  get #ticksBehind(): number {
    const partner = this.#clocks.partnerAt(this.#agenda[0]?.instant ?? this.#known.instant);
    return Math.floor(partner - this.#clocks.ownAt(this.#replica.instant));
  }

  /** Idle time of its own, for a machine that waits for its timer. False: it does not, or there is none to pass. */
  #passTime(most: number): boolean {
    if (this.#idle !== undefined) return true;
    const ticks = Math.min(most, this.#waitsFor ?? 0);
    if (ticks <= 0 || this.#options.planted === "no-idle-time") return false;
    // An input whose place it has not come to would keep it back.
    this.#takeBack();
    this.#idle = { number: undefined, event: { kind: "idle-jump", ticks } };
    this.#replica.queue(this.#idle);
    return true;
  }

  /** True when something has happened. */
  #run(until: number): boolean {
    const before = this.#replica.instant;
    const stop: ReplicaStop = this.#replica.run(until);
    this.#resting = stop.kind === "waiting" || stop.kind === "ended";
    this.#waitsFor = stop.kind === "waiting" ? stop.ticks : undefined;
    this.#absentPage = stop.kind === "absent" ? stop.page : undefined;
    this.#held = stop.kind === "held";
    const happened = this.#collect();
    return happened || this.#replica.instant > before;
  }

  #collect(): boolean {
    const happenings = this.#replica.drain();
    for (const happening of happenings) {
      if (happening.kind === "output") {
        this.#own.push(happening.run, 0);
        this.#matcher.say(happening.run);
        continue;
      }
      const { input } = happening;
      const ticks = idleTicksOf(input);
      this.#clocks.passed("own", ticks);
      if (input === this.#idle) {
        this.#idle = undefined;
        continue;
      }
      this.#clocks.passed("partner", ticks);
      const step = this.#consume();
      this.#handedOver = Math.max(0, this.#handedOver - 1);
      if (this.#inner === undefined && step?.kind === "input" && !sameCounts(this.#replica.counts, step.place)) {
        this.#part("place");
      }
    }
    if (happenings.length > 0) this.#own.drop(this.#matcher.matched);
    return happenings.length > 0;
  }

  /** The first input of the agenda has taken effect, or what there is of it. */
  #consume(): Step | undefined {
    const step = this.#agenda.shift();
    if (step !== undefined) this.#tap?.({ kind: "input", sequence: step.sequence });
    return step;
  }

  #compare(step: Extract<Step, { kind: "digest" }>): void {
    this.#agenda.shift();
    if (!this.#replica.isWhole) {
      this.#counters.digestsSkipped++;
      return;
    }
    if (this.#replica.digest() !== step.digest || !sameCounts(this.#replica.counts, step.place)) {
      this.#counters.digestsDifferent++;
      this.#tap?.({ kind: "compared", sequence: step.sequence, equal: false });
      this.#part("digest", step.instant);
      return;
    }
    // Also when they had parted: what differed has been overwritten.
    this.#counters.digestsEqual++;
    this.#tap?.({ kind: "compared", sequence: step.sequence, equal: true });
    this.#lastAgreement = step.instant;
    if (this.#inner !== undefined) this.#tap?.({ kind: "agree-again", through: this.consumed });
    this.#inner = undefined;
    this.#shift = 0;
    this.#clocks.agree(step.instant);
    if (this.#idle === undefined) return;
    this.#replica.withdraw();
    this.#idle = undefined;
  }

  /** The two differ inside: from here on inputs have their place in the order of what is said. */
  #part(how: InnerDivergence["how"], noticedAt = this.at): void {
    if (this.#inner !== undefined) return;
    this.#counters.innerDivergences++;
    this.#inner = { how, noticedAt, lastAgreement: this.#lastAgreement };
    this.#tap?.({ kind: "inner-divergence", through: this.consumed, inner: this.#inner });
    this.#takeBack();
  }

  #takeBack(): void {
    if (this.#handedOver > 0) this.#replica.withdraw();
    this.#handedOver = 0;
  }

  #judge(): void {
    const { mismatch } = this.#matcher;
    if (this.#divergence !== undefined) return;
    if (mismatch !== undefined) {
      this.#divergence = { what: "data", ...mismatch, lastAgreement: this.#lastAgreement };
      return;
    }
    const { instant } = this.#replica;
    const expected = this.#matcher.oldestExpected();
    const said = this.#matcher.oldestSaid();
    if (this.#inner === undefined) {
      const isLate = expected !== undefined && instant > expected.lastInstant;
      if (isLate || (said !== undefined && said.instant < this.#known.instant)) this.#part("timing");
      else return;
    }
    const { slackSteps: slack, slackTicks } = this.#options;
    const known = this.#clocks.heardAt(this.#known.instant);
    const own = this.#clocks.ownAt(instant);
    const isOverdue = this.#waitsFor !== undefined && own > known + slackTicks;
    if (
      expected !== undefined &&
      (instant > expected.lastInstant + this.#shift + slack || isOverdue || this.#isStuck())
    ) {
      const at = { device: expected.device, number: this.#matcher.matched[expected.device] };
      const instants = { primaryInstant: expected.instant, secondaryInstant: instant };
      const got = this.#resting ? "nothing: it waits" : "nothing";
      this.#divergence = {
        ...{ what: "missing", ...at, ...instants, expected: "an output", got },
        lastAgreement: this.#lastAgreement,
      };
      return;
    }
    if (said === undefined) return;
    if (said !== this.#ahead?.run) this.#ahead = { run: said, ticks: own };
    // With idle time the partner may still come to say it.
    const primaryRests = this.#known.rest === "waiting" || this.#known.rest === "ended";
    const isAllHeard = primaryRests && this.#agenda.length === 0 && !this.#matcher.expects(said.device);
    const isPast = this.#known.instant > said.lastInstant - this.#shift + slack;
    const isLongPast = this.#known.rest === "idle" && known > this.#ahead.ticks + slackTicks;
    if (!isAllHeard && !isPast && !isLongPast) return;
    this.#divergence = {
      ...{ what: "extra", device: said.device, number: this.#matcher.matched[said.device] },
      ...{ primaryInstant: this.#known.instant, secondaryInstant: said.instant },
      ...{ expected: "nothing", got: "an output", lastAgreement: this.#lastAgreement },
    };
  }

  /** The machine waits, and nothing of the log will wake it. */
  #isStuck(): boolean {
    if (!this.#resting || this.#waitsFor !== undefined) return false;
    const next = this.#agenda[0];
    // Of pages that the primary has told of it will say that they are ready.
    if (next === undefined) return (this.#replica.tokens?.length ?? 0) === 0;
    const place = next.kind === "input" ? placeOf(next) : undefined;
    return place !== undefined && !hasReached(this.#replica.counts, place);
  }
}

/** Of an input to a machine that differs inside. What a guest was told of pages it may hear of at any time, and perhaps says nothing before. */
function placeOf({ input, place }: Extract<Step, { kind: "input" }>): Counts | undefined {
  return input.event.kind === "page-ready" ? undefined : place;
}

function idleTicksOf({ event }: ReplicaInput): number {
  return event.kind === "idle-jump" ? event.ticks : 0;
}
