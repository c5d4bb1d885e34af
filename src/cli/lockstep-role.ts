import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { DiskChoice } from "../base/disk-choice.ts";
import { UserError } from "../base/errors.ts";
import { loadBoot } from "../host/boot-files.ts";
import { makeCompileThread } from "../host/compile-thread.ts";
import { openDisks } from "../host/disk-files.ts";
import { flipsOf } from "../host/fault-flips.ts";
import { type HostNetwork, openNetwork } from "../host/host-network.ts";
import type { MemberEnd } from "../host/lockstep-member.ts";
import { Bell } from "../host/motion-driver.ts";
import { connectNats, type Nats } from "../host/nats-connection.ts";
import { type MemberMaker, type MemberRun, NatsMember } from "../host/nats-member.ts";
import type { RunDescription } from "../host/pair-door.ts";
import { pairReport } from "../host/pair-report.ts";
import { fileHash, RecordingCache } from "../host/recording-exchange.ts";
import type { RecordingKey } from "../host/segment-queue.ts";
import { withSystemErrors } from "../host/system-errors.ts";
import { differ } from "../lockstep/divergence-sources.ts";
import { Machine } from "../machine/machine.ts";
import { type Answer, type Context, NEGATIVE, OK } from "./context.ts";
import { GuestInput } from "./guest-console.ts";
import { INTERRUPTED_EXIT_CODE, Interruption } from "./interruption.ts";
import { machinesFor, runChoice } from "./live-run.ts";
import { DEFAULT_SEED, type LockstepChoice, protocolOptions, sentences } from "./lockstep.ts";
import { natsOptions } from "./nats-flags.ts";
import { formatBytes } from "./quantities.ts";
import { answerTo, type Ending } from "./run-answer.ts";
import { TERMINAL_GREETING } from "./terminal-input.ts";

const DEFAULT_PAIR = "main";
/** How often what was printed is handed on. */
const LOOK_MS = 20;

/** One machine of a pair whose other one is elsewhere. */
export async function lockstepRole(
  context: Context,
  path: string | undefined,
  choice: LockstepChoice,
): Promise<Answer> {
  checkRole(path, choice);
  const { role } = choice;
  const run = role === "primary" ? await openRun(path, choice) : undefined;
  const nats = await connectNats({ ...natsOptions(choice.nats!, choice), quick: true }, `hindcast lockstep ${role}`);
  const bell = new Bell();
  let network: HostNetwork | undefined;
  let end: MemberEnd = "stopped";
  let member: NatsMember | undefined;
  const interruption = new Interruption(() => member?.stop());
  const started = performance.now();
  try {
    network = await openNetwork(choice.net, bell);
    for (const forward of network?.forwards ?? []) context.voice.say(forward);
    member = await openMember(context, choice, nats, network);
    end = await live(context, member, choice, { path, run, nats, network, interruption });
    await context.stdout.flush();
    sayRecordings(context, member);
    return answer(context, member, end, { run, interruption, seconds: (performance.now() - started) / 1000 });
  } finally {
    await (member?.close(end) ?? nats.connection.close());
    network?.close();
    interruption.release();
  }
}

function checkRole(path: string | undefined, choice: LockstepChoice): void {
  const { role, nats, second, diverge = [] } = choice;
  if (nats === undefined)
    throw new UserError("usage", "--role needs the server where the pair meets: give --nats URL.", 2);
  if (second !== undefined)
    throw new UserError("usage", "--second compares two programs in one command: leave out --role.", 2);
  if (role === "primary" && path === undefined && choice.kernel === undefined) {
    throw new UserError("usage", "The primary needs a program.", 2);
  }
  if (role === "primary" && diverge.length > 0) {
    throw new UserError("usage", "--diverge is for the machine that differs: give it to the secondary.", 2);
  }
  if (diverge.includes("memory")) {
    throw new UserError("usage", "A machine that joins gets the memory of the primary: it cannot differ in it.", 2);
  }
}

