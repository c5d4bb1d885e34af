import { randomBytes } from "node:crypto";
import { UserError } from "../base/errors.ts";
import { LocalArbiter } from "../lockstep/arbiter.ts";
import type { OutputDivergence } from "../lockstep/divergence.ts";
import type { Fault, PairRole } from "../lockstep/fault.ts";
import { CONSOLE, MACHINE_DEVICES, NETWORK } from "../lockstep/machine-replica.ts";
import type { LockstepOptions } from "../lockstep/options.ts";
import { CountingSink, InputQueue } from "../lockstep/outside.ts";
import type { Counts, InputEvent } from "../lockstep/replica.ts";
import type { RecordedImage } from "../replay/recording-message.ts";
import type { MemberEnd, MemberStart } from "./lockstep-member.ts";
import type {
  ChannelEnd,
  FromMember,
  MachineSpecification,
  MemberRecordingState,
  MemberState,
} from "./lockstep-protocol.ts";
import { type MemberHost, type MemberHosting, ProcessHosting, ThreadHosting } from "./member-host.ts";
import { makeRoomForPair } from "./pair-recording.ts";
import { type MemberReport, type PairReport, pairReport } from "./pair-report.ts";
import { errorFromData } from "./rpc.ts";
import { SharedTaken } from "./shared-taken.ts";

/**
 * On one host a member that dies is seen to: its channel closes. Silence is for one that stands still, and a host that has much to do
 * is not to be taken for that. Ten signs of life a second are half a kilobit.
 */
const LOCAL_OPTIONS = { heartbeatMs: 100, silenceMs: 5_000 } as const satisfies Partial<LockstepOptions>;
/** Somebody who joins and is gone before he was paired is replaced so often in a row. */
export const MOST_VAIN_JOINS = 3;
/** A member that does not answer within it is reported as it was last heard of. */
const REPORT_WITHIN_MS = 1_000;
/** The end of a recording is written meanwhile. */
const STOP_WITHIN_MS = 10_000;
const PAIR_ID_BYTES = 8;

export interface PairParts {
  readonly primary: MachineSpecification;
  readonly secondary: MachineSpecification;
  /** The machine of somebody who joins; absent: a survivor stays alone. */
  readonly joiner?: MachineSpecification;
  /** Absent: the pair is not recorded. */
  readonly recording?: PairRecordingChoice;
  /** Each machine in a thread of its own, or in a process. */
  readonly hosting?: "threads" | "processes";
  readonly options?: Partial<LockstepOptions>;
  readonly faults?: readonly Fault[];
  /** For what faults hit. */
  readonly faultSeed?: number;
  /** The pair goes so far. */
  readonly limit?: number;
  readonly onConsole: (bytes: Uint8Array) => void;
  readonly onFrame: (frame: Uint8Array) => void;
  /** What was printed has gone its way: until then no more is taken than the pair's window holds. */
  readonly drained?: () => Promise<void>;
  /** Something is otherwise than it was: how far it is, who speaks, that it ended. */
  readonly onChange?: () => void;
}

export interface PairRecordingChoice {
  /** Of the first member's file: the others stand beside it. */
  readonly path: string;
  /** What the recordings have to hold; another program has others. */
  readonly images: readonly RecordedImage[];
  readonly secondImages?: readonly RecordedImage[];
}

interface Place {
  readonly name: string;
  readonly host: MemberHost;
  /** It came to a machine that ran. */
  readonly joins: boolean;
  state: MemberState | undefined;
  report: MemberReport | undefined;
  end: MemberEnd | undefined;
  isGone: boolean;
  /** Those who wait for its report, or its end. */
  readonly asked: { readonly report: Set<() => void>; readonly stop: Set<() => void> };
}

/**
 * Two machines, one voice: starts a thread or process for each member and has what outlives them: where output goes, where
 * input is kept, and who may speak.
 */
export class LockstepPair {
  readonly #parts: PairParts;
  readonly #hosting: MemberHosting;
  readonly #arbiter = new LocalArbiter({ term: 1, primary: "A", secondary: "B" });
  readonly #sink: CountingSink;
  readonly #inputs = new InputQueue();
  readonly #places: Place[] = [];
  readonly #id = randomBytes(PAIR_ID_BYTES).toString("hex");
  readonly #startedMs = performance.timeOrigin + performance.now();
  /** What the sink has taken, for members in threads. */
  readonly #taken: SharedTaken | undefined;
  /** What the members have been told that the sink has. */
  #told: Counts = MACHINE_DEVICES.map(() => 0);
  #pushed = 0;
  #joined = 0;
  #vainJoins = 0;
  #isPaused = false;
  #isClosing = false;
  #fault: Error | undefined;

