import { flipsOf } from "../../src/host/fault-flips.ts";
import { MemberDriver, type MemberStart } from "../../src/host/lockstep-member.ts";
import { type PairReport, pairReport } from "../../src/host/pair-report.ts";
import type { MemberRecording } from "../../src/host/timeline-replica.ts";
import { LocalArbiter } from "../../src/lockstep/arbiter.ts";
import { type Channel, localChannel } from "../../src/lockstep/channel.ts";
import type { OutputDivergence } from "../../src/lockstep/divergence.ts";
import type { Fault, PairRole } from "../../src/lockstep/fault.ts";
import {
  CONSOLE,
  MACHINE_DEVICES,
  MachineReplica,
  type MachineSkew,
  NETWORK,
} from "../../src/lockstep/machine-replica.ts";
import type { LockstepOptions } from "../../src/lockstep/options.ts";
import { CountingSink, InputQueue } from "../../src/lockstep/outside.ts";
import type { InputEvent } from "../../src/lockstep/replica.ts";
import { pageCountOf } from "../../src/machine/configuration.ts";
import type { MachineLike } from "../../src/machine/machine-interface.ts";
import type { Motion, TravelStop } from "../../src/replay/timeline-interface.ts";
import type { RecordMember } from "../host/pair-recorder.ts";

/** How long between two looks at the world. */
const YIELD_MS = 10;

export interface PairMachine {
  readonly machine: MachineLike;
  readonly skew?: MachineSkew;
  /** Records what it does. */
  readonly record?: RecordMember;
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
  readonly driver: MemberDriver;
  readonly replica: MachineReplica;
  readonly recording: MemberRecording | undefined;
  dead: boolean;
  frozenUntilMs: number;
}

/** Two real machines in one thread, in turns, on a clock that the test gives: what happens follows from that alone. */
export class LocalPair {
  readonly #parts: PairParts;
  readonly #arbiter = new LocalArbiter({ term: 1, primary: "A", secondary: "B" });
  readonly #sink: CountingSink;
  readonly #inputs = new InputQueue();
  readonly #places: Place[] = [];
  #joined = 0;

  constructor(parts: PairParts) {
    this.#parts = parts;
    this.#sink = new CountingSink(MACHINE_DEVICES, ({ device, bytes }) => {
      if (device === CONSOLE) parts.onConsole(bytes);
      else if (device === NETWORK) parts.onFrame(bytes);
    });
    const [first, second] = localChannel();
    this.#settle(parts.primary, { role: "primary", partner: "B" }, first, "primary");
    this.#settle(parts.secondary, { role: "secondary" }, second, "secondary");
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
    this.#speaker?.driver.member.primary?.idle(ticks);
  }

  /** Those that record what the members do, in the order in which they came. */
  get recordings(): readonly MemberRecording[] {
    return this.#places.flatMap(({ recording }) => recording ?? []);
  }

  /** A sentence when nobody is left, or a recording cannot go on. */
  get failure(): string | undefined {
    for (const { failure } of this.recordings) if (failure !== undefined) return failure;
    return this.isGone ? "Both machines are gone, and nobody was left to go on." : undefined;
  }

  get isGone(): boolean {
    return this.#speaker === undefined && this.#places.every(({ dead }) => dead);
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
      if (speaker?.driver.ended === "over") {
        const { ending } = speaker.replica;
        return ending === undefined ? { kind: "reached" } : (ending as TravelStop);
      }
      const isSettled = speaker?.driver.member.primary?.isSettled === true;
      if (isSettled && this.machine.instant >= limit) return { kind: "reached" };
      const now = this.#parts.nowMs();
      if (moved && now - yieldedMs < YIELD_MS) continue;
      yieldedMs = now;
      const waiting = moved ? undefined : speaker?.driver.waiting;
      yield {
        instant: this.machine.instant,
        fraction: undefined,
        waiting: waiting !== undefined,
        ...(waiting?.ticks === undefined ? {} : { waitingTicks: waiting.ticks }),
      };
    }
  }

  report(): PairReport {
    const members = this.#places.map(({ driver, dead }) => ({ ...driver.report(), ...(dead ? DEAD : {}) }));
    const released = this.#sink.taken.reduce((total, count) => total + count, 0);
    return pairReport(members, released, this.#joined);
  }

  get #speaker(): Place | undefined {
    return this.#places.find(
      ({ dead, driver }) => !dead && driver.member.primary !== undefined && driver.ended !== "fenced",
    );
  }

  #turn(limit: number): boolean {
    let moved = false;
    for (const place of this.#places) {
      if (place.dead || place.frozenUntilMs > this.#parts.nowMs()) continue;
      if (place.driver.turn(limit)) moved = true;
    }
    this.#replace();
    return moved;
  }

  /** Whoever is left alone gets a new secondary. */
  #replace(): void {
    const { newSecondary } = this.#parts;
    const speaker = this.#speaker;
    if (newSecondary === undefined || speaker?.driver.member.primary?.phase !== "alone") return;
    const [first, second] = localChannel();
    if (!speaker.driver.accept(first)) return;
    this.#settle(newSecondary(), { role: "joiner" }, second);
    this.#joined++;
  }

  #settle({ machine, skew, record }: PairMachine, start: MemberStart, channel: Channel, role?: PairRole): void {
    const faults = (this.#parts.faults ?? []).filter((fault) => fault.role === role);
    const member = String.fromCharCode(0x41 + this.#places.length);
    const partner = start.role === "primary" ? undefined : this.#speaker!.driver.member.name;
    const recording = record?.(member, partner);
    const tap = recording?.tap;
    const replica = new MachineReplica(machine, skew, flipsOf(faults, this.#parts.faultSeed ?? 0, tap), recording);
    const place: Omit<Place, "driver"> = { replica, recording, dead: false, frozenUntilMs: 0 };
    const driver = new MemberDriver({
      ...{
        member,
        tap,
        replica,
        start,
        channel,
        faults,
        sink: this.#sink,
        inputs: this.#inputs,
        arbiter: this.#arbiter,
      },
      pageCount: pageCountOf(machine.configuration),
      options: this.#parts.options,
      onKill: () => {
        place.dead = true;
        void recording?.abandon();
      },
      onFreeze: (ms) => {
        place.frozenUntilMs = this.#parts.nowMs() + ms;
      },
      nowMs: this.#parts.nowMs,
    });
    this.#places.push(Object.assign(place, { driver }));
  }
}

const DEAD = { alive: false, speaks: false } as const;