async function openRun(path: string | undefined, choice: LockstepChoice): Promise<MemberRun & { boot: Boot }> {
  const { output } = choice;
  const { choice: chosen, configuration, make, recordedDisks } = machinesFor(path, choice, output !== undefined);
  const machine = make(configuration);
  const boot = loadBoot(chosen, configuration);
  if (output !== undefined && resolve(output) === resolve(boot.path)) {
    throw new UserError("recording-is-program", `The recording cannot replace the program ${boot.path}.`, 2);
  }
  machine.load(boot.image);
  const disks = await Promise.all((choice.disk ?? []).map(diskKey));
  const limit = choice.limit ?? Number.POSITIVE_INFINITY;
  return { machine, limit, disks, images: [...boot.recorded, ...recordedDisks], waits: choice.wait !== false, boot };
}

type Boot = ReturnType<typeof loadBoot>;

async function diskKey(choice: DiskChoice): Promise<RecordingKey | undefined> {
  if ("blankBytes" in choice) return undefined;
  const path = resolve(choice.path);
  const sizeBytes = withSystemErrors("disk-unreadable", `read ${path}`, () => statSync(path).size);
  return { path, sizeBytes, sha256: await fileHash(path, sizeBytes) };
}

function openMember(
  { voice, stdout }: Context,
  choice: LockstepChoice,
  nats: Nats,
  network: HostNetwork | undefined,
): Promise<NatsMember> {
  const faults = (choice.fault ?? []).filter(({ role }) => role === choice.role);
  return NatsMember.open({
    ...{ nats, pair: choice.pair ?? DEFAULT_PAIR, faults, recordTo: choice.output, engine: choice.engine },
    flips: flipsOf(faults, choice.faultSeed ?? 0),
    options: protocolOptions(choice),
    say: (sentence, isTrouble) => (isTrouble ? voice.warn(sentence) : voice.say(sentence)),
    onConsole: (bytes) => {
      stdout.bytes(bytes);
      // Before anybody is told that it has left: the survivor shows what was not told.
      void stdout.flush();
    },
    onFrame: (frame) => network?.fromGuest(frame),
    onKill: () => process.kill(process.pid, "SIGKILL"),
    // The whole process stands still, as one does whose computer is too busy.
    onFreeze: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
  });
}

interface Surroundings {
  readonly path: string | undefined;
  readonly run: MemberRun | undefined;
  readonly nats: Nats;
  readonly network: HostNetwork | undefined;
  readonly interruption: Interruption;
}

async function live(
  context: Context,
  member: NatsMember,
  choice: LockstepChoice,
  { path, run, nats, network, interruption }: Surroundings,
): Promise<MemberEnd> {
  let inputError: UserError | undefined;
  const input = new GuestInput(choice.input, {
    bytes: (bytes) => member.input({ kind: "console-input", bytes: bytes.slice() }),
    ended: () => {},
    quit: () => interruption.ask(INTERRUPTED_EXIT_CODE),
    help: (text) => context.voice.say(text),
    failed: (error) => {
      inputError = error;
      member.stop();
    },
  });
  if (input.interactive) context.voice.say(TERMINAL_GREETING);
  network?.connect({
    deliver: (frame) => {
      if (!member.speaks) return false;
      member.input({ kind: "network-input", frame: frame.slice() });
      return true;
    },
    backlog: 0,
  });
  const looking = setInterval(() => {
    void context.stdout.flush();
    if (context.stdout.closed) member.stop();
  }, LOOK_MS);
  try {
    const maker = makerOf(context, path, choice, nats);
    const end = run === undefined ? await member.follow(maker) : await member.lead(run, maker);
    if (inputError !== undefined) throw inputError;
    return end;
  } finally {
    clearInterval(looking);
    input.close();
  }
}

