import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import { Debuggee } from "../debuggee/debuggee.ts";
import type { SearchState } from "../debuggee/search-protocol.ts";
import { openRecording, type RecordedSession } from "../host/recorded-session.ts";
import { sourceTexts } from "../host/source-files.ts";
import { type Answer, type Context, NEGATIVE, OK } from "./context.ts";
import { instantNamed, parseInstant } from "./instants.ts";
import { Places } from "./places.ts";
import { formatCount, formatSeconds } from "./quantities.ts";
import { ALL_OPTIONS, QUERY_USES, type QueryOptions, WITHOUT_PLACE } from "./query-names.ts";
import { originIn, showOrigin } from "./query-origin.ts";
import { ask, type Found } from "./query-questions.ts";
import { rowJson, showRows, showSeries } from "./query-rows.ts";
import { search } from "./search-driver.ts";
import { type ClosingRunner, openRunner, type Stretch } from "./segment-runner.ts";
import { SourceText } from "./source-text.ts";

/** Rows of a question that may have many, when the user does not say. */
const DEFAULT_MOST = 1000;

/** Asks a recording about the past. */
export async function query(
  context: Context,
  [path, question, place]: readonly string[],
  options: QueryOptions,
): Promise<Answer> {
  refuseUnused(question, place, options);
  // Threads start, and workers are looked for, while this one makes its machine.
  let opening: Promise<ClosingRunner> | undefined;
  let session: RecordedSession | undefined;
  try {
    session = openRecording(path, {
      onRead: (reader) => {
        if (question === "origin") return;
        const stretch = QUERY_USES[question].includes("threads") ? stretchLikely(options, reader.end) : undefined;
        opening = openRunner(reader, { path, stretch, flags: options, voice: context.voice });
        // Who awaits it hears of it.
        opening.catch(() => {});
      },
    });
    for (const warning of session.warnings) context.voice.warn(warning);
    const started = performance.now();
    const seconds = () => Number(((performance.now() - started) / 1000).toFixed(6));
    if (question === "origin") return await answerOrigin(context, session, place!, options, seconds);
    const { timeline, programs, sources } = session;
    let state: SearchState | undefined;
    const runner = await opening!;
    const debuggee = new Debuggee({
      timeline,
      history: timeline.history,
      programs,
      sourceTexts: sourceTexts(sources),
      segmentRunner: runner,
      emit: (event) => {
        if (event.type === "search") state = event.state;
      },
    });
    runner.join?.(debuggee, { path, end: timeline.end });
    // The last state has no step behind it: every step of the recording lies before `end`.
    const { bookmarks } = timeline.history;
    const before = instantNamed(options.before ?? "end", bookmarks, timeline);
    const from = instantNamed(options.after ?? "start", bookmarks, timeline);
    const most = options.most ?? DEFAULT_MOST;
    const asked = { question, place, options, from, before, most, when: during(options, from, before) };
    const { value: found, exitCode } = await ask(
      context,
      { session, debuggee, runner, fraction: () => state?.fraction },
      asked,
    );
    if (found === undefined) {
      context.voice.say(`Interrupted after ${formatSeconds(seconds())}.`);
      return { exitCode, json: { hits: [], seconds: seconds(), interrupted: true } };
    }
    return await answer(context, session, found, options, seconds());
  } finally {
    await (await opening?.catch(() => undefined))?.close();
    session?.close();
  }
}

/** What will be searched, as far as it can be said before bookmarks are known. */
function stretchLikely({ after, before }: QueryOptions, end: Instant): Stretch {
  return { from: typeof after === "number" ? after : 0, to: typeof before === "number" ? before : end };
}

async function answer(
  context: Context,
  { sources, programs }: RecordedSession,
  found: Found,
  { csv }: QueryOptions,
  seconds: number,
): Promise<Answer> {
  const { rows, about, more, total, series, sampled, restored, problem } = found;
  const places = new Places(programs);
  if (!context.json) {
    if (series === undefined) await showRows(context, rows, places, new SourceText(sources));
    else await showSeries(context, rows, series, csv === true);
  }
  if (problem !== undefined) context.voice.warn(problem);
  if (sampled) context.voice.warn("The series was looked at now and then only: changes in between are not seen.");
  const known = total ?? rows.length;
  const name = series === undefined ? "hit" : "value";
  const count = known === 0 ? `No ${about}` : `${formatCount(known)} ${name}${known === 1 ? "" : "s"}`;
  const rest = total !== undefined && rows.length < total ? `, the first ${rows.length} shown` : "";
  const further = more ? ` and more (--most for more, --count for how many)` : "";
  const proof = restored ? `; ${formatCount(restored)} calls of functions, all undone with equal digests` : "";
  context.voice.say(`${count}${rest}${further}${proof}; searched in ${formatSeconds(seconds)}.`);
  const json = {
    hits: rows.map((row) => rowJson(row, places)),
    ...(total !== undefined && { total }),
    ...(more && { more }),
    ...(series !== undefined && { columns: series }),
    ...(sampled && { sampled }),
    ...(restored && { restored }),
    ...(problem !== undefined && { problem }),
    seconds,
  };
  return { exitCode: known === 0 ? NEGATIVE : OK, json };
}

function refuseUnused(question: string, place: string | undefined, options: QueryOptions): void {
  if (question === "outputs" && place !== undefined) {
    throw new UserError("usage", `outputs are of the whole guest: leave ${place} out.`, 2);
  }
  if (place === undefined && !WITHOUT_PLACE.includes(question)) {
    const what = question === "origin" ? "a register, a variable, an address" : "an address, a symbol";
    throw new UserError("usage", `${question} needs a place: ${what}.`, 2);
  }
  const unused = ALL_OPTIONS.find((name) => options[name] !== undefined && !QUERY_USES[question].includes(name));
  if (unused === undefined) return;
  const written = unused.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new UserError("usage", `${question} does not use --${written}: leave it out.`, 2);
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
  place: string,
  options: QueryOptions,
  seconds: () => number,
): Promise<Answer> {
  const { timeline } = session;
  const at = instantNamed(parseInstant(options.at ?? "end"), timeline.history.bookmarks, timeline);
  const { hart, length, tree: depth, most } = options;
  const motion = originIn(session, place, { at, hart, length, depth, most });
  const { value: origin, exitCode } = await search(context, motion, `following ${place} back`);
  if (origin === undefined) {
    context.voice.say(`Interrupted after ${formatSeconds(seconds())}.`);
    return { exitCode, json: { origin: null, seconds: seconds(), interrupted: true } };
  }
  const searched = seconds();
  if (!context.json) await showOrigin(context, origin, session);
  const { length: steps } = origin.steps;
  context.voice.say(`${steps} step${steps === 1 ? "" : "s"}; followed in ${formatSeconds(searched)}.`);
  return { exitCode: OK, json: { origin, seconds: searched } };
}
