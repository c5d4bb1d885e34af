import { resolve } from "node:path";
import type { Instant, VirtualAddress } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import { loadBoot } from "../host/boot-files.ts";
import type { HostNetwork } from "../host/host-network.ts";
import { LockstepPair } from "../host/lockstep-pair.ts";
import { Bell } from "../host/motion-driver.ts";
import type { PairReport } from "../host/pair-report.ts";
import type { OutputDivergence } from "../lockstep/divergence.ts";
import { type DivergenceSource, differ } from "../lockstep/divergence-sources.ts";
import { drawFaults, type Fault, type PairRole } from "../lockstep/fault.ts";
import type { LockstepOptions } from "../lockstep/options.ts";
import type { Motion, TravelStop } from "../replay/timeline-interface.ts";
import { type Answer, type Context, NEGATIVE } from "./context.ts";
import { machinesFor } from "./live-run.ts";
import type { MachineOptions } from "./machine-options.ts";
import type { NatsFlags } from "./nats-flags.ts";
import { formatBytes, formatCount, formatSeconds } from "./quantities.ts";
import { worksText } from "./residency-text.ts";
import { execute, type LiveRun } from "./run.ts";

export type LockstepChoice = MachineOptions &
  NatsFlags & {
    readonly role?: PairRole;
    readonly pair?: string;
    readonly wait?: boolean;
    readonly second?: string;
    readonly diverge?: readonly DivergenceSource[];
    readonly divergeSeed?: number;
    readonly fault?: readonly Fault[];
    readonly faultSeed?: number;
    readonly processes?: boolean;
    /** Seconds of silence that are taken for death. */
    readonly giveUpAfter?: number;
    readonly output?: string;
  };

/** Faults that are drawn fall into the run, or into this many steps of one without a limit. */
const FAULT_STEPS = 100_000_000;
/** Of how the second machine differs. */
export const DEFAULT_SEED = 1;

export async function lockstep(
  context: Context,
  [path]: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  const choice = options as LockstepChoice;
  const bell = new Bell();
  let pair: LockstepPair | undefined;
  const { answer, sentence, closed } = await execute(context, choice, bell, (network) => {
    const opened = openPair(context, path, choice, network, () => bell.ring());
    pair = opened.pair;
    return opened.live;
  });
  const { loss, recordings } = pair!;
  const report = await pair!.report();
  const json = { ...answer.json, lockstep: report, ...closed };
  for (const warning of recordings.flatMap(({ warnings }) => warnings)) context.voice.warn(warning);
  if (closed !== undefined) {
    const files = recordings.flatMap(({ paths }) => paths);
    context.voice.say(`Recorded both machines into ${files.join(", ")} (${formatBytes(closed.bytes)}).`);
  }
  const difference = report.divergences[0];
  if (choice.second !== undefined && difference !== undefined) {
    context.voice.say(`The two programs differ: ${differenceText(difference)}.`);
    return { exitCode: NEGATIVE, json: { ...json, reason: "difference" } };
  }
  if (loss !== undefined) {
    context.voice.fail(loss);
    return { exitCode: NEGATIVE, json: { ...json, reason: "nobody-left", exitCode: NEGATIVE } };
  }
  if (sentence !== undefined && answer.json.reason !== "exit") context.voice.say(sentence);
  for (const line of sentences(report)) context.voice.say(line);
  return { ...answer, json };
}

/** How long a machine may be silent, and whether the guest is told of pages that the second has to fetch: not, where that one differs. */
export function protocolOptions({ giveUpAfter, asyncPages, diverge = [] }: LockstepChoice): Partial<LockstepOptions> {
  return {
    ...(giveUpAfter !== undefined && { silenceMs: giveUpAfter * 1000 }),
    ...((asyncPages === "off" || diverge.length > 0) && { fetches: "ahead" as const }),
  };
}

