import { LatentMeter } from "../machine/latent-meter.ts";
import type { WorkReport } from "../machine/residency.ts";
import type { Arbiter, Tenure } from "./arbiter.ts";
import type { InnerDivergence, OutputDivergence } from "./divergence.ts";
import { Follower, type FollowerCounters, type FollowerStart, newFollowerCounters } from "./follower.ts";
import type { Link } from "./link.ts";
import type { Message } from "./message.ts";
import type { LockstepOptions } from "./options.ts";
import { PageTransfer } from "./page-transfer.ts";
import {
  type Counts,
  isEndSaid,
  type OutputRun,
  type Replica,
  type ReplicaInput,
  type Snapshot,
  sameCounts,
} from "./replica.ts";
import type { Tap } from "./tap.ts";

export type SecondaryPhase =
  /** It has no state that it could go on from alone. */
  | "joining"
  | "following"
  /** Its output was another; it waits for the primary's state, and has its own to fall back to. */
  | "resynchronising"
  /** It has asked the arbiter. */
  | "claiming"
  /** The arbiter has decided for it. */
  | "surviving"
  /** The other goes on alone. */
  | "fenced"
  /** The guest is over and all output has left; or the comparison came to a difference. */
  | "over";

/** What a survivor begins with. */
export interface Estate {
  readonly term: number;
  /** To be released, in order; what has left already the sink will drop. */
  readonly outputs: readonly OutputRun[];
  /** Inputs of the log that the machine has still to be given. */
  readonly inputs: readonly ReplicaInput[];
  /** Number of the input behind them. */
  readonly nextInput: number;
  readonly sequence: number;
}

export interface SecondaryParts {
  readonly member: string;
  readonly replica: Replica;
  readonly link: Link;
  readonly arbiter: Arbiter;
  readonly options: LockstepOptions;
  /** Both machines are in this state; undefined: it joins a machine that runs. */
  readonly start: FollowerStart | undefined;
  /** Hears what it sees of the protocol. */
  readonly tap?: Tap | undefined;
  /** The clock of what it is told as `nowMs`, for how long pages are waited for; absent: turns take no time. */
  readonly clock?: (() => number) | undefined;
}

/** A copy of a machine that was given up, to fall back to when the primary dies before the new state is whole. */
interface Fallback {
  readonly snapshot: Snapshot;
  readonly counts: Counts;
}

/** Somebody who joins waits longer for the primary than a secondary does: he has nothing to go on with. */
const JOINER_PATIENCE = 10;

/**
 * The secondary of a pair. It follows the log, says nothing to the outside, tells what it has matched, and asks the arbiter
 * when it hears nothing any more.
 */
export class Secondary {
  readonly #parts: SecondaryParts;
  readonly counters: FollowerCounters = newFollowerCounters();
  readonly divergences: OutputDivergence[] = [];
  resynchronisations = 0;
  /** Steps that fit into one of its turns, as far as whoever gives them knows: the primary's are to be no longer. */
  turnSteps = 0;
  pagesReceived = 0;
  #phase: SecondaryPhase;
  #follower: Follower | undefined;
  #fallback: Fallback | undefined;
  #fallbackAt = 0;
  #transfer: PageTransfer | undefined;
  /** Follows the log from the state that is on its way. */
  #next: Follower | undefined;
  /** Snapshot that the present state goes back to. */
  #snapshotId = 0;
  #askedMs: number | undefined;
  #estate: Estate | undefined;
  #nowMs = 0;
  readonly #meter: LatentMeter;
  /** The page that the machine waits for. */
  #waitsFor: number | undefined;
  #acknowledged: Omit<Extract<Message, { kind: "acknowledge" }>, "kind" | "turnSteps"> | undefined;

  constructor(parts: SecondaryParts, nowMs: number) {
    this.#parts = parts;
    this.#meter = new LatentMeter(() => parts.clock?.() ?? this.#nowMs);
    this.#phase = parts.start === undefined ? "joining" : "following";
    if (parts.start !== undefined) {
      this.#follower = new Follower(parts.replica, parts.options, parts.start, this.counters, parts.tap);
    }
    parts.link.sayHello(parts.member, parts.start === undefined ? "joiner" : "secondary", nowMs);
  }

  get phase(): SecondaryPhase {
    return this.#phase;
  }

