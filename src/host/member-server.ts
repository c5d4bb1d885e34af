import { assert } from "../base/assert.ts";
import type { Arbiter, Tenure } from "../lockstep/arbiter.ts";
import type { Channel } from "../lockstep/channel.ts";
import type { MachineReplica } from "../lockstep/machine-replica.ts";
import { InputQueue, type InputSource, type OutputSink } from "../lockstep/outside.ts";
import type { Counts, OutputRun } from "../lockstep/replica.ts";
import { pageCountOf } from "../machine/configuration.ts";
import { SocketChannel, ThreadChannel } from "./lockstep-channels.ts";
import { MemberDriver } from "./lockstep-member.ts";
import type {
  ChannelEnd,
  FromMember,
  MemberRecordingState,
  MemberSpecification,
  MemberState,
  ToMember,
} from "./lockstep-protocol.ts";
import { makeMemberMachine } from "./member-machine.ts";
import type { Port } from "./port.ts";
import { errorToData } from "./rpc.ts";
import { SharedTaken } from "./shared-taken.ts";
import type { MemberRecording } from "./timeline-replica.ts";

/** What only shows how far it is, and nothing that somebody waits for, is told so often. */
const STATE_EVERY_MS = 50;
/** A member that dies by a fault has told what it counted by then; who is killed otherwise takes its figures along. */
const REPORT_EVERY_MS = 5_000;

/** Of faults: how the thread or process of a member dies. */
export interface Mortal {
  die(): void;
}

/** A member in a thread or process of its own: sink, inputs and arbiter are at the other end of the port. */
export class MemberServer {
  readonly #port: Port;
  readonly #mortal: Mortal;
  #driver: MemberDriver | undefined;
  #replica: MachineReplica | undefined;
  #recording: MemberRecording | undefined;
  #channels: { close(): void }[] = [];
  readonly #inputs: RemoteInputs;
  readonly #sink: RemoteSink;
  readonly #arbiter: RemoteArbiter;
  #told: { readonly phase?: string; readonly waitsFor?: number | undefined; readonly failure?: string | undefined } =
    {};
  #toldMs = 0;
  #reportedMs = 0;

  constructor(port: Port, mortal: Mortal) {
    this.#port = port;
    this.#mortal = mortal;
    const say = (message: FromMember) => port.post(message);
    this.#inputs = new RemoteInputs(say);
    this.#sink = new RemoteSink(say);
    this.#arbiter = new RemoteArbiter(say);
    port.listen((message) => this.#hear(message as ToMember));
  }

  #hear(message: ToMember): void {
    const driver = this.#driver;
    switch (message.kind) {
      case "begin":
        this.#begin(message.specification, message.channel).catch((error) =>
          this.#say({ kind: "failed", error: errorToData(error) }),
        );
        return;
      case "accept":
        if (driver !== undefined) this.#accept(driver, message.channel);
        break;
      case "input":
        this.#inputs.queue.push(message.event);
        break;
      case "forget":
        this.#inputs.queue.forget(message.below);
        break;
      case "taken":
        this.#sink.told = message.counts;
        break;
      case "tenure":
        this.#arbiter.answer(message.request, message.tenure);
        break;
      case "pause":
        driver?.pause();
        break;
      case "resume":
        driver?.resume();
        break;
      case "report":
        if (driver !== undefined) this.#say({ kind: "report", report: driver.report() });
        break;
      case "stop":
        driver?.stop();
        break;
    }
    this.#driver?.wake();
  }

  async #begin(specification: MemberSpecification, end: ChannelEnd): Promise<void> {
    const { member, start, machine, options, faults, inputs, limit } = specification;
    const channel = this.#channel(end);
    this.#inputs.queue = new InputQueue(inputs.first);
    for (const event of inputs.events) this.#inputs.queue.push(event);
    this.#sink.told = specification.taken;
    this.#sink.share(specification.sharedTaken);
    const { replica, recording } = makeMemberMachine(specification, () => this.#driver?.wake());
    this.#replica = replica;
    this.#recording = recording;
    const driver = new MemberDriver({
      ...{ member, replica, start, channel, options, faults, tap: recording?.tap },
      ...{ sink: this.#sink, inputs: this.#inputs, arbiter: this.#arbiter },
      pageCount: pageCountOf(machine.configuration),
      paced: machine.configuration.clock === "paced",
      onKill: () => {
        this.#say({ kind: "report", report: driver.report() });
        this.#mortal.die();
      },
      // The whole thread stands still, as it would.
      onFreeze: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
      onTurn: () => this.#tell(),
      nowMs: () => performance.now(),
    });
    this.#driver = driver;
    if (specification.isPaused) driver.pause();
    const ended = await driver.run(limit);
    this.#sink.flush();
    await recording?.close();
    this.#say({ kind: "ended", end: ended, state: this.#state, report: driver.report() });
    for (const each of this.#channels) each.close();
  }

  /** Who was the partner before is not heard any more. */
  #accept(driver: MemberDriver, end: ChannelEnd): void {
    const before = this.#channels;
    this.#channels = [];
    if (driver.accept(this.#channel(end))) for (const each of before) each.close();
    else this.#channels.push(...before);
  }

  /** What somebody may wait for is told at once, the rest now and then. */
  #tell(): void {
    this.#sink.flush();
    const { member, waiting } = this.#driver!;
    const { primary, secondary } = member;
    const nextInput = primary?.nextInput ?? 0;
    const nowMs = performance.now();
    const phase = primary?.phase ?? secondary!.phase;
    const waitsFor = waiting === undefined ? undefined : nextInput;
    const failure = this.#recording?.failure;
    const told = this.#told;
    const isTold = told.phase === phase && told.waitsFor === waitsFor && told.failure === failure;
    if (isTold && nowMs - this.#toldMs < STATE_EVERY_MS) return;
    this.#told = { phase, waitsFor, failure };
    this.#toldMs = nowMs;
    this.#say({ kind: "state", state: this.#state });
    if (nowMs - this.#reportedMs < REPORT_EVERY_MS) return;
    this.#reportedMs = nowMs;
    this.#say({ kind: "report", report: this.#driver!.report() });
  }

  get #state(): MemberState {
    const { member, waiting } = this.#driver!;
    const { instant, ending, machine } = this.#replica!;
    const { primary, secondary } = member;
    return {
      phase: primary?.phase ?? secondary!.phase,
      speaks: primary !== undefined && primary.phase !== "fenced",
      term: primary?.term ?? 0,
      ...{ instant, waiting, ending, nextInput: primary?.nextInput ?? 0 },
      pcs: machine.harts.map(({ pc }) => pc),
      cacheGroup: machine.cacheGroup,
      recording: this.#recordingState,
    };
  }

  get #recordingState(): MemberRecordingState | undefined {
    if (this.#recording === undefined) return undefined;
    const { paths, fileBytes, warnings, failure } = this.#recording;
    return { paths, bytes: fileBytes, warnings, failure };
  }

  #channel(end: ChannelEnd): Channel {
    const wake = () => this.#driver?.wake();
    const channel =
      end.kind === "thread"
        ? new ThreadChannel(end.end, wake)
        : end.kind === "listen"
          ? SocketChannel.listen(end.path, wake)
          : SocketChannel.connect(end.path, wake);
    this.#channels.push(channel);
    return channel;
  }

  #say(message: FromMember): void {
    this.#port.post(message);
  }
}

