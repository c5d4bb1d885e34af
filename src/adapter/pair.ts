import { UserError } from "../base/errors.ts";
import type {
  PairDivergence,
  PairPosition,
  PairSide,
  PairSituation,
  Stopped,
  StretchName,
} from "../debuggee/protocol.ts";
import { type Correspondence, correspondence } from "./correspondence.ts";
import type { DebuggeePair, PairEvent } from "./environment.ts";
import { LiveRuns } from "./live-runs.ts";
import { changesOf, joinedHere, tookOverHere, withDivergence } from "./lockstep-text.ts";
import type { Motion } from "./motions.ts";
import { formatInstant } from "./references.ts";
import { Seat, type SeatMotions, type SeatStretch } from "./seat.ts";

/** A client that was asked for a second session and neither starts nor refuses it is not waited for. */
const PARTNER_TIMEOUT_MS = 15_000;

export interface PairParts {
  /** Opens what the session was launched with, or new arguments; undefined: that is no pair. */
  source(
    raw: Readonly<Record<string, unknown>> | undefined,
    onEvent: (event: PairEvent) => void,
  ): Promise<DebuggeePair | undefined>;
  onClose(pair: Pair): void;
}

/** Where the machine that is taken along has to go, because the other one stands there. */
interface Lead {
  readonly seat: Seat;
  readonly instant: number;
  /** Undefined: where it corresponds. */
  readonly place: PairPosition | undefined;
  readonly divergence: PairDivergence | undefined;
}

/**
 * Two machines in lockstep while they are debugged: each in a session of its own, which moves its machine as if there were
 * no other. What moves one takes the other along: to the divergence at which it stopped, or to where it corresponds. Steps
 * do not, so that either side can be looked at closely.
 */
export class Pair implements SeatMotions {
  readonly seats: Readonly<Record<PairSide, Seat>> = {
    left: new Seat(() => this.source, "left"),
    right: new Seat(() => this.source, "right"),
  };
  readonly #parts: PairParts;
  readonly #leads = new Map<Seat, Lead>();
  readonly #live: LiveRuns = new LiveRuns(this);
  #opened: { readonly source: DebuggeePair; situation: PairSituation } | undefined;
  #closing: Promise<void> | undefined;
  #unwatched: Promise<unknown> = Promise.resolve();
  #isPartnerExpected = false;
  #partnerBegun = Promise.withResolvers<void>();

  private constructor(parts: PairParts) {
    this.#parts = parts;
  }