  get inner(): InnerDivergence | undefined {
    return (this.#next ?? this.#follower)?.inner;
  }

  get lastAgreement(): number | undefined {
    return (this.#next ?? this.#follower)?.lastAgreement;
  }

  /** What it came to that pages had to be fetched from the primary. */
  get works(): readonly WorkReport[] {
    return this.#meter.works;
  }

  /** Once the arbiter has decided for it: what it goes on from as a primary. */
  get estate(): Estate | undefined {
    return this.#estate;
  }

  /** Why the other member is not believed any more. */
  get refusal(): string | undefined {
    return this.#parts.link.refusal;
  }

  /** One turn: hears, runs at most `budget` steps, tells. True when there may be more to do at once. */
  turn(nowMs: number, budget: number): boolean {
    if (this.#phase === "fenced" || this.#phase === "surviving") return false;
    const { link, options } = this.#parts;
    this.#nowMs = nowMs;
    if (this.#phase === "over") {
      // The primary is still to hear that this one has heard it.
      link.receive(nowMs);
      link.flush(nowMs, true);
      return false;
    }
    const messages = link.receive(nowMs);
    for (const message of messages) this.#take(message, nowMs);
    if (link.isSilent(nowMs)) this.#claim(nowMs);
    // It was never paired, and nobody speaks to it any more.
    if (this.#phase === "joining" && link.isSilent(nowMs, options.silenceMs * JOINER_PATIENCE)) this.#fence();
    const moved = this.#advance(budget, nowMs);
    this.#waitFor(this.#next?.absentPage);
    this.#ask(nowMs);
    this.#acknowledge(nowMs);
    // The primary's guest may wait to hear that pages have arrived.
    link.flush(nowMs, this.phase === "over" || messages.some(({ kind }) => kind === "pages"));
    return moved || messages.length > 0;
  }

  #take(message: Message, nowMs: number): void {
    switch (message.kind) {
      case "log":
        for (const entry of message.entries) {
          const expected = (this.#next ?? this.#follower)?.received;
          if (expected !== undefined && entry.sequence !== expected + 1) {
            this.#parts.link.refuse(`entry ${entry.sequence} of the log came after ${expected}`);
            return;
          }
          this.#follower?.feed(entry);
          this.#next?.feed(entry);
        }
        break;
      case "snapshot":
        this.#begin(message, nowMs);
        break;
      case "page-hashes":
        this.#transfer?.takeHashes(message);
        this.#tellLacking(nowMs);
        this.#settle(nowMs);
        break;
      case "pages":
        this.#transfer?.takePages(message);
        this.#settle(nowMs);
        break;
      case "released":
        this.#follower?.released(message.counts);
        this.#next?.released(message.counts);
        if (isEndSaid(message.counts)) this.#phase = "over";
        break;
      case "paired":
        if (this.#phase === "joining") this.#phase = "following";
        break;
      case "alone":
        if (this.#phase !== "joining") this.#fence();
        break;
      case "hello":
        break;
      default:
        this.#parts.link.refuse(`a primary does not say "${message.kind}"`);
    }
  }

  /** A state is on its way. Until it is whole, the one of now is what a survivor would go on from. */
  #begin(header: Extract<Message, { kind: "snapshot" }>, nowMs: number): void {
    const { replica, options } = this.#parts;
    if (header.purpose === "copy" && replica.toleratesAbsentPages) {
      // It needs no copy: it begins with the next state, and runs while that is on its way.
      this.#send({ kind: "complete", id: header.id }, nowMs);
      return;
    }
    replica.withdraw();
    const base = replica.snapshot();
    if (this.#follower !== undefined && this.#fallback === undefined) {
      this.#fallback = { snapshot: base, counts: [...replica.counts] };
      this.#fallbackAt = this.#follower.at;
    }
    this.#transfer = new PageTransfer(header, replica, options, base);
    this.#next =
      header.purpose === "resynchronise"
        ? new Follower(replica, options, this.#transfer.start, this.counters, this.#parts.tap)
        : undefined;
    if (this.#phase === "following") this.#phase = "resynchronising";
  }

  #settle(nowMs: number): void {
    const transfer = this.#transfer;
    if (transfer === undefined || !transfer.complete) return;
    const { header } = transfer;
    if (transfer.corrupt) {
      this.#transfer = undefined;
      this.#next = undefined;
      const instants = { primaryInstant: header.instant, secondaryInstant: header.instant };
      const said = { expected: header.digest, got: "another state", lastAgreement: this.lastAgreement ?? 0 };
      this.#report({ what: "state", device: 0, number: 0, ...instants, ...said }, nowMs, header.id);
      return;
    }
    this.pagesReceived += transfer.pagesReceived;
    this.#transfer = undefined;
    this.#fallback = undefined;
    this.#parts.tap?.({ kind: "resynchronised" });
    if (header.purpose === "resynchronise") {
      if (this.#follower !== undefined) {
        this.resynchronisations++;
        this.#next!.succeed(this.#follower);
      }
      this.#follower = this.#next;
      this.#next = undefined;
      this.#snapshotId = header.id;
      if (this.#phase === "resynchronising") this.#phase = "following";
    }
    this.#send({ kind: "complete", id: header.id }, nowMs);
  }

  #advance(budget: number, nowMs: number): boolean {
    const adopting = this.#transfer !== undefined;
    if (adopting && this.#transfer?.adopted !== true) return false;
    const follower = adopting ? this.#next : this.#follower;
    if (follower === undefined || follower.divergence !== undefined) return false;
    const moved = follower.advance(budget);
    const { divergence } = follower;
    if (divergence !== undefined) this.#report(divergence, nowMs);
    return moved;
  }

  #report(divergence: OutputDivergence, nowMs: number, snapshot = this.#transfer?.header.id ?? this.#snapshotId): void {
    const { options } = this.#parts;
    this.divergences.push(divergence);
    this.#parts.tap?.({ kind: "divergence", through: this.#through, divergence });
    this.#send({ kind: "divergence", snapshot, divergence }, nowMs);
    if (options.onDivergence === "stop") this.#phase = "over";
    else if (this.#phase === "following") this.#phase = "resynchronising";
  }

  /** Before it asks for any. */
  #tellLacking(nowMs: number): void {
    const marks = this.#transfer?.takeLacking();
    if (marks !== undefined) this.#send({ kind: "lacking", id: this.#transfer!.header.id, marks }, nowMs);
  }

  #waitFor(page: number | undefined): void {
    if (page === this.#waitsFor) return;
    this.#waitsFor = page;
    this.#meter.goesOn();
    if (page !== undefined) this.#meter.stands("remote-fetch");
  }

  #ask(nowMs: number): void {
    const transfer = this.#transfer;
    if (transfer === undefined) return;
    const pages = transfer.wanted(this.#next?.absentPage);
    if (pages.length > 0) this.#send({ kind: "want", id: transfer.header.id, pages }, nowMs);
  }

  #acknowledge(nowMs: number): void {
    // Who has never had a state says how far it is with the one that is on its way, or the primary would wait for all its pages.
    const follower = this.#follower ?? this.#next;
    if (follower === undefined) return;
    const { consumed, matched } = follower;
    const at = this.#fallback === undefined ? follower.at : this.#fallbackAt;
    // Also while a state is on its way: everything received is in both followers.
    const { received } = this.#next ?? follower;
    const snapshot = this.#snapshotId;
    const last = this.#acknowledged;
    const isKnown = last?.snapshot === snapshot && last.received === received && last.consumed === consumed;
    if (isKnown && last.at === at && sameCounts(last.matched, matched)) return;
    this.#acknowledged = { snapshot, received, consumed, at, matched: [...matched] };
    this.#send({ kind: "acknowledge", ...this.#acknowledged, turnSteps: this.turnSteps }, nowMs);
  }

  /** Nothing is heard of the primary: whoever the arbiter decides for goes on. */
  #claim(nowMs: number): void {
    // A state that is not whole cannot go on, and one that was never paired has no right to.
    if (this.#follower === undefined) return;
    if (this.#askedMs !== undefined && nowMs - this.#askedMs < this.#parts.options.retryMs) return;
    this.#askedMs = nowMs;
    const { arbiter, member } = this.#parts;
    arbiter.read((tenure) => {
      if (this.#estate !== undefined || this.#phase === "fenced") return;
      if (this.#won(tenure)) return;
      if (tenure.secondary !== member) {
        // Not paired yet, or not any more.
        if (this.#phase !== "joining") this.#fence();
        return;
      }
      this.#phase = "claiming";
      const next: Tenure = { term: tenure.term + 1, primary: member, secondary: undefined };
      arbiter.testAndSet(tenure.term, next, (answer) => {
        if (this.#estate !== undefined || this.#phase === "fenced") return;
        if (this.#won(answer) || this.#believes(answer)) return;
        this.#fence();
      });
    });
  }

  #won(tenure: Tenure): boolean {
    const { member } = this.#parts;
    if (tenure.primary !== member || tenure.secondary !== undefined) return false;
    this.#survive(tenure.term);
    return true;
  }

  #believes(tenure: Tenure): boolean {
    if (this.#parts.options.planted !== "no-arbiter") return false;
    this.#survive(tenure.term + 1);
    return true;
  }

  #survive(term: number): void {
    const { replica } = this.#parts;
    this.#waitFor(undefined);
    // A state that is not whole, or did not arrive as it was sent, is nothing to go on from.
    if (this.#fallback !== undefined) {
      replica.restore(this.#fallback.snapshot, this.#fallback.counts);
    }
    const follower = this.#follower!;
    const { outputs, inputs } = follower.takeOver();
    this.#estate = { term, outputs, inputs, nextInput: follower.inputs, sequence: follower.received };
    this.#phase = "surviving";
    this.#parts.tap?.({ kind: "take-over", through: follower.received });
  }

  get #through(): number {
    return this.#follower?.consumed ?? 0;
  }

  #fence(): void {
    this.#waitFor(undefined);
    if (this.#phase !== "fenced") this.#parts.tap?.({ kind: "fenced", through: this.#through });
    this.#phase = "fenced";
  }

  #send(message: Message, nowMs: number): void {
    this.#parts.link.send(message, nowMs);
  }
}
