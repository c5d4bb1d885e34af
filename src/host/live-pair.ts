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
import type { Channel } from "../lockstep/channel.ts";
import { localChannel } from "../lockstep/channel.ts";
import type { OutputDivergence } from "../lockstep/divergence.ts";
import { differ } from "../lockstep/divergence-sources.ts";
import { drawFaults, type Fault, parseFaultKind } from "../lockstep/fault.ts";
import { CONSOLE, MACHINE_DEVICES, MachineReplica, NETWORK } from "../lockstep/machine-replica.ts";
import { CountingSink, InputQueue } from "../lockstep/outside.ts";
import type { InputEvent } from "../lockstep/replica.ts";
import { pageCountOf } from "../machine/configuration.ts";
import { Machine } from "../machine/machine.ts";
import { type LoadedBoot, loadBoot } from "./boot-files.ts";
import { makeCompileThread } from "./compile-thread.ts";
import type { ConsoleSource } from "./debuggee-server.ts";
import { type OpenedDisks, openDisks } from "./disk-files.ts";
import { flipsOf } from "./fault-flips.ts";
import type { HostNetwork } from "./host-network.ts";
import { configurationOf } from "./live-session.ts";
import { type LiveMember, LiveSide } from "./live-side.ts";
import { MemberDriver, type MemberStart } from "./lockstep-member.ts";
import { MOST_VAIN_JOINS } from "./lockstep-pair.ts";
import { type Bell, eventLoopTurn } from "./motion-driver.ts";
import { divergencesOf, pairReport } from "./pair-report.ts";
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

/** A machine of the pair, and what drives it. */
interface Place {
  readonly name: string;
  readonly side: PairSide;
  readonly driver: MemberDriver;
  readonly recording: MemberRecording;
  dead: boolean;
  frozenUntilMs: number;
  /** How many of its divergences are known. */
  divergences: number;
}

/**
 * Two machines in lockstep in one thread, each with its debuggee. When one of them comes to a stop of the user's, or they
 * differ in what they say, neither is given another turn: the state is as the divergence left it, and whoever goes on has the
 * protocol do about it what it would have done. A machine that is gone is replaced: another one joins, in its seat.
 */
export class LivePair {
  readonly #options: LaunchOptions;
  readonly #choice: LockstepChoice;
  readonly #disks: OpenedDisks;
  readonly #boot: LoadedBoot;
  readonly #differing: ReturnType<typeof differ>;
  readonly #faults: readonly Fault[];
  readonly #inputs = new InputQueue();
  readonly #sink: CountingSink;
  readonly #arbiter = new LocalArbiter({ term: 1, primary: "A", secondary: "B" });
  readonly #bell: Bell;
  readonly #divergences: PairDivergence[] = [];
  readonly #id = randomBytes(PAIR_ID_BYTES).toString("hex");
  readonly #startedMs = performance.now();
  /** In the order in which they came. */
  readonly #places: Place[] = [];
  readonly #lives: Partial<Record<PairSide, LiveSide>> = {};
  /** Recordings of machines that are gone. */
  readonly #ending: Promise<void>[] = [];
  readonly path: string;
  #vainJoins = 0;
  #isOver = false;
  #isPaused = false;

