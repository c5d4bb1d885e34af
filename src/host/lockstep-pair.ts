import { assert } from "../base/assert.ts";
import { Prng } from "../base/prng.ts";
import { LocalArbiter } from "../lockstep/arbiter.ts";
import { localChannel } from "../lockstep/channel.ts";
import type { OutputDivergence } from "../lockstep/divergence.ts";
import { type Fault, FaultyChannel, flipOf, type PairRole } from "../lockstep/fault.ts";
import { Link } from "../lockstep/link.ts";
import {
  CONSOLE,
  MACHINE_DEVICES,
  type MachineFault,
  MachineReplica,
  type MachineSkew,
  NETWORK,
} from "../lockstep/machine-replica.ts";
import { Member, type MemberParts } from "../lockstep/member.ts";
import { LOCKSTEP_OPTIONS, type LockstepOptions } from "../lockstep/options.ts";
import { CountingSink, InputQueue } from "../lockstep/outside.ts";
import type { InputEvent } from "../lockstep/replica.ts";
import { pageCountOf } from "../machine/configuration.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import type { Motion, TravelStop } from "../replay/timeline-interface.ts";
import { isAlive, memberReport, type PairReport, pairReport } from "./pair-report.ts";
import { AdaptiveTurns } from "./turn-length.ts";

/** Turns are short: what is said waits for the end of one, and for the partner's. */
const TURN_MS = 1;
/** Should the secondary be far behind, the primary and the world shall not wait for all of it. */
const CATCH_UP_STEPS = 5_000_000;
/** How long between two looks at the world. */
const YIELD_MS = 10;
/** The time in which nobody was given a turn is nobody's silence. */
const LONGEST_GAP_MS = 20;
/** Longer than the silence that is taken for death. */
const FREEZE_MS = 1_000;

export interface PairMachine {
  readonly machine: MachineLike;
  readonly skew?: MachineSkew;
}

export interface PairParts {
  readonly primary: PairMachine;
  readonly secondary: PairMachine;
  /** Makes another secondary, in place of one that is gone; absent: the survivor stays alone. */
  readonly newSecondary?: () => PairMachine;
  readonly options?: Partial<LockstepOptions>;
  readonly faults?: readonly Fault[];
  /** For what faults hit. */
  readonly faultSeed?: number;
  readonly onConsole: (bytes: Uint8Array) => void;
  readonly onFrame: (frame: Uint8Array) => void;
  readonly nowMs: () => number;
}

interface Place {
  readonly member: Member;
  readonly replica: MachineReplica;
  readonly turns: AdaptiveTurns;
  readonly faults: Fault[];
  readonly channel: FaultyChannel | undefined;
  readonly link: Link;
  dead: boolean;
  frozenUntilMs: number;
}

/** Two machines in one thread, in turns; the outside hears what both say. */
export class LockstepPair {
  readonly #parts: PairParts;
  readonly #options: LockstepOptions;
  readonly #arbiter = new LocalArbiter({ term: 1, primary: "A", secondary: "B" });
  readonly #sink: CountingSink;
  readonly #inputs = new InputQueue();
  readonly #places: Place[] = [];
  #names = 0;
  #joined = 0;
  #activeMs = 0;
  #lastMs: number;