/** A secondary's machine is the primary's; with a program of its own it need not get the contents of memory. */
function makerOf({ voice }: Context, path: string | undefined, choice: LockstepChoice, nats: Nats): MemberMaker {
  const { diverge = [], divergeSeed = DEFAULT_SEED, engine, cacheGroup, role } = choice;
  const hasProgram = path !== undefined || choice.kernel !== undefined;
  return {
    hasProgram,
    make: async (description, fetchDisks) => {
      const { configuration, skew } = differ(description.configuration, diverge, divergeSeed);
      const choices = await disksOf(description, nats, fetchDisks, (text) => voice.say(text));
      const disks = openDisks(choices, choice.output !== undefined);
      const machine = new Machine(configuration, engine, disks.images, cacheGroup, makeCompileThread);
      const boot = hasProgram ? loadBoot(runChoice(path, choice), configuration) : undefined;
      if (boot !== undefined) machine.load(boot.image);
      const images = [...(boot?.recorded ?? []), ...disks.recorded];
      return { machine, images, ...(role === "primary" ? {} : { skew }) };
    },
  };
}

/** Where this computer has the contents of the primary's disks; what it has not is fetched. */
async function disksOf(
  { disks, configuration }: RunDescription,
  nats: Nats,
  fetchDisks: () => Promise<void>,
  say: (sentence: string) => void,
): Promise<DiskChoice[]> {
  const cache = new RecordingCache();
  const choices: DiskChoice[] = [];
  for (const [index, { sizeBytes, readOnly }] of configuration.disks.entries()) {
    const key = disks[index];
    if (key === undefined) {
      choices.push({ blankBytes: sizeBytes, readOnly });
      continue;
    }
    let path: string;
    try {
      path = await cache.find(nats, key, () => say(`Fetching a disk of the pair, ${key.path}.`));
    } catch (error) {
      if (!(error instanceof UserError) || error.code !== "recording-not-offered") throw error;
      await fetchDisks();
      path = await cache.find(nats, key, () => {});
    }
    choices.push({ path, readOnly, external: false });
  }
  return choices;
}

function sayRecordings({ voice }: Context, { recordings }: NatsMember): void {
  const files = recordings.flatMap(({ paths }) => paths);
  for (const warning of recordings.flatMap(({ warnings }) => warnings)) voice.warn(warning);
  const bytes = recordings.reduce((sum, { fileBytes }) => sum + fileBytes, 0);
  if (files.length > 0) voice.say(`Recorded this machine into ${files.join(", ")} (${formatBytes(bytes)}).`);
}

interface Outcome {
  readonly run: (MemberRun & { boot: Boot }) | undefined;
  readonly interruption: Interruption;
  readonly seconds: number;
}

function answer(context: Context, member: NatsMember, end: MemberEnd, { run, interruption, seconds }: Outcome): Answer {
  const { voice } = context;
  const reports = member.reports;
  const report =
    reports.length === 0 ? undefined : pairReport(reports, member.released, Math.max(0, reports.length - 1));
  const { machine, ending, speaks } = member;
  const recordings = member.recordings.flatMap(({ paths }) => paths);
  const recorded = recordings.length === 0 ? {} : { recordings };
  if (!speaks || machine === undefined) {
    const reason = interruption.exitCode === undefined ? end : "interrupted";
    if (reason === "over") voice.say("The run of the pair is over.");
    const exitCode = interruption.exitCode ?? (reason === "over" ? OK : NEGATIVE);
    return {
      exitCode,
      json: { reason, role: "secondary", instant: machine?.instant ?? 0, lockstep: report, ...recorded },
    };
  }
  const ended: Ending =
    interruption.exitCode !== undefined
      ? { kind: "interrupted", exitCode: interruption.exitCode }
      : { kind: "stop", stop: end === "over" && ending !== undefined ? (ending as never) : { kind: stopOf(end) } };
  const { answer: said, sentence } = answerTo(ended, { machine, programs: run?.boot.programs ?? [], seconds });
  if (sentence !== undefined && said.json.reason !== "exit") voice.say(sentence);
  if (report !== undefined) for (const line of sentences(report)) voice.say(line);
  return { ...said, json: { ...said.json, role: "primary", lockstep: report, ...recorded } };
}

function stopOf(end: MemberEnd): "reached" | "waiting" {
  return end === "stopped" ? "waiting" : "reached";
}
