import { basename } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import type { SideBySide } from "../debuggee/divergence-protocol.ts";
import type {
  DebuggeeApi,
  DebuggeeEvent,
  LaunchOptions,
  LaunchResult,
  PairDivergence,
  PairLogFilter,
  PairPosition,
  PairRun,
  PairSide,
  PairSituation,
  PairStop,
  PairStretch,
} from "../debuggee/protocol.ts";
import { connectDebuggee, type RemoteDebuggee } from "./debuggee-client.ts";
import { DivergenceSearch } from "./divergence-search.ts";
import type { LivePairApi } from "./live-pair-server.ts";
import { type NodeDebuggee, startDebuggee } from "./node-debuggee.ts";
import { openPairRecording, type PairRecording } from "./pair-recording.ts";
import { nodePort } from "./port.ts";
import { RemoteFault, RpcClient } from "./rpc.ts";
import type { SearchSubject } from "./search-protocol.ts";
import { workerUrl } from "./worker-url.ts";

const MEMBERS: Readonly<Record<PairSide, string>> = { left: "A", right: "B" };

type OnEvent = (event: { readonly type: "changed" }) => void;

/** The pair that a launch asks for, by `lockstep` or by a recording of one; undefined: it is one machine. */
export async function openPair(
  options: LaunchOptions,
  onEvent: OnEvent,
): Promise<RecordedDebuggeePair | LiveDebuggeePair | undefined> {
  const { lockstep, recording } = options;
  if (lockstep) return LiveDebuggeePair.start(options, onEvent);
  if (recording === undefined || lockstep === false) return undefined;
  const pair = await openPairRecording(recording);
  // Of a pair of which one machine is there, that is debugged like any other.
  const hasBoth = Object.values(MEMBERS).every((name) => pair?.members.some(({ member }) => member === name));
  return pair !== undefined && hasBoth ? new RecordedDebuggeePair(options, pair) : undefined;
}

/** What there is to ask of recordings of two machines. */
abstract class PairOfRecordings {
  protected readonly options: LaunchOptions;

  constructor(options: LaunchOptions) {
    this.options = options;
  }

  abstract situation(): Promise<PairSituation>;
  /** What is known of it now, with everything in the files. */
  protected abstract recording(): Promise<PairRecording>;

  async log(from: number, count: number, filter: PairLogFilter) {
    const { log } = await this.recording();
    return { rows: log.entries(from, count, filter), total: log.countOf(filter) };
  }

  findDivergence(
    left: PairPosition,
    right: PairPosition,
    onProgress: (what: string, fraction: number | undefined) => void,
  ) {
    let cancelled = false;
    let search: DivergenceSearch | undefined;
    const find = async () => {
      search = await this.#search(left, right);
      if (cancelled) await search.close();
      const names = { left: "machine A", right: "machine B" };
      return search.find({ names, onProgress }).finally(() => search?.close());
    };
    return {
      finding: find(),
      cancel: () => {
        cancelled = true;
        void search?.close();
      },
    };
  }

  async differences(left: PairPosition, right: PairPosition): Promise<SideBySide> {
    const search = await this.#search(left, right);
    try {
      return await search.compare(left.instant, right.instant);
    } finally {
      await search.close();
    }
  }

  async #search(left: PairPosition, right: PairPosition): Promise<DivergenceSearch> {
    const { members } = await this.recordedSituation();
    const subject = ({ member, stretch }: PairPosition): SearchSubject => {
      const { path, last } = stretchOf(members, member, stretch);
      const { engine, cacheGroup } = this.options;
      return { path, end: last, engine, cacheGroup };
    };
    return DivergenceSearch.open(subject(left), subject(right));
  }

  /** The situation with everything that it speaks of in the files. */
  protected abstract recordedSituation(): Promise<PairSituation>;

  /** One of the recordings, with a machine of its own. */
  protected async openStretch(
    side: PairSide,
    number: number,
    onEvent: (event: DebuggeeEvent) => void,
  ): Promise<{ debuggee: NodeDebuggee; result: LaunchResult }> {
    const { path } = stretchOf((await this.recordedSituation()).members, MEMBERS[side], number);
    const { engine, cacheGroup, stopOnEntry } = this.options;
    const debuggee = await startDebuggee(onEvent);
    try {
      const chosen = { ...(engine !== undefined && { engine }), ...(cacheGroup !== undefined && { cacheGroup }) };
      return { debuggee, result: await debuggee.launch({ recording: path, stopOnEntry, ...chosen }) };
    } catch (error) {
      await debuggee.dispose();
      throw error;
    }
  }
}