  constructor(parts: PairParts) {
    this.#parts = parts;
    this.#options = { ...LOCKSTEP_OPTIONS, ...parts.options };
    this.#lastMs = parts.nowMs();
    this.#sink = new CountingSink(MACHINE_DEVICES, ({ device, bytes }) => {
      if (device === CONSOLE) parts.onConsole(bytes);
      else if (device === NETWORK) parts.onFrame(bytes);
    });
    const [first, second] = localChannel();
    const channel = new FaultyChannel(first);
    const [left, right] = [this.#link(channel, parts.primary), this.#link(second, parts.secondary)];
    const primary = this.#partsOf(parts.primary, "primary");
    this.#settle(Member.primary(primary, left, "B", 1, 0), primary.replica, left, "primary", channel);
    const secondary = this.#partsOf(parts.secondary, "secondary");
    const start = { sequence: 0, instant: 0, counts: MACHINE_DEVICES.map(() => 0), inputs: 0 };
    this.#settle(Member.secondary(secondary, right, start, 0), secondary.replica, right, "secondary");
  }

  /** The machine that the outside hears. */
  get machine(): MachineLike {
    return (this.#speaker ?? this.#places[0]).replica.machine;
  }

  input(event: InputEvent): void {
    this.#inputs.push(event);
  }

  /** Lets ticks of mtime pass for a paced guest that waits. */
  idle(ticks: number): void {
    this.#speaker?.member.primary?.idle(ticks);
  }

  /** A sentence when nobody is left. */
  get failure(): string | undefined {
    return this.#speaker === undefined && this.#places.every(({ dead }) => dead)
      ? "Both machines are gone, and nobody was left to go on."
      : undefined;
  }

  /** The first difference in what they say. */
  get difference(): OutputDivergence | undefined {
    return this.report().divergences[0];
  }

  /** Runs until the guest ends, or `limit`, or, when differences are not repaired, to the first. */
  *forward(limit: number): Motion<TravelStop> {
    let yieldedMs = this.#parts.nowMs();
    for (;;) {
      const moved = this.#turn(limit);
      const speaker = this.#speaker;
      const primary = speaker?.member.primary;
      const isSettled = primary !== undefined && primary.pending === 0;
      if (primary?.phase === "over") {
        const ending = speaker!.replica.ending;
        return ending === undefined ? { kind: "reached" } : (ending as TravelStop);
      }
      if (isSettled && this.machine.instant >= limit) return { kind: "reached" };
      const now = this.#parts.nowMs();
      if (moved && now - yieldedMs < YIELD_MS) continue;
      yieldedMs = now;
      const waiting = !moved && isSettled && primary.rest === "waiting";
      const ticks = speaker?.replica.waitingTicks;
      yield {
        instant: this.machine.instant,
        fraction: undefined,
        waiting,
        ...(waiting && ticks !== undefined ? { waitingTicks: ticks } : {}),
      };
    }
  }

  report(): PairReport {
    const members = this.#places.map(({ member, dead, link }) => memberReport(member, dead, link.bytesSent));
    const released = this.#sink.counts.reduce((total, count) => total + count, 0);
    return pairReport(members, released, this.#joined);
  }

  get #speaker(): Place | undefined {
    return this.#places.find(({ dead, member }) => !dead && member.primary !== undefined && isAlive(member));
  }

  #turn(limit: number): boolean {
    const nowMs = this.#parts.nowMs();
    this.#activeMs += Math.min(LONGEST_GAP_MS, Math.max(0, nowMs - this.#lastMs));
    this.#lastMs = nowMs;
    let moved = false;
    for (const place of this.#places) {
      if (place.dead || place.frozenUntilMs > this.#activeMs) continue;
      this.#meetFaults(place);
      if (place.dead) continue;
      place.channel?.turn();
      const { turns, replica, member } = place;
      const before = replica.instant;
      // A secondary catches up: it goes no farther than the primary has come, and what was said waits for it.
      const budget = member.primary === undefined ? CATCH_UP_STEPS : Math.min(turns.steps, Math.max(0, limit - before));
      turns.begin();
      if (member.turn(this.#activeMs, budget)) moved = true;
      turns.end(Math.max(0, replica.instant - before));
    }
    this.#replace();
    return moved;
  }

  /** Whoever is left alone gets a new secondary. */
  #replace(): void {
    const { newSecondary } = this.#parts;
    const speaker = this.#speaker;
    if (newSecondary === undefined || speaker?.member.primary?.phase !== "alone") return;
    const made = newSecondary();
    const [first, second] = localChannel();
    const [left, right] = [this.#link(first, made), this.#link(second, made)];
    const isAccepted = speaker.member.primary.accept(left, this.#activeMs);
    assert(isAccepted, "a machine that is alone accepts a secondary");
    const parts = this.#partsOf(made, undefined);
    this.#settle(Member.secondary(parts, right, undefined, this.#activeMs), parts.replica, right);
    this.#joined++;
  }

  #meetFaults(place: Place): void {
    while (place.faults.length > 0 && place.replica.instant >= place.faults[0].instant) {
      const { kind } = place.faults.shift()!;
      if (kind === "kill") place.dead = true;
      else if (kind === "freeze") place.frozenUntilMs = this.#activeMs + FREEZE_MS;
      else if (kind !== "flip-register" && kind !== "flip-memory") this.#places[0].channel?.arm(kind);
    }
  }

  #settle(member: Member, replica: MachineReplica, link: Link, role?: PairRole, channel?: FaultyChannel): void {
    const faults = (this.#parts.faults ?? [])
      .filter((fault) => fault.role === role && fault.kind !== "flip-register" && fault.kind !== "flip-memory")
      .sort((a, b) => a.instant - b.instant);
    const turns = new AdaptiveTurns(this.#parts.nowMs, TURN_MS);
    this.#places.push({ member, replica, turns, faults, channel, link, dead: false, frozenUntilMs: 0 });
  }

  #partsOf({ machine, skew }: PairMachine, role: PairRole | undefined): MemberParts & { replica: MachineReplica } {
    const random = new Prng(this.#parts.faultSeed ?? 0);
    const faults = (this.#parts.faults ?? []).flatMap(({ kind, role: whom, instant }): MachineFault[] =>
      (kind === "flip-register" || kind === "flip-memory") && whom === role
        ? [{ instant, edit: flipOf(kind, random) }]
        : [],
    );
    return {
      member: String.fromCharCode(0x41 + this.#names++),
      replica: new MachineReplica(machine, skew, faults),
      sink: this.#sink,
      inputs: this.#inputs,
      arbiter: this.#arbiter,
      options: this.#options,
    };
  }

  #link(channel: ConstructorParameters<typeof Link>[0], { machine }: PairMachine): Link {
    const shape = { devices: MACHINE_DEVICES.length, pageCount: pageCountOf(machine.configuration) };
    return new Link(channel, shape, this.#options, this.#activeMs);
  }
}
