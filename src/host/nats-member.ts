import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import { UserError } from "../base/errors.ts";
import type { Channel } from "../lockstep/channel.ts";
import type { Fault } from "../lockstep/fault.ts";
import {
  CONSOLE,
  MACHINE_DEVICES,
  type MachineFault,
  MachineReplica,
  type MachineSkew,
  NETWORK,
} from "../lockstep/machine-replica.ts";
import type { LockstepOptions } from "../lockstep/options.ts";
import type { InputEvent } from "../lockstep/replica.ts";
import { type EngineChoice, type MachineConfiguration, pageCountOf } from "../machine/configuration.ts";
import type { Machine } from "../machine/machine.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import type { RecordedImage } from "../replay/recording-message.ts";
import { MemberDriver, type MemberEnd } from "./lockstep-member.ts";
import { memberName, NatsArbiter, nextMember, readTenure, writeTenure } from "./nats-arbiter.ts";
import { NatsChannel } from "./nats-channel.ts";
import { connectionLost, type Nats, type Say } from "./nats-connection.ts";
import { InputSender, NatsInputs } from "./nats-inputs.ts";
import { NatsSink } from "./nats-sink.ts";
import { ask, PairDoor, type Question, type Reply, type RunDescription } from "./pair-door.ts";
import type { MemberReport } from "./pair-report.ts";
import {
  expireOutputs,
  makeStreams,
  openBucket,
  type PairPlace,
  pairPlace,
  removeBucket,
  removeStreams,
} from "./pair-streams.ts";
import { offerRecording } from "./recording-exchange.ts";
import { type RecordingKey, VERSION } from "./segment-queue.ts";
import { MemberRecording } from "./timeline-replica.ts";

/** Two machines, the server, and what else there is: with fewer processors than that the server has none of its own. */
const ROOMY_PROCESSORS = 4;
/** How often somebody who wants to join looks whether he can. */
const LOOK_INTERVAL_MS = 500;

/** A machine with its state at instant 0, and what it does otherwise than its partner. */
export interface MemberMachine {
  readonly machine: Machine;
  readonly skew?: MachineSkew;
  /** What a recording has to hold. */
  readonly images: readonly RecordedImage[];
}

export interface NatsMemberOptions {
  readonly nats: Nats;
  /** The pair's name at the server. */
  readonly pair: string;
  readonly say: Say;
  readonly onConsole: (bytes: Uint8Array) => void;
  readonly onFrame: (frame: Uint8Array) => void;
  readonly faults?: readonly Fault[];
  readonly flips?: readonly MachineFault[];
  readonly onKill?: () => void;
  readonly onFreeze?: (ms: number) => void;
  readonly options?: Partial<LockstepOptions>;
  /** What this member does is recorded: the pair's first file, as of `pairFile`. */
  readonly recordTo?: string | undefined;
  readonly engine?: EngineChoice | undefined;
}

/** What a primary runs. */
export interface MemberRun extends MemberMachine {
  readonly limit: number;
  readonly disks: readonly (RecordingKey | undefined)[];
  /** False: it begins before there is a secondary. */
  readonly waits: boolean;
}

/** How a secondary comes to a machine. */
export interface MemberMaker {
  readonly make: (description: RunDescription, fetchDisks: () => Promise<void>) => Promise<MemberMachine>;
  /** The machine that `make` gives has the program: its digest is to be that of the primary's. */
  readonly hasProgram: boolean;
}

/** Nobody to talk to, until somebody joins. */
const NO_CHANNEL: Channel = { send: () => {}, receive: () => undefined };

/** One of the two machines of a pair whose members meet at a NATS server. */
export class NatsMember {
  readonly #options: NatsMemberOptions;
  readonly #place: PairPlace;
  readonly #kv: KV;
  readonly #reports: MemberReport[] = [];
  #driver: MemberDriver | undefined;
  #replica: MachineReplica | undefined;
  #sink: NatsSink | undefined;
  #inputs: NatsInputs | undefined;
  #sender: InputSender | undefined;
  /** Input that came before there was a run to send it to. */
  readonly #early: InputEvent[] = [];
  #channel: NatsChannel | undefined;
  #description: RunDescription | undefined;
  #failure: unknown;
  readonly #recordings: MemberRecording[] = [];
  #isStopped = false;
  /** Of the present machine: that it has been one of a pair, and what it was seen as last. */
  #hasPaired = false;
  #phase = "";

