import type { PairRecording } from "../host/pair-recording.ts";
import { formatCount } from "./quantities.ts";

/** What there is to say of the pair that a recording is of. */
export function describePair({ id, members, log, missing, opened }: PairRecording) {
  const { inner, latencyMs, ...summary } = log.summary;
  return {
    ...{ pair: id, opened, members, missing, ...summary },
    latencyMs: { median: latencyMs.median ?? null, p99: latencyMs.p99 ?? null },
    inner: inner ?? null,
  };
}

export function pairRows({ members, log, opened }: PairRecording): [string, string][] {
  const { summary } = log;
  const { digests, inner, divergences, latencyMs } = summary;
  const rows: [string, string][] = [
    ["lockstep", `machine ${opened.member}${opened.stretch === 1 ? "" : `, its state number ${opened.stretch}`}`],
  ];
  for (const { member, stretches } of members) {
    for (const { number, path, first, last, start } of stretches) {
      const name = number === 1 ? `machine ${member}` : `machine ${member}, ${number}`;
      const from = start === undefined ? "" : `, from the state of ${start.member}`;
      rows.push([name, `${path}, instants ${formatCount(first)} to ${formatCount(last)}${from}`]);
    }
  }
  rows.push([
    "log",
    `${formatCount(summary.counts.input + summary.counts.output + summary.counts.digest)} entries; ` +
      `${formatCount(summary.outputsMatched)} outputs matched, ${formatCount(summary.outputsReleased)} left`,
  ]);
  if (latencyMs.median !== undefined) {
    const [median, p99] = [latencyMs.median, latencyMs.p99 ?? latencyMs.median].map((ms) => ms.toFixed(1));
    rows.push([
      "waited",
      `${median} ms (median), ${p99} ms (99th percentile), at most ${formatCount(summary.lagStepsMax)} steps behind`,
    ]);
  }
  if (digests.equal + digests.different > 0) {
    rows.push(["compared", `${formatCount(digests.equal)} digests equal, ${formatCount(digests.different)} different`]);
  }
  if (summary.innerDivergences > 0) {
    const since =
      inner === undefined
        ? "not any more"
        : `since instant ${formatCount(inner.noticedAt)} (${inner.how}), last agreement ${formatCount(inner.lastAgreement)}`;
    rows.push(["inside", `different, ${since}`]);
  }
  const [first] = divergences;
  if (first !== undefined) {
    const device = ["console byte", "frame", "end"][first.device] ?? "output";
    const at = `instants ${formatCount(first.primaryInstant)} and ${formatCount(first.secondaryInstant)}`;
    const more = divergences.length > 1 ? `; ${formatCount(divergences.length - 1)} more` : "";
    rows.push(["divergence", `${device} ${formatCount(first.number)} (${first.what}), ${at}${more}`]);
  }
  const happened = [
    ...[[summary.resynchronisations, "resynchronised"] as const, [summary.takeOvers, "taken over"] as const],
    [summary.joined, "joined"] as const,
  ].flatMap(([count, what]) => (count > 0 ? [`${what} ${count === 1 ? "once" : `${formatCount(count)} times`}`] : []));
  if (happened.length > 0) rows.push(["the pair", happened.join(", ")]);
  return rows;
}
