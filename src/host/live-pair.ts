import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { UserError } from "../base/errors.ts";
import type {
  LaunchOptions,
  LockstepChoice,
  PairDivergence,
  PairPosition,
  PairRun,
  PairSide,
  PairSituation,
  PairStop,
} from "../debuggee/protocol.ts";
import { LocalArbiter } from "../lockstep/arbiter.ts";
import { localChannel } from "../lockstep/channel.ts";
import type { OutputDivergence } from "../lockstep/divergence.ts";
import { differ } from "../lockstep/divergence-sources.ts";
import { drawFaults, type Fault, parseFaultKind } from "../lockstep/fault.ts";
import { CONSOLE, MACHINE_DEVICES, MachineReplica, NETWORK } from "../lockstep/machine-replica.ts";
import { CountingSink, InputQueue } from "../lockstep/outside.ts";
import type { InputEvent } from "../lockstep/replica.ts";
import { type MachineConfiguration, pageCountOf } from "../machine/configuration.ts";
import { Machine } from "../machine/machine.ts";
import { loadBoot } from "./boot-files.ts";
import { makeCompileThread } from "./compile-thread.ts";
import { openDisks } from "./disk-files.ts";
import { flipsOf } from "./fault-flips.ts";
import type { HostNetwork } from "./host-network.ts";
import { configurationOf } from "./live-session.ts";
import { LiveSide } from "./live-side.ts";
import { MemberDriver } from "./lockstep-member.ts";
import { type Bell, eventLoopTurn } from "./motion-driver.ts";
import { pairReport } from "./pair-report.ts";
import { chooseRecordingPath, folderWarning } from "./recording-place.ts";
import { MemberRecording } from "./timeline-replica.ts";

/** How long between two looks at the world. */
const LOOK_MS = 10;
/** While both wait: for a clock, or a frame that a fault holds up. */
const REST_MS = 5;
/** Faults that are drawn fall into so many steps. */
const FAULT_STEPS = 100_000_000;
const PAIR_ID_BYTES = 8;
/** Of how machine B differs. */
const DEFAULT_SEED = 1;

interface Place {
  readonly side: PairSide;
  readonly live: LiveSide;
  readonly driver: MemberDriver;
  readonly recording: MemberRecording;
  dead: boolean;
  frozenUntilMs: number;
}

/**
 * Two machines in lockstep in one thread, each with its debuggee. When one of them comes to a stop of the user's, or they
 * differ in what they say, neither is given another turn: the state is as the divergence left it, and whoever goes on has the
 * protocol do about it what it would have done.
 */
export class LivePair {
  readonly #places: Readonly<Record<PairSide, Place>>;
  readonly #inputs = new InputQueue();
  readonly #sink: CountingSink;
  readonly #bell: Bell;
  readonly #divergences: PairDivergence[] = [];
  readonly path: string;
  #isOver = false;
  #isPaused = false;