  /** Opens both machines; undefined when there is but one. Closes everything when one of them cannot be had. */
  static async open(parts: PairParts): Promise<Pair | undefined> {
    const pair = new Pair(parts);
    return (await pair.#open(undefined)) ? pair : undefined;
  }

  async #open(raw: Readonly<Record<string, unknown>> | undefined): Promise<boolean> {
    const source = await this.#parts.source(raw, (event) => this.#onEvent(event));
    if (source === undefined) return false;
    try {
      this.#opened = { source, situation: await source.situation() };
      for (const seat of Object.values(this.seats)) await seat.open(nameOf(this.#stretchesOf(seat)[0]));
    } catch (error) {
      await source.close();
      throw error;
    }
    return true;
  }

  get source(): DebuggeePair {
    return this.#opened!.source;
  }

  get situation(): PairSituation {
    return this.#opened!.situation;
  }

  /** Begins anew, with new arguments when there are any; `by`'s session does so itself, the other one is told. */
  async restart(by: Seat, raw: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    const { left, right } = this.seats;
    const other = this.other(by).session;
    await Promise.all([left.session?.suspend(), right.session?.suspend()]);
    await Promise.all([left.close(), right.close()]);
    await this.source.close();
    this.#leads.clear();
    this.#partnerBegun = Promise.withResolvers();
    this.#isPartnerExpected = right.session !== undefined;
    if (!(await this.#open(raw))) throw noLongerPair();
    await other?.begunAnew();
  }

  other({ side }: Seat): Seat {
    return this.seats[side === "left" ? "right" : "left"];
  }

  /** The other session's client has been asked for, and the first motion waits for it. */
  expectPartner(asked: Promise<boolean>): void {
    this.#isPartnerExpected = true;
    asked.then(
      (isStarted) => isStarted || this.partnerBegun(),
      () => this.partnerBegun(),
    );
    setTimeout(() => this.partnerBegun(), PARTNER_TIMEOUT_MS).unref?.();
  }

  partnerBegun(): void {
    this.#partnerBegun.resolve();
  }

  async untilPartnerBegun(): Promise<void> {
    if (this.#isPartnerExpected) await this.#partnerBegun.promise;
  }

  #onEvent(_event: PairEvent): void {
    void this.refresh();
  }

  async refresh(): Promise<void> {
    const opened = this.#opened;
    if (opened !== undefined) {
      const before = opened.situation;
      opened.situation = await opened.source.situation();
      // Whoever runs may be another machine by now.
      if (this.#live.isRunning) for (const seat of Object.values(this.seats)) seat.runsIn(this.newestStretch(seat));
      const texts = changesOf(before, opened.situation);
      for (const { session } of Object.values(this.seats)) for (const text of texts) session?.say(text);
    }
    this.changed();
  }

  /** Both sessions have something new to tell of the pair. */
  changed(): void {
    for (const { session } of Object.values(this.seats)) session?.changed();
  }

  // ---- motions

  async run(seat: Seat, direction: "forward" | "backward", until: number | undefined): Promise<Stopped> {
    await this.#crossStretches(seat, direction);
    const end = direction === "forward" ? await this.#liveEnd(seat) : undefined;
    if (end !== undefined && seat.position.instant >= end) return this.#runLive(seat);
    const found = await this.#runRecorded(seat, direction, nearest(direction, until, end));
    // Its guest may be over, and what it said not yet have left.
    if (isEnd(found.stopped) && found.stopped.instant === end && end !== until) return this.#runLive(seat);
    return this.#arrived(seat, found.stopped, found.divergence);
  }

  /** One machine through its past, to what the user wants to stop at or to a divergence. */
  async #runRecorded(
    seat: Seat,
    direction: "forward" | "backward",
    until: number | undefined,
  ): Promise<{ stopped: Stopped; divergence: PairDivergence | undefined }> {
    const divergence = seat.stopsAtDivergence ? this.#nextDivergence(seat, direction) : undefined;
    const at = divergence?.[seat.side].instant;
    const limit = nearest(direction, until, at);
    const stopped = await (direction === "forward"
      ? seat.debuggee.resume(limit)
      : seat.debuggee.reverseContinue(limit));
    if (divergence === undefined || stopped.reason !== "goto" || stopped.instant !== at) {
      return { stopped, divergence: undefined };
    }
    return { stopped: withDivergence(stopped, divergence), divergence };
  }

  async seek(seat: Seat, instant: number): Promise<Stopped> {
    return this.#arrived(seat, await seat.debuggee.seek(instant), undefined);
  }

  async step(seat: Seat, motion: Motion): Promise<Stopped> {
    const stopped = await this.#live.step(seat, motion);
    seat.stopped = stopped;
    this.changed();
    return stopped;
  }

  async pause(seat: Seat): Promise<void> {
    if (this.#live.isRunning) return this.#live.pause();
    if (!seat.awaitsLead) return seat.debuggee.pause();
    // It stands still, as far as it goes: who leads it is to come to rest.
    const other = this.other(seat);
    if (other.isMoved) await other.debuggee.pause();
    else seat.follow(async () => ({ ...seat.stopped!, along: true }));
  }

  /** The first stop of a machine that has not moved: the other one is told where it stands itself. */
  async entered(seat: Seat, stopped: Stopped): Promise<Stopped> {
    return this.#arrived(seat, stopped, undefined);
  }

  /** The newest instant of a machine that can go on from there, together with the other; undefined: it cannot. */
  async #liveEnd(seat: Seat): Promise<number | undefined> {
    if (!this.situation.live || this.#neighbour(seat, "forward") !== undefined) return undefined;
    return this.#live.endOf(seat);
  }

  async #runLive(seat: Seat): Promise<Stopped> {
    const other = this.other(seat);
    const { session } = other;
    if (other.isMoved) throw otherMoves(other);
    const ran = this.#live.run(seat, other);
    // That it did not go is told in the session that was asked.
    const led = ran.then((stops) => stops[other.side]);
    if (session === undefined) led.catch(() => {});
    else other.follow(() => led.catch(() => ({ ...other.stopped!, along: true as const })));
    const stops = await ran;
    await this.refresh();
    this.changed();
    return stops[seat.side];
  }

  /** A machine alone to a place, in whichever stretch it is. */
  async goTo(seat: Seat, place: PairPosition): Promise<Stopped> {
    if (!seat.isIn(place)) await seat.open(place);
    const stopped = await seat.debuggee.seek(place.instant);
    seat.stopped = stopped;
    return stopped;
  }

  /** Throws when there is no such place. */
  checkPlace(seat: Seat, place: PairPosition): void {
    const { member, instant } = place;
    const stretches = this.#stretchesOf(seat);
    const known = stretches.find((each) => each.member === member && each.number === place.stretch);
    const isLive = this.situation.live && known === stretches.at(-1);
    if (known === undefined || instant < known.first || (instant > known.last && !isLive))
      throw noPlace(member, instant);
  }

  /** Both to their places, or one to where it corresponds; this seat's session is answered, the other's follows. */
  async goBoth(seat: Seat, places: Readonly<Record<PairSide, PairPosition | undefined>>): Promise<Stopped> {
    const other = this.other(seat);
    const [own, theirs] = [places[seat.side], places[other.side]];
    if (own === undefined && other.isMoved) throw otherMoves(other);
    if (own === undefined && theirs !== undefined && !other.isIn(theirs)) await other.open(theirs);
    const place =
      own ?? (await this.#placeOf(seat, { seat: other, instant: theirs?.instant ?? other.position.instant }));
    const stopped = await this.goTo(seat, place);
    this.#lead(other, { seat, instant: stopped.instant, place: theirs, divergence: undefined });
    return stopped;
  }

  /** The seat's machine stands still: the other one comes to where it corresponds. */
  #arrived(seat: Seat, stopped: Stopped, divergence: PairDivergence | undefined): Stopped {
    const told = this.#atEndOfStretch(seat, stopped);
    seat.stopped = told;
    this.changed();
    const place = divergence?.[this.other(seat).side];
    void this.#takeAlong({ seat, instant: told.instant, place, divergence });
    return told;
  }

  /** Takes a machine to where it belongs now that the other one stands still. */
  #lead(led: Seat, lead: Lead): void {
    const isOnItsWay = this.#leads.has(led);
    const { session } = led;
    // Its user moves it: it is not snatched away.
    if (!isOnItsWay && led.isMoved) return;
    this.#leads.set(led, lead);
    // It is on its way to where the other one stood before, and goes on from there.
    if (isOnItsWay) return;
    // Nobody watches: it is there when it is asked about.
    if (session === undefined) this.#unwatched = this.#follow(led).catch(() => {});
    else led.follow(() => this.#follow(led));
  }

  async #takeAlong(lead: Lead): Promise<void> {
    const led = this.other(lead.seat);
    if (lead.divergence === undefined && !this.#leads.has(led)) {
      const place = await this.corresponding(lead.seat, lead.instant).then(
        (found) => found.place,
        () => undefined,
      );
      const isThere = place !== undefined && led.isIn(place) && place.instant === led.stopped?.instant;
      if (place === undefined || isThere) {
        if (led.awaitsLead) led.follow(async () => ({ ...led.stopped!, along: true }));
        return;
      }
    }
    if (this.#closing === undefined) this.#lead(led, lead);
  }

  async #follow(led: Seat): Promise<Stopped> {
    try {
      for (;;) {
        const lead = this.#leads.get(led)!;
        const place = lead.place ?? (await this.#placeOf(led, lead));
        const stopped = await this.goTo(led, place);
        if (this.#leads.get(led) !== lead && stopped.reason === "goto") continue;
        const told =
          lead.divergence === undefined ? corresponds(stopped, lead) : withDivergence(stopped, lead.divergence);
        led.stopped = told;
        this.changed();
        return { ...told, along: true };
      }
    } finally {
      this.#leads.delete(led);
    }
  }

  async #placeOf(led: Seat, { seat, instant }: Pick<Lead, "seat" | "instant">): Promise<PairPosition> {
    const { place } = await this.corresponding(seat, instant);
    if (led.isIn(place)) return place;
    // In a stretch that is not looked at nobody can be asked.
    await led.open(place);
    return (await this.corresponding(seat, instant)).place;
  }

  /** A machine that nobody watches has come to where it was led. */
  async settled(): Promise<void> {
    await this.#unwatched;
  }

  /** Where the other machine corresponds to this one, as it stands or at another instant of the same stretch. */
  corresponding(seat: Seat, instant = seat.position.instant): Promise<Correspondence> {
    const other = this.other(seat);
    const from = { ...seat.position, instant };
    return correspondence(from, seat, other, this.#stretchesOf(seat), this.#stretchesOf(other));
  }

  // ---- divergences

  /** The divergence that a machine comes to next. */
  #nextDivergence(seat: Seat, direction: "forward" | "backward"): PairDivergence | undefined {
    const { instant } = seat.position;
    const known = this.situation.divergences.filter(({ [seat.side]: at }) => seat.isIn(at));
    return direction === "forward"
      ? known.find(({ [seat.side]: at }) => at.instant > instant)
      : known.findLast(({ [seat.side]: at }) => at.instant < instant);
  }

  /** The divergence that a machine stands at. */
  divergenceAt(seat: Seat): PairDivergence | undefined {
    const { instant } = seat.position;
    return this.situation.divergences.find(({ [seat.side]: at }) => seat.isIn(at) && at.instant === instant);
  }

  // ---- stretches

  /** All of a side: a machine's, and then those of the one that joined in its place. */
  #stretchesOf({ side }: Seat): readonly SeatStretch[] {
    return this.situation.members
      .filter((member) => member.side === side)
      .flatMap(({ name, stretches }) => stretches.map((stretch) => ({ ...stretch, member: name })));
  }

  newestStretch(seat: Seat): StretchName {
    return nameOf(this.#stretchesOf(seat).at(-1)!);
  }

  #neighbour(seat: Seat, direction: "forward" | "backward"): SeatStretch | undefined {
    const stretches = this.#stretchesOf(seat);
    const index = stretches.findIndex((each) => seat.isIn(nameOf(each)));
    return index < 0 ? undefined : stretches[direction === "forward" ? index + 1 : index - 1];
  }

  /** Whoever goes on at the end of a stretch goes on in the next one. */
  async #crossStretches(seat: Seat, direction: "forward" | "backward"): Promise<void> {
    const neighbour = this.#neighbour(seat, direction);
    if (neighbour === undefined) return;
    const { now, first, end } = await seat.debuggee.timeline({ most: 0 });
    if (now !== (direction === "forward" ? end : first)) return;
    await seat.open(nameOf(neighbour));
    // A live one may stand anywhere in its stretch.
    seat.stopped = await seat.debuggee.seek(direction === "backward" ? seat.result.end : neighbour.first);
  }

  #atEndOfStretch(seat: Seat, stopped: Stopped): Stopped {
    const direction = stopped.reason === "end" ? "forward" : stopped.reason === "start" ? "backward" : undefined;
    const neighbour = direction && this.#neighbour(seat, direction);
    if (direction === undefined || neighbour === undefined) return stopped;
    const isOther = neighbour.member !== seat.member;
    const description = isOther
      ? joinedHere(seat.member, neighbour, direction)
      : tookOverHere(seat.member, neighbour, direction);
    return { ...stopped, description };
  }

  // ---- the end

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#parts.onClose(this);
    this.partnerBegun();
    const { left, right } = this.seats;
    // Neither session goes on without the other machine.
    for (const { session } of [left, right]) void session?.end();
    await Promise.all([left.close(), right.close()]);
    await this.source.close();
  }
}

