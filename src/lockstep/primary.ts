import type { Tenure } from "./arbiter.ts";
import type { OutputDivergence } from "./divergence.ts";
import type { LogEntry, Rest } from "./entry.ts";
import { LeavingOutputs } from "./leaving-outputs.ts";
import type { Link } from "./link.ts";
import { LogWindow } from "./log-window.ts";
import type { Message } from "./message.ts";
import { PendingOutputs } from "./pending-outputs.ts";
import { type PrimaryParts, type PrimaryPhase, type PrimaryStart, tokensOut } from "./primary-parts.ts";
import { ProgressWatch } from "./progress-watch.ts";
import type { RemoteFetches } from "./remote-fetches.ts";
import {
  type Counts,
  hasReached,
  isEndSaid,
  type OutputRun,
  type ReplicaStop,
  sameCounts,
  unitsOf,
} from "./replica.ts";
import { SnapshotSender } from "./snapshot-sender.ts";
import { newPrimaryStatistics, type PrimaryStatistics } from "./statistics.ts";

/** Pages in a turn that the secondary lacks and the machine comes to need: each takes some fifty microseconds. */
const MOST_MET = 8;
/** Inputs that the machine is given before it has taken them: the rest waits in its source, and is not lost with it. */
const MOST_QUEUED_INPUTS = 16;

/**
 * The machine that the outside hears. It writes the log, keeps what it says until the secondary has said it too, and is held
 * when the secondary falls behind.
 */
export class Primary {
  readonly #parts: PrimaryParts;
  readonly statistics: PrimaryStatistics = newPrimaryStatistics();
  readonly divergences: OutputDivergence[] = [];
  readonly #pending: PendingOutputs;
  #phase: PrimaryPhase;
  #link: Link | undefined;
  #secondary = "";
  #term: number;
  #sequence: number;
  #nextInput: number;
  /** Number of the input that the machine takes next: those between are in its hands. */
  #nextTaken: number;
  #unsent: LogEntry[] = [];
  readonly #unconsumed = new LogWindow();
  /** Inputs that are not part of the secondary's state: their source keeps them, also for who joins a survivor. */
  #unsharedInputs: { sequence: number; number: number }[] = [];
  #at: number;
  #matched: Counts;
  readonly #leaving: LeavingOutputs;
  /** What had been said before the state that a new secondary begins with. */
  #joinedAt: Counts;
  #releasedTold: Counts = [];
  #rest: Rest = "running";
  #progressTold = -1;
  #restTold: Rest = "running";
  #digestDue: number;
  #digestAtMs = 0;
  readonly #sender: SnapshotSender;
  #nowMs = 0;
  /** The secondary has come on since it was looked at. */
  #cameOn = false;
  readonly #progress: ProgressWatch;
  #askedMs: number | undefined;
  #hasHeard = false;
  /** Somebody holds both machines: that the secondary comes no farther means nothing. */
  paused = false;
  /** How many steps fit into a turn of the secondary, as it says; 0: nobody knows. */
  partnerTurnSteps = 0;