  constructor(parts: PairParts) {
    this.#parts = parts;
    this.#hosting = parts.hosting === "processes" ? new ProcessHosting() : new ThreadHosting();
    if (parts.hosting !== "processes") this.#taken = SharedTaken.create(MACHINE_DEVICES.length);
    this.#sink = new CountingSink(MACHINE_DEVICES, ({ device, bytes }) => {
      if (device === CONSOLE) parts.onConsole(bytes);
      else if (device === NETWORK) parts.onFrame(bytes);
    });
    if (parts.recording !== undefined) makeRoomForPair(parts.recording.path);
    const [first, second] = this.#hosting.channel();
    this.#settle(parts.primary, { role: "primary", partner: "B" }, first, "primary");
    this.#settle(parts.secondary, { role: "secondary" }, second, "secondary");
  }

  /** The member that the outside hears, or heard last. */
  get speaker(): MemberState | undefined {
    return this.#speaker?.state;
  }

  /** Inputs that some machine has not been through. */
  get backlog(): number {
    return this.#inputs.kept.events.length;
  }

  /** The guest waits for input, and has had all that there is; `ticks`: or for its timer. */
  get waiting(): { readonly ticks: number | undefined } | undefined {
    const state = this.speaker;
    return state !== undefined && state.nextInput >= this.#pushed ? state.waiting : undefined;
  }

  /** Why there is nothing more to come. */
  get end(): MemberEnd | undefined {
    const end = this.#speaker?.end;
    return end === "fenced" ? undefined : end;
  }

  /** What there is of the recordings of all members, in the order in which they came. */
  get recordings(): readonly MemberRecordingState[] {
    return this.#places.flatMap(({ state }) => state?.recording ?? []);
  }

  /** A sentence when nobody is left, or a recording cannot go on. */
  get failure(): string | undefined {
    for (const { failure } of this.recordings) if (failure !== undefined) return failure;
    return this.loss;
  }

  /** A sentence when nobody is left. */
  get loss(): string | undefined {
    if (this.end !== undefined || this.#places.some((place) => lives(place) && !isJoining(place))) return undefined;
    if (this.#fault instanceof UserError) return this.#fault.message;
    return "Both machines are gone, and nobody was left to go on.";
  }

  /** What broke, if something did: no mistake of a user's. */
  get fault(): Error | undefined {
    return this.#fault instanceof UserError ? undefined : this.#fault;
  }

  /** What joiners, and the report, call the members. */
  get names(): readonly string[] {
    return this.#places.map(({ name }) => name);
  }

  input(event: InputEvent): void {
    this.#pushed++;
    this.#inputs.push(event);
    for (const { host } of this.#places) host.post({ kind: "input", event });
  }

  /** Both guests stand still, and nobody is taken for dead. */
  pause(): void {
    this.#isPaused = true;
    for (const { host } of this.#places) host.post({ kind: "pause" });
  }

  resume(): void {
    this.#isPaused = false;
    for (const { host } of this.#places) host.post({ kind: "resume" });
  }

  /** What the pair has to tell of itself, from those who still answer and, of the others, as they were last heard of. */
  async report(): Promise<PairReport> {
    const asked = this.#places.filter(lives).map((place) => this.#ask(place, "report", REPORT_WITHIN_MS));
    await Promise.all(asked);
    return this.#pairReport();
  }

  /** Ends all members in good order: their recordings are whole, and they have reported. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(
      this.#places.map((place) => (lives(place) ? this.#ask(place, "stop", STOP_WITHIN_MS) : undefined)),
    );
    await Promise.all(this.#places.map(({ host }) => host.kill()));
    await this.#hosting.close();
  }

  get #speaker(): Place | undefined {
    // Who stood still and was survived may not know it yet: the later term is the one that counts.
    const termOf = ({ state }: Place) => (state?.speaks === true ? state.term : 0);
    return this.#places.reduce<Place | undefined>(
      (best, place) => (termOf(place) > (best === undefined ? 0 : termOf(best)) ? place : best),
      undefined,
    );
  }

  #settle(machine: MachineSpecification, start: MemberStart, channel: ChannelEnd, role?: PairRole): void {
    const { faults = [], faultSeed = 0, options = {}, limit } = this.#parts;
    const name = String.fromCharCode(0x41 + this.#places.length);
    const host = this.#hosting.open(name, {
      heard: (message) => this.#hear(place, message),
      gone: (fault) => this.#bury(place, fault),
    });
    const begun = { state: undefined, report: undefined, end: undefined, isGone: false };
    const asked = { report: new Set<() => void>(), stop: new Set<() => void>() };
    const place: Place = { name, host, joins: start.role === "joiner", ...begun, asked };
    this.#places.push(place);
    const { recording: chosen, secondary } = this.#parts;
    const images = machine === secondary ? (chosen?.secondImages ?? chosen?.images) : chosen?.images;
    const recording = chosen && {
      ...{ path: chosen.path, pair: this.#id, startedMs: this.#startedMs, images: images ?? [] },
      partner: start.role === "primary" ? undefined : (this.#speaker?.name ?? this.#places[0].name),
    };
    const ofRole = faults.filter((fault) => fault.role === role);
    const specification = {
      ...{ member: name, start, machine, recording, faults: ofRole, faultSeed, limit },
      options: { ...LOCAL_OPTIONS, ...options },
      isPaused: this.#isPaused,
      ...{ inputs: this.#inputs.kept, taken: this.#sink.taken },
      sharedTaken: this.#taken?.buffer,
    };
    host.post({ kind: "begin", specification, channel });
  }

  #hear(place: Place, message: FromMember): void {
    switch (message.kind) {
      case "offer":
        this.#sink.offer(message.runs);
        void this.#take(place);
        return;
      case "forget":
        this.#inputs.forget(message.below);
        for (const { host } of this.#places) host.post(message);
        return;
      case "read":
        this.#arbiter.read((tenure) => place.host.post({ kind: "tenure", request: message.request, tenure }));
        return;
      case "test-and-set": {
        const { request, expected, next } = message;
        this.#arbiter.testAndSet(expected, next, (tenure) => place.host.post({ kind: "tenure", request, tenure }));
        return;
      }
      case "state":
        place.state = message.state;
        this.#replace(place);
        break;
      case "report":
        place.report = message.report;
        for (const answer of place.asked.report) answer();
        return;
      case "ended":
        Object.assign(place, { state: message.state, report: message.report, end: message.end });
        answerAll(place);
        break;
      case "failed":
        this.#fault ??= errorFromData(message.error);
        void place.host.kill();
        break;
    }
    this.#parts.onChange?.();
  }

  /** The outside has taken what was offered, once it has room for more. */
  async #take(place: Place): Promise<void> {
    const taken = [...this.#sink.taken];
    await this.#parts.drained?.();
    // Who waited for room may have been overtaken by who found some.
    const counts = taken.map((count, device) => Math.max(count, this.#told[device]));
    this.#told = counts;
    const shared = this.#taken;
    if (shared === undefined) return place.host.post({ kind: "taken", counts });
    shared.write(counts);
    place.host.wake();
  }

  /** Whoever is left alone gets a new secondary. */
  #replace({ state, host }: Place): void {
    const { joiner } = this.#parts;
    if (state?.phase === "paired") this.#vainJoins = 0;
    if (state?.phase !== "alone" || joiner === undefined || this.#isClosing) return;
    // One that is on its way already, or was refused as it came.
    if (this.#places.some((place) => lives(place) && isJoining(place))) return;
    if (this.#vainJoins >= MOST_VAIN_JOINS) return;
    this.#vainJoins++;
    this.#joined++;
    const [first, second] = this.#hosting.channel();
    host.post({ kind: "accept", channel: first });
    this.#settle(joiner, { role: "joiner" }, second);
  }

  #bury(place: Place, fault: Error | undefined): void {
    place.isGone = true;
    this.#fault ??= fault;
    answerAll(place);
    this.#parts.onChange?.();
  }

  #ask(place: Place, kind: "report" | "stop", withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const answer = () => {
        clearTimeout(timer);
        place.asked[kind].delete(answer);
        resolve();
      };
      const timer = setTimeout(answer, withinMs);
      place.asked[kind].add(answer);
      place.host.post({ kind });
    });
  }

  #pairReport(): PairReport {
    const members = this.#places.flatMap((place) => {
      const { report, end } = place;
      if (report === undefined) return [];
      return place.isGone && end === undefined ? [{ ...report, alive: false, speaks: false }] : [report];
    });
    const released = this.#sink.taken.reduce((total, count) => total + count, 0);
    return pairReport(members, released, this.#joined);
  }
}

/** The first difference in what two programs say. */
export function differenceOf({ divergences }: PairReport): OutputDivergence | undefined {
  return divergences[0];
}

function answerAll({ asked }: Place): void {
  for (const answer of [...asked.report, ...asked.stop]) answer();
}

function lives({ isGone, end }: Place): boolean {
  return !isGone && end === undefined;
}

function isJoining({ joins, state }: Place): boolean {
  return joins && (state === undefined || state.phase === "joining");
}