function openPair(
  context: Context,
  path: string | undefined,
  choice: LockstepChoice,
  network: HostNetwork | undefined,
  onChange: () => void,
): { pair: LockstepPair; live: LiveRun } {
  const { second, diverge = [], divergeSeed = DEFAULT_SEED, faultSeed, limit, engine, cacheGroup } = choice;
  if (second !== undefined && choice.kernel !== undefined) {
    throw new UserError("lockstep-kernel", "--second compares two programs; leave out --kernel.", 2);
  }
  const { output: recordTo } = choice;
  const { choice: chosen, configuration, recordedDisks } = machinesFor(path, choice, recordTo !== undefined);
  const boot = loadBoot(chosen, configuration);
  if (recordTo !== undefined && resolve(recordTo) === resolve(boot.path)) {
    throw new UserError("recording-is-program", `The recording cannot replace the program ${boot.path}.`, 2);
  }
  const differing = differ(configuration, diverge, divergeSeed);
  const partner = second === undefined ? boot : loadBoot({ ...chosen, program: second }, configuration);
  const ofAll = { disks: choice.disk ?? [], engine, cacheGroup };
  const other = { ...ofAll, configuration: differing.configuration, skew: differing.skew };
  const isDrawn = faultSeed !== undefined && choice.fault === undefined;
  const faults = isDrawn ? drawFaults(faultSeed, limit ?? FAULT_STEPS) : (choice.fault ?? []);
  const pair: LockstepPair = new LockstepPair({
    primary: { ...ofAll, configuration, image: boot.image },
    secondary: { ...other, image: partner.image },
    // Another program's machine cannot be replaced by a copy.
    ...(second === undefined && { joiner: { ...other, image: boot.image } }),
    options: { ...protocolOptions(choice), ...(second !== undefined && { onDivergence: "stop" as const }) },
    hosting: choice.processes === true ? "processes" : "threads",
    ...(recordTo === undefined
      ? {}
      : {
          recording: {
            path: recordTo,
            images: [...boot.recorded, ...recordedDisks],
            ...(second === undefined ? {} : { secondImages: [...partner.recorded, ...recordedDisks] }),
          },
        }),
    ...{ faults, faultSeed: faultSeed ?? 0, limit },
    onConsole: (bytes) => context.stdout.bytes(bytes),
    onFrame: (frame) => network?.fromGuest(frame),
    drained: () => context.stdout.flush(),
    onChange,
  });
  network?.connect({
    deliver: (frame) => {
      pair.input({ kind: "network-input", frame: frame.slice() });
      return true;
    },
    get backlog() {
      return pair.backlog;
    },
  });
  const live: LiveRun = {
    get machine() {
      const { instant = 0, pcs = [], cacheGroup: report } = pair.speaker ?? {};
      return { instant, harts: pcs.map((pc) => ({ pc: pc as VirtualAddress })), cacheGroup: report };
    },
    programs: boot.programs,
    warnings: boot.warnings,
    forward: () => follow(pair),
    input: (bytes) => pair.input({ kind: "console-input", bytes: bytes.slice() }),
    turn: () => {},
    failure: () => pair.failure,
    close: async () => {
      await pair.close();
      if (pair.fault !== undefined) throw pair.fault;
      if (recordTo === undefined) return undefined;
      return { recording: recordTo, bytes: pair.recordings.reduce((sum, { bytes }) => sum + bytes, 0) };
    },
  };
  return { pair, live };
}

/** The pair runs elsewhere: this says how far it is. */
function* follow(pair: LockstepPair): Motion<TravelStop> {
  for (;;) {
    if (pair.end !== undefined) return pair.speaker?.ending ?? { kind: "reached" };
    const { waiting } = pair;
    yield {
      ...{ instant: (pair.speaker?.instant ?? 0) as Instant, fraction: undefined, elsewhere: true },
      ...(waiting === undefined ? {} : { waiting: true }),
      ...(waiting?.ticks === undefined ? {} : { waitingTicks: waiting.ticks }),
    };
  }
}

function differenceText({ what, device, number, expected, got, ...at }: OutputDivergence): string {
  const where = ["console byte", "frame", "how it ends"][device] ?? "output";
  const place = device === 2 ? where : `${where} ${formatCount(number)}`;
  const instants = `instants ${formatCount(at.primaryInstant)} and ${formatCount(at.secondaryInstant)}`;
  return `${place} (${what}) is ${expected} in the first and ${got} in the second, at ${instants}`;
}

export function sentences(report: PairReport): string[] {
  const { digests, inner, latencyMs } = report;
  const lines = [
    `Lockstep: ${formatCount(report.outputsReleased)} outputs left; ` +
      `${formatCount(report.logEntries)} log entries, ${formatBytes(report.bytesSent)} between the machines.`,
  ];
  if (report.innerDivergences > 0) {
    const since =
      inner === undefined
        ? "they agree again"
        : `since instant ${formatCount(inner.noticedAt)} (${inner.how}), last agreement ${formatCount(inner.lastAgreement)}`;
    const compared = `${formatCount(digests.different)} of ${formatCount(digests.different + digests.equal)} digests`;
    lines.push(`The machines differed inside ${times(report.innerDivergences)}, in ${compared}: ${since}.`);
  }
  for (const divergence of report.divergences.slice(0, MOST_SHOWN)) {
    lines.push(`Divergence of output: ${differenceText(divergence)}.`);
  }
  if (report.resynchronisations > 0) {
    const pages = `${formatCount(report.pagesSent)} pages travelled`;
    lines.push(`The secondary was resynchronised ${times(report.resynchronisations)}; ${pages}.`);
  }
  if (report.takeOvers > 0) lines.push(`The secondary took over ${times(report.takeOvers)}.`);
  if (report.joined > 0) lines.push(`A new secondary joined ${times(report.joined)}.`);
  lines.push(...worksText(report.works, report.idleMs));
  if (latencyMs.median !== undefined) {
    const [median, p99] = [latencyMs.median, latencyMs.p99 ?? latencyMs.median].map((ms) => ms.toFixed(1));
    const lag = `the secondary was at most ${formatCount(report.lagStepsMax)} steps behind, and waited for ${formatSeconds(report.waitedMs / 1000)}`;
    lines.push(`Output waited ${median} ms (median), ${p99} ms (99th percentile); ${lag}.`);
  }
  return lines;
}

function times(count: number): string {
  return count === 1 ? "1 time" : `${formatCount(count)} times`;
}

const MOST_SHOWN = 5;
