import type { Program } from "../assembler/program.ts";
import type { UserError } from "../base/errors.ts";
import { type HostNetwork, openNetwork } from "../host/host-network.ts";
import { Bell, drive } from "../host/motion-driver.ts";
import { Pacer } from "../host/pacer.ts";
import type { MachineLike } from "../machine/machine-interface.ts";
import type { ResidencyReport } from "../machine/residency.ts";
import type { Motion, TravelStop } from "../replay/timeline-interface.ts";
import type { Answer, Context } from "./context.ts";
import { GuestInput } from "./guest-console.ts";
import { BROKEN_PIPE_EXIT_CODE, INTERRUPTED_EXIT_CODE, Interruption } from "./interruption.ts";
import { openRecorded, openUnrecorded } from "./live-run.ts";
import type { MachineOptions } from "./machine-options.ts";
import { formatBytes, formatCount } from "./quantities.ts";
import { residencyText } from "./residency-text.ts";
import { answerTo, type EndedMachine, type Ending } from "./run-answer.ts";
import { TERMINAL_GREETING } from "./terminal-input.ts";

/** A machine that runs live, recorded or not. */
export interface LiveRun {
  readonly machine: EndedMachine;
  /** Its clock is to be kept near the host's; absent: it needs nobody for that. */
  readonly paced?: Pick<MachineLike, "time">;
  readonly programs: readonly Program[];
  /** Sentences about the program that the user should see. */
  readonly warnings: readonly string[];
  /** Runs to the end of the guest, or to `limit`. */
  forward(limit: number): Motion<TravelStop>;
  input(bytes: Uint8Array): void;
  /** Lets ticks of mtime pass for a paced guest that waits. */
  idle?(ticks: number): void;
  /** Called at every turn: hands on what the guest printed. */
  turn(): void;
  /** A sentence once the recording cannot go on. */
  failure(): string | undefined;
  /** Where its pages are; absent: the machine keeps all. */
  residency?(): ResidencyReport | undefined;
  /** Ends the recording, if there is one. */
  close(): Promise<{ readonly recording: string; readonly bytes: number } | undefined>;
}

type Options = Readonly<Record<string, unknown>>;

export async function run(context: Context, [path]: readonly string[], options: Options): Promise<Answer> {
  const bell = new Bell();
  const { answer, sentence, pages } = await execute(context, options, bell, (network) =>
    openUnrecorded(context, path, options, network),
  );
  if (pages !== undefined) context.voice.say(pages);
  // A guest that ended by itself has said what it had to say.
  if (sentence !== undefined && answer.json.reason !== "exit") context.voice.say(sentence);
  return answer;
}

export async function record(context: Context, [path]: readonly string[], options: Options): Promise<Answer> {
  const bell = new Bell();
  const { answer, sentence, closed, pages } = await execute(context, options, bell, (network) =>
    openRecorded(context, path, options as MachineOptions & { output?: string }, () => bell.ring(), network),
  );
  if (sentence !== undefined) context.voice.say(sentence);
  if (pages !== undefined) context.voice.say(pages);
  const { recording, bytes } = closed!;
  context.voice.say(`Recorded ${formatCount(answer.json.instant)} instants into ${recording} (${formatBytes(bytes)}).`);
  if (answer.json.trap !== undefined) {
    context.voice.say(`Ask it where a value came from: hindcast query ${recording} last-write ADDRESS`);
  }
  return { ...answer, json: { ...answer.json, recording, bytes } };
}

type Opener = (network: HostNetwork | undefined) => LiveRun;

/** The network first: when it cannot be had, nothing is run, and nothing recorded. */
export async function execute(context: Context, options: MachineOptions, bell: Bell, open: Opener) {
  const network = await openNetwork(options.net, bell);
  try {
    for (const forward of network?.forwards ?? []) context.voice.say(forward);
    return await executeWith(context, open(network), options, bell, network);
  } finally {
    network?.close();
  }
}

/** Runs a guest to its end, to the limit, or until somebody interrupts it. */
async function executeWith(
  context: Context,
  live: LiveRun,
  options: MachineOptions,
  bell: Bell,
  network: HostNetwork | undefined,
) {
  const interruption = new Interruption(() => bell.ring());
  for (const warning of live.warnings) context.voice.warn(warning);
  let inputError: UserError | undefined;
  const input = new GuestInput(options.input, {
    bytes: (bytes) => {
      live.input(bytes);
      bell.ring();
    },
    ended: () => bell.ring(),
    quit: () => interruption.ask(INTERRUPTED_EXIT_CODE),
    help: (text) => context.voice.say(text),
    failed: (error) => {
      inputError = error;
      bell.ring();
    },
  });
  if (input.interactive) context.voice.say(TERMINAL_GREETING);
  const started = performance.now();
  try {
    const ending = await untilEnd(context, live, options, {
      ...{ input, interruption, bell, network },
      failed: () => inputError,
    });
    const seconds = (performance.now() - started) / 1000;
    const residency = live.residency?.();
    live.turn();
    await context.stdout.flush();
    const closed = await live.close();
    if (inputError !== undefined) throw inputError;
    const told = { machine: live.machine, programs: live.programs, seconds, ...(residency && { residency }) };
    const pages = residency === undefined ? undefined : residencyText(residency);
    return { ...answerTo(ending, told), closed, pages };
  } catch (error) {
    // What was recorded stays, whatever happened.
    await live.close();
    throw error;
  } finally {
    input.close();
    interruption.release();
  }
}

interface Surroundings {
  readonly input: GuestInput;
  readonly interruption: Interruption;
  readonly bell: Bell;
  readonly network: HostNetwork | undefined;
  readonly failed: () => UserError | undefined;
}

async function untilEnd(
  context: Context,
  live: LiveRun,
  options: MachineOptions,
  { input, interruption, bell, network, failed }: Surroundings,
): Promise<Ending> {
  const { paced } = live;
  const pacer = paced === undefined ? undefined : new Pacer(() => performance.now(), paced.time);
  let waitsForEver = false;
  const outcome = await drive(live.forward(options.limit ?? Number.MAX_SAFE_INTEGER), {
    bell,
    stop: () =>
      interruption.asked ||
      waitsForEver ||
      context.stdout.closed ||
      failed() !== undefined ||
      live.failure() !== undefined,
    onProgress: async (progress) => {
      live.turn();
      await context.stdout.flush();
      const mayBeWoken = progress.waitingTicks !== undefined || !input.ended || (network?.isBusy ?? false);
      waitsForEver = progress.waiting === true && !mayBeWoken;
      if (paced === undefined) return;
      await pacer?.keep(progress, { ticks: paced.time, bell, idle: (ticks) => live.idle?.(ticks) });
    },
  });
  const message = live.failure();
  if (message !== undefined) return { kind: "recording-failed", message };
  if (outcome.finished) return { kind: "stop", stop: outcome.value };
  if (interruption.exitCode !== undefined) return { kind: "interrupted", exitCode: interruption.exitCode };
  if (context.stdout.closed) return { kind: "output-closed", exitCode: BROKEN_PIPE_EXIT_CODE };
  return { kind: "stop", stop: { kind: "waiting" } };
}
