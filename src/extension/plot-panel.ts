import * as vscode from "vscode";
import type { FromPlot, Stretch, ToPlot, WatchRow } from "../webview/messages.ts";
import { reporting } from "./failures.ts";
import { page, webviewOptions } from "./page.ts";
import type { SessionWatches } from "./session-watches.ts";
import { changeOf, type Watch } from "./watch.ts";
import { exportChanges } from "./watch-export.ts";
import { watchedText } from "./watch-text.ts";
import type { Watches } from "./watches.ts";

const VIEW_TYPE = "hindcast.plot";
/** A stretch with no more changes than this is shown with each of them, as rows are asked for at once. */
const MOST_EXACT = 400;
/** Rows are found by going through the stretch again: of a longer one the columns, which are known, are shown. */
const MOST_EXACT_STEPS = 2_000_000;

const NO_SESSION = "The session is over. Start debugging again to plot expressions over its run.";
const NOTHING = "Nothing is plotted. Choose “Plot it large” at an expression in Watch over Time.";

/** Expressions large, in an editor of their own: the page asks for what is in view. */
export class PlotPanel implements vscode.Disposable {
  private readonly extensionUri: vscode.Uri;
  private readonly watches: Watches;
  private readonly subscription: vscode.Disposable;
  private panel: vscode.WebviewPanel | undefined;
  /** What is plotted, by its text: a session that is started again has other keys. */
  private texts: string[] = [];

  constructor(extensionUri: vscode.Uri, watches: Watches) {
    this.extensionUri = extensionUri;
    this.watches = watches;
    this.subscription = watches.onChanged(() => this.show());
  }

  dispose(): void {
    this.subscription.dispose();
    this.panel?.dispose();
  }

  /** Adds expressions to what is plotted, and brings the plot up. */
  open(watches: readonly Watch[]): void {
    const added = watches.map(({ watched }) => watchedText(watched)).filter((text) => !this.texts.includes(text));
    this.texts.push(...added);
    if (this.panel === undefined) this.create();
    else {
      this.panel.reveal();
      this.show();
    }
  }

  private create(): void {
    // The page keeps its place on the axis while another editor is before it.
    const options = { ...webviewOptions(this.extensionUri), retainContextWhenHidden: true };
    // Beside the source: a click in the plot travels, and both are to be seen then.
    const panel = vscode.window.createWebviewPanel(VIEW_TYPE, "Watch over Time", vscode.ViewColumn.Beside, options);
    panel.iconPath = vscode.Uri.joinPath(this.extensionUri, "media", "watches.svg");
    panel.webview.onDidReceiveMessage((message: FromPlot) => reporting(() => this.receive(message)));
    panel.onDidChangeViewState(() => this.show());
    panel.onDidDispose(() => {
      this.panel = undefined;
      this.texts = [];
    });
    panel.webview.html = page(panel.webview, this.extensionUri, "plot", "Watch over Time");
    this.panel = panel;
    void keepInPlace(panel);
  }

  private plotted(active: SessionWatches): Watch[] {
    return this.texts.flatMap((text) => active.all.find(({ watched }) => watchedText(watched) === text) ?? []);
  }

  private show(): void {
    if (!this.panel?.visible) return;
    const { active } = this.watches;
    const position = active?.position;
    if (active === undefined || position === undefined) return this.send({ type: "idle", text: NO_SESSION });
    active.want();
    const rows = this.plotted(active).map(withoutLine);
    if (rows.length === 0) return this.send({ type: "idle", text: NOTHING });
    this.panel.title = rows.length === 1 ? rows[0].expression : "Watch over Time";
    this.send({ type: "plot", position, rows, restored: active.restored });
  }

  private async receive(message: FromPlot): Promise<void> {
    const { active } = this.watches;
    if (message.type === "ready") this.show();
    if (active === undefined) return;
    switch (message.type) {
      case "askStretch":
        return this.answerStretch(active, message);
      case "askChanges":
        return this.answerChanges(active, message);
      case "askPlace":
        return this.answerPlace(active, message);
      case "travel":
        return active.session.travel(message.instant);
      case "step":
        return active.step(message.key, message.direction);
      case "remove": {
        const removed = active.byKey(message.key);
        this.texts = this.texts.filter((text) => removed === undefined || text !== watchedText(removed.watched));
        return this.show();
      }
      case "export":
        return exportChanges(active.session, this.plotted(active));
    }
  }