  constructor(options: LaunchOptions, choice: LockstepChoice, bell: Bell, network: HostNetwork | undefined) {
    this.#options = options;
    this.#choice = choice;
    this.#bell = bell;
    this.#disks = openDisks(options.disks ?? [], true);
    const configuration = configurationOf(options, this.#disks.configurations);
    this.#differing = differ(configuration, choice.diverge ?? [], choice.divergeSeed ?? DEFAULT_SEED);
    this.#boot = loadBoot(options, configuration);
    const { second } = choice;
    const partner = second === undefined ? this.#boot : loadBoot({ ...options, program: second }, configuration);
    this.path = options.recordTo ?? chooseRecordingPath(this.#boot.path, new Date());
    if (resolve(this.path) === resolve(this.#boot.path)) {
      throw new UserError("recording-is-program", `The recording cannot replace the program ${this.#boot.path}.`, 2);
    }
    this.#sink = new CountingSink(MACHINE_DEVICES, ({ device, bytes }) => {
      if (device === NETWORK) network?.fromGuest(bytes);
    });
    this.#faults = faultsOf(choice);
    const [left, right] = localChannel();
    const plain = { configuration, skew: undefined };
    this.#settle("left", { role: "primary", partner: "B" }, left, this.#boot, plain);
    this.#settle("right", { role: "secondary" }, right, partner, this.#differing);
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
    return this.#lives[side]!;
  }

  input(event: InputEvent): void {
    this.#inputs.push(event);
    this.#bell.ring();
  }

  /** A machine takes its seat. */
  #settle(
    side: PairSide,
    start: MemberStart,
    channel: Channel,
    boot: LoadedBoot,
    { configuration, skew }: Partial<ReturnType<typeof differ>> & Pick<ReturnType<typeof differ>, "configuration">,
  ): void {
    const { engine, cacheGroup } = this.#options;
    const { second, faultSeed = 0 } = this.#choice;
    const disks = this.#disks;
    const name = String.fromCharCode(0x41 + this.#places.length);
    const { role } = start;
    const joins = role === "joiner";
    const machine = new Machine(configuration, engine, disks.images, cacheGroup, makeCompileThread);
    machine.load(boot.image);
    const recording = new MemberRecording(machine, {
      ...{ path: this.path, pair: this.#id, member: name, joins, configuration: machine.configuration, engine },
      images: [...boot.recorded, ...disks.recorded],
      role: role === "primary" ? "primary" : "secondary",
      partner: role === "primary" ? undefined : (this.#speaker?.name ?? "A"),
      nowMs: () => performance.now() - this.#startedMs,
      onRoom: () => this.#bell.ring(),
      isDebugged: true,
    });
    const said = () => replica.counts;
    const live = this.#lives[side];
    if (live === undefined) this.#lives[side] = this.#liveSide(side, boot, { member: name, machine, recording, said });
    else live.join({ member: name, machine, recording, said });
    const { tap } = recording;
    const own = this.#faults.filter((fault) => fault.role === role);
    const replica = new MachineReplica(machine, skew, flipsOf(own, faultSeed, tap), recording);
    const driver = new MemberDriver({
      ...{ member: name, tap, replica, arbiter: this.#arbiter, sink: this.#sink, inputs: this.#inputs, faults: own },
      ...{ channel, start, pageCount: pageCountOf(configuration), paced: configuration.clock === "paced" },
      options: second === undefined ? {} : { onDivergence: "stop" },
      onKill: () => {
        place.dead = true;
      },
      onFreeze: (ms) => {
        place.frozenUntilMs = performance.now() + ms;
      },
      nowMs: () => performance.now(),
    });
    const place: Place = { name, side, driver, recording, dead: false, frozenUntilMs: 0, divergences: 0 };
    this.#places.push(place);
  }

  #liveSide(side: PairSide, boot: LoadedBoot, first: LiveMember): LiveSide {
    const isLeft = side === "left";
    const folder = isLeft ? folderWarning(this.path) : undefined;
    return new LiveSide(
      {
        ...{ boot, options: this.#options, warnings: folder === undefined ? [] : [folder] },
        console: (sent) => (isLeft ? this.#console(sent) : this.side("right").console),
        from: (instant) => ({ ...this.side(otherSide(side)).stretch, instant }),
        left: (member) => {
          const gone = this.#places.find(({ name }) => name === member);
          if (gone !== undefined) this.#ending.push(gone.recording.close());
        },
      },
      first,
    );
  }

  /** What the pair has said is in the history of the machine that speaks, unless that took it over with a state. */
  #console(sent: number): ConsoleSource {
    const speaker = this.#speaker?.side ?? "left";
    const sources = [speaker, otherSide(speaker)].map((side) => this.side(side).console);
    const source = sources.find(({ said }) => said <= sent) ?? sources[0];
    return { ...source, released: this.#sink.taken[CONSOLE] };
  }

  /** Both from their ends on, until something stops one of them, or `pause`. `onLook` lets the world see how it goes. */
  async run({ stopsAtDivergence, ahead }: PairRun, onLook: () => void): Promise<PairStop> {
    const sides = [this.side("left"), this.side("right")];
    for (const live of sides) live.begin(ahead !== undefined);
    const ends = { left: sides[0].end + (ahead ?? Infinity), right: sides[1].end + (ahead ?? Infinity) };
    this.#isPaused = false;
    let lookedMs = performance.now();
    for (;;) {
      let moved = false;
      for (const place of this.#seated) {
        if (place.dead || place.frozenUntilMs > performance.now()) continue;
        if (place.driver.turn()) moved = true;
        const divergence = this.#newDivergence();
        if (this.side(place.side).isHeld) return this.#stopped(place.side);
        if (divergence !== undefined && stopsAtDivergence) return this.#stopped(undefined, divergence);
      }
      const speaker = this.#speaker;
      // Of one that is gone the other has yet to hear that it is.
      const isLeft = this.#seated.some(({ dead, driver }) => !dead && driver.ended !== "fenced");
      if (!isLeft || speaker?.driver.ended === "over") {
        this.#isOver = true;
        return this.#stopped(undefined);
      }
      if (speaker !== undefined && this.#replace(speaker)) moved = true;
      if (this.#seated.every((place) => this.side(place.side).end >= ends[place.side] || !this.#isShown(place))) {
        return this.#stopped(undefined);
      }
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

  /** Whoever is left alone gets a new partner; another program's machine cannot be replaced by a copy. */
  #replace({ side, driver }: Place): boolean {
    const { phase } = driver.member.primary!;
    if (phase === "paired") this.#vainJoins = 0;
    if (phase !== "alone" || this.#choice.second !== undefined || this.#vainJoins >= MOST_VAIN_JOINS) return false;
    this.#vainJoins++;
    const [there, here] = localChannel();
    if (!driver.accept(there)) return false;
    this.#settle(otherSide(side), { role: "joiner" }, here, this.#boot, this.#differing);
    return true;
  }

  #stopped(by: PairSide | undefined, divergence?: PairDivergence): PairStop {
    const [left, right] = [this.side("left"), this.side("right")];
    return {
      ...{ left: left.settle(), right: right.settle() },
      ...(by !== undefined && { by }),
      ...(divergence !== undefined && { divergence }),
      stretches: { left: left.stretch, right: right.stretch },
    };
  }

  /** The guest is over, or nobody is left. */
  get isOver(): boolean {
    return this.#isOver;
  }

  situation(): Omit<PairSituation, "id"> {
    const seated = this.#seated;
    const reports = this.#places.map((place) => ({
      ...place.driver.report(),
      ...((place.dead || !seated.includes(place)) && { alive: false, speaks: false }),
    }));
    const report = pairReport(
      reports,
      this.#sink.taken.reduce((total, count) => total + count, 0),
      this.#places.length - SEATS,
    );
    const { inner, digests, latencyMs, lagStepsMax, outputsMatched, outputsReleased, innerDivergences } = report;
    const { resynchronisations, takeOvers, joined, held, logEntries } = report;
    return {
      live: !this.#isOver,
      members: this.#places.flatMap(({ name, side }, index) => {
        const { alive, speaks } = reports[index];
        const stretches = this.side(side).stretchesOf(name);
        // Of one that is only about to join there is nothing to be seen.
        if (stretches.length === 0) return [];
        return { name, side, role: !alive ? "gone" : speaks ? "primary" : "secondary", stretches };
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
    await Promise.all([...this.#ending, ...this.#seated.map(({ recording }) => recording.written())]);
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#places.map(({ recording }) => {
        recording.onStretch = () => {};
        return recording.close();
      }),
    );
  }

  /** Who has the seats now. */
  get #seated(): readonly Place[] {
    return SIDES.map((side) => this.#places.findLast((place) => place.side === side)!);
  }

  /** Whether it is the machine that is looked at, and goes on: none that is gone, or about to join. */
  #isShown({ dead, name, side }: Place): boolean {
    return !dead && this.side(side).stretch.member === name;
  }

  get #speaker(): Place | undefined {
    const speaking = this.#places.filter(
      ({ dead, driver }) => !dead && driver.member.primary !== undefined && driver.ended !== "fenced",
    );
    // Who stood still and was survived may not know it yet: the later term is the one that counts.
    return speaking.sort((a, b) => a.driver.member.primary!.term - b.driver.member.primary!.term).at(-1);
  }

  #newDivergence(): PairDivergence | undefined {
    for (const place of this.#places) {
      const divergences = divergencesOf(place.driver.member);
      if (divergences.length <= place.divergences) continue;
      const divergence = this.#divergenceOf(divergences[place.divergences++]);
      this.#divergences.push(divergence);
      return divergence;
    }
    return undefined;
  }