  constructor(options: LaunchOptions, choice: LockstepChoice, bell: Bell, network: HostNetwork | undefined) {
    this.#bell = bell;
    const disks = openDisks(options.disks ?? [], true);
    const configuration = configurationOf(options, disks.configurations);
    const differing = differ(configuration, choice.diverge ?? [], choice.divergeSeed ?? DEFAULT_SEED);
    const boot = loadBoot(options, configuration);
    const partner =
      choice.second === undefined ? boot : loadBoot({ ...options, program: choice.second }, configuration);
    this.path = options.recordTo ?? chooseRecordingPath(boot.path, new Date());
    if (resolve(this.path) === resolve(boot.path)) {
      throw new UserError("recording-is-program", `The recording cannot replace the program ${boot.path}.`, 2);
    }
    const pair = randomBytes(PAIR_ID_BYTES).toString("hex");
    const startedMs = performance.now();
    this.#sink = new CountingSink(MACHINE_DEVICES, ({ device, bytes }) => {
      if (device === NETWORK) network?.fromGuest(bytes);
    });
    const arbiter = new LocalArbiter({ term: 1, primary: "A", secondary: "B" });
    const faults = faultsOf(choice);
    const [first, second] = localChannel();
    const place = (side: PairSide, of: MachineConfiguration): Place => {
      const isLeft = side === "left";
      const [member, role] = isLeft ? (["A", "primary"] as const) : (["B", "secondary"] as const);
      const loaded = isLeft ? boot : partner;
      const machine = new Machine(of, options.engine, disks.images, options.cacheGroup, makeCompileThread);
      machine.load(loaded.image);
      const images = [...loaded.recorded, ...disks.recorded];
      const recording = new MemberRecording(machine, {
        ...{ path: this.path, pair, member, role, images, joins: false, configuration: machine.configuration },
        ...{ partner: isLeft ? undefined : "A", engine: options.engine },
        nowMs: () => performance.now() - startedMs,
        onRoom: () => bell.ring(),
      });
      const folder = isLeft ? folderWarning(this.path) : undefined;
      const live = new LiveSide({
        ...{ machine, boot: loaded, recording, warnings: folder === undefined ? [] : [folder] },
        released: isLeft ? () => this.#sink.taken[CONSOLE] : undefined,
        said: () => replica.counts[CONSOLE],
        from: (instant) => this.#standing(isLeft ? "right" : "left", instant),
      });
      const { tap } = recording;
      const own = faults.filter((fault) => fault.role === role);
      const skew = isLeft ? undefined : differing.skew;
      const replica = new MachineReplica(machine, skew, flipsOf(own, choice.faultSeed ?? 0, tap), recording);
      const made: Omit<Place, "driver"> = { side, live, recording, dead: false, frozenUntilMs: 0 };
      const driver = new MemberDriver({
        ...{ member, tap, replica, arbiter, sink: this.#sink, inputs: this.#inputs, faults: own },
        channel: isLeft ? first : second,
        start: isLeft ? { role: "primary", partner: "B" } : { role: "secondary" },
        pageCount: pageCountOf(of),
        options: choice.second === undefined ? {} : { onDivergence: "stop" },
        paced: configuration.clock === "paced",
        onKill: () => {
          placed.dead = true;
        },
        onFreeze: (ms) => {
          placed.frozenUntilMs = performance.now() + ms;
        },
        nowMs: () => performance.now(),
      });
      const placed: Place = Object.assign(made, { driver });
      return placed;
    };
    this.#places = { left: place("left", configuration), right: place("right", differing.configuration) };
    const inputs = this.#inputs;
    network?.connect({
      deliver: (frame) => {
        this.input({ kind: "network-input", frame: frame.slice() });
        return true;
      },
      // A pair that is held takes nothing, and the network must hear of it.
      get backlog() {
        return inputs.kept.events.length;
      },
    });
  }

  side(side: PairSide): LiveSide {
    return this.#places[side].live;
  }

  input(event: InputEvent): void {
    this.#inputs.push(event);
    this.#bell.ring();
  }

  /** Both from their ends on, until something stops one of them, or `pause`. `onLook` lets the world see how it goes. */
  async run({ stopsAtDivergence, ahead }: PairRun, onLook: () => void): Promise<PairStop> {
    const places = Object.values(this.#places);
    for (const { live } of places) live.begin(ahead !== undefined);
    const ends = places.map(({ live }) => live.end + (ahead ?? Number.POSITIVE_INFINITY));
    this.#isPaused = false;
    let lookedMs = performance.now();
    for (;;) {
      let moved = false;
      for (const place of places) {
        if (place.dead || place.frozenUntilMs > performance.now()) continue;
        if (place.driver.turn()) moved = true;
        const divergence = this.#newDivergence();
        if (place.live.isHeld) return this.#stopped(place.side);
        if (divergence !== undefined && stopsAtDivergence) return this.#stopped(undefined, divergence);
      }
      const speaker = this.#speaker;
      if (speaker === undefined || speaker.driver.ended === "over") {
        this.#isOver = true;
        return this.#stopped(undefined);
      }
      if (places.every(({ live, dead }, index) => dead || live.end >= ends[index])) return this.#stopped(undefined);
      const now = performance.now();
      if (moved && now - lookedMs < LOOK_MS) continue;
      lookedMs = now;
      onLook();
      if (moved) await eventLoopTurn();
      else await this.#bell.rest(REST_MS);
      if (this.#isPaused) return this.#stopped(undefined);
    }
  }

  pause(): void {
    this.#isPaused = true;
    this.#bell.ring();
  }

  #stopped(by: PairSide | undefined, divergence?: PairDivergence): PairStop {
    const { left, right } = this.#places;
    return {
      ...{ left: left.live.settle(), right: right.live.settle() },
      ...(by !== undefined && { by }),
      ...(divergence !== undefined && { divergence }),
      stretches: { left: left.live.stretches.length, right: right.live.stretches.length },
    };
  }

  /** The guest is over, or nobody is left. */
  get isOver(): boolean {
    return this.#isOver;
  }

  situation(): Omit<PairSituation, "id"> {
    const { left, right } = this.#places;
    const reports = [left, right].map(({ driver, dead }) => ({
      ...driver.report(),
      ...(dead && { alive: false, speaks: false }),
    }));
    const report = pairReport(
      reports,
      this.#sink.taken.reduce((total, count) => total + count, 0),
      0,
    );
    const { inner, digests, latencyMs, lagStepsMax, outputsMatched, outputsReleased, innerDivergences } = report;
    const { resynchronisations, takeOvers, joined, held, logEntries } = report;
    return {
      live: !this.#isOver,
      members: [left, right].map(({ live }, index) => {
        const { name, alive, speaks } = reports[index];
        return {
          name,
          role: !alive ? ("gone" as const) : speaks ? ("primary" as const) : ("secondary" as const),
          stretches: live.stretches,
        };
      }),
      missing: [],
      ...(inner !== undefined && { inner }),
      counts: {
        ...{ entries: logEntries, outputsMatched, outputsReleased, innerDivergences, resynchronisations, takeOvers },
        ...{ digestsEqual: digests.equal, digestsDifferent: digests.different, joined, held },
      },
      latencyMs: {
        ...(latencyMs.median !== undefined && { median: latencyMs.median }),
        ...(latencyMs.p99 !== undefined && { p99: latencyMs.p99 }),
      },
      lagStepsMax,
      divergences: this.#divergences,
    };
  }

  /** Everything that there is goes to the files. */
  async flush(): Promise<void> {
    for (const { recording } of Object.values(this.#places)) {
      recording.flush();
      await recording.file?.flush();
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#places).map(({ recording }) => recording.close()));
  }

  /** An instant of a machine in its present stretch. */
  #standing(side: PairSide, instant: number): PairPosition {
    const { live } = this.#places[side];
    return { member: side === "left" ? "A" : "B", stretch: live.stretches.length, instant };
  }

  get #speaker(): Place | undefined {
    return Object.values(this.#places).find(
      ({ dead, driver }) => !dead && driver.member.primary !== undefined && driver.ended !== "fenced",
    );
  }

  #newDivergence(): PairDivergence | undefined {
    const { left, right } = this.#places;
    const known = [left, right].flatMap(({ driver }) => driver.report().divergences);
    if (known.length <= this.#divergences.length) return undefined;
    const divergence = this.#divergenceOf(known[this.#divergences.length]);
    this.#divergences.push(divergence);
    return divergence;
  }

  /** The primary is machine A, unless B has taken over, and then there is nobody to differ from. */
  #divergenceOf({ what, device, number, expected, got, lastAgreement, ...at }: OutputDivergence): PairDivergence {
    const { left, right } = this.#places;
    // An entry of the log has the instants of its first and its last byte: that of the one that differs the machine knows.
    const isByte = device === CONSOLE;
    const isSaidBy = {
      left: isByte && (what === "data" || what === "missing"),
      right: isByte && (what === "data" || what === "extra"),
    };
    return {
      ...{ what, device, number, lastAgreement, leftText: expected, rightText: got },
      left: positionIn(left, (isSaidBy.left ? left.live.instantOfByte(number) : undefined) ?? at.primaryInstant),
      right: positionIn(right, (isSaidBy.right ? right.live.instantOfByte(number) : undefined) ?? at.secondaryInstant),
    };
  }
}

function positionIn({ live, driver }: Place, instant: number): PairPosition {
  const { number, first, last } = live.stretches.at(-1)!;
  return { member: driver.member.name, stretch: number, instant: Math.min(Math.max(instant, first), last) };
}

function faultsOf({ faults, faultSeed }: LockstepChoice): readonly Fault[] {
  if (faults === undefined) return faultSeed === undefined ? [] : drawFaults(faultSeed, FAULT_STEPS);
  return faults.map((text) => {
    const [, kind, at] = /^(.+)@([\d_,]+)$/.exec(text.trim()) ?? [];
    const parsed = kind === undefined ? undefined : parseFaultKind(kind);
    if (parsed === undefined) {
      const sentence = `Launch configuration: “lockstep.fault” has “${text}”: write KIND@INSTANT, such as flip-memory@100000 or kill:primary@5000.`;
      throw new UserError("bad-launch", sentence, 2);
    }
    return { ...parsed, instant: Number(at.replace(/[_,]/g, "")) };
  });
}
