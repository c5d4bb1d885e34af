import * as vscode from "vscode";
import type { FromMachine, ToMachine } from "../webview/messages.ts";
import { page, webviewOptions } from "./page.ts";
import type { Session, Sessions } from "./session.ts";

/** The Machine view: answers what its page asks from the adapter, and shows the machine anew wherever it stops. */
export class MachineView implements vscode.WebviewViewProvider, vscode.Disposable {
  private readonly extensionUri: vscode.Uri;
  private readonly sessions: Sessions;
  private readonly subscriptions: vscode.Disposable[];
  private view: vscode.WebviewView | undefined;
  /** What the page shows: a stop is shown once, and not while nobody looks. */
  private shown: { readonly session: Session; readonly instant: number } | undefined;
  private running = false;
  /** It ran and may have come back to where it was: what is shown is dimmed until it is shown again. */
  private wasRunning = false;

  constructor(extensionUri: vscode.Uri, sessions: Sessions) {
    this.extensionUri = extensionUri;
    this.sessions = sessions;
    this.subscriptions = [
      sessions.onActivated(() => this.showSession()),
      sessions.onStatus(({ session, body }) => {
        if (session === sessions.active) this.follow(session, body.running, body.instant);
      }),
      // An edit changes the state where the machine stands.
      sessions.onTimelineChanged(({ session }) => {
        if (session === sessions.active && !this.running) void this.refresh(session);
      }),
    ];
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    view.webview.options = webviewOptions(this.extensionUri);
    view.webview.onDidReceiveMessage((message: FromMachine) => this.receive(message));
    view.onDidChangeVisibility(() => {
      const session = this.sessions.active;
      if (view.visible && session !== undefined && !this.running) void this.refresh(session);
    });
    view.onDidDispose(() => {
      this.view = undefined;
    });
    view.webview.html = page(view.webview, this.extensionUri, "machine", "Machine");
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private send(message: ToMachine): void {
    void this.view?.webview.postMessage(message);
  }

  private follow(session: Session, running: boolean, instant: number): void {
    this.running = running;
    if (running) this.send({ type: "running" });
    else if (this.shown?.session !== session || this.shown.instant !== instant || this.wasRunning) {
      void this.refresh(session);
    }
    this.wasRunning = running;
  }

  private showSession(): void {
    const session = this.sessions.active;
    this.shown = undefined;
    this.running = session?.status?.running ?? false;
    this.send(session === undefined ? { type: "idle" } : { type: "starting", title: session.title });
    if (session?.status !== undefined && !this.running) void this.refresh(session);
  }

  private async refresh(session: Session): Promise<void> {
    if (this.view?.visible !== true) return;
    try {
      const overview = await session.request("hindcast/machine", {});
      if (session !== this.sessions.active) return;
      this.shown = { session, instant: overview.instant };
      this.send({ type: "overview", overview });
    } catch {
      // The session is starting or ending: its next stop is shown.
    }
  }

  private receive(message: FromMachine): Thenable<unknown> | undefined {
    switch (message.type) {
      case "ready":
        this.showSession();
        return undefined;
      case "command":
        return vscode.commands.executeCommand(message.command);
      default:
        return this.answer(message);
    }
  }

  private async answer(question: Exclude<FromMachine, { type: "ready" | "command" }>): Promise<void> {
    const session = this.sessions.active;
    if (session === undefined) return;
    const { request } = question;
    try {
      this.send(await reply(session, question));
    } catch (error) {
      this.send({ type: "refused", request, message: error instanceof Error ? error.message : String(error) });
    }
  }
}

async function reply(
  session: Session,
  question: Exclude<FromMachine, { type: "ready" | "command" }>,
): Promise<ToMachine> {
  const { request } = question;
  switch (question.type) {
    case "askCsrs": {
      const { hart } = question;
      return { type: "csrs", request, hart, csrs: await session.request("hindcast/csrs", { hart }) };
    }
    case "askTranslation": {
      const { hart, address } = question;
      const translation = await session.request("hindcast/translate", { hart, address });
      return { type: "translation", request, translation };
    }
    case "askTable": {
      const { satp, table, level, base } = question;
      const place = {
        ...(table !== undefined && { table }),
        ...(level !== undefined && { level }),
        ...(base !== undefined && { base }),
      };
      return { type: "table", request, table: await session.request("hindcast/pageTable", { satp, ...place }) };
    }
  }
}
