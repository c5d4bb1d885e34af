import type * as vscode from "vscode";
import type { RowBody, SearchBody, StatusBody } from "../adapter/custom-protocol.ts";
import type { Change, WatchLine, WatchPosition, WatchRow, WatchStatus } from "../webview/messages.ts";
import type { Session } from "./session.ts";
import { parseWatched, type Watched, watchedText } from "./watch-text.ts";

/** Columns of a sparkline: more than it has pixels in a wide side bar, so that it need not be asked for again. */
const LINE_COLUMNS = 320;
/** While a search goes on its line is drawn anew this often. */
const LINE_INTERVAL_MS = 400;

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
    const { expression, at } = this.watched;
    try {
      const question = { kind: "series" as const, expression, ...(at === undefined ? {} : { at }) };
      const started = await this.session.request("hindcast/search", { question });
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
    this.search = search;
    this.status = search.cancelled ? "cancelled" : search.done ? "done" : "searching";
    this.problem = search.problem;
    this.changed();
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
    if (this.search !== undefined) this.ask("hindcast/cancelSearch", { id: this.search.id });
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
    if (this.search !== undefined && !this.session.ended) this.ask("hindcast/closeSearch", { id: this.search.id });
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
    const { expression, at } = this.watched;
    const complete = this.status === "done";
    return {
      key: this.key,
      expression,
      ...(at === undefined ? {} : { at }),
      status: this.status,
      fraction: search?.fraction ?? 0,
      ...(this.value === undefined ? {} : { value: this.value }),
      ...(around.at === undefined || at !== undefined || this.isBeginning(around.at)
        ? {}
        : { becomes: around.at.text }),
      // The first row is the value at the beginning, which nothing changed.
      changes: complete ? Math.max(0, (search?.rows ?? 0) - 1) : (search?.rows ?? 0),
      exact: complete && search?.sampled !== true,
      sampled: search?.sampled === true,
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

  private fail(error: unknown): void {
    this.status = "failed";
    this.problem = error instanceof Error ? error.message : String(error);
  }

  private ask(name: "hindcast/cancelSearch" | "hindcast/closeSearch", args: { id: number }): void {
    this.session.request(name, args).then(undefined, () => {});
  }
}

/** The watched expressions of one session. They are kept for the next session of the same launch configuration. */
export class SessionWatches {
  readonly session: Session;
  private watches: Watch[];
  private readonly store: vscode.Memento;
  private readonly changed: () => void;
  private nextKey = 1;
  /** Somebody looks: nothing is searched for nobody. */
  private wanted = false;
  private stoodAt: { readonly instant: number; readonly end: number } | undefined;
  /** Series that nobody of ours is known to have started: the answer to a start may come behind its first news. */
  private readonly early = new Map<number, SearchBody>();

  constructor(session: Session, store: vscode.Memento, changed: () => void) {
    this.session = session;
    this.store = store;
    this.changed = changed;
    const texts = store.get<readonly string[]>(this.storeKey, []);
    this.watches = texts.flatMap((text) => this.watchOf(text) ?? []);
  }

  get all(): readonly Watch[] {
    return this.watches;
  }

  byKey(key: number): Watch | undefined {
    return this.watches.find((watch) => watch.key === key);
  }

  get position(): WatchPosition | undefined {
    const { status } = this.session;
    const first = this.watches.find(({ search }) => search !== undefined)?.search?.from ?? 0;
    return status && { first, now: status.instant, end: status.end, running: status.running };
  }

  get restored(): number {
    return this.watches.reduce((sum, { search }) => sum + (search?.restored ?? 0), 0);
  }

  want(): void {
    this.wanted = true;
    this.startWaiting();
  }

  /** Adds an expression, unless it is there; its watch. */
  add(watched: Watched): Watch | undefined {
    const text = watchedText(watched);
    const known = this.watches.find((watch) => watchedText(watch.watched) === text);
    if (known !== undefined) return known;
    const watch = this.watchOf(text);
    if (watch === undefined) return undefined;
    this.watches.push(watch);
    this.save();
    this.startWaiting();
    return watch;
  }

  /** An empty text removes the expression. */
  edit(key: number, text: string): void {
    const index = this.watches.findIndex((watch) => watch.key === key);
    if (index < 0 || watchedText(this.watches[index].watched) === text.trim()) return;
    const watch = this.watchOf(text);
    this.watches[index].dispose();
    this.watches.splice(index, 1, ...(watch === undefined ? [] : [watch]));
    this.save();
    this.startWaiting();
  }

  remove(key: number): void {
    this.edit(key, "");
  }

  clear(): void {
    for (const watch of this.watches) watch.dispose();
    this.watches = [];
    this.save();
  }

  restart(key: number): void {
    const index = this.watches.findIndex((watch) => watch.key === key);
    if (index < 0) return;
    const old = this.watches[index];
    this.watches[index] = new Watch(old.key, old.watched, this.session, this.changed);
    old.dispose();
    this.startWaiting();
  }

  /** The machine stands, or runs. */
  follow(status: StatusBody): void {
    this.changed();
    if (status.running) {
      this.stoodAt = undefined;
      return;
    }
    this.startWaiting();
    const { instant, end } = status;
    if (this.stoodAt?.instant === instant && this.stoodAt.end === end) return;
    this.stoodAt = { instant, end };
    for (const watch of this.watches) void watch.moved(status);
  }

  heard(search: SearchBody): void {
    if (search.question.kind !== "series") return;
    const watch = this.watches.find((each) => each.search?.id === search.id);
    if (watch === undefined) this.early.set(search.id, search);
    else watch.heard(search);
  }

  /** Something was edited where the machine stands. */
  edited(): void {
    if (this.session.status?.running === false) for (const watch of this.watches) void watch.moved(this.session.status);
  }

  /** The debuggee begins anew, and counts its searches anew. */
  restarted(): void {
    this.early.clear();
    this.stoodAt = undefined;
    for (const watch of this.watches) watch.forget();
  }

  dispose(): void {
    for (const watch of this.watches) watch.dispose();
  }

  private startWaiting(): void {
    const { status } = this.session;
    if (!this.wanted || status === undefined || status.running) return;
    for (const watch of this.watches) void watch.start(this.early);
  }

  private watchOf(text: string): Watch | undefined {
    const watched = parseWatched(text);
    return watched && new Watch(this.nextKey++, watched, this.session, this.changed);
  }

  private get storeKey(): string {
    const { configuration, workspaceFolder } = this.session.debugSession;
    return `hindcast.watches:${workspaceFolder?.uri.toString() ?? ""}:${configuration.name}`;
  }

  private save(): void {
    void this.store.update(
      this.storeKey,
      this.watches.map((watch) => watchedText(watch.watched)),
    );
    this.changed();
  }
}

function reachOf({ id, from, to, searchedFrom, rows }: SearchBody): NonNullable<WatchRow["search"]> {
  return { id, from, to, searchedFrom, rows };
}

/** A row of an answer as pages show it. */
export function changeOf({ instant, text, number, symbol, source, problem }: RowBody): Change {
  const line = source === undefined ? "" : ` (${source.path.replace(/^.*[\\/]/, "")}:${source.line})`;
  return {
    instant,
    text,
    ...(number === undefined ? {} : { number }),
    place: `${symbol}${line}`,
    ...(problem === undefined ? {} : { problem }),
  };
}
