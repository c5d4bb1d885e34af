import type { Arbiter } from "../lockstep/arbiter.ts";
import type { Channel } from "../lockstep/channel.ts";
import { type Fault, FaultyChannel, isChannelFault } from "../lockstep/fault.ts";
import { Link } from "../lockstep/link.ts";
import { Member } from "../lockstep/member.ts";
import { LOCKSTEP_OPTIONS, type LockstepOptions } from "../lockstep/options.ts";
import type { InputSource, OutputSink } from "../lockstep/outside.ts";
import type { Replica } from "../lockstep/replica.ts";
import type { Tap } from "../lockstep/tap.ts";
import { Bell, eventLoopTurn } from "./motion-driver.ts";
import { Pacer } from "./pacer.ts";
import { isAlive, type MemberReport, memberReport } from "./pair-report.ts";
import { AdaptiveTurns } from "./turn-length.ts";

/** Turns are short: what is said waits for the end of one, and for the partner. */
const TURN_MS = 0.5;
/**
 * A primary does not begin a turn when the secondary is farther behind than so many: what it says waits for the secondary to come
 * there. Both are as fast: who once was ahead would stay so. With less each waits for the other at every turn. What a round trip
 * takes beyond a turn comes on top: what is on its way is nobody's delay.
 */
const AHEAD_TURNS = 2;
/** Also before the two are a pair: what is said waits for nobody then, and the secondary waits for pages all the time. */
const MOST_AHEAD_TURNS = 40;
/** Both take a turn for as long, and guess a little otherwise how many steps that is: a secondary does in one what was one. */
const FOLLOWING_TURNS = 1.5;
/** A thread that got no turn for longer was not silent, it was not asked. */
const LONGEST_GAP_MS = 100;
/** Input and answers wait so long at most, where frames come without the event loop. */
const YIELD_MS = 4;
/** So long a member keeps its thread for the next frame, before it gives it to the event loop: as long as some turns. */
const DOZE_MS = 2;
/** Long enough for the kernel to let somebody else in. */
const NAP_MS = 0.05;
/** A frame that a fault holds up is looked for so often. */
const FAULTY_LOOK_MS = 5;
/** A member that a fault freezes stands still so long, and in any case longer than the silence that is taken for death. */
const FREEZE_MS = 3_000;
const FREEZE_SILENCES = 1.5;

const NAP = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** How a member begins. */
export type MemberStart =
  /** Both machines stand at their first instant, in the same state; the arbiter knows of the pair as of term 1. */
  | { readonly role: "primary"; readonly partner: string }
  | { readonly role: "secondary" }
  /** The only machine, until another one joins it; the arbiter knows of it as of this term. */
  | { readonly role: "alone"; readonly term: number }
  /** It is given the state of a machine that runs. */
  | { readonly role: "joiner" };

/** The machine of a member: the protocol's view of it, and what pacing needs. */
export interface DrivenReplica extends Replica {
  /** mtime now. */
  readonly time: bigint;
  /** It waits, paced: the ticks until its timer goes off. */
  readonly waitingTicks: number | undefined;
}

export interface MemberDriverParts {
  /** Its name: as the arbiter knows it. */
  readonly member: string;
  readonly replica: DrivenReplica;
  /** Pages of the machine's checkpoints: `pageCountOf(configuration)`. */
  readonly pageCount: number;
  readonly start: MemberStart;
  /** To the partner. `wake` is to be called when a frame has come. */
  readonly channel: Channel;
  readonly arbiter: Arbiter;
  readonly sink: OutputSink;
  readonly inputs: InputSource;
  readonly options?: Partial<LockstepOptions>;
  /** Whoever carries the frames has no processor of his own: he is let in while output waits. */
  readonly naps?: boolean;
  /** The guest's clock follows the host's. */
  readonly paced?: boolean;
  /** Faults of this member, flipped bits excepted: those are the replica's. */
  readonly faults?: readonly Fault[];
  /** Of faults: the thread or process of the member is gone, or stands still. */
  readonly onKill?: () => void;
  readonly onFreeze?: (ms: number) => void;
  /** Hears what the member sees of the protocol, and which faults it meets. */
  readonly tap?: Tap | undefined;
  /** After each turn in which something happened, and before each rest. */
  readonly onTurn?: () => void;
  /** A steady clock. */
  readonly nowMs: () => number;
}

