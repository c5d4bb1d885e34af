import { placeRequest } from "../adapter/questions.ts";
import type { Instant } from "../base/brand.ts";
import { UserError } from "../base/errors.ts";
import type { Debuggee } from "../debuggee/debuggee.ts";
import type { BreakpointRequest, WriteFound } from "../debuggee/protocol.ts";
import type { Question, Row, SegmentRunner, SegmentTask, SeriesBucket } from "../debuggee/search-protocol.ts";
import type { RecordedSession } from "../host/recorded-session.ts";
import { EXCEPTION_CAUSES, findCause } from "../isa/causes.ts";
import type { Motion } from "../replay/timeline-interface.ts";
import type { Context } from "./context.ts";
import { locate } from "./locate.ts";
import { Places } from "./places.ts";
import type { QueryOptions } from "./query-names.ts";
import { found, type Listed, listRows, waitFor } from "./query-segments.ts";
import { parseRange } from "./ranges.ts";
import { type Searched, search } from "./search-driver.ts";

/** What there is to know of the past that was asked about. */
export interface Found {
  /** The first ones, oldest first. */
  readonly rows: readonly Row[];
  /** What there is none of, in words. */
  readonly about: string;
  /** There are others behind them. */
  readonly more?: boolean;
  /** How many there are, where they were counted. */
  readonly total?: number;
  readonly series?: readonly SeriesBucket[];
  readonly sampled?: true;
  readonly restored?: number;
  readonly problem?: string;
}

export interface Asked {
  readonly question: string;
  readonly place: string | undefined;
  readonly options: QueryOptions;
  readonly from: Instant;
  readonly before: Instant;
  readonly most: number;
  /** The stretch, in words. */
  readonly when: string;
}

export interface Subject {
  readonly session: RecordedSession;
  readonly debuggee: Debuggee;
  /** Who searches segments. */
  readonly runner: SegmentRunner;
  /** How far the background search is. */
  readonly fraction: () => number | undefined;
}

/** Rows that are fetched at a time. */
const PAGE_ROWS = 1000;
/** Columns of a plot in a terminal. */
const COLUMNS = 64;

export async function ask(context: Context, subject: Subject, asked: Asked): Promise<Searched<Found>> {
  const { question, options, place = "" } = asked;
  switch (question) {
    case "last-write":
    case "last-read":
    case "first-read":
      return await askOne(context, subject, asked);
    case "first-difference":
      return isRange(place) ? await askOne(context, subject, asked) : await askDifference(context, subject, asked);
    case "writes":
    case "reads":
    case "accesses": {
      const { range, motion } = located(subject, asked);
      const { value: use, exitCode } = await search(context, motion, `looking for ${range.text}`);
      if (use === undefined) return { value: undefined, exitCode };
      const { address, length } = range;
      const what = { writes: "write to", reads: "read of", accesses: "access to" }[question];
      const about = `${what} ${rangeText(range)}${asked.when}`;
      return await askMany(context, subject, asked, { kind: question, address, length, use }, about);
    }
    case "hits": {
      const { if: condition, log: logMessage, hitCondition } = options;
      const at = await placeNamed(subject.debuggee, place);
      const given = {
        ...(condition !== undefined && { condition }),
        ...(logMessage !== undefined && { logMessage }),
        ...(hitCondition !== undefined && { hitCondition }),
      };
      const iff = condition === undefined ? "" : ` with ${condition}`;
      return await askMany(
        context,
        subject,
        asked,
        { kind: "hits", at, ...given },
        `hit of ${place}${iff}${asked.when}`,
      );
    }
    case "series": {
      const { at, every, hart } = options;
      const given = {
        ...(at !== undefined && { at: await placeNamed(subject.debuggee, at) }),
        ...(every !== undefined && { everySteps: every }),
        ...(hart !== undefined && { hart }),
      };
      const series: Question = { kind: "series", expression: place, ...given };
      // What addresses mean is what they mean at the end.
      const there = await search(context, subject.session.timeline.seek(asked.before), `going to the end${asked.when}`);
      if (subject.session.timeline.now !== asked.before) return { value: undefined, exitCode: there.exitCode };
      return await askMany(context, subject, asked, series, `value of ${place}${asked.when}`);
    }
    case "calls":
      return await askMany(
        context,
        subject,
        asked,
        { kind: "calls", function: place },
        `call of ${place}${asked.when}`,
      );
    case "traps":
      return await askMany(context, subject, asked, trapsNamed(asked.place), `${asked.place ?? "trap"}${asked.when}`);
    case "waits":
      return await askMany(context, subject, asked, { kind: "waits" }, `wait for a page${asked.when}`);
    default: {
      const text = options.text === undefined ? {} : { text: options.text };
      return await askMany(context, subject, asked, { kind: "outputs", ...text }, `output${asked.when}`);
    }
  }
}