function stretchOf(members: PairSituation["members"], member: string, number: number): PairStretch {
  const stretch = members.find(({ name }) => name === member)?.stretches.find((known) => known.number === number);
  if (stretch === undefined) throw new RemoteFault(`machine ${member} has no stretch ${number}`, undefined);
  return stretch;
}

/** Opened from its recordings. */
class RecordedDebuggeePair extends PairOfRecordings {
  readonly #pair: PairRecording;

  constructor(options: LaunchOptions, pair: PairRecording) {
    super(options);
    this.#pair = pair;
  }

  open(side: PairSide, stretch: number, onEvent: (event: DebuggeeEvent) => void) {
    return this.openStretch(side, stretch, onEvent);
  }

  async situation(): Promise<PairSituation> {
    return situationOf(this.#pair);
  }

  protected recordedSituation(): Promise<PairSituation> {
    return this.situation();
  }

  protected async recording(): Promise<PairRecording> {
    return this.#pair;
  }

  async close(): Promise<void> {}
}

function situationOf({ id, members, log, missing }: PairRecording): PairSituation {
  const { summary } = log;
  const { entries, outputsMatched, outputsReleased, innerDivergences, digests, resynchronisations } = summary;
  const { takeOvers, joined, held, latencyMs, lagStepsMax, inner } = summary;
  const newest = members.at(-1)?.member;
  return {
    ...{ id, live: false, missing, lagStepsMax },
    members: members.map(({ member, stretches }) => ({
      ...{ name: member, stretches },
      role: roleOf(member, newest, summary.takeOvers > 0),
    })),
    ...(inner !== undefined && { inner }),
    counts: {
      ...{ entries, outputsMatched, outputsReleased, innerDivergences, resynchronisations, takeOvers, joined, held },
      ...{ digestsEqual: digests.equal, digestsDifferent: digests.different },
    },
    latencyMs: {
      ...(latencyMs.median !== undefined && { median: latencyMs.median }),
      ...(latencyMs.p99 !== undefined && { p99: latencyMs.p99 }),
    },
    divergences: summary.divergences.flatMap((divergence): PairDivergence[] => {
      const { what, device, number, expected, got, lastAgreement, primary, secondary } = divergence;
      const ofPrimary = { ...primary, instant: divergence.primaryInstant };
      const ofSecondary = { ...secondary, instant: divergence.secondaryInstant };
      const isLeft = primary.member === MEMBERS.left && secondary.member === MEMBERS.right;
      const isRight = primary.member === MEMBERS.right && secondary.member === MEMBERS.left;
      // Of machines that no session shows.
      if (!isLeft && !isRight) return [];
      const [left, right] = isLeft ? [ofPrimary, ofSecondary] : [ofSecondary, ofPrimary];
      const [leftText, rightText] = isLeft ? [expected, got] : [got, expected];
      return [{ ...{ what, device, number, lastAgreement, left, right, leftText, rightText } }];
    }),
  };
}

/** As it was in the end: who took over was there before those that joined it. */
function roleOf(member: string, newest: string | undefined, tookOver: boolean): "primary" | "secondary" | "gone" {
  if (!tookOver) return member === MEMBERS.left ? "primary" : member === newest ? "secondary" : "gone";
  if (member === MEMBERS.left) return "gone";
  return member === newest && member !== MEMBERS.right ? "secondary" : "primary";
}

/** Running, in a thread; what is asked of the past is asked of its recordings. */
class LiveDebuggeePair extends PairOfRecordings {
  readonly #worker: Worker;
  readonly #control: RpcClient;
  readonly #machines: Readonly<Record<PairSide, RemoteDebuggee>>;
  readonly #results = new Map<PairSide, LaunchResult>();
  readonly #onEvents: Record<PairSide, (event: DebuggeeEvent) => void> = { left: () => {}, right: () => {} };
  #isClosed = false;

