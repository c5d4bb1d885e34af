import * as vscode from "vscode";
import type { FromLockstep, ToLockstep } from "../webview/messages.ts";
import { reporting } from "./failures.ts";
import { openSource } from "./open-source.ts";
import { PageView, refusal } from "./page-view.ts";
import type { Session, Sessions } from "./session.ts";

type Question = Extract<FromLockstep, { request: number }>;

/** The Lockstep view: shows the pair of the session that is looked at, and answers what its page asks from the adapter. */
export class LockstepView extends PageView<ToLockstep, FromLockstep> {
  private readonly sessions: Sessions;

  constructor(extensionUri: vscode.Uri, sessions: Sessions) {
    super(extensionUri, "lockstep", "Lockstep");
    this.sessions = sessions;
    this.subscriptions.push(
      sessions.onActivated(() => this.showSession()),
      sessions.onPair(({ session }) => {
        if (session === sessions.active) this.showSession();
      }),
      // A session of one machine never says that it is one: its first status does.
      sessions.onStatus(({ session }) => {
        if (session === sessions.active && session.pair === undefined) this.showSession();
      }),
    );
  }

  private showSession(): void {
    const session = this.sessions.active;
    if (session === undefined) this.send({ type: "idle" });
    else if (session.pair !== undefined) this.send({ type: "pair", state: session.pair });
    else if (session.status === undefined) this.send({ type: "starting", title: session.title });
    else this.send({ type: "alone", title: session.title });
  }

  protected override receive(message: FromLockstep): unknown {
    const session = this.sessions.active;
    switch (message.type) {
      case "ready":
        return this.showSession();
      case "command":
        return vscode.commands.executeCommand(message.command);
      case "openSource":
        return reporting(() => openSource(message.source));
    }
    if (session === undefined) return undefined;
    switch (message.type) {
      case "travel":
        return reporting(() => session.travel(message.instant));
      case "go":
        return reporting(() => {
          session.noteReturn();
          return session.request("hindcast/lockstep/go", message.place);
        });
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

async function reply(session: Session, question: Question): Promise<ToLockstep> {
  const { request } = question;
  switch (question.type) {
    case "askLog": {
      const { from, count, filter } = question;
      return { type: "log", request, ...(await session.request("hindcast/lockstep/log", { from, count, filter })) };
    }
    case "find": {
      session.noteReturn();
      const { divergence } = question;
      const which = divergence === undefined ? {} : { divergence };
      return { type: "finding", request, finding: await session.request("hindcast/lockstep/findDivergence", which) };
    }
    case "compare":
      return { type: "comparison", request, comparison: await session.request("hindcast/lockstep/compare", {}) };
  }
}