/** The first rows, or all of them counted. */
async function askMany(
  context: Context,
  subject: Subject,
  asked: Asked,
  question: Question,
  about: string,
): Promise<Searched<Found>> {
  const { from, before, most, options } = asked;
  const engine = subject.debuggee.searchEngine;
  const doing = `searching ${about}`;
  const isCounted = options.count === true || question.kind === "series" || options.hitCondition !== undefined;
  if (isCounted) return await askAll(context, subject, asked, question, about);
  const settled = engine.settle(question);
  const list = { first: 0, count: most + 1 };
  const task: SegmentTask = {
    ...{ question, settled, from, to: before, mostMarks: 0, list },
    mostStepsToReturn: Number.MAX_SAFE_INTEGER,
  };
  const { value, exitCode } = await listed(context, subject, task, doing);
  if (value === undefined) return { value, exitCode };
  const { rows: firstRows, restored, problem } = value;
  const more = firstRows.length > most;
  const rows = firstRows.slice(0, most);
  return { value: { rows, about, more, restored, ...(problem !== undefined && { problem }) }, exitCode };
}

/** The rows of a task's list: from whoever searches segments, or by the debuggee's own machine where that is as fast. */
async function listed(
  context: Context,
  { debuggee, runner }: Subject,
  task: SegmentTask,
  doing: string,
): Promise<Searched<Listed>> {
  if (runner.takes?.(task.from, task.to) ?? true) {
    const listing = listRows(runner, task, task.list?.count ?? 0);
    const outcome = await waitFor(context, listing.listed, doing, () => listing.fraction());
    if (outcome.value === undefined) listing.cancel();
    return outcome;
  }
  const { value, exitCode } = await search(context, debuggee.searchEngine.segment(task), doing);
  return { value: value && { ...value, rows: value.listed }, exitCode };
}

async function askAll(
  context: Context,
  { debuggee, fraction }: Subject,
  { from, before, most }: Asked,
  question: Question,
  about: string,
): Promise<Searched<Found>> {
  const engine = debuggee.searchEngine;
  const doing = `searching ${about}`;
  const { id } = await engine.startSearch(question, { from, to: before });
  // Where the debuggee's own machine has it to do.
  const isInterrupted = async () => {
    while (engine.hasWork) {
      const { exitCode } = await search(context, engine.work(), doing, () => fraction() ?? 0);
      if (engine.hasWork) return exitCode;
    }
    return undefined;
  };
  const asked = async <Result>(promise: Promise<Result>): Promise<Searched<Result>> => {
    promise.catch(() => {});
    const exitCode = await isInterrupted();
    return exitCode === undefined
      ? await waitFor(context, promise, doing, () => fraction())
      : { value: undefined, exitCode };
  };
  const done = async () => (await engine.searches()).find((each) => each.id === id && each.done);
  const { value: state, exitCode } = await asked(found(done));
  if (state === undefined) {
    await engine.cancelSearch(id);
    return { value: undefined, exitCode };
  }
  if (state.cancelled) throw new UserError("search", state.problem ?? "The search ended early.");
  const rows: Row[] = [];
  const wanted = Math.min(most, state.rows);
  while (rows.length < wanted) {
    const count = Math.min(PAGE_ROWS, wanted - rows.length);
    const page = await asked(engine.searchRows(id, state.rows - rows.length - count, count));
    if (page.value === undefined) return { value: undefined, exitCode: page.exitCode };
    rows.push(...page.value.reverse());
  }
  const { sampled, restored, problem } = state;
  const isSeries = question.kind === "series";
  const columns = isSeries ? await asked(engine.seriesBuckets(id, from, before, COLUMNS)) : undefined;
  const series = columns?.value;
  const all: Found = {
    ...{ rows, about, total: state.rows },
    ...(series !== undefined && { series }),
    ...(sampled && { sampled }),
    ...(restored !== undefined && { restored }),
    ...(problem !== undefined && { problem }),
  };
  return { value: all, exitCode: 0 };
}

