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
  StretchName,
} from "../debuggee/protocol.ts";
import { connectDebuggee, type RemoteDebuggee } from "./debuggee-client.ts";
import { DivergenceSearch } from "./divergence-search.ts";
import type { LivePairApi } from "./live-pair-server.ts";
import { type NodeDebuggee, startDebuggee } from "./node-debuggee.ts";
import { FIRST_MEMBER, SECOND_MEMBER } from "./pair-files.ts";
import { openPairRecording, type PairMemberRecording, type PairRecording } from "./pair-recording.ts";
import { nodePort } from "./port.ts";
import { RemoteFault, RpcClient } from "./rpc.ts";
import type { SearchSubject } from "./search-protocol.ts";
import { workerUrl } from "./worker-url.ts";

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
  const hasBoth = [FIRST_MEMBER, SECOND_MEMBER].every((name) => pair?.members.some(({ member }) => member === name));
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
      const names = { left: `machine ${left.member}`, right: `machine ${right.member}` };
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
    const subject = (place: PairPosition): SearchSubject => {
      const { path, last } = stretchOf(members, place);
      const { engine, cacheGroup } = this.options;
      return { path, end: last, engine, cacheGroup };
    };
    return DivergenceSearch.open(subject(left), subject(right));
  }

  /** The situation with everything that it speaks of in the files. */
  protected abstract recordedSituation(): Promise<PairSituation>;

  /** One of the recordings, with a machine of its own. What it printed has been told already, or is. */
  protected async openStretch(
    stretch: StretchName,
    onEvent: (event: DebuggeeEvent) => void,
    isTold: boolean,
  ): Promise<{ debuggee: NodeDebuggee; result: LaunchResult }> {
    const { path } = stretchOf((await this.recordedSituation()).members, stretch);
    const { engine, cacheGroup, stopOnEntry } = this.options;
    const debuggee = await startDebuggee((event) => {
      if (!isTold || event.type !== "output" || event.branch !== undefined) onEvent(event);
    });
    try {
      const chosen = { ...(engine !== undefined && { engine }), ...(cacheGroup !== undefined && { cacheGroup }) };
      return { debuggee, result: await debuggee.launch({ recording: path, stopOnEntry, ...chosen }) };
    } catch (error) {
      await debuggee.dispose();
      throw error;
    }
  }
}

function stretchOf(members: PairSituation["members"], { member, stretch }: StretchName): PairStretch {
  const known = members.find(({ name }) => name === member)?.stretches.find(({ number }) => number === stretch);
  if (known === undefined) throw new RemoteFault(`machine ${member} has no stretch ${stretch}`, undefined);
  return known;
}

/** Opened from its recordings. */
class RecordedDebuggeePair extends PairOfRecordings {
  readonly #pair: PairRecording;
  /** Stretches whose output the user has seen. */
  readonly #told = new Set<string>();

  constructor(options: LaunchOptions, pair: PairRecording) {
    super(options);
    this.#pair = pair;
  }

  open(_side: PairSide, stretch: StretchName, onEvent: (event: DebuggeeEvent) => void) {
    const name = `${stretch.member} ${stretch.stretch}`;
    const isTold = this.#told.has(name);
    this.#told.add(name);
    return this.openStretch(stretch, onEvent, isTold);
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
  const sides = sidesOf(members);
  const roles = rolesOf(members, sides, log);
  return {
    ...{ id, live: false, missing, lagStepsMax },
    members: members.map(({ member, stretches }) => ({
      ...{ name: member, stretches, side: sides.get(member)!, role: roles(member) },
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
      const isLeft = sides.get(primary.member) === "left";
      // Of machines of which there is no recording.
      if (!sides.has(primary.member) || !sides.has(secondary.member)) return [];
      const [left, right] = isLeft ? [ofPrimary, ofSecondary] : [ofSecondary, ofPrimary];
      const [leftText, rightText] = isLeft ? [expected, got] : [got, expected];
      return [{ ...{ what, device, number, lastAgreement, left, right, leftText, rightText } }];
    }),
  };
}

/** Who joined has the seat of the machine that was gone: across from the one whose state it was given. */
function sidesOf(members: readonly PairMemberRecording[]): ReadonlyMap<string, PairSide> {
  const sides = new Map<string, PairSide>();
  for (const { member, stretches } of members) {
    const giver = stretches[0].start?.member;
    const across = giver === undefined ? undefined : sides.get(giver);
    const isRight = across === undefined ? member !== FIRST_MEMBER : across === "left";
    sides.set(member, isRight ? "right" : "left");
  }
  return sides;
}

/** As it was in the end: the last of each side are left, and who took over last is the primary. */
function rolesOf(
  members: readonly PairMemberRecording[],
  sides: ReadonlyMap<string, PairSide>,
  log: PairRecording["log"],
): (member: string) => "primary" | "secondary" | "gone" {
  const filter = { kinds: ["take-over"] as const };
  const count = log.countOf(filter);
  const [last] = count === 0 ? [] : log.entries(count - 1, 1, filter);
  const primary = last?.member ?? FIRST_MEMBER;
  const partner = members.findLast(({ member }) => sides.get(member) !== sides.get(primary));
  // Who was survived is no partner; one that came after is.
  const joined = partner?.stretches[0].start?.member === primary;
  const hasPartner = last === undefined ? partner !== undefined : joined;
  return (member) => (member === primary ? "primary" : hasPartner && member === partner?.member ? "secondary" : "gone");
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

  async open(side: PairSide, stretch: StretchName, onEvent: (event: DebuggeeEvent) => void) {
    // What is typed is for the machines that run, wherever it is looked from.
    const input = (bytes: Uint8Array) => this.#ask("input", bytes);
    const { members } = await this.#ask("situation");
    const newest = members.findLast((member) => member.side === side)!;
    if (stretch.member !== newest.name || stretch.stretch < newest.stretches.length) {
      const past = await this.openStretch(stretch, onEvent, true);
      return { ...past, debuggee: Object.assign({} as NodeDebuggee, past.debuggee, { input }) };
    }
    this.#onEvents[side] = onEvent;
    const machine = this.#machines[side];
    const known = this.#results.get(side);
    const result = known ?? (await machine.launch(this.options));
    this.#results.set(side, result);
    // The machine goes on running whatever is looked at; the pair ends both.
    const debuggee = Object.assign({} as DebuggeeApi, machine, {
      input,
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