  #divergenceOf({ what, device, number, expected, got, lastAgreement, ...at }: OutputDivergence): PairDivergence {
    // An entry of the log has the instants of its first and its last byte: that of the one that differs the machine knows.
    const isByte = device === CONSOLE;
    const primary = this.#speaker?.side ?? "left";
    const positionOf = (side: PairSide): PairPosition => {
      const isPrimary = side === primary;
      const live = this.side(side);
      const { member, stretch } = live.stretch;
      const { first, last } = live.stretchesOf(member)[stretch - 1];
      const isSaid = isByte && (what === "data" || what === (isPrimary ? "missing" : "extra"));
      const known = isPrimary ? at.primaryInstant : at.secondaryInstant;
      const instant = (isSaid ? live.instantOfByte(number) : undefined) ?? known;
      return { member, stretch, instant: Math.min(Math.max(instant, first), last) };
    };
    const [leftText, rightText] = primary === "left" ? [expected, got] : [got, expected];
    return {
      ...{ what, device, number, lastAgreement, leftText, rightText },
      ...{ left: positionOf("left"), right: positionOf("right") },
    };
  }
}

const SIDES = ["left", "right"] as const satisfies readonly PairSide[];
const SEATS = SIDES.length;

function otherSide(side: PairSide): PairSide {
  return side === "left" ? "right" : "left";
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
