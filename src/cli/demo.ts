import { fileURLToPath } from "node:url";
import { UserError } from "../base/errors.ts";
import { Debuggee, type StorySearch, type TrapStory } from "../debuggee/debuggee.ts";
import { type LiveSession, openLive } from "../host/live-session.ts";
import { Bell, drive } from "../host/motion-driver.ts";
import { sourceTexts } from "../host/source-files.ts";
import { NO_STOPS } from "../machine/stop.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { type Answer, type Context, NEGATIVE, OK } from "./context.ts";
import { type Told, tellStory } from "./demo-story.ts";
import { Interruption } from "./interruption.ts";

/** The guest ends by itself within ten million steps; one that was edited may not. */
const LIMIT_STEPS = 2_000_000_000;

/** The guest that ships with Hindcast: beside src/ in a checkout, beside dist/ in a package. */
const GUEST = fileURLToPath(
  new URL(`${import.meta.url.endsWith(".ts") ? "../" : ""}../guest/demo/work-queue.s`, import.meta.url),
);

/**
 * The main job in one go: records a guest that ends in a trap, and searches back to the instruction to blame. The same
 * engine and the same searches as in the editor; nothing of the story is known beforehand.
 */
export async function demo(
  context: Context,
  _args: readonly string[],
  options: Readonly<{ keep?: string; program?: string }>,
): Promise<Answer> {
  const bell = new Bell();
  const interruption = new Interruption(() => bell.ring());
  const program = options.program ?? GUEST;
  const session = openLive({ program, recordTo: options.keep }, () => bell.ring());
  try {
    const told = await investigate(context, session, program, bell, () => interruption.asked);
    if (told === undefined) return { exitCode: interruption.exitCode ?? NEGATIVE, json: { reason: "interrupted" } };
    const { lines, json } = tellStory(told, process.stdout);
    if (!context.json) for (const line of lines) await context.stdout.line(line);
    return { exitCode: told.story?.culprit === undefined ? NEGATIVE : OK, json };
  } finally {
    if (session.timeline.live) session.timeline.close();
    await session.recording.close();
    interruption.release();
  }
}

/** Records, then asks; undefined when the user interrupted it. */
async function investigate(
  context: Context,
  session: LiveSession,
  program: string,
  bell: Bell,
  stop: () => boolean,
): Promise<Told | undefined> {
  const { timeline, recording, boot, machine } = session;
  const texts = sourceTexts(boot.sources);
  const parts = { timeline, history: timeline.history, programs: boot.programs, sourceTexts: texts };
  const debuggee = new Debuggee({ ...parts, emit: () => {} });
  const run = async <Result>(what: string, motion: Motion<Result>) => {
    const outcome = await drive(motion, {
      bell,
      stop: () => stop() || recording.failure !== undefined,
      onProgress: ({ instant, fraction }) => {
        context.voice.progress(`${what}, instant ${instant.toLocaleString("en-US")}`, fraction);
        return undefined;
      },
    });
    context.voice.clearProgress();
    if (recording.failure !== undefined) throw new UserError("recording-failed", recording.failure);
    return outcome.finished ? outcome.value : undefined;
  };

  const started = performance.now();
  const limit = LIMIT_STEPS as typeof timeline.end;
  const end = await run("recording", timeline.forward({ stops: NO_STOPS, limit }));
  const recordSeconds = (performance.now() - started) / 1000;
  if (end === undefined) return undefined;

  const begins: { search: StorySearch; atMs: number }[] = [];
  const story = await run(
    "searching",
    attempt(debuggee.trapStory((search) => begins.push({ search, atMs: performance.now() }))),
  );
  if (story === undefined && stop()) return undefined;
  const times = durations(begins, performance.now());
  const { culprit, origin } = story ?? {};
  let before: bigint | undefined;
  const place = origin?.steps.at(-1)?.operands.find(({ role }) => role === "value")?.place;
  if (culprit !== undefined && place?.physical !== undefined) {
    await run("travelling", timeline.seek(culprit.instant as typeof timeline.end));
    const bytes = debuggee.readMemory(place.physical, place.length ?? 8, "physical");
    before = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  }
  timeline.close();
  await recording.close();
  const output = new TextDecoder().decode(timeline.history.outputBytes(0, timeline.history.outputLength));
  return {
    ...{ program, end, recordSeconds, story, times, before, output, sources: texts },
    programs: boot.programs,
    instants: timeline.end,
    recording: recording.path,
    recordingBytes: recording.fileBytes,
    digest: machine.digest(),
  };
}

/** A run without a fault has no story to tell; that is an answer. */
function* attempt(motion: Motion<TrapStory>): Motion<TrapStory | undefined> {
  try {
    return yield* motion;
  } catch (error) {
    if (error instanceof UserError && error.code === "not-trapped") return undefined;
    throw error;
  }
}

/** How long each search took, in seconds: up to where the next one began. */
function durations(begins: readonly { search: StorySearch; atMs: number }[], endMs: number): Told["times"] {
  const times: Partial<Record<StorySearch, number>> = {};
  begins.forEach(({ search, atMs }, index) => {
    times[search] = ((begins[index + 1]?.atMs ?? endMs) - atMs) / 1000;
  });
  return times;
}
