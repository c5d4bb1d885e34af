import * as vscode from "vscode";
import type { FromSearches, ToSearches } from "../webview/messages.ts";
import { reporting } from "./failures.ts";
import { SEARCHES_VIEW } from "./names.ts";
import { openSource } from "./open-source.ts";
import { PageView, refusal } from "./page-view.ts";
import type { SearchList } from "./search-list.ts";
import type { Session, Sessions } from "./session.ts";

type Question = Extract<FromSearches, { type: "askRows" | "askOrigin" }>;

/** The Searches view: shows what was asked of the past, and answers what its page asks from the adapter. */
export class SearchesView extends PageView<ToSearches, FromSearches> {
  private readonly sessions: Sessions;
  private readonly list: SearchList;

  constructor(extensionUri: vscode.Uri, sessions: Sessions, list: SearchList) {
    super(extensionUri, "searches", "Searches");
    this.sessions = sessions;
    this.list = list;
    this.subscriptions.push(
      sessions.onActivated(() => this.showSession()),
      sessions.onStatus(({ session }) => {
        if (session === sessions.active) this.showPosition(session);
      }),
      list.onChanged(({ session, entry }) => {
        if (session !== sessions.active) return;
        if (entry === undefined) this.showList(session);
        else this.send({ type: "changed", entry });
      }),
      list.onAsked(() => vscode.commands.executeCommand(`${SEARCHES_VIEW}.focus`)),
    );
  }

  private showSession(): void {
    const session = this.sessions.active;
    if (session === undefined) this.send({ type: "idle" });
    else if (session.status === undefined) this.send({ type: "starting", title: session.title });
    else this.showList(session);
  }

  private showList(session: Session): void {
    this.showPosition(session);
    this.send({
      type: "list",
      entries: this.list.entries(session),
      selected: this.list.selected(session)?.id,
    });
  }

  private shown: Session | undefined;

  private showPosition(session: Session): void {
    const { status } = session;
    if (status === undefined) return;
    this.send({ type: "position", now: status.instant, end: status.end });
    // The first status of a session says that it has begun.
    if (this.shown === session) return;
    this.shown = session;
    this.showList(session);
  }

  protected override receive(message: FromSearches): unknown {
    const session = this.sessions.active;
    switch (message.type) {
      case "ready":
        this.shown = undefined;
        return this.showSession();
      case "command":
        return vscode.commands.executeCommand(message.command);
      case "openSource":
        return reporting(() => openSource(message.source));
    }
    if (session === undefined) return undefined;
    switch (message.type) {
      case "select":
        return this.list.select(session, message.id);
      case "travel":
        return reporting(() => session.travel(message.instant));
      case "cancel":
        return reporting(() => session.request("hindcast/cancelSearch", { id: message.id }));
      case "close":
        return reporting(() => this.list.close(session, message.id));
      case "extend":
        return reporting(() => this.list.extend(session, message.id));
      default:
        return this.answer(session, message);
    }
  }

  private async answer(session: Session, question: Question): Promise<void> {
    try {
      this.send(await reply(session, question));
    } catch (error) {
      this.send(refusal(question.request, error));
    }
  }
}

async function reply(session: Session, question: Question): Promise<ToSearches> {
  const { request } = question;
  if (question.type === "askOrigin") {
    return { type: "origin", request, origin: await session.request("hindcast/origin", question.ask) };
  }
  const { id, first, count } = question;
  const { rows } = await session.request("hindcast/searchRows", { id, first, count });
  return { type: "rows", request, rows };
}
