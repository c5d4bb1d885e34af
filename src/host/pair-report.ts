import type { InnerDivergence, OutputDivergence } from "../lockstep/divergence.ts";
import type { FollowerCounters } from "../lockstep/follower.ts";
import type { Member } from "../lockstep/member.ts";
import { sumOfWorks } from "../machine/latent-meter.ts";
import type { WorkReport } from "../machine/residency.ts";

/** What one member has to tell of itself: plain data. */
export interface MemberReport {
  readonly name: string;
  readonly alive: boolean;
  readonly speaks: boolean;
  readonly inner: InnerDivergence | undefined;
  readonly divergences: readonly OutputDivergence[];
  readonly resynchronisations: number;
  readonly tookOver: boolean;
  readonly counters: FollowerCounters | undefined;
  readonly lagStepsMax: number;
  readonly held: number;
  readonly waitedMs: number;
  readonly latency: { readonly count: number; readonly median: number | undefined; readonly p99: number | undefined };
  readonly entries: number;
  readonly pagesSent: number;
  readonly bytesSent: number;
  /** Pages that the secondary fetched: as a primary what the guest was told of, or went on beside; as a secondary what it waited for. */
  readonly works: readonly WorkReport[];
  /** In which the whole guest waited for pages that it was told of. */
  readonly idleMs: number;
}

/** What a pair has to tell of itself. */
export interface PairReport {
  /** Names of the machines that live; the first speaks. */
  readonly members: readonly string[];
  readonly outputsMatched: number;
  readonly outputsReleased: number;
  readonly resynchronisations: number;
  readonly takeOvers: number;
  readonly joined: number;
  readonly divergences: readonly OutputDivergence[];
  readonly inner: InnerDivergence | undefined;
  readonly innerDivergences: number;
  readonly digests: { readonly equal: number; readonly different: number; readonly skipped: number };
  readonly lagStepsMax: number;
  readonly held: number;
  /** How long a primary had no steps because its secondary was behind. */
  readonly waitedMs: number;
  readonly latencyMs: { readonly median: number | undefined; readonly p99: number | undefined };
  readonly logEntries: number;
  readonly bytesSent: number;
  readonly pagesSent: number;
  /** See `MemberReport`; of both machines. */
  readonly works: readonly WorkReport[];
  readonly idleMs: number;
}

/** Whether a member may still become, or is, the one that speaks. */
export function isAlive({ primary, secondary }: Member): boolean {
  return primary === undefined ? secondary!.phase !== "fenced" : primary.phase !== "fenced";
}

export function memberReport(member: Member, isDead: boolean, bytesSent: number): MemberReport {
  const { primary, secondary } = member;
  const statistics = primary?.statistics;
  const alive = !isDead && isAlive(member);
  return {
    ...{ name: member.name, alive, speaks: alive && primary !== undefined, inner: secondary?.inner, bytesSent },
    divergences: divergencesOf(member),
    resynchronisations: secondary?.resynchronisations ?? 0,
    tookOver: secondary?.phase === "surviving",
    counters: secondary === undefined ? undefined : { ...secondary.counters },
    lagStepsMax: statistics?.lagStepsMax ?? 0,
    held: statistics?.held ?? 0,
    waitedMs: statistics?.waitedMs ?? 0,
    latency: {
      count: statistics?.latency.count ?? 0,
      median: statistics?.latency.quantile(0.5),
      p99: statistics?.latency.quantile(0.99),
    },
    entries: statistics?.entries ?? 0,
    pagesSent: statistics?.pagesSent ?? 0,
    works: [...(primary?.fetches.works ?? []), ...(secondary?.works ?? [])],
    idleMs: primary?.fetches.idleMs ?? 0,
  };
}

/** What it noticed itself: the secondary compares, the primary sees who comes no farther. */
export function divergencesOf({ primary, secondary }: Member): readonly OutputDivergence[] {
  const noticed = primary?.divergences.filter(({ what }) => what === "no-progress") ?? [];
  return [...(secondary?.divergences ?? []), ...noticed];
}

/** `members` in the order in which they came; none: nobody has answered yet. */
export function pairReport(members: readonly MemberReport[], outputsReleased: number, joined: number): PairReport {
  const sum = (value: (member: MemberReport) => number | undefined) =>
    members.reduce((total, member) => total + (value(member) ?? 0), 0);
  const living = members.filter(({ alive }) => alive).sort((a, b) => Number(b.speaks) - Number(a.speaks));
  const none: MemberReport["latency"] = { count: 0, median: undefined, p99: undefined };
  const longest = members.reduce((best, { latency }) => (latency.count > best.count ? latency : best), none);
  return {
    members: living.map(({ name }) => name),
    outputsMatched: sum(({ counters }) => counters?.outputsMatched),
    outputsReleased,
    resynchronisations: sum(({ resynchronisations }) => resynchronisations),
    takeOvers: members.filter(({ tookOver }) => tookOver).length,
    joined,
    divergences: members.flatMap(({ divergences }) => divergences),
    inner: members.filter(({ counters }) => counters !== undefined).at(-1)?.inner,
    innerDivergences: sum(({ counters }) => counters?.innerDivergences),
    digests: {
      equal: sum(({ counters }) => counters?.digestsEqual),
      different: sum(({ counters }) => counters?.digestsDifferent),
      skipped: sum(({ counters }) => counters?.digestsSkipped),
    },
    lagStepsMax: Math.max(0, ...members.map(({ lagStepsMax }) => lagStepsMax)),
    held: sum(({ held }) => held),
    waitedMs: sum(({ waitedMs }) => waitedMs),
    latencyMs: { median: longest.median, p99: longest.p99 },
    logEntries: sum(({ entries }) => entries),
    bytesSent: sum(({ bytesSent }) => bytesSent),
    pagesSent: sum(({ pagesSent }) => pagesSent),
    works: sumOfWorks(members.flatMap(({ works }) => works)),
    idleMs: sum(({ idleMs }) => idleMs),
  };
}
