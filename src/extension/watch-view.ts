import * as vscode from "vscode";
import type { FromWatches, ToWatches } from "../webview/messages.ts";
import { reporting } from "./failures.ts";
import { WATCH_VIEW } from "./names.ts";
import { PageView } from "./page-view.ts";
import type { Watch } from "./watch.ts";
import { parseWatched, type Watched } from "./watch-text.ts";
import type { Watches } from "./watches.ts";

/** The view beside VS Code's Watch: expressions with their values over the whole recording. */
export class WatchView extends PageView<ToWatches, FromWatches> {
  private readonly watches: Watches;
  private readonly plot: (watch: Watch) => void;
  /** What the page is to do as soon as it is there. */
  private pending: ToWatches | undefined;

  /** @param plot opens an expression large. */
  constructor(extensionUri: vscode.Uri, watches: Watches, plot: (watch: Watch) => void) {
    super(extensionUri, "watches", "Watch over Time");
    this.watches = watches;
    this.plot = plot;
    this.subscriptions.push(watches.onChanged(() => this.show()));
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

  protected override receive(message: FromWatches): unknown {
    return reporting(() => this.take(message));
  }

  protected override visibilityChanged(): void {
    this.show();
  }

  private async take(message: FromWatches): Promise<void> {
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
      case "step":
        await watches?.step(message.key, message.direction);
        return;
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
}
