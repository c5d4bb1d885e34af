import { UserError } from "../base/errors.ts";
import { type LoadedBoot, loadBoot } from "../host/boot-files.ts";
import type { HostNetwork } from "../host/host-network.ts";
import { LockstepPair, type PairMachine } from "../host/lockstep-pair.ts";
import { Bell } from "../host/motion-driver.ts";
import { PairRecorder } from "../host/pair-recorder.ts";
import type { PairReport } from "../host/pair-report.ts";
import type { OutputDivergence } from "../lockstep/divergence.ts";
import { type DivergenceSource, differ } from "../lockstep/divergence-sources.ts";
import { drawFaults, type Fault, type PairRole } from "../lockstep/fault.ts";
import type { MachineConfiguration } from "../machine/configuration.ts";
import { type Answer, type Context, NEGATIVE } from "./context.ts";
import { machinesFor } from "./live-run.ts";
import type { MachineOptions } from "./machine-options.ts";
import type { NatsFlags } from "./nats-flags.ts";
import { formatBytes, formatCount } from "./quantities.ts";
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
  let pair: LockstepPair | undefined;
  const bell = new Bell();
  const { answer, sentence, closed } = await execute(context, choice, bell, (network) => {
    const opened = openPair(context, path, choice, network, bell);
    pair = opened.pair;
    return opened.live;
  });
  const report = pair!.report();
  const json = { ...answer.json, lockstep: report, ...closed };
  for (const warning of pair!.recordings.flatMap(({ warnings }) => warnings)) context.voice.warn(warning);
  if (closed !== undefined) {
    const files = pair!.recordings.flatMap(({ paths }) => paths);
    context.voice.say(`Recorded both machines into ${files.join(", ")} (${formatBytes(closed.bytes)}).`);
  }
  const difference = report.divergences[0];
  if (choice.second !== undefined && difference !== undefined) {
    context.voice.say(`The two programs differ: ${differenceText(difference)}.`);
    return { exitCode: NEGATIVE, json: { ...json, reason: "difference" } };
  }
  if (pair!.isGone) {
    context.voice.fail("Both machines are gone, and nobody was left to go on.");
    return { exitCode: NEGATIVE, json: { ...json, reason: "nobody-left" } };
  }
  if (sentence !== undefined && answer.json.reason !== "exit") context.voice.say(sentence);
  for (const line of sentences(report)) context.voice.say(line);
  return { ...answer, json };
}

function openPair(
  context: Context,
  path: string | undefined,
  choice: LockstepChoice,
  network: HostNetwork | undefined,
  bell: Bell,
): { pair: LockstepPair; live: LiveRun } {
  const { second, diverge = [], divergeSeed = DEFAULT_SEED, faultSeed, limit } = choice;
  if (second !== undefined && choice.kernel !== undefined) {
    throw new UserError("lockstep-kernel", "--second compares two programs; leave out --kernel.", 2);
  }
  const { choice: chosen, configuration, make, recordedDisks } = machinesFor(path, choice, choice.output !== undefined);
  const boot = loadBoot(chosen, configuration);
  const differing = differ(configuration, diverge, divergeSeed);
  const partner = second === undefined ? boot : loadBoot({ ...chosen, program: second }, configuration);
  const { output: recordTo, engine } = choice;
  const recorder = recordTo === undefined ? undefined : new PairRecorder(recordTo, bell, engine);
  const machineOf = (of: MachineConfiguration, { image, recorded, path: program }: LoadedBoot): PairMachine => {
    const machine = make(of);
    machine.load(image);
    const images = [...recorded, ...recordedDisks];
    return { machine, ...(recorder && { record: recorder.of(machine, images, program) }) };
  };
  const secondary = () => ({ ...machineOf(differing.configuration, partner), skew: differing.skew });
  const isDrawn = faultSeed !== undefined && choice.fault === undefined;
  const faults = isDrawn ? drawFaults(faultSeed, limit ?? FAULT_STEPS) : (choice.fault ?? []);
  const pair: LockstepPair = new LockstepPair({
    primary: machineOf(configuration, boot),
    secondary: secondary(),
    // Another program's machine cannot be replaced by a copy.
    ...(second === undefined ? { newSecondary: secondary } : { options: { onDivergence: "stop" as const } }),
    faults,
    faultSeed: faultSeed ?? 0,
    onConsole: (bytes) => context.stdout.bytes(bytes),
    onFrame: (frame) => network?.fromGuest(frame),
    nowMs: () => performance.now(),
  });
  network?.connect({
    deliver: (frame) => {
      pair.input({ kind: "network-input", frame: frame.slice() });
      return true;
    },
    backlog: 0,
  });
  const live: LiveRun = {
    get machine() {
      return pair.machine;
    },
    programs: boot.programs,
    warnings: boot.warnings,
    forward: (steps) => pair.forward(steps),
    input: (bytes) => pair.input({ kind: "console-input", bytes: bytes.slice() }),
    idle: (ticks) => pair.idle(ticks),
    turn: () => {},
    failure: () => pair.failure,
    close: async () => {
      await Promise.all(pair.recordings.map((recording) => recording.close()));
      return recordTo === undefined ? undefined : { recording: recordTo, bytes: recorder!.fileBytes };
    },
  };
  return { pair, live };
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
  if (latencyMs.median !== undefined) {
    const [median, p99] = [latencyMs.median, latencyMs.p99 ?? latencyMs.median].map((ms) => ms.toFixed(1));
    const lag = `the secondary was at most ${formatCount(report.lagStepsMax)} steps behind`;
    lines.push(`Output waited ${median} ms (median), ${p99} ms (99th percentile); ${lag}.`);
  }
  return lines;
}

function times(count: number): string {
  return count === 1 ? "1 time" : `${formatCount(count)} times`;
}

const MOST_SHOWN = 5;
