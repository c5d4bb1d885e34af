import { UserError } from "../base/errors.ts";
import { RECORDING } from "../replay/branches.ts";
import type { HistoryLike, Motion, TimelineLike } from "../replay/timeline-interface.ts";
import { errors } from "./errors.ts";
import { parseHitCondition } from "./hit-history.ts";
import type { AddressUse, DebuggeeEvent } from "./protocol.ts";
import { Assembly, type Part, type PartRows } from "./search-assembly.ts";
import { firstDifference, firstRow } from "./search-first.ts";
import { plot } from "./search-plot.ts";
import type {
  DifferencePlace,
  Question,
  Row,
  SearchApi,
  SearchState,
  SegmentResult,
  SegmentRunner,
  SegmentTask,
  SeriesBucket,
  Settled,
} from "./search-protocol.ts";
import type { SegmentSearch } from "./segment-search.ts";
import { StandstillRunner } from "./standstill-runner.ts";

export interface SearchesParts {
  readonly search: SegmentSearch;
  readonly timeline: TimelineLike;
  readonly history: HistoryLike | undefined;
  readonly emit: (event: DebuggeeEvent) => void;
  /** Threads of the host's; absent: the debuggee's own machine, while it stands still. */
  readonly runner?: SegmentRunner;
}

/** Rows of one page. */
const MOST_ROWS = 1000;
/** Marks of one segment: beyond them only every Nth row's instant is kept. */
const MOST_MARKS = 4096;
/** Columns that are kept of a series, and of one segment of it at the least. */
const KEPT_COLUMNS = 1 << 14;
const LEAST_COLUMNS = 8;
/** Rows of a series that are gone to one by one. */
const FEW_ROWS = 16;
/** Of one plot. */
const MOST_COLUMNS = 4096;
/** Steps that a page looks ahead for the return of a call. */
const STEPS_TO_RETURN = 100_000_000;

interface Search {
  readonly id: number;
  /** The branch whose past is searched, or RECORDING. */
  readonly run: number;
  readonly question: Question;
  readonly settled: Settled;
  readonly assembly: Assembly;
  readonly running: Set<{ cancel(): void }>;
  readonly sampled: boolean;
  cancelled: boolean;
  problem: string | undefined;
  isClosed: boolean;
  /** It goes on so far when what it is at is done. */
  extendsTo: number;
  /** Functions that were called to show rows. */
  restoredForRows: number;
}

/** Searches of a session: started, followed, put together from segments, and shown page by page. */
export class Searches implements SearchApi {
  readonly #parts: SearchesParts;
  readonly #standstill: StandstillRunner;
  readonly #searches = new Map<number, Search>();
  #nextId = 1;
  /** Hears when there is something to do while the debuggee stands still. */
  onWork: (() => void) | undefined;

  constructor(parts: SearchesParts) {
    this.#parts = parts;
    this.#standstill = new StandstillRunner(parts.search, parts.timeline, parts.history, () => this.onWork?.());
  }

  // ---- for whoever drives the debuggee

  /** There is something to do on the debuggee's own machine. */
  get hasWork(): boolean {
    return this.#standstill.hasWork;
  }

  work(): Motion<void> {
    return this.#standstill.work();
  }

  /** Ends `work` when it is asked to go on the next time: before the debuggee moves, or is looked at. */
  suspend(): void {
    this.#standstill.suspend();
  }

  /** One segment: what a thread with a machine of its own does. */
  segment(task: SegmentTask, cut?: () => boolean): Motion<SegmentResult> {
    return this.#parts.search.search(task, cut);
  }

  /** What a question means where the debuggee stands. */
  settle(question: Question): Settled {
    return this.#parts.search.settle(question);
  }

  /** Another run is looked at: what waits for the debuggee's own machine is of the one that was left, and ends. */
  runChanged(left: number): void {
    this.#standstill.abandon(errors.searchOfOtherRun(left));
  }