/** Questions with one answer. */
async function askOne(context: Context, subject: Subject, asked: Asked): Promise<Searched<Found>> {
  const { question, from, before, when } = asked;
  const { debuggee } = subject;
  const { range, motion } = located(subject, asked);
  const { address, length } = range;
  const what = {
    "last-write": "write to",
    "last-read": "read of",
    "first-read": "read of",
    "first-difference": "difference of",
  }[question];
  const about = `${what} ${rangeText(range)}${when}`;
  const answer = function* (): Motion<Found> {
    const use = yield* motion;
    const found =
      question === "last-write"
        ? rowOf(yield* debuggee.lastWrite(address, length, before, use), "write")
        : question === "last-read"
          ? rowOf(yield* debuggee.lastRead(address, length, before, use), "read")
          : question === "first-read"
            ? yield* debuggee.firstRead(address, length, from, use)
            : yield* debuggee.firstDifference({ address, length, use }, from);
    return { rows: found === undefined ? [] : [found], about };
  };
  return await search(context, answer(), `searching ${about}`);
}

async function askDifference(
  context: Context,
  { debuggee, session }: Subject,
  { place = "", from, before, options: { hart }, when }: Asked,
): Promise<Searched<Found>> {
  const about = `difference of ${place}${when}`;
  const answer = function* (): Motion<Found> {
    yield* session.timeline.seek(before);
    const compared = { expression: place, ...(hart !== undefined && { hart }) };
    const found = yield* debuggee.firstDifference(compared, from);
    return { rows: found === undefined ? [] : [found], about };
  };
  return await search(context, answer(), `searching ${about}`);
}

const BY = { device: "by a device", edit: "by the user", walk: "by a page-table walk" } as const;

function rowOf(found: WriteFound | undefined, kind: "read" | "write"): Row | undefined {
  if (found === undefined) return undefined;
  const { instant, hart, pc, symbol, source, address, size, value, by } = found;
  const access = { address, size, value, kind };
  const text = by === undefined ? "" : BY[by];
  return { instant, hart, pc, symbol, text, access, ...(source !== undefined && { source }) };
}

/** The range that was named, and the way to where somebody has it. */
function located({ session }: Subject, { place = "", options, before }: Asked) {
  const range = parseRange(place, options.length, new Places(session.programs));
  return { range, motion: locate(session.timeline, range, before) };
}

/** An address or a symbol, not an expression. */
function isRange(place: string): boolean {
  return /^[\w.$:+-]+$/.test(place);
}

function rangeText({ text, length }: { readonly text: string; readonly length: number }): string {
  return `${text} (${length === 1 ? "1 byte" : `${length} bytes`})`;
}

/** `queue.s:42`, a function, `0x80000012`. */
function placeNamed(debuggee: Debuggee, place: string): Promise<BreakpointRequest> {
  return placeRequest({ sources: async () => debuggee.sources() }, place);
}

/** `interrupts`, `exceptions`, `load-access-fault`; all without a name. */
function trapsNamed(name: string | undefined): Question {
  if (name === undefined) return { kind: "traps" };
  if (name === "interrupts") return { kind: "traps", causes: [], interrupts: true };
  if (name === "exceptions") return { kind: "traps", interrupts: false };
  const cause = findCause(name);
  if (cause === undefined || cause.interrupt) {
    const names = EXCEPTION_CAUSES.map(({ id }) => id).join(", ");
    throw new UserError("no-trap", `There is no trap "${name}": write exceptions, interrupts or one of ${names}.`, 2);
  }
  return { kind: "traps", causes: [cause.code] };
}