function nameOf({ member, number }: SeatStretch): StretchName {
  return { member, stretch: number };
}

function nearest(direction: "forward" | "backward", ...limits: readonly (number | undefined)[]): number | undefined {
  const known = limits.filter((limit) => limit !== undefined);
  if (known.length === 0) return undefined;
  return direction === "forward" ? Math.min(...known) : Math.max(...known);
}

function corresponds(stopped: Stopped, { seat, instant }: Lead): Stopped {
  if (stopped.reason !== "goto") return stopped;
  const text = `Where machine ${seat.member} stands at instant ${formatInstant(instant)}`;
  return { ...stopped, description: `${text}. ${stopped.description}` };
}

function otherMoves({ member }: Seat): UserError {
  return new UserError("running", `Machine ${member} is moving, and both go on together: pause it first.`);
}

function isEnd({ reason, exception }: Stopped): boolean {
  return ["goto", "end", "finished"].includes(reason) || exception?.handled === false;
}

function noPlace(member: string, instant: number): UserError {
  return new UserError("no-place", `Machine ${member} has no instant ${formatInstant(instant)} in that stretch.`);
}

function noLongerPair(): UserError {
  return new UserError("no-pair", "The new configuration is not of a pair: stop this session and start that one.", 2);
}

/** For those who ask a session that has one machine only. */
export function noPair(): UserError {
  return new UserError("no-pair", "This session debugs one machine: there is no other one in lockstep with it.");
}
