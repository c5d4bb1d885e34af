import type { QuestionBody, RowBody, SearchBody, StatusBody } from "../adapter/custom-protocol.ts";
import type { Change, WatchLine, WatchRow, WatchStatus } from "../webview/messages.ts";
import type { Session } from "./session.ts";
import { linePlace, pointedInstead, samplingStep, type Watched } from "./watch-text.ts";

/** Columns of a sparkline: more than it has pixels in a wide side bar, so that it need not be asked for again. */
const LINE_COLUMNS = 320;
/** While a search goes on its line is drawn anew this often. */
const LINE_INTERVAL_MS = 400;

/** So many times more often than it would be chosen now may a series be looked at. */
const MOST_FINER = 10;

/** One expression over time, in one session: its search, and what of it is shown. */
export class Watch {
  readonly key: number;
  readonly watched: Watched;
  search: SearchBody | undefined;
  private status: WatchStatus = "waiting";
  private problem: string | undefined;
  private value: string | undefined;
  private around: { readonly before?: RowBody; readonly at?: RowBody; readonly after?: RowBody } = {};
  private line: WatchLine | undefined;
  private lineTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly session: Session;
  private readonly changed: () => void;
  private disposed = false;
  /** Steps between two looks, where the user has not said. */
  private chosenStep: number | undefined;
  /** Counts searches: what belongs to an older one is dropped. */
  private generation = 0;

  constructor(key: number, watched: Watched, session: Session, changed: () => void) {
    this.key = key;
    this.watched = watched;
    this.session = session;
    this.changed = changed;
  }

  /** Asks, unless that has been done. `early`: what was heard of searches whose start has not yet been answered. */
  async start(early: ReadonlyMap<number, SearchBody>): Promise<void> {
    if (this.status !== "waiting") return;
    const generation = ++this.generation;
    this.status = "searching";
    this.changed();
    try {
      const started = await this.ask();
      if (generation !== this.generation || this.disposed) {
        void this.session.request("hindcast/closeSearch", { id: started.id }).then(undefined, () => {});
        return;
      }
      this.heard(early.get(started.id) ?? started);
    } catch (error) {
      if (generation === this.generation) this.fail(error);
    }
    this.changed();
  }

  /** The search is what it was, or farther. */
  heard(search: SearchBody): void {
    const known = this.search;
    this.search = search;
    this.status = search.cancelled ? "cancelled" : search.done ? "done" : "searching";
    this.problem = search.problem;
    this.changed();
    // What is asked for in the following may call functions of the guest, of which it is told here again.
    if (known !== undefined && sameRows(known, search)) return;
    if (search.done) void this.look();
    else this.lookSoon();
  }

  /** The machine stands elsewhere, or the run has grown. */
  async moved({ end }: StatusBody): Promise<void> {
    const { search } = this;
    if (search !== undefined && end > search.to && !search.cancelled) {
      try {
        this.heard(await this.session.request("hindcast/extendSearch", { id: search.id, to: end }));
      } catch {
        this.forget();
      }
    } else {
      await this.look(false);
    }
  }

  cancel(): void {
    if (this.search !== undefined) this.tell("hindcast/cancelSearch", { id: this.search.id });
  }

