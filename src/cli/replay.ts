import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import { Bell, drive } from "../host/motion-driver.ts";
import { openRecording, type RecordedSession } from "../host/recorded-session.ts";
import { NO_STOPS } from "../machine/stop.ts";
import { DivergenceError } from "../replay/divergence.ts";
import type { TravelStop } from "../replay/timeline-interface.ts";
import { CheckReport } from "./check-report.ts";
import { type Answer, type Context, NEGATIVE, OK } from "./context.ts";
import { instantNamed, type NamedInstant } from "./instants.ts";
import { BROKEN_PIPE_EXIT_CODE, Interruption } from "./interruption.ts";
import { formatCount, formatSeconds, formatSpeed } from "./quantities.ts";
import { describeStop, stopToJson } from "./stops.ts";

export interface ReplayOptions {
  readonly to?: NamedInstant;
  /** False: the guest's console is not printed. */
  readonly console?: boolean;
  /** Runs what the guest has for replay only. */
  readonly checks?: boolean;
  readonly engine?: "auto" | "translator" | "interpreter" | "oracle";
  readonly cacheGroup?: "on" | "off";
  readonly resident?: number;
}

/** Runs a recording again, and holds digests and outputs against it. */
export async function replay(context: Context, [path]: readonly string[], options: ReplayOptions): Promise<Answer> {
  const { resident, ...opening } = options;
  const session = openRecording(path, { ...opening, residentBytes: resident });
  try {
    for (const warning of session.warnings) context.voice.warn(warning);
    const { timeline } = session;
    const to = options.to === undefined ? timeline.end : instantNamed(options.to, timeline.history.bookmarks, timeline);
    if (to > timeline.end) {
      const last = formatCount(timeline.end);
      throw new UserError("instant-out-of-range", `The recording ends at instant ${last}: --to lies beyond it.`, 2);
    }
    if (to < timeline.first) {
      const first = formatCount(timeline.first);
      throw new UserError("instant-out-of-range", `The recording begins at instant ${first}: --to lies before it.`, 2);
    }
    const checks = options.checks ? new CheckReport(context, session) : undefined;
    return await verify(context, session, to, options.console !== false, checks);
  } finally {
    session.close();
  }
}

async function verify(
  context: Context,
  session: RecordedSession,
  to: Instant,
  prints: boolean,
  checks: CheckReport | undefined,
): Promise<Answer> {
  const { timeline, machine } = session;
  const bell = new Bell();
  const interruption = new Interruption(() => bell.ring());
  const printed = new PrintedOutput(context, session);
  const started = performance.now();
  try {
    const motion = timeline.forward({
      stops: { ...NO_STOPS, replayHints: checks !== undefined },
      limit: to,
      departing: false,
      accept: () => {
        checks?.look();
        return false;
      },
    });
    const outcome = await drive(motion, {
      bell,
      stop: () => interruption.asked || context.stdout.closed,
      onProgress: async ({ instant }) => {
        if (prints) await printed.upTo(instant);
        // On one terminal the two would write over each other.
        if (prints && process.stdout.isTTY) return;
        context.voice.progress(`replaying, instant ${formatCount(instant)}`, to === 0 ? 1 : instant / to);
      },
    });
    if (prints) await printed.upTo(machine.instant);
    const seconds = (performance.now() - started) / 1000;
    const speed = machine.instant / seconds;
    const figures = {
      instant: machine.instant,
      seconds: Number(seconds.toFixed(6)),
      stepsPerSecond: Math.round(speed),
      checks: [],
    };
    checks?.close();
    const verified = timeline.verifiedDigests;
    const common = { ...figures, ...checks?.toJson(), verified, complete: session.reader.complete };
    const pace = `${formatSeconds(seconds)}, ${formatSpeed(speed)}`;
    if (!outcome.finished) {
      context.voice.say(
        `Interrupted at instant ${formatCount(machine.instant)}; ${agreement(verified)} so far (${pace}).`,
      );
      const exitCode = interruption.exitCode ?? BROKEN_PIPE_EXIT_CODE;
      return { exitCode, json: { reason: "interrupted", ...common, digest: machine.digest() } };
    }
    // The limit is where the recording ends, and so does the guest there, maybe.
    const stop = machine.instant === timeline.end ? (timeline.ended ?? outcome.value) : outcome.value;
    const where = `Replayed to instant ${formatCount(machine.instant)}${ending(stop)}`;
    context.voice.say(`${where}: ${agreement(verified)} (${pace}).`);
    const exitCode = checks?.failed ? NEGATIVE : OK;
    return { exitCode, json: { ...reason(stop), ...common, digest: machine.digest() } };
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    context.voice.fail(error.message);
    const { divergence } = error;
    const verified = timeline.verifiedDigests;
    return { exitCode: NEGATIVE, json: { reason: "diverged", verified, divergence, instant: divergence.instant } };
  } finally {
    context.voice.clearProgress();
    interruption.release();
  }
}

function agreement(digests: number): string {
  if (digests === 0) return "outputs agree with the recording";
  return `outputs and ${formatCount(digests)} digest${digests === 1 ? "" : "s"} agree with the recording`;
}

function ending(stop: TravelStop): string {
  return stop.kind === "end" || stop.kind === "start" || stop.kind === "reached" ? "" : `, where ${describeStop(stop)}`;
}

function reason(stop: TravelStop): object {
  return stop.kind === "end" || stop.kind === "start" || stop.kind === "reached"
    ? { reason: stop.kind }
    : stopToJson(stop);
}

/** The guest's console again, as far as the replay has come. */
class PrintedOutput {
  readonly #context: Context;
  readonly #session: RecordedSession;
  #printed = 0;

  constructor(context: Context, session: RecordedSession) {
    this.#context = context;
    this.#session = session;
  }

  async upTo(instant: Instant): Promise<void> {
    const { history } = this.#session.timeline;
    const end = history.outputLengthAt(instant) ?? this.#printed;
    // Beyond its bound the log has forgotten what the guest printed first.
    this.#printed = Math.max(this.#printed, history.firstOutputHeld);
    while (this.#printed < end) {
      const bytes = history.outputBytes(this.#printed, end - this.#printed);
      this.#context.stdout.bytes(bytes);
      this.#printed += bytes.length;
      await this.#context.stdout.flush();
    }
  }
}