  private constructor(options: NatsMemberOptions, place: PairPlace, kv: KV) {
    this.#options = options;
    this.#place = place;
    this.#kv = kv;
    const { nats } = options;
    void nats.connection.closed().then(() => {
      if (!this.#isStopped) this.#fail(connectionLost(nats.server));
    });
    void this.#follow();
  }

  static async open(options: NatsMemberOptions): Promise<NatsMember> {
    const place = pairPlace(options.pair);
    return new NatsMember(options, place, await openBucket(options.nats, place));
  }

  /** Undefined before there is one. */
  get machine(): MachineLike | undefined {
    return this.#replica?.machine;
  }

  get speaks(): boolean {
    return this.#driver?.member.primary !== undefined && this.#driver.ended !== "fenced";
  }

  /** How the guest ended; undefined: it has not. */
  get ending() {
    return this.#replica?.ending;
  }

  /** Outputs that the server has. */
  get released(): number {
    return (this.#sink?.taken ?? []).reduce((sum, count) => sum + count, 0);
  }

  /** Of each machine that this member was, in the order in which it was it. */
  get reports(): readonly MemberReport[] {
    return [...this.#reports, ...(this.#driver === undefined ? [] : [this.#driver.report()])];
  }

  /** Of each machine that this member was. */
  get recordings(): readonly MemberRecording[] {
    return this.#recordings;
  }

  /** For whichever machine speaks. */
  input(event: InputEvent): void {
    if (this.#sender === undefined) this.#early.push(event);
    else this.#sender.push(event);
  }

  stop(): void {
    this.#isStopped = true;
    this.#driver?.stop();
  }

  /** Begins a run of the pair, and goes on until it is over here. */
  async lead(run: MemberRun, maker: MemberMaker): Promise<MemberEnd> {
    const { machine, limit, disks } = run;
    const { configuration } = machine;
    this.#description = {
      ...{ version: VERSION, run: randomUUID(), member: memberName(0), limit, disks, startedMs: Date.now() },
      configuration: withoutVariation(configuration),
      resetDigest: machine.digest(machine.checkpoint()),
    };
    await this.#beginRun();
    await makeStreams(this.#options.nats, this.#place);
    const end = await this.#live(run, memberName(0), { role: "alone", term: 1 }, NO_CHANNEL, run.waits);
    return end === "fenced" ? this.follow(maker) : end;
  }

  /** Joins the pair as often as need be, and goes on until its run is over here. */
  async follow(maker: MemberMaker): Promise<MemberEnd> {
    for (;;) {
      const description = await this.#find();
      if (description === undefined) return this.#isStopped ? "stopped" : "over";
      this.#description = description;
      const made = await this.#makeLike(description, maker);
      const end = await this.#join(description, made);
      if (end !== "fenced") return end;
      if (this.#isStopped) return "stopped";
      await sleep(LOOK_INTERVAL_MS);
    }
  }

  /** Takes away what only the run needs, if nobody else is there to go on with it. */
  async close(end: MemberEnd): Promise<void> {
    this.#isStopped = true;
    const primary = this.#driver?.member.primary;
    const isLast = primary !== undefined && (end !== "stopped" || primary.phase === "alone");
    this.#channel?.close();
    this.#inputs?.close();
    this.#sender?.close();
    const { nats } = this.#options;
    try {
      if (isLast && !nats.connection.isClosed()) {
        const record = await readTenure(this.#kv);
        if (record?.tenure.run === this.#description?.run) {
          await removeStreams(nats, this.#place);
          await expireOutputs(nats, this.#place);
          await removeBucket(nats, this.#place);
        }
      }
    } catch {
      // The server is away: what is left goes with the next run of the pair.
    }
    await nats.connection.close();
  }

  async #beginRun(): Promise<void> {
    const { pair, nats, say } = this.#options;
    const record = await readTenure(this.#kv);
    if (record !== undefined) {
      if ((await ask(nats, this.#place, { kind: "look" })) !== undefined) throw this.#taken();
      say(`An earlier run of the pair ${pair} was left at ${nats.server}: it is taken away.`, true);
    }
    const { run, member } = this.#description!;
    const tenure = { run, term: 1, primary: member, secondary: undefined };
    if (!(await writeTenure(this.#kv, tenure, record?.revision ?? 0))) throw this.#taken();
  }

  #taken(): UserError {
    const { pair, nats } = this.#options;
    return new UserError(
      "pair-taken",
      `The pair ${pair} runs already at ${nats.server}: join it with --role secondary, or choose another name with --pair.`,
    );
  }

  /** Whoever speaks for the pair, once there is somebody. Undefined: the run is over, or this member was stopped. */
  async #find(): Promise<RunDescription | undefined> {
    const { nats, pair, say } = this.#options;
    const known = this.#description?.run;
    let isTold = false;
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#isStopped) return undefined;
      const reply = await ask(nats, this.#place, { kind: "look" });
      if (reply?.kind === "refused") throw new UserError("pair-refused", reply.sentence);
      if (reply?.kind === "run") {
        const { version } = reply.description;
        if (version === VERSION) return reply.description;
        throw new UserError("pair-version", `The pair ${pair} runs on Hindcast ${version}, and this is ${VERSION}.`);
      }
      if (known !== undefined && (await this.#isGone(known))) return undefined;
      if (!isTold) say(`Nobody speaks for the pair ${pair} at ${nats.server} yet: waiting.`, false);
      isTold = true;
      await sleep(LOOK_INTERVAL_MS);
    }
  }

  async #isGone(run: string): Promise<boolean> {
    try {
      return (await readTenure(this.#kv))?.tenure.run !== run;
    } catch (error) {
      return /stream not found|no responders/.test(String(error)) && !this.#options.nats.connection.isClosed();
    }
  }

  async #makeLike(description: RunDescription, maker: MemberMaker): Promise<MemberMachine> {
    const { nats, pair } = this.#options;
    const made = await maker.make(description, async () => {
      const reply = await ask(nats, this.#place, { kind: "disks" });
      if (reply?.kind !== "done") throw new UserError("pair-disks", `The disks of the pair ${pair} could not be had.`);
    });
    const { machine } = made;
    if (maker.hasProgram && machine.digest(machine.checkpoint()) !== description.resetDigest) {
      throw new UserError(
        "pair-program",
        `The pair ${pair} runs another program than this: leave it out, and it comes from the primary.`,
      );
    }
    return made;
  }

  async #join(description: RunDescription, made: MemberMachine): Promise<MemberEnd> {
    const { nats, say } = this.#options;
    const [session, member] = [randomUUID(), await nextMember(this.#kv)];
    const channel = await NatsChannel.open({
      ...{ nats, place: this.#place, session, role: "secondary" },
      onFrame: () => this.#driver?.wake(),
      onTrouble: (sentence) => say(sentence, true),
    });
    this.#channel = channel;
    try {
      const refusal = await this.#knock(session, member);
      return (
        refusal ?? (await this.#live({ ...made, limit: description.limit }, member, { role: "joiner" }, channel, false))
      );
    } finally {
      channel.close();
    }
  }

  /** Asks for a place in the pair until there is one. Otherwise: why there will be none. */
  async #knock(session: string, member: string): Promise<"fenced" | "stopped" | undefined> {
    const { nats, pair, say } = this.#options;
    let isTold = false;
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#isStopped) return "stopped";
      const reply = await ask(nats, this.#place, { kind: "join", session, member });
      if (reply?.kind === "refused") throw new UserError("pair-refused", reply.sentence);
      if (reply?.kind === "done") return undefined;
      // Who spoke is gone: somebody else will, perhaps of another run.
      if (reply === undefined) return "fenced";
      if (!isTold) say(`The pair ${pair} has two machines: waiting for a place.`, false);
      isTold = true;
      await sleep(LOOK_INTERVAL_MS);
    }
  }

  async #live(
    made: MemberMachine & { readonly limit: number },
    member: string,
    start: { role: "alone"; term: number } | { role: "joiner" },
    channel: Channel,
    waits: boolean,
  ): Promise<MemberEnd> {
    const { nats, onConsole, onFrame, onKill, onFreeze, options, say } = this.#options;
    const { machine, skew, limit } = made;
    const { run } = this.#description!;
    if (this.#driver !== undefined) this.#reports.push(this.#driver.report());
    this.#inputs?.close();
    this.#hasPaired = false;
    this.#phase = "";
    const wake = () => this.#driver?.wake();
    const recording = this.#record(made, member, start.role === "joiner", wake);
    // What was to happen has happened to the first machine: one that joins after it is spared.
    const { faults, flips }: Pick<NatsMemberOptions, "faults" | "flips"> =
      this.#reports.length === 0 ? this.#options : {};
    const replica = new MachineReplica(machine, skew, flips, recording);
    const sink = new NatsSink({
      ...{ nats, place: this.#place, run, devices: MACHINE_DEVICES, onTaken: wake },
      show: ({ device, bytes }) => {
        if (device === CONSOLE) onConsole(bytes);
        else if (device === NETWORK) onFrame(bytes);
      },
      onFailure: (sentence) => this.#fail(new UserError("pair-output", sentence)),
    });
    const inputs = new NatsInputs(nats, this.#place, wake);
    this.#sink = sink;
    this.#inputs = inputs;
    // What was typed while the server is away is not the machine's, which may be exchanged meanwhile.
    this.#sender ??= new InputSender(nats, this.#place, (sentence) => say(sentence, true));
    for (const event of this.#early.splice(0)) this.#sender.push(event);
    this.#replica = replica;
    const driver = new MemberDriver({
      ...{ member, replica, start, channel, sink, inputs, faults, onKill, onFreeze, options },
      pageCount: pageCountOf(machine.configuration),
      arbiter: new NatsArbiter(this.#kv, run, wake),
      naps: nats.isLocal && availableParallelism() < ROOMY_PROCESSORS,
      paced: machine.configuration.clock === "paced",
      tap: recording?.tap,
      onTurn: () => {
        this.#watch(waits);
        if (recording?.failure !== undefined) this.#fail(new UserError("recording-failed", recording.failure));
      },
      nowMs: () => performance.now(),
    });
    this.#driver = driver;
    if (waits) driver.pause();
    const door = new PairDoor(nats, this.#place, (question) => this.#answer(question, driver));
    try {
      // Whoever hears that there is a primary may ask it.
      await nats.connection.flush().catch(() => {});
      if (this.#isStopped) return "stopped";
      const end = await driver.run(limit);
      if (this.#failure !== undefined) throw this.#failure;
      if (end === "fenced" && this.#hasPaired) {
        say(`Machine ${member} was taken for dead: the other one goes on alone.`, true);
      }
      return end;
    } finally {
      door.close();
      sink.close();
      await recording?.close();
    }
  }

  #record(
    { machine, images }: MemberMachine,
    member: string,
    joins: boolean,
    onRoom: () => void,
  ): MemberRecording | undefined {
    const { recordTo, engine } = this.#options;
    const { run, member: speaker, startedMs } = this.#description!;
    if (recordTo === undefined) return undefined;
    const recording = new MemberRecording(machine, {
      ...{ path: recordTo, pair: run, member, joins, images, engine, onRoom },
      ...{ role: joins ? "secondary" : "primary", partner: joins ? speaker : undefined },
      configuration: machine.configuration,
      nowMs: () => Math.max(0, Date.now() - startedMs),
    });
    this.#recordings.push(recording);
    return recording;
  }

  /** Says what became of the pair. */
  #watch(waits: boolean): void {
    const driver = this.#driver!;
    const { primary, secondary } = driver.member;
    const phase = primary?.phase ?? secondary!.phase;
    const what = `${driver.member.name} ${primary === undefined ? "secondary" : "primary"} ${phase}`;
    if (what === this.#phase) return;
    const before = this.#phase;
    this.#phase = what;
    const { say, pair } = this.#options;
    const { name } = driver.member;
    const refusal = primary?.refusal ?? secondary?.refusal;
    if (phase === "claiming" && refusal !== undefined) say(refusal, true);
    if (primary === undefined) {
      if (phase === "following" && !before.includes("resynchronising")) {
        this.#hasPaired = true;
        say(`Machine ${name} is the secondary of the pair ${pair}.`, false);
      }
    } else if (phase === "paired") {
      this.#hasPaired = true;
      say(`Machine ${name} has a secondary.`, false);
      if (waits && driver.isPaused) driver.resume();
    } else if (phase === "alone" && secondary !== undefined && before.includes("secondary")) {
      say(`The primary is not heard any more: machine ${name} has taken over.`, true);
    } else if (phase === "alone" && before.includes("claiming")) {
      say(`The secondary is not heard any more: machine ${name} goes on alone.`, true);
    } else if (phase === "alone" && before === "") {
      const waiting = waits ? "; it begins when there is a secondary" : "";
      say(`Machine ${name} is the primary of the pair ${pair}${waiting}.`, false);
    }
  }

  /** Only who speaks answers. */
  async #answer(question: Question, driver: MemberDriver): Promise<Reply | undefined> {
    const { nats, say } = this.#options;
    const description = { ...this.#description!, member: driver.member.name };
    if (!this.speaks || this.#driver !== driver) return undefined;
    switch (question.kind) {
      case "look":
        return { kind: "run", description };
      case "disks":
        try {
          for (const key of description.disks) if (key !== undefined) await offerRecording(nats, key, () => {});
          return { kind: "done" };
        } catch (error) {
          return { kind: "refused", sentence: `The disks could not be sent: ${(error as Error).message}` };
        }
      case "join": {
        if (driver.member.primary?.phase !== "alone") return { kind: "full" };
        const { session } = question;
        const channel = await NatsChannel.open({
          ...{ nats, place: this.#place, session, role: "primary" },
          onFrame: () => driver.wake(),
          onTrouble: (sentence) => say(sentence, true),
        });
        if (!driver.accept(channel)) {
          channel.close();
          return { kind: "full" };
        }
        this.#channel?.close();
        this.#channel = channel;
        return { kind: "done" };
      }
    }
  }

  async #follow(): Promise<void> {
    const { nats, say } = this.#options;
    for await (const { type } of nats.connection.status()) {
      if (type === "disconnect") say(`The connection to ${nats.server} is lost; trying to get it back.`, true);
      if (type !== "reconnect") continue;
      say(`Connected to ${nats.server} again.`, true);
      this.#inputs?.resume();
      this.#driver?.wake();
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#driver?.stop();
  }
}

/** What one machine does otherwise is its own. */
function withoutVariation({ variation: _, ...configuration }: MachineConfiguration): MachineConfiguration {
  return configuration;
}
