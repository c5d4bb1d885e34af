import * as vscode from "vscode";
import type { Session, Sessions } from "./session.ts";

/** Set while a machine of a pair is looked at: menus go by it. */
const IN_PAIR = "hindcast.lockstep";

/** Two machines in lockstep: their names in the Call Stack, and the commands that are about both. */
export class Lockstep implements vscode.Disposable {
  private readonly subscriptions: vscode.Disposable[];

  constructor(sessions: Sessions) {
    this.subscriptions = [
      sessions.onActivated((session) => show(session)),
      sessions.onPair(({ session, body }) => {
        const title = body.members.find(({ name }) => name === body.member)?.title;
        const { debugSession } = session;
        if (title !== undefined && debugSession.name !== title) debugSession.name = title;
        if (session === sessions.active) show(session);
      }),
    ];
    show(sessions.active);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  get commands(): Readonly<Record<string, (session: Session) => unknown>> {
    return {
      "hindcast.findDivergence": inPair(findDivergence),
      "hindcast.goToCorresponding": inPair((session) => correspond(session)),
    };
  }
}

function show(session: Session | undefined): void {
  void vscode.commands.executeCommand("setContext", IN_PAIR, session?.pair !== undefined);
}

function inPair(work: (session: Session) => unknown): (session: Session) => unknown {
  return (session) => {
    if (session.pair !== undefined) return work(session);
    void vscode.window.showInformationMessage(
      "This session debugs one machine. Launch a pair with “lockstep” in launch.json, or open the recording of one.",
    );
  };
}

/** What is found is told in the debug console, with links; both machines go there. */
async function findDivergence(session: Session): Promise<void> {
  session.noteReturn();
  await session.request("hindcast/lockstep/findDivergence", {});
  await vscode.commands.executeCommand("workbench.debug.action.focusRepl");
}

async function correspond(session: Session): Promise<void> {
  session.noteReturn();
  const { text } = await session.request("hindcast/lockstep/correspond", {});
  vscode.window.setStatusBarMessage(text, SHOWN_MS);
}

const SHOWN_MS = 10_000;