  constructor(parts: PrimaryParts, start: PrimaryStart) {
    this.#parts = parts;
    const { replica, options } = parts;
    this.#phase = "alone";
    this.#progress = new ProgressWatch(options);
    this.#term = start.term;
    this.#sequence = start.sequence;
    this.#nextInput = start.nextInput;
    this.#nextTaken = start.nextInput - (start.inputs ?? []).filter(({ number }) => number !== undefined).length;
    this.#pending = new PendingOutputs(replica.devices);
    this.#matched = [...replica.counts];
    const isBelieved = options.planted === "believe-the-sink";
    this.#leaving = new LeavingOutputs(parts.sink, replica.devices, replica.counts, isBelieved);
    this.#joinedAt = [...replica.counts];
    this.#sender = new SnapshotSender({
      ...{ replica, options, statistics: this.statistics },
      send: (message) => {
        this.#send(message, this.#nowMs);
        return this.#link?.sent ?? 0;
      },
      nowMs: () => this.#clock(this.#nowMs),
    });
    this.#at = replica.instant;
    this.#digestDue = replica.instant + options.digestSteps;
    for (const input of start.inputs ?? []) replica.queue(input);
    // Who was to bring these pages is gone, and they are here.
    for (const token of tokensOut(replica, start.inputs ?? [])) {
      replica.queue({ number: undefined, event: { kind: "page-ready", token } });
    }
    if (options.planted !== "forget-pending") {
      const outputs = start.outputs ?? [];
      parts.sink.offer(outputs);
      for (const run of outputs) {
        const units = unitsOf(run, replica.devices[run.device]);
        parts.tap?.({ kind: "release", device: run.device, number: run.number, units, latencyMs: 0 });
      }
    }
  }

  get phase(): PrimaryPhase {
    return this.#phase;
  }

  get term(): number {
    return this.#term;
  }

  get rest(): Rest {
    return this.#rest;
  }

  /** The guest goes on with input or, perhaps, idle time alone. */
  get isWaiting(): boolean {
    return this.#rest === "waiting" || this.#rest === "idle";
  }

  /** Outputs that wait for the secondary. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Nothing of what was said is still to leave. */
  get isSettled(): boolean {
    return this.#pending.length === 0 && hasReached(this.#leaving.released, this.#leaving.offered);
  }

  /** The guest may wait, but what wakes it has come, or is certain to: a page on its way to the secondary. */
  get willGoOn(): boolean {
    return this.#sender.fetches.isTold || this.#parts.replica.queued > 0;
  }

  /** What pages came to that the secondary has fetched, or fetches. */
  get fetches(): Pick<RemoteFetches, "works" | "idleMs"> {
    return this.#sender.fetches;
  }

  /** Number of the input that the machine is given next. */
  get nextInput(): number {
    return this.#nextInput;
  }

  /** There is input that the machine has not been given yet. */
  get hasInput(): boolean {
    return this.#parts.inputs.at(this.#nextInput) !== undefined;
  }

  /** How far the secondary is behind. */
  get lagSteps(): number {
    return this.#isFollowed ? Math.max(0, this.#parts.replica.instant - this.#at) : 0;
  }

  get refusal(): string | undefined {
    return this.#link?.refusal;
  }

  /** The pair begins with both machines in one state, and the arbiter knows of it. */
  pair(link: Link, secondary: string, nowMs: number): void {
    this.#link = link;
    this.#secondary = secondary;
    this.#phase = "paired";
    this.#progress.begin(nowMs);
    this.#sayHello(nowMs);
    this.#send({ kind: "paired", term: this.#term }, nowMs);
    this.#parts.tap?.({ kind: "paired" });
  }

  /** Another machine wants to become the secondary. Refused (false) while there is one. */
  accept(link: Link, nowMs: number): boolean {
    if (this.#phase !== "alone") return false;
    this.#link = link;
    this.#phase = "copying";
    this.#nowMs = nowMs;
    this.#progress.begin(nowMs);
    this.#sayHello(nowMs);
    this.#sendSnapshot("copy", nowMs);
    return true;
  }

  /** Time passes for a machine that waits for it (paced clock). */
  idle(ticks: number): void {
    this.#parts.replica.queue({ number: undefined, event: { kind: "idle-jump", ticks } });
  }

  /** What has come from the secondary is seen to, before anybody decides how far the next turn goes; `turn` does it as well. */
  hear(nowMs: number): void {
    if (this.#phase === "fenced" || this.#phase === "over") return;
    this.#nowMs = nowMs;
    const messages = this.#link?.receive(nowMs) ?? [];
    for (const message of messages) this.#take(message, nowMs);
    if (this.#link !== undefined) this.#sender.fetches.arrived(this.#link.arrived);
    if (messages.length > 0) this.#hasHeard = true;
  }

  /** One turn: hears, runs at most `budget` steps, releases, tells. True when there may be more to do at once. */
  turn(nowMs: number, budget: number): boolean {
    if (this.#phase === "fenced") return false;
    if (this.#phase === "over") {
      // The secondary is still to hear that all output has left.
      this.#link?.receive(nowMs);
      this.#link?.flush(nowMs, true);
      return false;
    }
    this.hear(nowMs);
    const hasHeard = this.#hasHeard;
    this.#hasHeard = false;
    this.#watch(nowMs);
    // What was matched does not wait for what the machine does next, nor does its way through the event loop.
    const hasLeft = hasHeard && this.#release(nowMs);
    const isLetOut = hasLeft && this.#parts.sink.isImmediate !== true;
    // Before the machine comes to need what the secondary lacks.
    const hasMore = this.#sender.sendHashes();
    const moved = !isLetOut && this.#run(nowMs, budget);
    if (!isLetOut) this.#release(nowMs);
    this.#tell(nowMs);
    return moved || hasMore || hasHeard;
  }

  /** The secondary has the log, or will have it when its state is there. */
  get #isFollowed(): boolean {
    const phase = this.#phase;
    return phase === "joining" || phase === "pairing" || phase === "paired" || phase === "claiming";
  }

  /** Nobody else can have the right to speak: output need not be matched. */
  get #isSoleVoice(): boolean {
    return this.#phase === "alone" || this.#phase === "copying" || this.#phase === "joining";
  }

  #run(nowMs: number, budget: number): boolean {
    const { replica, inputs, options } = this.#parts;
    const room = this.#isFollowed ? this.#at + options.lagSteps - replica.instant : Number.POSITIVE_INFINITY;
    if (budget <= 0) return false;
    if (this.#isFull() || room <= 0) {
      if (this.#rest === "running") {
        this.#rest = "held";
        this.statistics.held++;
        this.#parts.tap?.({ kind: "held", held: true });
      }
      return false;
    }
    while (replica.queued < MOST_QUEUED_INPUTS) {
      const event = inputs.at(this.#nextInput);
      if (event === undefined) break;
      replica.queue({ number: this.#nextInput++, event });
    }
    const [before, startMs] = [replica.instant, this.#clock(nowMs)];
    if (this.#rest === "held") this.#parts.tap?.({ kind: "held", held: false });
    const { stop, hasMet } = this.#advance(before + Math.min(budget, room));
    const perStepMs = (this.#clock(nowMs) - startMs) / Math.max(1, replica.instant - before);
    const happened = this.#collect((instant) => startMs + (instant - before) * perStepMs) || hasMet;
    this.#rest = restOf(stop);
    this.#sender.fetches.stands(this.isWaiting);
    if (replica.instant >= this.#digestDue && nowMs - this.#digestAtMs >= options.digestMs) {
      this.#digestDue = replica.instant + options.digestSteps;
      this.#digestAtMs = nowMs;
      // Also of a machine that nobody follows: whoever joins then finds little that a checkpoint has still to save.
      const digest = replica.digest();
      if (this.#isFollowed) {
        this.#append({ kind: "digest", sequence: 0, instant: replica.instant, place: [...replica.counts], digest });
      }
    }
    this.statistics.lagStepsMax = Math.max(this.statistics.lagStepsMax, this.lagSteps);
    return happened || replica.instant > before;
  }

  /** Over pages that the secondary lacks, and this machine therefore does without: some in a turn, since the secondary waits to be heard. */
  #advance(until: number): { readonly stop: ReplicaStop; readonly hasMet: boolean } {
    const { replica } = this.#parts;
    let met = 0;
    let stop = replica.run(until);
    while (stop.kind === "absent" && this.#sender.fetches.meet(stop)) {
      // What the guest is told, it is told at this instant.
      stop = replica.run(++met < MOST_MET ? until : replica.instant);
    }
    return { stop, hasMet: met > 0 };
  }

  #isFull(): boolean {
    const { windowEntries, windowBytes } = this.#parts.options;
    if (!this.#isFollowed) return this.#leaving.length >= windowEntries;
    // A sink that is slow holds the machine as a slow partner does.
    return (
      this.#leaving.length >= windowEntries ||
      this.#unconsumed.length >= windowEntries ||
      this.#unconsumed.bytes >= windowBytes ||
      this.#pending.length >= windowEntries ||
      this.#pending.bytes >= windowBytes
    );
  }

  /** `at`: when the machine was at an instant. */
  #collect(at: (instant: number) => number): boolean {
    const { replica } = this.#parts;
    const happenings = replica.drain();
    const place = happenings.length === 0 ? [] : this.#placeBefore(happenings);
    for (const happening of happenings) {
      if (happening.kind === "output") {
        const { run } = happening;
        this.#pending.push(run, at(run.instant));
        place[run.device] = run.number + unitsOf(run, replica.devices[run.device]);
        this.#append({ kind: "output", sequence: 0, run });
      } else {
        const { instant, input } = happening;
        this.#append({ kind: "input", sequence: 0, instant, place: [...place], input });
      }
    }
    return happenings.length > 0;
  }

  /** How much had been said before these things happened. */
  #placeBefore(happenings: readonly ({ kind: "input" } | { kind: "output"; run: OutputRun })[]): number[] {
    const place = [...this.#parts.replica.counts];
    for (const happening of [...happenings].reverse()) {
      if (happening.kind === "output") place[happening.run.device] = happening.run.number;
    }
    return place;
  }

  #append(entry: LogEntry): void {
    const numbered = { ...entry, sequence: ++this.#sequence };
    this.statistics.entries++;
    this.#parts.tap?.({ kind: "entry", entry: numbered });
    const input = entry.kind === "input" ? entry.input.number : undefined;
    if (input !== undefined) this.#nextTaken = input + 1;
    if (!this.#isFollowed) {
      if (input !== undefined) this.#parts.inputs.forget(input + 1);
      return;
    }
    if (input !== undefined) this.#unsharedInputs.push({ sequence: numbered.sequence, number: input });
    this.#unsent.push(numbered);
    this.#unconsumed.push(numbered);
  }

  /** True when there was something for the sink. */
  #release(nowMs: number): boolean {
    const { options, tap } = this.#parts;
    let limit: Counts | undefined = this.#matched;
    if (this.#isSoleVoice) limit = undefined;
    if (options.planted === "release-at-resynchronisation" && this.#sender.isUnderWay) limit = undefined;
    if (options.planted === "release-on-receipt" && this.#unsent.length === 0) limit = undefined;
    const leaving = this.#pending.take(limit);
    this.#leaving.offer(leaving);
    for (const departure of this.#leaving.depart(this.#clock(nowMs))) {
      tap?.({ kind: "release", ...departure });
      this.statistics.released += departure.units;
      this.statistics.latency.add(departure.latencyMs);
    }
    return leaving.length > 0;
  }

  #clock(nowMs: number): number {
    return this.#parts.clock?.() ?? nowMs;
  }

  #tell(nowMs: number): void {
    const { replica } = this.#parts;
    const released = this.#leaving.released;
    // Who waits is believed to say nothing more by himself.
    const rest = this.isWaiting && this.willGoOn ? "running" : this.#rest;
    if (this.#link !== undefined) {
      if (this.#isFollowed && (replica.instant !== this.#progressTold || rest !== this.#restTold)) {
        this.#progressTold = replica.instant;
        this.#restTold = rest;
        this.#append({ kind: "progress", sequence: 0, instant: replica.instant, rest });
      }
      // What has left goes along with the log; where that does not go on, by itself.
      const isHeld = this.#rest !== "running" || this.paused;
      const isToldOfRelease = (isHeld || this.#unsent.length > 0) && !sameCounts(released, this.#releasedTold);
      if (this.#unsent.length > 0) this.#send({ kind: "log", entries: this.#unsent }, nowMs);
      this.#unsent = [];
      this.#sender.fetches.logged();
      if (this.#isFollowed && isToldOfRelease) {
        this.#releasedTold = [...released];
        this.#send({ kind: "released", counts: this.#releasedTold }, nowMs);
      }
      this.#link.flush(nowMs);
    }
    if (isEndSaid(released) && this.#pending.length === 0) this.#phase = "over";
  }

  #take(message: Message, nowMs: number): void {
    switch (message.kind) {
      case "hello":
        this.#secondary = message.member;
        this.#sender.fetches.tells = message.isTold && this.#parts.options.fetches === "told";
        break;
      case "acknowledge":
        this.#takeAcknowledgement(message);
        break;
      case "divergence":
        this.#diverge(message.divergence);
        if (this.#parts.options.onDivergence === "stop") this.#phase = "over";
        // What was found before the secondary has taken over the newest state is known already.
        else if (message.snapshot >= this.#sender.newest) this.#resynchronise(nowMs);
        break;
      case "lacking":
        this.#sender.lack(message.id, message.marks);
        break;
      case "want":
        if (this.#sender.want(message.id, message.pages)) this.#progress.progressed(nowMs);
        break;
      case "complete":
        this.#complete(message.id, nowMs);
        break;
      case "alone":
        this.#fence();
        break;
      default:
        this.#link?.refuse(`a secondary does not say "${message.kind}"`);
    }
  }

  #takeAcknowledgement(message: Extract<Message, { kind: "acknowledge" }>): void {
    if (message.consumed > this.#sequence || message.received > this.#sequence) {
      this.#link?.refuse("it acknowledges entries that are not in the log");
      return;
    }
    const { consumed: through, at, matched } = message;
    if (this.#unconsumed.consume(through) || at > this.#at || !sameCounts(matched, this.#matched)) this.#cameOn = true;
    this.#matched = matched;
    this.partnerTurnSteps = message.turnSteps;
    this.#parts.tap?.({ kind: "acknowledge", through, at, matched });
    while (this.#unsharedInputs.length > 0 && this.#unsharedInputs[0].sequence <= message.consumed) {
      this.#parts.inputs.forget(this.#unsharedInputs.shift()!.number + 1);
    }
    this.#at = Math.max(this.#at, Math.min(message.at, this.#parts.replica.instant));
  }

  #diverge(divergence: OutputDivergence): void {
    this.divergences.push(divergence);
    this.#parts.tap?.({ kind: "divergence", through: this.#sequence, divergence });
  }

  #resynchronise(nowMs: number): void {
    this.statistics.resynchronisations++;
    this.#sendSnapshot("resynchronise", nowMs);
  }

  #sendSnapshot(purpose: "copy" | "resynchronise", nowMs: number): void {
    // What has happened is in the state that follows: it belongs into the log before.
    this.#collect(() => nowMs);
    if (this.#unsent.length > 0) this.#send({ kind: "log", entries: this.#unsent }, nowMs);
    this.#unsent = [];
    this.#parts.tap?.({ kind: "resynchronise", purpose });
    this.#sender.begin(purpose, { sequence: this.#sequence, inputs: this.#nextTaken });
  }

  #complete(id: number, nowMs: number): void {
    const purpose = this.#sender.complete(id);
    if (purpose === undefined) return;
    this.#cameOn = true;
    this.#progress.progressed(nowMs);
    this.#parts.tap?.({ kind: "resynchronised" });
    if (purpose === "copy" && this.#phase === "copying") {
      // From here on the secondary gets the log, and this machine does not run away from it.
      this.#phase = "joining";
      this.#unconsumed.clear();
      this.#at = this.#parts.replica.instant;
      this.#progressTold = -1;
      this.#matched = this.#parts.replica.devices.map(() => 0);
      this.#sendSnapshot("resynchronise", nowMs);
      this.#joinedAt = [...this.#parts.replica.counts];
    } else if (this.#phase === "joining") {
      this.#phase = "pairing";
      this.#progress.begin(nowMs);
    }
  }

  /** Looks whether the secondary lives and comes on. */
  #watch(nowMs: number): void {
    const link = this.#link;
    if (link === undefined) return;
    this.#progress.hear(link.silenceMs(nowMs), nowMs);
    if (this.#isSoleVoice) {
      if (this.#isJoinerGone(nowMs) || this.#progress.isVainCopy(nowMs)) this.#dismiss();
      return;
    }
    if (this.#phase === "pairing") this.#pairAtArbiter(nowMs);
    if (this.#phase === "paired" && link.isSilent(nowMs)) this.#phase = "claiming";
    if (this.#phase === "claiming") this.#claim(nowMs);
    if (this.#phase === "paired" || this.#phase === "pairing") this.#watchProgress(nowMs);
  }

  /** To take over a whole state and begin keeps a busy computer for longer than the silence that is a death in a pair. */
  #isJoinerGone(nowMs: number): boolean {
    const { silenceMs, progressMs } = this.#parts.options;
    return this.#link!.isSilent(nowMs, Math.max(silenceMs, progressMs));
  }

  #watchProgress(nowMs: number): void {
    const { replica, options } = this.#parts;
    const isIdle = this.#pending.length === 0 && this.#unconsumed.length === 0;
    const how = this.#progress.look(this.#cameOn, isIdle || this.paused, nowMs);
    this.#cameOn = false;
    // One that is not known to the arbiter yet cannot be left by asking him.
    if (how === "given up" && this.#phase === "paired") this.#phase = "claiming";
    if (how !== "stuck") return;
    this.#diverge({
      ...{ what: "no-progress", device: 0, number: 0, primaryInstant: replica.instant, secondaryInstant: this.#at },
      ...{ expected: "to go on", got: `nothing for ${options.progressMs} ms`, lastAgreement: 0 },
    });
    this.#resynchronise(nowMs);
  }

  /** A secondary that was never paired, or not yet, is given up without asking anybody. */
  #dismiss(): void {
    this.#link = undefined;
    this.#phase = "alone";
    this.#sender.drop();
    this.#unsent = [];
    this.#unconsumed.clear();
    this.#unsharedInputs = [];
  }

  /** The secondary has the whole state. Once it has matched everything that has left, the two are a pair. */
  #pairAtArbiter(nowMs: number): void {
    const { arbiter, member, options } = this.#parts;
    if (this.#isJoinerGone(nowMs) && this.#askedMs === undefined) {
      this.#dismiss();
      return;
    }
    if (!hasReached(this.#matched, this.#leaving.offered)) return;
    // What was said before its state it cannot release: that must have left.
    if (!hasReached(this.#leaving.released, this.#joinedAt)) return;
    if (this.#askedMs !== undefined && nowMs - this.#askedMs < options.retryMs) return;
    this.#askedMs = nowMs;
    const next: Tenure = { term: this.#term + 1, primary: member, secondary: this.#secondary };
    arbiter.testAndSet(this.#term, next, (answer) => {
      if (this.#phase !== "pairing") return;
      this.#askedMs = undefined;
      if (answer.primary !== member) {
        this.#fence();
        return;
      }
      if (answer.secondary === undefined) return;
      this.#term = answer.term;
      this.#phase = "paired";
      this.#send({ kind: "paired", term: answer.term }, nowMs);
      this.#parts.tap?.({ kind: "paired" });
    });
  }

  #claim(nowMs: number): void {
    const { arbiter, member, options } = this.#parts;
    if (this.#askedMs !== undefined && nowMs - this.#askedMs < options.retryMs) return;
    this.#askedMs = nowMs;
    const expected = this.#term;
    arbiter.testAndSet(expected, { term: expected + 1, primary: member, secondary: undefined }, (answer) => {
      if (this.#phase !== "claiming") return;
      this.#askedMs = undefined;
      if (answer.primary === member && answer.secondary === undefined) {
        this.#term = answer.term;
        // It may live, and must not go on following.
        this.#send({ kind: "alone", term: answer.term, holder: member }, nowMs);
        this.#link?.flush(nowMs);
        this.statistics.survivals++;
        this.#parts.tap?.({ kind: "take-over", through: this.#sequence });
        this.#dismiss();
      } else if (options.planted === "no-arbiter") this.#dismiss();
      else this.#fence();
    });
  }

  #fence(): void {
    this.#phase = "fenced";
    this.#sender.fetches.stands(false);
    this.#parts.tap?.({ kind: "fenced", through: this.#sequence });
  }

  #sayHello(nowMs: number): void {
    this.#link?.sayHello(this.#parts.member, "primary", nowMs);
  }

  #send(message: Message, nowMs: number): void {
    this.#link?.send(message, nowMs);
  }
}

function restOf(stop: ReplicaStop): Rest {
  if (stop.kind === "waiting") return stop.ticks === undefined ? "waiting" : "idle";
  return stop.kind === "ended" ? "ended" : "running";
}