  private constructor(options: LaunchOptions, onEvent: OnEvent) {
    super(options);
    const ports = { left: new MessageChannel(), right: new MessageChannel() };
    const workerData = { left: ports.left.port1, right: ports.right.port1 };
    this.#worker = new Worker(workerUrl("live-pair-worker"), {
      ...{ name: "hindcast pair", workerData, transferList: [workerData.left, workerData.right] },
    });
    this.#control = new RpcClient(nodePort(this.#worker), (event) => onEvent(event as { type: "changed" }));
    const machine = (side: PairSide) =>
      connectDebuggee(nodePort(ports[side].port2), (event) => this.#onEvents[side](event));
    this.#machines = { left: machine("left"), right: machine("right") };
    this.#worker.on("error", (error: Error) => this.#lost(error.message, error.stack));
    this.#worker.on("exit", (code) => this.#lost(`exit code ${code}`));
  }

  static async start(options: LaunchOptions, onEvent: OnEvent): Promise<LiveDebuggeePair> {
    const pair = new LiveDebuggeePair(options, onEvent);
    try {
      await pair.#ask("open", options);
      return pair;
    } catch (error) {
      await pair.close();
      throw error;
    }
  }

  async open(side: PairSide, stretch: number, onEvent: (event: DebuggeeEvent) => void) {
    const { members } = await this.#ask("situation");
    const newest = members.find(({ name }) => name === MEMBERS[side])?.stretches.length ?? 1;
    if (stretch < newest) return this.openStretch(side, stretch, onEvent);
    this.#onEvents[side] = onEvent;
    const machine = this.#machines[side];
    const known = this.#results.get(side);
    const result = known ?? (await machine.launch(this.options));
    this.#results.set(side, result);
    // The machine goes on running whatever is looked at; the pair ends both.
    const debuggee = Object.assign({} as DebuggeeApi, machine, {
      input: (bytes: Uint8Array) => this.#ask("input", bytes),
      close: async () => {},
      dispose: async () => {},
    });
    return { debuggee, result };
  }

  run(how: PairRun): Promise<PairStop> {
    return this.#ask("run", how);
  }

  async pauseRun(): Promise<void> {
    await this.#ask("pause");
  }

  async situation(): Promise<PairSituation> {
    const known = await this.#ask("situation");
    return { ...known, id: basename(known.members[0].stretches[0].path) };
  }

  protected async recordedSituation(): Promise<PairSituation> {
    await this.#ask("flush");
    return this.situation();
  }

  protected async recording(): Promise<PairRecording> {
    const { members } = await this.recordedSituation();
    return (await openPairRecording(members[0].stretches[0].path))!;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    for (const side of ["left", "right"] as const) {
      if (this.#results.has(side)) await this.#machines[side].close().catch(() => {});
    }
    await this.#ask("close").catch(() => {});
    this.#isClosed = true;
    await this.#worker.terminate();
  }

  #ask<Method extends keyof LivePairApi>(
    method: Method,
    ...args: Parameters<LivePairApi[Method]>
  ): Promise<Awaited<ReturnType<LivePairApi[Method]>>> {
    return this.#control.call(method, args) as Promise<Awaited<ReturnType<LivePairApi[Method]>>>;
  }

  #lost(why: string, stack?: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const message = `The pair's thread ended by itself (${why}); what was recorded until then is kept.`;
    const fault = new RemoteFault(message, stack);
    this.#control.break(fault);
    for (const side of ["left", "right"] as const) {
      this.#machines[side].break(fault);
      this.#onEvents[side]({ type: "failure", message, fatal: true });
    }
  }
}