  get #runHere(): number {
    return this.#parts.timeline.branch?.id ?? RECORDING;
  }

  /** The first read from an instant on. */
  firstRead(address: bigint, length: number, from: number, use?: AddressUse): Motion<Row | undefined> {
    const { search, timeline } = this.#parts;
    const question = { kind: "reads" as const, address, length, ...(use !== undefined && { use }) };
    return firstRow(search, question, from, timeline.end);
  }

  firstDifference(place: DifferencePlace, from: number): Motion<Row | undefined> {
    const { search, timeline } = this.#parts;
    return firstDifference(search, place, from, timeline.end);
  }

  // ---- SearchApi

  async startSearch(
    question: Question,
    stretch: { readonly from?: number; readonly to?: number } = {},
  ): Promise<SearchState> {
    const { timeline, search } = this.#parts;
    const from = Math.max(timeline.first, stretch.from ?? timeline.first);
    const to = Math.min(timeline.end, stretch.to ?? timeline.end);
    if (!(from <= to)) throw errors.searchStretch(from, to);
    const condition = question.kind === "hits" ? question.hitCondition : undefined;
    const test = condition === undefined || condition.trim() === "" ? undefined : parseHitCondition(condition);
    const settled = search.settle(question);
    const found: Search = {
      id: this.#nextId++,
      run: this.#runHere,
      question,
      settled,
      assembly: new Assembly(from, test, question.kind === "series"),
      running: new Set(),
      sampled: search.isSampled(question),
      cancelled: false,
      problem: undefined,
      isClosed: false,
      extendsTo: 0,
      restoredForRows: 0,
    };
    this.#searches.set(found.id, found);
    this.#extend(found, to);
    return this.#state(found);
  }

  async searches(): Promise<SearchState[]> {
    return [...this.#searches.values()].map((search) => this.#state(search));
  }

  async searchRows(id: number, first: number, count: number): Promise<Row[]> {
    const search = this.#search(id);
    if (!(first >= 0 && count >= 0 && count <= MOST_ROWS)) throw errors.length(count, MOST_ROWS);
    return this.#rows(search, search.assembly.locate(first, count));
  }

  async seriesBuckets(id: number, from: number, to: number, most: number): Promise<SeriesBucket[]> {
    const search = this.#search(id);
    const { assembly, question } = search;
    const start = Math.max(from, assembly.searchedFrom);
    const end = Math.min(to, assembly.to);
    if (question.kind !== "series" || !(most >= 1) || start >= end) return [];
    const width = Math.ceil((end - start) / Math.min(most, MOST_COLUMNS));
    const known = assembly.known.filter(({ part }) => part.from < end && part.to > start);
    const before = assembly.known.findLast(({ part }) => part.to <= start && part.result.series?.last !== undefined);
    const tasks: SegmentTask[] = [];
    const parts = known.map(({ part, skipped }) => {
      const { series } = part.result;
      if (part.from >= start && part.to <= end && series !== undefined && series.width <= width) {
        return { columns: series.columns, uncounted: skipped, start: undefined };
      }
      const first = Math.max(start, part.from);
      const last = Math.min(end, part.to);
      const row = Math.max(0, marksBefore(part, first + 1) - 1) * part.result.marks.every;
      const begin = this.#startFor(search, part, row);
      const columns = { from: first, count: Math.max(1, Math.ceil((last - first) / width)) };
      tasks.push({ ...this.#task(search, { from: begin.from, to: last }), mostMarks: 0, columns });
      // It begins with the value that it has, which is a row of the part only where that begins.
      const uncounted = begin.from < first ? 0 : row === 0 ? skipped : begin.skip;
      return { columns: undefined, uncounted, start: undefined };
    });
    const again = await this.#again(search, tasks);
    const whole = parts.map((part) => {
      if (part.columns !== undefined) return part;
      const series = again.shift()?.series;
      return { ...part, columns: series?.columns ?? [], start: series?.startNumber };
    });
    return plot(whole, before?.part.result.series?.lastNumber, { from: start, to: end, width });
  }

  async countRows(id: number, from: number, to: number): Promise<number> {
    const search = this.#search(id);
    return (await this.#rowsFrom(search, from)) - (await this.#rowsFrom(search, to));
  }

  async rowInstants(id: number, from: number, to: number, most: number): Promise<number[]> {
    const within = this.#search(id).assembly.instants.filter((instant) => instant >= from && instant < to);
    const every = Math.max(1, Math.ceil(within.length / Math.max(1, most)));
    return within.filter((_, index) => index % every === 0);
  }

  async rowsAround(
    id: number,
    instant: number,
  ): Promise<{ readonly before?: Row; readonly at?: Row; readonly after?: Row }> {
    const search = this.#search(id);
    const { assembly } = search;
    const [from, behind] = await Promise.all([this.#rowsFrom(search, instant), this.#rowsFrom(search, instant + 1)]);
    const first = Math.max(0, behind - 1);
    // One step may have many rows: of those, only the newest.
    const located =
      from - behind > 1
        ? [...assembly.locate(first, behind + 1 - first), ...assembly.locate(from, 1)]
        : assembly.locate(first, from + 1 - first);
    const rows = await this.#rows(search, located);
    const at = rows.find((row) => row.instant === instant);
    const before = rows.find((row) => row.instant < instant);
    const after = rows.findLast((row) => row.instant > instant);
    return { ...(before && { before }), ...(at && { at }), ...(after && { after }) };
  }

  async extendSearch(id: number, to = this.#parts.timeline.end as number): Promise<SearchState> {
    const search = this.#search(id);
    // How far a run has come that is not looked at is not known here.
    const isHere = search.run === this.#runHere;
    if (isHere && to > search.assembly.to && !search.cancelled)
      this.#extend(search, Math.min(to, this.#parts.timeline.end));
    return this.#state(search);
  }

  async cancelSearch(id: number): Promise<void> {
    const search = this.#search(id);
    if (search.assembly.isDone || search.cancelled) return;
    search.cancelled = true;
    this.#stop(search);
    this.#tell(search);
  }

  async closeSearch(id: number): Promise<void> {
    const search = this.#search(id);
    search.isClosed = true;
    this.#stop(search);
    this.#searches.delete(id);
  }

  // ----

  #search(id: number): Search {
    const search = this.#searches.get(id);
    if (search === undefined) throw errors.noSearch(id);
    return search;
  }

  #stop(search: Search): void {
    for (const run of search.running) run.cancel();
    search.running.clear();
  }

  #extend(search: Search, to: number): void {
    const { assembly, question } = search;
    if (question.kind === "outputs" && !assembly.isDone) {
      // Whether a line had no end is not known yet.
      search.extendsTo = Math.max(search.extendsTo, to);
      return;
    }
    const every = question.kind === "series" && search.sampled ? question.everySteps : undefined;
    const from = assembly.extendsFrom;
    const runner = this.#runnerOf(search, from, to);
    const cuts = runner.cuts(from, to);
    const parts = assembly.extend(to, every === undefined ? cuts : cuts.map((cut) => cut - (cut % every)));
    const count = Math.max(LEAST_COLUMNS, Math.ceil(KEPT_COLUMNS / Math.max(1, parts.length)));
    const tasks = parts.map((part): SegmentTask => {
      const columns = question.kind === "series" ? { columns: { from: part.from, count } } : {};
      return { ...this.#task(search, part), ...columns };
    });
    const run = runner.run(tasks, {
      result: (_index, result) => {
        assembly.add(result);
        if (assembly.isDone) search.running.delete(run);
        if (assembly.isDone && search.extendsTo > assembly.to) this.#extend(search, search.extendsTo);
        else this.#tell(search);
      },
      progress: (index, fraction) => {
        assembly.progress(tasks[index], fraction);
        this.#tell(search);
      },
      failed: (error) => {
        search.running.delete(run);
        search.cancelled = true;
        search.problem = sentence(error);
        this.#stop(search);
        this.#tell(search);
      },
    });
    search.running.add(run);
    this.#tell(search);
  }

  /** Who does so much. Threads have the recording; branches are in the debuggee's own machine alone. */
  #runnerOf({ run }: Search, from: number, to: number): SegmentRunner {
    const { runner } = this.#parts;
    const isHere = run === this.#runHere;
    if (runner !== undefined && run === RECORDING && (!isHere || (runner.takes?.(from, to) ?? true))) return runner;
    if (!isHere) throw errors.searchOfOtherRun(run);
    return this.#standstill;
  }

  #task(search: Search, { from, to }: Pick<Part, "from" | "to">): SegmentTask {
    const { question, settled } = search;
    return { question, settled, from, to, mostMarks: MOST_MARKS };
  }

  /** Goes through parts of what has been searched again. */
  #again(search: Search, tasks: readonly SegmentTask[]): Promise<SegmentResult[]> {
    if (tasks.length === 0) return Promise.resolve([]);
    const { promise, resolve, reject } = Promise.withResolvers<SegmentResult[]>();
    const results: SegmentResult[] = [];
    let missing = tasks.length;
    const steps = tasks.reduce((sum, { from, to }) => sum + to - from, 0);
    const run = this.#runnerOf(search, 0, steps).run(tasks, {
      result: (index, result) => {
        results[index] = result;
        search.restoredForRows += result.restored;
        if (--missing > 0) return;
        search.running.delete(pending);
        resolve(results);
        if (results.some(({ restored }) => restored > 0)) this.#tell(search);
      },
      failed: (error) => {
        search.running.delete(pending);
        reject(error);
      },
    });
    const pending = {
      cancel: () => {
        run.cancel();
        reject(errors.searchCancelled());
      },
    };
    search.running.add(pending);
    return promise;
  }

  /** Newest first. */
  async #rows(search: Search, located: readonly PartRows[]): Promise<Row[]> {
    const stretches = located.flatMap((rows) => this.#apart(search, rows));
    const tasks = stretches.map(({ part, first, count, to }): SegmentTask => {
      const { from, skip } = this.#startFor(search, part, first);
      const list = { first: skip, count };
      // A sampled part that was cut where it had just looked has that row; the list ends behind it anyway.
      const end = search.sampled ? to + 1 : to;
      return { ...this.#task(search, { from, to: end }), mostMarks: 0, list, mostStepsToReturn: STEPS_TO_RETURN };
    });
    const results = await this.#again(search, tasks);
    return results.flatMap(({ listed }, index) => {
      const { picked, first } = stretches[index];
      const rows = picked === undefined ? listed : picked.map((number) => listed[number - first]);
      return rows.toReversed();
    });
  }

  /**
   * The stretches to go through for rows of a part, newest first. Between two changes of a value there may be millions of writes that are
   * none: a few rows of which the instants are known are gone to one by one.
   */
  #apart(search: Search, rows: PartRows): (PartRows & { readonly to: number })[] {
    const { part, first, count } = rows;
    const { every, instants } = part.result.marks;
    if (search.settled.space === undefined || every > 1 || count > FEW_ROWS) return [{ ...rows, to: part.to }];
    return Array.from({ length: count }, (_, index) => {
      const number = first + count - 1 - index;
      return { part, first: number, count: 1, to: Math.min(part.to, instants[number] + 1) };
    });
  }

  /** Where to begin for a row of a part, and how many rows are then passed first. */
  #startFor(search: Search, { from, result }: PartRows["part"], row: number): { from: number; skip: number } {
    const { every, starts, passed } = result.marks;
    const mark = Math.floor(row / every);
    // A series of memory begins with the value that it has: at a mark, the one before the row.
    const extra = mark > 0 && search.settled.space !== undefined ? 1 : 0;
    return mark === 0
      ? { from, skip: row }
      : { from: starts[mark], skip: row - mark * every + Math.max(passed[mark], extra) };
  }

  /** Known rows at an instant and behind it. */
  async #rowsFrom(search: Search, instant: number): Promise<number> {
    const { assembly } = search;
    const found = assembly.partAt(instant);
    if (found === undefined) return instant >= assembly.to ? 0 : assembly.rows;
    const { part, skipped } = found;
    const { every } = part.result.marks;
    const mark = marksBefore(part, instant) - 1;
    let before = 0;
    if (every === 1) before = mark + 1;
    else if (mark >= 0) {
      const { from, skip } = this.#startFor(search, part, mark * every);
      const task = { ...this.#task(search, { from, to: instant }), mostMarks: 0 };
      const [result] = await this.#again(search, [task]);
      before = mark * every + result.rows - skip;
    }
    return assembly.passing(assembly.rowsBehind(part) + part.result.rows - Math.max(before, skipped));
  }

  #tell(search: Search): void {
    if (!search.isClosed) this.#parts.emit({ type: "search", state: this.#state(search) });
  }

  #state(search: Search): SearchState {
    const { id, question, assembly, cancelled, sampled } = search;
    const problem = search.problem ?? assembly.problem;
    return {
      id,
      question,
      from: assembly.from,
      to: assembly.to,
      rows: assembly.rows,
      searchedFrom: Math.max(assembly.from, assembly.searchedFrom),
      fraction: assembly.fraction,
      done: assembly.isDone || cancelled,
      restored: assembly.restored + search.restoredForRows,
      ...(cancelled && { cancelled }),
      ...(sampled && { sampled }),
      ...(problem !== undefined && { problem }),
    };
  }
}

/** Marks of a part that are older than an instant. */
function marksBefore({ result }: PartRows["part"], instant: number): number {
  const { instants } = result.marks;
  const above = instants.findIndex((mark) => mark >= instant);
  return above < 0 ? instants.length : above;
}

/** What the search was stopped by; a fault of Hindcast is told by its message. */
function sentence(error: unknown): string {
  if (error instanceof UserError || error instanceof Error) return error.message;
  return String(error);
}
