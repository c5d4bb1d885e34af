import * as vscode from "vscode";
import type { FromWatches, ToWatches } from "../webview/messages.ts";
import { reporting } from "./failures.ts";
import { WATCH_VIEW } from "./names.ts";
import { page, webviewOptions } from "./page.ts";
import type { Session, Sessions } from "./session.ts";
import { parseWatched, type Watched } from "./watch-text.ts";
import { SessionWatches, type Watch } from "./watches.ts";

/** What changes within this time is told to the pages at once. */
const TELL_MS = 40;

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

/** The view beside VS Code's Watch: expressions with their values over the whole recording. */
export class WatchView implements vscode.WebviewViewProvider, vscode.Disposable {
  private readonly extensionUri: vscode.Uri;
  private readonly watches: Watches;
  private readonly plot: (watch: Watch) => void;
  private readonly subscription: vscode.Disposable;
  private view: vscode.WebviewView | undefined;
  /** What the page is to do as soon as it is there. */
  private pending: ToWatches | undefined;

  /** @param plot opens an expression large. */
  constructor(extensionUri: vscode.Uri, watches: Watches, plot: (watch: Watch) => void) {
    this.extensionUri = extensionUri;
    this.watches = watches;
    this.plot = plot;
    this.subscription = watches.onChanged(() => this.show());
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    view.webview.options = webviewOptions(this.extensionUri);
    view.webview.onDidReceiveMessage((message: FromWatches) => reporting(() => this.receive(message)));
    view.onDidChangeVisibility(() => this.show());
    view.onDidDispose(() => {
      this.view = undefined;
    });
    view.webview.html = page(view.webview, this.extensionUri, "watches", "Watch over Time");
  }

  dispose(): void {
    this.subscription.dispose();
  }

  /** Adds an expression that the user chose elsewhere, and brings the view up. */
  async add(watched: Watched): Promise<Watch | undefined> {
    await vscode.commands.executeCommand(`${WATCH_VIEW}.focus`);
    return this.watches.active?.add(watched);
  }

  /** Puts the cursor where a new expression is written. */
  async focusInput(): Promise<void> {
    this.pending = { type: "input" };
    await vscode.commands.executeCommand(`${WATCH_VIEW}.focus`);
    if (this.view?.visible) this.sendPending();
  }

  private async receive(message: FromWatches): Promise<void> {
    const watches = this.watches.active;
    switch (message.type) {
      case "ready":
        this.show();
        this.sendPending();
        return;
      case "travel":
        await watches?.session.travel(message.instant);
        return;
      case "add": {
        const watched = parseWatched(message.text);
        if (watched !== undefined) watches?.add(watched);
        return;
      }
      case "edit":
        watches?.edit(message.key, message.text);
        return;
      case "remove":
        watches?.remove(message.key);
        return;
      case "restart":
        watches?.restart(message.key);
        return;
      case "cancel":
        watches?.byKey(message.key)?.cancel();
        return;
      case "plot": {
        const watch = watches?.byKey(message.key);
        if (watch !== undefined) this.plot(watch);
        return;
      }
      case "step": {
        const instant = await watches?.byKey(message.key)?.changeBeside(message.direction);
        if (instant !== undefined) await watches?.session.travel(instant);
        return;
      }
    }
  }

  private sendPending(): void {
    if (this.pending !== undefined) this.send(this.pending);
    this.pending = undefined;
  }

  private show(): void {
    if (!this.view?.visible) return;
    const { active } = this.watches;
    const position = active?.position;
    if (active === undefined) this.send({ type: "idle" });
    else if (position === undefined) this.send({ type: "starting", title: active.session.title });
    else {
      active.want();
      const rows = active.all.map((watch) => watch.row());
      this.send({ type: "watches", position, rows, restored: active.restored });
    }
  }

  private send(message: ToWatches): void {
    void this.view?.webview.postMessage(message);
  }
}
