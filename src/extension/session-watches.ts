import type * as vscode from "vscode";
import type { SearchBody, StatusBody } from "../adapter/custom-protocol.ts";
import type { WatchPosition } from "../webview/messages.ts";
import type { Session } from "./session.ts";
import { Watch } from "./watch.ts";
import { parseWatched, type Watched, watchedText } from "./watch-text.ts";

/** Searches of which more is known than that they were started, and not by whom. */
const MOST_EARLY = 50;

/** The watched expressions of one session. They are kept for the next session of the same launch configuration. */
export class SessionWatches {
  readonly session: Session;
  private watches: Watch[];
  private readonly store: vscode.Memento;
  private readonly changed: () => void;
  private nextKey = 1;
  /** Somebody looks: nothing is searched for nobody. */
  private wanted = false;
  /** The what-if branch that is looked at; 0: the recording. */
  private branch = 0;
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

  /** Travels to the previous or the next change of an expression, where one is known. */
  async step(key: number, direction: "previous" | "next"): Promise<void> {
    const instant = await this.byKey(key)?.changeBeside(direction);
    if (instant !== undefined) await this.session.travel(instant);
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
    const wanted = parseWatched(text);
    const twin = this.watches.some(
      ({ watched }) => wanted !== undefined && watchedText(watched) === watchedText(wanted),
    );
    const watch = twin ? undefined : this.watchOf(text);
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
    const branch = status.branch?.id ?? 0;
    if (branch !== this.branch) {
      // Another run is looked at: what was found is not so there.
      this.branch = branch;
      this.stoodAt = undefined;
      for (const { key } of this.watches) this.restart(key);
    }
    if (status.running) {
      this.stoodAt = undefined;
      return;
    }
    this.startWaiting();
    const { instant, end } = status;
    if (this.stoodAt?.instant === instant && this.stoodAt.end === end) return;
    this.stoodAt = { instant, end };
    for (const watch of this.watches) {
      if (watch.isTooFine(end)) this.restart(watch.key);
      else void watch.moved(status);
    }
  }

  heard(search: SearchBody): void {
    if (search.question.kind !== "series") return;
    const watch = this.watches.find((each) => each.search?.id === search.id);
    if (watch !== undefined) return watch.heard(search);
    this.early.set(search.id, search);
    const [oldest] = this.early.keys();
    if (this.early.size > MOST_EARLY) this.early.delete(oldest);
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
    // Before the first step there is nothing to search.
    if (!this.wanted || status === undefined || status.running || status.end === 0) return;
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
