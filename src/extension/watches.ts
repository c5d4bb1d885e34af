import * as vscode from "vscode";
import type { Session, Sessions } from "./session.ts";
import { SessionWatches } from "./session-watches.ts";

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
      sessions.onEdited((session) => this.of(session).edited()),
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
