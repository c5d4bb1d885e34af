import * as vscode from "vscode";
import type { FromTimeline, ToTimeline } from "../webview/messages.ts";
import { reporting } from "./failures.ts";
import { foundMarks } from "./found-marks.ts";
import type { Milestones } from "./milestones.ts";
import { PageView } from "./page-view.ts";
import type { SearchList } from "./search-list.ts";
import type { Session, Sessions } from "./session.ts";
import { waitStory } from "./wait-story.ts";

/** As often as the adapter says that marks came or went. */
const CHANGED_MS = 500;

/** The Timeline: answers what its page asks from the adapter, and tells it where the machine stands. */
export class TimelineView extends PageView<ToTimeline, FromTimeline> {
  private readonly sessions: Sessions;
  private readonly milestones: Milestones;
  private readonly searches: SearchList;
  /** What only an answer of the adapter tells, and status events do not. */
  private reach: { readonly session: Session; readonly first: number; readonly live: boolean } | undefined;

  /** A search that goes on finds faster than marks need be drawn. */
  private changed: ReturnType<typeof setTimeout> | undefined;

  constructor(extensionUri: vscode.Uri, sessions: Sessions, milestones: Milestones, searches: SearchList) {
    super(extensionUri, "timeline", "Timeline");
    this.sessions = sessions;
    this.milestones = milestones;
    this.searches = searches;
    this.subscriptions.push(
      sessions.onActivated(() => this.showSession()),
      sessions.onStatus(({ session }) => {
        if (session === sessions.active) this.showPosition(session);
      }),
      sessions.onBranch(({ session }) => {
        this.reach = undefined;
        if (session === sessions.active) this.showPosition(session);
      }),
      sessions.onTimelineChanged(({ session }) => {
        if (session === sessions.active) this.send({ type: "changed" });
      }),
      searches.onChanged(({ session, entry }) => {
        const concerns = entry === undefined || entry.id === searches.selected(session)?.id;
        if (session !== sessions.active || !concerns) return;
        this.changed ??= setTimeout(() => {
          this.changed = undefined;
          this.send({ type: "changed" });
        }, CHANGED_MS);
      }),
    );
  }

  override dispose(): void {
    clearTimeout(this.changed);
    super.dispose();
  }

  protected override receive(message: FromTimeline): Thenable<unknown> | undefined {
    const session = this.sessions.active;
    switch (message.type) {
      case "ready":
        return this.showSession();
      case "askMarks":
        return session && this.answer(session, message);
      case "travel":
        this.milestones.reached("timelineTravel");
        return session && reporting(() => session.travel(message.instant));
      case "askWait":
        return session && this.tellWait(session, message.instant);
      case "renameBookmark":
      case "removeBookmark":
        return vscode.commands.executeCommand(`hindcast.${message.type}`, message);
      case "command":
        return vscode.commands.executeCommand(message.command);
    }
  }

  private async answer(session: Session, question: Extract<FromTimeline, { type: "askMarks" }>): Promise<void> {
    const { request, from, to, most } = question;
    try {
      const { first, live, marks, total } = await session.request("hindcast/timeline", { from, to, most });
      const entry = this.searches.selected(session);
      const found = entry === undefined ? [] : await foundMarks(session, entry, from, to);
      if (session !== this.sessions.active) return;
      this.reach = { session, first, live };
      this.showPosition(session);
      const all = [...marks, ...found].sort((one, other) => one.instant - other.instant);
      this.send({ type: "marks", request, from, to, marks: all, total: total + found.length });
    } catch {
      // The session is starting or ending, or busy with a search: its next change makes the page ask again.
    }
  }

  /** Who waited, and who ran meanwhile: a search of one wait, which nobody sees as such. */
  private async tellWait(session: Session, instant: number): Promise<void> {
    try {
      const text = await waitStory(this.sessions, session, instant);
      if (text !== undefined && session === this.sessions.active) this.send({ type: "wait", instant, text });
    } catch {
      // The session is ending, or is looking at another run.
    }
  }

  private async showSession(): Promise<void> {
    const session = this.sessions.active;
    this.send(session === undefined ? { type: "idle" } : { type: "starting", title: session.title });
    if (session?.status !== undefined) this.showPosition(session);
  }

  private showPosition(session: Session): void {
    const { status } = session;
    if (status === undefined) return;
    const known = this.reach?.session === session ? this.reach : undefined;
    const { instant: now, end, running } = status;
    // Until the first answer a run counts as live, which most sessions are.
    const { branch } = session;
    const position = {
      ...{ first: known?.first ?? 0, now, end, live: known?.live ?? true, running },
      ...(branch !== undefined && { branch: { origin: branch.origin, label: branch.label } }),
    };
    this.send({ type: "position", position });
  }
}
