import * as vscode from "vscode";
import type { FromSearches, ToSearches } from "../webview/messages.ts";
import { reporting } from "./failures.ts";
import { SEARCHES_VIEW } from "./names.ts";
import { openSource } from "./open-source.ts";
import { page, webviewOptions } from "./page.ts";
import type { SearchList } from "./search-list.ts";
import type { Session, Sessions } from "./session.ts";

type Question = Extract<FromSearches, { type: "askRows" | "askOrigin" }>;

/** The Searches view: shows what was asked of the past, and answers what its page asks from the adapter. */
export class SearchesView implements vscode.WebviewViewProvider, vscode.Disposable {
  private readonly extensionUri: vscode.Uri;
  private readonly sessions: Sessions;
  private readonly list: SearchList;
  private readonly subscriptions: vscode.Disposable[];
  private view: vscode.WebviewView | undefined;

  constructor(extensionUri: vscode.Uri, sessions: Sessions, list: SearchList) {
    this.extensionUri = extensionUri;
    this.sessions = sessions;
    this.list = list;
    this.subscriptions = [
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
    ];
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    view.webview.options = webviewOptions(this.extensionUri);
    view.webview.onDidReceiveMessage((message: FromSearches) => this.receive(message));
    view.onDidDispose(() => {
      this.view = undefined;
    });
    view.webview.html = page(view.webview, this.extensionUri, "searches", "Searches");
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private send(message: ToSearches): void {
    void this.view?.webview.postMessage(message);
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

  private receive(message: FromSearches): unknown {
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
      const message = error instanceof Error ? error.message : String(error);
      this.send({ type: "refused", request: question.request, message });
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
