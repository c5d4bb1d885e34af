import * as vscode from "vscode";
import type { SearchBody, StatusBody } from "../adapter/custom-protocol.ts";
import type { WatchPosition } from "../webview/messages.ts";
import type { Session, Sessions } from "./session.ts";
import { Watch } from "./watch.ts";
import { parseWatched, type Watched, watchedText } from "./watch-text.ts";

/** What changes within this time is told to the pages at once. */
const TELL_MS = 40;

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

/** The expressions that are watched over time, for every session; and who wants to hear of them. */
export class Watches implements vscode.Disposable {
  private readonly sessions: Sessions;
  private readonly store: vscode.Memento;
  private readonly bySession = new Map<Session, SessionWatches>();
  private readonly subscriptions: vscode.Disposable[];
  private readonly changes = new vscode.EventEmitter<void>();
  /** Something of what pages show is other than it was; told a little later, together with what else changes. */
  readonly onChanged = this.changes.event;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(sessions: Sessions, store: vscode.Memento) {
    this.sessions = sessions;
    this.store = store;
    this.subscriptions = [
      this.changes,
      sessions.onActivated(() => this.changed()),
      sessions.onEnded((session) => {
        this.bySession.get(session)?.dispose();
        this.bySession.delete(session);
        this.changed();
      }),
      sessions.onStatus(({ session, body }) => this.of(session).follow(body)),
      sessions.onSearch(({ session, body }) => this.of(session).heard(body)),
      sessions.onTimelineChanged(({ session }) => this.of(session).edited()),
      sessions.onRestarted((session) => this.of(session).restarted()),
    ];
  }

  /** Of the session that the views show. */
  get active(): SessionWatches | undefined {
    const session = this.sessions.active;
    return session && this.of(session);
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private of(session: Session): SessionWatches {
    let watches = this.bySession.get(session);
    if (watches === undefined) {
      watches = new SessionWatches(session, this.store, () => this.changed());
      this.bySession.set(session, watches);
    }
    return watches;
  }

  private changed(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.changes.fire();
    }, TELL_MS);
  }
}