  /** The debuggee is another one: nothing of what was known holds. */
  forget(): void {
    this.generation++;
    this.status = "waiting";
    this.search = undefined;
    this.problem = undefined;
    this.value = undefined;
    this.around = {};
    this.line = undefined;
    this.changed();
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.lineTimer);
    if (this.search !== undefined && !this.session.ended) this.tell("hindcast/closeSearch", { id: this.search.id });
  }

  /** The run has grown so much since it was chosen how often to look that looking as often would take too long. */
  isTooFine(end: number): boolean {
    return this.chosenStep !== undefined && samplingStep(end) >= MOST_FINER * this.chosenStep;
  }

  /** Where the previous or the next change is; undefined where none is known. */
  async changeBeside(direction: "previous" | "next"): Promise<number | undefined> {
    const now = this.session.status?.instant;
    if (this.search === undefined || now === undefined) return undefined;
    const around = await this.session.request("hindcast/rowsAround", { id: this.search.id, instant: now });
    const row = direction === "next" ? around.after : around.before;
    return row === undefined || this.isBeginning(row) ? undefined : row.instant;
  }

  row(): WatchRow {
    const { search, around } = this;
    const { expression, at, every } = this.watched;
    const everySteps = search?.question.kind === "series" ? search.question.everySteps : undefined;
    const instead = at === undefined ? pointedInstead(expression, this.value) : undefined;
    const complete = this.status === "done";
    return {
      key: this.key,
      expression,
      ...(at === undefined ? {} : { at }),
      ...(every === undefined ? {} : { every }),
      status: this.status,
      fraction: search?.fraction ?? 0,
      ...(this.value === undefined ? {} : { value: this.value }),
      ...(around.at !== undefined && this.writes(around.at) ? { becomes: around.at.text } : {}),
      // The first row is the value at the beginning, which nothing changed.
      changes: complete ? Math.max(0, (search?.rows ?? 0) - 1) : (search?.rows ?? 0),
      exact: complete && search?.sampled !== true,
      sampled: search?.sampled === true,
      ...(everySteps === undefined ? {} : { everySteps }),
      ...(instead === undefined ? {} : { instead }),
      hasPrevious: around.before !== undefined && !this.isBeginning(around.before),
      hasNext: around.after !== undefined,
      ...(this.problem === undefined ? {} : { problem: this.problem }),
      ...(search === undefined ? {} : { search: reachOf(search) }),
      ...(this.line === undefined ? {} : { line: this.line }),
    };
  }

  /** The row is the value at the beginning, and no change. */
  isBeginning(row: { readonly instant: number }): boolean {
    return this.watched.at === undefined && row.instant === this.search?.from;
  }

  /** The step at the row's instant makes the value: elsewhere it is what was found there. */
  private writes(row: RowBody): boolean {
    return this.watched.at === undefined && this.search?.sampled !== true && !this.isBeginning(row);
  }

  private lookSoon(): void {
    if (this.lineTimer !== undefined) return;
    this.lineTimer = setTimeout(() => {
      this.lineTimer = undefined;
      void this.look();
    }, LINE_INTERVAL_MS);
  }

  /** Asks for what is shown: the line over the recording, what is around the present instant, the value there. */
  private async look(withLine = true): Promise<void> {
    const { search, generation, session } = this;
    if (search === undefined || this.disposed || session.ended) return;
    const { id, from, to, searchedFrom } = search;
    const now = session.status?.instant ?? to;
    try {
      const [columns, around, value] = await Promise.all([
        withLine && to > from
          ? session.request("hindcast/seriesBuckets", { id, from, to, most: LINE_COLUMNS })
          : undefined,
        session.request("hindcast/rowsAround", { id, instant: now }),
        this.valueHere(),
      ]);
      if (generation !== this.generation || this.disposed) return;
      if (columns !== undefined) this.line = { searchedFrom, to, columns: columns.buckets };
      // A slow answer about where the machine stood must not replace what is so where it stands.
      if (session.status?.instant === now) {
        this.around = around;
        const last = this.watched.at === undefined ? around.before : (around.at ?? around.before);
        this.value = value ?? last?.problem ?? last?.text;
      }
      this.changed();
    } catch {
      // The session is ending, or the search is no more: the next thing that happens asks again.
    }
  }

  /** Without a place an expression has its value wherever the machine stands; with one, where it last came by. */
  private async valueHere(): Promise<string | undefined> {
    if (this.watched.at !== undefined || this.session.status?.running) return undefined;
    try {
      const { expression } = this.watched;
      const { result } = await this.session.debugSession.customRequest("evaluate", { expression, context: "watch" });
      return result;
    } catch {
      return undefined;
    }
  }

  /** What cannot be followed exactly is looked at now and then: better than nothing, and the row says so. */
  private async ask(): Promise<SearchBody> {
    const { expression, at, every } = this.watched;
    const question: QuestionBody = { kind: "series", expression };
    if (at !== undefined) question.at = at;
    if (every !== undefined) question.everySteps = every;
    try {
      return await this.session.request("hindcast/search", { question });
    } catch (error) {
      if (at !== undefined || every !== undefined) throw error;
      const everySteps = samplingStep(this.session.status?.end ?? 0);
      this.chosenStep = everySteps;
      return await this.session.request("hindcast/search", { question: { ...question, everySteps } });
    }
  }

  private fail(error: unknown): void {
    this.status = "failed";
    this.problem = error instanceof Error ? error.message : String(error);
  }

  private tell(name: "hindcast/cancelSearch" | "hindcast/closeSearch", args: { id: number }): void {
    this.session.request(name, args).then(undefined, () => {});
  }
}

function sameRows(one: SearchBody, other: SearchBody): boolean {
  const compared = ["id", "rows", "searchedFrom", "to", "done", "cancelled"] as const;
  return compared.every((member) => one[member] === other[member]);
}

function reachOf({ id, from, to, searchedFrom, rows }: SearchBody): NonNullable<WatchRow["search"]> {
  return { id, from, to, searchedFrom, rows };
}

/** A row of an answer as pages show it. */
export function changeOf({ instant, text, number, symbol, source, problem }: RowBody): Change {
  const line = source === undefined ? "" : ` (${linePlace(source.path, source.line)})`;
  return {
    instant,
    text,
    ...(number === undefined ? {} : { number }),
    place: `${symbol}${line}`,
    ...(problem === undefined ? {} : { problem }),
  };
}
