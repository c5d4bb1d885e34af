import * as vscode from "vscode";
import type { FromMachine, ToMachine } from "../webview/messages.ts";
import { PageView, refusal } from "./page-view.ts";
import type { Session, Sessions } from "./session.ts";

/** The Machine view: answers what its page asks from the adapter, and shows the machine anew wherever it stops. */
export class MachineView extends PageView<ToMachine, FromMachine> {
  private readonly sessions: Sessions;
  /** What the page shows: a stop is shown once, and not while nobody looks. */
  private shown: { readonly session: Session; readonly instant: number } | undefined;
  private running = false;
  /** It ran and may have come back to where it was: what is shown is dimmed until it is shown again. */
  private wasRunning = false;

  constructor(extensionUri: vscode.Uri, sessions: Sessions) {
    super(extensionUri, "machine", "Machine");
    this.sessions = sessions;
    this.subscriptions.push(
      sessions.onActivated(() => this.showSession()),
      sessions.onStatus(({ session, body }) => {
        if (session === sessions.active) this.follow(session, body.running, body.instant);
      }),
      // An edit changes the state where the machine stands.
      sessions.onTimelineChanged(({ session }) => {
        if (session === sessions.active && !this.running) void this.refresh(session);
      }),
    );
  }

  protected override visibilityChanged(): void {
    const session = this.sessions.active;
    if (this.view?.visible === true && session !== undefined && !this.running) void this.refresh(session);
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

  protected override receive(message: FromMachine): Thenable<unknown> | undefined {
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
      this.send(refusal(request, error));
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