type Say = (message: FromMember) => void;

/** What is released in one turn crosses in one message. */
class RemoteSink implements OutputSink {
  readonly #say: Say;
  #runs: OutputRun[] = [];
  #asks = false;
  told: Counts = [];
  #shared: SharedTaken | undefined;

  constructor(say: Say) {
    this.#say = say;
  }

  get taken(): Counts {
    return this.#shared?.counts ?? this.told;
  }

  get takenAgoMs(): number {
    return this.#shared?.agoMs ?? 0;
  }

  /** A message to a thread of this process needs nobody's event loop to leave. */
  get isImmediate(): boolean {
    return this.#shared !== undefined;
  }

  share(taken: SharedArrayBuffer | undefined): void {
    if (taken !== undefined) this.#shared = new SharedTaken(taken);
  }

  offer(runs: readonly OutputRun[]): void {
    this.#runs.push(...runs);
    if (runs.length === 0) this.#asks = true;
    if (this.isImmediate) this.flush();
  }

  flush(): void {
    if (this.#runs.length === 0 && !this.#asks) return;
    this.#say({ kind: "offer", runs: this.#runs });
    this.#runs = [];
    this.#asks = false;
  }
}

/** A copy of what is kept at the other end, which alone decides what is forgotten. */
class RemoteInputs implements InputSource {
  readonly #say: Say;
  queue = new InputQueue();

  constructor(say: Say) {
    this.#say = say;
  }

  at(number: number) {
    return this.queue.at(number);
  }

  forget(below: number): void {
    this.#say({ kind: "forget", below });
  }
}

class RemoteArbiter implements Arbiter {
  readonly #say: Say;
  readonly #waiting = new Map<number, (tenure: Tenure) => void>();
  #request = 0;

  constructor(say: Say) {
    this.#say = say;
  }

  read(answer: (tenure: Tenure) => void): void {
    this.#say({ kind: "read", request: this.#ask(answer) });
  }

  testAndSet(expected: number, next: Tenure, answer: (tenure: Tenure) => void): void {
    this.#say({ kind: "test-and-set", request: this.#ask(answer), expected, next });
  }

  answer(request: number, tenure: Tenure): void {
    const answer = this.#waiting.get(request);
    assert(answer !== undefined, "the arbiter answers what it was asked");
    this.#waiting.delete(request);
    answer(tenure);
  }

  #ask(answer: (tenure: Tenure) => void): number {
    this.#waiting.set(++this.#request, answer);
    return this.#request;
  }
}