  private async answerStretch(active: SessionWatches, asked: Extract<FromPlot, { type: "askStretch" }>): Promise<void> {
    const { request, key, most } = asked;
    const search = active.byKey(key)?.search;
    if (search === undefined) return;
    // Only what has been searched is known.
    const from = Math.max(asked.from, search.searchedFrom);
    const to = Math.max(from, Math.min(asked.to, search.to));
    const stretch = await unlessGone(() => stretchOf(active, search.id, from, to, search.to, most));
    if (stretch !== undefined) this.send({ type: "stretch", request, key, from, to, stretch });
  }

  private async answerChanges(active: SessionWatches, asked: Extract<FromPlot, { type: "askChanges" }>): Promise<void> {
    const { search, first, count } = asked;
    const rows = await unlessGone(() => active.session.request("hindcast/searchRows", { id: search, first, count }));
    this.send({ type: "changes", search, first, ...(rows === undefined ? {} : { changes: rows.rows.map(changeOf) }) });
  }

  private async answerPlace(active: SessionWatches, asked: Extract<FromPlot, { type: "askPlace" }>): Promise<void> {
    const { request, key, instant, which } = asked;
    const search = active.byKey(key)?.search;
    if (search === undefined) return;
    const { id, to } = search;
    await unlessGone(async () => {
      const around = await active.session.request("hindcast/rowsAround", { id, instant });
      const row = which === "next" ? around.after : which === "previous" ? around.before : (around.at ?? around.before);
      if (row === undefined) return;
      const end = Math.max(to, row.instant) + 1;
      const { rows: index } = await active.session.request("hindcast/countRows", {
        id,
        from: row.instant + 1,
        to: end,
      });
      const change = which === "holding" ? {} : { change: changeOf(row) };
      this.send({ type: "place", request, key, index, ...change });
    });
  }

  private send(message: ToPlot): void {
    void this.panel?.webview.postMessage(message);
  }
}

/** A group of its own is locked: where the machine stops, VS Code would show the source before the plot otherwise. */
async function keepInPlace(panel: vscode.WebviewPanel): Promise<void> {
  const { activeTabGroup } = vscode.window.tabGroups;
  const alone = activeTabGroup.tabs.length <= 1 && activeTabGroup.viewColumn === panel.viewColumn;
  if (panel.active && alone && panel.viewColumn !== vscode.ViewColumn.One) {
    await vscode.commands.executeCommand("workbench.action.lockEditorGroup");
  }
}

/** All changes in a stretch where there are few; columns otherwise. */
async function stretchOf(
  { session }: SessionWatches,
  id: number,
  from: number,
  to: number,
  end: number,
  most: number,
): Promise<Stretch> {
  const { rows } = await session.request("hindcast/countRows", { id, from, to });
  if (rows > MOST_EXACT || to - from > MOST_EXACT_STEPS) {
    const { buckets: columns } = await session.request("hindcast/seriesBuckets", { id, from, to, most });
    return { kind: "columns", columns };
  }
  const behind = end >= to ? await session.request("hindcast/countRows", { id, from: to, to: end + 1 }) : { rows: 0 };
  // One more: the value that the stretch begins with.
  const found = await session.request("hindcast/searchRows", { id, first: behind.rows, count: rows + 1 });
  return { kind: "changes", changes: found.rows.map(changeOf).reverse() };
}

function withoutLine(watch: Watch): WatchRow {
  const { line: _, ...row } = watch.row();
  return row;
}

/** What is asked of a search that has just been closed, or of a session that ends, has no answer; the next state asks again. */
async function unlessGone<T>(question: () => PromiseLike<T>): Promise<T | undefined> {
  try {
    return await question();
  } catch {
    return undefined;
  }
}