/** Why the loop of a member came to its end. */
export type MemberEnd =
  /** The guest is over and everything it said has left, or the comparison came to a difference. */
  | "over"
  /** It stands at the limit, and everything has left. */
  | "limit"
  /** The other machine goes on alone. */
  | "fenced"
  /** `stop` was called. */
  | "stopped";

/**
 * Drives one member in the thread that it is in: gives it turns, lets the outside in between them, keeps it alive for its
 * partner while it is paused, and sleeps when there is nothing to do. Nothing here knows where the partner is.
 */
export class MemberDriver {
  readonly #parts: MemberDriverParts;
  readonly #options: LockstepOptions;
  readonly member: Member;
  readonly #bell = new Bell();
  readonly #turns: AdaptiveTurns;
  readonly #faults: Fault[];
  #link: Link;
  #channel: FaultyChannel;
  #pacer: Pacer | undefined;
  /** When a paced machine that is ahead of its clock goes on, or the timer of one that waits is due. */
  #dueMs = 0;
  /** Where it waits for its timer; -1: it does not. */
  #waitAt = -1;
  #overMs: number | undefined;
  #paused = false;
  #stopped = false;
  #limit = Number.POSITIVE_INFINITY;
  /** Time in which this member could have been heard: its clock, and the protocol's. */
  #activeMs = 0;
  #lastMs: number;
  #restMs = 0;
  /** It got no steps in the last turn because the secondary is behind. */
  #waits = false;
  #yieldedMs = 0;
  #movedMs = 0;

