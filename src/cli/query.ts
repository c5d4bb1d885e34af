import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import { Bell, drive } from "../host/motion-driver.ts";
import { openRecording, type RecordedSession } from "../host/recorded-session.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import { type Answer, type Context, NEGATIVE, OK } from "./context.ts";
import { instantNamed, type NamedInstant } from "./instants.ts";
import { Interruption } from "./interruption.ts";
import { shownPath } from "./places.ts";
import { formatCount, formatSeconds } from "./quantities.ts";
import { originIn, showOrigin } from "./query-origin.ts";
import { parseRange, type QueryHit, Questions } from "./questions.ts";
import { SourceText } from "./source-text.ts";

/** Hits of a question that may have many, when the user does not say. */
const DEFAULT_MOST = 1000;

export interface QueryOptions {
  readonly before?: NamedInstant;
  readonly after?: NamedInstant;
  readonly length?: number;
  readonly most?: number;
  readonly at?: NamedInstant;
  readonly hart?: number;
  readonly tree?: number;
}

const OF_ORIGIN = ["at", "hart", "tree"] as const;
const UNUSED: Readonly<Record<string, readonly (keyof QueryOptions)[]>> = {
  "last-write": ["after", "most", ...OF_ORIGIN],
  writes: OF_ORIGIN,
  outputs: ["length", ...OF_ORIGIN],
  origin: ["before", "after"],
};

/** Asks a recording about the past. */
export async function query(
  context: Context,
  [path, question, place]: readonly string[],
  options: QueryOptions,
): Promise<Answer> {
  const session = openRecording(path);
  try {
    for (const warning of session.warnings) context.voice.warn(warning);
    if (question === "origin") return await answerOrigin(context, session, place, options);
    const questions = new Questions(session);
    const { motion, about } = ask(questions, session, question, place, options);
    const started = performance.now();
    const { value: hits, exitCode } = await search(context, motion, `searching ${about}`);
    const seconds = Number(((performance.now() - started) / 1000).toFixed(6));
    if (hits === undefined) {
      context.voice.say(`Interrupted after ${formatSeconds(seconds)}.`);
      return { exitCode, json: { hits: [], seconds, interrupted: true } };
    }
    if (!context.json) await show(context, hits, new SourceText(session.sources));
    const count = hits.length === 0 ? `No ${about}` : `${hits.length} hit${hits.length === 1 ? "" : "s"}`;
    context.voice.say(`${count}; searched in ${formatSeconds(seconds)}.`);
    return { exitCode: hits.length === 0 ? NEGATIVE : OK, json: { hits, seconds } };
  } finally {
    session.close();
  }
}

function ask(
  questions: Questions,
  { timeline }: RecordedSession,
  question: string,
  place: string | undefined,
  options: QueryOptions,
): { motion: Motion<QueryHit[]>; about: string } {
  refuseUnused(question, place, options);
  // The last state has no step behind it: every step of the recording lies before `end`.
  const { bookmarks } = timeline.history;
  const { end } = timeline;
  const before = instantNamed(options.before ?? "end", bookmarks, end);
  const from = instantNamed(options.after ?? "start", bookmarks, end);
  const bounds = { from, before, most: options.most ?? DEFAULT_MOST };
  if (question === "outputs")
    return { motion: questions.outputs(bounds), about: `output${during(options, from, before)}` };
  if (place === undefined) throw new UserError("usage", `${question} needs a place: an address or a symbol.`, 2);
  const range = parseRange(place, options.length, questions.places);
  const bytes = range.length === 1 ? "1 byte" : `${range.length} bytes`;
  const about = `write to ${range.text} (${bytes})${during(options, from, before)}`;
  return {
    motion: question === "writes" ? questions.writes(range, bounds) : questions.lastWrite(range, before),
    about,
  };
}

/** What would not change the answer is a misunderstanding. */
function refuseUnused(question: string, place: string | undefined, options: QueryOptions): void {
  if (question === "outputs" && place !== undefined) {
    throw new UserError("usage", `outputs are of the whole guest: leave ${place} out.`, 2);
  }
  const unused = UNUSED[question]?.find((name) => options[name] !== undefined);
  if (unused !== undefined) throw new UserError("usage", `${question} does not use --${unused}: leave it out.`, 2);
}

/** The bounds that the user has set, in words. */
function during({ before: hasEnd, after: hasStart }: QueryOptions, from: Instant, before: Instant): string {
  if (hasStart === undefined) return hasEnd === undefined ? "" : ` before instant ${formatCount(before)}`;
  if (hasEnd === undefined) return ` from instant ${formatCount(from)} on`;
  return ` between instants ${formatCount(from)} and ${formatCount(before)}`;
}

async function answerOrigin(
  context: Context,
  session: RecordedSession,
  place: string | undefined,
  options: QueryOptions,
): Promise<Answer> {
  refuseUnused("origin", place, options);
  if (place === undefined) throw new UserError("usage", "origin needs a place: a register, a variable, an address.", 2);
  const { timeline } = session;
  const at = instantNamed(options.at ?? "end", timeline.history.bookmarks, timeline.end);
  const { hart, length, tree: depth, most } = options;
  const started = performance.now();
  const motion = originIn(session, place, { at, hart, length, depth, most });
  const { value: origin, exitCode } = await search(context, motion, `following ${place} back`);
  const seconds = Number(((performance.now() - started) / 1000).toFixed(6));
  if (origin === undefined) {
    context.voice.say(`Interrupted after ${formatSeconds(seconds)}.`);
    return { exitCode, json: { origin: null, seconds, interrupted: true } };
  }
  if (!context.json) await showOrigin(context, origin, session);
  const { length: steps } = origin.steps;
  context.voice.say(`${steps} step${steps === 1 ? "" : "s"}; followed in ${formatSeconds(seconds)}.`);
  return { exitCode: OK, json: { origin, seconds } };
}

/** Drives a search with a progress line; no value when it was interrupted. */
async function search<Result>(
  context: Context,
  motion: Motion<Result>,
  doing: string,
): Promise<{ value: Result | undefined; exitCode: number }> {
  const bell = new Bell();
  const interruption = new Interruption(() => bell.ring());
  try {
    const outcome = await drive(motion, {
      bell,
      stop: () => interruption.asked,
      onProgress: ({ instant, fraction }) => {
        context.voice.progress(`${doing}, instant ${formatCount(instant)}`, fraction);
        return undefined;
      },
    });
    return outcome.finished
      ? { value: outcome.value, exitCode: OK }
      : { value: undefined, exitCode: interruption.exitCode ?? OK };
  } finally {
    context.voice.clearProgress();
    interruption.release();
  }
}

async function show(context: Context, hits: readonly QueryHit[], sources: SourceText): Promise<void> {
  for (const { instant, hart, pc, symbol, source, address, size, value, text } of hits) {
    const where = source === null ? "" : `  ${shownPath(source.path)}:${source.line}`;
    await context.stdout.line(`instant ${formatCount(instant)}  hart ${hart}  ${pc}  ${symbol ?? "?"}${where}`);
    const line = source === null ? undefined : sources.line(source.path, source.line);
    if (line !== undefined) await context.stdout.line(`    ${line.trim()}`);
    if (text !== undefined) await context.stdout.line(`    printed ${JSON.stringify(text.replace(/\r$/, ""))}`);
    if (value !== undefined)
      await context.stdout.line(`    wrote ${value} to ${address} (${size} ${size === 1 ? "byte" : "bytes"})`);
  }
}