  constructor(parts: MemberDriverParts) {
    this.#parts = parts;
    this.#options = { ...LOCKSTEP_OPTIONS, ...parts.options };
    this.#lastMs = parts.nowMs();
    this.#turns = new AdaptiveTurns(parts.nowMs, TURN_MS, parts.nowMs, true);
    this.#faults = (parts.faults ?? [])
      .filter(({ kind }) => kind !== "flip-register" && kind !== "flip-memory")
      .sort((a, b) => a.instant - b.instant);
    const { replica, start, channel, member, sink, inputs, arbiter, tap } = parts;
    this.#channel = new FaultyChannel(channel, start.role === "primary" ? "sent" : "received");
    this.#link = this.#linkOf(this.#channel);
    const clock = () => this.#activeMs + parts.nowMs() - this.#lastMs;
    const ofMember = { member, replica, sink, inputs, arbiter, tap, clock, options: this.#options };
    const atReset = { sequence: 0, instant: replica.instant, counts: replica.counts, inputs: 0 };
    if (start.role === "primary") this.member = Member.primary(ofMember, this.#link, start.partner, 1, 0);
    else if (start.role === "alone") this.member = Member.alone(ofMember, start.term);
    else this.member = Member.secondary(ofMember, this.#link, start.role === "secondary" ? atReset : undefined, 0);
  }

  /** Something came: a frame, input, an answer, room in the sink. Between two turns it is seen at once. */
  readonly wake = (): void => this.#bell.ring();

  get isPaused(): boolean {
    return this.#paused;
  }

  /** The guest stands still; the member lives on. Its partner is to be paused as well, or will wait for it. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.wake();
  }

  /** Ends the loop; the partner hears nothing more. */
  stop(): void {
    this.#stopped = true;
    this.wake();
  }

  /** Another machine wants to become the secondary of this one. False: it has one, or does not speak. */
  accept(channel: Channel): boolean {
    const { primary } = this.member;
    if (primary?.phase !== "alone") return false;
    this.#channel = new FaultyChannel(channel, "sent");
    this.#link = this.#linkOf(this.#channel);
    const isAccepted = primary.accept(this.#link, this.#activeMs);
    this.wake();
    return isAccepted;
  }

  report(): MemberReport {
    return memberReport(this.member, false, this.#link.bytesSent);
  }

  /** Undefined: it goes on. */
  get ended(): MemberEnd | undefined {
    const { primary, secondary } = this.member;
    if (this.#stopped) return "stopped";
    if (!isAlive(this.member)) return "fenced";
    if ((primary ?? secondary!).phase === "over") return "over";
    const isThere = primary?.isSettled === true && this.#parts.replica.instant >= this.#limit;
    return isThere ? "limit" : undefined;
  }

  /** The guest waits, with nothing on its way; `ticks`: for its timer, on a paced clock. */
  get waiting(): { readonly ticks: number | undefined } | undefined {
    const { primary } = this.member;
    if (primary?.isWaiting !== true || !primary.isSettled || primary.willGoOn) return undefined;
    return { ticks: this.#parts.replica.waitingTicks };
  }

  /** Gives turns until there is an end; as the primary it goes to `limit`. */
  async run(limit = Number.POSITIVE_INFINITY): Promise<MemberEnd> {
    for (;;) {
      const moved = this.turn(limit);
      const { ended } = this;
      if (moved || ended !== undefined) this.#parts.onTurn?.();
      if (ended !== undefined && !this.#lingers(ended)) return ended;
      if (!moved && this.#doze()) continue;
      if (!moved) await this.#rest();
      else if (!this.#channel.isImmediate || this.#parts.nowMs() - this.#yieldedMs >= YIELD_MS) await eventLoopTurn();
      else continue;
      if (moved && this.#parts.naps === true && (this.member.primary?.pending ?? 0) > 0)
        Atomics.wait(NAP, 0, 0, NAP_MS);
      this.#yieldedMs = this.#parts.nowMs();
    }
  }

  /** One turn. True when there may be more to do at once. */
  turn(limit = Number.POSITIVE_INFINITY): boolean {
    this.#limit = limit;
    const nowMs = this.#parts.nowMs();
    const passedMs = Math.min(LONGEST_GAP_MS + this.#restMs, Math.max(0, nowMs - this.#lastMs));
    this.#activeMs += passedMs;
    this.#lastMs = nowMs;
    this.#restMs = 0;
    this.#meetFaults();
    if (this.#stopped) return false;
    this.#channel.turn(this.#activeMs);
    const { replica } = this.#parts;
    const { primary } = this.member;
    if (primary !== undefined) {
      primary.paused = this.#paused;
      if (this.#waits || primary.rest === "held") primary.statistics.waitedMs += passedMs;
    }
    primary?.hear(this.#activeMs);
    this.#pass();
    const before = replica.instant;
    this.#turns.begin();
    const moved = this.member.turn(this.#activeMs, this.#budget(nowMs));
    this.#turns.end(Math.max(0, replica.instant - before));
    this.#pace();
    if (moved) this.#movedMs = this.#lastMs;
    return moved;
  }

  /** The partner is still to hear that it is over; should it be gone, nobody waits for it. */
  #lingers(ended: MemberEnd): boolean {
    if (ended !== "over" || this.#link.isIdle) return false;
    this.#overMs ??= this.#activeMs;
    return this.#activeMs - this.#overMs < this.#options.silenceMs;
  }

  #budget(nowMs: number): number {
    this.#waits = false;
    if (this.#paused) return 0;
    // A guest that waits may have input; one that runs and is ahead of its clock has to wait for it.
    if (nowMs < this.#dueMs && this.member.primary?.rest === "running") return 0;
    const { primary, secondary } = this.member;
    if (primary === undefined) {
      secondary!.turnSteps = this.#turns.steps;
      return Math.round(this.#turns.steps * FOLLOWING_TURNS);
    }
    // Of a secondary that is slower a primary with turns of its own would be far ahead in time, and what it says waits for that.
    const isKnown = primary.lagSteps > 0 && primary.partnerTurnSteps > 0;
    const most = isKnown ? Math.round(primary.partnerTurnSteps * FOLLOWING_TURNS) : Number.POSITIVE_INFINITY;
    const steps = Math.min(this.#turns.steps, most);
    // Parts of turns would cost as much as whole ones, and leave the secondary parts to do.
    const turns = primary.phase === "joining" ? MOST_AHEAD_TURNS : this.#aheadTurns;
    this.#waits = primary.lagSteps > turns * steps;
    if (this.#waits) return 0;
    return Math.max(0, Math.min(steps, this.#limit - this.#parts.replica.instant));
  }

  get #aheadTurns(): number {
    const awayMs = Math.max(0, (this.#link.roundTripMs ?? 0) - TURN_MS);
    return Math.min(MOST_AHEAD_TURNS, AHEAD_TURNS + awayMs / TURN_MS);
  }

  /** Ticks until the timer of a paced guest that waits; undefined: it does not wait for that. */
  get #idleTicks(): number | undefined {
    const { paced, replica } = this.#parts;
    const isWaiting = paced === true && !this.#paused && this.member.primary?.isWaiting === true;
    return isWaiting && replica.queued === 0 ? replica.waitingTicks : undefined;
  }

  /**
   * Time has passed for a guest that waited: up to its timer, or to input that has come. The guest of the one that speaks keeps
   * the host's time; the other follows the log, and time comes with it.
   */
  #pass(): void {
    const ticks = this.#idleTicks;
    const { primary } = this.member;
    if (ticks === undefined || primary === undefined) return;
    if (this.#parts.nowMs() < this.#dueMs && !primary.hasInput) return;
    this.#waitAt = -1;
    primary.idle(this.#pacer!.elapsedTicks(this.#parts.replica.time, ticks));
  }

  /** Until when a guest that is ahead of its clock, or waits for its timer, is to sleep. */
  #pace(): void {
    const { primary } = this.member;
    const { paced, replica, nowMs } = this.#parts;
    if (paced !== true || primary === undefined || this.#paused) return;
    this.#pacer ??= new Pacer(nowMs, replica.time);
    const ticks = this.#idleTicks;
    if (primary.isWaiting && ticks === undefined) return;
    // One look for each wait: the pacer takes who falls behind for late, and begins anew.
    const wait = ticks === undefined ? -1 : replica.instant;
    if (wait >= 0 && wait === this.#waitAt) return;
    this.#waitAt = wait;
    const sleepMs = this.#pacer.sleepMs(replica.time, replica.time + BigInt(ticks ?? 0));
    // Timers are no finer than this.
    this.#dueMs = sleepMs >= 1 ? nowMs() + sleepMs : 0;
  }

  /** The partner is about to be heard: true when it has been. */
  #doze(): boolean {
    const nowMs = this.#parts.nowMs();
    if (!this.#channel.isImmediate || this.#channel.holds || this.#paused) return false;
    const untilMs = Math.min(this.#movedMs + DOZE_MS, this.#yieldedMs + YIELD_MS);
    if (nowMs >= untilMs || this.#dueMs > nowMs) return false;
    return this.#channel.wait(untilMs - nowMs);
  }

  async #rest(): Promise<void> {
    this.#parts.onTurn?.();
    this.#channel.listen();
    const nowMs = this.#parts.nowMs();
    let untilMs = nowMs + (this.#channel.holds ? FAULTY_LOOK_MS : this.#options.heartbeatMs);
    // What is owed a partner that is gone stays owed.
    const dueInMs = (this.#link.dueMs ?? 0) - this.#activeMs;
    if (dueInMs > 0) untilMs = Math.min(untilMs, nowMs + dueInMs);
    if (this.#dueMs > nowMs || this.#idleTicks !== undefined) untilMs = Math.min(untilMs, this.#dueMs);
    this.#restMs = Math.max(0, untilMs - nowMs);
    if (this.#restMs > 0) await this.#bell.rest(this.#restMs);
    else await eventLoopTurn();
  }

  #meetFaults(): void {
    const { replica, onKill, onFreeze } = this.#parts;
    while (this.#faults.length > 0 && replica.instant >= this.#faults[0].instant) {
      const { kind } = this.#faults.shift()!;
      this.#parts.tap?.({ kind: "fault", text: kind });
      if (isChannelFault(kind)) this.#channel.arm(kind);
      else if (kind === "freeze") onFreeze?.(Math.max(FREEZE_MS, this.#options.silenceMs * FREEZE_SILENCES));
      else if (kind === "kill") {
        this.#stopped = true;
        onKill?.();
      }
    }
  }

  #linkOf(channel: Channel): Link {
    const { replica, pageCount } = this.#parts;
    return new Link(channel, { devices: replica.devices.length, pageCount }, this.#options, this.#activeMs);
  }
}
